"""What is written into the journal about orders and alerts, in one shape each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from operator import attrgetter

from alphalens.brokers.base import VenueOrder
from alphalens.execution.journal import Entry
from alphalens.execution.records import OrderRecord
from alphalens.trading.activities import Activity, CashFlow, PositionChange, Split
from alphalens.trading.codec import from_jsonable, to_jsonable
from alphalens.trading.events import AlertEvent, EventKind, Severity
from alphalens.trading.orders import Fill, OrderIntent, OrderStatus
from alphalens.trading.text import storable

__all__ = [
    "absent_entries",
    "activity_entry",
    "activity_from",
    "alert_entry",
    "answer_payload",
    "closing_payload",
    "described",
    "fill_entry",
    "id_taken_entries",
    "still_working",
    "unknown_entries",
    "values_of",
]

_ACTIVITIES: Mapping[str, type[Activity]] = {
    "cash_flow": CashFlow,
    "split": Split,
    "position_change": PositionChange,
}
_FILL_FIELDS = tuple(field.name for field in fields(Fill))
_read_fill = attrgetter(*_FILL_FIELDS)
_NAMES = {kind: name for name, kind in _ACTIVITIES.items()}


def alert_entry(
    code: str,
    message: str,
    at: datetime,
    values: Mapping[str, str],
    severity: Severity = Severity.WARNING,
    *,
    cycle_id: str = "",
) -> Entry:
    """Return the journal entry of an alert."""
    told = {name: storable(value) for name, value in values.items()}
    message = storable(message)
    alert = AlertEvent(code=code, severity=severity, message=message, at=at, values=told)
    payload = {field.name: getattr(alert, field.name) for field in fields(alert)}
    return (EventKind.ALERT, payload, cycle_id)


def answer_payload(answer: VenueOrder, status: OrderStatus | None = None) -> dict[str, object]:
    """Return the content of the record of a venue's answer, by default with its own status."""
    return {
        "client_order_id": answer.client_order_id,
        "venue_order_id": answer.venue_order_id,
        "status": answer.status if status is None else status,
        "filled_quantity": answer.filled_quantity,
        "reason": storable(answer.reason),
    }


def closing_payload(intent: OrderIntent, status: OrderStatus, reason: str) -> dict[str, object]:
    """Return the content of the record of an end that we know of without the venue."""
    return {
        "client_order_id": intent.client_order_id,
        "venue_order_id": "",
        "status": status,
        "reason": storable(reason),
    }


def fill_entry(fill: Fill, cycle_id: str, *, is_listed: bool) -> Entry:
    """Return the entry of an execution; `is_listed` if the venue's list of them gave it.

    The list goes on after the last execution that it gave, so the record has to say so.
    """
    payload = dict(zip(_FILL_FIELDS, _read_fill(fill), strict=True))
    return (EventKind.FILL, {**payload, "is_listed": is_listed}, cycle_id)


def activity_entry(activity: Activity) -> Entry:
    """Return the entry of what moved the book without an order."""
    payload = {field.name: getattr(activity, field.name) for field in fields(activity)}
    return (EventKind.ACTIVITY, {**payload, "type": _NAMES[type(activity)]}, "")


def activity_from(payload: Mapping[str, object]) -> Activity:
    """Return the activity of an ``activity`` record."""
    return from_jsonable(_ACTIVITIES[str(payload["type"])], to_jsonable(payload))


def still_working(order: OrderRecord) -> Entry:
    """Return the entry that takes back a change which the venue did not make."""
    payload = {
        "client_order_id": order.client_order_id,
        "venue_order_id": order.venue_order_id,
        "status": OrderStatus.ACCEPTED,
        "filled_quantity": order.filled_quantity,
        "reason": "",
    }
    return (EventKind.ORDER_ANSWERED, payload, order.intent.cycle_id)


def unknown_entries(
    intent: OrderIntent, error: str, at: datetime, *, interrupted: int = 0, refusal: str = ""
) -> list[Entry]:
    """Return the entries that nobody knows what became of an order, alert included.

    Parameters
    ----------
    intent : OrderIntent
        The order.
    error : str
        What is known.
    at : datetime
        The present.
    interrupted : int
        1 if the process died in the attempt, which then counts for none.
    refusal : str
        What the venue said if it refused a second attempt.
    """
    message = (
        f"nobody knows what became of {described(intent)}: {error}. It is looked up before "
        f"anything else of {intent.symbol} is sent; it is not sent again unseen"
    )
    more = {"interrupted": interrupted} | ({"refusal": storable(refusal)} if refusal else {})
    return _unknown(intent, error, "order_unknown", message, at, {"is_absent": False, **more})


def absent_entries(intent: OrderIntent, at: datetime, *, interrupted: int = 0) -> list[Entry]:
    """Return the entries that the venue has no such order, alert included."""
    message = (
        f"{described(intent)} never reached the venue; if its cycle still wants it, it passes the "
        f"gate again and goes out once more under the same id"
    )
    error = "the venue has no such order"
    more = {"is_absent": True, "interrupted": interrupted}
    return _unknown(intent, error, "order_absent", message, at, more)


def id_taken_entries(intent: OrderIntent, error: str, at: datetime) -> list[Entry]:
    """Return the entries that the venue has another order under our id, alert included."""
    message = (
        f"the venue has another order under the id of {described(intent)}: {error}; "
        f"{intent.symbol} is frozen. Find out who placed it, then clear {intent.symbol}"
    )
    cycle_id = intent.cycle_id
    closing = closing_payload(intent, OrderStatus.REJECTED, error)
    values = values_of(intent)
    return [
        (EventKind.ORDER_CLOSED, closing, cycle_id),
        (EventKind.SYMBOL_FROZEN, {"symbol": intent.symbol, "reason": message}, cycle_id),
        alert_entry("id_taken", message, at, values, Severity.CRITICAL, cycle_id=cycle_id),
    ]


def _unknown(
    intent: OrderIntent,
    error: str,
    code: str,
    message: str,
    at: datetime,
    more: Mapping[str, object],
) -> list[Entry]:
    payload = {
        "client_order_id": intent.client_order_id,
        "error": storable(error),
        **more,
    }
    cycle_id = intent.cycle_id
    alert = alert_entry(code, message, at, values_of(intent), cycle_id=cycle_id)
    return [(EventKind.ORDER_UNKNOWN, payload, cycle_id), alert]


def described(intent: OrderIntent) -> str:
    """Return an order in words, for a message."""
    return f"{intent.side} {intent.quantity} {intent.symbol} ({intent.client_order_id})"


def values_of(intent: OrderIntent) -> dict[str, str]:
    """Return the figures of an alert about an order."""
    return {"client_order_id": intent.client_order_id, "symbol": intent.symbol}
