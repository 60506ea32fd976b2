"""The shape of a distribution: third and fourth moments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alphalens._stats._columns import columns_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from alphalens._stats._columns import Floats

__all__ = ["kurtosis", "skewness"]


def skewness(x: ArrayLike) -> Floats:
    r"""Return the skewness of each series.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        NaN is left out.

    Returns
    -------
    float or ndarray of shape (k,)
        Without unit, 0 for a symmetric series. NaN where a series does not vary.

    Notes
    -----
    .. math:: \gamma_3 = m_3 / m_2^{3/2}, \quad m_j = \tfrac1n \sum_t (x_t - \bar x)^j .

    Population moments, without a correction for small samples: what the standard error of a Sharpe
    ratio asks for. O(n k).

    Examples
    --------
    >>> round(float(skewness([1.0, 1.0, 1.0, 5.0])), 4)
    1.1547
    """
    return _standard_moment(x, 3)


def kurtosis(x: ArrayLike) -> Floats:
    r"""Return the kurtosis of each series; 3 is that of a normal distribution.

    Parameters
    ----------
    x : array of shape (n,) or (n, k)
        NaN is left out.

    Returns
    -------
    float or ndarray of shape (k,)
        Without unit, at least 1. NaN where a series does not vary.

    Notes
    -----
    .. math:: \gamma_4 = m_4 / m_2^2, \quad m_j = \tfrac1n \sum_t (x_t - \bar x)^j .

    Population moments, not in excess of the normal one. O(n k).

    Examples
    --------
    >>> float(kurtosis([-1.0, 1.0]))
    1.0
    """
    return _standard_moment(x, 4)


@np.errstate(invalid="ignore", divide="ignore")  # no variation: NaN
def _standard_moment(x: ArrayLike, order: int) -> Floats:
    columns = columns_of(x)
    scaled = columns.deviations / np.sqrt(columns.variance)
    return columns.result(columns.average(scaled**order))
