"""Array arithmetic of the factor library: rows of a matrix in, rows out, no pandas.

A matrix holds one cross-section (a date, or a date and a group) per row. NaN marks a value that is
missing or a place that pads a short row; every kernel says what it does with NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bottleneck as bn
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_CACHE_CELLS = 1 << 16
"""Cells worked on at once, so that the temporaries stay in the processor's cache."""

_LOW_63_BITS = np.int64(0x7FFFFFFFFFFFFFFF)


def row_blocks(rows: int, width: int) -> Iterator[slice]:
    """Yield slices over `rows` that hold about `_CACHE_CELLS` cells each."""
    step = max(_CACHE_CELLS // max(width, 1), 1)
    for start in range(0, rows, step):
        yield slice(start, start + step)


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
    Each value and its column number share one 64-bit key (the column takes the lowest bits), so one
    sort of integers orders the row and carries the permutation. Two neighbours that differ in the
    overwritten bits alone look like a tie; rows with ties are ranked again, exactly.
    O(rows * width * log width).

    Examples
    --------
    >>> row_ranks(np.array([[30.0, 10.0, np.nan, 10.0]])).tolist()
    [[3.0, 1.5, nan, 1.5]]
    """
    rows, width = matrix.shape
    ranks = np.empty((rows, width), dtype=np.float64)
    if not matrix.size:
        return ranks
    bits = max((width - 1).bit_length(), 1)
    tied = [
        block.start + found
        for block in row_blocks(rows, width)
        if (found := _rank_block(matrix[block], ranks[block], bits)).size
    ]
    if tied:
        again = np.concatenate(tied)
        ranks[again] = bn.nanrankdata(matrix[again], axis=1)
    return ranks


def _rank_block(block: Floats, out: Floats, bits: int) -> Ints:
    """Rank one block into `out` and return the rows whose ties need the exact way."""
    rows, width = block.shape
    keys = (block + 0.0).view(np.int64)
    missing = np.isnan(block)
    keys ^= (keys >> 63) & _LOW_63_BITS
    has_missing = bool(missing.any())
    if has_missing:
        keys[missing] = _LOW_63_BITS
    keys &= ~np.int64((1 << bits) - 1)
    keys |= np.arange(width)
    keys.sort(axis=1)
    place = keys & np.int64((1 << bits) - 1)
    place += np.arange(rows)[:, None] * width
    keys >>= bits
    same = keys[:, 1:] == keys[:, :-1]
    if has_missing:
        same &= np.arange(1, width) < (width - missing.sum(axis=1))[:, None]
    out.reshape(-1)[place] = np.arange(1.0, width + 1.0)
    if has_missing:
        out[missing] = np.nan
    return np.flatnonzero(same.any(axis=1)) if same.any() else np.empty(0, dtype=np.int64)


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


def keyed_moments(keys: Ints, values: Floats, size: int) -> tuple[Floats, Floats, Floats]:
    """Return mean, sample variance and count of the values under each key.

    Parameters
    ----------
    keys : ndarray of shape (n,), int64
        Cell of each value, 0 <= key < `size`.
    values : ndarray of shape (n,)
        NaN is skipped.
    size : int
        Number of cells.

    Returns
    -------
    mean, variance, count : ndarray of shape (size,)
        The mean is NaN for an empty cell, the variance (ddof 1) for fewer than two values.

    Notes
    -----
    Two passes, so that the variance does not cancel. O(n + size).
    """
    missing = np.isnan(values)
    if missing.any():
        keys, values = keys[~missing], values[~missing]
    count = np.bincount(keys, minlength=size).astype(np.float64)
    total = np.bincount(keys, weights=values, minlength=size)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / count
        deviation = values - mean[keys]
        deviation *= deviation
        squares = np.bincount(keys, weights=deviation, minlength=size)
        variance = np.where(count > 1, squares / (count - 1), np.nan)
    return mean, variance, count


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
