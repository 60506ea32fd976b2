from datetime import timedelta

import pytest

from alphalens.assets import AssetClass, Crypto, Equity, Option, capability
from alphalens.risk import ReasonCode
from alphalens.trading import Side
from alphalens.trading.orders import OrderClass, TimeInForce

from .builders import CALL_100, CALL_110, NOW, D, book, codes, intent, legs, limit

C = ReasonCode
COIN = Crypto(symbol="BTC/USD", tick=D("0.5"), lot=D("0.01"), min_quantity=D("0.05"))
AT = {"prices": {"BTC/USD": D(100)}, "price_times": {"BTC/USD": NOW}}
ALL = frozenset(AssetClass)


def coins(**changes):
    fields = {"assets": {"BTC/USD": COIN}, "enabled_classes": ALL}
    return book(**AT | fields | changes)


def options(**changes):
    assets = {s: Option(symbol=s, small_tick=None, tick=D("0.01")) for s in (CALL_100, CALL_110)}
    fields = {
        "assets": assets,
        "prices": {CALL_100: D(7), CALL_110: D(4)},
        "price_times": dict.fromkeys(assets, NOW),
        "enabled_classes": ALL,
    }
    return book(**fields | changes)


def test_class_whose_flag_is_off_is_refused_unless_it_only_closes():
    off = coins(enabled_classes=frozenset({AssetClass.EQUITY}), quantities={"BTC/USD": D(1)})
    assert codes(intent(symbol="BTC/USD"), off) == [C.ASSET_CLASS_DISABLED]
    assert codes(intent("1", Side.SELL, symbol="BTC/USD"), off) == []


def test_options_are_off_by_default():
    view = options(enabled_classes=book().enabled_classes)
    assert codes(intent(symbol=CALL_100, reference_price=D(7)), view) == [C.ASSET_CLASS_DISABLED]


def test_what_is_left_of_a_position_may_be_closed_below_every_least():
    view = coins(quantities={"BTC/USD": D("0.004")})
    assert codes(intent("0.004", Side.SELL, symbol="BTC/USD"), view) == []
    assert codes(intent("0.003", Side.SELL, symbol="BTC/USD"), view) == [C.LOT, C.MIN_QUANTITY]


def test_short_sale_counts_what_open_sells_will_take():
    view = coins(quantities={"BTC/USD": D(1)}, open_sells={"BTC/USD": D("0.5")})
    assert codes(intent("0.5", Side.SELL, symbol="BTC/USD"), view) == []
    assert codes(intent("0.6", Side.SELL, symbol="BTC/USD"), view) == [C.NOT_SHORTABLE]


@pytest.mark.parametrize("name", ["take_profit", "stop_loss", "stop_loss_limit"])
def test_every_exit_lies_on_the_tick(name):
    exits = {"take_profit": D(110), "stop_loss": D(90), "stop_loss_limit": D(89)}
    order = intent(order_class=OrderClass.BRACKET, **exits)
    assert codes(order) == []
    off = exits[name] + D("0.001")
    assert codes(intent(order_class=OrderClass.BRACKET, **exits | {name: off})) == [C.TICK]


def test_price_below_a_dollar_has_finer_ticks():
    cheap = {"prices": {"SPY": D("0.5")}, "reference": D("0.5")}
    view = book(prices=cheap["prices"])
    assert codes(limit("0.5001", reference_price=D("0.5")), view) == []
    assert codes(limit("0.50001", reference_price=D("0.5")), view) == [C.TICK]


def test_legs_are_judged_each_and_their_net_price_too():
    order = legs(("buy", CALL_100), ("sell", CALL_110), limit_price=D("3.005"))
    assert codes(order, options()) == [C.TICK]
    unknown = legs(("buy", CALL_100), ("sell", "SPY240315C00120000"), limit_price=D(3))
    assert C.UNKNOWN_ASSET in codes(unknown, options())


def test_expired_contract_is_not_traded_and_neither_is_one_without_a_known_end():
    late = options(now=NOW + timedelta(days=90))
    assert C.EXPIRED in codes(intent(symbol=CALL_100, reference_price=D(7)), late)
    far = "SPY990116C00100000"
    view = options(assets={far: Option(symbol=far)}, prices={far: D(7)}, price_times={far: NOW})
    assert C.EXPIRED in codes(intent(symbol=far, reference_price=D(7)), view)


def test_venue_takes_parts_of_shares_for_the_day_only():
    fractions = Equity(symbol="SPY", lot=D("0.000000001"))
    taken = {AssetClass.EQUITY: capability("alpaca", AssetClass.EQUITY)}
    view = book(assets={"SPY": fractions}, capabilities=taken)
    assert codes(intent("0.5"), view) == []
    assert codes(intent("0.5", time_in_force=TimeInForce.GTC), view) == [C.TIME_IN_FORCE]


def test_leg_that_is_no_option_is_refused_and_an_order_of_its_own_is_not():
    assets = {**options().assets, "SPY": Equity(symbol="SPY")}
    prices = {**options().prices, "SPY": D(100)}
    view = options(assets=assets, prices=prices, price_times=dict.fromkeys(prices, NOW))
    assert codes(legs(("buy", "SPY"), ("sell", CALL_100)), view) == [C.ORDER_TYPE]
    assert codes(legs(("buy", "SPY"), ("sell", "QQQ"))) == [C.ORDER_TYPE, C.ORDER_TYPE]
    assert codes(legs(("buy", CALL_100), ("sell", CALL_110), limit_price=D(3)), view) == []
    assert codes(intent("1", symbol="SPY"), view) == []
