"""How much a factor changes from date to date: members of quantiles, and ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from alphalens import _calendar as calendars
from alphalens import _kernels as kernels
from alphalens import _ranks as ranking
from alphalens._metrics.common import Ranked, check_rows, ranks_of
from alphalens._panel import Panel, calendar_of, column_values
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas.tseries.offsets import BaseOffset

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]


def quantile_turnover(
    quantile_factor: pd.Series[float], quantile: float, period: int = 1
) -> pd.Series[float]:
    """Return the share of a quantile's members that were not in it some rows before.

    Parameters
    ----------
    quantile_factor : Series
        Label of each ``(date, asset)``.
    quantile : int or float
        Label to look at.
    period : int
        Rows back: of the calendar grid if the dates have a calendar, otherwise of the dates on
        which the quantile has members.

    Returns
    -------
    Series
        Share in [0, 1] by date, named after the quantile. NaN in the first `period` rows, and
        where the quantile has no members on a date or `period` rows before it. Empty for a label
        that does not occur.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02", "2024-01-03"])
    >>> index = pd.MultiIndex.from_product([dates, list("ABC")], names=["date", "asset"])
    >>> quantile_turnover(pd.Series([1, 1, 2, 1, 2, 1], index), 1).tolist()
    [nan, 0.5]
    """
    check_rows(period)
    if not isinstance(quantile_factor, pd.Series):
        raise InputError(
            f"quantile_factor must be a Series, got a {type(quantile_factor).__name__}: give "
            "factor_data['factor_quantile']"
        )
    panel = Panel.of(quantile_factor)
    is_member = _equals(quantile_factor, quantile)
    members = panel.count(is_member)
    held = np.flatnonzero(members)
    grid, place = _rows_of_grid(panel, held, calendar_of(quantile_factor))
    previous = np.full(len(panel.dates), -1)
    previous[held] = _earlier(held, place, period, len(grid))
    joined = panel.joined(is_member, previous)
    values = np.full(len(grid), np.nan)
    compared = held[previous[held] >= 0]
    values[place[previous[held] >= 0]] = joined[compared] / members[compared]
    return pd.Series(values, index=grid, name=quantile)


def _equals(labels: pd.Series[float], label: float) -> Bools:
    """Tell which labels equal one, False for a missing one."""
    if isinstance(labels.dtype, np.dtype):
        return np.asarray(labels.to_numpy() == label, dtype=bool)
    return (labels == label).to_numpy(dtype=bool, na_value=False)


def _rows_of_grid(
    panel: Panel, chosen: Ints, freq: BaseOffset | None
) -> tuple[pd.DatetimeIndex, Ints]:
    """Return some dates of a panel on their calendar grid, and the row of each of them in it."""

    def build() -> tuple[pd.DatetimeIndex, Ints]:
        dates = panel.dates[chosen]
        if freq is None:
            return dates, np.arange(len(dates))
        grid = calendars.calendar_grid(dates, freq)
        return grid, grid.get_indexer(dates).astype(np.int64)

    grid, place = panel.memory.recall(("grid", freq), (chosen,), build)
    return grid[:], place


def _earlier(dates: Ints, rows: Ints, period: int, n_rows: int) -> Ints:
    """Return for each date the one `period` rows before it on the grid, -1 for none."""
    at_row = np.full(n_rows + 1, -1)
    at_row[rows] = dates
    target = np.maximum(rows - period, -1)
    return np.where((rows >= 0) & (target >= 0), at_row[target], -1)


def factor_rank_autocorrelation(factor_data: pd.DataFrame, period: int = 1) -> pd.Series[float]:
    """Return the correlation of the factor's ranks with those some rows before.

    Parameters
    ----------
    factor_data : DataFrame
        Column needed: ``factor``.
    period : int
        Rows back: of the calendar grid if the dates have a calendar, else of the observed dates.

    Returns
    -------
    Series
        Correlation in [-1, 1] by date, over the assets present on both dates, named after the
        period; NaN in the first `period` rows.

    Raises
    ------
    InputError
        (a ValueError) If a date and asset occur twice.

    Notes
    -----
    Ranks are those among all assets of their date. Values near 1 mean little turnover.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02", "2024-01-03"])
    >>> index = pd.MultiIndex.from_product([dates, list("ABC")], names=["date", "asset"])
    >>> frame = pd.DataFrame({"factor": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}, index=index)
    >>> factor_rank_autocorrelation(frame).round(6).tolist()
    [nan, 1.0]
    """
    check_rows(period)
    panel = Panel.of(factor_data)
    if panel.has_duplicates:
        raise InputError(
            f"Index contains duplicate entries: factor_data repeats {panel.duplicates()}: keep one "
            "of each"
        )
    ranked = ranks_of(panel.cells, column_values(factor_data, "factor"), "factor")
    every = np.arange(len(panel.dates))
    grid, place = _rows_of_grid(panel, every, calendar_of(factor_data))
    previous = _earlier(every, place, period, len(grid))
    correlation = _lagged_correlation(panel, ranked, previous)
    on_grid = place >= 0
    values = np.full(len(grid), np.nan)
    values[place[on_grid]] = correlation[on_grid]
    return pd.Series(values, index=grid, name=period)


def _lagged_correlation(panel: Panel, ranked: Ranked, previous: Ints) -> Floats:
    """Return the correlation of each date's ranks with those of another date, NaN without one."""
    if panel.is_product and not np.isnan(ranked.squares[0]).any():
        out = np.full(len(previous), np.nan)
        now = np.flatnonzero(previous >= 0)
        out[now] = ranking.rank_autocorrelation(
            ranked.ranks[0], ranked.squares[0], now, previous[now]
        )
        return out
    ranks = panel.cells.flat(ranked.ranks)
    return panel.cells.reduce(_pearson_kernel, ranks, panel.lagged(ranks, previous))


def _pearson_kernel(left: Floats, right: Floats, _: Ints) -> Floats:
    return kernels.row_pearson(left, right)
