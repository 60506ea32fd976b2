"""What a stream delivers, gathered for a while, and handed on as few large batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from alphalens.data._streams.words import joined, unspoiled
from alphalens.data.bar_stream import Delivery, StreamGap
from alphalens.data.bars import Timeframe
from alphalens.data.port import Batch
from alphalens.errors import ConfigError
from alphalens.trading.clock import Clock

__all__ = ["StreamRecorder"]


def _nothing(_gaps: Sequence[StreamGap]) -> None:
    """Keep nothing of gaps."""


class StreamRecorder:
    """Gathers bars by time, and hands them on as few large batches, every row of them.

    Parameters
    ----------
    keep : callable
        Judges and stores a batch, as `StreamIntake.keep` does. When it raises, the batch is kept
        and is the first of the next try.
    missed : callable
        Takes gaps that could not be filled, as `StreamIntake.missed` does, before the bars that
        came with them. When it raises, it gets them again.
    clock : Clock
        Says when the time is over.
    every_s : float
        Seconds for which bars are gathered.

    Raises
    ------
    ConfigError
        If the time is negative.
    """

    def __init__(
        self,
        keep: Callable[[Batch], object],
        *,
        clock: Clock,
        missed: Callable[[Sequence[StreamGap]], object] = _nothing,
        every_s: float = 1.0,
    ) -> None:
        if not every_s >= 0:
            raise ConfigError(f"every_s is {every_s}, it must be 0 or more seconds")
        self._keep, self._missed, self._clock, self._every_s = keep, missed, clock, every_s
        self._open: list[StreamGap] = []
        self._gathered: list[Batch] = []
        self._ready: deque[Batch] = deque()
        self._since: float | None = None

    @property
    def waiting(self) -> int:
        """How many bars are not kept yet."""
        return sum(len(batch.bars) for batch in (*self._gathered, *self._ready))

    def add(self, delivery: Delivery) -> None:
        """Take the bars of a delivery, and hand on what was gathered if the time is over.

        Raises
        ------
        StorageError
            As `flush`.
        """
        now = self._clock.monotonic()
        lost = [gap for gap in delivery.gaps if not gap.is_filled]
        if delivery.batches or lost:
            self._gathered += delivery.batches
            self._open += lost
            self._since = now if self._since is None else self._since
        if self._ready or (self._since is not None and now - self._since >= self._every_s):
            self.flush()

    def flush(self) -> None:
        """Hand on everything that was gathered.

        Raises
        ------
        StorageError
            If the database fails; nothing is lost, the next call tries again.
        """
        self._ready.extend(_packed(self._gathered))
        self._gathered = []
        if self._open:
            self._missed(tuple(self._open))
            self._open = []
        self._since = None
        while self._ready:
            self._keep(self._ready[0])
            self._ready.popleft()


def _packed(batches: list[Batch]) -> list[Batch]:
    """Return one batch of each timeframe, and those rows apart that would have it refused."""
    by_length: dict[Timeframe, list[Batch]] = {}
    for batch in batches:
        by_length.setdefault(batch.request.timeframe, []).append(batch)
    return [part for own in by_length.values() for part in unspoiled(joined(own))]
