"""The cache in Redis 7 or Valkey: shared by processes, and allowed to be down."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
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
_log = logging.getLogger(__name__)

_TIMEOUT_S = 0.25
_PAUSE_S = 1.0  # after a failure nobody waits for it for so long
_PREFIX = "alphalens:1:"
_CLAIM = "claim:"
#: Ends a claim unless it ran out and is another's by now.
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end"


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
        self._doubtful: set[str] = set()
        self._token = secrets.token_hex(8)
        self._gate = threading.RLock()

    def __repr__(self) -> str:
        return f"RedisCache(problem={self.stats.problem!r})"

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return what it has of the keys; nothing while it cannot be reached."""
        self._settle_doubts()
        asked = [key for key in keys if key not in self._doubtful]
        values = self._try(lambda: self._client.mget([_PREFIX + k for k in asked])) if asked else []
        told = zip(asked, values, strict=True) if values else ()
        found = {key: value for key, value in told if isinstance(value, bytes)}
        with self._gate:
            self.stats.hits += len(found)
            self.stats.misses += len(keys) - len(found)
        return found

    def put(self, items: Mapping[str, bytes], *, ttl_s: float) -> None:
        """Keep bytes for at most so many seconds, in the place of what was there."""

        async def store() -> bool:
            async with self._client.pipeline(transaction=False) as pipe:
                for key, content in items.items():
                    pipe.set(_PREFIX + key, content, px=max(1, round(ttl_s * 1000)))
                await pipe.execute()
            return True

        if items and self._try(store) is None:
            self._doubtful.update(items)
        else:
            self._doubtful.difference_update(items)

    def drop(self, keys: Sequence[str]) -> None:
        """Forget keys; until it is sure that they are forgotten, they are not found."""
        self._doubtful.update(keys)
        self._settle_doubts()

    def claim(self, keys: Sequence[str], *, ttl_s: float) -> frozenset[str]:
        """Return which of the keys nobody is fetching now; all while it cannot be reached."""

        async def ask() -> list[object]:
            async with self._client.pipeline(transaction=False) as pipe:
                for key in keys:
                    name = _PREFIX + _CLAIM + key
                    pipe.set(name, self._token, nx=True, px=max(1, round(ttl_s * 1000)))
                answers: list[object] = await pipe.execute()
                return answers

        answers = self._try(ask) if keys else None
        if answers is None:
            return frozenset(keys)
        return frozenset(key for key, is_ours in zip(keys, answers, strict=True) if is_ours)

    def release(self, keys: Sequence[str]) -> None:
        """End the caller's own claims; those that cannot be ended now end by themselves."""

        async def end() -> bool:
            async with self._client.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.eval(_RELEASE, 1, _PREFIX + _CLAIM + key, self._token)
                await pipe.execute()
            return True

        if keys:
            self._try(end)

    def close(self) -> None:
        """Let its connections go; a second call does nothing."""
        self._run(self._client.aclose())

    def _settle_doubts(self) -> None:
        names = {_PREFIX + key: key for key in self._doubtful}
        if names and self._try(lambda: self._client.delete(*names)) is not None:
            self._doubtful.difference_update(names.values())

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
