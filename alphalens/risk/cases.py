"""One order before the gate, with the figures and words that several rules need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from alphalens.assets.base import Asset
from alphalens.risk.book import BookView
from alphalens.risk.exposure import worths
from alphalens.risk.figures import exact, is_price, is_sound_quote
from alphalens.risk.limits import RiskLimits
from alphalens.risk.reasons import Reason, ReasonCode, over, refusal
from alphalens.trading.market import Quote
from alphalens.trading.orders import OrderClass, OrderIntent, OrderType, Side

__all__ = ["Case", "case_of", "is_aware", "side_of"]

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An order, the book without the order that it replaces, and the limits.

    Attributes
    ----------
    intent, book, limits
        What is judged, and against what.
    units : Mapping of str to Decimal
        Signed units by symbol that a full execution trades.
    is_reducing : bool
        Whether the order can only bring positions nearer to zero.
    unit_values : Mapping of str to Decimal or None
        Value of one unit of all that is held or on order, counted once for all rules.
    """

    intent: OrderIntent
    book: BookView
    limits: RiskLimits
    units: Mapping[str, Decimal]
    is_reducing: bool
    unit_values: Mapping[str, Decimal | None]

    @property
    def what(self) -> str:
        """Return the order in a few words."""
        intent = self.intent
        if not intent.legs:
            return f"{intent.side} {exact(intent.quantity)} {intent.symbol}"
        legs = ", ".join(f"{leg.side} {leg.ratio} {leg.symbol}" for leg in intent.legs)
        return f"{exact(intent.quantity)} times ({legs})"

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the symbol of the order and those of its legs, each once."""
        return tuple(dict.fromkeys((*self.units, self.intent.symbol)))

    @property
    def is_at_market(self) -> bool:
        """Return whether it is executed at once, at any price."""
        is_market = self.intent.order_type is OrderType.MARKET
        return is_market and self.intent.order_class is not OrderClass.OCO

    def multiplier(self, symbol: str) -> Decimal:
        """Return the multiplier of an asset; 1 for an unknown one, which is refused anyway."""
        asset: Asset | None = self.book.assets.get(symbol)
        return _ONE if asset is None else asset.multiplier

    def market_quote(self, symbol: str) -> Quote | None:
        """Return the quote that is the market's price, None where the last price is it."""
        quote, made = self.book.quotes.get(symbol), self.book.price_times.get(symbol)
        if quote is None or not is_sound_quote(quote) or quote.at.tzinfo is None:
            return None
        has_price = is_price(self.book.prices.get(symbol)) and is_aware(made)
        return None if has_price and made is not None and made > quote.at else quote

    def market(self, symbol: str) -> Decimal | None:
        """Return the market's price of one unit: the later of quote and last price."""
        quote = self.market_quote(symbol)
        if quote is not None:
            return quote.mid
        price = self.book.prices.get(symbol)
        return price if is_price(price) else None

    def price(self, symbol: str) -> Decimal:
        """Return the market's price, or where there is none to use, the order's own."""
        price = self.market(symbol)
        return self.intent.reference_price if price is None else price

    def value(self, symbol: str, units: Decimal) -> Decimal:
        """Return the value of units at the market's price, positive."""
        return abs(units) * self.price(symbol) * self.multiplier(symbol)

    def is_closing(self, symbol: str, units: Decimal) -> bool:
        """Return whether one leg can only bring its position nearer to zero."""
        return abs(units) <= self.book.room(symbol, side_of(units))

    def refuse(
        self, code: ReasonCode, says: str, actual: object, limit: object, remedy: str
    ) -> Reason:
        """Return a reason about this order."""
        return refusal(code, f"{self.what}{says}", actual, limit, remedy)

    def over(self, code: ReasonCode, actual: Decimal, limit: Decimal, remedy: str) -> Reason:
        """Return that a limit of the same name as the code is passed."""
        return over(code, self.what, actual, limit, remedy)


def case_of(intent: OrderIntent, book: BookView, limits: RiskLimits) -> Case:
    """Return the case of an order: what it replaces gives its reservation back."""
    view = book.without(intent.replaces)
    return Case(
        intent=intent,
        book=view,
        limits=limits,
        units=intent.traded,
        is_reducing=view.is_reducing(intent),
        unit_values=worths(view),
    )


def is_aware(instant: datetime | None) -> bool:
    """Return whether an instant is there and has a time zone."""
    return instant is not None and instant.tzinfo is not None


def side_of(units: Decimal) -> Side:
    """Return the side that trades signed units."""
    return Side.BUY if units > 0 else Side.SELL
