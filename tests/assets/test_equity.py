from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.assets import Asset, AssetClass, Equity
from alphalens.assets.base import on_grid

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
def test_rounded_price_is_on_the_one_tick_and_never_worse_for_the_trader(price, tick):
    share = Equity(symbol="SPY", tick=tick, small_tick=None)
    bid, offer = share.round_price(price, is_buy=True), share.round_price(price, is_buy=False)
    assert on_grid(bid, tick)
    assert on_grid(offer, tick)
    assert bid <= price <= offer


@pytest.mark.parametrize(
    ("price", "tick", "bid", "offer"),
    [
        ("1.00", "0.01", "1.00", "1.00"),
        ("1.009", "0.01", "1.00", "1.01"),
        ("0.9999", "0.0001", "0.9999", "0.9999"),
        ("0.99995", "0.0001", "0.9999", "1.0000"),
        ("0.00005", "0.0001", "0.0000", "0.0001"),
    ],
)
def test_step_of_a_share_is_a_cent_from_one_dollar_on(price, tick, bid, offer):
    share = Equity(symbol="SPY")
    assert share.tick_at(D(price)) == D(tick)
    assert share.round_price(D(price), is_buy=True) == D(bid)
    assert share.round_price(D(price), is_buy=False) == D(offer)


def test_equity_is_an_asset_in_dollars_that_moves_by_its_price():
    spy: Asset = Equity(symbol="SPY")
    assert (spy.symbol, spy.currency, spy.multiplier, spy.calendar) == ("SPY", "USD", 1, "XNYS")
    assert spy.asset_class is AssetClass.EQUITY
    assert spy.last_trading_instant() is None


@pytest.mark.parametrize(("lot", "fractions"), [("1", False), ("100", False), ("0.001", True)])
def test_parts_of_a_share_trade_where_the_lot_is_a_part(lot, fractions):
    assert Equity(symbol="SPY", lot=D(lot)).is_fractionable is fractions
