"""Files of bars as they stand: columns found by name, instants and figures read, text kept."""

from __future__ import annotations

import csv
import gzip
import json
import operator
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalens._optional import require
from alphalens.data._vendors.cells import (
    Floats,
    Ints,
    Marks,
    instants,
    local_instants,
    mark,
)
from alphalens.data.bars import NO_TIME
from alphalens.data.file_provider import ABSENT, ASSET_NAMES, Table
from alphalens.data.reasons import AnswerRefused, Reason
from alphalens.errors import DataError

__all__ = ["FileRows", "TimeForm", "figures", "has_symbols"]

Places = NDArray[np.intp]
Cells: TypeAlias = "pd.Series[Any]"  # Any: texts of a CSV, or whatever a Parquet file holds

_EPOCH = re.compile(r"\d{9,19}", re.ASCII)
_SHOWN = 5
_BLOCK, _BLOCKS = 256, 64  # rows that are read at once, and how often what was read is kept
_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=str)


class FileRows:
    """A table whose columns are found by name."""

    def __init__(self, table: Table, source: str) -> None:
        self._table, self._source = table, source
        self._names = [_plain(name) for name in table.header]

    def __len__(self) -> int:
        return len(self._table.cells)

    def place(self, names: Sequence[str]) -> int | None:
        """Return the place of the first of some names; a name that stands twice is refused."""
        for name in names:
            if (times := self._names.count(name)) > 1:
                self.refuse(Reason.SCHEMA_DRIFT, f"{times} columns are called {name}", None)
            if times:
                return self._names.index(name)
        return None

    def needed(self, names: Sequence[str], what: str) -> int:
        """Return the place of a column that has to be there."""
        place = self.place(names)
        if place is None:
            has = ", ".join(map(repr, self._table.header[:_SHOWN]))
            self.refuse(
                Reason.SCHEMA_DRIFT,
                f"there is no column of {what} among {has}; call it {names[0]}",
                None,
            )
        return place

    def column(self, place: int) -> Cells:
        """Return a column."""
        return self._table.cells.iloc[:, place]

    def by_symbol(self) -> dict[str, Places]:
        """Return the rows of each text for a symbol, in the order of their first one."""
        codes, texts = pd.factorize(
            self.column(self.needed(ASSET_NAMES, "symbols")), use_na_sentinel=False
        )
        order = np.argsort(codes, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
        found: dict[str, Places] = {}
        for text, rows in zip(map(str, texts), parts, strict=True):
            plain = text.strip()
            if plain.lower() in ABSENT:
                self.refuse(Reason.SCHEMA_DRIFT, f"{len(rows)} rows have no symbol", rows)
            seen = (found[plain], rows) if plain in found else (rows,)
            found[plain] = np.sort(np.concatenate(seen))
        return found

    def texts(self, rows: Places) -> _Texts:
        """Return the text of some rows."""
        return _Texts(self._table, rows)

    def refuse(self, reason: Reason, text: str, rows: Places | None) -> NoReturn:
        """Refuse the file, with the first of the rows that are to blame."""
        path = self._table.path
        raise AnswerRefused(
            f"{self._source}: {path} was refused, {reason.name.lower()}: {text}; correct the file",
            reason=reason,
            vendor=self._source,
            asked=str(path),
            raw=tuple(self.texts(np.arange(len(self)) if rows is None else rows)[:_SHOWN]),
        )


class _Texts(Sequence[str]):
    """The text of rows of a table (JSON), written only when somebody asks for it."""

    def __init__(self, table: Table, rows: Places) -> None:
        self._table, self._rows = table, rows
        self._blocks: dict[int, list[tuple[Any, ...]]] = {}  # Any: cells differ in type

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> _Texts: ...
    def __getitem__(self, index: int | slice) -> str | _Texts:
        """Return the text of one row, or the rows of a slice."""
        if isinstance(index, slice):
            return _Texts(self._table, self._rows[index])
        at = operator.index(index) + (len(self) if index < 0 else 0)
        if not 0 <= at < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        block, place = divmod(at, _BLOCK)
        row = dict(zip(self._table.header, self._cells(block)[place], strict=True))
        return _JSON.encode(row)

    def _cells(self, block: int) -> list[tuple[Any, ...]]:  # Any: cells differ in type
        """Return the cells of some rows at once: pandas needs as long for a single one."""
        if block not in self._blocks:
            if len(self._blocks) >= _BLOCKS:
                self._blocks.clear()
            rows = self._rows[block * _BLOCK : (block + 1) * _BLOCK]
            cells = self._table.cells.iloc[rows]
            columns = [list(cells.iloc[:, place].array) for place in range(cells.shape[1])]
            self._blocks[block] = list(zip(*columns, strict=True))
        return self._blocks[block]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeForm:
    """How instants are written: the zone of those that name none, and whether it was given."""

    zone: str
    has_zone: bool
    date_format: str | None

    def read(self, cells: Cells) -> tuple[Ints, Marks]:
        """Return the instants of a column, and marks."""
        if isinstance(cells.dtype, pd.DatetimeTZDtype) or cells.dtype.kind == "M":
            return self._told(pd.DatetimeIndex(cells))
        if _is_number(cells):
            return instants(cells.tolist())
        texts = cells.astype(str).str.strip()
        if self.date_format is not None:
            read = pd.to_datetime(texts, format=self.date_format, errors="coerce")
            return self._told(pd.DatetimeIndex(read))
        told = [int(text) if _EPOCH.fullmatch(text) else text for text in texts]
        return local_instants(told, self.zone) if self.has_zone else instants(told)

    def _told(self, index: pd.DatetimeIndex) -> tuple[Ints, Marks]:
        """Return instants in UTC; those without a zone are in the zone of the form."""
        marks = np.zeros(len(index), np.uint64)
        if index.tz is None and not self.has_zone:
            mark(marks, np.asarray(index.notna()), Reason.NO_TIME_ZONE)
            mark(marks, np.asarray(index.isna()), Reason.WRONG_ZONE)
            return np.full(len(index), NO_TIME, np.int64), marks
        if index.tz is None:
            index = index.tz_localize(self.zone, ambiguous="NaT", nonexistent="NaT")
        mark(marks, np.asarray(index.isna()), Reason.WRONG_ZONE)
        return index.tz_convert("UTC").as_unit("us").asi8, marks  # NaT is NO_TIME


def figures(cells: Cells) -> tuple[Floats, Marks]:
    """Return a column as float64, NaN where a cell is empty or (marked) is no number."""
    marks = np.zeros(len(cells), np.uint64)
    if _is_number(cells):
        values = cells.to_numpy(np.float64, na_value=np.nan)
    else:
        texts = cells.astype(str).str.strip()
        values = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        is_empty = texts.str.lower().isin(ABSENT).to_numpy(bool)
        mark(marks, np.isnan(values) & ~is_empty, Reason.LOCALE_NUMBER)
    mark(marks, np.isinf(values), Reason.INFINITE)
    return values, marks


def _is_number(cells: Cells) -> bool:
    return pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells)


def _plain(name: str) -> str:
    return name.strip().lower()


def has_symbols(path: Path) -> bool:
    """Tell whether a file has a column of symbols, from its head alone."""
    try:
        names = _schema(path) if path.name.lower().endswith((".parquet", ".pq")) else _head(path)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {error}; correct the file") from error
    return any(_plain(name) in ASSET_NAMES for name in names)


def _schema(path: Path) -> list[str]:
    require("pyarrow", extra="cli")
    from pyarrow.parquet import read_schema  # type: ignore[import-untyped]  # it has no types

    return list(read_schema(path).names)


def _head(path: Path) -> list[str]:
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as lines:
        first = next(iter(lines), "")
    return next(csv.reader([first], delimiter=max(",;\t", key=first.count)), [])
