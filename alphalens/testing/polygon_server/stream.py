"""The websocket: the server greets, then a key, then channels; frames are arrays of JSON text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from alphalens.testing.loopback.frames import Frames

_CHANNELS = ("A", "AM", "T", "Q")
_FULL = "Maximum number of websocket connections exceeded. You have reached the connection limit."


@dataclass(slots=True)
class Listener:
    """One connection: whether its key is known, and the channels it wants, as ``AM.AAPL``."""

    session: Frames
    is_known: bool = False
    wants: set[str] = field(default_factory=set)

    def status(self, status: str, message: str) -> None:
        """Send a status."""
        self.session.put(_status(status, message))

    def send(self, events: list[dict[str, Any]]) -> None:
        """Send events in one frame."""
        self.session.put(json.dumps(events))

    def hears(self, event: dict[str, Any]) -> bool:
        """Return whether an event is on one of its channels."""
        channel = event.get("ev")
        return f"{channel}.{event.get('sym')}" in self.wants or f"{channel}.*" in self.wants


class Stream:
    """Every connection to ``/stocks``.

    `is_mute` keeps connections open and sends no events; `allowed` is how many may be open,
    None for any number; `forbidden` holds the kinds of events that are not in the plan; `opened`
    counts connections.
    """

    def __init__(self, knows: Callable[[str], bool]) -> None:
        self._knows = knows
        self._listeners: list[Listener] = []
        self.is_mute = False
        self.allowed: int | None = None
        self.forbidden: set[str] = set()
        self.opened = 0

    @property
    def subscriptions(self) -> list[str]:
        """The channels that the connections want, sorted."""
        return sorted(channel for listener in self._listeners for channel in listener.wants)

    async def serve(self, connection: ServerConnection) -> None:
        """Talk to one client until it goes."""
        listener = Listener(Frames(connection))
        self._listeners.append(listener)
        self.opened += 1
        listener.status("connected", "Connected Successfully")
        try:
            async for frame in connection:
                farewell = self._hear(listener, frame)
                if farewell is not None:
                    await connection.send(_status(*farewell))
                    return
        except ConnectionClosed:
            return
        finally:
            listener.session.end()
            if listener in self._listeners:
                self._listeners.remove(listener)

    def _hear(self, listener: Listener, frame: bytes | str) -> tuple[str, str] | None:
        """Take one message; return a last status where the connection ends with it."""
        try:
            message = json.loads(frame)
            action, params = message["action"], str(message["params"])
        except (ValueError, KeyError, TypeError):
            listener.status("error", "invalid message")
            return None
        if action == "auth":
            return self._login(listener, params)
        if not listener.is_known:
            listener.status("auth_required", "authentication required")
        elif action in ("subscribe", "unsubscribe"):
            is_more = action == "subscribe"
            for channel in params.split(","):
                self._subscribe(listener, channel.strip(), is_more=is_more)
        else:
            listener.status("error", f"unknown action: {action}")
        return None

    def _subscribe(self, listener: Listener, name: str, *, is_more: bool) -> None:
        kind = name.partition(".")[0]
        if kind not in _CHANNELS or "." not in name:
            listener.status("error", f"not found: {name}")
        elif is_more and kind in self.forbidden:
            listener.status("error", f"not authorized to subscribe to: {name}")
        elif is_more:
            listener.wants.add(name)
            listener.status("success", f"subscribed to: {name}")
        else:
            listener.wants.discard(name)
            listener.status("success", f"unsubscribed to: {name}")

    def _login(self, listener: Listener, key: str) -> tuple[str, str] | None:
        if not self._knows(key):
            return "auth_failed", "authentication failed"
        if self.allowed is not None and sum(x.is_known for x in self._listeners) >= self.allowed:
            return "max_connections", _FULL
        listener.is_known = True
        listener.status("auth_success", "authenticated")
        return None

    def publish(self, events: list[dict[str, Any]]) -> None:
        """Send events, those of one call in one frame, to whoever wants them."""
        if self.is_mute:
            return
        for listener in self._listeners:
            heard = [event for event in events if listener.hears(event)]
            if heard:
                listener.send(heard)

    def publish_text(self, text: str) -> None:
        """Send a frame as it is to every connection whose key is known."""
        for listener in self._listeners:
            if listener.is_known:
                listener.session.put(text)

    def drop(self) -> None:
        """Cut every connection."""
        for listener in self._listeners:
            listener.session.abort()
        self._listeners.clear()


def _status(status: str, message: str) -> str:
    return json.dumps([{"ev": "status", "status": status, "message": message}])
