"""An answer that is not 2xx, as an exception that carries its status and body."""

from __future__ import annotations

from typing import Any

from alphalens.testing.loopback import vendor
from alphalens.testing.loopback.plain_http import Answer

BAD_REQUEST = 42210000
FORBIDDEN = 40310000
DUPLICATE = 40010001
NOT_FOUND = 40410000


class Refused(vendor.Refused):
    """The venue says no.

    Attributes
    ----------
    status
        HTTP status.
    body
        What the answer says: `code`, `message`, and what the rule adds.
    """

    def __init__(self, status: int, message: str, code: int | None = None, **more: Any) -> None:
        coded = {} if code is None else {"code": code}
        self.status = status
        self.body: dict[str, Any] = {**coded, "message": message, **more}
        super().__init__(Answer(status=status, body=self.body))


def unprocessable(message: str, **more: Any) -> Refused:
    """Return a 422 about a bad parameter."""
    return Refused(422, message, BAD_REQUEST, **more)


def forbidden(message: str, **more: Any) -> Refused:
    """Return a 403 about money, shares or permission."""
    return Refused(403, message, FORBIDDEN, **more)


def not_found(message: str) -> Refused:
    """Return a 404."""
    return Refused(404, message, NOT_FOUND)
