"""What the tear sheets show, as frozen reports of plain frames, computed before any drawing.

One report answers one sheet's question; each metric in it is computed once and shared by
whoever draws, prints or saves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from alphalens import _tables, utils
from alphalens import performance as perf
from alphalens._calendar import TRADING_YEAR
from alphalens._metrics.horizon import horizons
from alphalens._version import __version__
from alphalens.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import ArrayLike, NDArray

_MIX = np.uint64(0x9E3779B97F4A7C15)
"""Odd number with evenly spread bits: what hashes are multiplied by before the next is added."""

_NO_GROWTH = 5.0
"""Median above which values that should be returns or growth are taken for prices."""

__all__ = [
    "EventReport",
    "InformationReport",
    "ReturnsReport",
    "SummaryReport",
    "TurnoverReport",
    "bets_a_year",
    "data_hash",
    "describe",
    "describe_paths",
    "event_means",
    "event_report",
    "information_report",
    "returns_report",
    "summary_report",
    "told_bets",
    "turnover_report",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReturnsReport:
    """What the factor and its quantiles earned.

    Attributes
    ----------
    alpha_beta : DataFrame, (Ann. alpha, beta) x periods
        Regression of the factor portfolio on the universe.
    mean_by_quantile : DataFrame, quantiles x periods
        Mean returns, fractions per base period (the first period column).
    mean_by_date : DataFrame, (factor_quantile, date) x periods
        The same for each date.
    spread, spread_error : DataFrame, dates x periods
        Highest minus lowest quantile and its standard error, fractions per base period.
    factor_daily : Series by date, or None
        Raw one-day return of the factor portfolio; None without a ``1D`` column.
    quantile_daily : Series by (factor_quantile, date), or None
        Raw one-day mean return of each quantile; None without a ``1D`` column.
    mean_by_group : DataFrame, (factor_quantile, group) x periods, or None
        Mean returns, fractions per base period; None unless asked for.
    portfolio : str
        The factor portfolio in words, such as "Factor Weighted Long/Short Portfolio".
    table : DataFrame
        As printed, unrounded.
    """

    alpha_beta: pd.DataFrame
    mean_by_quantile: pd.DataFrame
    mean_by_date: pd.DataFrame
    spread: pd.DataFrame
    spread_error: pd.DataFrame | None
    factor_daily: pd.Series[float] | None
    quantile_daily: pd.Series[float] | None
    mean_by_group: pd.DataFrame | None
    portfolio: str
    table: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InformationReport:
    """How well the factor ranks what follows.

    Attributes
    ----------
    ic : DataFrame, dates x periods
        Rank information coefficient.
    monthly : DataFrame, month ends x periods, or None
        Its means by month; None where the groups are shown instead.
    by_group : DataFrame, groups x periods, or None
        Its means by group; None unless asked for.
    table : DataFrame, periods x statistics
        Unrounded; printed transposed.
    """

    ic: pd.DataFrame
    monthly: pd.DataFrame | None
    by_group: pd.DataFrame | None
    table: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TurnoverReport:
    """How fast the factor changes its mind.

    Attributes
    ----------
    by_quantile : mapping of int to DataFrame
        Per whole number of days the turnovers, dates x quantiles; empty without such a period.
    autocorrelation : DataFrame, dates x days
        Rank autocorrelations.
    table, autocorrelation_table : DataFrame
        As printed, unrounded.
    """

    by_quantile: Mapping[int, pd.DataFrame]
    autocorrelation: pd.DataFrame
    table: pd.DataFrame
    autocorrelation_table: pd.DataFrame

    def with_whole_labels(self) -> TurnoverReport:
        """Return the report with ``Quantile 1`` for ``Quantile 1.0`` in its table.

        The summary sheet has always named quantiles by whole numbers, the turnover sheet by the
        labels of the data, which are floats after the binning lost a row.
        """
        labels = [label.replace(".0 ", " ") for label in self.table.index]
        return replace(self, table=self.table.set_axis(pd.Index(labels), axis=0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventReport:
    """What happened around the dates of the factor's values.

    Attributes
    ----------
    paths : DataFrame, (factor_quantile, {mean, std}) x relative rows, or None
        Average path of each quantile; None without prices or without a window.
    by_group : mapping of group to DataFrame
        The same for each group; empty unless asked for.
    """

    paths: pd.DataFrame | None
    by_group: Mapping[Hashable, pd.DataFrame]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SummaryReport:
    """Everything a full or a summary sheet shows.

    Attributes
    ----------
    quantile_statistics : DataFrame
        Range and count of the factor in each quantile.
    returns, information, turnover
        The three parts.
    """

    quantile_statistics: pd.DataFrame
    returns: ReturnsReport
    information: InformationReport
    turnover: TurnoverReport


def returns_report(
    factor_data: pd.DataFrame,
    *,
    long_short: bool = True,
    group_neutral: bool = False,
    by_group: bool = False,
) -> ReturnsReport:
    """Compute what the returns sheet shows.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data with ``factor_quantile``.
    long_short : bool
        Demean returns and factor by date.
    group_neutral : bool
        Demean by date and group, weigh groups equally.
    by_group : bool
        Also compute the means of each group.

    Returns
    -------
    ReturnsReport
    """
    means, _ = perf.mean_return_by_quantile(
        factor_data, by_group=False, demeaned=long_short, group_adjust=group_neutral
    )
    dated, errors = perf.mean_return_by_quantile(
        factor_data, by_date=True, by_group=False, demeaned=long_short, group_adjust=group_neutral
    )
    returns = perf.factor_returns(factor_data, long_short, group_neutral)
    alpha_beta = perf.factor_alpha_beta(factor_data, returns, long_short, group_neutral)
    base = str(means.columns[0])
    rates, dated_rates = rates_of_return(means, base), rates_of_return(dated, base)
    labels = _labels(factor_data)
    spread, spread_error = perf.compute_mean_returns_spread(
        dated_rates,
        labels[-1],
        labels[0],
        std_err=errors.apply(utils.std_conversion, axis=0, base_period=base),
    )
    has_days = "1D" in dated.columns
    return ReturnsReport(
        alpha_beta=alpha_beta,
        mean_by_quantile=rates,
        mean_by_date=dated_rates,
        spread=spread,
        spread_error=spread_error,
        factor_daily=returns["1D"] if has_days else None,
        quantile_daily=dated["1D"] if has_days else None,
        mean_by_group=_group_means(factor_data, long_short, group_neutral) if by_group else None,
        portfolio=_portfolio(long_short, group_neutral),
        table=_tables.returns_table(alpha_beta, rates, spread),
    )


def rates_of_return(frame: pd.DataFrame, base: str) -> pd.DataFrame:
    """Return the returns of all periods as compound rates per `base` period."""
    return frame.apply(utils.rate_of_return, axis=0, base_period=base)


def _labels(factor_data: pd.DataFrame) -> list[float]:
    """Return the quantile labels present, ascending."""
    labels = sorted(factor_data["factor_quantile"].dropna().unique().tolist())
    if not labels:
        raise _nothing_to_judge(factor_data, "no quantile label")
    return labels


def _nothing_to_judge(factor_data: pd.DataFrame, found: str) -> InputError:
    return InputError(
        f"factor_data has {len(factor_data)} rows and {found}: there is nothing to judge; see what "
        "get_clean_factor dropped, or raise its max_loss"
    )


def _group_means(factor_data: pd.DataFrame, long_short: bool, group_neutral: bool) -> pd.DataFrame:
    """Return the mean rates of each quantile in each group."""
    means, _ = perf.mean_return_by_quantile(
        factor_data,
        by_date=False,
        by_group=True,
        demeaned=long_short,
        group_adjust=group_neutral,
    )
    return rates_of_return(means, str(means.columns[0]))


def _portfolio(long_short: bool, group_neutral: bool) -> str:
    """Return the factor portfolio in words."""
    neutral = "Group Neutral " if group_neutral else ""
    sides = "Long/Short " if long_short else ""
    return f"Factor Weighted {neutral}{sides}Portfolio"


def information_report(
    factor_data: pd.DataFrame, *, group_neutral: bool = False, by_group: bool = False
) -> InformationReport:
    """Compute what the information sheet shows.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data.
    group_neutral : bool
        Demean returns by date and group first.
    by_group : bool
        Means of each group instead of each month.

    Returns
    -------
    InformationReport
    """
    if factor_data.empty:
        raise _nothing_to_judge(factor_data, "no return")
    ic = perf.factor_information_coefficient(factor_data, group_neutral)
    grouped = None
    if by_group:
        grouped = pd.DataFrame(
            perf.mean_information_coefficient(
                factor_data, group_adjust=group_neutral, by_group=True
            )
        )
    return InformationReport(
        ic=ic,
        monthly=None if by_group else ic.resample("ME").mean(),
        by_group=grouped,
        table=_tables.information_table(ic),
    )


def turnover_report(
    factor_data: pd.DataFrame, turnover_periods: Sequence[str] | None = None
) -> TurnoverReport:
    """Compute what the turnover sheet shows.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data with ``factor_quantile``, whose labels may be any numbers.
    turnover_periods : sequence of str, optional
        Names of periods such as ``"1D"``; default: the period columns. Periods that are no
        whole number of days are skipped.

    Returns
    -------
    TurnoverReport
        Empty frames if no period is a whole number of days.
    """
    days = list(dict.fromkeys(_days(factor_data, turnover_periods)))
    quantiles = factor_data["factor_quantile"]
    labels = _labels(factor_data)
    by_quantile = {
        n: pd.concat([perf.quantile_turnover(quantiles, q, n) for q in labels], axis=1, sort=True)
        for n in days
    }
    correlations = [perf.factor_rank_autocorrelation(factor_data, n) for n in days]
    autocorrelation = pd.concat(correlations, axis=1, sort=True) if correlations else pd.DataFrame()
    table, autocorrelation_table = _tables.turnover_tables(autocorrelation, by_quantile)
    return TurnoverReport(
        by_quantile=by_quantile,
        autocorrelation=autocorrelation,
        table=table,
        autocorrelation_table=autocorrelation_table,
    )


def _days(factor_data: pd.DataFrame, names: Sequence[str] | None) -> list[int]:
    """Return the whole-day periods asked for; a UserWarning tells that others are skipped."""
    if names is None:
        return utils.turnover_periods_from_columns(factor_data.columns)
    spans = [pd.Timedelta(name) for name in names]
    return utils.turnover_periods_from_columns(
        pd.Index([utils.timedelta_to_string(span) for span in spans])
    )


def event_report(
    factor_data: pd.DataFrame,
    returns: pd.DataFrame | None,
    *,
    window: tuple[int, int] | None = (5, 15),
    long_short: bool = True,
    group_neutral: bool = False,
    by_group: bool = False,
    is_rebased: bool = False,
) -> EventReport:
    """Compute what the event sheet shows.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data with ``factor_quantile``.
    returns : DataFrame, dates x assets, or None
        Values to average around the events, taken as they are (see
        `average_cumulative_return_by_quantile`).
    window : tuple of two ints, or None
        Rows before and after the event.
    long_short, group_neutral : bool
        Subtract the mean of the date, or of the date and group.
    by_group : bool
        Also compute the paths of each group.
    is_rebased : bool
        Average changes since the event, as `average_cumulative_return_by_quantile` does.

    Returns
    -------
    EventReport
        Empty if `returns` or `window` is None.
    """
    if returns is None or window is None:
        return EventReport(paths=None, by_group={})
    average = partial(
        perf.average_cumulative_return_by_quantile,
        factor_data,
        returns,
        periods_before=window[0],
        periods_after=window[1],
        demeaned=long_short,
        group_adjust=group_neutral,
        is_rebased=is_rebased,
    )
    grouped: dict[Hashable, pd.DataFrame] = {}
    if by_group:
        paths = average(by_group=True)
        names = paths.index.get_level_values("group").unique()
        grouped = {name: pd.DataFrame(paths.xs(name, level="group")) for name in names}
    return EventReport(paths=average(), by_group=grouped)


def describe_paths(returns: pd.DataFrame | None, *, is_rebased: bool) -> dict[str, str]:
    """Return in words what the paths of an event sheet are averages of."""
    if returns is None:
        return {}
    if is_rebased:
        return {"Paths": "mean change since the event"}
    values = returns.to_numpy(dtype=np.float64, na_value=np.nan)
    known = values[np.isfinite(values)]
    if known.size and known.min() > 0 and float(np.median(known)) > _NO_GROWTH:
        return {
            "Paths": f"mean of the values given, which look like prices (median "
            f"{np.median(known):.4g}, all above 0): assets of different levels are averaged; "
            "is_rebased=True gives changes since the event"
        }
    return {"Paths": "mean of the values given"}


def event_means(
    factor_data: pd.DataFrame, *, rate_of_ret: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the plain mean returns of each quantile, and those by date.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data with ``factor_quantile``.
    rate_of_ret : bool
        As fractions per base period (the first period column), otherwise per own period.

    Returns
    -------
    tuple of DataFrames
        Quantiles x periods and (factor_quantile, date) x periods; nothing is demeaned.

    Raises
    ------
    InputError
        If there is no event.
    """
    if factor_data.empty:
        raise _nothing_to_judge(factor_data, "no event")
    means, _ = perf.mean_return_by_quantile(factor_data, by_group=False, demeaned=False)
    dated, _ = perf.mean_return_by_quantile(
        factor_data, by_date=True, by_group=False, demeaned=False
    )
    if not rate_of_ret:
        return means, dated
    base = str(means.columns[0])
    return rates_of_return(means, base), rates_of_return(dated, base)


def summary_report(
    factor_data: pd.DataFrame,
    *,
    long_short: bool = True,
    group_neutral: bool = False,
    by_group: bool = False,
) -> SummaryReport:
    """Compute what the summary and the full sheet show; each metric once.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data with ``factor_quantile``.
    long_short, group_neutral, by_group : bool
        As in `returns_report`; `group_neutral` reaches the returns and the IC alike.

    Returns
    -------
    SummaryReport
    """
    return SummaryReport(
        quantile_statistics=_tables.quantile_statistics_table(factor_data),
        returns=returns_report(
            factor_data, long_short=long_short, group_neutral=group_neutral, by_group=by_group
        ),
        information=information_report(factor_data, group_neutral=group_neutral, by_group=by_group),
        turnover=turnover_report(factor_data),
    )


def describe(factor_data: pd.DataFrame) -> dict[str, str]:
    """Return what a reader must know of `factor_data` before its tables, as words."""
    dates = factor_data.index.get_level_values("date").unique()
    assets = factor_data.index.get_level_values("asset").nunique()
    facts = {"Observations": f"{len(factor_data):,}", "Assets": f"{assets:,}"}
    if len(dates):
        first, last = dates.min(), dates.max()
        facts = {"Dates": f"{first:%Y-%m-%d} to {last:%Y-%m-%d} ({len(dates):,} dates)", **facts}
    periods = utils.get_forward_returns_columns(factor_data.columns)
    facts["Forward periods"] = ", ".join(str(period) for period in periods)
    if "factor_quantile" in factor_data:
        facts["Quantiles"] = ", ".join(f"{label:g}" for label in _labels(factor_data))
    if "group" in factor_data:
        facts["Groups"] = f"{factor_data['group'].nunique()}"
    facts["Annualised by"] = _annualised(factor_data)
    facts["Data hash"] = data_hash([factor_data])
    facts["alphalens"] = __version__
    return facts


def _annualised(factor_data: pd.DataFrame) -> str:
    """Return what returns of a period are made annual by, and Sharpe ratios where it differs."""
    words = f"{TRADING_YEAR.days} days over the period"
    bets = {} if factor_data.empty else bets_a_year(factor_data)
    if all(np.isclose(count, TRADING_YEAR / pd.Timedelta(p)) for p, count in bets.items()):
        return words
    return f"{words}; Sharpe ratios by bets a year: {told_bets(bets)}"


def bets_a_year(factor_data: pd.DataFrame) -> dict[str, float]:
    """Return what the Sharpe ratio of each period is made annual by the root of."""
    return {period: horizon.bets for period, horizon in horizons(factor_data).items()}


def told_bets(bets: Mapping[str, float]) -> str:
    """Return bets a year in words, such as ``52.2 (1D), 50.4 (5D)``."""
    return ", ".join(f"{count:.1f} ({period})" for period, count in bets.items())


def data_hash(frames: Iterable[pd.DataFrame]) -> str:
    """Return the first sixteen digits of a hash of frames of factor_data.

    Parameters
    ----------
    frames : iterable of DataFrame
        Frames by date and asset, in order.

    Returns
    -------
    str
        Other digits for another number, label, name of a column, order of rows, columns or frames;
        the same for whole numbers as floats, categories as text, and other units of the dates.

    Notes
    -----
    SHA-256 of the columns' names and of a 64-bit hash of each row. O(n) for n rows.
    """
    digest = sha256()
    for frame in frames:
        digest.update(repr([len(frame), *map(str, frame.columns)]).encode())
        index = cast("pd.MultiIndex", frame.index)
        rows = np.zeros(len(frame), dtype=np.uint64)
        for level, codes in zip(index.levels, index.codes, strict=True):
            rows = rows * _MIX + _hashes_of(level, codes)
        for place in range(frame.shape[1]):
            rows = rows * _MIX + _hashes(frame.iloc[:, place])
        digest.update(rows.tobytes())
    return digest.hexdigest()[:16]


def _hashes(values: pd.Series) -> NDArray[np.uint64]:
    """Return a hash of each value that does not depend on how it is stored."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _hashes_of(values.cat.categories, values.cat.codes)
    if pd.api.types.is_numeric_dtype(values.dtype):
        values = values.astype(np.float64)
    elif pd.api.types.is_datetime64_any_dtype(values.dtype):
        values = pd.Series(pd.DatetimeIndex(values).as_unit("ns").asi8)
    return np.asarray(pd.util.hash_pandas_object(values, index=False), dtype=np.uint64)


def _hashes_of(labels: pd.Index, codes: ArrayLike) -> NDArray[np.uint64]:
    """Return the hash of the label of each code; 0 for none."""
    own = np.append(_hashes(labels.to_series()), np.uint64(0))
    found: NDArray[np.uint64] = own[np.asarray(codes)]
    return found
