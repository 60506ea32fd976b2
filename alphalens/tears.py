"""Tear sheets: the figures and tables that judge a factor, one page for each question.

Every ``create_*_tear_sheet`` prints its tables, shows its figures and returns None, as it always
did. With ``return_fig=True`` it prints and shows nothing and returns a `TearSheet`, which saves
itself as HTML, PDF, PNG or JSON. ``set_context=False`` keeps the caller's matplotlib settings.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from alphalens import _sheets, _tables, plotting
from alphalens._panel import calendar_of
from alphalens._stage import GridFigure, Stage, rows_of
from alphalens._tear_sheet import SheetPart, TearSheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "GridFigure",
    "SheetPart",
    "TearSheet",
    "create_event_returns_tear_sheet",
    "create_event_study_tear_sheet",
    "create_full_tear_sheet",
    "create_information_tear_sheet",
    "create_returns_tear_sheet",
    "create_summary_tear_sheet",
    "create_turnover_tear_sheet",
]

_SERIES, _BARS = 3.3, 3.6


@plotting.customize
def create_summary_tear_sheet(
    factor_data: pd.DataFrame,
    long_short: bool = True,
    group_neutral: bool = False,
    *,
    return_fig: bool = False,
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

    Returns
    -------
    TearSheet or None
    """
    stage = Stage(keep=return_fig)
    report = _sheets.summary_report(factor_data, long_short=long_short, group_neutral=group_neutral)
    _quantile_statistics(stage, report.quantile_statistics)
    _returns_table(stage, report.returns)
    with stage.page([_BARS]) as grid:
        plotting.plot_quantile_returns_bar(
            report.returns.mean_by_quantile, by_group=False, ax=grid.next_row()
        )
    _information_table(stage, report.information)
    _turnover_table(stage, report.turnover)
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
    """
    _warn_without_calendar(factor_data)
    stage = Stage(keep=return_fig)
    report = _sheets.returns_report(
        factor_data, long_short=long_short, group_neutral=group_neutral, by_group=by_group
    )
    _draw_returns(stage, report)
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

    Returns
    -------
    TearSheet or None
    """
    stage = Stage(keep=return_fig)
    report = _sheets.information_report(factor_data, group_neutral=group_neutral, by_group=by_group)
    _draw_information(stage, report)
    return stage.sheet(
        "Factor information", lambda: _header(factor_data, group_neutral=group_neutral)
    )


@plotting.customize
def create_turnover_tear_sheet(
    factor_data: pd.DataFrame,
    turnover_periods: Sequence[str] | None = None,
    *,
    return_fig: bool = False,
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

    Returns
    -------
    TearSheet or None

    Warns
    -----
    UserWarning
        If a period is skipped because it is no whole number of days.
    """
    stage = Stage(keep=return_fig)
    _draw_turnover(stage, _sheets.turnover_report(factor_data, turnover_periods))
    return stage.sheet("Factor turnover", lambda: _header(factor_data))


@plotting.customize
def create_full_tear_sheet(
    factor_data: pd.DataFrame,
    long_short: bool = True,
    group_neutral: bool = False,
    by_group: bool = False,
    *,
    return_fig: bool = False,
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

    Returns
    -------
    TearSheet or None

    Warns
    -----
    UserWarning
        If the dates of `factor_data` carry no freq, i.e. no trading calendar.
    """
    _warn_without_calendar(factor_data)
    stage = Stage(keep=return_fig)
    report = _sheets.summary_report(
        factor_data, long_short=long_short, group_neutral=group_neutral, by_group=by_group
    )
    _quantile_statistics(stage, report.quantile_statistics)
    _draw_returns(stage, report.returns)
    _draw_information(stage, report.information)
    _draw_turnover(stage, report.turnover)
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

    Returns
    -------
    TearSheet or None
    """
    stage = Stage(keep=return_fig)
    report = _sheets.event_report(
        factor_data,
        returns,
        window=avgretplot,
        long_short=long_short,
        group_neutral=group_neutral,
        by_group=by_group,
    )
    _draw_events(stage, report, std_bar=std_bar)
    return stage.sheet(
        "Event returns",
        lambda: _header(factor_data, long_short=long_short, group_neutral=group_neutral),
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

    Returns
    -------
    TearSheet or None
    """
    stage = Stage(keep=return_fig)
    _quantile_statistics(stage, _tables.quantile_statistics_table(factor_data))
    with stage.page([_SERIES]) as grid:
        plotting.plot_events_distribution(
            events=factor_data["factor"], num_bars=n_bars, ax=grid.next_row()
        )
    report = _sheets.event_report(factor_data, returns, window=avgretplot, long_short=False)
    _draw_events(stage, report, std_bar=True)
    means, dated = _sheets.event_means(factor_data, rate_of_ret=rate_of_ret)
    stage.part("Returns after the events")
    with stage.page([_BARS, _BARS]) as grid:
        plotting.plot_quantile_returns_bar(means, by_group=False, ax=grid.next_row())
        plotting.plot_quantile_returns_violin(dated, ylim_percentiles=(1, 99), ax=grid.next_row())
    return stage.sheet("Event study", lambda: _header(factor_data))


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
        warnings.warn(
            "'freq' not set in factor_data index: without a trading calendar the dates are "
            "taken as they are, missing dates leave no gap",
            UserWarning,
            stacklevel=4,
        )


def _quantile_statistics(stage: Stage, table: pd.DataFrame) -> None:
    """Begin the topic of the quantiles with its table."""
    stage.part("Quantiles")
    stage.table(lambda: _tables.show(_tables.QUANTILES, table), {_tables.QUANTILES: table})


def _returns_table(stage: Stage, report: _sheets.ReturnsReport) -> None:
    """Begin the topic of returns with its table."""
    title, table = _tables.RETURNS, report.table
    stage.part("Returns")
    stage.table(lambda: _tables.show(title, table.round(3)), {title: table})


def _information_table(stage: Stage, report: _sheets.InformationReport) -> None:
    """Begin the topic of information with its table."""
    title, table = _tables.INFORMATION, report.table.T
    stage.part("Information")
    stage.table(lambda: _tables.show(title, table.round(3)), {title: table})


def _turnover_table(stage: Stage, report: _sheets.TurnoverReport) -> None:
    """Begin the topic of turnover with its tables; there is none without a whole-day period."""
    if not report.by_quantile:
        return
    title, table, ranks = _tables.TURNOVER, report.table, report.autocorrelation_table
    stage.part("Turnover")
    stage.table(
        lambda: _tables.show(title, table.round(3), ranks.round(3)),
        {title: table, "Factor Rank Autocorrelation": ranks},
    )


def _draw_returns(stage: Stage, report: _sheets.ReturnsReport) -> None:
    """Show the returns, and the groups on a page of their own."""
    _returns_table(stage, report)
    has_days = report.factor_daily is not None
    wealth = [_SERIES, _SERIES + 0.6] if has_days else []
    count = report.spread.shape[1]
    with stage.page([_BARS, _BARS + 0.6, *wealth, *[_SERIES] * count]) as grid:
        plotting.plot_quantile_returns_bar(
            report.mean_by_quantile, by_group=False, ax=grid.next_row()
        )
        plotting.plot_quantile_returns_violin(
            report.mean_by_date, ylim_percentiles=(1, 99), ax=grid.next_row()
        )
        if report.factor_daily is not None and report.quantile_daily is not None:
            title = f"{report.portfolio} Cumulative Return (1D Period)"
            plotting.plot_cumulative_returns(
                report.factor_daily, period="1D", title=title, ax=grid.next_row()
            )
            plotting.plot_cumulative_returns_by_quantile(
                report.quantile_daily, period="1D", ax=grid.next_row()
            )
        plotting.plot_mean_quantile_returns_spread_time_series(
            report.spread,
            std_err=report.spread_error,
            bandwidth=0.5,
            ax=[grid.next_row() for _ in range(count)],
        )
    if report.mean_by_group is not None:
        _draw_groups(stage, report.mean_by_group)


def _draw_groups(stage: Stage, means: pd.DataFrame) -> None:
    """Show the quantiles of each group."""
    rows = rows_of(means.index.get_level_values("group").nunique(), 3)
    with stage.page([_BARS] * len(rows)) as grid:
        plotting.plot_quantile_returns_bar(
            means, by_group=True, ylim_percentiles=(5, 95), ax=_split(grid, rows)
        )


def _split(grid: GridFigure, rows: Sequence[int]) -> list[Axes]:
    """Return the axes of rows that hold so many each."""
    return [axes for count in rows for axes in grid.split_row(count)]


def _draw_information(stage: Stage, report: _sheets.InformationReport) -> None:
    """Show the information coefficient in time, as a distribution, and by month or group."""
    _information_table(stage, report)
    count = report.ic.shape[1]
    months = [] if report.monthly is None else rows_of(count, 3)
    years = 0 if report.monthly is None else pd.DatetimeIndex(report.monthly.index).year.nunique()
    last = [min(9.0, max(2.4, 0.26 * years))] * len(months) or [_BARS]
    with stage.page([*[_SERIES] * count, *[_BARS] * count, *last]) as grid:
        plotting.plot_ic_ts(report.ic, ax=[grid.next_row() for _ in range(count)])
        pairs = [grid.split_row(2) for _ in range(count)]
        plotting.plot_ic_hist(report.ic, ax=[left for left, _ in pairs])
        plotting.plot_ic_qq(report.ic, ax=[right for _, right in pairs])
        if report.monthly is not None:
            plotting.plot_monthly_ic_heatmap(report.monthly, ax=_split(grid, months))
        elif report.by_group is not None:
            plotting.plot_ic_by_group(report.by_group, ax=grid.next_row())


def _draw_turnover(stage: Stage, report: _sheets.TurnoverReport) -> None:
    """Show turnover and rank autocorrelation in time; nothing without a whole-day period."""
    if not report.by_quantile:
        return
    _turnover_table(stage, report)
    with stage.page([_SERIES] * (2 * len(report.by_quantile))) as grid:
        for days, turnover in report.by_quantile.items():
            plotting.plot_top_bottom_quantile_turnover(turnover, period=days, ax=grid.next_row())
        for days in report.by_quantile:
            plotting.plot_factor_rank_auto_correlation(
                report.autocorrelation[days], period=days, ax=grid.next_row()
            )


def _draw_events(stage: Stage, report: _sheets.EventReport, *, std_bar: bool) -> None:
    """Show the average paths, of all quantiles and of each, and the groups on their own page."""
    if report.paths is None:
        return
    stage.part("Around the events")
    quantiles = report.paths.index.get_level_values("factor_quantile").nunique()
    rows = rows_of(quantiles, 3) if std_bar else []
    with stage.page([_BARS + 0.6, *[_BARS] * len(rows)]) as grid:
        plotting.plot_quantile_average_cumulative_return(
            report.paths, by_quantile=False, std_bar=False, ax=grid.next_row()
        )
        if std_bar:
            plotting.plot_quantile_average_cumulative_return(
                report.paths, by_quantile=True, std_bar=True, ax=_split(grid, rows)
            )
    if report.by_group:
        rows = rows_of(len(report.by_group), 2)
        with stage.page([_BARS] * len(rows)) as grid:
            targets = _split(grid, rows)
            for axes, (group, paths) in zip(targets, report.by_group.items(), strict=True):
                plotting.plot_quantile_average_cumulative_return(
                    paths, by_quantile=False, std_bar=False, title=str(group), ax=axes
                )
