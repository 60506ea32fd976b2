"""All that is particular to SQLite."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from alphalens.errors import StorageError
from alphalens.storage.transactions import WRITES

__all__ = ["create_private", "file_of", "make_sqlite"]

#: Pages in the log before they are moved to the file, 16 MiB: who commits in that moment waits
#: for it, so it should be one commit in hundreds.
_CHECKPOINT_PAGES = 4_000
_BUSY_TIMEOUT_MS = 5_000


def make_sqlite(url: sa.URL, *, is_read_only: bool) -> sa.Engine:
    """Return the engine of a SQLite database.

    Raises
    ------
    StorageError
        If the file cannot be made, or is to be read only and is not there.
    """
    return _open_to_read(url) if is_read_only else _open(url)


def file_of(engine: sa.Engine) -> Path | None:
    """Return the file of a SQLite database, links resolved; None if it is in memory."""
    if _is_in_memory(engine.url):
        return None
    return Path(str(engine.url.database)).resolve()


def create_private(path: Path) -> int:
    """Open a file for its owner only, made if it is not there; return its descriptor.

    Children do not inherit the descriptor.

    Raises
    ------
    StorageError
        If it cannot be made or opened.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.fstat(descriptor).st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise StorageError(
            f"cannot open the journal file {path}: {error.strerror}; the folder must exist and "
            f"both must be writable by this user"
        ) from error
    return descriptor


def _is_in_memory(url: sa.URL) -> bool:
    return url.database in (None, "", ":memory:")


def _open(url: sa.URL) -> sa.Engine:
    if _is_in_memory(url):
        engine = sa.create_engine(
            url, poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
    else:
        # Before SQLite does, so that nobody else can read it; -wal and -shm take its mode.
        os.close(create_private(Path(str(url.database))))
        engine = sa.create_engine(url)
    sa.event.listen(engine, "connect", _on_connect)
    sa.event.listen(engine, "begin", _on_begin)
    return engine


def _open_to_read(url: sa.URL) -> sa.Engine:
    """Open a file that is there, in a way in which SQLite itself refuses every write."""
    path = Path(str(url.database))
    if not path.is_file():
        raise StorageError(f"{path}: no such file; give the journal of a run")
    engine = sa.create_engine(f"sqlite:///file:{quote(str(path))}?mode=ro&uri=true")
    sa.event.listen(engine, "connect", _on_connect_to_read)
    sa.event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: SQLiteConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin in _on_begin, not in the driver
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")


def _on_connect_to_read(connection: SQLiteConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}").close()


def _on_begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
