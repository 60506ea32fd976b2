from datetime import date, timedelta
from decimal import Decimal

import pytest

from alphalens.assets import Equity, Future, Option
from alphalens.errors import ConfigError, IdTaken, OrderRejected
from alphalens.trading import OrderStatus, Side
from alphalens.trading.orders import Leg, OrderClass, OrderType, TimeInForce

from .test_paper_broker import Venue

D = Decimal
SPY = Equity(symbol="SPY", min_notional=D(50), is_shortable=False)
LEGS = (Leg(symbol="SPY", side=Side.BUY), Leg(symbol="SPY", side=Side.SELL))


def refused(venue: Venue, **fields) -> OrderRejected:
    with pytest.raises(OrderRejected) as refusal:
        venue.send("no", **fields)
    assert venue.broker.order("no") is None
    assert not venue.broker.open_orders()
    return refusal.value


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"quantity": "1.5"}, "lot"),
        ({"quantity": "10", "side": Side.SELL}, "not_shortable"),
        ({"order_type": OrderType.LIMIT, "limit_price": D("90.001")}, "tick"),
        ({"quantity": "1", "order_type": OrderType.LIMIT, "limit_price": D(49)}, "min_notional"),
        ({"symbol": "QQQ"}, "unknown_symbol"),
        ({"account": "P2"}, "wrong_account"),
        ({"quantity": "1000"}, "insufficient_buying_power"),
        ({"time_in_force": TimeInForce.OPG}, "time_in_force"),
        (
            {
                "order_type": OrderType.STOP,
                "stop_price": D(120),
                "time_in_force": TimeInForce.IOC,
            },
            "time_in_force",
        ),
        (
            {
                "order_class": OrderClass.OTO,
                "stop_loss": D(90),
                "time_in_force": TimeInForce.FOK,
            },
            "time_in_force",
        ),
        (
            {
                "order_class": OrderClass.MULTILEG,
                "legs": LEGS,
                "order_type": OrderType.STOP,
                "stop_price": D(120),
            },
            "order_type",
        ),
    ],
)
def test_each_refusal_has_a_code_and_places_nothing(fields, code):
    refusal = refused(Venue(assets={"SPY": SPY}), **fields)
    assert refusal.code == code
    assert str(refusal)


def test_all_broken_rules_of_the_asset_are_told_at_once():
    fields = {"quantity": "0.5", "order_type": OrderType.LIMIT, "limit_price": D("90.001")}
    assert set(refused(Venue(assets={"SPY": SPY}), **fields).details) >= {"lot", "tick"}


def test_asset_of_another_currency_is_refused():
    refusal = refused(Venue(assets={"SPY": Equity(symbol="SPY", currency="EUR")}))
    assert refusal.code == "currency"


def test_sales_that_are_open_already_are_not_offered_twice():
    venue = Venue(can_short=False)
    venue.send("buy", "10")
    venue.next_day("100")
    venue.send("sell", "6", Side.SELL)
    with pytest.raises(OrderRejected, match="2 SPY more would be sold") as refusal:
        venue.send("again", "6", Side.SELL)
    assert refusal.value.code == "not_shortable"
    assert venue.send("rest", "4", Side.SELL).status is OrderStatus.ACCEPTED


def test_taken_id_names_the_order_that_has_it():
    venue = Venue()
    known = venue.send()
    with pytest.raises(IdTaken, match="taken by another order of SPY") as refusal:
        venue.send(quantity="11")
    assert refusal.value.details == {"existing_order_id": known.venue_order_id}


def test_id_that_the_venue_made_for_an_exit_cannot_be_used():
    venue = Venue()
    exits = {"take_profit": D(110), "stop_loss": D(90), "order_class": OrderClass.BRACKET}
    child = venue.send(**exits).children[0]
    with pytest.raises(IdTaken):
        venue.send(child.client_order_id)


def test_buying_power_is_what_the_next_order_may_cost():
    venue = Venue()
    assert venue.broker.account().buying_power == 20_000
    venue.send("a", "50")
    power = venue.broker.account().buying_power
    assert power == 15_000
    with pytest.raises(OrderRejected):
        venue.send("b", str(power / 100 + 1))
    assert venue.send("b", str(power / 100)).status is OrderStatus.ACCEPTED
    assert venue.broker.account().buying_power == 0


def test_limit_above_the_market_is_reserved_at_the_limit():
    venue = Venue()
    venue.send("a", "50", order_type=OrderType.LIMIT, limit_price=D(200))
    assert venue.broker.account().buying_power == 10_000


def test_account_that_lost_everything_is_blocked():
    venue = Venue()
    venue.send("a", "200")
    venue.next_day("100")
    assert not venue.broker.account().is_blocked
    venue.next_day("50")
    assert venue.broker.account().is_blocked


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"max_volume_share": D(0)}, "max_volume_share must be above 0 and at most 1, got 0"),
        ({"max_volume_share": D("1.1")}, "max_volume_share"),
        ({"latency": (timedelta(2), timedelta(1))}, "latency must be"),
        ({"latency": (timedelta(-1), timedelta(1))}, "latency must be"),
        ({"quote_life": timedelta(-1)}, "quote_life must not be negative"),
    ],
)
def test_impossible_settings_are_refused(wrong, match):
    with pytest.raises(ConfigError, match=match):
        Venue(**wrong)


def test_option_costs_its_price_times_the_multiplier():
    call = Option(symbol="AAPL250117C00190000")
    venue = Venue(assets={call.symbol: call}, shown=False)
    venue.show("3", call.symbol)
    venue.send("o1", "2", symbol=call.symbol)
    (fill,) = venue.next_day("3.5", call.symbol)
    assert (fill.multiplier, fill.is_margined) == (100, False)
    assert venue.broker.account().cash == D(10_000) - 700
    assert venue.broker.account().buying_power == 20_000 - 700


def test_future_moves_cash_by_what_it_gains_only():
    mini = Future(symbol="ESZ26", tick=D("0.25"), multiplier=D(50), last_trade=date(2026, 12, 18))
    venue = Venue(assets={mini.symbol: mini}, cash="1000000", shown=False)
    venue.show("5000", mini.symbol)
    venue.send("in", "1", symbol=mini.symbol)
    (fill,) = venue.next_day("5000", mini.symbol)
    assert fill.is_margined
    assert venue.broker.account().cash == 1_000_000
    venue.send("out", "1", Side.SELL, symbol=mini.symbol)
    venue.next_day("5010", mini.symbol)
    assert venue.broker.account().cash == 1_000_500
