"""A venue on a Monday morning in New York, and the vendor's own client of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alphalens.testing.alpaca_server import AlpacaServer, Control

with warnings.catch_warnings():
    # The vendor's client imports the old half of websockets, which says so once.
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    from alpaca.trading.client import TradingClient

MONDAY_10_AM = datetime(2026, 3, 2, 15, tzinfo=UTC)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AlpacaServer]:
    with AlpacaServer(
        tmp_path / "venue.sqlite", now=MONDAY_10_AM, seed=7, rate_limit=None
    ) as running:
        running.control.set_quote("AAPL", "100", "100.02")
        yield running


@pytest.fixture
def control(server: AlpacaServer) -> Control:
    return server.control


@pytest.fixture
def client(server: AlpacaServer) -> Iterator[TradingClient]:
    made = TradingClient("PKTEST", "secret", url_override=server.rest_url)
    yield made
    made._session.close()


@pytest.fixture
def order() -> Any:
    """Build the body of an order: ten shares of AAPL at the market, unless told otherwise."""

    def build(**changes: Any) -> dict[str, Any]:
        body = {
            "symbol": "AAPL",
            "qty": "10",
            "side": "buy",
            "type": "market",
            "time_in_force": "day",
        }
        return {key: value for key, value in (body | changes).items() if value is not None}

    return build
