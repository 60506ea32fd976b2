import pytest

from alphalens.assets import AssetClass, Capability, capability
from alphalens.assets.venues import ORDER_TYPES, TIMES_IN_FORCE, VENUES
from alphalens.errors import InputError
from alphalens.trading.orders import OrderType, TimeInForce

E, OPT, K = AssetClass.EQUITY, AssetClass.OPTION, AssetClass.CRYPTO


def test_words_are_those_of_the_orders():
    assert tuple(word.value for word in OrderType) == ORDER_TYPES
    assert tuple(word.value for word in TimeInForce) == TIMES_IN_FORCE


@pytest.mark.parametrize(
    ("asset_class", "types", "times"),
    [
        (E, ORDER_TYPES, TIMES_IN_FORCE),
        (OPT, ("market", "limit", "stop", "stop_limit"), ("day",)),
        (K, ("market", "limit", "stop_limit"), ("gtc", "ioc")),
    ],
)
def test_alpaca_takes_what_its_documentation_says(asset_class, types, times):
    venue = capability("alpaca", asset_class)
    assert venue.order_types == types
    assert venue.times_in_force == times


def test_alpaca_takes_parts_of_shares_for_the_day_only_and_never_short():
    shares = capability("alpaca", E)
    assert shares.allowed("market", is_fractional=True) == ("day",)
    assert shares.allowed("trailing_stop", is_fractional=True) == ()
    assert not shares.shorts_fractions
    assert capability("alpaca", K).allowed("limit", is_fractional=True) == ("gtc", "ioc")


@pytest.mark.parametrize("asset_class", list(AssetClass))
def test_paper_trades_every_class(asset_class):
    assert capability("paper", asset_class).allowed("limit")


@pytest.mark.parametrize(("venue", "row"), [(v, row) for v in VENUES for row in VENUES[v].values()])
def test_only_market_and_limit_orders_go_into_an_auction(venue, row):
    assert row.venue == venue
    auctions = {t for t in ORDER_TYPES if {"opg", "cls"} & set(row.allowed(t))}
    assert auctions <= {"market", "limit"}


@pytest.mark.parametrize("asset_class", [AssetClass.FUTURE, AssetClass.PERPETUAL])
def test_class_that_a_venue_does_not_trade_is_refused(asset_class):
    with pytest.raises(InputError, match=r"alpaca does not trade .*; it trades equity, option"):
        capability("alpaca", asset_class)


def test_unknown_venue_is_refused():
    with pytest.raises(InputError, match="venue must be one of alpaca, paper, got 'nyse'"):
        capability("nyse", E)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"venue": ""}, "needs the name of its venue"),
        ({"orders": {"lmit": frozenset({"day"})}}, "order type must be one of .*'lmit'"),
        ({"orders": {"limit": frozenset({"gtd"})}}, "time in force must be one of .*'gtd'"),
        ({"fractional_orders": {"all": frozenset()}}, "order type must be one of .*'all'"),
    ],
)
def test_capability_in_unknown_words_is_refused(wrong, message):
    right = {"venue": "here", "asset_class": E, "orders": {"limit": frozenset({"day"})}}
    with pytest.raises(InputError, match=message):
        Capability(**{**right, **wrong})
