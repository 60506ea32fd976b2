"""The cache in Redis 7 or Valkey: shared by processes, and allowed to be down."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from alphalens._optional import require
from alphalens.data.cache import CacheStats
from alphalens.errors import ConfigError
from alphalens.net import LoopThread
from alphalens.net.failures import NetError

require("redis", extra="trading")

import redis.asyncio as redis  # noqa: E402 - after the guard
from redis.exceptions import RedisError  # noqa: E402 - after the guard

__all__ = ["RedisCache"]

T = TypeVar("T")
#: Which doubt it is, for another may follow; and whose, for his own claim stands.
_Doubt = tuple[int, str]
_log = logging.getLogger(__name__)

_TIMEOUT_S = 0.25
_PAUSE_S = 1.0  # after a failure nobody waits for it for so long
_PREFIX = "alphalens:1:"
_CLAIM = "claim:"
_NOBODY = ""
_MOST_DOUBTS = 100_000  # then everything is in doubt
_CHUNK = 5_000  # keys of one command: Redis does nothing else meanwhile
#: Claims keys in one step, so that of two who ask for the same at once one gets all.
_TAKE = (
    "local free = {} "
    "for i, key in ipairs(KEYS) do "
    "free[i] = redis.call('set', key, ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0 "
    "end return free"
)
#: Ends a claim unless it ran out and is another's by now.
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end"
#: Keeps a value only while the claim on it stands.
_PUT = (
    "if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end "
    "redis.call('set', KEYS[2], ARGV[2], 'PX', ARGV[3]) return 1"
)
#: Forgets values, first half of the keys, and the claims on them, second half, of all but one.
_DROP = (
    "local n = #KEYS / 2 "
    "for i = 1, n do "
    "redis.call('unlink', KEYS[i]) "
    "local owner = redis.call('get', KEYS[n + i]) "
    "if owner and owner ~= ARGV[i] then redis.call('del', KEYS[n + i]) end "
    "end return n"
)


class RedisCache:
    """Bytes kept in Redis. While it cannot be reached, it has nothing.

    Parameters
    ----------
    url : str
        ``redis://host:port/db`` or ``rediss://``.
    loop : LoopThread
        Where its connections live.
    monotonic : callable
        Seconds of a clock that never jumps.
    timeout_s : float
        How long an answer may take.

    Raises
    ------
    ConfigError
        If the address cannot be read; it is not told, for it may hold a password.

    Notes
    -----
    What could not be put or dropped is remembered as doubtful: it is not read again before it
    was dropped, so that a value from before a failure does not come back after it.
    """

    is_shared = True

    def __init__(
        self,
        url: str,
        *,
        loop: LoopThread,
        monotonic: Callable[[], float],
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        try:
            self._client = redis.Redis.from_url(
                url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
            )
        except ValueError:
            raise ConfigError(
                "the address of Redis cannot be read: it is redis://host:port/db"
            ) from None
        self.stats = CacheStats()
        self._loop, self._monotonic, self._timeout_s = loop, monotonic, timeout_s
        self._down_until = float("-inf")
        self._doubtful: dict[str, _Doubt] = {}
        self._doubts, self._is_all_doubtful, self._cursor = 0, False, 0
        self._unended: dict[str, str] = {}  # claims that are over, and whose they were
        self._token = secrets.token_hex(8)
        self._gate = threading.RLock()

    def __repr__(self) -> str:
        return f"RedisCache(problem={self.stats.problem!r})"

    def run(self) -> str:
        """Return the server's name of its run; empty while it cannot be reached."""

        async def ask() -> str:
            told: dict[str, object] = await self._client.info("server")
            return str(told["run_id"])

        return self._try(ask) or ""

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return what it has of the keys; nothing while it cannot be reached."""
        self._settle_doubts()
        with self._gate:
            asked = [key for key in keys if key not in self._doubtful]
            asked = [] if self._is_all_doubtful else asked
        values = self._try(lambda: self._client.mget([_PREFIX + k for k in asked])) if asked else []
        told = zip(asked, values, strict=True) if values else ()
        found = {key: value for key, value in told if isinstance(value, bytes)}
        with self._gate:
            self.stats.hits += len(found)
            self.stats.misses += len(keys) - len(found)
        return found

    def put(self, items: Mapping[str, bytes], *, ttl_s: float, is_claimed: bool = False) -> None:
        """Keep bytes for at most so many seconds, in the place of what was there."""
        life, owner = max(1, round(ttl_s * 1000)), self._owner()

        async def store() -> list[object]:
            async with self._client.pipeline(transaction=False) as pipe:
                for key, content in items.items():
                    name = _PREFIX + key
                    if is_claimed:
                        pipe.eval(_PUT, 2, _PREFIX + _CLAIM + key, name, owner, content, life)
                    else:
                        pipe.set(name, content, px=life)
                answers: list[object] = await pipe.execute()
                return answers

        with self._gate:
            doubts = {key: self._doubtful[key] for key in items.keys() & self._doubtful.keys()}
        answers = self._try(store) if items else []
        if answers is None:
            self._doubt(items)
        else:
            kept = {key for key, is_kept in zip(items, answers, strict=True) if is_kept}
            self._settled({key: doubt for key, doubt in doubts.items() if key in kept})

    def drop(self, keys: Sequence[str]) -> bool:
        """Forget keys, and end others' claims; return whether that is sure.

        Until it is, they are not found through this object; other processes may find them.
        """
        self._doubt(keys)
        self._settle_doubts()
        with self._gate:
            return not self._is_all_doubtful and not any(key in self._doubtful for key in keys)

    def claim(self, keys: Sequence[str], *, ttl_s: float) -> frozenset[str]:
        """Return which of the keys nobody is fetching now; all while it cannot be reached."""
        owner, life = self._owner(), max(1, round(ttl_s * 1000))

        async def ask() -> list[int]:
            free: list[int] = []
            for first in range(0, len(keys), _CHUNK):
                names = [_PREFIX + _CLAIM + key for key in keys[first : first + _CHUNK]]
                free += await self._client.eval(_TAKE, len(names), *names, owner, life)
            return free

        answers = self._try(ask) if keys else None
        if answers is None:
            return frozenset(keys)
        with self._gate:
            for key in keys:
                if self._unended.get(key) == owner:
                    del self._unended[key]
        return frozenset(key for key, is_ours in zip(keys, answers, strict=True) if is_ours)

    def release(self, keys: Sequence[str]) -> None:
        """End the caller's own claims; those that cannot be ended now are ended with the next."""
        with self._gate:
            self._unended.update(dict.fromkeys(keys, self._owner()))
        self._end_claims()

    def close(self) -> None:
        """Let its connections go; a second call does nothing."""
        self._run(self._client.aclose())

    def _owner(self) -> str:
        """Return whose claims the caller's are: a thread's of a process."""
        return f"{self._token}:{threading.get_ident()}"

    def _end_claims(self) -> None:
        """End claims that are over, as far as the cache can be reached."""
        with self._gate:
            over = dict(self._unended)

        async def end() -> bool:
            async with self._client.pipeline(transaction=False) as pipe:
                for key, owner in over.items():
                    pipe.eval(_RELEASE, 1, _PREFIX + _CLAIM + key, owner)
                await pipe.execute()
            return True

        is_done = not over or self._try(end) is not None
        with self._gate:
            if is_done:
                self._unended = {k: o for k, o in self._unended.items() if over.get(k) != o}
            elif len(self._unended) > _MOST_DOUBTS:
                self._unended.clear()  # they end by themselves

    def _doubt(self, keys: Iterable[str]) -> None:
        """Remember that what is kept under keys may be old."""
        with self._gate:
            self._doubts, owner = self._doubts + 1, self._owner()
            for key in keys:
                _, known = self._doubtful.get(key, (0, owner))
                self._doubtful[key] = self._doubts, owner if known == owner else _NOBODY
            if len(self._doubtful) > _MOST_DOUBTS:
                self._doubtful.clear()
                self._is_all_doubtful, self._cursor = True, 0

    def _settled(self, doubts: Mapping[str, _Doubt]) -> None:
        """End doubts, but not those that came up meanwhile."""
        with self._gate:
            for key, doubt in doubts.items():
                if self._doubtful.get(key) == doubt:
                    del self._doubtful[key]

    def _settle_doubts(self) -> None:
        """Delete what may be old, as far as the cache can be reached."""
        self._end_claims()
        if self._is_all_doubtful and not self._swept():
            return
        with self._gate:
            doubts = dict(self._doubtful)
        keys = list(doubts)
        for first in range(0, len(keys), _CHUNK):
            some = keys[first : first + _CHUNK]
            names = [_PREFIX + key for key in some]
            names += [_PREFIX + _CLAIM + key for key in some]
            owners = [doubts[key][1] for key in some]

            async def forget(
                names: Sequence[str] = names, owners: Sequence[str] = owners
            ) -> object:
                return await self._client.eval(_DROP, len(names), *names, *owners)

            if self._try(forget) is None:
                return
            self._settled({key: doubts[key] for key in some})

    def _swept(self) -> bool:
        """Delete everything that is kept there; return whether that is done."""

        async def step() -> int:
            cursor, names = await self._client.scan(self._cursor, match=_PREFIX + "*", count=_CHUNK)
            if names:
                await self._client.unlink(*names)
            return int(cursor)

        while self._is_all_doubtful:
            cursor = self._try(step)
            if cursor is None:
                return False
            with self._gate:
                self._cursor, self._is_all_doubtful = cursor, cursor != 0
        return True

    def _try(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """Return what a call gives; None if the cache cannot be reached, which is counted."""
        if self._monotonic() < self._down_until:
            return None

        async def asked() -> T:
            return await call()

        try:
            answer = self._run(asked())
        except (RedisError, NetError, OSError, TimeoutError) as error:
            self._failed(error)
            return None
        self.stats.problem = ""
        return answer

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(coroutine, timeout_s=4 * self._timeout_s)

    def _failed(self, error: Exception) -> None:
        with self._gate:
            is_new = not self.stats.problem
            self.stats.faults += 1
            self.stats.problem = f"{type(error).__name__}: {error}"
            self._down_until = self._monotonic() + _PAUSE_S
        if is_new:
            _log.warning("the cache cannot be reached (%s); everything is fetched", error)
