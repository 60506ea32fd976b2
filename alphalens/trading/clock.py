"""What time it is, asked of an object and never of the machine directly."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

from alphalens.errors import InputError

__all__ = ["Clock", "SystemClock", "VirtualClock"]


class Clock(Protocol):
    """The source of instants for everything that trades."""

    def now(self) -> datetime:
        """Return the present instant, timezone-aware in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run back, from any beginning: durations are told by it."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's present instant in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()


class VirtualClock:
    """A clock that stands still until it is told otherwise; replay and tests use it.

    Parameters
    ----------
    start : datetime
        First instant, timezone-aware.

    Raises
    ------
    InputError
        If an instant has no time zone, or lies before the present one.
    """

    def __init__(self, start: datetime) -> None:
        self._now = self._start = _aware(start)

    def now(self) -> datetime:
        """Return the instant the clock was last set to."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds since the first instant."""
        return (self._now - self._start).total_seconds()

    def advance_to(self, instant: datetime) -> None:
        """Set the clock to `instant`; time never runs backwards."""
        later = _aware(instant)
        if later < self._now:
            raise InputError(f"time cannot run back from {self._now} to {later}")
        self._now = later


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise InputError(f"a time zone is needed, got the naive instant {instant.isoformat()}")
    return instant.astimezone(UTC)
