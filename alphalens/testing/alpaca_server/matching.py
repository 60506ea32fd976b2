"""Whether an order trades against a market, and at which price. Pure."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from .records import Order
from .tape import Mark

_NANO = Decimal("0.000000001")
_WIDE, _NARROW = Decimal("1.04"), Decimal("1.025")
_WIDE_BELOW = Decimal(50)


def follow(order: Order, mark: Mark) -> None:
    """Let the market move a trailing stop and trigger a stop.

    A buy looks at the ask and a sell at the bid. The extreme of a trailing stop starts at the
    first market it sees.
    """
    if order.is_triggered or order.type in ("market", "limit"):
        return
    seen = mark.ask if order.side == "buy" else mark.bid
    if seen <= 0:
        return
    if order.type == "trailing_stop":
        _trail(order, seen)
    if order.stop_price is not None and order.sign * (seen - order.stop_price) >= 0:
        order.is_triggered = True


def _trail(order: Order, seen: Decimal) -> None:
    better = order.hwm is None or order.sign * (seen - order.hwm) < 0
    order.hwm = seen if better else order.hwm
    assert order.hwm is not None  # noqa: S101 - set on the line above
    distance = order.trail_price
    if distance is None:
        distance = order.hwm * (order.trail_percent or Decimal(0)) / 100
    order.stop_price = order.hwm + order.sign * distance


def price_for(order: Order, mark: Mark) -> Decimal | None:
    """Return the price at which the order trades against `mark` now; None if it does not."""
    price = mark.ask if order.side == "buy" else mark.bid
    if price <= 0:
        return None
    if order.type in ("stop", "stop_limit", "trailing_stop") and not order.is_triggered:
        return None
    bound = _bound(order)
    return price if bound is None or order.sign * (price - bound) <= 0 else None


def _bound(order: Order) -> Decimal | None:
    """Return the worst price that the order accepts; a buy stop is a stop-limit with a collar."""
    if order.limit_price is not None:
        return order.limit_price
    if order.type == "stop" and order.side == "buy" and order.stop_price is not None:
        return order.stop_price * (_WIDE if order.stop_price < _WIDE_BELOW else _NARROW)
    return None


def quantity_for(order: Order, mark: Mark, price: Decimal) -> Decimal:
    """Take from the market what the order wants of it; all or nothing for fok."""
    wanted = order.leaves
    if order.qty is None and order.notional is not None:
        wanted = (order.notional / price).quantize(_NANO, rounding=ROUND_DOWN)
    side = mark.asks if order.side == "buy" else mark.bids
    return side.take(wanted, whole=order.time_in_force == "fok" or order.qty is None)


def net_of(legs: list[Order], marks: dict[str, Mark]) -> Decimal | None:
    """Return the price of one unit of a multi-leg order; None while a leg has no market."""
    total = Decimal(0)
    for leg in legs:
        mark = marks.get(leg.symbol)
        price = None if mark is None else (mark.ask if leg.side == "buy" else mark.bid)
        if price is None or price <= 0:
            return None
        total += leg.sign * price * (leg.ratio_qty or Decimal(1))
    return total
