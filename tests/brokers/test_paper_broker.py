from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from alphalens.brokers import (
    Broker,
    CostModel,
    FillModel,
    NextClose,
    NextOpen,
    PaperBroker,
    SameClose,
)
from alphalens.errors import BrokerError, ConfigError, DataError, InputError
from alphalens.testing.conformance import BrokerConformance
from alphalens.trading import Bar, OrderIntent, OrderStatus, Side, VirtualClock
from alphalens.trading.orders import OrderType, TimeInForce

D = Decimal

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)
DAY = timedelta(days=1)


class Venue:
    """A paper broker with its clock, moved on day by day."""

    def __init__(
        self, *, fill_model: FillModel | None = None, cash: str = "10000", shown=True, **more
    ) -> None:
        self.clock = VirtualClock(T0)
        self.broker = PaperBroker(
            account_id="P1",
            cash=D(cash),
            clock=self.clock,
            fill_model=NextClose() if fill_model is None else fill_model,
            **{"cost_model": CostModel.free(), **more},
        )
        if shown:
            self.show("100")

    def show(self, close: str, symbol: str = "SPY", **prices: str):
        extra = {name: D(price) for name, price in prices.items()}
        bar = Bar(symbol=symbol, at=self.clock.now(), close=D(close), **extra)
        return self.broker.on_bars([bar])

    def next_day(self, close: str, symbol: str = "SPY", **prices: str):
        self.clock.advance_to(self.clock.now() + DAY)
        return self.show(close, symbol, **prices)

    def send(self, name: str = "o1", quantity: str = "10", side: Side = Side.BUY, **changes):
        return self.broker.submit(self.intent(name, quantity, side, **changes))

    def intent(self, name: str, quantity: str, side: Side, **changes) -> OrderIntent:
        fields = {
            "client_order_id": name,
            "account": "P1",
            "cycle_id": "c1",
            "symbol": "SPY",
            "side": side,
            "quantity": D(quantity),
            "reference_price": D(100),
            "created_at": self.clock.now(),
        }
        return OrderIntent(**fields | changes)


class TestConformance(BrokerConformance):
    shorts = True

    def make_broker(self) -> Broker:
        self.venue = Venue(
            cash="1000000", max_volume_share=D(1), can_short=self.shorts, **self.settings()
        )
        return self.venue.broker

    def settings(self):
        return {}

    def execute(self, broker: Broker) -> None:
        self.set_price(broker, self.price)

    def set_price(self, broker: Broker, price: Decimal) -> None:
        self.venue.next_day(str(price), volume="1000000")

    def fill_partially(self, broker: Broker, quantity: Decimal) -> None:
        self.venue.next_day(str(self.price), volume=str(quantity))


class TestConformanceOnOpens(TestConformance):
    """The default fill model, on bars that stand still."""

    def settings(self):
        return {"fill_model": NextOpen()}

    def set_price(self, broker: Broker, price: Decimal) -> None:
        self.venue.next_day(str(price), open=str(price), volume="1000000")

    def fill_partially(self, broker: Broker, quantity: Decimal) -> None:
        self.venue.next_day(str(self.price), open=str(self.price), volume=str(quantity))


class TestConformanceOfACashAccount(TestConformance):
    shorts = False


def test_next_close_executes_at_the_close_of_the_next_bar():
    venue = Venue()
    venue.send()
    (fill,) = venue.next_day("103")
    assert (fill.price, fill.quantity, fill.at) == (D(103), D(10), T0 + DAY)
    assert venue.broker.account().cash == D(10000) - 1030


def test_default_fill_model_is_the_next_open():
    broker = PaperBroker(account_id="P1", cash=D(1), clock=VirtualClock(T0))
    assert broker.fill_model == NextOpen()
    assert broker.cost_model == CostModel()


def test_next_open_executes_at_the_open_and_not_at_the_close():
    venue = Venue(fill_model=NextOpen())
    venue.send()
    (fill,) = venue.next_day("103", open="101")
    assert fill.price == D(101)


def test_next_open_on_bars_without_opens_says_so_and_executes_nothing():
    venue = Venue(fill_model=NextOpen())
    venue.send()
    with pytest.raises(DataError, match=r"SPY at .* has no open.*next_close by name"):
        venue.next_day("103")
    assert venue.broker.order("o1").status is OrderStatus.ACCEPTED
    assert not venue.broker.fills()


def test_next_open_never_executes_in_a_bar_that_may_have_begun_before_the_order():
    venue = Venue(fill_model=NextOpen())
    venue.clock.advance_to(T0 + timedelta(hours=20))
    venue.send()
    venue.clock.advance_to(T0 + DAY)
    assert venue.show("103", open="101") == ()
    (fill,) = venue.next_day("105", open="104")
    assert fill.price == D(104)


def test_next_open_with_a_bar_length_knows_that_the_session_began_later():
    venue = Venue(fill_model=NextOpen(bar_length=timedelta(hours=6.5)))
    venue.clock.advance_to(T0 + timedelta(seconds=5))
    venue.send()
    venue.clock.advance_to(T0 + DAY)
    (fill,) = venue.show("103", open="101")
    assert fill.price == D(101)


def test_same_close_executes_at_once_at_the_bar_just_ended():
    venue = Venue(fill_model=SameClose())
    answer = venue.send()
    assert answer.status is OrderStatus.FILLED
    assert venue.broker.fills()[0].price == D(100)


def test_same_close_after_the_bar_has_ended_waits_for_the_next_close():
    venue = Venue(fill_model=SameClose())
    venue.clock.advance_to(T0 + timedelta(hours=1))
    assert venue.send().status is OrderStatus.ACCEPTED
    (fill,) = venue.next_day("103")
    assert fill.price == D(103)


def test_same_close_beyond_the_limit_waits_for_the_next_close():
    venue = Venue(fill_model=SameClose())
    order = venue.send(order_type=OrderType.LIMIT, limit_price=D(99))
    assert order.status is OrderStatus.ACCEPTED
    (fill,) = venue.next_day("98")
    assert fill.price == D(98)


def test_costs_are_on_by_default_and_against_the_trader_both_ways():
    venue = Venue(cost_model=CostModel())
    venue.send("buy")
    venue.send("sell", "4", Side.SELL)
    bought, sold = venue.next_day("100")
    assert (bought.price, bought.fee) == (D("100.05"), D("0.1001"))
    assert (sold.price, sold.fee) == (D("99.95"), D("0.0400"))


@pytest.mark.parametrize(
    ("side", "limit", "bar", "expected"),
    [
        (Side.BUY, "99", {"open": "98"}, "98"),
        (Side.BUY, "99", {"open": "100", "low": "98.5"}, "99"),
        (Side.BUY, "99", {"open": "100", "low": "99.5"}, None),
        (Side.BUY, "99", {"open": "100"}, None),
        (Side.SELL, "101", {"open": "102"}, "102"),
        (Side.SELL, "101", {"open": "100", "high": "101.5"}, "101"),
        (Side.SELL, "101", {"open": "100", "high": "100.5"}, None),
    ],
)
def test_limit_order_is_executed_at_its_limit_or_better(side, limit, bar, expected):
    venue = Venue(fill_model=NextOpen())
    venue.send(side=side, order_type=OrderType.LIMIT, limit_price=D(limit))
    fills = venue.next_day("100", **bar)
    assert [fill.price for fill in fills] == ([] if expected is None else [D(expected)])


def test_limit_order_pays_no_spread_beyond_its_limit():
    venue = Venue(cost_model=CostModel(half_spread_bps=D(100)))
    venue.send(order_type=OrderType.LIMIT, limit_price=D("100.5"))
    (fill,) = venue.next_day("100")
    assert fill.price == D("100.5")


def test_day_order_out_of_reach_expires_and_says_why():
    venue = Venue()
    venue.send(order_type=OrderType.LIMIT, limit_price=D(90))
    venue.next_day("100")
    order = venue.broker.order("o1")
    assert order.status is OrderStatus.EXPIRED
    assert "limit was out of reach" in order.reason


def test_day_order_without_a_bar_expires_and_a_gtc_order_waits():
    venue = Venue()
    venue.send("day")
    venue.send("gtc", time_in_force=TimeInForce.GTC)
    venue.next_day("50", "QQQ")
    assert venue.broker.order("day").status is OrderStatus.EXPIRED
    assert "no bar" in venue.broker.order("day").reason
    (fill,) = venue.next_day("101")
    assert (fill.client_order_id, fill.price) == ("gtc", D(101))


def test_buying_power_counts_open_orders_and_frees_nothing_for_open_sales():
    venue = Venue()  # 10,000 of equity, buying power 20,000
    venue.send("a", "100")
    venue.next_day("100")
    venue.send("b", "60", Side.SELL)
    venue.send("c", "90")
    with pytest.raises(BrokerError, match=r"come to 20100\.00 USD, limit is 20000\.00"):
        venue.send("d", "11")


def test_closing_a_position_needs_no_buying_power():
    venue = Venue(leverage=D(1))
    venue.send("a", "100")
    venue.next_day("100")
    venue.next_day("40")
    assert venue.send("b", "100", Side.SELL).status is OrderStatus.ACCEPTED


def test_opening_leg_of_a_flip_needs_buying_power():
    venue = Venue(leverage=D(1))
    venue.send("a", "90")
    venue.next_day("100")
    venue.send("close", "90", Side.SELL)
    with pytest.raises(BrokerError, match="insufficient buying power"):
        venue.send("open", "20", Side.SELL)


def test_order_for_another_account_is_refused():
    with pytest.raises(BrokerError, match="account P2, this is paper account P1"):
        Venue().send(account="P2")


def test_bars_out_of_order_or_doubled_are_refused():
    venue = Venue()
    with pytest.raises(InputError, match="in order"):
        venue.show("101")
    bars = [Bar(symbol="SPY", at=T0 + DAY, close=D(price)) for price in (1, 2)]
    with pytest.raises(InputError, match="more than one"):
        venue.broker.on_bars(bars)


def test_unknown_cursor_is_an_error_and_not_an_empty_answer():
    with pytest.raises(BrokerError, match="started afresh"):
        Venue().broker.fills(after="P1-f000007")


def test_cancel_of_an_order_never_seen_is_an_error():
    with pytest.raises(BrokerError, match="no such order"):
        Venue().broker.cancel("nothing")


@pytest.mark.parametrize("wrong", [{"cash": D(0)}, {"cash": D("NaN")}, {"leverage": D(-1)}])
def test_impossible_account_is_refused(wrong):
    settings = {"account_id": "P1", "cash": D(1), "clock": VirtualClock(T0), **wrong}
    with pytest.raises(ConfigError, match="must be positive and finite"):
        PaperBroker(**settings)


def test_two_venues_shown_the_same_give_the_same_ids_and_fills():
    def history():
        venue = Venue(cost_model=CostModel())
        for day, price in enumerate(("101", "99", "103")):
            venue.send(f"o{day}", str(day + 1), Side.SELL if day % 2 else Side.BUY)
            venue.next_day(price)
        return list(venue.broker.fills())

    assert history() == history()


def test_threads_that_send_the_same_order_at_once_place_one():
    venue = Venue()
    intent = venue.intent("o1", "10", Side.BUY)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(venue.broker.submit, [intent] * 64))
    assert len({answer.venue_order_id for answer in answers}) == 1
    assert len(venue.broker.open_orders()) == 1
