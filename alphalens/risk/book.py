"""What the gate sees of an account: one book at one instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from alphalens.assets.base import Asset
from alphalens.assets.kinds import AssetClass
from alphalens.assets.venues import Capability
from alphalens.errors import InputError
from alphalens.risk.facts import MarketSession, SentOrder, VenueFacts
from alphalens.risk.figures import is_price, is_sound_quote
from alphalens.trading.market import Quote
from alphalens.trading.orders import OrderClass, OrderIntent, Side

__all__ = ["BookView"]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookView:
    """One account at one instant, open orders included.

    Attributes
    ----------
    now : datetime
        The instant, timezone-aware.
    equity, cash : Decimal
        In the account's currency.
    day_open_equity, peak_equity : Decimal
        Equity at the last mark of an earlier UTC date, and the highest equity so far.
    quantities : Mapping of str to Decimal
        Signed units held.
    prices : Mapping of str to Decimal
        Last price per unit, in the account's currency.
    price_times : Mapping of str to datetime
        When each price was made.
    assets : Mapping of str to Asset
        What may be traded; anything else is refused.
    open_buys, open_sells : Mapping of str to Decimal
        Units of open orders not yet executed, positive: they are reserved.
    unresolved : frozenset of str
        Symbols with an order of unknown outcome, a pending cancel among them.
    sent : frozenset of str
        Client order ids sent in this cycle.
    planned : frozenset of str
        Client order ids of the stored plan of this cycle: two equal ones are two legs.
    venue : VenueFacts or None
        Account and host; None where nobody is asked (a simulation without a venue).
    enabled_classes : frozenset of AssetClass
        What the feature flags let this desk open.
    capabilities : Mapping of AssetClass to Capability
        What the venue takes; a class that is absent is not checked.
    sessions : Mapping of str to MarketSession
        Trading hours by the calendar of an asset; one that is absent is not checked.
    quotes : Mapping of str to Quote
        Best bid and offer; the later of quote and last price is the market's price.
    clock_skew_s : Decimal or None
        Seconds that our clock is ahead of the venue's; None if it was not measured.
    halted, frozen, external : frozenset of str
        Symbols whose trading the market halted, that a person has to clear, and whose
        position was there before us and is not claimed.
    orders : tuple of SentOrder
        Every order that is open, those of the last minute or of the window of duplicates, and
        those executed after the venue told its buying power.
    sectors : Mapping of str to str
        Sector by symbol; those that are absent are one sector of their own.
    traded_today : Decimal
        Absolute value executed since the UTC date began.
    buying_power : Decimal or None
        The venue's own figure, of the moment that it told it; None if it does not say.
    margin_rates : Mapping of str to Decimal
        Share of the notional that opening takes, by symbol; 1 for one that is absent.

    Raises
    ------
    InputError
        If `now` has no time zone.
    """

    now: datetime
    equity: Decimal
    cash: Decimal
    day_open_equity: Decimal
    peak_equity: Decimal
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    price_times: Mapping[str, datetime] = field(default_factory=dict)
    assets: Mapping[str, Asset] = field(default_factory=dict)
    open_buys: Mapping[str, Decimal] = field(default_factory=dict)
    open_sells: Mapping[str, Decimal] = field(default_factory=dict)
    unresolved: frozenset[str] = frozenset()
    sent: frozenset[str] = frozenset()
    planned: frozenset[str] = frozenset()
    venue: VenueFacts | None = None
    enabled_classes: frozenset[AssetClass] = frozenset({AssetClass.EQUITY})
    capabilities: Mapping[AssetClass, Capability] = field(default_factory=dict)
    sessions: Mapping[str, MarketSession] = field(default_factory=dict)
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    clock_skew_s: Decimal | None = None
    halted: frozenset[str] = frozenset()
    frozen: frozenset[str] = frozenset()
    external: frozenset[str] = frozenset()
    orders: tuple[SentOrder, ...] = ()
    sectors: Mapping[str, str] = field(default_factory=dict)
    traded_today: Decimal = _ZERO
    buying_power: Decimal | None = None
    margin_rates: Mapping[str, Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an instant that no age could be counted from."""
        if self.now.tzinfo is None:
            raise InputError(f"book: the instant {self.now} has no time zone")

    def held(self, symbol: str) -> Decimal:
        """Return the signed units held; 0 if none."""
        return self.quantities.get(symbol, _ZERO)

    def reserved(self, symbol: str, side: Side) -> Decimal:
        """Return the units that open orders of one side still want, positive."""
        return (self.open_buys if side is Side.BUY else self.open_sells).get(symbol, _ZERO)

    def projected(self) -> dict[str, Decimal]:
        """Return the signed units held once every open order is executed, zeros included."""
        after = dict(self.quantities)
        for symbol, units in self.open_buys.items():
            after[symbol] = after.get(symbol, _ZERO) + units
        for symbol, units in self.open_sells.items():
            after[symbol] = after.get(symbol, _ZERO) - units
        return after

    def mark(self, symbol: str) -> Decimal | None:
        """Return the last price, or without a usable one the middle of a sound quote."""
        price = self.prices.get(symbol)
        if is_price(price):
            return price
        quote = self.quotes.get(symbol)
        return quote.mid if quote is not None and is_sound_quote(quote) else None

    def room(self, symbol: str, side: Side) -> Decimal:
        """Return the units that an order of one side can close, open orders of it counted."""
        held = self.held(symbol)
        if held * side.sign >= 0:
            return _ZERO
        return max(_ZERO, abs(held) - self.reserved(symbol, side))

    def is_reducing(self, intent: OrderIntent) -> bool:
        """Return whether an order can only bring positions nearer to zero, never through it.

        Open orders of the same side count first: two orders that close the same position
        twice do not both reduce it. Open orders of the other side do not count: they may
        never be executed. All legs of a multi-leg order have to reduce. An entry with exits
        never reduces, because its exits trade the other way; the two exits of an oco count
        once, because one cancels the other.
        """
        if intent.order_class in (OrderClass.BRACKET, OrderClass.OTO):
            return False
        view = self.without(intent.replaces)
        return all(
            0 < abs(units) <= view.room(symbol, Side.BUY if units > 0 else Side.SELL)
            for symbol, units in intent.traded.items()
        )

    def with_order(self, intent: OrderIntent) -> BookView:
        """Return the view once the order is sent and open."""
        view = self.without(intent.replaces)
        order = SentOrder(intent=intent, at=self.now, remaining=intent.quantity)
        buys, sells = view._moved(intent.traded)
        return replace(
            view,
            open_buys=buys,
            open_sells=sells,
            sent=self.sent | {intent.client_order_id},
            orders=(*view.orders, order),
        )

    def without(self, client_order_id: str) -> BookView:
        """Return the view without one open order and what it reserves; itself if it is not open."""
        if not client_order_id:
            return self
        for order in self.orders:
            if order.is_open and order.intent.client_order_id == client_order_id:
                buys, sells = self._moved(order.units, sign=-1)
                others = tuple(one for one in self.orders if one is not order)
                return replace(self, open_buys=buys, open_sells=sells, orders=others)
        return self

    def _moved(
        self, units: Mapping[str, Decimal], *, sign: int = 1
    ) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
        buys, sells = dict(self.open_buys), dict(self.open_sells)
        for symbol, signed in units.items():
            side = buys if signed > 0 else sells
            side[symbol] = max(_ZERO, side.get(symbol, _ZERO) + sign * abs(signed))
        return buys, sells
