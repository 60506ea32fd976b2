"""A stream opened from settings: its bars are in the store, and who watches is told."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import sqlalchemy as sa

from alphalens.config import load_settings
from alphalens.data.bars import Adjustment, Bars, Timeframe
from alphalens.data.ingest_record import IngestRecord
from alphalens.data.port import BarRequest
from alphalens.errors import ConfigError, InputError, StorageError
from alphalens.runtime.market_data import MarketData, open_market_data
from alphalens.runtime.market_stream import open_stream
from alphalens.testing.polygon_server import PolygonServer
from tests.data.streams import Wall, at, us
from tests.monitoring.receiver import Receiver, receiving
from tests.waiting import PATIENCE_S, until

KEY = "key-of-the-test"
WHOLE = BarRequest(symbols=("AAPL",), start=at(0), end=at(60), timeframe=Timeframe.MINUTE)


def row(minute: float, close: float = 1.5) -> dict[str, object]:
    prices = {"o": 1.0, "h": 2.0, "l": 0.5, "c": close}
    return {"t": us(minute) // 1000, **prices, "v": 9, "vw": 1.2}


@pytest.fixture
def server() -> Iterator[PolygonServer]:
    with PolygonServer(keys=(KEY,), now=at(0)) as running:
        yield running


@contextmanager
def market_of(
    server: PolygonServer, wall: Wall, key: str = KEY, webhook: str = ""
) -> Iterator[tuple]:
    environ = {
        "ALPHALENS_MARKET_DATA_VENDORS": "alpaca,polygon",
        "POLYGON_API_KEY": key,
        "ALPHALENS_POLYGON_BASE_URL": server.url,
        "ALPHALENS_POLYGON_STREAM_URL": server.stream_url,
        "ALPHALENS_POLYGON_CALLS_PER_MINUTE": "10000",
        "ALPHALENS_ALERT_WEBHOOK_URL": webhook,
    }
    settings = load_settings(env_file=None, environ=environ)
    with (
        TemporaryDirectory() as folder,
        open_market_data(settings, folder=Path(folder), clock=wall) as market,
    ):
        yield settings, market


def closes(market: MarketData) -> list[float]:
    return market.store.read(WHOLE).close.tolist()


def is_up(market: MarketData) -> bool:
    return any(feed.is_up for feed in market.monitor.report().vendors if "stream" in feed.vendor)


def test_minutes_are_kept_the_watch_is_told_and_nothing_is_left_running(server):
    before, wall = set(threading.enumerate()), Wall(at(1))
    with market_of(server, wall) as (settings, market):
        with open_stream(settings, market, ["AAPL"], clock=wall) as stream:
            until(lambda: is_up(market))
            wall.instant = at(2.01)
            server.control.minute("AAPL", row(1, 1.25))
            until(lambda: closes(market))
            wall.instant = at(3.01)
            server.control.minute("AAPL", row(2, 1.75))  # taken, or waiting, when it is closed
            until(lambda: stream.counts.get("bars", 0) == 2)
            (feed,) = market.monitor.report().vendors
            assert (feed.vendor, feed.errors) == ("polygon stream", 0)
            assert (stream.is_over, stream.problem) == (False, "")
        assert stream.is_over
        assert closes(market) == [1.25, 1.75]
        assert stream.counts["unkept"] == 0
        wall.instant = at(60)
        assert market.monitor.report().vendors == ()  # nobody waits for it any more
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert not {name for name in left if "alphalens" in name or "polygon" in name}, left


def test_bars_since_an_instant_are_asked_for(server):
    server.control.add_aggs("AAPL", [row(0, 1.0), row(1, 1.25)], timespan="minute")
    wall = Wall(at(2.5))
    with (
        market_of(server, wall) as (settings, market),
        open_stream(settings, market, ["AAPL"], since=at(0), clock=wall) as stream,
    ):
        until(lambda: stream.counts.get("connections"))
        wall.instant = at(3.1)
        server.control.minute("AAPL", row(2, 1.5))
        until(lambda: len(closes(market)) == 3)
        assert closes(market) == [1.0, 1.25, 1.5]


def test_outage_and_stale_data_are_told_while_the_market_is_open(server):
    wall, alerts = Wall(at(1)), []
    with (
        market_of(server, wall) as (settings, market),
        open_stream(settings, market, ["AAPL"], clock=wall, on_alert=alerts.append),
    ):
        until(lambda: is_up(market))
        wall.instant = at(2.01)
        server.control.minute("AAPL", row(1))
        until(lambda: closes(market))
        server.control.allow_connections(0)
        server.control.drop_stream()
        until(lambda: not is_up(market))
        wall.instant = at(8)
        until(lambda: len(alerts) == 2)
        assert [alert.code for alert in alerts] == ["data_outage", "data_stale"]
        wall.instant = at(8) + timedelta(hours=9)  # the market is closed by now
        (feed,) = market.monitor.report().vendors
        assert feed.outages[-1].lasted < timedelta(hours=6.5)


def test_open_gap_and_outage_reach_the_webhook_and_the_gap_is_on_record(server):
    server.control.forbid("/v2/aggs")
    wall = Wall(at(2.5))
    with (
        receiving() as (receiver, url),
        market_of(server, wall, webhook=url) as (settings, market),
        open_stream(settings, market, ["AAPL"], since=at(0), clock=wall) as stream,
    ):
        record = IngestRecord(market.engine)
        until(lambda: record.gaps(is_open=True))
        until(lambda: receiver.got)
        server.control.allow_connections(0)
        server.control.drop_stream()
        until(lambda: not is_up(market))
        wall.instant += timedelta(seconds=300)
        assert not any(
            feed.breaches for feed in market.monitor.report().vendors
        )  # so much is agreed
        wall.instant += timedelta(seconds=1)
        until(lambda: len(receiver.got) == 3)
        gaps, missing = record.gaps(is_open=True), stream.counts["open_gaps"]
    told = [(one["code"], one["values"]["vendor"]) for one in receiver.got]
    assert told[0] == ("stream_gap", "polygon stream")
    assert "AAPL" in receiver.got[0]["message"]
    assert set(told[1:]) == {("data_outage", "polygon"), ("data_outage", "polygon stream")}
    assert (len(gaps), missing) == (1, 1)
    assert (gaps[0].gap.symbol, gaps[0].gap.before) == ("AAPL", at(2))


def test_webhook_that_hangs_does_not_hold_back_the_stream(server):
    wall = Wall(at(1))
    with (
        receiving(lambda payload: Receiver.HANG) as (receiver, url),
        market_of(server, wall, webhook=url) as (settings, market),
        open_stream(settings, market, ["AAPL"], clock=wall) as stream,
    ):
        until(lambda: is_up(market))
        market.monitor.failed("yahoo", TimeoutError("no answer"))
        wall.instant = at(8)
        server.control.minute("AAPL", row(7, 1.25))
        assert receiver.arrived.wait(PATIENCE_S)
        for minute in (8, 9, 10):
            wall.instant = at(minute + 1.01)
            server.control.minute("AAPL", row(minute, 1.5))
            until(lambda minute=minute: stream.counts.get("bars", 0) >= minute - 6)
        until(lambda: len(closes(market)) >= 4)
        receiver.let_go.set()


def test_key_that_is_refused_ends_it_with_the_reason(server, caplog):
    wall = Wall()
    with (
        caplog.at_level(logging.WARNING),
        market_of(server, wall, key="wrong") as (settings, market),
        open_stream(settings, market, ["AAPL"], clock=wall) as stream,
    ):
        until(lambda: stream.is_over)
        assert "Check the key" in stream.problem
    assert "stream_refused: polygon stream" in caplog.text
    assert "wrong" not in caplog.text


def test_bars_wait_while_the_database_fails_and_are_kept_then(server):
    wall = Wall(at(1))
    with (
        market_of(server, wall) as (settings, market),
        open_stream(settings, market, ["AAPL"], clock=wall) as stream,
    ):
        until(lambda: is_up(market))
        with broken(market.engine):
            wall.instant = at(2.01)
            server.control.minute("AAPL", row(1, 1.25))
            until(lambda: stream.problem)
            assert "disk" in stream.problem
            assert stream.counts["unkept"] == 1
        until(lambda: closes(market))
        until(lambda: not stream.problem)
        assert closes(market) == [1.25]


def test_what_nobody_waits_out_ends_it_with_an_alert_at_once(server):
    wall, alerts = Wall(at(1)), []
    with market_of(server, wall) as (settings, market), ExitStack() as stack:
        for symbol, currency in (("AAPL", "USD"), ("MSFT", "EUR")):
            market.store.write(one_minute(symbol, currency), at=at(1))
        opened = open_stream(settings, market, ["AAPL", "MSFT"], clock=wall, on_alert=alerts.append)
        stream = stack.enter_context(opened)
        until(lambda: is_up(market))
        for symbol in ("AAPL", "MSFT"):
            server.control.minute(symbol, row(1, 1.25))
        wall.instant = at(2.01)
        until(lambda: stream.is_over)
        assert [(one.code, one.severity) for one in alerts] == [("stream_broken", "critical")]
        assert "ask apart" in alerts[0].message
        assert "InputError" in stream.problem
        with pytest.raises(InputError, match="ask apart"):
            stack.close()


def one_minute(symbol: str, currency: str) -> Bars:
    figures = {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 9.0}
    return Bars.of_symbol(
        symbol,
        np.array([us(-10)]),
        {name: np.array([figure]) for name, figure in figures.items()},
        source="elsewhere",
        received_at=at(-9),
        timeframe=Timeframe.MINUTE,
        adjustment=Adjustment.RAW,
        currency=currency,
    )


def test_last_bars_that_cannot_be_kept_are_told_at_the_end(server):
    wall = Wall(at(1))
    with market_of(server, wall) as (settings, market), ExitStack() as stack:
        stream = stack.enter_context(open_stream(settings, market, ["AAPL"], clock=wall))
        until(lambda: is_up(market))
        wall.instant = at(2.01)
        with broken(market.engine):
            server.control.minute("AAPL", row(1, 1.25))
            until(lambda: stream.counts.get("bars", 0))
            with pytest.raises(StorageError, match="disk"):
                stack.close()
    assert stream.is_over


@contextmanager
def broken(engine: sa.Engine) -> Iterator[None]:
    """A database on a disk that takes nothing."""

    def refuse(*args: object) -> None:
        if not str(args[2]).lstrip().upper().startswith(("SELECT", "PRAGMA")):
            raise sa.exc.OperationalError(str(args[2]), None, OSError("the disk is full"))

    sa.event.listen(engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        sa.event.remove(engine, "before_cursor_execute", refuse)


def test_what_cannot_be_streamed_is_refused_with_the_reason(server):
    wall = Wall()
    with market_of(server, wall) as (settings, market):
        with (
            pytest.raises(ConfigError, match=r"nobody streams: alpaca .* ALPACA_API_KEY"),
            open_stream(settings, market, ["AAPL"], vendor="alpaca", clock=wall),
        ):
            pass
        with (
            pytest.raises(InputError, match="open one for each"),
            open_stream(settings, market, ["AAPL", "BTC/USD"], clock=wall),
        ):
            pass
