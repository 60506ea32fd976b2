"""The books: fills in, positions, cash and profit out; exact, pure, and replayable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from alphalens.errors import InputError
from alphalens.trading.orders import Fill

__all__ = ["Ledger", "Position"]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A holding in one asset.

    Attributes
    ----------
    symbol : str
        Canonical symbol.
    quantity : Decimal
        Units, negative for a short position.
    cost : Decimal
        Signed money paid for the units held: quantity times their average price.
    realised : Decimal
        Profit of the units sold (or bought back) so far, before fees.
    """

    symbol: str
    quantity: Decimal = _ZERO
    cost: Decimal = _ZERO
    realised: Decimal = _ZERO

    @property
    def average_price(self) -> Decimal:
        """Return the average price of the units held; 0 for a flat position."""
        return self.cost / self.quantity if self.quantity else _ZERO

    def _cost_of(self, units: Decimal) -> Decimal:
        """Return the cost of `units` of the position; the whole position's is exact."""
        if units == self.quantity:
            return self.cost
        return self.cost * units / self.quantity

    def after(self, fill: Fill) -> Position:
        """Return the position once `fill` is booked, at average cost.

        A fill that turns a long position short (or the reverse) first closes the old
        position at the fill's price, then opens the rest at it.
        """
        traded = fill.signed_quantity
        closing = _closing(self.quantity, traded)
        opening = traded - closing
        released = self._cost_of(-closing)
        return Position(
            symbol=self.symbol,
            quantity=self.quantity + traded,
            cost=self.cost - released + opening * fill.price,
            realised=self.realised + (-closing * fill.price - released),
        )


def _closing(held: Decimal, traded: Decimal) -> Decimal:
    """Return the part of a trade that reduces what is held, with the trade's sign."""
    if held * traded >= 0:
        return _ZERO
    return traded if abs(traded) <= abs(held) else -held


class Ledger:
    """Cash and positions of one account in one currency.

    Replaying the same fills in any order gives the same cash and quantities; a fill is
    applied once per `Fill.fill_id`.

    Parameters
    ----------
    cash : Decimal
        Opening balance in the account's currency.
    """

    def __init__(self, cash: Decimal) -> None:
        self._opening = cash
        self._cash = cash
        self._fees = _ZERO
        self._positions: dict[str, Position] = {}
        self._seen: dict[str, Fill] = {}

    @property
    def cash(self) -> Decimal:
        """Return the balance: opening, less purchases and fees, plus sales."""
        return self._cash

    @property
    def fees(self) -> Decimal:
        """Return all fees paid."""
        return self._fees

    @property
    def positions(self) -> Mapping[str, Position]:
        """Return the positions that are not flat, by symbol, in alphabetical order."""
        return {s: p for s, p in sorted(self._positions.items()) if p.quantity}

    @property
    def realised(self) -> Decimal:
        """Return the profit realised over all assets, before fees."""
        return sum((p.realised for p in self._positions.values()), _ZERO)

    def apply(self, fill: Fill) -> bool:
        """Book a fill and return True, or return False if it was booked before.

        Raises
        ------
        InputError
            If a fill of the same id but with other contents was booked before.
        """
        known = self._seen.get(fill.fill_id)
        if known is not None:
            if known != fill:
                raise InputError(
                    f"fill {fill.fill_id} was booked as {known.quantity} {known.symbol} at "
                    f"{known.price} and now says {fill.quantity} {fill.symbol} at {fill.price}"
                )
            return False
        self._seen[fill.fill_id] = fill
        position = self._positions.get(fill.symbol, Position(symbol=fill.symbol))
        self._positions[fill.symbol] = position.after(fill)
        self._cash -= fill.signed_quantity * fill.price + fill.fee
        self._fees += fill.fee
        return True

    def apply_all(self, fills: Iterable[Fill]) -> int:
        """Book every fill and return how many were new."""
        return sum(self.apply(fill) for fill in fills)

    def quantity(self, symbol: str) -> Decimal:
        """Return the units held of `symbol`; 0 if none."""
        position = self._positions.get(symbol)
        return position.quantity if position else _ZERO

    def equity(self, prices: Mapping[str, Decimal]) -> Decimal:
        """Return cash plus the value of every position.

        Raises
        ------
        InputError
            If a held asset has no price: the value would be invented.
        """
        return self._cash + sum(
            (p.quantity * _price(prices, s) for s, p in self.positions.items()), _ZERO
        )

    def exposure(self, prices: Mapping[str, Decimal]) -> tuple[Decimal, Decimal]:
        """Return (gross, net) value of the positions; raises as `equity`."""
        values = [p.quantity * _price(prices, s) for s, p in self.positions.items()]
        return sum((abs(v) for v in values), _ZERO), sum(values, _ZERO)


def _price(prices: Mapping[str, Decimal], symbol: str) -> Decimal:
    try:
        return prices[symbol]
    except KeyError:
        raise InputError(
            f"no price for {symbol}, which is held: fetch it before the book is valued"
        ) from None
