"""The market as the trading part sees it: bars, quotes, and whether an asset trades."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from alphalens.errors import InputError

__all__ = ["Bar", "Quote", "TradingStatus"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingStatus:
    """Whether one asset may be traded from one instant on.

    Attributes
    ----------
    symbol : str
        Canonical symbol.
    at : datetime
        From when; timezone-aware.
    code : str
        The venue's code.
    is_halted : bool or None
        True from a halt or pause until trading resumes; None for a code that says neither.
    reason : str
        The venue's words; empty if it has none.

    Raises
    ------
    InputError
        If the instant is naive.
    """

    symbol: str
    at: datetime
    code: str
    is_halted: bool | None
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse an instant that could be any."""
        if self.at.tzinfo is None:
            raise InputError(f"status of {self.symbol}: {self.at.isoformat()} has no time zone")
