"""A pipeline over loopback vendors and a store, with a clock that the test moves."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from alphalens.assets.calendars import sessions
from alphalens.data.alpaca_provider import AlpacaProvider
from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.pipeline import Pipeline
from alphalens.data.polygon_provider import PolygonProvider
from alphalens.data.port import BarRequest
from alphalens.data.store import BarStore
from alphalens.monitoring.data_feed_monitor import DataFeedMonitor
from alphalens.net import Timing
from alphalens.storage import open_engine
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.testing.polygon_server import PolygonServer
from alphalens.testing.polygon_server.times import day_start_ms
from alphalens.trading.clock import VirtualClock

from .scripted_vendor import QUICK

NOW = datetime(2024, 3, 1, 14, tzinfo=UTC)
FIRST, LAST = date(2024, 1, 2), date(2024, 2, 29)
DAYS = tuple(one.date for one in sessions("XNYS", FIRST, LAST))
MIDNIGHTS = tuple(datetime.fromtimestamp(day_start_ms(day) / 1000, UTC) for day in DAYS)


def request(*symbols: str, first: int = 0, last: int = -1, **changes: object) -> BarRequest:
    """Ask for the sessions of `DAYS` from one place to another, both included."""
    end = MIDNIGHTS[last] + timedelta(hours=1)
    return BarRequest(
        **{"symbols": symbols or ("AAPL",), "start": MIDNIGHTS[first], "end": end, **changes}
    )


def agg(day: date, close: float, **changes: object) -> dict[str, object]:
    """Return a daily bar as Polygon tells it."""
    told = {"o": close, "h": close * 1.01, "l": close * 0.99, "c": close, "v": 1000, "n": 10}
    return {"t": day_start_ms(day), "vw": close, **told, **changes}


def walk(count: int = len(DAYS), start: float = 100.0, seed: int = 1) -> list[float]:
    """Return closes that move by half a per cent a day."""
    rng = random.Random(seed)
    closes = [start]
    while len(closes) < count:
        closes.append(round(closes[-1] * (1 + rng.choice((-0.005, 0.005))), 2))
    return closes


@dataclass
class Desk:
    """What a test holds in its hands."""

    polygon: PolygonServer
    store: BarStore
    clock: VirtualClock
    monitor: DataFeedMonitor
    stack: ExitStack
    folder: Path
    vendors: list[object] = field(default_factory=list)

    @property
    def timing(self) -> Timing:
        return Timing(wall=lambda: self.clock.now().timestamp())

    def tell(
        self, symbol: str, closes: Sequence[float], days: Sequence[date] = DAYS, **changes: object
    ) -> None:
        """Let Polygon have these bars of a symbol, and no others."""
        self.polygon.control.clear_aggs(symbol)
        pairs = zip(days, closes, strict=False)
        self.polygon.control.add_aggs(symbol, [agg(day, c, **changes) for day, c in pairs])

    def provider(self) -> PolygonProvider:
        made = PolygonProvider(
            "key",
            base_url=self.polygon.url,
            rng=random.Random(1),
            options=QUICK,
            timing=self.timing,
            listener=self.monitor,
        )
        return self.stack.enter_context(made)

    def alpaca(self, bars: dict[str, Sequence[float]]) -> tuple[AlpacaProvider, AlpacaServer]:
        """Start an Alpaca that has these closes on `DAYS`; NaN is a day without a bar."""
        server = self.stack.enter_context(
            AlpacaServer(
                self.folder / "venue.sqlite",
                keys=("PKTEST", "secret"),
                now=NOW,
                rate_limit=None,
            )
        )
        for symbol, closes in bars.items():
            for at, close in zip(MIDNIGHTS, closes, strict=False):
                if close == close:
                    told = close, close * 1.01, close * 0.99, close, 1000
                    server.control.bar(symbol, *told, time=at, timeframe="1Day", match=False)
        made = AlpacaProvider(
            "PKTEST",
            "secret",
            base_url=server.data_url,
            rng=random.Random(2),
            options=QUICK,
            timing=self.timing,
            listener=self.monitor,
        )
        return self.stack.enter_context(made), server

    def pipeline(self, *more: object, **changes: object) -> Pipeline:
        """Return a pipeline over Polygon, then others."""
        providers = (self.provider(), *more)
        return Pipeline(providers, self.store, clock=self.clock, listener=self.monitor, **changes)

    def wait(self, **duration: float) -> datetime:
        """Let time pass; return the instant."""
        self.clock.advance_to(self.clock.now() + timedelta(**duration))
        return self.clock.now()

    def calls(self) -> list[str]:
        """Return the paths that Polygon was asked for."""
        return [one["path"] for one in self.polygon.control.requests()]


@contextmanager
def open_desk(url: str, folder: Path) -> Iterator[Desk]:
    """Give a desk on a database."""
    with ExitStack() as stack:
        engine = open_engine(url)
        stack.callback(engine.dispose)
        clock = VirtualClock(NOW)
        yield Desk(
            polygon=stack.enter_context(PolygonServer(keys=("key",))),
            store=BarStore(engine),
            clock=clock,
            monitor=DataFeedMonitor(clock=clock),
            stack=stack,
            folder=folder,
        )


def closes_of(store: BarStore, wanted: BarRequest, **changes: object) -> list[float]:
    """Return the stored closes of a request."""
    return store.read(wanted, **changes).close.tolist()


__all__ = [
    "DAYS",
    "MIDNIGHTS",
    "NOW",
    "Adjustment",
    "Desk",
    "Timeframe",
    "agg",
    "closes_of",
    "open_desk",
    "request",
    "walk",
]
