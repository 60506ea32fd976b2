"""The websockets of market data: the server speaks first, JSON or MessagePack by the handshake."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from alphalens.testing.loopback.frames import Frames

from .packing import pack, unpack
from .stream import Authorise

_CHANNELS = (
    "trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds", "orderbooks",
)  # fmt: skip
_CHANNEL_OF = {
    "t": "trades", "q": "quotes", "b": "bars", "u": "updatedBars", "d": "dailyBars",
    "s": "statuses", "l": "lulds", "o": "orderbooks", "c": "trades", "x": "trades",
}  # fmt: skip
_FOLLOW_TRADES = ("corrections", "cancelErrors")
_ERRORS = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    409: "insufficient subscription",
    410: "invalid subscribe action for this feed",
    500: "internal error",
}


@dataclass(slots=True)
class Listener:
    """One connection: its codec, whether it is known, and what it wants to hear."""

    session: Frames
    is_packed: bool
    is_known: bool = False
    wants: dict[str, set[str]] = field(default_factory=lambda: {c: set() for c in _CHANNELS})

    def tell(self, *messages: dict[str, Any]) -> None:
        """Send messages, in one array."""
        if self.is_packed:
            self.session.put(pack([_with_instants(message) for message in messages]))
        else:
            self.session.put(json.dumps(messages))

    def hears(self, kind: str, symbol: str) -> bool:
        """Return whether a message of this kind and symbol is wanted."""
        wanted = self.wants[_CHANNEL_OF[kind]] if kind in _CHANNEL_OF else {"*"}
        return self.is_known and (symbol in wanted or "*" in wanted)


class DataStream:
    """Every connection to a stream of market data; one at a time, as on the free plan.

    `is_mute` keeps connections open and sends no data; `most_symbols` is how many a connection
    may name, None for any number; `forbidden` holds channels that are not in the plan.
    """

    def __init__(self, authorise: Authorise) -> None:
        self._authorise = authorise
        self._listeners: list[Listener] = []
        self.is_mute = False
        self.allowed = 1
        self.most_symbols: int | None = None
        self.forbidden: set[str] = set()

    @property
    def subscriptions(self) -> list[str]:
        """What the connections listen to, as ``channel:symbol``."""
        return sorted(
            f"{channel}:{symbol}"
            for listener in self._listeners
            for channel, symbols in listener.wants.items()
            for symbol in symbols
        )

    async def serve(self, connection: ServerConnection) -> None:
        """Talk to one client until it goes."""
        request = connection.request
        kind = "" if request is None else request.headers.get("Content-Type", "")
        listener = Listener(Frames(connection), is_packed="msgpack" in kind)
        is_full = len(self._listeners) >= self.allowed
        self._listeners.append(listener)
        listener.tell({"T": "success", "msg": "connected"})
        try:
            async for frame in connection:
                if is_full:
                    _refuse(listener, 406)
                    continue
                self._hear(listener, frame)
        except ConnectionClosed:
            return
        finally:
            listener.session.end()
            if listener in self._listeners:
                self._listeners.remove(listener)

    def _hear(self, listener: Listener, frame: bytes | str) -> None:
        try:
            message = _decode(frame, is_packed=listener.is_packed)
            action = message["action"]
        except (ValueError, KeyError, TypeError):
            _refuse(listener, 400)
            return
        if action == "auth":
            self._login(listener, message)
        elif not listener.is_known:
            _refuse(listener, 401)
        elif action in ("subscribe", "unsubscribe"):
            self._subscribe(listener, message, is_more=action == "subscribe")
        else:
            _refuse(listener, 400)

    def _login(self, listener: Listener, message: dict[str, Any]) -> None:
        if listener.is_known:
            _refuse(listener, 403)
        elif self._authorise(str(message.get("key")), str(message.get("secret"))):
            listener.is_known = True
            listener.tell({"T": "success", "msg": "authenticated"})
        else:
            _refuse(listener, 402)

    def _subscribe(self, listener: Listener, message: dict[str, Any], *, is_more: bool) -> None:
        wanted = {channel: set(message.get(channel) or ()) for channel in _CHANNELS}
        named = set().union(*wanted.values())
        if is_more and any(wanted[channel] for channel in self.forbidden):
            _refuse(listener, 409)
        elif is_more and self.most_symbols is not None and len(named) > self.most_symbols:
            _refuse(listener, 405)
        else:
            _change(listener, wanted, is_more=is_more)

    def publish(self, kind: str, symbol: str, body: dict[str, Any]) -> None:
        """Send one message to whoever wants it; `kind` is the ``T`` of the wire."""
        if self.is_mute:
            return
        for listener in self._listeners:
            if listener.hears(kind, symbol):
                listener.tell({"T": kind, "S": symbol, **body})

    def publish_many(self, messages: list[dict[str, Any]]) -> None:
        """Send messages, each with its ``T`` and ``S``, in one frame to whoever wants them."""
        for listener in self._listeners if not self.is_mute else ():
            heard = [m for m in messages if listener.hears(m["T"], m["S"])]
            if heard:
                listener.tell(*heard)

    def publish_text(self, text: str) -> None:
        """Send a frame as it is to every connection whose key is known."""
        for listener in self._listeners:
            if listener.is_known:
                listener.session.put(text)

    def complain(self, code: int) -> None:
        """Tell every connection an error, as 407 to a slow client."""
        for listener in self._listeners:
            _refuse(listener, code)

    def drop(self) -> None:
        """Cut every connection."""
        for listener in self._listeners:
            listener.session.abort()
        self._listeners.clear()


def _decode(frame: bytes | str, *, is_packed: bool) -> Any:
    if is_packed:
        return unpack(frame.encode() if isinstance(frame, str) else frame)
    return json.loads(frame)


def _change(listener: Listener, wanted: dict[str, set[str]], *, is_more: bool) -> None:
    for channel, named in wanted.items():
        held = listener.wants[channel]
        listener.wants[channel] = held | named if is_more else held - named
    told: dict[str, Any] = {channel: sorted(listener.wants[channel]) for channel in _CHANNELS}
    told |= dict.fromkeys(_FOLLOW_TRADES, told["trades"])
    listener.tell({"T": "subscription", **told})


def _refuse(listener: Listener, code: int) -> None:
    listener.tell({"T": "error", "code": code, "msg": _ERRORS[code]})


def _with_instants(message: dict[str, Any]) -> dict[str, Any]:
    """MessagePack has a type for instants; JSON has text."""
    if "t" not in message:
        return message
    return message | {"t": datetime.fromisoformat(message["t"])}
