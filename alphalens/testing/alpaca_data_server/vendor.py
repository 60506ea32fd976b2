"""The host: who is asking, whether they may, and what the answer is."""

from __future__ import annotations

import re
import threading
from typing import Any

from alphalens.testing.alpaca_server.announced import AnnouncedApi
from alphalens.testing.alpaca_server.data import DataApi
from alphalens.testing.alpaca_server.routes import Call
from alphalens.testing.loopback.clock import VenueClock
from alphalens.testing.loopback.limits import RateLimit
from alphalens.testing.loopback.plain_http import Answer, Request
from alphalens.testing.loopback.vendor import Refused, rewritten

from .tape import DataTape

_COINS = "/v1beta3/crypto"  # need no keys
_BY_SYMBOL = ("bars", "quotes", "trades", "snapshots", "orderbooks")
_TOKEN = "next_page_token"  # noqa: S105 - the name of a field
_REFUSALS = {
    401: "unauthorized.",
    403: "forbidden.",
    404: "endpoint not found.",
    422: "invalid parameter",
    429: "too many requests.",
    500: "internal server error occurred",
    503: "service unavailable",
    504: "request timed out",
}


class AlpacaData:
    """Data and rules of the host.

    Parameters
    ----------
    keys
        The credentials that it accepts, key and secret.
    rate_limit
        Requests a minute; None never refuses.
    clock
        Its time.
    """

    def __init__(self, keys: tuple[str, str], rate_limit: int | None, clock: VenueClock) -> None:
        self.tape = DataTape()
        self.lock = threading.RLock()
        self.limit = RateLimit(rate_limit)
        self._keys = keys
        self._clock = clock
        routes = (*DataApi(self.tape, clock).routes, *AnnouncedApi(self.tape, clock).routes)
        self._routes = [(method, re.compile(path), act) for method, path, act in routes]

    def answer(self, request: Request) -> Answer:
        """Answer a request, also with a refusal; every answer tells the rate."""
        if not self._is_known(request):
            return self.refusal(401)
        answer = self._told(request) if self.limit.admit() else self.refusal(429)
        answer.headers |= self.limit.headers(self._clock.now())
        return answer

    def _is_known(self, request: Request) -> bool:
        headers = request.headers
        given = (headers.get("apca-api-key-id"), headers.get("apca-api-secret-key"))
        return given == self._keys or request.path.startswith(_COINS)

    def _told(self, request: Request) -> Answer:
        for method, path, act in self._routes:
            match = path.fullmatch(request.path)
            if match is None or method != request.method:
                continue
            try:
                with self.lock:
                    return act(Call(request=request, parts=match.groupdict()))
            except Refused as refused:
                return refused.answer
            except ValueError as error:
                return Answer(status=400, body={"message": f"invalid request: {error}"})
        return self.refusal(404)

    def refusal(self, status: int) -> Answer:
        """Return how the host words a refusal of this status."""
        return Answer(status=status, body={"message": _REFUSALS.get(status, "error")})

    def emptied(self, body: Any) -> Any:
        """Return an answer without rows and without a next page."""
        rest = {name: None for name in body if name == _TOKEN}
        emptied = {name: type(value)() for name, value in body.items() if _holds_rows(name)}
        return emptied | rest

    def shortened(self, body: Any, rows: int) -> Any:
        """Return an answer without its last rows, which does not say whether a page follows."""
        if not any(_holds_rows(name) for name in body):
            return _cut(body, rows)
        kept = {name: value for name, value in body.items() if name != _TOKEN}
        return {n: _cut(value, rows) if _holds_rows(n) else value for n, value in kept.items()}

    def about(self, body: Any, symbol: str) -> Any:
        """Return an answer that says it is about another symbol."""
        named = [name for name in _BY_SYMBOL if isinstance(body.get(name), dict)]
        if named:
            return body | {name: _under(symbol, body[name]) for name in named}
        if _TOKEN in body:  # news, or corporate actions
            return rewritten(body, lambda name, value: (name, _other(name, value, symbol)))
        return _under(symbol, body)


def _holds_rows(name: str) -> bool:
    return name in (*_BY_SYMBOL, "news", "corporate_actions")


def _cut(told: Any, rows: int) -> Any:
    """Return rows, or rows by symbol or group, without the last ones."""
    if isinstance(told, list):
        return told[:-rows]
    if any(isinstance(value, list) for value in told.values()):
        return {name: value[:-rows] for name, value in told.items()}
    return dict(list(told.items())[:-rows])


def _under(symbol: str, told: dict[str, Any]) -> dict[str, Any]:
    return dict.fromkeys([symbol], next(iter(told.values()), {}))


def _other(name: str, value: Any, symbol: str) -> Any:
    if name == "symbols":
        return [symbol]
    return symbol if name.endswith("symbol") else value
