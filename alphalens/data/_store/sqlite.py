"""What the store of bars does in SQLite's own way: many rows by one call of the driver."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from alphalens.data._store.rows import Cells, Columns, Rows, joined

__all__ = ["fetch", "load", "make_room", "put_new", "stage", "upsert"]

_STAGING = (
    "CREATE TEMP TABLE IF NOT EXISTS bar_staging AS SELECT * FROM bars WHERE 0",
    "DELETE FROM bar_staging",
)
_INSERTS = {
    "bars": "INSERT INTO bars VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "bar_staging": "INSERT INTO bar_staging VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
}
_CHUNK = 50_000
#: Rows that are turned into columns at once, while they are still in the processor's cache.
_TURNED = 2_000


def stage(connection: sa.Connection, rows: Rows) -> None:
    """Put rows into the staging table, in place of those of before."""
    for statement in _STAGING:
        connection.exec_driver_sql(statement)
    load(connection, "bar_staging", rows)


def load(connection: sa.Connection, table: str, rows: Rows) -> None:
    """Append rows to a table that has the columns of `ROW`."""
    for start in range(0, len(rows), _CHUNK):
        # NaN goes in as null, which the driver does by itself.
        connection.exec_driver_sql(_INSERTS[table], rows[start : start + _CHUNK].tolist())


def make_room(connection: sa.Connection, rows: Rows) -> None:
    """Do nothing: one table holds all years."""


def fetch(
    connection: sa.Connection,
    query: sa.Select[Any] | sa.CompoundSelect[Any],
    dtype: np.dtype,
    *,
    most: int | None = None,
) -> Columns:
    """Return the rows of a query whose columns are those of `dtype`, ``series_id`` first."""
    text = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    names, parts = dtype.names or (), []
    size = _TURNED if most is None else min(most, _TURNED)
    with closing(connection.exec_driver_sql(str(text))) as result:
        while found := result.cursor.fetchmany(size):
            columns = zip(names, zip(*found, strict=True), strict=True)
            parts.append({name: np.array(column, dtype[name]) for name, column in columns})
    return joined(parts, dtype)


def put_new(connection: sa.Connection, table: sa.Table, rows: Sequence[Cells]) -> int:
    """Insert the rows whose key is not there yet; return how many these were."""
    insert = upsert(table).on_conflict_do_nothing().compile(dialect=connection.dialect)
    return connection.exec_driver_sql(str(insert), list(rows)).rowcount


def upsert(table: sa.Table) -> sqlite.Insert:
    """Return an INSERT of SQLite."""
    return sqlite.insert(table)
