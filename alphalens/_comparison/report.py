"""What each of several factors is worth, with the number of factors tried in mind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from alphalens import _stats as stats
from alphalens import performance as perf
from alphalens._comparison.inputs import Factors, clean_frames
from alphalens._comparison.similarity import (
    coverage_of,
    factor_correlation,
    side_by_side,
)
from alphalens._metrics.common import BPS
from alphalens._metrics.ends import break_even_bps, spread_of_ends, turnover_of_ends
from alphalens._metrics.horizon import Horizon, by_decision, horizons
from alphalens._metrics.trial_count import checked_trials
from alphalens.errors import InputError
from alphalens.utils import get_forward_returns_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["ComparisonReport", "compare_factors"]

_OWN = stats.TrialCount(
    study="these factors",
    n_trials=0,
    sharpe_variance=None,
    best=None,
    best_key=None,
    first=None,
    last=None,
)
"""What was tried where nothing was recorded, before the factors at hand are counted."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparisonReport:
    """Several factors side by side.

    Attributes
    ----------
    information : DataFrame, (factor, period) x statistics
        ``ic_mean``, ``ic_std`` and ``ir`` (their ratio) of the rank IC by date; ``t_naive``, which
        takes dates to be independent, ``t``, which allows for overlap, with its ``degrees`` of
        freedom, ``lags`` (0 where it has none) and two-sided ``p``; ``p_adjusted`` of Benjamini and
        Hochberg over `n_tests`; ``coverage``, the mean share of the assets that any of the factors
        has on a date.
    returns : DataFrame, (factor, period) x statistics
        ``spread_bps``, top less bottom quantile, mean over dates per period, and its ``spread_t``,
        robust as ``t``; ``turnover_top`` and ``turnover_bottom``, the share of members that are new
        after the period (at least one date), and ``rank_autocorrelation`` over it;
        ``break_even_bps``, the cost of a trade, as a share of its value, that would use up the
        spread; ``sharpe`` of the factor portfolio per period, and ``deflated_sharpe``, the
        probability that the true ratio exceeds the best that chance would have found among the
        trials. NaN where it cannot be said.
    coverage : DataFrame, dates x factors
        Share of the assets that any of the factors has.
    ic, spread, portfolio : mapping of str to DataFrame, dates x factors
        By period, the series behind the statistics; fractions per period.
    correlation : DataFrame, factors x factors
        Mean rank correlation across assets.
    ic_correlation : mapping of str to DataFrame, factors x factors
        By period, correlation of the ICs in time.
    reasons : Series by (factor, period)
        Why a deflated Sharpe ratio cannot be said, or ``""``.
    test_reasons : Series by (factor, period)
        Why there is no ``t`` of the IC, or ``""``.
    n_trials : int
        Trials that the deflated ratios count: factors, at hand or recorded.
    n_tests : int
        Tests that the adjusted p-values count: each trial over each period.
    """

    information: pd.DataFrame
    returns: pd.DataFrame
    coverage: pd.DataFrame
    ic: Mapping[str, pd.DataFrame]
    spread: Mapping[str, pd.DataFrame]
    portfolio: Mapping[str, pd.DataFrame]
    correlation: pd.DataFrame
    ic_correlation: Mapping[str, pd.DataFrame]
    reasons: pd.Series
    test_reasons: pd.Series
    n_trials: int
    n_tests: int


def compare_factors(
    clean: Factors,
    *,
    trials: stats.TrialCount | None = None,
    lags: int | None = None,
    long_short: bool = True,
    group_neutral: bool = False,
) -> ComparisonReport:
    r"""Judge several factors side by side.

    Parameters
    ----------
    clean : mapping of str to DataFrame
        factor_data of each factor with the same periods, see `clean_factors`.
    trials : TrialCount, optional
        What else was tried, from `alphalens.trials.TrialRegistry`; counts where it is more than the
        factors at hand.
    lags : int, optional
        Test by Newey and West with so many lags; default: the cosine test of the doubt box, which
        takes the overlap of each factor's returns from the length of the period.
    long_short : bool
        Judge dollar-neutral portfolios: demean returns and factor by date.
    group_neutral : bool
        Demean by date and group instead.

    Returns
    -------
    ComparisonReport

    Raises
    ------
    InputError
        If a frame is not factor_data, a period is missing in one of them, or `trials` is no
        TrialCount.

    Notes
    -----
    Each factor is judged on its own rows, as `doubt_report` does, whatever it is compared with:
    those of its calendar, or its dates where these are further apart.

    An H-row return looks over H - 1 rows into that of the next dates. The cosine test [3]_ keeps
    its size under that, tests by lags come out too small in the tail, of which the smallest of many
    p-values are taken. Where it has too few dates, ``t`` and ``p`` are NaN.

    Break-even: the spread over the value traded per rebalancing, once per period, of a portfolio
    long and short one unit, :math:`\bar s / (2 (\tau_{top} + \tau_{bottom}))`.

    The hurdle of the deflated Sharpe ratios [1]_ counts the larger of the factors and `trials`, and
    takes the larger variance: of the factors' own ratios at that period, or of `trials`, whose
    ratios are taken to be of one row, times the rows of the period. The smallest p-values of many
    tests are adjusted for their number [2]_. A trial is a factor, and each is tested over every
    period: with the larger of the factors and `trials`, ``n_tests = n_trials * n_periods``.

    O(n_factors n log n) for n rows of factor_data, and O(n_factors^2 n) for the correlations.

    References
    ----------
    .. [1] Bailey, D. H. and Lopez de Prado, M. (2014). The deflated Sharpe ratio: correcting for
       selection bias, backtest overfitting, and non-normality. Journal of Portfolio Management
       40(5), 94-107. doi:10.3905/jpm.2014.40.5.094
    .. [2] Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate: a practical
       and powerful approach to multiple testing. Journal of the Royal Statistical Society B 57(1),
       289-300. doi:10.1111/j.2517-6161.1995.tb02031.x
    .. [3] Mueller, U. K. (2007). A theory of robust long-run variance estimation. Journal of
       Econometrics 141(2), 1331-1352. doi:10.1016/j.jeconom.2007.01.019

    Examples
    --------
    >>> index = pd.MultiIndex.from_product(
    ...     [pd.bdate_range("2024-01-01", periods=9), list("AB")], names=["date", "asset"]
    ... )
    >>> data = pd.DataFrame({"1D": [0.01, 0.02] * 9, "factor": [1, 2] * 9}, index=index)
    >>> data["factor_quantile"] = [1, 2] * 9
    >>> compare_factors({"it": data}).returns.loc[("it", "1D"), "spread_bps"].round(6).item()
    100.0
    """
    trials = checked_trials(trials)
    frames = clean_frames(clean)
    periods = _common_periods(frames)
    judged = {
        name: _Judged.of(frame, long_short=long_short, group_neutral=group_neutral)
        for name, frame in frames.items()
    }
    parts = [_Period(name=period, judged=judged) for period in periods]
    ic = {part.name: part.side_by_side("ic") for part in parts}
    n_trials = max(len(frames), 0 if trials is None else trials.n_trials)
    information = _by_factor([part.information(lags) for part in parts], frames)
    test_reasons, n_tests = information.pop("reason"), n_trials * len(periods)
    information["p_adjusted"] = stats.benjamini_hochberg(
        information["p"].to_numpy(), n_tests=n_tests
    )
    coverage = coverage_of(frames)
    means = coverage.mean()
    information["coverage"] = means.loc[information.index.get_level_values("factor")].to_numpy()
    deflated = [part.deflated(trials) for part in parts]
    returns = _by_factor([part.returns(lags) for part in parts], frames)
    for column in ("sharpe", "deflated_sharpe"):
        returns[column] = _by_factor([table[[column]] for table in deflated], frames)[column]
    return ComparisonReport(
        information=information,
        returns=returns,
        coverage=coverage,
        ic=ic,
        spread={part.name: part.side_by_side("spread") for part in parts},
        portfolio={part.name: part.side_by_side("portfolio") for part in parts},
        correlation=factor_correlation(frames),
        ic_correlation={period: frame.corr() for period, frame in ic.items()},
        reasons=_by_factor([table[["reason"]] for table in deflated], frames)["reason"],
        test_reasons=test_reasons,
        n_trials=n_trials,
        n_tests=n_tests,
    )


def _common_periods(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return the periods of the frames, in the order of the first; all must have the same."""
    own = {
        name: [str(period) for period in get_forward_returns_columns(frame.columns)]
        for name, frame in frames.items()
    }
    every = list(dict.fromkeys(period for periods in own.values() for period in periods))
    for name, periods in own.items():
        missing = [period for period in every if period not in periods]
        if missing or not periods:
            has = f"has no period {', '.join(map(repr, missing)) or 'at all'}, only {periods}"
            raise InputError(
                f"{name!r} {has}: clean all factors with the same periods, or leave out the "
                "columns that not all of them have"
            )
    return every


def _by_factor(tables: list[pd.DataFrame], frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put tables of one period each under each other, factor by factor."""
    whole = pd.concat(tables)
    order = [(name, period) for name in frames for period in whole.index.unique("period")]
    return whole.loc[order]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """One factor: what its tables are made of, dates x periods, and how long each period is."""

    decisions: pd.DataFrame
    ic: pd.DataFrame
    spread: pd.DataFrame
    portfolio: pd.DataFrame
    horizons: Mapping[str, Horizon]

    @classmethod
    def of(cls, frame: pd.DataFrame, *, long_short: bool, group_neutral: bool) -> _Judged:
        """Compute what the periods share."""
        decisions = by_decision(frame)
        ic = perf.factor_information_coefficient(decisions, group_neutral)
        spread = spread_of_ends(decisions, long_short=long_short, group_neutral=group_neutral)
        return cls(
            decisions=decisions,
            ic=ic,
            spread=spread.reindex(ic.index),
            portfolio=perf.factor_returns(decisions, long_short, group_neutral),
            horizons=horizons(frame),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Period:
    """One period of all factors, each judged on its own dates."""

    name: str
    judged: Mapping[str, _Judged]

    def _table(self, rows: list[dict[str, object]]) -> pd.DataFrame:
        """Return one row a factor."""
        index = pd.MultiIndex.from_product([self.judged, [self.name]], names=["factor", "period"])
        return pd.DataFrame(rows, index=index)

    def side_by_side(self, what: Literal["ic", "spread", "portfolio"]) -> pd.DataFrame:
        """Return a series of each factor on the union of their dates."""
        return side_by_side(
            {name: getattr(one, what) for name, one in self.judged.items()}, self.name
        )

    def information(self, lags: int | None) -> pd.DataFrame:
        """Return the statistics of the ICs."""
        return self._table([self._information(one, lags) for one in self.judged.values()])

    def _information(self, one: _Judged, lags: int | None) -> dict[str, object]:
        naive = stats.mean_tstat(one.ic[self.name].to_numpy())
        robust = self._test(one, one.ic, lags)
        deviation = float(one.ic[self.name].std())
        return {
            "ic_mean": float(robust.mean),
            "ic_std": deviation,
            "ir": float(robust.mean) / deviation if deviation > 0.0 else np.nan,
            "t_naive": float(naive.t),
            "t": float(robust.t),
            "degrees": float(robust.degrees),
            "lags": int(robust.lags),
            "p": float(robust.p),
            "reason": robust.reasons[0],
        }

    def _test(self, one: _Judged, series: pd.DataFrame, lags: int | None) -> stats.MeanTest:
        """Test the mean, by the lags asked for or by what a factor's returns overlap."""
        values = series[self.name].to_numpy(dtype=np.float64)
        if lags is None:
            return stats.overlap_tstat(values, one.horizons[self.name].rows)
        return stats.mean_tstat(values, lags)

    def returns(self, lags: int | None) -> pd.DataFrame:
        """Return the statistics of spread and turnover."""
        return self._table([self._returns(one, lags) for one in self.judged.values()])

    def _returns(self, one: _Judged, lags: int | None) -> dict[str, object]:
        rows = one.horizons[self.name].rows
        robust = self._test(one, one.spread, lags)
        top, bottom = turnover_of_ends(one.decisions, rows)
        return {
            "spread_bps": float(robust.mean) * BPS,
            "spread_t": float(robust.t),
            "turnover_top": top,
            "turnover_bottom": bottom,
            "rank_autocorrelation": perf.factor_rank_autocorrelation(one.decisions, rows).mean(),
            "break_even_bps": float(break_even_bps(float(robust.mean), top, bottom)),
        }

    def deflated(self, trials: stats.TrialCount | None) -> pd.DataFrame:
        """Return Sharpe ratios against the best that chance would have found."""
        ratios = np.array(
            [stats.sharpe(one.portfolio[self.name].to_numpy()) for one in self.judged.values()]
        )
        known = ratios[np.isfinite(ratios)]
        return self._table([self._deflated(one, known, trials) for one in self.judged.values()])

    def _deflated(
        self, one: _Judged, known: Floats, trials: stats.TrialCount | None
    ) -> dict[str, object]:
        rows = one.horizons[self.name].rows
        found = stats.deflated_sharpe(
            one.portfolio[self.name].to_numpy(), self._trials(known, trials, rows), rows=rows
        )
        return {
            "sharpe": _number(found.sharpe),
            "deflated_sharpe": _number(found.probability),
            "reason": found.reason,
        }

    def _trials(
        self, known: Floats, trials: stats.TrialCount | None, rows: int
    ) -> stats.TrialCount | None:
        """Return the count that holds for so many rows; None for one factor and no record."""
        own = len(self.judged)
        told = 0 if trials is None else trials.n_trials
        if own < 2 and not told:
            return None
        count = _OWN if trials is None else trials.over(rows)
        if len(known) and (count.best is None or known.max() > count.best):
            count = replace(count, best=float(known.max()), best_key=None)
        variances = [] if count.sharpe_variance is None else [count.sharpe_variance]
        if len(known) > 1:
            variances.append(float(known.var(ddof=1)))
        return replace(count, n_trials=max(own, told), sharpe_variance=max(variances, default=None))


def _number(value: float | None) -> float:
    return np.nan if value is None else value
