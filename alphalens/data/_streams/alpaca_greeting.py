"""How a stream of Alpaca's market data is logged into, and what its refusals mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from alphalens.net import NetError, Refused
from alphalens.net.exact_json import decimal, instant, loads, rows
from alphalens.net.line import Line
from alphalens.trading.market import Quote

__all__ = ["NO_KEY", "greeted", "log_in", "quote_from"]

Row = Mapping[str, Any]  # Any: the values of JSON

#: Not authenticated, refused, not in the subscription.
NO_KEY = frozenset({401, 402, 409})


async def log_in(line: Line, key: str, secret: str) -> None:
    """Wait for the server's first word and authenticate.

    Raises
    ------
    Refused
        If the keys are not accepted.
    NetError
        If the server says anything else.
    """
    await greeted(line, "success", "connected")
    await line.send(json.dumps({"action": "auth", "key": key, "secret": secret}))
    await greeted(line, "success", "authenticated")


async def greeted(
    line: Line, kind: str, word: str | None = None, *, final: frozenset[int] = NO_KEY
) -> Sequence[Row]:
    """Wait for a control message; return it, and what came in its frame behind it.

    Parameters
    ----------
    line : Line
        A fresh connection.
    kind, word : str
        Its ``T``, and its ``msg`` where that matters.
    final : frozenset of int
        Codes of errors that will come again however often it is tried.

    Raises
    ------
    Refused
        If the server says one of these.
    NetError
        If it says anything else.
    """
    messages = rows(loads(await line.recv()), "greeting")
    message = messages[0] if messages else {}
    if message.get("T") == kind and word in (None, message.get("msg")):
        return messages
    said = f"the data stream said {message.get('code')} {message.get('msg')}"
    code = message.get("code")
    if message.get("T") == "error" and isinstance(code, int) and code in final:
        raise Refused(f"{said}: check key, secret and the plan's feed")
    raise NetError(f"{said} where {word or kind} was expected")


def quote_from(message: Row, symbol: str) -> Quote:
    """Return a quote of the stream, of a canonical symbol.

    Raises
    ------
    Unreadable
        If a part is missing or is not what it should be.
    """
    return Quote(
        symbol=symbol,
        at=instant(message.get("t"), "t"),
        bid=decimal(message.get("bp"), "bp"),
        ask=decimal(message.get("ap"), "ap"),
    )
