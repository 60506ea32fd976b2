"""The report of what speaks against a factor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd

from alphalens import _loss as losses
from alphalens import performance as perf
from alphalens._doubt import figures, parts
from alphalens._doubt.notes import Notes
from alphalens._doubt.parts import Bucketed
from alphalens._metrics.common import BPS
from alphalens._metrics.ends import spread_of_ends
from alphalens._metrics.horizon import by_decision, horizons
from alphalens._metrics.trial_count import checked_trials
from alphalens.errors import InputError

if TYPE_CHECKING:
    from alphalens.trials import TrialCount

    Buckets: TypeAlias = Mapping[str, pd.Series | pd.DataFrame]


__all__ = ["DoubtReport", "Doubts", "doubt_report", "judge"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DoubtReport:
    """What speaks against a factor.

    Attributes
    ----------
    information, spread : DataFrame, statistics x periods
        Mean IC, and mean top less bottom quantile return (bps per own period), each with its naive
        t, Newey-West's and Hansen-Hodrick's, the cosine test that keeps its size under overlap with
        its degrees of freedom and p, and the observations they are worth. Of the IC also the mean
        correlation of values rather than ranks, and its t by cosines.
    sharpe : DataFrame, statistics x periods
        Annual Sharpe ratio of the factor portfolio before costs and the bets a year that it counts,
        the probability that the true one is above 0, and above what the best of as many trials
        without any edge would show (NaN where trials were not recorded).
    costs : DataFrame, statistics x periods
        Spread, turnover of the outer quantiles and the rows that it is measured over, and the
        one-way cost at which nothing is left.
    by_lag : DataFrame, lags x statistics
        Turnover of the outer quantiles and rank autocorrelation over so many rows.
    by_time : DataFrame, (period, years, quarters or months) x statistics
        Mean IC, its t by cosines, the dates that have one, and the mean names a date.
    by_bucket : mapping of str to DataFrame, (period, bucket) x statistics
        The same within thirds of each exposure given, or within its labels.
    coverage : DataFrame, years (quarters, months) x (dates, assets a date, share of all assets)
        How much of the panel the factor speaks about.
    losses : DataFrame, years (quarters, months) x reasons, or None
        Rows lost in cleaning; None where `factor_data` is not the frame that the clean step
        returned, or a copy: a part, rows in another order, or a frame from a file.
    losses_by_date : DataFrame, dates x reasons, or None
        The same for each date of the factor as it was given.
    notes : tuple of str
        What was not recorded or cannot be said, and what the figures leave out.
    """

    information: pd.DataFrame
    spread: pd.DataFrame
    sharpe: pd.DataFrame
    costs: pd.DataFrame
    by_lag: pd.DataFrame
    by_time: pd.DataFrame
    by_bucket: Mapping[str, pd.DataFrame]
    coverage: pd.DataFrame
    losses: pd.DataFrame | None
    losses_by_date: pd.DataFrame | None
    notes: tuple[str, ...]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return all tables by title, in the order of reading; losses by span of time only."""
        found = {
            "Information under doubt": self.information,
            "Spread under doubt (bps)": self.spread,
            "Sharpe ratio under doubt": self.sharpe,
            "Spread against its costs": self.costs,
            "Turnover by lag": self.by_lag,
            "Mean IC in time": _flat(self.by_time),
            **{f"Mean IC by {name}": _flat(frame) for name, frame in self.by_bucket.items()},
            "Coverage in time": self.coverage,
        }
        if self.losses is not None:
            found["Rows lost in cleaning"] = self.losses
        found["What to keep in mind"] = pd.DataFrame({"": list(self.notes)})
        return found


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose labels are single texts, such as ``1D 2024``."""
    return table.set_axis(pd.Index([f"{period} {part}" for period, part in table.index]), axis=0)


def doubt_report(
    factor_data: pd.DataFrame,
    *,
    trials: TrialCount | None = None,
    buckets: Buckets | None = None,
    long_short: bool = True,
    group_neutral: bool = False,
) -> DoubtReport:
    """Judge a factor by what usually flatters it.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data with ``factor_quantile``.
    trials : TrialCount, optional
        How many factors were tried before this one, from `alphalens.trials.TrialRegistry`, their
        ratios those of one row. There is no default: without it no deflated figure is given.
    buckets : mapping of str to Series or DataFrame, optional
        Exposures such as liquidity or size, a long Series on ``(date, asset)``, a wide frame of
        dates x assets, or one value per asset; the IC is shown within thirds of each date. Text,
        categories and truth values, such as sectors, are labels, and the IC is shown within each.
    long_short, group_neutral : bool
        As in `create_full_tear_sheet`.

    Returns
    -------
    DoubtReport

    Raises
    ------
    InputError
        If there is no row, `trials` is no TrialCount, or a bucket is no Series or frame, or has no
        value for any row.

    Notes
    -----
    A period that spans H rows overlaps with its H - 1 neighbours. Hansen-Hodrick's standard error
    counts all of their covariance; Newey-West's uses 2 (H - 1) lags, since its falling weights see
    only part of it, and never fewer than its own rule for the number of observations. Newey-West's
    p-values are too small under overlap; Hansen-Hodrick's hold there, and are too small where
    nothing overlaps, unless the observations are independent, which they then take for granted.
    The test to judge by averages slow cosines of the series [4]_ against Student's distribution
    with as many degrees of freedom, as the probabilities of the Sharpe ratios do. With fewer than
    ten observations that do not overlap there is none.
    The break-even cost c solves spread = 2 c (turnover of the top + turnover of the bottom
    quantile): each name replaced is one sale and one purchase. Under the convention ``"reloaded"``
    the spread and the value traded are both halved. Turnover is over the rows that the period
    spans, and at least one: a period shorter than the distance of the dates is taken to be rolled,
    not closed in between. Rows are those of the trading calendar, or the dates themselves where
    these are further apart, so it does not matter whether sparse dates carry a calendar.
    A Sharpe ratio is made annual by sqrt(b), with b the bets a year: returns of the period that are
    measured and do not overlap, 365.25 days over the median length of the period or the median
    distance of the dates, whichever is longer, but never more than 252 days over the period, nor
    than fit into the bars of 252 days. Daily dates give 252 / H; one day held once a week is 52
    bets, not 252; one hour held in each of four bars a day is 1008, not 6048. Where the calendar
    has no weekend and more than 90 % of its days are open, the year has 365.25 days, not 252.
    Days of a period are counted on the calendar that the dates carry. Dates without a daily one
    show it if most follow on the weekday before; dates further apart are decisions, and the days
    are weekdays, or all days where some date is on a weekend.
    Ratios of H rows meet trials of one row with the variance of these times H.

    References
    ----------
    .. [1] Hansen, L. P. and Hodrick, R. J. (1980). Forward exchange rates as optimal predictors of
       future spot rates. Journal of Political Economy 88(5), 829-853. doi:10.1086/260910
    .. [2] Newey, W. K. and West, K. D. (1987). A simple, positive semi-definite,
       heteroskedasticity and autocorrelation consistent covariance matrix. Econometrica 55(3),
       703-708. doi:10.2307/1913610
    .. [3] Bailey, D. H. and Lopez de Prado, M. (2014). The deflated Sharpe ratio. Journal of
       Portfolio Management 40(5), 94-107. doi:10.3905/jpm.2014.40.5.094
    .. [4] Mueller, U. K. (2007). A theory of robust long-run variance estimation. Journal of
       Econometrics 141(2), 1331-1352. doi:10.1016/j.jeconom.2007.01.019

    Examples
    --------
    >>> index = pd.MultiIndex.from_product(
    ...     [pd.bdate_range("2024-01-01", periods=9), list("AB")], names=["date", "asset"]
    ... )
    >>> data = pd.DataFrame({"1D": [0.01, 0.02] * 9, "factor": [1, 2] * 9}, index=index)
    >>> data["factor_quantile"] = [1, 2] * 9
    >>> doubt_report(data).spread.loc["Mean spread (bps)", "1D"].round(6).item()
    100.0
    """
    doubts = Doubts.of(factor_data, trials, buckets)
    return judge(factor_data, doubts, long_short=long_short, group_neutral=group_neutral)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Doubts:
    """What a factor is judged by beside its own data, checked before anything is computed.

    Attributes
    ----------
    trials : TrialCount or None
        How many factors were tried.
    buckets : mapping of str to Bucketed
        Each exposure as labels of the rows that have one.
    """

    trials: TrialCount | None
    buckets: Mapping[str, Bucketed]

    @classmethod
    def of(
        cls, factor_data: pd.DataFrame, trials: TrialCount | None, buckets: Buckets | None
    ) -> Doubts:
        """Refuse what is no count of trials, and exposures that say nothing about the rows."""
        counted, given = checked_trials(trials), parts.checked_buckets(buckets)
        if not given:
            return cls(trials=counted, buckets={})
        _refuse_empty(factor_data)
        data = by_decision(factor_data)
        cut = {name: Bucketed.of(data, values, name) for name, values in given.items()}
        return cls(trials=counted, buckets=cut)


def _refuse_empty(factor_data: pd.DataFrame) -> None:
    if factor_data.empty:
        raise InputError("factor_data has 0 rows: there is nothing to doubt")


def judge(
    factor_data: pd.DataFrame, doubts: Doubts, *, long_short: bool, group_neutral: bool
) -> DoubtReport:
    """Return the report on a frame that has rows, by what was checked against it."""
    _refuse_empty(factor_data)
    measured, lost = horizons(factor_data), losses.recorded(factor_data)
    factor_data = by_decision(factor_data)
    ic = perf.factor_information_coefficient(factor_data, group_adjust=group_neutral)
    pearson = perf.factor_information_coefficient(factor_data, group_neutral, method="pearson")
    returns = perf.factor_returns(factor_data, long_short, group_neutral)
    dates = pd.DatetimeIndex(ic.index)
    spread = spread_of_ends(factor_data, long_short=long_short, group_neutral=group_neutral)
    spread = spread.reindex(dates)
    freq, notes = figures.step_of(dates), Notes()
    tables = {
        "information": figures.with_values(
            figures.means(ic, measured, "Mean IC", 1.0, notes), pearson, measured
        ),
        "spread": figures.means(spread, measured, "Mean spread (bps)", BPS, notes),
        "sharpe": figures.sharpes(returns, measured, doubts.trials, notes),
        "costs": figures.costs(factor_data, spread, measured),
        "by_lag": figures.by_lag(factor_data, len(dates)),
        "by_time": parts.in_spans(ic, factor_data, measured, freq, notes),
        "coverage": figures.coverage(factor_data, freq),
    }
    by_bucket = {
        name: parts.by_bucket(factor_data, bucketed, name, ic, measured, group_neutral, notes)
        for name, bucketed in doubts.buckets.items()
    }
    figures.note_early_ends(measured, notes)
    figures.note_losses(lost, factor_data, notes)
    return DoubtReport(
        **tables,
        by_bucket=by_bucket,
        losses=None if lost is None else figures.lost_in_time(lost, freq),
        losses_by_date=lost,
        notes=notes.lines(),
    )
