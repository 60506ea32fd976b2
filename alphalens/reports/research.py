"""What was traded beside the research, by the same factor arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from alphalens.errors import InputError
from alphalens.performance import (
    compute_mean_returns_spread,
    factor_information_coefficient,
    factor_rank_autocorrelation,
    mean_return_by_quantile,
    quantile_turnover,
)
from alphalens.reports.measure import Measure, known, unknown
from alphalens.utils import get_forward_returns_columns

__all__ = ["MIN_INDEPENDENT", "FactorQuality", "FactorSide", "compare_factor", "factor_quality"]

#: Independent observations below which no deviation, t-statistic or share is given.
MIN_INDEPENDENT = 10
_BPS = 1e4


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorQuality:
    """How well the factor told one forward return.

    Attributes
    ----------
    period : str
        The horizon, such as ``5D`` (trading days).
    n_dates : int
        Dates with an information coefficient.
    overlap : float
        How many neighbouring dates share a return window, at least 1.
    ic : Series
        Rank information coefficient by date; NaN where there was none.
    ic_mean, ic_std, ic_t : Measure
        Mean, standard deviation, and t-statistic of the mean corrected for the overlap.
    hit_rate : Measure
        Share of dates with a positive coefficient.
    spread_bps, spread_t : Measure
        Mean return of the highest quantile less the lowest, in bps per horizon, and its
        t-statistic corrected for the overlap.
    """

    period: str
    n_dates: int
    overlap: float
    ic: pd.Series[float]
    ic_mean: Measure
    ic_std: Measure
    ic_t: Measure
    hit_rate: Measure
    spread_bps: Measure
    spread_t: Measure

    @property
    def n_independent(self) -> float:
        """Return how many observations without a common window the dates are worth."""
        return self.n_dates / self.overlap


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorSide:
    """One factor frame, judged: the research, or what was traded.

    Attributes
    ----------
    first, last : Timestamp or None
        The dates; None for an empty frame.
    n_dates : int
        Dates in the frame.
    spacing_days : float
        Median distance of neighbouring dates in weekdays; NaN below two dates.
    lag_days : float
        Distance in weekdays at which ranks and quantiles were compared, for the two below.
    rank_autocorrelation : Measure
        Mean correlation of the ranks with those `lag_days` before.
    turnover_top, turnover_bottom : Measure
        Mean share of names in the highest and lowest quantile that were not in it `lag_days`
        before.
    quantile_returns_bps : DataFrame
        Mean return of each quantile less the universe's, in bps per horizon; shape
        (n_quantiles, n_periods).
    horizons : tuple of FactorQuality
        One per forward return.
    """

    first: pd.Timestamp | None
    last: pd.Timestamp | None
    n_dates: int
    spacing_days: float
    lag_days: float
    rank_autocorrelation: Measure
    turnover_top: Measure
    turnover_bottom: Measure
    quantile_returns_bps: pd.DataFrame
    horizons: tuple[FactorQuality, ...]


def compare_factor(research: pd.DataFrame, live: pd.DataFrame) -> tuple[FactorSide, FactorSide]:
    """Return both frames judged alike; `research` looks back as far as `live` does.

    Parameters
    ----------
    research, live : DataFrame
        Clean factor data (forward returns, ``factor``, ``factor_quantile`` by date and asset)
        with the same forward returns: the whole history, and the dates that were traded.

    Returns
    -------
    tuple of FactorSide
        Research, then live. Rank autocorrelation and turnover of both are over the spacing
        of the live dates, so that a daily history compares with weekly decisions.

    Raises
    ------
    InputError
        If the two frames have different forward returns.
    """
    periods = [list(_periods(frame)) for frame in (research, live)]
    if periods[0] != periods[1]:
        raise InputError(
            f"research has the forward returns {periods[0]} and live has {periods[1]}: clean "
            f"both with the same periods"
        )
    spacings = [_spacing(_dates(frame)) for frame in (research, live)]
    known_spacings = all(math.isfinite(spacing) for spacing in spacings)
    lag = max(1, round(spacings[1] / spacings[0])) if known_spacings else 1
    return _side(research, lag=lag), _side(live, lag=1)


def factor_quality(factor_data: pd.DataFrame, period: str) -> FactorQuality:
    r"""Return how well a factor told the forward return `period`.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data; any calendar on its dates is ignored, its dates are taken as they are.
    period : str
        Name of a forward return column, such as ``5D``.

    Returns
    -------
    FactorQuality
        A mean is given from one date on; what infers something from it only from
        `MIN_INDEPENDENT` independent observations on.

    Notes
    -----
    Returns over a horizon of :math:`H` trading days, taken every :math:`d` days, overlap
    :math:`o = \max(1, H/d)` at a time, and a plain t-statistic is too large. When the windows
    are all that neighbours share, their correlation falls linearly to zero at lag :math:`o`,
    the variance of the mean grows by :math:`1 + 2\sum_{k<o}(1 - k/o) = o`, and

    .. math:: t = \frac{\bar x}{s} \sqrt{n / o} .

    References
    ----------
    .. [1] Hansen, L. P. and Hodrick, R. J. (1980). Forward exchange rates as optimal
       predictors of future spot rates. Journal of Political Economy 88(5), 829-853.
       doi:10.1086/260910
    """
    frame = _without_calendar(factor_data)
    ic = factor_information_coefficient(frame[[period, "factor"]])[period]
    spacing = _spacing(_dates(frame))
    horizon = pd.Timedelta(period) / pd.Timedelta(days=1)
    overlap = max(1.0, horizon / spacing) if math.isfinite(spacing) else 1.0
    spread = _spread(frame, period)
    return FactorQuality(
        period=period,
        n_dates=int(ic.count()),
        overlap=overlap,
        ic=ic.rename(period),
        ic_mean=_mean(ic),
        ic_std=_if_enough(ic, overlap, float(ic.std(ddof=1))),
        ic_t=_t_statistic(ic, overlap),
        hit_rate=_if_enough(ic, overlap, float((ic.dropna() > 0).mean())),
        spread_bps=_mean(spread * _BPS),
        spread_t=_t_statistic(spread, overlap),
    )


def _side(frame: pd.DataFrame, *, lag: int) -> FactorSide:
    plain = _without_calendar(frame)
    dates = _dates(plain)
    spacing = _spacing(dates)
    quantiles = plain["factor_quantile"]
    autocorrelation = factor_rank_autocorrelation(plain[["factor"]], period=lag)
    top, bottom = (
        quantile_turnover(quantiles, label, period=lag) if len(quantiles) else quantiles
        for label in (quantiles.max(), quantiles.min())
    )
    means, _ = mean_return_by_quantile(plain)
    return FactorSide(
        first=dates[0] if len(dates) else None,
        last=dates[-1] if len(dates) else None,
        n_dates=len(dates),
        spacing_days=spacing,
        lag_days=lag * spacing,
        rank_autocorrelation=_mean(autocorrelation),
        turnover_top=_mean(top),
        turnover_bottom=_mean(bottom),
        quantile_returns_bps=means * _BPS,
        horizons=tuple(factor_quality(plain, period) for period in _periods(plain)),
    )


def _spread(frame: pd.DataFrame, period: str) -> pd.Series[float]:
    """Return of the highest quantile less the lowest, by date; empty if there is but one."""
    if frame["factor_quantile"].nunique() < 2:
        return pd.Series(dtype="float64")
    means, _ = mean_return_by_quantile(frame[[period, "factor", "factor_quantile"]], by_date=True)
    labels = means.index.get_level_values("factor_quantile")
    difference, _ = compute_mean_returns_spread(means, labels.max(), labels.min())
    return difference[period]


def _without_calendar(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop unused dates and the calendar: metrics then keep to the dates that are there.

    On a daily calendar a frame of weekly dates would be filled with empty days, and nothing
    could be compared with the row before.
    """
    index = cast(pd.MultiIndex, frame.index).remove_unused_levels()
    dates = pd.DatetimeIndex(index.levels[0], copy=True)
    dates.freq = None  # type: ignore[misc]  # it can be set, whatever the stubs say
    plain = frame.copy()
    plain.index = index.set_levels(list(dates), level=0)
    return plain


def _periods(frame: pd.DataFrame) -> pd.Index[str]:
    return get_forward_returns_columns(frame.columns)


def _dates(frame: pd.DataFrame) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(frame.index.get_level_values(0)).unique().sort_values()


def _spacing(dates: pd.DatetimeIndex) -> float:
    """Median distance of neighbouring dates, in weekdays; at least 1, NaN below two dates."""
    if len(dates) < 2:
        return math.nan
    days = dates.tz_localize(None).to_numpy().astype("datetime64[D]")
    return max(1.0, float(np.median(np.busday_count(days[:-1], days[1:]))))


def _mean(values: pd.Series[float]) -> Measure:
    if not values.count():
        return unknown("n too small: no observation")
    return known(float(values.mean()))


def _if_enough(values: pd.Series[float], overlap: float, value: float) -> Measure:
    independent = values.count() / overlap
    if independent < MIN_INDEPENDENT:
        return unknown(f"n too small: {independent:.0f} of {MIN_INDEPENDENT} independent")
    return known(value)


def _t_statistic(values: pd.Series[float], overlap: float) -> Measure:
    spread = float(values.std(ddof=1))
    error = spread / math.sqrt(max(values.count(), 1) / overlap)
    return _if_enough(values, overlap, float(values.mean()) / error if error > 0 else math.nan)
