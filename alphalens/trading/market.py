"""Prices as the trading part sees them: bars and quotes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from alphalens.errors import InputError

__all__ = ["Bar", "Quote"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The trading of one asset over one interval that has ended.

    Attributes
    ----------
    symbol : str
        Canonical symbol of the asset.
    at : datetime
        End of the interval, when the bar became known; timezone-aware.
    close : Decimal
        Last price, in the asset's currency.
    open, high, low : Decimal or None
        None where the source has closes only.
    volume : Decimal or None
        Units traded; None where the source does not say.

    Raises
    ------
    InputError
        If the instant is naive or a price is not a finite number.
    """

    symbol: str
    at: datetime
    close: Decimal
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    volume: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse a bar that no fill could be computed from."""
        if self.at.tzinfo is None:
            raise InputError(f"bar of {self.symbol}: {self.at.isoformat()} has no time zone")
        for name in ("open", "high", "low", "close"):
            price = getattr(self, name)
            if price is not None and not price.is_finite():
                raise InputError(f"bar of {self.symbol} at {self.at}: {name} is {price}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The best bid and offer of one asset at one instant, in the asset's currency."""

    symbol: str
    at: datetime
    bid: Decimal
    ask: Decimal

    @property
    def mid(self) -> Decimal:
        """Return the mean of bid and ask."""
        return (self.bid + self.ask) / 2
