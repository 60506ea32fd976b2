"""Array arithmetic of the factor library: rows of a matrix in, rows out, no pandas.

A matrix holds one cross-section (a date, or a date and a group) per row. NaN marks a value that is
missing or a place that pads a short row; every kernel says what it does with NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bottleneck as bn
import numpy as np

from alphalens._blocks import CACHE_CELLS, over_blocks, over_slices, row_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_HUGE = 1e308
"""Stands for what has no place in the order. Values that are larger are put in order exactly."""


def row_ranks(matrix: Floats) -> Floats:
    """Return the rank of each value in its row, ties averaged.

    Parameters
    ----------
    matrix : ndarray of shape (rows, width), float64
        NaN is not ranked and stays NaN.

    Returns
    -------
    ndarray of shape (rows, width)
        Ranks 1, 2, ... among the values of the row.

    Notes
    -----
    See `_Order`. O(rows * width * log width).

    Examples
    --------
    >>> row_ranks(np.array([[30.0, 10.0, np.nan, 10.0]])).tolist()
    [[3.0, 1.5, nan, 1.5]]
    """
    ranks = np.empty(matrix.shape, dtype=np.float64)
    ramp = np.arange(1.0, matrix.shape[1] + 1.0)

    def rank(block: slice) -> None:
        order, out = _Order.of(matrix[block]), ranks[block]
        out.reshape(-1)[order.place] = ramp
        if len(order.tied):
            out.reshape(-1)[order.place[order.tied]] = order.tied_ranks
        if order.missing is not None:
            out[order.missing] = np.nan

    over_blocks(rank, *matrix.shape)
    return ranks


def rank_correlation(left: tuple[Floats, Floats], matrix: Floats, members: Ints) -> Floats:
    """Return the correlation of centred ranks with the ranks of another matrix, row by row.

    Parameters
    ----------
    left : tuple of ndarrays
        Ranks less their mean and the sums of their squares, as from `centred`.
    matrix : ndarray of shape (rows, width), float64
        Values of the other side; NaN where there is none.
    members : ndarray of shape (rows,)
        Number of members of each row.

    Returns
    -------
    ndarray of shape (rows,)
        In [-1, 1]; NaN where one side is constant or has fewer values than members.

    Notes
    -----
    The ranks themselves are never laid out: the left side is read in the order of the right one,
    and multiplied with 1, 2, ... The products are multiples of a quarter, so their sum is exact.
    """
    (values, squares), out = left, np.empty(len(matrix))
    ramp = np.arange(1.0, matrix.shape[1] + 1.0)

    def correlate(block: slice) -> None:
        order = _Order.of(matrix[block])
        ordered = values[block].reshape(-1).take(order.place)
        covariance = ordered @ ramp
        counts = order.counts.astype(np.float64)
        own = counts * (counts * counts - 1.0) / 12.0
        if len(order.tied):
            covariance[order.tied] = np.einsum("ij,ij->i", ordered[order.tied], order.tied_ranks)
            own[order.tied] = order.squares_of_tied()
        own[order.counts < members[block]] = np.nan
        scale = np.sqrt(squares[block] * own)
        out[block] = np.nan
        np.divide(covariance, scale, out=out[block], where=scale > 0)

    over_blocks(correlate, *matrix.shape)
    return out


@dataclass(frozen=True, slots=True)
class _Order:
    """The ascending order of each row of a block, missing values last.

    Each value carries its column number in the lowest bits of its mantissa, so that one sort of
    floats orders the row and brings the permutation. Neighbours that differ in these bits alone
    look alike; such rows are looked at again, exactly.

    Attributes
    ----------
    place : ndarray of shape (rows, width), int64
        Flat places of the values, ascending.
    counts : ndarray of shape (rows,)
        Values that are not NaN.
    missing : ndarray of shape (rows, width) or None
        Where there is NaN.
    tied : ndarray of int64
        Rows in which values repeat.
    tied_ranks : ndarray of shape (tied rows, width)
        Average ranks in the order of `place`; without meaning beyond the count.
    """

    place: Ints
    counts: Ints
    missing: Bools | None
    tied: Ints
    tied_ranks: Floats

    @classmethod
    def of(cls, block: Floats) -> _Order:
        """Sort each row of a block."""
        rows, width = block.shape
        low = np.int64((1 << max((width - 1).bit_length(), 1)) - 1)
        keys = block + 0.0
        missing, strange = None, np.empty(0, dtype=np.int64)
        with np.errstate(over="ignore", invalid="ignore"):
            is_plain = bool(np.isfinite(keys.sum()))
        if not is_plain:
            ordinary = np.abs(keys) < _HUGE
            missing = np.isnan(block)
            strange = np.flatnonzero((~ordinary & ~missing).any(axis=1))
            keys[~ordinary] = _HUGE
        place = keys.view(np.int64)
        place &= ~low
        place |= np.arange(width)
        keys.sort(axis=1)
        words = place.view(np.uint64)
        same = (words[:, 1:] ^ words[:, :-1]) <= np.uint64(low)
        counts = np.full(rows, width) if missing is None else width - missing.sum(axis=1)
        if missing is not None:
            same &= np.arange(1, width) < counts[:, None]
        place &= low
        place += np.arange(rows)[:, None] * width
        doubtful = np.flatnonzero(same.any(axis=1))
        if len(strange):
            doubtful = np.union1d(doubtful, strange)
        return cls(place, counts, missing, doubtful, _exact(block, place, counts, doubtful))

    def squares_of_tied(self) -> Floats:
        """Return the sum of squared deviations of the ranks of each tied row from their mean."""
        counts = self.counts[self.tied][:, None]
        apart = self.tied_ranks - (counts + 1) / 2.0
        apart[np.arange(apart.shape[1]) >= counts] = 0.0
        squares: Floats = np.einsum("ij,ij->i", apart, apart)
        return squares


def _exact(block: Floats, place: Ints, counts: Ints, rows: Ints) -> Floats:
    """Return the average ranks of some rows in their order, which is put right on the way."""
    width = block.shape[1]
    if not len(rows):
        return np.empty((0, width))
    ordered = block.reshape(-1).take(place[rows])
    outside = np.arange(width) >= counts[rows, None]
    known = np.where(outside, _HUGE, ordered)
    is_right = (known[:, 1:] >= known[:, :-1]).all(axis=1) & (np.abs(known) <= _HUGE).all(axis=1)
    for number in np.flatnonzero(~is_right):
        row = rows[number]
        place[row] = np.argsort(block[row], kind="stable") + row * width
        ordered[number] = block.reshape(-1).take(place[row])
    starts = np.ones(ordered.shape, dtype=bool)
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=starts[:, 1:])
    first = np.flatnonzero(starts)
    length = np.diff(first, append=ordered.size)
    ranks: Floats = np.repeat(first % width + (length + 1) / 2.0, length).reshape(ordered.shape)
    return ranks


def centred(ranks: Floats, members: Ints) -> tuple[Floats, Floats]:
    """Return ranks less their mean, and per row the sum of their squares.

    Parameters
    ----------
    ranks : ndarray of shape (rows, width)
        As from `row_ranks`; places beyond the members are NaN.
    members : ndarray of shape (rows,)
        Number of members of each row. A row with fewer ranks than members (a NaN among them)
        gets a NaN sum, which makes every correlation with it NaN.

    Returns
    -------
    centred : ndarray of shape (rows, width)
        0 where the rank is NaN.
    squares : ndarray of shape (rows,)
        Sum of squares, in squared ranks.
    """
    missing = np.isnan(ranks)
    if not missing.any():
        out = ranks - (ranks.shape[1] + 1) / 2.0
        return out, np.einsum("ij,ij->i", out, out)
    counts = ranks.shape[1] - missing.sum(axis=1)
    out = ranks - (counts[:, None] + 1) / 2.0
    out[missing] = 0.0
    squares = np.einsum("ij,ij->i", out, out)
    squares[counts < members] = np.nan
    return out, squares


def row_correlation(
    left: tuple[Floats, Floats],
    right: tuple[Floats, Floats],
) -> Floats:
    """Return the correlation of two centred matrices, row by row; NaN where one is constant."""
    (left_values, left_squares), (right_values, right_squares) = left, right
    covariance = np.einsum("ij,ij->i", left_values, right_values)
    scale = np.sqrt(left_squares * right_squares)
    out = np.full(len(covariance), np.nan)
    np.divide(covariance, scale, out=out, where=scale > 0)
    return out


def rows_of(matrix: Floats, rows: Ints) -> Floats:
    """Select rows; a run of consecutive ones without a copy."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and bool((np.diff(rows) == 1).all()):
        return matrix[rows[0] : rows[-1] + 1]
    return matrix[rows]


def row_pearson(left: Floats, right: Floats) -> Floats:
    """Return Pearson's correlation of each row over the columns where both sides have a value.

    NaN where fewer than two columns remain or one side is constant on them.
    """
    missing = np.isnan(left) | np.isnan(right)
    counts = (left.shape[1] - missing.sum(axis=1)).astype(np.float64)
    sides = []
    for values in (left, right):
        clean = np.where(missing, 0.0, values)
        with np.errstate(invalid="ignore", divide="ignore"):
            clean -= (clean.sum(axis=1) / counts)[:, None]
        clean[missing] = 0.0
        sides.append((clean, np.einsum("ij,ij->i", clean, clean)))
    return row_correlation(sides[0], sides[1])


def whole_row_pearson(left: Floats, right: Floats, members: Ints) -> Floats:
    """Return Pearson's correlation of each row; NaN where a member lacks a value on either side."""
    out = row_pearson(left, right)
    known = left.shape[1] - (np.isnan(left) | np.isnan(right)).sum(axis=1)
    out[known < members] = np.nan
    return out


def row_sum(matrix: Floats) -> Floats:
    """Return the sum of each row, NaN skipped; NaN for a row without any value."""
    total = _nansum(matrix)
    empty = np.flatnonzero(total == 0)
    if empty.size:
        total[empty[np.isnan(matrix[empty]).all(axis=1)]] = np.nan
    return total


def row_mean(matrix: Floats) -> Floats:
    """Return the mean of each row, NaN skipped; NaN for a row without any value."""
    out: Floats = bn.nanmean(matrix, axis=1) if matrix.shape[1] else np.full(len(matrix), np.nan)
    return out


@np.errstate(invalid="ignore")  # as in straight_line
def weights(
    matrix: Floats, *, is_demeaned: bool, is_equal_weight: bool, is_zero_gross_zero: bool
) -> Floats:
    """Turn factor values into weights whose absolute values sum to one in each row.

    Parameters
    ----------
    matrix : ndarray of shape (rows, width)
        Factor values; NaN gives a NaN weight and is skipped in every sum.
    is_demeaned : bool
        Subtract the row's mean (with `is_equal_weight`: its median, and give the negatives and the
        positives half the gross each).
    is_equal_weight : bool
        Keep the sign alone.
    is_zero_gross_zero : bool
        Give 0 rather than NaN where the gross exposure of the row is zero.

    Returns
    -------
    ndarray of shape (rows, width)
        Fractions of gross exposure.
    """
    values = matrix
    if is_demeaned:
        centre = bn.nanmedian if is_equal_weight else bn.nanmean
        values = matrix - centre(matrix, axis=1)[:, None]
        if not is_equal_weight:
            values[_is_flat(matrix)] *= 0.0
    if is_equal_weight:
        values = np.sign(values)
        if is_demeaned:
            values = _halve_sides(values)
    return normalise(values, is_zero_gross_zero=is_zero_gross_zero)


def _is_flat(matrix: Floats) -> Bools:
    """Tell which rows hold one value only: less its rounded mean it would leave dust, not 0."""
    low, high = bn.nanmin(matrix, axis=1), bn.nanmax(matrix, axis=1)
    return np.asarray(low == high)


def _halve_sides(signs: Floats) -> Floats:
    """Divide the negatives of each row by their number, and the positives by theirs."""
    with np.errstate(divide="ignore", invalid="ignore"):
        for side in (signs < 0, signs > 0):
            counts = side.sum(axis=1)
            signs = np.where(side, signs / counts[:, None], signs)
    return signs


def normalise(values: Floats, *, is_zero_gross_zero: bool) -> Floats:
    """Divide each row by the sum of its absolute values, NaN skipped."""
    gross = _nansum(np.abs(values))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        out: Floats = values / gross
    if is_zero_gross_zero:
        out[(gross == 0) & ~np.isnan(values)] = 0.0
    return out


def _nansum(matrix: Floats) -> Floats:
    out: Floats = bn.nansum(matrix, axis=1) if matrix.shape[1] else np.zeros(len(matrix))
    return out


def keyed_moments(
    keys: Ints, columns: Sequence[Floats], size: int, bounds: Ints | None = None
) -> list[tuple[Floats, Floats, Floats]]:
    """Return mean, sample variance and count of the values under each key.

    Parameters
    ----------
    keys : ndarray of shape (n,), int64
        Cell of each value, 0 <= key < `size`.
    columns : sequence of ndarrays of shape (n,)
        Values; NaN is skipped.
    size : int
        Number of cells.
    bounds : ndarray of int64, optional
        Ascending places from 0 to n between which no cell is shared; all in one piece otherwise.

    Returns
    -------
    list of (mean, variance, count), each an ndarray of shape (size,)
        Per column. The mean is NaN for an empty cell, the variance (ddof 1) for fewer than two
        values.

    Notes
    -----
    Two passes over each piece, so that the variance does not cancel. O(n columns + size).
    """
    out = [(np.full(size, np.nan), np.full(size, np.nan), np.zeros(size)) for _ in columns]

    @np.errstate(invalid="ignore", divide="ignore")  # in the thread that works on the block
    def part(block: slice) -> None:
        low = int(keys[block].min())
        near = keys[block] - low
        members = np.bincount(near)
        here = slice(low, low + len(members))
        for values, (mean, variance, count) in zip(columns, out, strict=True):
            mean[here], variance[here], count[here] = _moments(near, values[block], members)

    over_slices(part, _pieces(len(keys), bounds))
    return out


def _pieces(n: int, bounds: Ints | None) -> list[slice]:
    """Return slices of about `CACHE_CELLS` rows that end at bounds."""
    if not n:
        return []
    if bounds is None:
        return [slice(0, n)]
    wanted = np.arange(CACHE_CELLS, n, CACHE_CELLS)
    cuts = np.unique(np.concatenate(([0], bounds[np.searchsorted(bounds, wanted)], [n])))
    return [slice(int(cuts[i]), int(cuts[i + 1])) for i in range(len(cuts) - 1)]


def _moments(near: Ints, values: Floats, members: Ints) -> tuple[Floats, Floats, Ints]:
    """Return mean, variance and count of the cells of one piece."""
    missing = np.isnan(values)
    if missing.any():
        near, values = near[~missing], values[~missing]
        members = np.bincount(near, minlength=len(members))
    mean: Floats = np.bincount(near, weights=values, minlength=len(members)) / members
    apart = values - mean[near]
    apart *= apart
    squares = np.bincount(near, weights=apart, minlength=len(members))
    return mean, np.where(members > 1, squares / (members - 1), np.nan), members


def keyed_weighted(keys: Ints, values: Floats, weights: Floats, size: int) -> tuple[Floats, Floats]:
    """Return the weighted mean of the values under each key, and its standard error.

    Parameters
    ----------
    keys, values : ndarray of shape (n,)
        As in `keyed_moments`.
    weights : ndarray of shape (n,)
        0 or more; rows without weight or value are left out.
    size : int
        Number of cells.

    Returns
    -------
    mean, error : ndarray of shape (size,)
        NaN where nothing has a weight; the error also for a single value.
    """
    used = ~np.isnan(values) & (weights > 0)
    keys, values, weights = keys[used], values[used], weights[used]
    count = np.bincount(keys, minlength=size)
    total = np.bincount(keys, weights=weights, minlength=size)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(keys, weights=weights * values, minlength=size) / total
        apart = weights * (values - mean[keys])
        squares = np.bincount(keys, weights=apart * apart, minlength=size)
        error = np.sqrt(squares * count / (count - 1)) / total
    return mean, np.where(count > 1, error, np.nan)


def replaced(book: Floats, rows: int) -> Floats:
    """Return per row of weights the sum of what changed since `rows` before, at first since 0."""
    before = np.zeros_like(book)
    before[rows:] = book[: max(len(book) - rows, 0)]
    total: Floats = np.abs(book - before).sum(axis=1)
    return total


def overlapping_sums(trades: Floats, first: Ints, last: Ints) -> Floats:
    """Sum consecutive rows of `trades`: output row i is the sum of rows first[i] .. last[i] - 1.

    Rows are added directly rather than as a difference of running sums, so a position that has
    left is exactly 0. O(sum of the window lengths * assets).
    """
    out = np.zeros((len(first), trades.shape[1]))
    live = np.flatnonzero(last > first)
    if live.size:
        bounds = np.empty(2 * live.size, dtype=np.int64)
        bounds[0::2], bounds[1::2] = first[live], last[live]
        padded = np.vstack([trades, np.zeros((1, trades.shape[1]))])
        out[live] = np.add.reduceat(padded, bounds, axis=0)[::2]
    return out


def live_sums(trades: Floats, begin: Ints, end: Ints, size: int) -> Floats:
    """Sum the rows of `trades` that are live: output row i sums those with begin <= i < end.

    For rows that may end in another order than they begin. O(size * rows * assets).
    """
    out = np.zeros((size, trades.shape[1]))
    for block in row_blocks(size, len(begin)):
        rows = np.arange(size)[block, None]
        out[block] = ((begin <= rows) & (rows < end)).astype(float) @ trades
    return out


@np.errstate(invalid="ignore")  # an infinite return gives NaN, not a warning
def straight_line(x: Floats, y: Floats) -> tuple[float, float]:
    """Return intercept and slope of the least-squares line; NaN where there is none.

    Points with a NaN are left out. There is none through fewer than two points or a constant x.
    """
    known = ~(np.isnan(x) | np.isnan(y))
    x, y = x[known], y[known]
    if len(x) < 2 or x.min() == x.max():
        return np.nan, np.nan
    centre = x.mean()
    distance = x - centre
    slope = float(distance @ (y - y.mean()) / (distance @ distance))
    return float(y.mean() - slope * centre), slope
