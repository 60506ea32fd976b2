"""What the trading core asks of anything that can be traded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TypeAlias

from alphalens.assets import calendars
from alphalens.assets.grid import divide_down, on_grid, product, require_number, to_grid, trouble
from alphalens.assets.kinds import AssetClass
from alphalens.assets.rules import (
    Violation,
    ViolationCode,
    broken_words,
    number,
    off_grid,
    violation,
)
from alphalens.assets.symbols import canonical
from alphalens.assets.venues import Capability
from alphalens.errors import InputError

__all__ = ["Asset", "BaseAsset", "on_grid", "to_grid"]

_ZERO, _ONE = Decimal(0), Decimal(1)
_C = ViolationCode


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseAsset(ABC):
    """One thing that can be traded, and the grid its orders must lie on.

    Attributes
    ----------
    symbol : str
        In the canonical form of `alphalens.assets.symbols`.
    currency : str
        Code of the currency of its price.
    tick : Decimal
        Step of an order's price, in `currency`.
    small_tick : Decimal or None
        Step of prices below `small_below`; None where `tick` holds at every price.
    small_below : Decimal
        The price from which on `tick` holds.
    lot : Decimal
        Step of an order's quantity, in units.
    multiplier : Decimal
        Units of `currency` that one unit moves when the price moves by one.
    min_quantity, min_notional : Decimal
        Least quantity, and least value in `currency`, of an order; 0 where there is none.
    calendar : str
        Name in `alphalens.assets.calendars.CALENDARS`.
    is_tradable, is_shortable, is_marginable : bool
        Whether it may be ordered, sold short, and bought on credit.

    Raises
    ------
    InputError
        If the symbol is not canonical, the calendar unknown, a number no finite Decimal, a
        step or the multiplier not positive, a minimum negative, or `small_below` on one of
        the two price grids only.
    """

    symbol: str
    currency: str = "USD"
    tick: Decimal = Decimal("0.01")
    small_tick: Decimal | None = None
    small_below: Decimal = _ONE
    lot: Decimal = _ONE
    multiplier: Decimal = _ONE
    min_quantity: Decimal = _ZERO
    min_notional: Decimal = _ZERO
    calendar: str = "XNYS"
    is_tradable: bool = True
    is_shortable: bool = True
    is_marginable: bool = True

    def __post_init__(self) -> None:
        """Refuse what no order could be right for."""
        form = canonical(self.symbol, self.asset_class)
        if form != self.symbol:
            raise InputError(f"{self.asset_class} symbol {self.symbol!r} is not canonical: {form}")
        calendars.check_name(self.calendar)
        if not (self.currency.isascii() and self.currency.isalnum() and self.currency.isupper()):
            raise InputError(f"{self.symbol}: currency must be like USD, got {self.currency!r}")
        for name in ("is_tradable", "is_shortable", "is_marginable"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(
                    f"{self.symbol}: {name} must be True or False, got {getattr(self, name)!r}"
                )
        self._check_numbers()

    @property
    @abstractmethod
    def asset_class(self) -> AssetClass:
        """Return what kind of thing it is."""

    @property
    def has_negative_prices(self) -> bool:
        """Return whether its price may be zero or negative."""
        return False

    @property
    def is_fractionable(self) -> bool:
        """Return whether a part of a unit can be ordered."""
        return not on_grid(self.lot, _ONE)

    def tick_at(self, price: Decimal) -> Decimal:
        """Return the step of prices around `price`.

        Raises
        ------
        InputError
            If the price is no finite Decimal.
        """
        price = require_number(f"{self.symbol}: price", price)
        if self.small_tick is not None and abs(price) < self.small_below:
            return self.small_tick
        return self.tick

    def round_price(self, price: Decimal, *, is_buy: bool) -> Decimal:
        """Return a limit price on the grid: down for a buy, up for a sell, never worse.

        A buy below one step gives 0, which `validate` refuses.

        Raises
        ------
        InputError
            If the price is no finite Decimal.
        """
        rounding = ROUND_FLOOR if is_buy else ROUND_CEILING
        return to_grid(price, self.tick_at(price), rounding=rounding)

    def round_quantity(self, quantity: Decimal) -> Decimal:
        """Return a signed quantity on the lot grid, towards zero: rounding never adds risk.

        Raises
        ------
        InputError
            If the quantity is no finite Decimal.
        """
        return to_grid(quantity, self.lot)

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Return the exact size of a position or an order, in `currency`, never negative.

        Raises
        ------
        InputError
            If a number is no finite Decimal.

        Notes
        -----
        ``|quantity| * |price| * multiplier``.
        """
        quantity = require_number(f"{self.symbol}: quantity", quantity)
        price = require_number(f"{self.symbol}: price", price)
        return abs(product(quantity, price, self.multiplier))

    def quantity_for(self, notional: Decimal, price: Decimal) -> Decimal:
        """Return the most that a signed amount of `currency` buys or sells, on the lot grid.

        Parameters
        ----------
        notional : Decimal
            Amount in `currency`; negative for a short position.
        price : Decimal
            Price of one unit; not zero.

        Returns
        -------
        Decimal
            Signed units, never worth more than `notional`; 0 where that is below
            `min_quantity` or `min_notional`.

        Raises
        ------
        InputError
            If a number is no finite Decimal, or the price is not one of this asset.
        """
        notional = require_number(f"{self.symbol}: notional", notional)
        price = require_number(f"{self.symbol}: price", price)
        if price == _ZERO or (price < _ZERO and not self.has_negative_prices):
            raise InputError(f"{self.symbol}: no quantity follows from the price {price}")
        units = divide_down(notional, abs(product(price, self.multiplier)))
        quantity = self.round_quantity(units)
        if abs(quantity) < self.min_quantity or self.notional(quantity, price) < self.min_notional:
            return _ZERO
        return quantity

    def last_trading_instant(self) -> datetime | None:
        """Return when its trading ends for good; None if it has no end."""
        return None

    def is_expired(self, at: datetime) -> bool:
        """Return whether its trading has ended at an instant.

        Raises
        ------
        InputError
            If `at` has no time zone.
        """
        at = calendars.require_aware(at)
        last = self.last_trading_instant()
        return last is not None and at >= last

    def validate(
        self,
        *,
        quantity: Decimal,
        order_type: str | None = None,
        time_in_force: str | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
        reference_price: Decimal | None = None,
        capability: Capability | None = None,
        at: datetime | None = None,
        is_short_sale: bool = False,
    ) -> tuple[Violation, ...]:
        """Return every rule of the asset, and of a venue, that an order violates.

        Parameters
        ----------
        quantity : Decimal
            Units, positive.
        order_type, time_in_force : str or None
            Values of `alphalens.trading.orders.OrderType` and `TimeInForce`; None is not judged.
        limit_price, stop_price : Decimal or None
            Prices of the order; they lie on the tick.
        reference_price : Decimal or None
            The market's, for the value of an order without a price of its own.
        capability : Capability or None
            What the venue takes; None judges only whether the words are known.
        at : datetime or None
            The instant of the order, for assets that expire; None is not judged.
        is_short_sale : bool
            Whether the order sells what is not held.

        Returns
        -------
        tuple of Violation
            All of them; empty if the order may go on to the risk gate.

        Raises
        ------
        InputError
            If `at` has no time zone. What is wrong with the order itself is never raised.
        """
        prices = {
            "limit price": limit_price,
            "stop price": stop_price,
            "reference price": reference_price,
        }
        given = {name: price for name, price in prices.items() if price is not None}
        fractional = not trouble(quantity) and not on_grid(quantity, _ONE)
        return (
            *self._standing(at, capability, is_short_sale=is_short_sale, is_fractional=fractional),
            *broken_words(
                self.symbol,
                order_type,
                time_in_force,
                venue=capability,
                is_fractional=fractional,
            ),
            *self._quantity(quantity),
            *(found for name, price in given.items() for found in self._price(name, price)),
            *self._value(quantity, next(iter(given.values()), None)),
        )

    def _check_numbers(self) -> None:
        small = () if self.small_tick is None else ("small_tick",)
        for name in ("tick", "lot", "multiplier", "small_below", *small):
            value = require_number(f"{self.symbol}: {name}", getattr(self, name))
            if value <= _ZERO:
                raise InputError(f"{self.symbol}: {name} must be positive, got {value}")
        for name in ("min_quantity", "min_notional"):
            value = require_number(f"{self.symbol}: {name}", getattr(self, name))
            if value < _ZERO:
                raise InputError(f"{self.symbol}: {name} must not be negative, got {value}")
        if self.small_tick is not None:
            self._check_border(self.small_tick)

    def _check_border(self, small_tick: Decimal) -> None:
        """Refuse grids that do not meet: a price rounded over the border would lie on neither."""
        for name, step in (("tick", self.tick), ("small_tick", small_tick)):
            if not on_grid(self.small_below, step):
                raise InputError(
                    f"{self.symbol}: small_below {self.small_below} must be a multiple of "
                    f"{name} {step}; where one step holds at every price, give small_tick=None"
                )

    def _standing(
        self,
        at: datetime | None,
        venue: Capability | None,
        *,
        is_short_sale: bool,
        is_fractional: bool,
    ) -> Iterator[Violation]:
        if not self.is_tradable:
            yield violation(_C.NOT_TRADABLE, self.symbol, "not tradable", "tradable", "wait")
        if is_short_sale and not self.is_shortable:
            remedy = "sell no more than is held"
            yield violation(_C.NOT_SHORTABLE, self.symbol, "not shortable", "shortable", remedy)
        elif is_short_sale and is_fractional and venue is not None and not venue.shorts_fractions:
            what = f"{self.symbol}: a short sale at {venue.venue}"
            remedy = "round the quantity to whole units"
            yield violation(_C.NOT_SHORTABLE, what, "a part of a unit", "whole units", remedy)
        if at is not None and self.is_expired(at):
            last = self.last_trading_instant()
            what, remedy = f"{self.symbol}: the order's instant", "trade a later contract"
            yield violation(_C.EXPIRED, what, at.isoformat(), f"before {last}", remedy)

    def _quantity(self, quantity: Decimal) -> Iterator[Violation]:
        what = f"{self.symbol}: quantity"
        if (bad := number(what, quantity)) is not None:
            yield bad
            return
        if (off := off_grid(_C.LOT, what, quantity, self.lot)) is not None:
            yield off
        if quantity < self.min_quantity:
            limit = f"at least {self.min_quantity:f}"
            yield violation(_C.MIN_QUANTITY, what, f"{quantity:f}", limit, "order more, or nothing")

    def _price(self, name: str, price: Decimal) -> Iterator[Violation]:
        what = f"{self.symbol}: {name}"
        bad = number(what, price, must_be_positive=not self.has_negative_prices)
        if bad is not None:
            yield bad
        elif name != "reference price":
            off = off_grid(_C.TICK, what, price, self.tick_at(price))
            if off is not None:
                yield off

    def _value(self, quantity: Decimal, price: Decimal | None) -> Iterator[Violation]:
        if price is None or trouble(quantity) or trouble(price):
            return
        value = self.notional(quantity, price)
        if value < self.min_notional:
            what = f"{self.symbol}: value of the order"
            limit = f"at least {self.min_notional:f} {self.currency}"
            yield violation(_C.MIN_NOTIONAL, what, f"{value:f}", limit, "order more, or nothing")


Asset: TypeAlias = BaseAsset
