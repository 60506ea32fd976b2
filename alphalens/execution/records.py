"""What the journal says, as values: records, orders, marks, and the way back from JSON.

`fold_order` is the one place where a record changes an order; the projection in the database
and the writer's memory both use it, so a replay cannot differ from what was lived through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from alphalens.risk import Approval, Reason, ReasonCode
from alphalens.trading.events import AlertEvent, EventKind, Severity
from alphalens.trading.orders import (
    TRANSITIONS,
    Fill,
    OrderIntent,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)

__all__ = [
    "Mark",
    "OrderRecord",
    "Payload",
    "Record",
    "alert_from",
    "approval_from",
    "fill_from",
    "fold_order",
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
    payload: Payload
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """Everything that is known about one order.

    Attributes
    ----------
    intent : OrderIntent
        The order as it was wanted.
    status : OrderStatus
        Where it stands. It becomes partly or wholly filled by executions only, never by an
        answer that merely says so.
    updated_at : datetime
        When the last record about it was written.
    run_id : str
        The run that first recorded it.
    filled_quantity : Decimal
        Units executed, by the executions booked.
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
    is_absent : bool
        True after the venue has said that it has no such order.
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
    is_absent: bool = False

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
        """Return whether it went, or was about to go, to the venue."""
        return self.attempts > 0

    @property
    def is_open(self) -> bool:
        """Return whether it may still be executed: what remains of it is reserved."""
        return self.was_sent and not self.status.is_final and not self.is_absent

    @property
    def is_unresolved(self) -> bool:
        """Return whether nobody knows what became of it."""
        return self.is_open and self.status in (_S.INTENDED, _S.UNKNOWN)


def order_id_of(record: Record) -> str | None:
    """Return the client order id of the order that a record changes, or None if none."""
    if record.kind not in _CHANGES:
        return None
    holder = record.payload.get("intent", record.payload)
    order_id: str = holder["client_order_id"]
    return order_id


def fold_order(order: OrderRecord | None, record: Record) -> OrderRecord | None:
    """Return the order after a record that changes it, or None if it is no order of ours.

    A status that may not follow (`TRANSITIONS`) is not taken over: the order keeps the one it
    has, and only the figures are updated.
    """
    if order is None:
        if "intent" not in record.payload:
            return None
        order = OrderRecord(
            intent=intent_from(record.payload["intent"]),
            status=_first_status(record.kind),
            updated_at=record.at,
            run_id=record.run_id,
        )
    return replace(_CHANGES[record.kind](order, record), updated_at=record.at)


def _first_status(kind: EventKind) -> OrderStatus:
    return {_K.ORDER_INTENDED: _S.INTENDED, _K.APPROVAL_REQUESTED: _S.AWAITING}.get(
        kind, _S.REFUSED
    )


def _moved(order: OrderRecord, status: OrderStatus) -> OrderStatus:
    return status if status in TRANSITIONS[order.status] else order.status


def _refused(order: OrderRecord, record: Record) -> OrderRecord:
    reasons = tuple(map(_reason_from, record.payload["reasons"]))
    return replace(order, status=_moved(order, _S.REFUSED), reasons=reasons)


def _awaiting(order: OrderRecord, record: Record) -> OrderRecord:
    return replace(order, reasons=tuple(map(_reason_from, record.payload["reasons"])))


def _intended(order: OrderRecord, record: Record) -> OrderRecord:
    return replace(
        order,
        status=_moved(order, _S.INTENDED),
        attempts=record.payload["attempt"],
        attempted_at=record.at,
        approved_by=record.payload["approved_by"],
        is_absent=False,
    )


def _answered(order: OrderRecord, record: Record) -> OrderRecord:
    said = OrderStatus(record.payload["status"])
    status = _S.ACCEPTED if said in (_S.PARTIAL, _S.FILLED) else said
    return replace(
        order,
        status=_moved(order, status),
        venue_order_id=record.payload["venue_order_id"] or order.venue_order_id,
        note=record.payload["reason"],
        is_absent=False,
    )


def _unknown(order: OrderRecord, record: Record) -> OrderRecord:
    return replace(
        order,
        status=_moved(order, _S.UNKNOWN),
        note=record.payload["error"],
        is_absent=record.payload["is_absent"],
    )


def _filled(order: OrderRecord, record: Record) -> OrderRecord:
    filled = order.filled_quantity + Decimal(record.payload["quantity"])
    status = _S.FILLED if filled >= order.intent.quantity else _S.PARTIAL
    return replace(order, status=_moved(order, status), filled_quantity=filled, is_absent=False)


_CHANGES = {
    _K.ORDER_REFUSED: _refused,
    _K.APPROVAL_DENIED: _refused,
    _K.APPROVAL_REQUESTED: _awaiting,
    _K.ORDER_INTENDED: _intended,
    _K.ORDER_ANSWERED: _answered,
    _K.ORDER_CLOSED: _answered,
    _K.ORDER_UNKNOWN: _unknown,
    _K.FILL: _filled,
}


def intent_from(payload: Payload) -> OrderIntent:
    """Return the order intent that `alphalens.trading.codec.to_jsonable` made `payload` of.

    Raises
    ------
    KeyError
        If a field is missing: the text was not written by this package.
    """
    limit = payload["limit_price"]
    return OrderIntent(
        client_order_id=payload["client_order_id"],
        account=payload["account"],
        cycle_id=payload["cycle_id"],
        symbol=payload["symbol"],
        side=Side(payload["side"]),
        quantity=Decimal(payload["quantity"]),
        reference_price=Decimal(payload["reference_price"]),
        created_at=datetime.fromisoformat(payload["created_at"]),
        order_type=OrderType(payload["order_type"]),
        time_in_force=TimeInForce(payload["time_in_force"]),
        limit_price=None if limit is None else Decimal(limit),
        reason=payload["reason"],
    )


def fill_from(payload: Payload) -> Fill:
    """Return the fill that `alphalens.trading.codec.to_jsonable` made `payload` of."""
    return Fill(
        fill_id=payload["fill_id"],
        client_order_id=payload["client_order_id"],
        symbol=payload["symbol"],
        side=Side(payload["side"]),
        quantity=Decimal(payload["quantity"]),
        price=Decimal(payload["price"]),
        at=datetime.fromisoformat(payload["at"]),
        fee=Decimal(payload["fee"]),
    )


def approval_from(payload: Payload) -> Approval:
    """Return the approval of an ``approval_given`` record."""
    return Approval(
        client_order_id=payload["client_order_id"],
        fingerprint=payload["fingerprint"],
        by=payload["by"],
        reason=payload["reason"],
        at=datetime.fromisoformat(payload["at"]),
        expires_at=datetime.fromisoformat(payload["expires_at"]),
    )


def alert_from(payload: Payload) -> AlertEvent:
    """Return the alert of an ``alert`` record."""
    return AlertEvent(
        code=payload["code"],
        severity=Severity(payload["severity"]),
        message=payload["message"],
        at=datetime.fromisoformat(payload["at"]),
        values=dict(payload["values"]),
    )


def mark_from(payload: Payload) -> Mark:
    """Return the mark of a ``mark`` record."""
    amounts = {k: Decimal(payload[k]) for k in ("cash", "equity", "gross", "net", "drawdown")}
    return Mark(at=datetime.fromisoformat(payload["at"]), **amounts)


def order_from(payload: Payload) -> OrderRecord:
    """Return the order that `alphalens.trading.codec.to_jsonable` made `payload` of."""
    attempted = payload["attempted_at"]
    return OrderRecord(
        intent=intent_from(payload["intent"]),
        status=OrderStatus(payload["status"]),
        updated_at=datetime.fromisoformat(payload["updated_at"]),
        run_id=payload["run_id"],
        filled_quantity=Decimal(payload["filled_quantity"]),
        venue_order_id=payload["venue_order_id"],
        reasons=tuple(map(_reason_from, payload["reasons"])),
        note=payload["note"],
        approved_by=payload["approved_by"],
        attempts=payload["attempts"],
        attempted_at=None if attempted is None else datetime.fromisoformat(attempted),
        is_absent=payload["is_absent"],
    )


def _reason_from(payload: Payload) -> Reason:
    return Reason(
        code=ReasonCode(payload["code"]),
        limit=payload["limit"],
        actual=payload["actual"],
        message=payload["message"],
    )
