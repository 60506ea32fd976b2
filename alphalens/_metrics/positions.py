"""The positions and the growth of a portfolio that holds the factor for a period."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from alphalens import _calendar as calendars
from alphalens import _kernels as kernels
from alphalens._metrics.weights import cumulative_returns, factor_returns, factor_weights
from alphalens._panel import Panel, calendar_of, column_of, float_values
from alphalens._warning import warn_user
from alphalens.errors import InputError
from alphalens.utils import period_mask

if TYPE_CHECKING:
    from pandas.tseries.offsets import BaseOffset


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
        warn_user("'freq' not set, using business day calendar")
        calendar = pd.offsets.BDay()
    step = calendars.single_day(calendar, message="freq must be Day, BDay or CustomBusinessDay")
    ends = calendars.add_custom_calendar_timedelta(panel.dates, pd.Timedelta(period), step)
    times = panel.dates.union(ends).rename("date")
    times = times if times.is_unique else times.unique()
    trades = np.nan_to_num(matrix)
    if ends.is_monotonic_increasing:
        started = panel.dates.searchsorted(times, side="right").astype(np.int64)
        expired = ends.searchsorted(times, side="right").astype(np.int64)
        held = kernels.overlapping_sums(trades, expired, started)
    else:  # a trade made on a closed day may expire before an earlier one
        begin = times.searchsorted(panel.dates).astype(np.int64)
        end = times.searchsorted(ends).astype(np.int64)
        held = kernels.live_sums(trades, begin, end, len(times))
    book = kernels.normalise(held, is_zero_gross_zero=True)
    return pd.DataFrame(book, index=times, columns=assets.rename("asset"))


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
    *,
    is_trading_days: bool = False,
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
    is_trading_days : bool
        Give rows to the days on which something traded alone, so that 252 of them make a year.

    Returns
    -------
    returns : Series
        Fractions per calendar day (weekends are 0) or trading day, stamped at the trade; the first
        is 0.
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
    Annualise calendar days, the default, with 365 days.

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
    growth = factor_cumulative_returns(factor_data, *wanted)
    held = factor_positions(factor_data, *wanted)
    traded = _days(held.index) if is_trading_days else None
    growth, book = _by_day(growth, traded), held.resample("1D").sum()
    book = book if traded is None else book.loc[traded]
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
        benchmark = _daily_returns(_by_day(market, traded)).rename("benchmark")
    return _daily_returns(growth), book, benchmark


def _days(times: pd.Index) -> pd.DatetimeIndex:
    """Return the days of some times, each once."""
    return pd.DatetimeIndex(times).normalize().unique()


def _by_day(growth: pd.Series[float], days: pd.DatetimeIndex | None) -> pd.Series[float]:
    """Return the last value of each calendar day, or of the days given, carried over gaps."""
    daily = growth.resample("1D").last().ffill()
    return daily if days is None else daily[daily.index.isin(days)]


def _daily_returns(growth: pd.Series[float]) -> pd.Series[float]:
    return growth.pct_change().fillna(0.0)
