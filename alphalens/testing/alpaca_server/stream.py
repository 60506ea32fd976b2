"""The websocket of trade updates: binary frames of JSON, one connection, no replay."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from alphalens.testing.loopback.frames import Frames

from .distort import exotic_status, exotic_times
from .faults import Fault, FaultBox
from .records import Event

Authorise = Callable[[str, str], bool]


class TradeStream:
    """Every connection to `/stream`, and what goes wrong on it.

    `is_mute` keeps connections open and sends no events; they are lost, as on a real venue.
    """

    def __init__(self, faults: FaultBox, authorise: Authorise) -> None:
        self._faults = faults
        self._authorise = authorise
        self._sessions: list[Frames] = []
        self._swapped: Event | None = None
        self.is_mute = False
        self.refusals_left = 0
        self.allowed = 1
        self.opened = 0

    @property
    def connected(self) -> int:
        """How many connections are open."""
        return len(self._sessions)

    @property
    def listening(self) -> int:
        """How many connections are authenticated and listen to trade updates."""
        return sum(session.is_listening for session in self._sessions)

    def is_full(self) -> bool:
        """Return whether the next connection is to be refused, and count an ordered refusal."""
        if self.refusals_left:
            self.refusals_left -= self.refusals_left > 0
            return True
        return len(self._sessions) >= self.allowed

    async def serve(self, connection: ServerConnection) -> None:
        """Talk to one client until it goes."""
        session = Frames(connection)
        self._sessions.append(session)
        self.opened += 1
        authorised = False
        try:
            async for frame in connection:
                authorised = self._hear(session, frame, authorised=authorised)
        except ConnectionClosed:
            return
        finally:
            session.end()
            if session in self._sessions:
                self._sessions.remove(session)

    def _hear(self, session: Frames, frame: bytes | str, *, authorised: bool) -> bool:
        try:
            message = json.loads(frame)
            action, data = message["action"], message.get("data") or {}
        except (ValueError, KeyError, TypeError):
            session.put(_frame("authorization", {"status": "unauthorized", "action": "unknown"}))
            return authorised
        if action in ("authenticate", "auth"):
            key = data.get("key_id") or message.get("key") or ""
            secret = data.get("secret_key") or message.get("secret") or ""
            granted = self._authorise(key, secret)
            status = "authorized" if granted else "unauthorized"
            session.put(_frame("authorization", {"status": status, "action": action}))
            return granted
        if not authorised:
            session.put(_frame("authorization", {"status": "unauthorized", "action": action}))
            return False
        streams = [name for name in data.get("streams", []) if name == "trade_updates"]
        session.is_listening = bool(streams)
        session.put(_frame("listening", {"streams": streams}))
        return True

    def publish(self, event: Event) -> None:
        """Send one event to whoever listens, or let it go wrong."""
        fault = self._faults.for_event(event.event, event.order["client_order_id"])
        waiting, self._swapped = self._swapped, None
        if fault is not None and fault.kind == "swap":
            self._swapped = event
        else:
            self._send(event, fault)
        if waiting is not None:
            self._send(waiting, None)

    def _send(self, event: Event, fault: Fault | None) -> None:
        kind = "" if fault is None else fault.kind
        if kind == "drop":
            self.drop()
        if kind in ("skip", "drop") or self.is_mute:
            return
        body = event.to_json()
        if kind == "unknown_status":
            body["data"]["order"] = exotic_status(body["data"]["order"])
        if kind == "nanoseconds":
            body = exotic_times(body)
        frame = json.dumps(body).encode()
        frames = {"duplicate": [frame, frame], "malformed": [frame[: len(frame) // 2]]}
        for session in self._sessions:
            if session.is_listening:
                for piece in frames.get(kind, [frame]):
                    session.put(piece)

    def drop(self) -> None:
        """Cut every connection."""
        for session in self._sessions:
            session.abort()
        self._sessions.clear()


def _frame(stream: str, data: dict[str, Any]) -> bytes:
    return json.dumps({"stream": stream, "data": data}).encode()
