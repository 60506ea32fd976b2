"""The cells of a file of facts, found by the name of their column and read to the last one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalens.assets import AssetClass
from alphalens.assets.symbols import canonical
from alphalens.data.file_provider import ABSENT, WHOLE_DAY, load_table
from alphalens.data.point_in_time import available_at
from alphalens.errors import InputError

__all__ = ["FactFile", "plain"]

_SHOWN = 8
_ZONED = r"\d[Tt ]\d.*(?:Z|[+-]\d{2}:?\d{2})$"


class FactFile:
    """The cells of a file, found by the name of their column.

    Parameters
    ----------
    path : Path
        CSV or Parquet.
    names : Mapping of str to str
        Our name of a column -> how this file calls it; others are found by their usual names.

    Raises
    ------
    InputError
        If the file cannot be read, or lacks a column that `names` names.
    """

    def __init__(self, path: Path, names: Mapping[str, str] | None = None) -> None:
        self._table = load_table(path)
        self._places = [plain(name) for name in self._table.header]
        self._named = dict(names or {})
        for ours, theirs in self._named.items():
            if plain(theirs) not in self._places:
                raise InputError(f"{path}: {ours}={theirs}: there is no such column, {self._has()}")

    def __len__(self) -> int:
        return len(self._table.cells)

    @property
    def path(self) -> Path:
        """Return the file."""
        return self._table.path

    def place(self, names: Sequence[str]) -> int | None:
        """Return the place of a column that has one of some names, ours first; None if none has.

        Raises
        ------
        InputError
            If two columns have the name.
        """
        wanted = [self._named.get(names[0], names[0]), *names[1:]]
        for name in map(plain, wanted):
            if (times := self._places.count(name)) > 1:
                raise InputError(f"{self._table.path}: {times} columns are called {name!r}")
            if times:
                return self._places.index(name)
        return None

    def needed(self, names: Sequence[str]) -> int:
        """Return the place of a column that has to be there.

        Raises
        ------
        InputError
            If it is not.
        """
        place = self.place(names)
        if place is None:
            raise InputError(
                f"{self._table.path}: no column {' or '.join(map(repr, names))}, {self._has()}: "
                f"name it, as in --columns {names[0]}=COLUMN"
            )
        return place

    def columns(self, places: Sequence[int | None]) -> Mapping[int, str]:
        """Return the names of the other columns, as they are written."""
        header = self._table.header
        return {at: name for at, name in enumerate(header) if at not in places}

    def texts(self, place: int, *, what: str = "") -> pd.Series[str]:
        """Return a column as text, empty where the cell is; `what` is said of one that is."""
        cells = self._table.cells.iloc[:, place].astype(object)
        texts = cells.where(cells.notna(), "").astype(str).str.strip()
        texts = texts.mask(texts.str.lower().isin(ABSENT), "").reset_index(drop=True)
        if what:
            self._refuse(place, (texts == "").to_numpy(), f"is no {what}")
        return texts

    def symbols(self, place: int, *, is_needed: bool = True) -> pd.Series[str]:
        """Return symbols in their canonical form; one that has none stays as it is."""
        texts = self.texts(place, what="symbol" if is_needed else "")
        forms = {text: _canonical(text) for text in texts.unique()}
        return texts.map(forms).astype(object)

    def days(self, place: int, *, is_needed: bool = True) -> pd.Series[pd.Timestamp]:
        """Return a column of days, naive at midnight, NaT where the cell is empty."""
        found, is_zoned = self._times(place, is_needed=is_needed)
        said = "is an instant, and a day such as 2020-12-31 is needed"
        odd = found.notna() & (is_zoned | (found != found.dt.normalize()))
        self._refuse(place, odd.to_numpy(bool), said)
        return found

    def instants(self, place: int, *, calendar: str) -> pd.DatetimeIndex:
        """Return from when facts may be used that were seen on days, or at instants with a zone."""
        found, is_zoned = self._times(place, is_needed=True)
        if not is_zoned:
            odd = (found != found.dt.normalize()).to_numpy(bool)
            self._refuse(place, odd, "has no zone: add its offset, as in 15:30:00+00:00")
        return available_at(pd.DatetimeIndex(found), calendar=calendar)

    def figures(self, place: int) -> NDArray[np.float64]:
        """Return a column of numbers, NaN where the cell is empty."""
        cells = self._table.cells.iloc[:, place].reset_index(drop=True)
        if cells.dtype == np.float32:
            return cells.astype(str).to_numpy(np.float64)  # 37.63 and not 37.630001
        numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        is_told = self.texts(place).to_numpy(object) != ""
        self._refuse(place, np.isnan(numbers) & is_told, "is not a number")
        self._refuse(place, np.isinf(numbers), "is not a finite number")
        return numbers

    def is_of_figures(self, place: int) -> bool:
        """Tell whether a column holds numbers, and is neither text nor days nor yes and no."""
        cells = self._table.cells.iloc[:, place]
        if not isinstance(cells.dtype, np.dtype) or cells.dtype.kind in "ObM":
            texts = self.texts(place)
            told = texts[texts != ""]
            return bool(len(told)) and bool(pd.to_numeric(told, errors="coerce").notna().all())
        return True

    def amounts(self, place: int | None, otherwise: str) -> list[Decimal]:
        """Return a column of exact numbers, and another one where a cell or the column is empty."""
        if place is None:
            return [Decimal(otherwise)] * len(self)
        texts = self.texts(place)
        found = [_decimal(text or otherwise) for text in texts]
        self._refuse(place, np.array([one is None for one in found], np.bool_), "is not a number")
        return [one for one in found if one is not None]

    def at(self, row: int, place: int) -> str:
        """Return the place of a cell in words."""
        return self._table.at(row, place)

    def _times(self, place: int, *, is_needed: bool) -> tuple[pd.Series[pd.Timestamp], bool]:
        """Return instants in UTC or naive ones, and which of both they are."""
        texts = self.texts(place)
        is_told = (texts != "").to_numpy()
        is_zoned = texts.str.contains(_ZONED, regex=True).to_numpy()
        if is_zoned.any():
            said = "names no zone, although other rows do"
            self._refuse(place, is_told & ~is_zoned, said)
        found = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=bool(is_zoned.any()))
        is_missing = ~texts.str.match(WHOLE_DAY).to_numpy() | found.isna().to_numpy()
        bad = is_missing if is_needed else is_missing & is_told
        self._refuse(place, bad, "is no day such as 2020-12-31")
        return found, bool(is_zoned.any())

    def _refuse(self, place: int, bad: NDArray[np.bool_], said: str) -> None:
        self._table.refuse(place, bad, said)

    def _has(self) -> str:
        header = self._table.header
        more = f" and {len(header) - _SHOWN} more" if len(header) > _SHOWN else ""
        return f"it has {', '.join(map(repr, header[:_SHOWN]))}{more}"


def plain(name: str) -> str:
    """Return the name of a column in the form in which it is looked for.

    Examples
    --------
    >>> plain(" Last.Trade")
    'last_trade'
    """
    found = name.strip().lower()
    for mark in " .-":
        found = found.replace(mark, "_")
    return found


def _canonical(text: str) -> str:
    try:
        return canonical(text, AssetClass.EQUITY)
    except InputError:
        return text  # it meets no bar, and what it was is seen


def _decimal(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
