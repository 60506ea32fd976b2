"""Every vendor and every source of bars passes the one suite of all of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from alphalens.data.alpaca_provider import AlpacaProvider
from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.folder_provider import FolderProvider
from alphalens.data.polygon_provider import PolygonProvider
from alphalens.data.port import BarRequest, MarketDataProvider
from alphalens.data.sample_provider import SampleProvider
from alphalens.data.yahoo_provider import YahooProvider
from alphalens.testing.alpaca_data_server import AlpacaDataServer
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.testing.conformance_data import MarketDataConformance
from alphalens.testing.polygon_server import PolygonServer
from alphalens.testing.polygon_server.times import day_start_ms
from alphalens.testing.yahoo_server import YahooServer
from alphalens.testing.yahoo_server.client import loopback_session

from .scripted_vendor import QUICK

DAYS = [date(2024, 1, day) for day in (2, 3, 4, 5, 8, 9)]
CLOSES = {"AAPL": 100.0, "MSFT": 300.0}
SPAN = {
    "symbols": tuple(CLOSES),
    "start": datetime(2024, 1, 2, tzinfo=UTC),
    "end": datetime(2024, 1, 10, tzinfo=UTC),
}


def rows(symbol: str) -> list[tuple[date, dict[str, float]]]:
    return [
        (day, {"o": close - 0.5, "h": close + 1.0, "l": close - 1.0, "c": close, "v": 1000.0})
        for day, close in zip(DAYS, (CLOSES[symbol] + n for n in range(9)), strict=False)
    ]


class OverTheWire(MarketDataConformance):
    """A vendor on loopback, served as long as a test runs."""

    request = BarRequest(**SPAN)

    @pytest.fixture(autouse=True)
    def _served(self, tmp_path: Path) -> Iterator[None]:
        self.folder = tmp_path
        with ExitStack() as self.stack:
            yield


class TestAlpaca(OverTheWire):
    def make_provider(self) -> MarketDataProvider:
        server = self.stack.enter_context(AlpacaDataServer(keys=("key", "secret")))
        for symbol in CLOSES:
            told = [{"t": f"{day}T05:00:00Z", "n": 9, **row} for day, row in rows(symbol)]
            server.control.add_bars(symbol, told)
        venue = self.stack.enter_context(
            AlpacaServer(self.folder / f"{id(server)}.sqlite", keys=("key", "secret"))
        )
        made = AlpacaProvider(
            "key",
            "secret",
            base_url=server.url,
            venue_url=venue.rest_url,
            rng=random.Random(1),
            options=QUICK,
        )
        return self.stack.enter_context(made)


class TestPolygon(OverTheWire):
    def make_provider(self) -> MarketDataProvider:
        server = self.stack.enter_context(PolygonServer(keys=("key",)))
        for symbol in CLOSES:
            told = [{"t": day_start_ms(day), "n": 9, **row} for day, row in rows(symbol)]
            server.control.add_aggs(symbol, told)
        names = {"exchange": "NYSE", "name": "x", "status": "closed"}
        days = (date.today() + timedelta(days=n) for n in (2, 9, 60))  # one of them may be Sunday
        server.control.add_holidays([{"date": day.isoformat(), **names} for day in days])
        made = PolygonProvider("key", base_url=server.url, rng=random.Random(1), options=QUICK)
        return self.stack.enter_context(made)


class TestYahoo(OverTheWire):
    request = BarRequest(**SPAN, adjustment=Adjustment.SPLIT)

    def make_provider(self) -> MarketDataProvider:
        server = self.stack.enter_context(YahooServer(now=datetime(2024, 2, 1, 22, tzinfo=UTC)))
        names = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
        for symbol in CLOSES:
            told = [
                {"day": str(day), **{names[key]: row[key] for key in names}}
                for day, row in rows(symbol)
            ]
            server.control.add_bars(symbol, told)
        made = YahooProvider(
            rng=random.Random(1), session=loopback_session(server.url), options=QUICK
        )
        return self.stack.enter_context(made)


class TestSample(MarketDataConformance):
    start = datetime(2022, 1, 3, tzinfo=UTC)
    request = BarRequest(
        symbols=("AAPL", "MSFT"),
        start=start,
        end=start + timedelta(days=30),
        adjustment=Adjustment.ALL,
    )

    def make_provider(self) -> MarketDataProvider:
        return SampleProvider()


class TestFolder(MarketDataConformance):
    request = BarRequest(**SPAN)

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        for symbol in CLOSES:
            lines = [f"{day},{','.join(map(str, row.values()))}" for day, row in rows(symbol)]
            text = "\n".join(["date,open,high,low,close,volume", *lines]) + "\n"
            (tmp_path / f"{symbol}.csv").write_text(text, encoding="utf-8")

    def make_provider(self) -> MarketDataProvider:
        return FolderProvider(
            self.folder, timeframe=Timeframe.DAY, adjustment=Adjustment.RAW, zone="America/New_York"
        )
