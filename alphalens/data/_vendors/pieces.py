"""Bars that lie in columns already, as in files, put together to a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import overload

import numpy as np

from alphalens.data._vendors.cells import Floats, Ints, Marks, mark
from alphalens.data.bars import NO_TIME, Bars
from alphalens.data.port import BarRequest, Batch
from alphalens.data.reasons import Reason

__all__ = ["Piece", "batch_of"]

_PRICES = ("open", "high", "low", "close")
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Bars of one symbol.

    Attributes
    ----------
    symbol : str
        Canonical.
    time : int64 array of shape (n,)
        Begins, microseconds since 1970-01-01 UTC; `alphalens.data._vendors.cells.NO_TIME` for none.
    columns : Mapping of str to float64 array of shape (n,)
        ``open high low close volume vwap trades``, as far as there are any; NaN for unknown.
    marks : uint64 array of shape (n,)
        What was found while reading.
    raw : sequence of str
        Text of each row.
    """

    symbol: str
    time: Ints
    columns: Mapping[str, Floats]
    marks: Marks
    raw: Sequence[str]


def batch_of(
    pieces: Sequence[Piece],
    request: BarRequest,
    *,
    source: str,
    received_at: datetime,
    currency: str = "USD",
) -> Batch:
    """Return the rows of some pieces, each marked where a price is missing or it still forms.

    Parameters
    ----------
    pieces : sequence of Piece
        In any order; a symbol may have several.
    request : BarRequest
        What was asked.
    source, received_at, currency
        Of all of them.
    """
    bars = [_bars(piece, request, source, received_at, currency) for piece in pieces]
    empty = Bars.empty(request.timeframe, request.adjustment, currency=currency)
    every = Bars.concat(bars) if bars else empty
    marks = np.concatenate([piece.marks for piece in pieces] or [np.empty(0, np.uint64)])
    _mark_missing(every, marks)
    length_us = request.timeframe.length // _MICROSECOND
    is_final = every.time + length_us <= every.received
    mark(marks, ~is_final & (every.time != NO_TIME), Reason.NOT_FINAL)
    return Batch(
        request=request,
        bars=replace(every, is_final=is_final),
        marks=marks,
        raw=_Chained([piece.raw for piece in pieces]),
        received_at=received_at,
        calls=0,
    )


def _bars(
    piece: Piece, request: BarRequest, source: str, received_at: datetime, currency: str
) -> Bars:
    bars = Bars.of_symbol(
        piece.symbol,
        piece.time,
        piece.columns,
        source=source,
        received_at=received_at,
        timeframe=request.timeframe,
        adjustment=request.adjustment,
        currency=currency,
    )
    counts = piece.columns.get("trades")
    if counts is None:
        return bars
    is_known = np.isfinite(counts) & (np.abs(counts) < 2.0**62)
    return replace(bars, trades=np.where(is_known, counts, -1.0).astype(np.int64))


def _mark_missing(bars: Bars, marks: Marks) -> None:
    unread = np.uint64(Reason.LOCALE_NUMBER.bit)
    was_read = (marks & unread) == 0
    others = np.zeros(len(bars), np.bool_)
    for name in _PRICES[:-1]:
        others |= np.isnan(getattr(bars, name))
    mark(marks, others & was_read, Reason.OPEN_HIGH_LOW_MISSING)
    mark(marks, np.isnan(bars.close) & was_read, Reason.CLOSE_MISSING)


class _Chained(Sequence[str]):
    """Several sequences of texts as one, each text made only when somebody asks for it."""

    def __init__(self, parts: Sequence[Sequence[str]]) -> None:
        self._parts = parts
        self._ends = np.cumsum([len(part) for part in parts], dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        """Return one text, or those of a slice."""
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        part = int(np.searchsorted(self._ends, at, side="right"))
        return self._parts[part][at - int(self._ends[part] - len(self._parts[part]))]
