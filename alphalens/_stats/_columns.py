"""One series or many: the columns that every statistic here works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Series side by side, and what every statistic asks of them first.

    Attributes
    ----------
    values : ndarray of shape (n, k)
        NaN where a period has no value.
    deviations : ndarray of shape (n, k)
        Values less their mean; 0 where there is none, and throughout a column that does not vary,
        which its rounded mean would leave dust in.
    mean : ndarray of shape (k,)
        NaN without any value.
    counts : ndarray of shape (k,), int64
        Values that are not NaN.
    shape : tuple
        Shape of a result: () for one series, (k,) for columns.
    """

    values: Floats
    deviations: Floats
    mean: Floats
    counts: Ints
    shape: tuple[int, ...]

    @property
    def variance(self) -> Floats:
        """Return the population variance (divisor: the count); NaN without any value."""
        return self.average(self.deviations**2)

    def average(self, terms: Floats) -> Floats:
        """Return the mean over the known values of terms that are 0 at the others."""
        with np.errstate(divide="ignore", invalid="ignore"):
            out: Floats = terms.sum(axis=0) / self.counts
        return out

    @property
    def flaws(self) -> list[str]:
        """Return why each column has no variance to judge its mean by, or an empty text."""
        return [_flaw(int(n), float(v)) for n, v in zip(self.counts, self.variance, strict=True)]

    def result(self, figures: Floats) -> Floats:
        """Return figures of shape (k,) as a number for one series."""
        out: Floats = figures.reshape(self.shape)[()]
        return out

    def whole(self, figures: Ints) -> Ints:
        """Return whole figures of shape (k,) as a number for one series."""
        out: Ints = figures.reshape(self.shape)[()]
        return out

    def whole_numbers(self, given: ArrayLike, name: str, least: int) -> Ints:
        """Return one whole number per column from one number, or one for each."""
        numbers, width = np.asarray(given), self.values.shape[1]
        is_whole = numbers.dtype.kind in "iu" and numbers.shape in ((), (width,))
        if not is_whole or (numbers < least).any():
            raise InputError(
                f"{name} are a whole number from {least} on, or one for each of the {width} "
                f"columns, not {given!r}"
            )
        return np.broadcast_to(numbers, (width,)).astype(np.int64)


@np.errstate(invalid="ignore", over="ignore")  # an infinite value gives NaN, not a warning
def columns_of(x: ArrayLike) -> Columns:
    """Return the columns of one series of shape (n,) or of several of shape (n, k)."""
    given = np.asarray(x, dtype=np.float64)
    if given.ndim not in (1, 2):
        raise InputError(
            f"give one series of shape (n,) or columns of shape (n, k), not shape {given.shape}"
        )
    values = given[:, None] if given.ndim == 1 else given
    missing = np.isnan(values)
    counts = (~missing).sum(axis=0)
    total = np.where(missing, 0.0, values).sum(axis=0)
    mean = np.full(values.shape[1], np.nan)
    np.divide(total, counts, out=mean, where=counts > 0)
    deviations = np.where(missing, 0.0, values - mean)
    low = np.where(missing, np.inf, values).min(axis=0, initial=np.inf)
    high = np.where(missing, -np.inf, values).max(axis=0, initial=-np.inf)
    deviations[:, low == high] = 0.0
    return Columns(values, deviations, mean, counts, given.shape[1:])


def _flaw(n: int, variance: float) -> str:
    if n < 2:
        return f"n too small: {n} of 2 observations"
    if np.isnan(variance):
        return "an observation is infinite"
    return "no variation: all observations are equal" if variance == 0.0 else ""
