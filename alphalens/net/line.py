"""One websocket connection, opened and greeted; and the words for why it ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from alphalens.errors import ConfigError
from alphalens.net.endpoint import checked_headers, checked_url
from alphalens.net.failures import NetError, Refused

__all__ = ["Frame", "Line", "StreamSettings", "open_line", "why_closed"]

Frame = str | bytes

_REFUSALS = {401, 403}
_TOO_BIG = 1009
_CLOSE_TIMEOUT_S = 2.0
_SILENT = logging.Logger("alphalens.net.line")  # the library would log frames, keys included
_SILENT.disabled = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """Where a stream is and how patient it is.

    Attributes
    ----------
    url : str
        ``wss://host/path``, or ``ws://`` for this machine only.
    headers : Mapping of str to str
        Sent with the handshake.
    open_timeout_s : float
        Seconds for the connection and the greeting together.
    ping_every_s, ping_timeout_s : float
        Seconds between two pings, and until an unanswered one means that the line is dead.
    mute_after_s : float, optional
        Seconds without a frame after which silence is reported; None never reports it.
    backoff_base_s, backoff_cap_s : float
        First and largest bound of the wait before the next try; it starts over once a
        connection has lived for `backoff_cap_s`.
    queue_frames : int
        Frames that wait at most; then the socket is not read until the consumer catches up.
    max_frame_bytes : int
        A longer frame closes the connection.

    Raises
    ------
    ConfigError
        If the address or a header cannot be used, or a number is not positive.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    open_timeout_s: float = 10.0
    ping_every_s: float = 20.0
    ping_timeout_s: float = 20.0
    mute_after_s: float | None = None
    backoff_base_s: float = 0.5
    backoff_cap_s: float = 30.0
    queue_frames: int = 1024
    max_frame_bytes: int = 2**20

    def __post_init__(self) -> None:
        checked_url(self.url, schemes=("wss", "ws"))
        checked_headers(self.headers)
        for name in self.__slots__[2:]:
            number = getattr(self, name)
            if number is not None and not number > 0:
                raise ConfigError(f"{name} is {number}, it must be above 0")


class Line(Protocol):
    """What a greeting needs of a fresh connection."""

    async def send(self, message: Frame, /) -> None:
        """Send one frame."""
        ...

    async def recv(self) -> Frame:
        """Return the next frame."""
        ...


class _Connect(connect):
    """Connects without following redirects: the keys go to the address that was given."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def open_line(
    settings: StreamSettings, hello: Callable[[Line], Awaitable[None]]
) -> ClientConnection:
    """Connect and greet.

    Raises
    ------
    Refused
        If the handshake or the greeting was refused for the credentials.
    NetError
        If it failed in any other way; it may work later.
    """
    opened: list[ClientConnection] = []
    try:
        async with asyncio.timeout(settings.open_timeout_s):
            opened.append(await _connect(settings))
            await hello(opened[0])
            return opened.pop()
    except TimeoutError:
        raise NetError(f"no greeting within {settings.open_timeout_s} s") from None
    except InvalidStatus as answer:
        status = answer.response.status_code
        kind = Refused if status in _REFUSALS else NetError
        raise kind(f"the handshake was answered with HTTP {status}") from None
    except ConnectionClosed as closed:
        raise NetError(f"closed during the greeting: {why_closed(closed, settings)}") from None
    except (WebSocketException, OSError, EOFError) as failure:
        raise NetError(f"no connection: {type(failure).__name__} {failure}") from None
    finally:
        for line in opened:  # the greeting failed
            await line.close()


def why_closed(closed: ConnectionClosed, settings: StreamSettings) -> str:
    """Say why a connection ended, in one line."""
    if closed.sent is not None and closed.sent.code == _TOO_BIG:
        return (
            f"a frame was longer than {settings.max_frame_bytes} bytes: raise max_frame_bytes or "
            "subscribe to less"
        )
    return f"the connection ended: {closed}"


async def _connect(settings: StreamSettings) -> ClientConnection:
    return await _Connect(
        settings.url,
        additional_headers=dict(settings.headers),
        user_agent_header="alpha-lens",
        proxy=None,
        open_timeout=None,
        ping_interval=None,  # `Watch` pings, for it knows whether the consumer holds the socket
        close_timeout=_CLOSE_TIMEOUT_S,
        max_queue=settings.queue_frames,
        max_size=settings.max_frame_bytes,
        logger=_SILENT,
    )
