"""Which of the stretches that nobody was asked for can have bars at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from alphalens.assets.calendars import FIRST_DAY, LAST_DAY, sessions
from alphalens.data._checks.context import ZONES
from alphalens.data.port import BarRequest
from alphalens.data.store import Span

__all__ = ["askable"]

_LONG = timedelta(days=14)  # no market is closed for longer
_DAY = timedelta(days=1)


def askable(
    request: BarRequest,
    missing: Mapping[str, Sequence[Span]],
    calendar_of: Callable[[str], str],
    now: datetime,
) -> dict[str, list[Span]]:
    """Return the stretches in which a bar may begin by now.

    Parameters
    ----------
    request : BarRequest
        What is wanted.
    missing : Mapping of str to sequence of (datetime, datetime)
        By symbol (`alphalens.data.store.BarStore.missing`).
    calendar_of : callable
        Calendar of a symbol.
    now : datetime
        What begins later is not asked for; aware.

    Returns
    -------
    dict of str to list of (datetime, datetime)
        A symbol without any is absent. Daily bars begin at the midnight of a session's day:
        a weekend, or the rest of a day, is not asked for.
    """
    found: dict[str, list[Span]] = {}
    for symbol, spans in missing.items():
        begun = [(start, min(end, now)) for start, end in spans if start < now]
        if request.timeframe.is_daily:
            calendar = calendar_of(symbol)
            begun = [span for span in begun if _has_session(calendar, *span)]
        if begun:
            found[symbol] = begun
    return found


@lru_cache(maxsize=4096)
def _has_session(calendar: str, start: datetime, end: datetime) -> bool:
    """Return whether a session's day begins from `start` on and before `end`."""
    first, last = start.date() - _DAY, end.date() + _DAY
    if end - start > _LONG or first < FIRST_DAY or last > LAST_DAY:
        return True
    zone = ZoneInfo(ZONES[calendar])
    days = (one.date for one in sessions(calendar, first, last))
    midnights = (datetime.combine(day, time(), zone).astimezone(UTC) for day in days)
    return any(start <= midnight < end for midnight in midnights)
