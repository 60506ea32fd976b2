"""All that is particular to PostgreSQL."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from alphalens.errors import StorageError
from alphalens.storage.transactions import WRITES, name_of

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

__all__ = ["OLDEST", "advisory_key", "check_server", "make_postgres"]

#: The oldest server that is supported.
OLDEST = 14

#: What libpq is told unless the URL says otherwise: nothing waits for a dead host for ever.
_CONNECT = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
    "application_name": "alphalens",
}

#: Settings of each connection. The keepalives are the server's: with them it soon sees that
#: the host of a writer is gone and frees its lock.
_SETTINGS = {
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    "idle_session_timeout": "0",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

#: For a transaction that writes bars: millions at once are one statement, and others wait for it.
_PATIENT = (
    "SELECT set_config('statement_timeout', '600s', true), set_config('lock_timeout', '60s', true)"
)

#: The settings that a URL may not undo.
_FIXED = {"synchronous_commit": "on", "standard_conforming_strings": "on"}

#: After how long without use a connection is asked whether it still works.
_IDLE_S = 1.0
_IDLE_SINCE = "alphalens_idle_since"

#: Purposes of the advisory locks, as the upper half of their keys.
_PURPOSES = {"write": 0x414C01, "pen": 0x414C02, "bars": 0x414C03}


def make_postgres(url: sa.URL, *, is_read_only: bool) -> sa.Engine:
    """Return the engine of a PostgreSQL database, with psycopg as its driver.

    The options of `url` go to libpq; ``options=-csearch_path=desk`` chooses a schema. A
    committed record is on the server's disk (``synchronous_commit=on``), and every wait has
    an end: 5 s to connect, 10 s for a lock, 30 s for a statement.
    """
    asked = url.query.get("options", "")
    options = (*_flags(_SETTINGS), asked if isinstance(asked, str) else " ".join(asked))
    arguments = {key: value for key, value in _CONNECT.items() if key not in url.query}
    # Twice: the option is for transactions, the setting also for a statement without one.
    fixed = {**_FIXED, "default_transaction_read_only": "on" if is_read_only else "off"}
    engine = sa.create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_timeout=10,
        execution_options={"postgresql_readonly": is_read_only},
        connect_args={**arguments, "options": " ".join((*options, *_flags(fixed)))},
    )
    sa.event.listen(engine, "begin", _on_begin)
    _ask_the_idle(engine)
    return engine


def advisory_key(purpose: str) -> str:
    """Return the SQL of the key of a lock that is one per schema of the database."""
    return f"{_PURPOSES[purpose]}, hashtext(current_schema())"


def check_server(connection: sa.Connection) -> None:
    """Refuse a server that is too old, and a schema that is not there.

    Raises
    ------
    StorageError
        Naming what was found and what is needed.
    """
    query = "SELECT current_setting('server_version_num')::int / 10000, current_schema()"
    version, schema = connection.exec_driver_sql(query).one()
    name = name_of(connection.engine)
    if version < OLDEST:
        raise StorageError(
            f"{name} is PostgreSQL {version}, {OLDEST} or later is needed: upgrade the server"
        )
    if schema is None:
        raise StorageError(
            f"{name} has no schema to work in: create the one that search_path names"
        )


def _flags(settings: dict[str, str]) -> tuple[str, ...]:
    return tuple(f"-c{key}={value}" for key, value in settings.items())


def _ask_the_idle(engine: sa.Engine) -> None:
    """Have a connection that lay idle asked whether it is still alive, and replaced if not.

    One that was used a moment ago is taken as it is: asking it each time would be a third of
    what a journal record costs.
    """

    def on_checkin(_: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info[_IDLE_SINCE] = time.monotonic()

    def on_checkout(
        raw: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection
    ) -> None:
        since = record.info.get(_IDLE_SINCE)
        if since is None or time.monotonic() - since < _IDLE_S:
            return
        try:
            engine.dialect.do_ping(raw)
        except engine.dialect.loaded_dbapi.Error as error:
            raise sa.exc.DisconnectionError from error  # the pool takes a new one

    sa.event.listen(engine, "checkin", on_checkin)
    sa.event.listen(engine, "checkout", on_checkout)


def _on_begin(connection: sa.Connection) -> None:
    turn = connection.get_execution_options().get(WRITES)
    if turn == "bars":
        connection.exec_driver_sql(_PATIENT)
    if turn:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({advisory_key(turn)})")
