"""What follows from an execution and from an end: other exits shrink, held exits wake."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from alphalens.brokers._paper.orders import PaperOrder
from alphalens.brokers._paper.state import PaperState
from alphalens.brokers.costs import CostModel
from alphalens.trading.orders import Fill, OrderStatus

__all__ = ["cancel_due", "end", "execute", "execute_legs", "fee_of", "net_price"]

_ZERO = Decimal(0)
_S = OrderStatus


def fee_of(
    state: PaperState,
    costs: CostModel,
    order: PaperOrder,
    quantity: Decimal,
    price: Decimal,
    at: datetime,
) -> Decimal:
    """Return the commission of an execution; the month's volume chooses the tier."""
    symbol = order.intent.symbol
    return costs.commission(
        quantity,
        price,
        multiplier=state.multiplier(symbol),
        traded=state.traded_in_month(symbol, at),
    )


def execute(
    state: PaperState,
    order: PaperOrder,
    quantity: Decimal,
    price: Decimal,
    fee: Decimal,
    at: datetime,
) -> PaperOrder:
    """Book an execution, shrink the other exits, and wake what waited for the whole of it."""
    order = _progress(state, order, quantity, price)
    number = len(state.fills) + 1
    fill_id = f"{state.opening.account_id}-f{number:06d}"
    fill = Fill(
        fill_id=fill_id,
        client_order_id=order.id,
        symbol=order.intent.symbol,
        side=order.intent.side,
        quantity=quantity,
        price=price,
        at=at,
        fee=fee,
        multiplier=state.multiplier(order.intent.symbol),
        currency=state.opening.currency,
        is_margined=state.is_margined(order.intent.symbol),
        cumulative=order.filled,
        venue_order_id=order.venue_order_id,
        execution_id=fill_id,
    )
    state.add_fill(order, fill)
    for other in list(state.siblings(order)):
        _shrink(state, other, quantity)
    if order.status is _S.FILLED:
        _wake(state, order)
    return state.orders[order.id]


def execute_legs(
    state: PaperState,
    order: PaperOrder,
    prices: dict[str, Decimal],
    fees: dict[str, Decimal],
    at: datetime,
) -> PaperOrder:
    """Book all legs of a multi-leg order at once; prices and fees by client order id."""
    for name in order.children:
        leg = state.orders[name]
        execute(state, leg, leg.remaining, prices[name], fees[name], at)
    order = _progress(state, order, order.remaining, net_price(state, order, prices))
    return state.put(order, "fill")


def net_price(state: PaperState, order: PaperOrder, prices: dict[str, Decimal]) -> Decimal:
    """Return what one unit of a multi-leg order costs: positive is paid."""
    legs = [state.orders[name] for name in order.children]
    total = sum((leg.intent.side.sign * leg.quantity * prices[leg.id] for leg in legs), _ZERO)
    return total / order.quantity


def end(state: PaperState, order: PaperOrder, status: OrderStatus, reason: str) -> PaperOrder:
    """End an order, and with it its legs, the exits that wait for it and the other exit.

    Exits of an entry that ends with a part executed wake for that part: it is not left
    without them.
    """
    siblings = list(state.siblings(order))
    order = state.close(order, status, reason)
    why = f"its {'other exit' if order.is_exit else 'order'} ended: {reason}"
    for name in order.children:
        child = state.orders[name]
        if child.is_leg:
            state.close(child, status, why)
        elif child.is_held and order.filled and status is not _S.REPLACED:
            _wake_one(state, child, order.filled)
        elif child.is_held:
            state.close(child, _S.CANCELED, why)
    for other in siblings:
        if status is not _S.REPLACED and state.orders[other.id].is_open:
            state.close(state.orders[other.id], _S.CANCELED, why)
    return order


def cancel_due(state: PaperState, at: datetime) -> None:
    """Carry out the cancels that have reached the venue by `at`."""
    for order in state.open_orders():
        if order.cancel_from is not None and order.cancel_from <= at:
            end(state, order, _S.CANCELED, "canceled on request")


def _progress(
    state: PaperState, order: PaperOrder, quantity: Decimal, price: Decimal
) -> PaperOrder:
    filled = order.filled + quantity
    status = order.status if order.status is _S.PENDING_CANCEL else _S.PARTIAL
    return state.put(
        replace(
            order,
            filled=filled,
            value=order.value + quantity * price,
            status=_S.FILLED if filled == order.quantity else status,
        )
    )


def _shrink(state: PaperState, order: PaperOrder, quantity: Decimal) -> None:
    """Take off an exit what the other one has executed."""
    left = order.quantity - quantity
    if left <= order.filled:
        state.close(order, _S.CANCELED, "the other exit was executed")
    else:
        state.put(replace(order, quantity=left), "restated")


def _wake(state: PaperState, order: PaperOrder) -> None:
    for name in order.children:
        if (child := state.orders[name]).is_held and child.is_open:
            _wake_one(state, child, order.filled)


def _wake_one(state: PaperState, child: PaperOrder, quantity: Decimal) -> None:
    state.put(replace(child, is_held=False, quantity=quantity), "new")
