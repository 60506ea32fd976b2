"""Futures."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from alphalens.assets.base import BaseAsset
from alphalens.assets.calendars import require_aware, session_until
from alphalens.assets.contracts import FutureSymbol
from alphalens.assets.grid import product
from alphalens.assets.kinds import AssetClass
from alphalens.errors import InputError

__all__ = ["Future"]

_MONTHS_BEFORE, _MONTHS_AFTER = 3, 1  # where the last trade lies around the contract month


@dataclass(frozen=True, slots=True, kw_only=True)
class Future(BaseAsset):
    """The duty to take or to deliver something at a date.

    Attributes
    ----------
    symbol : str
        Canonical, ``ESZ26``.
    multiplier : Decimal
        Units of `currency` per point of the price.
    last_trade : date
        Last day of trading.
    first_notice : date or None
        First day on which delivery may be announced; None for contracts settled in cash.
    last_trade_at : datetime or None
        When trading ends on `last_trade`, where that is before the session's close.
    root, month, year : str, int, int
        Product and contract month, read from the symbol.

    Raises
    ------
    InputError
        If `last_trade` lies far from the contract month, `last_trade_at` on another day or
        without a time zone, and as `BaseAsset`.

    Examples
    --------
    >>> future = Future(
    ...     symbol="ESZ26", tick=Decimal("0.25"), multiplier=Decimal(50),
    ...     last_trade=date(2026, 12, 18),
    ... )
    >>> future.tick_value, future.notional(Decimal(2), Decimal("6800.25"))
    (Decimal('12.50'), Decimal('680025.00'))
    """

    calendar: str = "CME"
    last_trade: date
    first_notice: date | None = None
    last_trade_at: datetime | None = None
    root: str = field(init=False)
    month: int = field(init=False)
    year: int = field(init=False)

    def __post_init__(self) -> None:
        """Read the symbol, and refuse dates that contradict it."""
        BaseAsset.__post_init__(self)
        name = FutureSymbol.parse(self.symbol)
        for key in ("root", "month", "year"):
            object.__setattr__(self, key, getattr(name, key))
        for key in ("last_trade", "first_notice"):
            day = getattr(self, key)
            if type(day) is not date and not (key == "first_notice" and day is None):
                raise InputError(f"{self.symbol}: {key} must be a date, got {day!r}")
        self._check_dates()

    @property
    def asset_class(self) -> AssetClass:
        """Return `AssetClass.FUTURE`."""
        return AssetClass.FUTURE

    @property
    def has_negative_prices(self) -> bool:
        """Return True: oil was sold below zero on 20 April 2020."""
        return True

    @property
    def tick_value(self) -> Decimal:
        """Return what one contract moves when its price moves by one tick, in `currency`."""
        return product(self.tick, self.multiplier)

    def last_trading_instant(self) -> datetime:
        """Return `last_trade_at`, or the close of the last session up to `last_trade`."""
        if self.last_trade_at is not None:
            return require_aware(self.last_trade_at)
        return session_until(self.calendar, self.last_trade).close

    def _check_dates(self) -> None:
        apart = (self.year - self.last_trade.year) * 12 + self.month - self.last_trade.month
        if not -_MONTHS_AFTER <= apart <= _MONTHS_BEFORE:
            raise InputError(
                f"{self.symbol}: last_trade {self.last_trade} must lie near the contract month "
                f"{self.year}-{self.month:02}, at most {_MONTHS_BEFORE} months before and "
                f"{_MONTHS_AFTER} after it; correct the date"
            )
        if self.last_trade_at is not None:
            apart_days = abs((require_aware(self.last_trade_at).date() - self.last_trade).days)
            if apart_days > 1:  # the day of the market, not of UTC
                raise InputError(
                    f"{self.symbol}: last_trade_at {self.last_trade_at} must lie on last_trade "
                    f"{self.last_trade}"
                )
