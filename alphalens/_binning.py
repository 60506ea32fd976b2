"""Quantile and bin labels of whole matrices, with the semantics of `pandas.qcut` and `pandas.cut`.

Everything of a row comes from one sort of that row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from alphalens._blocks import over_blocks
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]
    Labels = NDArray[np.int16]

_ROUNDS_QUANTILES_UP = int(pd.__version__.split(".", maxsplit=1)[0]) >= 3
"""pandas 3 rounds the quantile q/n up where it is not a binary fraction (its issue 59355)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binning:
    """How to cut one cross-section into buckets.

    Attributes
    ----------
    quantiles : ndarray or None
        Probabilities of the edges, ascending in [0, 1]; the lowest edge is inside.
    edges : ndarray or None
        Fixed edges, ascending; the lowest edge is outside.
    buckets : int or None
        Number of buckets of equal width between minimum and maximum.
    is_zero_aware : bool
        Cut the values below zero and those from zero up separately.
    """

    quantiles: Floats | None = None
    edges: Floats | None = None
    buckets: int | None = None
    is_zero_aware: bool = False

    @classmethod
    def of(cls, quantiles: object, bins: object, *, is_zero_aware: bool) -> Binning:
        """Check the caller's `quantiles` and `bins` (one of them is None) and return the recipe."""
        chosen = bins if quantiles is None else quantiles
        name = "bins" if quantiles is None else "quantiles"
        if is_zero_aware and not isinstance(chosen, Integral):
            raise InputError(
                "zero_aware should only be True when quantiles or bins is an integer, "
                f"got {name}={chosen!r}"
            )
        if isinstance(chosen, Integral):
            count = _positive(int(chosen) // 2 if is_zero_aware else int(chosen), name, chosen)
            if quantiles is None:
                return cls(buckets=count, is_zero_aware=is_zero_aware)
            return cls(quantiles=quantile_grid(count), is_zero_aware=is_zero_aware)
        steps = _ascending(chosen, name)
        if quantiles is None:
            return cls(edges=steps)
        if not ((steps >= 0) & (steps <= 1)).all():
            raise InputError(
                f"percentiles should all be in the interval [0, 1], got quantiles={steps.tolist()}"
            )
        return cls(quantiles=steps)

    def labels(self, matrix: Floats) -> tuple[Labels, Bools]:
        """Label every row of a matrix.

        Parameters
        ----------
        matrix : ndarray of shape (rows, width)
            Factor values, NaN where there is none.

        Returns
        -------
        labels : ndarray of shape (rows, width), int16
            1 .. n; 0 where a value lies outside the edges, is NaN, or its row failed.
        failed : ndarray of shape (rows,)
            Rows whose edges are not unique (or, zero-aware bins, with an empty side).
        """
        labels = np.empty(matrix.shape, dtype=np.int16)
        failed = np.empty(len(matrix), dtype=bool)

        def label(part: slice) -> None:
            labels[part], failed[part] = self._block(matrix[part])
            labels[part][failed[part]] = 0

        over_blocks(label, *matrix.shape)
        return labels, failed

    def _block(self, matrix: Floats) -> tuple[Labels, Bools]:
        if not self.is_zero_aware:
            return self._one_side(matrix)
        upper, upper_failed = self._one_side(np.where(matrix >= 0, matrix, np.nan))
        lower, lower_failed = self._one_side(np.where(matrix < 0, matrix, np.nan))
        labels = np.where(upper > 0, upper + self._count, lower).astype(np.int16)
        return labels, upper_failed | lower_failed

    @property
    def _count(self) -> int:
        """Number of buckets a side is cut into."""
        if self.buckets is not None:
            return self.buckets
        steps = self.quantiles if self.quantiles is not None else self.edges
        return 0 if steps is None else len(steps) - 1

    def _one_side(self, matrix: Floats) -> tuple[Labels, Bools]:
        edges, failed = self.edges_of(matrix)
        if self.quantiles is not None and self.quantiles[0] == 0 and self.quantiles[-1] == 1:
            labels = _inside(matrix, edges)
        else:
            labels = _place(matrix, edges, is_lowest_inside=self.quantiles is not None)
        if self.quantiles is not None:
            for row in _rows_with_infinite_ends(matrix, edges):
                labels[row], failed[row] = _as_pandas(matrix[row], edges[row])
        return labels, failed

    def edges_of(self, matrix: Floats) -> tuple[Floats, Bools]:
        """Return the edges of each row (rows x edges) and the rows where they are not usable."""
        if self.edges is not None:
            edges = np.broadcast_to(self.edges, (len(matrix), len(self.edges)))
            return edges, _has_repeats(edges)
        if self.quantiles is not None:
            edges = row_quantiles(matrix, self.quantiles)
            return edges, _has_repeats(edges)
        edges = equal_width_edges(matrix, self.buckets or 1)
        return edges, _has_repeats(edges) | (self.is_zero_aware & np.isnan(edges[:, 0]))


def _positive(count: int, name: str, given: object) -> int:
    if count < 1:
        letter = "q" if name == "quantiles" else "bins"
        raise InputError(
            f"`{letter}` should be a positive integer: {name}={given!r} leaves {count} buckets "
            "(zero_aware halves them)"
        )
    return count


def _ascending(steps: object, name: str) -> Floats:
    if isinstance(steps, str) or not isinstance(steps, Iterable):
        letter = "q" if name == "quantiles" else "bins"
        raise InputError(
            f"`{letter}` should be a positive integer or list-like of {name}, got {steps!r}"
        )
    values = np.asarray(list(steps), dtype=np.float64)
    if (np.diff(values) < 0).any() or np.isnan(values).any():
        raise InputError(f"{name} must increase monotonically, got {values.tolist()}")
    return values


def quantile_grid(count: int) -> Floats:
    """Return the `count` + 1 probabilities that the installed pandas cuts `count` quantiles at."""
    grid = np.linspace(0, 1, count + 1)
    if _ROUNDS_QUANTILES_UP:
        inexact = count * grid != np.arange(count + 1)
        grid[inexact] = np.nextafter(grid[inexact], 1)
    return grid


@cache
def _takes_quantiles_directly() -> bool:
    """Tell whether the installed pandas takes quantiles, or percentiles (and rounds once more)."""
    return float(pd.Series(np.arange(7.0)).quantile(1 / 3)) == 2.0


def row_quantiles(matrix: Floats, probabilities: Floats) -> Floats:
    """Return linear quantiles of each row, NaN skipped, rounded as `Series.quantile` rounds them.

    Parameters
    ----------
    matrix : ndarray of shape (rows, width)
    probabilities : ndarray of shape (edges,)
        In [0, 1].

    Returns
    -------
    ndarray of shape (rows, edges)
        NaN for a row without values.

    Examples
    --------
    >>> row_quantiles(np.array([[4.0, np.nan, 0.0, 2.0]]), np.array([0.0, 0.25, 1.0])).tolist()
    [[0.0, 1.0, 4.0]]
    """
    ordered = np.sort(matrix, axis=1)
    last = matrix.shape[1] - np.isnan(matrix).sum(axis=1) - 1
    exact = probabilities if _takes_quantiles_directly() else probabilities * 100.0 / 100.0
    position = np.maximum(last, 0)[:, None] * exact
    lower = np.floor(position)
    weight = position - lower
    below = lower.astype(np.int64)
    above = np.minimum(below + 1, np.maximum(last, 0)[:, None])
    low = np.take_along_axis(ordered, below, axis=1)
    high = np.take_along_axis(ordered, above, axis=1)
    with np.errstate(invalid="ignore"):
        gap = high - low
        out: Floats = np.where(weight >= 0.5, high - gap * (1 - weight), low + gap * weight)
    return out


def equal_width_edges(matrix: Floats, buckets: int) -> Floats:
    """Return the edges of `buckets` equal buckets per row, the lowest one moved out by 0.1 %."""
    missing: Bools = np.asarray(np.isnan(matrix).all(axis=1))
    safe = np.where(missing[:, None], 0.0, matrix)
    low, high = np.nanmin(safe, axis=1), np.nanmax(safe, axis=1)
    is_flat = low == high
    room = np.where(low != 0, 0.001 * np.abs(low), 0.001)
    start = np.where(is_flat, low - room, low)
    stop = np.where(is_flat, high + room, high)
    with np.errstate(invalid="ignore"):
        edges = np.linspace(start, stop, buckets + 1, axis=1)
        edges[:, 0] -= np.where(is_flat, 0.0, (high - low) * 0.001)
    edges[missing | ~np.isfinite(low) | ~np.isfinite(high)] = np.nan
    return edges


def _has_repeats(edges: Floats) -> Bools:
    """Tell which rows repeat an edge; a single bucket may (as in pandas), NaN equals NaN."""
    if edges.shape[1] <= 2:
        return np.zeros(len(edges), dtype=bool)
    rises = np.asarray(edges[:, 1:] > edges[:, :-1], dtype=bool)
    return np.asarray(~rises.all(axis=1), dtype=bool)


def _inside(matrix: Floats, edges: Floats) -> Labels:
    """Label values that all lie between the outer edges: one more than inner edges below."""
    labels: Labels = (matrix == matrix).astype(np.int16)
    for number in range(1, edges.shape[1] - 1):
        labels += matrix > edges[:, number, None]
    return labels


def _place(matrix: Floats, edges: Floats, *, is_lowest_inside: bool) -> Labels:
    """Label each value with the number of edges below it; 0 outside."""
    count = edges.shape[1]
    below = np.zeros(matrix.shape, dtype=np.int16)
    for number in range(count):
        below += matrix > edges[:, number, None]
    if is_lowest_inside:
        below[matrix == edges[:, :1]] = 1
    below[below == count] = 0
    return below


def _rows_with_infinite_ends(matrix: Floats, edges: Floats) -> Ints:
    """Return the rows that hold values and yet lack an edge: inf - inf is no number."""
    lacking = np.asarray(np.isnan(edges).any(axis=1), dtype=bool)
    if lacking.any():
        lacking[lacking] = (matrix[lacking] == matrix[lacking]).any(axis=1)
    return np.flatnonzero(lacking)


def _as_pandas(values: Floats, edges: Floats) -> tuple[Labels, bool]:
    """Label one row by the binary search of `pandas.qcut`, which takes NaN for the highest edge."""
    places = np.searchsorted(edges, values, side="left").astype(np.int16)
    places[values == edges[0]] = 1
    places[(places == len(edges)) | np.isnan(values)] = 0
    return places, len(edges) > 2 and len(pd.unique(edges)) < len(edges)
