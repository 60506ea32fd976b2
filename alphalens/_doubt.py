"""What speaks against a factor: overlap, trials, costs, coverage, and where the edge lives.

The numbers are those of the metrics; only the judgement of them is added. Where something was not
recorded, the report says so and leaves the figure out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

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
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alphalens.trials import TrialCount

    Floats = NDArray[np.float64]
    Buckets: TypeAlias = Mapping[str, pd.Series[float] | pd.DataFrame]

__all__ = ["DoubtReport", "doubt_report"]

_BUCKETS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtReport:
    """What speaks against a factor.

    Attributes
    ----------
    information, spread : DataFrame, statistics x periods
        Mean IC, and mean top less bottom quantile return (bps per own period), each with its naive
        t, Newey-West's and Hansen-Hodrick's, and the observations they are worth.
    sharpe : DataFrame, statistics x periods
        Annual Sharpe ratio of the factor portfolio and the bets a year that it counts, the
        probability that the true one is above 0, and above what the best of as many trials without
        any edge would show (NaN where trials were not recorded).
    costs : DataFrame, statistics x periods
        Spread, turnover of the outer quantiles and the rows that it is measured over, and the
        one-way cost at which nothing is left.
    by_time : DataFrame, years (quarters, months) x periods
        Mean IC.
    by_bucket : mapping of str to DataFrame, buckets x periods
        Mean IC within thirds of each exposure given.
    coverage : DataFrame, years (quarters, months) x (dates, assets a date, share of all assets)
        How much of the panel the factor speaks about.
    losses : DataFrame, years (quarters, months) x reasons, or None
        Rows lost in cleaning; None where `factor_data` was not made by the clean step here.
    notes : tuple of str
        What was not recorded or cannot be said.
    """

    information: pd.DataFrame
    spread: pd.DataFrame
    sharpe: pd.DataFrame
    costs: pd.DataFrame
    by_time: pd.DataFrame
    by_bucket: Mapping[str, pd.DataFrame]
    coverage: pd.DataFrame
    losses: pd.DataFrame | None
    notes: tuple[str, ...]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return all tables by title, in the order of reading."""
        found = {
            "Information under doubt": self.information,
            "Spread under doubt (bps)": self.spread,
            "Sharpe ratio under doubt": self.sharpe,
            "Spread against its costs": self.costs,
            "Mean IC in time": self.by_time,
            **{f"Mean IC by {name}": frame for name, frame in self.by_bucket.items()},
            "Coverage in time": self.coverage,
        }
        if self.losses is not None:
            found["Rows lost in cleaning"] = self.losses
        if self.notes:
            found["What cannot be said"] = pd.DataFrame({"": list(self.notes)})
        return found


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
        dates x assets, or one value per asset; the IC is shown within thirds of each date.
    long_short, group_neutral : bool
        As in `create_full_tear_sheet`.

    Returns
    -------
    DoubtReport

    Raises
    ------
    InputError
        If there is no row, or a bucket has no value for any of them.

    Notes
    -----
    A period that spans H rows overlaps with its H - 1 neighbours. Hansen-Hodrick's standard error
    counts all of their covariance; Newey-West's uses 2 (H - 1) lags, since its falling weights see
    only part of it, and never fewer than its own rule for the number of observations.
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
    bets, not 252; one hour held in each of four bars a day is 1008, not 6048.
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
    if factor_data.empty:
        raise InputError("factor_data has 0 rows: there is nothing to doubt")
    measured, lost = horizons(factor_data), losses.recorded(factor_data)
    factor_data = by_decision(factor_data)
    ic = perf.factor_information_coefficient(factor_data, group_adjust=group_neutral)
    returns = perf.factor_returns(factor_data, long_short, group_neutral)
    dates = pd.DatetimeIndex(ic.index)
    spread = spread_of_ends(factor_data, long_short=long_short, group_neutral=group_neutral)
    spread = spread.reindex(dates)
    sharpe, notes = _sharpes(returns, measured, trials)
    short = [period for period, horizon in measured.items() if horizon.ends_early]
    if short:
        notes.append(
            f"what a position earns after {', '.join(short)}: the dates are further apart, and the "
            "costs are of positions held from one to the next"
        )
    freq = _step(dates)
    if lost is None:
        notes.append("rows lost in cleaning: this frame was not made by the clean step here")
    return DoubtReport(
        information=_means(ic, measured, "Mean IC", 1.0),
        spread=_means(spread, measured, "Mean spread (bps)", BPS),
        sharpe=sharpe,
        costs=_costs(factor_data, spread, measured),
        by_time=_in_time(ic.groupby(calendars.local_times(dates).to_period(freq)).mean()),
        by_bucket={
            name: _by_bucket(factor_data, values, name, group_neutral)
            for name, values in (buckets or {}).items()
        },
        coverage=_coverage(factor_data, freq),
        losses=None if lost is None else _lost_in_time(lost, freq),
        notes=tuple(notes),
    )


def _means(
    series: pd.DataFrame, measured: Mapping[str, Horizon], name: str, unit: float
) -> pd.DataFrame:
    """Return the mean of each column with its t statistics, naive and robust to overlap."""
    columns = {}
    for period in series.columns:
        values = series[period].to_numpy(dtype=np.float64)
        overlap = measured[str(period)].rows - 1
        naive = stats.mean_tstat(values)
        hodrick = stats.mean_tstat(values, overlap, kernel="uniform")
        newey = stats.mean_tstat(values, stats.overlap_lags(overlap + 1, int(naive.n)))
        columns[period] = {
            name: float(naive.mean) * unit,
            "t, naive": float(naive.t),
            "t, Newey-West": float(newey.t),
            "t, Hansen-Hodrick": float(hodrick.t),
            "p, Newey-West": float(newey.p),
            "Observations": float(naive.n),
            "Observations they are worth": float(newey.effective_n),
            "Rows a period spans": float(overlap + 1),
        }
    return pd.DataFrame(columns, columns=series.columns)


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
    returns: pd.DataFrame, measured: Mapping[str, Horizon], trials: TrialCount | None
) -> tuple[pd.DataFrame, list[str]]:
    """Return the Sharpe ratio of each period and what remains of it, and what cannot be said."""
    columns: dict[str, dict[str, float]] = {}
    missing: dict[str, list[str]] = {}
    for period in returns.columns:
        values = returns[period].to_numpy(dtype=np.float64)
        horizon = measured[str(period)]
        lags = horizon.rows - 1
        tried = None if trials is None else trials.over(horizon.rows)
        deflated = stats.deflated_sharpe(values, tried, lags=lags)
        if deflated.probability is None:
            missing.setdefault(deflated.reason, []).append(str(period))
        columns[period] = {
            "Annual Sharpe ratio": float(stats.sharpe(values, horizon.bets)),
            "Bets a year": horizon.bets,
            "Probability that it is above 0": float(stats.probabilistic_sharpe(values, lags=lags)),
            "Trials": np.nan if deflated.n_trials is None else deflated.n_trials,
            "Probability after deflation": (
                np.nan if deflated.probability is None else deflated.probability
            ),
        }
    notes = [
        f"deflated Sharpe ratio ({', '.join(periods)}): {reason}"
        for reason, periods in missing.items()
    ]
    return pd.DataFrame(columns, columns=returns.columns), notes


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


def _by_bucket(
    factor_data: pd.DataFrame,
    values: pd.Series[float] | pd.DataFrame,
    name: str,
    group_neutral: bool,
) -> pd.DataFrame:
    """Return the mean IC within thirds of an exposure, cut on each date."""
    exposure = _on_rows(factor_data, values, name)
    known = exposure.notna()
    framed = pd.DataFrame({"factor": exposure[known].to_numpy()}, index=factor_data.index[known])
    thirds = utils.quantize_factor(framed, quantiles=_BUCKETS, no_raise=True)
    if thirds.empty:
        raise InputError(
            f"buckets[{name!r}] has no value that can be cut into thirds on the dates of "
            "factor_data: give one number per asset, or per date and asset"
        )
    cut = factor_data.loc[thirds.index]
    words = np.array(["low", "middle", "high"])
    labels = pd.Categorical(words[thirds.to_numpy(dtype=np.int64) - 1], words, ordered=True)
    if group_neutral:
        cut = utils.demean_forward_returns(cut, grouper=["date", "group"])
    ic = perf.mean_information_coefficient(cut.assign(group=labels), by_group=True)
    return pd.DataFrame(ic).rename_axis(index=name)


def _on_rows(
    factor_data: pd.DataFrame, values: pd.Series[float] | pd.DataFrame, name: str
) -> pd.Series[float]:
    """Return the exposure of each row of factor_data, NaN where there is none."""
    if isinstance(values, pd.DataFrame):
        values = values.stack()
    if isinstance(values.index, pd.MultiIndex):
        found = values.reindex(factor_data.index)
    else:
        found = values.reindex(factor_data.index.get_level_values("asset"))
    return pd.Series(found.to_numpy(dtype=np.float64), index=factor_data.index, name=name)
