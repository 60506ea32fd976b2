"""An order of ours in the venue's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from alphalens.data.alpaca_symbols import symbol_to
from alphalens.net.exact_json import decimal
from alphalens.net.failures import Unreadable
from alphalens.trading.codec import to_jsonable
from alphalens.trading.orders import Leg, OrderClass, OrderIntent, OrderType

__all__ = ["differences", "order_body", "order_text", "replace_text", "text_of"]

_PERCENT = 100
_NUMBERS = ("qty", "limit_price", "stop_price", "trail_price", "trail_percent")
_WORDS = ("symbol", "side", "type", "time_in_force", "order_class", "extended_hours")


def text_of(number: Decimal) -> str:
    """Return the plain decimal text of a number: no exponent, no trailing zeros."""
    return cast(str, to_jsonable(number))


def order_body(intent: OrderIntent) -> dict[str, Any]:  # Any: the values of JSON
    """Return what `POST /v2/orders` takes for an order; every number is a text.

    Raises
    ------
    InputError
        If the venue has no name for an asset.
    """
    is_multileg = intent.order_class is OrderClass.MULTILEG
    body: dict[str, Any] = {
        "client_order_id": intent.client_order_id,
        "qty": text_of(intent.quantity),
        "type": intent.order_type.value,
        "time_in_force": intent.time_in_force.value,
        "order_class": intent.order_class.value,
    }
    if is_multileg:
        body["legs"] = [_leg(leg) for leg in intent.legs]
    else:
        body |= {"symbol": symbol_to(intent.symbol), "side": intent.side.value}
    body |= _prices(intent) | _exits(intent)
    if intent.is_extended_hours:
        body["extended_hours"] = True
    return body


def order_text(intent: OrderIntent) -> str:
    """Return the JSON text of `order_body`."""
    return json.dumps(order_body(intent), separators=(",", ":"))


def replace_text(intent: OrderIntent) -> str:
    """Return the JSON text that `PATCH /v2/orders/{id}` takes; type and side cannot change."""
    body = {
        "client_order_id": intent.client_order_id,
        "qty": text_of(intent.quantity),
        "time_in_force": intent.time_in_force.value,
    }
    prices = _prices(intent)
    trail = prices.pop("trail_price", None) or prices.pop("trail_percent", None)
    body |= prices if trail is None else {"trail": trail}
    return json.dumps(body, separators=(",", ":"))


def differences(
    intent: OrderIntent, body: Mapping[str, Any], *, is_replacement: bool = False
) -> tuple[str, ...]:
    """Return the fields in which the venue's order `body` is not the one of `intent`.

    Legs are compared where the answer has them. Of a replacement only what it may change is
    compared: the rest is the replaced order's.
    """
    wanted = order_body(intent)
    if intent.order_class is OrderClass.OCO:
        wanted["limit_price"] = wanted["take_profit"]["limit_price"]
    wanted.setdefault("extended_hours", False)
    found = dict(body)
    found["order_class"] = body.get("order_class") or OrderClass.SIMPLE.value
    found["extended_hours"] = bool(body.get("extended_hours"))
    words = ("time_in_force",) if is_replacement else _WORDS
    names = [n for n in words if n in wanted and not _same_word(n, wanted[n], found.get(n))]
    if intent.order_type is OrderType.TRAILING_STOP:
        found["stop_price"] = None  # where the stop has got to, and not what was ordered
    names += [n for n in _NUMBERS if not _same_number(wanted.get(n), found.get(n))]
    if intent.legs and body.get("legs") and _legs(wanted["legs"]) != _legs(body["legs"]):
        names.append("legs")
    return tuple(names)


def _leg(leg: Leg) -> dict[str, str]:
    end = "close" if leg.is_closing else "open"
    return {
        "symbol": symbol_to(leg.symbol),
        "ratio_qty": str(leg.ratio),
        "side": leg.side.value,
        "position_intent": f"{leg.side.value}_to_{end}",
    }


def _prices(intent: OrderIntent) -> dict[str, str]:
    percent = None if intent.trail_fraction is None else intent.trail_fraction * _PERCENT
    prices = {
        "limit_price": intent.limit_price,
        "stop_price": intent.stop_price,
        "trail_price": intent.trail_amount,
        "trail_percent": percent,
    }
    return {name: text_of(price) for name, price in prices.items() if price is not None}


def _exits(intent: OrderIntent) -> dict[str, Any]:
    exits: dict[str, Any] = {}
    if intent.take_profit is not None:
        exits["take_profit"] = {"limit_price": text_of(intent.take_profit)}
    if intent.stop_loss is not None:
        exits["stop_loss"] = {"stop_price": text_of(intent.stop_loss)}
        if intent.stop_loss_limit is not None:
            exits["stop_loss"]["limit_price"] = text_of(intent.stop_loss_limit)
    if intent.order_class is OrderClass.OCO:
        # The order itself is the take-profit: the venue takes no other type for it.
        exits["type"] = OrderType.LIMIT.value
    return exits


def _same_word(name: str, wanted: object, found: object) -> bool:
    if name == "symbol" and isinstance(wanted, str) and isinstance(found, str):
        return wanted.replace("/", "") == found.replace("/", "")
    return wanted == found


def _same_number(wanted: str | None, found: object) -> bool:
    if wanted is None or found is None:
        return wanted is None and found is None
    try:
        return Decimal(wanted) == decimal(found, "number")
    except Unreadable:
        return False


def _legs(legs: object) -> list[tuple[str, ...]]:
    rows = legs if isinstance(legs, list) else []
    names = ("symbol", "side", "ratio_qty")
    return sorted(tuple(str(row.get(name)) for name in names) for row in rows)
