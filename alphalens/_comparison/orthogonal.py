"""Factors made uncorrelated with each other on each date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from alphalens._blocks import over_blocks
from alphalens._comparison.inputs import Aligned, Factors, aligned
from alphalens.errors import InputError
from alphalens.factors import preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

__all__ = ["orthogonalise"]

_NOTHING_OWN: Final = 1e-8
"""Deviation, or eigenvalue of the correlation matrix, below which a factor repeats the others."""


def orthogonalise(
    factors: Factors,
    order: Sequence[str] | None = None,
    method: Literal["gram-schmidt", "symmetric"] = "gram-schmidt",
) -> dict[str, pd.Series[float]]:
    r"""Return factors that are uncorrelated across the assets of each date.

    Parameters
    ----------
    factors : mapping of str to Series or DataFrame
        Long, wide, or factor_data.
    order : sequence of str, optional
        For ``"gram-schmidt"``, all names from the one that is kept whole to the one that keeps only
        what is new; default: the order of the mapping.
    method : {"gram-schmidt", "symmetric"}
        One after the other; or all at once, each as close to its original as can be, whatever the
        order.

    Returns
    -------
    dict of str to Series
        By name, in the order of `factors`; each by date and asset, mean 0 and standard deviation 1
        (ddof 1) on each date. Only assets that have all factors on the date have a row; none does
        where a factor is constant. A factor has no row on a date where it repeats those before it
        (gram-schmidt), or where any repeats others (symmetric).

    Raises
    ------
    InputError
        If `order` is not the names of `factors`, or is given for ``"symmetric"``, or `method` is
        another word.

    Notes
    -----
    With the standardised factors as columns of Z and their correlation matrix C, both by date:
    gram-schmidt standardises the residual of the regression of each column on those before it;
    symmetric gives :math:`Z C^{-1/2}`, of all orthonormal sets the nearest to Z in least squares
    [1]_ [2]_. O(n_dates n_assets n_factors^3).

    References
    ----------
    .. [1] Lowdin, P.-O. (1950). On the non-orthogonality problem connected with the use of atomic
       wave functions in the theory of molecules and crystals. Journal of Chemical Physics 18(3),
       365-375. doi:10.1063/1.1747632
    .. [2] Klein, R. F. and Chow, V. K. (2013). Orthogonalized factors and systematic risk
       decomposition. Quarterly Review of Economics and Finance 53(2), 175-187.
       doi:10.1016/j.qref.2013.02.003

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=1)
    >>> one = pd.DataFrame([[1.0, 1.0, -1.0, -1.0]], index=dates)
    >>> two = pd.DataFrame([[2.0, 0.0, 0.0, -2.0]], index=dates)
    >>> apart = orthogonalise({"one": one, "two": two})
    >>> round(float(apart["one"] @ apart["two"]), 6), apart["two"].round(3).tolist()
    (0.0, [0.866, -0.866, 0.866, -0.866])
    """
    both = aligned(factors)
    if method not in ("gram-schmidt", "symmetric"):
        raise InputError(f"method must be 'gram-schmidt' or 'symmetric', got {method!r}")
    if order is not None and method == "symmetric":
        raise InputError("order has no meaning for method='symmetric': leave it out")
    names = list(both.matrices) if order is None else list(order)
    if sorted(names) != sorted(both.matrices):
        raise InputError(f"order must hold each of {list(both.matrices)} once, got {names}")
    scores = common_scores(both)
    if method == "symmetric":
        apart = _all_at_once(scores)
    else:
        apart = _one_by_one({name: both.wide(scores[name]) for name in names})
    return {name: both.long(apart[name], name) for name in both.matrices}


def _one_by_one(scores: Mapping[str, pd.DataFrame]) -> dict[str, Floats]:
    """Return what each factor adds to those before it, standardised."""
    out: dict[str, Floats] = {}
    before: list[pd.DataFrame] = []
    for name, score in scores.items():
        own = preprocessing.neutralise_by_regression(score, before) if before else score
        is_new = (own.std(axis=1) > _NOTHING_OWN).to_numpy()[:, None]
        out[name] = np.where(is_new, preprocessing.zscore(own).to_numpy(), np.nan)
        before.append(score)
    return out


def _all_at_once(scores: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return Z C^(-1/2) of each date."""
    matrices = list(scores.values())
    out = [np.empty_like(matrix) for matrix in matrices]

    def turn(rows: slice) -> None:
        turned = _nearest_apart(np.stack([matrix[rows] for matrix in matrices], axis=2))
        for number, matrix in enumerate(out):
            matrix[rows] = turned[:, :, number]

    over_blocks(turn, len(matrices[0]), matrices[0].shape[1] * len(matrices))
    return dict(zip(scores, out, strict=True))


def _nearest_apart(cube: Floats) -> Floats:
    """Return the nearest uncorrelated columns of each matrix in a stack of them."""
    filled, is_there, values, vectors = spectra(cube)
    root = np.full(values.shape, np.nan)
    np.divide(1.0, np.sqrt(np.abs(values)), out=root, where=values > _NOTHING_OWN)
    turned: Floats = np.matmul(
        filled, np.matmul(vectors * root[:, None, :], vectors.transpose(0, 2, 1))
    )
    turned[~is_there] = np.nan
    return turned


def spectra(cube: Floats) -> tuple[Floats, Bools, Floats, Floats]:
    """Return scores with 0 for NaN, which rows are whole, and the spectrum of their correlations.

    `cube` holds standard scores, dates x assets x factors; the last two results are eigenvalues,
    dates x factors, and eigenvectors as columns, dates x factors x factors.
    """
    is_there: Bools = ~np.isnan(cube).any(axis=2)  # type: ignore[assignment]  # never a scalar
    filled = np.where(is_there[:, :, None], cube, 0.0)
    freedom = np.maximum(is_there.sum(axis=1) - 1, 1)[:, None, None]
    values, vectors = np.linalg.eigh(np.matmul(filled.transpose(0, 2, 1), filled) / freedom)
    return filled, is_there, values, vectors


def common_scores(both: Aligned, *, is_ranked: bool = False) -> dict[str, Floats]:
    """Return standard scores of each date over the assets that have all factors.

    Dates on which a factor is constant among them are NaN for all.
    """
    has_all = np.logical_and.reduce([~np.isnan(m) for m in both.matrices.values()])
    scores = {}
    for name, matrix in both.matrices.items():
        panel = both.wide(np.where(has_all, matrix, np.nan))
        panel = preprocessing.rank(panel) if is_ranked else panel
        scores[name] = preprocessing.zscore(panel).to_numpy()
    varies = np.logical_and.reduce([~np.isnan(score).all(axis=1) for score in scores.values()])
    return {name: np.where(varies[:, None], score, np.nan) for name, score in scores.items()}
