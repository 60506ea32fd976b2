"""Is a mean different from zero, when every observation spans several rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from alphalens._stats._columns import columns_of
from alphalens._stats._windows import cosine_variance, cosines_for, too_little, windows_of
from alphalens._stats.means import DUST, automatic_lags, lag_test, mean_test
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from alphalens._stats._columns import Columns, Ints
    from alphalens._stats._windows import Rows
    from alphalens._stats.means import MeanTest

    OverlapKernel = Literal["cosine", "bartlett", "uniform"]

__all__ = ["disjoint_observations", "overlap_lags", "overlap_tstat"]

_KERNELS = ("cosine", "bartlett", "uniform")


def overlap_lags(rows: int, n: int) -> int:
    """Return the Bartlett lags for the mean of `n` observations that span so many rows each.

    Parameters
    ----------
    rows : int
        Rows that one observation spans, 1 or more: it overlaps with rows - 1 neighbours.
    n : int
        Observations.

    Returns
    -------
    int
        Twice the overlap, since falling weights see only part of it; `automatic_lags` if more.

    Examples
    --------
    >>> overlap_lags(10, 2500), overlap_lags(1, 2500)
    (18, 8)
    """
    return max(2 * (rows - 1), automatic_lags(n))


def disjoint_observations(x: ArrayLike, rows: Rows) -> Ints:
    """Return how many observations do not overlap.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        Observations in order of time. A NaN stays in its place.
    rows : int, or one int per column
        Rows that one observation spans, 1 or more.

    Returns
    -------
    int or ndarray of shape (k,)
        Observations counted from the first one on, each as soon as the one before is over: n over
        rows, rounded up, where none is missing.

    Raises
    ------
    InputError
        If `rows` is below 1 or no whole number.

    Examples
    --------
    >>> int(disjoint_observations(np.zeros(964), 5))
    193
    >>> int(disjoint_observations([0.1, np.nan, np.nan, 0.2, 0.3, np.nan], 2))
    2
    """
    columns = columns_of(x)
    return columns.whole(windows_of(columns, columns.whole_numbers(rows, "rows", 1)))


def overlap_tstat(x: ArrayLike, rows: Rows = 1, *, kernel: OverlapKernel = "cosine") -> MeanTest:
    r"""Test whether each mean is zero, where every observation spans `rows` rows.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        Observations in order of time, one a row. A NaN stays in its place.
    rows : int, or one int per column
        Rows that one observation spans, 1 or more: a return over H rows overlaps with H - 1
        neighbours on each side.
    kernel : {"cosine", "bartlett", "uniform"}
        ``cosine``, the equal-weighted cosine estimate, is the test to judge by. ``bartlett`` is
        the test of Newey and West with `overlap_lags`, ``uniform`` that of Hansen and Hodrick
        with rows - 1 lags, both as in `mean_tstat`.

    Returns
    -------
    MeanTest
        What is undefined is NaN, with the reason: fewer than ten observations that do not overlap
        (`disjoint_observations`), no variation, or a variance that is not positive.

    Raises
    ------
    InputError
        If `rows` is below 1 or no whole number, or `kernel` is unknown.

    Notes
    -----
    With :math:`x_1, \dots, x_n` the observations that are not NaN,

    .. math:: \hat\omega^2 = \frac1B \sum_{j=1}^{B} \Lambda_j^2, \quad
       \Lambda_j = \sqrt{\tfrac2n} \sum_{t=1}^{n} x_t \cos\frac{\pi j (t - 1/2)}{n}, \quad
       t = \frac{\bar x}{\hat\omega / \sqrt n},

    held against Student's distribution with B degrees of freedom, which is exact for independent
    normal observations [1]_. B is :math:`0.4\,n^{2/3}` [2]_, at least 3, and at most a third of the
    observations that do not overlap: the last cosine then takes six times H rows for a full turn,
    over which a sum of H rows still shows nine tenths of its variance.

    Of series without a mean, 20,000 each over 60 to 2500 rows with H up to 20 and at least twelve
    disjoint observations, their shocks independent or with a first autocorrelation of 0.3, p is
    below 0.05, 0.01 and 0.001 in at most 6, 1.3 and 0.2 % by ``cosine``; under overlap by
    ``bartlett`` in 7 to 12, 1.7 to 3.5 and 0.2 to 0.7 %. ``uniform`` does as well as ``cosine``
    under overlap, but takes what does not overlap for independent. O(n log n) per column, O(n L)
    with lags.

    References
    ----------
    .. [1] Mueller, U. K. (2007). A theory of robust long-run variance estimation. Journal of
       Econometrics 141(2), 1331-1352. doi:10.1016/j.jeconom.2007.01.019
    .. [2] Lazarus, E., Lewis, D. J., Stock, J. H. and Watson, M. W. (2018). HAR inference:
       recommendations for practice. Journal of Business and Economic Statistics 36(4), 541-559.
       doi:10.1080/07350015.2018.1506926

    Examples
    --------
    >>> daily = np.random.default_rng(1).normal(0.0, 0.01, 504)
    >>> weekly = np.convolve(daily, np.ones(5), "valid")
    >>> found = overlap_tstat(weekly, 5)
    >>> int(found.n), int(found.degrees), round(float(found.t), 2), round(float(found.p), 2)
    (500, 25, -1.14, 0.27)
    >>> overlap_tstat(weekly[:40], 5).reasons
    ('n too small: of 40 observations over 5 rows each 8 do not overlap, 10 are needed',)
    """
    if kernel not in _KERNELS:
        raise InputError(f"kernel is one of {', '.join(_KERNELS)}, not {kernel!r}")
    columns = columns_of(x)
    spans = columns.whole_numbers(rows, "rows", 1)
    windows = windows_of(columns, spans)
    flaws = too_little(columns, spans, windows)
    if kernel == "cosine":
        return _cosine_test(columns, cosines_for(columns, windows), flaws)
    lags = spans - 1
    if kernel == "bartlett":
        pairs = zip(spans, columns.counts, strict=True)
        lags = np.array([overlap_lags(int(span), int(n)) for span, n in pairs], dtype=np.int64)
    return lag_test(columns, lags, kernel, flaws)


def _cosine_test(columns: Columns, cosines: Ints, flaws: list[str]) -> MeanTest:
    long_run = cosine_variance(columns, cosines)
    is_nothing = long_run <= DUST * columns.variance
    reasons = [
        flaw or ("no slow variation: the long-run variance is not positive" if nothing else "")
        for flaw, nothing in zip(flaws, is_nothing, strict=True)
    ]
    return mean_test(
        columns,
        long_run,
        divisor=columns.counts,
        degrees=cosines,
        reasons=reasons,
        lags=np.zeros_like(cosines),
        kernel="cosine",
    )
