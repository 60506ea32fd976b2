"""Bars as the rows of a table, and back; the same rows for every database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from alphalens.data.bars import Bars, micros
from alphalens.data.port import BarRequest
from alphalens.errors import InputError

__all__ = [
    "FLOATS",
    "KEY",
    "ROW",
    "Backend",
    "Cells",
    "Columns",
    "Rows",
    "is_sorted",
    "joined",
    "last_received",
    "pack",
    "rounds",
    "unpack",
    "wide",
]

#: Rows on their way in: one structured array.
Rows = NDArray[np.void]
#: One row of a table of any kind.
Cells = tuple[Any, ...]  # Any: of each column its own type
#: Rows on their way out, by the names of their columns; each array is whole and of its own.
Columns = dict[str, NDArray[Any]]  # Any: the columns differ in type

_OTHERS = ("time", "trades", "is_final", "received")
KEY = ("series_id", "time")
FLOATS = ("open", "high", "low", "close", "volume", "vwap")

#: A row of the table of bars, in the order of its columns.
ROW = np.dtype(
    [
        ("series_id", np.int32),
        ("time", np.int64),
        *((name, np.float64) for name in FLOATS),
        ("trades", np.int64),
        ("is_final", np.bool_),
        ("source_id", np.int16),
        ("received", np.int64),
        ("marks", np.int64),
    ]
)

#: A time outside is no time of a bar, and each year has a part of its own on PostgreSQL.
_YEARS = (1900, 2200)
_FIRST, _END = (micros(datetime(year, 1, 1, tzinfo=UTC)) for year in _YEARS)


class Backend(Protocol):
    """What differs from one database to the other; a module of this folder for each."""

    def stage(self, connection: sa.Connection, rows: Rows) -> None:
        """Put rows into the staging table, in place of those of before."""
        ...

    def load(self, connection: sa.Connection, table: str, rows: Rows) -> None:
        """Append rows to a table that has the columns of `ROW`."""
        ...

    def make_room(self, connection: sa.Connection, rows: Rows) -> None:
        """Make what the table needs before rows can be put into it."""
        ...

    def fetch(
        self,
        connection: sa.Connection,
        query: sa.Select[Any] | sa.CompoundSelect[Any],
        dtype: np.dtype,
        *,
        most: int | None = None,
    ) -> Columns:
        """Return the rows of a query whose columns are those of `dtype`, ``series_id`` first.

        `most` is how many there can be, if that is known: many are worth a preparation.
        """
        ...

    def put_new(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Cells]) -> int:
        """Insert rows, values in the order of the columns; return how many had a key of their own.

        A row whose key is in the table stays out of it. No two of the rows have the same key.
        """
        ...

    def upsert(self, table: sa.Table) -> Any:
        """Return an INSERT of the database's own kind, which knows ON CONFLICT."""
        ...


def pack(
    bars: Bars,
    marks: NDArray[np.uint64] | None,
    series_ids: Mapping[str, int],
    source_ids: Mapping[str, int],
) -> Rows:
    """Return bars as rows, by series, time, and when they were received.

    Raises
    ------
    InputError
        If a time is not in the years 1900 to 2199.
    """
    if len(bars) and not _FIRST <= bars.time.min() <= bars.time.max() < _END:
        raise InputError(
            f"bars begin in the years {_YEARS[0]} to {_YEARS[1] - 1}, got times from "
            f"{bars.time.min()} to {bars.time.max()} us since 1970: check their unit"
        )
    rows = np.empty(len(bars), ROW)
    rows["series_id"] = _translated(bars.symbols, bars.codes, series_ids)
    rows["source_id"] = _translated(bars.sources, bars.source_codes, source_ids)
    for name in FLOATS:
        rows[name] = getattr(bars, name) + 0.0  # a zero has no sign: SQLite keeps none
    for name in _OTHERS:
        rows[name] = getattr(bars, name)
    rows["marks"] = 0 if marks is None else marks.astype(np.int64)
    return rows[np.lexsort((rows["received"], rows["time"], rows["series_id"]))]


def rounds(rows: Rows) -> Iterator[Rows]:
    """Give sorted rows in parts in which each key is once; of one key the earliest first."""
    same = np.ones(len(rows), np.bool_)
    same[:1] = False
    for name in KEY:
        same[1:] &= rows[name][1:] == rows[name][:-1]
    place = np.arange(len(rows))
    nth = place - np.maximum.accumulate(np.where(same, 0, place))
    for n in range(int(nth.max(initial=-1)) + 1):
        yield rows[nth == n] if same.any() else rows


def joined(parts: list[Columns], dtype: np.dtype) -> Columns:
    """Return the rows of all parts, in their order; the parts are used up.

    One column after the other, so that no more than one is in memory twice.
    """
    return {
        name: np.concatenate([np.empty(0, dtype[name]), *(part.pop(name) for part in parts)])
        for name in dtype.names or ()
    }


def last_received(rows: Columns) -> Columns:
    """Return rows in which each key is once: of two beliefs at one instant the later one.

    There are two where a bar that was taken back had been on its way from another writer.
    """
    if is_sorted(rows["series_id"], rows["time"]):
        return rows
    order = np.lexsort((rows["received"], rows["time"], rows["series_id"]))
    ids, times = rows["series_id"][order], rows["time"][order]
    is_last = np.append((ids[1:] != ids[:-1]) | (times[1:] != times[:-1]), True)
    return {name: column[order[is_last]] for name, column in rows.items()}


def unpack(
    rows: Columns,
    request: BarRequest,
    series_ids: Mapping[str, int],
    sources: Mapping[int, str],
    currency: str,
) -> tuple[Bars, Columns]:
    """Return rows as bars, by the request's order of symbols, then time; and those rows."""
    codes = _codes(rows, request.symbols, series_ids)
    if not is_sorted(codes, rows["time"]):
        order = np.lexsort((rows["received"], rows["time"], codes))
        codes = codes[order]
        rows = {name: column[order] for name, column in rows.items()}
    known = np.unique(rows["source_id"])
    found = Bars(
        symbols=request.symbols,
        codes=codes,
        sources=tuple(sources[int(number)] for number in known),
        source_codes=np.searchsorted(known, rows["source_id"]).astype(np.int16),
        timeframe=request.timeframe,
        adjustment=request.adjustment,
        currency=currency,
        **{name: rows[name] for name in (*FLOATS, *_OTHERS)},
    )
    return found, rows


def wide(
    rows: Columns, field: str, symbols: Sequence[str], series_ids: Mapping[str, int]
) -> pd.DataFrame:
    """Return one field as a table of instants by symbols; NaN where there is no bar."""
    times = np.unique(rows["time"])
    values = np.full((len(times), len(symbols)), np.nan)
    places = np.searchsorted(times, rows["time"])
    values[places, _codes(rows, symbols, series_ids)] = rows[field]
    index = pd.DatetimeIndex(times.view("M8[us]"), name="timestamp").tz_localize("UTC")
    return pd.DataFrame(
        values, index=index, columns=pd.Index(list(symbols), name="symbol", dtype=object)
    )


def is_sorted(codes: NDArray[np.int32], times: NDArray[np.int64]) -> bool:
    """Return whether rows are in order and no key is there twice."""
    same, later = codes[1:] == codes[:-1], times[1:] > times[:-1]
    return bool(((codes[1:] > codes[:-1]) | (same & later)).all())


def _codes(
    rows: Columns, symbols: Sequence[str], series_ids: Mapping[str, int]
) -> NDArray[np.int32]:
    places = [place for place, symbol in enumerate(symbols) if symbol in series_ids]
    ids = np.array([series_ids[symbols[place]] for place in places], np.int64)
    order = np.argsort(ids)
    found = np.searchsorted(ids[order], rows["series_id"])
    return np.array(places, np.int32)[order][found]


def _translated(
    names: Sequence[str], codes: NDArray[np.signedinteger], ids: Mapping[str, int]
) -> NDArray[np.int64]:
    # A name without rows has no number, and none is asked for.
    numbers = np.array([ids.get(name, -1) for name in names] or [0], np.int64)
    translated: NDArray[np.int64] = numbers[codes]
    return translated
