"""An order is put on the book of the paper venue, with its exits or legs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from alphalens.brokers._paper.executing import end
from alphalens.brokers._paper.orders import PaperOrder, as_sent, parts_of
from alphalens.brokers._paper.state import PaperState
from alphalens.brokers.matching import terms_of
from alphalens.errors import IdTaken, OrderRejected
from alphalens.trading.orders import OrderClass, OrderIntent, OrderStatus

__all__ = ["PaperTimes", "place", "replaceable", "same"]

_IDENTITY = ("symbol", "side", "order_class")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTimes:
    """The instants of an order, as of a `PaperOrder`."""

    sent: datetime
    active_from: datetime
    opens_at: datetime | None
    expires_at: datetime | None


def same(known: PaperOrder, intent: OrderIntent) -> PaperOrder:
    """Return the order that is known if it is the one of the intent.

    Raises
    ------
    IdTaken
        If it is another.
    """
    if known.parent or as_sent(intent) != known.intent:
        raise IdTaken(
            f"client order id {intent.client_order_id} is taken by another order of "
            f"{known.intent.symbol}; an id names one order for ever",
            code="id_taken",
            details={"existing_order_id": known.venue_order_id},
        )
    return known


def replaceable(state: PaperState, client_order_id: str, intent: OrderIntent) -> PaperOrder:
    """Return the working order that `intent` may take the place of.

    Raises
    ------
    OrderRejected
        If there is none, or the intent is an order of another kind.
    """
    old = state.orders.get(client_order_id)
    if old is None or not old.is_open or old.is_leg or old.status is OrderStatus.PENDING_CANCEL:
        stands = "it was never sent" if old is None else f"it is {old.status}"
        raise OrderRejected(
            f"cannot replace {client_order_id}: {stands}; only a working order can be changed",
            code="not_replaceable",
        )
    differing = [n for n in _IDENTITY if getattr(old.intent, n) != getattr(intent, n)]
    if differing or old.intent.legs:
        raise OrderRejected(
            f"cannot replace {client_order_id}: {', '.join(differing) or 'legs'} cannot be "
            f"changed; cancel it and send another order",
            code="not_replaceable",
        )
    return old


def place(
    state: PaperState, intent: OrderIntent, times: PaperTimes, old: PaperOrder | None = None
) -> PaperOrder:
    """Put an order on the book, in the place of `old` if there is one, and tell of it."""
    number = len(state.orders) + 1
    order = _new(state, as_sent(intent), times, number)
    parts = [
        _part(state, part, times, number + n, order)
        for n, part in enumerate(parts_of(intent), start=1)
    ]
    order = replace(order, children=tuple(part.id for part in parts))
    if old is not None:
        order = _in_place_of(state, old, order)
    for part in parts:
        state.put(part)
    return state.put(order, "new")


def _in_place_of(state: PaperState, old: PaperOrder, order: PaperOrder) -> PaperOrder:
    ended = replace(old, replaced_by=order.venue_order_id)
    state.put(ended)
    end(state, ended, OrderStatus.REPLACED, f"replaced by {order.id}")
    if old.parent:
        parent = state.orders[old.parent]
        family = tuple(order.id if name == old.id else name for name in parent.children)
        state.put(replace(parent, children=family))
    elif old.intent.order_class is OrderClass.OCO:
        for name in old.children:
            if state.orders[name].is_open:
                why = f"replaced with {old.id}"
                state.close(state.orders[name], OrderStatus.CANCELED, why)
    return replace(order, replaces=old.venue_order_id, parent=old.parent, is_held=old.is_held)


def _new(state: PaperState, intent: OrderIntent, times: PaperTimes, number: int) -> PaperOrder:
    mark = state.marks.get(intent.symbol)
    best: Decimal | None = None if mark is None else mark.price
    return PaperOrder(
        number=number,
        intent=intent,
        venue_order_id=f"{state.opening.account_id}-o{number:06d}",
        sent=times.sent,
        active_from=times.active_from,
        terms=terms_of(intent, best=best),
        quantity=intent.quantity,
        opens_at=times.opens_at,
        expires_at=times.expires_at,
    )


def _part(
    state: PaperState, intent: OrderIntent, times: PaperTimes, number: int, parent: PaperOrder
) -> PaperOrder:
    name = f"{state.opening.account_id}-o{number:06d}-{parent.id}"
    part = _new(state, replace(intent, client_order_id=name), times, number)
    kind = parent.intent.order_class
    return replace(
        part,
        parent=parent.id,
        is_leg=kind is OrderClass.MULTILEG,
        is_held=kind in (OrderClass.BRACKET, OrderClass.OTO),
    )
