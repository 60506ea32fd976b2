"""What several tests of market data need: a database, a thread for asyncio, both caches."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from alphalens.data.cache import Cache, MemoryCache
from alphalens.data.redis_cache import RedisCache
from alphalens.net import LoopThread
from alphalens.storage import open_engine


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    with LoopThread("tests") as thread:
        yield thread


@pytest.fixture(params=["memory", "redis"])
def cache(request: pytest.FixtureRequest) -> Iterator[Cache]:
    """An empty cache, of each kind."""
    made: MemoryCache | RedisCache
    if request.param == "memory":
        made = MemoryCache(monotonic=time.monotonic)
    else:
        url, thread = request.getfixturevalue("redis_url"), request.getfixturevalue("loop")
        made = RedisCache(url, loop=thread, monotonic=time.monotonic, timeout_s=60.0)
    yield made
    made.close()
