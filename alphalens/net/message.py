"""One call and its answer, as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum

from alphalens.errors import InputError
from alphalens.net.failures import Unreadable

__all__ = ["Priority", "Request", "Response"]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


class Priority(IntEnum):
    """Who goes first when calls have to wait; the lowest number."""

    CANCEL = 0
    REDUCE = 1
    OPEN = 2
    READ = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call, complete but for the server and the credentials, which the transport adds.

    Attributes
    ----------
    method : str
        GET, HEAD, POST, PUT, PATCH or DELETE.
    path : str
        Begins with ``/``; segments are percent-encoded already; no query and no host.
    params : Mapping of str to str
        The query, not yet encoded.
    body : str or bytes, optional
        The text to send, encoded already, so that an exact number stays the text it is.
    content_type : str
        Said of the body, where there is one.
    headers : Mapping of str to str
        Further headers of this call; values without secrets.
    priority : Priority
        Who goes first when calls have to wait.
    deadline_s : float, optional
        Seconds for the whole call: waiting, retries and reading. None takes the transport's.

    Raises
    ------
    InputError
        If the method is unknown, the path is not a path, or the deadline is not positive.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: str | bytes | None = field(default=None, repr=False)
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    priority: Priority = Priority.READ
    deadline_s: float | None = None

    def __post_init__(self) -> None:
        if self.method not in _METHODS:
            raise InputError(
                f"unknown method {self.method!r}: one of {', '.join(sorted(_METHODS))}"
            )
        if (
            not self.path.startswith("/")
            or not self.path.isprintable()
            or set(self.path) & set("?# ")
        ):
            raise InputError(
                f"a path begins with / and holds no query, fragment or space, got {self.path!r}; "
                "the query goes into params"
            )
        if self.deadline_s is not None and not self.deadline_s > 0:
            raise InputError(f"deadline_s is {self.deadline_s}, it must be above 0 seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A complete answer of the server, whatever its status.

    Attributes
    ----------
    status : int
        The HTTP status; a redirect is an answer too and is never followed.
    headers : Mapping of str to str
        Names in lower case.
    body : bytes
        The content, decompressed.
    elapsed_s : float
        Seconds from the first byte sent to the last byte read, of the last attempt.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    elapsed_s: float

    @property
    def text(self) -> str:
        """The body as UTF-8; bytes that are none become the replacement character."""
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> object:
        """Return the body read as JSON, with each number that has a point as a Decimal.

        Raises
        ------
        Unreadable
            If the body is no JSON, or holds NaN or an infinity, which JSON does not know.

        Examples
        --------
        >>> Response(status=200, headers={}, body=b'{"price": 0.10}', elapsed_s=0.0).json()
        {'price': Decimal('0.10')}
        """
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise Unreadable(
                f"an answer of status {self.status} with {len(self.body)} bytes is no JSON "
                f"({type(error).__name__}); the call may have been carried out: look it up"
            ) from None


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is no JSON")
