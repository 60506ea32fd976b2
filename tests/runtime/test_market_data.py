"""Market data from settings: who is asked, where bars are kept, and that all of it is closed."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from alphalens.config import _VENDORS, Settings, load_settings
from alphalens.data.bars import Timeframe
from alphalens.data.cache import MemoryCache
from alphalens.data.listening import NobodyListens
from alphalens.data.port import BarRequest
from alphalens.data.redis_cache import RedisCache
from alphalens.errors import ConfigError, DataError, StorageError
from alphalens.execution import Journal
from alphalens.runtime.health import open_health
from alphalens.runtime.market_data import (
    _MAKERS,
    CALENDARS,
    market_place,
    open_cache,
    open_market_data,
    open_vendors,
)
from alphalens.storage import open_engine
from alphalens.testing.alpaca_data_server import AlpacaDataServer
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.testing.polygon_server import PolygonServer
from alphalens.trading import SystemClock, VirtualClock
from tests.data.ingesting import DAYS, midnight, request_of, rows_of, vendor
from tests.waiting import PATIENCE_S

SECRET = "hunter2-very-secret"
SESSIONS = [datetime(2024, 1, day, 5, tzinfo=UTC) for day in (2, 3, 4, 5, 8)]
REQUEST = BarRequest(
    symbols=("AAPL",), start=SESSIONS[0], end=SESSIONS[-1] + timedelta(microseconds=1)
)


def row(at: datetime, close: float) -> dict[str, object]:
    prices = {"o": close, "h": close + 1, "l": close - 1, "c": close}
    return {"t": int(at.timestamp() * 1000), **prices, "v": 1000, "vw": close, "n": 10}


@pytest.fixture
def server():
    with PolygonServer(keys=(SECRET,)) as server:
        server.control.add_aggs("AAPL", [row(at, 185.0 + n) for n, at in enumerate(SESSIONS)])
        yield server


def settings(server: PolygonServer | None = None, **changes: str) -> Settings:
    environ = {"ALPHALENS_MARKET_DATA_VENDORS": "polygon", **changes}
    if server is not None:
        environ |= {
            "POLYGON_API_KEY": SECRET,
            "ALPHALENS_POLYGON_BASE_URL": server.url,
            "ALPHALENS_POLYGON_CALLS_PER_MINUTE": "10000",
        }
    return load_settings(env_file=None, environ=environ)


def ask(url: str) -> tuple[int, str]:
    try:
        answer = urlopen(url, timeout=PATIENCE_S)
    except HTTPError as refused:
        answer = refused
    with answer:
        return answer.status, answer.read().decode()


def test_bars_come_through_everything_and_everything_is_closed(server, tmp_path, redis_url):
    before = set(threading.enumerate())
    wanted = settings(server, REDIS_URL=redis_url)
    with open_market_data(wanted, folder=tmp_path / "new") as market:
        assert isinstance(market.cache, RedisCache)
        assert market.pipeline.bars(REQUEST).close.tolist() == [185.0, 186.0, 187.0, 188.0, 189.0]
        calls = len(server.control.requests())
        market.pipeline.bars(REQUEST)
        assert len(server.control.requests()) == calls
        assert market.cache.stats.hits > 0
        (feed,) = market.monitor.report().vendors
        assert (feed.vendor, feed.is_up, feed.errors) == ("polygon", True, 0)
        assert market.store.coverage(["AAPL"])["count"].tolist() == [5]
        assert SECRET not in repr(market)
    assert (tmp_path / "new" / "market.sqlite").exists()
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert not {name for name in left if "alphalens" in name or "polygon" in name}, left
    with open_market_data(wanted, folder=tmp_path / "new") as market:
        server.down()
        assert len(market.pipeline.bars(REQUEST)) == 5  # from the store, or from Redis


def test_bars_of_the_past_are_not_stale_and_fresh_ones_become_so(server, tmp_path):
    begin = datetime(2024, 1, 9, 15, tzinfo=UTC)  # in the session
    clock = VirtualClock(begin + timedelta(seconds=90))
    server.control.add_aggs("AAPL", [row(begin, 190.0)], timespan="minute")
    minute = BarRequest(
        symbols=("AAPL",),
        start=begin,
        end=begin + timedelta(minutes=1),
        timeframe=Timeframe.MINUTE,
    )
    with open_market_data(settings(server), folder=tmp_path, clock=clock) as market:
        market.pipeline.bars(REQUEST)
        (feed,) = market.monitor.report().vendors
        assert feed.stale == {}
        market.pipeline.bars(minute)
        clock.advance_to(begin + timedelta(minutes=5, seconds=1))
        (feed,) = market.monitor.report().vendors
        assert set(feed.stale) == {"AAPL"}


def test_redis_that_is_down_costs_nothing_but_time(server, tmp_path):
    wanted = settings(server, REDIS_URL="redis://127.0.0.1:1/0")
    with open_market_data(wanted, folder=tmp_path) as market:
        assert len(market.pipeline.bars(REQUEST)) == 5
        assert market.cache.stats.problem


def test_next_vendor_is_asked_where_the_first_one_fails(server, tmp_path):
    with AlpacaServer(tmp_path / "venue.sqlite", keys=("key", "secret")) as alpaca:
        wanted = settings(
            server,
            ALPHALENS_MARKET_DATA_VENDORS="alpaca,polygon",
            ALPACA_API_KEY="key",
            ALPACA_SECRET_KEY="wrong",
            ALPHALENS_ALPACA_BARS_URL=alpaca.data_url,
        )
        with open_market_data(wanted, folder=tmp_path) as market:
            found = market.pipeline.bars(REQUEST)
            feeds = {feed.vendor: feed for feed in market.monitor.report().vendors}
    assert set(found.frame()["source"].astype(str)) == {"polygon"}
    assert feeds["alpaca"].is_up is False
    assert (feeds["alpaca"].fallbacks, feeds["polygon"].is_up) == (1, True)


def test_bars_are_kept_on_a_server_too(server, tmp_path, postgres_url):
    wanted = settings(server, DATABASE_URL=postgres_url)
    with open_market_data(wanted, folder=tmp_path) as market:
        assert market.engine.dialect.name == "postgresql"
        assert len(market.pipeline.bars(REQUEST)) == 5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({}, Path("f/market.sqlite")),
        ({"DATABASE_URL": "sqlite:///desk.sqlite"}, Path("f/market.sqlite")),
        ({"DATABASE_URL": "postgresql://h/desk"}, "postgresql://h/desk"),
        (
            {"DATABASE_URL": "postgresql://h/desk", "ALPHALENS_MARKET_DATABASE_URL": "sqlite://"},
            "sqlite://",
        ),
    ],
)
def test_bars_share_a_server_with_the_journal_and_never_a_file(environ, place):
    assert market_place(load_settings(env_file=None, environ=environ), Path("f")) == place


@pytest.mark.parametrize(
    ("keys", "host"),
    [
        ({"POLYGON_API_KEY": "k"}, "https://api.polygon.io"),
        ({"MASSIVE_API_KEY": "k"}, "https://api.massive.com"),
        ({"POLYGON_API_KEY": "k", "MASSIVE_API_KEY": "k"}, "https://api.massive.com"),
        (
            {"MASSIVE_API_KEY": "k", "ALPHALENS_POLYGON_BASE_URL": "https://api.polygon.io"},
            "https://api.polygon.io",
        ),
    ],
)
def test_vendor_that_was_renamed_is_asked_at_the_host_of_its_key(keys, host):
    with open_vendors(settings(**keys), listener=NobodyListens(), clock=SystemClock()) as vendors:
        (provider,) = vendors.providers
        assert provider.name == "polygon"
        assert host in repr(provider)


def test_two_keys_of_one_vendor_that_differ_are_refused():
    with (
        pytest.raises(ConfigError, match="two names of one key, and differ: keep one"),
        open_vendors(
            settings(POLYGON_API_KEY="a", MASSIVE_API_KEY="b"),
            listener=NobodyListens(),
            clock=SystemClock(),
        ),
    ):
        pass


def test_order_plan_and_feed_are_those_of_the_settings():
    wanted = settings(
        ALPHALENS_MARKET_DATA_VENDORS="polygon, yahoo, alpaca",
        POLYGON_API_KEY="k",
        ALPACA_API_KEY="k",
        ALPACA_SECRET_KEY="s",
        ALPHALENS_ALPACA_FEED="sip",
        ALPHALENS_ALPACA_CALLS_PER_MINUTE="1000",
        ALPHALENS_YAHOO_CALLS_PER_MINUTE="30",
    )
    with open_vendors(wanted, listener=NobodyListens(), clock=SystemClock()) as vendors:
        plans = {one.name: one.capabilities.calls_per_minute for one in vendors.providers}
        alpaca = repr(vendors.providers[-1])
    assert list(plans.items()) == [("polygon", 5), ("yahoo", 30), ("alpaca", 1000)]
    assert "feed='sip'" in alpaca
    assert vendors.absent == {}


def test_vendors_without_key_or_package_are_left_out_with_the_reason(monkeypatch):
    monkeypatch.setattr("alphalens.runtime.market_data.find_spec", lambda _: None)
    named = {"ALPHALENS_MARKET_DATA_VENDORS": "alpaca,polygon,yahoo,sample", "ALPACA_API_KEY": "k"}
    with open_vendors(settings(**named), listener=NobodyListens(), clock=SystemClock()) as vendors:
        assert vendors.providers == ()
    assert list(vendors.absent) == ["alpaca", "polygon", "yahoo", "sample"]
    assert "ALPACA_SECRET_KEY is empty" in vendors.absent["alpaca"]
    assert 'pip install "alpha-lens[yahoo]"' in vendors.absent["yahoo"]


def test_nobody_to_ask_and_no_database_are_refused_before_anything_is_made(tmp_path, server):
    with (
        pytest.raises(ConfigError, match=r"no vendor .* \(polygon: POLYGON_API_KEY and"),
        open_market_data(settings(), folder=tmp_path / "new"),
    ):
        pass
    assert not (tmp_path / "new").exists()
    with (
        pytest.raises(StorageError),
        open_market_data(settings(server), database="postgresql://127.0.0.1:1/none"),
    ):
        pass


def test_cache_is_in_process_without_redis():
    with open_cache(settings()) as cache:
        assert isinstance(cache, MemoryCache)
    with pytest.raises(ConfigError, match="no address of Redis") as caught:
        settings(REDIS_URL=f"http://:{SECRET}@h")
    assert SECRET not in str(caught.value)


def test_every_vendor_of_the_settings_can_be_made():
    assert set(_MAKERS) == set(_VENDORS) == set(CALENDARS)


def test_health_of_market_data_and_journal_is_told_over_http(server, tmp_path):
    desk = tmp_path / "desk.sqlite"
    engine = open_engine(desk)
    with Journal(engine, clock=SystemClock(), run_id="r"):
        pass
    engine.dispose()
    wanted = settings(server)
    with (
        open_market_data(wanted, folder=tmp_path) as market,
        open_health(wanted, market=market, journal=desk) as health,
    ):
        status, text = ask(f"{health.url}/healthz")
        told = {check["name"]: check["status"] for check in json.loads(text)["checks"]}
        assert (status, told.pop("feed polygon")) == (503, "unknown")  # nobody has asked it
        assert told == dict.fromkeys(
            ("model", "journal", "state", "orders", "market database", "cache"), "ok"
        )
        market.pipeline.bars(REQUEST)
    with (
        open_market_data(wanted, folder=tmp_path) as market,
        open_health(wanted, market=market, journal=tmp_path / "gone.sqlite") as health,
    ):
        later = BarRequest(
            symbols=("AAPL",), start=REQUEST.end, end=REQUEST.end + timedelta(days=1)
        )
        market.pipeline.bars(later)
        server.down()
        with pytest.raises(DataError):
            market.pipeline.fetch(later)
        status, text = ask(f"{health.url}/healthz")
        told = {check["name"]: check for check in json.loads(text)["checks"]}
        assert (status, told["journal"]["status"]) == (503, "critical")
        assert told["feed polygon"]["status"] == "warning"  # for less than five minutes
        metrics = ask(f"{health.url}/metrics")[1]
        assert 'alphalens_feed_up{vendor="polygon"} 0' in metrics
        assert "alphalens_cache_misses_total" in metrics
        assert SECRET not in metrics + text


def test_store_that_another_process_makes_later_is_looked_at_then(tmp_path):
    place = tmp_path / "market.sqlite"
    clock = VirtualClock(SESSIONS[0])
    with open_health(settings(), store=place, clock=clock) as health:
        told = json.loads(ask(f"{health.url}/healthz")[1])["checks"]
        values = {check["name"]: (check["status"], check["value"]) for check in told}
        assert values["market database"] == ("ok", "none")
        assert values["cache"] == ("ok", "in process")
        assert "alphalens_cache" not in ask(f"{health.url}/metrics")[1]  # not ours to tell
        place.write_bytes(b"something else " * 100)
        clock.advance_to(SESSIONS[0] + timedelta(seconds=6))
        status, text = ask(f"{health.url}/healthz")
        values = {check["name"]: check["status"] for check in json.loads(text)["checks"]}
        assert (status, values["market database"]) == (503, "critical")


def test_hits_of_a_shared_cache_are_those_of_all_who_use_it(server, tmp_path, redis_url):
    wanted = settings(server, REDIS_URL=redis_url)
    with open_market_data(wanted, folder=tmp_path) as market:
        market.pipeline.bars(REQUEST)
        market.pipeline.bars(REQUEST)
        assert market.cache.stats.hits > 0
        with open_health(wanted, store=tmp_path / "market.sqlite") as health:
            lines = ask(f"{health.url}/metrics")[1].splitlines()
    (hits,) = [float(line.split()[1]) for line in lines if line.startswith("alphalens_cache_hits")]
    assert hits >= market.cache.stats.hits


def test_health_of_two_databases_of_bars_is_refused(server, tmp_path):
    with (
        open_market_data(settings(server), folder=tmp_path) as market,
        pytest.raises(ConfigError, match="not both"),
        open_health(settings(server), market=market, store=tmp_path / "market.sqlite"),
    ):
        pass


def test_misprint_is_replaced_by_the_next_vendor_where_that_is_wanted(tmp_path):
    days = [midnight(day) + timedelta(hours=5) for day in DAYS]
    with vendor() as server, AlpacaDataServer(keys=("key", "secret")) as spare:
        told = rows_of("AAPL")
        spare.control.add_bars(
            "AAPL", [{**one, "t": at.isoformat()} for one, at in zip(told, days, strict=True)]
        )
        truth = float(told[8]["c"])
        server.control.clear_aggs("AAPL")
        server.control.add_aggs("AAPL", [*told[:8], row(days[8], round(truth / 100, 2)), *told[9:]])
        for wanted, closes in (("false", len(DAYS) - 1), ("true", len(DAYS))):
            chosen = settings(
                ALPHALENS_MARKET_DATA_VENDORS="polygon,alpaca",
                ALPHALENS_MARKET_DATA_SECOND_OPINION=wanted,
                POLYGON_API_KEY="key",
                ALPHALENS_POLYGON_BASE_URL=server.url,
                ALPHALENS_POLYGON_CALLS_PER_MINUTE="10000",
                ALPACA_API_KEY="key",
                ALPACA_SECRET_KEY="secret",
                ALPHALENS_ALPACA_BARS_URL=spare.url,
            )
            with open_market_data(chosen, folder=tmp_path / wanted) as market:
                bars = market.pipeline.bars(request_of(symbols=("AAPL",)))
                assert len(bars) == closes
    assert truth in bars.close.tolist()
