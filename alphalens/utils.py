"""From a factor and prices to factor_data, and the small tools around it.

``factor_data`` is the frame that everything else takes: index ``(date, asset)``, one column of
forward returns per period (``1D``, ``5D``, ``3h``), then ``factor``, ``group`` if groups were
given, and ``factor_quantile``.

Two conventions of the past contradict each other; `options` chooses (see `Options`).
"""

from __future__ import annotations

import sys
from collections.abc import Hashable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from alphalens import _calendar as calendars
from alphalens import _kernels as kernels
from alphalens._calendar import (
    add_custom_calendar_timedelta,
    diff_custom_calendar_timedeltas,
    infer_trading_calendar,
    make_naive_ts,
    timedelta_strings_to_integers,
    timedelta_to_string,
)
from alphalens._cells import Cells
from alphalens._cleaning.factor_data import get_clean_factor, get_clean_factor_and_forward_returns
from alphalens._cleaning.forward_returns import compute_forward_returns
from alphalens._cleaning.quantiles import (
    BinEdgesError,
    non_unique_bin_edges_error,
    quantize_factor,
    rethrow,
)
from alphalens._forward import NonMatchingTimezoneError, NotDatesError
from alphalens._loss import MaxLossExceededError
from alphalens._merge import GroupMappingError
from alphalens._options import Options, options
from alphalens._panel import MissingLabelError, Panel, float_values, multi_index
from alphalens._printing import say
from alphalens._warning import warn_user

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

__all__ = [
    "BinEdgesError",
    "GroupMappingError",
    "MaxLossExceededError",
    "MissingLabelError",
    "NonMatchingTimezoneError",
    "NotDatesError",
    "Options",
    "add_custom_calendar_timedelta",
    "backshift_returns_series",
    "compute_forward_returns",
    "demean_forward_returns",
    "diff_custom_calendar_timedeltas",
    "display",
    "get_clean_factor",
    "get_clean_factor_and_forward_returns",
    "get_forward_returns_columns",
    "infer_trading_calendar",
    "make_naive_ts",
    "non_unique_bin_edges_error",
    "options",
    "print_table",
    "quantize_factor",
    "rate_of_return",
    "rethrow",
    "std_conversion",
    "timedelta_strings_to_integers",
    "timedelta_to_string",
    "turnover_periods_from_columns",
]


def display(table: object) -> None:
    """Show a table: as IPython shows it in a notebook, as text on stdout elsewhere.

    `print_table` looks this name up at each call, so it can be replaced.

    Parameters
    ----------
    table : object
        Usually a DataFrame.
    """
    if "IPython" in sys.modules:
        import_module("IPython.display").display(table)
    else:
        say(str(table))


def backshift_returns_series(series: pd.Series[float], N: int) -> pd.Series[float]:  # noqa: N803 - public name
    """Move the values of a series back by `N` of its dates.

    Parameters
    ----------
    series : Series
        Index of dates and one more level.
    N : int
        Dates to move by; the value of a date appears `N` dates earlier.

    Returns
    -------
    Series
        Without the rows of the first `N` dates' values; unnamed.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=3)
    >>> index = pd.MultiIndex.from_product([dates, ["A"]], names=["date", "asset"])
    >>> backshift_returns_series(pd.Series([1.0, 2.0, 3.0], index), 1).tolist()
    [2.0, 3.0]
    """
    index = cast("pd.MultiIndex", series.index)
    dates = index.levels[0]
    codes = np.asarray(index.codes[0], dtype=np.int64)
    order = np.argsort(np.asarray(dates.argsort()), kind="stable")
    kept = order[codes] >= N
    sorted_dates = np.asarray(dates.argsort())
    moved = sorted_dates[order[codes[kept]] - N]
    codes_left: list[Ints] = [moved, np.asarray(index.codes[1], dtype=np.int64)[kept]]
    return pd.Series(
        series.to_numpy()[kept], index=multi_index(index.levels, codes_left, index.names)
    )


def demean_forward_returns(
    factor_data: pd.DataFrame, grouper: Hashable | Sequence[object] | None = None
) -> pd.DataFrame:
    """Subtract from each forward return the mean over its date, or over another grouping.

    Parameters
    ----------
    factor_data : DataFrame
        Index ``(date, asset)``, forward-return columns.
    grouper : grouping, optional
        Anything that `DataFrame.groupby` takes; the date by default.

    Returns
    -------
    DataFrame
        A copy; NaN stays NaN and is skipped in the means.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02"])
    >>> index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    >>> demean_forward_returns(pd.DataFrame({"1D": [0.01, 0.03]}, index))["1D"].round(3).tolist()
    [-0.01, 0.01]
    """
    out = factor_data.copy()
    if grouper is None:
        cells = Panel.of(factor_data).cells
    else:
        numbers = factor_data.groupby(
            grouper,  # type: ignore[call-overload]  # whatever pandas takes
            observed=True,
        ).ngroup()
        codes = numbers.to_numpy().astype(np.int64)
        cells = Cells(codes, int(codes.max(initial=-1)) + 1)
    for place in np.flatnonzero(period_mask(factor_data.columns)):
        values = float_values(factor_data.iloc[:, int(place)])
        mean = cells.reduce(lambda matrix, _: kernels.row_mean(matrix), values)
        with np.errstate(invalid="ignore"):  # an infinite return gives NaN, not a warning
            out.isetitem(int(place), values - cells.spread(mean))
    return out


def print_table(
    table: pd.Series | pd.DataFrame, name: str | None = None, fmt: str | None = None
) -> None:
    """Show a table, in a notebook or on stdout.

    Parameters
    ----------
    table : Series or DataFrame
        A series becomes a frame of one column.
    name : str, optional
        Becomes the name of the columns, also on the caller's frame.
    fmt : str, optional
        Format of the floats, such as ``"{0:.2f}%"``.

    Notes
    -----
    Calls the module's `display`, looked up at call time, with one DataFrame. The option
    ``display.float_format`` is put back after it.
    """
    if isinstance(table, pd.Series):
        table = table.to_frame()
    table.columns.name = name
    if fmt is None:
        display(table)
        return
    with pd.option_context("display.float_format", fmt.format):
        display(table)


def rate_of_return(period_ret: pd.Series[float], base_period: str) -> pd.Series[float]:
    """Convert returns over a period into returns over the base period.

    Parameters
    ----------
    period_ret : Series
        Returns as fractions; the name is the period, e.g. ``5D``.
    base_period : str
        Period wanted, e.g. ``1D``.

    Returns
    -------
    Series
        :math:`(1 + r)^{base / period} - 1`.

    Examples
    --------
    >>> float(rate_of_return(pd.Series([0.21], name="2D"), "1D").round(6)[0])
    0.1
    """
    ratio = pd.Timedelta(base_period) / pd.Timedelta(str(period_ret.name))
    return (period_ret + 1) ** ratio - 1


def std_conversion(period_std: pd.Series[float], base_period: str) -> pd.Series[float]:
    r"""Convert standard deviations or errors over a period to the base period.

    Parameters
    ----------
    period_std : Series
        Standard deviations; the name is the period, e.g. ``5D``.
    base_period : str
        Period wanted, e.g. ``1D``.

    Returns
    -------
    Series
        :math:`s / \sqrt{period / base}`.

    Examples
    --------
    >>> std_conversion(pd.Series([0.2], name="4D"), "1D").tolist()
    [0.1]
    """
    ratio = pd.Timedelta(str(period_std.name)) / pd.Timedelta(base_period)
    return period_std / float(np.sqrt(ratio))


def period_mask(columns: pd.Index) -> Bools:
    """Tell which labels name a return period."""
    return np.array([calendars.is_period_name(name) for name in columns], dtype=bool)


def get_forward_returns_columns(
    columns: pd.Index, require_exact_day_multiple: bool = False
) -> pd.Index:
    """Return the labels that name a return period.

    Parameters
    ----------
    columns : Index
        Column labels, such as those of factor_data.
    require_exact_day_multiple : bool
        Only whole days, such as ``5D``.

    Returns
    -------
    Index
        In order, dtype kept.

    Warns
    -----
    UserWarning
        If `require_exact_day_multiple` leaves out a period; other columns are no reason to warn.

    Examples
    --------
    >>> get_forward_returns_columns(pd.Index(["1D", "3D12h", "factor"])).tolist()
    ['1D', '3D12h']
    """
    found = columns[period_mask(columns)]
    if not require_exact_day_multiple:
        return found
    whole = np.array([calendars.is_period_name(n, is_whole_days=True) for n in found], dtype=bool)
    if not whole.all():
        warn_user("Skipping return periods that aren't exact multiples of days.")
    return found[whole]


def turnover_periods_from_columns(columns: pd.Index) -> list[int]:
    """Return the whole-day periods among the labels, in days.

    Parameters
    ----------
    columns : Index
        Column labels, such as those of factor_data.

    Returns
    -------
    list of int
        In column order; periods with a part of a day are skipped.

    Warns
    -----
    UserWarning
        If a period is skipped.

    Examples
    --------
    >>> turnover_periods_from_columns(pd.Index(["5D", "1D", "factor"]))
    [5, 1]
    """
    names = get_forward_returns_columns(columns, require_exact_day_multiple=True)
    return timedelta_strings_to_integers(names)
