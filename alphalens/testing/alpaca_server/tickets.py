"""An order request, read from its JSON body and checked as far as the body alone allows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from .refusals import Refused, unprocessable

_TYPES = ("market", "limit", "stop", "stop_limit", "trailing_stop")
_FORCES = ("day", "gtc", "opg", "cls", "ioc", "fok")
_CLASSES = ("", "simple", "bracket", "oco", "oto", "mleg")
_MAX_DECIMALS = 9
_MAX_ID = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One leg of a multi-leg order."""

    symbol: str
    ratio_qty: Decimal
    side: str
    position_intent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a client asks for; `order_class` is "" for a simple order."""

    symbol: str
    side: str
    type: str
    time_in_force: str
    order_class: str
    qty: Decimal | None
    notional: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    trail_price: Decimal | None
    trail_percent: Decimal | None
    extended_hours: bool
    client_order_id: str | None
    position_intent: str | None
    take_profit: Decimal | None
    stop_loss: Decimal | None
    stop_loss_limit: Decimal | None
    legs: tuple[Leg, ...]

    @property
    def sign(self) -> int:
        """Plus one for a buy, minus one for a sell."""
        return 1 if self.side == "buy" else -1

    @property
    def is_advanced(self) -> bool:
        """Whether the order brings orders of its own."""
        return self.order_class != ""


def number(body: dict[str, Any], key: str) -> Decimal | None:
    """Return a number given as text or as a JSON number; None where absent.

    Raises
    ------
    Refused
        422 for text that is no finite number.
    """
    given = body.get(key)
    if given is None or given == "":
        return None
    try:
        value = Decimal(str(given))
    except InvalidOperation:
        raise unprocessable(f"invalid {key} {given}") from None
    if isinstance(given, bool) or not value.is_finite():
        raise unprocessable(f"invalid {key} {given}")
    return value


def read_ticket(body: object) -> Ticket:
    """Read the body of POST /v2/orders.

    Raises
    ------
    Refused
        400 for a body that is no object, 422 for a field that is missing or wrong.
    """
    if not isinstance(body, dict):
        raise Refused(400, "request body format is invalid", 40010000)
    order_class = _choice(body, "order_class", _CLASSES, default="")
    ticket = Ticket(
        symbol=str(body.get("symbol") or ""),
        side=_side(body, order_class),
        type=_choice(body, "type", _TYPES, default="limit" if order_class == "oco" else None),
        time_in_force=_choice(body, "time_in_force", _FORCES),
        order_class="" if order_class == "simple" else order_class,
        qty=number(body, "qty"),
        notional=number(body, "notional"),
        limit_price=number(body, "limit_price"),
        stop_price=number(body, "stop_price"),
        trail_price=number(body, "trail_price"),
        trail_percent=number(body, "trail_percent"),
        extended_hours=body.get("extended_hours") is True,
        client_order_id=_client_order_id(body),
        position_intent=body.get("position_intent") or None,
        take_profit=_nested(body, "take_profit", "limit_price"),
        stop_loss=_nested(body, "stop_loss", "stop_price"),
        stop_loss_limit=_nested(body, "stop_loss", "limit_price"),
        legs=tuple(_leg(leg) for leg in body.get("legs") or ()),
    )
    _check_amount(ticket)
    _check_prices(ticket)
    _check_class(ticket)
    return ticket


def _choice(
    body: dict[str, Any], key: str, known: tuple[str, ...], default: str | None = None
) -> str:
    given = body.get(key) or default
    if given not in known:
        raise unprocessable(f"invalid {key} {given}" if given else f"{key} is required")
    return str(given)


def _side(body: dict[str, Any], order_class: str) -> str:
    side = body.get("side") or str(body.get("position_intent") or "").split("_")[0]
    if order_class == "mleg":
        return ""
    if side not in ("buy", "sell"):
        raise unprocessable(f"invalid side {side}" if side else "side is required")
    return str(side)


def _client_order_id(body: dict[str, Any]) -> str | None:
    given = body.get("client_order_id")
    if given is not None and len(str(given)) > _MAX_ID:
        raise unprocessable(f"client_order_id must be no more than {_MAX_ID} characters")
    return str(given) if given else None


def _nested(body: dict[str, Any], group: str, key: str) -> Decimal | None:
    inner = body.get(group)
    return number(inner, key) if isinstance(inner, dict) else None


def _leg(body: dict[str, Any]) -> Leg:
    ratio = number(body, "ratio_qty")
    if ratio is None or ratio <= 0:
        raise unprocessable("leg ratio_qty must be > 0")
    return Leg(
        symbol=str(body.get("symbol") or ""),
        ratio_qty=ratio,
        side=_side(body, ""),
        position_intent=body.get("position_intent") or None,
    )


def _check_amount(ticket: Ticket) -> None:
    if (ticket.qty is None) == (ticket.notional is None):
        raise unprocessable("exactly one of qty or notional is required")
    amount = ticket.qty if ticket.qty is not None else ticket.notional
    assert amount is not None  # noqa: S101 - one of both was just found
    name = "qty" if ticket.qty is not None else "notional"
    if amount <= 0:
        raise unprocessable(f"{name} must be > 0")
    exponent = amount.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > _MAX_DECIMALS:
        raise unprocessable(f"invalid {name} {amount}: at most {_MAX_DECIMALS} decimals")


_NEEDED = {
    "market": (),
    "limit": ("limit_price",),
    "stop": ("stop_price",),
    "stop_limit": ("stop_price", "limit_price"),
    "trailing_stop": (),
}


def _check_prices(ticket: Ticket) -> None:
    needed = () if ticket.order_class == "oco" else _NEEDED[ticket.type]
    for name in needed:
        if getattr(ticket, name) is None:
            raise unprocessable(f"{ticket.type} orders require {name.replace('_', ' ')}")
    if ticket.type == "trailing_stop" and (ticket.trail_price is None) == (
        ticket.trail_percent is None
    ):
        raise unprocessable(
            "trailing_stop orders require exactly one of trail_price, trail_percent"
        )
    for name in ("limit_price", "stop_price"):
        if getattr(ticket, name) is not None and name not in (*needed, *_spare(ticket)):
            raise unprocessable(f"{ticket.type} orders must not have {name}")


def _spare(ticket: Ticket) -> tuple[str, ...]:
    return ("limit_price",) if ticket.order_class == "oco" else ()


def _check_class(ticket: Ticket) -> None:
    exits = (ticket.take_profit, ticket.stop_loss)
    name = ticket.order_class
    if name in ("bracket", "oco") and None in exits:
        raise unprocessable(
            f"{name} orders require take_profit.limit_price and stop_loss.stop_price"
        )
    if name == "oto" and exits.count(None) != 1:
        raise unprocessable("oto orders require exactly one of take_profit and stop_loss")
    if name in ("bracket", "oco", "oto") and ticket.time_in_force not in ("day", "gtc"):
        raise unprocessable(f"{name} orders must be day or gtc")
    if name in ("bracket", "oco", "oto") and ticket.extended_hours:
        raise unprocessable(f"{name} orders are not allowed in extended hours")
    if name == "mleg":
        _check_legs(ticket)


def _check_legs(ticket: Ticket) -> None:
    symbols = [leg.symbol for leg in ticket.legs]
    if not 2 <= len(symbols) <= 4 or len(set(symbols)) != len(symbols):
        raise unprocessable("mleg orders require 2 to 4 legs of different contracts")
    if ticket.type not in ("market", "limit") or ticket.time_in_force != "day":
        raise unprocessable("mleg orders must be market or limit, and day")
