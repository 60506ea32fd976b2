"""What the journal says, as values: records, orders, marks, and the way back from JSON.

`fold_order` is the one place where a record changes an order; the projection in the database
and the writer's memory both use it, so a replay cannot differ from what was lived through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from typing import Any

from alphalens.risk import Approval, Reason
from alphalens.trading.codec import from_jsonable
from alphalens.trading.events import AlertEvent, EventKind
from alphalens.trading.orders import Fill, OrderIntent, OrderStatus
from alphalens.trading.states import after_fill, may_follow

__all__ = [
    "Mark",
    "OrderRecord",
    "Origin",
    "Payload",
    "Record",
    "alert_from",
    "approval_from",
    "fill_from",
    "fold_order",
    "fold_records",
    "intent_from",
    "mark_from",
    "order_from",
    "order_id_of",
]

#: Plain JSON of one record; Any, because each kind has its own shape.
Payload = Mapping[str, Any]

_ZERO = Decimal(0)
_S, _K = OrderStatus, EventKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the journal.

    Attributes
    ----------
    seq : int
        Its number, from 1, without gaps.
    at : datetime
        When it was written, by the injected clock; the order of records is that of `seq`.
    run_id, cycle_id : str
        The run that wrote it, and the decision cycle it belongs to, empty if to none.
    kind : EventKind
        What it is about.
    payload : Mapping
        Its content, as plain JSON.
    prev_hash, hash : str
        Links of the chain.
    """

    seq: int
    at: datetime
    run_id: str
    cycle_id: str
    kind: EventKind
    payload: Payload = field(hash=False)
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The book valued at one instant.

    Attributes
    ----------
    at : datetime
        The instant of the prices.
    cash, equity : Decimal
        In the account's currency.
    gross, net : Decimal
        Sum of absolute, and of signed, position values in the account's currency.
    drawdown : Decimal
        Loss since the highest equity as a fraction of it, in [0, 1] unless equity is negative.
    """

    at: datetime
    cash: Decimal
    equity: Decimal
    gross: Decimal
    net: Decimal
    drawdown: Decimal


class Origin(StrEnum):
    """Who placed an order."""

    OURS = "ours"
    EXIT = "exit"  # the venue, as an exit of a bracket, oco or oto of ours
    EXTERNAL = "external"  # somebody else, or the venue on its own


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """Everything that is known about one order.

    Attributes
    ----------
    intent : OrderIntent
        The order as it was wanted; of one that we did not place, as the venue has it.
    status : OrderStatus
        Where it stands. It becomes partly or wholly filled by executions only, never by an
        answer that merely says so; it is filled with less than was wanted if the venue made it
        smaller, as it does to one exit when a part of the other is executed.
    updated_at : datetime
        When the last record about it was written.
    run_id : str
        The run that first recorded it.
    filled_quantity : Decimal
        Units executed, by the executions booked; of a multi-leg order the whole units that
        every leg has.
    venue_order_id : str
        The venue's id; empty before its first answer.
    reasons : tuple of Reason
        Why the gate refused it, or what asked for an approval.
    note : str
        The venue's reason, or what went wrong on the way.
    approved_by : str
        Who approved it; empty if nobody had to.
    attempts : int
        How often it was sent; more than once only after the venue had said that it had no
        such order.
    attempted_at : datetime or None
        When the last attempt was recorded.
    interrupted : int
        How many attempts have no outcome on record, because the process died in them.
    refusal : str
        What the venue said when it refused an attempt after the first, which may have arrived.
    is_absent : bool
        True after the venue has said that it has no such order.
    origin : Origin
        Who placed it.
    parent_id : str
        Client order id of the order it is an exit of, or that it takes the place of.
    replaced_by : str
        Client order id of the order that takes its place.
    leg_fills : Mapping of str to Decimal
        Signed units executed of each leg of a multi-leg order.
    """

    intent: OrderIntent
    status: OrderStatus
    updated_at: datetime
    run_id: str = ""
    filled_quantity: Decimal = _ZERO
    venue_order_id: str = ""
    reasons: tuple[Reason, ...] = ()
    note: str = ""
    approved_by: str = ""
    attempts: int = 0
    attempted_at: datetime | None = None
    interrupted: int = 0
    refusal: str = ""
    is_absent: bool = False
    origin: Origin = Origin.OURS
    parent_id: str = ""
    replaced_by: str = ""
    leg_fills: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def client_order_id(self) -> str:
        """Return the order's identity."""
        return self.intent.client_order_id

    @property
    def remaining(self) -> Decimal:
        """Return the units not yet executed; 0 after an overfill."""
        return max(_ZERO, self.intent.quantity - self.filled_quantity)

    @property
    def was_sent(self) -> bool:
        """Return whether it went, or was about to go, to the venue, whoever placed it."""
        return self.attempts > 0 or self.origin is not Origin.OURS

    @property
    def is_open(self) -> bool:
        """Return whether it may still be executed: what remains of it is reserved."""
        return self.was_sent and not self.status.is_final and not self.is_absent

    @property
    def is_unresolved(self) -> bool:
        """Return whether nobody knows what became of it."""
        return self.is_open and self.status in (_S.INTENDED, _S.UNKNOWN)

    @property
    def is_pending(self) -> bool:
        """Return whether a change was asked for that the venue has not confirmed."""
        return self.is_open and self.status in (_S.PENDING_CANCEL, _S.PENDING_REPLACE)


def order_id_of(record: Record) -> str | None:
    """Return the client order id of the order that a record changes, or None if none."""
    if record.kind not in _CHANGES:
        return None
    holder = record.payload.get("intent", record.payload)
    order_id: str = holder["client_order_id"]
    return order_id


def fold_order(order: OrderRecord | None, record: Record) -> OrderRecord | None:
    """Return the order after a record that changes it, or None if it is no order of ours.

    A status that may not follow (`alphalens.trading.states`) is not taken over: the order
    keeps the one it has, and only the figures are updated.
    """
    if order is None:
        if "intent" not in record.payload:
            return None
        order = OrderRecord(
            intent=intent_from(record.payload["intent"]),
            status=_first_status(record),
            updated_at=record.at,
            run_id=record.run_id,
        )
    changed = _CHANGES[record.kind](order, record)
    return changed if changed.updated_at == record.at else replace(changed, updated_at=record.at)


def fold_records(order: OrderRecord | None, records: Iterable[Record]) -> OrderRecord | None:
    """Return the order after several records, as `fold_order` one by one, only faster."""
    for is_fill, run in groupby(records, key=lambda record: record.kind is _K.FILL):
        if is_fill and order is not None:
            order = _filled(order, *run)
        else:
            for record in run:
                order = fold_order(order, record)
    return order


def _first_status(record: Record) -> OrderStatus:
    if record.kind is _K.ORDER_ADOPTED:
        return OrderStatus(record.payload["status"])
    return {_K.ORDER_INTENDED: _S.INTENDED, _K.APPROVAL_REQUESTED: _S.AWAITING}.get(
        record.kind, _S.REFUSED
    )


def _moved(order: OrderRecord, status: OrderStatus) -> OrderStatus:
    return status if may_follow(order.status, status) else order.status


def _refused(order: OrderRecord, record: Record) -> OrderRecord:
    return replace(order, status=_moved(order, _S.REFUSED), reasons=_reasons(record))


def _awaiting(order: OrderRecord, record: Record) -> OrderRecord:
    return replace(order, reasons=_reasons(record))


def _reasons(record: Record) -> tuple[Reason, ...]:
    return tuple(from_jsonable(Reason, reason) for reason in record.payload["reasons"])


def _intended(order: OrderRecord, record: Record) -> OrderRecord:
    return replace(
        order,
        status=_moved(order, _S.INTENDED),
        attempts=record.payload["attempt"],
        attempted_at=record.at,
        approved_by=record.payload["approved_by"],
        is_absent=False,
        parent_id=order.intent.replaces,
    )


def _adopted(order: OrderRecord, record: Record) -> OrderRecord:
    payload = record.payload
    return replace(
        order,
        origin=Origin(payload["origin"]),
        parent_id=payload["parent_id"],
        venue_order_id=payload["venue_order_id"],
        filled_quantity=Decimal(payload["filled_quantity"]),
        note=payload["reason"],
    )


_WORKING = frozenset({_S.ACCEPTED, _S.PARTIAL, _S.FILLED})


def _answered(order: OrderRecord, record: Record) -> OrderRecord:
    payload = record.payload
    said = OrderStatus(payload["status"])
    if said in _WORKING and record.kind is not _K.ORDER_CLOSED:  # executions alone fill an order
        said = _S.PARTIAL if order.filled_quantity else _S.ACCEPTED
    return replace(
        order,
        status=_moved(order, said),
        venue_order_id=payload["venue_order_id"] or order.venue_order_id,
        note=payload["reason"],
        is_absent=False,
    )


def _unknown(order: OrderRecord, record: Record) -> OrderRecord:
    return replace(
        order,
        status=_moved(order, _S.UNKNOWN),
        note=record.payload["error"],
        is_absent=record.payload["is_absent"],
        interrupted=order.interrupted + record.payload.get("interrupted", 0),
        refusal=record.payload.get("refusal", order.refusal),
    )


def _cancel_asked(order: OrderRecord, record: Record) -> OrderRecord:
    return replace(
        order, status=_moved(order, _S.PENDING_CANCEL), note=str(record.payload["reason"])
    )


def _replace_asked(order: OrderRecord, record: Record) -> OrderRecord:
    return replace(
        order,
        status=_moved(order, _S.PENDING_REPLACE),
        replaced_by=record.payload["replaced_by"],
    )


def _filled(order: OrderRecord, *records: Record) -> OrderRecord:
    legs, filled, status = dict(order.leg_fills), order.filled_quantity, order.status
    for fill in map(fill_of, records):
        if order.intent.legs:
            legs[fill.symbol] = legs.get(fill.symbol, _ZERO) + fill.signed_quantity
            filled = _whole_units(order.intent, legs)
        else:
            filled += fill.quantity
        status = after_fill(status, is_complete=filled >= order.intent.quantity)
    return replace(
        order,
        status=status,
        filled_quantity=filled,
        leg_fills=legs,
        is_absent=False,
        updated_at=records[-1].at,
    )


def _whole_units(intent: OrderIntent, legs: Mapping[str, Decimal]) -> Decimal:
    """Units of a multi-leg order that every leg has been executed for."""
    wanted = intent.traded
    return min(legs.get(s, _ZERO) / units * intent.quantity for s, units in wanted.items() if units)


_CHANGES: Mapping[EventKind, Callable[[OrderRecord, Record], OrderRecord]] = {
    _K.ORDER_REFUSED: _refused,
    _K.APPROVAL_DENIED: _refused,
    _K.APPROVAL_REQUESTED: _awaiting,
    _K.ORDER_INTENDED: _intended,
    _K.ORDER_ADOPTED: _adopted,
    _K.ORDER_ANSWERED: _answered,
    _K.ORDER_CLOSED: _answered,
    _K.ORDER_UNKNOWN: _unknown,
    _K.CANCEL_ASKED: _cancel_asked,
    _K.REPLACE_ASKED: _replace_asked,
    _K.FILL: _filled,
}


def intent_from(payload: Payload) -> OrderIntent:
    """Return the order intent that `alphalens.trading.codec.to_jsonable` made `payload` of.

    Raises
    ------
    InputError
        If a field is missing: the text was not written by this package.
    """
    return from_jsonable(OrderIntent, payload)


def fill_from(payload: Payload) -> Fill:
    """Return the fill of a ``fill`` record."""
    return from_jsonable(Fill, payload)


@lru_cache(maxsize=8_192)
def fill_of(record: Record) -> Fill:
    """Return the fill of a ``fill`` record; who writes it and who folds it in ask in turn."""
    return fill_from(record.payload)


def approval_from(payload: Payload) -> Approval:
    """Return the approval of an ``approval_given`` record."""
    return from_jsonable(Approval, payload)


def alert_from(payload: Payload) -> AlertEvent:
    """Return the alert of an ``alert`` record."""
    return from_jsonable(AlertEvent, payload)


def mark_from(payload: Payload) -> Mark:
    """Return the mark of a ``mark`` record."""
    return from_jsonable(Mark, payload)


def order_from(payload: Payload) -> OrderRecord:
    """Return the order that `alphalens.trading.codec.to_jsonable` made `payload` of."""
    return from_jsonable(OrderRecord, payload)
