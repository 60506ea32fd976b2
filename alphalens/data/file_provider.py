"""Prices from the user's own file: CSV or Parquet, one column per asset or one row per price.

Nothing is guessed and nothing is repaired in silence: an unusable cell is an error that names
the file, the row, the column and the text found there.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from alphalens._optional import require
from alphalens.data.base import PriceHistory
from alphalens.data.sessions import CLOSE_TIME, NEW_YORK, closing_instants
from alphalens.errors import InputError

__all__ = [
    "ABSENT",
    "ASSET_NAMES",
    "DATE_NAMES",
    "WHOLE_DAY",
    "FileProvider",
    "Table",
    "load_table",
    "read_prices",
]

#: How columns of dates and of symbols are called, in small letters.
DATE_NAMES = ("date", "datetime", "timestamp", "time", "day")
ASSET_NAMES = ("asset", "symbol", "ticker", "sid", "security", "instrument")
_PRICE_NAMES = ("adj close", "adj_close", "adjclose", "adjusted_close", "close", "price", "last")
_BAR_NAMES = frozenset({"open", "high", "low", "close", "volume"})
#: What an empty cell may hold, in small letters.
ABSENT = frozenset({"", "na", "n/a", "nan", "nat", "none", "null", "<na>"})
_FIRST_DAY, _LAST_DAY = pd.Timestamp(1800, 1, 1), pd.Timestamp(2100, 1, 1)
_LEAST_PRICE, _MOST_PRICE = 1e-15, 1e15  # adjusting for many splits leads far, but not beyond
#: How a date that names its day begins: a month is no day, and its first day is before its facts.
WHOLE_DAY = r"\d{8}|\d{4}[-/]\d{1,2}[-/]\d{1,2}"
_ZONED = r"[T ]\d{1,2}:?\d{2}.*(?:Z|[+-]\d{2}:?\d{2})$"


class FileProvider:
    """A `PriceProvider` over one file; see `read_prices` for what it may look like.

    For bars, of a file or of a folder, see `alphalens.data.folder_provider.FolderProvider`.

    Parameters
    ----------
    path : str or Path
        The file.
    adjustment : str
        What the prices are adjusted for: ``raw``, ``split``, ``all``, or ``unknown``.
    date_format : str, optional
        For dates that are not ISO 8601, such as ``%d/%m/%Y``.
    """

    def __init__(
        self, path: str | Path, *, adjustment: str = "unknown", date_format: str | None = None
    ) -> None:
        self._path = Path(path)
        self._adjustment = adjustment
        self._date_format = date_format

    def history(self) -> PriceHistory:
        """Return everything the file has; raises as `read_prices`."""
        return read_prices(self._path, adjustment=self._adjustment, date_format=self._date_format)


def read_prices(
    path: str | Path,
    *,
    adjustment: str = "unknown",
    date_format: str | None = None,
    close_time: time = CLOSE_TIME,
    timezone: str = NEW_YORK,
    is_daily: bool = False,
) -> PriceHistory:
    """Return the prices in a CSV (``.csv``, ``.csv.gz``) or Parquet (``.parquet``) file.

    A *wide* file has a date column and one column of prices per asset. A *long* file has a
    date column, an asset column (asset, symbol, ticker, ...) and a price column (adjusted
    close before close, price, last); other columns are ignored. Names are read without regard
    to case. A date without a time of day is a trading day, whose close is known at
    `close_time` in `timezone`; a time without a zone is in `timezone`. Dates lie from 1800 to
    2099, prices from 1e-15 to 1e15, and each row of a CSV has as many cells as the header.

    Parameters
    ----------
    path : str or Path
        The file.
    adjustment : str
        What the prices are adjusted for: ``raw``, ``split``, ``all``, or ``unknown``.
    date_format : str, optional
        For dates that are not ISO 8601, such as ``%d/%m/%Y``.
    close_time : time
        Wall-clock time of the close.
    timezone : str
        Zone of dates and times that name none.
    is_daily : bool
        Refuse a second instant on the same day of `timezone`.

    Returns
    -------
    PriceHistory
        Closes of shape (n_dates, n_assets); an empty cell is NaN, and so is an asset without a
        row on a date of a long file. Its caveats tell what had to be assumed.

    Raises
    ------
    InputError
        If the file cannot be read, or a date, price or asset in it cannot be used.
    MissingExtra
        If the file is Parquet and pyarrow is not installed.
    """
    table = load_table(Path(path))
    positions = _Columns.find(table)
    instants, has_days = _instants(table, positions.date, date_format, ZoneInfo(timezone))
    if is_daily and not has_days:
        _refuse_second_closes(table, positions.date, instants, ZoneInfo(timezone))
    if has_days:
        instants = closing_instants(instants, close_time=close_time, timezone=timezone)
    if positions.asset is None or positions.price is None:
        closes = _wide(table, positions.date, instants)
    else:
        closes = _long(table, positions.asset, positions.price, instants)
    caveats = (
        [] if adjustment != "unknown" else ["the file does not say what prices are adjusted for"]
    )
    if positions.price is not None:
        caveats.append(f"prices are the column {table.header[positions.price]!r}")
    if not instants.is_monotonic_increasing and positions.asset is None:
        caveats.append("the rows were not in order of time; they were sorted")
        closes = closes.sort_index()
    closes.index.name, closes.columns.name = "date", "asset"
    return PriceHistory(
        closes=closes, source=table.path.name, adjustment=adjustment, caveats=tuple(caveats)
    )


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of a file as they stand, and where each one stands.

    Attributes
    ----------
    path : Path
        The file.
    header : tuple of str
        Names of the columns, as they are written.
    cells : DataFrame of shape (n_rows, n_columns)
        Of a CSV texts, of a Parquet file what it holds.
    row_name, first_row : str, int
        What a row is called in errors, and the number of the first one.
    """

    path: Path
    header: tuple[str, ...]
    cells: pd.DataFrame
    row_name: str
    first_row: int

    def refuse(self, column: int, bad: np.ndarray, what: str, hint: str = "") -> None:
        """Raise for the first of the `bad` cells of a column, if there is one."""
        rows = np.flatnonzero(bad)
        if not rows.size:
            return
        more = f" (and {rows.size - 1} more in this column)" if rows.size > 1 else ""
        found = self.cells.iloc[rows[0], column]
        raise InputError(f"{self.at(rows[0], column)}: {str(found)!r} {what}{more}{hint}")

    def at(self, row: int, column: int) -> str:
        """Return the place of a cell in words."""
        place = f"{self.row_name} {self.first_row + row}"
        return f"{self.path}, {place}, column {self.header[column]!r}"


@dataclass(frozen=True, slots=True)
class _Columns:
    """Positions of the columns that matter; no asset column means a wide file."""

    date: int
    asset: int | None
    price: int | None

    @classmethod
    def find(cls, table: Table) -> _Columns:
        names = [name.strip().lower() for name in table.header]
        date = _first(names, DATE_NAMES)
        if date is None and names[0] in {"", "index", "unnamed: 0"}:
            date = 0
        if date is None:
            raise InputError(
                f"{table.path}: no date column among {_shown(table.header)}; "
                f"name one of them {' or '.join(DATE_NAMES[:2])}"
            )
        asset = _first(names, ASSET_NAMES)
        if asset is None:
            _refuse_bars_of_one_asset(table, names)
            return cls(date, None, None)
        price = _first(names, _PRICE_NAMES)
        if price is None:
            raise InputError(
                f"{table.path}: there is an asset column {table.header[asset]!r} but no price "
                f"column among {_shown(table.header)}; name one of them close or price"
            )
        return cls(date, asset, price)


def _first(names: list[str], wanted: tuple[str, ...]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _shown(names: tuple[str, ...]) -> str:
    shown = ", ".join(repr(name) for name in names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _refuse_bars_of_one_asset(table: Table, names: list[str]) -> None:
    if len(_BAR_NAMES.intersection(names)) >= 3:
        raise InputError(
            f"{table.path}: the columns {_shown(table.header)} look like the bars of one asset; "
            "add a column 'symbol', so that open and volume are not taken for assets"
        )


def load_table(path: Path) -> Table:
    """Return the cells of a CSV (``.csv``, ``.csv.gz``) or Parquet (``.parquet``, ``.pq``) file.

    Raises
    ------
    InputError
        If it cannot be read, has another suffix, or no row, or fewer than two columns.
    MissingExtra
        If the file is Parquet and pyarrow is not installed.
    """
    name = path.name.lower()
    load: Callable[[Path], Table]
    if name.endswith((".csv", ".csv.gz")):
        load = _load_csv
    elif name.endswith((".parquet", ".pq")):
        load = _load_parquet
    else:
        raise InputError(f"{path}: the name must end in .csv, .csv.gz or .parquet")
    try:
        table = load(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(table.header) < 2 or table.cells.empty:
        raise InputError(
            f"{path}: {len(table.cells)} rows and {len(table.header)} columns are too few; "
            "a header, and rows of a day and at least one other cell are needed"
        )
    return table


def _load_csv(path: Path) -> Table:
    raw = path.read_bytes()
    if path.name.lower().endswith(".gz"):
        raw = _unpacked(path, raw)
    text = _text(path, raw)
    if not text.strip():
        raise InputError(f"{path}: the file is empty")
    if text.lstrip().startswith("<"):
        raise InputError(
            f"{path}: this is HTML or XML, not CSV; the download page was saved in place of the "
            f"file? It begins {text.lstrip()[:40]!r}"
        )
    first = text.split("\n", 1)[0]
    if not first.strip():
        raise InputError(f"{path}, line 1: is blank; the header must be the first line")
    cells = _cells(path, text.rstrip(" \r\n"), separator=max(",;\t", key=first.count))
    header = tuple(str(name) for name in cells.iloc[0].fillna(""))
    body = cells.iloc[1:].fillna("")
    filled = np.flatnonzero((body != "").any(axis=1).to_numpy())
    body = body.iloc[: filled[-1] + 1 if filled.size else 0]
    return Table(path, header, body, "line", 2)


def _cells(path: Path, text: str, *, separator: str) -> pd.DataFrame:
    """Return the cells of a text as texts, the header as first row."""
    try:
        cells = pd.read_csv(
            StringIO(text),
            sep=separator,
            header=None,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
        )
    except pd.errors.ParserError as error:
        said = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        if opened := re.search(r"EOF inside string starting at row (\d+)", said):
            raise InputError(
                f"{path}, line {int(opened.group(1)) + 1}: a quote is opened and never closed; "
                "close it, or fetch the file again if it was cut short"
            ) from error
        _refuse_other_lengths(path, text, separator)
        raise InputError(f"{path}: cannot be read as CSV: {said}") from error
    _refuse_other_lengths(path, text, separator)
    return cells


def _refuse_other_lengths(path: Path, text: str, separator: str) -> None:
    """Refuse a row with fewer or more cells than the header; pandas fills short ones in silence."""
    rows = csv.reader(StringIO(text, newline=""), delimiter=separator)
    header = next(rows)
    line = rows.line_num + 1
    for row in rows:
        if len(row) != len(header) and (len(row) > 1 or "".join(row).strip()):
            count = f"{len(row)} cell{'s' * (len(row) != 1)}"
            why = (
                f"nothing for {header[len(row)]!r}; was it cut short? An absent price is an empty "
                f"cell between two {separator!r}"
                if len(row) < len(header)
                else f"the first one too many is {row[len(header)]!r}; a {separator!r} inside a "
                "cell needs quotes around the cell"
            )
            raise InputError(
                f"{path}, line {line}: {count}, where the header has {len(header)}: {why}"
            )
        line = rows.line_num + 1


def _unpacked(path: Path, raw: bytes) -> bytes:
    try:
        return gzip.decompress(raw)
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path}: the compressed file is damaged or cut short: {error}") from error


def _text(path: Path, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}, line {line}: byte {raw[error.start]:#x} is not UTF-8 text; save the file as "
            "UTF-8 (a spreadsheet or a compressed file is not CSV)"
        ) from error


def _load_parquet(path: Path) -> Table:
    require("pyarrow", extra="cli")
    raw = path.read_bytes()
    if raw[:4] != b"PAR1":
        raise InputError(f"{path}: this is not a Parquet file; it begins {raw[:12]!r}")
    try:
        frame = pd.read_parquet(BytesIO(raw), engine="pyarrow")
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: the Parquet file is damaged: {error}") from error
    if _has_row_numbers(frame.index):
        frame = frame.reset_index(drop=True)
    else:
        frame = _with_named_index(frame).reset_index()
    return Table(path, tuple(str(name) for name in frame.columns), frame, "row", 1)


def _has_row_numbers(index: pd.Index[Any]) -> bool:  # Any: labels of any kind
    """Tell whether an index is what is left of row numbers: it says nothing about the rows."""
    is_bare = index.nlevels == 1 and index.name is None
    return isinstance(index, pd.RangeIndex) or (is_bare and pd.api.types.is_integer_dtype(index))


def _with_named_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Name what the index leaves unnamed, so that dates and assets are found as columns."""
    fallback = ("date", "asset") if frame.index.nlevels > 1 else ("date",)
    names = [
        other if name is None else str(name)
        for name, other in zip(frame.index.names, fallback, strict=False)
    ]
    return frame.set_axis(frame.index.set_names(names), axis=0)


def _instants(
    table: Table, column: int, date_format: str | None, zone: ZoneInfo
) -> tuple[pd.DatetimeIndex, bool]:
    """Return the dates, and whether they are days (naive) or instants (UTC)."""
    cells = table.cells.iloc[:, column]
    if isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "iuf":
        table.refuse(column, np.ones(len(cells), dtype=bool), "is a number, not a date")
    if not isinstance(cells.dtype, pd.DatetimeTZDtype) and cells.dtype.kind != "M":
        cells = _parsed(table, column, date_format)
    table.refuse(column, cells.isna().to_numpy(), "is no date")
    index = pd.DatetimeIndex(cells)
    naive = index.tz_localize(None)
    table.refuse(
        column,
        np.asarray((naive < _FIRST_DAY) | (naive >= _LAST_DAY)),
        f"is no date of a price: dates from {_FIRST_DAY.year} to {_LAST_DAY.year - 1} are read",
    )
    if index.tz is None and (index == index.normalize()).all():
        return index, True
    if index.tz is not None:
        return index.tz_convert("UTC"), False
    local = index.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    table.refuse(
        column, np.asarray(local.isna()), f"happens twice or never in {zone.key}; give its offset"
    )
    return local.tz_convert("UTC"), False


def _parsed(table: Table, column: int, date_format: str | None) -> pd.Series[pd.Timestamp]:
    texts = table.cells.iloc[:, column].astype(str).str.strip()
    zoned = texts.str.contains(_ZONED, regex=True).to_numpy(dtype=bool)
    if zoned.any():
        table.refuse(column, ~zoned, "has no UTC offset, although other rows have one")
    parsed = pd.to_datetime(
        texts, format=date_format or "ISO8601", errors="coerce", utc=bool(zoned.any())
    )
    wanted = f"does not match {date_format!r}" if date_format else "is not an ISO date (2020-12-31)"
    hint = "" if date_format else "; for other dates pass date_format, such as '%d/%m/%Y'"
    bad = parsed.isna()
    if date_format is None:
        bad |= ~texts.str.match(WHOLE_DAY)
    table.refuse(column, bad.to_numpy(dtype=bool), wanted + hint)
    return parsed


def _refuse_second_closes(
    table: Table, column: int, instants: pd.DatetimeIndex, zone: ZoneInfo
) -> None:
    """Refuse an instant on a day that another instant has closed."""
    days = instants.tz_convert(zone).normalize()
    firsts = pd.Series(instants).groupby(days.asi8).transform("first")
    second = np.asarray(instants != pd.DatetimeIndex(firsts))
    if second.any():
        row = int(np.flatnonzero(second)[0])
        before = int(np.flatnonzero(days == days[row])[0])
        table.refuse(
            column,
            second,
            f"is a second time on {days[row]:%Y-%m-%d} in {zone.key}, after {table.row_name} "
            f"{table.first_row + before}",
            "; daily closes are needed: keep one time a day",
        )


def _prices(table: Table, column: int, hint: str = "") -> np.ndarray:
    """Return a column as positive float64, NaN where the cell is empty."""
    cells = table.cells.iloc[:, column]
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    unread = np.isnan(numbers) & cells.notna().to_numpy()
    if unread.any():
        texts = cells[unread].astype(str).str.strip().str.lower()
        unread[unread] = ~texts.isin(ABSENT).to_numpy()
    table.refuse(column, unread, "is not a number", hint if unread.all() else "")
    table.refuse(column, np.isinf(numbers), "is not a finite price")
    table.refuse(column, numbers <= 0.0, "is not a positive price")
    table.refuse(column, numbers > _MOST_PRICE, f"is above the highest price read, {_MOST_PRICE:g}")
    table.refuse(
        column, numbers < _LEAST_PRICE, f"is below the lowest price read, {_LEAST_PRICE:g}"
    )
    return numbers


def _wide(table: Table, date: int, instants: pd.DatetimeIndex) -> pd.DataFrame:
    reading = _wide_reading(table, date)
    table.refuse(date, instants.duplicated(), "appears a second time", reading)
    assets: dict[str, np.ndarray] = {}
    for column, name in enumerate(table.header):
        if column == date:
            continue
        symbol = name.strip()
        if not symbol or symbol in assets:
            what = "appears a second time" if symbol else "has no name"
            raise InputError(f"{table.path}: the column {column + 1} {symbol!r} {what}")
        assets[symbol] = _prices(table, column, reading)
        if np.isnan(assets[symbol]).all():
            raise InputError(f"{table.path}: the column {symbol!r} has no price at all")
    return pd.DataFrame(assets, index=instants)


def _wide_reading(table: Table, date: int) -> str:
    """Return how the columns were understood, and how a file with a row per price names them."""
    assets = tuple(name for column, name in enumerate(table.header) if column != date)
    return (
        f"; the file was read as one column per asset (date: {table.header[date]!r}, assets: "
        f"{_shown(assets)}), as no column is named like an asset's. If it has one row per price, "
        f"name its columns date, {' or '.join(ASSET_NAMES[:3])}, and close or price"
    )


def _long(table: Table, asset: int, price: int, instants: pd.DatetimeIndex) -> pd.DataFrame:
    symbols = table.cells.iloc[:, asset].astype(str).str.strip()
    table.refuse(asset, symbols.str.lower().isin(ABSENT).to_numpy(), "is no asset")
    numbers = _prices(table, price)
    keyed = pd.DataFrame({"date": instants, "asset": symbols.to_numpy(), "price": numbers})
    repeated = keyed.duplicated(["date", "asset"]).to_numpy()
    table.refuse(asset, repeated, "has a second price on the same date")
    closes = keyed.set_index(["date", "asset"])["price"].unstack().sort_index()  # noqa: PD010 - keys are unique
    empty = closes.columns[closes.isna().all()]
    if len(empty):
        raise InputError(f"{table.path}: the asset {empty[0]!r} has no price at all")
    return closes
