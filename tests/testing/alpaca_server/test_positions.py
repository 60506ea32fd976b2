"""Positions through the vendor's own TradingClient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import AssetClass, PositionSide
from alpaca.trading.requests import ClosePositionRequest

from alphalens.testing.alpaca_server import Control

Build = Callable[..., dict[str, Any]]


def test_short_position_has_a_negative_quantity(
    client: TradingClient, control: Control, order: Build
) -> None:
    control.place_external(order(side="sell", qty="5"))

    position = client.get_open_position("AAPL")

    assert (position.qty, position.side, position.qty_available) == ("-5", PositionSide.SHORT, "-5")
    assert position.market_value == "-500.05"


def test_coin_is_ordered_with_a_slash_and_held_without(
    client: TradingClient, control: Control, order: Build
) -> None:
    control.set_quote("BTC/USD", 50_000, 50_010)
    control.place_external(order(symbol="BTC/USD", qty="0.5", time_in_force="gtc"))

    position = client.get_open_position("BTCUSD")

    assert (position.symbol, position.qty, position.asset_class) == (
        "BTCUSD",
        "0.5",
        AssetClass.CRYPTO,
    )


def test_close_position_by_part_and_whole(
    client: TradingClient, control: Control, order: Build
) -> None:
    control.place_external(order())

    client.close_position("AAPL", ClosePositionRequest(percentage="40"))
    assert client.get_open_position("AAPL").qty == "6"
    client.close_position("AAPL", ClosePositionRequest(qty="1"))
    assert client.get_open_position("AAPL").qty == "5"
    client.close_position("AAPL")

    with pytest.raises(APIError, match="position does not exist"):
        client.get_open_position("AAPL")


def test_close_all_positions_cancels_and_tells_each(
    client: TradingClient, control: Control, order: Build
) -> None:
    control.set_quote("MSFT", 50, 50.02)
    control.place_external(order())
    control.place_external(order(symbol="MSFT", side="sell", qty="4"))
    control.place_external(order(type="limit", limit_price="90"))

    told = client.close_all_positions(cancel_orders=True)

    assert [(row.symbol, row.status) for row in told] == [("AAPL", 200), ("MSFT", 200)]
    assert (client.get_all_positions(), client.get_orders()) == ([], [])


def test_close_all_tells_the_position_that_cannot_be_closed(
    client: TradingClient, control: Control, order: Build
) -> None:
    control.place_external(order())
    control.place_external(order(type="limit", limit_price="120", side="sell"))

    (told,) = client.close_all_positions()

    assert told.status == 403
    assert told.body.message == "insufficient qty available for order (requested: 10, available: 0)"
