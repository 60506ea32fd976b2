"""How much of a factor the others say already: correlations, and what regression leaves."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from alphalens import _kernels as kernels
from alphalens import performance as perf
from alphalens._comparison.inputs import Aligned, Factors, aligned, clean_frames
from alphalens.errors import InputError
from alphalens.factors import preprocessing
from alphalens.utils import get_forward_returns_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Method = Literal["spearman", "pearson"]

__all__ = ["factor_correlation", "ic_correlation", "information_coefficients", "redundancy"]


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
    ranks = {name: kernels.row_ranks(m) for name, m in both.matrices.items()} if is_ranked else {}
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
            own[differs] = kernels.row_ranks(np.where(gaps[differs], np.nan, matrix[differs]))
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
        if more assets have all factors than there are factors. NaN without any.

    Raises
    ------
    InputError
        If there are fewer than two factors, or `method` is another word.

    Notes
    -----
    :math:`R^2_t = 1 - \sum e^2 / \sum (x - \bar x)^2` of the regression with constant across the
    assets of the date. It is not adjusted: of k unrelated factors, the others explain about
    (k - 1) / (n - 1) among n assets. O(n_dates n_assets n_factors^3).

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
    panels = {name: both.wide(matrix) for name, matrix in both.matrices.items()}
    if method == "spearman":
        panels = {name: preprocessing.rank(panel) for name, panel in panels.items()}
    explained = {name: _explained(name, panels) for name in panels}
    return pd.DataFrame(
        {
            "r_squared": {name: _mean(values) for name, values in explained.items()},
            "dates": {name: int((~np.isnan(v)).sum()) for name, v in explained.items()},
        },
        index=list(panels),
    )


def _explained(name: str, panels: Mapping[str, pd.DataFrame]) -> Floats:
    """Return R squared by date of one panel on the others."""
    others = [panel for other, panel in panels.items() if other != name]
    residual = preprocessing.neutralise_by_regression(panels[name], others).to_numpy()
    used = np.where(np.isnan(residual), np.nan, panels[name].to_numpy())
    left, total = np.nansum(residual**2, axis=1), _squares(used)
    out = np.full(len(total), np.nan)
    np.divide(left, total, out=out, where=total > 0.0)
    shares: Floats = np.clip(1.0 - out, 0.0, 1.0)
    return shares


def _squares(matrix: Floats) -> Floats:
    """Return the sum of squared deviations from the mean of each row."""
    deviations = matrix - kernels.row_mean(matrix)[:, None]
    squares: Floats = np.nansum(deviations**2, axis=1)
    return squares


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
