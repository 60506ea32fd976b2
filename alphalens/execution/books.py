"""The writer's memory: the state of an account as a fold over its journal.

Every record goes through `Books.write`: first it is committed, then it is folded in. A restart
folds the same records again, from the last snapshot on, so memory after a restart is memory
before it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from alphalens.errors import AuditError, InputError, TradingHalted
from alphalens.execution.bookkeeping import event_of, opened_ledger
from alphalens.execution.journal import Entry, Journal
from alphalens.execution.orderbook import OrderBook
from alphalens.execution.records import (
    Mark,
    OrderRecord,
    Origin,
    Payload,
    Record,
    approval_from,
    fill_from,
    fill_of,
    intent_from,
    mark_from,
    order_id_of,
)
from alphalens.risk import Approval, Standing, TradingState
from alphalens.trading.activities import (
    Activity,
    CashFlow,
    CashKind,
    ChangeKind,
    PositionChange,
    Split,
)
from alphalens.trading.codec import from_jsonable
from alphalens.trading.events import EventKind
from alphalens.trading.ledger import Correction, Event, Ledger
from alphalens.trading.orders import Fill, OrderIntent

__all__ = ["Books"]

_alerts = logging.getLogger("alphalens.alerts")
_ZERO = Decimal(0)
_RECENT = timedelta(minutes=10)  # the longest window that a limit may look back
_SNAPSHOT_VERSION = 2


class Books:
    """Ledger, orders, plans, approvals, marks and trading state of one account.

    Parameters
    ----------
    journal : Journal
        Verified and replayed here; every later record is written through `write`.
    snapshot_every : int
        Records after which the state is kept aside, so that a restart replays no more than
        these.

    Raises
    ------
    AuditError
        If the journal was changed after it was written.
    """

    def __init__(self, journal: Journal, *, snapshot_every: int = 5_000) -> None:
        self._journal, self._snapshot_every = journal, snapshot_every
        self.account_id = ""
        self.standing = Standing()
        self.orders = OrderBook(journal)
        self.plans: dict[str, tuple[OrderIntent, ...]] = {}
        self.approvals: dict[str, Approval] = {}
        self.fills_cursor = self.activities_cursor = ""
        self.last_mark: Mark | None = None
        self.prices: dict[str, Decimal] = {}
        self.price_times: dict[str, datetime] = {}
        self.frozen: dict[str, str] = {}
        self.external: set[str] = set()
        self.unfinished_cycle: str | None = None
        self._ledger: Ledger | None = None
        self._foreign: dict[str, Fill] = {}
        self._sent: dict[str, set[str]] = {}
        self._recent: dict[str, datetime] = {}
        self._touched: dict[str, None] | None = None  # orders changed since the snapshot, replaying
        self._traded = (datetime.min.replace(tzinfo=UTC).date(), _ZERO)
        self._peak = self._before_today = _ZERO
        self._moved = _ZERO  # worth of what was brought in or taken out since the last mark
        self._kept_seq = self._replay()

    @property
    def ledger(self) -> Ledger:
        """Return cash and positions; there are none before the first start."""
        if self._ledger is None:
            raise TradingHalted("the session has not been started: call start() first")
        return self._ledger

    @property
    def is_new(self) -> bool:
        """Return whether no run was ever started on this journal."""
        return self._ledger is None

    @property
    def open_orders(self) -> tuple[OrderRecord, ...]:
        """Return the orders that may still be executed, oldest first."""
        return self.orders.open

    def write(self, kind: EventKind, payload: Mapping[str, object], cycle_id: str = "") -> Record:
        """Commit one record, then fold it in."""
        return self.write_all([(kind, payload, cycle_id)])[0]

    def write_all(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        """Commit records in one transaction, then fold them in."""
        records = self._journal.append_all(entries)
        self.orders.take(records, self._journal.order)
        for record in records:
            self._act(record)
        if records and records[-1].seq - self._kept_seq >= self._snapshot_every:
            self.keep()
        return records

    def admit(self, event: Event) -> bool:
        """Book an event that is about to be journalled; return False if it was booked before.

        What the ledger refuses must not reach the journal: it could never be replayed. Should
        the journal fail after this, it writes no more, and the next process begins without it.

        Raises
        ------
        InputError
            If the ledger refuses it; nothing was booked.
        """
        return self.ledger.record(event)

    def keep(self) -> None:
        """Keep the state aside, so that a restart needs not replay what led to it."""
        if self._ledger is not None:
            ledger, parts = self._ledger.sealed_snapshot()
            body = {**self._snapshot(), "ledger": ledger}
            self._kept_seq = self._journal.save_snapshot(body, parts)

    @property
    def foreign_fills(self) -> tuple[Fill, ...]:
        """Return the executions that belong to no order that was known when they were booked."""
        return tuple(self._foreign.values())

    def fill_known(self, fill_id: str) -> Fill | None:
        """Return the execution of that id that belongs to no order, if it was booked."""
        return self._foreign.get(fill_id)

    def booked(self, fill_id: str) -> Fill | None:
        """Return the execution of that id as it is stored, or None if there is none."""
        return self._journal.fill(fill_id)

    def equity(self) -> Decimal:
        """Return cash plus the value of the positions at the last prices."""
        return self.ledger.equity(self.prices)

    def peak_with(self, equity: Decimal) -> Decimal:
        """Return the highest equity so far, `equity` included."""
        return max(self._peak, equity)

    def day_open(self, now: datetime) -> Decimal:
        """Return the equity at the last mark of an earlier UTC date, or the opening balance.

        Money and units that were moved in or out since are added: they are no profit or loss.
        """
        last = self.last_mark
        if last is not None and last.at.date() < now.date():
            return last.equity + self._moved
        return self._before_today

    def traded_on(self, now: datetime) -> Decimal:
        """Return the absolute value traded since the start of the UTC date of `now`."""
        date, value = self._traded
        return value if date == now.astimezone(UTC).date() else _ZERO

    def recent(self, now: datetime) -> Mapping[str, datetime]:
        """Return the orders that were sent within the last ten minutes, and when."""
        while self._recent:  # oldest first
            order_id, at = next(iter(self._recent.items()))
            if now - at < _RECENT:
                break
            del self._recent[order_id]
        return self._recent

    def traded_since(self, symbol: str, at: datetime) -> Decimal:
        """Return the signed units of a symbol that booked executions traded from `at` on."""
        since = self._journal.fills(symbol=symbol, since=at)
        return sum((fill.signed_quantity for fill in since), _ZERO)

    def sent_in(self, cycle_id: str) -> set[str]:
        """Return the ids of the orders of a cycle that were sent."""
        if cycle_id not in self._sent:
            stored = () if self.orders.is_whole else self._journal.orders(cycle_id=cycle_id)
            self._sent[cycle_id] = {o.client_order_id for o in stored if o.attempts}
        return self._sent[cycle_id]

    def unsent(self, cycle_id: str) -> Iterator[OrderRecord]:
        """Give the orders of a cycle that never reached the venue and still could."""
        for order in self.orders.live:
            if order.intent.cycle_id == cycle_id and (order.is_absent or not order.was_sent):
                yield order

    def plan_of(self, cycle_id: str) -> tuple[OrderIntent, ...] | None:
        """Return the stored plan of a cycle, or None if it was never planned."""
        if cycle_id not in self.plans and not self.orders.is_whole:
            for record in self._journal.records(kind=EventKind.CYCLE_PLANNED, cycle_id=cycle_id):
                self.plans[cycle_id] = tuple(map(intent_from, record.payload["intents"]))
        return self.plans.get(cycle_id)

    def check_payload(self, intent: OrderIntent) -> None:
        """Refuse an intent of another account, or one whose id is taken by another order.

        Raises
        ------
        InputError
            The same id with other contents is a mistake; nothing was sent.
        """
        if intent.account != self.account_id:
            raise InputError(
                f"order {intent.client_order_id} is for account {intent.account}, this session "
                f"trades {self.account_id or 'nothing before its start'}"
            )
        known = self.orders.get(intent.client_order_id)
        if known is None or known.intent.fingerprint == intent.fingerprint:
            return
        differing = [f.name for f in fields(intent) if _differ(f.name, known.intent, intent)]
        raise InputError(
            f"client order id {intent.client_order_id} belongs to {_what(known.intent)} of cycle "
            f"{known.intent.cycle_id} and cannot become {_what(intent)}, which differs in "
            f"{', '.join(differing)}: read the stored plan of the cycle instead of planning again"
        )

    def _replay(self) -> int:
        """Fold the journal in, from the last snapshot on; return the number it begins after."""
        self._verify()
        kept = self._journal.latest_snapshot()
        if kept is not None and kept[1]["version"] == _SNAPSHOT_VERSION:
            self._restore(kept[1])
            after, self._touched = kept[0], {}
        else:
            after = 0
        for record in self._journal.records(after=after):
            self._fold_order(record)
            self._act(record)
        self._reload()
        return after

    def _reload(self) -> None:
        """Take the orders that records after a snapshot changed as the last of them left them.

        Folding those records onto an order needs the order as it stood at the snapshot, which
        has the living ones only; the table has each as the whole journal leaves it.
        """
        touched, self._touched = tuple(self._touched or ()), None
        found: dict[str, list[Fill]] = {}
        for fill in self._journal.fills_of(touched):
            found.setdefault(fill.client_order_id, []).append(fill)
        stored = {order.client_order_id: order for order in self._journal.orders_of(touched)}
        for order_id in touched:  # in the order of the record
            if order_id in stored:
                self.orders.reload(stored[order_id], found.get(order_id, ()))

    def _verify(self) -> None:
        """Check the record; that it is broken is told past it, for it cannot carry the alert."""
        try:
            self._journal.verify()
        except AuditError as error:
            _alerts.critical("alert audit_broken: %s", error)
            raise

    def _act(self, record: Record) -> None:
        """Take over what a record says of anything but an order."""
        act = self._ACTS.get(record.kind)
        if act is not None:
            act(self, record)

    def _fold_plan(self, record: Record) -> None:
        self.plans[record.cycle_id] = tuple(map(intent_from, record.payload["intents"]))
        self.unfinished_cycle = record.cycle_id

    def _fold_end(self, record: Record) -> None:
        if record.cycle_id == self.unfinished_cycle:  # the end of another leaves this one open
            self.unfinished_cycle = None

    def _fold_approval(self, record: Record) -> None:
        self.approvals[record.payload["fingerprint"]] = approval_from(record.payload)

    def _fold_state(self, record: Record) -> None:
        payload = record.payload
        self.standing = Standing(TradingState(payload["to"]), payload["is_locked"])

    def _fold_correction(self, record: Record) -> None:
        correction = event_of(record)
        if isinstance(correction, Correction):
            self.ledger.correct(correction)
            self.orders.correct(correction)

    def _fold_frozen(self, record: Record) -> None:
        self.frozen[record.payload["symbol"]] = record.payload["reason"]

    def _fold_cleared(self, record: Record) -> None:
        self.frozen.pop(record.payload["symbol"], None)

    def _fold_claimed(self, record: Record) -> None:
        self.external.discard(record.payload["symbol"])

    def _begin(self, record: Record) -> None:
        if self._ledger is not None:
            return
        payload = record.payload
        self.account_id = payload["account_id"]
        self._ledger = opened_ledger(payload)
        for held in payload["opening_positions"]:
            self.prices[held["symbol"]] = Decimal(held["price"])  # no time: no price for the gate
            self.external.add(held["symbol"])
        self.fills_cursor = payload["fills_cursor"]
        self.activities_cursor = payload["activities_cursor"]
        self._peak = self._before_today = self._ledger.equity(self.prices)

    def _fold_mark(self, record: Record) -> None:
        mark = mark_from(record.payload)
        self._before_today = self.day_open(mark.at)
        self.last_mark, self._moved = mark, _ZERO
        self._peak = self.peak_with(mark.equity)
        for symbol, price in record.payload["prices"].items():
            self.prices[symbol], self.price_times[symbol] = Decimal(price), mark.at

    def _fold_fill(self, record: Record) -> None:
        fill = fill_of(record)
        self.ledger.apply(fill)
        self.prices.setdefault(fill.symbol, fill.price)  # no time: no price for the gate
        value = fill.quantity * fill.price * fill.multiplier
        date = max(fill.at.astimezone(UTC).date(), self._traded[0])  # told late, counted now
        before = self._traded[1] if date == self._traded[0] else _ZERO
        self._traded = (date, before + abs(value))
        if record.payload["is_listed"]:
            self.fills_cursor = fill.fill_id
        if fill.client_order_id not in self.orders:
            self._foreign[fill.fill_id] = fill

    def _fold_activity(self, record: Record) -> None:
        activity = event_of(record)
        if not isinstance(activity, CashFlow | Split | PositionChange):
            return
        self.ledger.book(activity)
        self.activities_cursor = activity.activity_id
        if isinstance(activity, Split) and activity.symbol in self.prices:
            self.prices[activity.symbol] *= activity.old / activity.new
        worth = _moved_by(activity, self.ledger.currency)
        self._moved += worth
        self._peak += worth
        self._before_today += worth

    def _fold_order(self, record: Record) -> None:
        order_id = order_id_of(record)
        if order_id is None:
            return
        if self._touched is None:
            self.orders.fold(record, order_id)
        else:  # over a snapshot: its orders end where the table has them, not where they began
            self._touched[order_id] = None

    def _fold_adopted(self, record: Record) -> None:
        payload = record.payload
        if payload["origin"] == Origin.EXTERNAL and not payload["parent_id"]:
            self.external.update(intent_from(payload["intent"]).traded)

    def _fold_intended(self, record: Record) -> None:
        order_id = record.payload["intent"]["client_order_id"]
        self._recent.pop(order_id, None)  # sent again, it is the newest
        self._recent[order_id] = record.at
        if self._touched is None:
            self.sent_in(record.cycle_id).add(order_id)

    _ACTS: ClassVar[Mapping[EventKind, Callable[[Books, Record], None]]] = {
        EventKind.RUN_STARTED: _begin,
        EventKind.CYCLE_PLANNED: _fold_plan,
        EventKind.CYCLE_FINISHED: _fold_end,
        EventKind.APPROVAL_GIVEN: _fold_approval,
        EventKind.STATE_CHANGED: _fold_state,
        EventKind.MARK: _fold_mark,
        EventKind.FILL: _fold_fill,
        EventKind.FILLS_CORRECTED: _fold_correction,
        EventKind.ACTIVITY: _fold_activity,
        EventKind.ORDER_ADOPTED: _fold_adopted,
        EventKind.ORDER_INTENDED: _fold_intended,
        EventKind.SYMBOL_FROZEN: _fold_frozen,
        EventKind.SYMBOL_CLEARED: _fold_cleared,
        EventKind.SYMBOL_CLAIMED: _fold_claimed,
    }

    def _snapshot(self) -> dict[str, object]:
        cycle = self.unfinished_cycle
        return {
            "version": _SNAPSHOT_VERSION,
            "account_id": self.account_id,
            "standing": self.standing,
            "orders": [[order, list(fills)] for order, fills in self.orders.with_fills()],
            "foreign": list(self._foreign.values()),
            "plan": None if cycle is None else list(self.plans[cycle]),
            "unfinished_cycle": cycle,
            "approvals": list(self.approvals.values()),
            "cursors": [self.fills_cursor, self.activities_cursor],
            "last_mark": self.last_mark,
            "prices": self.prices,
            "price_times": self.price_times,
            "frozen": self.frozen,
            "external": sorted(self.external),
            "recent": self._recent,
            "traded": [self._traded[0].isoformat(), self._traded[1]],
            "peak": self._peak,
            "before_today": self._before_today,
            "moved": self._moved,
        }

    def _restore(self, kept: Payload) -> None:
        self.account_id = kept["account_id"]
        self.standing = from_jsonable(Standing, kept["standing"])
        self._ledger = Ledger.from_snapshot(
            {**kept["ledger"], "fills": kept["fills"], "activities": kept["activities"]}
        )
        self.orders.is_whole = False
        for order, order_fills in kept["orders"]:
            self.orders.put(from_jsonable(OrderRecord, order), map(fill_from, order_fills))
        self._foreign = {fill.fill_id: fill for fill in map(fill_from, kept["foreign"])}
        self.unfinished_cycle = kept["unfinished_cycle"]
        if self.unfinished_cycle is not None:
            self.plans[self.unfinished_cycle] = tuple(map(intent_from, kept["plan"]))
        self.approvals = {a.fingerprint: a for a in map(approval_from, kept["approvals"])}
        self.fills_cursor, self.activities_cursor = kept["cursors"]
        mark = kept["last_mark"]
        self.last_mark = None if mark is None else mark_from(mark)
        self.prices = _amounts(kept["prices"])
        self.price_times = _instants(kept["price_times"])
        self.frozen, self.external = dict(kept["frozen"]), set(kept["external"])
        sent = _instants(kept["recent"]).items()
        self._recent = dict(sorted(sent, key=lambda one: one[1]))
        date, value = kept["traded"]
        self._traded = (datetime.fromisoformat(date).date(), Decimal(value))
        self._peak, self._before_today = Decimal(kept["peak"]), Decimal(kept["before_today"])
        self._moved = Decimal(kept["moved"])


def _moved_by(activity: Activity, currency: str) -> Decimal:
    """Return the worth that a transfer brought in, negative if it took it out; 0 for the rest."""
    if isinstance(activity, Split) or activity.currency != currency:
        return _ZERO
    if isinstance(activity, CashFlow) and activity.kind is CashKind.TRANSFER:
        return activity.amount
    if activity.kind is ChangeKind.TRANSFER and isinstance(activity, PositionChange):
        return activity.quantity * activity.price * activity.multiplier
    return _ZERO


def _amounts(stored: Mapping[str, str]) -> dict[str, Decimal]:
    return {key: Decimal(value) for key, value in stored.items()}


def _instants(stored: Mapping[str, str]) -> dict[str, datetime]:
    return {key: datetime.fromisoformat(value) for key, value in stored.items()}


def _differ(name: str, one: OrderIntent, other: OrderIntent) -> bool:
    return bool(getattr(one, name) != getattr(other, name))


def _what(intent: OrderIntent) -> str:
    return f"{intent.side} {intent.quantity} {intent.symbol}"
