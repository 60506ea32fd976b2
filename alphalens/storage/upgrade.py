"""The version of the schema: a new database is created, an older one is migrated.

The version is kept in Alembic's own table. Version 1 of this package kept it in ``meta``;
such a database is recognised, and its first migration moves it.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from alphalens.errors import StorageError
from alphalens.storage.postgres import check_server
from alphalens.storage.schema import (
    GENESIS,
    SCHEMA_VERSION,
    head_text,
    meta,
    metadata,
    revision,
    versions,
)
from alphalens.storage.transactions import name_of, reading, writing

__all__ = ["check_version", "create_or_upgrade", "migrate"]

_SCRIPTS = Path(__file__).parent / "migrations"


def create_or_upgrade(engine: sa.Engine) -> None:
    """Bring the schema to the present version, in one transaction: all of it or nothing.

    Processes that open the same database at once take turns; the first one does the work.

    Raises
    ------
    StorageError
        If the schema is newer than this package, or the database fails.
    """
    with reading(engine) as connection:
        if engine.dialect.name == "postgresql":
            check_server(connection)
        if _version(connection) == SCHEMA_VERSION:
            return
    with writing(engine) as connection:
        found = _version(connection)
        if found == 0:
            _create(connection)
        elif found < SCHEMA_VERSION:
            migrate(connection, SCHEMA_VERSION)


def check_version(engine: sa.Engine) -> None:
    """Refuse a database that cannot be read as it is.

    Raises
    ------
    StorageError
        If it is no database of this package, or has an older or a newer schema.
    """
    with reading(engine) as connection:
        found = _version(connection)
    if found == 0:
        raise StorageError(f"{name_of(engine)} is no journal of this package; give another path")
    if found < SCHEMA_VERSION:
        raise StorageError(
            f"{name_of(engine)} has schema version {found}, this alphalens reads "
            f"{SCHEMA_VERSION}: open it once to write, it is then upgraded; keep a copy"
        )


def migrate(connection: sa.Connection, version: int) -> None:
    """Run the migrations up to `version` in the caller's transaction.

    Parameters
    ----------
    connection : Connection
        Of `writing`.
    version : int
        Where to stop.

    Raises
    ------
    StorageError
        If the schema is beyond it: what a later version keeps has no place in an earlier one.
    """
    from alembic import command
    from alembic.config import Config

    found = _version(connection)
    if found > version:
        raise StorageError(
            f"{name_of(connection.engine)} has schema version {found} and is not taken back to "
            f"{version}, which has no place for all it holds: restore a copy from before"
        )
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    if found == 1 and not _has(connection, versions):
        command.stamp(config, revision(1))
    command.upgrade(config, revision(version))


def _create(connection: sa.Connection) -> None:
    # Without a look for what is there: a foreign table of the same name must not pass for ours.
    metadata.create_all(connection, checkfirst=False)
    connection.execute(versions.insert(), {"version_num": revision(SCHEMA_VERSION)})
    connection.execute(meta.insert(), {"key": "head", "value": head_text(0, GENESIS)})


def _version(connection: sa.Connection) -> int:
    """Return the version of the schema, 0 if there is none yet."""
    if _has(connection, versions):
        found = connection.execute(sa.select(versions.c.version_num)).scalars().all()
    elif _has(connection, meta):
        query = sa.select(meta.c.value).where(meta.c.key == "schema_version")
        found = connection.execute(query).scalars().all()
    else:
        return 0
    if len(found) != 1 or not found[0].isdecimal():
        raise StorageError(
            f"{name_of(connection.engine)} says its schema version is {list(found)!r}: it was "
            f"changed or cut off, or belongs to another program; restore it from a copy, or "
            f"give another database or schema"
        )
    if int(found[0]) > SCHEMA_VERSION:
        raise StorageError(
            f"{name_of(connection.engine)} has schema version {int(found[0])}, this alphalens "
            f"knows up to {SCHEMA_VERSION}: upgrade alphalens, or give another database"
        )
    return int(found[0])


def _has(connection: sa.Connection, table: sa.Table) -> bool:
    return sa.inspect(connection).has_table(table.name)
