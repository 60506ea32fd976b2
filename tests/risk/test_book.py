import pytest

from alphalens.errors import InputError
from alphalens.trading import Side
from alphalens.trading.orders import OrderClass, OrderType

from .builders import (
    CALL_100,
    CALL_110,
    NOW,
    D,
    book,
    intent,
    legs,
    quote,
    sent,
)

EXITS = {"take_profit": D(110), "stop_loss": D(90)}
OCO = {"order_class": OrderClass.OCO, "take_profit": D(110), "stop_loss": D(90)}


def test_instant_without_a_time_zone_is_refused():
    with pytest.raises(InputError, match="no time zone"):
        book(now=NOW.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("held", "side", "quantity", "buys", "sells", "reduces"),
    [
        ("10", Side.SELL, "10", "0", "0", True),
        ("10", Side.SELL, "15", "0", "0", False),
        ("10", Side.SELL, "5", "0", "6", False),
        ("10", Side.SELL, "4", "0", "6", True),
        ("10", Side.SELL, "15", "5", "0", False),
        ("10", Side.SELL, "1", "0", "12", False),
        ("-10", Side.BUY, "10", "0", "7", True),
        ("0", Side.SELL, "1", "5", "0", False),
        ("10", Side.BUY, "1", "0", "20", False),
    ],
)
def test_reducing_counts_what_is_held_and_open_orders_of_its_side_only(
    held, side, quantity, buys, sells, reduces
):
    view = book(
        quantities={"SPY": D(held)}, open_buys={"SPY": D(buys)}, open_sells={"SPY": D(sells)}
    )
    assert view.is_reducing(intent(quantity, side)) is reduces


def test_entry_with_exits_never_reduces_because_its_exits_trade_back():
    view = book(quantities={"SPY": D(-10)})
    assert view.is_reducing(intent("10"))
    assert not view.is_reducing(intent("10", order_class=OrderClass.BRACKET, **EXITS))
    oto = {"order_class": OrderClass.OTO, "stop_loss": D(90)}
    assert not view.is_reducing(intent("10", **oto))


def test_two_exits_that_cancel_each_other_count_once():
    view = book(quantities={"SPY": D(10)})
    assert view.is_reducing(intent("10", Side.SELL, **OCO))
    assert not view.is_reducing(intent("11", Side.SELL, **OCO))


def test_every_leg_has_to_reduce():
    view = book(quantities={CALL_100: D(2), CALL_110: D(-1)})
    closing = (("sell", CALL_100), ("buy", CALL_110))
    assert view.is_reducing(legs(*closing))
    assert not view.is_reducing(legs(*closing, quantity="2"))
    assert not view.is_reducing(legs(("sell", CALL_100), ("sell", CALL_110)))


def test_replacement_takes_over_the_reservation_of_what_it_replaces():
    old = intent("10", Side.SELL, client_order_id="o0")
    view = book(quantities={"SPY": D(10)}).with_order(old)
    assert not view.is_reducing(intent("8", Side.SELL))
    assert view.is_reducing(intent("8", Side.SELL, replaces="o0"))
    after = view.with_order(intent("8", Side.SELL, replaces="o0"))
    assert after.reserved("SPY", Side.SELL) == 8
    assert [order.intent.client_order_id for order in after.orders] == ["o1"]
    assert after.sent == {"o0", "o1"}


def test_sent_order_reserves_each_leg_on_its_side():
    after = book().with_order(legs(("buy", CALL_100), ("sell", CALL_110), quantity="3"))
    assert after.projected() == {CALL_100: D(3), CALL_110: D(-3)}
    assert after.without("o1").projected() == {CALL_100: D(0), CALL_110: D(0)}


def test_only_an_open_order_can_be_taken_away():
    done = sent(intent("5", client_order_id="o0"), remaining="0")
    view = book(orders=(done,), open_buys={"SPY": D(5)})
    assert view.without("o0") is view
    assert view.without("") is view


def test_mark_is_the_last_price_or_else_the_middle_of_a_sound_quote():
    quotes = quote("98", "100")
    assert book(quotes=quotes).mark("SPY") == 100
    assert book(prices={}, quotes=quotes).mark("SPY") == 99
    assert book(prices={"SPY": D("NaN")}, quotes=quotes).mark("SPY") == 99
    assert book(prices={}, quotes=quote("101", "100")).mark("SPY") is None


def test_stop_order_of_the_closing_side_reduces_too():
    view = book(quantities={"SPY": D(10)})
    stop = intent("10", Side.SELL, order_type=OrderType.STOP, stop_price=D(95))
    assert view.is_reducing(stop)
