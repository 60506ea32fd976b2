"""Adjusted series stay of one piece: of one vendor, and of what was known at one time.

A dividend that is paid today changes every adjusted price of before. New adjusted bars are
therefore asked for together with the stored ones beside them. Where these come back as they are
stored, and from the vendor who told them, the new ones belong to the series. Where not, the whole
series is asked for again, and the old prices become versions. Raw prices need none of this.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from alphalens.data.bars import Adjustment, Bars, micros
from alphalens.data.port import BarRequest, Batch, MarketDataProvider
from alphalens.data.reasons import Reason
from alphalens.data.store import BarStore

__all__ = ["Joins"]

_BESIDE = timedelta(days=10)  # there is a session within
_INSTANT = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = 200_000  # bars that are told anew at once
_SAME = 1e-6  # of a price: what rounding of the same figure leaves


class Joins:
    """Asks for adjusted bars so that they join the stored ones.

    Parameters
    ----------
    store : BarStore
        The series.
    """

    def __init__(self, store: BarStore) -> None:
        self._store = store

    def ask(self, vendor: MarketDataProvider, request: BarRequest) -> Iterator[Batch]:
        """Give a vendor's answers: to the request, and of series that have to be told anew.

        Each is asked for when it is wanted, and has whole series: what is kept of the ones before
        need not be held, and stays of one piece where a later one fails.

        Raises
        ------
        InputError, DataError, StorageError
            As the vendor and the store.
        """
        raw = request.adjustment is Adjustment.RAW
        beside = Bars.empty(request.timeframe, request.adjustment) if raw else self._beside(request)
        if not len(beside):
            yield vendor.bars(request)
            return
        first, last = (_EPOCH + timedelta(microseconds=int(t)) for t in _range(beside))
        wide = replace(
            request, start=min(request.start, first), end=max(request.end, last + _INSTANT)
        )
        batch = vendor.bars(wide)
        broken = _broken(beside, batch.bars, vendor.name)
        rest = tuple(symbol for symbol in request.symbols if symbol not in broken)
        if rest:
            yield _only(batch, rest) if broken else batch
        del batch
        bit = np.uint64(Reason.REVISED_ADJUSTMENT.bit)
        for part in self._whole(wide, broken) if broken else ():
            told = vendor.bars(part)
            yield replace(told, marks=told.marks | bit)

    def _beside(self, request: BarRequest) -> Bars:
        """Return the stored bars that are next to a request, or within it."""
        around = replace(request, start=request.start - _BESIDE, end=request.end + _BESIDE)
        stored = self._store.read(around)
        keep = np.zeros(len(stored), np.bool_)
        begin, end = (micros(at) for at in (request.start, request.end))
        for code in np.unique(stored.codes):
            own = np.flatnonzero(stored.codes == code)
            before, after = own[stored.time[own] < begin], own[stored.time[own] >= end]
            keep[[*before[-1:], *after[:1]]] = True
            within = own[(stored.time[own] >= begin) & (stored.time[own] < end)]
            keep[[*within[:1], *within[-1:]]] = True
        return stored.take(keep & stored.is_final)

    def _whole(self, request: BarRequest, symbols: frozenset[str]) -> Iterator[BarRequest]:
        """Give requests for all that is stored of symbols, none of many more than `_MOST` bars."""
        names = tuple(symbol for symbol in request.symbols if symbol in symbols)
        covered = self._store.coverage(
            names, timeframe=request.timeframe, adjustment=request.adjustment
        )
        for _, some in covered.groupby(covered["count"].cumsum() // _MOST):
            first, last = some["first"].min(), some["last"].max()
            yield replace(
                request,
                symbols=tuple(some.index),
                start=min(request.start, first.to_pydatetime()),
                end=max(request.end, last.to_pydatetime() + _INSTANT),
            )


def _broken(beside: Bars, told: Bars, vendor: str) -> frozenset[str]:
    """Return the symbols whose stored bars are not told again as they are."""
    near = told.take(np.isin(told.time, beside.time))
    now = {
        (near.symbols[code], time): close
        for code, time, close in zip(
            near.codes.tolist(), near.time.tolist(), near.close.tolist(), strict=True
        )
    }
    broken = set()
    for row in range(len(beside)):
        symbol = beside.symbols[beside.codes[row]]
        close = now.get((symbol, int(beside.time[row])))
        is_same = close is not None and abs(close - beside.close[row]) <= _SAME * abs(close)
        if not is_same or beside.sources[beside.source_codes[row]] != vendor:
            broken.add(symbol)
    return frozenset(broken)


def _only(batch: Batch, symbols: tuple[str, ...]) -> Batch:
    """Return what a batch tells of some of its symbols."""
    bars = batch.bars
    wanted = np.array([symbol in symbols for symbol in bars.symbols] or [False], np.bool_)
    rows: NDArray[np.intp] = np.flatnonzero(wanted[bars.codes])
    return replace(
        batch,
        request=replace(batch.request, symbols=symbols),
        bars=bars.take(rows),
        marks=batch.marks[rows],
        raw=[batch.raw[row] for row in rows],
    )


def _range(bars: Bars) -> tuple[int, int]:
    return int(bars.time.min()), int(bars.time.max())
