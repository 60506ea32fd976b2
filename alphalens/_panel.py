"""The one matrix view of a factor_data frame that every metric reads.

`Panel.of(frame)` answers from a cache as long as a frame with the same index lives (its copies and
columns share it). What is computed from values is bound to a fingerprint of the columns it came
from, so that ``factor_data["factor"] *= -1`` between two calls changes the result. Nothing is
stored in the frame, and nothing keeps the frame alive.
"""

from __future__ import annotations

import weakref
from collections.abc import Hashable
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from alphalens import _kernels as kernels
from alphalens._cells import Cells, Memory, is_worth_laying_out
from alphalens.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pandas.api.typing.aliases import SequenceNotStr
    from pandas.tseries.offsets import BaseOffset

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

    LongFrame: TypeAlias = pd.DataFrame | pd.Series

_FEW = 1 << 12
"""Range of whole-number labels that are counted rather than hashed."""


class MissingLabelError(InputError, KeyError):
    """A column, an index level or a label that the call needs is not there."""

    def __str__(self) -> str:
        return ValueError.__str__(self)


class Labels:
    """A column of labels: the sorted distinct ones, and per row the number of its own (-1: NaN)."""

    def __init__(self, column: pd.Series) -> None:
        if isinstance(column.dtype, pd.CategoricalDtype):
            self.distinct: pd.Index = pd.CategoricalIndex(
                column.cat.categories, dtype=column.dtype, name=column.name
            )
            self.codes: Ints = column.cat.codes.to_numpy().astype(np.int64)
            return
        self.codes, values = _factorize(column)
        self.distinct = pd.Index(values, name=column.name)

    def __len__(self) -> int:
        return len(self.distinct)


def _factorize(column: pd.Series) -> tuple[Ints, pd.Index]:
    """Return codes and sorted distinct values; small whole numbers are counted, not hashed."""
    found = _counted(column.to_numpy()) if isinstance(column.dtype, np.dtype) else None
    if found is not None:
        return found
    codes, distinct = pd.factorize(column, sort=True)
    return codes.astype(np.int64), pd.Index(distinct).infer_objects()


def _counted(values: NDArray[np.generic]) -> tuple[Ints, pd.Index] | None:
    """Return codes and values of whole numbers in a small range; None for other columns."""
    if values.dtype.kind not in "iuf" or not len(values):
        return None
    missing = np.isnan(values) if values.dtype.kind == "f" else None
    if missing is not None and missing.any():
        codes = np.full(len(values), -1)
        found = _counted(values[~missing])
        if found is None:
            return None
        codes[~missing], distinct = found
        return codes, distinct
    low, high = values.min(), values.max()
    if not np.isfinite(low) or not np.isfinite(high) or float(high) - float(low) >= _FEW:
        return None
    offset = (values - low).astype(np.int64)
    if missing is not None and not np.array_equal(offset, values - low):
        return None
    used = np.flatnonzero(np.bincount(offset))
    distinct = pd.Index((used + low).astype(values.dtype))
    if len(used) == used[-1] + 1:
        return offset, distinct
    number = np.full(int(used[-1]) + 1, -1)
    number[used] = np.arange(len(used))
    return number[offset], distinct


class Panel:
    """Dates, assets and columns of one factor_data frame, as arrays.

    Parameters
    ----------
    index : MultiIndex
        Levels named ``date`` and ``asset``, in either order.

    Attributes
    ----------
    dates : DatetimeIndex
        Dates that occur, ascending, named ``date``, without freq.
    date_codes, asset_codes : ndarray of shape (rows,), int64
        Place of each row in `dates` and in `assets`.
    assets : Index
        The asset level, used or not.
    """

    def __init__(self, index: pd.MultiIndex) -> None:
        date_level, asset_level = level_number(index, "date"), level_number(index, "asset")
        self._codes = (index.codes[date_level], index.codes[asset_level])
        self._levels = (index.levels[date_level], index.levels[asset_level])
        for codes, name in zip(self._codes, ("date", "asset"), strict=True):
            if len(codes) and codes.min() < 0:
                raise InputError(
                    f"{int((codes < 0).sum())} rows of the frame have no {name} in their index, "
                    "drop them first"
                )
        self.dates, self.date_codes, members = _used_sorted(self._levels[0], self._codes[0])
        self.assets = self._levels[1]
        self.cells = Cells(self.date_codes, len(self.dates), members=members)
        self.memory = Memory()

    @cached_property
    def asset_codes(self) -> Ints:
        """Place of each row in `assets`."""
        return np.asarray(self._codes[1], dtype=np.int64)

    @staticmethod
    def of(frame: LongFrame) -> Panel:
        """Return the panel of a frame or series, from the cache while its index is the same."""
        entry = _CACHE.get(id(frame))
        if entry is not None and entry[0]() is frame and entry[1].fits(frame.index):
            return entry[1]
        if not isinstance(frame, pd.DataFrame | pd.Series):
            raise InputError(
                f"factor_data must be a DataFrame (or a column of it), got a "
                f"{type(frame).__name__}: make it with get_clean_factor_and_forward_returns"
            )
        index = frame.index
        if not isinstance(index, pd.MultiIndex):
            raise MissingLabelError(
                "factor_data needs a MultiIndex with the levels 'date' and 'asset', got a "
                f"{type(index).__name__} named {index.name!r}"
            )
        panel = _SHARED.get(_address(index))
        if panel is None or not panel.fits(index):
            panel = _SHARED[_address(index)] = Panel(index)
        key = id(frame)
        _CACHE[key] = (weakref.ref(frame, lambda _: _CACHE.pop(key, None)), panel)
        return panel

    def fits(self, index: pd.Index) -> bool:
        """Tell whether an index is still the one this panel was built from."""
        if not isinstance(index, pd.MultiIndex) or len(index) != len(self.cells.keys):
            return False
        places = [index.names.index(name) if name in index.names else -1 for name in _NAMES]
        return min(places) >= 0 and all(
            _place(index.codes[place]) == _place(codes) and index.levels[place].equals(level)
            for place, codes, level in zip(places, self._codes, self._levels, strict=True)
        )

    def grouped(self, labels: Labels) -> Cells:
        """Return the cells of each date and group; cell = date * number of groups + group."""
        keys = self.date_codes * len(labels) + labels.codes
        if len(labels.codes) and labels.codes.min() < 0:
            keys[labels.codes < 0] = -1
        return Cells(keys, len(self.dates) * len(labels))

    @cached_property
    def is_product(self) -> bool:
        """Whether the rows are sorted by date and every date has the same assets in one order."""
        if not self.cells.is_rectangular or not self.cells.size:
            return False
        codes = self.asset_codes.reshape(self.cells.size, -1)
        return bool((codes == codes[0]).all())

    def lagged(self, values: Floats, previous: Ints) -> Floats:
        """Return for each row the value of the same asset on another date.

        Parameters
        ----------
        values : ndarray of shape (rows,)
        previous : ndarray of shape (dates,), int64
            Place of the other date of each date, -1 for none.

        Returns
        -------
        ndarray of shape (rows,)
            NaN where the asset has no row on that date.
        """
        if self.is_product:
            matrix = np.vstack(
                [values.reshape(len(self.dates), -1), np.full(self.cells.width, np.nan)]
            )
            return matrix[previous].reshape(-1)
        before = previous[self.date_codes]
        n_assets = max(len(self.assets), 1)
        cells = len(self.dates) * n_assets
        if is_worth_laying_out(cells, len(values)):
            wide = np.full(cells + n_assets, np.nan)
            wide[self.row_keys] = values
            before[before < 0] = len(self.dates)
            lagged: Floats = wide[before * n_assets + self.asset_codes]
            return lagged
        order = np.argsort(self.row_keys, kind="stable")
        keys = self.row_keys[order]
        wanted = before * n_assets + self.asset_codes
        place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        found = (keys[place] == wanted) & (before >= 0)
        return np.where(found, values[order[place]], np.nan)

    def count(self, is_member: Bools) -> Ints:
        """Count the members of each date."""
        if self.cells.is_rectangular:
            return kernels.row_counts(is_member.reshape(len(self.dates), -1))
        return np.bincount(self.date_codes[is_member], minlength=len(self.dates))

    def joined(self, is_member: Bools, previous: Ints) -> Ints:
        """Count per date the members that were not members on another date.

        Parameters
        ----------
        is_member : ndarray of shape (rows,)
        previous : ndarray of shape (dates,), int64
            Place of the other date of each date, -1 for none.
        """
        n_dates, n_assets = len(self.dates), max(len(self.assets), 1)
        if self.is_product:
            now = is_member.reshape(n_dates, -1)
        elif is_worth_laying_out(n_dates * n_assets, 8 * len(is_member)):  # bytes, not floats
            now = np.zeros((n_dates, n_assets), dtype=bool)
            now.reshape(-1)[self.row_keys[is_member]] = True
        else:
            stayed = self.lagged(is_member.astype(np.float64), previous) == 1.0
            return np.bincount(self.date_codes[is_member & ~stayed], minlength=n_dates)
        return kernels.row_arrivals(now, previous)

    def calendar_of_used(self, frame: LongFrame) -> BaseOffset | None:
        """Return the freq of the dates that occur: the level's (times n for every n-th date)."""
        freq, steps = calendar_of(frame), np.diff(np.unique(self._codes[0]))
        if freq is None or not len(steps):
            return freq
        return freq * int(steps[0]) if bool((steps == steps[0]).all()) else None

    def wide(self, values: Floats) -> tuple[Floats, pd.Index]:
        """Return a dates x assets matrix, NaN where there is no row, and its assets.

        The order is the one `unstack` gives: that of the asset level if all of it occurs, else that
        of first occurrence.
        """
        used: Ints = pd.unique(self.asset_codes)
        if len(used) == len(self.assets):
            used.sort()
        column = np.full(len(self.assets), -1)
        column[used] = np.arange(len(used))
        matrix = np.full((len(self.dates), len(used)), np.nan)
        matrix[self.date_codes, column[self.asset_codes]] = values
        return matrix, self.assets[used]

    @cached_property
    def row_keys(self) -> Ints:
        """One number per (date, asset), date first."""
        return self.date_codes * max(len(self.assets), 1) + self.asset_codes

    @cached_property
    def has_duplicates(self) -> bool:
        """Whether a (date, asset) pair occurs twice."""
        if self.is_product:
            return len(np.unique(self.asset_codes[: self.cells.width])) < self.cells.width
        keys = self.row_keys
        if bool((keys[1:] > keys[:-1]).all()):
            return False
        return len(np.unique(keys)) < len(keys)

    def duplicates(self) -> str:
        """Say how many rows repeat a (date, asset) pair, and name the first."""
        places = np.flatnonzero(pd.Series(self.row_keys).duplicated())
        date = self.dates[self.date_codes[places[0]]]
        return f"{len(places)} rows, e.g. ({date}, {self.assets[self.asset_codes[places[0]]]})"


_NAMES = ("date", "asset")
_CACHE: dict[int, tuple[weakref.ref[LongFrame], Panel]] = {}
_SHARED: weakref.WeakValueDictionary[Hashable, Panel] = weakref.WeakValueDictionary()
"""Panels by the memory of their codes: a frame, its copies and its columns have one index."""


def _address(index: pd.MultiIndex) -> tuple[Hashable, ...]:
    """Return where the codes of an index lie; pandas never writes there, and panels keep them."""
    return tuple(_place(codes) for codes in index.codes)


def _place(codes: NDArray[np.signedinteger]) -> Hashable:
    return codes.ctypes.data, codes.shape, codes.strides, codes.dtype.str


def _used_sorted(
    level: pd.Index, codes: NDArray[np.signedinteger]
) -> tuple[pd.DatetimeIndex, Ints, Ints]:
    """Return the dates that occur, ascending, the place of each row among them, and their rows."""
    dates = level if isinstance(level, pd.DatetimeIndex) else pd.DatetimeIndex(level)
    if dates.is_monotonic_increasing and bool((codes[1:] >= codes[:-1]).all()):
        starts = np.flatnonzero(np.append(len(codes) > 0, codes[1:] != codes[:-1]))
        used = codes[starts].astype(np.int64)
        members = np.diff(starts, append=len(codes)).astype(np.int64)
        return _without_freq(dates[used]), np.repeat(np.arange(len(used)), members), members
    rows = np.bincount(codes, minlength=len(dates))
    used = np.flatnonzero(rows)
    used = used[np.argsort(dates.asi8[used], kind="stable")]
    number = np.full(len(dates), -1)
    number[used] = np.arange(len(used))
    return _without_freq(dates[used]), number[codes], rows[used].astype(np.int64)


def _without_freq(dates: pd.DatetimeIndex) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(
        dates,
        freq=None,  # type: ignore[arg-type]  # the stubs omit None, which drops the freq
        name="date",
    )


def multi_index(
    levels: Sequence[pd.Index],
    codes: Sequence[NDArray[np.signedinteger]],
    names: SequenceNotStr[Hashable],
) -> pd.MultiIndex:
    """Build an index from levels and codes that are known to fit."""
    return pd.MultiIndex(
        levels=levels,  # type: ignore[arg-type]  # the stubs take lists, pandas takes indexes
        codes=codes,  # type: ignore[arg-type]  # the stubs take lists, pandas takes arrays
        names=names,
        verify_integrity=False,
    )


def level_number(index: pd.MultiIndex, name: str) -> int:
    """Return the position of a named level."""
    if name not in index.names:
        raise MissingLabelError(
            f"the index has no level named {name!r}, only {list(index.names)}: rename the levels "
            "to 'date' and 'asset'"
        )
    return index.names.index(name)


def calendar_of(frame: LongFrame) -> BaseOffset | None:
    """Return the freq of a frame's date level."""
    index = frame.index
    if not isinstance(index, pd.MultiIndex):
        return None
    return getattr(index.levels[level_number(index, "date")], "freq", None)


def column_values(frame: pd.DataFrame, name: str) -> Floats:
    """Return a column as float64, without a copy where it is float64 already."""
    return float_values(column_of(frame, name))


def column_of(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column, or say which ones there are."""
    if not isinstance(frame, pd.DataFrame):
        raise InputError(
            f"factor_data must be a DataFrame with a column {name!r}, got a {type(frame).__name__}"
        )
    if name not in frame.columns:
        remedy = ": give groupby in the clean step" if name == "group" else ""
        raise MissingLabelError(
            f"factor_data has no column {name!r}, only "
            f"{[str(label) for label in frame.columns]}{remedy}"
        )
    places = np.flatnonzero(frame.columns == name)
    if len(places) > 1:
        raise InputError(f"factor_data has {len(places)} columns named {name!r}, keep one")
    return frame.iloc[:, int(places[0])]


def float_values(column: pd.Series) -> Floats:
    """Return the values of a series as float64; NaN for missing ones."""
    if isinstance(column.dtype, np.dtype):
        out: Floats = column.to_numpy().astype(np.float64, copy=False)
        return out
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
