"""A database is created at the present version, or brought to it, or refused."""

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from alphalens.errors import StorageError
from alphalens.execution import Journal, JournalReader
from alphalens.storage import SCHEMA_VERSION, metadata, open_engine, reading, writing
from alphalens.storage.schema import commands, fills, meta, orders, revision, versions
from alphalens.storage.upgrade import migrate
from alphalens.trading import SystemClock
from alphalens.trading.events import EventKind
from tests.waiting import PROCESS_S

#: What version 1 wrote into an empty file, and one record of it.
VERSION_1 = """
CREATE TABLE meta (
    "key" VARCHAR(64) NOT NULL, value TEXT NOT NULL, PRIMARY KEY ("key")
);
CREATE TABLE journal (
    seq INTEGER NOT NULL, at VARCHAR(32) NOT NULL, run_id VARCHAR(128) NOT NULL,
    cycle_id VARCHAR(128) NOT NULL, kind VARCHAR(32) NOT NULL, payload TEXT NOT NULL,
    prev_hash VARCHAR(64) NOT NULL, hash VARCHAR(64) NOT NULL, PRIMARY KEY (seq), UNIQUE (hash)
);
CREATE INDEX journal_kind ON journal (kind);
CREATE INDEX journal_cycle ON journal (cycle_id);
CREATE TABLE orders (
    client_order_id VARCHAR(128) NOT NULL, seq INTEGER NOT NULL, run_id VARCHAR(128) NOT NULL,
    cycle_id VARCHAR(128) NOT NULL, symbol VARCHAR(128) NOT NULL, side VARCHAR(8) NOT NULL,
    quantity VARCHAR(64) NOT NULL, status VARCHAR(32) NOT NULL,
    filled_quantity VARCHAR(64) NOT NULL, venue_order_id VARCHAR(128) NOT NULL,
    fingerprint VARCHAR(64) NOT NULL, created_at VARCHAR(32) NOT NULL,
    updated_at VARCHAR(32) NOT NULL, record TEXT NOT NULL, PRIMARY KEY (client_order_id)
);
CREATE INDEX orders_status ON orders (status);
CREATE INDEX orders_cycle ON orders (cycle_id);
CREATE TABLE fills (
    fill_id VARCHAR(128) NOT NULL, seq INTEGER NOT NULL, cycle_id VARCHAR(128) NOT NULL,
    client_order_id VARCHAR(128) NOT NULL, symbol VARCHAR(128) NOT NULL,
    side VARCHAR(8) NOT NULL, quantity VARCHAR(64) NOT NULL, price VARCHAR(64) NOT NULL,
    fee VARCHAR(64) NOT NULL, at VARCHAR(32) NOT NULL, PRIMARY KEY (fill_id), UNIQUE (seq)
);
CREATE TABLE marks (
    seq INTEGER NOT NULL, at VARCHAR(32) NOT NULL, cash VARCHAR(64) NOT NULL,
    equity VARCHAR(64) NOT NULL, gross VARCHAR(64) NOT NULL, net VARCHAR(64) NOT NULL,
    drawdown VARCHAR(64) NOT NULL, PRIMARY KEY (seq)
);
CREATE TABLE outbox (
    seq INTEGER NOT NULL, at VARCHAR(32) NOT NULL, code VARCHAR(64) NOT NULL,
    severity VARCHAR(16) NOT NULL, message TEXT NOT NULL, record TEXT NOT NULL,
    delivered_at VARCHAR(32), PRIMARY KEY (seq)
);
CREATE TABLE commands (
    id INTEGER NOT NULL, at VARCHAR(32) NOT NULL, kind VARCHAR(16) NOT NULL,
    by VARCHAR(128) NOT NULL, reason TEXT NOT NULL, client_order_id VARCHAR(128) NOT NULL,
    fingerprint VARCHAR(64) NOT NULL, handled_seq INTEGER, PRIMARY KEY (id)
);
CREATE INDEX commands_handled ON commands (handled_seq);
INSERT INTO meta VALUES ('schema_version', '1');
INSERT INTO meta VALUES
    ('head', '1:eb5e23ce7444d30a1b21ea06e94b87826f0c8c62b03df2dac6e6fe6261086a18');
INSERT INTO journal VALUES (
    1, '2024-01-02T00:00:00.000000Z', 'r1', 'c1', 'cycle_finished', '{"n":1}',
    '0000000000000000000000000000000000000000000000000000000000000000',
    'eb5e23ce7444d30a1b21ea06e94b87826f0c8c62b03df2dac6e6fe6261086a18'
);
INSERT INTO fills VALUES (
    'f1', 1, 'c1', 'o1', 'SPY', 'buy', '1', '0.1', '0', '2024-01-02T00:00:00.000000Z'
);
INSERT INTO commands VALUES (1, '2024-01-02T00:00:00.000000Z', 'halt', 'ann', 'test', '', '', NULL);
"""

COMMAND = {
    "at": datetime(2024, 1, 2, tzinfo=UTC),
    "kind": "halt",
    "by": "ann",
    "reason": "kept",
    "client_order_id": "",
    "fingerprint": "",
}


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "desk.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_1)
    connection.close()
    return path


def described(engine):
    """Every table, column, key and index, as the database tells them."""
    inspector = sa.inspect(engine)
    schema = {}
    for name in sorted(inspector.get_table_names()):
        columns = {c["name"]: _facts(c) for c in inspector.get_columns(name)}
        indexes = sorted((i["name"], tuple(i["column_names"])) for i in inspector.get_indexes(name))
        unique = sorted(tuple(u["column_names"]) for u in inspector.get_unique_constraints(name))
        key = inspector.get_pk_constraint(name)["constrained_columns"]
        schema[name] = columns, indexes, unique, key
    return schema


def _facts(column):
    kind = column["type"]
    collation = getattr(kind, "collation", None)
    return str(kind), collation, column["nullable"], column["default"]


def test_file_of_version_1_is_upgraded_and_keeps_what_it_holds(old):
    engine = open_engine(old)
    assert JournalReader(engine).verify() == 1
    with reading(engine) as connection:
        assert connection.execute(sa.select(versions)).all() == [(revision(SCHEMA_VERSION),)]
        assert connection.execute(sa.select(meta.c.key)).scalars().all() == ["head"]
        row = connection.execute(sa.select(commands)).one()
        fill = connection.execute(sa.select(fills.c.fill_id, fills.c.price, fills.c.record)).one()
    assert fill == ("f1", Decimal("0.1"), '{"n":1}')
    assert (row.reason, row.symbol, row.payload) == ("test", "", "{}")
    with Journal(engine, clock=SystemClock(), run_id="r2") as book:
        assert book.append(EventKind.RUN_FINISHED, {}).seq == 2
        assert book.verify() == 2
    engine.dispose()


def test_migrated_file_is_as_a_new_one(old, tmp_path):
    migrated, new = open_engine(old), open_engine(tmp_path / "new.sqlite")
    assert described(migrated) == described(new)
    migrated.dispose()
    new.dispose()


def test_migrated_schema_is_as_a_new_one_on_both_databases(database_url):
    new = open_engine(database_url)
    wanted = described(new)
    with writing(new) as connection:
        metadata.drop_all(connection)
    with writing(new) as connection:
        migrate(connection, 1)
    assert "snapshots" not in described(new)
    new.dispose()
    migrated = open_engine(database_url)
    assert described(migrated) == wanted
    migrated.dispose()


def test_database_of_version_2_gets_the_tables_of_bars_and_keeps_its_record(database_url):
    engine = open_engine(database_url)
    with writing(engine) as connection:
        metadata.drop_all(connection)
    with writing(engine) as connection:
        migrate(connection, 2)
        connection.execute(commands.insert(), COMMAND)
    assert "bars" not in described(engine)
    engine.dispose()
    engine = open_engine(database_url)
    with reading(engine) as connection:
        assert connection.execute(sa.select(commands.c.reason)).scalars().all() == ["kept"]
    assert {"bars", "bar_versions", "fetches", "quarantine", "series"} <= set(described(engine))
    engine.dispose()


def test_migration_that_fails_leaves_the_old_version_whole(old):
    connection = sqlite3.connect(old)
    connection.execute("CREATE TABLE blobs (x)")
    connection.close()
    before = _dump(old)
    with pytest.raises(StorageError, match="already exists"):
        open_engine(old)
    assert _dump(old) == before


def _dump(path):
    connection = sqlite3.connect(path)
    lines = list(connection.iterdump())
    connection.close()
    return lines


def test_reading_only_never_migrates_and_says_what_to_do(old):
    before = _dump(old)
    with pytest.raises(StorageError, match=r"schema version 1, this .* reads 4: open it once to w"):
        open_engine(old, is_read_only=True)
    assert _dump(old) == before


def test_way_back_to_an_older_version_is_refused_by_number(database_url):
    engine = open_engine(database_url)
    refusal = f"has schema version {SCHEMA_VERSION} and is not taken back to 2, .* restore a copy"
    with pytest.raises(StorageError, match=refusal), writing(engine) as connection:
        migrate(connection, 2)
    with writing(engine) as connection:
        migrate(connection, SCHEMA_VERSION)  # where it is already
    engine.dispose()


@pytest.mark.parametrize("is_read_only", [False, True])
def test_newer_schema_is_refused_by_number(database_url, is_read_only):
    engine = open_engine(database_url)
    with writing(engine) as connection:
        connection.execute(versions.update().values(version_num="0099"))
    engine.dispose()
    with pytest.raises(StorageError, match=r"schema version 99, this alphalens knows up to 4: upg"):
        open_engine(database_url, is_read_only=is_read_only)


@pytest.mark.parametrize("found", ["", "ae1027a6acf"])
def test_version_of_somebody_else_is_refused(database_url, found):
    engine = open_engine(database_url)
    with writing(engine) as connection:
        connection.execute(versions.update().values(version_num=found))
    engine.dispose()
    with pytest.raises(StorageError, match="belongs to another program"):
        open_engine(database_url)


def test_foreign_table_of_the_same_name_is_not_taken_for_ours(database_url):
    engine = open_engine(database_url)
    with writing(engine) as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("CREATE TABLE orders (id INTEGER)")
    engine.dispose()
    with pytest.raises(StorageError, match="already exists"):
        open_engine(database_url)
    engine = sa.create_engine(database_url)
    assert sa.inspect(engine).get_table_names() == [orders.name]
    engine.dispose()


def test_processes_that_open_a_new_database_at_once_all_succeed(database_url):
    code = (
        "import sys; from alphalens.storage import open_engine; sys.stdin.readline(); "
        "open_engine(sys.argv[1]).dispose()"
    )
    command = [sys.executable, "-W", "error", "-c", code, database_url]
    pipe = subprocess.PIPE
    started = [subprocess.Popen(command, stdin=pipe, stderr=pipe, text=True) for _ in range(3)]
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=PROCESS_S)[1] for process in started] == [""] * 3
    engine = open_engine(database_url)
    assert JournalReader(engine).verify() == 0
    engine.dispose()
