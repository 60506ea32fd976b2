"""The account through the vendor's own TradingClient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.models import AccountConfiguration
from alpaca.trading.requests import GetPortfolioHistoryRequest, MarketOrderRequest

from alphalens.testing.alpaca_server import AlpacaServer, Control

Build = Callable[..., dict[str, Any]]


def test_account_has_typed_figures(client: TradingClient) -> None:
    account = client.get_account()

    assert (account.status, account.currency) == ("ACTIVE", "USD")
    assert (account.cash, account.buying_power) == ("100000", "200000")


def test_activities_page_backwards_and_forwards(
    client: TradingClient, control: Control, order: Build
) -> None:
    for qty in (1, 2, 3):
        control.place_external(order(qty=str(qty)))

    first = client.get("/account/activities/FILL", {"page_size": 2, "direction": "asc"})
    rest = client.get(
        "/account/activities",
        {"direction": "asc", "page_token": first[-1]["id"], "activity_types": "FILL"},
    )

    assert [row["qty"] for row in first + rest] == ["1", "2", "3"]
    assert first[0]["id"].startswith("20260302100000")
    since = {"after": first[0]["transaction_time"], "direction": "desc"}
    assert [row["qty"] for row in client.get("/account/activities/FILL", since)] == ["3", "2"]


def test_portfolio_history_has_a_row_for_each_close(
    client: TradingClient, control: Control, order: Build
) -> None:
    control.place_external(order())
    control.set_time("2026-03-04T22:00:00Z")
    control.set_quote("AAPL", 110, 110)

    history = client.get_portfolio_history(GetPortfolioHistoryRequest(period="1W"))

    assert len(history.timestamp) == len(history.equity)
    assert history.equity[-1] == 100_000 + 10 * (110 - 100.02)


def test_configurations_switch_trading_off(client: TradingClient) -> None:
    settings = client.get_account_configurations()
    assert isinstance(settings, AccountConfiguration)

    client.set_account_configurations(settings.model_copy(update={"suspend_trade": True}))

    assert client.get_account().trade_suspended_by_user
    request = MarketOrderRequest(symbol="AAPL", qty=1, side="buy", time_in_force="day")
    with pytest.raises(APIError, match="new orders are rejected by user request"):
        client.submit_order(request)
    with pytest.raises(APIError, match="invalid max_margin_multiplier 3"):
        client.set_account_configurations(
            settings.model_copy(update={"max_margin_multiplier": "3"})
        )


def test_wrong_credentials_are_401_without_a_code(server: AlpacaServer) -> None:
    stranger = TradingClient("PKTEST", "wrong", url_override=server.rest_url)

    with pytest.raises(APIError) as refused:
        stranger.get_account()

    stranger._session.close()
    assert refused.value.status_code == 401
    assert str(refused.value) == '{"message": "unauthorized."}'
