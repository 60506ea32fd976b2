"""Bars from loopback vendors over the wire into the store, and back as a panel."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from alphalens.data._intake import intake
from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.pipeline import Pipeline
from alphalens.data.polygon_provider import PolygonProvider
from alphalens.data.port import BarRequest
from alphalens.data.reasons import Reason
from alphalens.data.store import BarStore
from alphalens.errors import ConfigError, DataError, InputError
from alphalens.monitoring.data_feed_monitor import DataFeedMonitor
from alphalens.storage import open_engine
from alphalens.testing.polygon_server import PolygonServer
from alphalens.trading import SystemClock

from .scripted_vendor import QUICK

START = datetime(2024, 1, 2, tzinfo=UTC)
SESSIONS = [datetime(2024, 1, day, 5, tzinfo=UTC) for day in (2, 3, 4, 5, 8)]
REQUEST = BarRequest(symbols=("AAPL", "MSFT"), start=START, end=START + timedelta(days=7))


def row(at: datetime, close: float, **changes: object) -> dict[str, object]:
    told = {"o": close, "h": close + 1, "l": close - 1, "c": close, "v": 1000, "n": 10}
    return {"t": int(at.timestamp() * 1000), "vw": close, **told, **changes}


@pytest.fixture
def server():
    with PolygonServer(keys=("key", "spare")) as server:
        for symbol, price in (("AAPL", 185.0), ("MSFT", 370.0)):
            rows = [row(at, price + n) for n, at in enumerate(SESSIONS)]
            server.control.add_aggs(symbol, rows)
        yield server


@pytest.fixture
def store(database_url):
    engine = open_engine(database_url)
    yield BarStore(engine)
    engine.dispose()


@pytest.fixture
def monitor() -> DataFeedMonitor:
    return DataFeedMonitor(clock=SystemClock())


@pytest.fixture
def pipeline(server, store, monitor):
    provider = PolygonProvider(
        "key", base_url=server.url, rng=random.Random(1), options=QUICK, listener=monitor
    )

    yield Pipeline([provider], store, clock=SystemClock(), listener=monitor)
    provider.close()


def test_bars_come_from_the_vendor_once_and_then_from_the_store(server, store, pipeline):
    first = pipeline.bars(REQUEST)
    calls = len(server.control.requests())
    again = pipeline.bars(REQUEST)
    assert calls == len(server.control.requests()) == 2
    assert first.frame().equals(again.frame())
    panel = store.panel(["MSFT", "AAPL"], REQUEST.start, REQUEST.end, "close")
    assert panel["AAPL"].tolist() == [185.0, 186.0, 187.0, 188.0, 189.0]
    assert panel["MSFT"].tolist() == [370.0, 371.0, 372.0, 373.0, 374.0]
    assert set(first.frame()["source"].astype(str)) == {"polygon"}


def test_only_what_is_missing_is_asked_for(server, pipeline):
    half = BarRequest(symbols=("AAPL",), start=START, end=START + timedelta(days=3))
    assert pipeline.bars(half).close.tolist() == [185.0, 186.0, 187.0]
    server.control.forget_requests()
    assert len(pipeline.bars(REQUEST)) == 10
    asked = sorted(one["path"] for one in server.control.requests())
    assert len(asked) == 2
    assert "/AAPL/" in asked[0]
    assert "/MSFT/" in asked[1]


def test_bad_row_goes_to_quarantine_and_its_neighbours_to_the_store(server, store, pipeline):
    server.control.clear_aggs("AAPL")
    rows = [row(at, 185.0 + n) for n, at in enumerate(SESSIONS)]
    rows[2] = row(SESSIONS[2], -1.0)
    server.control.add_aggs("AAPL", rows)
    asked = BarRequest(symbols=("AAPL",), start=REQUEST.start, end=REQUEST.end)
    assert pipeline.bars(asked).close.tolist() == [185.0, 186.0, 188.0, 189.0]
    aside = store.quarantined(["AAPL"])
    assert len(aside) == 1
    assert int(aside["marks"].iloc[0]) & Reason.PRICE_NOT_POSITIVE.bit
    assert '"c":-1.0' in aside["raw"].iloc[0].replace(" ", "")


def test_many_refused_rows_are_put_aside_in_turns(server, store, pipeline, monkeypatch):
    monkeypatch.setattr(intake, "_ASIDE", 2)
    server.control.clear_aggs("AAPL")
    told = [row(at, -185.0 - n) for n, at in enumerate(SESSIONS)]
    server.control.add_aggs("AAPL", told)
    turns = []
    quarantine = store.quarantine
    monkeypatch.setattr(
        store,
        "quarantine",
        lambda bars, *a, **k: (turns.append(len(bars)), quarantine(bars, *a, **k)),
    )
    pipeline.fetch(BarRequest(symbols=("AAPL",), start=REQUEST.start, end=REQUEST.end))
    assert turns == [2, 2, 1]
    raw = [json.loads(text)["c"] for text in store.quarantined(["AAPL"])["raw"]]
    assert raw == [one["c"] for one in told]


def test_answer_that_is_no_json_leaves_nothing_and_is_asked_for_again(
    server, store, pipeline, monitor
):
    server.control.arm("html", path="/v2/aggs/*", count=100)
    with pytest.raises(DataError, match=r"no vendor gave 2 symbols .* polygon: "):
        pipeline.bars(REQUEST)
    assert len(store.read(REQUEST)) == 0
    (feed,) = monitor.report().vendors
    assert feed.is_up is False
    server.control.disarm()


def test_next_vendor_is_asked_when_one_fails_and_each_row_names_its_own(
    server, store, pipeline, monitor
):
    class Spare:
        name = "spare"

        def __init__(self, inner):
            self.inner, self.capabilities = inner, inner.capabilities

        def bars(self, request):
            return self.inner.bars(request)

    class Broken(Spare):
        name = "broken"

        def bars(self, request):
            raise DataError("out of order")

    (real,) = pipeline._providers
    both = Pipeline(
        [Broken(real), Spare(real)],
        store,
        clock=SystemClock(),
        listener=monitor,
    )
    assert len(both.bars(REQUEST)) == 10
    fallbacks = {feed.vendor: feed.fallbacks for feed in monitor.report().vendors}
    assert fallbacks["broken"] == 1
    assert set(store.read(REQUEST).frame()["source"].astype(str)) == {"polygon"}


def test_what_no_vendor_has_is_refused(pipeline, store):
    odd = BarRequest(
        symbols=("AAPL",),
        start=REQUEST.start,
        end=REQUEST.end,
        timeframe=Timeframe.DAY,
        adjustment=Adjustment.ALL,
    )
    with pytest.raises(InputError, match="none of polygon has bars of 1d, adjusted for all"):
        pipeline.bars(odd)
    with pytest.raises(ConfigError, match="at least one vendor"):
        Pipeline([], store, clock=SystemClock())
