"""Rows that can be compared with each other: each key once, the stored ones before the new."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphalens.data._checks.rows import Rows
from alphalens.data.reasons import Reason

__all__ = ["STORED", "Series", "mark_series", "series_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Places = NDArray[np.intp]

STORED = -1
_RANGE = np.uint64(Reason.HIGH_TOO_LOW.bit | Reason.LOW_TOO_HIGH.bit)


@dataclass(frozen=True, eq=False, kw_only=True)
class Series:
    """Closes that can be compared, by symbol and time, the stored ones first.

    Attributes
    ----------
    place : int array of shape (n,)
        Row of each in the batch, -1 for a stored one.
    codes, time : int arrays of shape (n,)
        Symbol and begin.
    open, high, low, close, volume : float64 arrays of shape (n,)
        As told.
    """

    place: Places
    codes: NDArray[np.int32]
    time: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


def series_of(rows: Rows) -> Series:
    """Return the rows that can be compared: each key once, what is fatal left out.

    A row whose only fault is its range stays: its close may be the misprint that caused it.
    """
    good = ((rows.fatal & ~_RANGE) == 0).copy()
    time, codes = rows.column("time"), rows.told.codes
    if not rows.is_good.all():
        twin = np.flatnonzero((time[1:] == time[:-1]) & (codes[1:] == codes[:-1]))
        pair = np.concatenate((twin, twin + 1))
        good[pair[~rows.is_good[pair]]] = False
    place = np.flatnonzero(good)
    whole = slice(None) if len(place) == len(good) else place
    names = ("open", "high", "low", "close", "volume")
    columns = {name: rows.column(name)[whole] for name in names}
    found = Series(place=place, codes=codes[whole], time=time[whole], **columns)
    return _with_stored(rows, found)


def _with_stored(rows: Rows, series: Series) -> Series:
    """Put the stored rows of each symbol before its own, as far as they are older."""
    stored = rows.context.stored
    if stored is None or not len(stored):
        return series
    stored = stored.sorted()
    symbols = rows.told.symbols
    code_of = {symbol: code for code, symbol in enumerate(symbols)}
    codes = np.array([code_of.get(s, STORED) for s in stored.symbols], np.int32)[stored.codes]
    firsts = np.flatnonzero(np.diff(series.codes, prepend=STORED) != 0)
    begin = np.full(len(symbols) + 1, np.iinfo(np.int64).min)  # the last is that of no symbol
    where = np.zeros(len(symbols) + 1, np.int64)
    begin[series.codes[firsts]], where[series.codes[firsts]] = series.time[firsts], firsts
    older = np.flatnonzero(stored.time < begin[codes])
    at = where[codes[older]]
    columns = {
        name: np.insert(getattr(series, name), at, getattr(stored, name)[older])
        for name in ("time", "open", "high", "low", "close", "volume")
    }
    return Series(
        place=np.insert(series.place, at, STORED),
        codes=np.insert(series.codes, at, codes[older]),
        **columns,
    )


def mark_series(
    rows: Rows, series: Series, where: Places, reason: Reason, *, is_fatal: bool | None = None
) -> None:
    """Put a reason on rows of the batch, by their place in a series; stored ones are passed."""
    places = series.place[where]
    rows.mark(places[places != STORED], reason, is_fatal=is_fatal)
