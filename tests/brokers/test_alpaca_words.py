import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.brokers._alpaca.words import (
    differences,
    order_body,
    order_text,
    replace_text,
    text_of,
)
from alphalens.errors import InputError
from alphalens.trading.orders import Leg, OrderClass, OrderType, Side, TimeInForce

from .alpaca_venue import CALL, PUT, D, intent

LIMIT = {"order_type": OrderType.LIMIT, "limit_price": D("99.50")}


def test_numbers_are_texts_and_exact() -> None:
    body = json.loads(order_text(intent("a", quantity=D("0.123456789"), **LIMIT)))
    assert body == {
        "client_order_id": intent("a").client_order_id,
        "symbol": "SPY",
        "qty": "0.123456789",
        "side": "buy",
        "type": "limit",
        "time_in_force": "day",
        "order_class": "simple",
        "limit_price": "99.5",
    }


@given(st.decimals(min_value=D("1e-9"), max_value=D("1e9"), places=9))
def test_quantity_survives_the_way_to_the_wire(quantity: Decimal) -> None:
    said = json.loads(order_text(intent("a", quantity=quantity)), parse_float=str)["qty"]
    assert isinstance(said, str)
    assert Decimal(said) == quantity
    assert "E" not in said.upper()


def test_sum_of_tenths_is_three_tenths() -> None:
    assert text_of(D("0.1") + D("0.2")) == "0.3"
    assert text_of(D("1E+9")) == "1000000000"


def test_bracket_has_both_exits() -> None:
    body = order_body(
        intent(
            "a",
            order_class=OrderClass.BRACKET,
            take_profit=D(110),
            stop_loss=D(90),
            stop_loss_limit=D("89.5"),
        )
    )
    assert body["take_profit"] == {"limit_price": "110"}
    assert body["stop_loss"] == {"stop_price": "90", "limit_price": "89.5"}
    assert body["order_class"] == "bracket"


def test_oto_has_the_one_exit_it_was_given() -> None:
    body = order_body(intent("a", order_class=OrderClass.OTO, stop_loss=D(90)))
    assert body["stop_loss"] == {"stop_price": "90"}
    assert "take_profit" not in body


def test_oco_is_a_limit_order_whose_price_is_its_take_profit() -> None:
    body = order_body(
        intent(
            "a",
            side=Side.SELL,
            order_class=OrderClass.OCO,
            take_profit=D(110),
            stop_loss=D(90),
        )
    )
    assert (body["type"], body["take_profit"]) == ("limit", {"limit_price": "110"})
    assert "limit_price" not in body


def test_multileg_has_legs_and_neither_symbol_nor_side() -> None:
    body = order_body(
        intent(
            "a",
            symbol="AAPL",
            quantity=D(2),
            order_class=OrderClass.MULTILEG,
            legs=(
                Leg(symbol=CALL, side=Side.BUY),
                Leg(symbol=PUT, side=Side.SELL, ratio=2, is_closing=True),
            ),
            order_type=OrderType.LIMIT,
            limit_price=D("-1.25"),
        )
    )
    assert not {"symbol", "side"} & set(body)
    assert body["limit_price"] == "-1.25"
    assert body["legs"] == [
        {"symbol": CALL, "ratio_qty": "1", "side": "buy", "position_intent": "buy_to_open"},
        {"symbol": PUT, "ratio_qty": "2", "side": "sell", "position_intent": "sell_to_close"},
    ]


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"trail_amount": D("1.50")}, "trail_price", "1.5"),
        ({"trail_fraction": D("0.025")}, "trail_percent", "2.5"),
    ],
)
def test_trailing_stop_has_its_distance(changes: dict, name: str, value: str) -> None:
    body = order_body(intent("a", order_type=OrderType.TRAILING_STOP, **changes))
    assert body[name] == value


def test_coins_and_extended_hours() -> None:
    coin = order_body(intent("a", symbol="BTC/USD", time_in_force=TimeInForce.GTC))
    assert (coin["symbol"], coin["time_in_force"]) == ("BTC/USD", "gtc")
    assert "extended_hours" not in coin
    assert order_body(intent("a", is_extended_hours=True, **LIMIT))["extended_hours"] is True


def test_asset_that_the_venue_cannot_name_is_refused() -> None:
    with pytest.raises(InputError):
        order_body(intent("a", symbol="BTC/USDT-PERP"))


def test_replacement_says_only_what_may_change() -> None:
    body = json.loads(replace_text(intent("b", **LIMIT)))
    assert body == {
        "client_order_id": intent("b").client_order_id,
        "qty": "10",
        "time_in_force": "day",
        "limit_price": "99.5",
    }
    trail = intent("b", order_type=OrderType.TRAILING_STOP, trail_fraction=D("0.02"))
    assert json.loads(replace_text(trail))["trail"] == "2"


def answer(**changes: object) -> dict:
    return {
        "client_order_id": intent("a").client_order_id,
        "symbol": "SPY",
        "side": "buy",
        "type": "limit",
        "time_in_force": "day",
        "order_class": "",
        "qty": "10.0",
        "limit_price": "99.5000",
        "stop_price": None,
        "extended_hours": False,
        **changes,
    }


def test_same_order_has_no_differences() -> None:
    assert differences(intent("a", **LIMIT), answer()) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("symbol", "QQQ"),
        ("side", "sell"),
        ("type", "market"),
        ("time_in_force", "gtc"),
        ("order_class", "bracket"),
        ("extended_hours", True),
        ("qty", "11"),
        ("qty", None),
        ("limit_price", "99.51"),
        ("limit_price", "much"),
        ("stop_price", "90"),
        ("trail_price", "1"),
    ],
)
def test_each_difference_is_named(name: str, value: object) -> None:
    assert differences(intent("a", **LIMIT), answer(**{name: value})) == (name,)


def test_coin_without_its_slash_is_the_same_coin() -> None:
    coin = intent("a", symbol="BTC/USD", **LIMIT)
    assert differences(coin, answer(symbol="BTCUSD")) == ()


def test_legs_are_compared_without_their_order() -> None:
    spread = intent(
        "a",
        symbol="AAPL",
        order_class=OrderClass.MULTILEG,
        legs=(Leg(symbol=CALL, side=Side.BUY), Leg(symbol=PUT, side=Side.SELL)),
        **LIMIT,
    )
    legs = [
        {"symbol": PUT, "side": "sell", "ratio_qty": "1"},
        {"symbol": CALL, "side": "buy", "ratio_qty": "1"},
    ]
    said = answer(symbol="", side="", order_class="mleg")
    assert differences(spread, {**said, "legs": legs}) == ()
    legs[0]["side"] = "buy"
    assert differences(spread, {**said, "legs": legs}) == ("legs",)
