"""Misbehaviour on demand: which answer goes wrong, how, and how often."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from .arming import Armed, check_kind, first_firing

REFUSING = {
    "refuse": "reset the connection",
    "hang": "never answer",
    "rate_limit": "429 in the vendor's words; `seconds` is told as Retry-After",
    "status": "`status`, with `body` or in the vendor's words; `seconds` as Retry-After",
    "server_error": "500 in the vendor's words",
    "unavailable": "503 in the vendor's words; `seconds` is told as Retry-After",
    "bad_gateway": "502 with an HTML page",
    "html": "an HTML page with status 200",
}
"""Kinds that never look at the data."""

SPOILING = {
    "delay": "answer after `seconds`",
    "drip": "send the body in pieces, over `seconds`",
    "truncated": "half of the body, as if that were all of it",
    "cut": "half of the body, then the connection ends",
    "padded": "`size` blanks behind the body",
    "renamed": "the field `field` is called `to`, wherever it stands",
    "dropped": "the field `field` is absent, wherever it stands",
    "value": "the field `field` is `value`, wherever it stands",
    "wrong_symbol": "the answer is about the symbol `to`",
    "empty": "no rows, in the vendor's shape",
    "lost_rows": "the last `size` rows and the mark of a next page are lost; counts stay",
}
"""Kinds that spoil an answer which was right."""

KINDS = REFUSING | SPOILING


@dataclass(slots=True, kw_only=True)
class Fault(Armed):
    """One armed fault of requests.

    `path` is a glob, as ``/v2/aggs/*``. The rest is what `kind` asks for.
    """

    path: str = "*"
    seconds: float | None = None
    status: int = 500
    body: Any = None
    field: str = ""
    to: str = ""
    value: Any = None
    size: int = 1


class FaultBox:
    """The armed faults; every one that covers a request counts it, the first that fires holds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Fault] = []

    def arm(self, fault: Fault) -> None:
        """Arm a fault.

        Raises
        ------
        ValueError
            For a kind that is not in `KINDS`.
        """
        check_kind(fault.kind, KINDS)
        with self._lock:
            self._armed.append(fault)

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._armed.clear()

    def armed(self) -> list[dict[str, Any]]:
        """Return the faults that have not been used up."""
        with self._lock:
            return [asdict(fault) for fault in self._armed]

    def take(self, path: str) -> Fault | None:
        """Return the fault that holds for a request to `path`, and count it."""
        with self._lock:
            covering = [f for f in self._armed if fnmatchcase(path, f.path)]
            return first_firing(covering, self._armed)
