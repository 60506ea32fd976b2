"""Option contracts through the vendor's own TradingClient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.requests import GetOptionContractsRequest

from alphalens.testing.alpaca_server import Control

Build = Callable[..., dict[str, Any]]
CALL = "AAPL260417C00100000"
HIGHER_CALL = "AAPL260417C00110000"


def test_option_contracts_are_listed_by_pages(client: TradingClient, control: Control) -> None:
    for symbol in (CALL, HIGHER_CALL, "AAPL260417P00100000"):
        control.set_quote(symbol, 1, 2)

    page = client.get_option_contracts(
        GetOptionContractsRequest(underlying_symbols=["AAPL"], type="call", limit=1)
    )
    assert [c.symbol for c in page.option_contracts or []] == [CALL]
    following = client.get_option_contracts(
        GetOptionContractsRequest(
            underlying_symbols=["AAPL"], type="call", page_token=page.next_page_token
        )
    )
    assert [c.symbol for c in following.option_contracts or []] == [HIGHER_CALL]
    assert client.get_option_contract(CALL).strike_price == 100


def test_exercise_turns_contracts_into_shares(
    client: TradingClient, control: Control, order: Build
) -> None:
    control.set_quote(CALL, 5, 5)
    control.place_external(order(symbol=CALL, qty="1"))

    client.exercise_options_position(CALL)

    assert {p.symbol: p.qty for p in client.get_all_positions()} == {"AAPL": "100"}
    assert client.get_account().cash == str(100_000 - 500 - 10_000)


def test_exercise_needs_a_long_contract_and_an_open_market(
    client: TradingClient, control: Control
) -> None:
    with pytest.raises(APIError, match="no long position to exercise"):
        client.exercise_options_position(CALL)
    with pytest.raises(APIError, match="is not an option contract"):
        client.exercise_options_position("AAPL")
    control.set_position(CALL, 1, 5)
    control.set_time("2026-03-02T22:00:00Z")
    with pytest.raises(APIError, match="only allowed during market hours"):
        client.exercise_options_position(CALL)


def test_an_unknown_contract_is_404(client: TradingClient) -> None:
    with pytest.raises(APIError) as refused:
        client.get_option_contract("AAPL")

    assert refused.value.status_code == 404
