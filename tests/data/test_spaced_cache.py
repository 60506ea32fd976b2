"""A database's own keys in a cache, and how everybody leaves what may be old."""

import socket
import threading
import time
from contextlib import contextmanager

import pytest

from alphalens.data._intake.cached_reads import Lives
from alphalens.data._intake.spaced_cache import SpacedCache
from alphalens.data.cache import MemoryCache
from alphalens.data.redis_cache import RedisCache
from alphalens.storage import open_engine, writing
from tests.servers import own_redis
from tests.waiting import until

from .pipeline_desk import open_desk, request, walk

PATIENT = Lives(claim_s=60.0, pause_s=0.005)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def redis_at(url, loop):
    return RedisCache(url, loop=loop, monotonic=time.monotonic, timeout_s=60.0)


@contextmanager
def desks(url, folder, clock=None):
    """Give two desks of one database, as two processes have them: each its own connections."""
    with open_desk(url, folder) as one, open_desk(url, folder) as other:
        for desk in (one, other):
            desk.tell("AAPL", walk())
        other.clock = one.clock
        yield one, other


def revised(desk, close=0.3):
    told = walk()
    told[7] = round(told[7] + close, 2)
    desk.tell("AAPL", told)
    desk.wait(hours=1)
    return told


def test_all_that_a_cache_does_is_done_with_the_database_s_own_keys(engine, cache):
    spaced = SpacedCache(cache, engine, monotonic=Clock())
    assert spaced.claim(["a", "b"], ttl_s=60.0) == {"a", "b"}
    spaced.put({"a": b"1", "b": b"2"}, ttl_s=60.0, is_claimed=True)
    spaced.release(["a", "b"])
    assert spaced.get(["a", "b", "c"]) == {"a": b"1", "b": b"2"}
    assert cache.get(["a"]) == {}
    assert spaced.drop(["a"])
    assert spaced.get(["a", "b"]) == {"b": b"2"}
    assert spaced.is_shared == cache.is_shared
    assert spaced.run() == cache.run() != ""
    assert spaced.stats is cache.stats


def test_two_databases_of_one_cache_have_nothing_in_common(engine, cache, tmp_path):
    other = open_engine(f"sqlite:///{tmp_path / 'other.sqlite'}")
    one, two = (SpacedCache(cache, own, monotonic=Clock()) for own in (engine, other))
    one.put({"a": b"1"}, ttl_s=60.0)
    assert two.get(["a"]) == {}
    two.put({"a": b"2"}, ttl_s=60.0)
    two.drop(["a"])
    assert one.get(["a"]) == {"a": b"1"}
    other.dispose()


def test_two_processes_of_one_database_have_all_in_common(engine, redis_url, loop):
    one, two = (SpacedCache(redis_at(redis_url, loop), engine, monotonic=Clock()) for _ in range(2))
    one.put({"a": b"1"}, ttl_s=60.0)
    assert two.get(["a"]) == {"a": b"1"}
    two.drop(["a"])
    assert one.get(["a"]) == {}
    for cache in (one, two):
        cache.close()


@pytest.mark.parametrize("seconds", [0.0, 4.9])
def test_others_move_when_they_look(engine, seconds):
    clock = Clock()
    one, two = (
        SpacedCache(MemoryCache(monotonic=clock), engine, monotonic=clock) for _ in range(2)
    )
    for cache in (one, two):
        cache.put({"a": b"1", "b": b"1"}, ttl_s=60.0)
    one.drop(["a"])
    assert one.get(["a", "b"]) == {"b": b"1"}  # its own memory it knows
    clock.now = seconds
    assert two.get(["a", "b"]) == {"a": b"1", "b": b"1"}
    clock.now = 5.0
    assert two.get(["a", "b"]) == {}
    assert two.claim(["a"], ttl_s=60.0) == {"a"}


def test_what_both_leave_at_once_is_left_by_both(engine):
    clock = Clock()
    one, two = (
        SpacedCache(MemoryCache(monotonic=clock), engine, monotonic=clock) for _ in range(2)
    )
    for cache in (one, two):
        cache.put({"a": b"1", "b": b"1"}, ttl_s=60.0)
    one.drop(["a"])
    two.drop(["b"])
    assert two.get(["a", "b"]) == {}  # it had not seen that the other left
    clock.now = 5.0
    assert one.get(["a", "b"]) == {}


def test_what_was_claimed_in_a_space_that_was_left_is_not_kept(engine):
    clock = Clock()
    one, two = (
        SpacedCache(MemoryCache(monotonic=clock), engine, monotonic=clock) for _ in range(2)
    )
    assert two.claim(["a"], ttl_s=60.0) == {"a"}
    one.drop(["a"])
    clock.now = 5.0
    two.put({"a": b"old"}, ttl_s=60.0, is_claimed=True)
    two.release(["a"])
    assert two.get(["a"]) == {}
    assert two.claim(["a"], ttl_s=60.0) == {"a"}


def test_writer_forgets_what_others_keep_in_a_space_that_he_has_not_seen_yet(
    engine, redis_url, loop
):
    clock, dead = Clock(), redis_at("redis://127.0.0.1:1/0", loop)
    writer, reader, lost = (
        SpacedCache(cache, engine, monotonic=clock)
        for cache in (redis_at(redis_url, loop), redis_at(redis_url, loop), dead)
    )
    reader.get(["a"])
    clock.now = 3.0
    writer.get(["a"])
    lost.drop(["b"])  # all leave: the reader at 5 s, the writer at 8 s
    clock.now = 5.0
    reader.put({"a": b"old"}, ttl_s=600.0)
    writer.drop(["a"])
    assert reader.get(["a"]) == {}
    for cache in (writer, reader, lost):
        cache.close()


class NoRun:
    """A cache that does not always say which run of it this is."""

    def __init__(self, cache) -> None:
        self._cache, self.is_quiet = cache, True

    def __getattr__(self, name):
        return getattr(self._cache, name)

    def run(self):
        return "" if self.is_quiet else self._cache.run()


def test_writer_who_does_not_know_the_run_makes_others_leave(engine, redis_url, loop):
    clock = Clock()
    reader = SpacedCache(redis_at(redis_url, loop), engine, monotonic=clock)
    writer = SpacedCache(NoRun(redis_at(redis_url, loop)), engine, monotonic=clock)
    reader.put({"a": b"old"}, ttl_s=600.0)
    writer.drop(["a"])
    clock.now = 5.0
    assert reader.get(["a"]) == {}
    for cache in (writer, reader):
        cache.close()


def test_what_was_kept_while_the_run_was_not_known_is_not_found_again(engine, redis_url, loop):
    clock, quiet = Clock(), NoRun(redis_at(redis_url, loop))
    reader = SpacedCache(quiet, engine, monotonic=clock)
    writer = SpacedCache(redis_at(redis_url, loop), engine, monotonic=clock)
    reader.put({"a": b"old"}, ttl_s=600.0)
    quiet.is_quiet, clock.now = False, 5.0
    reader.get(["a"])
    writer.drop(["a"])  # where the run says, and not where the reader had kept it
    quiet.is_quiet, clock.now = True, 10.0
    assert reader.get(["a"]) == {}
    for cache in (writer, reader):
        cache.close()


def test_reader_does_not_wait_while_another_writes_bars(database_url, engine):
    cache = SpacedCache(MemoryCache(monotonic=time.monotonic), engine, monotonic=Clock())
    cache.put({"a": b"1", "b": b"1"}, ttl_s=60.0)
    found = []
    drop = threading.Thread(target=cache.drop, args=(["a"],))
    with writing(engine, turn="bars"):
        drop.start()
        until(lambda: cache._leaving.locked())
        reader = threading.Thread(target=lambda: found.append(cache.get(["a", "b"])))
        reader.start()
        until(lambda: found)
        assert drop.is_alive()
    for thread in (drop, reader):
        thread.join()
    assert found == [{"b": b"1"}]


def test_writer_who_cannot_reach_redis_makes_others_leave_what_it_revised(
    database_url, redis_url, loop, tmp_path
):
    alive, dead = redis_at(redis_url, loop), redis_at("redis://127.0.0.1:1/0", loop)
    with desks(database_url, tmp_path) as (writer, reader):
        there = reader.pipeline(cache=alive, lives=PATIENT)
        here = writer.pipeline(cache=dead, lives=PATIENT)
        assert there.bars(request()).close.tolist() == walk()
        told = revised(writer)
        here.fetch(request(first=7, last=7))
        assert there.bars(request()).close.tolist() == told
        hits = alive.stats.hits
        assert there.bars(request()).close.tolist() == told
        assert alive.stats.hits > hits
    alive.close()
    dead.close()


def test_writer_in_another_process_is_seen_by_a_cache_in_memory(database_url, tmp_path):
    with desks(database_url, tmp_path) as (writer, reader):
        there = reader.pipeline(
            cache=MemoryCache(monotonic=reader.clock.monotonic), lives=Lives(closed_s=1e9)
        )
        assert there.bars(request()).close.tolist() == walk()
        told = revised(writer)
        writer.pipeline(cache=MemoryCache(monotonic=writer.clock.monotonic)).fetch(
            request(first=7, last=7)
        )
        assert there.bars(request()).close.tolist() == told


def test_redis_that_comes_back_with_what_was_dropped_is_not_believed(engine, loop):
    clock = Clock()
    with own_redis(free_port()) as server:
        cache = redis_at(server.connection_url, loop)
        spaced = SpacedCache(cache, engine, monotonic=clock)
        spaced.put({"a": b"old", "b": b"true"}, ttl_s=600.0)
        loop.run(cache._client.save(), timeout_s=60.0)
        spaced.drop(["a"])
        assert spaced.get(["a", "b"]) == {"b": b"true"}
        cache.close()
        server.terminate()
        server.start()
        assert spaced.get(["a"]) == {"a": b"old"}  # the server has it again, from its snapshot
        clock.now = 5.0
        assert spaced.get(["a", "b"]) == {}
        spaced.put({"a": b"new"}, ttl_s=600.0)
        assert spaced.get(["a"]) == {"a": b"new"}
        cache.close()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
