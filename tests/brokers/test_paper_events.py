from datetime import timedelta
from decimal import Decimal

import pytest

from alphalens.brokers import Financing
from alphalens.errors import InputError
from alphalens.trading import OrderStatus, Side
from alphalens.trading.activities import CashFlow, CashKind, Split
from alphalens.trading.orders import OrderType, TimeInForce

from .test_paper_broker import DAY, T0, Venue

D = Decimal
LIMIT = {"order_type": OrderType.LIMIT, "time_in_force": TimeInForce.GTC}
STOP = {"order_type": OrderType.STOP, "time_in_force": TimeInForce.GTC}


def split(new: int, old: int, name: str = "s1") -> Split:
    return Split(activity_id=name, symbol="SPY", new=D(new), old=D(old), at=T0 + DAY)


@pytest.fixture
def holding() -> Venue:
    venue = Venue()
    venue.send("buy", "10")
    venue.next_day("100")
    return venue


def test_split_multiplies_units_and_orders_and_leaves_the_value(holding):
    holding.send("low", "3", limit_price=D(90), **LIMIT)
    before = holding.broker.account()
    assert holding.broker.on_activity(split(4, 1))
    assert dict(holding.broker.positions()) == {"SPY": 40}
    order = holding.broker.order("low")
    assert (order.quantity, order.limit_price) == (12, D("22.5"))
    after = holding.broker.account()
    assert (after.cash, after.buying_power) == (before.cash, before.buying_power)
    (fill,) = holding.next_day("22")
    assert (fill.quantity, fill.price, fill.cumulative) == (12, 22, 12)


def test_split_keeps_what_an_order_has_executed():
    venue = Venue(max_volume_share=D(1))
    venue.send("o1", "10", limit_price=D(100), **LIMIT)
    venue.next_day("100", volume="4")
    venue.broker.on_activity(split(3, 2))
    order = venue.broker.order("o1")
    assert (order.filled_quantity, order.quantity) == (4, 4 + 9)
    assert dict(venue.broker.positions()) == {"SPY": 6}


def test_reverse_split_cancels_open_orders(holding):
    holding.send("low", limit_price=D(90), **LIMIT)
    holding.broker.on_activity(split(1, 10))
    order = holding.broker.order("low")
    assert order.status is OrderStatus.CANCELED
    assert "1 for 10 split of SPY" in order.reason
    assert dict(holding.broker.positions()) == {"SPY": 1}


def test_activity_is_booked_once_per_id(holding):
    assert holding.broker.on_activity(split(2, 1))
    assert not holding.broker.on_activity(split(2, 1))
    with pytest.raises(InputError):
        holding.broker.on_activity(split(3, 1))
    assert dict(holding.broker.positions()) == {"SPY": 20}
    assert len(holding.broker.activities()) == 1


@pytest.mark.parametrize(("side", "amount"), [(Side.BUY, 5), (Side.SELL, -5)])
def test_dividend_is_paid_to_the_holder_and_by_who_is_short(side, amount):
    venue = Venue()
    venue.send("o", "10", side)
    venue.next_day("100")
    before = venue.broker.account().cash
    flow = venue.broker.on_dividend("SPY", D("0.5"), at=T0 + DAY)
    assert (flow.kind, flow.amount, flow.symbol) == (CashKind.DIVIDEND, amount, "SPY")
    assert venue.broker.account().cash == before + amount
    assert list(venue.broker.activities()) == [flow]


def test_dividend_lowers_purchases_at_a_limit_and_sales_at_a_stop_only(holding):
    holding.send("buy limit", "1", limit_price=D(90), **LIMIT)
    holding.send("sell limit", "1", Side.SELL, limit_price=D(120), **LIMIT)
    holding.send("sell stop", "1", Side.SELL, stop_price=D(80), **STOP)
    holding.send("buy stop", "1", stop_price=D(120), **STOP)
    holding.send("tiny", "1", limit_price=D("0.5"), **LIMIT)
    holding.broker.on_dividend("SPY", D("0.5"), at=T0 + DAY)
    orders = {name: holding.broker.order(name) for name in ("buy limit", "sell limit", "tiny")}
    assert orders["buy limit"].limit_price == D("89.5")
    assert orders["sell limit"].limit_price == 120
    assert orders["tiny"].status is OrderStatus.CANCELED
    assert holding.broker.order("sell stop").stop_price == D("79.5")
    assert holding.broker.order("buy stop").stop_price == 120


def test_dividend_on_nothing_is_nothing_and_an_impossible_one_is_refused(holding):
    assert holding.broker.on_dividend("QQQ", D(1), at=T0) is None
    with pytest.raises(InputError, match="must be positive and finite, got -1"):
        holding.broker.on_dividend("SPY", D(-1), at=T0)


def test_borrowing_is_charged_for_each_midnight_at_the_price_before():
    rates = Financing(borrow_rate=D("0.36"), margin_rate=D("0.36"))
    venue = Venue(financing=rates)
    venue.send("short", "10", Side.SELL)
    venue.next_day("100")
    assert not venue.broker.activities()
    venue.clock.advance_to(venue.clock.now() + 2 * DAY)
    venue.next_day("110")
    (flow,) = venue.broker.activities()
    assert (flow.kind, flow.amount, flow.symbol) == (CashKind.BORROW, D(-3), "SPY")
    venue.next_day("110")
    assert [a.amount for a in venue.broker.activities()] == [D(-3), D("-1.1")]


def test_negative_cash_pays_interest_and_bars_of_one_day_charge_nothing():
    venue = Venue(financing=Financing(margin_rate=D("0.36")))
    venue.send("o", "150")
    venue.next_day("100")
    venue.clock.advance_to(venue.clock.now() + timedelta(hours=1))
    venue.show("100")
    assert not venue.broker.activities()
    venue.next_day("100")
    (flow,) = venue.broker.activities()
    assert (flow.kind, flow.amount) == (CashKind.INTEREST, D(-5))
    assert venue.broker.account().cash == D(10000) - 15000 - 5


def test_money_from_outside_is_booked(holding):
    before = holding.broker.account().cash
    flow = CashFlow(activity_id="t1", kind=CashKind.TRANSFER, amount=D(500), at=T0 + DAY)
    holding.broker.on_activity(flow)
    assert holding.broker.account().cash == before + 500
    assert list(holding.broker.activities(after="")) == [flow]
    assert not holding.broker.activities(after="t1")
