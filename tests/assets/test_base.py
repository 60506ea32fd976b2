from dataclasses import FrozenInstanceError, dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.assets import (
    Asset,
    AssetClass,
    BaseAsset,
    Crypto,
    Equity,
    Future,
    Option,
    Perpetual,
    ViolationCode,
    capability,
)
from alphalens.assets.base import on_grid
from alphalens.errors import InputError

D = Decimal
C = ViolationCode
SPY = Equity(symbol="SPY")
OIL = Future(symbol="CLK20", multiplier=D(1000), last_trade=date(2020, 4, 21))
COIN = Crypto(
    symbol="BTC/USD",
    tick=D("0.1"),
    lot=D("0.0001"),
    min_quantity=D("0.001"),
    min_notional=D(10),
)
ASSETS: list[Asset] = [
    SPY,
    COIN,
    OIL,
    Option(symbol="AAPL250117P00190000"),
    Perpetual(symbol="BTC/USDT-PERP", tick=D("0.5")),
]
prices = st.decimals("0.0001", "1e6", places=6)
amounts = st.decimals("-1e9", "1e9", places=6)


def codes(violations):
    return [violation.code for violation in violations]


def test_what_is_no_kind_of_asset_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        BaseAsset(symbol="SPY")


def test_an_asset_cannot_be_changed_and_can_be_a_key():
    with pytest.raises(FrozenInstanceError):
        SPY.lot = D(2)
    assert {SPY: 1}[Equity(symbol="SPY", lot=D("1.0"))] == 1


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.asset_class)
@given(prices)
def test_price_is_rounded_onto_the_grid_and_never_worse(asset, price):
    bid, offer = asset.round_price(price, is_buy=True), asset.round_price(price, is_buy=False)
    assert bid <= price <= offer
    assert on_grid(bid, asset.tick_at(bid))
    assert on_grid(offer, asset.tick_at(offer))
    assert offer - bid <= asset.tick


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.asset_class)
@given(amounts, prices)
def test_sized_quantity_never_costs_more_than_the_amount_and_can_be_ordered(asset, amount, price):
    quantity = asset.quantity_for(amount, price)
    assert quantity * amount >= 0
    assert asset.notional(quantity, price) <= abs(amount)
    if quantity:
        assert not asset.validate(quantity=abs(quantity), reference_price=price)
        more = abs(quantity) + asset.lot
        assert asset.notional(more, price) > abs(amount)


def test_sizing_counts_the_multiplier_and_keeps_the_sign():
    assert OIL.quantity_for(D(-100_000), D("-37.63")) == -2
    assert ASSETS[3].quantity_for(D(1500), D("7.50")) == 2


def test_sizing_below_a_minimum_gives_nothing():
    assert COIN.quantity_for(D("59"), D(60_000)) == 0  # 0.0009, below the least quantity
    assert COIN.quantity_for(D("9"), D(6_000)) == 0  # 0.0015, worth 9
    assert COIN.quantity_for(D("12"), D(6_000)) == D("0.0020")


@pytest.mark.parametrize("price", [D(0), D(-1)])
def test_sizing_at_no_price_is_refused(price):
    with pytest.raises(InputError, match="no quantity follows from the price"):
        SPY.quantity_for(D(1000), price)


def test_notional_is_a_size_also_for_shorts_and_negative_prices():
    assert SPY.notional(D(-10), D("500.25")) == D("5002.50")
    assert OIL.notional(D(3), D("-37.63")) == D("112890.00")


@pytest.mark.parametrize("wrong", [0.5, D("NaN"), D("Infinity"), D("1e18"), 3, None])
def test_no_method_computes_with_an_unusable_number(wrong):
    for call in (
        lambda: SPY.round_quantity(wrong),
        lambda: SPY.round_price(wrong, is_buy=True),
        lambda: SPY.tick_at(wrong),
        lambda: SPY.notional(wrong, D(1)),
        lambda: SPY.notional(D(1), wrong),
        lambda: SPY.quantity_for(wrong, D(1)),
        lambda: SPY.quantity_for(D(1), wrong),
    ):
        with pytest.raises(InputError):
            call()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"symbol": ""}, "a symbol is needed"),
        ({"symbol": 7}, "a symbol is needed as text, got 7"),
        ({"symbol": "brk-b"}, "not canonical: BRK.B"),
        ({"tick": D(0)}, "tick must be positive"),
        ({"lot": D(-1)}, "lot must be positive"),
        ({"lot": D("NaN")}, "lot must be a finite number"),
        ({"lot": 0.1}, "a float is rounded before it arrives"),
        ({"small_tick": D(0)}, "small_tick must be positive"),
        ({"small_tick": D("0.03")}, "multiple of small_tick 0.03"),
        ({"tick": D(100)}, "multiple of tick 100"),
        ({"multiplier": D(0)}, "multiplier must be positive"),
        ({"min_quantity": D(-1)}, "min_quantity must not be negative"),
        ({"min_notional": D("Infinity")}, "min_notional must be a finite number"),
        ({"calendar": "NYSE"}, "calendar must be one of XNYS"),
        ({"currency": "usd"}, "currency must be like USD"),
        ({"currency": ""}, "currency must be like USD"),
        ({"is_shortable": None}, "is_shortable must be True or False"),
    ],
)
def test_impossible_asset_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        Equity(**{"symbol": "SPY", **wrong})


def test_an_order_within_all_rules_violates_none():
    assert (
        SPY.validate(
            quantity=D(10),
            order_type="stop_limit",
            time_in_force="gtc",
            limit_price=D("500.01"),
            stop_price=D("0.9999"),
            reference_price=D("500.123456"),
            capability=capability("alpaca", AssetClass.EQUITY),
            at=datetime(2026, 3, 2, tzinfo=UTC),
            is_short_sale=True,
        )
        == ()
    )


def test_all_violations_are_told_at_once_each_with_value_limit_and_remedy():
    coin = replace(COIN, is_tradable=False)
    found = coin.validate(
        quantity=D("0.00005"),
        order_type="stop",
        time_in_force="day",
        limit_price=D("100.05"),
        capability=capability("alpaca", AssetClass.CRYPTO),
        is_short_sale=True,
    )
    assert codes(found) == [
        C.NOT_TRADABLE,
        C.NOT_SHORTABLE,
        C.ORDER_TYPE,
        C.TIME_IN_FORCE,
        C.LOT,
        C.MIN_QUANTITY,
        C.TICK,
        C.MIN_NOTIONAL,
    ]
    for violation in found:
        assert violation.message.startswith(f"{violation.code}: BTC/USD")
        assert violation.value in violation.message
        assert violation.limit in violation.message
    assert found[4].value == "0.00005"
    assert found[4].limit == "a multiple of 0.0001"
    assert found[7].limit == "at least 10 USD"


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        (1.0, C.WRONG_TYPE),
        (1, C.WRONG_TYPE),
        (D("NaN"), C.NOT_FINITE),
        (D("sNaN"), C.NOT_FINITE),
        (D("Infinity"), C.NOT_FINITE),
        (D("1e30"), C.TOO_LONG),
        (D(0), C.NOT_POSITIVE),
        (D(-5), C.NOT_POSITIVE),
        (D("1.5"), C.LOT),
    ],
)
def test_unusable_quantity_is_a_violation_and_no_exception(quantity, code):
    found = SPY.validate(quantity=quantity, limit_price=D("1.00"))
    assert codes(found) == [code]


@pytest.mark.parametrize("name", ["limit_price", "stop_price", "reference_price"])
@pytest.mark.parametrize(
    ("price", "code"),
    [
        (100.0, C.WRONG_TYPE),
        (D("NaN"), C.NOT_FINITE),
        (D("-Infinity"), C.NOT_FINITE),
        (D("1e18"), C.TOO_LONG),
        (D(0), C.NOT_POSITIVE),
        (D("-0.01"), C.NOT_POSITIVE),
    ],
)
def test_unusable_price_is_a_violation_and_no_exception(name, price, code):
    assert codes(SPY.validate(quantity=D(1), **{name: price})) == [code]


def test_only_prices_of_the_order_lie_on_the_tick():
    assert codes(SPY.validate(quantity=D(1), stop_price=D("290.123"))) == [C.TICK]
    assert codes(SPY.validate(quantity=D(1), limit_price=D("0.12345"))) == [C.TICK]
    assert SPY.validate(quantity=D(1), reference_price=D("290.123")) == ()


def test_a_price_below_zero_is_one_where_the_asset_has_them():
    at = datetime(2020, 4, 20, 18, 0, tzinfo=UTC)
    assert OIL.validate(quantity=D(1), limit_price=D("-37.63"), at=at) == ()


def test_value_is_judged_at_the_limit_price_before_the_markets():
    order = {"quantity": D("0.001"), "reference_price": D(60_000)}
    assert COIN.validate(**order) == ()
    assert codes(COIN.validate(**order, limit_price=D(6_000))) == [C.MIN_NOTIONAL]


def test_order_for_an_expired_contract_is_refused():
    after = datetime(2020, 4, 21, 21, 0, tzinfo=UTC)  # 16:00 in Chicago
    found = OIL.validate(quantity=D(1), at=after)
    assert codes(found) == [C.EXPIRED]
    assert OIL.is_expired(after)
    assert not OIL.is_expired(datetime(2020, 4, 21, 20, 59, tzinfo=UTC))
    assert not SPY.is_expired(after)


def test_instant_without_a_zone_is_refused():
    with pytest.raises(InputError, match="has no time zone"):
        SPY.is_expired(datetime(2026, 1, 2))
    with pytest.raises(InputError, match="has no time zone"):
        SPY.validate(quantity=D(1), at=datetime(2026, 1, 2))


def test_a_kind_of_ones_own_needs_its_class_only():
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Fund(BaseAsset):
        @property
        def asset_class(self) -> AssetClass:
            return AssetClass.EQUITY

    fund = Fund(symbol="VTI", lot=D("0.001"), is_shortable=False)
    assert fund.is_fractionable
    assert fund.round_quantity(D("1.23456")) == D("1.234")
    assert codes(fund.validate(quantity=D(1), is_short_sale=True)) == [C.NOT_SHORTABLE]
