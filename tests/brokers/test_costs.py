from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.brokers import CostModel
from alphalens.errors import ConfigError
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
