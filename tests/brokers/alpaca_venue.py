"""The loopback Alpaca with an adapter in front of it, for the tests of the adapter."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal

from alphalens.brokers.alpaca_broker import AlpacaBroker, AlpacaOptions
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.trading.orders import OrderIntent, Side, client_order_id
from tests.waiting import PATIENCE_S

KEY, SECRET, ACCOUNT = "PKTEST", "secret-of-the-test", "PA3TEST00042"
MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
PATIENT = AlpacaOptions(
    timeout_s=PATIENCE_S,
    order_timeout_s=PATIENCE_S,
    connect_timeout_s=PATIENCE_S,
    mute_after_s=PATIENCE_S,
)
CALL = "AAPL260320C00100000"
PUT = "AAPL260320P00100000"
D = Decimal


def intent(name: str, **changes: object) -> OrderIntent:
    """Return a market order for ten SPY; `name` makes its id."""
    fields = {
        "client_order_id": client_order_id("PA", "cycle", name),
        "account": "PA",
        "cycle_id": "cycle",
        "symbol": "SPY",
        "side": Side.BUY,
        "quantity": D(10),
        "reference_price": D(100),
        "created_at": MONDAY,
    }
    return OrderIntent(**{**fields, **changes})


def adapter(server: AlpacaServer, **changes: object) -> AlpacaBroker:
    """Return an adapter of the venue's account; whoever makes it closes it."""
    fields = {
        "base_url": server.rest_url,
        "stream_url": server.stream_url,
        "is_live": False,
        "rng": random.Random(5),
        "options": PATIENT,
    }
    return AlpacaBroker(KEY, SECRET, **{**fields, **changes})
