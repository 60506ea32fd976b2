"""What an answer that is not 2xx means for an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alphalens.errors import BrokerError, CredentialsRefused, OrderRejected, OutcomeUnknown
from alphalens.net import Response
from alphalens.net.exact_json import loads
from alphalens.net.failures import Unreadable

__all__ = ["error_of", "is_id_taken", "is_no_such_order", "message_of", "order_error"]

_DUPLICATE = 40010001
_NO_ORDER = 40410000
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _CONFLICT = 401, 403, 404, 409
_DEFINITE = frozenset({400, _FORBIDDEN, _NOT_FOUND, _CONFLICT, 422})

#: What a message says, and our name for it; the first that fits is taken.
_NAMES = (
    ("wash trade", "wash_trade"),
    ("insufficient qty", "insufficient_quantity"),
    ("insufficient balance", "insufficient_buying_power"),
    ("buying power", "insufficient_buying_power"),
    ("sub-penny", "sub_penny"),
    ("base_price", "exit_too_close"),
    ("not allowed to short", "short_not_allowed"),
    ("cannot open a short sell", "short_not_allowed"),
    ("cannot be sold short", "not_shortable"),
    ("not fractionable", "not_fractionable"),
    ("fractional", "fraction_not_allowed"),
    ("minimal amount", "min_notional"),
    ("minimum order size", "min_quantity"),
    ("not tradable", "not_tradable"),
    ("not found", "unknown_symbol"),
    ("rejected by user request", "suspended"),
    ("uncovered option", "uncovered_option"),
    ("not eligible to trade", "not_eligible"),
    ("market hours", "market_closed"),
    ("no longer accepted", "market_closed"),
    ("order_class", "class_not_allowed"),
    ("time_in_force", "time_in_force_not_allowed"),
    ("order type", "type_not_allowed"),
    ("replace", "not_replaceable"),
)


def order_error(answer: Response, what: str, *, is_replace: bool = False) -> BrokerError:
    """Return the error for the answer to an order, whose status is not 2xx.

    Only a 4xx with the venue's own code is a definite no. A proxy's page, a rate limit and a
    server's fault say nothing about whether the order arrived.
    """
    body = _body(answer)
    code = body.get("code")
    said = f"{what}: the venue said {answer.status} {message_of(answer)}"
    has_code = isinstance(code, int)
    if _is_locked_out(answer):
        return CredentialsRefused(f"{said}; check key, secret and host before anything is sent")
    if answer.status not in _DEFINITE or not has_code:
        return OutcomeUnknown(f"{said}; it may have arrived: look it up by its id, never resend")
    name = "unknown_order" if is_replace and answer.status == _NOT_FOUND else _name(body)
    return OrderRejected(f"{said}; nothing was placed", code=name, details=_details(answer, body))


def error_of(answer: Response, what: str) -> BrokerError:
    """Return the error for a question whose answer has a status that it must not have."""
    said = f"{what}: the venue said {answer.status} {message_of(answer)}"
    if _is_locked_out(answer):
        return CredentialsRefused(f"{said}; check key, secret and host")
    return BrokerError(f"{said}; ask again later")


def is_id_taken(answer: Response) -> bool:
    """Return whether the venue has an order under the id already."""
    return answer.status == _CONFLICT or _body(answer).get("code") == _DUPLICATE


def is_no_such_order(answer: Response) -> bool:
    """Return whether the venue, and not a proxy before it, knows of no such order."""
    return answer.status == _NOT_FOUND and _body(answer).get("code") == _NO_ORDER


def message_of(answer: Response) -> str:
    """Return what an answer says, in one line of at most 200 characters."""
    message = _body(answer).get("message")
    said = message if isinstance(message, str) else answer.text
    return " ".join(said.split())[:200]


def _is_locked_out(answer: Response) -> bool:
    """Return whether the keys are refused; a 403 with a reason of its own is about the order."""
    if answer.status != _FORBIDDEN:
        return answer.status == _UNAUTHORIZED
    body = _body(answer)
    is_bare = str(body.get("message", "")).strip(". ").lower() == "forbidden"
    return is_bare or not isinstance(body.get("code"), int)


def _body(answer: Response) -> Mapping[str, Any]:
    try:
        body = loads(answer.body)
    except Unreadable:
        return {}
    return body if isinstance(body, Mapping) else {}


def _name(body: Mapping[str, Any]) -> str:
    message = str(body.get("message", "")).lower()
    return next((name for words, name in _NAMES if words in message), str(body["code"]))


def _details(answer: Response, body: Mapping[str, Any]) -> dict[str, str]:
    scalars = {k: str(v) for k, v in body.items() if isinstance(v, str | int | float)}
    return {**scalars, "status": str(answer.status)}
