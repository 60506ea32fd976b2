"""The ports of a loopback vendor: one for HTTP, one for websockets, in a thread of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request as Handshake
from websockets.http11 import Response

from .plain_http import Connections

_HOST = "127.0.0.1"
_WAIT_S = 10


class Ports:
    """Serves connections on loopback, for the length of a ``with`` block or from start to stop.

    Whoever derives from it tells in `_wire` what answers HTTP, and overrides `_hear`, `_admit`
    and `_cut` where it has websockets.

    Parameters
    ----------
    port, stream_port
        0 takes free ones; a `stream_port` of None opens none.
    """

    _wire: Connections

    def __init__(self, port: int = 0, stream_port: int | None = 0) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._port = port
        self._stream_port = stream_port
        self._http: asyncio.Server | None = None
        self._sockets: Server | None = None

    @property
    def url(self) -> str:
        """Base of the REST API, without a trailing slash."""
        return f"http://{_HOST}:{self._port}"

    @property
    def socket_url(self) -> str:
        """Base of the websockets, without a trailing slash."""
        return f"ws://{_HOST}:{self._stream_port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Open the ports."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(_WAIT_S)

    def stop(self) -> None:
        """Close the ports and the connections."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_WAIT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_WAIT_S)
        self._loop.close()

    def down(self) -> None:
        """Stop listening for HTTP and cut its connections: a connect is refused from now on."""

        async def close() -> None:
            if self._http is not None:
                self._http.close()
            self._wire.drop()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(_WAIT_S)

    def up(self) -> None:
        """Listen again, on the same port."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(_WAIT_S)

    def on_loop(self, act: Callable[[], Any]) -> Any:
        """Run a function where the websockets live and return its result."""

        async def run() -> Any:
            return act()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_WAIT_S)

    def soon(self, act: Callable[[], None]) -> None:
        """Run a function where the websockets live, without waiting; from any thread."""
        with suppress(RuntimeError):  # a vendor that was stopped has nobody to tell
            self._loop.call_soon_threadsafe(act)

    async def _listen(self) -> None:
        self._http = await asyncio.start_server(self._wire.serve, _HOST, self._port)
        self._port = self._http.sockets[0].getsockname()[1]

    async def _open(self) -> None:
        await self._listen()
        if self._stream_port is None:
            return
        self._sockets = await serve(
            self._hear,
            _HOST,
            self._stream_port,
            process_request=self._admit,
            ping_interval=None,
            close_timeout=0.2,
            max_queue=1024,
        )
        self._stream_port = next(iter(self._sockets.sockets)).getsockname()[1]

    async def _close(self) -> None:
        self._cut()
        if self._http is not None:
            self._http.close()
        await self._wire.close()
        if self._sockets is not None:
            self._sockets.close()
            await self._sockets.wait_closed()

    async def _hear(self, connection: ServerConnection) -> None:
        """Talk to one client until it goes."""

    def _admit(self, connection: ServerConnection, handshake: Handshake) -> Response | None:
        """Return a refusal of a handshake, or None."""

    def _cut(self) -> None:
        """Cut every websocket."""
