"""The writer's memory: the state of an account as a fold over its journal.

Every record goes through `Books.write`: first it is committed, then it is folded in. A restart
folds the same records again, so memory after a restart is memory before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal

from alphalens.assets.base import Asset
from alphalens.errors import InputError, TradingHalted
from alphalens.execution.journal import Entry, Journal
from alphalens.execution.records import (
    Mark,
    OrderRecord,
    Record,
    approval_from,
    fill_from,
    fold_order,
    intent_from,
    mark_from,
    order_id_of,
)
from alphalens.risk import Approval, BookView, Standing, TradingState
from alphalens.trading.events import EventKind
from alphalens.trading.ledger import Ledger
from alphalens.trading.orders import Fill, OrderIntent, Side

__all__ = ["Books"]

_ZERO = Decimal(0)


class Books:
    """Ledger, orders, plans, approvals, marks and trading state of one account.

    Parameters
    ----------
    journal : Journal
        Verified and replayed here; every later record is written through `write`.

    Raises
    ------
    AuditError
        If the journal was changed after it was written.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.account_id = ""
        self.standing = Standing()
        self.orders: dict[str, OrderRecord] = {}
        self.plans: dict[str, tuple[OrderIntent, ...]] = {}
        self.approvals: dict[str, Approval] = {}
        self.fills: dict[str, Fill] = {}
        self.last_fill_id = ""
        self.last_mark: Mark | None = None
        self.prices: dict[str, Decimal] = {}
        self.price_times: dict[str, datetime] = {}
        self.unfinished_cycle: str | None = None
        self._ledger: Ledger | None = None
        self._open: dict[str, OrderRecord] = {}
        self._sent: dict[str, set[str]] = {}
        self._peak = self._before_today = _ZERO
        journal.verify()
        for record in journal.records():
            self._fold(record)

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
        return tuple(self._open.values())

    def write(self, kind: EventKind, payload: Mapping[str, object], cycle_id: str = "") -> Record:
        """Commit one record, then fold it in."""
        return self.write_all([(kind, payload, cycle_id)])[0]

    def write_all(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        """Commit records in one transaction, then fold them in."""
        records = self._journal.append_all(entries)
        for record in records:
            self._fold(record)
        return records

    def equity(self) -> Decimal:
        """Return cash plus the value of the positions at the last prices."""
        return self.ledger.equity(self.prices)

    def peak_with(self, equity: Decimal) -> Decimal:
        """Return the highest equity so far, `equity` included."""
        return max(self._peak, equity)

    def day_open(self, now: datetime) -> Decimal:
        """Return the equity at the last mark of an earlier UTC date, or the opening balance."""
        last = self.last_mark
        if last is not None and last.at.date() < now.date():
            return last.equity
        return self._before_today

    def view(
        self, *, now: datetime, assets: Mapping[str, Asset], cycle_id: str, without: str = ""
    ) -> BookView:
        """Return what the gate sees, order `without` left out."""
        equity = self.equity()
        others = [o for o in self._open.values() if o.client_order_id != without]
        return BookView(
            now=now,
            equity=equity,
            cash=self.ledger.cash,
            day_open_equity=self.day_open(now),
            peak_equity=self.peak_with(equity),
            quantities={s: p.quantity for s, p in self.ledger.positions.items()},
            prices=dict(self.prices),
            price_times=dict(self.price_times),
            assets=assets,
            open_buys=_reserved(others, Side.BUY),
            open_sells=_reserved(others, Side.SELL),
            unresolved=frozenset(o.intent.symbol for o in others if o.is_unresolved),
            sent=frozenset(self._sent.get(cycle_id, set()) - {without}),
        )

    def unsent(self, cycle_id: str) -> Iterator[OrderRecord]:
        """Give the orders of a cycle that never reached the venue and still could."""
        for order in self.orders.values():
            is_live = order.intent.cycle_id == cycle_id and not order.status.is_final
            if is_live and (order.is_absent or not order.was_sent):
                yield order

    def _fold(self, record: Record) -> None:
        payload = record.payload
        match record.kind:
            case EventKind.RUN_STARTED:
                self._begin(payload["account_id"], Decimal(payload["opening_cash"]))
            case EventKind.CYCLE_PLANNED:
                self.plans[record.cycle_id] = tuple(map(intent_from, payload["intents"]))
                self.unfinished_cycle = record.cycle_id
            case EventKind.CYCLE_FINISHED if record.cycle_id == self.unfinished_cycle:
                self.unfinished_cycle = None  # the end of another cycle leaves this one open
            case EventKind.APPROVAL_GIVEN:
                self.approvals[payload["fingerprint"]] = approval_from(payload)
            case EventKind.STATE_CHANGED:
                self.standing = Standing(TradingState(payload["to"]), payload["is_locked"])
            case EventKind.MARK:
                self._fold_mark(record)
            case EventKind.FILL:
                self._fold_fill(fill_from(payload))
        self._fold_order(record)

    def _begin(self, account_id: str, cash: Decimal) -> None:
        if self._ledger is None:
            self.account_id, self._ledger = account_id, Ledger(cash)
            self._peak = self._before_today = cash

    def _fold_mark(self, record: Record) -> None:
        mark = mark_from(record.payload)
        self._before_today = self.day_open(mark.at)
        self.last_mark = mark
        self._peak = self.peak_with(mark.equity)
        for symbol, price in record.payload["prices"].items():
            self.prices[symbol], self.price_times[symbol] = Decimal(price), mark.at

    def _fold_fill(self, fill: Fill) -> None:
        self.ledger.apply(fill)
        self.fills[fill.fill_id] = fill
        self.last_fill_id = fill.fill_id

    def _fold_order(self, record: Record) -> None:
        order_id = order_id_of(record)
        if order_id is None:
            return
        order = fold_order(self.orders.get(order_id), record)
        if order is None:
            return
        self.orders[order_id] = order
        if order.is_open:
            self._open[order_id] = order
        else:
            self._open.pop(order_id, None)
        if order.was_sent:
            self._sent.setdefault(order.intent.cycle_id, set()).add(order_id)

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


def _differ(name: str, one: OrderIntent, other: OrderIntent) -> bool:
    return bool(getattr(one, name) != getattr(other, name))


def _what(intent: OrderIntent) -> str:
    return f"{intent.side} {intent.quantity} {intent.symbol}"


def _reserved(orders: Sequence[OrderRecord], side: Side) -> dict[str, Decimal]:
    units: dict[str, Decimal] = {}
    for order in orders:
        if order.intent.side is side:
            symbol = order.intent.symbol
            units[symbol] = units.get(symbol, _ZERO) + order.remaining
    return units
