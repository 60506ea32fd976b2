"""Opening the database, and the two ways to talk to it: `reading` and `writing`.

All that is particular to SQLite is in this module.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from alphalens.errors import ConfigError, StorageError
from alphalens.storage.schema import GENESIS, SCHEMA_VERSION, head_text, meta, metadata

__all__ = ["open_engine", "reading", "writing"]

_WRITES = "alphalens_writes"
_BUSY_TIMEOUT_MS = 5_000


def open_engine(url: str | Path, *, is_read_only: bool = False) -> sa.Engine:
    """Open the database, create the schema if it is empty, and return its engine.

    A SQLite file is opened in WAL mode with ``synchronous=FULL`` (a committed record survives
    a power cut), with foreign keys on, a busy timeout of 5 s, and mode 0600.

    Parameters
    ----------
    url : str or Path
        A SQLAlchemy URL, such as ``sqlite:///desk.sqlite``, ``sqlite://`` (in memory, gone
        with the process) or ``postgresql+psycopg://host/desk``; a Path means a SQLite file.
    is_read_only : bool
        Create and change nothing: the database must be there, with its schema, and every
        write is refused.

    Returns
    -------
    Engine
        Give it to `reading` and `writing`; call ``dispose()`` when done.

    Raises
    ------
    ConfigError
        If the URL cannot be parsed or its driver is not installed.
    StorageError
        If the database cannot be opened, or was written by a newer version of this package, or
        is to be read only and is not there.

    Examples
    --------
    >>> engine = open_engine("sqlite://")
    >>> with reading(engine) as connection:
    ...     connection.execute(sa.select(sa.func.count()).select_from(meta)).scalar_one()
    2
    """
    engine = _make_engine(f"sqlite:///{url}" if isinstance(url, Path) else url, is_read_only)
    try:
        if not is_read_only:
            _create_schema(engine)
        _check_schema(engine)
    except StorageError:
        engine.dispose()
        raise
    return engine


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection whose transaction sees one moment of the database and writes nothing.

    Raises
    ------
    StorageError
        If the database fails.
    """
    with _translated(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection in a write transaction; commit at the end, roll back on any error.

    SQLite takes its write lock at the start, so that a transaction which reads first cannot
    be refused later because another process wrote in between.

    Raises
    ------
    StorageError
        If the database fails; whatever was written inside is undone.
    """
    with _translated(engine), engine.connect() as connection:
        connection.execution_options(**{_WRITES: True})
        with connection.begin():
            yield connection


@contextmanager
def _translated(engine: sa.Engine) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise StorageError(f"{_name(engine)}: {_cause(error)}") from error


def _cause(error: SQLAlchemyError) -> str:
    text = str(getattr(error, "orig", None) or error)
    remedies = {
        "locked": "another process holds the write lock; let it finish, then try again",
        "readonly": "the file or its folder is read-only; give this user the right to write",
        "full": "the disk is full; make room, nothing was written",
        "unable to open": "the folder must exist and be writable",
        "not a database": "this file is something else; give another path",
    }
    remedy = next((r for sign, r in remedies.items() if sign in text), "nothing was written")
    return f"{text}: {remedy}"


def _name(engine: sa.Engine) -> str:
    return engine.url.render_as_string(hide_password=True)


def _make_engine(url: str, is_read_only: bool) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _open_sqlite(parsed) if is_read_only else _make_sqlite(parsed)
        return sa.create_engine(parsed, execution_options={"postgresql_readonly": is_read_only})
    except (ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
        raise ConfigError(
            f"cannot open a database by {_safe(url)!r}: {error}. Use sqlite:///file.sqlite or "
            f"postgresql+psycopg://user@host/name"
        ) from error


def _safe(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if rest else url


def _make_sqlite(url: sa.URL) -> sa.Engine:
    in_memory = url.database in (None, "", ":memory:")
    if in_memory:
        engine = sa.create_engine(
            url, poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
    else:
        _create_private(Path(str(url.database)))
        engine = sa.create_engine(url)
    sa.event.listen(engine, "connect", _on_connect)
    sa.event.listen(engine, "begin", _on_begin)
    return engine


def _open_sqlite(url: sa.URL) -> sa.Engine:
    """Open a file that is there, in a way in which SQLite itself refuses every write."""
    path = Path(str(url.database))
    if not path.is_file():
        raise StorageError(f"{path}: no such file; give the journal of a run")
    engine = sa.create_engine(f"sqlite:///file:{quote(str(path))}?mode=ro&uri=true")
    sa.event.listen(engine, "connect", _on_connect_to_read)
    sa.event.listen(engine, "begin", _on_begin)
    return engine


def _create_private(path: Path) -> None:
    """Make the file before SQLite does, readable by its owner only; -wal and -shm follow it."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise StorageError(
            f"cannot open the journal file {path}: {error.strerror}; the folder must exist and "
            f"both must be writable by this user"
        ) from error


def _on_connect(connection: SQLiteConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin in _on_begin, not in the driver
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")


def _on_connect_to_read(connection: SQLiteConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}").close()


def _on_begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _create_schema(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        if not sa.inspect(connection).has_table(meta.name):
            metadata.create_all(connection)
            facts = {"schema_version": str(SCHEMA_VERSION), "head": head_text(0, GENESIS)}
            rows = [{"key": key, "value": value} for key, value in facts.items()]
            connection.execute(meta.insert(), rows)


def _check_schema(engine: sa.Engine) -> None:
    with reading(engine) as connection:
        if not sa.inspect(connection).has_table(meta.name):
            raise StorageError(f"{_name(engine)} is no journal of this package; give another path")
        query = sa.select(meta.c.value).where(meta.c.key == "schema_version")
        found = connection.execute(query).scalar_one_or_none()
    if found is None or not found.isdecimal():
        raise StorageError(
            f"{_name(engine)} says its schema version is {found!r}: it was changed or cut off; "
            "restore it from a copy"
        )
    version = int(found)
    if version > SCHEMA_VERSION:
        raise StorageError(
            f"{_name(engine)} has schema version {version}, this alphalens knows up to "
            f"{SCHEMA_VERSION}: upgrade alphalens, or give another database"
        )
