"""Several factors as one, weighted by what was known of them on each date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from alphalens import performance as perf
from alphalens._comparison.cleaning import refuse_odd_prices
from alphalens._comparison.inputs import Aligned, Factors, aligned
from alphalens._forward import look_ahead
from alphalens._given import is_whole
from alphalens.errors import InputError
from alphalens.factors import preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

    Rule = Callable[[Floats], Floats]

Method = Literal["equal", "ic", "icir", "shrinkage"]

__all__ = ["Combination", "combine", "shrunk_covariance"]

_LEAST: Final = 2
"""Observations without which a mean has no spread."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Combination:
    """Factors combined into one.

    Attributes
    ----------
    factor : Series
        The combination by date and asset, named ``combined``; rows where it has a value.
    weights : DataFrame of shape (n_dates, n_factors)
        Weight of each factor's score, absolute values summing to 1 on each date. NaN on dates
        without enough history, 0 for a factor that alone has too little.
    ic : DataFrame of shape (n_dates, n_factors), or None
        Rank information coefficient of each date; None for ``"equal"``.
    known_at : Series, or None
        When the coefficient of each date was known: the time of the price that ends its forward
        returns; NaT where prices do not reach that far. None for ``"equal"``.
    """

    factor: pd.Series[float]
    weights: pd.DataFrame
    ic: pd.DataFrame | None
    known_at: pd.Series | None


def combine(
    factors: Factors,
    method: Method = "equal",
    *,
    prices: pd.DataFrame | None = None,
    period: int = 1,
    window: int | None = None,
    min_history: int = 60,
    score: Literal["zscore", "rank"] = "zscore",
) -> Combination:
    r"""Combine factors with weights from what was known on each date.

    Parameters
    ----------
    factors : mapping of str to Series or DataFrame
        Long, wide, or factor_data. Give them up to today: dates that have no forward return yet are
        combined too.
    method : {"equal", "ic", "icir", "shrinkage"}
        Equal weights; in proportion to the mean information coefficient (IC) of each factor, or to
        its mean over its standard deviation; or the weights of the best ratio of mean to deviation
        of the combined IC, by a shrunk covariance.
    prices : DataFrame of shape (times, assets), optional
        Needed by all methods but ``"equal"``.
    period : int
        Rows of `prices` ahead that the IC looks, at least 1.
    window : int, optional
        Number of latest known ICs that count; default: all of them.
    min_history : int
        Known ICs that a factor needs before it gets a weight, at least 2.
    score : {"zscore", "rank"}
        What is added up: standard scores, or the normal scores of ranks, of each date.

    Returns
    -------
    Combination
        A factor that an asset lacks scores 0, the mean of its date: what is not known speaks
        neither for nor against it, so an asset with few factors comes out nearer to 0 than one with
        all, never louder [3]_. NaN, and no row, without any factor that has a weight.

    Raises
    ------
    InputError
        If an argument is out of its range or no whole number where it counts rows, or `prices` is
        missing or no frame.

    Notes
    -----
    The IC of a date is known `period` price rows later, and enters the weights of dates from that
    time on, never before: prices after a date cannot move its combination.

    With the mean :math:`\bar c` and covariance :math:`S` of the ICs known,

    .. math:: w \propto 1, \quad \bar c, \quad \bar c / \sqrt{\operatorname{diag} S}, \quad
       \hat S^{-1} \bar c,

    where :math:`\hat S` is :math:`S` shrunk to a multiple of the identity [1]_, over the dates on
    which all factors that qualify have an IC. Ratio-optimal weights are those of [2]_.
    O(n_dates (n_assets n_factors + window n_factors^2)).

    References
    ----------
    .. [1] Ledoit, O. and Wolf, M. (2004). A well-conditioned estimator for large-dimensional
       covariance matrices. Journal of Multivariate Analysis 88(2), 365-411.
       doi:10.1016/S0047-259X(03)00096-4
    .. [2] Qian, E. E., Hua, R. H. and Sorensen, E. H. (2007). Quantitative Equity Portfolio
       Management: Modern Techniques and Applications. Chapman & Hall/CRC, chapter 7.
    .. [3] Chen, A. Y. and McCoy, J. (2024). Missing values handling for machine learning
       portfolios. Journal of Financial Economics 155. arXiv:2207.13071

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=1)
    >>> one = pd.DataFrame({"A": [1.0], "B": [2.0], "C": [3.0]}, index=dates)
    >>> two = pd.DataFrame({"A": [3.0], "B": [2.0], "C": [1.0]}, index=dates)
    >>> combine({"one": one, "two": two}).factor.tolist()
    [0.0, 0.0, 0.0]
    """
    _checked(method, prices, score=score, period=period, window=window, min_history=min_history)
    both = aligned(factors)
    if prices is None or method == "equal":
        even = np.full((len(both.dates), len(both.matrices)), 1.0 / len(both.matrices))
        return _combination(both, even, score, None, None)
    ic, known_at = _history(both, prices, period)
    ends = _known_rows(known_at, both.dates)
    weights = _weights(ic.to_numpy(), ends, _RULES[method], window, min_history)
    return _combination(both, weights, score, ic, known_at)


def _checked(
    method: str,
    prices: pd.DataFrame | None,
    *,
    score: str,
    period: int,
    window: int | None,
    min_history: int,
) -> None:
    if method not in ("equal", *_RULES):
        raise InputError(f"method must be one of {['equal', *_RULES]}, got {method!r}")
    if method != "equal" and prices is None:
        raise InputError(f"method={method!r} weighs by past returns: give prices")
    if score not in ("zscore", "rank"):
        raise InputError(f"score must be 'zscore' or 'rank', got {score!r}")
    if prices is not None:
        refuse_odd_prices(prices)
    _check_count("period", period, 1)
    _check_count("min_history", min_history, _LEAST)
    if window is None:
        return
    _check_count("window", window, _LEAST)
    if window < min_history:
        raise InputError(f"window={window} can never hold min_history={min_history} coefficients")


def _check_count(name: str, value: object, least: int) -> None:
    if not is_whole(value) or value < least:
        raise InputError(f"{name} counts rows, in whole numbers from {least}, got {value!r}")


def _history(both: Aligned, prices: pd.DataFrame, period: int) -> tuple[pd.DataFrame, pd.Series]:
    """Return the IC of each factor by date, and when it was known."""
    everywhere = both.long(np.zeros((len(both.dates), len(both.assets))), "factor")
    ahead = look_ahead(everywhere, prices, (period,), filter_zscore=None, is_cumulative=True)
    forward = ahead.long(ahead.matrix(period, is_filtered=False))
    columns = {}
    for name, matrix in both.matrices.items():
        values = matrix.reshape(-1)
        has_both = np.isfinite(values) & np.isfinite(forward)
        # The coefficient does not depend on the name of the period.
        frame = pd.DataFrame({"1D": forward, "factor": values}, everywhere.index)[has_both]
        columns[name] = pd.Series(np.nan, both.dates)
        if len(frame):
            ic = perf.factor_information_coefficient(frame)["1D"]
            columns[name] = ic.reindex(both.dates)
    return pd.DataFrame(columns), _known_at(both.dates, ahead.times, period)


def _known_at(dates: pd.DatetimeIndex, times: pd.DatetimeIndex, period: int) -> pd.Series:
    """Return the time of the price `period` rows after each date; NaT where there is none."""
    row = times.get_indexer(dates)
    is_there = (row >= 0) & (row + period < len(times))
    found = times[np.where(is_there, row + period, 0)].to_series(index=dates)
    return found.where(is_there).rename("known_at")


def _known_rows(known_at: pd.Series, dates: pd.DatetimeIndex) -> Ints:
    """Return for each date how many of the dates before have a coefficient that is known."""
    times = pd.DatetimeIndex(known_at)
    never = np.iinfo(np.int64).max
    stamps = np.where(times.isna(), never, times.as_unit("ns").asi8)
    # A date that prices do not have has no coefficient: it is known with the one before it.
    stamps = np.minimum.accumulate(stamps[::-1])[::-1]
    counts = np.searchsorted(stamps, dates.as_unit("ns").asi8, side="right")
    return counts.astype(np.int64)


def _weights(ic: Floats, ends: Ints, rule: Rule, window: int | None, min_history: int) -> Floats:
    """Return the weights of each date from the first `ends` rows of the coefficients."""
    out = np.full((len(ends), ic.shape[1]), np.nan)
    last, row = -1, np.full(ic.shape[1], np.nan)
    for date, end in enumerate(ends):
        if end != last:
            row = _row_weights(_latest(ic[:end], window), rule, min_history)
            last = int(end)
        out[date] = row
    return out


def _latest(known: Floats, window: int | None) -> Floats:
    """Return the last `window` rows with a coefficient."""
    known = known[~np.isnan(known).all(axis=1)]
    return known if window is None else known[-window:]


def _row_weights(known: Floats, rule: Rule, min_history: int) -> Floats:
    """Return weights whose absolute values sum to 1; NaN where there is too little history."""
    out = np.full(known.shape[1], np.nan)
    qualified = (~np.isnan(known)).sum(axis=0) >= min_history
    if not qualified.any():
        return out
    raw = rule(known[:, qualified])
    gross = np.abs(raw).sum()
    if np.isfinite(gross) and gross > 0.0:
        out[:] = 0.0
        out[qualified] = raw / gross
    return out


def _mean(known: Floats) -> Floats:
    means: Floats = np.nanmean(known, axis=0)
    return means


def _ratio(known: Floats) -> Floats:
    """Return mean over deviation; NaN where a coefficient never changed."""
    deviation = np.nanstd(known, axis=0, ddof=1)
    out = np.full(known.shape[1], np.nan)
    np.divide(np.nanmean(known, axis=0), deviation, out=out, where=deviation > 0.0)
    return out


def _optimal(known: Floats) -> Floats:
    """Return the covariance, shrunk, inverted, times the mean; NaN without a covariance."""
    complete = known[~np.isnan(known).any(axis=1)]
    if len(complete) < _LEAST:
        return np.full(known.shape[1], np.nan)
    covariance, _ = shrunk_covariance(complete)
    if not np.trace(covariance) > 0.0:
        return np.full(known.shape[1], np.nan)
    weights: Floats = np.linalg.lstsq(covariance, complete.mean(axis=0), rcond=None)[0]
    return weights


_RULES: Final[dict[str, Rule]] = {"ic": _mean, "icir": _ratio, "shrinkage": _optimal}


def shrunk_covariance(observations: Floats) -> tuple[Floats, float]:
    r"""Return the covariance of Ledoit and Wolf, and how far it was shrunk.

    Parameters
    ----------
    observations : ndarray of shape (n, k)
        Rows are observations, at least two; without NaN.

    Returns
    -------
    covariance : ndarray of shape (k, k)
        Divisor n.
    shrinkage : float
        In [0, 1]; 1 leaves a multiple of the identity.

    Notes
    -----
    With :math:`\|A\|^2 = \operatorname{tr}(AA')/k`, :math:`m = \operatorname{tr}(S)/k`,
    :math:`d^2 = \|S - mI\|^2` and
    :math:`b^2 = \min(d^2, n^{-2} \sum_i \|x_i x_i' - S\|^2)`: the shrinkage is
    :math:`b^2/d^2` and the covariance :math:`(b^2/d^2)\, mI + (1 - b^2/d^2) S`, see `combine` for
    the source. O(n k^2).

    Examples
    --------
    >>> shrunk_covariance(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]))[1]
    1.0
    """
    count, width = observations.shape
    moved = observations - observations.mean(axis=0)
    sample = moved.T @ moved / count
    level = float(np.trace(sample)) / width
    target = level * np.eye(width)
    distance = float(((sample - target) ** 2).sum())
    lengths = np.einsum("ij,ij->i", moved, moved)
    noise = (float(lengths @ lengths) / count - float((sample**2).sum())) / count
    if distance <= np.finfo(float).eps * level**2:
        return target, 1.0
    shrinkage = min(max(noise, 0.0), distance) / distance
    return shrinkage * target + (1.0 - shrinkage) * sample, shrinkage


def _combination(
    both: Aligned,
    weights: Floats,
    score: str,
    ic: pd.DataFrame | None,
    known_at: pd.Series | None,
) -> Combination:
    """Add up the scores, by the weights of their date."""
    total = np.zeros((len(both.dates), len(both.assets)))
    is_known = np.zeros(total.shape, dtype=np.bool_)
    for number, matrix in enumerate(both.matrices.values()):
        panel = both.wide(matrix)
        scored = preprocessing.zscore(panel) if score == "zscore" else _normal(panel)
        values, weight = scored.to_numpy(), weights[:, number, None]
        counts = ~np.isnan(values) & (np.abs(weight) > 0.0)
        total += np.where(counts, values * weight, 0.0)
        is_known |= counts
    return Combination(
        factor=both.long(np.where(is_known, total, np.nan), "combined"),
        weights=pd.DataFrame(weights, index=both.dates, columns=list(both.matrices)),
        ic=ic,
        known_at=known_at,
    )


def _normal(panel: pd.DataFrame) -> pd.DataFrame:
    return preprocessing.rank(panel, to="normal")
