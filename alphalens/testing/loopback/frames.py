"""What a loopback vendor sends to one websocket, in order, without waiting for its reader."""

from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed


class Frames:
    """One websocket and its own queue of frames, so that a slow reader holds up nobody."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.is_listening = False
        self._queue: asyncio.Queue[bytes | str] = asyncio.Queue()
        self._sender = asyncio.ensure_future(self._send_all())

    def put(self, frame: bytes | str) -> None:
        """Queue a frame."""
        self._queue.put_nowait(frame)

    async def _send_all(self) -> None:
        try:
            while True:
                await self.connection.send(await self._queue.get())
        except ConnectionClosed:
            return

    def abort(self) -> None:
        """Cut the line without a closing handshake; what was queued is lost."""
        self._sender.cancel()
        self.connection.transport.abort()

    def end(self) -> None:
        """Stop sending."""
        self._sender.cancel()
