"""The vendor on a Tuesday, and its own client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from alphalens.testing.polygon_server import PolygonControl, PolygonServer
from alphalens.testing.polygon_server.times import day_start_ms

from .clients import RESTClient

NOW = datetime(2024, 1, 9, 15, tzinfo=UTC)  # Tuesday, 10:00 in New York
DAYS = ("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08")


@pytest.fixture
def server() -> Iterator[PolygonServer]:
    with PolygonServer(now=NOW) as running:
        yield running


@pytest.fixture
def control(server: PolygonServer) -> PolygonControl:
    return server.control


@pytest.fixture
def client(server: PolygonServer) -> Iterator[RESTClient]:
    made = RESTClient("key", base=server.url)
    yield made
    made.client.clear()


def bar(day: str | date, close: float, **changes: Any) -> dict[str, Any]:
    row = {"t": day_start_ms(day), "o": close - 1, "h": close + 2, "l": close - 2, "c": close}
    return row | {"v": 1000, "vw": close, "n": 7} | changes


@pytest.fixture
def week(control: PolygonControl) -> list[dict[str, Any]]:
    """Five daily bars of AAPL, closing at 100 to 104."""
    rows = [bar(day, 100.0 + number) for number, day in enumerate(DAYS)]
    control.add_aggs("AAPL", rows)
    return rows
