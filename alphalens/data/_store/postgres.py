"""What the store of bars does in PostgreSQL's own way: whole columns at once, parts by year.

In goes binary COPY. No column is null, so that each row has one length there: an array of numpy
with the bytes in the order of the network is what goes over the wire. Out comes the same, but
put together by the server, one text of bytes a series: COPY sends a message for each row, and a
million messages cost more than what is in them. Each text is turned into columns as it comes,
so that none waits for the others in memory.
Source: PostgreSQL's manual, COPY, "Binary Format".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alphalens.data._store.rows import ROW, Cells, Columns, Rows, is_sorted, joined
from alphalens.data.bars import micros
from alphalens.errors import StorageError
from alphalens.storage.transactions import name_of

__all__ = ["fetch", "load", "make_room", "put_new", "stage", "upsert"]

_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL = b"\xff\xff"
#: What makes the bytes of a value in the order of the network, by numpy's letter for its type.
_SENDS = {"i": "int4send", "h": "int2send", "l": "int8send", "d": "float8send", "?": "boolsend"}
#: The server's name of a column's type, where that is not text.
_TYPES = {sa.BigInteger: "int8", sa.LargeBinary: "bytea"}
_CHUNK = 50_000
#: Rows that are turned into columns at once, while they are still in the processor's cache.
_TURNED = 4_096
#: For a large read: the server puts so many texts together at once, and with its 4 MB would sort
#: the rows on disk; and all its processors help, which it does not see before it has statistics.
_LARGE = "SELECT " + ", ".join(
    f"set_config('{name}', '{value}', true)"
    for name, value in (
        ("work_mem", "64MB"),
        ("parallel_setup_cost", "0"),
        ("parallel_tuple_cost", "0"),
    )
)
#: From here on the planner is told how many rows there are, and has more memory.
_MANY = 10_000

#: A series, how many rows, and these as one text of bytes.
_Packed = tuple[int, int, bytes]

_STAGING = (
    "CREATE TEMP TABLE IF NOT EXISTS bar_staging (LIKE bars) ON COMMIT DELETE ROWS",
    "TRUNCATE bar_staging",
)
_PARTS = sa.text(
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
    "WHERE i.inhparent = 'bars'::regclass"
)


def stage(connection: sa.Connection, rows: Rows) -> None:
    """Put rows into the staging table, in place of those of before."""
    for statement in _STAGING:
        connection.exec_driver_sql(statement)
    load(connection, "bar_staging", rows)
    if len(rows) >= _MANY:
        connection.exec_driver_sql("ANALYZE bar_staging")


def load(connection: sa.Connection, table: str, rows: Rows) -> None:
    """Append rows to a table that has the columns of `ROW`."""
    with (
        _cursor(connection) as cursor,
        cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.write(_HEAD)
        for start in range(0, len(rows), _CHUNK):
            copy.write(_encoded(rows[start : start + _CHUNK]))
        copy.write(_TAIL)


def make_room(connection: sa.Connection, rows: Rows) -> None:
    """Make the parts of the years that have none yet.

    A table that is made apart and attached stops no reader, as one that is made in its place
    would until the end of the transaction.
    """
    years = np.unique(rows["time"].view("M8[us]").astype("M8[Y]")).astype(int) + 1970
    wanted = {f"bars_y{year}": int(year) for year in years}
    for name in sorted(wanted.keys() - set(connection.execute(_PARTS).scalars())):
        first, end = (micros(datetime(wanted[name] + n, 1, 1, tzinfo=UTC)) for n in (0, 1))
        connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE bars INCLUDING ALL)")
        connection.exec_driver_sql(
            f"ALTER TABLE bars ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})"
        )


def fetch(
    connection: sa.Connection,
    query: sa.Select[Any] | sa.CompoundSelect[Any],
    dtype: np.dtype,
    *,
    most: int | None = None,
) -> Columns:
    """Return the rows of a query whose columns are those of `dtype`, ``series_id`` first."""
    key, *names = dtype.names or ()
    row = " || ".join(f"{_SENDS[dtype[name].char]}({name})" for name in names)
    body = sa.func.string_agg(sa.literal_column(row), sa.literal_column("''::bytea"))
    packed = sa.select(sa.literal_column(key), sa.func.count(), body)
    bound = packed.select_from(query.subquery()).group_by(sa.literal_column(key))
    text = bound.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    is_large = most is None or most >= _MANY
    if is_large:
        connection.exec_driver_sql(_LARGE)
    with _cursor(connection) as cursor:
        ask = cursor.stream if is_large else cursor.execute
        found = ask(str(text), binary=True)
        parts = [_decoded(connection, group, dtype) for group in _gathered(found)]
    return joined(sorted(parts, key=lambda part: int(part[key][0])), dtype)


def put_new(connection: sa.Connection, table: sa.Table, rows: Sequence[Cells]) -> int:
    """Insert the rows whose key is not there yet; return how many these were.

    Rows that are staged twice in one transaction are in the table by the second time.
    """
    staging, names = f"{table.name}_staging", table.c.keys()
    connection.exec_driver_sql(
        f"CREATE TEMP TABLE IF NOT EXISTS {staging} (LIKE {table.name}) ON COMMIT DELETE ROWS"
    )
    with (
        _cursor(connection) as cursor,
        cursor.copy(f"COPY {staging} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types([_TYPES.get(type(column.type), "text") for column in table.c])
        for row in rows:
            copy.write_row(row)
    columns: list[sa.ColumnElement[Any]] = [sa.column(name) for name in names]
    staged = sa.select(*columns).select_from(sa.table(staging))
    new = upsert(table).from_select(names, staged).on_conflict_do_nothing()
    return connection.exec_driver_sql(str(new.compile(dialect=connection.dialect))).rowcount


def upsert(table: sa.Table) -> postgresql.Insert:
    """Return an INSERT of PostgreSQL."""
    return postgresql.insert(table)


@contextmanager
def _cursor(
    connection: sa.Connection, **options: bool
) -> Iterator[Any]:  # Any: psycopg is not always installed
    """Give a cursor of the driver; its errors are SQLAlchemy's, as everywhere else."""
    driver: Any = connection.dialect.loaded_dbapi
    raw: Any = connection.connection.driver_connection
    try:
        with raw.cursor(**options) as cursor:
            yield cursor
    except driver.Error as error:
        raise sa.exc.DBAPIError.instance(
            "bars", None, error, driver.Error, dialect=connection.dialect
        ) from error


@lru_cache(maxsize=32)
def _wire(dtype: np.dtype) -> np.dtype:
    """Return the form of a row in binary COPY: their number, then a length before each value."""
    fields: list[tuple[str, Any]] = [("fields", ">i2")]
    for name in dtype.names or ():
        fields += [(f"len_{name}", ">i4"), (name, dtype[name].newbyteorder(">"))]
    return np.dtype(fields)


def _encoded(rows: Rows) -> bytes:
    wire = np.empty(len(rows), _wire(ROW))
    wire["fields"] = len(ROW.names or ())
    for name in ROW.names or ():
        wire[f"len_{name}"] = ROW[name].itemsize
        wire[name] = rows[name]
    return wire.tobytes()


def _gathered(found: Iterable[_Packed]) -> Iterator[list[_Packed]]:
    """Give what is found in groups of `_TURNED` rows or more: a small array is mostly overhead."""
    group: list[_Packed] = []
    waiting = 0
    for packed in found:
        group.append(packed)
        waiting += packed[1]
        if waiting >= _TURNED:
            yield group
            group, waiting = [], 0
    if group:
        yield group


def _decoded(connection: sa.Connection, group: list[_Packed], dtype: np.dtype) -> Columns:
    key, *names = dtype.names or ()
    form = np.dtype([(name, dtype[name].newbyteorder(">")) for name in names])
    # A row with a null in it is a null, which the server leaves out.
    if any(count * form.itemsize != len(body or b"") for _, count, body in group):
        raise StorageError(
            f"{name_of(connection.engine)} has bars with an empty column, which this package "
            f"never writes: set it to 'NaN', or restore the database from a copy"
        )
    numbers = np.array([number for number, *_ in group], dtype[key])
    ids = np.repeat(numbers, [count for _, count, _ in group])
    rows = np.frombuffer(b"".join(body for *_, body in group), form)
    # Several workers of the server come with the rows of a series in any order.
    if "time" in names and not is_sorted(ids, rows["time"]):
        order = np.lexsort((rows["time"], ids))
        ids, rows = ids[order], rows[order]
    columns = {name: np.empty(len(rows), dtype[name]) for name in names}
    for start in range(0, len(rows), _TURNED):
        part = slice(start, start + _TURNED)
        for name in names:
            columns[name][part] = rows[name][part]
    return {key: ids, **columns}
