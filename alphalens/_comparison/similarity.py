"""How much of a factor the others say already: correlations, and what regression leaves."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from alphalens import _kernels as kernels
from alphalens import _ranks as ranking
from alphalens import performance as perf
from alphalens._blocks import over_blocks
from alphalens._comparison.inputs import Aligned, Factors, aligned, clean_frames
from alphalens._comparison.orthogonal import common_scores, spectra
from alphalens.errors import InputError
from alphalens.utils import get_forward_returns_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Method = Literal["spearman", "pearson"]

__all__ = ["factor_correlation", "ic_correlation", "information_coefficients", "redundancy"]

_SINGULAR: Final = 1e-10
"""Eigenvalue of a correlation matrix below which a combination of factors is constant."""

_TAKES_PART: Final = 1e-6
"""Squared weight in such a combination from which a factor is one of those that repeat."""


def factor_correlation(factors: Factors, method: Method = "spearman") -> pd.DataFrame:
    r"""Return the correlation across assets of each pair of factors, averaged over dates.

    Parameters
    ----------
    factors : mapping of str to Series or DataFrame
        Long, wide, or factor_data.
    method : {"spearman", "pearson"}
        Correlation of ranks or of values.

    Returns
    -------
    DataFrame of shape (n_factors, n_factors)
        In [-1, 1], symmetric, 1 on the diagonal. A pair is compared over the assets that have both
        values (and ranked among them); dates on which one side is constant or fewer than two assets
        remain are left out; NaN without any date.

    Raises
    ------
    InputError
        If `method` is another word, or `factors` is empty or no mapping.

    Notes
    -----
    :math:`\frac{1}{T} \sum_t \rho_t`. O(n_dates n_assets (n_factors^2 + n_factors log n_assets)),
    with a sort per pair where the factors cover different assets.

    Examples
    --------
    >>> one = pd.DataFrame([[1.0, 2.0, 3.0]] * 2, index=pd.bdate_range("2024-01-01", periods=2))
    >>> factor_correlation({"one": one, "opposite": -one}).loc["one", "opposite"].item()
    -1.0
    """
    _known_method(method)
    both = aligned(factors)
    is_ranked = method == "spearman"
    ranks = {name: ranking.row_ranks(m) for name, m in both.matrices.items()} if is_ranked else {}
    out = pd.DataFrame(np.nan, index=list(factors), columns=list(factors))
    for name, matrix in both.matrices.items():
        out.loc[name, name] = 1.0 if np.isfinite(matrix).any() else np.nan
    for left, right in combinations(both.matrices, 2):
        pair = (both.matrices[left], both.matrices[right])
        if is_ranked:
            pair = _ranked_together(pair, (ranks[left], ranks[right]))
        mean = _mean(kernels.row_pearson(*pair))
        out.loc[left, right] = out.loc[right, left] = mean
    return out


def _known_method(method: str) -> None:
    if method not in ("spearman", "pearson"):
        raise InputError(f"method must be 'spearman' or 'pearson', got {method!r}")


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else np.nan


def _ranked_together(
    values: tuple[Floats, Floats], ranks: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Return ranks among the assets that have both values; rows with the same gaps keep theirs."""
    gaps = np.isnan(values[0]) | np.isnan(values[1])
    out = []
    for matrix, own in zip(values, ranks, strict=True):
        differs = np.flatnonzero((gaps & ~np.isnan(matrix)).any(axis=1))
        if differs.size:
            own = own.copy()
            own[differs] = ranking.row_ranks(np.where(gaps[differs], np.nan, matrix[differs]))
        out.append(own)
    return out[0], out[1]


def redundancy(factors: Factors, method: Method = "spearman") -> pd.DataFrame:
    r"""Return the share of each factor's variance that the other factors explain.

    Parameters
    ----------
    factors : mapping of str to Series or DataFrame
        At least two; long, wide, or factor_data.
    method : {"spearman", "pearson"}
        Regress ranks (as shares of their number) or values.

    Returns
    -------
    DataFrame of shape (n_factors, 2)
        ``r_squared`` in [0, 1], the mean over dates, and ``dates``, how many had one. A date counts
        if more assets have all factors than there are factors, and none is constant among them.
        NaN without any.

    Raises
    ------
    InputError
        If there are fewer than two factors, or `method` is another word.

    Notes
    -----
    The regression across the assets of a date, with a constant, has
    :math:`R^2_k = 1 - 1 / (C^{-1})_{kk}` with the correlation matrix C of the factors [1]_. It is
    not adjusted: of k unrelated factors, the others explain about (k - 1) / (n - 1) among n assets.
    O(n_dates n_assets n_factors^2).

    References
    ----------
    .. [1] Marquardt, D. W. (1970). Generalized inverses, ridge regression, biased linear
       estimation, and nonlinear estimation. Technometrics 12(3), 591-612. doi:10.2307/1267205

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=2)
    >>> one = pd.DataFrame([[1.0, 2.0, 3.0, 4.0]] * 2, index=dates)
    >>> redundancy({"one": one, "twice": 2 * one})["r_squared"].round(6).tolist()
    [1.0, 1.0]
    """
    _known_method(method)
    both = aligned(factors)
    if len(both.matrices) < 2:
        raise InputError("redundancy needs two factors or more: one has no others to repeat")
    scores = common_scores(both, is_ranked=method == "spearman")
    matrices = list(scores.values())
    shares = np.full((len(both.dates), len(matrices)), np.nan)

    def explain(rows: slice) -> None:
        shares[rows] = _explained(np.stack([matrix[rows] for matrix in matrices], axis=2))

    over_blocks(explain, len(both.dates), len(both.assets) * len(matrices))
    return pd.DataFrame(
        {
            "r_squared": [_mean(column) for column in shares.T],
            "dates": (~np.isnan(shares)).sum(axis=0),
        },
        index=list(scores),
    )


def _explained(cube: Floats) -> Floats:
    """Return R squared of each factor on the others, dates x factors."""
    _, is_there, values, vectors = spectra(cube)
    loadings = vectors**2
    is_null = values <= _SINGULAR
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=~is_null)
    diagonal = np.einsum("tki,ti->tk", loadings, inverse)
    repeats = (loadings * is_null[:, None, :]).sum(axis=2) > _TAKES_PART
    with np.errstate(divide="ignore"):
        shares: Floats = np.where(repeats, 1.0, np.clip(1.0 - 1.0 / diagonal, 0.0, 1.0))
    shares[is_there.sum(axis=1) <= cube.shape[2]] = np.nan
    return shares


def information_coefficients(
    clean: Factors, period: str | None = None, *, is_group_neutral: bool = False
) -> pd.DataFrame:
    """Return the rank information coefficient of each factor, side by side.

    Parameters
    ----------
    clean : mapping of str to DataFrame
        factor_data of each factor, see `clean_factors`.
    period : str, optional
        Forward period such as ``"5D"``; default: the first one.
    is_group_neutral : bool
        Subtract the mean of date and group from the returns first.

    Returns
    -------
    DataFrame of shape (n_dates, n_factors)
        In [-1, 1]; on the union of the dates, NaN where a factor has no coefficient.

    Raises
    ------
    InputError
        If a frame is not factor_data or does not have the period.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02"])
    >>> index = pd.MultiIndex.from_product([dates, list("ABC")], names=["date", "asset"])
    >>> frame = pd.DataFrame({"1D": [0.1, 0.2, 0.3], "factor": [1.0, 2.0, 3.0]}, index=index)
    >>> information_coefficients({"it": frame})["it"].tolist()
    [1.0]
    """
    frames = clean_frames(clean)
    period = period_of(frames, period)
    ics = {
        name: perf.factor_information_coefficient(frame, is_group_neutral)
        for name, frame in frames.items()
    }
    return side_by_side(ics, period)


def side_by_side(frames: Mapping[str, pd.DataFrame], period: str) -> pd.DataFrame:
    """Return one column of each frame on the union of their dates."""
    return pd.concat({name: frame[period] for name, frame in frames.items()}, axis=1, sort=True)


def period_of(frames: Mapping[str, pd.DataFrame], period: str | None) -> str:
    """Return the period asked for, or the first; every frame must have it."""
    periods = {name: list(get_forward_returns_columns(f.columns)) for name, f in frames.items()}
    wanted = next(iter(periods.values()))[:1] if period is None else [period]
    for name, own in periods.items():
        if not wanted or wanted[0] not in own:
            raise InputError(f"{name!r} has no period {(wanted or ['at all'])[0]!r}, only {own}")
    return str(wanted[0])


def ic_correlation(
    clean: Factors, period: str | None = None, *, method: Method = "pearson"
) -> pd.DataFrame:
    """Return the correlation in time of the factors' information coefficients.

    Parameters
    ----------
    clean : mapping of str to DataFrame
        factor_data of each factor, see `clean_factors`.
    period : str, optional
        Forward period; default: the first one.
    method : {"pearson", "spearman"}
        Of the coefficients or of their ranks in time.

    Returns
    -------
    DataFrame of shape (n_factors, n_factors)
        In [-1, 1], over the dates that both factors have; NaN with fewer than two, or where one is
        constant.

    Raises
    ------
    InputError
        If `method` is another word, a frame is not factor_data or does not have the period.

    Notes
    -----
    Two factors may rank assets quite differently and still be right on the same days.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02", "2024-01-03"])
    >>> index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    >>> returns = {"1D": [0.1, 0.2, 0.2, 0.1]}
    >>> up = pd.DataFrame({**returns, "factor": [1.0, 2.0, 1.0, 2.0]}, index=index)
    >>> down = pd.DataFrame({**returns, "factor": [2.0, 1.0, 2.0, 1.0]}, index=index)
    >>> ic_correlation({"up": up, "down": down}).loc["up", "down"].item()
    -1.0
    """
    _known_method(method)
    return information_coefficients(clean, period).corr(method=method)


def coverage_of(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return by date each factor's share of the assets that any of them has."""
    both: Aligned = aligned(frames)
    is_there = {name: ~np.isnan(matrix) for name, matrix in both.matrices.items()}
    anyone = np.logical_or.reduce(list(is_there.values())).sum(axis=1)
    return pd.DataFrame(
        {name: there.sum(axis=1) / anyone for name, there in is_there.items()}, index=both.dates
    )
