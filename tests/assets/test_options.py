import pickle
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.assets import Option, OptionKind, OptionStyle
from alphalens.errors import InputError

D = Decimal
PUT = Option(symbol="AAPL250117P00190000")
CALL = Option(symbol="AAPL250117C00190000")


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_contract_is_what_its_symbol_says():
    assert (PUT.root, PUT.underlying, PUT.expiry) == ("AAPL", "AAPL", date(2025, 1, 17))
    assert (PUT.kind, PUT.strike, PUT.multiplier) == (OptionKind.PUT, 190, 100)
    assert PUT.style is OptionStyle.AMERICAN
    assert not PUT.is_fractionable


def test_contract_can_be_named_by_its_parts():
    made = Option.contract(
        underlying="BRK.B", expiry=date(2026, 6, 18), kind=OptionKind.CALL, strike=D("512.5")
    )
    assert (made.symbol, made.root, made.underlying) == ("BRKB260618C00512500", "BRKB", "BRK.B")
    assert pickle.loads(pickle.dumps(made)) == made


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"symbol": "AAPL  250117P00190000"}, "is not canonical: AAPL250117P00190000"),
        ({"symbol": "AAPL"}, "no option symbol"),
        ({"underlying": "brk.b"}, "underlying 'brk.b' is not canonical: BRK.B"),
        ({"style": "european"}, "style must be an OptionStyle"),
        ({"small_below": D("3.01")}, "small_below 3.01 must be a multiple of tick"),
    ],
)
def test_impossible_contract_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        Option(**{"symbol": "AAPL250117P00190000", **wrong})


@given(st.decimals("0", "1000", places=4))
def test_put_less_call_is_worth_strike_less_price_and_neither_is_negative(spot):
    put, call = PUT.intrinsic_value(spot), CALL.intrinsic_value(spot)
    assert min(put, call) == 0
    assert put - call == PUT.strike - spot


@pytest.mark.parametrize("spot", [D(-1), D("NaN"), 190.0])
def test_intrinsic_value_at_no_price_is_refused(spot):
    with pytest.raises(InputError, match="AAPL: price must"):
        PUT.intrinsic_value(spot)


@pytest.mark.parametrize(
    ("symbol", "last"),
    [
        ("AAPL250117P00190000", "2025-01-17T21:00"),
        ("AAPL250718P00190000", "2025-07-18T20:00"),
        ("AAPL261127P00190000", "2026-11-27T18:00"),  # a half day
        ("AAPL140419P00500000", "2014-04-17T20:00"),  # a Saturday, after Good Friday
    ],
)
def test_trading_ends_with_the_last_session_up_to_the_expiry(symbol, last):
    option = Option(symbol=symbol)
    assert option.last_trading_instant() == utc(last)
    assert option.is_expired(utc(last))
    assert not option.is_expired(utc(last).replace(hour=14, minute=45))


@pytest.mark.parametrize(
    ("tick", "small_tick", "premium", "bid", "offer"),
    [
        ("0.10", "0.05", "2.97", "2.95", "3.00"),
        ("0.10", "0.05", "3.01", "3.00", "3.10"),
        ("0.05", "0.01", "2.999", "2.99", "3.00"),
        ("0.05", "0.01", "3.01", "3.00", "3.05"),
        ("0.01", None, "3.015", "3.01", "3.02"),
    ],
)
def test_step_of_the_premium_changes_at_three(tick, small_tick, premium, bid, offer):
    option = Option(
        symbol=PUT.symbol, tick=D(tick), small_tick=None if small_tick is None else D(small_tick)
    )
    assert option.round_price(D(premium), is_buy=True) == D(bid)
    assert option.round_price(D(premium), is_buy=False) == D(offer)
