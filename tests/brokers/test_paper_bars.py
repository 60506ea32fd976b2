"""Types, lives and classes of orders on bars; the venue fills at opens."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from alphalens.brokers import CostModel, Impact, NextClose, NextOpen
from alphalens.errors import BrokerError, DataError
from alphalens.trading import Bar, OrderStatus, Side
from alphalens.trading.orders import Leg, OrderClass, OrderType, TimeInForce

from .test_paper_broker import DAY, T0, Venue

D = Decimal
S, T = OrderStatus, TimeInForce
GTC = {"time_in_force": T.GTC}
BRACKET = {"order_class": OrderClass.BRACKET, "take_profit": D(110), "stop_loss": D(90), **GTC}


def opens(**more) -> Venue:
    return Venue(fill_model=NextOpen(), **{"cash": "100000", **more})


def day(venue: Venue, path: str, volume: str = "1000000"):
    opened, high, low, close = path.split()
    return venue.next_day(close, open=opened, high=high, low=low, volume=volume)


def prices(fills) -> list[Decimal]:
    return [fill.price for fill in fills]


def status(venue: Venue, name: str = "o1") -> OrderStatus:
    return venue.broker.order(name).status


def test_stop_through_a_gap_is_executed_at_the_open():
    venue = opens()
    venue.send(side=Side.SELL, order_type=OrderType.STOP, stop_price=D(95), **GTC)
    assert day(venue, "99 100 96 98") == ()
    assert prices(day(venue, "91 93 90 92")) == [91]


def test_stop_that_was_reached_executes_what_is_left_at_the_next_open():
    venue = opens(max_volume_share=D("0.1"))
    venue.send(side=Side.SELL, order_type=OrderType.STOP, stop_price=D(95), **GTC)
    assert prices(day(venue, "99 100 94 98", volume="40")) == [95]
    assert prices(day(venue, "99 100 98 99")) == [99]
    assert status(venue) is S.FILLED


def test_trailing_stop_remembers_the_best_price_from_bar_to_bar():
    venue = opens()
    venue.send(side=Side.SELL, order_type=OrderType.TRAILING_STOP, trail_amount=D(5), **GTC)
    assert day(venue, "101 108 101 107") == ()
    assert venue.broker.order("o1").stop_price == 103
    assert prices(day(venue, "106 107 102 105")) == [103]


def test_volume_is_shared_by_the_orders_of_an_asset_in_their_order():
    venue = opens(max_volume_share=D("0.5"))
    venue.send("a", "7", **GTC)
    venue.send("b", "7", **GTC)
    fills = day(venue, "100 100 100 100", volume="21")
    assert [(f.client_order_id, f.quantity) for f in fills] == [("a", 7), ("b", 3)]
    assert (status(venue, "b"), venue.broker.order("b").filled_quantity) == (S.PARTIAL, 3)


def test_rest_of_a_day_order_expires_with_its_bar_and_says_why():
    venue = opens(max_volume_share=D("0.5"))
    venue.send()
    day(venue, "100 100 100 100", volume="8")
    order = venue.broker.order("o1")
    assert (order.status, order.filled_quantity) == (S.EXPIRED, 4)
    assert "not enough volume" in order.reason


@pytest.mark.parametrize(
    "more", [{"max_volume_share": D(1)}, {"cost_model": CostModel(impact=Impact())}]
)
def test_bars_without_volume_are_refused_where_it_is_needed(more):
    venue = opens(**more)
    venue.send()
    with pytest.raises(DataError, match=r"SPY at .* has no volume \(got None\)"):
        venue.next_day("100", open="100")
    assert status(venue) is S.ACCEPTED
    assert venue.broker.last_instant == T0


@pytest.mark.parametrize(
    ("tif", "volume", "filled", "ended"),
    [
        (T.IOC, "10", 5, S.CANCELED),
        (T.IOC, "100", 10, S.FILLED),
        (T.FOK, "10", 0, S.CANCELED),
        (T.FOK, "100", 10, S.FILLED),
    ],
)
def test_at_once_orders_take_what_the_first_price_has_or_all(tif, volume, filled, ended):
    venue = opens(max_volume_share=D("0.5"))
    venue.send(time_in_force=tif)
    day(venue, "100 101 99 100", volume=volume)
    order = venue.broker.order("o1")
    assert (order.status, order.filled_quantity) == (ended, filled)


@pytest.mark.parametrize("tif", [T.IOC, T.FOK, T.OPG])
def test_limit_that_only_the_path_reaches_is_too_late_for_the_first_price(tif):
    venue = opens()
    venue.send(time_in_force=tif, order_type=OrderType.LIMIT, limit_price=D(98))
    assert day(venue, "100 101 97 100") == ()
    assert status(venue).is_final


def test_auctions_are_the_open_and_the_close():
    venue = opens()
    venue.send("open", time_in_force=T.OPG)
    venue.send("close", time_in_force=T.CLS)
    fills = day(venue, "101 105 99 103")
    assert [(f.client_order_id, f.price) for f in fills] == [("open", 101), ("close", 103)]


def test_opening_auction_needs_a_model_with_opens():
    assert T.OPG in opens().broker.capabilities.times_in_force
    assert T.OPG not in Venue(fill_model=NextClose()).broker.capabilities.times_in_force


def test_stop_loss_comes_first_where_a_bar_reaches_both_exits():
    venue = opens()
    venue.send(**BRACKET)
    day(venue, "100 101 99 100")
    assert prices(day(venue, "100 115 85 100")) == [90]
    profit, loss = venue.broker.order("o1").children
    assert (profit.status, loss.status) == (S.CANCELED, S.FILLED)
    assert "other exit was executed" in profit.reason
    assert dict(venue.broker.positions()) == {}


def test_exits_are_met_by_the_rest_of_the_bar_that_opened_the_position():
    venue = opens()
    venue.send(**BRACKET)
    assert prices(day(venue, "100 101 89 95")) == [100, 90]


@pytest.mark.parametrize(
    ("path", "expected"), [("103 115 98 100", [99]), ("103 104 85 100", [99, 90])]
)
def test_after_an_entry_inside_the_bar_only_the_worse_end_is_taken_to_follow(path, expected):
    venue = opens()
    venue.send(order_type=OrderType.LIMIT, limit_price=D(99), **BRACKET)
    assert prices(day(venue, path)) == expected


def test_exits_are_held_while_the_entry_is_executed_in_part():
    venue = opens(max_volume_share=D(1))
    venue.send(**BRACKET)
    day(venue, "100 100 100 100", volume="4")
    assert {o.venue_status for o in venue.broker.order("o1").children} == {"held"}
    assert prices(day(venue, "80 80 80 80", volume="6")) == [80]
    # The entry took all of the volume; the stop that was jumped over has to wait for more.
    assert prices(day(venue, "85 85 85 85")) == [85]
    assert dict(venue.broker.positions()) == {}


def test_exits_of_an_entry_canceled_half_way_work_for_that_half():
    venue = opens(max_volume_share=D(1))
    venue.send(**BRACKET)
    day(venue, "100 100 100 100", volume="4")
    venue.broker.cancel("o1")
    assert {o.quantity for o in venue.broker.open_orders()} == {D(4)}
    assert prices(day(venue, "112 113 111 112")) == [112]
    assert dict(venue.broker.positions()) == {}


def test_what_one_exit_executes_is_taken_off_the_other():
    venue = opens(max_volume_share=D(1))
    venue.send(**BRACKET)
    day(venue, "100 100 100 100")
    day(venue, "110 110 110 110", volume="3")
    profit, loss = venue.broker.order("o1").children
    assert (profit.filled_quantity, loss.quantity) == (3, 7)
    assert [f.quantity for f in day(venue, "90 90 90 90")] == [7]
    assert dict(venue.broker.positions()) == {}


def test_cancel_of_one_exit_ends_the_other():
    venue = opens()
    venue.send(**BRACKET)
    day(venue, "100 100 100 100")
    venue.broker.cancel(venue.broker.open_orders()[0].client_order_id)
    assert not venue.broker.open_orders()


def test_oco_is_a_limit_order_of_our_id_with_a_stop_beside_it():
    venue = opens()
    venue.send("buy")
    day(venue, "100 100 100 100")
    exits = {"order_class": OrderClass.OCO, "take_profit": D(110), "stop_loss": D(90), **GTC}
    venue.send("exits", side=Side.SELL, **exits)
    assert venue.broker.order("exits").limit_price == 110
    assert prices(day(venue, "88 89 87 88")) == [88]
    assert status(venue, "exits") is S.CANCELED
    assert not venue.broker.open_orders()


def test_oto_has_one_exit_and_a_stop_loss_may_have_a_limit():
    venue = opens()
    venue.send(order_class=OrderClass.OTO, stop_loss=D(90), stop_loss_limit=D(89), **GTC)
    day(venue, "100 100 100 100")
    (child,) = venue.broker.order("o1").children
    assert (child.order_type, child.limit_price) == (OrderType.STOP_LIMIT, 89)
    assert day(venue, "80 85 79 84") == ()
    assert prices(day(venue, "88 90 88 89")) == [89]


def test_stop_loss_can_be_moved_and_stays_an_exit():
    venue = opens()
    venue.send(**BRACKET)
    day(venue, "100 100 100 100")
    loss = venue.broker.order("o1").children[1]
    moved = venue.intent(
        "moved", "10", Side.SELL, order_type=OrderType.STOP, stop_price=D(95), **GTC
    )
    answer = venue.broker.replace(loss.client_order_id, moved)
    assert answer.parent == venue.broker.order("o1").venue_order_id
    assert prices(day(venue, "99 99 94 99")) == [95]
    assert not venue.broker.open_orders()


def legs(venue: Venue, **more):
    venue.show_all = lambda a, b: venue.broker.on_bars(
        [
            Bar(symbol=s, at=venue.clock.now(), open=D(p), close=D(p), volume=D(v))
            for s, (p, v) in {"A": a, "B": b}.items()
        ]
    )
    venue.clock.advance_to(venue.clock.now() + DAY)
    venue.show_all(("10", 100), ("3", 100))
    spread = (Leg(symbol="A", side=Side.BUY), Leg(symbol="B", side=Side.SELL, ratio=2))
    venue.send("spread", "5", order_class=OrderClass.MULTILEG, legs=spread, **{**GTC, **more})
    venue.clock.advance_to(venue.clock.now() + DAY)


def test_multileg_order_is_executed_as_a_whole():
    venue = opens()
    legs(venue)
    fills = venue.show_all(("11", 100), ("4", 100))
    assert [(f.symbol, f.side, f.quantity, f.price) for f in fills] == [
        ("A", Side.BUY, 5, 11),
        ("B", Side.SELL, 10, 4),
    ]
    order = venue.broker.order("spread")
    assert (order.status, order.filled_quantity, order.average_price) == (S.FILLED, 5, 3)
    assert {leg.status for leg in order.children} == {S.FILLED}
    assert venue.broker.account().cash == D(100_000) - 15


@pytest.mark.parametrize(
    ("a", "b", "limit"),
    [
        (("11", 100), ("4", 9), None),  # one leg has not enough volume
        (("11", 100), ("4", 100), "2.99"),  # the net price is 3
    ],
)
def test_multileg_order_is_not_executed_in_part_nor_beyond_its_net_limit(a, b, limit):
    venue = opens(max_volume_share=D(1))
    more = {} if limit is None else {"order_type": OrderType.LIMIT, "limit_price": D(limit)}
    legs(venue, **more)
    assert venue.show_all(a, b) == ()
    assert status(venue, "spread") is S.ACCEPTED
    with pytest.raises(BrokerError, match="a leg of spread: cancel that one"):
        venue.broker.cancel(venue.broker.order("spread").children[0].client_order_id)
    venue.broker.cancel("spread")
    assert not venue.broker.open_orders()


def test_replacement_is_refused_with_the_old_order_left_as_it_was():
    venue = opens(cash="1000")
    venue.send(order_type=OrderType.LIMIT, limit_price=D(90), **GTC)
    old = venue.intent("o1", "10", Side.BUY, order_type=OrderType.LIMIT, limit_price=D(90), **GTC)
    for changes, code in [
        ({"quantity": D(1000)}, "insufficient_buying_power"),
        ({"side": Side.SELL}, "not_replaceable"),
    ]:
        with pytest.raises(BrokerError) as refusal:
            venue.broker.replace("o1", replace(old, client_order_id="new", **changes))
        assert refusal.value.code == code
    assert status(venue) is S.ACCEPTED
    assert venue.broker.order("new") is None
    assert len(venue.broker.replace("o1", replace(old, client_order_id="new")).replaces) > 0


def test_latency_delays_orders_and_cancels_the_same_in_every_run():
    def run(seed: int):
        late = (timedelta(hours=1), timedelta(hours=47))
        venue = opens(latency=late, seed=seed)
        for number in range(6):
            venue.send(f"o{number}", **GTC)
        first = [f.client_order_id for f in day(venue, "100 100 100 100")]
        for number in range(6):
            venue.broker.cancel(f"o{number}")
        pending = [o.client_order_id for o in venue.broker.open_orders()]
        assert {o.status for o in venue.broker.open_orders()} <= {S.PENDING_CANCEL}
        later = [f.client_order_id for n in range(3) for f in day(venue, "100 100 100 100")]
        assert set(later) <= set(pending)
        assert not venue.broker.open_orders()
        return first, later

    runs = [run(seed) for seed in range(8)]
    assert runs == [run(seed) for seed in range(8)]
    assert len({str(one) for one in runs}) > 1
    assert any(later for _, later in runs), "a cancel that comes too late changes nothing"


def test_calendar_ends_a_day_order_at_the_close_of_its_session():
    noon = datetime(2024, 11, 29, 16, tzinfo=UTC)  # closes at 13:00 New York, 18:00 UTC
    venue = opens(calendar="XNYS", shown=False)
    venue.clock.advance_to(noon)
    venue.show("100", open="100")
    venue.send(order_type=OrderType.LIMIT, limit_price=D(90))
    assert venue.broker.session().is_open
    assert venue.broker.session().next_close == datetime(2024, 11, 29, 18, tzinfo=UTC)
    for hour, expected in [(17, S.ACCEPTED), (18, S.EXPIRED)]:
        venue.clock.advance_to(noon.replace(hour=hour))
        venue.show("100", open="100")
        assert status(venue) is expected


def test_calendar_sends_auction_orders_to_the_next_open_and_close():
    venue = opens(calendar="XNYS", shown=False)
    venue.clock.advance_to(datetime(2024, 1, 3, 20, tzinfo=UTC))
    venue.show("100", open="100")
    venue.send("open", time_in_force=T.OPG)
    venue.send("close", time_in_force=T.CLS)
    done = []
    for hours in (1, 18.5, 19.5):  # 21:00 is the close; 14:30 the open; the bar ends at 15:30
        venue.clock.advance_to(datetime(2024, 1, 3, 20, tzinfo=UTC) + timedelta(hours=hours))
        done += [(f.client_order_id, hours) for f in venue.show("101", open="101")]
    assert done == [("close", 1), ("open", 19.5)]
