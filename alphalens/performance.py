"""What a factor is worth: information coefficients, returns, turnover, positions, event windows.

Every function takes factor_data (see `alphalens.utils`) and reads it through one cached matrix
view. Results are plain frames. A result with one row per date carries the trading calendar of
factor_data: where the date level has a freq, the dates are laid on its grid, gaps NaN; without
one they stay as observed. Returns are fractions; NaN is skipped unless said otherwise.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from alphalens import _calendar as calendars
from alphalens import _events as events
from alphalens import _kernels as kernels
from alphalens._panel import (
    Cells,
    Labels,
    MissingLabelError,
    Panel,
    calendar_of,
    column_of,
    column_values,
    float_values,
    multi_index,
)
from alphalens.errors import InputError
from alphalens.utils import options, period_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas.tseries.offsets import BaseOffset

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

__all__ = [
    "average_cumulative_return_by_quantile",
    "common_start_returns",
    "compute_mean_returns_spread",
    "create_pyfolio_input",
    "cumulative_returns",
    "factor_alpha_beta",
    "factor_cumulative_returns",
    "factor_information_coefficient",
    "factor_positions",
    "factor_rank_autocorrelation",
    "factor_returns",
    "factor_weights",
    "mean_information_coefficient",
    "mean_return_by_quantile",
    "positions",
    "quantile_turnover",
]

_TRADING_YEAR = pd.Timedelta("252D")


def _returns(frame: pd.DataFrame) -> tuple[pd.Index, list[Floats]]:
    """Return the period labels of a frame and their columns, in order."""
    places = np.flatnonzero(period_mask(frame.columns))
    if not len(places):
        raise MissingLabelError(
            "factor_data has no forward-return column (a period name such as '1D'), only "
            f"{[str(name) for name in frame.columns]}"
        )
    labels = frame.columns[places].rename(None)
    return labels, [float_values(frame.iloc[:, int(place)]) for place in places]


def _frame(columns: Sequence[Floats], index: pd.Index, labels: pd.Index) -> pd.DataFrame:
    out = pd.DataFrame(dict(enumerate(columns)), index=index, copy=False)
    out.columns = labels
    return out


def _on_calendar(
    columns: Sequence[Floats], dates: pd.DatetimeIndex, freq: BaseOffset | None
) -> tuple[list[Floats], pd.DatetimeIndex]:
    """Lay values by date on the grid of the calendar, NaN in the gaps."""
    if freq is None:
        return list(columns), dates[:]
    grid = calendars.calendar_grid(dates, freq)
    if len(grid) == len(dates):
        return list(columns), grid
    place = grid.get_indexer(dates)
    on_grid = place >= 0
    laid = []
    for values in columns:
        gaps = np.full(len(grid), np.nan)
        gaps[place[on_grid]] = values[on_grid]
        laid.append(gaps)
    return laid, grid


def _demeaned(cells: Cells, values: Floats) -> Floats:
    """Subtract the mean of each cell, NaN skipped."""
    return values - cells.spread(cells.reduce(_mean_kernel, values))


def _mean_kernel(matrix: Floats, _: Ints) -> Floats:
    return kernels.row_mean(matrix)


def _sum_kernel(matrix: Floats, _: Ints) -> Floats:
    return kernels.row_sum(matrix)


def _group_cells(panel: Panel, frame: pd.DataFrame) -> tuple[Labels, Cells]:
    """Return the groups of a frame and the cells of each date and group."""
    groups = Labels(column_of(frame, "group"))
    cells = panel.memory.recall("group cells", (groups.codes,), lambda: panel.grouped(groups))
    return groups, cells


def factor_information_coefficient(
    factor_data: pd.DataFrame, group_adjust: bool = False, by_group: bool = False
) -> pd.DataFrame:
    r"""Return the rank correlation of factor and forward returns on each date.

    Parameters
    ----------
    factor_data : DataFrame
        Columns needed: the periods, ``factor``; with an option ``group``.
    group_adjust : bool
        Subtract the mean of date and group from the returns first.
    by_group : bool
        Correlate inside each group.

    Returns
    -------
    DataFrame
        Spearman's correlation in [-1, 1], one column per period; index date, or date and group
        (observed ones). NaN where factor or returns are constant, have a single member, or contain
        a NaN.

    Raises
    ------
    MissingLabelError
        (a KeyError) If a column is missing.

    Notes
    -----
    :math:`\rho` is Pearson's correlation of the average ranks. Ranks are computed once per column
    and kept for later calls. O(n log n) for n rows.

    References
    ----------
    .. [1] Spearman, C. (1904). The proof and measurement of association between two things.
       American Journal of Psychology 15(1), 72-101. https://doi.org/10.2307/1412159

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02"])
    >>> index = pd.MultiIndex.from_product([dates, list("ABC")], names=["date", "asset"])
    >>> frame = pd.DataFrame({"1D": [0.1, 0.2, 0.3], "factor": [1.0, 2.0, 3.0]}, index=index)
    >>> factor_information_coefficient(frame)["1D"].tolist()
    [1.0]
    """
    panel = Panel.of(factor_data)
    labels, returns = _returns(factor_data)
    factor = column_values(factor_data, "factor")
    cells, groups = panel.cells, None
    if group_adjust or by_group:
        groups, by_cells = _group_cells(panel, factor_data)
        if group_adjust:
            returns = [_demeaned(by_cells, values) for values in returns]
        if by_group:
            cells = by_cells
    columns = _rank_correlations(cells, factor, returns)
    if not by_group:
        columns, dates = _on_calendar(columns, panel.dates, calendar_of(factor_data))
        return _frame(columns, dates, labels)
    seen = np.flatnonzero(cells.members)
    index = _cell_index(panel, cast("Labels", groups), seen)
    return _frame([values[seen] for values in columns], index, labels)


def _rank_correlations(cells: Cells, factor: Floats, returns: list[Floats]) -> list[Floats]:
    """Return the rank correlation of the factor with each column of returns, per cell."""
    factor_ranks = cells.map(kernels.centred, _ranks(cells, factor, "factor"))
    out = []
    for number, values in enumerate(returns):
        ranks = cells.map(kernels.centred, _ranks(cells, values, number))
        pairs = zip(factor_ranks, ranks, strict=True)
        out.append(cells.gather([kernels.row_correlation(one, other) for one, other in pairs]))
    return out


def _ranks(cells: Cells, values: Floats, name: Hashable) -> Floats:
    """Return the rank of each row inside its cell, kept while the values stay the same."""
    return cells.memory.recall(
        ("ranks", name), (values,), lambda: cells.transform(kernels.row_ranks, values)
    )


def _cell_index(panel: Panel, groups: Labels, cells: Ints) -> pd.MultiIndex:
    """Return the index of cells of date and group."""
    codes = [cells // len(groups), cells % len(groups)]
    return multi_index([panel.dates, groups.distinct], codes, ["date", "group"])


def mean_information_coefficient(
    factor_data: pd.DataFrame,
    group_adjust: bool = False,
    by_group: bool = False,
    by_time: str | BaseOffset | None = None,
) -> pd.Series[float] | pd.DataFrame:
    """Average the information coefficient over dates, by group, or by span of time.

    Parameters
    ----------
    factor_data : DataFrame
        See `factor_information_coefficient`.
    group_adjust : bool
        Subtract the mean of date and group from the returns first.
    by_group : bool
        One mean per group.
    by_time : str or offset, optional
        One mean per span, e.g. ``"ME"``, ``"M"`` or ``"W"``; old and new spellings are taken.

    Returns
    -------
    Series or DataFrame
        Without options a Series over periods; otherwise one row per span, group (every category),
        or both. NaN days are skipped.

    Raises
    ------
    InputError
        (a ValueError) If `by_time` is no frequency.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02", "2024-01-03"])
    >>> index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    >>> values = {"1D": [0.1, 0.2, 0.2, 0.1], "factor": [1.0, 2.0, 1.0, 2.0]}
    >>> mean_information_coefficient(pd.DataFrame(values, index=index)).tolist()
    [0.0]
    """
    ic = factor_information_coefficient(factor_data, group_adjust, by_group)
    groupers: list[object] = []
    if by_time is not None:
        groupers.append(pd.Grouper(level="date", freq=calendars.to_offset(by_time)))
    if by_group:
        groupers.append(ic.index.get_level_values("group"))
    if not groupers:
        return ic.mean()
    keys = groupers[0] if len(groupers) == 1 else groupers
    return ic.groupby(keys, observed=False).mean()  # type: ignore[call-overload, no-any-return]  # mixed groupers


def factor_weights(
    factor_data: pd.DataFrame,
    demeaned: bool = True,
    group_adjust: bool = False,
    equal_weight: bool = False,
) -> pd.Series[float]:
    r"""Return portfolio weights proportional to the factor, gross exposure 1 on each date.

    Parameters
    ----------
    factor_data : DataFrame
        Columns needed: ``factor``; with `group_adjust` ``group``.
    demeaned : bool
        Long-short: subtract the mean of the date first.
    group_adjust : bool
        Do so inside each group, which then gets the same gross exposure as the others.
    equal_weight : bool
        Weigh by sign alone; with `demeaned` the assets above and below the median get half the
        gross each.

    Returns
    -------
    Series
        Fractions of gross exposure named ``factor``, index of `factor_data`. NaN for a NaN factor,
        and for a date or group without exposure (0 there under the convention ``"reloaded"``, see
        `alphalens.utils.Options`).

    Notes
    -----
    :math:`w_i = (f_i - \bar f) / \sum_j |f_j - \bar f|`. O(n).

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02"])
    >>> index = pd.MultiIndex.from_product([dates, list("ABC")], names=["date", "asset"])
    >>> factor_weights(pd.DataFrame({"factor": [1.0, 2.0, 3.0]}, index=index)).tolist()
    [-0.5, 0.0, 0.5]
    """
    panel = Panel.of(factor_data)
    values = _weights(
        panel,
        factor_data,
        is_demeaned=demeaned,
        is_group_adjusted=group_adjust,
        is_equal_weight=equal_weight,
    )
    return pd.Series(values, index=factor_data.index, name="factor")


def _weights(
    panel: Panel,
    frame: pd.DataFrame,
    *,
    is_demeaned: bool,
    is_group_adjusted: bool,
    is_equal_weight: bool,
) -> Floats:
    """Return the weight of each row."""
    is_zero = options.is_reloaded

    def weigh(matrix: Floats) -> Floats:
        return kernels.weights(
            matrix,
            is_demeaned=is_demeaned,
            is_equal_weight=is_equal_weight,
            is_zero_gross_zero=is_zero,
        )

    factor = column_values(frame, "factor")
    if not is_group_adjusted:
        return panel.cells.transform(weigh, factor)
    _, by_group = _group_cells(panel, frame)
    return panel.cells.transform(
        lambda matrix: kernels.normalise(matrix, is_zero_gross_zero=is_zero),
        by_group.transform(weigh, factor),
    )


def factor_returns(
    factor_data: pd.DataFrame,
    demeaned: bool = True,
    group_adjust: bool = False,
    equal_weight: bool = False,
    by_asset: bool = False,
) -> pd.DataFrame:
    """Return the return of the portfolio weighted by the factor, for each date and period.

    Parameters
    ----------
    factor_data : DataFrame
        Columns needed: the periods, ``factor``; with `group_adjust` ``group``.
    demeaned, group_adjust, equal_weight : bool
        See `factor_weights`.
    by_asset : bool
        Give each asset's contribution instead of their sum.

    Returns
    -------
    DataFrame
        Fractions, one column per period; index date (or that of `factor_data`). A date without
        weight and return of any asset is NaN.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02"])
    >>> index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    >>> frame = pd.DataFrame({"1D": [0.01, 0.03], "factor": [1.0, 2.0]}, index=index)
    >>> factor_returns(frame)["1D"].round(6).tolist()
    [0.01]
    """
    panel = Panel.of(factor_data)
    labels, returns = _returns(factor_data)
    weights = _weights(
        panel,
        factor_data,
        is_demeaned=demeaned,
        is_group_adjusted=group_adjust,
        is_equal_weight=equal_weight,
    )
    if by_asset:
        return _frame([weights * values for values in returns], factor_data.index, labels)
    sums = [panel.cells.reduce(_sum_kernel, weights * values) for values in returns]
    columns, dates = _on_calendar(sums, panel.dates, calendar_of(factor_data))
    return _frame(columns, dates, labels)


def factor_alpha_beta(
    factor_data: pd.DataFrame,
    returns: pd.DataFrame | pd.Series[float] | None = None,
    demeaned: bool = True,
    group_adjust: bool = False,
    equal_weight: bool = False,
) -> pd.DataFrame:
    r"""Regress the factor's returns on the mean return of its universe.

    Parameters
    ----------
    factor_data : DataFrame
        Columns needed: the periods; without `returns` what `factor_returns` needs.
    returns : DataFrame or Series, optional
        Returns by date of a portfolio of your own; a Series stands for the first period and is
        named after it.
    demeaned, group_adjust, equal_weight : bool
        See `factor_weights`.

    Returns
    -------
    DataFrame
        Rows ``Ann. alpha`` (fraction per 252 days) and ``beta``, one column per period. NaN with
        fewer than two usable dates or a constant universe mean.

    Notes
    -----
    Ordinary least squares :math:`r_t = \alpha + \beta m_t`, with :math:`m_t` the plain mean over
    assets; dates with a NaN are left out. Annualised as :math:`(1 + \alpha)^{252D/period} - 1`.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02", "2024-01-03"])
    >>> index = pd.MultiIndex.from_product([dates, ["A"]], names=["date", "asset"])
    >>> frame = pd.DataFrame({"1D": [0.01, 0.03]}, index=index)
    >>> mine = pd.Series([0.02, 0.06], index=dates)
    >>> factor_alpha_beta(frame, mine).round(6)["1D"].tolist()
    [0.0, 2.0]
    """
    panel = Panel.of(factor_data)
    labels, columns = _returns(factor_data)
    if isinstance(returns, pd.Series):
        returns.name = labels[0]
        returns = returns.to_frame()
    elif returns is None:
        returns = factor_returns(factor_data, demeaned, group_adjust, equal_weight)
    wanted = [name for name in labels if name in returns.columns]
    fitted = []
    for name in wanted:
        place = int(np.flatnonzero(labels == name)[0])
        universe = panel.cells.reduce(_mean_kernel, columns[place])
        own = float_values(returns[name].reindex(panel.dates))
        alpha, beta = kernels.straight_line(universe, own)
        fitted.append(np.array([(1 + alpha) ** (_TRADING_YEAR / pd.Timedelta(name)) - 1, beta]))
    return _frame(fitted, pd.Index(["Ann. alpha", "beta"]), pd.Index(wanted))


def cumulative_returns(
    returns: pd.Series[float] | pd.DataFrame,
) -> pd.Series[float] | pd.DataFrame:
    """Compound returns, row by row.

    Parameters
    ----------
    returns : Series or DataFrame
        Fractions, ordered in time; NaN counts as 0.

    Returns
    -------
    Series or DataFrame
        Growth of 1, same index; the first value is 1 plus the first return. A Series has no name.

    Examples
    --------
    >>> cumulative_returns(pd.Series([0.5, -0.5])).tolist()
    [1.5, 0.75]
    """
    growth = (1.0 + returns.fillna(0.0)).cumprod()
    return growth.rename(None) if isinstance(growth, pd.Series) else growth


def positions(
    weights: pd.Series[float],
    period: str | pd.Timedelta,
    freq: BaseOffset | str | None = None,
) -> pd.DataFrame:
    """Return the positions held when each set of weights is traded and kept for a period.

    Parameters
    ----------
    weights : Series
        Weights by ``(date, asset)``; NaN counts as 0.
    period : str or Timedelta
        Holding time, e.g. ``"5D"``: whole days are trading days.
    freq : Day, BusinessDay or CustomBusinessDay, optional
        The calendar that holding times are counted on. By default that of the dates of `weights`.

    Returns
    -------
    DataFrame of shape (times, assets)
        Fractions of gross exposure at each time of trade or expiry, ascending. Trades that overlap
        share the capital; rows without a live trade are 0, and so is the last.

    Raises
    ------
    InputError
        (a ValueError) If the calendar is of another kind.

    Warns
    -----
    UserWarning
        If there is no calendar; business days are used.

    Notes
    -----
    At time s: the sum of the weights of all trades with t <= s < expiry, divided by the sum of its
    absolute values.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=2, freq="D")
    >>> index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    >>> book = positions(pd.Series([0.5, -0.5, 1.0, 0.0], index), "2D", freq=dates.freq)
    >>> book["A"].tolist()
    [0.5, 0.75, 1.0, 0.0]
    """
    panel = Panel.of(weights)
    if panel.has_duplicates:
        raise InputError(f"weights repeats {panel.duplicates()}: keep one of each")
    matrix, assets = panel.wide(float_values(weights))
    own = calendars.trading_calendar(panel.calendar_of_used(weights))
    calendar = own if freq is None else calendars.to_offset(freq)
    if calendar is None:
        warnings.warn(
            "'freq' not set, using business day calendar", category=UserWarning, stacklevel=2
        )
        calendar = pd.offsets.BDay()
    step = calendars.single_day(calendar, message="freq must be Day, BDay or CustomBusinessDay")
    ends = calendars.add_custom_calendar_timedelta(panel.dates, pd.Timedelta(period), step)
    times = panel.dates.union(ends).rename("date")
    times = times if times.is_unique else times.unique()
    expiries = ends.sort_values()
    started = panel.dates.searchsorted(times, side="right").astype(np.int64)
    expired = expiries.searchsorted(times, side="right").astype(np.int64)
    held = kernels.overlapping_sums(np.nan_to_num(matrix), expired, started)
    book = kernels.normalise(held, is_zero_gross_zero=True)
    return pd.DataFrame(book, index=times, columns=assets.rename("asset"))


def mean_return_by_quantile(
    factor_data: pd.DataFrame,
    by_date: bool = False,
    by_group: bool = False,
    demeaned: bool = True,
    group_adjust: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    r"""Return the mean forward return of each quantile and its standard error.

    Parameters
    ----------
    factor_data : DataFrame
        Columns needed: the periods, ``factor_quantile``; with a group option ``group``.
    by_date : bool
        One mean per quantile and date; otherwise the mean of these means.
    by_group : bool
        One mean per quantile and group.
    demeaned : bool
        Subtract the mean of the date from the returns first.
    group_adjust : bool
        Subtract the mean of date and group instead.

    Returns
    -------
    mean, error : DataFrame
        Fractions, one column per period; index ``factor_quantile``, then ``date``, then ``group``.
        By group without dates every category is listed; by date only what was observed. The error
        of a single member is NaN.

    Notes
    -----
    Error :math:`s / \sqrt{n}` with the sample standard deviation s (ddof 1) of the n returns in a
    cell or, without `by_date`, of the n date means.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02"])
    >>> index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    >>> frame = pd.DataFrame({"1D": [0.01, 0.03], "factor_quantile": [1, 2]}, index=index)
    >>> mean_return_by_quantile(frame)[0]["1D"].round(6).tolist()
    [-0.01, 0.01]
    """
    panel = Panel.of(factor_data)
    labels, returns = _returns(factor_data)
    quantiles = Labels(column_of(factor_data, "factor_quantile"))
    groups: Labels | None = None
    if group_adjust or by_group:
        groups, cells = _group_cells(panel, factor_data)
    if group_adjust:
        returns = [_demeaned(cells, values) for values in returns]
    elif demeaned:
        returns = [_demeaned(panel.cells, values) for values in returns]
    table = _Table.of(panel, quantiles, groups if by_group else None)
    moments = [table.moments(values) for values in returns]
    index: pd.Index
    if by_date:
        index = table.dated_index()
        pairs = [(mean[table.seen], error[table.seen]) for mean, error in moments]
    else:
        index = table.index()
        pairs = [table.over_dates(mean) for mean, _ in moments]
    means, errors = zip(*pairs, strict=True)
    return _frame(means, index, labels), _frame(errors, index, labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Cells of quantile, date and, if wanted, group, numbered in this order."""

    dates: pd.DatetimeIndex
    quantiles: Labels
    groups: Labels | None
    rows: Ints | slice
    keys: Ints
    seen: Ints

    @classmethod
    def of(cls, panel: Panel, quantiles: Labels, groups: Labels | None) -> _Table:
        """Return the cells of a panel; rows without quantile or group are left out."""
        n_groups = 1 if groups is None else len(groups)
        keys = quantiles.codes * len(panel.dates) + panel.date_codes
        lost = quantiles.codes < 0
        if groups is not None:
            keys = keys * n_groups + groups.codes
            lost = lost | (groups.codes < 0)
        rows: Ints | slice = slice(None)
        if lost.any():
            rows = np.flatnonzero(~lost)
            keys = keys[rows]
        size = len(quantiles) * len(panel.dates) * n_groups
        return cls(
            dates=panel.dates,
            quantiles=quantiles,
            groups=groups,
            rows=rows,
            keys=keys,
            seen=np.flatnonzero(np.bincount(keys, minlength=size)),
        )

    @property
    def n_groups(self) -> int:
        """Number of groups, 1 without."""
        return 1 if self.groups is None else len(self.groups)

    def moments(self, values: Floats) -> tuple[Floats, Floats]:
        """Return mean and standard error of every cell."""
        size = len(self.quantiles) * len(self.dates) * self.n_groups
        mean, variance, count = kernels.keyed_moments(self.keys, values[self.rows], size)
        with np.errstate(divide="ignore", invalid="ignore"):
            return mean, np.sqrt(variance) / np.sqrt(count)

    def over_dates(self, means: Floats) -> tuple[Floats, Floats]:
        """Return the mean over dates of the date means, and its standard error."""
        cube = means.reshape(len(self.quantiles), len(self.dates), self.n_groups)
        keys = np.arange(cube.size) // (len(self.dates) * self.n_groups) * self.n_groups
        keys += np.arange(cube.size) % self.n_groups
        size = len(self.quantiles) * self.n_groups
        mean, variance, count = kernels.keyed_moments(keys, means, size)
        with np.errstate(divide="ignore", invalid="ignore"):
            return mean, np.sqrt(variance) / np.sqrt(count)

    def dated_index(self) -> pd.MultiIndex:
        """Return the index of the cells seen."""
        n_groups, n_dates = self.n_groups, len(self.dates)
        levels = [self.quantiles.distinct, self.dates]
        codes = [self.seen // (n_groups * n_dates), self.seen // n_groups % n_dates]
        names = ["factor_quantile", "date"]
        if self.groups is not None:
            levels.append(self.groups.distinct)
            codes.append(self.seen % n_groups)
            names.append("group")
        return multi_index(levels, codes, names)

    def index(self) -> pd.Index:
        """Return the index without dates: every quantile with every group."""
        distinct = self.quantiles.distinct.rename("factor_quantile")
        if self.groups is None:
            return distinct
        return pd.MultiIndex.from_product(
            [distinct, self.groups.distinct], names=["factor_quantile", "group"]
        )


def compute_mean_returns_spread(
    mean_returns: pd.DataFrame,
    upper_quant: float,
    lower_quant: float,
    std_err: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    r"""Return the difference between the mean returns of two quantiles, date by date.

    Parameters
    ----------
    mean_returns : DataFrame
        Means by quantile and date, as from `mean_return_by_quantile` with `by_date`.
    upper_quant, lower_quant : int or float
        Labels; the lower is subtracted from the upper.
    std_err : DataFrame, optional
        Standard errors of the means, same shape.

    Returns
    -------
    difference : DataFrame
        Fractions by date. Halved under the convention ``"reloaded"`` (see
        `alphalens.utils.Options`), as is the error.
    error : DataFrame or None
        :math:`\sqrt{s_u^2 + s_l^2}`; None without `std_err`.

    Raises
    ------
    KeyError
        If a label is not there.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02"])
    >>> index = pd.MultiIndex.from_product([[1, 2], dates], names=["factor_quantile", "date"])
    >>> means = pd.DataFrame({"1D": [0.01, 0.03]}, index=index)
    >>> compute_mean_returns_spread(means, 2, 1)[0]["1D"].round(6).tolist()
    [0.02]
    """
    scale = 0.5 if options.is_reloaded else 1.0
    upper, lower = _quantile(mean_returns, upper_quant), _quantile(mean_returns, lower_quant)
    difference = (upper - lower) * scale
    if std_err is None:
        return difference, None
    upper, lower = _quantile(std_err, upper_quant), _quantile(std_err, lower_quant)
    return difference, (upper**2 + lower**2) ** 0.5 * scale


def _quantile(frame: pd.DataFrame, label: float) -> pd.DataFrame:
    """Return the rows of one quantile."""
    labels = frame.index.get_level_values("factor_quantile")
    if label not in labels:
        raise MissingLabelError(
            f"quantile {label!r} is not in mean_returns, which has {labels.unique().tolist()}"
        )
    return cast("pd.DataFrame", frame.xs(label, level="factor_quantile"))


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
    panel = Panel.of(factor_data)
    if panel.has_duplicates:
        raise InputError(
            f"Index contains duplicate entries: factor_data repeats {panel.duplicates()}: keep one "
            "of each"
        )
    ranks = _ranks(panel.cells, column_values(factor_data, "factor"), "factor")
    every = np.arange(len(panel.dates))
    grid, place = _rows_of_grid(panel, every, calendar_of(factor_data))
    previous = _earlier(every, place, period, len(grid))
    correlation = _lagged_correlation(panel, ranks, previous)
    on_grid = place >= 0
    values = np.full(len(grid), np.nan)
    values[place[on_grid]] = correlation[on_grid]
    return pd.Series(values, index=grid, name=period)


def _lagged_correlation(panel: Panel, ranks: Floats, previous: Ints) -> Floats:
    """Return the correlation of each date's ranks with those of another date, NaN without one."""
    if panel.is_product:
        matrix = ranks.reshape(len(panel.dates), -1)
        centred, squares = kernels.centred(matrix, panel.cells.members)
        if not np.isnan(squares).any():
            out = np.full(len(previous), np.nan)
            has_other = previous >= 0
            now, then = np.flatnonzero(has_other), previous[has_other]
            out[now] = kernels.row_correlation(
                (kernels.rows_of(centred, now), squares[now]),
                (kernels.rows_of(centred, then), squares[then]),
            )
            return out
    return panel.cells.reduce(_pearson_kernel, ranks, panel.lagged(ranks, previous))


def _pearson_kernel(left: Floats, right: Floats, _: Ints) -> Floats:
    return kernels.row_pearson(left, right)


def common_start_returns(
    factor: pd.Series[float] | pd.DataFrame,
    returns: pd.DataFrame,
    before: int,
    after: int,
    cumulative: bool = False,
    mean_by_date: bool = False,
    demean_by: pd.DataFrame | pd.Series[float] | None = None,
) -> pd.DataFrame:
    """Lay the returns around each event side by side.

    Parameters
    ----------
    factor : Series or DataFrame
        Its index ``(date, asset)`` is the events; the values do not matter.
    returns : DataFrame of shape (times, assets)
        Returns, or values that are cumulative already (growth, prices) with `cumulative`.
    before, after : int
        Rows of `returns` to show before and after the date of the event.
    cumulative : bool
        Take `returns` as they are. Otherwise they are compounded first, over their whole length.
    mean_by_date : bool
        Average over the assets of a date.
    demean_by : DataFrame or Series, optional
        Index ``(date, asset)``: subtract the mean over its assets of the event's date.

    Returns
    -------
    DataFrame
        Index: row relative to the event, ascending. Columns: the asset of each event (by date, then
        in the factor's order) or, with `mean_by_date`, 0, 1, ... one per date. Dates and assets
        that `returns` does not have are skipped; a window cut by the edges of `returns` has NaN.

    Raises
    ------
    InputError
        (a ValueError) If no date of the factor is in `returns`, or one is there twice.
    MissingLabelError
        (a KeyError) If `demean_by` has no rows on the date of an event.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=3)
    >>> index = pd.MultiIndex.from_product([dates[1:2], ["A"]], names=["date", "asset"])
    >>> growth = pd.DataFrame({"A": [1.0, 1.1, 1.2]}, index=dates)
    >>> common_start_returns(pd.Series(1.0, index), growth, 1, 1, cumulative=True)["A"].tolist()
    [1.0, 1.1, 1.2]
    """
    panel = Panel.of(factor)
    taken = returns if cumulative else cast("pd.DataFrame", cumulative_returns(returns))
    windows, around = events.windows(panel, taken, before, after)
    offsets = windows.offsets()
    universe = None if demean_by is None else _universe(demean_by, returns, panel, around, windows)
    if mean_by_date:
        means = windows.means(around.date_codes, around.columns)
        if universe is not None:
            means = means - universe
        return pd.DataFrame(means[:, offsets].T, index=windows.labels(offsets))
    order = np.argsort(around.date_codes, kind="stable")
    dates, columns = around.date_codes[order], around.columns[order]
    values = windows.values(dates, columns)
    if universe is not None:
        values = values - universe[dates]
    out = pd.DataFrame(values[:, offsets].T, index=windows.labels(offsets))
    out.columns = returns.columns[columns].rename(None)
    return out


def _universe(
    demean_by: pd.DataFrame | pd.Series[float],
    returns: pd.DataFrame,
    panel: Panel,
    around: events.Around,
    windows: events.Windows,
) -> Floats:
    """Return the mean window over the assets that another frame has on each event date."""
    other = Panel.of(demean_by)
    place = other.dates.get_indexer(panel.dates[around.dates])
    if (place < 0).any():
        missing = panel.dates[around.dates[place < 0]]
        raise MissingLabelError(
            f"demean_by has no rows on {len(missing)} dates of the factor, e.g. {missing[0]}"
        )
    members = events.around(other, returns, place)
    return windows.means(members.date_codes, members.columns)


def average_cumulative_return_by_quantile(
    factor_data: pd.DataFrame,
    returns: pd.DataFrame,
    periods_before: int = 10,
    periods_after: int = 15,
    demeaned: bool = True,
    group_adjust: bool = False,
    by_group: bool = False,
) -> pd.DataFrame:
    """Average, per quantile, the cumulative returns around the dates of the factor.

    Parameters
    ----------
    factor_data : DataFrame
        Columns needed: ``factor_quantile``; with a group option ``group``.
    returns : DataFrame of shape (times, assets)
        Values that are cumulative already, such as growth or prices; taken as they are, nothing is
        rebased to the event. Infinite means count as NaN.
    periods_before, periods_after : int
        Rows of `returns` before and after the date.
    demeaned : bool
        Subtract the mean over all assets of `factor_data` on the date.
    group_adjust : bool
        Subtract the mean over the assets of the same group instead.
    by_group : bool
        One average per quantile and group.

    Returns
    -------
    DataFrame
        Index ``factor_quantile``, then ``mean`` and ``std`` (ddof 1, over dates), then with
        `by_group` ``group``; columns: relative rows, ascending. In the unit of `returns`.

    Raises
    ------
    InputError
        (a ValueError) If no date is in `returns`, or one is there twice.

    Notes
    -----
    Each date counts once, whatever its number of assets; with `group_adjust` alone each date and
    group counts once.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=3)
    >>> index = pd.MultiIndex.from_product([dates[1:2], list("AB")], names=["date", "asset"])
    >>> frame = pd.DataFrame({"factor_quantile": [1, 2]}, index=index)
    >>> growth = pd.DataFrame({"A": [1.0, 1.1, 1.2], "B": [1.0, 1.3, 1.4]}, index=dates)
    >>> average = average_cumulative_return_by_quantile(frame, growth, 1, 1)
    >>> average.loc[(2, "mean")].round(6).tolist()
    [0.0, 0.1, 0.1]
    """
    panel = Panel.of(factor_data)
    quantiles = Labels(column_of(factor_data, "factor_quantile"))
    groups = Labels(column_of(factor_data, "group")) if group_adjust or by_group else None
    windows, around = events.windows(panel, returns, periods_before, periods_after)
    cells = events.EventCells(
        dates=around.date_codes,
        assets=around.columns,
        quantiles=quantiles.codes[around.rows],
        groups=None if groups is None else groups.codes[around.rows],
        n_quantiles=len(quantiles),
        n_groups=1 if groups is None else len(groups),
    )
    universe = "group" if group_adjust else ("date" if demeaned else None)
    offsets = windows.offsets()
    cube = windows.by_quantile(cells, universe)[..., offsets]
    blocks, keys = events.blocks(cube, cells, is_by_group=by_group)
    index = _block_index(keys, quantiles, groups if by_group else None)
    return pd.DataFrame(blocks, index=index, columns=windows.labels(offsets))


def _block_index(
    keys: list[tuple[int, int]], quantiles: Labels, groups: Labels | None
) -> pd.MultiIndex:
    """Return the index of mean and std of each (group, quantile)."""
    group_codes, quantile_codes = np.repeat(np.array(keys, dtype=np.int64), 2, axis=0).T
    arrays = [quantiles.distinct[quantile_codes], pd.Index(["mean", "std"] * len(keys))]
    names: list[str | None] = ["factor_quantile", None]
    if groups is not None:
        distinct = groups.distinct
        if isinstance(distinct, pd.CategoricalIndex):
            distinct = distinct.categories
        arrays.append(distinct[group_codes])
        names.append("group")
    return pd.MultiIndex.from_arrays(arrays, names=names)


def _one_period(
    factor_data: pd.DataFrame,
    period: str,
    quantiles: Sequence[float] | None,
    groups: Sequence[Hashable] | None,
) -> pd.DataFrame:
    """Return factor_data with one period, and the wanted quantiles and groups alone."""
    mask = period_mask(factor_data.columns)
    if period not in factor_data.columns[mask]:
        raise InputError(
            f"Period '{period}' not found: factor_data has {factor_data.columns[mask].tolist()}"
        )
    portfolio = factor_data.loc[:, ~mask | (factor_data.columns == period)]
    for name, wanted in (("factor_quantile", quantiles), ("group", groups)):
        if wanted is not None:
            portfolio = _with_label(portfolio, name, list(wanted))
    return portfolio


def _with_label(frame: pd.DataFrame, name: str, wanted: list[Hashable]) -> pd.DataFrame:
    """Return the rows whose label is wanted."""
    labels = column_of(frame, name)
    chosen = frame[labels.isin(wanted)]
    if not len(chosen):
        raise InputError(
            f"no row has a {name} among {wanted}: there are {sorted(labels.unique().tolist())}"
        )
    return chosen


def factor_cumulative_returns(
    factor_data: pd.DataFrame,
    period: str,
    long_short: bool = True,
    group_neutral: bool = False,
    equal_weight: bool = False,
    quantiles: Sequence[float] | None = None,
    groups: Sequence[Hashable] | None = None,
) -> pd.Series[float]:
    """Compound the returns of a portfolio weighted by the factor.

    Parameters
    ----------
    factor_data : DataFrame
    period : str
        A forward-return column of it, e.g. ``"1D"``.
    long_short, group_neutral, equal_weight : bool
        The arguments demeaned, group_adjust and equal_weight of `factor_weights`.
    quantiles, groups : sequence, optional
        Keep these labels only, before weights are made.

    Returns
    -------
    Series
        Growth of 1 by date of trade. Returns of overlapping holding periods are compounded row by
        row all the same.

    Raises
    ------
    InputError
        (a ValueError) If there is no such period.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=2)
    >>> index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    >>> values = {"1D": [0.1, 0.3, 0.3, 0.1], "factor": [1.0, 2.0, 1.0, 2.0]}
    >>> factor_cumulative_returns(pd.DataFrame(values, index=index), "1D").round(6).tolist()
    [1.1, 0.99]
    """
    portfolio = _one_period(factor_data, period, quantiles, groups)
    returns = factor_returns(portfolio, long_short, group_neutral, equal_weight)
    return cast("pd.Series[float]", cumulative_returns(returns[period]))


def factor_positions(
    factor_data: pd.DataFrame,
    period: str,
    long_short: bool = True,
    group_neutral: bool = False,
    equal_weight: bool = False,
    quantiles: Sequence[float] | None = None,
    groups: Sequence[Hashable] | None = None,
) -> pd.DataFrame:
    """Return the positions of a portfolio weighted by the factor and held for a period.

    Parameters
    ----------
    factor_data, period, long_short, group_neutral, equal_weight, quantiles, groups
        See `factor_cumulative_returns`.

    Returns
    -------
    DataFrame of shape (times, assets)
        See `positions`; holding times are counted on the calendar of `factor_data`.

    Raises
    ------
    InputError
        (a ValueError) If there is no such period.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=1, freq="D")
    >>> index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    >>> frame = pd.DataFrame({"1D": [0.1, 0.3], "factor": [1.0, 2.0]}, index=index)
    >>> factor_positions(frame, "1D")["B"].tolist()
    [0.5, 0.0]
    """
    portfolio = _one_period(factor_data, period, quantiles, groups)
    weights = factor_weights(portfolio, long_short, group_neutral, equal_weight)
    return positions(weights, period, calendars.trading_calendar(calendar_of(factor_data)))


def create_pyfolio_input(
    factor_data: pd.DataFrame,
    period: str,
    capital: float | None = None,
    long_short: bool = True,
    group_neutral: bool = False,
    equal_weight: bool = False,
    quantiles: Sequence[float] | None = None,
    groups: Sequence[Hashable] | None = None,
    benchmark_period: str = "1D",
) -> tuple[pd.Series[float], pd.DataFrame, pd.Series[float] | None]:
    """Return what pyfolio wants: daily returns, daily positions, and a benchmark.

    Parameters
    ----------
    factor_data, period, long_short, group_neutral, equal_weight, quantiles, groups
        See `factor_cumulative_returns`.
    capital : float, optional
        Starting capital; positions are then amounts of it instead of fractions.
    benchmark_period : str
        Period of the benchmark: the whole universe, equal weights, long only.

    Returns
    -------
    returns : Series
        Fractions per calendar day (weekends are 0), stamped at the trade; the first is 0.
    positions : DataFrame
        Fractions, or amounts with `capital`, per asset and ``cash``. With `capital`, NaN after the
        last date of the factor.
    benchmark : Series or None
        As returns; None if `factor_data` has no such period.

    Raises
    ------
    InputError
        (a ValueError) If there is no such period.

    Notes
    -----
    Annualise with 365 days, or drop the days without trading first: the rows are calendar days.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=2, freq="D")
    >>> index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    >>> values = {"1D": [0.1, 0.3, 0.3, 0.1], "factor": [1.0, 2.0, 1.0, 2.0]}
    >>> returns, book, market = create_pyfolio_input(pd.DataFrame(values, index=index), "1D")
    >>> returns.round(6).tolist(), market.round(6).tolist()
    ([0.0, -0.1], [0.0, 0.2])
    """
    wanted = (period, long_short, group_neutral, equal_weight, quantiles, groups)
    growth = _by_calendar_day(factor_cumulative_returns(factor_data, *wanted))
    book = factor_positions(factor_data, *wanted).resample("1D").sum()
    book = book.div(book.abs().sum(axis=1), axis=0).fillna(0.0)
    book["cash"] = 1.0 - book.sum(axis=1)
    if capital is not None:
        book = book.mul(growth.reindex(book.index) * capital, axis=0)
    benchmark = None
    if benchmark_period in factor_data.columns[period_mask(factor_data.columns)]:
        universe = factor_data.assign(factor=column_of(factor_data, "factor").abs())
        market = factor_cumulative_returns(
            universe, benchmark_period, long_short=False, equal_weight=True
        )
        benchmark = _daily_returns(_by_calendar_day(market)).rename("benchmark")
    return _daily_returns(growth), book, benchmark


def _by_calendar_day(growth: pd.Series[float]) -> pd.Series[float]:
    """Return the last value of each calendar day, carried over days without one."""
    return growth.resample("1D").last().ffill()


def _daily_returns(growth: pd.Series[float]) -> pd.Series[float]:
    return growth.pct_change().fillna(0.0)
