from datetime import UTC, datetime, timedelta

import pytest

from alphalens.risk import ReasonCode
from alphalens.trading import Side
from alphalens.trading.orders import OrderClass, OrderType, TimeInForce

from .builders import CALL_100, CALL_110, D, book, codes, intent, legs, limit, session

C, F = ReasonCode, TimeInForce
OPEN_AT = datetime(2024, 1, 3, 14, 30, tzinfo=UTC)
CLOSE_AT = datetime(2024, 1, 2, 21, tzinfo=UTC)
OPEN, CLOSED = session(is_open=True), session(is_open=False)
SHUT = [C.SESSION_CLOSED]


def at(instant, **changes):
    """Return a book at another instant, its prices fresh."""
    times = dict.fromkeys(("SPY", "QQQ"), instant)
    return book(now=instant, price_times=times, **changes)


@pytest.mark.parametrize(
    ("order", "open_", "closed"),
    [
        (intent(), [], SHUT),
        (intent(time_in_force=F.GTC), [], SHUT),
        (limit("100"), [], []),
        (limit("100", time_in_force=F.IOC), [], SHUT),
        (limit("100", time_in_force=F.FOK), [], SHUT),
        (intent(order_type=OrderType.STOP, stop_price=D(110)), [], []),
        (intent(time_in_force=F.OPG), SHUT, []),
        (intent(time_in_force=F.CLS), [], []),
    ],
)
def test_what_cannot_wait_needs_an_open_market(order, open_, closed):
    assert codes(order, book(sessions=OPEN)) == open_
    assert codes(order, book(sessions=CLOSED)) == closed


def test_two_exits_of_a_position_may_wait_for_the_opening():
    order = intent("5", Side.SELL, order_class=OrderClass.OCO, take_profit=D(110), stop_loss=D(90))
    assert codes(order, book(sessions=CLOSED, quantities={"SPY": D(5)})) == []


def test_session_told_as_open_is_over_at_its_close():
    assert codes(intent(), at(CLOSE_AT, sessions=OPEN)) == SHUT


@pytest.mark.parametrize(
    ("tif", "instant", "is_open", "passes"),
    [
        (F.OPG, OPEN_AT - timedelta(minutes=2), False, True),
        (F.OPG, OPEN_AT - timedelta(minutes=2) + timedelta(seconds=1), False, False),
        (F.CLS, CLOSE_AT - timedelta(minutes=10), True, True),
        (F.CLS, CLOSE_AT - timedelta(minutes=10) + timedelta(seconds=1), True, False),
        (F.CLS, OPEN_AT - timedelta(minutes=1), False, True),
    ],
)
def test_orders_for_an_auction_come_before_its_cutoff(tif, instant, is_open, passes):
    view = at(instant, sessions=session(is_open=is_open))
    assert codes(intent(time_in_force=tif), view) == ([] if passes else SHUT)


@pytest.mark.parametrize("tif", [F.OPG, F.CLS])
@pytest.mark.parametrize(("hours", "passes"), [(2.9, False), (3, True)])
def test_no_order_for_an_auction_is_taken_right_after_the_close(tif, hours, passes):
    evening = session(is_open=False, last_close=CLOSE_AT)
    view = at(CLOSE_AT + timedelta(hours=hours), sessions=evening)
    assert codes(intent(time_in_force=tif), view) == ([] if passes else SHUT)


def test_extended_hours_take_plain_limit_orders_of_the_day():
    early = session(is_open=False, is_extended=True)
    assert codes(limit("100", is_extended_hours=True), book(sessions=early)) == []
    for order in (
        intent(is_extended_hours=True),
        limit("100", is_extended_hours=True, time_in_force=F.GTC),
        limit(
            "100",
            is_extended_hours=True,
            order_class=OrderClass.BRACKET,
            take_profit=D(110),
            stop_loss=D(90),
        ),
    ):
        assert C.EXTENDED_HOURS in codes(order)


def test_market_without_told_hours_is_not_judged():
    assert codes(intent(), book(sessions={"CME": CLOSED["XNYS"]})) == []


def test_halted_market_keeps_limits_and_refuses_market_orders():
    view = book(halted=frozenset({"SPY"}))
    assert codes(intent(), view) == [C.SYMBOL_HALTED]
    assert codes(limit("100"), view) == []
    assert codes(intent(symbol="QQQ"), view) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("unresolved", C.UNRESOLVED),
        ("frozen", C.SYMBOL_FROZEN),
        ("external", C.EXTERNAL_POSITION),
    ],
)
def test_mark_on_one_symbol_holds_its_orders_closings_too_and_no_others(name, code):
    view = book(quantities={"SPY": D(5)}, **{name: frozenset({"SPY"})})
    assert codes(intent(), view) == [code]
    assert codes(intent("5", Side.SELL), view) == [code]
    assert codes(intent(symbol="QQQ"), view) == []


def test_mark_on_one_leg_holds_the_whole_order():
    order = legs(("buy", CALL_100), ("sell", CALL_110))
    assert C.SYMBOL_FROZEN in codes(order, book(frozen=frozenset({CALL_110})))
