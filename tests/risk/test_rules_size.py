import pytest

from alphalens.risk import ReasonCode, RiskLimits
from alphalens.trading import Side
from alphalens.trading.orders import OrderType

from .builders import D, book, codes, intent, limit, sent, wide

C = ReasonCode
SELL = Side.SELL


@pytest.mark.parametrize(("most", "passes"), [("1000", True), ("999", False)])
def test_fat_finger_is_money_whatever_the_equity(most, passes):
    reasons = codes(intent("10"), book(), wide(max_order_value=D(most)))
    assert reasons == ([] if passes else [C.FAT_FINGER])


def test_order_is_worth_the_highest_of_market_and_its_own_prices():
    assert codes(limit("104", "10"), limits=wide(max_order_value=D(1040))) == []
    assert codes(limit("104", "10"), limits=wide(max_order_value=D(1039))) == [C.FAT_FINGER]
    stop = intent("10", order_type=OrderType.STOP, stop_price=D(120))
    assert codes(stop, limits=wide(max_order_value=D(1199))) == [C.FAT_FINGER]


def test_sector_sums_absolute_values_and_symbols_without_one_are_together():
    limits = wide(max_sector=D("0.3"), max_position=D("0.3"))
    view = book(quantities={"QQQ": D(-20)})
    assert codes(intent("10"), view, limits) == []
    assert codes(intent("11"), view, limits) == [C.MAX_SECTOR]
    apart = book(quantities={"QQQ": D(-20)}, sectors={"QQQ": "tech"})
    assert codes(intent("11"), apart, limits) == []


def test_concentration_measures_against_the_book_or_half_of_what_it_may_be():
    limits = wide(max_gross=D(1), max_net=D(1), max_position=D(1), max_concentration=D("0.4"))
    assert codes(intent("20"), book(), limits) == []
    assert codes(intent("21"), book(), limits) == [C.MAX_CONCENTRATION]
    view = book(quantities={"QQQ": D(40)})
    assert codes(intent("26"), view, limits) == []
    assert codes(intent("27"), view, limits) == [C.MAX_CONCENTRATION]


def test_turnover_adds_the_order_to_what_was_traded_today():
    limits = wide(max_turnover=D("0.5"))
    assert codes(intent("10"), book(traded_today=D(4000)), limits) == []
    assert codes(intent("11"), book(traded_today=D(4000)), limits) == [C.MAX_TURNOVER]


def test_money_of_the_venue_less_orders_it_does_not_know_of_yet():
    other = intent("3", client_order_id="o0")
    known = book(buying_power=D(500), orders=(sent(other, age_s=60, is_reserved=True),))
    assert codes(intent("5"), known) == []
    assert codes(intent("6"), known) == [C.INSUFFICIENT_BUYING_POWER]
    unknown = book(buying_power=D(500), orders=(sent(other, age_s=60),))
    assert codes(intent("2"), unknown) == []
    assert codes(intent("4"), unknown) == [C.INSUFFICIENT_BUYING_POWER]


def test_an_order_sent_a_moment_ago_is_taken_off():
    view = book(buying_power=D(500)).with_order(intent("3", client_order_id="o0"))
    assert codes(intent("2"), view) == []
    assert codes(intent("4"), view) == [C.INSUFFICIENT_BUYING_POWER]


def test_only_what_opens_costs_money():
    view = book(quantities={"SPY": D(-10)}, buying_power=D(500))
    assert codes(intent("15"), view) == []
    assert codes(intent("16"), view) == [C.INSUFFICIENT_BUYING_POWER]
    twice = view.with_order(intent("10", client_order_id="o0"))
    assert codes(intent("6"), twice) == [C.INSUFFICIENT_BUYING_POWER]


def test_margin_takes_a_share_of_the_value():
    view = book(buying_power=D(100), margin_rates={"SPY": D("0.1")})
    assert codes(intent("10"), view) == []
    assert codes(intent("11"), view) == [C.INSUFFICIENT_BUYING_POWER]


def test_leverage_gives_the_money_where_the_venue_says_nothing():
    limits = wide(max_gross=D(1), max_net=D(1), max_position=D(1), max_leverage=D(1))
    view = book(quantities={"QQQ": D(90)})
    assert codes(intent("10"), view, limits) == []
    closing = view.with_order(intent("50", SELL, symbol="QQQ", client_order_id="o0"))
    assert codes(intent("11"), closing, limits) == [C.INSUFFICIENT_BUYING_POWER]


TIGHT = RiskLimits(
    max_order=D("0.0001"),
    approval_above=D("0.0001"),
    max_position=D("0.0001"),
    max_gross=D(2),
    max_net=D(2),
    max_order_value=D("0.01"),
    max_sector=D("0.0001"),
    max_concentration=D("0.0001"),
    max_turnover=D("0.0001"),
    max_open_orders=1,
    max_leverage=D(2),
)


@pytest.mark.parametrize("held", ["90", "-90"])
def test_order_that_only_reduces_is_refused_for_no_size_at_all(held):
    side = SELL if D(held) > 0 else Side.BUY
    view = book(
        quantities={"SPY": D(held)},
        traded_today=D(10**6),
        buying_power=D(0),
        orders=(sent(intent("9", symbol="QQQ", client_order_id="o0"), age_s=60),),
    )
    assert codes(intent("90", side), view, TIGHT) == []
    assert len(codes(intent("91", side), view, TIGHT)) > 5
