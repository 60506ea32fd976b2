"""Misbehaviour on demand: which request or frame goes wrong, how, and how often."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from alphalens.testing.loopback.arming import Armed, check_kind, first_firing

HTTP_KINDS = {
    "refuse": "reset the connection; the venue never acts",
    "hang_before": "read the request, never act, never answer",
    "hang": "act, never answer",
    "delay_before": "wait `seconds`, then act and answer",
    "delay": "act, then wait `seconds` before the answer",
    "close": "act, then close the connection without an answer",
    "accept_504": "act, then answer 504",
    "status": "never act; answer `status` with `body`",
    "rate_limit": "never act; answer 429 with the reset header",
    "server_error": "never act; answer 500",
    "bad_gateway": "never act; answer 502 with an HTML page",
    "accept_502": "act, then answer 502 with an HTML page",
    "malformed": "act, then answer a body that is no JSON",
    "unauthorized": "never act; answer 401",
    "forbidden": "never act; answer 403",
    "unknown_status": "act; the order in the answer has a status that nobody knows",
    "nanoseconds": "act; instants in the answer have nine decimals and the offset of New York",
    "event_first": "act; the events are sent before the answer",
    "empty": "never act; answer 200 with an empty list",
    "pend": "a cancel or replace stays pending until it is released",
    "fill": "a cancel or replace is answered well, and the old order fills after all",
}
"""Kinds of faults of a request, and what each does."""

STREAM_KINDS = {
    "duplicate": "send the event twice",
    "skip": "never send the event",
    "swap": "send the event after the next one",
    "malformed": "send half of the frame",
    "unknown_status": "the order in the event has a status that nobody knows",
    "nanoseconds": "instants in the event have nine decimals and the offset of New York",
    "drop": "close the connection in place of the event, which is lost",
}
"""Kinds of faults of an event of the trade stream, and what each does."""


@dataclass(slots=True, kw_only=True)
class Fault(Armed):
    """One armed fault, of requests or of events.

    `path` is a glob, as `/v2/orders*`. `event` names an event of the trade stream.
    """

    method: str = "*"
    path: str = "*"
    client_order_id: str | None = None
    event: str = "*"
    seconds: float = 0.0
    status: int = 500
    body: Any = None

    def covers_request(self, method: str, path: str, client_order_id: str | None) -> bool:
        """Return whether a request is one of those that this fault counts."""
        named = self.client_order_id in (None, client_order_id)
        return named and self.method in ("*", method) and fnmatchcase(path, self.path)

    def covers_event(self, event: str, client_order_id: str) -> bool:
        """Return whether an event is one of those that this fault counts."""
        return self.client_order_id in (None, client_order_id) and self.event in ("*", event)


class FaultBox:
    """The armed faults of requests and of the trade stream."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[Fault] = []
        self._events: list[Fault] = []

    def arm(self, fault: Fault) -> None:
        """Arm a fault of requests.

        Raises
        ------
        ValueError
            For a kind that is not in `HTTP_KINDS`.
        """
        check_kind(fault.kind, HTTP_KINDS)
        with self._lock:
            self._requests.append(fault)

    def arm_event(self, fault: Fault) -> None:
        """Arm a fault of the trade stream.

        Raises
        ------
        ValueError
            For a kind that is not in `STREAM_KINDS`.
        """
        check_kind(fault.kind, STREAM_KINDS)
        with self._lock:
            self._events.append(fault)

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._requests.clear()
            self._events.clear()

    def armed(self) -> list[dict[str, Any]]:
        """Return the faults that have not been used up."""
        with self._lock:
            return [asdict(fault) for fault in self._requests + self._events]

    def for_request(self, method: str, path: str, client_order_id: str | None) -> Fault | None:
        """Return the fault that holds for this request, and count it."""
        with self._lock:
            covering = [
                f for f in self._requests if f.covers_request(method, path, client_order_id)
            ]
            return first_firing(covering, self._requests)

    def for_event(self, event: str, client_order_id: str) -> Fault | None:
        """Return the fault that holds for this event, and count it."""
        with self._lock:
            covering = [f for f in self._events if f.covers_event(event, client_order_id)]
            return first_firing(covering, self._events)


def client_order_id_in(body: bytes, query: dict[str, str]) -> str | None:
    """Return the client identifier that a request carries, in its body or its query."""
    if "client_order_id" in query:
        return query["client_order_id"]
    try:
        parsed = json.loads(body) if body else None
    except ValueError:
        return None
    found = parsed.get("client_order_id") if isinstance(parsed, dict) else None
    return None if found is None else str(found)
