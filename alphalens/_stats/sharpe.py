"""Sharpe ratios, and how far they can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphalens._stats._columns import columns_of
from alphalens._stats._windows import cosine_variance, cosines_for, too_little, windows_of
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from alphalens._stats._columns import Columns, Floats, Ints
    from alphalens._stats._windows import Rows

__all__ = [
    "SharpeTest",
    "minimum_track_record_length",
    "probabilistic_sharpe",
    "sharpe",
    "sharpe_standard_error",
    "sharpe_test",
]

#: A variance of standardised numbers below this is what rounding leaves of nothing.
_DUST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharpeTest:
    """Each Sharpe ratio against a benchmark.

    Every array has the shape of one row of the input: a number for one series, (k,) for columns.

    Attributes
    ----------
    ratio : float or ndarray
        Sharpe ratio of one period.
    standard_error : float or ndarray
        Of the ratio, per period.
    degrees : float or ndarray
        Degrees of freedom of the Student distribution that the ratio is judged by; infinite, for
        the normal one, where returns are taken to be independent.
    probability : float or ndarray
        That the true ratio exceeds the benchmark.
    reasons : tuple of str
        One per column: why it has no probability, or ``""``.
    """

    ratio: Floats
    standard_error: Floats
    degrees: Floats
    probability: Floats
    reasons: tuple[str, ...]


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


def sharpe_test(
    x: ArrayLike, benchmark: float | Floats = 0.0, *, rows: Rows | None = None
) -> SharpeTest:
    r"""Hold each Sharpe ratio against a benchmark, for any skewness, kurtosis and overlap.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        Excess returns of one period in order of time, one a row, fractions. NaN is left out.
    benchmark : float or ndarray of shape (k,)
        Sharpe ratio of one period, not of a year.
    rows : int, or one int per column, optional
        Rows that one return spans, 1 or more: neighbours may overlap and resemble each other.
        Default: returns are independent, the published formula.

    Returns
    -------
    SharpeTest
        What is undefined is NaN, with the reason: fewer than ten returns that do not overlap
        (`disjoint_observations`), no variation, or an error that vanishes. The ratio itself is
        given from two returns on.

    Raises
    ------
    InputError
        If `rows` is below 1 or no whole number.

    Notes
    -----
    With independent returns [1]_ [2]_

    .. math:: \mathrm{se}^2 = \frac{1 - \gamma_3 S + \frac{\gamma_4 - 1}{4} S^2}{n - 1},

    the variance of :math:`\psi_t = z_t - \frac{S}{2}(z_t^2 - 1)` for standardised returns
    :math:`z_t`, over :math:`n - 1` as in [3]_ ([1]_ and [2]_ divide by n), and the probability is
    the probabilistic Sharpe ratio [3]_,

    .. math:: \Phi\bigl( (S - S^*) / \mathrm{se}(S) \bigr).

    `rows` puts the long-run variance of :math:`\psi` in its place, by the cosines of
    `overlap_tstat`, and Student's distribution with as many degrees of freedom in that of the
    normal one. Of series without a mean, as in `overlap_tstat`, at most 6 % then have a probability
    above 0.95, and 1.3 % one above 0.99. A large ratio of few disjoint returns is a little
    flattered, since their deviation is: the true ratio is exceeded with a probability above 0.95 by
    at most 7.5 % of skewed series with a ratio of 0.1 a row. O(n log n) per column.

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
    >>> months = [0.01, 0.03, -0.01, 0.02, 0.0, 0.02, -0.02, 0.01, 0.04, -0.01, 0.01, 0.0]
    >>> round(float(sharpe_test(months).probability), 3)
    0.943
    >>> sharpe_test(months, rows=3).reasons
    ('n too small: of 12 observations over 3 rows each 4 do not overlap, 10 are needed',)
    """
    columns = columns_of(x)
    spans = columns.whole_numbers(1 if rows is None else rows, "rows", 1)
    windows = windows_of(columns, spans)
    cosines = cosines_for(columns, windows)
    ratio, influence = _ratio(columns), _influence(columns)
    variance = influence.variance if rows is None else cosine_variance(influence, cosines)
    flaws = too_little(columns, spans, windows)
    error = _error(variance, columns.counts, flaws)
    degrees = np.where(np.isnan(error), np.nan, np.inf if rows is None else cosines)
    distance = ratio - np.asarray(benchmark)
    return SharpeTest(
        ratio=columns.result(ratio),
        standard_error=columns.result(error),
        degrees=columns.result(degrees),
        probability=columns.result(_probability(distance, error, degrees)),
        reasons=tuple(
            flaw or ("" if own > 0.0 else "the error of the ratio vanishes")
            for flaw, own in zip(flaws, error, strict=True)
        ),
    )


def sharpe_standard_error(x: ArrayLike, *, rows: Rows | None = None) -> Floats:
    r"""Return the standard error of each Sharpe ratio, for any skewness and kurtosis.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        As in `sharpe_test`.
    rows : int, or one int per column, optional
        As in `sharpe_test`.

    Returns
    -------
    float or ndarray of shape (k,)
        Per period, as the ratio; times the root of the periods per year for an annual one. NaN
        where `sharpe_test` has none.

    Raises
    ------
    InputError
        If `rows` is below 1 or no whole number.

    Examples
    --------
    >>> round(float(sharpe_standard_error([0.01, 0.03, -0.01, 0.02, 0.0] * 2)), 3)
    0.346
    """
    return sharpe_test(x, rows=rows).standard_error


def probabilistic_sharpe(
    x: ArrayLike,
    benchmark: float | Floats = 0.0,
    *,
    rows: Rows | None = None,
) -> Floats:
    r"""Return the probability that each true Sharpe ratio exceeds a benchmark.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        As in `sharpe_test`.
    benchmark : float or ndarray of shape (k,)
        Sharpe ratio of one period, not of a year.
    rows : int, or one int per column, optional
        As in `sharpe_test`.

    Returns
    -------
    float or ndarray of shape (k,)
        In [0, 1]. NaN where `sharpe_test` gives a reason. It knows of one trial only; see
        `deflated_sharpe`.

    Raises
    ------
    InputError
        If `rows` is below 1 or no whole number.

    References
    ----------
    .. [1] Bailey, D. H. and Lopez de Prado, M. (2012). The Sharpe ratio efficient frontier. Journal
       of Risk 15(2), 3-44. doi:10.2139/ssrn.1821643

    Examples
    --------
    >>> round(float(probabilistic_sharpe([0.01, 0.03, -0.01, 0.02, 0.0] * 2)), 3)
    0.974
    """
    return sharpe_test(x, benchmark, rows=rows).probability


def minimum_track_record_length(
    x: ArrayLike,
    benchmark: float | Floats = 0.0,
    *,
    confidence: float = 0.95,
    rows: Rows | None = None,
) -> Floats:
    r"""Return how many observations it takes to believe each Sharpe ratio above a benchmark.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        As in `sharpe_test`.
    benchmark : float or ndarray of shape (k,)
        Sharpe ratio of one period, not of a year.
    confidence : float
        Probability of `probabilistic_sharpe` to be reached, above one half and below 1.
    rows : int, or one int per column, optional
        As in `sharpe_test`.

    Returns
    -------
    float or ndarray of shape (k,)
        Observations, one a row, not rounded: at most those of `x` exactly where
        `probabilistic_sharpe` reaches `confidence`. Infinite where the ratio is not above the
        benchmark; NaN where `sharpe_test` has no error of the ratio.

    Raises
    ------
    InputError
        If `confidence` is out of its bounds, or `rows` is below 1 or no whole number.

    Notes
    -----
    .. math:: 1 + (n - 1)\, \mathrm{se}(S)^2 \Bigl( \frac{q_c}{S - S^*} \Bigr)^2,

    with error and quantile of `sharpe_test`, were they to stay what they are; for independent
    returns :math:`(n-1)\,\mathrm{se}^2 = 1 - \gamma_3 S + \frac{\gamma_4 - 1}{4} S^2` and
    :math:`q_c = \Phi^{-1}(c)`. O(n log n) per column.

    References
    ----------
    .. [1] Bailey, D. H. and Lopez de Prado, M. (2012). The Sharpe ratio efficient frontier. Journal
       of Risk 15(2), 3-44. doi:10.2139/ssrn.1821643

    Examples
    --------
    >>> round(float(minimum_track_record_length([0.01, 0.03, -0.01, 0.02, 0.0] * 2)), 1)
    7.5
    """
    if not 0.5 < confidence < 1.0:
        raise InputError(f"confidence is above 0.5 and below 1, not {confidence}")
    found = sharpe_test(x, benchmark, rows=rows)
    quantile = _quantile(confidence, found.degrees)
    distance = np.where(np.isnan(found.standard_error), np.nan, found.ratio - benchmark)
    columns = columns_of(x)
    others = columns.whole(columns.counts) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        length = 1.0 + others * (found.standard_error * quantile / distance) ** 2
    out: Floats = np.where(distance <= 0.0, np.inf, length)[()]
    return out


def _ratio(columns: Columns) -> Floats:
    """Return the Sharpe ratio of one period; NaN without variation."""
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(columns.variance * columns.counts / (columns.counts - 1))
        out: Floats = np.where(deviation > 0.0, columns.mean / deviation, np.nan)
    return out


def _influence(columns: Columns) -> Columns:
    """Return what each return adds to the error of its ratio."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = columns.deviations / np.sqrt(columns.variance)
        influence = scaled - _ratio(columns) / 2.0 * (scaled**2 - 1.0)
    influence[np.isnan(columns.values)] = np.nan
    return columns_of(influence)


def _error(variance: Floats, counts: Ints, flaws: list[str]) -> Floats:
    """Return the error of each ratio; NaN where there is a flaw."""
    usable = np.where([not flaw for flaw in flaws], variance, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        out: Floats = np.sqrt(np.where(usable <= _DUST, 0.0, usable) / (counts - 1))
    return out


def _quantile(confidence: float, degrees: Floats) -> Floats:
    """Return the errors that are exceeded with one less the confidence."""
    from scipy.special import ndtri, stdtrit

    is_normal = np.isinf(degrees)
    by_student = stdtrit(np.where(is_normal, 1.0, degrees), confidence)
    out: Floats = np.where(is_normal, ndtri(confidence), by_student)
    return out


def _probability(distance: Floats, error: Floats, degrees: Floats) -> Floats:
    """Return the probability of fewer errors than the distance has; NaN without an error."""
    from scipy.special import ndtr, stdtr

    errors = distance / np.where(error > 0.0, error, np.nan)
    is_normal = np.isinf(degrees)
    by_student = stdtr(np.where(is_normal, 1.0, degrees), errors)
    out: Floats = np.where(is_normal, ndtr(errors), by_student)
    return out
