"""From a request to an answer: credentials, rate limit, routes, faults, and the log of requests."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Callable
from typing import Any

from alphalens.testing.loopback.limits import RateLimit
from alphalens.testing.loopback.plain_http import Answer, Connections, Request, reset, write

from .distort import exotic_status, exotic_times
from .faults import Fault, FaultBox, client_order_id_in
from .refusals import NOT_FOUND, Refused
from .routes import Call, Route
from .venue import Venue

_NEVER_ACTS = {
    "refuse", "hang_before", "status", "rate_limit", "server_error", "bad_gateway",
    "unauthorized", "forbidden", "empty",
}  # fmt: skip
_TELLS_AT_ONCE = {"hang", "delay", "close", "accept_504", "accept_502", "malformed", "event_first"}
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"


class Gateway(Connections):
    """Serves HTTP connections.

    `publish` sends the events of the outbox; `control` answers what is under /_control.
    """

    def __init__(
        self,
        venue: Venue,
        routes: list[tuple[str, str, Route]],
        faults: FaultBox,
        limit: RateLimit,
        keys: tuple[str, str] | None,
        publish: Callable[[], None],
        control: Callable[[Request], Answer],
    ) -> None:
        super().__init__()
        self._venue = venue
        self._routes = [(method, re.compile(path), act) for method, path, act in routes]
        self._faults = faults
        self.limit = limit
        self._keys = keys
        self._publish = publish
        self._control = control

    async def _exchange(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection lives on."""
        if request.path.startswith("/_control"):
            answer = await asyncio.to_thread(self._control, request)
            await write(writer, answer.encode())
            return True
        ours = client_order_id_in(request.body, request.query)
        number = self._log(request, ours)
        fault = self._faults.for_request(request.method, request.path, ours)
        kind = "" if fault is None else fault.kind
        if fault is not None and kind == "delay_before":
            await self._pause(fault.seconds)
        told = self._instead(fault) if kind in _NEVER_ACTS else self._act(request, fault)
        silent = kind in ("refuse", "hang_before", "hang", "close")
        answer = _spoiled(told, kind)
        self._venue.store.log_answer(
            number,
            reached=kind not in _NEVER_ACTS,
            status=None if silent else answer.status,
            fault=kind or None,
        )
        if kind in _TELLS_AT_ONCE:
            self._publish()
        return await self._reply(writer, answer, fault)

    async def _reply(
        self, writer: asyncio.StreamWriter, answer: Answer, fault: Fault | None
    ) -> bool:
        kind = "" if fault is None else fault.kind
        if kind in ("refuse", "close"):
            reset(writer) if kind == "refuse" else writer.close()
            return False
        if kind in ("hang", "hang_before"):
            await self._pause(None)
            return False
        if fault is not None and kind == "delay":
            await self._pause(fault.seconds)
        answer.headers |= self.limit.headers(self._venue.clock.now())
        if answer.status == 429:
            answer.headers["X-Ratelimit-Remaining"] = "0"
        try:
            await write(writer, answer.encode())
        finally:
            self._publish()
        return True

    def _log(self, request: Request, client_order_id: str | None) -> int:
        return self._venue.store.log_request(
            {
                "time": self._venue.clock.now().isoformat(),
                "method": request.method,
                "path": request.path,
                "query": request.raw_query,
                "body": request.body.decode("utf-8", "replace") or None,
                "client_order_id": client_order_id,
            }
        )

    def _act(self, request: Request, fault: Fault | None) -> Answer:
        if not self._is_known(request):
            return Answer(status=401, body={"message": "unauthorized."})
        if not self.limit.admit():
            return Answer(status=429, body={"code": 42910000, "message": "rate limit exceeded"})
        self._venue.time.sweep()
        for method, path, act in self._routes:
            match = path.fullmatch(request.path)
            if match is not None and method == request.method:
                kind = "" if fault is None else fault.kind
                call = Call(request=request, parts=match.groupdict(), outcome=kind)
                return self._route(act, call)
        return Answer(status=404, body={"code": NOT_FOUND, "message": "endpoint not found."})

    def _route(self, act: Route, call: Call) -> Answer:
        try:
            with self._venue.core.lock:
                return act(call)
        except Refused as refused:
            return refused.answer
        except (ValueError, ArithmeticError) as error:
            return Answer(
                status=400, body={"code": 40010000, "message": f"invalid request: {error}"}
            )

    def _is_known(self, request: Request) -> bool:
        if self._keys is None or request.path.startswith("/v1beta3/crypto"):
            return True
        given = (
            request.headers.get("apca-api-key-id", ""),
            request.headers.get("apca-api-secret-key", ""),
        )
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            key, _, secret = base64.b64decode(token).decode().partition(":")
            given = (key, secret)
        return given == self._keys

    def _instead(self, fault: Fault | None) -> Answer:
        assert fault is not None  # noqa: S101 - the kind was read from it
        bodies: dict[str, tuple[int, Any]] = {
            "status": (fault.status, fault.body),
            "rate_limit": (429, {"code": 42910000, "message": "rate limit exceeded"}),
            "server_error": (500, {"code": 50010000, "message": "internal server error occurred"}),
            "unauthorized": (401, {"message": "unauthorized."}),
            "forbidden": (403, {"code": 40310000, "message": "forbidden."}),
            "empty": (200, []),
        }
        if fault.kind == "bad_gateway":
            return _html()
        status, body = bodies.get(fault.kind, (500, None))
        return Answer(status=status, body=body)


def _html() -> Answer:
    return Answer(status=502, raw=_HTML, content_type="text/html")


def _spoiled(answer: Answer, kind: str) -> Answer:
    """Return what the client gets to see of an answer."""
    if kind == "accept_504":
        return Answer(status=504, body={"code": 50410000, "message": "request timed out"})
    if kind == "accept_502":
        return _html()
    if kind == "malformed":
        whole = json.dumps(answer.body).encode()
        return Answer(status=answer.status, raw=whole[: len(whole) // 2] or b"{")
    if kind == "unknown_status" and answer.status == 200:
        return Answer(status=200, body=exotic_status(answer.body))
    if kind == "nanoseconds":
        return Answer(status=answer.status, body=exotic_times(answer.body))
    return answer
