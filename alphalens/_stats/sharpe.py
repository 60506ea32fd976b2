"""Sharpe ratios, and how far they can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from alphalens._stats._columns import columns_of
from alphalens._stats.means import long_run_variance
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from alphalens._stats._columns import Columns, Floats
    from alphalens._stats.means import Lags

__all__ = [
    "SharpeEstimate",
    "minimum_track_record_length",
    "probabilistic_sharpe",
    "probability_above",
    "sharpe",
    "sharpe_estimate",
    "sharpe_standard_error",
    "track_record_length",
]

#: A variance of standardised numbers below this is what rounding leaves of nothing.
_DUST = 1e-12


def sharpe(x: ArrayLike, periods_per_year: float = 1.0) -> Floats:
    r"""Return the Sharpe ratio of each series of excess returns.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        Excess returns of one period, fractions. NaN is left out.
    periods_per_year : float
        Annualises by its root (252 for daily returns). Default 1: the ratio of one period, the unit
        that every other function here takes and gives.

    Returns
    -------
    float or ndarray of shape (k,)
        NaN with fewer than two returns, or if they are all equal.

    Raises
    ------
    InputError
        If `periods_per_year` is not positive.

    Notes
    -----
    .. math:: S = \sqrt{A}\, \bar x / s

    with the sample deviation s (ddof 1). The root takes returns to be independent. O(n k).

    References
    ----------
    .. [1] Sharpe, W. F. (1994). The Sharpe ratio. Journal of Portfolio Management 21(1), 49-58.
       doi:10.3905/jpm.1994.409501

    Examples
    --------
    >>> float(sharpe([0.01, 0.03]).round(4)), float(sharpe([0.01, 0.03], 252).round(2))
    (1.4142, 22.45)
    """
    if not periods_per_year > 0.0:
        raise InputError(f"periods_per_year is positive, not {periods_per_year}")
    columns = columns_of(x)
    return columns.result(_ratio(columns) * np.sqrt(periods_per_year))


def sharpe_standard_error(x: ArrayLike, *, lags: Lags = 0) -> Floats:
    r"""Return the standard error of each Sharpe ratio, for any skewness and kurtosis.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        Excess returns of one period in order of time, fractions. NaN is left out; it keeps its
        place where `lags` count rows.
    lags : int, one int per column, or "newey-west-1994"
        Rows over which returns or their squares resemble each other, weighted as by Newey and West.
        0 takes returns to be independent.

    Returns
    -------
    float or ndarray of shape (k,)
        Per period, as the ratio; times the root of the periods per year for an annual one. NaN
        where the ratio is, or with no more returns than lags.

    Raises
    ------
    InputError
        If `lags` is negative or no whole number.

    Notes
    -----
    With independent returns [1]_ [2]_

    .. math:: \mathrm{se}^2 = \frac{1 - \gamma_3 S + \frac{\gamma_4 - 1}{4} S^2}{n - 1},

    the variance of :math:`\psi_t = z_t - \frac{S}{2}(z_t^2 - 1)` for standardised returns
    :math:`z_t`, over :math:`n - 1` as in [3]_ ([1]_ and [2]_ divide by n). Lags put the long-run
    variance of :math:`\psi` in its place, the method-of-moments estimate of [1]_. O(n k L).

    References
    ----------
    .. [1] Lo, A. W. (2002). The statistics of Sharpe ratios. Financial Analysts Journal 58(4),
       36-52. doi:10.2469/faj.v58.n4.2453
    .. [2] Mertens, E. (2002). Comments on variance of the IID estimator in Lo (2002). Working
       paper.
    .. [3] Bailey, D. H. and Lopez de Prado, M. (2012). The Sharpe ratio efficient frontier. Journal
       of Risk 15(2), 3-44. doi:10.2139/ssrn.1821643

    Examples
    --------
    >>> round(float(sharpe_standard_error([0.01, 0.03, -0.01, 0.02, 0.0])), 3)
    0.517
    """
    columns = columns_of(x)
    return columns.result(_standard_error(columns, lags))


def probabilistic_sharpe(
    x: ArrayLike, benchmark: float | Floats = 0.0, *, lags: Lags = 0
) -> Floats:
    r"""Return the probability that each true Sharpe ratio exceeds a benchmark.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        Excess returns of one period in order of time, fractions. NaN is left out; it keeps its
        place where `lags` count rows.
    benchmark : float or ndarray of shape (k,)
        Sharpe ratio of one period, not of a year.
    lags : int, one int per column, or "newey-west-1994"
        As in `sharpe_standard_error`.

    Returns
    -------
    float or ndarray of shape (k,)
        In [0, 1]. NaN where the standard error is NaN or zero.

    Raises
    ------
    InputError
        If `lags` is negative or no whole number.

    Notes
    -----
    .. math:: \Phi\bigl( (S - S^*) / \mathrm{se}(S) \bigr)

    with the standard error of `sharpe_standard_error`. It knows of one trial only; see
    `deflated_sharpe`. O(n k L).

    References
    ----------
    .. [1] Bailey, D. H. and Lopez de Prado, M. (2012). The Sharpe ratio efficient frontier. Journal
       of Risk 15(2), 3-44. doi:10.2139/ssrn.1821643

    Examples
    --------
    >>> round(float(probabilistic_sharpe([0.01, 0.03, -0.01, 0.02, 0.0])), 3)
    0.889
    """
    columns = columns_of(x)
    found = probability_above(_ratio(columns), _standard_error(columns, lags), benchmark)
    return columns.result(found)


def minimum_track_record_length(
    x: ArrayLike, benchmark: float | Floats = 0.0, *, confidence: float = 0.95
) -> Floats:
    r"""Return how many observations it takes to believe each Sharpe ratio above a benchmark.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        Excess returns of one period, fractions. NaN is left out.
    benchmark : float or ndarray of shape (k,)
        Sharpe ratio of one period, not of a year.
    confidence : float
        Probability of `probabilistic_sharpe` to be reached, above one half and below 1.

    Returns
    -------
    float or ndarray of shape (k,)
        Observations, not rounded. Infinite where the ratio is not above the benchmark; NaN where it
        is NaN.

    Raises
    ------
    InputError
        If `confidence` is out of its bounds.

    Notes
    -----
    .. math:: 1 + \Bigl( 1 - \gamma_3 S + \frac{\gamma_4 - 1}{4} S^2 \Bigr)
       \Bigl( \frac{\Phi^{-1}(c)}{S - S^*} \Bigr)^2,

    were the moments to stay what they are. O(n k).

    References
    ----------
    .. [1] Bailey, D. H. and Lopez de Prado, M. (2012). The Sharpe ratio efficient frontier. Journal
       of Risk 15(2), 3-44. doi:10.2139/ssrn.1821643

    Examples
    --------
    >>> round(float(minimum_track_record_length([0.01, 0.03, -0.01, 0.02, 0.0])), 1)
    8.2
    """
    if not 0.5 < confidence < 1.0:
        raise InputError(f"confidence is above 0.5 and below 1, not {confidence}")
    columns = columns_of(x)
    unit_variance = _standard_error(columns, 0) ** 2 * (columns.counts - 1)
    found = track_record_length(_ratio(columns), unit_variance, benchmark, confidence)
    return columns.result(found)


@dataclass(frozen=True, slots=True)
class SharpeEstimate:
    """The Sharpe ratio of one series and its standard error, per period; NaN where undefined."""

    ratio: float
    standard_error: float


def sharpe_estimate(x: ArrayLike, lags: Lags) -> SharpeEstimate:
    """Return ratio and standard error of one series of shape (n,)."""
    columns = columns_of(x)
    if columns.shape:
        raise InputError(f"give one series of shape (n,), not {columns.values.shape}")
    return SharpeEstimate(float(_ratio(columns)[0]), float(_standard_error(columns, lags)[0]))


def probability_above(
    ratio: float | Floats, standard_error: float | Floats, benchmark: float | Floats
) -> Floats:
    """Return the normal probability that a ratio exceeds a benchmark; NaN without an error."""
    from scipy.special import ndtr

    usable = np.where(np.asarray(standard_error) > 0.0, standard_error, np.nan)
    out: Floats = ndtr((ratio - np.asarray(benchmark)) / usable)
    return out


def track_record_length(
    ratio: float | Floats,
    unit_variance: float | Floats,
    benchmark: float | Floats,
    confidence: float,
) -> Floats:
    """Return the observations needed, from the variance that one observation gives a ratio."""
    distance = np.asarray(ratio, dtype=np.float64) - benchmark
    with np.errstate(divide="ignore", invalid="ignore"):
        length = 1.0 + unit_variance * (NormalDist().inv_cdf(confidence) / distance) ** 2
    return np.where(distance <= 0.0, np.inf, length)


def _ratio(columns: Columns) -> Floats:
    """Return the Sharpe ratio of one period; NaN without variation."""
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(columns.variance * columns.counts / (columns.counts - 1))
        out: Floats = np.where(deviation > 0.0, columns.mean / deviation, np.nan)
    return out


def _standard_error(columns: Columns, lags: Lags) -> Floats:
    ratio = _ratio(columns)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = columns.deviations / np.sqrt(columns.variance)
        influence = scaled - ratio / 2.0 * (scaled**2 - 1.0)
    influence[np.isnan(columns.values)] = np.nan
    long_run = long_run_variance(influence, lags)
    with np.errstate(divide="ignore", invalid="ignore"):
        out: Floats = np.sqrt(np.where(long_run <= _DUST, 0.0, long_run) / (columns.counts - 1))
    return out
