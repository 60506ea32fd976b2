"""What the book holds: orders, executions, positions, events; and how they are written out."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

OPEN = frozenset(
    {"new", "accepted", "pending_new", "partially_filled", "held", "pending_cancel"}
    | {"pending_replace", "done_for_day", "accepted_for_bidding", "suspended", "stopped"}
)
"""Statuses of an order that may still execute."""

_DECIMALS = frozenset(
    {"qty", "notional", "limit_price", "stop_price", "trail_price", "trail_percent", "hwm"}
    | {"filled_qty", "filled_value", "ratio_qty"}
)
_INSTANTS = frozenset(
    {"created_at", "updated_at", "submitted_at", "filled_at", "expired_at", "expires_at"}
    | {"canceled_at", "failed_at", "replaced_at", "cancel_requested_at"}
)


def plain(value: Decimal) -> str:
    """Return a number without exponent and without trailing zeros.

    >>> plain(Decimal("10.500"))
    '10.5'
    """
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def rfc3339(instant: datetime) -> str:
    """Return a UTC instant as the venue writes it."""
    return instant.isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(slots=True, kw_only=True)
class Order:
    """One order in every state of its life.

    `filled_value` is the exact sum of price times quantity over its executions. `parent_id`
    ties the exits of a bracket and the legs of a multi-leg order to their parent. An order that
    is not `is_working` waits: for its parent, for the open, or for an auction.
    """

    id: str
    client_order_id: str
    seq: int
    symbol: str
    asset_id: str
    asset_class: str
    side: str
    type: str
    time_in_force: str
    status: str
    created_at: datetime
    updated_at: datetime
    submitted_at: datetime
    order_class: str = ""
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    hwm: Decimal | None = None
    extended_hours: bool = False
    position_intent: str | None = None
    filled_qty: Decimal = Decimal(0)
    filled_value: Decimal = Decimal(0)
    ratio_qty: Decimal | None = None
    filled_at: datetime | None = None
    expired_at: datetime | None = None
    expires_at: datetime | None = None
    canceled_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    failed_at: datetime | None = None
    replaced_at: datetime | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    parent_id: str | None = None
    leg_ids: list[str] = field(default_factory=list)
    is_triggered: bool = False
    is_external: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the order may still execute."""
        return self.status in OPEN

    @property
    def is_multi_leg(self) -> bool:
        """Whether this is the parent of a multi-leg order."""
        return self.order_class == "mleg" and self.parent_id is None

    @property
    def is_working(self) -> bool:
        """Whether the order is in the market now."""
        return self.status in ("new", "partially_filled", "pending_cancel", "pending_replace")

    @property
    def sign(self) -> int:
        """Plus one for a buy, minus one for a sell."""
        return 1 if self.side == "buy" else -1

    @property
    def leaves(self) -> Decimal:
        """What is still to be filled; zero for an order by notional."""
        return Decimal(0) if self.qty is None else max(self.qty - self.filled_qty, Decimal(0))

    @property
    def average(self) -> Decimal | None:
        """Average price of the executions so far."""
        return self.filled_value / self.filled_qty if self.filled_qty else None

    def to_state(self) -> dict[str, Any]:
        """Return every field in JSON types, for the file."""
        return {item.name: _out(getattr(self, item.name)) for item in fields(self)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Order:
        """Rebuild an order from `to_state`."""
        return cls(**{name: _in(name, value) for name, value in state.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One fill; `seq` orders them, `cum_qty` and `leaves_qty` are the order's after it."""

    id: str
    seq: int
    order_id: str
    client_order_id: str
    symbol: str
    side: str
    qty: Decimal
    price: Decimal
    cum_qty: Decimal
    leaves_qty: Decimal
    position_qty: Decimal
    time: datetime


@dataclass(slots=True, kw_only=True)
class Position:
    """What is held of one symbol; `qty` is negative for a short, `avg_entry` per unit."""

    symbol: str
    qty: Decimal
    avg_entry: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One message for the trade stream."""

    event: str
    order: dict[str, Any]
    time: datetime
    execution_id: str
    execution: Execution | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the frame of the `trade_updates` stream."""
        data: dict[str, Any] = {
            "event": self.event,
            "execution_id": self.execution_id,
            "order": self.order,
            "timestamp": rfc3339(self.time),
        }
        if self.execution is not None:
            data["price"] = plain(self.execution.price)
            data["qty"] = plain(self.execution.qty)
            data["position_qty"] = plain(self.execution.position_qty)
        return {"stream": "trade_updates", "data": data}


def _out(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _in(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _DECIMALS:
        return Decimal(value)
    return datetime.fromisoformat(value) if name in _INSTANTS else value


def order_json(order: Order, legs: list[Order] | None = None) -> dict[str, Any]:
    """Return an order as the venue answers it; every key is there, null where empty."""
    body: dict[str, Any] = {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "asset_id": order.asset_id,
        "symbol": order.symbol,
        "asset_class": order.asset_class,
        "filled_qty": plain(order.filled_qty),
        "filled_avg_price": None if order.average is None else plain(round(order.average, 9)),
        "order_class": order.order_class,
        "side": order.side,
        "time_in_force": order.time_in_force,
        "status": order.status,
        "extended_hours": order.extended_hours,
        "position_intent": order.position_intent,
        "replaced_by": order.replaced_by,
        "replaces": order.replaces,
        "legs": None if legs is None else [order_json(leg) for leg in legs],
        "subtag": None,
        "source": None,
    }
    # The legs of a multi-leg order have no type of their own.
    kind = "" if order.order_class == "mleg" and order.parent_id else order.type
    body |= {"type": kind, "order_type": kind}
    for name in sorted(_INSTANTS - {"cancel_requested_at"}):
        value = getattr(order, name)
        body[name] = None if value is None else rfc3339(value)
    if order.cancel_requested_at is not None:
        body["cancel_requested_at"] = rfc3339(order.cancel_requested_at)
    for name in sorted(_DECIMALS - {"filled_qty", "filled_value"}):
        value = getattr(order, name)
        body[name] = None if value is None else plain(value)
    return body
