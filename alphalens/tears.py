"""Tear sheets: the figures and tables that judge a factor, one page for each question.

Every ``create_*_tear_sheet`` prints its tables, shows its figures and returns None, as it always
did. With ``return_fig=True`` it prints and shows nothing and returns a `TearSheet`, which saves
itself as HTML, PDF, PNG or JSON. ``set_context=False`` keeps the caller's matplotlib settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from alphalens import _sheets, _tables, plotting
from alphalens._doubt import DoubtReport, Doubts, doubt_report, judge
from alphalens._panel import Panel, calendar_of
from alphalens._sheets import (
    EventReport,
    InformationReport,
    ReturnsReport,
    SummaryReport,
    TurnoverReport,
    event_report,
    information_report,
    returns_report,
    summary_report,
    turnover_report,
)
from alphalens._stage import GridFigure, Stage, pages
from alphalens._tear_sheet import SheetPart, TearSheet
from alphalens._warning import warn_user

if TYPE_CHECKING:
    from alphalens._doubt.report import Buckets
    from alphalens.trials import TrialCount

__all__ = [
    "DoubtReport",
    "EventReport",
    "GridFigure",
    "InformationReport",
    "ReturnsReport",
    "SheetPart",
    "SummaryReport",
    "TearSheet",
    "TurnoverReport",
    "create_event_returns_tear_sheet",
    "create_event_study_tear_sheet",
    "create_full_tear_sheet",
    "create_information_tear_sheet",
    "create_returns_tear_sheet",
    "create_summary_tear_sheet",
    "create_turnover_tear_sheet",
    "doubt_report",
    "event_report",
    "information_report",
    "returns_report",
    "summary_report",
    "turnover_report",
]


@plotting.customize
def create_summary_tear_sheet(
    factor_data: pd.DataFrame,
    long_short: bool = True,
    group_neutral: bool = False,
    *,
    return_fig: bool = False,
    trials: TrialCount | None = None,
    buckets: Buckets | None = None,
) -> TearSheet | None:
    """Show the tables of all sheets and the mean return of each quantile.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data, from `get_clean_factor` or made by hand.
    long_short : bool
        Judge a dollar-neutral portfolio: demean returns and factor by date.
    group_neutral : bool
        Judge a group-neutral portfolio: demean by date and group; reaches returns and IC.
    return_fig : bool
        Return a `TearSheet` instead of printing and showing.
    trials, buckets
        For the doubt box, see `doubt_report`.

    Returns
    -------
    TearSheet or None

    Examples
    --------
    >>> index = pd.MultiIndex.from_product(
    ...     [pd.bdate_range("2024-01-01", periods=9), list("AB")], names=["date", "asset"]
    ... )
    >>> data = pd.DataFrame({"1D": [0.01, 0.02] * 9, "factor": [1, 2] * 9}, index=index)
    >>> data["factor_quantile"] = [1, 2] * 9
    >>> sheet = create_summary_tear_sheet(data, return_fig=True)
    >>> sheet.tables["Quantiles Statistics"]["count"].tolist()
    [9, 9]
    """
    stage, doubts = _begin(factor_data, return_fig, trials, buckets)
    report = _sheets.summary_report(factor_data, long_short=long_short, group_neutral=group_neutral)
    pages.quantile_statistics(stage, report.quantile_statistics)
    pages.returns_table(stage, report.returns)
    pages.draw_quantile_means(stage, report.returns.mean_by_quantile)
    pages.information_table(stage, report.information)
    pages.turnover_table(stage, report.turnover.with_whole_labels())
    _doubt(stage, factor_data, doubts, long_short=long_short, group_neutral=group_neutral)
    return stage.sheet(
        "Factor summary",
        lambda: _header(factor_data, long_short=long_short, group_neutral=group_neutral),
    )


@plotting.customize
def create_returns_tear_sheet(
    factor_data: pd.DataFrame,
    long_short: bool = True,
    group_neutral: bool = False,
    by_group: bool = False,
    *,
    return_fig: bool = False,
    trials: TrialCount | None = None,
    buckets: Buckets | None = None,
) -> TearSheet | None:
    """Show what the factor and its quantiles earned.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data, from `get_clean_factor` or made by hand.
    long_short : bool
        Judge a dollar-neutral portfolio: demean returns and factor by date.
    group_neutral : bool
        Judge a group-neutral portfolio: demean by date and group.
    by_group : bool
        Also draw the quantiles of each group, on a page of their own.
    return_fig : bool
        Return a `TearSheet` instead of printing and showing.
    trials, buckets
        For the doubt box, see `doubt_report`.

    Returns
    -------
    TearSheet or None

    Warns
    -----
    UserWarning
        If the dates of `factor_data` carry no freq, i.e. no trading calendar.

    Notes
    -----
    Wealth is drawn for one-day returns only: longer ones overlap from date to date and must
    not be compounded row by row.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product(
    ...     [pd.bdate_range("2024-01-01", periods=9), list("AB")], names=["date", "asset"]
    ... )
    >>> data = pd.DataFrame({"1D": [0.01, 0.02] * 9, "factor": [1, 2] * 9}, index=index)
    >>> data["factor_quantile"] = [1, 2] * 9
    >>> sheet = create_returns_tear_sheet(data, long_short=False, return_fig=True)
    >>> round(sheet.tables["Returns Analysis"].loc["Mean Period Wise Spread (bps)", "1D"].item(), 6)
    100.0
    """
    stage, doubts = _begin(factor_data, return_fig, trials, buckets)
    _warn_without_calendar(factor_data)
    report = _sheets.returns_report(
        factor_data, long_short=long_short, group_neutral=group_neutral, by_group=by_group
    )
    pages.draw_returns(stage, report)
    _doubt(stage, factor_data, doubts, long_short=long_short, group_neutral=group_neutral)
    return stage.sheet(
        "Factor returns",
        lambda: _header(factor_data, long_short=long_short, group_neutral=group_neutral),
    )


@plotting.customize
def create_information_tear_sheet(
    factor_data: pd.DataFrame,
    group_neutral: bool = False,
    by_group: bool = False,
    *,
    return_fig: bool = False,
    trials: TrialCount | None = None,
    buckets: Buckets | None = None,
) -> TearSheet | None:
    """Show how well the factor ranks the returns that follow.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data, from `get_clean_factor` or made by hand.
    group_neutral : bool
        Demean returns by date and group before ranking.
    by_group : bool
        Draw the mean IC of each group instead of each month.
    return_fig : bool
        Return a `TearSheet` instead of printing and showing.
    trials, buckets
        For the doubt box, see `doubt_report`.

    Returns
    -------
    TearSheet or None

    Examples
    --------
    >>> index = pd.MultiIndex.from_product(
    ...     [pd.bdate_range("2024-01-01", periods=9), list("AB")], names=["date", "asset"]
    ... )
    >>> data = pd.DataFrame({"1D": [0.01, 0.02] * 9, "factor": [1, 2] * 9}, index=index)
    >>> data["factor_quantile"] = [1, 2] * 9
    >>> sheet = create_information_tear_sheet(data, return_fig=True)
    >>> round(sheet.tables["Information Analysis"].loc["IC Mean", "1D"].item(), 6)
    1.0
    """
    stage, doubts = _begin(factor_data, return_fig, trials, buckets)
    report = _sheets.information_report(factor_data, group_neutral=group_neutral, by_group=by_group)
    pages.draw_information(stage, report)
    _doubt(stage, factor_data, doubts, group_neutral=group_neutral)
    return stage.sheet(
        "Factor information", lambda: _header(factor_data, group_neutral=group_neutral)
    )


@plotting.customize
def create_turnover_tear_sheet(
    factor_data: pd.DataFrame,
    turnover_periods: Sequence[str] | None = None,
    *,
    return_fig: bool = False,
    trials: TrialCount | None = None,
    buckets: Buckets | None = None,
) -> TearSheet | None:
    """Show how fast the factor changes its mind.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data; quantile labels may be any numbers.
    turnover_periods : sequence of str, optional
        Names of whole-day periods such as ``"1D"``; default: those among the columns.
        Without any, nothing is printed or drawn.
    return_fig : bool
        Return a `TearSheet` instead of printing and showing.
    trials, buckets
        For the doubt box, see `doubt_report`.

    Returns
    -------
    TearSheet or None

    Warns
    -----
    UserWarning
        If a period is skipped because it is no whole number of days.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product(
    ...     [pd.bdate_range("2024-01-01", periods=9), list("AB")], names=["date", "asset"]
    ... )
    >>> data = pd.DataFrame({"1D": [0.01, 0.02] * 9, "factor": [1, 2] * 9}, index=index)
    >>> data["factor_quantile"] = [1, 2] * 9
    >>> sheet = create_turnover_tear_sheet(data, ["1D", "2D"], return_fig=True)
    >>> sheet.tables["Turnover Analysis"].loc["Quantile 1 Mean Turnover "].tolist()
    [0.0, 0.0]
    """
    stage, doubts = _begin(factor_data, return_fig, trials, buckets)
    pages.draw_turnover(stage, _sheets.turnover_report(factor_data, turnover_periods))
    _doubt(stage, factor_data, doubts)
    return stage.sheet("Factor turnover", lambda: _header(factor_data))


@plotting.customize
def create_full_tear_sheet(
    factor_data: pd.DataFrame,
    long_short: bool = True,
    group_neutral: bool = False,
    by_group: bool = False,
    *,
    return_fig: bool = False,
    trials: TrialCount | None = None,
    buckets: Buckets | None = None,
) -> TearSheet | None:
    """Show everything: quantiles, returns, information and turnover.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data, from `get_clean_factor` or made by hand.
    long_short : bool
        Judge a dollar-neutral portfolio: demean returns and factor by date.
    group_neutral : bool
        Judge a group-neutral portfolio: demean by date and group.
    by_group : bool
        Also show each group.
    return_fig : bool
        Return a `TearSheet` instead of printing and showing.
    trials, buckets
        For the doubt box, see `doubt_report`.

    Returns
    -------
    TearSheet or None

    Warns
    -----
    UserWarning
        If the dates of `factor_data` carry no freq, i.e. no trading calendar.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product(
    ...     [pd.bdate_range("2024-01-01", periods=9), list("AB")], names=["date", "asset"]
    ... )
    >>> data = pd.DataFrame({"1D": [0.01, 0.02] * 9, "factor": [1, 2] * 9}, index=index)
    >>> data["factor_quantile"] = [1, 2] * 9
    >>> sheet = create_full_tear_sheet(data, return_fig=True)
    >>> [part.title for part in sheet.parts]
    ['Quantiles', 'Returns', 'Information', 'Turnover', 'Doubt']
    """
    stage, doubts = _begin(factor_data, return_fig, trials, buckets)
    _warn_without_calendar(factor_data)
    report = _sheets.summary_report(
        factor_data, long_short=long_short, group_neutral=group_neutral, by_group=by_group
    )
    pages.quantile_statistics(stage, report.quantile_statistics)
    pages.draw_returns(stage, report.returns)
    pages.draw_information(stage, report.information)
    pages.draw_turnover(stage, report.turnover)
    _doubt(stage, factor_data, doubts, long_short=long_short, group_neutral=group_neutral)
    return stage.sheet(
        "Full tear sheet",
        lambda: _header(factor_data, long_short=long_short, group_neutral=group_neutral),
    )


@plotting.customize
def create_event_returns_tear_sheet(
    factor_data: pd.DataFrame,
    returns: pd.DataFrame,
    avgretplot: tuple[int, int] | None = (5, 15),
    long_short: bool = True,
    group_neutral: bool = False,
    std_bar: bool = True,
    by_group: bool = False,
    *,
    return_fig: bool = False,
    is_rebased: bool = False,
    trials: TrialCount | None = None,
    buckets: Buckets | None = None,
) -> TearSheet | None:
    """Show the average path of each quantile around the dates of the factor's values.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data, from `get_clean_factor` or made by hand.
    returns : DataFrame, dates x assets
        Values averaged around each date, taken as they are: cumulative returns or prices.
    avgretplot : tuple of two ints, or None
        Rows before and after; None draws nothing.
    long_short : bool
        Subtract the mean over the assets of the date.
    group_neutral : bool
        Subtract the mean over the assets of date and group.
    std_bar : bool
        Also draw each quantile on its own with bars of one standard deviation.
    by_group : bool
        Also draw each group, on a page of their own.
    return_fig : bool
        Return a `TearSheet` instead of showing.
    is_rebased : bool
        Average the changes since each date instead, so that prices of any level can be given.
    trials, buckets
        For the doubt box, see `doubt_report`.

    Returns
    -------
    TearSheet or None

    Examples
    --------
    >>> index = pd.MultiIndex.from_product(
    ...     [pd.bdate_range("2024-01-01", periods=9), list("AB")], names=["date", "asset"]
    ... )
    >>> data = pd.DataFrame({"1D": [0.01, 0.02] * 9, "factor": [1, 2] * 9}, index=index)
    >>> data["factor_quantile"] = [1, 2] * 9
    >>> growth = (1 + data["1D"].unstack()).cumprod()
    >>> sheet = create_event_returns_tear_sheet(data, growth, avgretplot=(1, 2), return_fig=True)
    >>> sheet.figures[0].axes[0].get_title()
    'Average Cumulative Returns by Quantile'
    """
    stage, doubts = _begin(factor_data, return_fig, trials, buckets)
    report = _sheets.event_report(
        factor_data,
        returns,
        window=avgretplot,
        long_short=long_short,
        group_neutral=group_neutral,
        by_group=by_group,
        is_rebased=is_rebased,
    )
    pages.draw_events(stage, report, std_bar=std_bar)
    _doubt(stage, factor_data, doubts, long_short=long_short, group_neutral=group_neutral)
    return stage.sheet(
        "Event returns",
        lambda: {
            **_header(factor_data, long_short=long_short, group_neutral=group_neutral),
            **_sheets.describe_paths(returns, is_rebased=is_rebased),
        },
    )


@plotting.customize
def create_event_study_tear_sheet(
    factor_data: pd.DataFrame,
    returns: pd.DataFrame | None,
    avgretplot: tuple[int, int] | None = (5, 15),
    rate_of_ret: bool = True,
    n_bars: int = 50,
    *,
    return_fig: bool = False,
    is_rebased: bool = False,
    trials: TrialCount | None = None,
    buckets: Buckets | None = None,
) -> TearSheet | None:
    """Show when events happened, what surrounded them, and what followed; nothing is demeaned.

    Parameters
    ----------
    factor_data : DataFrame
        Clean factor data whose rows are events.
    returns : DataFrame, dates x assets, or None
        Values averaged around each event, taken as they are; None leaves the paths out.
    avgretplot : tuple of two ints, or None
        Rows before and after; None leaves the paths out.
    rate_of_ret : bool
        Draw the means of all periods as rates per base period (the first period column).
    n_bars : int
        Bars in the distribution of the events in time.
    return_fig : bool
        Return a `TearSheet` instead of printing and showing.
    is_rebased : bool
        Average the changes since each date instead, so that prices of any level can be given.
    trials, buckets
        For the doubt box, see `doubt_report`.

    Returns
    -------
    TearSheet or None

    Examples
    --------
    >>> index = pd.MultiIndex.from_product(
    ...     [pd.bdate_range("2024-01-01", periods=9), list("AB")], names=["date", "asset"]
    ... )
    >>> data = pd.DataFrame({"1D": [0.01, 0.02] * 9, "factor": [1, 2] * 9}, index=index)
    >>> data["factor_quantile"] = [1, 2] * 9
    >>> sheet = create_event_study_tear_sheet(data, returns=None, return_fig=True)
    >>> sheet.header["Observations"]
    '18'
    """
    stage, doubts = _begin(factor_data, return_fig, trials, buckets)
    means, dated = _sheets.event_means(factor_data, rate_of_ret=rate_of_ret)
    report = _sheets.event_report(
        factor_data, returns, window=avgretplot, long_short=False, is_rebased=is_rebased
    )
    pages.quantile_statistics(stage, _tables.quantile_statistics_table(factor_data))
    pages.draw_distribution(stage, factor_data["factor"], n_bars)
    pages.draw_events(stage, report, std_bar=True)
    pages.draw_quantile_returns(stage, means, dated)
    _doubt(stage, factor_data, doubts, long_short=False)
    return stage.sheet(
        "Event study",
        lambda: {
            **_header(factor_data),
            **_sheets.describe_paths(returns, is_rebased=is_rebased),
        },
    )


def _begin(
    factor_data: pd.DataFrame,
    return_fig: bool,
    trials: TrialCount | None,
    buckets: Buckets | None,
) -> tuple[Stage, Doubts | None]:
    """Return an empty stage, and what to doubt on a sheet that is kept or if somebody asked.

    Refused before anything is computed: a frame without dates and assets, what is no count of
    trials, and buckets that say nothing about the rows.
    """
    Panel.of(factor_data)
    is_asked = trials is not None or buckets is not None
    doubts = Doubts.of(factor_data, trials, buckets) if return_fig or is_asked else None
    return Stage(keep=return_fig), doubts


def _doubt(
    stage: Stage,
    factor_data: pd.DataFrame,
    doubts: Doubts | None,
    *,
    long_short: bool = True,
    group_neutral: bool = False,
) -> None:
    """Put the doubt box on a sheet, if there is one."""
    if doubts is not None:
        report = judge(factor_data, doubts, long_short=long_short, group_neutral=group_neutral)
        pages.doubt(stage, report)


def _header(factor_data: pd.DataFrame, **options: bool) -> dict[str, str]:
    """Return the facts of the data, then the options chosen."""
    chosen = {
        name.replace("_", " ").capitalize(): "yes" if value else "no"
        for name, value in options.items()
    }
    return {**_sheets.describe(factor_data), **chosen}


def _warn_without_calendar(factor_data: pd.DataFrame) -> None:
    """Say that no trading calendar is known."""
    if calendar_of(factor_data) is None:
        warn_user(
            "'freq' not set in factor_data index: without a trading calendar the dates are "
            "taken as they are, missing dates leave no gap"
        )
