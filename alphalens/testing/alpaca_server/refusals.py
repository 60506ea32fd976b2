"""An answer that is not 2xx, as an exception that carries its status and body."""

from __future__ import annotations

from typing import Any

BAD_REQUEST = 42210000
FORBIDDEN = 40310000
DUPLICATE = 40010001
NOT_FOUND = 40410000


class Refused(Exception):
    """The venue says no.

    Attributes
    ----------
    status
        HTTP status.
    body
        What the answer says: `code`, `message`, and what the rule adds.
    """

    def __init__(self, status: int, message: str, code: int | None = None, **more: Any) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        coded = {} if code is None else {"code": code}
        self.body: dict[str, Any] = {**coded, "message": message, **more}


def unprocessable(message: str, **more: Any) -> Refused:
    """Return a 422 about a bad parameter."""
    return Refused(422, message, BAD_REQUEST, **more)


def forbidden(message: str, **more: Any) -> Refused:
    """Return a 403 about money, shares or permission."""
    return Refused(403, message, FORBIDDEN, **more)


def not_found(message: str) -> Refused:
    """Return a 404."""
    return Refused(404, message, NOT_FOUND)
