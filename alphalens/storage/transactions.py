"""The two ways to talk to a database: `reading` and `writing`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal
from urllib.parse import unquote

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from alphalens.errors import StorageError
from alphalens.storage.failures import explain

__all__ = ["WRITES", "name_of", "reading", "translated", "writing"]

#: The option of a connection that tells the database's own begin that this one writes, and in
#: whose turn.
WRITES = "alphalens_writes"

_READS = {
    "sqlite": {},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}
_READS_ONCE = {"sqlite": {}, "postgresql": {"isolation_level": "AUTOCOMMIT"}}


@contextmanager
def reading(engine: sa.Engine, *, is_single: bool = False) -> Iterator[sa.Connection]:
    """Give a connection whose transaction sees one moment of the database and writes nothing.

    Parameters
    ----------
    engine : Engine
        From `open_engine`.
    is_single : bool
        Only one statement will be run. It sees one moment by itself, so that PostgreSQL needs
        no transaction around it, nor the time to begin and end one. It must be a SELECT: only
        an engine that was opened to read refuses a write there.

    Raises
    ------
    StorageError
        If the database fails.
    """
    with translated(engine), engine.connect() as connection:
        options = _READS_ONCE if is_single else _READS
        yield connection.execution_options(**options[engine.dialect.name])


@contextmanager
def writing(
    engine: sa.Engine, *, turn: Literal["write", "bars"] = "write"
) -> Iterator[sa.Connection]:
    """Give a connection in a write transaction; commit at the end, roll back on any error.

    Writers take turns: the write lock of the database (SQLite) or of the schema (PostgreSQL)
    is taken at the start, so that a transaction which reads first cannot be refused later
    because another process wrote in between.

    Parameters
    ----------
    engine : Engine
        From `open_engine`.
    turn : str
        Whose turn is taken: that of ``bars``, whose writes last for seconds, is one of its own
        on PostgreSQL, so that no order waits for it. SQLite has one turn for everything.

    Raises
    ------
    StorageError
        If the database fails; whatever was written inside is undone.
    """
    with translated(engine), ExitStack() as stack:
        try:
            connection = _begin(engine, stack, turn)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            connection = _begin(engine, stack, turn)  # it died unseen; nothing was written in it
        yield connection


def _begin(engine: sa.Engine, stack: ExitStack, turn: str) -> sa.Connection:
    connection = stack.enter_context(engine.connect())
    connection.execution_options(**{WRITES: turn})
    stack.enter_context(connection.begin())
    return connection


@contextmanager
def translated(engine: sa.Engine) -> Iterator[None]:
    """Turn what the driver raises into a `StorageError` that says what to do.

    Raises
    ------
    StorageError
        Naming the database, without its password.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise StorageError(f"{name_of(engine)}: {explain(error)}") from error


def name_of(engine: sa.Engine) -> str:
    """Return how messages call a database: the path of its file, or its address.

    An address has neither password nor options.
    """
    if engine.dialect.name == "sqlite":
        name = engine.url.database or ":memory:"
        return unquote(name.removeprefix("file:")) if "uri" in engine.url.query else name
    place = {key: value for key, value in engine.url.query.items() if key in ("host", "port")}
    return engine.url.set(query=place).render_as_string(hide_password=True)
