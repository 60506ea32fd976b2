"""A loopback vendor: its data and words, its faults, and the hand on it, on loopback ports."""

from __future__ import annotations

from typing import Protocol

from websockets.asyncio.server import ServerConnection

from .control import Control
from .faults import FaultBox
from .ports import Ports
from .process import answer_control
from .vendor import Vendor
from .wire import Wire


class Stream(Protocol):
    """The websocket side of a vendor."""

    async def serve(self, connection: ServerConnection) -> None:
        """Talk to one client until it goes."""

    def drop(self) -> None:
        """Cut every connection."""


class LoopbackServer(Ports):
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
        super().__init__(port, None if stream is None else stream_port)
        self._wire = Wire(vendor, faults, lambda request: answer_control(control, request))
        control.attach(self._wire)
        self._stream = stream

    @property
    def addresses(self) -> dict[str, str]:
        """Every address, by name."""
        return {"url": self.url}

    async def _hear(self, connection: ServerConnection) -> None:
        if self._stream is not None:
            await self._stream.serve(connection)

    def _cut(self) -> None:
        if self._stream is not None:
            self._stream.drop()
