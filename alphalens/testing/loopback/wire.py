"""From a connection to the vendor and back: faults, delays, and the log of requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from .faults import REFUSING, Fault, FaultBox
from .plain_http import Answer, Connections, Request, reset, write
from .vendor import Vendor, rewritten

_HTML = b"<!DOCTYPE html><html><head><title>Error</title></head><body>Try again.</body></html>"
_PIECES = 20


class Wire(Connections):
    """Serves HTTP connections.

    `control` answers what is under /_control; `latency` are seconds that every answer waits;
    `requests` is what came in, with the status that went out (None for no answer).
    """

    def __init__(
        self, vendor: Vendor, faults: FaultBox, control: Callable[[Request], Answer]
    ) -> None:
        super().__init__()
        self._vendor = vendor
        self._faults = faults
        self._control = control
        self.latency = 0.0
        self.requests: list[dict[str, Any]] = []

    async def _exchange(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection lives on."""
        if request.path.startswith("/_control"):
            answer = await asyncio.to_thread(self._control, request)
            await write(writer, answer.encode())
            return True
        fault = self._faults.take(request.path)
        kind = "" if fault is None else fault.kind
        entry = _entry(request, kind)
        self.requests.append(entry)
        if kind == "refuse":
            reset(writer)
            return False
        if kind == "hang":
            await self._pause(None)
            return False
        answer = _told(self._vendor, request, fault)
        entry["status"] = answer.status
        if self.latency or kind == "delay":
            await self._pause(self.latency + (_seconds(fault) if kind == "delay" else 0))
        return await self._send(answer, fault, writer)

    async def _send(
        self, answer: Answer, fault: Fault | None, writer: asyncio.StreamWriter
    ) -> bool:
        kind = "" if fault is None else fault.kind
        head, separator, body = answer.encode().partition(b"\r\n\r\n")
        if kind == "cut":
            await write(writer, head + separator + body[: len(body) // 2])
            return False
        if kind != "drip":
            await write(writer, head + separator + body)
            return True
        await write(writer, head + separator)
        step = max(len(body) // _PIECES, 1)
        pieces = [body[at : at + step] for at in range(0, len(body), step)]
        for piece in pieces:
            await self._pause(_seconds(fault) / len(pieces))
            await write(writer, piece)
        return True


def _entry(request: Request, kind: str) -> dict[str, Any]:
    return {
        "method": request.method,
        "host": request.headers.get("host", ""),
        "path": request.path,
        "query": request.raw_query,
        "headers": request.headers,
        "fault": kind or None,
        "status": None,
    }


def _told(vendor: Vendor, request: Request, fault: Fault | None) -> Answer:
    if fault is None:
        return vendor.answer(request)
    if fault.kind in REFUSING:
        return _refused(vendor, fault)
    answer = vendor.answer(request)
    return answer if answer.raw is not None else _spoiled(vendor, answer, fault)


def _refused(vendor: Vendor, fault: Fault) -> Answer:
    if fault.kind in ("html", "bad_gateway"):
        status = 200 if fault.kind == "html" else 502
        return Answer(status=status, raw=_HTML, content_type="text/html; charset=utf-8")
    statuses = {"rate_limit": 429, "server_error": 500, "unavailable": 503}
    status = statuses.get(fault.kind, fault.status)
    answer = vendor.refusal(status)
    if fault.body is not None:
        answer = Answer(status=status, body=fault.body)
    if fault.seconds is not None:
        answer.headers["Retry-After"] = f"{fault.seconds:g}"
    return answer


def _spoiled(vendor: Vendor, answer: Answer, fault: Fault) -> Answer:
    changes: dict[str, Callable[[Any], Any]] = {
        "renamed": lambda body: rewritten(
            body, lambda name, value: (fault.to if name == fault.field else name, value)
        ),
        "dropped": lambda body: rewritten(
            body, lambda name, value: None if name == fault.field else (name, value)
        ),
        "value": lambda body: rewritten(
            body, lambda name, value: (name, fault.value if name == fault.field else value)
        ),
        "wrong_symbol": lambda body: vendor.about(body, fault.to),
        "empty": vendor.emptied,
        "lost_rows": lambda body: vendor.shortened(body, fault.size),
    }
    if fault.kind in changes:
        answer.body = changes[fault.kind](answer.body)
    if fault.kind in ("truncated", "padded"):
        whole = json.dumps(answer.body).encode()
        is_half = fault.kind == "truncated"
        answer.raw = whole[: len(whole) // 2] if is_half else whole + b" " * fault.size
    return answer


def _seconds(fault: Fault | None) -> float:
    return 0.0 if fault is None or fault.seconds is None else fault.seconds
