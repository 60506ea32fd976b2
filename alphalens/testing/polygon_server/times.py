"""The vendor's instants: milliseconds of bars, nanoseconds of quotes, days of New York."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOSE = time(16)
_MILLI = timedelta(milliseconds=1)


def day_start_ms(day: date | str) -> int:
    """Return midnight in New York, which is the ``t`` of a daily bar.

    >>> day_start_ms("2024-01-02")
    1704171600000
    """
    return _ms(day, time())


def day_close_ms(day: date | str) -> int:
    """Return 16:00 in New York, which is the ``t`` of a grouped bar and of a previous close.

    >>> day_close_ms("2022-04-26")
    1651003200000
    """
    return _ms(day, _CLOSE)


def _ms(day: date | str, clock: time) -> int:
    parsed = date.fromisoformat(day) if isinstance(day, str) else day
    return (datetime.combine(parsed, clock, tzinfo=NEW_YORK) - _EPOCH) // _MILLI


def day_of(ms: int) -> date:
    """Return the day of New York of an instant.

    >>> day_of(1704171600000).isoformat()
    '2024-01-02'
    """
    return (_EPOCH + timedelta(milliseconds=ms)).astimezone(NEW_YORK).date()


def bound_ms(text: str, *, is_end: bool) -> int:
    """Return a bound of a range: milliseconds as they are, a day as its first or last one.

    Raises
    ------
    ValueError
        For anything else.
    """
    if text.lstrip("-").isdigit() and "-" not in text[1:]:
        return int(text)
    day = date.fromisoformat(text)
    return day_start_ms(day + timedelta(days=1)) - 1 if is_end else day_start_ms(day)


def nanoseconds(text: str) -> int:
    """Return nanoseconds as they are, a day as its UTC midnight, an RFC 3339 instant as it is.

    >>> nanoseconds("2024-01-02T00:00:00Z")
    1704153600000000000
    """
    if text.isdigit():
        return int(text)
    parsed = datetime.fromisoformat(text)
    aware = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1) * 1000
