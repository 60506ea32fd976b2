"""The sessions of the US stock exchanges, from the rules and not from a library.

The venue must not share its calendar with the code that it tests, so daylight saving time,
holidays and half days are worked out here.

References
----------
NYSE Rule 7.2 (holidays); 15 U.S.C. 260a (daylight saving time).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache

_EXTRA_CLOSURES = frozenset({date(2018, 12, 5), date(2025, 1, 9)})
_EST = timezone(timedelta(hours=-5))
_EDT = timezone(timedelta(hours=-4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One trading day; all instants are UTC.

    `pre_open` and `post_close` bound the extended hours, `open` and `close` the regular ones.
    """

    day: date
    pre_open: datetime
    open: datetime
    close: datetime
    post_close: datetime


def new_york(instant: datetime) -> datetime:
    """Return `instant` in New York time, with its offset.

    >>> new_york(datetime(2026, 3, 8, 7, 0, tzinfo=UTC)).isoformat()
    '2026-03-08T03:00:00-04:00'
    """
    year = instant.astimezone(_EST).year
    starts = datetime.combine(_nth(year, 3, 6, 2), time(2), tzinfo=_EST)
    ends = datetime.combine(_nth(year, 11, 6, 1), time(2), tzinfo=_EDT)
    return instant.astimezone(_EDT if starts <= instant < ends else _EST)


def at_new_york(day: date, clock: time) -> datetime:
    """Return the UTC instant at which a clock in New York shows `day` and `clock`."""
    guess = datetime.combine(day, clock, tzinfo=_EST)
    offset = new_york(guess).utcoffset()
    return datetime.combine(day, clock, tzinfo=timezone(offset or timedelta())).astimezone(UTC)


@cache
def session_of(day: date) -> Session | None:
    """Return the session of a day of New York; None on weekends and holidays.

    >>> session_of(date(2026, 11, 27)).close.isoformat()
    '2026-11-27T18:00:00+00:00'
    """
    if day.weekday() >= 5 or day in _holidays(day.year) or day in _EXTRA_CLOSURES:
        return None
    half = day in _half_days(day.year)
    return Session(
        day=day,
        pre_open=at_new_york(day, time(4)),
        open=at_new_york(day, time(9, 30)),
        close=at_new_york(day, time(13) if half else time(16)),
        post_close=at_new_york(day, time(17) if half else time(20)),
    )


def sessions_between(first: date, last: date) -> list[Session]:
    """Return the sessions from `first` to `last`, both included."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [session for session in map(session_of, days) if session is not None]


def session_at_or_after(instant: datetime) -> Session:
    """Return the first session whose regular close lies after `instant`."""
    day = new_york(instant).date()
    while True:
        session = session_of(day)
        if session is not None and instant < session.close:
            return session
        day += timedelta(days=1)


def next_open(instant: datetime) -> datetime:
    """Return the first regular open after `instant`."""
    session = session_at_or_after(instant)
    return session.open if instant < session.open else session_at_or_after(session.close).open


def is_regular(instant: datetime) -> bool:
    """Return whether the exchanges trade in regular hours at `instant`."""
    session = session_of(new_york(instant).date())
    return session is not None and session.open <= instant < session.close


def is_extended(instant: datetime) -> bool:
    """Return whether `instant` lies in regular, pre-market or after-hours trading."""
    session = session_of(new_york(instant).date())
    return session is not None and session.pre_open <= instant < session.post_close


def _nth(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - timedelta(days=last.weekday())


def _observed(day: date) -> date:
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def _good_friday(year: int) -> date:
    """Return the day two days before Easter Sunday by the anonymous Gregorian computus."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, day = divmod(h + k - 7 * m + 114, 31)
    return date(year, month, day + 1) - timedelta(days=2)


@cache
def _holidays(year: int) -> frozenset[date]:
    new_year = date(year, 1, 1)
    days = {
        new_year + timedelta(days=1) if new_year.weekday() == 6 else new_year,
        _nth(year, 1, 0, 3),
        _nth(year, 2, 0, 3),
        _good_friday(year),
        _last_monday_of_may(year),
        _observed(date(year, 7, 4)),
        _nth(year, 9, 0, 1),
        _nth(year, 11, 3, 4),
        _observed(date(year, 12, 25)),
    }
    return frozenset(days | ({_observed(date(year, 6, 19))} if year >= 2022 else set()))


def _half_days(year: int) -> frozenset[date]:
    """Return the day after Thanksgiving and the eves of Independence Day and Christmas."""
    days = {_nth(year, 11, 3, 4) + timedelta(days=1), date(year, 12, 24)}
    if date(year, 7, 4).weekday() not in (5, 6):
        days.add(date(year, 7, 3))
    return frozenset(days)
