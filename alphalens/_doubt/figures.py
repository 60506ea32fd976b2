"""The figures of the doubt box: means under overlap, ratios, costs, coverage, losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from alphalens import _calendar as calendars
from alphalens import _loss as losses
from alphalens import _stats as stats
from alphalens import performance as perf
from alphalens._doubt import parts
from alphalens._doubt.notes import Notes
from alphalens._metrics.common import BPS
from alphalens._metrics.ends import break_even_bps, turnover_of_ends
from alphalens._metrics.horizon import Horizon

if TYPE_CHECKING:
    from alphalens.trials import TrialCount


__all__ = [
    "by_lag",
    "costs",
    "coverage",
    "lost_in_time",
    "means",
    "note_early_ends",
    "note_losses",
    "sharpes",
    "step_of",
    "with_values",
]

_LAGS = (1, 5, 10, 20)
_BY_LAG = ["Top quantile turnover", "Bottom quantile turnover", "Rank autocorrelation"]


def means(
    series: pd.DataFrame, measured: Mapping[str, Horizon], name: str, unit: float, notes: Notes
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


def with_values(
    information: pd.DataFrame, pearson: pd.DataFrame, measured: Mapping[str, Horizon]
) -> pd.DataFrame:
    """Return the statistics of the IC with those of the correlation of values."""
    test = parts.robust(pearson, measured)
    for name, found in (("Mean Pearson IC", test.mean), ("t, cosine, of Pearson IC", test.t)):
        information.loc[name] = found
    return information


def costs(
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


def sharpes(
    returns: pd.DataFrame,
    measured: Mapping[str, Horizon],
    trials: TrialCount | None,
    notes: Notes,
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


def by_lag(factor_data: pd.DataFrame, n_dates: int) -> pd.DataFrame:
    """Return turnover of the ends and rank autocorrelation over a few numbers of rows."""
    rows = {}
    for lag in (lag for lag in _LAGS if lag < n_dates):
        top, bottom = turnover_of_ends(factor_data, lag)
        ranks = float(perf.factor_rank_autocorrelation(factor_data, lag).mean())
        rows[lag] = (top, bottom, ranks)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=_BY_LAG)
    return table.rename_axis(index="rows")


def note_early_ends(measured: Mapping[str, Horizon], notes: Notes) -> None:
    """Say which periods are over before the next date."""
    short = [period for period, horizon in measured.items() if horizon.ends_early]
    if short:
        notes.say(
            f"what a position earns after {', '.join(short)}",
            "the dates are further apart, and the costs are of positions held from one to the next",
        )


def note_losses(lost: pd.DataFrame | None, factor_data: pd.DataFrame, notes: Notes) -> None:
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


def step_of(dates: pd.DatetimeIndex) -> str:
    """Return the unit of time that cuts the dates into a few parts."""
    days = (dates[-1] - dates[0]).days
    return "Y" if days > 3 * 365 else "Q" if days > 270 else "M"


def coverage(factor_data: pd.DataFrame, freq: str) -> pd.DataFrame:
    """Return dates, assets a date, and their share of all assets, in time."""
    dates = calendars.local_times(pd.DatetimeIndex(factor_data.index.get_level_values("date")))
    members = pd.Series(1, index=dates).groupby(level=0).sum()
    part = members.groupby(pd.DatetimeIndex(members.index).to_period(freq))
    assets = factor_data.index.get_level_values("asset").nunique()
    table = pd.DataFrame({"Dates": part.size(), "Assets a date": part.mean()})
    table["Share of all assets"] = table["Assets a date"] / assets
    return _in_time(table)


def lost_in_time(lost: pd.DataFrame, freq: str) -> pd.DataFrame:
    """Return the rows lost by reason, in time; reasons that took nothing are left out."""
    dates = calendars.local_times(pd.DatetimeIndex(lost.index))
    return _in_time(lost.loc[:, lost.sum() > 0].groupby(dates.to_period(freq)).sum())


def _in_time(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table by periods of time with their names as its index."""
    return table.set_axis(pd.Index([str(period) for period in table.index], name="date"), axis=0)
