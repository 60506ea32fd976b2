from dataclasses import replace

import pytest

from alphalens.risk import ReasonCode
from alphalens.trading import Side
from alphalens.trading.orders import OrderType, TimeInForce

from .builders import D, book, codes, intent, limit, sent, wide

C = ReasonCode
BUY, SELL = Side.BUY, Side.SELL


def before(order, **changes):
    """Return a book in which an order went out under another id."""
    return book(orders=(sent(replace(order, client_order_id="o0"), **changes),))


@pytest.mark.parametrize(("age_s", "passes"), [(0, False), (4.9, False), (5, True), (-1, False)])
def test_same_wish_under_another_id_waits_for_the_window(age_s, passes):
    reasons = codes(intent(), before(intent(), age_s=age_s))
    assert reasons == ([] if passes else [C.DUPLICATE_INTENT])


@pytest.mark.parametrize(
    "other",
    [intent("2"), intent(symbol="QQQ"), limit("100"), limit("99")],
)
def test_another_wish_is_no_duplicate(other):
    assert codes(intent(), before(other)) == []


def test_finished_order_counts_as_duplicate_too():
    assert codes(intent(), before(intent(), remaining="0")) == [C.DUPLICATE_INTENT]


def test_replacement_and_second_try_are_no_duplicates():
    assert codes(intent(replaces="o0"), before(intent())) == []
    assert codes(intent(), book(orders=(sent(intent()),))) == []


def test_window_can_be_switched_off():
    assert codes(intent(), before(intent()), wide(duplicate_window_s=None)) == []


@pytest.mark.parametrize(
    ("order", "open_order", "crosses"),
    [
        (intent("2"), intent("1", SELL), True),
        (limit("100", "2"), limit("101", "1", SELL), False),
        (limit("101", "2"), limit("101", "1", SELL), True),
        (limit("101", "2", SELL), limit("100", "1"), False),
        (limit("100", "2", SELL), limit("101", "1"), True),
        (limit("99", "2"), intent("1", SELL, order_type=OrderType.STOP, stop_price=D(95)), True),
        (intent("2"), limit("104", "1", SELL), True),
        (intent("2"), intent("1"), False),
        (intent("2"), intent("1", SELL, symbol="QQQ"), False),
    ],
)
def test_order_never_meets_one_of_our_own(order, open_order, crosses):
    reasons = codes(order, before(open_order, age_s=3600))
    assert reasons == ([C.WASH_TRADE] if crosses else [])


def test_order_that_is_done_or_replaced_stands_in_nobodys_way():
    assert codes(intent("2"), before(intent("1", SELL), remaining="0", age_s=3600)) == []
    assert codes(intent("2", replaces="o0"), before(intent("1", SELL), age_s=3600)) == []


def test_rate_counts_the_last_minute_and_no_more():
    limits = wide(max_orders_per_minute=2)
    orders = tuple(
        sent(intent("9", symbol="QQQ", client_order_id=f"q{age}"), age_s=age, remaining="0")
        for age in (59, 60, 61)
    )
    assert codes(intent(), book(orders=orders), limits) == []
    more = (*orders, sent(intent("8", symbol="QQQ", client_order_id="q"), remaining="0"))
    assert codes(intent(), book(orders=more), limits) == [C.MAX_ORDERS_PER_MINUTE]


def test_open_orders_are_counted_except_for_one_that_reduces():
    limits = wide(max_open_orders=1)
    view = replace(before(intent("9", symbol="QQQ"), age_s=3600), quantities={"SPY": D(5)})
    assert codes(intent("1"), view, limits) == [C.MAX_OPEN_ORDERS]
    assert codes(intent("5", SELL), view, limits) == []
    done = before(intent("9", symbol="QQQ"), age_s=3600, remaining="0")
    assert codes(intent("1"), done, limits) == []


def test_time_in_force_does_not_make_another_wish():
    assert codes(intent(time_in_force=TimeInForce.GTC), before(intent())) == [C.DUPLICATE_INTENT]


def test_two_equal_legs_of_one_stored_plan_are_no_duplicates():
    planned = replace(before(intent()), planned=frozenset({"o0", intent().client_order_id}))
    assert codes(intent(), planned) == []
    other = replace(before(intent()), planned=frozenset({intent().client_order_id}))
    assert codes(intent(), other) == [C.DUPLICATE_INTENT]
