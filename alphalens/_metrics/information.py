"""The information coefficient: does the factor rank the returns that follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import numpy as np
import pandas as pd

from alphalens import _calendar as calendars
from alphalens import _kernels as kernels
from alphalens import _ranks as ranking
from alphalens._cells import Cells
from alphalens._metrics.common import (
    group_cells,
    labelled_frame,
    less_mean,
    on_calendar,
    period_returns,
    ranks_of,
)
from alphalens._panel import Labels, Panel, calendar_of, column_values, multi_index
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas.tseries.offsets import BaseOffset

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
Method: TypeAlias = Literal["spearman", "pearson"]


def factor_information_coefficient(
    factor_data: pd.DataFrame,
    group_adjust: bool = False,
    by_group: bool = False,
    *,
    method: Method = "spearman",
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
    method : {"spearman", "pearson"}
        Correlate ranks, or the values themselves, in which large ones speak louder.

    Returns
    -------
    DataFrame
        The correlation in [-1, 1], one column per period; index date, or date and group
        (observed ones). NaN where factor or returns are constant, have a single member, or contain
        a NaN.

    Raises
    ------
    MissingLabelError
        (a KeyError) If a column is missing.
    InputError
        (a ValueError) If `method` is another word.

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
    if method not in ("spearman", "pearson"):
        raise InputError(f"method must be 'spearman' or 'pearson', got {method!r}")
    panel = Panel.of(factor_data)
    labels, returns = period_returns(factor_data)
    factor = column_values(factor_data, "factor")
    cells, groups = panel.cells, None
    if group_adjust or by_group:
        groups, by_cells = group_cells(panel, factor_data)
        if group_adjust:
            returns = [less_mean(by_cells, values) for values in returns]
        if by_group:
            cells = by_cells
    correlate = _rank_correlations if method == "spearman" else _value_correlations
    columns = correlate(cells, factor, returns)
    if not by_group:
        columns, dates = on_calendar(columns, panel.dates, calendar_of(factor_data))
        return labelled_frame(columns, dates, labels)
    seen = np.flatnonzero(cells.members)
    index = _cell_index(panel, cast("Labels", groups), seen)
    return labelled_frame([values[seen] for values in columns], index, labels)


def _rank_correlations(cells: Cells, factor: Floats, returns: list[Floats]) -> list[Floats]:
    """Return the rank correlation of the factor with each column of returns, per cell."""
    ranked = ranks_of(cells, factor, "factor")

    def correlate(values: Floats) -> Floats:
        left = zip(ranked.ranks, ranked.squares, strict=True)
        return cells.reduce(lambda *right: ranking.rank_correlation(*next(left), *right), values)

    return [correlate(values) for values in returns]


def _value_correlations(cells: Cells, factor: Floats, returns: list[Floats]) -> list[Floats]:
    """Return the correlation of the factor's values with each column of returns, per cell."""
    return [cells.reduce(kernels.whole_row_pearson, factor, values) for values in returns]


def _cell_index(panel: Panel, groups: Labels, cells: Ints) -> pd.MultiIndex:
    """Return the index of cells of date and group."""
    codes = [cells // len(groups), cells % len(groups)]
    return multi_index([panel.dates, groups.distinct], codes, ["date", "group"])


def mean_information_coefficient(
    factor_data: pd.DataFrame,
    group_adjust: bool = False,
    by_group: bool = False,
    by_time: str | BaseOffset | None = None,
    *,
    method: Method = "spearman",
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
    method : {"spearman", "pearson"}
        See `factor_information_coefficient`.

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
    ic = factor_information_coefficient(factor_data, group_adjust, by_group, method=method)
    groupers: list[object] = []
    if by_time is not None:
        groupers.append(pd.Grouper(level="date", freq=calendars.to_offset(by_time)))
    if by_group:
        groupers.append(ic.index.get_level_values("group"))
    if not groupers:
        return ic.mean()
    keys = groupers[0] if len(groupers) == 1 else groupers
    return ic.groupby(keys, observed=False).mean()  # type: ignore[call-overload, no-any-return]  # mixed groupers
