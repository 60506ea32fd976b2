"""What a route gets and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .plain_http import Answer, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request on its way to a route.

    `parts` are the named pieces of the path, `outcome` the kind of the fault that holds, if any.
    """

    request: Request
    parts: dict[str, str]
    outcome: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The query of the request."""
        return self.request.query

    def says_yes(self, name: str) -> bool:
        """Return whether a query parameter is true, in the spelling of any language."""
        return self.query.get(name, "").lower() in ("true", "1")


Route = Callable[[Call], Answer]
