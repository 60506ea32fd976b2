from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

import pytest

from alphalens.brokers._paper.rules import _Reserve
from alphalens.trading.ledger import Ledger
from alphalens.trading.orders import OrderClass, OrderStatus
from alphalens.trading.states import may_follow

from .paper_day import CASH, Day

D = Decimal


@pytest.mark.parametrize("seed", range(10))
def test_any_sequence_of_calls_keeps_the_book_whole(seed):
    day = Day(seed)
    statuses: dict[str, OrderStatus] = {}
    for _ in range(250):
        day.call()
        for update in day.broker.updates():
            order = update.order
            before = statuses.get(order.client_order_id, order.status)
            assert may_follow(before, order.status), (update.event, before, order)
            statuses[order.client_order_id] = order.status
        if day.step % 25 == 0:
            check(day)
    assert len(day.broker.fills()) > 20


def check(day: Day) -> None:
    broker = day.broker
    book = Ledger(CASH)
    units: dict[str, Decimal] = defaultdict(Decimal)
    for fill in broker.fills():
        units[fill.client_order_id] += fill.quantity
        assert fill.cumulative == units[fill.client_order_id]
    moves = sorted([*broker.fills(), *broker.activities()], key=lambda move: move.at)
    if not any(hasattr(move, "new") for move in moves):
        for move in moves:
            book.record(move)
        assert book.cash == broker.account().cash
        held = {symbol: p.quantity for symbol, p in book.positions.items()}
        assert held == dict(broker.positions())
    known = {}
    for name in day.sent:
        order = broker.order(name)
        known |= {one.client_order_id: one for one in (order, *order.children)}
    for order in known.values():
        if order.order_class is not OrderClass.MULTILEG:
            assert order.filled_quantity == units[order.client_order_id]
        assert D(0) <= order.filled_quantity <= order.quantity
        assert (order.status is OrderStatus.FILLED) == (order.filled_quantity == order.quantity)
        if order.order_class is OrderClass.MULTILEG:
            assert {leg.status for leg in order.children} == {order.status} or not (
                order.status.is_final or any(leg.status.is_final for leg in order.children)
            )
            parts = {leg.filled_quantity == leg.quantity for leg in order.children}
            assert len(parts) == 1, "a multi-leg order is executed as a whole"
    open_now = {order.client_order_id for order in broker.open_orders()}
    assert open_now >= {name for name, order in known.items() if not order.status.is_final}
    counted_anew = replace(broker._rules, _kept=_Reserve())
    anew = counted_anew.buying_power(broker._keeper.state)
    assert broker.account().buying_power == anew >= 0
