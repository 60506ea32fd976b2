"""Intervals without a formula: resampling blocks of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alphalens._stats._columns import columns_of
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import ArrayLike

    from alphalens._stats._columns import Floats, Ints

__all__ = ["block_bootstrap_mean_interval"]

#: Rows drawn at once, so that the draws of a long series fit into memory.
_DRAWN_ROWS = 1 << 20


def block_bootstrap_mean_interval(
    x: ArrayLike,
    *,
    generator: Generator,
    mean_block: float,
    n_resamples: int = 2000,
    confidence: float = 0.95,
) -> tuple[Floats, Floats]:
    r"""Return an interval for each mean from resampled blocks of time.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        Observations in order of time. NaN is drawn with its row and left out of the means; a
        resample in which a column has nothing else is left out of that column.
    generator : numpy.random.Generator
        Source of chance: the same state gives the same interval.
    mean_block : float
        Expected rows of a block, at least 1; longer than neighbours resemble each other (above H
        for returns over H periods). 1 draws single rows.
    n_resamples : int
        Resamples, at least 1.
    confidence : float
        Share of the resampled means inside, in (0, 1).

    Returns
    -------
    low, high : float or ndarray of shape (k,)
        Quantiles of the resampled means, in the unit of `x`; the same rows are drawn for every
        column. NaN for a column with fewer than two observations.

    Raises
    ------
    InputError
        If a parameter is out of its bounds.

    Notes
    -----
    The stationary bootstrap: a resample of n rows is made of runs of neighbouring rows that start
    anywhere and go on past the last row at the first; after each row a new run begins with
    probability one over `mean_block`. The interval is the percentile one, a little too narrow for
    short series. O(n k n_resamples).

    References
    ----------
    .. [1] Politis, D. N. and Romano, J. P. (1994). The stationary bootstrap. Journal of the
       American Statistical Association 89(428), 1303-1313. doi:10.1080/01621459.1994.10476870

    Examples
    --------
    >>> ic = np.repeat([0.02, 0.01, -0.01, 0.03], 5)
    >>> low, high = block_bootstrap_mean_interval(
    ...     ic, generator=np.random.default_rng(1), mean_block=5
    ... )
    >>> bool(low < ic.mean() < high)
    True
    """
    _check(mean_block, n_resamples, confidence)
    columns = columns_of(x)
    tail = (1.0 - confidence) / 2.0
    low, high = (np.full(columns.counts.shape, np.nan) for _ in range(2))
    usable = np.flatnonzero(columns.counts >= 2)
    if usable.size:
        means = _resampled_means(columns.values[:, usable], generator, mean_block, n_resamples)
        low[usable], high[usable] = np.nanquantile(means, [tail, 1.0 - tail], axis=0)
    return columns.result(low), columns.result(high)


def _check(mean_block: float, n_resamples: int, confidence: float) -> None:
    if not mean_block >= 1.0:
        raise InputError(f"mean_block is at least 1 row, not {mean_block}")
    if n_resamples < 1:
        raise InputError(f"n_resamples is at least 1, not {n_resamples}")
    if not 0.0 < confidence < 1.0:
        raise InputError(f"confidence lies between 0 and 1, not {confidence}")


def _resampled_means(
    values: Floats, generator: Generator, mean_block: float, n_resamples: int
) -> Floats:
    """Return the means of the columns in each resample, shape (n_resamples, k)."""
    missing = np.isnan(values)
    filled, known = np.where(missing, 0.0, values), (~missing).astype(np.float64)
    step = max(_DRAWN_ROWS // len(values), 1)
    means = np.empty((n_resamples, values.shape[1]))
    for start in range(0, n_resamples, step):
        part = means[start : start + step]
        drawn = _draw_counts(generator, len(part), len(values), mean_block)
        with np.errstate(invalid="ignore"):
            part[:] = (drawn @ filled) / (drawn @ known)
    return means


def _draw_counts(generator: Generator, resamples: int, rows: int, mean_block: float) -> Floats:
    """Return how often each resample holds each row, shape (resamples, rows)."""
    drawn = _draw_rows(generator, resamples, rows, mean_block)
    keys = drawn + np.arange(resamples)[:, None] * rows
    counts = np.bincount(keys.reshape(-1), minlength=resamples * rows)
    return counts.reshape(resamples, rows).astype(np.float64)


def _draw_rows(generator: Generator, resamples: int, rows: int, mean_block: float) -> Ints:
    """Return the rows of each resample in the order drawn, shape (resamples, rows)."""
    is_start = generator.random((resamples, rows)) < 1.0 / mean_block
    is_start[:, 0] = True
    anchors = generator.integers(0, rows, (resamples, rows))
    place = np.arange(rows)
    begun = np.maximum.accumulate(np.where(is_start, place, 0), axis=1)
    drawn: Ints = (np.take_along_axis(anchors, begun, axis=1) + place - begun) % rows
    return drawn
