"""What the trading core asks of anything that can be traded."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Protocol

from alphalens.errors import InputError

__all__ = ["Asset", "on_grid", "to_grid"]


class Asset(Protocol):
    """One thing that can be traded, and the grid its orders must lie on."""

    @property
    def symbol(self) -> str:
        """Return the canonical symbol."""
        ...

    @property
    def currency(self) -> str:
        """Return the ISO 4217 code of the currency it is priced in."""
        ...

    @property
    def tick(self) -> Decimal:
        """Return the smallest step of an order's price."""
        ...

    @property
    def lot(self) -> Decimal:
        """Return the smallest step of an order's quantity."""
        ...

    @property
    def multiplier(self) -> Decimal:
        """Return the units of currency that one unit moves when the price moves by one."""
        ...

    def round_quantity(self, quantity: Decimal) -> Decimal:
        """Return the quantity on the lot grid, towards zero: rounding never adds risk."""
        ...

    def round_price(self, price: Decimal, *, is_buy: bool) -> Decimal:
        """Return the limit price on the tick grid, never worse for the trader."""
        ...


def to_grid(value: Decimal, step: Decimal, *, rounding: str = ROUND_DOWN) -> Decimal:
    """Return the multiple of `step` next to `value`, by default towards zero.

    Raises
    ------
    InputError
        If `value` is not finite.

    Examples
    --------
    >>> to_grid(Decimal("-7.9"), Decimal("0.5"))
    Decimal('-7.5')
    """
    if not value.is_finite():
        raise InputError(f"cannot round {value}: a finite number is needed")
    return (value / step).to_integral_value(rounding=rounding) * step


def on_grid(value: Decimal, step: Decimal) -> bool:
    """Return whether `value` is a multiple of `step`."""
    return to_grid(value, step, rounding=ROUND_HALF_EVEN) == value
