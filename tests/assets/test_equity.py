from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.assets import Asset, Equity
from alphalens.assets.base import on_grid
from alphalens.errors import InputError

D = Decimal

amounts = st.decimals("-1e9", "1e9", places=6)
steps = st.sampled_from([D("0.0001"), D("0.01"), D("0.5"), D(1), D(100)])


@given(amounts, steps)
def test_rounded_quantity_is_on_the_lot_and_never_larger(quantity, lot):
    rounded = Equity(symbol="SPY", lot=lot).round_quantity(quantity)
    assert on_grid(rounded, lot)
    assert abs(rounded) <= abs(quantity) < abs(rounded) + lot
    assert rounded * quantity >= 0


@given(st.decimals("0.0001", "1e6", places=6), steps)
def test_rounded_price_is_on_the_tick_and_never_worse_for_the_trader(price, tick):
    spy = Equity(symbol="SPY", tick=tick)
    bid, offer = spy.round_price(price, is_buy=True), spy.round_price(price, is_buy=False)
    assert on_grid(bid, tick)
    assert on_grid(offer, tick)
    assert bid <= price <= offer


def test_equity_is_an_asset_in_dollars_that_moves_by_its_price():
    spy: Asset = Equity(symbol="SPY")
    assert (spy.symbol, spy.currency, spy.multiplier) == ("SPY", "USD", 1)


@pytest.mark.parametrize("value", [D("NaN"), D("Infinity")])
def test_rounding_nothing_is_refused(value):
    with pytest.raises(InputError, match="finite number"):
        Equity(symbol="SPY").round_quantity(value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"symbol": ""}, "needs a symbol"),
        ({"tick": D(0)}, "tick must be positive"),
        ({"lot": D(-1)}, "lot must be positive"),
        ({"lot": D("NaN")}, "lot must be positive"),
    ],
)
def test_impossible_equity_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        Equity(**{"symbol": "SPY", **wrong})
