"""The pages of the tear sheets: each takes a report and puts its tables and figures on a stage."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from alphalens import _tables, plotting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from alphalens import _sheets
    from alphalens._doubt import DoubtReport
    from alphalens._stage.grid import GridFigure
    from alphalens._stage.stage import Stage

__all__ = [
    "doubt",
    "draw_distribution",
    "draw_events",
    "draw_information",
    "draw_quantile_means",
    "draw_quantile_returns",
    "draw_returns",
    "draw_turnover",
    "information_table",
    "quantile_statistics",
    "returns_table",
    "turnover_table",
]

_SERIES, _BARS = 3.3, 3.6


def quantile_statistics(stage: Stage, table: pd.DataFrame) -> None:
    """Begin the topic of the quantiles with its table."""
    stage.part("Quantiles")
    stage.table(lambda: _tables.show(_tables.QUANTILES, table), {_tables.QUANTILES: table})


def returns_table(stage: Stage, report: _sheets.ReturnsReport) -> None:
    """Begin the topic of returns with its table."""
    title, table = _tables.RETURNS, report.table
    stage.part("Returns")
    stage.table(lambda: _tables.show(title, table.round(3)), {title: table})


def information_table(stage: Stage, report: _sheets.InformationReport) -> None:
    """Begin the topic of information with its table."""
    title, table = _tables.INFORMATION, report.table.T
    stage.part("Information")
    stage.table(lambda: _tables.show(title, table.round(3)), {title: table})


def turnover_table(stage: Stage, report: _sheets.TurnoverReport) -> None:
    """Begin the topic of turnover with its tables; there is none without a whole-day period."""
    if not report.by_quantile:
        return
    title, table, ranks = _tables.TURNOVER, report.table, report.autocorrelation_table
    stage.part("Turnover")
    stage.table(
        lambda: _tables.show(title, table.round(3), ranks.round(3)),
        {title: table, "Factor Rank Autocorrelation": ranks},
    )


def doubt(stage: Stage, report: DoubtReport) -> None:
    """Show what speaks against the factor."""
    stage.part("Doubt")
    for title, table in report.tables().items():
        stage.table(partial(_tables.show, title, table.round(3)), {title: table})


def draw_quantile_means(stage: Stage, means: pd.DataFrame) -> None:
    """Show the mean return of each quantile on a page of its own."""
    with stage.page([_BARS]) as grid:
        plotting.plot_quantile_returns_bar(means, by_group=False, ax=grid.next_row())


def draw_quantile_returns(stage: Stage, means: pd.DataFrame, dated: pd.DataFrame) -> None:
    """Show means and distributions of the quantiles after the events."""
    stage.part("Returns after the events")
    with stage.page([_BARS, _BARS]) as grid:
        plotting.plot_quantile_returns_bar(means, by_group=False, ax=grid.next_row())
        plotting.plot_quantile_returns_violin(dated, ylim_percentiles=(1, 99), ax=grid.next_row())


def draw_distribution(stage: Stage, events: pd.Series[float], bars: int) -> None:
    """Show when the events happened."""
    with stage.page([_SERIES]) as grid:
        plotting.plot_events_distribution(events=events, num_bars=bars, ax=grid.next_row())


def draw_returns(stage: Stage, report: _sheets.ReturnsReport) -> None:
    """Show the returns, and the groups on a page of their own."""
    returns_table(stage, report)
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
    rows = _rows_of(means.index.get_level_values("group").nunique(), 3)
    with stage.page([_BARS] * len(rows)) as grid:
        plotting.plot_quantile_returns_bar(
            means, by_group=True, ylim_percentiles=(5, 95), ax=_split(grid, rows)
        )


def _split(grid: GridFigure, rows: Sequence[int]) -> list[Axes]:
    """Return the axes of rows that hold so many each."""
    return [axes for count in rows for axes in grid.split_row(count)]


def draw_information(stage: Stage, report: _sheets.InformationReport) -> None:
    """Show the information coefficient in time, as a distribution, and by month or group."""
    information_table(stage, report)
    count = report.ic.shape[1]
    months = [] if report.monthly is None else _rows_of(count, 3)
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


def draw_turnover(stage: Stage, report: _sheets.TurnoverReport) -> None:
    """Show turnover and rank autocorrelation in time; nothing without a whole-day period."""
    if not report.by_quantile:
        return
    turnover_table(stage, report)
    with stage.page([_SERIES] * (2 * len(report.by_quantile))) as grid:
        for days, turnover in report.by_quantile.items():
            plotting.plot_top_bottom_quantile_turnover(turnover, period=days, ax=grid.next_row())
        for days in report.by_quantile:
            plotting.plot_factor_rank_auto_correlation(
                report.autocorrelation[days], period=days, ax=grid.next_row()
            )


def draw_events(stage: Stage, report: _sheets.EventReport, *, std_bar: bool) -> None:
    """Show the average paths, of all quantiles and of each, and the groups on their own page."""
    if report.paths is None:
        return
    stage.part("Around the events")
    quantiles = report.paths.index.get_level_values("factor_quantile").nunique()
    rows = _rows_of(quantiles, 3) if std_bar else []
    with stage.page([_BARS + 0.6, *[_BARS] * len(rows)]) as grid:
        plotting.plot_quantile_average_cumulative_return(
            report.paths, by_quantile=False, std_bar=False, ax=grid.next_row()
        )
        if std_bar:
            plotting.plot_quantile_average_cumulative_return(
                report.paths, by_quantile=True, std_bar=True, ax=_split(grid, rows)
            )
    if report.by_group:
        rows = _rows_of(len(report.by_group), 2)
        with stage.page([_BARS] * len(rows)) as grid:
            targets = _split(grid, rows)
            for axes, (group, paths) in zip(targets, report.by_group.items(), strict=True):
                plotting.plot_quantile_average_cumulative_return(
                    paths, by_quantile=False, std_bar=False, title=str(group), ax=axes
                )


def _rows_of(count: int, most: int) -> list[int]:
    """Return how many of `count` axes stand in each row, evenly, at most `most`."""
    rows = max(1, -(-count // most))
    return [len(part) for part in np.array_split(np.arange(count), rows)]
