"""Arithmetic across the assets of one date: rows of a matrix in, rows out, no pandas.

Every kernel maps a matrix of shape (rows, width) to one of the same shape, row by row. NaN is not
used and stays NaN; the rest of its row goes on without it. `by_group` runs a kernel inside the
groups of each row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import bottleneck as bn
import numpy as np

from alphalens._binning import quantile_grid
from alphalens._binning import row_quantiles as quantile_edges
from alphalens._cells import Cells
from alphalens._kernels import is_flat, row_mean
from alphalens._ranks import row_ranks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

    Kernel = Callable[[Floats], Floats]

_COLLINEAR: Final = 1e-10
"""Share of a regressor's length that must be its own; below it repeats those before it."""

_NORMAL_MAD: Final = 1.482602218505602
"""Standard deviation of a normal distribution whose median absolute deviation is 1."""


def by_group(kernel: Kernel, matrix: Floats, cells: Cells | None) -> Floats:
    """Apply a kernel inside the cells of `group_cells`; to whole rows without them."""
    if cells is None:
        return kernel(matrix)
    return cells.transform(kernel, matrix.reshape(-1)).reshape(matrix.shape)


def group_cells(codes: Ints, shape: tuple[int, int]) -> Cells:
    """Return the cells of each row and group.

    Parameters
    ----------
    codes : ndarray of shape (rows, width) or (width,), int64
        Number of each place's group, 0 or more; -1 leaves the place out (NaN in every result).
    shape : tuple of two ints
        Rows and width of the matrices to come.
    """
    count = int(codes.max(initial=-1)) + 1
    keys = np.arange(shape[0])[:, None] * count + codes
    keys = np.where(np.broadcast_to(codes, shape) < 0, -1, keys)
    return Cells(keys.reshape(-1).astype(np.int64), shape[0] * count)


def counts(matrix: Floats) -> Floats:
    """Return the number of values of each row, as a column."""
    present: Floats = (~np.isnan(matrix)).sum(axis=1, keepdims=True).astype(np.float64)
    return present


def share_ranks(matrix: Floats) -> Floats:
    """Return average ranks divided by the number of values, in (0, 1]."""
    ranks: Floats = row_ranks(matrix) / np.maximum(counts(matrix), 1.0)
    return ranks


def normal_scores(matrix: Floats) -> Floats:
    """Return the normal quantiles of the ranks r of n values, at (r - 3/8) / (n + 1/4)."""
    from scipy.special import ndtri

    scores: Floats = ndtri((row_ranks(matrix) - 0.375) / (counts(matrix) + 0.25))
    return scores


def demean(matrix: Floats) -> Floats:
    """Subtract the mean of each row; a row of one repeated value gives exact zeros."""
    centred: Floats = matrix - row_mean(matrix)[:, None]
    centred[is_flat(matrix)] *= 0.0
    return centred


def zscore(matrix: Floats) -> Floats:
    """Subtract the mean and divide by the deviation (ddof 1); a constant row becomes NaN."""
    centred = demean(matrix)
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = _sum(centred * centred)
        deviation = np.sqrt(squares / (counts(matrix) - 1.0))
        deviation[~(squares > 0.0)] = np.nan
        scores: Floats = centred / deviation
    return scores


def scale(matrix: Floats, gross: float = 1.0) -> Floats:
    """Multiply each row so that its absolute values sum to `gross`; a row of zeros becomes NaN."""
    total = _sum(np.abs(matrix))
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled: Floats = matrix * (gross / np.where(total > 0.0, total, np.nan))
    return scaled


def winsorise(matrix: Floats, limit: float) -> Floats:
    """Clip each row to its quantiles `limit` and 1 - `limit`."""
    low, high = row_quantiles(matrix, (limit, 1.0 - limit))
    return _clipped(matrix, low, high)


def winsorise_mad(matrix: Floats, width: float) -> Floats:
    """Clip each row to `width` scaled median absolute deviations around its median.

    A row more than half of whose values are equal has a deviation of 0, and stays as it is.
    """
    if not matrix.size:
        return matrix.copy()
    middle = bn.nanmedian(matrix, axis=1)[:, None]
    reach = width * _NORMAL_MAD * bn.nanmedian(np.abs(matrix - middle), axis=1)[:, None]
    reach[reach == 0.0] = np.inf
    return _clipped(matrix, middle - reach, middle + reach)


def row_quantiles(matrix: Floats, probabilities: tuple[float, ...]) -> list[Floats]:
    """Return the quantiles of each row, each as a column, linear between neighbours."""
    if not matrix.shape[1]:
        return [np.full((len(matrix), 1), np.nan) for _ in probabilities]
    ordered = np.sort(matrix, axis=1)
    last = np.maximum(counts(matrix) - 1.0, 0.0)
    found = []
    for probability in probabilities:
        place = probability * last
        below = np.floor(place).astype(np.int64)
        left = np.take_along_axis(ordered, below, axis=1)
        right = np.take_along_axis(ordered, np.ceil(place).astype(np.int64), axis=1)
        found.append(left + (right - left) * (place - below))
    return found


def quantile_labels(matrix: Floats, count: int) -> Floats:
    """Return 1 .. `count` by the quantile of its row that a value lies in, ties together.

    As `pandas.qcut` labels where the edges differ; equal edges leave labels out.
    """
    labels = np.where(np.isnan(matrix), np.nan, 1.0)
    if matrix.size:
        for edge in quantile_edges(matrix, quantile_grid(count)[1:-1]).T:
            labels += matrix > edge[:, None]
    return labels


def _sum(matrix: Floats) -> Floats:
    """Return the sum of each row as a column, one by one: NaN at the end changes no bit of it."""
    if not matrix.size:
        return np.zeros((len(matrix), 1))
    total: Floats = bn.nansum(matrix, axis=1)[:, None]
    return total


def _clipped(matrix: Floats, low: Floats, high: Floats) -> Floats:
    clipped: Floats = np.minimum(np.maximum(matrix, low), high)
    return clipped


class Fit:
    """Weighted least squares of many rows at once, on regressors and the groups of each row.

    Parameters
    ----------
    used : ndarray of shape (rows, width), bool
        Places that take part.
    weights : ndarray of shape (rows, width)
        Weights of the squared residuals, above 0 where used.
    codes : ndarray of shape (rows, width), int64
        Number of each place's group, 0 or more where used; one group stands for a constant.
    """

    def __init__(self, used: Bools, weights: Floats, codes: Ints) -> None:
        self._used = used
        self._weights = np.where(used, weights, 0.0)
        self._cells = group_cells(np.where(used, codes, -1), used.shape)
        self._mass = self._by_cell(self._weights)
        members = self._cells.members.reshape(len(used), self._cells.size // max(len(used), 1))
        self._n_groups = (members > 0).sum(axis=1)

    def residual(self, values: Floats, regressors: list[Floats]) -> Floats:
        """Return what is left of `values`; NaN outside the cells used."""
        basis: list[Floats] = []
        fitted = self._n_groups.astype(np.float64)
        for panel in regressors:
            raw = np.where(self._used, panel, 0.0)
            own = self._without(self._within(raw), basis)
            length = np.sqrt(self._dot(own, own))
            is_own = length > _COLLINEAR * np.sqrt(self._dot(raw, raw))
            basis.append(own * np.where(is_own, 1.0 / np.where(is_own, length, 1.0), 0.0))
            fitted += is_own[:, 0]
        left = self._without(self._within(np.where(self._used, values, 0.0)), basis)
        is_fitted = self._used.sum(axis=1) > fitted
        out: Floats = np.where(self._used & is_fitted[:, None], left, np.nan)
        return out

    def _within(self, values: Floats) -> Floats:
        """Subtract the weighted mean of each row's groups."""
        mean = self._by_cell(self._weights * values)
        np.divide(mean, self._mass, out=mean, where=self._used)
        out: Floats = np.where(self._used, values - mean, 0.0)
        return out

    def _without(self, values: Floats, basis: list[Floats]) -> Floats:
        """Subtract the projections on an orthonormal basis; twice, for rounding."""
        for _ in range(2):
            for vector in basis:
                values = values - vector * self._dot(vector, values)
        return values

    def _dot(self, left: Floats, right: Floats) -> Floats:
        product: Floats = np.einsum("ij,ij,ij->i", self._weights, left, right)[:, None]
        return product

    def _by_cell(self, values: Floats) -> Floats:
        """Return for each cell the sum over its row's group."""
        sums = self._cells.reduce(lambda matrix, _: np.nansum(matrix, axis=1), values.reshape(-1))
        spread: Floats = self._cells.spread(sums).reshape(values.shape)
        return spread
