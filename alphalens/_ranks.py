"""Ranks of the values of each row of a matrix, and correlations of ranks; no pandas.

A matrix holds one cross-section per row. NaN marks a value that is missing or a place that pads a
short row.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphalens._blocks import block_rows, over_blocks
from alphalens._kernels import rows_of

if TYPE_CHECKING:
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
