"""Coins: spot pairs and perpetual contracts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal

from alphalens.assets.base import BaseAsset
from alphalens.assets.calendars import ALWAYS_OPEN, require_aware
from alphalens.assets.kinds import AssetClass
from alphalens.assets.symbols import split_pair
from alphalens.errors import InputError

__all__ = ["Crypto", "Perpetual"]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair(BaseAsset):
    """What spot pairs and perpetuals share: a coin priced in another, around the clock."""

    lot: Decimal = Decimal("0.000000001")
    calendar: str = ALWAYS_OPEN
    currency: str = field(init=False)
    base: str = field(init=False)
    quote: str = field(init=False)

    def __post_init__(self) -> None:
        """Read the symbol."""
        base, quote = split_pair(self.symbol)
        for key, value in {"base": base, "quote": quote, "currency": quote}.items():
            object.__setattr__(self, key, value)
        BaseAsset.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crypto(_Pair):
    """A coin bought with another one or with money; cannot be sold short.

    Attributes
    ----------
    symbol : str
        Canonical pair.
    tick, lot, min_quantity : Decimal
        The venue's increments of price and quantity and its least order; they differ by pair.
    base, quote : str
        What is bought and what is paid, read from the symbol; `quote` is the currency.

    Raises
    ------
    InputError
        As `BaseAsset`.

    Examples
    --------
    >>> bitcoin = Crypto(symbol="BTC/USD", tick=Decimal("0.1"), lot=Decimal("0.0001"))
    >>> bitcoin.base, bitcoin.currency, bitcoin.quantity_for(Decimal(1000), Decimal("61234.5"))
    ('BTC', 'USD', Decimal('0.0163'))
    """

    is_shortable: bool = False
    is_marginable: bool = False

    @property
    def asset_class(self) -> AssetClass:
        """Return `AssetClass.CRYPTO`."""
        return AssetClass.CRYPTO


@dataclass(frozen=True, slots=True, kw_only=True)
class Perpetual(_Pair):
    """A contract on a coin without an end, settled in the quote currency.

    Attributes
    ----------
    symbol : str
        Canonical, ``BTC/USDT-PERP``.
    funding_interval : timedelta
        Time between two funding payments, counted from midnight UTC.
    base, quote : str
        Read from the symbol; `quote` is the currency.

    Raises
    ------
    InputError
        If the day is no multiple of `funding_interval`, and as `BaseAsset`.

    Examples
    --------
    >>> from datetime import UTC
    >>> swap = Perpetual(symbol="BTC/USDT-PERP")
    >>> swap.next_funding(datetime(2026, 3, 1, 8, 0, tzinfo=UTC)).isoformat()
    '2026-03-01T16:00:00+00:00'
    """

    funding_interval: timedelta = timedelta(hours=8)

    def __post_init__(self) -> None:
        """Refuse an interval whose instants would move from day to day."""
        _Pair.__post_init__(self)
        if self.funding_interval <= timedelta(0) or _DAY % self.funding_interval:
            raise InputError(
                f"{self.symbol}: funding_interval must divide a day, got {self.funding_interval}"
            )

    @property
    def asset_class(self) -> AssetClass:
        """Return `AssetClass.PERPETUAL`."""
        return AssetClass.PERPETUAL

    def next_funding(self, at: datetime) -> datetime:
        """Return the first funding instant after an instant, in UTC.

        Raises
        ------
        InputError
            If `at` has no time zone.
        """
        at = require_aware(at)
        midnight = datetime.combine(at.date(), time(), tzinfo=at.tzinfo)
        return midnight + ((at - midnight) // self.funding_interval + 1) * self.funding_interval
