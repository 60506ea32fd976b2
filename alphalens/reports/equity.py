"""What an equity curve earned, against what its universe earned."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alphalens._stats import sharpe, sharpe_standard_error
from alphalens.data.sessions import equal_weight_returns
from alphalens.errors import InputError
from alphalens.reports.measure import Measure, known, unknown

__all__ = [
    "MIN_DAYS",
    "TRADING_DAYS",
    "EquityStatistics",
    "Relative",
    "daily_levels",
    "drawdowns",
    "equal_weight_level",
    "equity_statistics",
    "match_days",
    "relative_statistics",
]

#: Days a year has for the purpose of annualising.
TRADING_DAYS = 252
#: Daily returns below which nothing is annualised: about a month.
MIN_DAYS = 20
#: Variance that rounding alone leaves in a curve that does not move.
_FLAT = 1e-28


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityStatistics:
    """What one curve of daily levels did.

    Attributes
    ----------
    n_days : int
        Number of daily returns.
    total_return : Measure
        Last level over first, less 1; a fraction.
    annual_return, annual_volatility : Measure
        Fractions per year.
    sharpe, sharpe_error : Measure
        Annualised Sharpe ratio over a riskless rate of zero, and its standard error.
    max_drawdown : Measure
        Fraction in [-1, 0].
    """

    n_days: int
    total_return: Measure
    annual_return: Measure
    annual_volatility: Measure
    sharpe: Measure
    sharpe_error: Measure
    max_drawdown: Measure


def equity_statistics(levels: pd.Series[float]) -> EquityStatistics:
    r"""Return the statistics of an equity curve.

    Parameters
    ----------
    levels : Series of shape (n_days + 1,)
        Positive levels in time order, one a day (see `daily_levels`), the opening level first.

    Returns
    -------
    EquityStatistics
        Total return and drawdown from the first return on; annualised figures from
        `MIN_DAYS` returns on. Below that a measure says so instead of giving a number.

    Raises
    ------
    InputError
        If a level is missing, not finite or not positive.

    Notes
    -----
    With daily returns :math:`r_t = E_t / E_{t-1} - 1`, mean :math:`\bar r`, standard deviation
    :math:`s` (ddof 1) and :math:`A = 252`:

    .. math::
        R = E_n / E_0 - 1, \quad R_a = (1 + R)^{A/n} - 1, \quad s_a = s \sqrt{A},

        S = \sqrt{A}\,\hat S, \quad \hat S = \bar r / s, \quad
        \mathrm{se}(S) = \sqrt{A}\,\sqrt{
            \frac{1 - \gamma_3 \hat S + \frac{\gamma_4 - 1}{4} \hat S^2}{n - 1}}, \quad
        \mathrm{MDD} = \min_t E_t / \max_{u \le t} E_u - 1

    with skewness :math:`\gamma_3` and kurtosis :math:`\gamma_4` of the returns, which are not
    normal. The standard error [2]_ [3]_ takes them to be independent and identically
    distributed. No correction is made for how many strategies were tried: the trials were not
    recorded. Time O(n).

    References
    ----------
    .. [1] Sharpe, W. F. (1994). The Sharpe ratio. Journal of Portfolio Management 21(1), 49-58.
       doi:10.3905/jpm.1994.409501
    .. [2] Lo, A. W. (2002). The statistics of Sharpe ratios. Financial Analysts Journal 58(4),
       36-52. doi:10.2469/faj.v58.n4.2453
    .. [3] Bailey, D. H. and Lopez de Prado, M. (2012). The Sharpe ratio efficient frontier.
       Journal of Risk 15(2), 3-44. doi:10.2139/ssrn.1821643

    Examples
    --------
    >>> days = pd.date_range("2022-01-03", periods=3, tz="UTC")
    >>> found = equity_statistics(pd.Series([100.0, 120.0, 90.0], index=days))
    >>> found.total_return.text(".1%"), found.max_drawdown.text(".1%"), found.sharpe.text(".2f")
    ('-10.0%', '-25.0%', 'n too small: 2 of 20 daily returns')
    """
    values = _checked(levels)
    n = max(values.size - 1, 0)
    if n < 1:
        nothing = unknown("n too small: no daily return yet")
        return _statistics(n, nothing, nothing, (nothing,) * 4)
    total = known(values[-1] / values[0] - 1.0)
    worst = known(float(drawdowns(levels).min()))
    if n < MIN_DAYS:
        short = unknown(f"n too small: {n} of {MIN_DAYS} daily returns")
        return _statistics(n, total, worst, (short,) * 4)
    return _statistics(n, total, worst, _annualised(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """One curve against another, by their daily returns.

    Attributes
    ----------
    excess_return : Measure
        Difference of the total returns, a fraction.
    beta, correlation : Measure
        Slope of the curve's returns on the other's, and their correlation.
    """

    excess_return: Measure
    beta: Measure
    correlation: Measure


def relative_statistics(levels: pd.Series[float], against: pd.Series[float]) -> Relative:
    r"""Return how a curve moved with another one.

    Parameters
    ----------
    levels, against : Series of shape (n_days + 1,)
        Positive daily levels at the same instants.

    Raises
    ------
    InputError
        If the instants differ, or a level is missing or not positive.

    Notes
    -----
    :math:`\beta = \mathrm{cov}(r, u) / \mathrm{var}(u)`; from `MIN_DAYS` returns on.
    """
    if not levels.index.equals(against.index):
        raise InputError(
            f"the two curves are not at the same instants: {len(levels)} and {len(against)} "
            f"levels; match them with match_days"
        )
    ours, theirs = _checked(levels), _checked(against)
    n = max(ours.size - 1, 0)
    if n < 1:
        nothing = unknown("n too small: no daily return yet")
        return Relative(excess_return=nothing, beta=nothing, correlation=nothing)
    excess = known(ours[-1] / ours[0] - theirs[-1] / theirs[0])
    if n < MIN_DAYS:
        short = unknown(f"n too small: {n} of {MIN_DAYS} daily returns")
        return Relative(excess_return=excess, beta=short, correlation=short)
    covariance = np.cov(ours[1:] / ours[:-1], theirs[1:] / theirs[:-1])
    (own, both), (_, other) = covariance
    return Relative(
        excess_return=excess,
        beta=known(both / other if other > _FLAT else math.nan),
        correlation=known(both / math.sqrt(own * other) if min(own, other) > _FLAT else math.nan),
    )


def equal_weight_level(prices: pd.DataFrame) -> pd.Series[float]:
    r"""Return the level of a universe held in equal weights, rebalanced at every row.

    Parameters
    ----------
    prices : DataFrame of shape (n_instants, n_assets)
        Positive prices in time order. A NaN leaves the asset out of the two returns it
        touches.

    Returns
    -------
    Series of shape (n_instants,)
        Level, 1 at the first instant; name ``universe``.

    Raises
    ------
    InputError
        If between two instants no asset has a return: the level would be invented.

    Notes
    -----
    :math:`L_t = L_{t-1} (1 + u_t)` with :math:`u_t` of `equal_weight_returns`; no costs. Time
    O(instants x assets).

    Examples
    --------
    >>> equal_weight_level(pd.DataFrame({"A": [1.0, 2.0], "B": [4.0, 4.0]})).tolist()
    [1.0, 1.5]
    """
    steps = equal_weight_returns(prices.astype(float))
    gaps = steps.index[steps.isna()]
    if len(gaps):
        raise InputError(
            f"no asset of the universe has a price both at {gaps[0]} and at the instant before "
            f"it: give the missing closes, or begin later"
        )
    grown = (1.0 + steps).cumprod()
    return grown.reindex(prices.index, fill_value=1.0).rename("universe")


def daily_levels(levels: pd.Series[float]) -> pd.Series[float]:
    """Return the last level of each UTC date, at its own instant.

    Parameters
    ----------
    levels : Series
        Levels at ascending timezone-aware instants, any number of them a day.

    Returns
    -------
    Series
        As many rows as there are dates; the instants are kept.

    Raises
    ------
    InputError
        If the index is not one of timezone-aware instants in ascending order.
    """
    index = levels.index
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        raise InputError(f"levels need a timezone-aware DatetimeIndex, got {index.dtype}")
    if not index.is_monotonic_increasing:
        raise InputError("the instants of the levels must ascend; sort them first")
    return levels[~_dates(index).duplicated(keep="last")]


def match_days(universe: pd.Series[float], equity: pd.Series[float]) -> pd.Series[float]:
    """Return the universe's level on each date of `equity`, at the instants of `equity`.

    Parameters
    ----------
    universe : Series
        Levels at timezone-aware instants; more dates than `equity` has are fine.
    equity : Series
        Daily levels (see `daily_levels`).

    Raises
    ------
    InputError
        If a date of `equity` has no level of the universe; none is carried forward.
    """
    known_levels = daily_levels(universe)
    by_date = pd.Series(
        known_levels.to_numpy(dtype=float), index=_dates(pd.DatetimeIndex(known_levels.index))
    )
    found = by_date.reindex(_dates(pd.DatetimeIndex(equity.index)))
    if found.isna().any():
        missing = found.index[found.isna()][0]
        raise InputError(
            f"the universe has no level on {missing.date()}, when the book was marked: give a "
            f"universe that covers every date of the run"
        )
    return pd.Series(found.to_numpy(), index=equity.index, name="universe")


def drawdowns(levels: pd.Series[float]) -> pd.Series[float]:
    """Return the loss since the highest level so far, fractions in [-1, 0]."""
    return (levels / levels.cummax() - 1.0).rename("drawdown")


def _dates(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    return index.tz_convert("UTC").normalize()


def _checked(levels: pd.Series[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = levels.to_numpy(dtype=np.float64)
    bad = ~(np.isfinite(values) & (values > 0.0))
    if bad.any():
        where = int(np.argmax(bad))
        raise InputError(
            f"a level must be positive and finite, got {values[where]} at {levels.index[where]}: "
            f"returns from it would mean nothing"
        )
    return np.asarray(values, dtype=np.float64)


def _annualised(
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> tuple[Measure, Measure, Measure, Measure]:
    """Annual return, volatility, Sharpe ratio and its error."""
    returns = values[1:] / values[:-1] - 1.0
    n = returns.size
    annual = (values[-1] / values[0]) ** (TRADING_DAYS / n) - 1.0
    spread = float(returns.std(ddof=1))
    if spread**2 <= _FLAT:
        flat = unknown("undefined: no variation")
        return known(annual), known(0.0), flat, flat
    scale = math.sqrt(TRADING_DAYS)
    error = float(sharpe_standard_error(returns)) * scale
    ratio = float(sharpe(returns, TRADING_DAYS))
    return known(annual), known(spread * scale), known(ratio), known(error)


def _statistics(
    n: int, total: Measure, worst: Measure, annual: tuple[Measure, ...]
) -> EquityStatistics:
    return EquityStatistics(
        n_days=n,
        total_return=total,
        max_drawdown=worst,
        annual_return=annual[0],
        annual_volatility=annual[1],
        sharpe=annual[2],
        sharpe_error=annual[3],
    )
