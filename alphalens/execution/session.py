"""One account in one run: the whole trading path behind one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import RLock

from alphalens.assets.base import Asset
from alphalens.brokers.base import Broker
from alphalens.errors import InputError, TradingHalted
from alphalens.execution.assessment import Assessment, assess
from alphalens.execution.entries import alert_entry
from alphalens.execution.journal import Journal
from alphalens.execution.market import Permission
from alphalens.execution.planner import MIN_TRADE
from alphalens.execution.reconcile import Difference
from alphalens.execution.records import Mark, OrderRecord
from alphalens.execution.trader import Trader
from alphalens.execution.valuation import check_known, value_book
from alphalens.risk import Approval, BookView, RiskLimits, Standing, StateEvent, TradingState
from alphalens.trading.clock import Clock
from alphalens.trading.events import AlertEvent, EventKind
from alphalens.trading.ledger import Ledger
from alphalens.trading.orders import Fill, OrderIntent, OrderStatus
from alphalens.trading.targets import Structure, Target

__all__ = ["Assessment", "StartReport", "TradingSession"]

_DAY = timedelta(hours=24)
_GRACE = timedelta(seconds=5)
_HEARTBEAT = timedelta(seconds=30)
_PAPER = Permission()


@dataclass(frozen=True, slots=True, kw_only=True)
class StartReport:
    """What a start found.

    Attributes
    ----------
    is_resumed : bool
        True if the journal held an earlier run.
    resolved : tuple of OrderRecord
        Orders whose outcome was not known and is known now.
    differences : tuple of Difference
        Where ledger and venue disagree; trading is halted if there are any.
    """

    is_resumed: bool
    resolved: tuple[OrderRecord, ...]
    differences: tuple[Difference, ...]


class TradingSession:
    """The books of one account, and the only way to trade it.

    Everything that happens is a journal record first. Opened on an existing journal, the
    session is where the last one stopped: ledger, state, marks, approvals, the plan of an
    unfinished cycle. `start` then looks up orders without a known outcome before anything
    else is sent.

    Parameters
    ----------
    journal : Journal
        The record; verified here.
    broker : Broker
        The venue.
    limits : RiskLimits
        The desk's limits.
    clock : Clock
        The present.
    assets : Mapping of str to Asset
        What may be traded.
    permission : Permission
        What the owner allows: by default paper money and shares.
    approval_valid_for : timedelta
        How long an approval counts, unless said otherwise.
    grace : timedelta
        How long after a send the venue's "no such order" is not yet believed; zero suits a
        venue in the same process.
    heartbeat : timedelta
        How often a venue with a stream is asked all the same, and the books are compared.
    halt_file : Path or None
        While this file exists, trading is halted.
    is_flattening : bool
        Whether a position that both exits of a bracket left behind is closed at once.

    Raises
    ------
    AuditError
        If the journal was changed after it was written.

    Notes
    -----
    All methods may be called from several threads; they take turns. One process at a time may
    trade an account: the journal's pen is held by one.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        broker: Broker,
        limits: RiskLimits,
        clock: Clock,
        assets: Mapping[str, Asset],
        permission: Permission = _PAPER,
        approval_valid_for: timedelta = _DAY,
        grace: timedelta = _GRACE,
        heartbeat: timedelta = _HEARTBEAT,
        halt_file: Path | None = None,
        is_flattening: bool = True,
    ) -> None:
        self.journal, self.broker, self.limits = journal, broker, limits
        self.clock, self.assets, self.permission = clock, assets, permission
        self._lock = RLock()
        self._is_started = False
        self._trader = Trader(
            journal=journal,
            broker=broker,
            limits=limits,
            clock=clock,
            assets=assets,
            permission=permission,
            approval_valid_for=approval_valid_for,
            grace=grace,
            heartbeat=heartbeat,
            halt_file=halt_file,
            is_flattening=is_flattening,
        )
        self._books, self._control = self._trader.books, self._trader.control
        self.market = self._trader.market

    @property
    def account_id(self) -> str:
        """Return the account's number at the venue."""
        return self._books.account_id

    @property
    def ledger(self) -> Ledger:
        """Return cash and positions; read it, do not book into it."""
        return self._books.ledger

    @property
    def standing(self) -> Standing:
        """Return the trading state, and whether only a person may lift it."""
        return self._books.standing

    @property
    def state(self) -> TradingState:
        """Return what the desk may do."""
        return self._books.standing.state

    @property
    def frozen(self) -> Mapping[str, str]:
        """Return the symbols that are not traded until a person clears them, and why."""
        return dict(self._books.frozen)

    @property
    def external(self) -> frozenset[str]:
        """Return the symbols with positions or orders that are not ours and not claimed."""
        return frozenset(self._books.external)

    @property
    def prices(self) -> Mapping[str, Decimal]:
        """Return the last price of each asset."""
        return dict(self._books.prices)

    @property
    def last_mark(self) -> Mark | None:
        """Return the last valuation of the book."""
        return self._books.last_mark

    @property
    def unfinished_cycle(self) -> str | None:
        """Return the cycle that was planned and not finished, to be resumed."""
        return self._books.unfinished_cycle

    @property
    def awaiting(self) -> tuple[OrderRecord, ...]:
        """Return the orders that wait for a person, oldest first."""
        return tuple(o for o in self._books.orders.live if o.status is OrderStatus.AWAITING)

    @property
    def open_orders(self) -> tuple[OrderRecord, ...]:
        """Return the orders that may still be executed, ours or not, oldest first."""
        return self._books.open_orders

    @property
    def duplicates(self) -> int:
        """Return how many executions this process was told of again; each was booked once."""
        return self._trader.intake.duplicates

    def order(self, client_order_id: str) -> OrderRecord | None:
        """Return the order of that id as it stands, or None if there is none."""
        return self._books.orders.get(client_order_id)

    def start(self) -> StartReport:
        """Take up trading: resolve, book what was missed, and compare with the venue.

        Raises
        ------
        ConfigError
            If the venue's account is another than the journal's, or may not be traded.
        BrokerError
            If the venue does not answer; nothing can be sent then.
        """
        with self._lock:
            is_resumed, resolved = self._trader.open()
            differences = self.reconcile()
            self._is_started = True
        return StartReport(is_resumed=is_resumed, resolved=resolved, differences=differences)

    def mark(self, prices: Mapping[str, Decimal], at: datetime | None = None) -> Mark:
        """Value the book at new prices, journal it, and let a breach change the state.

        Parameters
        ----------
        prices : Mapping of str to Decimal
            Price per unit in the account's currency; an asset left out keeps its last one,
            with its age.
        at : datetime or None
            Instant of the prices by our clock, timezone-aware; None means now.

        Raises
        ------
        InputError
            If a symbol is no asset and not held, a price no Decimal or not positive, a held asset
            never had one, or `at` naive, 5 s ahead, or past and before the last mark.
        """
        with self._lock:
            check_known(prices, self.assets, self.ledger)
            now = self.clock.now()
            mark = value_book(self._books, prices, at or now, now=now)
            self._control.judge_book(self.book_view(), self.limits)
        return mark

    def plan(
        self,
        target: Target,
        *,
        cycle_id: str,
        min_trade: Decimal = MIN_TRADE,
        structures: Sequence[Structure] | None = None,
    ) -> tuple[OrderIntent, ...]:
        """Plan a cycle and store the plan; of a cycle planned before, return the stored one.

        Parameters
        ----------
        target : Target
            Wanted weights of everything that is no option.
        cycle_id : str
            The decision cycle.
        min_trade : Decimal
            Change of a position, as a fraction of equity, below which it is left alone.
        structures : sequence of Structure or None
            Everything that is wanted in options; None plans them by weight like the rest.

        Raises
        ------
        InputError
            If another cycle is unfinished, or target or structures cannot be planned.
        """
        with self._lock:
            stored = self.plan_for(cycle_id)
            if stored is not None:
                return stored
            if self.unfinished_cycle is not None:
                raise InputError(
                    f"cycle {self.unfinished_cycle} is unfinished: submit its plan again or call "
                    f"finish_cycle, then plan {cycle_id}"
                )
            intents = self._trader.plan(target, cycle_id, min_trade, structures)
            wanted = {
                "name": target.name,
                "asof": target.asof,
                "weights": dict(target.weights),
                "structures": structures,
            }
            payload = {"target": wanted, "intents": intents}
            self._books.write(EventKind.CYCLE_PLANNED, payload, cycle_id)
            return self._books.plans[cycle_id]

    def plan_for(self, cycle_id: str) -> tuple[OrderIntent, ...] | None:
        """Return the stored plan of a cycle, or None if it was never planned."""
        with self._lock:
            return self._books.plan_of(cycle_id)

    def book_view(self, cycle_id: str = "", *, without: str = "") -> BookView:
        """Return the account as the gate sees it now; `cycle_id` counts the orders sent in it.

        Parameters
        ----------
        cycle_id : str
            The cycle whose orders are counted.
        without : str
            Client order id of an order that is left out, because it is the one to be judged.

        Raises
        ------
        InputError
            If a held asset never had a price: call `mark` first.
        """
        with self._lock:
            return self._trader.view(cycle_id, without=without)

    def assess(self, intents: Sequence[OrderIntent]) -> tuple[Assessment, ...]:
        """Ask the gate about orders in turn; nothing is recorded or sent.

        Each order that may pass, with or without an approval, counts for those after it. An
        order that is decided in the journal is not judged again.
        """
        with self._lock:
            return assess(intents, books=self._books, limits=self.limits, view=self.book_view)

    def request_approvals(self, intents: Sequence[OrderIntent]) -> tuple[Assessment, ...]:
        """Assess orders and journal a request for those that a person has to agree to, once."""
        with self._lock:
            assessments = self.assess(intents)
            for one in assessments:
                if one.verdict.needs_approval:
                    self._trader.router.request_approval(one.intent, one.verdict)
            return self.assess(intents)

    def approve(
        self, intent: OrderIntent, *, by: str, reason: str, valid_for: timedelta | None = None
    ) -> Approval:
        """Journal a person's agreement to exactly this order; `submit` then sends it.

        An agreement that counts already is kept, so that asking twice records one.

        Raises
        ------
        InputError
            If nobody is named, the id belongs to another order, or the order is final.
        """
        with self._lock:
            return self._control.approve(intent, by=by, reason=reason, valid_for=valid_for)

    def deny(self, intent: OrderIntent, *, by: str, reason: str) -> None:
        """Journal that a person refuses an order; it is never sent.

        Raises
        ------
        InputError
            If nobody is named, the id belongs to another order, or the order was sent.
        """
        with self._lock:
            self._control.deny(intent, by=by, reason=reason)

    def submit(self, intents: Sequence[OrderIntent]) -> tuple[OrderRecord, ...]:
        """Take orders through the gate to the venue, one by one; safe to repeat.

        Orders without a known outcome are looked up first. An order that was sent is never
        sent again, unless the venue has said that it has no such order.

        Returns
        -------
        tuple of OrderRecord
            One per intent: `refused` with its reasons, `awaiting_approval`, `accepted`,
            `rejected` by the venue, `unknown`, or where an earlier order stands.

        Raises
        ------
        TradingHalted
            If the session was not started, or is stopping.
        InputError
            If an id belongs to an order with other contents; nothing of the batch is sent.
        BrokerError
            If the stream was lost and the venue does not say what was missed: nothing new is
            sent unseen.
        StorageError
            If an intent could not be stored; it and those after it are not sent.
        """
        with self._lock:
            self._need_start()
            return self._trader.submit(intents)

    def replace_order(self, client_order_id: str, intent: OrderIntent) -> OrderRecord:
        """Ask the venue to put `intent` in the place of a working order; return its record.

        Raises
        ------
        InputError
            If there is no such order, or it cannot be replaced by this one.
        TradingHalted, BrokerError, StorageError
            As `submit`.
        """
        with self._lock:
            self._need_start()
            return self._trader.replace(client_order_id, intent)

    def collect_fills(self) -> tuple[Fill, ...]:
        """Book new executions, close finished orders, and return the new executions."""
        with self._lock:
            self._need_start()
            return self._trader.collect()

    def reconcile(self) -> tuple[Difference, ...]:
        """Compare the books with the venue's; any difference halts trading.

        Raises
        ------
        BrokerError
            If the venue does not say.
        """
        with self._lock:
            return self._trader.watch.reconcile()

    def cancel(self, client_order_id: str, reason: str = "canceled on request") -> OrderRecord:
        """Ask the venue to cancel an order, in every trading state, and return its record.

        Raises
        ------
        InputError
            If there is no such order.
        BrokerError
            If the venue refused, or did not answer: the order stays open and reserved.
        """
        with self._lock:
            return self._trader.cancel(client_order_id, reason)

    def cancel_all(self) -> tuple[OrderRecord, ...]:
        """Cancel every order of ours that is open or waits, whatever becomes of the others.

        Raises
        ------
        BrokerError
            After every cancel was tried: which of them the venue refused or did not answer.
        """
        with self._lock:
            return self._trader.cancel_all()

    def halt(self, *, by: str, reason: str) -> None:
        """Stop all orders until a person resumes; cancels still pass.

        Orders of a batch that another thread is sending are stopped too, but the one on its way.
        """
        self._change(StateEvent.HALT, by, reason)

    def reduce(self, *, by: str, reason: str) -> None:
        """Let only orders pass that reduce exposure, until a person resumes."""
        self._change(StateEvent.REDUCE, by, reason)

    def resume(self, *, by: str, reason: str) -> None:
        """Trade again. A book that is still in breach stops it again at once."""
        self._change(StateEvent.RESUME, by, reason)

    def clear(self, symbol: str, *, by: str, reason: str) -> None:
        """Trade a frozen symbol again; a person has looked at why it was frozen."""
        with self._lock:
            self._control.clear(symbol, by=by, reason=reason)

    def claim(self, symbol: str, *, by: str, reason: str) -> None:
        """Take over a position that was there before us, so that it is traded with the rest."""
        with self._lock:
            self._control.claim(symbol, by=by, reason=reason)

    def obey(self) -> int:
        """Read the control table and the halt file, do what they say, return how much that was."""
        with self._lock:
            return self._control.obey()

    def alert(self, event: AlertEvent, cycle_id: str = "") -> None:
        """Journal something a person should know; it goes to the outbox with its record."""
        with self._lock:
            entry = alert_entry(event.code, event.message, event.at, event.values, event.severity)
            self._books.write(entry[0], entry[1], cycle_id)

    def finish_cycle(self, cycle_id: str, summary: Mapping[str, object] | None = None) -> None:
        """Close a cycle: what waits for an approval, or never arrived, expires with it."""
        with self._lock:
            self._trader.expire(list(self._books.unsent(cycle_id)), "its cycle has ended")
            self._books.write(EventKind.CYCLE_FINISHED, dict(summary or {}), cycle_id)

    def finish_run(self, summary: Mapping[str, object] | None = None) -> None:
        """Journal the end of the run; nothing can be sent until the next start."""
        with self._lock:
            self._books.keep()
            self._books.write(EventKind.RUN_FINISHED, dict(summary or {}))
            self._is_started = False

    def request_stop(self) -> None:
        """Take no new orders in; what is on its way is finished. Safe in a signal handler."""
        self._trader.router.is_stopping = True

    def _change(self, event: StateEvent, by: str, reason: str) -> None:
        if not by.strip():
            raise InputError(f"{event}: say who asks, got an empty name")
        self._control.ask(event, by=by, reason=reason)  # a batch under way sees it, then ends
        with self._lock:
            self._control.answer()

    def _need_start(self) -> None:
        if not self._is_started:
            raise TradingHalted("the session has not been started: call start() first")
