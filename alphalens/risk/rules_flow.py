"""How many orders, and against which others of ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from alphalens.risk.cases import Case, side_of
from alphalens.risk.facts import SentOrder, wish_of
from alphalens.risk.figures import age_s, text
from alphalens.risk.reasons import Reason, ReasonCode
from alphalens.trading.orders import OrderIntent, Side

__all__ = ["identity", "rate"]

_C = ReasonCode
_MINUTE = timedelta(minutes=1)


def identity(case: Case) -> Iterator[Reason]:
    """Tell whether the order, or one like it, went out before, or stands against it."""
    if case.intent.client_order_id in case.book.sent:
        says = f": sends under {case.intent.client_order_id} come to"
        remedy = "an id goes out once, look the order up"
        yield case.refuse(_C.DUPLICATE, says, "2", "1", remedy)
    yield from _twins(case)
    yield from _wash(case)


def rate(case: Case) -> Iterator[Reason]:
    """Tell whether there are too many orders, in the cycle, by the minute, or open."""
    limits, book = case.limits, case.book
    remedy = "wait for the next, or raise"
    counts: list[tuple[ReasonCode, int, int | None]] = [
        (_C.MAX_ORDERS_PER_CYCLE, len(book.sent) + 1, limits.max_orders_per_cycle)
    ]
    if limits.max_orders_per_minute is not None:
        recent = sum(_is_younger(order, book.now, _MINUTE) for order in book.orders)
        counts.append((_C.MAX_ORDERS_PER_MINUTE, recent + 1, limits.max_orders_per_minute))
    if limits.max_open_orders is not None and not case.is_reducing:
        working = sum(order.is_open for order in book.orders)
        counts.append((_C.MAX_OPEN_ORDERS, working + 1, limits.max_open_orders))
    for code, count, limit in counts:
        if limit is not None and count > limit:
            yield case.over(code, Decimal(count), Decimal(limit), remedy)


def _twins(case: Case) -> Iterator[Reason]:
    """Tell whether the same was ordered under another id a moment ago, outside one plan."""
    window, planned = case.limits.duplicate_window_s, case.book.planned
    if window is None:
        return
    own, wish = case.intent.client_order_id, wish_of(case.intent)
    is_planned = own in planned
    for order in case.book.orders:
        if order.wish != wish or order.intent.client_order_id == own:
            continue
        if is_planned and order.intent.client_order_id in planned:
            continue  # two legs of a plan that was made as a whole and stored once
        age = age_s(case.book.now, order.at, None)
        if age < window:
            says = f": the same went out as {order.intent.client_order_id}, seconds ago"
            remedy = "if it is meant twice, wait, or lower duplicate_window_s in the risk limits"
            limit = f"at least {window}"
            yield case.refuse(_C.DUPLICATE_INTENT, says, f"{age:.0f}", limit, remedy)
            return


def _wash(case: Case) -> Iterator[Reason]:
    """Tell whether the order could be executed against one of our own."""
    traded = case.units.keys()
    for order in case.book.orders:
        if not order.is_open or traded.isdisjoint(order.units):
            continue
        if order.intent.client_order_id == case.intent.client_order_id:
            continue
        for symbol, units in order.units.items():
            mine = case.units.get(symbol)
            if mine is None or mine * units >= 0 or not _crosses(case.intent, order.intent, mine):
                continue
            says = f": an order of ours is open against it, {symbol}, {order.intent.side} at"
            remedy = f"cancel {order.intent.client_order_id} first, or use an order with exits"
            at = _asked(order.intent)
            yield case.refuse(
                _C.WASH_TRADE, says, at, f"not crossing {_asked(case.intent)}", remedy
            )
            return


def _crosses(mine: OrderIntent, other: OrderIntent, units: Decimal) -> bool:
    """Return whether a buy may pay what a sell may take; without a limit either may.

    A stop-limit counts by its limit; net prices of several legs say nothing of one leg.
    """
    one, two = mine.limit_price, other.limit_price
    if mine.legs or other.legs or one is None or two is None:
        return True
    return one >= two if side_of(units) is Side.BUY else one <= two


def _asked(intent: OrderIntent) -> str:
    if intent.legs or intent.limit_price is None:
        return "any price"
    return text(intent.limit_price)


def _is_younger(order: SentOrder, now: datetime, span: timedelta) -> bool:
    return order.at.tzinfo is not None and now - order.at < span
