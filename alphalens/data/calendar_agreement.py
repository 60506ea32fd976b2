"""Whether a vendor's calendar is ours: a day that one of them lacks is a gap, or a missed order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from alphalens.assets.calendars import Session, sessions

__all__ = ["calendar_differences"]


def calendar_differences(
    told: Sequence[Session], calendar: str, first: date, last: date
) -> tuple[str, ...]:
    """Return where the sessions that a vendor tells are not those of our calendar, in words.

    Parameters
    ----------
    told : sequence of Session
        What the vendor says of the days from `first` to `last`.
    calendar : str
        Ours (`alphalens.assets.calendars`).
    first, last : date
        Both included.

    Raises
    ------
    InputError
        If the calendar is unknown, or does not reach the days.

    Examples
    --------
    >>> ours = sessions("XNYS", date(2026, 11, 25), date(2026, 11, 27))
    >>> calendar_differences(ours[:1], "XNYS", date(2026, 11, 25), date(2026, 11, 27))
    ('2026-11-27: closed there, open from 14:30 to 18:00 UTC here',)
    """
    ours = {session.date: session for session in sessions(calendar, first, last)}
    theirs = {session.date: session for session in told}
    return tuple(_differences(ours, theirs))


def _differences(ours: dict[date, Session], theirs: dict[date, Session]) -> Iterator[str]:
    for day in sorted(ours | theirs):
        here, there = (_hours(table.get(day)) for table in (ours, theirs))
        if here != there:
            yield f"{day}: {there} there, {here} here"


def _hours(session: Session | None) -> str:
    if session is None:
        return "closed"
    return f"open from {session.open:%H:%M} to {session.close:%H:%M} UTC"
