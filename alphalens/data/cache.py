"""Bytes kept for a while under a key: in this process, or in Redis for several.

A cache may lose anything at any time and is never asked for the truth. When it fails, what it
would have had is fetched again: slower, never wrong.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from alphalens.data.bars import Adjustment, Timeframe
from alphalens.errors import ConfigError

__all__ = ["Cache", "CacheStats", "MemoryCache", "key_of"]

_LARGEST = 256 * 2**20
_MANY_CLAIMS = 10_000  # then those that ended by themselves are forgotten


def key_of(
    provider: str, symbol: str, timeframe: Timeframe, adjustment: Adjustment, day: date
) -> str:
    """Return the key of the bars of one symbol that begin on one UTC date.

    Examples
    --------
    >>> key_of("alpaca", "BRK.B", Timeframe.DAY, Adjustment.RAW, date(2024, 1, 2))
    'alpaca:BRK.B:1d:raw:2024-01-02'
    """
    return f"{provider}:{symbol}:{timeframe}:{adjustment}:{day.isoformat()}"


@dataclass(slots=True)
class CacheStats:
    """What a cache was asked, and what came of it, since it was made.

    Attributes
    ----------
    hits, misses : int
        Keys asked for that it had, and had not.
    faults : int
        Calls that failed.
    problem : str
        What the last failure was; empty while it works.
    """

    hits: int = 0
    misses: int = 0
    faults: int = 0
    problem: str = ""

    @property
    def hit_rate(self) -> float:
        """Return the share of the keys asked for that it had; NaN before the first."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else float("nan")


class Cache(Protocol):
    """Where bytes are kept. No call raises because the cache itself fails."""

    @property
    def stats(self) -> CacheStats:
        """Return what it was asked so far."""
        ...

    @property
    def is_shared(self) -> bool:
        """Return whether other processes have the same values, or each has its own."""
        ...

    def run(self) -> str:
        """Return which run of the cache this is; empty while that is not known.

        One that was started anew may have values again that were dropped in the run before.
        """
        ...

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return what it has of the keys."""
        ...

    def put(self, items: Mapping[str, bytes], *, ttl_s: float, is_claimed: bool = False) -> None:
        """Keep bytes for at most so many seconds, in the place of what was there.

        With `is_claimed` only where the caller's own claim still stands: what was dropped since
        he claimed it is not kept, for it may have been read before that.
        """
        ...

    def drop(self, keys: Sequence[str]) -> bool:
        """Forget keys, and end the claims of others on them; return whether that is sure.

        What others are fetching may be from before now, so it is not kept. Until it is sure that
        keys are forgotten, they are not found through this object; other processes may find them.
        """
        ...

    def claim(self, keys: Sequence[str], *, ttl_s: float) -> frozenset[str]:
        """Return which of the keys the caller is to fetch: those that nobody is fetching now.

        A claim belongs to the thread that made it. It ends with `release`, with another's
        `drop`, or by itself after so many seconds.
        """
        ...

    def release(self, keys: Sequence[str]) -> None:
        """End the caller's own claims."""
        ...

    def close(self) -> None:
        """Let its connections go; a second call does nothing."""
        ...


class MemoryCache:
    """Bytes kept in this process; those that were used least recently go first.

    Parameters
    ----------
    monotonic : callable
        Seconds of a clock that never jumps.
    largest : int
        Most bytes of all values together.

    Raises
    ------
    ConfigError
        If `largest` is not positive.

    Examples
    --------
    >>> cache = MemoryCache(monotonic=lambda: 0.0)
    >>> cache.put({"a": b"1"}, ttl_s=5.0)
    >>> cache.get(["a", "b"]), cache.stats.hit_rate
    ({'a': b'1'}, 0.5)
    """

    is_shared = False

    def __init__(self, *, monotonic: Callable[[], float], largest: int = _LARGEST) -> None:
        if largest < 1:
            raise ConfigError(f"largest is {largest} bytes, it must be at least 1")
        self.stats = CacheStats()
        self._monotonic, self._largest, self._held = monotonic, largest, 0
        self._gate = threading.Lock()
        self._values: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._claims: dict[str, tuple[float, int]] = {}

    def run(self) -> str:
        """Return the run; it has one."""
        return "memory"

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return what it has of the keys."""
        found, now = {}, self._monotonic()
        with self._gate:
            for key in keys:
                until, content = self._values.get(key, (now, b""))
                if until > now:
                    found[key] = content
                    self._values.move_to_end(key)
                else:
                    self._remove(key)
            self.stats.hits += len(found)
            self.stats.misses += len(keys) - len(found)
        return found

    def put(self, items: Mapping[str, bytes], *, ttl_s: float, is_claimed: bool = False) -> None:
        """Keep bytes for at most so many seconds, in the place of what was there."""
        now = self._monotonic()
        with self._gate:
            for key, content in items.items():
                if is_claimed and not self._is_own(key, now):
                    continue
                self._remove(key)
                self._values[key] = now + ttl_s, content
                self._held += len(content)
            while self._held > self._largest:
                self._remove(next(iter(self._values)))

    def drop(self, keys: Sequence[str]) -> bool:
        """Forget keys, and end the claims of others on them; that is sure."""
        now = self._monotonic()
        with self._gate:
            for key in keys:
                self._remove(key)
                if key in self._claims and not self._is_own(key, now):
                    del self._claims[key]
        return True

    def claim(self, keys: Sequence[str], *, ttl_s: float) -> frozenset[str]:
        """Return which of the keys nobody is fetching now; they are the caller's."""
        now = self._monotonic()
        with self._gate:
            if len(self._claims) >= _MANY_CLAIMS:
                self._claims = {key: one for key, one in self._claims.items() if one[0] > now}
            free = frozenset(key for key in keys if self._claims.get(key, (now, 0))[0] <= now)
            claim = now + ttl_s, threading.get_ident()
            self._claims.update(dict.fromkeys(free, claim))
        return free

    def release(self, keys: Sequence[str]) -> None:
        """End the caller's own claims."""
        now = self._monotonic()
        with self._gate:
            for key in keys:
                if self._is_own(key, now):
                    del self._claims[key]

    def close(self) -> None:
        """Forget everything."""
        with self._gate:
            self._values.clear()
            self._claims.clear()
            self._held = 0

    def _is_own(self, key: str, now: float) -> bool:
        until, owner = self._claims.get(key, (now, 0))
        return until > now and owner == threading.get_ident()

    def _remove(self, key: str) -> None:
        _, content = self._values.pop(key, (0.0, b""))
        self._held -= len(content)
