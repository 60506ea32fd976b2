"""Shares."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from alphalens.assets.base import to_grid
from alphalens.errors import InputError

__all__ = ["Equity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Equity:
    """A share of a company or of a fund.

    Attributes
    ----------
    symbol : str
        Canonical symbol.
    currency : str
        ISO 4217 code of the price.
    tick : Decimal
        Smallest price step, in `currency`.
    lot : Decimal
        Smallest quantity step, in shares; below 1 where the venue trades fractions.

    Raises
    ------
    InputError
        If the symbol is empty, or tick or lot is not positive.

    Examples
    --------
    >>> spy = Equity(symbol="SPY")
    >>> spy.round_quantity(Decimal("-10.7")), spy.round_price(Decimal("1.239"), is_buy=True)
    (Decimal('-10'), Decimal('1.23'))
    """

    symbol: str
    currency: str = "USD"
    tick: Decimal = Decimal("0.01")
    lot: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        """Refuse a grid that no order could lie on."""
        if not self.symbol:
            raise InputError("an equity needs a symbol, got an empty one")
        for name, step in (("tick", self.tick), ("lot", self.lot)):
            if not (step.is_finite() and step > 0):
                raise InputError(f"{self.symbol}: {name} must be positive and finite, got {step}")

    @property
    def multiplier(self) -> Decimal:
        """Return 1: a share moves by its price."""
        return Decimal(1)

    def round_quantity(self, quantity: Decimal) -> Decimal:
        """Return `quantity` on the lot grid, towards zero: rounding never adds risk."""
        return to_grid(quantity, self.lot)

    def round_price(self, price: Decimal, *, is_buy: bool) -> Decimal:
        """Return `price` on the tick grid: down for a buy, up for a sell, never worse."""
        return to_grid(price, self.tick, rounding=ROUND_FLOOR if is_buy else ROUND_CEILING)
