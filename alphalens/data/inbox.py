"""The messages of a websocket, kept in order for a reader in another thread."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from typing import Generic, TypeVar

from alphalens.net import LoopThread, NetError, Redactor, Stream, StreamSettings, Timing
from alphalens.net.line import Frame, Line

__all__ = ["Inbox"]

_T = TypeVar("_T")
_MACHINE = Timing()
_LOOK_AGAIN_S = 0.01
_CLOSE_S = 5.0


class Inbox(Generic[_T]):
    """Reads one reconnecting stream into a bounded queue that `take` empties.

    While the queue is full the socket is not read, so that nothing is lost and order is kept;
    a server that gives up on a slow reader shows as a gap.

    Parameters
    ----------
    settings : StreamSettings
        Where the stream is, and how patient.
    hello : callable
        Authenticates and subscribes, as of `alphalens.net.Stream`.
    read : callable
        Turns a frame into messages; it never raises for what it cannot read.
    loop : LoopThread
        Where it runs; not closed by this object.
    rng : Random
        Jitter between two tries.
    size : int
        Messages that wait at most.
    redact : Redactor
        Applied to every problem.
    timing : Timing
        Clocks and sleep.
    """

    def __init__(
        self,
        settings: StreamSettings,
        *,
        hello: Callable[[Line], Awaitable[None]],
        read: Callable[[Frame], Iterable[_T]],
        loop: LoopThread,
        rng: random.Random,
        size: int = 10_000,
        redact: Redactor | None = None,
        timing: Timing = _MACHINE,
    ) -> None:
        self._read, self._loop, self._size, self._timing = read, loop, size, timing
        self._redact = redact or Redactor()
        self._stream = Stream(
            settings,
            hello=hello,
            on_frame=self._on_frame,
            on_state=self._on_state,
            rng=rng,
            redact=self._redact,
            timing=timing,
        )
        self._queue: deque[_T] = deque()
        self._came_up = threading.Event()
        self._run: Future[None] | None = None
        self._is_closed = False
        self.gaps = 0
        self.problem = "the stream was not opened"

    @property
    def is_up(self) -> bool:
        """Whether it is connected, authenticated and subscribed."""
        return self._came_up.is_set()

    def open(self) -> None:
        """Start to connect, and return at once; a second call does nothing."""
        if self._run is None:
            self.problem = "the stream is connecting"
            self._run = self._loop.start_task(self._stream.run())
            self._run.add_done_callback(self._on_end)

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        if self._run is not None and not self._is_closed:
            self._is_closed = True
            self._loop.run(self._stream.close(), timeout_s=_CLOSE_S)

    def wait_until_up(self, timeout_s: float) -> bool:
        """Wait until the stream is up and return True, or False after `timeout_s` seconds."""
        return self._came_up.wait(timeout_s)

    def take(self) -> tuple[_T, ...]:
        """Return what has come since the last call, in order."""
        return tuple(self._queue.popleft() for _ in range(len(self._queue)))

    async def reconnect(self, reason: str) -> None:
        """Drop the connection and make a new one."""
        await self._stream.reconnect(reason)

    async def _on_frame(self, frame: Frame) -> None:
        for message in self._read(frame):
            while len(self._queue) >= self._size:
                await self._timing.sleep(_LOOK_AGAIN_S)
            self._queue.append(message)

    def _on_state(self, is_up: bool, reason: str) -> None:
        if is_up:
            self.problem = ""
            self._came_up.set()
            return
        self.gaps += self.is_up
        self._came_up.clear()
        self.problem = f"the stream is down: {reason}"

    def _on_end(self, run: Future[None]) -> None:
        if self.is_up:
            self._on_state(False, "closed")
        error = None if run.cancelled() else run.exception()
        if error is not None:
            kind = "" if isinstance(error, NetError) else f"{type(error).__name__}: "
            self.problem = f"the stream has ended: {self._redact(kind + str(error))}"
        elif self._is_closed:
            self.problem = "the stream is closed"
