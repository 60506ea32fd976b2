"""Array arithmetic of the factor library: rows of a matrix in, rows out, no pandas.

A matrix holds one cross-section (a date, or a date and a group) per row. NaN marks a value that is
missing or a place that pads a short row; every kernel says what it does with NaN.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import bottleneck as bn
import numpy as np

from alphalens._blocks import CACHE_CELLS, block_rows, over_blocks, over_each, row_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

Number = TypeVar("Number", bound=np.generic)

_HUGE = 1e308
"""Stands for what has no place in the order. Values that are larger are put in order exactly."""

_WORDS = 255 * 8
"""Truth values added up in the bytes of one word."""

_TRUTHS = 4
"""Truth values that take about the time of one float."""


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
    See `_Sorter`. O(rows * width * log width).

    Examples
    --------
    >>> row_ranks(np.array([[30.0, 10.0, np.nan, 10.0]])).tolist()
    [[3.0, 1.5, nan, 1.5]]
    """
    ranks = np.empty(matrix.shape, dtype=np.float64)
    sorter = _Sorter(*matrix.shape)
    ramp = np.broadcast_to(np.arange(1.0, matrix.shape[1] + 1.0), sorter.places.shape).copy()

    def rank(block: slice) -> None:
        order, out = sorter.order(matrix[block]), ranks[block]
        out.reshape(-1)[order.place] = ramp[: len(out)]
        if len(order.tied):
            out.reshape(-1)[order.place[order.tied]] = order.tied_ranks
        if order.missing is not None:
            out[order.missing] = np.nan

    over_blocks(rank, *matrix.shape)
    return ranks


def rank_correlation(ranks: Floats, squares: Floats, matrix: Floats, members: Ints) -> Floats:
    """Return the correlation of ranks with the ranks of another matrix, row by row.

    Parameters
    ----------
    ranks : ndarray of shape (rows, width)
        As from `row_ranks`; places beyond the members are NaN.
    squares : ndarray of shape (rows,)
        Of `ranks`, as from `rank_squares`.
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
    The ranks of the other side are never laid out: those given are read in its order, and
    multiplied with 1, 2, ... The products are multiples of a quarter, so their sums are exact.
    """
    out = np.empty(len(matrix))
    width = matrix.shape[1]
    ramp = np.arange(1.0, width + 1.0)
    sorter = _Sorter(*matrix.shape)

    def correlate(block: slice) -> None:
        order = sorter.order(matrix[block])
        ordered = sorter.read(ranks[block], order.place)
        if order.missing is not None:
            ordered[np.arange(width) >= order.counts[:, None]] = 0.0
        counts = order.counts.astype(np.float64)
        product = ordered @ ramp
        own = counts * (counts * counts - 1.0) / 12.0
        if len(order.tied):
            product[order.tied] = np.einsum("ij,ij->i", ordered[order.tied], order.tied_ranks)
            own[order.tied] = order.squares_of_tied()
        own[order.counts < members[block]] = np.nan
        scale = np.sqrt(squares[block] * own)
        out[block] = np.nan
        np.divide(product - _level(counts), scale, out=out[block], where=scale > 0)

    over_blocks(correlate, *matrix.shape)
    return out


def rank_squares(ranks: Floats, members: Ints) -> Floats:
    """Return the sum of squared deviations of ranks from their mean, row by row.

    NaN where a row has fewer ranks than members (a NaN among them), which makes every correlation
    with it NaN.
    """
    out = np.empty(len(ranks))

    def square(block: slice) -> None:
        part = ranks[block]
        counts = np.full(len(part), float(part.shape[1]))
        out[block] = np.einsum("ij,ij->i", part, part)
        gaps = np.flatnonzero(np.isnan(out[block]))
        if len(gaps):
            known = np.nan_to_num(part[gaps])
            counts[gaps] = np.count_nonzero(known, axis=1)
            out[block][gaps] = np.einsum("ij,ij->i", known, known)
        out[block] -= _level(counts)
        out[block][counts < members[block]] = np.nan

    over_blocks(square, *ranks.shape)
    return out


def rank_autocorrelation(ranks: Floats, squares: Floats, now: Ints, then: Ints) -> Floats:
    """Return the correlation of some rows of ranks with other rows of them.

    Parameters
    ----------
    ranks : ndarray of shape (rows, width)
        As from `row_ranks`, without NaN.
    squares : ndarray of shape (rows,)
        As from `rank_squares`.
    now, then : ndarray of shape (n,), int64
        Rows to pair.

    Returns
    -------
    ndarray of shape (n,)
        NaN where one side is constant.
    """
    out = np.full(len(now), np.nan)
    mean_product = _level(np.asarray(float(ranks.shape[1])))

    def correlate(block: slice) -> None:
        left, right = now[block], then[block]
        product = np.einsum("ij,ij->i", rows_of(ranks, left), rows_of(ranks, right))
        scale = np.sqrt(squares[left] * squares[right])
        np.divide(product - mean_product, scale, out=out[block], where=scale > 0)

    over_blocks(correlate, len(now), ranks.shape[1])
    return out


def _level(counts: Floats) -> Floats:
    """Return what the sum of products of two rows of ranks owes to their means."""
    return counts * (counts + 1.0) * (counts + 1.0) / 4.0


class _Sorter:
    """Puts the rows of one matrix in ascending order, block by block.

    Each value carries its place in the block in the lowest bits of its mantissa, so that one sort
    of floats orders the row and brings the permutation. Neighbours that differ in these bits alone
    look alike; such rows are looked at again, exactly.

    Parameters
    ----------
    rows, width : int
        Shape of the matrix.

    Notes
    -----
    The buffers belong to each thread, which meets them again in its next block: memory that is
    asked for anew costs as much as the arithmetic. What `order` returns is good until then.
    """

    def __init__(self, rows: int, width: int) -> None:
        shape = (min(block_rows(width), rows), width)
        self.places = np.arange(shape[0] * width).reshape(shape)
        self._low = np.int64((1 << max((self.places.size - 1).bit_length(), 1)) - 1)
        self._own = _Buffers(shape)

    def order(self, block: Floats) -> _Order:
        """Sort each row of a block."""
        (rows, width), low = block.shape, self._low
        keys = np.add(block, 0.0, out=self._own.keys[:rows])
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
        place |= self.places[:rows]
        keys.sort(axis=1)
        doubtful = self._doubtful(rows)
        counts = np.full(rows, width) if missing is None else width - missing.sum(axis=1)
        if missing is not None:
            doubtful &= np.arange(width) < counts[:, None]
        place &= low
        tied = np.flatnonzero(doubtful.any(axis=1))
        if len(strange):
            tied = np.union1d(tied, strange)
        return _Order(place, counts, missing, tied, _exact(block, place, counts, tied))

    def read(self, values: Floats, place: Ints) -> Floats:
        """Return values of a block at its places."""
        out = self._own.values[: len(place)]
        return values.reshape(-1).take(place, out=out, mode="clip")  # the other modes make a copy

    def _doubtful(self, rows: int) -> Bools:
        """Tell which of the sorted keys look like the one before them."""
        own = self._own
        words = own.keys[:rows].reshape(-1).view(np.uint64)
        apart, same = own.words[: words.size], own.flags[:rows]
        np.bitwise_xor(words[1:], words[:-1], out=apart[1:])
        np.less_equal(apart, np.uint64(self._low), out=same.reshape(-1))
        same[:, :1] = False
        return same


class _Buffers(threading.local):
    """Memory of each thread for one block."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.keys, self.values = np.empty(shape), np.empty(shape)
        self.words = np.zeros(self.keys.size, dtype=np.uint64)
        self.flags = np.empty(shape, dtype=bool)


@dataclass(frozen=True, slots=True)
class _Order:
    """The ascending order of each row of a block, missing values last.

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


def rows_of(matrix: NDArray[Number], rows: Ints) -> NDArray[Number]:
    """Select rows, -1 the last; a run of consecutive ones without a copy."""
    is_run = len(rows) > 0 and 0 <= rows[0] == rows[-1] - len(rows) + 1
    if is_run and bool((np.diff(rows) == 1).all()):
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
    out = np.empty(matrix.shape)

    def weigh(block: slice) -> None:
        values = matrix[block]
        if is_demeaned:
            values = _less_centre(values, is_median=is_equal_weight)
        if is_equal_weight:
            values = np.sign(values)
            if is_demeaned:
                values = _halve_sides(values)
        _normalise(values, out[block], is_zero_gross_zero=is_zero_gross_zero)

    over_blocks(weigh, *matrix.shape)
    return out


@np.errstate(invalid="ignore")  # as in straight_line; in the thread that works on the block
def _less_centre(matrix: Floats, *, is_median: bool) -> Floats:
    """Subtract the mean or the median of each row; a row of one value leaves 0 and no dust."""
    if is_median:
        middle: Floats = matrix - bn.nanmedian(matrix, axis=1)[:, None]
        return middle
    values: Floats = matrix - bn.nanmean(matrix, axis=1)[:, None]
    values[is_flat(matrix)] *= 0.0
    return values


def is_flat(matrix: Floats) -> Bools:
    """Tell which rows hold one value only: less its rounded mean it would leave dust, not 0."""
    if not matrix.shape[1]:
        return np.zeros(len(matrix), dtype=bool)
    low, high = bn.nanmin(matrix, axis=1), bn.nanmax(matrix, axis=1)
    return np.asarray(low == high)


def _halve_sides(signs: Floats) -> Floats:
    """Divide the negatives of each row by their number, and the positives by theirs."""
    with np.errstate(divide="ignore", invalid="ignore"):
        for side in (signs < 0, signs > 0):
            counts = side.sum(axis=1)
            signs = np.where(side, signs / counts[:, None], signs)
    return signs


def normalise(matrix: Floats, *, is_zero_gross_zero: bool) -> Floats:
    """Divide each row by the sum of its absolute values, NaN skipped."""
    out = np.empty(matrix.shape)

    def divide(block: slice) -> None:
        _normalise(matrix[block], out[block], is_zero_gross_zero=is_zero_gross_zero)

    over_blocks(divide, *matrix.shape)
    return out


def _normalise(values: Floats, out: Floats, *, is_zero_gross_zero: bool) -> None:
    gross = _nansum(np.abs(values))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        np.divide(values, gross, out=out)
    if is_zero_gross_zero:
        out[(gross == 0) & ~np.isnan(values)] = 0.0


def row_products(left: Floats, right: Floats) -> Floats:
    """Return the sum of the products of each row, NaN skipped; NaN for a row without any."""
    out = np.empty(len(left))

    @np.errstate(invalid="ignore")  # as in straight_line; in the thread that works on the block
    def add(block: slice) -> None:
        out[block] = row_sum(left[block] * right[block])

    over_blocks(add, *left.shape)
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

    over_each(part, _pieces(len(keys), bounds))
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


def row_counts(matrix: Bools) -> Ints:
    """Return the number of true values of each row."""
    counts = np.empty(len(matrix), dtype=np.int64)
    for block in row_blocks(len(matrix), matrix.shape[1] // _TRUTHS):
        counts[block] = _count(matrix[block])
    return counts


def row_arrivals(members: Bools, previous: Ints) -> Ints:
    """Return the number of members of each row that are no members of its previous row.

    Parameters
    ----------
    members : ndarray of shape (rows, width), bool
    previous : ndarray of shape (rows,), int64
        Another row of each row; -1 compares it with the last.
    """
    counts = np.empty(len(members), dtype=np.int64)
    for block in row_blocks(len(members), members.shape[1] // _TRUTHS):
        counts[block] = _count(members[block] > rows_of(members, previous[block]))
    return counts


def _count(block: Bools) -> Ints:
    """Count the true values of each row, eight to a word: 255 words cannot overflow a byte."""
    rows, width = block.shape
    whole = width - width % 8
    counts = block[:, whole:].sum(axis=1)
    for start in range(0, whole, _WORDS):
        words = block[:, start : min(start + _WORDS, whole)].view(np.uint64)
        sums = np.add.reduce(words, axis=1, dtype=np.uint64)
        counts += sums.view(np.uint8).reshape(rows, 8).sum(axis=1, dtype=np.int64)
    return np.asarray(counts, dtype=np.int64)


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
