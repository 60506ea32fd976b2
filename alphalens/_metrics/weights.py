"""The portfolio weighted by the factor: its weights, its returns, its alpha and beta."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from alphalens import _calendar as calendars
from alphalens import _kernels as kernels
from alphalens._metrics.common import (
    BPS,
    check_cost,
    group_cells,
    labelled_frame,
    mean_kernel,
    on_calendar,
    period_returns,
)
from alphalens._panel import Panel, calendar_of, column_values, float_values
from alphalens.errors import InputError
from alphalens.utils import options

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


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
    return pd.Series(values, index=factor_data.index.copy(), name="factor")


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
    _, by_group = group_cells(panel, frame)
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
    *,
    cost_bps: float = 0.0,
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
    cost_bps : float
        One-way cost in bps of what is traded: on each date the weights replace those of one period
        before, or of the date before if the period is shorter than that, and the first ones are
        bought.

    Returns
    -------
    DataFrame
        Fractions, one column per period; index date (or that of `factor_data`). A date without
        weight and return of any asset is NaN.

    Raises
    ------
    InputError
        (a ValueError) If `cost_bps` is no number from 0, or given together with `by_asset`.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02"])
    >>> index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    >>> frame = pd.DataFrame({"1D": [0.01, 0.03], "factor": [1.0, 2.0]}, index=index)
    >>> factor_returns(frame)["1D"].round(6).tolist()
    [0.01]
    """
    check_cost(cost_bps)
    if cost_bps and by_asset:
        raise InputError(
            f"cost_bps must be 0 with by_asset, got {cost_bps!r}: a trade between two dates is one "
            "of the portfolio"
        )
    panel = Panel.of(factor_data)
    labels, returns = period_returns(factor_data)
    weights = _weights(
        panel,
        factor_data,
        is_demeaned=demeaned,
        is_group_adjusted=group_adjust,
        is_equal_weight=equal_weight,
    )
    if by_asset:
        return labelled_frame(
            [weights * values for values in returns], factor_data.index.copy(), labels
        )
    sums = [panel.cells.reduce(_product_kernel, weights, values) for values in returns]
    if cost_bps:
        book = np.nan_to_num(panel.wide(weights)[0])
        calendar = calendar_of(factor_data)
        rows = [calendars.rows_spanned(panel.dates, str(name), calendar) for name in labels]
        sums = [
            gross - cost_bps / BPS * kernels.replaced(book, held)
            for gross, held in zip(sums, rows, strict=True)
        ]
    columns, dates = on_calendar(sums, panel.dates, calendar_of(factor_data))
    return labelled_frame(columns, dates, labels)


def _product_kernel(weights: Floats, returns: Floats, _: Ints) -> Floats:
    return kernels.row_products(weights, returns)


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
    labels, columns = period_returns(factor_data)
    if isinstance(returns, pd.Series):
        returns.name = labels[0]
        returns = returns.to_frame()
    elif returns is None:
        returns = factor_returns(factor_data, demeaned, group_adjust, equal_weight)
    wanted = [name for name in labels if name in returns.columns]
    fitted = []
    for name in wanted:
        place = int(np.flatnonzero(labels == name)[0])
        universe = panel.cells.reduce(mean_kernel, columns[place])
        own = float_values(returns[name].reindex(panel.dates))
        alpha, beta = kernels.straight_line(universe, own)
        periods_a_year = calendars.TRADING_YEAR / pd.Timedelta(name)
        fitted.append(np.array([(1 + alpha) ** periods_a_year - 1, beta]))
    return labelled_frame(fitted, pd.Index(["Ann. alpha", "beta"]), pd.Index(wanted))


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
