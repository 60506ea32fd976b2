"""The time of a vendor: the machine's, or one that a test sets and moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_TICK = timedelta(microseconds=1)


def parse_instant(value: datetime | str) -> datetime:
    """Return `value` as an aware UTC instant; text is RFC 3339, naive text is UTC.

    >>> parse_instant("2026-03-02T10:00:00-05:00").isoformat()
    '2026-03-02T15:00:00+00:00'
    """
    parsed = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


class VenueClock:
    """A clock whose stamps never repeat.

    Parameters
    ----------
    start
        A virtual instant to start from; None follows the machine.
    ticking
        Whether a virtual clock runs on with the machine's monotonic time.
    monotonic
        Seconds that only grow; injected so that a test of the clock need not wait.
    """

    def __init__(
        self,
        start: datetime | None = None,
        *,
        ticking: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._ticking = ticking
        self._base = start
        self._origin = monotonic()
        self._last: datetime | None = None

    @property
    def is_virtual(self) -> bool:
        """Whether the time was given by a test."""
        return self._base is not None

    @property
    def runs(self) -> bool:
        """Whether time passes by itself."""
        return self._base is None or self._ticking

    def now(self) -> datetime:
        """Return the present instant."""
        if self._base is None:
            return datetime.now(UTC)
        if not self._ticking:
            return self._base
        return self._base + timedelta(seconds=self._monotonic() - self._origin)

    def set(self, instant: datetime) -> None:
        """Make `instant` the present one; the clock is virtual from then on."""
        self._base = instant
        self._origin = self._monotonic()

    def stamp(self) -> datetime:
        """Return the present instant, one microsecond after the last stamp at the least."""
        present = self.now()
        if self._last is not None and present <= self._last:
            present = self._last + _TICK
        self._last = present
        return present

    def resume_after(self, last: datetime) -> None:
        """Never stamp at or before `last`, the latest stamp of an earlier run."""
        self._last = last
