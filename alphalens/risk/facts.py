"""What the gate is told about orders already sent, the venue's account and its hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from functools import partial

from alphalens.assets.kinds import AssetClass
from alphalens.errors import InputError
from alphalens.risk.figures import CONTEXT, absurd_figure, is_sound
from alphalens.trading.orders import OrderIntent

__all__ = [
    "MarketSession",
    "SentOrder",
    "VenueFacts",
    "enabled_classes",
    "highest_own",
    "wish_of",
]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentOrder:
    """An order that went out: it is still open, or it is recent.

    What the rules ask of every order at every judgement is told once, when it is made.

    Attributes
    ----------
    intent : OrderIntent
        What was sent.
    at : datetime
        When, timezone-aware.
    remaining : Decimal
        Units not yet executed; 0 once nothing more can come of it.
    is_reserved : bool
        Whether the buying power that the venue told has its cost taken off already.
    executed : Decimal
        Units executed; asked of an order only that is not reserved.
    price : Decimal
        What one of them was bought or sold for on average, fees counted in; 0 of an order
        with legs.
    is_open : bool
        Whether more of it may be executed.
    units : Mapping of str to Decimal
        Signed units by symbol that may still be executed; empty if a figure is absurd.
    own_price : Decimal
        The highest of its limit and its stop, 0 without one.
    wish : tuple
        What two orders have in common that ask for the same.
    flaws : tuple of (str, Decimal)
        Figures that nothing can be computed with, by what they are.
    """

    intent: OrderIntent
    at: datetime
    remaining: Decimal
    is_reserved: bool = False
    executed: Decimal = _ZERO
    price: Decimal = _ZERO
    is_open: bool = field(init=False, repr=False, compare=False)
    units: Mapping[str, Decimal] = field(init=False, repr=False, compare=False)
    own_price: Decimal = field(init=False, repr=False, compare=False)
    wish: tuple[object, ...] = field(init=False, repr=False, compare=False)
    flaws: tuple[tuple[str, Decimal], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Tell what follows from the order alone."""
        with localcontext(CONTEXT):
            flaws = tuple(self._find_flaws())
            tell = partial(object.__setattr__, self)
            tell("flaws", flaws)
            tell("is_open", is_sound(self.remaining) and self.remaining > 0)
            tell("units", {} if flaws else self._left())
            tell("own_price", highest_own(self.intent))
            tell("wish", wish_of(self.intent))

    def _find_flaws(self) -> Iterator[tuple[str, Decimal]]:
        for name in ("remaining", "executed", "price"):
            if not is_sound(getattr(self, name)):
                yield name, getattr(self, name)
        figure = absurd_figure(self.intent)
        if figure is not None:
            yield "a figure", figure

    def _left(self) -> dict[str, Decimal]:
        left, quantity = self.remaining, self.intent.quantity
        return {symbol: units / quantity * left for symbol, units in self.intent.traded.items()}


def highest_own(intent: OrderIntent) -> Decimal:
    """Return the highest of the limit and the stop of an order; 0 without one above it."""
    own = (intent.limit_price, intent.stop_price)
    return max([_ZERO, *(price for price in own if price is not None)])


def wish_of(intent: OrderIntent) -> tuple[object, ...]:
    """Return what is asked for, whatever it is called: equal for two orders that are twins."""
    return (
        intent.symbol,
        intent.side,
        intent.quantity,
        intent.limit_price,
        intent.stop_price,
        intent.trail_amount,
        intent.trail_fraction,
        intent.legs,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueFacts:
    """Whose account it is, and whether flag, host and account agree on real money.

    Attributes
    ----------
    account_id : str
        The account number, by the venue's own word.
    expected_account : str
        The account number that a person typed; live trading needs it.
    is_live : bool
        Whether orders of the account move real money, by the venue's own word.
    is_live_host : bool or None
        Whether the host is the one for real money; None where there is no host.
    is_flagged_live : bool
        Whether the feature flag of live trading is on.
    is_blocked : bool
        Whether the venue takes no orders of the account now.
    """

    account_id: str
    expected_account: str = ""
    is_live: bool = False
    is_live_host: bool | None = None
    is_flagged_live: bool = False
    is_blocked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSession:
    """The trading hours of one market around the present.

    Attributes
    ----------
    is_open : bool
        Whether the regular session is open.
    next_open, next_close : datetime
        The next opening and the next close, timezone-aware.
    last_close : datetime or None
        The last close; None if it is not known.
    is_extended : bool
        Whether orders for extended hours are executed now.
    opening_cutoff, closing_cutoff : timedelta
        How long before an auction the venue takes its last order.
    auction_pause : timedelta
        How long after the close it takes no order for an auction.

    Raises
    ------
    InputError
        If an instant has no time zone.
    """

    is_open: bool
    next_open: datetime
    next_close: datetime
    last_close: datetime | None = None
    is_extended: bool = False
    opening_cutoff: timedelta = timedelta(minutes=2)
    closing_cutoff: timedelta = timedelta(minutes=10)
    auction_pause: timedelta = timedelta(hours=3)

    def __post_init__(self) -> None:
        """Refuse hours that cannot be compared with the present."""
        for name in ("next_open", "next_close", "last_close"):
            instant = getattr(self, name)
            if instant is not None and instant.tzinfo is None:
                raise InputError(f"market session: {name} {instant} has no time zone")

    def is_open_at(self, now: datetime) -> bool:
        """Return whether the regular session is open; what was told holds until its close."""
        return self.is_open and now < self.next_close

    def is_pausing(self, now: datetime) -> bool:
        """Return whether the close is so near behind that no order for an auction is taken."""
        return self.last_close is not None and now - self.last_close < self.auction_pause


def enabled_classes(*, options: bool, crypto: bool) -> frozenset[AssetClass]:
    """Return what the feature flags let a desk open: shares and futures need none.

    Examples
    --------
    >>> print(*sorted(enabled_classes(options=False, crypto=True)))
    crypto equity future perpetual
    """
    classes = {AssetClass.EQUITY, AssetClass.FUTURE}
    if options:
        classes.add(AssetClass.OPTION)
    if crypto:
        classes |= {AssetClass.CRYPTO, AssetClass.PERPETUAL}
    return frozenset(classes)
