"""Each part has its bad case, and a part that gave no answer is unknown, never well."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from alphalens.data.cache import MemoryCache
from alphalens.data.redis_cache import RedisCache
from alphalens.errors import BrokerError, CredentialsRefused
from alphalens.monitoring.data_feed_monitor import DataFeedMonitor
from alphalens.monitoring.part_checks import (
    check_broker,
    check_cache,
    check_database,
    check_feeds,
    check_model,
)
from alphalens.net import LoopThread
from alphalens.storage import open_engine, writing
from alphalens.storage.schema import versions
from alphalens.trading import VirtualClock
from tests.servers import own_role

NOON = datetime(2024, 1, 2, 17, tzinfo=UTC)


@pytest.fixture
def engine(database_url):
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def test_database_that_answers_and_can_be_written_is_ok(engine):
    check = check_database(engine, name="database")
    assert (check.name, check.status, check.value) == ("database", "ok", "schema 4, writable")


def test_database_of_a_newer_version_is_critical(engine):
    with writing(engine) as connection:
        connection.execute(versions.update().values(version_num="0099"))
    check = check_database(engine, name="database")
    assert check.status == "critical"
    assert "schema version 99" in check.message


def test_database_that_is_gone_is_critical():
    url = "postgresql+psycopg://user:very-secret@127.0.0.1:1/desk"
    engine = sa.create_engine(url)
    check = check_database(engine, name="market database")
    assert (check.name, check.status, check.value) == ("market database", "critical", "failed")
    assert "127.0.0.1" in check.message
    assert "very-secret" not in check.message


def test_user_that_may_only_read_is_told(postgres_url):
    open_engine(postgres_url).dispose()
    rights = (
        "GRANT USAGE ON SCHEMA {schema} TO {role}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}",
    )
    with own_role(postgres_url, attributes="", grants=rights) as reader:
        url = sa.make_url(postgres_url)
        options = f"{url.query['options']} -crole={reader}"
        engine = open_engine(url.update_query_dict({"options": options}).render_as_string(False))
        check = check_database(engine, name="database")
        engine.dispose()
    assert (check.status, check.value) == ("critical", "schema 4, not writable")
    assert "grant INSERT" in check.message


def test_file_that_may_only_be_read_is_told(tmp_path, monkeypatch):
    path = tmp_path / "desk.sqlite"
    open_engine(path).dispose()
    engine = open_engine(path, is_read_only=True)
    assert check_database(engine, name="database").status == "ok"
    monkeypatch.setattr("os.access", lambda place, _: Path(place) != tmp_path)
    check = check_database(engine, name="database")
    assert check.status == "critical"
    assert check.message == f"not writable by this user: {tmp_path}; grant it"
    engine.dispose()


def test_cache_in_this_process_tells_its_hit_rate():
    cache = MemoryCache(monotonic=time.monotonic)
    assert check_cache(cache).value == "nothing asked yet"
    cache.put({"a": b"1"}, ttl_s=5.0)
    cache.get(["a", "b", "c", "d"])
    check = check_cache(cache)
    assert (check.status, check.value) == ("ok", "hit rate 25.0% of 4")
    assert (cache.stats.hits, cache.stats.misses) == (1, 3)  # asking after it does not count


def test_redis_is_ok_while_it_answers_and_a_warning_after_that(redis_url):
    with LoopThread("test") as loop:
        cache = RedisCache(redis_url, loop=loop, monotonic=time.monotonic)
        assert check_cache(cache).status == "ok"
        cache.close()
        down = RedisCache("redis://127.0.0.1:1/0", loop=loop, monotonic=time.monotonic)
        check = check_cache(down)
        down.close()
    assert (check.status, check.value) == ("warning", "no answer")
    assert "slower and not wrong" in check.message


def test_venue_answers(paper):
    assert check_broker(paper.venue).status == "ok"


@pytest.mark.parametrize(
    ("error", "status"),
    [(BrokerError("no route"), "unknown"), (CredentialsRefused("401"), "critical")],
)
def test_venue_that_could_not_be_asked_is_not_well(paper, monkeypatch, error, status):
    def fail():
        raise error

    monkeypatch.setattr(paper.venue, "account", fail)
    check = check_broker(paper.venue)
    assert check.status == status
    assert str(error) in check.message


def test_blocked_account_and_lost_stream_are_told(paper):
    account = replace(paper.venue.account(), is_blocked=True)
    blocked = SimpleNamespace(account=lambda: account, connection=paper.venue.connection)
    assert check_broker(blocked).status == "critical"
    lost = SimpleNamespace(is_up=False, problem="closed by the venue")
    quiet = SimpleNamespace(account=paper.venue.account, connection=lambda: lost)
    check = check_broker(quiet)
    assert (check.status, check.value) == ("warning", "stream down")
    assert "closed by the venue" in check.message


def test_no_model_is_complete_and_a_named_one_is_not_asked():
    assert (check_model("").status, check_model("").value) == ("ok", "none")
    assert check_model("claude-x").status == "warning"


def test_vendors_are_judged_one_by_one():
    clock = VirtualClock(NOON)
    monitor = DataFeedMonitor(clock=clock)
    monitor.answered("good", took_s=0.1)
    monitor.failed("bad", TimeoutError("no answer"))
    monitor.told("old", "A", NOON - timedelta(hours=1))
    monitor.answered("old", took_s=0.1)
    found = {c.name: c for c in check_feeds(monitor.report(), ["good", "never"])}
    assert {name: check.status for name, check in found.items()} == {
        "feed bad": "warning",
        "feed good": "ok",
        "feed never": "unknown",
        "feed old": "warning",
    }
    assert "60.0 minutes" in found["feed old"].message
    clock.advance_to(NOON + timedelta(minutes=5, seconds=1))
    found = {c.name: c for c in check_feeds(monitor.report(), ())}
    assert found["feed bad"].status == "critical"
    assert "5.0 minutes of open market (TimeoutError: no answer)" in found["feed bad"].message
