"""Whether a connection still lives: pings, silence, and who keeps whom waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from alphalens.net.line import StreamSettings
from alphalens.net.timing import Timing

__all__ = ["Watch"]


class Watch:
    """Watches one connection while its reader tells when it waits for a frame.

    A pong that does not come counts only while the reader waits: when a slow consumer keeps the
    socket unread, the pong stands in the same line as the frames.

    Parameters
    ----------
    line : ClientConnection
        What is watched.
    settings : StreamSettings
        How patient.
    on_mute : callable, optional
        Gets the seconds of silence, once for each silence.
    timing : Timing
        Monotonic clock and sleep.
    """

    def __init__(
        self,
        line: ClientConnection,
        settings: StreamSettings,
        *,
        on_mute: Callable[[float], None] | None,
        timing: Timing,
    ) -> None:
        self._line, self._settings, self._on_mute, self._timing = line, settings, on_mute, timing
        self._waits_since: float | None = None
        self.verdict = ""

    def wait_begins(self) -> None:
        """Note that the reader waits for a frame."""
        self._waits_since = self._timing.monotonic()

    def wait_ends(self) -> None:
        """Note that a frame came."""
        self._waits_since = None

    async def keep_alive(self) -> None:
        """Ping now and then; break the connection off when no pong comes."""
        try:
            while True:
                await self._timing.sleep(self._settings.ping_every_s)
                if not await self._is_answered():
                    limit_s = self._settings.ping_timeout_s
                    self.verdict = f"no pong within {limit_s} s: the line is dead"
                    self._line.transport.abort()
                    return
        except ConnectionClosed:
            return  # the reader meets the same end and says why

    async def tell_silence(self) -> None:
        """Report each silence of `mute_after_s` once."""
        limit_s, told = self._settings.mute_after_s, None
        if limit_s is None or self._on_mute is None:
            return
        while True:
            silent_s = self._silent_s()
            if silent_s >= limit_s and told != self._waits_since:
                told = self._waits_since
                self._on_mute(silent_s)
            await self._timing.sleep(limit_s - silent_s if silent_s < limit_s else limit_s)

    async def _is_answered(self) -> bool:
        pong = asyncio.ensure_future(await self._line.ping())
        limit_s = self._settings.ping_timeout_s
        while not pong.done():
            await asyncio.wait([pong], timeout=limit_s)
            if not pong.done() and self._silent_s() >= limit_s:
                return False
        return True

    def _silent_s(self) -> float:
        if self._waits_since is None:
            return 0.0
        return self._timing.monotonic() - self._waits_since
