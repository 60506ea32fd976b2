"""The operators of factor expressions, as functions that build trees.

In text they have the same names and the same order of arguments: `parse` reads
``ts_corr(close, volume, 20)`` as `ts_corr(field("close"), field("volume"), 20)`. The symbols
``+ - * / ** < <= > >= & | ~`` and ``abs`` are Python's own. Every function returns an
`Expression` and computes nothing; the rules below hold when it is evaluated on a panel of
n_dates x n_assets. Arguments ``x``, ``y``, ``condition``, ``a``, ``b`` are expressions or numbers.

**Element by element.** NaN in an operand gives NaN. What is undefined or too large gives NaN,
never infinity: x / 0, ``log(0)``, ``sqrt(-1)``, ``exp(1000)``. Comparisons and ``& | ~`` give 1
or 0; any value but 0 is true.

**Over time**, per asset. `n` is a whole number of rows, today's included, and written out, not
computed; `delay` and `delta` look n rows back. There is no negative `n`, so an expression cannot
look ahead. A window with a NaN in it, or not n rows long yet, gives NaN. A value depends on its
window alone. A window of one repeated value gives NaN where its spread divides (`ts_corr`,
`ts_rsquare`, `ts_zscore`, `ts_skew`, `ts_kurt`); equal is meant to the last bit.

**Across assets**, per date, over the assets that have a value; the others stay NaN. ``by`` names
group labels: the operator then works inside each group, and assets without a group get NaN.

Every function raises `InputError` if an argument is of the wrong kind or a number outside its
limits.

References
----------
.. [1] Kakushadze, Z. (2016). 101 formulaic alphas. Wilmott 2016(84), 72-81.
   doi:10.1002/wilm.10525, for the vocabulary.

Examples
--------
>>> from alphalens.factors.expression import field
>>> close, volume = field("close"), field("volume")
>>> str(rank(-ts_corr(close, volume, 20)))
'rank(-ts_corr(close, volume, 20))'
"""

from __future__ import annotations

from alphalens.factors.expression import Expression, Operand, build

__all__ = [
    "decay_linear",
    "delay",
    "delta",
    "demean",
    "equal",
    "exp",
    "log",
    "maximum",
    "minimum",
    "not_equal",
    "quantile",
    "rank",
    "scale",
    "sign",
    "signed_power",
    "sqrt",
    "ts_argmax",
    "ts_argmin",
    "ts_corr",
    "ts_count",
    "ts_cov",
    "ts_kurt",
    "ts_max",
    "ts_mean",
    "ts_median",
    "ts_min",
    "ts_product",
    "ts_quantile",
    "ts_rank",
    "ts_residual",
    "ts_rsquare",
    "ts_skew",
    "ts_slope",
    "ts_std",
    "ts_sum",
    "ts_var",
    "ts_zscore",
    "where",
    "winsorize",
    "zscore",
]


def log(x: Operand) -> Expression:
    """Return the natural logarithm; NaN for values of 0 and below."""
    return build("log", (x,))


def exp(x: Operand) -> Expression:
    """Return the exponential."""
    return build("exp", (x,))


def sqrt(x: Operand) -> Expression:
    """Return the square root; NaN for values below 0."""
    return build("sqrt", (x,))


def sign(x: Operand) -> Expression:
    """Return -1, 0 or 1 by the sign."""
    return build("sign", (x,))


def minimum(x: Operand, y: Operand) -> Expression:
    """Return the lower of two values."""
    return build("minimum", (x, y))


def maximum(x: Operand, y: Operand) -> Expression:
    """Return the higher of two values."""
    return build("maximum", (x, y))


def signed_power(x: Operand, a: Operand) -> Expression:
    """Return the power of the absolute value, with the sign: sign(x) |x|^a."""
    return build("signed_power", (x, a))


def where(condition: Operand, a: Operand, b: Operand) -> Expression:
    """Return `a` where the condition is true, else `b`.

    NaN where the condition is NaN; a NaN in the branch not taken does not matter.
    """
    return build("where", (condition, a, b))


def equal(x: Operand, y: Operand) -> Expression:
    """Return 1 where two values are equal, else 0; in text, ``x == y``."""
    return build("equal", (x, y))


def not_equal(x: Operand, y: Operand) -> Expression:
    """Return 1 where two values differ, else 0; in text, ``x != y``."""
    return build("not_equal", (x, y))


def delay(x: Operand, n: int) -> Expression:
    """Return the value n rows back."""
    return build("delay", (x,), (n,))


def delta(x: Operand, n: int) -> Expression:
    """Return the change over n rows: x - delay(x, n)."""
    return build("delta", (x,), (n,))


def ts_sum(x: Operand, n: int) -> Expression:
    """Return the sum of the window."""
    return build("ts_sum", (x,), (n,))


def ts_mean(x: Operand, n: int) -> Expression:
    """Return the mean of the window."""
    return build("ts_mean", (x,), (n,))


def ts_std(x: Operand, n: int) -> Expression:
    """Return the sample standard deviation of the window (ddof 1), n at least 2."""
    return build("ts_std", (x,), (n,))


def ts_var(x: Operand, n: int) -> Expression:
    """Return the sample variance of the window (ddof 1), n at least 2."""
    return build("ts_var", (x,), (n,))


def ts_min(x: Operand, n: int) -> Expression:
    """Return the lowest value of the window."""
    return build("ts_min", (x,), (n,))


def ts_max(x: Operand, n: int) -> Expression:
    """Return the highest value of the window."""
    return build("ts_max", (x,), (n,))


def ts_argmin(x: Operand, n: int) -> Expression:
    """Return how many rows ago the lowest value was: 0 for today, the latest of equals."""
    return build("ts_argmin", (x,), (n,))


def ts_argmax(x: Operand, n: int) -> Expression:
    """Return how many rows ago the highest value was: 0 for today, the latest of equals."""
    return build("ts_argmax", (x,), (n,))


def ts_rank(x: Operand, n: int) -> Expression:
    """Return today's average rank in the window, divided by n: in (0, 1]."""
    return build("ts_rank", (x,), (n,))


def ts_median(x: Operand, n: int) -> Expression:
    """Return the median of the window."""
    return build("ts_median", (x,), (n,))


def ts_product(x: Operand, n: int) -> Expression:
    """Return the product of the window."""
    return build("ts_product", (x,), (n,))


def ts_corr(x: Operand, y: Operand, n: int) -> Expression:
    """Return Pearson's correlation of two windows, in [-1, 1], n at least 2."""
    return build("ts_corr", (x, y), (n,))


def ts_cov(x: Operand, y: Operand, n: int) -> Expression:
    """Return the sample covariance of two windows (ddof 1), n at least 2."""
    return build("ts_cov", (x, y), (n,))


def ts_slope(x: Operand, n: int) -> Expression:
    """Return the slope per row of the window's least-squares line, n at least 2."""
    return build("ts_slope", (x,), (n,))


def ts_rsquare(x: Operand, n: int) -> Expression:
    """Return the share of the window's variance that its line explains, in [0, 1]."""
    return build("ts_rsquare", (x,), (n,))


def ts_residual(x: Operand, n: int) -> Expression:
    """Return today's distance from the window's least-squares line, n at least 2."""
    return build("ts_residual", (x,), (n,))


def decay_linear(x: Operand, n: int) -> Expression:
    """Return the mean with weights falling from n today to 1, divided by their sum."""
    return build("decay_linear", (x,), (n,))


def ts_skew(x: Operand, n: int) -> Expression:
    """Return the sample skewness of the window, n at least 3.

    Corrected for bias: with central moments m, G1 = (n (n-1))^(1/2) / (n-2) m3 / m2^(3/2).
    """
    return build("ts_skew", (x,), (n,))


def ts_kurt(x: Operand, n: int) -> Expression:
    """Return the sample excess kurtosis of the window, n at least 4.

    Corrected for bias: G2 = (n-1) / ((n-2)(n-3)) ((n+1) (m4 / m2^2 - 3) + 6).
    """
    return build("ts_kurt", (x,), (n,))


def ts_count(condition: Operand, n: int) -> Expression:
    """Return on how many rows of the window the condition is true."""
    return build("ts_count", (condition,), (n,))


def ts_zscore(x: Operand, n: int) -> Expression:
    """Return today's distance from the window's mean, in its standard deviations (ddof 1)."""
    return build("ts_zscore", (x,), (n,))


def ts_quantile(x: Operand, n: int, q: float) -> Expression:
    """Return the quantile `q`, from 0 to 1, of the window, linear between neighbours."""
    return build("ts_quantile", (x,), (n, q))


def rank(x: Operand, *, by: str | None = None) -> Expression:
    """Return the average rank of the date divided by the number of values: in (0, 1]."""
    return build("rank", (x,), by=by)


def zscore(x: Operand, *, by: str | None = None) -> Expression:
    """Return the distance from the date's mean in its standard deviations (ddof 1).

    NaN where all values of the date, or group, are the same.
    """
    return build("zscore", (x,), by=by)


def demean(x: Operand, *, by: str | None = None) -> Expression:
    """Return the value less the mean of its date; with ``by``, neutral to the groups."""
    return build("demean", (x,), by=by)


def scale(x: Operand, a: float = 1.0, *, by: str | None = None) -> Expression:
    """Return multiples of the values whose absolute values sum to `a` on each date.

    NaN where they are all 0.
    """
    return build("scale", (x,), (a,), by)


def winsorize(x: Operand, limit: float, *, by: str | None = None) -> Expression:
    """Return the values clipped to the quantiles `limit` and 1 - `limit` of their date."""
    return build("winsorize", (x,), (limit,), by)


def quantile(x: Operand, n: int, *, by: str | None = None) -> Expression:
    """Return the number, 1.0 to n, of the quantile of its date that a value lies in.

    As `pandas.qcut` does where its edges differ; values that are equal stay together.
    """
    return build("quantile", (x,), (n,), by)
