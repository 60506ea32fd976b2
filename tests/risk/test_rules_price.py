from datetime import timedelta

import pytest

from alphalens.risk import ReasonCode
from alphalens.trading import Side
from alphalens.trading.orders import OrderClass, OrderType

from .builders import (
    CALL_100,
    CALL_110,
    NOW,
    D,
    book,
    codes,
    intent,
    legs,
    limit,
    quote,
    wide,
)

C = ReasonCode
BUY, SELL = Side.BUY, Side.SELL
LATE = NOW - timedelta(seconds=901)


def stop(price, side=BUY, **changes):
    return intent("1", side, order_type=OrderType.STOP, stop_price=D(price), **changes)


def bracket(profit, loss, side=BUY, **changes):
    exits = {"take_profit": D(profit), "stop_loss": D(loss)}
    return intent("1", side, **{"order_class": OrderClass.BRACKET} | exits | changes)


@pytest.mark.parametrize(
    ("bid", "ask", "expected"),
    [
        ("99", "101", []),
        ("100", "100", []),
        ("0", "101", [C.BAD_QUOTE]),
        ("-1", "101", [C.BAD_QUOTE]),
        ("NaN", "101", [C.BAD_QUOTE]),
        ("99", "sNaN", [C.BAD_QUOTE]),
        ("99", "Infinity", [C.BAD_QUOTE]),
        ("101", "99", [C.CROSSED_QUOTE]),
        ("97", "103", [C.MAX_SPREAD]),
    ],
)
def test_market_order_needs_a_sound_narrow_quote(bid, ask, expected):
    assert codes(intent(), book(quotes=quote(bid, ask))) == expected


def test_limit_order_guards_itself_against_a_wide_spread_but_not_a_broken_quote():
    assert codes(limit("100"), book(quotes=quote("97", "103"))) == []
    assert codes(limit("100"), book(quotes=quote("101", "99"))) == [C.CROSSED_QUOTE]
    assert codes(intent(), book(quotes=quote("97", "103")), wide(max_spread=None)) == []


def test_stale_quote_is_refused_and_a_fresh_one_stands_in_for_an_old_price():
    assert codes(intent(), book(quotes=quote("99", "101", LATE))) == [C.STALE_PRICE]
    old = {"SPY": LATE}
    assert codes(intent(), book(price_times=old)) == [C.STALE_PRICE]
    assert codes(intent(), book(price_times=old, quotes=quote("99", "101"))) == []
    assert codes(intent(), book(prices={}, quotes=quote("99", "101"))) == []


def test_the_later_of_quote_and_price_is_the_market():
    moved = quote("119", "121")
    assert codes(intent(), book(quotes=moved)) == [C.PRICE_COLLAR]
    before = quote("119", "121", NOW - timedelta(seconds=1))
    assert codes(intent(), book(quotes=before)) == []


@pytest.mark.parametrize("naive", ["price", "quote"])
def test_instant_without_a_time_zone_counts_as_stale(naive):
    bare = NOW.replace(tzinfo=None)
    view = (
        book(price_times={"SPY": bare})
        if naive == "price"
        else book(quotes=quote("99", "101", bare))
    )
    assert codes(intent(), view) == [C.STALE_PRICE]


def test_measured_clock_leaves_a_little_room_for_prices_from_ahead():
    soon = {"SPY": NOW + timedelta(seconds=2)}
    assert codes(intent(), book(price_times=soon)) == [C.STALE_PRICE]
    assert codes(intent(), book(price_times=soon, clock_skew_s=D(0))) == []


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (stop("110"), []),
        (stop("100"), [C.WRONG_SIDE]),
        (stop("95"), [C.WRONG_SIDE]),
        (stop("150"), []),
        (stop("151"), [C.STOP_COLLAR]),
        (stop("90", SELL), []),
        (stop("100", SELL), [C.WRONG_SIDE]),
        (stop("49", SELL), [C.STOP_COLLAR]),
        (stop("200", SELL), [C.WRONG_SIDE, C.STOP_COLLAR]),
    ],
)
def test_stop_lies_beyond_the_market_and_not_absurdly_far(order, expected):
    assert codes(order) == expected


@pytest.mark.parametrize(
    ("side", "stop_at", "limit_at", "expected"),
    [
        (BUY, "120", "126", []),
        (BUY, "120", "127", [C.PRICE_COLLAR]),
        (SELL, "80", "76", []),
        (SELL, "80", "75", [C.PRICE_COLLAR]),
    ],
)
def test_limit_of_a_stop_is_measured_from_the_stop(side, stop_at, limit_at, expected):
    order = intent(
        "1", side, order_type=OrderType.STOP_LIMIT, stop_price=D(stop_at), limit_price=D(limit_at)
    )
    assert codes(order) == expected


@pytest.mark.parametrize(
    ("trail", "expected"),
    [
        ({"trail_fraction": D("0.5")}, []),
        ({"trail_fraction": D("0.51")}, [C.STOP_COLLAR]),
        ({"trail_amount": D(50)}, []),
        ({"trail_amount": D(51)}, [C.STOP_COLLAR]),
    ],
)
def test_trailing_stop_trails_within_the_collar(trail, expected):
    assert codes(intent("1", SELL, order_type=OrderType.TRAILING_STOP, **trail)) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (bracket("110", "90"), []),
        (bracket("90", "110"), [C.WRONG_SIDE, C.WRONG_SIDE]),
        (bracket("100", "90"), [C.WRONG_SIDE]),
        (bracket("110", "100"), [C.WRONG_SIDE]),
        (bracket("300", "49"), [C.STOP_COLLAR]),
        (bracket("90", "110", SELL), []),
        (bracket("110", "90", SELL), [C.WRONG_SIDE, C.WRONG_SIDE]),
        (bracket("110", "90", stop_loss_limit=D("85.5")), []),
        (bracket("110", "90", stop_loss_limit=D(85)), [C.PRICE_COLLAR]),
        (
            bracket("110", "97", order_type=OrderType.LIMIT, limit_price=D("96")),
            [C.WRONG_SIDE],
        ),
        (bracket("110", "90", SELL, order_class=OrderClass.OCO), []),
        (bracket("90", "110", SELL, order_class=OrderClass.OCO), [C.WRONG_SIDE] * 2),
        (intent(order_class=OrderClass.OTO, stop_loss=D(90)), []),
        (intent(order_class=OrderClass.OTO, stop_loss=D(101)), [C.WRONG_SIDE]),
        (intent(order_class=OrderClass.OTO, take_profit=D(99)), [C.WRONG_SIDE]),
    ],
)
def test_exits_lie_on_their_sides_of_the_entry(order, expected):
    assert codes(order) == expected


@pytest.mark.parametrize(("net", "far"), [("3.50", False), ("4.1", True), ("-2", False)])
def test_net_price_of_legs_is_measured_against_what_all_of_them_cost(net, far):
    view = book(
        prices={CALL_100: D(7), CALL_110: D(4)},
        price_times=dict.fromkeys((CALL_100, CALL_110), NOW),
    )
    order = legs(("buy", CALL_100), ("sell", CALL_110), limit_price=D(net))
    assert (C.PRICE_COLLAR in codes(order, view)) is far


def test_every_leg_needs_a_price():
    order = legs(("buy", CALL_100), ("sell", CALL_110))
    found = codes(order, book(prices={CALL_100: D(7)}, price_times={CALL_100: NOW}))
    assert found.count(C.NO_PRICE) >= 1
