"""The vendor on a Tuesday evening, and yfinance in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from alphalens.testing.yahoo_server import YahooControl, YahooServer
from alphalens.testing.yahoo_server.client import loopback_yfinance

NOW = datetime(2024, 1, 9, 22, tzinfo=UTC)  # Tuesday, 17:00 in New York
DAYS = ("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08")


@pytest.fixture
def server() -> Iterator[YahooServer]:
    with YahooServer(now=NOW) as running:
        yield running


@pytest.fixture
def control(server: YahooServer) -> YahooControl:
    return server.control


@pytest.fixture
def session(server: YahooServer, tmp_path: Path) -> Iterator[requests.Session]:
    with loopback_yfinance(server.url, tmp_path) as opened:
        yield opened


def bar(day: str, close: float | None, **changes: Any) -> dict[str, Any]:
    middle = 0 if close is None else close
    row = {"day": day, "open": middle - 1, "high": middle + 2, "low": middle - 2, "close": close}
    return row | {"volume": 1000} | changes


@pytest.fixture
def week(control: YahooControl) -> None:
    """Five daily bars of AAPL, closing at 100 to 104."""
    control.add_bars("AAPL", [bar(day, 100.0 + number) for number, day in enumerate(DAYS)])
