"""Rows of a vendor's JSON turned into a batch: columns as told, and a mark on all that is odd.

The good case has no loop over rows: see `alphalens.data._vendors.cells`.

What is found while reading, and what stands in the row then:

========================== =========================================== ======================
found                      mark                                        value
========================== =========================================== ======================
number as text             ``TEXT_NUMBER``                             the number
text, list, bool, ``1,5``  ``LOCALE_NUMBER``                           NaN (count: -1)
infinite, or too long      ``INFINITE``                                infinite (count: -1)
no close                   ``CLOSE_MISSING``                           NaN
no open, high or low       ``OPEN_HIGH_LOW_MISSING``                   NaN
no instant or volume, or   ``SCHEMA_DRIFT``                            `NO_TIME`, NaN
a row that is no object
instant without a zone     ``NO_TIME_ZONE``                            `NO_TIME`
text that is no instant    ``WRONG_ZONE``                              `NO_TIME`
local time that is left    ``WRONG_ZONE``                              `NO_TIME`
out or told twice
epoch of no known unit     ``WRONG_EPOCH``                             `NO_TIME`
symbol in another form     ``SYMBOL_FORM``                             the canonical one
bar that still forms       ``NOT_FINAL``                               as told
========================== =========================================== ======================
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from alphalens.data._vendors.cells import (
    Floats,
    Ints,
    Marks,
    instants,
    local_instants,
    mark,
    numbers,
)
from alphalens.data.bars import Bars, micros
from alphalens.data.port import BarRequest, Batch
from alphalens.data.reasons import Reason
from alphalens.net.failures import Unreadable

__all__ = [
    "Keys",
    "Part",
    "RawRows",
    "Unfit",
    "batch_from",
    "parts_of",
]

N = TypeVar("N", bound=np.generic)

_PRICES = ("open", "high", "low", "close")
_LONGEST_COUNT = 2.0**62


class Unfit(Unreadable):
    """An answer came whole and cannot be used, for a reason of the table of reasons.

    Parameters
    ----------
    reason : Reason
        Which kind of bad data it is.
    text : str
        What is wrong, and with which value.
    """

    def __init__(self, reason: Reason, text: str) -> None:
        self.reason = reason
        super().__init__(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Under which names a vendor tells the parts of a bar; Alpaca and Polygon use the same."""

    time: str = "t"
    open: str = "o"
    high: str = "h"
    low: str = "l"
    close: str = "c"
    volume: str = "v"
    vwap: str = "vw"
    trades: str = "n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows of one symbol, from one page.

    Attributes
    ----------
    symbol : str
        Canonical.
    rows : sequence of object
        The rows as JSON gave them, numbers as float.
    marks : int
        What all of them have in common.
    asked_at : datetime, optional
        When the page was asked for (aware): a bar that had not ended then may be told as it
        stood. None takes the instant at which the last page came.
    """

    symbol: str
    rows: Sequence[object]
    marks: int = 0
    asked_at: datetime | None = None


class RawRows(Sequence[str]):
    """The text of each row, written only when somebody asks for it.

    Parameters
    ----------
    rows : sequence of object
        Rows as JSON gave them; they are kept, and must not be changed.

    Examples
    --------
    >>> RawRows([{"t": 1, "c": "1,5"}])[0]
    '{"t":1,"c":"1,5"}'
    """

    def __init__(self, rows: Sequence[object]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> RawRows: ...
    def __getitem__(self, index: int | slice) -> str | RawRows:
        """Return the text of one row, or the rows of a slice."""
        if isinstance(index, slice):
            return RawRows(self._rows[index])
        return json.dumps(self._rows[index], separators=(",", ":"), ensure_ascii=False, default=str)


def parts_of(pages: Sequence[Sequence[Part]], asked_at: Sequence[datetime]) -> list[Part]:
    """Return the parts of some pages, each as of the instant at which its page was asked for."""
    return [
        replace(part, asked_at=at)
        for page, at in zip(pages, asked_at, strict=True)
        for part in page
    ]


def batch_from(
    parts: Sequence[Part],
    request: BarRequest,
    *,
    source: str,
    received_at: datetime,
    calls: int,
    delay_s: float = 0.0,
    keys: Keys = Keys(),
    zone: str = "",
    known: frozenset[str] | None = None,
) -> Batch:
    """Return what a vendor told, every row of it, in the order in which it came.

    Parameters
    ----------
    parts : sequence of Part
        The rows by symbol and page.
    request : BarRequest
        What was asked.
    source : str
        The vendor.
    received_at : datetime
        When the last page came (aware).
    calls : int
        HTTP calls that it took.
    delay_s : float
        How far behind the market the vendor is: a bar has ended only so much later.
    keys : Keys
        Names of the parts of a row.
    zone : str
        The time zone that the source names for texts without one; such texts are refused where
        it names none.
    known : frozenset of str or None
        Fields that the vendor is known to tell besides `keys`; any other is told as added. None
        takes whatever comes.
    """
    rows: list[Any] = list(chain.from_iterable(part.rows for part in parts))
    marks = _repeated([part.marks for part in parts], parts, np.uint64)
    if not all(type(row) is dict for row in rows):
        mark(marks, np.array([type(row) is not dict for row in rows]), Reason.SCHEMA_DRIFT)
    time = _times(rows, keys, marks, zone)
    columns = _columns(rows, keys, marks)
    received = micros(received_at)
    asked = _repeated(
        [received if p.asked_at is None else micros(p.asked_at) for p in parts], parts, np.int64
    )
    length_us = (request.timeframe.length + timedelta(seconds=delay_s)) // timedelta(microseconds=1)
    is_final = time + length_us <= asked
    mark(marks, ~is_final, Reason.NOT_FINAL)
    symbols, codes = _codes(parts, request)
    bars = Bars(
        symbols=symbols,
        codes=codes,
        time=time,
        trades=_counts(columns.pop("trades")),
        is_final=is_final,
        received=np.full(len(rows), received, np.int64),
        sources=(source,),
        source_codes=np.zeros(len(rows), np.int16),
        timeframe=request.timeframe,
        adjustment=request.adjustment,
        **columns,
    )
    return Batch(
        request=request,
        bars=bars,
        marks=marks,
        raw=RawRows(rows),
        received_at=received_at,
        calls=calls,
        delay_s=delay_s,
        added=frozenset() if known is None else _fields(rows) - known - set(astuple(keys)),
    )


def _fields(rows: Sequence[Any]) -> frozenset[str]:  # Any: rows are objects, or else marked
    told: frozenset[str] = frozenset()
    return told.union(*(row for row in rows if type(row) is dict))


def _codes(parts: Sequence[Part], request: BarRequest) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    named = {part.symbol for part in parts}
    symbols = tuple(symbol for symbol in request.symbols if symbol in named)
    place = {symbol: position for position, symbol in enumerate(symbols)}
    return symbols, _repeated([place[part.symbol] for part in parts], parts, np.int32)


def _repeated(values: Sequence[int], parts: Sequence[Part], dtype: type[N]) -> NDArray[N]:
    """Return the value of each part once for each of its rows."""
    return np.repeat(np.array(values, dtype), [len(part.rows) for part in parts])


def _cells(rows: Sequence[Any], key: str) -> list[object]:  # Any: rows are objects, or else marked
    try:
        return [row[key] for row in rows]
    except (KeyError, TypeError, IndexError):
        return [row.get(key) if type(row) is dict else None for row in rows]


def _times(rows: Sequence[Any], keys: Keys, marks: Marks, zone: str) -> Ints:
    cells = _cells(rows, keys.time)
    time, odd = local_instants(cells, zone) if zone else instants(cells)
    marks |= odd
    return time


def _columns(rows: Sequence[Any], keys: Keys, marks: Marks) -> dict[str, Any]:
    """Read every column of numbers and mark what is odd; Any: of one dtype, given by name."""
    columns: dict[str, Any] = {}
    for name in (*_PRICES, "volume", "vwap", "trades"):
        columns[name], odd = numbers(_cells(rows, getattr(keys, name)))
        marks |= odd
        is_missing = np.isnan(columns[name]) & (odd == 0)
        if name == "close":
            mark(marks, is_missing, Reason.CLOSE_MISSING)
        elif name in _PRICES:
            mark(marks, is_missing, Reason.OPEN_HIGH_LOW_MISSING)
        elif name == "volume":
            mark(marks, is_missing, Reason.SCHEMA_DRIFT)
    return columns


def _counts(values: Floats) -> Ints:
    is_known = np.isfinite(values) & (np.abs(values) < _LONGEST_COUNT)
    return np.where(is_known, values, -1.0).astype(np.int64)
