from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.brokers import CostModel, Impact, Tier
from alphalens.errors import ConfigError, DataError
from alphalens.trading import Side

D = Decimal

prices = st.decimals("0.01", "100000", places=4)


@given(prices)
def test_spread_is_paid_by_both_sides(price):
    costs = CostModel()
    assert costs.price_of(Side.SELL, price) < price < costs.price_of(Side.BUY, price)


@given(st.decimals("0.001", "1000000", places=3), prices)
def test_commission_is_never_below_its_exact_value_nor_its_minimum(quantity, price):
    costs = CostModel(commission_per_unit=D("0.005"), minimum_commission=D(1))
    exact = quantity * price / 10_000 + quantity * D("0.005")
    fee = costs.commission(quantity, price)
    assert max(exact, D(1)) <= fee <= max(exact, D(1)) + D("0.0001")


def test_free_costs_nothing():
    costs = CostModel.free()
    assert costs.price_of(Side.BUY, D("10.5")) == D("10.5")
    assert costs.commission(D(10), D(10)) == 0


@pytest.mark.parametrize("wrong", [D(-1), D("NaN"), D("Infinity"), 1.5])
@pytest.mark.parametrize("name", ["commission_bps", "half_spread_bps", "minimum_commission"])
def test_costs_that_pay_the_trader_are_refused(name, wrong):
    with pytest.raises(ConfigError, match=f"{name} must be a Decimal"):
        CostModel(**{name: wrong})


def test_tiers_are_passed_through_one_after_the_other():
    tiers = (
        Tier(up_to=D(100), per_unit=D("0.03")),
        Tier(up_to=D(200), per_unit=D("0.02")),
        Tier(up_to=None, per_unit=D("0.01")),
    )
    costs = CostModel(commission_bps=D(0), tiers=tiers)
    assert costs.commission(D(50), D(1)) == D("1.5")
    assert costs.commission(D(250), D(1)) == 3 + 2 + D("0.5")
    assert costs.commission(D(50), D(1), traded=D(90)) == D("0.3") + D("0.8")
    assert costs.commission(D(50), D(1), traded=D(500)) == D("0.5")


@given(st.decimals("0.001", "1000", places=3), st.decimals("0.001", "1000", places=3))
def test_tiers_charge_two_orders_what_they_charge_one(first, second):
    tiers = (Tier(up_to=D(300), per_unit=D("0.5")), Tier(up_to=None, per_unit=D("0.25")))
    costs = CostModel(commission_bps=D(0), tiers=tiers)
    both = costs.commission(first, D(1)) + costs.commission(second, D(1), traded=first)
    assert abs(both - costs.commission(first + second, D(1))) <= D("0.0002")


@pytest.mark.parametrize(
    "ends", [(100,), (None, 100), (200, 100, None), (100, 100, None), (0, None)]
)
def test_tiers_that_leave_a_gap_are_refused(ends):
    tiers = tuple(Tier(up_to=None if end is None else D(end), per_unit=D(1)) for end in ends)
    with pytest.raises(ConfigError, match="tiers must rise"):
        CostModel(tiers=tiers)


def test_impact_grows_with_the_root_of_the_share_and_needs_a_volume():
    costs = CostModel(half_spread_bps=D(0), impact=Impact(volatility=D("0.01")))
    price = D(100)
    assert costs.price_of(Side.BUY, price, quantity=D(1), volume=D(100)) == D("100.1")
    assert costs.price_of(Side.SELL, price, quantity=D(4), volume=D(100)) == D("99.8")
    with pytest.raises(DataError, match="impact needs the volume of the bar, got None"):
        costs.price_of(Side.BUY, price, quantity=D(1))


@pytest.mark.parametrize("wrong", [D(0), D(-1), D("NaN"), 0.02])
def test_impact_that_says_nothing_is_refused(wrong):
    with pytest.raises(ConfigError, match="impact: volatility must be"):
        Impact(volatility=wrong)


def test_commission_by_value_counts_the_multiplier():
    assert CostModel().commission(D(2), D(5), multiplier=D(100)) == D("0.1")
