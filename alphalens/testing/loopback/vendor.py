"""What a vendor of market data is to the wire: an answer to each request, and its own words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from .plain_http import Answer, Request

Json = Any  # whatever json.dumps takes; the rows of a vendor are given as its wire has them


class Refused(Exception):
    """The vendor says no.

    Attributes
    ----------
    answer
        What it says.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status}: {answer.body}")
        self.answer = answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request on its way to a route; `parts` are the named pieces of its path."""

    request: Request
    parts: dict[str, str]

    @property
    def query(self) -> dict[str, str]:
        """The query of the request."""
        return self.request.query


Route = Callable[[Call], Answer]


class Vendor(Protocol):
    """One vendor's data and words; every method is called from the thread of the server."""

    def answer(self, request: Request) -> Answer:
        """Answer a request, also with a refusal."""

    def refusal(self, status: int) -> Answer:
        """Return how the vendor words a refusal of this status."""

    def emptied(self, body: Json) -> Json:
        """Return an answer without its rows, as the vendor tells that it has none."""

    def shortened(self, body: Json, rows: int) -> Json:
        """Return an answer without its last rows and without its mark of a next page."""

    def about(self, body: Json, symbol: str) -> Json:
        """Return an answer that says it is about another symbol."""


class Router:
    """Finds the route of a path.

    Parameters
    ----------
    routes
        Pairs of a regular expression that the whole path must match, and what answers it.
    """

    def __init__(self, routes: list[tuple[str, Route]]) -> None:
        self._routes = [(re.compile(path), act) for path, act in routes]

    def find(self, request: Request) -> tuple[Route, Call] | None:
        """Return the first route that matches, with the call for it."""
        for path, act in self._routes:
            match = path.fullmatch(request.path)
            if match is not None and request.method in ("GET", "POST"):
                return act, Call(request=request, parts=match.groupdict())
        return None


def rewritten(body: Json, change: Callable[[str, Json], tuple[str, Json] | None]) -> Json:
    """Return JSON with each field of each object, however deep, as `change` gives it back.

    >>> rewritten({"o": 1, "rows": [{"o": 2}]}, lambda k, v: ("open" if k == "o" else k, v))
    {'open': 1, 'rows': [{'open': 2}]}
    >>> rewritten({"o": 1, "c": 2}, lambda k, v: None if k == "o" else (k, v))
    {'c': 2}
    """
    if isinstance(body, list):
        return [rewritten(item, change) for item in body]
    if not isinstance(body, dict):
        return body
    changed = [change(name, rewritten(value, change)) for name, value in body.items()]
    return dict(pair for pair in changed if pair is not None)
