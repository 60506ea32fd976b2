"""The one transport: HTTP, websockets and the loop that runs them, for whoever needs a server."""

from alphalens._optional import require

require("httpx", "websockets", extra="trading")

from alphalens.net.breaker import Breaker  # noqa: E402 - after the guard
from alphalens.net.capture import CaptureRing, Redactor  # noqa: E402 - after the guard
from alphalens.net.failures import (  # noqa: E402 - after the guard
    Ambiguous,
    BreakerOpen,
    NetError,
    NotSent,
    Refused,
)
from alphalens.net.limiter import Limiter  # noqa: E402 - after the guard
from alphalens.net.loop import LoopThread  # noqa: E402 - after the guard
from alphalens.net.message import Priority, Request, Response  # noqa: E402 - after the guard
from alphalens.net.retry import RetryPolicy  # noqa: E402 - after the guard
from alphalens.net.timing import Timing  # noqa: E402 - after the guard
from alphalens.net.transport import Transport  # noqa: E402 - after the guard
from alphalens.net.websocket import Stream, StreamSettings  # noqa: E402 - after the guard
from alphalens.net.wire import Timeouts  # noqa: E402 - after the guard

__all__ = [
    "Ambiguous",
    "Breaker",
    "BreakerOpen",
    "CaptureRing",
    "Limiter",
    "LoopThread",
    "NetError",
    "NotSent",
    "Priority",
    "Redactor",
    "Refused",
    "Request",
    "Response",
    "RetryPolicy",
    "Stream",
    "StreamSettings",
    "Timeouts",
    "Timing",
    "Transport",
]
