from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from alphalens.brokers import CostModel, SizedQuote
from alphalens.errors import DataError, InputError
from alphalens.trading import Bar, OrderStatus, Quote, Side
from alphalens.trading.orders import Leg, OrderClass, OrderType, TimeInForce

from .test_paper_broker import Venue

D = Decimal
S, T = OrderStatus, TimeInForce
SECOND = timedelta(seconds=1)
GTC = {"time_in_force": T.GTC}


class Live(Venue):
    """A venue on quotes, moved on second by second."""

    def __init__(self, **more) -> None:
        super().__init__(shown=False, **more)

    def quote(self, bid: str, ask: str, size: int | None = None, *, symbol="SPY", after=SECOND):
        self.clock.advance_to(self.clock.now() + after)
        fields = {"symbol": symbol, "at": self.clock.now(), "bid": D(bid), "ask": D(ask)}
        if size is None:
            return self.broker.on_quotes([Quote(**fields)])
        sized = SizedQuote(**fields, bid_size=D(size), ask_size=D(size))
        return self.broker.on_quotes([sized])


@pytest.fixture
def live() -> Live:
    venue = Live()
    venue.quote("99", "100")
    return venue


def test_market_order_crosses_the_quote_at_once(live):
    assert live.send("buy").average_price == 100
    assert live.send("sell", side=Side.SELL).average_price == 99


def test_quote_pays_commission_and_no_spread_beside_its_own():
    live = Live(cost_model=CostModel())
    live.quote("99", "100")
    live.send()
    (fill,) = live.broker.fills()
    assert (fill.price, fill.fee) == (100, D("0.1"))


def test_old_quote_is_not_crossed_but_the_next_one_is(live):
    live.clock.advance_to(live.clock.now() + 6 * SECOND)
    assert live.send().status is S.ACCEPTED
    (fill,) = live.quote("101", "102")
    assert fill.price == 102


def test_size_limits_what_is_executed_and_is_used_up(live):
    live.quote("99", "100", 6)
    first = live.send("a", "4", **GTC)
    second = live.send("b", "4", **GTC)
    assert (first.status, second.filled_quantity, second.status) == (S.FILLED, 2, S.PARTIAL)
    (fill,) = live.quote("99", "101", 6)
    assert (fill.quantity, fill.price) == (2, 101)


@pytest.mark.parametrize(("tif", "filled"), [(T.IOC, 6), (T.FOK, 0)])
def test_at_once_orders_end_with_the_quote_they_meet(live, tif, filled):
    live.quote("99", "100", 6)
    order = live.send(time_in_force=tif)
    assert (order.status, order.filled_quantity) == (S.CANCELED, filled)


def test_limit_that_crosses_pays_the_quote_and_one_that_stood_its_own_price(live):
    crossing = live.send("a", order_type=OrderType.LIMIT, limit_price=D(105))
    assert crossing.average_price == 100
    live.send("b", order_type=OrderType.LIMIT, limit_price=D(98), **GTC)
    assert live.quote("98", "99") == ()
    (fill,) = live.quote("96", "97")
    assert fill.price == 98


def test_stop_is_woken_by_the_side_it_would_trade_on(live):
    live.send(side=Side.SELL, order_type=OrderType.STOP, stop_price=D(95), **GTC)
    assert live.quote("95.01", "95.02") == ()
    (fill,) = live.quote("94", "99")
    assert fill.price == 94


def test_trailing_stop_follows_the_bid(live):
    live.send(side=Side.SELL, order_type=OrderType.TRAILING_STOP, trail_amount=D(2), **GTC)
    for bid in ("101", "104", "102.5"):
        assert live.quote(bid, "105") == ()
    (fill,) = live.quote("102", "105")
    assert fill.price == 102


def test_bracket_exits_work_from_the_execution_on(live):
    exits = {"take_profit": D(110), "stop_loss": D(90), "order_class": OrderClass.BRACKET}
    live.send(**exits, **GTC)
    (fill,) = live.quote("111", "112")
    assert fill.price == 111
    assert not live.broker.open_orders()


def test_multileg_order_needs_fresh_quotes_of_all_legs(live):
    live.quote("10", "11", symbol="A")
    spread = (Leg(symbol="SPY", side=Side.BUY), Leg(symbol="A", side=Side.SELL))
    done = live.send("spread", "2", order_class=OrderClass.MULTILEG, legs=spread, **GTC)
    assert (done.status, done.average_price) == (S.FILLED, 90)
    live.clock.advance_to(live.clock.now() + 10 * SECOND)
    live.send("again", "2", order_class=OrderClass.MULTILEG, legs=spread, **GTC)
    assert live.quote("99", "100") == ()
    assert len(live.quote("10", "11", symbol="A")) == 2


def test_day_order_ends_with_the_day_of_utc_without_a_calendar(live):
    live.send(order_type=OrderType.LIMIT, limit_price=D(50))
    live.quote("99", "100", after=timedelta(hours=2))
    assert live.broker.order("o1").status is S.ACCEPTED
    live.quote("40", "41", after=timedelta(hours=2))
    assert live.broker.order("o1").status is S.EXPIRED
    assert not live.broker.fills()


def test_only_extended_hours_trade_outside_the_session():
    live = Live(calendar="XNYS")
    live.clock.advance_to(datetime(2024, 1, 3, 12, tzinfo=UTC))
    live.quote("99", "100")
    limit = {"order_type": OrderType.LIMIT, "limit_price": D(101)}
    assert live.send("regular", **limit).status is S.ACCEPTED
    assert live.send("early", is_extended_hours=True, **limit).status is S.FILLED
    live.clock.advance_to(datetime(2024, 1, 3, 14, 30, tzinfo=UTC))
    (fill,) = live.quote("99", "100")
    assert fill.client_order_id == "regular"


def test_bars_of_a_quoted_asset_mark_it_and_hold_its_auctions(live):
    live.send("rests", order_type=OrderType.LIMIT, limit_price=D(98), **GTC)
    live.send("close", time_in_force=T.CLS)
    live.clock.advance_to(live.clock.now() + timedelta(minutes=1))
    bar = Bar(symbol="SPY", at=live.clock.now(), open=D(97), close=D(96))
    (fill,) = live.broker.on_bars([bar])
    assert (fill.client_order_id, fill.price) == ("close", 96)
    assert live.broker.order("rests").status is S.ACCEPTED


@pytest.mark.parametrize(
    ("bid", "ask"), [("101", "100"), ("0", "1"), ("NaN", "1"), ("1", "Infinity"), ("-1", "1")]
)
def test_quote_that_nobody_could_trade_on_is_refused(live, bid, ask):
    with pytest.raises(DataError, match="cannot be traded on"):
        live.quote(bid, ask)
    assert live.send().average_price == 100


def test_negative_size_is_refused(live):
    with pytest.raises(DataError, match="cannot be traded on"):
        live.quote("99", "100", -1)


def test_quotes_out_of_order_are_refused_and_none_is_taken(live):
    at = live.clock.now()
    quotes = [Quote(symbol="SPY", at=at + n * SECOND, bid=D(10), ask=D(11)) for n in (2, 1)]
    with pytest.raises(InputError, match="show them in order"):
        live.broker.on_quotes(quotes)
    assert live.broker.last_instant == at


def test_unfetched_messages_are_a_gap_and_not_a_growing_memory(live):
    for number in range(5001):
        live.send(f"o{number}", "1", Side.BUY if number % 2 else Side.SELL)
    assert live.broker.connection().gaps == 1
    assert len(live.broker.updates()) < 10_000
