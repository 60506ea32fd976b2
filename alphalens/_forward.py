"""Prices ahead of a factor: checks of both, and the return of each asset after each date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import bottleneck as bn
import numpy as np
import pandas as pd

from alphalens import _kernels as kernels
from alphalens._blocks import over_blocks
from alphalens._given import is_whole, span_of
from alphalens._warning import warn_user
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]


_COLUMNS = 64
"""Columns turned into rows at once: eight cache lines of each row."""

_NAMING_DATES = 30
"""Dates looked at when a forward-return column gets its name."""


class NonMatchingTimezoneError(Exception):
    """The dates of factor and prices are in different time zones."""


class NotDatesError(InputError, AttributeError):
    """The dates of an argument are not dates."""


def _as_dates(index: pd.Index, owner: str) -> pd.DatetimeIndex:
    """Return an index as dates; text is parsed, anything else refused."""
    if isinstance(index, pd.DatetimeIndex):
        return index
    found = f"{type(index).__name__} of {index.dtype}"
    if len(index) and pd.api.types.is_numeric_dtype(index.dtype):
        raise NotDatesError(
            f"the dates of {owner} are numbers ({found}, first {index[0]!r}) and have no attribute "
            "'tz': give a DatetimeIndex, e.g. by pd.to_datetime"
        )
    try:
        return pd.DatetimeIndex(index)
    except (ValueError, TypeError) as error:
        raise NotDatesError(
            f"the dates of {owner} cannot be read as dates ({found}, first {index[0]!r}) and have "
            "no attribute 'tz': give a DatetimeIndex, e.g. by pd.to_datetime"
        ) from error


def factor_series(factor: pd.Series | pd.DataFrame) -> pd.Series:
    """Return the factor as a series; a frame must have one column."""
    if isinstance(factor, pd.DataFrame):
        if factor.shape[1] != 1:
            raise InputError(
                f"factor has {factor.shape[1]} columns ({_some(factor.columns)}): give one of them "
                "as a Series, or, if it is a wide frame of dates x assets, factor.stack()"
            )
        factor = factor.iloc[:, 0]
    if not isinstance(factor.index, pd.MultiIndex) or factor.index.nlevels != 2:
        raise InputError(
            "factor needs a MultiIndex with two levels, date then asset, got "
            f"{type(factor.index).__name__} named {list(factor.index.names)}"
        )
    return factor


def dated(index: pd.MultiIndex, owner: str) -> pd.MultiIndex:
    """Return an index with levels named date and asset, the first one of dates."""
    if not isinstance(index.levels[0], pd.DatetimeIndex):
        if isinstance(index.levels[1], pd.DatetimeIndex):
            raise NotDatesError(
                f"the levels of {owner} are in the wrong order: the first ({index.names[0]!r}, "
                f"{index.levels[0].dtype}) has no attribute 'tz', the second ({index.names[1]!r}) "
                f"holds dates. Order them date, asset: {owner}.swaplevel()"
            )
        index = with_dates(index, _as_dates(index.levels[0], owner))
    return index if list(index.names) == ["date", "asset"] else index.set_names(["date", "asset"])


def _some(labels: pd.Index, *, most: int = 5) -> str:
    """Return the first labels as text."""
    shown = ", ".join(str(label) for label in labels[:most])
    return shown if len(labels) <= most else f"{shown}, ..."


def with_dates(index: pd.MultiIndex, dates: pd.DatetimeIndex) -> pd.MultiIndex:
    """Return an index with other dates in its first level."""
    levels = [dates, *index.levels[1:]]
    return pd.MultiIndex(
        levels=levels,  # type: ignore[arg-type]  # the stubs take no Index here, pandas does
        codes=index.codes,  # type: ignore[arg-type]  # as above
        names=index.names,
        verify_integrity=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """Where the rows of a factor stand in a matrix of prices, and its forward returns.

    `rows` are the rows of prices at each factor date that prices know; `places` are the flat places
    of the factor's rows in a dates x assets matrix, -1 where prices do not have them.
    """

    index: pd.MultiIndex
    columns: pd.Index
    prices: Floats
    times: pd.DatetimeIndex
    rows: Ints
    places: Ints | None
    periods: tuple[int, ...]
    is_cumulative: bool
    filter_zscore: float | None

    def matrix(self, period: int, *, is_filtered: bool) -> Floats:
        """Return the forward returns of one period, factor dates x assets."""
        if not self.prices.shape[1]:
            return np.full((len(self.rows), 0), np.nan)
        out = forward_returns(self.prices, self.rows, period, is_cumulative=self.is_cumulative)
        if is_filtered and self.filter_zscore is not None:
            drop_outliers(out, self.filter_zscore)
        return out

    def long(self, matrix: Floats) -> Floats:
        """Return the matrix's value for each row of the factor; NaN where there is none."""
        flat = matrix.reshape(-1)
        if self.places is None:
            return flat
        if not len(flat):
            return np.full(len(self.places), np.nan)
        values = flat[self.places]
        values[self.places < 0] = np.nan
        return values

    def missing(self) -> dict[str, Bools]:
        """Return by reason which rows lack a forward return, the gravest reason last."""
        tests = {
            "zscore filter": [self.matrix(p, is_filtered=True) for p in self.periods],
            "no later price": [self.matrix(p, is_filtered=False) for p in self.periods],
            "no price": [self.prices[self.rows]],
        }
        return {
            name: np.logical_or.reduce([np.isnan(self.long(matrix)) for matrix in matrices])
            for name, matrices in tests.items()
        }

    def hint(self) -> str:
        """Say so when prices know none of the factor's assets."""
        if self.prices.shape[1]:
            return ""
        assets, columns = self.index.levels[1], self.columns
        return (
            f"\nNo asset of the factor ({_some(assets)}) is a column of prices ({_some(columns)}): "
            "name them alike"
        )

    def spans(self, period: int) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
        """Return the first dates that have a price `period` rows later, and these later times."""
        rows = self.rows[self.rows + period < len(self.times)][:_NAMING_DATES]
        if not len(rows):
            raise InputError(
                f"Not enough price data to compute {period}-period forward returns: prices must "
                f"reach at least {period} rows past a factor date; they end at "
                f"{self.times.max()}, the first factor date is {self.times[self.rows].min()}"
            )
        return self.times[rows], self.times[rows + period]


def look_ahead(
    factor: pd.Series,
    prices: pd.DataFrame | pd.Series,
    periods: object,
    *,
    filter_zscore: float | None,
    is_cumulative: bool,
) -> Ahead:
    """Check factor against prices and find the rows of one in the other."""
    index = dated(cast("pd.MultiIndex", factor.index), "factor")
    if not len(index):
        raise InputError("factor is empty: it has no rows")
    wide, times = _wide(prices)
    dates = cast("pd.DatetimeIndex", index.levels[0])
    _same_zone(dates, times)
    row_of = times.get_indexer(dates)
    if not (row_of >= 0).any():
        raise InputError(
            "Factor and prices indices don't match: make sure they have the same convention in "
            f"terms of datetimes and symbol-names. No factor date ({span_of(dates)}) is among the "
            f"price dates ({span_of(times)})"
        )
    column_of_asset = wide.columns.get_indexer(index.levels[1])
    used = np.flatnonzero(column_of_asset >= 0)
    return Ahead(
        index=index,
        columns=wide.columns,
        prices=_filled(wide, column_of_asset[used]),
        times=times,
        rows=row_of[row_of >= 0].astype(np.int64),
        places=_places(index, row_of >= 0, column_of_asset >= 0),
        periods=_checked_periods(periods),
        is_cumulative=is_cumulative,
        filter_zscore=None if filter_zscore is None or filter_zscore is False else filter_zscore,
    )


def _wide(prices: pd.DataFrame | pd.Series) -> tuple[pd.DataFrame, pd.DatetimeIndex]:
    """Check that prices are a frame of times x assets, each once, and return it with its times."""
    if not isinstance(prices, pd.DataFrame | pd.Series):
        raise InputError(
            f"prices must be a DataFrame of times x assets, got a {type(prices).__name__}"
        )
    if isinstance(prices, pd.Series) or isinstance(prices.index, pd.MultiIndex):
        raise InputError(
            f"prices must be wide, times x assets, got a {type(prices).__name__} with index levels "
            f"{list(prices.index.names)}: give prices.unstack()"
        )
    times = _as_dates(prices.index, "prices")
    for what, labels in (("index", times), ("columns", prices.columns)):
        if not labels.is_unique:
            repeated = labels[labels.duplicated()]
            raise InputError(
                f"prices.{what} repeats {len(repeated)} labels ({_some(repeated)}): keep one each"
            )
    if not times.is_monotonic_increasing:
        warn_user(
            "prices are not sorted by time: returns run from row to row as they stand. Use "
            "prices.sort_index()"
        )
    return prices, times


def _same_zone(dates: pd.DatetimeIndex, times: pd.DatetimeIndex) -> None:
    if str(dates.tz) != str(times.tz):
        raise NonMatchingTimezoneError(
            f"The timezone of 'factor' ({dates.tz}) is not the same as the timezone of 'prices' "
            f"({times.tz}). See the pandas methods tz_localize and tz_convert."
        )


def _filled(prices: pd.DataFrame, columns: Ints) -> Floats:
    """Return the wanted columns as a matrix, forward-filled."""
    if len(columns) == prices.shape[1] and bool((np.diff(columns) == 1).all()):
        chosen = prices
    else:
        chosen = prices.iloc[:, columns]
    try:
        values = chosen.to_numpy(dtype=np.float64, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise InputError(_no_number(chosen)) from error
    values = _by_rows(values)
    if not values.size or not np.isnan(values.sum()):
        return values
    filled: Floats = bn.push(values, axis=0)
    return filled


def _by_rows(matrix: Floats) -> Floats:
    """Return a matrix that lies row after row; frames often lie column after column."""
    if matrix.flags.c_contiguous:
        return matrix
    out = np.empty(matrix.shape)
    for start in range(0, matrix.shape[1], _COLUMNS):
        part = slice(start, start + _COLUMNS)
        out[:, part] = matrix[:, part]
    return out


def _no_number(prices: pd.DataFrame) -> str:
    """Say which price is no number."""
    for name, column in prices.items():
        bad = column.notna() & pd.to_numeric(column, errors="coerce").isna()
        if bad.any():
            place = int(bad.to_numpy().argmax())
            return (
                f"prices has {int(bad.sum())} values that are no numbers in column {name!r}, first "
                f"{column.iloc[place]!r} at {column.index[place]}: give floats, NaN for no price"
            )
    return f"prices cannot be turned into floats, dtypes {prices.dtypes.unique().tolist()}"


def _places(index: pd.MultiIndex, has_row: Bools, has_column: Bools) -> Ints | None:
    """Return the place of each factor row in the returns matrix; None if it is the row itself."""
    rows, columns = index.codes
    width = int(has_column.sum())
    if has_row.all() and has_column.all() and len(rows) == len(has_row) * width:
        by_date = columns.reshape(len(has_row), width) == np.arange(width)
        if by_date.all() and (np.arange(len(has_row)) == rows.reshape(len(has_row), width).T).all():
            return None
    rows, columns = rows.astype(np.int64), columns.astype(np.int64)
    row_number = np.where(has_row, np.cumsum(has_row) - 1, -1)[rows]
    column_number = np.where(has_column, np.cumsum(has_column) - 1, -1)[columns]
    known = (rows >= 0) & (columns >= 0) & (row_number >= 0) & (column_number >= 0)
    return np.where(known, row_number * width + column_number, -1)


def _checked_periods(periods: object) -> tuple[int, ...]:
    if isinstance(periods, str) or not isinstance(periods, Iterable):
        raise InputError(f"periods must be numbers of price rows, e.g. (1, 5), got {periods!r}")
    wanted = tuple(periods)
    for period in wanted:
        if not is_whole(period) or period < 0:
            raise InputError(
                f"periods must be whole numbers of price rows, 0 or more, got {period!r}"
            )
    if not wanted:
        raise InputError("periods is empty: give at least one number of price rows, e.g. (1, 5)")
    return tuple(sorted(int(period) for period in wanted))


def forward_returns(prices: Floats, rows: Ints, period: int, *, is_cumulative: bool) -> Floats:
    """Return the return over the `period` rows after each of `rows`.

    Parameters
    ----------
    prices : ndarray of shape (times, assets)
        Forward-filled prices; NaN before an asset's first price.
    rows : ndarray of shape (dates,)
        Row of each factor date in `prices`.
    period : int
        Rows ahead, 0 or more.
    is_cumulative : bool
        True: from the row itself to `period` rows later. False: the last single row of it.

    Returns
    -------
    ndarray of shape (dates, assets)
        Fractions; NaN where the later row does not exist or a price is missing.
    """
    target = rows + period
    origin = rows if is_cumulative else target - 1
    inside = (target < len(prices)) & (origin >= 0)
    later, now = kernels.rows_of(prices, target[inside]), kernels.rows_of(prices, origin[inside])
    found = np.empty(later.shape)

    @np.errstate(divide="ignore", invalid="ignore")  # in the thread that works on the block
    def change(block: slice) -> None:
        np.divide(later[block], now[block], out=found[block])
        found[block] -= 1.0

    over_blocks(change, len(later), prices.shape[1])
    if inside.all():
        return found
    out = np.full((len(rows), prices.shape[1]), np.nan)
    out[inside] = found
    return out


def drop_outliers(returns: Floats, limit: float) -> None:
    """Set values more than `limit` standard deviations from their column mean to NaN, in place.

    The standard deviation has ddof 1; NaN is skipped.
    """
    rows, width = returns.shape
    total = returns.sum(axis=0)
    has_missing = bool(np.isnan(total).any())
    count = np.full(width, rows)
    if has_missing:
        count = rows - np.isnan(returns).sum(axis=0)
        total = np.where(np.isnan(returns), 0.0, returns).sum(axis=0)

    @np.errstate(invalid="ignore")  # in the thread that works on the block
    def spread(block: slice) -> tuple[Floats, Floats]:
        distance = returns[block] - mean
        if has_missing:
            distance[np.isnan(distance)] = 0.0
        squares: Floats = np.einsum("ij,ij->j", distance, distance)
        return squares, np.abs(distance, out=distance).max(axis=0, initial=0.0)

    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        squares, furthest = zip(*over_blocks(spread, rows, width), strict=True)
        allowed = limit * np.sqrt(np.sum(squares, axis=0) / (count - 1))
    columns = np.flatnonzero(np.max(furthest, axis=0) > allowed)
    if len(columns):
        chosen = returns[:, columns]
        chosen[np.abs(chosen - mean[columns]) > allowed[columns]] = np.nan
        returns[:, columns] = chosen
