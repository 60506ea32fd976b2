"""How long each return period is beside the distance of the factor's dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from alphalens import _calendar as calendars
from alphalens._metrics.common import on_calendar
from alphalens._panel import Panel, calendar_of, level_number
from alphalens.utils import get_forward_returns_columns

__all__ = ["Horizon", "by_decision", "horizons"]

_DAY = pd.Timedelta(days=1)
_YEAR = pd.Timedelta(days=365.25)
_ALWAYS_OPEN = 0.9
"""Share of the days on a calendar from which it takes all of them for trading days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """A return period, measured on the dates of a factor.

    Attributes
    ----------
    rows : int
        Rows of the results of `by_decision` that it spans, 1 or more.
    bets : float
        Returns of a year that are measured and do not overlap.
    ends_early : bool
        Whether it is over before the next date.
    """

    rows: int
    bets: float
    ends_early: bool

    @classmethod
    def of(
        cls,
        period: str,
        dates: pd.DatetimeIndex,
        results: pd.DatetimeIndex,
        calendar: calendars.TradingCalendar,
    ) -> Horizon:
        """Measure a period by its name, on the dates of a factor and on those of its results."""
        span, naive = pd.Timedelta(period), calendars.local_times(dates)
        ends = calendars.add_custom_calendar_timedelta(naive, span, calendar)
        length = distance = pd.Series(ends - naive).median()
        if len(dates) > 1:
            distance = pd.Series(naive).diff().median()
        _, bars = np.unique(calendars.wall_days(dates), return_counts=True)
        a_day = float(np.median(bars)) / calendars.rows_spanned(dates, period, calendar)
        year = _trading_year(dates, calendar)
        return cls(
            rows=calendars.rows_spanned(results, period, calendar),
            bets=min(year / span, year / _DAY * a_day, _YEAR / max(length, distance)),
            ends_early=bool(length < distance),
        )


def horizons(factor_data: pd.DataFrame) -> dict[str, Horizon]:
    """Return the horizon of each period of factor_data, which has rows."""
    dates, freq = Panel.of(factor_data).dates, calendar_of(factor_data)
    calendar, grid = calendars.counting_calendar(dates, freq), _grid(factor_data)
    results = dates if _is_sparse(dates, grid) else grid
    names = map(str, get_forward_returns_columns(factor_data.columns))
    return {name: Horizon.of(name, dates, results, calendar) for name in names}


def by_decision(factor_data: pd.DataFrame) -> pd.DataFrame:
    """Return factor_data, without its calendar where the dates are further apart than it steps.

    Metrics count rows of the calendar grid. Of dates cut from daily data most rows are empty: no
    decision stands one row before a Wednesday's. Without a calendar the rows are the dates.
    """
    if not _is_sparse(Panel.of(factor_data).dates, _grid(factor_data)):
        return factor_data
    index = cast("pd.MultiIndex", factor_data.index)
    place = level_number(index, "date")
    level = pd.DatetimeIndex(index.levels[place], freq=None)  # type: ignore[arg-type]  # drops it
    plain = index.set_levels(
        [level],  # type: ignore[list-item]  # the stubs take no Index here, pandas does
        level=[place],
        verify_integrity=False,
    )
    return factor_data.set_axis(plain)


def _trading_year(dates: pd.DatetimeIndex, calendar: calendars.TradingCalendar) -> pd.Timedelta:
    """Return the trading days of a year: 252, or all days where the calendar has no weekend."""
    open_on = calendars.busday_calendar(calendar)
    if not open_on.weekmask.all():
        return calendars.TRADING_YEAR
    days = calendars.wall_days(dates)
    first, end = days.min(), days.max() + 1
    share = np.busday_count(first, end, busdaycal=open_on) / (end - first).astype(np.int64)
    return _YEAR if share > _ALWAYS_OPEN else calendars.TRADING_YEAR


def _grid(factor_data: pd.DataFrame) -> pd.DatetimeIndex:
    """Return the rows on which metrics lay their results."""
    return on_calendar([], Panel.of(factor_data).dates, calendar_of(factor_data))[1]


def _is_sparse(dates: pd.DatetimeIndex, grid: pd.DatetimeIndex) -> bool:
    """Tell whether the usual step from date to date is more than one row of the grid."""
    steps = np.diff(grid.get_indexer(dates))
    return bool(len(steps) and np.median(steps) > 1)
