"""A cache as one database uses it: keys of its own, and all of them left when some may be old."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence

import sqlalchemy as sa

from alphalens.data._store.space import Space, leave, space_of
from alphalens.data.cache import Cache, CacheStats
from alphalens.storage import reading, writing

__all__ = ["SpacedCache"]

_LOOK_S = 5.0


class SpacedCache:
    """Puts a space before every key; the database names it.

    What one process revises, another may go on to find in its own memory, or in a Redis that
    the first one cannot reach. Whoever is not sure that all others forgot a key makes the
    database name the next space: within five seconds everybody moves there, and what was kept
    in the space before is found by nobody. The same holds for what a server of a cache brings
    back from before it was started anew. While a cache does not say which run of it this is,
    nothing in it is found again.

    Parameters
    ----------
    cache : Cache
        Where the bytes are; several databases may share it.
    engine : Engine
        The database.
    monotonic : callable
        Seconds of a clock that never jumps.
    """

    def __init__(self, cache: Cache, engine: sa.Engine, *, monotonic: Callable[[], float]) -> None:
        self._cache, self._engine, self._monotonic = cache, engine, monotonic
        self._gate, self._leaving = threading.Lock(), threading.Lock()
        self._space: Space | None = None
        self._run, self._prefix, self._looked_at = "", "", 0.0

    @property
    def stats(self) -> CacheStats:
        """Return what the cache was asked so far."""
        return self._cache.stats

    def run(self) -> str:
        """Return which run of the cache this is."""
        return self._cache.run()

    @property
    def is_shared(self) -> bool:
        """Return whether other processes have the same values."""
        return self._cache.is_shared

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return what it has of the keys."""
        own = self._now()
        found = self._cache.get([own + key for key in keys])
        return {key.removeprefix(own): content for key, content in found.items()}

    def put(self, items: Mapping[str, bytes], *, ttl_s: float, is_claimed: bool = False) -> None:
        """Keep bytes for a while; one that was claimed in a space that was left is not kept."""
        own = self._now()
        told = {own + key: content for key, content in items.items()}
        self._cache.put(told, ttl_s=ttl_s, is_claimed=is_claimed)

    def drop(self, keys: Sequence[str]) -> bool:
        """Forget keys, here and wherever this database is cached.

        Raises
        ------
        StorageError
            If the database cannot name the next space.
        """
        # Others may have left meanwhile, and keep what is revised here in the next space already.
        own, has_run = self._look(0.0)
        is_sure = self._cache.drop([own + key for key in keys])
        if not (is_sure and has_run and self._cache.is_shared):
            self._leave(is_sure)
        return True

    def claim(self, keys: Sequence[str], *, ttl_s: float) -> frozenset[str]:
        """Return which of the keys nobody is fetching now; they are the caller's."""
        own = self._now()
        ours = self._cache.claim([own + key for key in keys], ttl_s=ttl_s)
        return frozenset(key.removeprefix(own) for key in ours)

    def release(self, keys: Sequence[str]) -> None:
        """End the caller's own claims; those in a space that was left end by themselves."""
        own = self._now()
        self._cache.release([own + key for key in keys])

    def close(self) -> None:
        """Let the cache's connections go."""
        self._cache.close()

    def _now(self) -> str:
        """Return what stands before keys, as the database named it some seconds ago at most."""
        return self._look(_LOOK_S)[0]

    def _look(self, age_s: float) -> tuple[str, bool]:
        """Return what stands before keys, not older than so, and whether the run is known."""
        with self._gate:
            began_at = self._monotonic()
            if self._space is None or began_at - self._looked_at >= age_s:
                with reading(self._engine, is_single=True) as connection:
                    found = space_of(connection)
                self._move(found or self._first(), began_at)
            return self._prefix, bool(self._run)

    def _first(self) -> Space:
        with writing(self._engine, turn="bars") as connection:
            return space_of(connection) or leave(connection)

    def _leave(self, is_sure: bool) -> None:
        with self._leaving:  # and not the gate: readers wait for nobody's turn to write
            began_at = self._monotonic()
            with writing(self._engine, turn="bars") as connection:
                made = leave(connection)
            with self._gate:
                known = self._space
                if known is not None and known.name == made.name and known.number >= made.number:
                    return  # a reader has found it already
                if is_sure and known is not None and made == Space(known.name, known.number + 1):
                    # Nobody else left meanwhile: what is kept here is still true for us alone.
                    self._space, self._looked_at = made, began_at
                else:
                    self._move(made, began_at)

    def _move(self, named: Space, at: float) -> None:
        run = self._cache.run()
        if not run or (named, run) != (self._space, self._run):
            self._space, self._run = named, run
            self._prefix = f"{named}:{run or secrets.token_hex(6)}:"
        self._looked_at = at
