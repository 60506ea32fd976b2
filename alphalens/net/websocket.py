"""A websocket that comes back: greeted anew each time, read in order, no faster than its user."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from alphalens.net.capture import Redactor
from alphalens.net.failures import NetError, NotSent, Refused
from alphalens.net.line import Frame, Line, StreamSettings, open_line, why_closed
from alphalens.net.retry import full_jitter_s
from alphalens.net.timing import MACHINE, Timing
from alphalens.net.watch import Watch

__all__ = ["Stream", "StreamSettings"]

_NO_REDACTION = Redactor()


class Stream:
    """Keeps one websocket open and hands its frames on, in order and without loss.

    Parameters
    ----------
    settings : StreamSettings
        Where, and how patient.
    hello : callable
        Greets a fresh connection: authenticates and subscribes. It raises `Refused` for bad
        credentials, which ends the stream, and any other `NetError` to be tried again later.
    on_frame : callable
        Gets each frame after the greeting; may return an awaitable, which is awaited before the
        next frame. While it takes its time the socket is not read.
    on_state : callable
        Called with True and ``""`` after each greeting; with False and the reason at each loss,
        each failed try, and the end.
    rng : Random
        Source of the jitter between tries.
    on_mute : callable, optional
        Called with the seconds of silence, once for each silence of `mute_after_s`.
    redact : Redactor
        Applied to every reason.
    timing : Timing
        Monotonic clock and sleep.

    Notes
    -----
    A server that was slow, or lost the line, does not send again what was missed: after each
    True the caller asks for the gap elsewhere. The callbacks run in the loop's thread.
    """

    def __init__(
        self,
        settings: StreamSettings,
        *,
        hello: Callable[[Line], Awaitable[None]],
        on_frame: Callable[[Frame], Awaitable[None] | None],
        on_state: Callable[[bool, str], None],
        rng: random.Random,
        on_mute: Callable[[float], None] | None = None,
        redact: Redactor = _NO_REDACTION,
        timing: Timing = MACHINE,
    ) -> None:
        self._settings, self._timing, self._rng, self._redact = settings, timing, rng, redact
        self._hello, self._on_frame = hello, on_frame
        self._on_state, self._on_mute = on_state, on_mute
        self._line: ClientConnection | None = None
        self._work: asyncio.Task[None] | None = None
        self._is_closing = False
        self._reason = ""

    async def run(self) -> None:
        """Connect, read, and connect again, until `close` is called.

        Raises
        ------
        Refused
            If the server does not accept the credentials.
        NetError
            If the stream runs already or was closed.
        """
        if self._work is not None or self._is_closing:
            raise NetError("a stream runs once: it is running or closed; build a new one")
        self._work = asyncio.create_task(self._live())
        try:
            await self._work
        except asyncio.CancelledError:
            if not self._ended_by_close():
                raise

    def _ended_by_close(self) -> bool:
        task = asyncio.current_task()
        return self._is_closing and not (task is not None and task.cancelling())

    async def close(self) -> None:
        """Close the connection and end `run`; a second call does nothing."""
        self._is_closing = True
        if self._work is not None:
            self._work.cancel()
            if self._work is not asyncio.current_task():
                await asyncio.wait([self._work])

    async def send(self, message: Frame) -> None:
        """Send one frame over the present connection.

        Raises
        ------
        NotSent
            If there is no connection.
        """
        if self._line is None:
            raise NotSent("the stream has no connection now; the greeting sends what must not wait")
        try:
            await self._line.send(message)
        except ConnectionClosed:
            raise NotSent("the stream lost its connection; the next greeting comes soon") from None

    async def reconnect(self, reason: str) -> None:
        """Drop the present connection, if there is one, and make a new one."""
        if self._line is not None:
            self._reason = reason
            await self._line.close()

    async def _live(self) -> None:
        failures, reason = 0, "ended by an error of its user"
        try:
            while True:
                began_at = self._timing.monotonic()
                loss = await self._one_connection()
                lived_s = self._timing.monotonic() - began_at
                failures = 1 if lived_s >= self._settings.backoff_cap_s else failures + 1
                self._on_state(False, self._redact(loss))
                await self._timing.sleep(self._delay_s(failures))
        except Refused as refusal:
            reason = self._redact(str(refusal))
            raise Refused(f"{reason}; correct the credentials, then start again") from None
        except asyncio.CancelledError:
            reason = "closed"
            raise
        finally:
            self._on_state(False, reason)

    def _delay_s(self, failures: int) -> float:
        base_s, cap_s = self._settings.backoff_base_s, self._settings.backoff_cap_s
        return full_jitter_s(self._rng, failures=failures, base_s=base_s, cap_s=cap_s)

    async def _one_connection(self) -> str:
        """Live through one connection and return why it ended."""
        try:
            self._line = line = await open_line(self._settings, self._hello)
        except Refused:
            raise
        except NetError as error:
            return str(error)
        watch = Watch(line, self._settings, on_mute=self._on_mute, timing=self._timing)
        self._reason = ""
        try:
            self._on_state(True, "")
            closed = await self._read_and_watch(line, watch)
            return self._reason or watch.verdict or why_closed(closed, self._settings)
        finally:
            self._line = None
            await line.close()

    async def _read_and_watch(self, line: ClientConnection, watch: Watch) -> ConnectionClosed:
        """Read until the connection ends and return its end; an error of the user is raised."""
        parts = (self._read(line, watch), watch.keep_alive(), watch.tell_silence())
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        errors = [error for task in done if (error := task.exception()) is not None]
        for error in errors:
            if not isinstance(error, ConnectionClosed):
                raise error
        return next(error for error in errors if isinstance(error, ConnectionClosed))

    async def _read(self, line: ClientConnection, watch: Watch) -> None:
        while True:
            watch.wait_begins()
            frame = await line.recv()
            watch.wait_ends()
            handled = self._on_frame(frame)
            if handled is not None:
                await handled
