"""What speaks against a factor: overlap, trials, costs, coverage, and where the edge lives.

The numbers are those of the metrics; only the judgement of them is added. Where something was not
recorded, the report says so and leaves the figure out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import pandas as pd

from alphalens import _calendar as calendars
from alphalens import _loss as losses
from alphalens import _stats as stats
from alphalens import performance as perf
from alphalens import utils
from alphalens._metrics.common import BPS
from alphalens._metrics.ends import break_even_bps, spread_of_ends, turnover_of_ends
from alphalens._metrics.horizon import Horizon, by_decision, horizons
from alphalens._metrics.trial_count import checked_trials
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alphalens.trials import TrialCount

    Floats = NDArray[np.float64]
    Buckets: TypeAlias = Mapping[str, pd.Series | pd.DataFrame]

__all__ = ["DoubtReport", "Doubts", "doubt_report", "judge"]

_BUCKETS = ("low", "middle", "high")
_NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal"}
_LAGS = (1, 5, 10, 20)
_BY_LAG = ["Top quantile turnover", "Bottom quantile turnover", "Rank autocorrelation"]


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
class _Bucketed:
    """Categories of the rows that have one, and whether they are thirds or the caller's own."""

    labels: pd.Series
    are_thirds: bool

    @classmethod
    def of(
        cls, factor_data: pd.DataFrame, values: pd.Series | pd.DataFrame, name: str
    ) -> _Bucketed:
        """Cut an exposure into thirds of each date, unless it names what its rows belong to."""
        exposure = _on_rows(factor_data, values, name)
        if isinstance(exposure.dtype, pd.CategoricalDtype):
            return cls(labels=exposure, are_thirds=False)
        return cls(labels=_thirds(exposure, name), are_thirds=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Doubts:
    """What a factor is judged by beside its own data, checked before anything is computed.

    Attributes
    ----------
    trials : TrialCount or None
        How many factors were tried.
    buckets : mapping of str to _Bucketed
        Each exposure as labels of the rows that have one.
    """

    trials: TrialCount | None
    buckets: Mapping[str, _Bucketed]

    @classmethod
    def of(
        cls, factor_data: pd.DataFrame, trials: TrialCount | None, buckets: Buckets | None
    ) -> Doubts:
        """Refuse what is no count of trials, and exposures that say nothing about the rows."""
        counted, given = checked_trials(trials), _checked_buckets(buckets)
        if not given:
            return cls(trials=counted, buckets={})
        _refuse_empty(factor_data)
        data = by_decision(factor_data)
        cut = {name: _Bucketed.of(data, values, name) for name, values in given.items()}
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
    freq, notes = _step(dates), _Notes()
    tables = {
        "information": _with_values(_means(ic, measured, "Mean IC", 1.0, notes), pearson, measured),
        "spread": _means(spread, measured, "Mean spread (bps)", BPS, notes),
        "sharpe": _sharpes(returns, measured, doubts.trials, notes),
        "costs": _costs(factor_data, spread, measured),
        "by_lag": _by_lag(factor_data, len(dates)),
        "by_time": _in_spans(ic, factor_data, measured, freq, notes),
        "coverage": _coverage(factor_data, freq),
    }
    by_bucket = {
        name: _by_bucket(factor_data, bucketed, name, ic, measured, group_neutral, notes)
        for name, bucketed in doubts.buckets.items()
    }
    _note_early_ends(measured, notes)
    _note_losses(lost, factor_data, notes)
    return DoubtReport(
        **tables,
        by_bucket=by_bucket,
        losses=None if lost is None else _lost_in_time(lost, freq),
        losses_by_date=lost,
        notes=notes.lines(),
    )


class _Notes:
    """What the box says beside its figures, in the order of reading."""

    def __init__(self) -> None:
        self._periods: dict[tuple[str, str], list[str]] = {}

    def say(self, what: str, why: str, period: object = None) -> None:
        """Say why something is missing; nothing without a reason. Periods alike share a line."""
        if why:
            periods = self._periods.setdefault((what, why), [])
            periods.extend([] if period is None else [str(period)])

    def lines(self) -> tuple[str, ...]:
        """Return one line for each reason."""
        return tuple(
            f"{what} ({', '.join(periods)}): {why}" if periods else f"{what}: {why}"
            for (what, why), periods in self._periods.items()
        )


def _means(
    series: pd.DataFrame, measured: Mapping[str, Horizon], name: str, unit: float, notes: _Notes
) -> pd.DataFrame:
    """Return the mean of each column with its t statistics, naive and robust to overlap."""
    columns = {}
    for period in series.columns:
        values = series[period].to_numpy(dtype=np.float64)
        rows = measured[str(period)].rows
        naive = stats.mean_tstat(values)
        newey, hodrick, cosine = (
            stats.overlap_tstat(values, rows, kernel=kernel)
            for kernel in ("bartlett", "uniform", "cosine")
        )
        notes.say(f"tests of the {_inside(name)}", cosine.reasons[0], period)
        if hodrick.reasons != cosine.reasons:
            notes.say(f"t, Hansen-Hodrick, of the {_inside(name)}", hodrick.reasons[0], period)
        columns[period] = {
            name: float(naive.mean) * unit,
            "t, naive": float(naive.t),
            "t, Newey-West": float(newey.t),
            "t, Hansen-Hodrick": float(hodrick.t),
            "t, cosine": float(cosine.t),
            "Degrees of freedom, cosine": float(cosine.degrees),
            "p, cosine": float(cosine.p),
            "Observations": float(naive.n),
            "Observations they are worth": float(cosine.effective_n),
            "Rows a period spans": float(rows),
        }
    return pd.DataFrame(columns, columns=series.columns)


def _inside(name: str) -> str:
    """Return a name as it stands inside a sentence."""
    return name[:1].lower() + name[1:]


def _with_values(
    information: pd.DataFrame, pearson: pd.DataFrame, measured: Mapping[str, Horizon]
) -> pd.DataFrame:
    """Return the statistics of the IC with those of the correlation of values."""
    test = _robust(pearson, measured)
    for name, found in (("Mean Pearson IC", test.mean), ("t, cosine, of Pearson IC", test.t)):
        information.loc[name] = found
    return information


def _robust(series: pd.DataFrame, measured: Mapping[str, Horizon]) -> stats.MeanTest:
    """Test the mean of each column, whatever its period overlaps."""
    rows = [measured[str(period)].rows for period in series.columns]
    return stats.overlap_tstat(series.to_numpy(dtype=np.float64), rows)


def _costs(
    factor_data: pd.DataFrame, spread: pd.DataFrame, measured: Mapping[str, Horizon]
) -> pd.DataFrame:
    """Return spread, turnover over a period, and the one-way cost at which nothing is left."""
    columns = {}
    for period in spread.columns:
        rows = measured[str(period)].rows
        top, bottom = turnover_of_ends(factor_data, rows)
        mean = float(spread[period].mean())
        columns[period] = {
            "Mean spread (bps)": mean * BPS,
            "Top quantile turnover": top,
            "Bottom quantile turnover": bottom,
            "Rows turnover is over": float(rows),
            "Break-even one-way cost (bps)": float(break_even_bps(mean, top, bottom)),
        }
    return pd.DataFrame(columns, columns=spread.columns)


def _sharpes(
    returns: pd.DataFrame,
    measured: Mapping[str, Horizon],
    trials: TrialCount | None,
    notes: _Notes,
) -> pd.DataFrame:
    """Return the Sharpe ratio of each period and what remains of it."""
    columns: dict[str, dict[str, float]] = {}
    for period in returns.columns:
        values = returns[period].to_numpy(dtype=np.float64)
        horizon = measured[str(period)]
        tried = None if trials is None else trials.over(horizon.rows)
        above_zero = stats.sharpe_test(values, rows=horizon.rows)
        deflated = stats.deflated_sharpe(values, tried, rows=horizon.rows)
        notes.say("probability of the Sharpe ratio", above_zero.reasons[0], period)
        notes.say("deflated Sharpe ratio", deflated.reason, period)
        columns[period] = {
            "Annual Sharpe ratio": float(stats.sharpe(values, horizon.bets)),
            "Bets a year": horizon.bets,
            "Probability that it is above 0": float(above_zero.probability),
            "Trials": np.nan if deflated.n_trials is None else deflated.n_trials,
            "Probability after deflation": (
                np.nan if deflated.probability is None else deflated.probability
            ),
        }
    if trials is not None:
        notes.say("trials", f"those of study {trials.study!r}, {trials.n_trials} recorded")
    notes.say("costs", "all Sharpe ratios and their probabilities are before costs")
    return pd.DataFrame(columns, columns=returns.columns)


def _note_early_ends(measured: Mapping[str, Horizon], notes: _Notes) -> None:
    """Say which periods are over before the next date."""
    short = [period for period, horizon in measured.items() if horizon.ends_early]
    if short:
        notes.say(
            f"what a position earns after {', '.join(short)}",
            "the dates are further apart, and the costs are of positions held from one to the next",
        )


def _note_losses(lost: pd.DataFrame | None, factor_data: pd.DataFrame, notes: _Notes) -> None:
    """Say what the clean step left out by foresight, or that nobody knows."""
    if lost is None:
        notes.say(
            "rows lost in cleaning",
            "not known, because the record belongs to the rows that the clean step returned, in "
            "their order, and parts and files are without it: judge that frame",
        )
        return
    last = factor_data.index.get_level_values("date").max()
    counts = losses.lost_by_foresight(lost, last)
    if len(counts):
        told = ", ".join(f"{reason}: {count:,}" for reason, count in counts.items())
        notes.say(
            f"{counts.sum():,} rows left out because of their later return ({told})",
            "nobody knew that on their dates, and every figure here is without them",
        )


def _by_lag(factor_data: pd.DataFrame, n_dates: int) -> pd.DataFrame:
    """Return turnover of the ends and rank autocorrelation over a few numbers of rows."""
    rows = {}
    for lag in (lag for lag in _LAGS if lag < n_dates):
        top, bottom = turnover_of_ends(factor_data, lag)
        ranks = float(perf.factor_rank_autocorrelation(factor_data, lag).mean())
        rows[lag] = (top, bottom, ranks)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=_BY_LAG)
    return table.rename_axis(index="rows")


def _step(dates: pd.DatetimeIndex) -> str:
    """Return the unit of time that cuts the dates into a few parts."""
    days = (dates[-1] - dates[0]).days
    return "Y" if days > 3 * 365 else "Q" if days > 270 else "M"


def _in_time(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table by periods of time with their names as its index."""
    return table.set_axis(pd.Index([str(period) for period in table.index], name="date"), axis=0)


def _coverage(factor_data: pd.DataFrame, freq: str) -> pd.DataFrame:
    """Return dates, assets a date, and their share of all assets, in time."""
    dates = calendars.local_times(pd.DatetimeIndex(factor_data.index.get_level_values("date")))
    members = pd.Series(1, index=dates).groupby(level=0).sum()
    part = members.groupby(pd.DatetimeIndex(members.index).to_period(freq))
    assets = factor_data.index.get_level_values("asset").nunique()
    table = pd.DataFrame({"Dates": part.size(), "Assets a date": part.mean()})
    table["Share of all assets"] = table["Assets a date"] / assets
    return _in_time(table)


def _lost_in_time(lost: pd.DataFrame, freq: str) -> pd.DataFrame:
    """Return the rows lost by reason, in time; reasons that took nothing are left out."""
    dates = calendars.local_times(pd.DatetimeIndex(lost.index))
    return _in_time(lost.loc[:, lost.sum() > 0].groupby(dates.to_period(freq)).sum())


def _in_spans(
    ic: pd.DataFrame,
    factor_data: pd.DataFrame,
    measured: Mapping[str, Horizon],
    freq: str,
    notes: _Notes,
) -> pd.DataFrame:
    """Return the mean IC in spans of time, with its test and what it was measured on."""
    spans = calendars.local_times(pd.DatetimeIndex(ic.index)).to_period(freq)
    names = factor_data.groupby(level="date").size().reindex(ic.index)
    parts = {str(span): (ic[spans == span], names[spans == span]) for span in spans.unique()}
    return _mean_ics(parts, measured, "date", "in time", notes)


def _mean_ics(
    parts: Mapping[str, tuple[pd.DataFrame, pd.Series]],
    measured: Mapping[str, Horizon],
    name: str,
    where: str,
    notes: _Notes,
) -> pd.DataFrame:
    """Return the statistics of ICs by part, each with the names on its dates (NaN for none)."""
    rows, missing = {}, []
    for part, (ic, names) in parts.items():
        test = _robust(ic, measured)
        for i, period in enumerate(ic.columns):
            rows[str(period), part] = (test.mean[i], test.t[i], test.n[i], names.mean())
            if test.reasons[i]:
                missing.append(f"{period} {part}: {test.reasons[i]}")
    index = pd.MultiIndex.from_product([measured, parts], names=["period", name])
    columns = ["Mean IC", "t, cosine", "Dates", "Names a date"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).reindex(list(index))
    if missing:
        told = f"none for {len(missing)} of {len(rows)}, such as {missing[0]}"
        notes.say(f"t of the mean IC {where}", told)
    return table.set_axis(index).astype({"Dates": "int64"})


def _checked_buckets(buckets: object) -> Mapping[str, pd.Series | pd.DataFrame]:
    """Return the buckets by name, refused unless each is a Series or a frame."""
    remedy = "give e.g. {'size': size}, a Series by asset or by date and asset, or dates x assets"
    if buckets is None:
        return {}
    if not isinstance(buckets, Mapping):
        raise InputError(
            f"buckets maps names to exposures, not a {type(buckets).__name__}: {remedy}"
        )
    for name, values in buckets.items():
        if not isinstance(values, pd.Series | pd.DataFrame):
            raise InputError(
                f"buckets[{name!r}] is a {type(values).__name__} ({values!r}): {remedy}"
            )
    return buckets


def _by_bucket(
    factor_data: pd.DataFrame,
    bucketed: _Bucketed,
    name: str,
    ic: pd.DataFrame,
    measured: Mapping[str, Horizon],
    group_neutral: bool,
    notes: _Notes,
) -> pd.DataFrame:
    """Return the mean IC within each label."""
    labels = bucketed.labels
    cut = factor_data.loc[labels.index]
    if group_neutral:
        cut = utils.demean_forward_returns(cut, grouper=["date", "group"])
    found = perf.factor_information_coefficient(cut.assign(group=labels), by_group=True)
    _note_uncut(bucketed, factor_data, name, notes)
    dates = labels.index.get_level_values("date").rename("date")
    sizes = labels.to_frame("group").groupby([dates, "group"], observed=True).size()
    groups, members = (table.index.get_level_values("group") for table in (found, sizes))
    parts = {
        str(part): (
            found[groups == part].droplevel("group").reindex(ic.index),
            sizes[members == part],
        )
        for part in labels.cat.categories
    }
    return _mean_ics(parts, measured, name, f"by {name}", notes)


def _thirds(exposure: pd.Series, name: str) -> pd.Series:
    """Return the third of each row that has one, cut on each date."""
    framed = pd.DataFrame({"factor": exposure})
    thirds = utils.quantize_factor(framed, quantiles=len(_BUCKETS), no_raise=True)
    if thirds.empty:
        raise InputError(
            f"buckets[{name!r}] has no value that can be cut into thirds on the dates of "
            "factor_data: give one number per asset, or per date and asset, or labels such as "
            "values.astype('category')"
        )
    words = np.array(_BUCKETS)[thirds.to_numpy(dtype=np.int64) - 1]
    return pd.Series(pd.Categorical(words, _BUCKETS, ordered=True), index=thirds.index)


def _note_uncut(bucketed: _Bucketed, factor_data: pd.DataFrame, name: str, notes: _Notes) -> None:
    """Say on how many dates there is no bucket."""
    every, there = (
        known.index.get_level_values("date").nunique() for known in (factor_data, bucketed.labels)
    )
    if there < every:
        why = "values given for them are missing or too much alike to be cut into thirds"
        if not bucketed.are_thirds:
            why = "labels given for them are missing"
        notes.say(
            f"mean IC by {name}",
            f"{every - there:,} of {every:,} dates are without, because the {why}",
        )


def _on_rows(factor_data: pd.DataFrame, values: pd.Series | pd.DataFrame, name: str) -> pd.Series:
    """Return the exposure of each row of factor_data that has one: numbers, or categories."""
    tall = cast("pd.Series", values.stack()) if isinstance(values, pd.DataFrame) else values
    rows = factor_data.index
    if not isinstance(tall.index, pd.MultiIndex):
        rows = rows.get_level_values("asset")
    if not tall.index.is_unique:
        repeated = tall.index[tall.index.duplicated()][0]
        raise InputError(f"buckets[{name!r}] repeats {repeated!r}: keep one of each")
    found = tall.reindex(rows).set_axis(factor_data.index).dropna()
    if found.empty:
        raise InputError(
            f"buckets[{name!r}] has no value for any row of factor_data: give the assets, dates "
            "and time zone that factor_data has"
        )
    if pd.api.types.infer_dtype(found) in _NUMBERS:
        return found.astype(np.float64)
    return found.astype("category").cat.remove_unused_categories()
