"""Pages: a cursor that carries the whole query and where it stands."""

from __future__ import annotations

import base64
import json
from typing import Any

from alphalens.testing.loopback.vendor import Call

from .words import refuse

_CREDENTIAL = "apiKey"


class Pages:
    """Cuts rows into pages.

    Parameters
    ----------
    host
        What stands before the path of a ``next_url``: the public host, not the loopback one.
    """

    def __init__(self, host: str) -> None:
        self._host = host

    def query(self, call: Call) -> tuple[dict[str, str], int]:
        """Return the query of a call and how many rows earlier pages had.

        Raises
        ------
        Refused
            400 for a cursor that this vendor did not make.
        """
        cursor = call.query.get("cursor")
        if cursor is None:
            return {k: v for k, v in call.query.items() if k != _CREDENTIAL}, 0
        try:
            told = json.loads(base64.urlsafe_b64decode(cursor))
            return told["query"], told["after"]
        except (ValueError, KeyError, TypeError):
            raise refuse(400, f"cursor {cursor!r} is invalid") from None

    def cut(
        self, call: Call, query: dict[str, str], rows: list[Any], after: int, limit: int
    ) -> tuple[list[Any], dict[str, str]]:
        """Return one page of the rows, and the field that leads to the next one, if any."""
        page = rows[after : after + limit]
        if after + limit >= len(rows):
            return page, {}
        told = json.dumps({"query": query, "after": after + limit}).encode()
        cursor = base64.urlsafe_b64encode(told).decode()
        return page, {"next_url": f"{self._host}{call.request.path}?cursor={cursor}"}


def limit_of(query: dict[str, str], default: int, highest: int) -> int:
    """Return the limit of a query.

    Raises
    ------
    Refused
        400 if it is no number from 1 to the highest.
    """
    text = query.get("limit", str(default))
    if not text.isdigit() or not 1 <= int(text) <= highest:
        raise refuse(400, f"'limit' must be a number from 1 to {highest}, got {text!r}")
    return int(text)
