"""Array arithmetic of the factor library: rows of a matrix in, rows out, no pandas.

A matrix holds one cross-section (a date, or a date and a group) per row. NaN marks a value that is
missing or a place that pads a short row; every kernel says what it does with NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import bottleneck as bn
import numpy as np

from alphalens._blocks import CACHE_CELLS, over_blocks, over_each, row_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

Number = TypeVar("Number", bound=np.generic)

_WORDS = 255 * 8
"""Truth values added up in the bytes of one word."""

_TRUTHS = 4
"""Truth values that take about the time of one float."""


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
