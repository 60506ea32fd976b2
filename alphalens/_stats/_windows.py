"""Observations that do not overlap, and what slow cosines say of the variance of a mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alphalens._stats._columns import Columns, Floats, Ints

    Rows = int | Sequence[int] | Ints

__all__ = ["MIN_WINDOWS", "cosine_variance", "cosines_for", "too_little", "windows_of"]

#: With fewer observations that do not overlap, nothing is said of a mean or a ratio.
MIN_WINDOWS = 10
_LEAST_COSINES = 3
_WINDOWS_PER_COSINE = 3


def windows_of(columns: Columns, rows: Ints) -> Ints:
    """Return how many known observations of each column do not overlap, from the first one on."""
    length = len(columns.values)
    counts = np.where(columns.counts == length, -(-length // rows), columns.counts)
    for place in np.flatnonzero((columns.counts < length) & (rows > 1)):
        counts[place] = _disjoint(np.flatnonzero(~np.isnan(columns.values[:, place])), rows[place])
    return counts


def _disjoint(known: Ints, rows: int) -> int:
    """Return how many of the known rows are so far apart, each the first after the one before."""
    found = place = 0
    while place < len(known):
        found += 1
        place = int(np.searchsorted(known, known[place] + rows))
    return found


def too_little(columns: Columns, rows: Ints, windows: Ints) -> list[str]:
    """Return why nothing can be said of each column, or an empty text."""
    few = zip(columns.flaws, columns.counts, rows, windows, strict=True)
    return [_few(int(n), int(span), int(apart)) or flaw for flaw, n, span, apart in few]


def _few(n: int, rows: int, windows: int) -> str:
    if windows >= MIN_WINDOWS:
        return ""
    if rows == 1:
        return f"n too small: {n} of {MIN_WINDOWS} observations"
    return (
        f"n too small: of {n} observations over {rows} rows each {windows} do not overlap, "
        f"{MIN_WINDOWS} are needed"
    )


def cosines_for(columns: Columns, windows: Ints) -> Ints:
    """Return how many cosines judge the mean of each column; 0 with too few windows."""
    by_rule = np.maximum(0.4 * columns.counts ** (2.0 / 3.0), _LEAST_COSINES).astype(np.int64)
    cosines = np.minimum(by_rule, windows // _WINDOWS_PER_COSINE)
    return np.where(windows >= MIN_WINDOWS, cosines, 0)


@np.errstate(invalid="ignore")  # an infinite observation gives NaN, not a warning
def cosine_variance(columns: Columns, cosines: Ints) -> Floats:
    """Return the long-run variance of each column by so many cosines; NaN without one or a value.

    The known observations are taken as neighbours, so that the cosines stay orthogonal to the mean
    and to each other whatever is missing.
    """
    from scipy.fft import dct

    known = ~np.isnan(columns.values)
    out = np.full(cosines.shape, np.nan)
    is_judged = (cosines > 0) & (columns.counts > 0)
    for n in np.unique(columns.counts[is_judged]):
        chosen = np.flatnonzero((columns.counts == n) & is_judged)
        packed = columns.deviations[:, chosen].T[known[:, chosen].T].reshape(len(chosen), n)
        weights = dct(packed, type=2, norm="ortho", axis=1)[:, 1 : cosines[chosen].max() + 1]
        is_used = np.arange(weights.shape[1]) < cosines[chosen, None]
        out[chosen] = (weights**2 * is_used).sum(axis=1) / cosines[chosen]
    return out
