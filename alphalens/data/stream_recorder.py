"""What a stream delivers, gathered for a while, judged, and brought into the store."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from alphalens.data._streams.words import joined, unspoiled
from alphalens.data.bar_stream import Delivery
from alphalens.data.bars import Bars, Timeframe
from alphalens.data.listening import FeedListener, NobodyListens
from alphalens.data.port import Batch
from alphalens.data.reasons import AnswerRefused
from alphalens.data.store import BarStore
from alphalens.data.validation import Context, judge
from alphalens.errors import ConfigError
from alphalens.trading.clock import Clock

__all__ = ["StreamRecorder", "into_store"]

_NOBODY = NobodyListens()


class StreamRecorder:
    """Gathers bars by time, and hands them on as few large batches, every row of them.

    Parameters
    ----------
    keep : callable
        Judges and stores a batch, as `into_store` makes it. When it raises, the batch is kept
        and is the first of the next try.
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
        self, keep: Callable[[Batch], object], *, clock: Clock, every_s: float = 1.0
    ) -> None:
        if not every_s >= 0:
            raise ConfigError(f"every_s is {every_s}, it must be 0 or more seconds")
        self._keep, self._clock, self._every_s = keep, clock, every_s
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
        if delivery.batches:
            self._gathered += delivery.batches
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
        self._gathered, self._since = [], None
        while self._ready:
            self._keep(self._ready[0])
            self._ready.popleft()


def into_store(
    store: BarStore,
    *,
    context: Callable[[Batch], Context],
    clock: Clock,
    listener: FeedListener = _NOBODY,
    forget: Callable[[Bars], None] | None = None,
) -> Callable[[Batch], None]:
    """Return what judges a batch and stores it: good rows as bars, all others in quarantine.

    Parameters
    ----------
    store : BarStore
        Where to.
    context : callable
        From a batch, what the checks need to know of it.
    clock : Clock
        The present.
    listener : FeedListener
        Is told of a batch that was refused whole.
    forget : callable, optional
        Is told of the bars before and after they are written: `Pipeline.forget`, where a cache
        may still have what they revise.
    """

    def keep(batch: Batch) -> None:
        at = clock.now()
        try:
            judged = judge(batch, context(batch))
        except AnswerRefused as refusal:
            marks = batch.marks | np.uint64(refusal.reason.bit)
            store.quarantine(batch.bars, marks, batch.raw, at=at)
            listener.failed(refusal.vendor, refusal)
            return
        if len(rejected := judged.rejected):
            store.quarantine(rejected.bars, rejected.marks, rejected.raw, at=at)
        if forget is not None:
            forget(judged.bars)
        store.write(judged.bars, at=at, marks=judged.marks)
        if forget is not None:
            forget(judged.bars)

    return keep


def _packed(batches: list[Batch]) -> list[Batch]:
    """Return one batch of each timeframe, and those rows apart that would have it refused."""
    by_length: dict[Timeframe, list[Batch]] = {}
    for batch in batches:
        by_length.setdefault(batch.request.timeframe, []).append(batch)
    return [part for own in by_length.values() for part in unspoiled(joined(own))]
