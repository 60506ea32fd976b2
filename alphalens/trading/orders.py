"""What is wanted and what was done: order intents and executions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from alphalens.errors import InputError
from alphalens.trading.codec import digest
from alphalens.trading.states import TRANSITIONS, OrderStatus
from alphalens.trading.text import checked_text

__all__ = [
    "LONGEST_ID",
    "TRANSITIONS",
    "Fill",
    "Leg",
    "OrderClass",
    "OrderIntent",
    "OrderStatus",
    "OrderType",
    "Side",
    "TimeInForce",
    "client_order_id",
]


#: Characters of an id or a symbol, at most.
LONGEST_ID = 128


class Side(StrEnum):
    """Direction of an order."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """Return +1 for a buy and -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def other(self) -> Side:
        """Return the side that takes this one back."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """How the price of an order is found."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    """How long an order lives."""

    DAY = "day"
    GTC = "gtc"  # good till canceled
    IOC = "ioc"  # immediate or cancel: what is not executed at once is canceled
    FOK = "fok"  # fill or kill: all at once or nothing
    OPG = "opg"  # in the opening auction only
    CLS = "cls"  # in the closing auction only


class OrderClass(StrEnum):
    """How orders hang together."""

    SIMPLE = "simple"
    BRACKET = "bracket"  # an entry, then a take-profit and a stop-loss that cancel each other
    OCO = "oco"  # the two exits of a position that is held
    OTO = "oto"  # an entry, then one exit
    MULTILEG = "mleg"  # several options, all or none


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One part of a multi-leg order.

    Attributes
    ----------
    symbol : str
        Canonical symbol.
    side : Side
        Buy or sell.
    ratio : int
        Units of the leg for each unit of the order, positive.
    is_closing : bool
        Whether it closes a position that is held.
    """

    symbol: str
    side: Side
    ratio: int = 1
    is_closing: bool = False

    def __post_init__(self) -> None:
        """Refuse a leg of nothing."""
        if type(self.ratio) is not int or self.ratio < 1:
            raise InputError(
                f"leg {self.symbol}: ratio must be a whole number of at least 1, got {self.ratio!r}"
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
        Canonical symbol; of a multi-leg order its underlying.
    side : Side
        Buy or sell; of a multi-leg order always buy, since its legs have sides of their own.
    quantity : Decimal
        Units of the asset, positive; of a multi-leg order how often each leg's ratio.
    reference_price : Decimal
        Price the decision was taken at, in the asset's currency; limits are checked with it.
    created_at : datetime
        Timezone-aware instant, from the injected clock.
    order_type : OrderType
        How the price is found.
    time_in_force : TimeInForce
        How long the order lives.
    limit_price : Decimal or None
        Worst acceptable price; needed by limit and stop-limit orders and by no others. Of a
        multi-leg order the net price: positive is paid, negative is received.
    stop_price : Decimal or None
        Price that wakes a stop or stop-limit order; needed by those and by no others.
    trail_amount, trail_fraction : Decimal or None
        Distance of a trailing stop from the best price since, in currency or as a fraction
        of it; a trailing stop needs exactly one.
    order_class : OrderClass
        How orders hang together.
    take_profit, stop_loss, stop_loss_limit : Decimal or None
        Exits of a bracket (first two), an oco (first two) or an oto (one of them): limit
        price of the one, stop price of the other, and its limit if it is a stop-limit.
    legs : tuple of Leg
        Two to four, of a multi-leg order.
    is_extended_hours : bool
        Whether it may be executed outside the regular session.
    replaces : str
        Client order id of the order that this one takes the place of; empty if of none.
    reason : str
        Why, in one line, for the record.

    Raises
    ------
    InputError
        If a quantity or price is not a positive finite number, a text cannot be stored, a
        field is of another type, the instant is naive, or prices, exits and legs do not go
        with type and class.
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
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_fraction: Decimal | None = None
    order_class: OrderClass = OrderClass.SIMPLE
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_loss_limit: Decimal | None = None
    legs: tuple[Leg, ...] = ()
    is_extended_hours: bool = False
    replaces: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse what no venue could execute."""
        what = f"order {self.client_order_id} of {self.symbol}"
        _check_fields(what, self)
        for name in _FIGURES:
            _check_figure(what, name, getattr(self, name), is_net=bool(self.legs))
        if self.created_at.tzinfo is None:
            raise InputError(f"{what}: created_at {self.created_at} has no time zone")
        for rule, needed in _NEEDS.items():
            if (getattr(self, rule) is not None) != (self.order_type in needed):
                names = " or ".join(sorted(needed))
                raise InputError(
                    f"{what}: a {rule.replace('_', ' ')} goes with a {names} order and with no "
                    f"other, this one is {self.order_type}"
                )
        is_trailing = self.order_type is OrderType.TRAILING_STOP
        if [self.trail_amount, self.trail_fraction].count(None) != (1 if is_trailing else 2):
            raise InputError(
                f"{what}: a trailing stop needs exactly one of trail_amount and trail_fraction, "
                f"and no other order has them"
            )
        _check_class(what, self)

    @property
    def signed_quantity(self) -> Decimal:
        """Return the quantity with the sign of its side."""
        return self.side.sign * self.quantity

    @property
    def notional(self) -> Decimal:
        """Return quantity times reference price, in the asset's currency, positive."""
        return self.quantity * self.reference_price

    @property
    def traded(self) -> dict[str, Decimal]:
        """Return signed units by symbol that a full execution trades, without exits."""
        if not self.legs:
            return {self.symbol: self.signed_quantity}
        units: dict[str, Decimal] = {}
        for leg in self.legs:
            wanted = leg.side.sign * leg.ratio * self.quantity
            units[leg.symbol] = units.get(leg.symbol, Decimal(0)) + wanted
        return units

    @property
    def fingerprint(self) -> str:
        """Return the hash of everything in the intent; an approval is bound to it."""
        return digest(self)


_TEXTS = ("client_order_id", "account", "cycle_id", "symbol", "replaces", "reason")
_KINDS = {
    "side": Side,
    "created_at": datetime,
    "order_type": OrderType,
    "time_in_force": TimeInForce,
    "order_class": OrderClass,
    "legs": tuple,
    "is_extended_hours": bool,
}
_FIGURES = (
    "quantity",
    "reference_price",
    "limit_price",
    "stop_price",
    "trail_amount",
    "trail_fraction",
    "take_profit",
    "stop_loss",
    "stop_loss_limit",
)
_NEEDS = {
    "limit_price": {OrderType.LIMIT, OrderType.STOP_LIMIT},
    "stop_price": {OrderType.STOP, OrderType.STOP_LIMIT},
}
_MOST_LEGS = 4


def _check_figure(what: str, name: str, value: Decimal | None, *, is_net: bool) -> None:
    if value is None:
        return
    if not isinstance(value, Decimal):
        raise InputError(f"{what}: {name} must be a Decimal, got {value!r}")
    if not value.is_finite() or (value <= 0 and not (is_net and name == "limit_price")):
        raise InputError(f"{what}: {name} must be positive and finite, got {value}")


def _check_fields(what: str, intent: OrderIntent) -> None:
    """Refuse a field of another type, and text that cannot be stored."""
    for name, kind in _KINDS.items():
        if not isinstance(getattr(intent, name), kind):
            raise InputError(f"{what}: {name} is {getattr(intent, name)!r}, no {kind.__name__}")
    for name in _TEXTS:
        checked_text(getattr(intent, name), f"{what}: {name}")
    for name in ("client_order_id", "symbol", "account", "cycle_id"):
        length = len(getattr(intent, name))
        if length > LONGEST_ID or (not length and name in ("client_order_id", "symbol")):
            raise InputError(
                f"{what}: {name} has {length} characters, 1 to {LONGEST_ID} can be stored"
            )


def _check_class(what: str, intent: OrderIntent) -> None:
    """Refuse exits and legs that do not go with the class of the order."""
    exits = [intent.take_profit, intent.stop_loss].count(None)
    missing = {OrderClass.BRACKET: 0, OrderClass.OCO: 0, OrderClass.OTO: 1}
    if exits != missing.get(intent.order_class, 2):
        raise InputError(
            f"{what}: bracket and oco need take_profit and stop_loss, oto one of them, and no "
            f"other order has them; this one is {intent.order_class}"
        )
    if intent.stop_loss_limit is not None and intent.stop_loss is None:
        raise InputError(f"{what}: stop_loss_limit needs a stop_loss")
    is_multileg = intent.order_class is OrderClass.MULTILEG
    if is_multileg != bool(intent.legs) or (
        is_multileg and not 2 <= len(intent.legs) <= _MOST_LEGS
    ):
        raise InputError(
            f"{what}: a multi-leg order has 2 to {_MOST_LEGS} legs and no other order has any, "
            f"got {len(intent.legs)} with class {intent.order_class}"
        )
    if is_multileg and intent.side is not Side.BUY:
        raise InputError(f"{what}: a multi-leg order is bought; its legs have the sides")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution.

    Attributes
    ----------
    fill_id : str
        Identity of the execution; a fill is applied once per id. An adapter makes it of what
        the stream and the list of executions both say: the venue's order id and the units
        executed so far.
    client_order_id, symbol : str
        The order, and what was traded.
    side : Side
        Buy or sell.
    quantity : Decimal
        Units, positive.
    price : Decimal
        Price per unit in `currency`, costs of crossing included.
    fee : Decimal
        Commission and fees in `currency`, positive means paid.
    at : datetime
        Instant of the execution, timezone-aware.
    multiplier : Decimal
        Units of currency that one unit moves when the price moves by one.
    currency : str
        ISO 4217 code, or the quote coin of a pair.
    is_margined : bool
        True where the notional is not paid for (futures, perpetuals): only profit, loss and
        fees move cash.
    cumulative : Decimal or None
        Units of the order executed so far, this execution included; None if not known.
    venue_order_id, execution_id : str
        The venue's own ids, empty if not known.
    is_synthetic : bool
        True when it was inferred from a cumulative figure; the true executions replace it.
    """

    fill_id: str
    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    at: datetime
    fee: Decimal = Decimal(0)
    multiplier: Decimal = Decimal(1)
    currency: str = "USD"
    is_margined: bool = False
    cumulative: Decimal | None = None
    venue_order_id: str = ""
    execution_id: str = ""
    is_synthetic: bool = False

    def __post_init__(self) -> None:
        """Refuse an execution of nothing."""
        figures = (self.quantity, self.price, self.fee, self.multiplier)
        if not all(isinstance(figure, Decimal) for figure in figures):
            raise InputError(
                f"fill {self.fill_id}: quantity, price, fee and multiplier must be Decimals, got "
                f"{', '.join(map(repr, figures))}"
            )
        if not (self.quantity.is_finite() and self.quantity > 0 and self.price.is_finite()):
            raise InputError(f"fill {self.fill_id}: {self.quantity} at {self.price} is no trade")
        if not (self.fee.is_finite() and self.multiplier.is_finite() and self.multiplier > 0):
            raise InputError(
                f"fill {self.fill_id}: fee {self.fee} and multiplier {self.multiplier} must be "
                f"finite, the multiplier positive"
            )
        if self.at.tzinfo is None:
            raise InputError(f"fill {self.fill_id}: {self.at} has no time zone")

    @property
    def signed_quantity(self) -> Decimal:
        """Return the quantity with the sign of its side."""
        return self.side.sign * self.quantity
