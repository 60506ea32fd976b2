"""Arithmetic over the past rows of each asset: time along the last axis, no pandas.

Every kernel takes float64 matrices of shape (assets, dates) without infinities and a window of n
rows, 1 <= n <= dates, and returns the same shape. A window with a NaN in it gives NaN, and so do
the first n - 1 rows.

A value depends on its window alone, whatever came before or comes after: there are no running
sums. Windows of 1, 2, 4, 8, ... rows are merged until n is reached, in O(log n) passes; sums are
therefore pairwise, and moments are merged around their own means (Chan, Golub and LeVeque 1983),
so that a window of one repeated value has a variance of exactly 0.

References
----------
.. [1] Chan, T. F., Golub, G. H. and LeVeque, R. J. (1983). Algorithms for computing the sample
   variance: analysis and recommendations. The American Statistician 37(3), 242-247.
   doi:10.1080/00031305.1983.10483115
"""

from __future__ import annotations

from collections.abc import Callable
from math import floor
from typing import TYPE_CHECKING, Final, TypeAlias

import bottleneck as bn
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    State: TypeAlias = tuple[NDArray[np.float64], ...]
    Merge: TypeAlias = Callable[[State, int, State, int], State]

__all__ = ["KERNELS"]

_COUNTED_IN_A_BYTE: Final = 127


def delay(x: Floats, n: int) -> Floats:
    """Return the value n rows back."""
    out = np.empty_like(x)
    out[:, :n] = np.nan
    out[:, n:] = x[:, :-n]
    return out


def delta(x: Floats, n: int) -> Floats:
    """Return the value less the one n rows back."""
    out = np.empty_like(x)
    out[:, :n] = np.nan
    np.subtract(x[:, n:], x[:, :-n], out=out[:, n:])
    return out


def ts_sum(x: Floats, n: int) -> Floats:
    """Return the sum of the window."""
    return _full(_merged((x,), n, _by_adding)[0], n)


def ts_mean(x: Floats, n: int) -> Floats:
    """Return the mean of the window."""
    return ts_sum(x, n) / n


def ts_product(x: Floats, n: int) -> Floats:
    """Return the product of the window."""
    return _full(_merged((x,), n, _by_multiplying)[0], n)


def ts_min(x: Floats, n: int) -> Floats:
    """Return the lowest value of the window."""
    return _full(_merged((x,), n, _by_lowest)[0], n)


def ts_max(x: Floats, n: int) -> Floats:
    """Return the highest value of the window."""
    return _full(_merged((x,), n, _by_highest)[0], n)


def ts_argmin(x: Floats, n: int) -> Floats:
    """Return how many rows back the lowest value is, the most recent of equals."""
    out: Floats = bn.move_argmin(x, n, axis=1)
    return out


def ts_argmax(x: Floats, n: int) -> Floats:
    """Return how many rows back the highest value is, the most recent of equals."""
    out: Floats = bn.move_argmax(x, n, axis=1)
    return out


def ts_median(x: Floats, n: int) -> Floats:
    """Return the median of the window."""
    out: Floats = bn.move_median(x, n, axis=1)
    return out


def ts_count(x: Floats, n: int) -> Floats:
    """Return how many rows of the window are not 0."""
    true = (x != 0).astype(np.float64)
    np.copyto(true, np.nan, where=np.isnan(x))
    return ts_sum(true, n)


def ts_var(x: Floats, n: int) -> Floats:
    """Return the variance of the window (ddof 1)."""
    *_, squares = _merged((x, _nought(x), _nought(x)), n, _by_spread)
    return _full(squares / (n - 1), n)


def ts_std(x: Floats, n: int) -> Floats:
    """Return the standard deviation of the window (ddof 1)."""
    return np.sqrt(ts_var(x, n))


def ts_zscore(x: Floats, n: int) -> Floats:
    """Return today's distance from the window's mean in its deviations; NaN if constant."""
    oldest, mean, squares = _merged((x, _nought(x), _nought(x)), n, _by_spread)
    apart = x[:, n - 1 :] - oldest - mean
    return _full(apart / _root(squares / (n - 1)), n)


def ts_cov(x: Floats, y: Floats, n: int) -> Floats:
    """Return the covariance of two windows (ddof 1)."""
    *_, products = _joint(x, y, n)
    return _full(products / (n - 1), n)


def ts_corr(x: Floats, y: Floats, n: int) -> Floats:
    """Return Pearson's correlation of two windows; NaN where one is constant."""
    own, others, products = _joint(x, y, n)
    return _full(np.clip(products / (_root(own) * _root(others)), -1.0, 1.0), n)


def ts_slope(x: Floats, n: int) -> Floats:
    """Return the slope of the window's values on 1 .. n."""
    *_, products = _trend(x, n)
    return _full(products / _time_squares(n), n)


def ts_rsquare(x: Floats, n: int) -> Floats:
    """Return the share of the window's variance that its line explains; NaN if constant."""
    _, _, squares, products = _trend(x, n)
    explained = (products / _root(squares)) ** 2 / _time_squares(n)
    return _full(np.minimum(explained, 1.0), n)


def ts_residual(x: Floats, n: int) -> Floats:
    """Return today's distance from the window's line."""
    oldest, mean, _, products = _trend(x, n)
    rise = products * ((n - 1) / 2.0 / _time_squares(n))
    return _full(x[:, n - 1 :] - oldest - mean - rise, n)


def decay_linear(x: Floats, n: int) -> Floats:
    """Return the mean of the window with weights 1 .. n, today's the heaviest."""
    _, weighted = _merged((x, x), n, _by_ageing)
    return _full(weighted / (n * (n + 1) / 2.0), n)


def ts_skew(x: Floats, n: int) -> Floats:
    """Return the sample skewness, corrected for bias; NaN if constant."""
    squares, cubes, _ = _central_sums(x, n)
    correction = n * np.sqrt(n - 1.0) / (n - 2.0)
    return _full(correction * cubes / _root(squares) ** 3, n)


def ts_kurt(x: Floats, n: int) -> Floats:
    """Return the sample excess kurtosis, corrected for bias; NaN if constant."""
    squares, _, fourths = _central_sums(x, n)
    ratio = n * (n + 1.0) * fourths / _root(squares) ** 4
    scale = (n - 1.0) / ((n - 2.0) * (n - 3.0))
    return _full(scale * (ratio - 3.0 * (n - 1.0)), n)


def ts_rank(x: Floats, n: int) -> Floats:
    """Return the average rank of today's value in its window, divided by n."""
    now = x[:, n - 1 :]
    twice_below = np.zeros(now.shape)
    is_below = np.empty(now.shape, dtype=bool)
    for first in range(1, n, _COUNTED_IN_A_BYTE):
        counted = np.zeros(now.shape, dtype=np.uint8)
        for back in range(first, min(first + _COUNTED_IN_A_BYTE, n)):
            then = x[:, n - 1 - back : x.shape[1] - back]
            counted += np.less(then, now, out=is_below).view(np.uint8)
            counted += np.less_equal(then, now, out=is_below).view(np.uint8)
        twice_below += counted
    ranks = (1.0 + twice_below / 2.0) / n
    np.copyto(ranks, np.nan, where=_has_nan(x, n))
    return _full(ranks, n)


def ts_quantile(x: Floats, n: int, q: float) -> Floats:
    """Return the quantile of the window, linear between neighbours."""
    place = (n - 1) * q
    below = floor(place)
    above = min(below + 1, n - 1)
    out = np.empty((len(x), x.shape[1] - n + 1))
    for asset, windows in enumerate(np.lib.stride_tricks.sliding_window_view(x, n, axis=1)):
        ordered = np.sort(windows, axis=1)  # NaN last
        low, high = ordered[:, below], ordered[:, above]
        out[asset] = low + (high - low) * (place - below)
        out[asset, np.isnan(ordered[:, -1])] = np.nan
    return _full(out, n)


def _full(values: Floats, n: int) -> Floats:
    """Put NaN before the first whole window."""
    out = np.empty((values.shape[0], values.shape[1] + n - 1))
    out[:, : n - 1] = np.nan
    out[:, n - 1 :] = values
    return out


def _root(squares: Floats) -> Floats:
    """Return the square root; NaN instead of 0, since it is to divide."""
    root: Floats = np.sqrt(squares)
    root[root == 0.0] = np.nan
    return root


def _time_squares(n: int) -> float:
    """Return the sum of squares of 1 .. n around their mean."""
    return n * (n * n - 1) / 12.0


def _merged(rows: State, n: int, merge: Merge) -> State:
    """Return what `merge` makes of every window of n rows, from what single rows hold.

    `merge` takes the state of older windows, their length, that of the newer windows that follow
    them, and their length.
    """
    power, size = rows, 1
    done, length = rows, 0
    while True:
        if n & size:
            done = power if not length else _adjacent(done, length, power, size, merge)
            length += size
        if length == n:
            return done
        power = _adjacent(power, size, power, size, merge)
        size *= 2


def _adjacent(older: State, length: int, newer: State, size: int, merge: Merge) -> State:
    """Merge each older window with the newer one that begins where it ends."""
    width = older[0].shape[1] - size
    before = tuple(part[:, :width] for part in older)
    after = tuple(part[:, length : length + width] for part in newer)
    return merge(before, length, after, size)


def _by_adding(older: State, _p: int, newer: State, _q: int) -> State:
    return (older[0] + newer[0],)


def _by_multiplying(older: State, _p: int, newer: State, _q: int) -> State:
    return (older[0] * newer[0],)


def _by_lowest(older: State, _p: int, newer: State, _q: int) -> State:
    return (np.minimum(older[0], newer[0]),)


def _by_highest(older: State, _p: int, newer: State, _q: int) -> State:
    return (np.maximum(older[0], newer[0]),)


def _by_ageing(older: State, p: int, newer: State, _q: int) -> State:
    """Merge sums and sums weighted by age: what follows p rows weighs p more."""
    (total, weighted), (new_total, new_weighted) = older, newer
    return total + new_total, weighted + new_weighted + p * new_total


def _by_spread(older: State, p: int, newer: State, q: int) -> State:
    """Merge oldest values, means less the oldest, and sums of squares around the means."""
    oldest, mean, squares = older
    step = _step(older, newer)
    middle = mean + step * (q / (p + q))
    step *= step
    step *= p * q / (p + q)
    step += squares
    step += newer[2]
    return oldest, middle, step


def _step(older: State, newer: State) -> Floats:
    """Return the newer mean less the older one, each being held from its window's oldest value."""
    step = newer[0] - older[0]
    step += newer[1]
    step -= older[1]
    return step


def _by_joint_spread(older: State, p: int, newer: State, q: int) -> State:
    """Merge the spreads of two series, and the sum of products around the means."""
    products = _step(older[:3], newer[:3])
    products *= _step(older[3:6], newer[3:6])
    products *= p * q / (p + q)
    products += older[6]
    products += newer[6]
    first = _by_spread(older[:3], p, newer[:3], q)
    second = _by_spread(older[3:6], p, newer[3:6], q)
    return (*first, *second, products)


def _by_trend(older: State, p: int, newer: State, q: int) -> State:
    """Merge spreads, and sums of products with time.

    The middles of the two windows are (p + q) / 2 rows apart, which leaves p q / 2 as the weight
    of the step between their means.
    """
    products = _step(older, newer)
    products *= p * q / 2.0
    products += older[3]
    products += newer[3]
    return (*_by_spread(older[:3], p, newer[:3], q), products)


def _joint(x: Floats, y: Floats, n: int) -> State:
    """Return the sums of squares of two windows around their means, and of products."""
    none = _nought(x)
    parts = _merged((x, none, none, y, none, none, none), n, _by_joint_spread)
    return parts[2], parts[5], parts[6]


def _trend(x: Floats, n: int) -> State:
    """Return oldest value, mean less it, sum of squares, and sum of products with time."""
    none = _nought(x)
    return _merged((x, none, none, none), n, _by_trend)


def _nought(x: Floats) -> Floats:
    """Return zeros of the same shape that take no memory; not to be written to."""
    return np.broadcast_to(0.0, x.shape)


def _central_sums(x: Floats, n: int) -> tuple[Floats, Floats, Floats]:
    """Return the sums of second, third and fourth powers around the window's mean."""
    oldest, mean, squares = _merged((x, _nought(x), _nought(x)), n, _by_spread)
    cubes, fourths = np.zeros_like(mean), np.zeros_like(mean)
    for back in range(n):
        apart = x[:, back : back + mean.shape[1]] - oldest - mean
        power = apart * apart
        fourths += power * power
        power *= apart
        cubes += power
    return squares, cubes, fourths


def _has_nan(x: Floats, n: int) -> Bools:
    """Tell which windows hold a NaN."""
    missing = np.isnan(x)
    counts = np.cumsum(missing, axis=1, dtype=np.int64)
    before = np.concatenate([np.zeros((len(x), 1), np.int64), counts[:, :-n]], axis=1)
    return np.asarray(counts[:, n - 1 :] != before)


KERNELS: Final[dict[str, Callable[..., NDArray[np.float64]]]] = {
    kernel.__name__: kernel
    for kernel in (
        *(decay_linear, delay, delta, ts_argmax, ts_argmin, ts_corr, ts_count, ts_cov, ts_kurt),
        *(ts_max, ts_mean, ts_median, ts_min, ts_product, ts_quantile, ts_rank, ts_residual),
        *(ts_rsquare, ts_skew, ts_slope, ts_std, ts_sum, ts_var, ts_zscore),
    )
}
"""The kernel of every operator over time, by name."""
