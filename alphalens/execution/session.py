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
from alphalens.errors import ConfigError, InputError, TradingHalted
from alphalens.execution.assessment import Assessment, assess
from alphalens.execution.books import Books
from alphalens.execution.control import Control
from alphalens.execution.journal import Journal
from alphalens.execution.planner import plan_orders
from alphalens.execution.reconcile import Difference, reconcile
from alphalens.execution.records import Mark, OrderRecord, mark_from
from alphalens.execution.router import Router, alert_entry
from alphalens.execution.settlement import Settlement
from alphalens.risk import (
    Approval,
    BookView,
    RiskLimits,
    Standing,
    StateEvent,
    TradingState,
    book_breaches,
)
from alphalens.trading.clock import Clock
from alphalens.trading.events import AlertEvent, EventKind
from alphalens.trading.ledger import Ledger
from alphalens.trading.orders import Fill, OrderIntent, OrderStatus
from alphalens.trading.targets import Target

__all__ = ["Assessment", "StartReport", "TradingSession"]

_BAND = Decimal("0.005")
_DAY = timedelta(hours=24)
_GRACE = timedelta(seconds=5)


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
    approval_valid_for : timedelta
        How long an approval counts, unless said otherwise.
    grace : timedelta
        How long after a send the venue's "no such order" is not yet believed; zero suits a
        venue in the same process.
    halt_file : Path or None
        While this file exists, trading is halted.

    Raises
    ------
    AuditError
        If the journal was changed after it was written.

    Notes
    -----
    All methods may be called from several threads; they take turns. One process at a time may
    trade an account: the second one's first record is refused.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        broker: Broker,
        limits: RiskLimits,
        clock: Clock,
        assets: Mapping[str, Asset],
        approval_valid_for: timedelta = _DAY,
        grace: timedelta = _GRACE,
        halt_file: Path | None = None,
    ) -> None:
        self.journal, self.broker, self.limits = journal, broker, limits
        self.clock, self.assets = clock, assets
        self._lock = RLock()
        self._is_started = False
        self._books = Books(journal)
        self._control = Control(
            books=self._books,
            journal=journal,
            clock=clock,
            valid_for=approval_valid_for,
            halt_file=halt_file,
        )
        self._settlement = Settlement(books=self._books, broker=broker, clock=clock)
        self._router = Router(
            books=self._books,
            broker=broker,
            limits=limits,
            assets=assets,
            clock=clock,
            grace=grace,
            obey=self._control.obey,
        )

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
        orders = self._books.orders.values()
        return tuple(o for o in orders if o.status is OrderStatus.AWAITING)

    def start(self) -> StartReport:
        """Take up trading: resolve, book what was missed, and compare with the venue.

        Raises
        ------
        ConfigError
            If the venue's account is another than the journal's, or moves real money.
        BrokerError
            If the venue does not answer; nothing can be sent then.
        """
        with self._lock:
            account, is_resumed = self.broker.account(), not self._books.is_new
            if account.is_live:
                raise ConfigError(
                    f"account {account.account_id} moves real money; this version trades on paper "
                    f"only, give it a paper account"
                )
            if is_resumed and account.account_id != self.account_id:
                raise ConfigError(
                    f"the journal belongs to account {self.account_id}, the venue says "
                    f"{account.account_id}: give each account a journal of its own"
                )
            payload = {
                "account_id": account.account_id,
                "opening_cash": account.cash,
                "currency": account.currency,
                "is_live": account.is_live,
                "is_resumed": is_resumed,
                "limits": self.limits,
            }
            self._books.write(EventKind.RUN_STARTED, payload)
            resolved = self._router.resolve()
            self._settlement.collect()
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
            Instant of the prices, timezone-aware; None means now.

        Raises
        ------
        InputError
            If a price is not positive, a held asset never had one, or `at` is naive, in the
            future, or before the last mark. Nothing is stored then.
        """
        with self._lock:
            instant = self.clock.now() if at is None else at
            self._check_mark(prices, instant)
            known = {**self._books.prices, **prices}
            equity = self.ledger.equity(known)
            gross, net = self.ledger.exposure(known)
            peak = self._books.peak_with(equity)
            payload = {
                "at": instant,
                "cash": self.ledger.cash,
                "equity": equity,
                "gross": gross,
                "net": net,
                "drawdown": (peak - equity) / peak,
                "prices": dict(prices),
            }
            record = self._books.write(EventKind.MARK, payload)
            self._control.judge_book(book_breaches(self.book_view(), self.limits))
        return mark_from(record.payload)

    def plan(
        self, target: Target, *, cycle_id: str, min_trade: Decimal = _BAND
    ) -> tuple[OrderIntent, ...]:
        """Plan a cycle and store the plan; of a cycle planned before, return the stored one.

        Raises
        ------
        InputError
            If another cycle is unfinished, or the target cannot be planned (`plan_orders`).
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
            intents = plan_orders(
                target,
                book=self.ledger,
                prices=self._books.prices,
                assets=self.assets,
                account=self.account_id,
                cycle_id=cycle_id,
                at=self.clock.now(),
                min_trade=min_trade,
            )
            wanted = {"name": target.name, "asof": target.asof, "weights": dict(target.weights)}
            payload = {"target": wanted, "intents": intents}
            self._books.write(EventKind.CYCLE_PLANNED, payload, cycle_id)
            return self._books.plans[cycle_id]

    def plan_for(self, cycle_id: str) -> tuple[OrderIntent, ...] | None:
        """Return the stored plan of a cycle, or None if it was never planned."""
        return self._books.plans.get(cycle_id)

    def book_view(self, cycle_id: str = "") -> BookView:
        """Return the account as the gate sees it now; `cycle_id` counts the orders sent in it.

        Raises
        ------
        InputError
            If a held asset never had a price: call `mark` first.
        """
        with self._lock:
            return self._books.view(now=self.clock.now(), assets=self.assets, cycle_id=cycle_id)

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
                    self._router.request_approval(one.intent, one.verdict)
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
            If the session was not started.
        InputError
            If an id belongs to an order with other contents; nothing of the batch is sent.
        StorageError
            If an intent could not be stored; it and those after it are not sent.
        """
        with self._lock:
            self._need_start()
            for intent in intents:
                self._books.check_payload(intent)
            self._router.resolve()
            return tuple(self._router.submit(intent) for intent in intents)

    def collect_fills(self) -> tuple[Fill, ...]:
        """Book new executions, close finished orders, and return the new executions."""
        with self._lock:
            self._need_start()
            self._router.resolve()
            return self._settlement.collect()

    def reconcile(self) -> tuple[Difference, ...]:
        """Compare the books with the venue's; any difference halts trading.

        Raises
        ------
        BrokerError
            If the venue does not say.
        """
        with self._lock:
            differences = reconcile(self.broker, self.ledger)
            if differences:
                reason = "; ".join(difference.message for difference in differences)
                self._control.change(StateEvent.HALT, by="reconciliation", reason=reason)
            return differences

    def cancel(self, client_order_id: str) -> OrderRecord:
        """Ask the venue to cancel an order, in every trading state, and return its record.

        Raises
        ------
        InputError
            If there is no such order.
        BrokerError
            If the venue refused, or did not answer: the order stays open and reserved.
        """
        with self._lock:
            order = self._books.orders.get(client_order_id)
            if order is None:
                raise InputError(f"cannot cancel {client_order_id}: there is no such order")
            if order.is_open:
                self.broker.cancel(client_order_id)
                self._settlement.collect()
            elif not order.status.is_final:
                self._expire([order], "canceled before it was sent")
            return self._books.orders[client_order_id]

    def cancel_all(self) -> tuple[OrderRecord, ...]:
        """Cancel every order that is open or waits; raises as `cancel`."""
        with self._lock:
            live = [o for o in self._books.orders.values() if not o.status.is_final]
            return tuple(self.cancel(order.client_order_id) for order in live)

    def halt(self, *, by: str, reason: str) -> None:
        """Stop all orders until a person resumes; cancels still pass."""
        self._change(StateEvent.HALT, by, reason)

    def reduce(self, *, by: str, reason: str) -> None:
        """Let only orders pass that reduce exposure, until a person resumes."""
        self._change(StateEvent.REDUCE, by, reason)

    def resume(self, *, by: str, reason: str) -> None:
        """Trade again. A book that is still in breach stops it again at once."""
        self._change(StateEvent.RESUME, by, reason)

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
            self._expire(list(self._books.unsent(cycle_id)), "its cycle has ended")
            self._books.write(EventKind.CYCLE_FINISHED, dict(summary or {}), cycle_id)

    def finish_run(self, summary: Mapping[str, object] | None = None) -> None:
        """Journal the end of the run; nothing can be sent until the next start."""
        with self._lock:
            self._books.write(EventKind.RUN_FINISHED, dict(summary or {}))
            self._is_started = False

    def _change(self, event: StateEvent, by: str, reason: str) -> None:
        if not by.strip():
            raise InputError(f"{event}: say who asks, got an empty name")
        with self._lock:
            self._control.change(event, by=by, reason=reason)

    def _expire(self, orders: Sequence[OrderRecord], note: str) -> None:
        if not orders:
            return
        self._books.write_all(
            [
                (
                    EventKind.ORDER_CLOSED,
                    {
                        "client_order_id": order.client_order_id,
                        "venue_order_id": "",
                        "status": OrderStatus.EXPIRED,
                        "reason": note,
                    },
                    order.intent.cycle_id,
                )
                for order in orders
            ]
        )

    def _check_mark(self, prices: Mapping[str, Decimal], at: datetime) -> None:
        if at.tzinfo is None:
            raise InputError(f"mark: a time zone is needed, got {at.isoformat()}")
        if at > self.clock.now():
            raise InputError(f"mark: {at} lies after the present, {self.clock.now()}")
        if self.last_mark is not None and at < self.last_mark.at:
            raise InputError(f"mark: {at} lies before the last one, {self.last_mark.at}")
        for symbol, price in prices.items():
            if not (price.is_finite() and price > 0):
                raise InputError(f"mark: the price of {symbol} must be positive, got {price}")

    def _need_start(self) -> None:
        if not self._is_started:
            raise TradingHalted("the session has not been started: call start() first")
