"""What a stream has told and the consumer has not taken yet: bounded, and nothing is dropped."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from alphalens.data._streams.words import BarRow
from alphalens.data.bar_stream import Delivery, StreamGap, Trade, Trouble, TroubleKind
from alphalens.data.port import Batch
from alphalens.trading.market import Quote

__all__ = ["StreamBuffer", "Waiting"]

Waiting = BarRow | Batch | Quote | Trade | StreamGap
Build = Callable[[Iterable[BarRow]], list[Batch]]

_MOST_TROUBLES = 200  # of different kinds and words; what goes beyond is counted by its kind


class StreamBuffer:
    """A queue between the thread of the loop, which puts, and one consumer, who takes.

    Parameters
    ----------
    size : int
        From so many waiting bars, quotes, trades and gaps on it is full. It takes more
        nevertheless: whoever reads the socket has to look.
    build : callable
        Turns rows of the stream into batches; called in the consumer's thread.
    """

    def __init__(self, size: int, *, build: Build) -> None:
        self._size, self._build = size, build
        self._gate = threading.Condition()
        self._queue: deque[Waiting] = deque()
        self._troubles: dict[tuple[TroubleKind, str], Trouble] = {}
        self._waiting = 0
        self._is_over = False

    @property
    def waiting(self) -> int:
        """How many bars, quotes, trades and gaps wait."""
        return self._waiting

    @property
    def is_full(self) -> bool:
        """Whether no more should be read for the time being."""
        return self._waiting >= self._size

    @property
    def is_half_empty(self) -> bool:
        """Whether the consumer has caught up far enough to go on after he was behind."""
        return self._waiting * 2 <= self._size

    def put(self, told: Sequence[Waiting]) -> None:
        """Append, in order, and wake the consumer."""
        if not told:
            return
        with self._gate:
            self._queue.extend(told)
            self._waiting += sum(map(_size, told))
            self._gate.notify()

    def tell(self, trouble: Trouble) -> None:
        """Keep a trouble, or count it where one of its kind and words waits already."""
        with self._gate:
            key = (trouble.kind, trouble.text)
            if key not in self._troubles and len(self._troubles) >= _MOST_TROUBLES:
                key = (trouble.kind, "")
            known = self._troubles.get(key)
            more = trouble if known is None else replace(known, count=known.count + trouble.count)
            self._troubles[key] = more
            self._gate.notify()

    def end(self) -> None:
        """Let nobody wait any more: nothing comes."""
        with self._gate:
            self._is_over = True
            self._gate.notify_all()

    def take(self, wait_s: float) -> Delivery:
        """Return everything that waits; with nothing there, wait for it so long at most."""
        with self._gate:
            if wait_s > 0.0:
                self._gate.wait_for(lambda: self._queue or self._troubles or self._is_over, wait_s)
            told, self._queue = self._queue, deque()
            troubles, self._troubles = tuple(self._troubles.values()), {}
            self._waiting = 0
        return self._delivery(told, troubles)

    def _delivery(self, told: Iterable[Waiting], troubles: tuple[Trouble, ...]) -> Delivery:
        batches: list[Batch] = []
        run: list[BarRow] = []
        quotes: list[Quote] = []
        trades: list[Trade] = []
        gaps: list[StreamGap] = []
        for one in told:
            if type(one) is BarRow:
                run.append(one)
            elif type(one) is Quote:
                quotes.append(one)
            elif type(one) is Trade:
                trades.append(one)
            elif type(one) is StreamGap:
                gaps.append(one)
            elif isinstance(one, Batch):
                batches += [*self._build(run), one]
                run = []
        batches += self._build(run)
        return Delivery(
            batches=tuple(batches),
            quotes=tuple(quotes),
            trades=tuple(trades),
            gaps=tuple(gaps),
            troubles=troubles,
        )


def _size(one: Waiting) -> int:
    return len(one.bars) if isinstance(one, Batch) else 1
