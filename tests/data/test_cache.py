"""The two caches behave the same, and one that is down costs time and nothing else."""

import logging
import threading
import time
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from alphalens.data.bars import Adjustment, Bars, Timeframe, micros
from alphalens.data.cache import MemoryCache, key_of
from alphalens.data.packing import is_whole, pack, unpack, unpack_all
from alphalens.data.redis_cache import RedisCache
from alphalens.errors import ConfigError, DataError, InputError

T0 = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_was_put_is_found_and_counted(cache):
    cache.put({"a": b"1", "b": b"\x00\xff"}, ttl_s=60.0)
    assert cache.get(["b", "a", "c"]) == {"a": b"1", "b": b"\x00\xff"}
    cache.put({"a": b"2"}, ttl_s=60.0)
    assert cache.get(["a"]) == {"a": b"2"}
    assert (cache.stats.hits, cache.stats.misses, cache.stats.faults) == (3, 1, 0)
    assert cache.stats.hit_rate == 0.75


def test_nothing_asked_is_nothing_found(cache):
    cache.put({}, ttl_s=1.0)
    assert (cache.get([]), cache.claim([], ttl_s=1.0)) == ({}, frozenset())
    cache.drop([])
    cache.release([])


def test_what_is_too_old_or_dropped_is_not_found(cache):
    cache.put({"a": b"1", "b": b"2"}, ttl_s=60.0)
    cache.put({"c": b"3"}, ttl_s=0.02)
    cache.drop(["a", "never"])
    time.sleep(0.05)
    assert cache.get(["a", "b", "c"]) == {"b": b"2"}


def test_key_is_fetched_by_one_until_he_is_done_or_too_slow(cache):
    assert cache.claim(["a", "b"], ttl_s=60.0) == {"a", "b"}
    assert cache.claim(["b", "c"], ttl_s=0.02) == {"c"}
    cache.release(["a"])
    time.sleep(0.05)
    assert cache.claim(["a", "b", "c"], ttl_s=60.0) == {"a", "c"}


def test_of_many_at_once_one_fetches(cache):
    won, start = [], threading.Barrier(8)

    def ask():
        start.wait()
        won.extend(cache.claim(["a"], ttl_s=60.0))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == ["a"]


def test_two_processes_share_claims_and_end_only_their_own(redis_url, loop):
    ours, theirs = (
        RedisCache(redis_url, loop=loop, monotonic=time.monotonic, timeout_s=60.0) for _ in range(2)
    )
    ours.put({"a": b"1"}, ttl_s=60.0)
    assert theirs.get(["a"]) == {"a": b"1"}
    assert ours.claim(["x"], ttl_s=60.0) == {"x"}
    theirs.release(["x"])
    assert theirs.claim(["x"], ttl_s=60.0) == frozenset()
    ours.release(["x"])
    assert theirs.claim(["x"], ttl_s=60.0) == {"x"}
    ours.close()
    theirs.close()


def test_least_used_goes_first_when_memory_is_full():
    clock = Clock()
    cache = MemoryCache(monotonic=clock, largest=10)
    cache.put({"a": b"1234", "b": b"1234"}, ttl_s=5.0)
    cache.get(["a"])
    cache.put({"c": b"1234"}, ttl_s=5.0)
    assert cache.get(["a", "b", "c"]).keys() == {"a", "c"}
    cache.put({"d": b"x" * 11}, ttl_s=5.0)  # larger than all there is
    assert cache.get(["a", "c", "d"]) == {}
    clock.now = 6.0
    cache.put({"e": b"x" * 10}, ttl_s=5.0)
    assert cache.get(["e"]) == {"e": b"x" * 10}


def test_cache_that_is_down_has_nothing_claims_everything_and_is_told_once(loop, caplog):
    clock = Clock()
    cache = RedisCache("redis://127.0.0.1:1/0", loop=loop, monotonic=clock, timeout_s=60.0)
    with caplog.at_level(logging.WARNING):
        cache.put({"a": b"1"}, ttl_s=60.0)
        assert cache.get(["a"]) == {}
        assert cache.claim(["a"], ttl_s=1.0) == {"a"}
        assert cache.stats.faults == 1  # the rest did not even try
        clock.now = 2.0
        cache.release(["a"])
    assert cache.stats.faults == 2
    assert "ConnectionError" in cache.stats.problem
    assert len(caplog.records) == 1
    cache.close()


def test_value_from_before_a_failure_does_not_come_back(redis_url, loop):
    clock = Clock()
    cache = RedisCache(redis_url, loop=loop, monotonic=clock, timeout_s=60.0)
    cache.put({"a": b"old", "b": b"old"}, ttl_s=60.0)
    client, cache._client = (
        cache._client,
        RedisCache("redis://127.0.0.1:1/0", loop=loop, monotonic=clock)._client,
    )
    cache.put({"a": b"new"}, ttl_s=60.0)
    cache.drop(["b"])
    cache._client = client
    assert cache.get(["a", "b"]) == {}  # the pause after the failure
    clock.now = 5.0
    assert cache.get(["a", "b"]) == {}
    cache.put({"a": b"new"}, ttl_s=60.0)
    assert cache.get(["a", "b"]) == {"a": b"new"}
    assert cache.stats.problem == ""
    cache.close()


def test_claim_that_could_not_be_ended_is_ended_when_the_cache_is_back(redis_url, loop):
    clock = Clock()
    cache, other = (
        RedisCache(redis_url, loop=loop, monotonic=clock, timeout_s=60.0) for _ in range(2)
    )
    assert cache.claim(["a", "b"], ttl_s=60.0) == {"a", "b"}
    nowhere = RedisCache("redis://127.0.0.1:1/0", loop=loop, monotonic=clock)
    client, cache._client = cache._client, nowhere._client
    cache.release(["a", "b"])
    cache._client = client
    assert other.claim(["a"], ttl_s=60.0) == frozenset()
    clock.now = 5.0
    assert cache.get(["a"]) == {}
    assert other.claim(["a"], ttl_s=60.0) == {"a"}
    assert cache.claim(["b"], ttl_s=60.0) == {"b"}
    for one in (cache, other, nowhere):
        one.close()


def test_address_that_cannot_be_read_is_refused_without_being_told(loop):
    with pytest.raises(ConfigError, match="address of Redis cannot be read") as caught:
        RedisCache("secret@nowhere", loop=loop, monotonic=time.monotonic)
    assert "secret" not in str(caught.value)


def test_keys_name_vendor_symbol_timeframe_adjustment_and_day():
    day = date(2024, 1, 2)
    keys = {
        key_of("alpaca", "A", Timeframe.DAY, Adjustment.RAW, day),
        key_of("alpaca", "A", Timeframe.DAY, Adjustment.ALL, day),
        key_of("alpaca", "A", Timeframe.MINUTE, Adjustment.RAW, day),
        key_of("polygon", "A", Timeframe.DAY, Adjustment.RAW, day),
        key_of("alpaca", "A", Timeframe.DAY, Adjustment.RAW, day + timedelta(days=1)),
    }
    assert len(keys) == 5


def some_bars() -> Bars:
    close = np.array([1.5, np.nan, 1e-300])
    time_of = np.array([micros(T0) + n * 60_000_000 for n in range(3)])
    given = {"timeframe": Timeframe.MINUTE, "adjustment": Adjustment.SPLIT, "currency": "EUR"}
    one = Bars.of_symbol("A", time_of, {"close": close}, source="x", received_at=T0, **given)
    two = Bars.of_symbol("B/C", time_of, {"open": close}, source="y", received_at=T0, **given)
    return Bars.concat([one, two])


def test_bars_come_back_from_bytes_to_the_last_bit():
    bars, again = some_bars(), unpack(pack(some_bars()))
    assert again.frame().equals(bars.frame())
    assert (again.timeframe, again.adjustment, again.currency) == ("1m", "split", "EUR")
    assert all(value.flags.writeable for value in (again.close, again.time))


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b"ALB2" + b[4:], lambda b: b""])
def test_bytes_that_were_cut_or_are_of_another_version_are_refused(spoil):
    with pytest.raises(DataError, match="no bars of this version"):
        unpack(spoil(pack(some_bars())))


def test_every_changed_byte_is_found():
    content = pack(some_bars())
    for place in range(0, len(content), 7):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(DataError):
            unpack(bytes(changed))


def test_many_are_read_at_once_as_one_after_the_other():
    given = {"timeframe": Timeframe.DAY, "adjustment": Adjustment.RAW}

    def day(symbol, source, close):
        at = np.array([micros(T0)])
        prices = {"close": np.array([close])}
        return Bars.of_symbol(symbol, at, prices, source=source, received_at=T0, **given)

    parts = [day("A", "x", 1.0), Bars.concat([day("B", "y", 2.0), day("A", "x", 3.0)])]
    found = unpack_all([pack(part) for part in parts])
    assert found.frame().equals(Bars.concat(parts).frame())
    assert found.sources == ("x", "y")
    with pytest.raises(InputError, match="go together: 1d/raw/USD, 1m/split/EUR"):
        unpack_all([pack(parts[0]), pack(some_bars())])
    with pytest.raises(InputError, match="no bars"):
        unpack_all([])


def test_bytes_are_whole_or_not():
    content = pack(some_bars())
    assert is_whole(content)
    assert not is_whole(content[:-1] + b"x")
    assert not is_whole(b"")


def test_claims_that_nobody_ended_are_not_kept_for_ever():
    now = [0.0]
    cache = MemoryCache(monotonic=lambda: now[0])
    for turn in range(5):
        now[0] = 100.0 * turn
        assert len(cache.claim([f"{turn}:{n}" for n in range(10_000)], ttl_s=60.0)) == 10_000
    assert len(cache._claims) == 10_000
    assert cache.claim(["4:1"], ttl_s=60.0) == frozenset()


def test_claim_ends_with_what_another_drops_and_not_with_ones_own(cache):
    cache.claim(["a", "b"], ttl_s=60.0)
    cache.drop(["a"])
    other = threading.Thread(target=cache.drop, args=(["b"],))
    other.start()
    other.join()
    cache.put({"a": b"1", "b": b"2"}, ttl_s=60.0, is_claimed=True)
    assert cache.get(["a", "b"]) == {"a": b"1"}
    cache.put({"b": b"2"}, ttl_s=60.0)
    assert cache.get(["b"]) == {"b": b"2"}


def test_claim_of_who_drops_stands_whoever_tells_the_server_of_it(redis_url, loop):
    clock = Clock()
    cache = RedisCache(redis_url, loop=loop, monotonic=clock, timeout_s=60.0)
    nowhere = RedisCache("redis://127.0.0.1:1/0", loop=loop, monotonic=clock)
    assert cache.claim(["a", "b"], ttl_s=60.0) == {"a", "b"}
    client, cache._client = cache._client, nowhere._client
    cache.drop(["a", "b"])
    other = threading.Thread(target=cache.drop, args=(["b"],))
    other.start()
    other.join()
    cache._client = client
    clock.now = 5.0
    reader = threading.Thread(target=cache.get, args=(["c"],))
    reader.start()
    reader.join()
    cache.put({"a": b"1", "b": b"2"}, ttl_s=60.0, is_claimed=True)
    assert cache.get(["a", "b"]) == {"a": b"1"}
    for one in (cache, nowhere):
        one.close()


def test_many_keys_are_dropped_and_claimed(cache):
    keys = [f"k{n}" for n in range(12_000)]
    cache.put(dict.fromkeys(keys, b"1"), ttl_s=60.0)
    assert len(cache.claim(keys, ttl_s=60.0)) == len(keys)
    cache.drop(keys)
    assert cache.get(keys) == {}


def test_too_many_doubts_empty_the_cache_when_it_is_back(redis_url, loop, monkeypatch):
    monkeypatch.setattr("alphalens.data.redis_cache._MOST_DOUBTS", 3)
    clock = Clock()
    cache = RedisCache(redis_url, loop=loop, monotonic=clock, timeout_s=60.0)
    cache.put({"a": b"old", "b": b"old", "z": b"old"}, ttl_s=60.0)
    client, cache._client = (
        cache._client,
        RedisCache("redis://127.0.0.1:1/0", loop=loop, monotonic=clock)._client,
    )
    cache.drop(["a", "b", "c", "d"])
    cache._client = client
    clock.now = 5.0
    assert cache.get(["a", "b", "z"]) == {}
    cache.put({"z": b"new"}, ttl_s=60.0)
    assert cache.get(["a", "z"]) == {"z": b"new"}
    cache.close()
