"""Days and sessions of markets as arrays, so that rows are placed without a loop over them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalens.assets.calendars import CALENDARS, FIRST_DAY, LAST_DAY, sessions
from alphalens.data.bars import micros

__all__ = ["DAY_US", "NONE", "Sessions", "day_number", "local_days", "sessions_of"]

Ints = NDArray[np.int64]

DAY_US = 86_400_000_000

#: The place of no session.
NONE = -1

_HOUR_US = DAY_US // 24
_OFFSET_DAYS = 47_847  # to the end of 2100


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of a calendar, and the place of the session of each day.

    Attributes
    ----------
    opens, closes : int64 arrays of shape (n,)
        Microseconds since 1970-01-01 UTC.
    places : int32 array of shape (days,)
        Of each day since `first_day` the place of its session, `NONE` without one.
    first_day : int
        Days since 1970.
    """

    opens: Ints
    closes: Ints
    places: NDArray[np.int32]
    first_day: int

    def of_days(self, days: Ints) -> NDArray[np.int32]:
        """Return the place of the session of each day, `NONE` without one."""
        last = len(self.places) - 1
        where = np.minimum(np.maximum(days - self.first_day, 0), last)
        found: NDArray[np.int32] = self.places[where]
        return found

    def has(self, days: Ints) -> NDArray[np.bool_]:
        """Return which days the calendar reaches."""
        found: NDArray[np.bool_] = (days >= self.first_day) & (
            days < self.first_day + len(self.places)
        )
        return found

    def at(self, time: Ints) -> Ints:
        """Return the place of the session that is open at each instant, `NONE` without one."""
        found = np.searchsorted(self.opens, time, side="right") - 1
        is_open = (found >= 0) & (time < self.closes[found])
        return np.where(is_open, found, NONE)


def sessions_of(calendar: str) -> Sessions:
    """Return the sessions of a calendar, by the name of `alphalens.assets.calendars`."""
    return _built(CALENDARS[calendar])


def local_days(time: Ints, zone: str) -> tuple[Ints, Ints]:
    """Return the local day of instants, since 1970, and the microseconds since its midnight.

    Parameters
    ----------
    time : int64 array of shape (n,)
        Microseconds since 1970-01-01 UTC, from 1970 to 2100.
    zone : str
        A time zone.

    Examples
    --------
    >>> day, clock = local_days(np.array([1704171600000000]), "America/New_York")
    >>> str(day.view("M8[D]")[0]), clock.tolist()
    ('2024-01-02', [0])
    """
    if zone != "UTC":
        table = _offsets(zone)
        row = np.minimum(np.maximum(time // DAY_US, 0), len(table.switch) - 1)
        time = time + table.before[row] + np.where(time >= table.switch[row], table.change[row], 0)
    day: Ints = time // DAY_US
    return day, time - day * DAY_US


@dataclass(frozen=True, slots=True)
class _Offsets:
    """Of each day in UTC: the offset at its begin, when it changes, and by how much."""

    before: Ints
    switch: Ints
    change: Ints


@cache
def _offsets(zone: str) -> _Offsets:
    hours = np.arange(_OFFSET_DAYS * 24 + 1, dtype=np.int64) * _HOUR_US
    local = pd.DatetimeIndex(hours.view("M8[us]")).tz_localize("UTC").tz_convert(zone)
    offset = local.tz_localize(None).as_unit("us").asi8 - hours
    before = offset[:-1:24]
    switch = np.full(_OFFSET_DAYS, np.iinfo(np.int64).max)
    changes = np.flatnonzero(np.diff(offset)) + 1  # clocks are put forward at full hours
    days = (changes * _HOUR_US - 1) // DAY_US
    switch[days] = hours[changes]
    change = np.zeros(_OFFSET_DAYS, np.int64)
    change[days] = offset[changes] - before[days]
    return _Offsets(before, switch, change)


def day_number(day: date) -> int:
    """Return a day as days since 1970."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


@cache
def _built(calendar: str) -> Sessions:
    rows = sessions(next(n for n, s in CALENDARS.items() if s == calendar), FIRST_DAY, LAST_DAY)
    first = day_number(FIRST_DAY)
    places = np.full(day_number(LAST_DAY) - first + 1, NONE, np.int32)
    places[[day_number(one.date) - first for one in rows]] = np.arange(len(rows))
    return Sessions(
        np.array([micros(one.open) for one in rows]),
        np.array([micros(one.close) for one in rows]),
        places,
        first,
    )
