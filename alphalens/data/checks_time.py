"""Checks of when a bar is: sessions and holidays, the begin of bars, gaps, lives, the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalens.assets import AssetClass
from alphalens.assets.calendars import CALENDARS, FIRST_DAY, LAST_DAY, sessions
from alphalens.data.bars import micros
from alphalens.data.cells import NO_TIME
from alphalens.data.checks_context import ZONES
from alphalens.data.checks_rows import Rows, scan
from alphalens.data.reasons import Reason

__all__ = ["Gap", "check_times", "local_days"]

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

_DAY_US = 86_400_000_000
_HOUR_US = _DAY_US // 24
_HALF_HOUR_US = _HOUR_US // 2
_EARLY_US, _LATE_US = 4 * _HOUR_US, 20 * _HOUR_US  # extended hours of US shares, local
_NONE = -1
_PIECE = 1 << 15  # rows whose columns stay in the processor's cache
_OFFSET_DAYS = 47_847  # to the end of 2100


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Bars that the vendor did not tell.

    Attributes
    ----------
    symbol : str
        Whose.
    after, before : datetime
        Begins of the bars on both sides (aware).
    count : int
        How many are missing: sessions, or bars within a session.
    reason : Reason
        ``SESSION_MISSING`` or ``BARS_MISSING``; the latter may be a halt, or nobody traded.
    """

    symbol: str
    after: datetime
    before: datetime
    count: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class _Table:
    """Sessions of a calendar as arrays, and the place of the session of each day."""

    opens: Ints
    closes: Ints
    places: NDArray[np.int32]
    first_day: int


def check_times(rows: Rows) -> list[Gap]:
    """Check the instants of all rows, and return what is missing between them."""
    _clock(rows)
    groups: dict[str, list[int]] = {}
    for code, symbol in enumerate(rows.told.symbols):
        groups.setdefault(rows.context.calendar_of(symbol), []).append(code)
    place = np.full(len(rows), _NONE, np.int64)
    day = np.empty(len(rows), np.int64)
    for calendar, codes in groups.items():
        chosen = None
        if len(groups) > 1:
            chosen = np.flatnonzero(np.isin(rows.told.codes, codes))
        for begin in range(0, len(rows) if chosen is None else len(chosen), _PIECE):
            piece = slice(begin, min(begin + _PIECE, len(rows)))
            where = piece if chosen is None else chosen[piece]
            day[where], place[where] = _placed(rows, calendar, where)
    _lives(rows, day)
    return _gaps(rows, place)


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
        row = np.minimum(np.maximum(time // _DAY_US, 0), len(table.switch) - 1)
        time = time + table.before[row] + np.where(time >= table.switch[row], table.change[row], 0)
    day: Ints = time // _DAY_US
    return day, time - day * _DAY_US


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
    days = (changes * _HOUR_US - 1) // _DAY_US
    switch[days] = hours[changes]
    change = np.zeros(_OFFSET_DAYS, np.int64)
    change[days] = offset[changes] - before[days]
    return _Offsets(before, switch, change)


def _clock(rows: Rows) -> None:
    bars, context = rows.told, rows.context
    if not len(rows):
        return
    latest = micros(context.now) + int(context.tolerances.skew_s * 1e6)
    if bars.time.min() == NO_TIME:
        rows.mark((bars.time == NO_TIME) & rows.is_good, Reason.WRONG_ZONE)
    if bars.time.max() > latest:
        rows.mark(bars.time > latest, Reason.IN_THE_FUTURE)


def _placed(rows: Rows, calendar: str, chosen: slice | Places) -> tuple[Ints, Ints]:
    """Return day and session of the rows of one calendar, and mark those that are in none."""
    bars = rows.told
    time = bars.time[chosen]
    where = np.arange(chosen.start, chosen.stop) if isinstance(chosen, slice) else chosen
    table = _table(calendar)
    day, clock = local_days(time, ZONES[calendar])
    on_day = _of_days(table, day)
    is_known = (day >= table.first_day) & (day < table.first_day + len(table.places))
    if bars.timeframe.is_daily:
        _daily(rows, where, clock, is_known & (on_day == _NONE))
        return day, np.where(is_known, on_day, _NONE)
    _aligned(rows, where, time)
    found = np.searchsorted(table.opens, time, side="right") - 1
    is_open = (found >= 0) & (time < table.closes[found])
    outside = np.flatnonzero(is_known & ~is_open)
    if len(outside):
        _outside(rows, where[outside], clock[outside], on_day[outside] != _NONE)
    return day, np.where(is_open, found, _NONE)


def _outside(rows: Rows, where: Places, clock: Ints, has_session: Flags) -> None:
    """Reject bars between sessions; those of a share's extended hours are flagged."""
    is_share = np.array([kind is AssetClass.EQUITY for kind in rows.classes])
    is_near = has_session & (clock >= _EARLY_US) & (clock < _LATE_US)
    is_near &= is_share[rows.told.codes[where]]
    rows.mark(where[~is_near], Reason.OUT_OF_SESSION)
    rows.mark(where[is_near], Reason.OUT_OF_SESSION, is_fatal=False)


def _daily(rows: Rows, where: Places, clock: Ints, is_closed: Flags) -> None:
    rows.mark(where[is_closed], Reason.OUT_OF_SESSION)
    odd = np.flatnonzero(clock)
    _unaligned(rows, where[odd], clock[odd])


def _aligned(rows: Rows, where: Places, time: Ints) -> None:
    """Bars begin on the grid of their length; those of an hour also at the half, with the open."""
    length = micros_of(rows)
    over = time % min(length, _HALF_HOUR_US)
    odd = np.flatnonzero(over)
    _unaligned(rows, where[odd], over[odd])


def _unaligned(rows: Rows, places: Places, over: Ints) -> None:
    may = rows.context.may_floor
    rows.mark(places, Reason.UNALIGNED, is_fatal=not may)
    if may and len(places):
        rows.repair("time", places, rows.column("time")[places] - over)


def _lives(rows: Rows, day: Ints) -> None:
    """Mark rows from before a symbol was this instrument's, and from after its last day."""
    for code, symbol in enumerate(rows.told.symbols):
        life = rows.context.lives.get(symbol)
        gone = [a.ex_date for a in rows.context.known_of(symbol) if a.kind == "delisting"]
        if life is None and not gone:
            continue
        (own,) = np.nonzero(rows.told.codes == code)
        if life is not None and life.first is not None:
            rows.mark(own[day[own] < _number(life.first)], Reason.SYMBOL_REUSED)
        if life is not None and life.last is not None:
            rows.mark(own[day[own] > _number(life.last)], Reason.DELISTED)
        if gone:
            rows.mark(own[day[own] >= _number(min(gone))], Reason.DELISTED)


def _gaps(rows: Rows, place: Ints) -> list[Gap]:
    """Find what is missing between rows that came, be they good or not.

    A row that is rejected is in quarantine, and asking for it again would bring the same.
    """
    bars = rows.told
    time, codes = rows.column("time"), bars.codes
    kept = scan(len(place), lambda p: place[p] != _NONE)
    if len(kept) < len(place):
        time, codes, place = time[kept], codes[kept], place[kept]

    def are_same(pairs: slice) -> Flags:
        same: Flags = codes[1:][pairs] == codes[:-1][pairs]
        return same

    def skips(pairs: slice) -> Flags:
        found: Flags = place[1:][pairs] - place[:-1][pairs] > 1
        return found & are_same(pairs)

    gaps: list[Gap] = []
    if len(before := scan(len(kept) - 1, skips)):
        counts = place[before + 1] - place[before] - 1
        gaps += _record(rows, kept, before, counts, Reason.SESSION_MISSING)
    if bars.timeframe.is_daily:
        return gaps
    length = micros_of(rows)

    def lacks(pairs: slice) -> Flags:
        one = place[1:][pairs] == place[:-1][pairs]
        found: Flags = one & (time[1:][pairs] - time[:-1][pairs] >= 2 * length)
        return found & are_same(pairs)

    if len(before := scan(len(kept) - 1, lacks)):
        counts = (time[before + 1] - time[before]) // length - 1
        gaps += _record(rows, kept, before, counts, Reason.BARS_MISSING)
    return gaps


def _record(rows: Rows, kept: Places, before: Places, counts: Ints, reason: Reason) -> list[Gap]:
    """Mark the row after each gap, and tell the gap."""
    rows.mark(kept[before + 1], reason)
    time, names = rows.column("time"), rows.told.symbols
    return [
        Gap(
            symbol=names[rows.told.codes[kept[at]]],
            after=_instant(time[kept[at]]),
            before=_instant(time[kept[at + 1]]),
            count=int(count),
            reason=reason,
        )
        for at, count in zip(before, counts, strict=True)
    ]


def micros_of(rows: Rows) -> int:
    """Return how long a bar is, in microseconds."""
    return int(rows.told.timeframe.length.total_seconds()) * 1_000_000


def _of_days(table: _Table, days: Ints) -> NDArray[np.int32]:
    last = len(table.places) - 1
    where = np.minimum(np.maximum(days - table.first_day, 0), last)
    found: NDArray[np.int32] = table.places[where]
    return found


def _table(calendar: str) -> _Table:
    return _built(CALENDARS[calendar])


@cache
def _built(calendar: str) -> _Table:
    rows = sessions(next(n for n, s in CALENDARS.items() if s == calendar), FIRST_DAY, LAST_DAY)
    first = _number(FIRST_DAY)
    places = np.full(_number(LAST_DAY) - first + 1, _NONE, np.int32)
    places[[_number(one.date) - first for one in rows]] = np.arange(len(rows))
    return _Table(
        np.array([micros(one.open) for one in rows]),
        np.array([micros(one.close) for one in rows]),
        places,
        first,
    )


def _number(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()


def _instant(time: np.int64) -> datetime:
    return datetime.fromtimestamp(int(time) / 1e6, UTC)
