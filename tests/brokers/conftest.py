"""What the tests of the Alpaca adapter get: a venue, and an adapter in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alphalens.brokers.alpaca_broker import AlpacaBroker
from alphalens.testing.alpaca_server import AlpacaServer, Control
from tests.waiting import PATIENCE_S

from .alpaca_venue import ACCOUNT, CALL, KEY, MONDAY, PUT, SECRET, adapter


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AlpacaServer]:
    """Run a venue on a Monday morning, with quotes."""
    with AlpacaServer(
        tmp_path / "venue.sqlite",
        now=MONDAY,
        seed=3,
        keys=(KEY, SECRET),
        rate_limit=None,
        account_number=ACCOUNT,
    ) as running:
        running.control.set_quote("SPY", "100", "100.02")
        running.control.set_quote("AAPL", "50", "50.02")
        running.control.set_quote("BTC/USD", "50000", "50001")
        running.control.set_quote(CALL, "5.00", "5.10")
        running.control.set_quote(PUT, "4.00", "4.10")
        yield running


@pytest.fixture
def control(server: AlpacaServer) -> Control:
    """Return the hand on the venue."""
    return server.control


@pytest.fixture
def broker(server: AlpacaServer) -> Iterator[AlpacaBroker]:
    """Make an adapter without a stream."""
    made = adapter(server)
    yield made
    made.close()


@pytest.fixture
def streaming(server: AlpacaServer) -> Iterator[AlpacaBroker]:
    """Make an adapter whose stream is up."""
    with adapter(server) as made:
        assert made.wait_until_up(PATIENCE_S)
        yield made
