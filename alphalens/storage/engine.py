"""Opening the database: made if it is new, brought up to date if it is older."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from alphalens.errors import ConfigError, StorageError
from alphalens.storage.postgres import make_postgres
from alphalens.storage.sqlite import make_sqlite
from alphalens.storage.upgrade import check_version, create_or_upgrade

__all__ = ["open_engine"]


def open_engine(url: str | Path, *, is_read_only: bool = False) -> sa.Engine:
    """Open the database, create or upgrade its schema, and return its engine.

    A SQLite file is opened in WAL mode with ``synchronous=FULL`` (a committed record survives
    a power cut), with foreign keys on, a busy timeout of 5 s, and mode 0600. PostgreSQL is
    opened with ``synchronous_commit=on`` and an end to every wait.

    Parameters
    ----------
    url : str or Path
        A SQLAlchemy URL, such as ``sqlite:///desk.sqlite``, ``sqlite://`` (in memory, gone
        with the process), ``postgresql+psycopg://host/desk`` or, over a Unix socket,
        ``postgresql+psycopg:///desk?host=/run/postgresql``; a Path means a SQLite file.
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
        is to be read only and is not there or of an older version.

    Examples
    --------
    >>> from alphalens.storage import reading
    >>> engine = open_engine("sqlite://")
    >>> with reading(engine) as connection:
    ...     connection.exec_driver_sql("SELECT count(*) FROM journal").scalar_one()
    0
    """
    engine = _make_engine(f"sqlite:///{url}" if isinstance(url, Path) else url, is_read_only)
    try:
        if is_read_only:
            check_version(engine)
        else:
            create_or_upgrade(engine)
    except StorageError:
        engine.dispose()
        raise
    return engine


def _make_engine(url: str, is_read_only: bool) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.drivername in ("postgres", "postgresql"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        make = {"sqlite": make_sqlite, "postgresql": make_postgres}[parsed.get_backend_name()]
        return make(parsed, is_read_only=is_read_only)
    except (ArgumentError, KeyError, ValueError, sa.exc.NoSuchModuleError, ImportError) as error:
        # The cause is not told: it may quote a part of the URL, and with it the password.
        raise ConfigError(
            f"cannot open a database by {_safe(url)!r} ({type(error).__name__}). Use "
            f"sqlite:///file.sqlite or postgresql+psycopg://user@host/name"
        ) from None


def _safe(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return (
        f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}" if rest else "a text without ://"
    )
