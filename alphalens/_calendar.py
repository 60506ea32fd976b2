"""Trading calendars: infer one, count and add trading days on it, lay results on its grid.

A calendar is metadata here. When none fits the dates, the dates stay as they were observed;
nothing in this module fails because a calendar does not conform.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset as pandas_offset
from pandas.tseries.offsets import BusinessDay, CustomBusinessDay, Day

from alphalens.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from pandas.tseries.offsets import BaseOffset

TradingCalendar: TypeAlias = Day | BusinessDay | CustomBusinessDay
Instants = TypeVar("Instants", pd.Timestamp, pd.DatetimeIndex)

TRADING_YEAR = pd.Timedelta(days=252)
"""What returns and ratios of a period are annualised to."""

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PERIOD = re.compile(r"(?:\d+(?:d|h|ms|us|ns|m|s))+", re.IGNORECASE)
_WHOLE_DAYS = re.compile(r"(?:\d+d)+", re.IGNORECASE)
_ALIAS = re.compile(r"([-+]?\d*)([A-Za-z]+)(-\w+)?")
_NEW_ALIAS = {
    "M": "ME",
    "Q": "QE",
    "A": "YE",
    "Y": "YE",
    "AS": "YS",
    "BM": "BME",
    "BQ": "BQE",
    "BA": "BYE",
    "BY": "BYE",
    "BAS": "BYS",
    "SM": "SME",
    "CBM": "CBME",
    "H": "h",
    "BH": "bh",
    "CBH": "cbh",
    "T": "min",
    "S": "s",
    "L": "ms",
    "U": "us",
    "N": "ns",
}
"""Spellings before pandas 2.2 and the ones it wants now."""


def to_offset(freq: str | BaseOffset) -> BaseOffset:
    """Return the offset behind a frequency, in the old or the new spelling.

    Parameters
    ----------
    freq : str or offset
        ``"M"`` and ``"ME"``, ``"H"`` and ``"h"``, ``"Q-DEC"`` and ``"QE-DEC"`` are the same;
        an offset object is returned as it is.

    Returns
    -------
    BaseOffset

    Raises
    ------
    InputError
        (a ValueError) If pandas knows no such frequency.

    Examples
    --------
    >>> to_offset("2M")
    <2 * MonthEnds>
    """
    if not isinstance(freq, str):
        return freq
    parts = _ALIAS.fullmatch(freq)
    if parts and parts[2] in _NEW_ALIAS:
        freq = f"{parts[1]}{_NEW_ALIAS[parts[2]]}{parts[3] or ''}"
    try:
        return pandas_offset(freq)
    except ValueError as error:
        raise InputError(
            f"frequency {freq!r} is not known to pandas: use an alias such as 'D', 'B', 'W', "
            f"'ME', 'h', or an offset object ({error})"
        ) from error


def infer_trading_calendar(
    factor_idx: pd.DatetimeIndex, prices_idx: pd.DatetimeIndex
) -> CustomBusinessDay:
    """Infer the trading calendar that two sets of dates have in common.

    Parameters
    ----------
    factor_idx, prices_idx : DatetimeIndex
        Observed dates, in any order, with repeats, any time of day. Zone-aware stamps count with
        their local date.

    Returns
    -------
    CustomBusinessDay
        Its ``weekmask`` names the weekdays seen at least once, Monday first; its ``holidays`` are
        all days between the first and the last date that fall on such a weekday and were not seen.
        Without any date: Monday to Friday.

    Notes
    -----
    Never raises on dates. O(n log n) in the number of stamps.

    Examples
    --------
    >>> dates = pd.DatetimeIndex(["2024-03-28", "2024-04-02", "2024-04-04", "2024-04-05"])
    >>> calendar = infer_trading_calendar(dates, dates)
    >>> calendar.weekmask, [str(day) for day in calendar.holidays]
    ('Tue Thu Fri', ['2024-03-29'])
    """
    stamps = [wall_days(pd.DatetimeIndex(index).dropna()) for index in (factor_idx, prices_idx)]
    days = np.unique(np.concatenate(stamps))
    if not len(days):
        return CustomBusinessDay()
    span = np.arange(days[0], days[-1] + 1)
    seen = np.zeros(len(span), dtype=bool)
    seen[(days - days[0]).astype(np.int64)] = True
    weekday = (span.astype(np.int64) + 3) % 7
    is_open = np.zeros(7, dtype=bool)
    is_open[weekday[seen]] = True
    weekmask = " ".join(name for name, used in zip(_WEEKDAYS, is_open, strict=True) if used)
    return CustomBusinessDay(weekmask=weekmask, holidays=list(span[is_open[weekday] & ~seen]))


def wall_days(dates: pd.DatetimeIndex) -> NDArray[np.datetime64]:
    """Return the local calendar date of each stamp as ``datetime64[D]``."""
    return local_times(dates).to_numpy().astype("datetime64[D]")


def local_times(dates: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return what the clocks of their zone show, without the zone."""
    return dates if dates.tz is None else dates.tz_localize(None)


def trading_calendar(freq: object) -> TradingCalendar | None:
    """Return a freq that trading days can be counted on (or a multiple of one), else None."""
    return freq if isinstance(freq, Day | BusinessDay | CustomBusinessDay) else None


def single_day(freq: object, *, message: str) -> TradingCalendar:
    """Return the one-day step of a trading calendar, or raise `message` for any other offset."""
    calendar = trading_calendar(freq)
    if calendar is None:
        raise InputError(f"{message}, got {freq!r}")
    return calendar if calendar.n == 1 else cast("TradingCalendar", calendar.base)


def busday_calendar(freq: TradingCalendar) -> np.busdaycalendar:
    """Return numpy's calendar of a one-day step; seven days a week for Day."""
    if isinstance(freq, Day):
        return np.busdaycalendar(weekmask="1111111")
    if isinstance(freq, CustomBusinessDay):
        return freq.calendar
    return np.busdaycalendar(weekmask="1111100")


def add_custom_calendar_timedelta(
    input: Instants,  # noqa: A002 - the parameter's public name since 0.3
    timedelta: pd.Timedelta,
    freq: TradingCalendar,
) -> Instants:
    """Add a time span to instants, counting its whole days as trading days.

    Parameters
    ----------
    input : Timestamp or DatetimeIndex
        Start, naive or zone-aware; local time of day is kept over a clock change.
    timedelta : Timedelta
        Whole days are steps of `freq`; hours and less are added as they are.
    freq : Day, BusinessDay or CustomBusinessDay
        The calendar. Of a multiple such as ``5B`` the single day counts.

    Returns
    -------
    Timestamp or DatetimeIndex
        Same kind, zone and unit as `input`. With 0 days a non-trading day still rolls forward.

    Raises
    ------
    InputError
        (a ValueError) If `freq` is another kind of offset.

    Examples
    --------
    >>> friday = pd.Timestamp("2024-03-01 09:30")
    >>> add_custom_calendar_timedelta(friday, pd.Timedelta("1D3h"), BusinessDay())
    Timestamp('2024-03-04 12:30:00')
    """
    step = single_day(freq, message="freq must be Day, BDay or CustomBusinessDay")
    span = pd.Timedelta(timedelta)
    rest = span - pd.Timedelta(days=span.days)
    if isinstance(input, pd.DatetimeIndex):
        return _in_unit_of(input, _add_days(input, span.days, step) + rest)
    if input.tz is None:
        return input + step * span.days + rest
    return _add_days(pd.DatetimeIndex([input]), span.days, step)[0] + rest


def _in_unit_of(like: pd.DatetimeIndex, dates: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return dates in the unit of others, unless that would cut something off."""
    if dates.unit == like.unit:
        return dates
    coarse = dates.as_unit(like.unit)
    return coarse if bool((coarse == dates).all()) else dates


def _add_days(dates: pd.DatetimeIndex, days: int, freq: TradingCalendar) -> pd.DatetimeIndex:
    """Move dates by trading days, local time kept, without pandas' loop for custom calendars."""
    if not len(dates) or (isinstance(freq, Day) and dates.tz is None):
        return dates + freq * days
    stamps = local_times(dates).to_numpy()
    day = stamps.astype("datetime64[D]")
    moved = np.busday_offset(
        day, days, roll="backward" if days > 0 else "forward", busdaycal=busday_calendar(freq)
    )
    out = pd.DatetimeIndex(moved.astype(stamps.dtype) + (stamps - day), name=dates.name)
    if dates.tz is None:
        return out
    there = _at_local_time(out, dates)
    return dates.where(moved == day, there) if days == 0 else there


def _at_local_time(wall: pd.DatetimeIndex, like: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Put local times into a zone: the first of two that read the same, the next after a gap."""
    first_of_two = np.ones(len(wall), dtype=bool)
    return wall.tz_localize(like.tz, ambiguous=first_of_two, nonexistent="shift_forward")


def diff_custom_calendar_timedeltas(
    start: pd.Timestamp, end: pd.Timestamp, freq: TradingCalendar
) -> pd.Timedelta:
    """Return the time between two instants, its whole days counted as trading days.

    Parameters
    ----------
    start, end : Timestamp
        Both naive or both aware; the local dates count.
    freq : Day, BusinessDay or CustomBusinessDay
        The calendar. Of a multiple such as ``5B`` the single day counts.

    Returns
    -------
    Timedelta
        ``end - start`` with its whole-day part replaced by the trading days from the date of
        `start` (counted) to that of `end` (not counted).

    Raises
    ------
    InputError
        (a ValueError) If `freq` is another kind of offset.

    Examples
    --------
    >>> friday, monday = pd.Timestamp("2024-03-01 12:30"), pd.Timestamp("2024-03-04 09:30")
    >>> diff_custom_calendar_timedeltas(friday, monday, BusinessDay())
    Timedelta('1 days 21:00:00')
    """
    calendar = busday_calendar(
        single_day(freq, message="freq must be Day, BusinessDay or CustomBusinessDay")
    )
    first, last = (np.datetime64(stamp.date(), "D") for stamp in (start, end))
    trading_days = int(np.busday_count(first, last, busdaycal=calendar))
    elapsed = end - start
    return elapsed + pd.Timedelta(days=trading_days - elapsed.days)


def period_name(starts: pd.DatetimeIndex, ends: pd.DatetimeIndex, freq: TradingCalendar) -> str:
    """Name the usual time between two lists of instants, e.g. ``1D`` or ``3h``.

    Days are the most frequent number of trading days (the smallest of equally frequent ones);
    hours and less are those of the last pair.
    """
    spans = [
        diff_custom_calendar_timedeltas(start, end, freq)
        for start, end in zip(starts, ends, strict=True)
    ]
    days, counts = np.unique([span.days for span in spans], return_counts=True)
    rest = spans[-1] - pd.Timedelta(days=spans[-1].days)
    return timedelta_to_string(pd.Timedelta(days=int(days[counts.argmax()])) + rest)


def make_naive_ts(t: Instants) -> Instants:
    """Return instants without their zone, in UTC.

    Parameters
    ----------
    t : Timestamp or DatetimeIndex
        Naive stamps are returned as they are.

    Returns
    -------
    Timestamp or DatetimeIndex
        Naive; the UTC wall time of aware stamps.

    Examples
    --------
    >>> make_naive_ts(pd.Timestamp("2024-01-01 23:00", tz="US/Eastern"))
    Timestamp('2024-01-02 04:00:00')
    """
    return t if t.tz is None else t.tz_convert("UTC").tz_localize(None)


def with_calendar(dates: pd.DatetimeIndex, freq: BaseOffset) -> pd.DatetimeIndex | None:
    """Return `dates` carrying `freq`, or None when they do not step by it."""
    try:
        return pd.DatetimeIndex(dates, freq=freq)
    except _clock_errors():
        return None


def _clock_errors() -> tuple[type[Exception], ...]:
    """Return what pandas raises for local times that a clock change leaves out or repeats."""
    pytz = sys.modules.get("pytz")  # the zones of pandas 2, whose errors are no ValueError
    return (ValueError,) if pytz is None else (ValueError, pytz.InvalidTimeError)


def calendar_grid(dates: pd.DatetimeIndex, freq: BaseOffset) -> pd.DatetimeIndex:
    """Return the grid of `freq` from the first to the last of the ascending `dates`.

    Zone, unit, name and time of day are those of `dates`. Where a clock change leaves a local time
    of the grid out or repeats it, pandas lays no grid in the zone: then this one carries no freq.
    """
    if (same := with_calendar(dates, freq)) is not None:
        return same
    try:
        grid = pd.date_range(dates[0], dates[-1], freq=freq, name=dates.name)
    except _clock_errors():
        if dates.tz is None:
            raise
        grid = _local_grid(dates, freq)
    return grid if grid.dtype == dates.dtype else grid.as_unit(dates.unit)


def _local_grid(dates: pd.DatetimeIndex, freq: BaseOffset) -> pd.DatetimeIndex:
    """Return the grid of local times; where a time occurs twice, the one that was observed."""
    seen = local_times(dates)
    wall = pd.date_range(seen[0], seen[-1], freq=freq, name=dates.name)
    grid, place = _at_local_time(wall, dates), seen.get_indexer(wall)
    return grid.where(place < 0, dates[place])


def counting_calendar(dates: pd.DatetimeIndex, freq: object) -> TradingCalendar:
    """Return the calendar on which the days of a period are counted, one day its step.

    Parameters
    ----------
    dates : DatetimeIndex
        Dates of a factor or of a series of results, ascending.
    freq : object
        What the dates carry; anything but a trading calendar counts for nothing.

    Returns
    -------
    Day, BusinessDay or CustomBusinessDay
        The day of `freq`. Without it, the calendar that the dates show, if most follow on the
        weekday before. Dates further apart are decisions and show none: weekdays, or all days where
        some date is on a weekend.

    Notes
    -----
    `infer_trading_calendar` takes every day without a date for a holiday. That is right for prices
    and wrong for decisions: on the calendar of Wednesdays five days are five weeks. O(n log n).

    Examples
    --------
    >>> weekly = pd.date_range("2024-01-03", periods=9, freq="W-WED")
    >>> counting_calendar(weekly, weekly.freq), counting_calendar(weekly, Day())
    (<BusinessDay>, <Day>)
    """
    carried = trading_calendar(freq)
    if carried is not None:
        return single_day(carried, message="the trading calendar must step by days")
    days = np.unique(wall_days(dates))
    plain = BusinessDay() if bool(np.is_busday(days).all()) else Day()
    steps = np.busday_count(days[:-1], days[1:], busdaycal=busday_calendar(plain))
    if not len(steps) or np.median(steps) > 1:
        return plain
    return infer_trading_calendar(dates, dates)


def rows_spanned(dates: pd.DatetimeIndex, period: str, freq: object) -> int:
    """Return how many ascending dates a period usually spans, its own first date among them.

    Parameters
    ----------
    dates : DatetimeIndex
        Dates of a factor or of a series of results.
    period : str
        Name of a return period, e.g. ``"5D"``.
    freq : object
        What the dates carry, see `counting_calendar`.

    Returns
    -------
    int
        1 or more; all dates if the period is longer than they reach.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=30)
    >>> rows_spanned(dates, "5D", BusinessDay()), rows_spanned(dates[::5], "5D", None)
    (5, 1)
    """
    naive = local_times(dates)
    step = counting_calendar(dates, freq)
    ends = add_custom_calendar_timedelta(naive, pd.Timedelta(period), step)
    inside = np.flatnonzero(ends <= naive.max())
    if not len(inside):
        return max(len(dates), 1)
    spans = naive.searchsorted(ends[inside], side="left") - inside
    return max(int(np.median(spans)), 1)


def timedelta_to_string(timedelta: pd.Timedelta) -> str:
    """Write a time span as a period name.

    Parameters
    ----------
    timedelta : Timedelta

    Returns
    -------
    str
        Units D h m s ms us ns that are not zero, in this order; zero is the empty string.

    Examples
    --------
    >>> timedelta_to_string(pd.Timedelta("1D3h")), timedelta_to_string(pd.Timedelta("90min"))
    ('1D3h', '1h30m')
    """
    parts = pd.Timedelta(timedelta).components
    units = ("D", "h", "m", "s", "ms", "us", "ns")
    return "".join(f"{count}{unit}" for count, unit in zip(parts, units, strict=True) if count)


def timedelta_strings_to_integers(sequence: Iterable[str]) -> list[int]:
    """Return the whole days of each period name.

    Parameters
    ----------
    sequence : iterable of str

    Returns
    -------
    list of int
        Days; a period under a day gives 0.

    Examples
    --------
    >>> timedelta_strings_to_integers(["1D", "12h", "36h"])
    [1, 0, 1]
    """
    return [pd.Timedelta(name).days for name in sequence]


def is_period_name(name: object, *, is_whole_days: bool = False) -> bool:
    """Tell whether a column label names a return period such as ``1D``, ``3h`` or ``1D12h``."""
    pattern = _WHOLE_DAYS if is_whole_days else _PERIOD
    return isinstance(name, str) and pattern.fullmatch(name) is not None
