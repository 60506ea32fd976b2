"""Where a desk stands, read from its journal by anybody, while another process trades."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alphalens.execution import Command, Mark, OrderRecord
from alphalens.execution.bookkeeping import ledger_of
from alphalens.execution.commands import pending_commands
from alphalens.execution.records import Origin, intent_from, order_from
from alphalens.execution.replaying import record_from
from alphalens.risk import Standing, TradingState
from alphalens.storage import reading
from alphalens.storage.schema import journal, marks, meta, orders, outbox, writers
from alphalens.trading.events import EventKind
from alphalens.trading.orders import OrderStatus

__all__ = ["DeskStatus", "StateChange", "desk_status"]

if TYPE_CHECKING:
    _Rows = Iterable[sa.Row[*tuple[Any, ...]]]  # Any: columns differ from query to query


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """Who brought the desk into the state it is in, when and why."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskStatus:
    """One moment of a desk, as its journal has it.

    Attributes
    ----------
    account_id, run_id : str
        Of the last start; empty if nothing was ever started on this journal.
    standing : Standing
        The trading state, and whether only a person may lift it.
    change : StateChange or None
        What led to it; None if it never changed.
    live_orders : tuple of OrderRecord
        Orders that are not final, oldest first.
    frozen : Mapping of str to str
        Symbols that are not traded until a person clears them, and why.
    external : tuple of str
        Symbols with positions or orders that are not ours and not claimed, alphabetical.
    last_mark : Mark or None
        The last valuation of the book.
    positions : Mapping of str to Decimal
        Signed units by symbol that the ledger of the record has, alphabetical.
    last_fill : datetime or None
        When executions were last booked or corrected.
    is_mark_behind : bool
        Whether that was after the last mark: its figures are without it.
    records : int
        Length of the journal.
    head : str
        Hash of its last record.
    commands : tuple of Command
        What was asked and not yet obeyed, oldest first.
    alerts_waiting : int
        Alerts that were not delivered yet.
    writer : str
        Which process took the pen last, and when; it may have ended since.
    """

    account_id: str
    run_id: str
    standing: Standing
    change: StateChange | None
    live_orders: tuple[OrderRecord, ...]
    frozen: Mapping[str, str]
    external: tuple[str, ...]
    last_mark: Mark | None
    positions: Mapping[str, Decimal]
    last_fill: datetime | None
    is_mark_behind: bool
    records: int
    head: str
    commands: tuple[Command, ...]
    alerts_waiting: int
    writer: str

    @property
    def open_orders(self) -> tuple[OrderRecord, ...]:
        """Return the orders that may still be executed."""
        return tuple(order for order in self.live_orders if order.is_open)

    @property
    def unknown_orders(self) -> tuple[OrderRecord, ...]:
        """Return the open orders of which nobody knows what became of them."""
        return tuple(order for order in self.live_orders if order.is_unresolved)

    @property
    def awaiting(self) -> tuple[OrderRecord, ...]:
        """Return the orders that wait for a person."""
        return tuple(o for o in self.live_orders if o.status is OrderStatus.AWAITING)


def desk_status(engine: sa.Engine) -> DeskStatus:
    """Read where a desk stands; nothing is written and nobody else is asked.

    Parameters
    ----------
    engine : Engine
        The journal's database; opened read-only will do.

    Raises
    ------
    StorageError
        If the database fails.

    Notes
    -----
    All but the pending commands are of one moment of the database. The chain is not
    recomputed: `alphalens.execution.JournalReader.verify` does that.
    """
    pending = pending_commands(engine)  # first: one obeyed meanwhile is shown twice, not lost
    with reading(engine) as connection:
        facts = _fold(connection.execute(_FACTS))
        seq, _, head = connection.execute(_HEAD).scalar_one().partition(":")
        live = tuple(order_from(json.loads(t)) for t in connection.execute(_LIVE).scalars())
        mark = connection.execute(_LAST_MARK).mappings().first()
        fill = connection.execute(_LAST_FILL).first()
        held = _held(connection) if facts.account_id else {}
        waiting = connection.execute(_UNDELIVERED).scalar_one()
        writer = connection.execute(_LAST_WRITER).first()
    return DeskStatus(
        account_id=facts.account_id,
        run_id=facts.run_id,
        standing=facts.standing,
        change=facts.change,
        live_orders=live,
        frozen=facts.frozen,
        external=tuple(sorted(facts.external)),
        last_mark=None if mark is None else _mark_of(mark),
        positions=held,
        last_fill=None if fill is None else fill.at,
        is_mark_behind=mark is not None and fill is not None and fill.seq > mark["seq"],
        records=int(seq),
        head=head,
        commands=pending,
        alerts_waiting=waiting,
        writer="" if writer is None else f"{writer.owner} since {writer.at:%Y-%m-%d %H:%M:%S} UTC",
    )


def _held(connection: sa.Connection) -> dict[str, Decimal]:
    """Return what the ledger holds that the record leads to."""
    ledger = ledger_of(record_from(row) for row in connection.execute(_BOOKED))
    return {symbol: ledger.quantity(symbol) for symbol in sorted(ledger.positions)}


def _mark_of(row: sa.RowMapping) -> Mark:
    return Mark(**{name: value for name, value in row.items() if name != "seq"})


@dataclass(slots=True)
class _Facts:
    account_id: str = ""
    run_id: str = ""
    standing: Standing = field(default_factory=Standing)
    change: StateChange | None = None
    frozen: dict[str, str] = field(default_factory=dict)
    external: set[str] = field(default_factory=set)  # positions and orders that are not ours


def _fold(rows: _Rows) -> _Facts:
    facts = _Facts()
    for row in rows:
        payload, kind = json.loads(row.payload), EventKind(row.kind)
        if kind is EventKind.STATE_CHANGED:
            _take_state(facts, payload, row.at)
        elif kind is EventKind.RUN_STARTED:
            _take_start(facts, payload, row)
        elif kind is EventKind.ORDER_ADOPTED:
            if payload["origin"] == Origin.EXTERNAL and not payload["parent_id"]:
                facts.external.update(intent_from(payload["intent"]).traded)
        elif kind is EventKind.SYMBOL_FROZEN:
            facts.frozen[payload["symbol"]] = payload["reason"]
        elif kind is EventKind.SYMBOL_CLEARED:
            facts.frozen.pop(payload["symbol"], None)
        else:
            facts.external.discard(payload["symbol"])
    return facts


def _take_state(facts: _Facts, payload: Mapping[str, Any], at: datetime) -> None:
    after = Standing(TradingState(payload["to"]), payload["is_locked"])
    if after != facts.standing:  # a command without effect is recorded too
        facts.change = StateChange(by=payload["by"], reason=payload["reason"], at=at)
    facts.standing = after


def _take_start(facts: _Facts, payload: Mapping[str, Any], row: sa.Row[Any]) -> None:
    if not facts.account_id:
        facts.external.update(held["symbol"] for held in payload["opening_positions"])
    facts.account_id, facts.run_id = payload["account_id"], row.run_id


_KINDS = (
    EventKind.RUN_STARTED,
    EventKind.STATE_CHANGED,
    EventKind.ORDER_ADOPTED,
    EventKind.SYMBOL_FROZEN,
    EventKind.SYMBOL_CLEARED,
    EventKind.SYMBOL_CLAIMED,
)
_FACTS = (
    sa.select(journal.c.seq, journal.c.at, journal.c.run_id, journal.c.kind, journal.c.payload)
    .where(journal.c.kind.in_([kind.value for kind in _KINDS]))
    .order_by(journal.c.seq)
)
_LIVE = (
    sa.select(orders.c.record)
    .where(orders.c.status.in_([status.value for status in OrderStatus if not status.is_final]))
    .order_by(orders.c.created_at, orders.c.symbol, orders.c.client_order_id)
)
_HEAD = sa.select(meta.c.value).where(meta.c.key == "head")
_LAST_MARK = sa.select(marks).order_by(marks.c.seq.desc()).limit(1)
_FILLS = (EventKind.FILL.value, EventKind.FILLS_CORRECTED.value)
_LAST_FILL = (
    sa.select(journal.c.seq, journal.c.at)
    .where(journal.c.kind.in_(_FILLS))
    .order_by(journal.c.seq.desc())
    .limit(1)
)
_BOOKED = (
    sa.select(journal)
    .where(journal.c.kind.in_([EventKind.RUN_STARTED, EventKind.ACTIVITY, *_FILLS]))
    .order_by(journal.c.seq)
)
_UNDELIVERED = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.delivered_at.is_(None))
_LAST_WRITER = sa.select(writers).order_by(writers.c.epoch.desc()).limit(1)
