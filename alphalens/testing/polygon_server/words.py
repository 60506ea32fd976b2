"""How the vendor words what is not an answer."""

from __future__ import annotations

import secrets
from typing import Any

from alphalens.testing.loopback.plain_http import Answer
from alphalens.testing.loopback.vendor import Refused

_ERRORS = {
    400: "The request could not be understood.",
    401: "Unknown API Key",
    429: "You've exceeded the maximum requests per minute, please wait or upgrade your"
    " subscription to continue. https://polygon.io/pricing",
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service unavailable",
    504: "Gateway timeout",
}
_NOT_ENTITLED = (
    "You are not entitled to this data. Please upgrade your plan at https://polygon.io/pricing"
)


def request_id() -> str:
    """Return a new identifier of a request."""
    return secrets.token_hex(16)


def refusal(status: int, text: str | None = None, **more: Any) -> Answer:
    """Return a refusal in the words of its status."""
    body: dict[str, Any] = {"request_id": request_id(), **more}
    if status == 403:
        body |= {"status": "NOT_AUTHORIZED", "message": text or _NOT_ENTITLED}
    elif status == 404:
        body |= {"status": "NOT_FOUND", "message": text or "Data not found."}
    else:
        body |= {"status": "ERROR", "error": text or _ERRORS.get(status, "Error")}
    return Answer(status=status, body=body)


def refuse(status: int, text: str | None = None, **more: Any) -> Refused:
    """Return a refusal as an exception."""
    return Refused(refusal(status, text, **more))
