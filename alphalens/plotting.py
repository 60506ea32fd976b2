"""Figures and printed tables of a factor, one function per question.

Each ``plot_*_table`` prints a title and a table; with ``return_df=True`` it gives the frame back
instead. Each other ``plot_*`` draws on `ax` or, by default, on a figure of its own, and returns
the axes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Literal, ParamSpec, TypeVar, cast, overload

import matplotlib as mpl

from alphalens import _tables
from alphalens._plots.events import (
    plot_events_distribution,
    plot_quantile_average_cumulative_return,
)
from alphalens._plots.information import (
    plot_ic_by_group,
    plot_ic_hist,
    plot_ic_qq,
    plot_ic_ts,
    plot_monthly_ic_heatmap,
)
from alphalens._plots.returns import (
    plot_cumulative_returns,
    plot_cumulative_returns_by_quantile,
    plot_mean_quantile_returns_spread_time_series,
    plot_quantile_returns_bar,
    plot_quantile_returns_violin,
)
from alphalens._plots.style import DECIMAL_TO_BPS, SHEET_RC
from alphalens._plots.turnover import (
    plot_factor_rank_auto_correlation,
    plot_top_bottom_quantile_turnover,
)

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pandas as pd

__all__ = [
    "DECIMAL_TO_BPS",
    "axes_style",
    "customize",
    "plot_cumulative_returns",
    "plot_cumulative_returns_by_quantile",
    "plot_events_distribution",
    "plot_factor_rank_auto_correlation",
    "plot_ic_by_group",
    "plot_ic_hist",
    "plot_ic_qq",
    "plot_ic_ts",
    "plot_information_table",
    "plot_mean_quantile_returns_spread_time_series",
    "plot_monthly_ic_heatmap",
    "plot_quantile_average_cumulative_return",
    "plot_quantile_returns_bar",
    "plot_quantile_returns_violin",
    "plot_quantile_statistics_table",
    "plot_returns_table",
    "plot_top_bottom_quantile_turnover",
    "plot_turnover_table",
    "plotting_context",
]

P = ParamSpec("P")
R = TypeVar("R")


def customize(func: Callable[P, R]) -> Callable[P, R]:
    """Decorate a drawing function so that it runs in the style of the tear sheets.

    Parameters
    ----------
    func : callable
        Draws something.

    Returns
    -------
    callable
        The same, with one more keyword: ``set_context=False`` leaves the caller's own
        matplotlib settings alone.

    Examples
    --------
    >>> @customize
    ... def size() -> float:
    ...     import matplotlib as mpl
    ...
    ...     return mpl.rcParams["font.size"]
    >>> size()
    12.0
    """

    @wraps(func)
    def call_with_context(*args: P.args, **kwargs: P.kwargs) -> R:
        if not kwargs.pop("set_context", True):
            return func(*args, **kwargs)
        with mpl.rc_context(SHEET_RC):  # type: ignore[arg-type]  # its keys are a closed Literal
            return func(*args, **kwargs)

    return call_with_context


def plotting_context(
    context: str = "notebook", font_scale: float = 1.5, rc: Mapping[str, object] | None = None
) -> AbstractContextManager[object]:
    """Return seaborn's context manager for sizes of fonts and lines.

    Parameters
    ----------
    context : str
        A name that seaborn knows: paper, notebook, talk or poster.
    font_scale : float
        Factor on all font sizes.
    rc : mapping, optional
        Overrides. The caller's mapping is not changed.

    Returns
    -------
    context manager
        Sets the matplotlib parameters on entry and restores them on exit; also a dict.

    Examples
    --------
    >>> plotting_context(font_scale=2.0)["font.size"]
    24.0
    """
    import seaborn

    sizes = {"lines.linewidth": 1.5, **(rc or {})}
    manager = seaborn.plotting_context(context=context, font_scale=font_scale, rc=sizes)
    return cast("AbstractContextManager[object]", manager)


def axes_style(
    style: str = "darkgrid", rc: Mapping[str, object] | None = None
) -> AbstractContextManager[object]:
    """Return seaborn's context manager for the look of axes.

    Parameters
    ----------
    style : str
        A name that seaborn knows: darkgrid, whitegrid, dark, white or ticks.
    rc : mapping, optional
        Overrides. The caller's mapping is not changed.

    Returns
    -------
    context manager
        Sets the matplotlib parameters on entry and restores them on exit; also a dict.

    Examples
    --------
    >>> axes_style("whitegrid")["axes.grid"]
    True
    """
    import seaborn

    manager = seaborn.axes_style(style=style, rc=dict(rc or {}))
    return cast("AbstractContextManager[object]", manager)


@overload
def plot_returns_table(
    alpha_beta: pd.DataFrame,
    mean_ret_quantile: pd.DataFrame,
    mean_ret_spread_quantile: pd.DataFrame,
    return_df: Literal[False] = ...,
) -> None: ...
@overload
def plot_returns_table(
    alpha_beta: pd.DataFrame,
    mean_ret_quantile: pd.DataFrame,
    mean_ret_spread_quantile: pd.DataFrame,
    return_df: Literal[True],
) -> pd.DataFrame: ...
def plot_returns_table(
    alpha_beta: pd.DataFrame,
    mean_ret_quantile: pd.DataFrame,
    mean_ret_spread_quantile: pd.DataFrame,
    return_df: bool = False,
) -> pd.DataFrame | None:
    """Print alpha, beta, the mean return of the outer quantiles, and their spread.

    Parameters
    ----------
    alpha_beta : DataFrame, (Ann. alpha, beta) x periods
        Result of `factor_alpha_beta`.
    mean_ret_quantile : DataFrame, quantiles x periods
        Mean returns, fractions per base period, lowest quantile first.
    mean_ret_spread_quantile : DataFrame, dates x periods
        Spread of the quantiles by date, fractions per base period; NaN dates are skipped.
    return_df : bool
        Give the frame back instead of printing it.

    Returns
    -------
    DataFrame or None
        Unrounded; the last three rows in basis points. Printed rounded to 3 decimals.

    Examples
    --------
    >>> import pandas as pd
    >>> alpha_beta = pd.DataFrame({"1D": [0.04, 0.9]}, index=["Ann. alpha", "beta"])
    >>> mean = pd.DataFrame({"1D": [-0.001, 0.002]}, index=[1, 2])
    >>> spread = pd.DataFrame({"1D": [0.003, 0.003]})
    >>> plot_returns_table(alpha_beta, mean, spread, return_df=True)["1D"].round(2).tolist()
    [0.04, 0.9, 20.0, -10.0, 30.0]
    """
    table = _tables.returns_table(alpha_beta, mean_ret_quantile, mean_ret_spread_quantile)
    if return_df:
        return table
    _tables.show(_tables.RETURNS, table.round(3))
    return None


@overload
def plot_turnover_table(
    autocorrelation_data: pd.DataFrame,
    quantile_turnover: Mapping[int, pd.DataFrame],
    return_df: Literal[False] = ...,
) -> None: ...
@overload
def plot_turnover_table(
    autocorrelation_data: pd.DataFrame,
    quantile_turnover: Mapping[int, pd.DataFrame],
    return_df: Literal[True],
) -> tuple[pd.DataFrame, pd.DataFrame]: ...
def plot_turnover_table(
    autocorrelation_data: pd.DataFrame,
    quantile_turnover: Mapping[int, pd.DataFrame],
    return_df: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Print the mean turnover of each quantile and the mean rank autocorrelation.

    Parameters
    ----------
    autocorrelation_data : DataFrame, dates x periods
        Rank autocorrelations; column labels are numbers of days. NaN dates are skipped.
    quantile_turnover : dict of int to DataFrame
        Per number of days the turnovers, dates x quantiles, shares in [0, 1]. Quantile
        labels may be any; NaN dates are skipped.
    return_df : bool
        Give the two frames back instead of printing them.

    Returns
    -------
    tuple of two DataFrames, or None
        (turnover, autocorrelation), unrounded. Printed rounded to 3 decimals.

    Examples
    --------
    >>> import pandas as pd
    >>> autocorrelation = pd.DataFrame({1: [None, 0.9]})
    >>> turnover = {1: pd.DataFrame({2: [0.1, 0.3], 9: [0.2, 0.2]})}
    >>> plot_turnover_table(autocorrelation, turnover, return_df=True)[0]["1D"].tolist()
    [0.2, 0.2]
    """
    turnover, autocorrelation = _tables.turnover_tables(autocorrelation_data, quantile_turnover)
    if return_df:
        return turnover, autocorrelation
    _tables.show(_tables.TURNOVER, turnover.round(3), autocorrelation.round(3))
    return None


@overload
def plot_information_table(ic_data: pd.DataFrame, return_df: Literal[False] = ...) -> None: ...
@overload
def plot_information_table(ic_data: pd.DataFrame, return_df: Literal[True]) -> pd.DataFrame: ...
def plot_information_table(ic_data: pd.DataFrame, return_df: bool = False) -> pd.DataFrame | None:
    """Print mean, deviation, ratio, t-test and shape of the information coefficient.

    Parameters
    ----------
    ic_data : DataFrame, dates x periods
        Result of `factor_information_coefficient`. NaN is dropped per period.
    return_df : bool
        Give the frame back instead of printing it.

    Returns
    -------
    DataFrame or None
        Periods down, statistics across, unrounded; printed transposed and rounded to 3
        decimals. Skewness and excess kurtosis are the biased ones. Fewer than two values
        give NaN; without any spread the t-statistic is infinite.

    Notes
    -----
    ``t-stat(IC)`` is the plain one-sample t-test. Over overlapping horizons (5D on daily
    dates) it is too large, by about the square root of the overlap.

    Examples
    --------
    >>> import pandas as pd
    >>> table = plot_information_table(pd.DataFrame({"1D": [0.1, 0.3, None]}), return_df=True)
    >>> round(float(table.loc["1D", "t-stat(IC)"]), 6)
    2.0
    """
    table = _tables.information_table(ic_data)
    if return_df:
        return table
    _tables.show(_tables.INFORMATION, table.round(3).T)
    return None


@overload
def plot_quantile_statistics_table(
    factor_data: pd.DataFrame, return_df: Literal[False] = ...
) -> None: ...
@overload
def plot_quantile_statistics_table(
    factor_data: pd.DataFrame, return_df: Literal[True]
) -> pd.DataFrame: ...
def plot_quantile_statistics_table(
    factor_data: pd.DataFrame, return_df: bool = False
) -> pd.DataFrame | None:
    """Print the range, mean, deviation and count of the factor in each quantile.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data; only ``factor`` and ``factor_quantile`` are read.
    return_df : bool
        Give the frame back instead of printing it.

    Returns
    -------
    DataFrame or None
        One row per quantile: min, max, mean, std, count, count % (percent of all rows).
        Printed without rounding.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"factor": [1.0, 2.0, 3.0], "factor_quantile": [1, 1, 2]})
    >>> plot_quantile_statistics_table(frame, return_df=True)["count"].tolist()
    [2, 1]
    """
    table = _tables.quantile_statistics_table(factor_data)
    if return_df:
        return table
    _tables.show(_tables.QUANTILES, table)
    return None
