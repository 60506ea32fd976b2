"""The data host on a Monday morning in New York."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from alphalens.testing.alpaca_data_server import AlpacaDataControl, AlpacaDataServer

with warnings.catch_warnings():
    # The vendor's client imports the old half of websockets, which says so once.
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    from alpaca.data.historical import StockHistoricalDataClient

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


def bar(close: float = 101.0, **changes: Any) -> dict[str, Any]:
    row = {"t": "2026-03-02T14:59:00Z", "o": 100, "h": 102, "l": 99, "c": close}
    return row | {"v": 5000, "n": 50, "vw": 100.5} | changes


@pytest.fixture
def server() -> Iterator[AlpacaDataServer]:
    with AlpacaDataServer(now=NOW) as running:
        running.control.add_bars("AAPL", [bar(100.5), bar()], "1Min")
        running.control.add_bars("AAPL", [bar(t="2026-02-27T05:00:00Z"), bar()])
        yield running


@pytest.fixture
def control(server: AlpacaDataServer) -> AlpacaDataControl:
    return server.control


@pytest.fixture
def stocks(server: AlpacaDataServer) -> Iterator[StockHistoricalDataClient]:
    made = StockHistoricalDataClient("PKTEST", "secret", url_override=server.url)
    yield made
    made._session.close()
