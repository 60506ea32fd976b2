"""Does the edge live: the live record against the research distribution, by one arithmetic.

Research and live go through the same functions: the factor library computes the rank
information coefficient (IC) of scores with the return from one decision to the next, and
turnover is half the sum of absolute changes of target weights. What differs is the source of
the scores alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import log, sqrt

import numpy as np
import pandas as pd

from alphalens._stats import long_run_variance
from alphalens.errors import InputError
from alphalens.factors.library import Factor
from alphalens.performance import factor_information_coefficient
from alphalens.portfolio.construction import RankWeights
from alphalens.trading.targets import Signal, Target
from alphalens.utils import compute_forward_returns

__all__ = [
    "Baseline",
    "DriftCheck",
    "DriftReport",
    "DriftStatus",
    "Moments",
    "check_drift",
    "live_ic",
    "research_baseline",
    "target_turnover",
    "z_threshold",
]

_RHO = 4.0
_LAGS = 26


class DriftStatus(StrEnum):
    """What the comparison says."""

    OK = "ok"  # no evidence of drift
    TOO_FEW = "too_few"  # nothing can be said yet
    DRIFT = "drift"  # the live record does not fit the research distribution


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and spread of `n` observations in order of time; None where undefined.

    Attributes
    ----------
    mean : float
        Mean of the observations.
    std : float
        Sample standard deviation of one observation.
    long_run_std : float
        Standard deviation of the mean of many consecutive observations, times the root of
        their number: above `std` where neighbours resemble each other, never below it here.
    n : int
        Observations that are not NaN.
    """

    mean: float | None
    std: float | None
    long_run_std: float | None
    n: int

    @classmethod
    def of(cls, values: pd.Series[float]) -> Moments:
        """Return the moments of the observations that are not NaN."""
        known = values.dropna().to_numpy(dtype=float)
        if known.size < 2:
            return cls(float(known[0]) if known.size else None, None, None, int(known.size))
        std = float(known.std(ddof=1))
        return cls(float(known.mean()), std, max(std, _long_run_std(known)), int(known.size))


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What research found, per decision, at the spacing at which the desk decides.

    Attributes
    ----------
    name : str
        The factor or strategy.
    ic : Moments
        Rank IC of a decision's scores with the returns until the next decision.
    hit_rate : Moments
        Share of decisions with a positive IC.
    turnover : Moments
        One-way turnover of the target weights, as a fraction of equity.
    """

    name: str
    ic: Moments
    hit_rate: Moments
    turnover: Moments


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftCheck:
    """One figure, live against research.

    Attributes
    ----------
    metric : str
        ``ic``, ``hit_rate`` or ``turnover``.
    status : DriftStatus
        The answer.
    n, needed : int
        Live observations, and how many are needed before anything is said.
    live_mean : float or None
        Mean of the live observations; None without any.
    research : Moments
        What it is compared with.
    z : float or None
        Distance in standard errors under the null; None with too few observations.
    threshold : float or None
        Absolute `z` at which drift is called.
    message : str
        The above in words.
    """

    metric: str
    status: DriftStatus
    n: int
    needed: int
    live_mean: float | None
    research: Moments
    z: float | None
    threshold: float | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """All comparisons of one strategy at one instant."""

    name: str
    at: datetime
    checks: tuple[DriftCheck, ...]

    @property
    def status(self) -> DriftStatus:
        """Return drift if any figure drifts, else too_few if any has too few observations."""
        found = {check.status for check in self.checks}
        for status in (DriftStatus.DRIFT, DriftStatus.TOO_FEW):
            if status in found:
                return status
        return DriftStatus.OK


def live_ic(signals: Sequence[Signal], closes: pd.DataFrame) -> pd.Series[float]:
    """Return the rank IC of each decision with the returns until the next one.

    Parameters
    ----------
    signals : sequence of Signal
        Ascending in time, one per decision; each meets the last prices known at its instant.
    closes : DataFrame of shape (n_dates, n_assets)
        Prices known now, index instants.

    Returns
    -------
    Series of shape (n_signals - 1,)
        Spearman correlation across assets by decision instant; the last signal has no return
        yet. NaN where fewer than two assets have both, or all scores are equal.

    Raises
    ------
    InputError
        If the signals are not ascending, or one is older than all prices.
    """
    instants = pd.DatetimeIndex([signal.asof for signal in signals])
    if not instants.is_monotonic_increasing or not instants.is_unique:
        raise InputError("the signals must ascend in time, each instant once")
    rows = pd.DatetimeIndex(closes.index).get_indexer(instants, method="ffill")
    if (rows < 0).any():
        raise InputError(f"no price was known yet at the decision instant {instants[0]}")
    scores = pd.DataFrame([dict(s.scores) for s in signals], index=instants, dtype=float)
    return decision_ic(scores, closes.iloc[rows].set_axis(instants, axis=0))


def decision_ic(scores: pd.DataFrame, prices: pd.DataFrame) -> pd.Series[float]:
    """Return the rank IC of each row of scores with the returns until the next row.

    The factor library computes it. It counts periods on a calendar, and a decision is one
    period here however many days it spans, so the rows are laid on consecutive business days.

    Parameters
    ----------
    scores, prices : DataFrame of shape (n_decisions, n_assets)
        Values at the same decision instants, ascending. NaN where an asset has none.

    Returns
    -------
    Series of shape (n_decisions - 1,)
        By decision instant; NaN where fewer than two assets have both.
    """
    count = len(scores)
    if count < 2:
        return pd.Series(dtype=float, index=pd.DatetimeIndex(scores.index[:0]))
    days = pd.bdate_range("2000-01-03", periods=count, name="date")
    factor = _long(scores, days)
    laid = prices.set_axis(days, axis=0).rename_axis(columns="asset")
    data = compute_forward_returns(factor, laid, periods=(1,))
    period = data.columns[0]
    data["factor"] = factor
    data["factor_quantile"] = 1
    data = data.dropna()
    spread = data["factor"].groupby(level="date").nunique()
    ranked = spread.index[spread > 1]
    usable = data[data.index.get_level_values("date").isin(ranked)]
    if usable.empty:
        return pd.Series(np.nan, index=scores.index[:-1])
    found = factor_information_coefficient(usable)[period].reindex(days[:-1])
    return pd.Series(found.to_numpy(dtype=float), index=scores.index[:-1], name="ic")


def target_turnover(targets: Sequence[Target]) -> pd.Series[float]:
    """Return half the sum of absolute weight changes from each target to the next.

    Parameters
    ----------
    targets : sequence of Target
        Ascending in time. A symbol that is absent has weight 0.

    Returns
    -------
    Series of shape (n_targets - 1,)
        One-way turnover as a fraction of equity, by the instant of the later target.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> one = Target(name="t", asof=datetime(2022, 1, 3, tzinfo=UTC), weights={"A": 0.5})
    >>> two = Target(name="t", asof=datetime(2022, 1, 4, tzinfo=UTC), weights={"B": 0.5})
    >>> target_turnover([one, two]).tolist()
    [0.5]
    """
    instants = pd.DatetimeIndex([target.asof for target in targets])
    weights = pd.DataFrame([dict(t.weights) for t in targets], index=instants, dtype=float)
    changes = weights.fillna(0.0).diff().abs().sum(axis=1) / 2.0
    return changes.iloc[1:].rename("turnover")


def research_baseline(
    closes: pd.DataFrame, factor: Factor, rule: RankWeights, dates: pd.DatetimeIndex
) -> Baseline:
    """Return what the same decisions would have found in the past.

    Parameters
    ----------
    closes : DataFrame of shape (n_dates, n_assets)
        Prices of the research period alone: end them before the live record begins.
    factor : Factor
        What the strategy ranks by.
    rule : RankWeights
        What turns scores into weights.
    dates : DatetimeIndex of shape (n_decisions,)
        Decision instants within `closes`, spaced as the desk decides.

    Returns
    -------
    Baseline
        Moments over the decisions at which the factor has a value.

    Raises
    ------
    InputError
        If a date is not in `closes`, or `rule` cannot be met.
    """
    absent = dates.difference(pd.DatetimeIndex(closes.index))
    if len(absent):
        raise InputError(f"there are no prices at the research decision {absent[0]}")
    scores = factor(closes).loc[dates].dropna(how="all")
    ic = decision_ic(scores, closes.loc[scores.index])
    targets = [
        rule.target(Signal(name=factor.name, asof=at.to_pydatetime(), scores=_known(row)))
        for at, row in zip(pd.DatetimeIndex(scores.index), scores.to_dict("records"), strict=True)
    ]
    return Baseline(
        name=factor.name,
        ic=Moments.of(ic),
        hit_rate=Moments.of(_hits(ic)),
        turnover=Moments.of(target_turnover(targets)),
    )


def check_drift(
    signals: Sequence[Signal],
    targets: Sequence[Target],
    closes: pd.DataFrame,
    baseline: Baseline,
    *,
    min_observations: int = 12,
    alpha: float = 0.01,
) -> DriftReport:
    r"""Return whether the live record fits the research distribution.

    Parameters
    ----------
    signals, targets : sequence
        The live decisions, ascending in time.
    closes : DataFrame of shape (n_dates, n_assets)
        Prices known now.
    baseline : Baseline
        See `research_baseline`.
    min_observations : int
        With fewer, a figure is ``too_few``: neither healthy nor drifting.
    alpha : float
        Probability, over the whole life of the record and per figure, of calling drift where
        there is none.

    Returns
    -------
    DriftReport
        Checks ``ic``, ``hit_rate`` and ``turnover``.

    Raises
    ------
    InputError
        If there is no signal, or one is older than all prices.

    Notes
    -----
    Null: the live observations go on as the :math:`N` research ones did, with the same mean
    :math:`\mu` and long-run standard deviation :math:`\omega`. With :math:`n` live ones,

    .. math:: z_n = \frac{\bar x_n - \mu}{\omega \sqrt{1/n + 1/N}} .

    Drift is called when :math:`|z_n|` reaches the boundary of the normal mixture [1]_, which a
    normal record that fits the null ever crosses with probability at most `alpha`, however
    often one looks; see `z_threshold`. :math:`\omega^2` is the Newey-West sum of research
    autocovariances [2]_ with 26 lags (a quarter of :math:`N` if that is less), because the
    turnovers of neighbouring decisions resemble each other; it is never taken below the
    variance. For small :math:`n` and :math:`N` the bound is approximate.

    References
    ----------
    .. [1] Robbins, H. (1970). Statistical methods related to the law of the iterated
       logarithm. Annals of Mathematical Statistics 41(5), 1397-1409.
       doi:10.1214/aoms/1177696786
    .. [2] Newey, W. K. and West, K. D. (1987). A simple, positive semi-definite,
       heteroskedasticity and autocorrelation consistent covariance matrix. Econometrica
       55(3), 703-708. doi:10.2307/1913610
    """
    if not signals:
        raise InputError("there is no live signal to compare with research")
    ic = live_ic(signals, closes)
    figures = (
        ("ic", ic, baseline.ic),
        ("hit_rate", _hits(ic), baseline.hit_rate),
        ("turnover", target_turnover(targets), baseline.turnover),
    )
    checks = tuple(
        _check(metric, live, research, min_observations, alpha)
        for metric, live, research in figures
    )
    return DriftReport(name=baseline.name, at=signals[-1].asof, checks=checks)


def z_threshold(n: int, alpha: float) -> float:
    r"""Return the absolute z-score that a record of any length crosses with probability `alpha`.

    Parameters
    ----------
    n : int
        Observations so far, at least 1.
    alpha : float
        Probability in (0, 1).

    Returns
    -------
    float
        In standard errors.

    Notes
    -----
    .. math:: \sqrt{\frac{n+\rho}{n} \ln\frac{n+\rho}{\rho\,\alpha^2}}, \quad \rho = 4,

    the normal mixture boundary, narrowest after about fifty observations.

    References
    ----------
    .. [1] Robbins, H. (1970). Statistical methods related to the law of the iterated
       logarithm. Annals of Mathematical Statistics 41(5), 1397-1409.
       doi:10.1214/aoms/1177696786

    Examples
    --------
    >>> round(z_threshold(52, 0.01), 2)
    3.57
    """
    return sqrt((n + _RHO) / n * log((n + _RHO) / (_RHO * alpha * alpha)))


def _check(
    metric: str, live: pd.Series[float], research: Moments, needed: int, alpha: float
) -> DriftCheck:
    found = Moments.of(live)
    z = threshold = None
    status = DriftStatus.TOO_FEW
    message = f"{metric}: too few observations, {found.n} of {needed} live"
    if research.n < needed or not research.long_run_std:
        message += f", {research.n} in research"
    elif found.n >= needed and found.mean is not None and research.mean is not None:
        error = research.long_run_std * sqrt(1 / found.n + 1 / research.n)
        z = (found.mean - research.mean) / error
        threshold = z_threshold(found.n, alpha)
        status = DriftStatus.DRIFT if abs(z) >= threshold else DriftStatus.OK
        relation = "drifts from" if status is DriftStatus.DRIFT else "fits"
        message = (
            f"{metric}: {found.mean:.4f} over {found.n} decisions {relation} research "
            f"{research.mean:.4f} (n {research.n}): z {z:.2f}, limit {threshold:.2f}"
        )
    return DriftCheck(
        metric=metric,
        status=status,
        n=found.n,
        needed=needed,
        live_mean=found.mean,
        research=research,
        z=z,
        threshold=threshold,
        message=message,
    )


def _long_run_std(values: np.ndarray) -> float:
    """Return the Newey-West long-run standard deviation of two values or more."""
    lags = min(_LAGS, values.size // 4)
    return sqrt(long_run_variance(values, lags))


def _hits(ic: pd.Series[float]) -> pd.Series[float]:
    return (ic.dropna() > 0.0).astype(float)


def _known(row: Mapping[Hashable, float]) -> dict[str, float]:
    return {str(symbol): float(score) for symbol, score in row.items() if score == score}


def _long(values: pd.DataFrame, days: pd.DatetimeIndex) -> pd.Series[float]:
    """Return a wide frame as a long series with the index the factor library wants."""
    laid = values.set_axis(days, axis=0).rename_axis(columns="asset")
    long = laid.melt(ignore_index=False, value_name="factor").set_index("asset", append=True)
    return long["factor"].dropna().sort_index()
