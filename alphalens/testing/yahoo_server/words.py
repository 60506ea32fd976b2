"""How the vendor words what is not an answer."""

from __future__ import annotations

from typing import Any

from alphalens.testing.loopback.plain_http import Answer
from alphalens.testing.loopback.vendor import Refused

NO_DATA = "No data found, symbol may be delisted"
_NAMES = {400: "Bad Request", 404: "Not Found", 422: "Unprocessable Entity"}
_PLAIN = {
    429: "Too Many Requests\r\n",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def refusal(status: int, text: str | None = None, root: str = "chart") -> Answer:
    """Return a refusal: a line of text from the edge, or an error below `root`."""
    if status in _PLAIN:
        raw = (text or _PLAIN[status]).encode()
        return Answer(status=status, raw=raw, content_type="text/plain;charset=utf-8")
    code = _NAMES.get(status, "Unauthorized")
    error: dict[str, Any] = {"code": code, "description": text or NO_DATA}
    return Answer(status=status, body={root: {"result": None, "error": error}})


def refuse(status: int, text: str | None = None, root: str = "chart") -> Refused:
    """Return a refusal as an exception."""
    return Refused(refusal(status, text, root))
