"""Factor values made comparable before they are judged or combined, one date at a time.

Every function takes a wide panel, dates x assets, and returns a new one with the same labels. A row
of the result depends on the same row of the arguments alone, so nothing looks ahead. A missing
value (NaN or infinite) is not used and comes out as NaN; the others of its date go on without it.
Groups are labels by asset (a Series or mapping) or by date and asset (a frame); a value whose group
is not known comes out as NaN.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pandas as pd

from alphalens._blocks import over_blocks
from alphalens.errors import InputError
from alphalens.factors import _sections as sections
from alphalens.factors._grammar import is_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alphalens._cells import Cells

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

Groups: TypeAlias = pd.Series | pd.DataFrame | Mapping[Hashable, object]
Exposures: TypeAlias = pd.DataFrame | Mapping[str, pd.DataFrame] | Sequence[pd.DataFrame]

__all__ = [
    "neutralise",
    "neutralise_by_regression",
    "rank",
    "winsorise",
    "winsorise_mad",
    "zscore",
]


def winsorise(factor: pd.DataFrame, limit: float = 0.01) -> pd.DataFrame:
    r"""Pull the extremes of each date in to its quantiles.

    Parameters
    ----------
    factor : DataFrame of shape (n_dates, n_assets)
        Values in any unit. NaN and infinity stay out and come out as NaN.
    limit : float
        Share of each tail that is pulled in, 0 <= limit < 0.5.

    Returns
    -------
    DataFrame of shape (n_dates, n_assets)
        In the unit of `factor`.

    Raises
    ------
    InputError
        If `limit` is no number in [0, 0.5), or `factor` is no wide frame of numbers.

    Notes
    -----
    .. math:: w_i = \min(\max(x_i, q_{\mathrm{limit}}), q_{1-\mathrm{limit}}),

    with quantiles linear between neighbours. O(n_dates n_assets log n_assets).

    References
    ----------
    .. [1] Dixon, W. J. (1960). Simplified estimation from censored normal samples. Annals of
       Mathematical Statistics 31(2), 385-391. doi:10.1214/aoms/1177705900

    Examples
    --------
    >>> winsorise(pd.DataFrame([[0.0, 1.0, 2.0, 3.0, 94.0]]), limit=0.25).to_numpy().tolist()
    [[1.0, 1.0, 2.0, 3.0, 3.0]]
    """
    if not (is_number(limit) and 0.0 <= limit < 0.5):
        raise InputError(f"limit is the share of one tail, 0 <= limit < 0.5, got {limit!r}")
    return _like(factor, sections.winsorise(_values(factor), limit))


def winsorise_mad(factor: pd.DataFrame, width: float = 5) -> pd.DataFrame:
    r"""Pull values that lie far from the median of their date in to a robust limit.

    Parameters
    ----------
    factor : DataFrame of shape (n_dates, n_assets)
        Values in any unit. NaN and infinity stay out and come out as NaN.
    width : float
        Limit in robust standard deviations, above 0.

    Returns
    -------
    DataFrame of shape (n_dates, n_assets)
        In the unit of `factor`. A date more than half of whose values are equal has a median
        deviation of 0, which measures nothing: it stays as it is.

    Raises
    ------
    InputError
        If `width` is no number above 0, or `factor` is no wide frame of numbers.

    Notes
    -----
    Clips to :math:`m \pm \mathrm{width} \cdot 1.4826 \cdot \mathrm{med}_i |x_i - m|`, m the median;
    the constant makes the deviation that of normal values. O(n_dates n_assets).

    References
    ----------
    .. [1] Hampel, F. R. (1974). The influence curve and its role in robust estimation. Journal of
       the American Statistical Association 69(346), 383-393. doi:10.1080/01621459.1974.10482962

    Examples
    --------
    >>> far = winsorise_mad(pd.DataFrame([[1.0, 2.0, 3.0, 4.0, 99.0]]), width=2)
    >>> far.round(3).to_numpy().tolist()
    [[1.0, 2.0, 3.0, 4.0, 5.965]]
    """
    if not (is_number(width) and width > 0.0):
        raise InputError(f"width counts robust standard deviations and must be > 0, got {width!r}")
    return _like(factor, sections.winsorise_mad(_values(factor), width))


def zscore(factor: pd.DataFrame, by: Groups | None = None) -> pd.DataFrame:
    r"""Give each date, or each group of a date, mean 0 and standard deviation 1.

    Parameters
    ----------
    factor : DataFrame of shape (n_dates, n_assets)
        Values in any unit. NaN and infinity stay out and come out as NaN.
    by : Series or mapping by asset, or DataFrame of dates x assets, optional
        Groups to standardise inside.

    Returns
    -------
    DataFrame of shape (n_dates, n_assets)
        Standard deviations. NaN where a date (or group) has one value or a constant one.

    Raises
    ------
    InputError
        If `factor` is no wide frame of numbers, `by` is of another kind, or they share no asset or
        date.

    Notes
    -----
    :math:`z_i = (x_i - \bar x) / s` with the sample standard deviation s (ddof 1).
    O(n_dates n_assets).

    Examples
    --------
    >>> zscore(pd.DataFrame([[1.0, 2.0, 3.0, None]])).to_numpy().tolist()
    [[-1.0, 0.0, 1.0, nan]]
    """
    values = _values(factor)
    return _like(factor, sections.by_group(sections.zscore, values, _cells(by, factor)))


def rank(
    factor: pd.DataFrame, by: Groups | None = None, to: Literal["uniform", "normal"] = "uniform"
) -> pd.DataFrame:
    r"""Replace values by their ranks on the date, or in the group on the date.

    Parameters
    ----------
    factor : DataFrame of shape (n_dates, n_assets)
        Values in any unit. NaN and infinity stay out and come out as NaN.
    by : Series or mapping by asset, or DataFrame of dates x assets, optional
        Groups to rank inside.
    to : {"uniform", "normal"}
        Ranks as a share of the number of values, in (0, 1]; or as normal scores.

    Returns
    -------
    DataFrame of shape (n_dates, n_assets)
        Ties have the average of their ranks.

    Raises
    ------
    InputError
        If `to` is another word, `factor` is no wide frame of numbers, `by` is of another kind, or
        they share no asset or date.

    Notes
    -----
    With the rank r among n values: :math:`r / n`, or Blom's normal scores
    :math:`\Phi^{-1}((r - 3/8) / (n + 1/4))`. O(n_dates n_assets log n_assets).

    References
    ----------
    .. [1] Blom, G. (1958). Statistical Estimates and Transformed Beta-Variables. Wiley, New York.

    Examples
    --------
    >>> rank(pd.DataFrame([[10.0, 30.0, 10.0, 20.0]])).to_numpy().tolist()
    [[0.375, 1.0, 0.375, 0.75]]
    """
    kernels = {"uniform": sections.share_ranks, "normal": sections.normal_scores}
    if to not in list(kernels):
        raise InputError(f"to must be one of {list(kernels)}, got {to!r}")
    return _like(factor, sections.by_group(kernels[to], _values(factor), _cells(by, factor)))


def neutralise(factor: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    r"""Subtract from each value the mean of its group on the date.

    Parameters
    ----------
    factor : DataFrame of shape (n_dates, n_assets)
        Values in any unit. NaN and infinity stay out and come out as NaN.
    groups : Series or mapping by asset, or DataFrame of dates x assets
        Labels, e.g. sectors.

    Returns
    -------
    DataFrame of shape (n_dates, n_assets)
        In the unit of `factor`; each group has mean 0 on each date, a group of one is 0.

    Raises
    ------
    InputError
        If `factor` is no wide frame of numbers, `groups` is of another kind, or they share no asset
        or date.

    Notes
    -----
    :math:`x_i - \bar x_{g(i)}`. O(n_dates n_assets).

    Examples
    --------
    >>> sectors = pd.Series({"A": "tech", "B": "tech", "C": "oil"})
    >>> neutralise(pd.DataFrame([[1.0, 3.0, 5.0]], columns=list("ABC")), sectors).iloc[0].tolist()
    [-1.0, 1.0, 0.0]
    """
    values = _values(factor)
    return _like(factor, sections.by_group(sections.demean, values, _cells(groups, factor)))


def neutralise_by_regression(
    factor: pd.DataFrame,
    exposures: Exposures,
    groups: Groups | None = None,
    weights: pd.DataFrame | pd.Series | None = None,
) -> pd.DataFrame:
    r"""Return what exposures and groups do not explain of the factor on each date.

    Parameters
    ----------
    factor : DataFrame of shape (n_dates, n_assets)
        Values in any unit. NaN and infinity stay out and come out as NaN.
    exposures : DataFrame, or a mapping or sequence of them
        Panels of regressors (log market value, beta, ...) with the labels of `factor`.
    groups : Series or mapping by asset, or DataFrame of dates x assets, optional
        A dummy for each group takes the place of the constant that is fitted otherwise.
    weights : DataFrame of dates x assets or Series by asset, optional
        Weights of the squared residuals, such as the square root of market value; default: equal.

    Returns
    -------
    DataFrame of shape (n_dates, n_assets)
        Residuals in the unit of `factor`. NaN where the factor, an exposure, the group or the
        weight is missing or the weight is 0; such a cell takes no part in the fit. A date without
        more values than fitted coefficients is NaN: its residuals would be 0 by construction.
        ``attrs["cells_lost"]`` counts the values of `factor` that became NaN.

    Raises
    ------
    InputError
        If a weight is negative, there is no exposure, an argument is of another kind (an exposure
        that does not change over time is a panel too), or labels do not meet.

    Notes
    -----
    .. math:: e = y - X b, \quad b = \arg\min_b \sum_i w_i (y_i - x_i' b)^2 ,

    the constant or the dummies in X. Dummies are projected out first by weighted group means [1]_,
    then the exposures one by one by Gram-Schmidt, each twice [2]_, for many dates at once.
    Collinear exposures are allowed: an exposure of which less than 1e-10 is its own adds nothing,
    and the residual is that of the minimum-norm solution, since all solutions share it.
    O(n_dates n_assets k^2) for k exposures.

    References
    ----------
    .. [1] Lovell, M. C. (1963). Seasonal adjustment of economic time series and multiple regression
       analysis. Journal of the American Statistical Association 58(304), 993-1010.
       doi:10.1080/01621459.1963.10480682
    .. [2] Giraud, L., Langou, J. and Rozloznik, M. (2005). The loss of orthogonality in the
       Gram-Schmidt orthogonalization process. Computers & Mathematics with Applications 50(7),
       1069-1075. doi:10.1016/j.camwa.2005.08.009

    Examples
    --------
    >>> size = pd.DataFrame([[1.0, 2.0, 3.0, 4.0]])
    >>> factor = 2.0 * size + pd.DataFrame([[1.0, -1.0, -1.0, 1.0]])
    >>> neutralise_by_regression(factor, size).round(6).to_numpy().tolist()
    [[1.0, -1.0, -1.0, 1.0]]
    """
    values = _values(factor)
    regressors = [_aligned(panel, factor, "exposures") for panel in _panels(exposures)]
    weighing = np.ones_like(values) if weights is None else _weights(weights, factor)
    codes = np.zeros(values.shape[1], dtype=np.int64) if groups is None else _codes(groups, factor)
    codes = np.broadcast_to(codes, values.shape)
    used = np.logical_and.reduce(
        [np.isfinite(values), weighing > 0.0, codes >= 0, *map(np.isfinite, regressors)]
    )
    residual = np.full_like(values, np.nan)

    def fit(rows: slice) -> None:
        rows_fit = sections.Fit(used[rows], weighing[rows], codes[rows])
        residual[rows] = rows_fit.residual(values[rows], [panel[rows] for panel in regressors])

    over_blocks(fit, len(values), values.shape[1] * (len(regressors) + 2))
    out = _like(factor, residual)
    out.attrs["cells_lost"] = int(np.isfinite(values).sum() - np.isfinite(residual).sum())
    return out


def _panels(exposures: Exposures) -> list[pd.DataFrame]:
    one = pd.DataFrame | pd.Series | np.ndarray | str
    if isinstance(exposures, one) or not isinstance(exposures, Iterable):
        return [exposures]
    panels = list(exposures.values() if isinstance(exposures, Mapping) else exposures)
    if not panels:
        raise InputError("exposures is empty: give at least one panel, or use neutralise(groups)")
    return panels


def _refuse_narrow(panel: object, owner: str) -> None:
    """Refuse anything but a frame of dates x assets."""
    if isinstance(panel, pd.Series) or isinstance(getattr(panel, "index", None), pd.MultiIndex):
        remedy = "unstack what is long, repeat on each date what is by asset"
    elif isinstance(panel, pd.DataFrame):
        return
    else:
        remedy = "give pd.DataFrame(values, index=dates, columns=assets)"
    found = f"of shape {panel.shape}" if hasattr(panel, "shape") else f"{panel!r:.40}"
    raise InputError(
        f"{owner} must be a wide frame, dates x assets, got a {type(panel).__name__} {found}: "
        f"{remedy}"
    )


def _values(factor: pd.DataFrame, owner: str = "factor") -> Floats:
    """Return a wide frame as its own float64 matrix, infinity made NaN."""
    _refuse_narrow(factor, owner)
    try:
        values = factor.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    except (ValueError, TypeError) as error:
        kinds = sorted({str(dtype) for dtype in factor.dtypes})
        raise InputError(f"{owner} must hold numbers, got dtypes {kinds}: {error}") from error
    values[np.isinf(values)] = np.nan
    return values


def _like(factor: pd.DataFrame, values: Floats) -> pd.DataFrame:
    return pd.DataFrame(values, index=factor.index.copy(), columns=factor.columns.copy())


def _aligned(panel: pd.DataFrame, factor: pd.DataFrame, owner: str) -> Floats:
    """Return a panel's values on the labels of the factor."""
    _refuse_narrow(panel, owner)
    return _values(_on_labels(panel, factor, owner), owner)


def _on_labels(panel: pd.DataFrame, factor: pd.DataFrame, owner: str) -> pd.DataFrame:
    if panel.index.equals(factor.index) and panel.columns.equals(factor.columns):
        return panel
    _refuse_strangers(panel.index, factor.index, owner, "date")
    _refuse_strangers(panel.columns, factor.columns, owner, "asset")
    return panel.reindex(index=factor.index, columns=factor.columns)


def _refuse_strangers(own: pd.Index, wanted: pd.Index, owner: str, kind: str) -> None:
    if not own.is_unique:
        raise InputError(f"{owner} repeats {kind} {own[own.duplicated()][0]!r}: keep one of each")
    if len(wanted) and not own.isin(wanted).any():
        raise InputError(
            f"{owner} has no {kind} of factor: it starts with {own[:1].tolist()}, factor with "
            f"{wanted[:1].tolist()}; name them alike"
        )


def _weights(weights: pd.DataFrame | pd.Series, factor: pd.DataFrame) -> Floats:
    """Return the weight of each cell, 0 where it is not known."""
    if isinstance(weights, pd.Series):
        per_asset = _by_asset(weights, factor, "weights").to_frame().T
        wide = np.broadcast_to(_values(per_asset, "weights"), factor.shape)
    else:
        wide = _aligned(weights, factor, "weights")
    if (wide < 0.0).any():
        raise InputError(f"weights must be 0 or more, the smallest is {np.nanmin(wide)}")
    return np.nan_to_num(wide)


def _by_asset(labels: pd.Series, factor: pd.DataFrame, owner: str) -> pd.Series:
    _refuse_strangers(labels.index, factor.columns, owner, "asset")
    return labels.reindex(factor.columns)


def _cells(groups: Groups | None, factor: pd.DataFrame) -> Cells | None:
    if groups is None:
        return None
    return sections.group_cells(_codes(groups, factor), factor.shape)


def _codes(groups: Groups, factor: pd.DataFrame) -> Ints:
    """Return the number of each group, by asset or by date and asset; -1 where it is not known."""
    if isinstance(groups, pd.DataFrame):
        wide = _on_labels(groups, factor, "groups")
        codes, _ = pd.factorize(wide.to_numpy(dtype=object).reshape(-1))
        return codes.astype(np.int64).reshape(factor.shape)
    if not isinstance(groups, pd.Series | Mapping):
        raise InputError(
            "groups must be a Series or mapping by asset, or a DataFrame of dates x assets, got a "
            f"{type(groups).__name__}: give e.g. pd.Series(groups, index=factor.columns)"
        )
    labels = groups if isinstance(groups, pd.Series) else pd.Series(dict(groups), dtype=object)
    codes, _ = pd.factorize(_by_asset(labels, factor, "groups"))
    return codes.astype(np.int64)
