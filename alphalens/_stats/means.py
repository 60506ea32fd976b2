"""Is a mean different from zero, when neighbouring observations resemble each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from alphalens._stats._columns import columns_of
from alphalens.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from alphalens._stats._columns import Columns, Floats, Ints

    Kernel = Literal["bartlett", "uniform"]
    Lags = int | Sequence[int] | Ints | Literal["newey-west-1994"]

__all__ = [
    "MeanTest",
    "automatic_lags",
    "effective_sample_size",
    "long_run_variance",
    "mean_test",
    "mean_tstat",
]

_KERNELS = ("bartlett", "uniform")
_RULE = "newey-west-1994"
#: A long-run variance below this share of the variance is what rounding leaves of nothing.
DUST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeanTest:
    """Test of each mean against zero.

    Every array has the shape of one row of the input: a number for one series, (k,) for columns.

    Attributes
    ----------
    mean : float or ndarray
        Unit of the observations.
    standard_error : float or ndarray
        Of the mean, in the unit of the observations.
    t : float or ndarray
        Mean over its standard error.
    p : float or ndarray
        Two-sided probability of a `t` as large under a mean of zero, by Student's distribution.
    degrees : float or ndarray
        Degrees of freedom of that distribution: how well the standard error is known.
    n : int or ndarray
        Observations that are not NaN.
    effective_n : float or ndarray
        Independent observations that would give the same standard error, at most `n`.
    lags : int or ndarray
        Lags used; 0 with ``cosine``, which has none.
    kernel : str
        ``bartlett``, ``uniform``, or ``cosine`` of `overlap_tstat`.
    reasons : tuple of str
        One per column: why its `t` is NaN, or ``""``.
    """

    mean: Floats
    standard_error: Floats
    t: Floats
    p: Floats
    degrees: Floats
    n: Ints
    effective_n: Floats
    lags: Ints
    kernel: str
    reasons: tuple[str, ...]


def automatic_lags(n: int) -> int:
    r"""Return the rule-of-thumb number of lags for `n` observations.

    Parameters
    ----------
    n : int
        Observations.

    Returns
    -------
    int
        :math:`\lfloor 4 (n/100)^{2/9} \rfloor`.

    Notes
    -----
    The rule knows nothing of overlap: returns over H periods need at least H - 1 lags.

    References
    ----------
    .. [1] Newey, W. K. and West, K. D. (1994). Automatic lag selection in covariance matrix
       estimation. Review of Economic Studies 61(4), 631-653. doi:10.2307/2297912

    Examples
    --------
    >>> automatic_lags(100), automatic_lags(2500)
    (4, 8)
    """
    return int(4.0 * (max(n, 0) / 100.0) ** (2.0 / 9.0))


def long_run_variance(x: ArrayLike, lags: Lags, *, kernel: Kernel = "bartlett") -> Floats:
    r"""Return the variance of a mean of many neighbours, times their number.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        Observations in order of time. A NaN stays in its place: pairs with it are left out, and the
        others keep their distance in rows.
    lags : int, one int per column, or "newey-west-1994"
        Greatest distance in rows at which observations may resemble each other; the name stands for
        `automatic_lags` of the number of observations.
    kernel : {"bartlett", "uniform"}
        Weights of the lags.

    Returns
    -------
    float or ndarray of shape (k,)
        In squared units of `x`. At least 0 with ``bartlett``; with ``uniform`` it may be negative,
        and is given as it is. NaN where there are fewer than two observations, or not more than
        there are lags.

    Raises
    ------
    InputError
        If `lags` is negative or no whole number, or `kernel` is unknown.

    Notes
    -----
    With deviations :math:`d_t` from the mean, 0 where there is no observation, and :math:`n`
    observations,

    .. math:: \hat\omega^2 = \frac1n \Bigl( \sum_t d_t^2
       + 2 \sum_{j=1}^{L} w_j \sum_t d_t d_{t-j} \Bigr),
       \quad w_j = 1 - \frac{j}{L+1} \text{ (bartlett)}, \quad w_j = 1 \text{ (uniform)} .

    A sum over gaps [3]_ has exactly the pairs of known observations, which is why the divisor is
    the number of observations at every lag. O(n k L).

    References
    ----------
    .. [1] Newey, W. K. and West, K. D. (1987). A simple, positive semi-definite,
       heteroskedasticity and autocorrelation consistent covariance matrix. Econometrica 55(3),
       703-708. doi:10.2307/1913610
    .. [2] Hansen, L. P. and Hodrick, R. J. (1980). Forward exchange rates as optimal predictors of
       future spot rates: an econometric analysis. Journal of Political Economy 88(5), 829-853.
       doi:10.1086/260910
    .. [3] Parzen, E. (1963). On spectral analysis with missing observations and amplitude
       modulation. Sankhya A 25(4), 383-392.

    Examples
    --------
    >>> float(long_run_variance([1.0, -1.0, 1.0, -1.0], 0))
    1.0
    >>> float(long_run_variance([1.0, -1.0, 1.0, -1.0], 1))
    0.25
    >>> float(long_run_variance([1.0, np.nan, -1.0, 1.0, -1.0], 1))
    0.5
    """
    columns = columns_of(x)
    return columns.result(_long_run(columns, _lags_of(columns, lags), kernel))


def mean_tstat(x: ArrayLike, lags: Lags = 0, *, kernel: Kernel = "bartlett") -> MeanTest:
    r"""Test whether each mean is zero, allowing for resemblance over `lags` rows.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        Observations in order of time. A NaN stays in its place: pairs with it are left out, and the
        others keep their distance in rows.
    lags : int, one int per column, or "newey-west-1994"
        0 gives the naive test, which takes observations to be independent. Returns over H
        periods, observed every period, overlap over H - 1 rows.
    kernel : {"bartlett", "uniform"}
        ``bartlett`` is the test of Newey and West [1]_, ``uniform`` that of Hansen and Hodrick
        [2]_.

    Returns
    -------
    MeanTest
        Mean, standard error, t, p and effective sample size by column. What is undefined is NaN,
        with the reason: fewer than two observations, not more than there are lags, no variation, or
        a variance by ``uniform`` that is not positive (no other kernel is taken in its place).

    Raises
    ------
    InputError
        If `lags` is negative or no whole number, or `kernel` is unknown.

    Notes
    -----
    .. math:: t = \frac{\bar x}{\hat\omega / \sqrt{n - 1}}

    with :math:`\hat\omega^2` of `long_run_variance`, so that without lags t is Student's own. Of
    the variance of sums over H independent periods, ``uniform`` with H - 1 lags counts all, but
    ``bartlett`` with as many counts :math:`(2H^2+1)/(3H^2)`, about two thirds, and leaves t up to
    1.22 times too large; more lags bring it closer.

    Student's degrees of freedom are the equivalent ones [3]_ of the estimate at frequency zero,
    :math:`(n-1) / \sum_{|j| \le L} w_j^2` and at least 1: n - 1 without lags, about n / (2H) for
    ``uniform`` with H - 1 lags, 3n / (4H) for ``bartlett`` with 2 (H - 1). They allow for an
    uncertain variance, not for one that is too small: p of ``bartlett`` stays too small under
    overlap, which is why `overlap_tstat` judges by cosines. O(n k L).

    References
    ----------
    .. [1] Newey, W. K. and West, K. D. (1987). A simple, positive semi-definite,
       heteroskedasticity and autocorrelation consistent covariance matrix. Econometrica 55(3),
       703-708. doi:10.2307/1913610
    .. [2] Hansen, L. P. and Hodrick, R. J. (1980). Forward exchange rates as optimal predictors of
       future spot rates: an econometric analysis. Journal of Political Economy 88(5), 829-853.
       doi:10.1086/260910
    .. [3] Priestley, M. B. (1981). Spectral Analysis and Time Series, section 6.2. Academic Press.

    Examples
    --------
    >>> slow = np.repeat([0.02, 0.01, -0.01, 0.03], 5)
    >>> round(float(mean_tstat(slow).t), 2), round(float(mean_tstat(slow, 4).t), 2)
    (3.68, 2.22)
    """
    columns = columns_of(x)
    return lag_test(columns, _lags_of(columns, lags), kernel, columns.flaws)


def lag_test(columns: Columns, lags: Ints, kernel: str, flaws: Sequence[str]) -> MeanTest:
    """Return the test of each mean by weighted lags; `flaws` are reasons known beforehand."""
    long_run = _long_run(columns, lags, kernel)
    rows = zip(flaws, columns.counts, lags, columns.variance, long_run, strict=True)
    return mean_test(
        columns,
        long_run,
        divisor=columns.counts - 1,
        degrees=_equivalent_degrees(columns.counts, lags, kernel),
        reasons=[f or _reason(int(n), int(lag), own, whole) for f, n, lag, own, whole in rows],
        lags=lags,
        kernel=kernel,
    )


def mean_test(
    columns: Columns,
    long_run: Floats,
    *,
    divisor: Ints,
    degrees: Floats | Ints,
    reasons: Sequence[str],
    lags: Ints,
    kernel: str,
) -> MeanTest:
    """Return the test of each mean from its long-run variance; NaN where there is a reason."""
    from scipy.special import stdtr

    usable = np.where([not reason for reason in reasons], long_run, np.nan)
    known: Floats = np.where(np.isnan(usable), np.nan, degrees)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(usable / divisor)
        t = columns.mean / error
        worth: Floats = np.minimum(columns.variance / usable, 1.0)
    return MeanTest(
        mean=columns.result(columns.mean),
        standard_error=columns.result(error),
        t=columns.result(t),
        p=columns.result(2.0 * stdtr(known, -np.abs(t))),
        degrees=columns.result(known),
        n=columns.whole(columns.counts),
        effective_n=columns.result(worth * columns.counts),
        lags=columns.whole(lags),
        kernel=kernel,
        reasons=tuple(reasons),
    )


def effective_sample_size(x: ArrayLike, lags: Lags, *, kernel: Kernel = "bartlett") -> Floats:
    r"""Return how many independent observations would tell the mean as well.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        As in `mean_tstat`, NaN too.
    lags : int, one int per column, or "newey-west-1994"
        As in `mean_tstat`.
    kernel : {"bartlett", "uniform"}
        As in `mean_tstat`.

    Returns
    -------
    float or ndarray of shape (k,)
        Observations, at most as many as there are. NaN where `mean_tstat` is undefined.

    Raises
    ------
    InputError
        If `lags` is negative or no whole number, or `kernel` is unknown.

    Notes
    -----
    .. math:: n_e = n \min(1, \hat\gamma_0 / \hat\omega^2)

    with the variance :math:`\hat\gamma_0` and `long_run_variance` :math:`\hat\omega^2`. O(n k L).

    Examples
    --------
    >>> float(effective_sample_size(np.repeat([0.0, 1.0, 3.0, 2.0], 5), 0))
    20.0
    >>> round(float(effective_sample_size(np.repeat([0.0, 1.0, 3.0, 2.0], 5), 4)), 1)
    5.5
    """
    return mean_tstat(x, lags, kernel=kernel).effective_n


def _lags_of(columns: Columns, lags: Lags) -> Ints:
    """Return the number of lags of each column."""
    if isinstance(lags, str):
        if lags != _RULE:
            raise InputError(f"lags are a whole number or {_RULE!r}, not {lags!r}")
        return np.array([automatic_lags(int(n)) for n in columns.counts], dtype=np.int64)
    return columns.whole_numbers(lags, "lags", 0)


@np.errstate(invalid="ignore", over="ignore")
def _long_run(columns: Columns, lags: Ints, kernel: str) -> Floats:
    """Return the long-run variance of each column."""
    if kernel not in _KERNELS:
        raise InputError(f"kernel is one of {', '.join(_KERNELS)}, not {kernel!r}")
    moved = columns.deviations
    total = np.einsum("ij,ij->j", moved, moved)
    enough = (columns.counts >= 2) & (lags < columns.counts)
    for lag in range(1, int(lags[enough].max(initial=0)) + 1):
        pairs = np.einsum("ij,ij->j", moved[lag:], moved[:-lag])
        weight = 1.0 - lag / (lags + 1.0) if kernel == "bartlett" else 1.0
        total = total + np.where(lag <= lags, 2.0 * weight * pairs, 0.0)
    if kernel == "bartlett":
        total = np.maximum(total, 0.0)  # it is, but for rounding
    out = np.full(len(total), np.nan)
    np.divide(total, columns.counts, out=out, where=enough)
    return out


def _equivalent_degrees(counts: Ints, lags: Ints, kernel: str) -> Floats:
    """Return the degrees of freedom of a long-run variance, from the sum of squared weights."""
    squares = 2.0 * lags
    if kernel == "bartlett":
        squares = lags * (2.0 * lags + 1.0) / (3.0 * (lags + 1.0))
    out: Floats = np.maximum((counts - 1.0) / (1.0 + squares), 1.0)
    return out


def _reason(n: int, lags: int, variance: float, long_run: float) -> str:
    if lags >= n:
        return f"n too small: {lags} lags need more than {lags} observations, there are {n}"
    if long_run <= DUST * variance:
        return (
            f"the long-run variance over {lags} lags is not positive ({long_run:.3g}): "
            f"take fewer lags or another kernel"
        )
    return ""
