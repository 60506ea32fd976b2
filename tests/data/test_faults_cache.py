"""Redis that is killed in the middle: slower, never wrong, and never half a value."""

from __future__ import annotations

import socket
import threading
import time

import numpy as np
import pytest

from alphalens.data.packing import pack, unpack
from alphalens.data.redis_cache import RedisCache
from alphalens.data.store import BarStore
from alphalens.storage import open_engine
from tests.servers import own_redis
from tests.waiting import until

from .ingesting import closes_in, pipeline_of, request_of, rows_of, vendor, whole_month
from .many_bars import many

KEPT = {"appendonly": "yes", "appendfsync": "always"}
MANY = 400


@pytest.fixture
def port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Clock:
    """Seconds that pass when a test says so: a cache that failed is left alone for one."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def cache_of(port, loop, clock):
    return RedisCache(f"redis://127.0.0.1:{port}", loop=loop, monotonic=clock, timeout_s=60.0)


def test_server_killed_amid_a_write_keeps_whole_values_or_none(port, loop):
    clock, body = Clock(), pack(many(10, 300))
    items = {f"key{n}": body for n in range(MANY)}
    with own_redis(port, **KEPT) as server:
        cache, other = cache_of(port, loop, clock), cache_of(port, loop, clock)
        writing = threading.Thread(target=cache.put, args=(items,), kwargs={"ttl_s": 600.0})
        writing.start()
        until(lambda: len(other.get(["key0", "key3"])) == 2)
        server.terminate()
        writing.join()
        assert cache.stats.faults == 1
        assert cache.get(list(items)) == {}
        server.start()
        clock.now += 60.0
        fresh = cache_of(port, loop, clock)
        found = fresh.get(list(items))
        assert 0 < len(found) < MANY
        given = many(10, 300)
        for content in list(found.values())[:: len(found) // 3 or 1]:
            bars = unpack(content)
            assert np.array_equal(bars.close, given.close)
            assert np.array_equal(bars.time, given.time)
        assert all(content == body for content in found.values())
        # What may or may not have arrived is dropped before it is read again.
        assert cache.get(list(items)) == {}
        assert fresh.get(list(items)) == {}
        cache.put({"key0": body}, ttl_s=60.0)
        assert cache.get(["key0"]) == {"key0": body}
        for one in (cache, other, fresh):
            one.close()


def test_reads_through_a_cache_that_is_killed_and_started_are_right(port, loop, tmp_path):
    engine = open_engine(tmp_path / "bars.sqlite")
    clock = Clock()
    with own_redis(port, **KEPT) as server, vendor() as wire:
        cache = cache_of(port, loop, clock)
        with pipeline_of(engine, wire.url, cache=cache) as pipeline:
            assert closes_of(pipeline) == whole_month()
            assert closes_of(pipeline) == whole_month()
            assert cache.stats.hits > 0
            server.terminate()
            assert closes_of(pipeline) == whole_month()
            assert cache.stats.faults > 0
            # A revision comes while the cache, which has the old values on disk, is down.
            wire.control.clear_aggs("AAPL")
            wire.control.add_aggs("AAPL", rows_of("AAPL", scale=1.001))
            pipeline.fetch(request_of())
            server.start()
            clock.now += 60.0
            revised = {**whole_month(), "AAPL": [one["c"] for one in rows_of("AAPL", scale=1.001)]}
            assert closes_of(pipeline) == revised
            assert closes_of(pipeline) == revised
        cache.close()
    assert closes_in(BarStore(engine)) == revised
    engine.dispose()


def closes_of(pipeline) -> dict[str, list[float]]:
    bars = pipeline.bars(request_of())
    return {
        symbol: bars.close[bars.codes == code].tolist() for code, symbol in enumerate(bars.symbols)
    }


def test_readers_do_not_notice_that_the_cache_comes_and_goes(port, loop, tmp_path):
    engine = open_engine(tmp_path / "bars.sqlite")
    wrong, is_over, clock = [], threading.Event(), Clock()
    with own_redis(port) as server, vendor() as wire:
        cache = cache_of(port, loop, clock)
        with pipeline_of(engine, wire.url, cache=cache) as pipeline:
            pipeline.bars(request_of())

            def read() -> None:
                while not is_over.is_set():
                    found = closes_of(pipeline)
                    if found != whole_month():
                        wrong.append(found)

            reader = threading.Thread(target=read)
            reader.start()
            for _ in range(2):
                time.sleep(0.1)
                server.terminate()
                until(lambda: cache.stats.problem)
                server.start()
                clock.now += 60.0
                until(lambda: not cache.stats.problem)
            is_over.set()
            reader.join()
        assert wrong == []
        assert cache.stats.faults >= 2
        cache.close()
    engine.dispose()
