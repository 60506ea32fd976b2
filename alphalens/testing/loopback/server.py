"""A loopback vendor in a thread: one port for HTTP, and one for websockets where it has them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

from websockets.asyncio.server import Server, ServerConnection, serve

from alphalens.testing.alpaca_server.process import answer_control

from .control import Control
from .faults import FaultBox
from .vendor import Vendor
from .wire import Wire

HOST = "127.0.0.1"


class Stream(Protocol):
    """The websocket side of a vendor."""

    async def serve(self, connection: ServerConnection) -> None:
        """Talk to one client until it goes."""

    def drop(self) -> None:
        """Cut every connection."""


class LoopbackServer:
    """Serves a vendor on loopback, for the length of a ``with`` block or from start to stop.

    Parameters
    ----------
    vendor, faults, control
        The vendor's data and words, its faults, and the hand on it.
    stream
        Its websocket side, if it has one.
    port, stream_port
        0 takes free ones.
    """

    def __init__(
        self,
        vendor: Vendor,
        faults: FaultBox,
        control: Control,
        *,
        stream: Stream | None = None,
        port: int = 0,
        stream_port: int = 0,
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._wire = Wire(vendor, faults, lambda request: answer_control(control, request))
        control.attach(self._wire)
        self._stream = stream
        self._ports = (port, stream_port)
        self._http: asyncio.Server | None = None
        self._sockets: Server | None = None

    @property
    def url(self) -> str:
        """Base of the REST API, without a trailing slash."""
        return f"http://{HOST}:{self._ports[0]}"

    @property
    def addresses(self) -> dict[str, str]:
        """Every address, by name."""
        return {"url": self.url}

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
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)

    def stop(self) -> None:
        """Close the ports and the connections."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def down(self) -> None:
        """Stop listening for HTTP and cut its connections: a connect is refused from now on."""

        async def close() -> None:
            if self._http is not None:
                self._http.close()
            self._wire.drop()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(10)

    def up(self) -> None:
        """Listen again, on the same port."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def on_loop(self, act: Callable[[], Any]) -> Any:
        """Run a function where the websockets live and return its result."""

        async def run() -> Any:
            return act()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    async def _listen(self) -> None:
        self._http = await asyncio.start_server(self._wire.serve, HOST, self._ports[0])
        self._ports = (self._http.sockets[0].getsockname()[1], self._ports[1])

    async def _open(self) -> None:
        await self._listen()
        if self._stream is None:
            return
        self._sockets = await serve(
            self._stream.serve,
            HOST,
            self._ports[1],
            ping_interval=None,
            close_timeout=0.2,
            max_queue=1024,
        )
        self._ports = (self._ports[0], next(iter(self._sockets.sockets)).getsockname()[1])

    async def _close(self) -> None:
        if self._stream is not None:
            self._stream.drop()
        if self._http is not None:
            self._http.close()
        await self._wire.close()
        if self._sockets is not None:
            self._sockets.close()
            await self._sockets.wait_closed()
