"""Trading sessions: when a market is open, by the calendars of ``exchange_calendars``.

The library is loaded at the first question, one calendar at a time. Every instant taken is
timezone-aware and every instant given is UTC. A session is open at its open and closed at its
close.
"""

from __future__ import annotations

import threading
import warnings
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

from alphalens._optional import require
from alphalens.errors import InputError

__all__ = [
    "ALWAYS_OPEN",
    "CALENDARS",
    "FIRST_DAY",
    "LAST_DAY",
    "Session",
    "check_name",
    "day_order_expiry",
    "is_open",
    "next_close",
    "next_open",
    "require_aware",
    "session_of",
    "session_on",
    "session_until",
    "sessions",
]

# Fixed, not counted from today: the same question has the same answer in every year.
FIRST_DAY = date(1990, 1, 1)
LAST_DAY = date(2050, 12, 31)

ALWAYS_OPEN = "24/7"

# Name here -> name in the library. The exchanges of the CME Group keep the same hours.
CALENDARS: Mapping[str, str] = MappingProxyType(
    {
        "XNYS": "XNYS",
        "XNAS": "XNYS",
        ALWAYS_OPEN: ALWAYS_OPEN,
        "CME": "CMES",
        "CBOT": "CMES",
        "NYMEX": "CMES",
        "COMEX": "CMES",
    }
)
# The library ends the futures day where the next one begins; the hour before is maintenance.
_LATEST_CLOSE = MappingProxyType({"CMES": time(16, 0)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One trading day of a market.

    Attributes
    ----------
    date : date
        The day it counts for; a futures session opens on the evening before.
    open, close : datetime
        UTC. It is open at `open` and closed at `close`.
    is_half_day : bool
        Whether it closes earlier than on an ordinary day.
    """

    date: date
    open: datetime
    close: datetime
    is_half_day: bool


@dataclass(frozen=True, slots=True)
class _Table:
    """All sessions of one calendar in order, and the columns that are searched."""

    name: str
    sessions: tuple[Session, ...]
    dates: tuple[date, ...]
    opens: tuple[datetime, ...]
    closes: tuple[datetime, ...]


def check_name(calendar: str) -> None:
    """Refuse the name of a calendar that is not among `CALENDARS`.

    Raises
    ------
    InputError
        With the names known.
    """
    if calendar not in CALENDARS:
        raise InputError(f"calendar must be one of {', '.join(CALENDARS)}, got {calendar!r}")


def require_aware(instant: datetime) -> datetime:
    """Return an instant in UTC.

    Raises
    ------
    InputError
        If it is no datetime, or has no time zone.
    """
    if not isinstance(instant, datetime):
        raise InputError(f"an instant must be a datetime, got {instant!r}")
    if instant.utcoffset() is None:
        raise InputError(f"the instant {instant.isoformat()} has no time zone; UTC is one")
    return instant.astimezone(UTC)


def session_of(calendar: str, instant: datetime) -> Session | None:
    """Return the session that is open at an instant, None when the market is closed.

    Raises
    ------
    InputError
        If the calendar is unknown, or the instant naive or outside `FIRST_DAY` to `LAST_DAY`.

    Examples
    --------
    >>> friday = session_of("XNYS", datetime(2026, 11, 27, 17, 59, tzinfo=UTC))
    >>> friday.close.isoformat(), friday.is_half_day
    ('2026-11-27T18:00:00+00:00', True)
    >>> session_of("XNYS", datetime(2026, 11, 27, 18, 0, tzinfo=UTC)) is None
    True
    """
    table, instant = _asked(calendar, instant)
    place = bisect_right(table.opens, instant) - 1
    if place < 0 or instant >= table.closes[place]:
        return None
    return table.sessions[place]


def session_on(calendar: str, day: date) -> Session | None:
    """Return the session of a day, None if there is none.

    Raises
    ------
    InputError
        If the calendar is unknown, or `day` no date of `FIRST_DAY` to `LAST_DAY`.
    """
    table = _table(calendar)
    place = bisect_right(table.dates, _known_day(calendar, day)) - 1
    found = table.sessions[place] if place >= 0 else None
    return found if found is not None and found.date == day else None


def session_until(calendar: str, day: date) -> Session:
    """Return the last session on or before a day.

    Raises
    ------
    InputError
        If the calendar is unknown, or `day` no date of `FIRST_DAY` to `LAST_DAY` with a session
        before it.
    """
    table = _table(calendar)
    place = bisect_right(table.dates, _known_day(calendar, day)) - 1
    if place < 0:
        raise InputError(f"calendar {calendar} has no session up to {day}; its first is later")
    return table.sessions[place]


def sessions(calendar: str, first: date, last: date) -> tuple[Session, ...]:
    """Return the sessions of the days from `first` to `last`, both included, in order.

    Raises
    ------
    InputError
        If the calendar is unknown, a day no date of `FIRST_DAY` to `LAST_DAY`, or `first`
        after `last`.
    """
    if _known_day(calendar, first) > _known_day(calendar, last):
        raise InputError(f"the first day {first} must not be after the last, {last}")
    table = _table(calendar)
    begin = bisect_right(table.dates, first - timedelta(days=1))
    return table.sessions[begin : bisect_right(table.dates, last)]


def is_open(calendar: str, instant: datetime) -> bool:
    """Return whether the market is open at an instant.

    Raises
    ------
    InputError
        As `session_of`.
    """
    return session_of(calendar, instant) is not None


def next_open(calendar: str, instant: datetime) -> datetime:
    """Return the first opening after an instant, in UTC.

    Raises
    ------
    InputError
        As `session_of`, and at the end of the calendar.
    """
    table, instant = _asked(calendar, instant)
    return _after(table, table.opens, instant)


def next_close(calendar: str, instant: datetime) -> datetime:
    """Return the first close after an instant, in UTC.

    Raises
    ------
    InputError
        As `session_of`, and at the end of the calendar.
    """
    table, instant = _asked(calendar, instant)
    return _after(table, table.closes, instant)


def day_order_expiry(calendar: str, sent_at: datetime) -> datetime:
    """Return when a day order ends: at the close of the session it belongs to.

    That is the session open when it is sent. Sent at or after the close, or before the open,
    it waits for the next one.

    Raises
    ------
    InputError
        As `session_of`, and at the end of the calendar.

    Examples
    --------
    >>> wednesday_evening = datetime(2026, 11, 25, 21, 0, tzinfo=UTC)
    >>> day_order_expiry("XNYS", wednesday_evening).isoformat()
    '2026-11-27T18:00:00+00:00'
    """
    return next_close(calendar, sent_at)


def _after(table: _Table, instants: tuple[datetime, ...], instant: datetime) -> datetime:
    place = bisect_right(instants, instant)
    if place == len(instants):
        raise InputError(f"calendar {table.name} ends on {LAST_DAY}: nothing after {instant}")
    return instants[place]


def _asked(calendar: str, instant: datetime) -> tuple[_Table, datetime]:
    utc = require_aware(instant)
    _known_day(calendar, utc.date())
    return _table(calendar), utc


def _known_day(calendar: str, day: date) -> date:
    if type(day) is not date:
        raise InputError(f"a day must be a date without a time, got {day!r}")
    if not FIRST_DAY <= day <= LAST_DAY:
        raise InputError(f"calendar {calendar} knows {FIRST_DAY} to {LAST_DAY}, not {day}")
    return day


_BUILDING = threading.Lock()


def _table(calendar: str) -> _Table:
    check_name(calendar)
    with _BUILDING:  # warnings filters are the process's, and half a second is spent once only
        return _build(CALENDARS[calendar])


@cache
def _build(source: str) -> _Table:
    require("exchange_calendars", extra="trading")
    with warnings.catch_warnings():
        # With pandas 3.1 the library calls what pandas deprecates; its answers stay right.
        warnings.simplefilter("ignore", DeprecationWarning)
        import exchange_calendars

        found = exchange_calendars.get_calendar(source, start=FIRST_DAY, end=LAST_DAY)
        early = {stamp.date() for stamp in found.early_closes}
        rows = list(
            zip(
                (stamp.date() for stamp in found.sessions),
                (stamp.to_pydatetime().astimezone(UTC) for stamp in found.schedule["open"]),
                (stamp.to_pydatetime().astimezone(UTC) for stamp in found.schedule["close"]),
                strict=True,
            )
        )
    latest = _LATEST_CLOSE.get(source)
    table = tuple(
        Session(
            date=day,
            open=opens,
            close=closes if latest is None else _no_later(closes, latest, ZoneInfo(str(found.tz))),
            is_half_day=day in early,
        )
        for day, opens, closes in rows
    )
    return _Table(
        name=source,
        sessions=table,
        dates=tuple(session.date for session in table),
        opens=tuple(session.open for session in table),
        closes=tuple(session.close for session in table),
    )


def _no_later(close: datetime, latest: time, zone: ZoneInfo) -> datetime:
    """Return `close`, or that day's `latest` on the clock of the market if it is later."""
    local = close.astimezone(zone)
    if local.time() <= latest:
        return close
    return datetime.combine(local.date(), latest, tzinfo=zone).astimezone(UTC)
