"""A vendor on loopback with a month of daily bars, and pipelines that bring them into stores."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import numpy as np
import sqlalchemy as sa

from alphalens.assets.calendars import sessions
from alphalens.data.alpaca_provider import AlpacaProvider
from alphalens.data.pipeline import Pipeline
from alphalens.data.polygon_provider import PolygonProvider
from alphalens.data.port import BarRequest
from alphalens.data.store import BarStore
from alphalens.testing.alpaca_data_server import AlpacaDataServer
from alphalens.testing.polygon_server import PolygonServer
from alphalens.trading import SystemClock

from .scripted_vendor import QUICK

DAY = timedelta(days=1)
SYMBOLS = ("AAPL", "MSFT")
DAYS = [one.date for one in sessions("XNYS", date(2024, 1, 2), date(2024, 1, 31))]


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def request_of(first: date = DAYS[0], last: date = DAYS[-1], symbols=SYMBOLS) -> BarRequest:
    return BarRequest(symbols=tuple(symbols), start=midnight(first), end=midnight(last) + DAY)


def row(at: datetime, close: float, **changes: object) -> dict[str, object]:
    told = {"o": close, "h": close + 1, "l": close - 1, "c": close, "v": 1000, "n": 10}
    return {"t": int(at.timestamp() * 1000), "vw": close, **told, **changes}


def rows_of(symbol: str, scale: float = 1.0) -> list[dict[str, object]]:
    """Rows of a vendor: what a symbol did in the month."""
    walk = np.random.default_rng(len(symbol) + ord(symbol[0])).normal(0, 0.01, len(DAYS))
    closes = 185.0 * np.exp(walk.cumsum()) * scale
    return [
        row(midnight(day) + timedelta(hours=5), round(float(close), 2))
        for day, close in zip(DAYS, closes, strict=True)
    ]


@contextmanager
def vendor(symbols=SYMBOLS) -> Iterator[PolygonServer]:
    with PolygonServer(keys=("key",)) as server:
        for symbol in symbols:
            server.control.add_aggs(symbol, rows_of(symbol))
        yield server


def provider_of(server_url: str, **options: object) -> PolygonProvider:
    return PolygonProvider(
        "key", base_url=server_url, rng=random.Random(1), **{"options": QUICK, **options}
    )


@contextmanager
def spare_vendor(symbols=SYMBOLS) -> Iterator[AlpacaProvider]:
    """Another vendor, with the same bars in its own words."""
    with AlpacaDataServer(keys=("key", "secret"), now=datetime.now(UTC)) as server:
        for symbol in symbols:
            server.control.add_bars(symbol, [_in_other_words(one) for one in rows_of(symbol)])
        spare = AlpacaProvider(
            "key", "secret", base_url=server.url, rng=random.Random(1), options=QUICK
        )
        with spare:
            yield spare


def _in_other_words(told: dict[str, object]) -> dict[str, object]:
    at = datetime.fromtimestamp(told["t"] / 1000, UTC)
    return {**told, "t": at.isoformat().replace("+00:00", "Z")}


@contextmanager
def pipeline_of(engine: sa.Engine, *urls: str, **options: object) -> Iterator[Pipeline]:
    providers = [provider_of(url) for url in urls]
    try:
        yield Pipeline(providers, BarStore(engine), **{"clock": SystemClock(), **options})
    finally:
        for provider in providers:
            provider.close()


def whole_month() -> dict[str, list[float]]:
    return {symbol: [float(one["c"]) for one in rows_of(symbol)] for symbol in SYMBOLS}


def closes_in(store: BarStore, request: BarRequest | None = None) -> dict[str, list[float]]:
    bars = store.read(request or request_of())
    return {
        symbol: bars.close[bars.codes == code].tolist() for code, symbol in enumerate(bars.symbols)
    }
