"""Intent, order and fill, and the one table of states an order may pass through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from alphalens.errors import InputError
from alphalens.trading.codec import digest

__all__ = [
    "TRANSITIONS",
    "Fill",
    "OrderIntent",
    "OrderStatus",
    "OrderType",
    "Side",
    "TimeInForce",
    "client_order_id",
]


class Side(StrEnum):
    """Direction of an order."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """Return +1 for a buy and -1 for a sell."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    """How the price of an order is found."""

    MARKET = "market"
    LIMIT = "limit"


class TimeInForce(StrEnum):
    """How long an order lives."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"


class OrderStatus(StrEnum):
    """Where an order stands, in our own journal."""

    REFUSED = "refused"  # by our gate: it was never sent
    AWAITING = "awaiting_approval"
    INTENDED = "intended"  # journalled, about to be sent
    UNKNOWN = "unknown"  # sent, and no definite answer came
    ACCEPTED = "accepted"
    PARTIAL = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"  # by the venue
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """Return True when no further change is expected."""
        return self in _FINAL


_S = OrderStatus
_FINAL = frozenset({_S.REFUSED, _S.FILLED, _S.CANCELED, _S.REJECTED, _S.EXPIRED})

#: For each status, the statuses that may follow. A fill that arrives after a cancel is
#: legal: the venue's word on executions is final.
TRANSITIONS: Mapping[OrderStatus | None, frozenset[OrderStatus]] = MappingProxyType(
    {
        None: frozenset({_S.REFUSED, _S.AWAITING, _S.INTENDED}),
        _S.AWAITING: frozenset({_S.INTENDED, _S.REFUSED, _S.EXPIRED}),
        _S.INTENDED: frozenset(
            {_S.ACCEPTED, _S.UNKNOWN, _S.REJECTED, _S.PARTIAL, _S.FILLED, _S.EXPIRED}
        ),
        _S.UNKNOWN: frozenset(
            {_S.ACCEPTED, _S.REJECTED, _S.PARTIAL, _S.FILLED, _S.CANCELED, _S.EXPIRED}
        ),
        _S.ACCEPTED: frozenset({_S.PARTIAL, _S.FILLED, _S.CANCELED, _S.REJECTED, _S.EXPIRED}),
        _S.PARTIAL: frozenset({_S.PARTIAL, _S.FILLED, _S.CANCELED, _S.EXPIRED}),
        _S.CANCELED: frozenset({_S.PARTIAL, _S.FILLED}),
        _S.EXPIRED: frozenset({_S.PARTIAL, _S.FILLED}),
        _S.REFUSED: frozenset(),
        _S.FILLED: frozenset(),
        _S.REJECTED: frozenset(),
    }
)


def client_order_id(
    account: str, cycle_id: str, leg: str, slice_: int = 0, replace: int = 0
) -> str:
    """Return the identity of an order: what it is for, never how much of it.

    Side and quantity are left out on purpose: a cycle that is run again and comes to another
    quantity must collide with its first order instead of sending a second one.

    Parameters
    ----------
    account : str
        Account at the venue.
    cycle_id : str
        The decision cycle.
    leg : str
        What the order is for inside the cycle, usually the symbol and ``close`` or ``open``.
    slice_, replace : int
        Number of the slice, and of the replacement.

    Returns
    -------
    str
        ``al-`` and 32 hexadecimal digits.
    """
    return f"al-{digest([account, cycle_id, leg, slice_, replace])[:32]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """The wish to trade, complete, before anybody agreed to it.

    Attributes
    ----------
    client_order_id : str
        See `client_order_id`; sending the same id twice trades once.
    account, cycle_id : str
        Whose order, and from which decision cycle.
    symbol : str
        Canonical symbol.
    side : Side
        Buy or sell.
    quantity : Decimal
        Units of the asset, positive.
    reference_price : Decimal
        Price the decision was taken at, in the asset's currency; limits are checked with it.
    created_at : datetime
        Timezone-aware instant, from the injected clock.
    order_type : OrderType
        Market or limit.
    time_in_force : TimeInForce
        How long the order lives.
    limit_price : Decimal or None
        Worst acceptable price; needed by a limit order and by no other.
    reason : str
        Why, in one line, for the record.

    Raises
    ------
    InputError
        If a quantity or price is not a positive finite number, the instant is naive, or the
        limit price does not go with the order type.
    """

    client_order_id: str
    account: str
    cycle_id: str
    symbol: str
    side: Side
    quantity: Decimal
    reference_price: Decimal
    created_at: datetime
    order_type: OrderType = OrderType.MARKET
    time_in_force: TimeInForce = TimeInForce.DAY
    limit_price: Decimal | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse what no venue could execute."""
        what = f"order {self.client_order_id} of {self.symbol}"
        for name in ("quantity", "reference_price", "limit_price"):
            value = getattr(self, name)
            if value is not None and not (value.is_finite() and value > 0):
                raise InputError(f"{what}: {name} must be positive and finite, got {value}")
        if self.created_at.tzinfo is None:
            raise InputError(f"{what}: created_at {self.created_at} has no time zone")
        if (self.order_type is OrderType.LIMIT) != (self.limit_price is not None):
            raise InputError(f"{what}: a limit price goes with a limit order and with no other")

    @property
    def signed_quantity(self) -> Decimal:
        """Return the quantity with the sign of its side."""
        return self.side.sign * self.quantity

    @property
    def notional(self) -> Decimal:
        """Return quantity times reference price, in the asset's currency, positive."""
        return self.quantity * self.reference_price

    @property
    def fingerprint(self) -> str:
        """Return the hash of everything in the intent; an approval is bound to it."""
        return digest(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution.

    Attributes
    ----------
    fill_id : str
        The venue's id of the execution; a fill is applied once per id.
    client_order_id, symbol : str
        The order, and what was traded.
    side : Side
        Buy or sell.
    quantity : Decimal
        Units, positive.
    price : Decimal
        Price per unit in the asset's currency, costs of crossing included.
    fee : Decimal
        Commission and fees in the account's currency, positive means paid.
    at : datetime
        Instant of the execution, timezone-aware.
    """

    fill_id: str
    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    at: datetime
    fee: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Refuse an execution of nothing."""
        if not (self.quantity.is_finite() and self.quantity > 0 and self.price.is_finite()):
            raise InputError(f"fill {self.fill_id}: {self.quantity} at {self.price} is no trade")
        if self.at.tzinfo is None:
            raise InputError(f"fill {self.fill_id}: {self.at} has no time zone")

    @property
    def signed_quantity(self) -> Decimal:
        """Return the quantity with the sign of its side."""
        return self.side.sign * self.quantity
