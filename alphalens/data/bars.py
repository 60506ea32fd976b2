"""Bars as columns: what every vendor is turned into, and every store, cache and reader has.

========== ============= ======================================================================
column     dtype         meaning
========== ============= ======================================================================
symbol     category      canonical symbol (`alphalens.assets.symbols`)
timestamp  datetime, UTC instant at which the bar begins; of a daily bar midnight in the zone of
                         its market
open ...   float64       prices of one unit in `currency`; NaN where the vendor has none
close
volume     float64       units traded (shares, contracts, coins)
vwap       float64       mean price by volume; NaN if the vendor does not tell it
trades     int64         number of trades; -1 if the vendor does not tell it
is_final   bool          False while the bar is still forming
source     category      the vendor it came from
received_at datetime, UTC when it was received: nobody knew it earlier
adjustment category      ``raw``, ``split`` or ``all`` (splits and dividends)
========== ============= ======================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalens.errors import InputError

__all__ = ["COLUMNS", "NO_TIME", "Adjustment", "Bars", "Timeframe", "micros"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

COLUMNS = (
    "symbol",
    "timestamp",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "vwap",
    "trades",
    "is_final",
    "source",
    "received_at",
    "adjustment",
)
#: Stands for an instant that could not be read; pandas and numpy show it as NaT.
NO_TIME = int(np.iinfo(np.int64).min)

_PRICES = ("open", "high", "low", "close")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Adjustment(StrEnum):
    """What prices and volumes were corrected for; part of the key of every bar."""

    RAW = "raw"
    SPLIT = "split"
    ALL = "all"  # splits and dividends


class Timeframe(StrEnum):
    """How long a bar is."""

    MINUTE = "1m"
    MINUTES_5 = "5m"
    MINUTES_15 = "15m"
    MINUTES_30 = "30m"
    HOUR = "1h"
    DAY = "1d"

    @property
    def is_daily(self) -> bool:
        """Return whether it is a session's bar, which no fixed number of seconds tells."""
        return self is Timeframe.DAY

    @property
    def length(self) -> timedelta:
        """Return how long it is; of a daily bar 24 hours, whatever its session has."""
        return _LENGTHS[self]


_LENGTHS: Mapping[Timeframe, timedelta] = {
    Timeframe.MINUTE: timedelta(minutes=1),
    Timeframe.MINUTES_5: timedelta(minutes=5),
    Timeframe.MINUTES_15: timedelta(minutes=15),
    Timeframe.MINUTES_30: timedelta(minutes=30),
    Timeframe.HOUR: timedelta(hours=1),
    Timeframe.DAY: timedelta(days=1),
}


def micros(instant: datetime) -> int:
    """Return an aware instant as microseconds since 1970-01-01 UTC.

    Raises
    ------
    InputError
        If it has no time zone.

    Examples
    --------
    >>> micros(datetime(2024, 1, 2, tzinfo=UTC))
    1704153600000000
    """
    if instant.tzinfo is None:
        raise InputError(f"a time zone is needed, got the naive instant {instant.isoformat()}")
    return (instant - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Bars:
    """Bars of one timeframe and one adjustment, a row each, in no promised order.

    Attributes
    ----------
    symbols : tuple of str
        Canonical symbols, each once; `codes` are positions in it.
    codes : int32 array of shape (n,)
        Symbol of each row.
    time : int64 array of shape (n,)
        Begin of each bar, microseconds since 1970-01-01 UTC.
    open, high, low, close, volume, vwap : float64 arrays of shape (n,)
        See the table of the module.
    trades : int64 array of shape (n,)
        Number of trades, -1 for unknown.
    is_final : bool array of shape (n,)
        Whether the bar has ended.
    received : int64 array of shape (n,)
        When it was received, microseconds since 1970-01-01 UTC.
    sources : tuple of str
        Vendors, each once; `source_codes` are positions in it.
    source_codes : int16 array of shape (n,)
        Vendor of each row.
    timeframe, adjustment : Timeframe, Adjustment
        Of all rows.
    currency : str
        ISO 4217 code of the prices.

    Raises
    ------
    InputError
        If the columns are not of one length.
    """

    symbols: tuple[str, ...]
    codes: NDArray[np.int32]
    time: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    vwap: Floats
    trades: Ints
    is_final: Flags
    received: Ints
    sources: tuple[str, ...]
    source_codes: NDArray[np.int16]
    timeframe: Timeframe
    adjustment: Adjustment
    currency: str = "USD"

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        lengths = {name: len(getattr(self, name)) for name in _ROWS}
        if len(set(lengths.values())) > 1:
            raise InputError(f"the columns of bars differ in length: {lengths}")

    def __len__(self) -> int:
        return len(self.time)

    @classmethod
    def empty(cls, timeframe: Timeframe, adjustment: Adjustment, *, currency: str = "USD") -> Self:
        """Return no bars."""
        columns = {name: np.empty(0, dtype=dtype) for name, dtype in _ROWS.items()}
        return cls(
            symbols=(),
            sources=(),
            timeframe=timeframe,
            adjustment=adjustment,
            currency=currency,
            **columns,
        )

    @classmethod
    def of_symbol(
        cls,
        symbol: str,
        time: Ints,
        prices: Mapping[str, Floats],
        *,
        source: str,
        received_at: datetime,
        timeframe: Timeframe,
        adjustment: Adjustment,
        currency: str = "USD",
    ) -> Self:
        """Return final bars of one symbol from one vendor.

        Parameters
        ----------
        symbol : str
            Canonical.
        time : int64 array of shape (n,)
            Begins, microseconds since 1970-01-01 UTC.
        prices : Mapping of str to float64 array of shape (n,)
            ``open``, ``high``, ``low``, ``close``, and ``volume`` and ``vwap`` where known.
        source, received_at : str, datetime
            The vendor, and when it told them (aware).
        timeframe, adjustment, currency
            Of all of them.
        """
        n = len(time)
        unknown = np.full(n, np.nan)
        return cls(
            symbols=(symbol,),
            codes=np.zeros(n, np.int32),
            time=np.asarray(time, np.int64),
            trades=np.full(n, -1, np.int64),
            is_final=np.ones(n, np.bool_),
            received=np.full(n, micros(received_at), np.int64),
            sources=(source,),
            source_codes=np.zeros(n, np.int16),
            timeframe=timeframe,
            adjustment=adjustment,
            currency=currency,
            **{
                name: np.asarray(prices.get(name, unknown), np.float64)
                for name in (*_PRICES, "volume", "vwap")
            },
        )

    def take(self, rows: NDArray[np.intp] | Flags) -> Self:
        """Return some of the rows, by position or by a mask; symbols without rows stay named."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _ROWS})

    def sorted(self) -> Self:
        """Return the rows by symbol, then time; rows of one key keep their order."""
        rank = np.argsort(np.argsort(np.array(self.symbols, dtype=object)))
        return self.take(np.lexsort((self.time, rank[self.codes]))) if len(self) else self

    def frame(self) -> pd.DataFrame:
        """Return the rows as the long table of the module's docstring, by `COLUMNS`."""
        n = len(self)
        columns: dict[str, object] = {
            "symbol": _labels(self.codes, self.symbols),
            "timestamp": _stamps(self.time),
            **{name: getattr(self, name) for name in (*_PRICES, "volume", "vwap", "trades")},
            "is_final": self.is_final,
            "source": _labels(self.source_codes, self.sources),
            "received_at": _stamps(self.received),
            "adjustment": _labels(np.zeros(n, np.int8), (str(self.adjustment),)),
        }
        return pd.DataFrame(columns, columns=list(COLUMNS))

    @staticmethod
    def concat(parts: Sequence[Bars]) -> Bars:
        """Return the rows of several, one after the other.

        Raises
        ------
        InputError
            If there are none, or they differ in timeframe, adjustment or currency: prices of
            different adjustments have no common series.
        """
        kinds = {(p.timeframe, p.adjustment, p.currency) for p in parts}
        if len(kinds) != 1:
            told = ", ".join("/".join(map(str, kind)) for kind in sorted(kinds)) or "no bars"
            raise InputError(f"bars of one timeframe, adjustment and currency go together: {told}")
        symbols = tuple(dict.fromkeys(s for p in parts for s in p.symbols))
        sources = tuple(dict.fromkeys(s for p in parts for s in p.sources))
        columns: dict[str, Any] = {  # Any: the columns differ in type
            name: np.concatenate([getattr(p, name) for p in parts]) for name in _ROWS
        }
        columns["codes"] = _recoded([(p.symbols, p.codes) for p in parts], symbols, np.int32)
        columns["source_codes"] = _recoded(
            [(p.sources, p.source_codes) for p in parts], sources, np.int16
        )
        return replace(parts[0], symbols=symbols, sources=sources, **columns)


_ROWS: Mapping[str, type[np.generic]] = {
    "codes": np.int32,
    "time": np.int64,
    "open": np.float64,
    "high": np.float64,
    "low": np.float64,
    "close": np.float64,
    "volume": np.float64,
    "vwap": np.float64,
    "trades": np.int64,
    "is_final": np.bool_,
    "received": np.int64,
    "source_codes": np.int16,
}


def _stamps(time: Ints) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(time.view("M8[us]")).tz_localize("UTC")


def _labels(codes: NDArray[Any], names: tuple[str, ...]) -> pd.Categorical:  # Any: a width
    categories = pd.Index(names, dtype=object)
    return pd.Categorical.from_codes(codes.astype(np.int64), categories=categories)


def _recoded(
    parts: Sequence[tuple[tuple[str, ...], NDArray[np.signedinteger]]],
    names: tuple[str, ...],
    dtype: type[np.signedinteger],
) -> NDArray[np.signedinteger]:
    place = {name: position for position, name in enumerate(names)}
    return np.concatenate(
        [np.array([place[n] for n in own] or [0], dtype=dtype)[codes] for own, codes in parts]
    )
