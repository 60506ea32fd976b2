"""Checks of when a bar is: sessions and holidays, the begin of bars, lives, the clock."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alphalens.assets import AssetClass
from alphalens.data._checks.calendar import DAY_US, NONE, day_number, local_days, sessions_of
from alphalens.data._checks.context import ZONES
from alphalens.data._checks.gaps import find_gaps
from alphalens.data._checks.rows import Rows
from alphalens.data.bars import NO_TIME, micros
from alphalens.data.gaps import Gap
from alphalens.data.reasons import Reason

__all__ = ["check_times"]

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

_HOUR_US = DAY_US // 24
_HALF_HOUR_US = _HOUR_US // 2
_EARLY_US, _LATE_US = 4 * _HOUR_US, 20 * _HOUR_US  # extended hours of US shares, local
_PIECE = 1 << 15  # rows whose columns stay in the processor's cache


def check_times(rows: Rows) -> list[Gap]:
    """Check the instants of all rows, and return what is missing between them."""
    _clock(rows)
    groups: dict[str, list[int]] = {}
    for code, symbol in enumerate(rows.told.symbols):
        groups.setdefault(rows.context.calendar_of(symbol), []).append(code)
    place = np.full(len(rows), NONE, np.int64)
    day = np.full(len(rows), NO_TIME, np.int64)
    timed = _timed(rows)
    for calendar, codes in groups.items():
        chosen = timed
        if len(groups) > 1:
            own = np.isin(rows.told.codes, codes)
            chosen = np.flatnonzero(own) if timed is None else timed[own[timed]]
        for begin in range(0, len(rows) if chosen is None else len(chosen), _PIECE):
            piece = slice(begin, min(begin + _PIECE, len(rows)))
            where = piece if chosen is None else chosen[piece]
            day[where], place[where] = _placed(rows, calendar, where)
    _lives(rows, day)
    return find_gaps(rows, place)


def _timed(rows: Rows) -> Places | None:
    """Return the rows whose instant could be read; None for all of them, at no cost."""
    time = rows.told.time
    if not len(time) or time.min() != NO_TIME:
        return None
    return np.flatnonzero(time != NO_TIME)


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
    table = sessions_of(calendar)
    day, clock = local_days(time, ZONES[calendar])
    on_day = table.of_days(day)
    is_known = table.has(day)
    if bars.timeframe.is_daily:
        _daily(rows, where, clock, is_known & (on_day == NONE))
        return day, np.where(is_known, on_day, NONE)
    _aligned(rows, where, time)
    session = table.at(time)
    outside = np.flatnonzero(is_known & (session == NONE))
    if len(outside):
        _outside(rows, where[outside], clock[outside], on_day[outside] != NONE)
    return day, session


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
    over = time % min(rows.length_us, _HALF_HOUR_US)
    odd = np.flatnonzero(over)
    _unaligned(rows, where[odd], over[odd])


def _unaligned(rows: Rows, places: Places, over: Ints) -> None:
    may = rows.context.may_floor
    rows.mark(places, Reason.UNALIGNED, is_fatal=not may)
    if may and len(places):
        rows.repair("time", places, rows.column("time")[places] - over)


def _lives(rows: Rows, day: Ints) -> None:
    """Mark rows from before a symbol was this instrument's, and from after its last day."""
    for start, stop in zip(rows.edges[:-1], rows.edges[1:], strict=True):
        symbol = rows.told.symbols[rows.told.codes[start]]
        life = rows.context.lives.get(symbol)
        gone = [a.ex_date for a in rows.context.known_of(symbol) if a.kind == "delisting"]
        if life is None and not gone:
            continue
        own = np.flatnonzero(day[start:stop] != NO_TIME) + start
        if life is not None and life.first is not None:
            rows.mark(own[day[own] < day_number(life.first)], Reason.SYMBOL_REUSED)
        if life is not None and life.last is not None:
            rows.mark(own[day[own] > day_number(life.last)], Reason.DELISTED)
        if gone:
            rows.mark(own[day[own] >= day_number(min(gone))], Reason.DELISTED)
