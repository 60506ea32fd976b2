"""What every test gets: no network but loopback, no display, no settings from outside."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from .servers import own_keys, own_schema, postgres_server, redis_server

os.environ["MPLBACKEND"] = "Agg"
os.environ["LANGSMITH_TRACING"] = "false"

# How long an example takes is no matter of right or wrong.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

#: Whole stories over the wire: what they run is measured by the tests of its parts.
_UNTRACED = tuple(Path(__file__).parent / name for name in ("crash", "data/bad", "faults"))
_SERVERS = ("DATABASE_URL", "REDIS_URL")
_LOOPBACK = ("127.", "::1", "localhost")
_connect = socket.socket.connect


def _guarded_connect(self: socket.socket, address: object) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6):
        host = str(address[0])  # type: ignore[index]  # both families use a tuple
        if not host.startswith(_LOOPBACK):
            raise RuntimeError(f"a test tried to reach {host}; only loopback is allowed")
    _connect(self, address)  # type: ignore[arg-type]  # passed on as it came


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the folders whose tests are not measured."""
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in _UNTRACED):
            item.add_marker("untraced")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test marked `untraced`, and the set-ups that it is first to ask for, unmeasured.

    The tracer of coverage doubles what a test costs, and such a test runs no line alone.
    """
    is_left_out = "coverage" in sys.modules and item.get_closest_marker("untraced") is not None
    tracer = sys.modules["coverage"].Coverage.current() if is_left_out else None
    if tracer is None:
        return (yield)
    tracer.stop()
    try:
        return (yield)
    finally:
        tracer.start()


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _guarded_connect)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        is_ours = name.startswith(("ALPHALENS_", "ENABLE_")) or name in _SERVERS
        if is_ours or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _close_figures() -> object:
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real market data beside the checkout; the test skips where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no folder shared/data beside the checkout")
    pytest.importorskip("pyarrow", reason="the real data are Parquet files")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL server, one per run and worker, started when first asked for."""
    with postgres_server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """URL of an empty schema on a PostgreSQL server, for one test."""
    with own_schema(postgres) as url:
        yield url


@pytest.fixture
def another_postgres_url(postgres: str) -> Iterator[str]:
    """URL of a second empty schema on the same server."""
    with own_schema(postgres) as url:
        yield url


@pytest.fixture(scope="session")
def redis() -> Iterator[str]:
    """URL of a Redis server, one per run and worker, which may hold what is not ours."""
    with redis_server() as url:
        yield url


@pytest.fixture
def redis_url(redis: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of a Redis server where every cache of this process has keys of this test alone."""
    with own_keys(redis) as prefix:
        monkeypatch.setattr("alphalens.data.redis_cache._PREFIX", prefix)
        yield redis


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database: each test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'desk.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    return url
