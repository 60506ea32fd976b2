"""Databases that stop in the middle, fill up, or are written by two: days are whole or absent."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from alphalens.data.port import BarRequest
from alphalens.data.store import BarStore, Written
from alphalens.errors import StorageError
from alphalens.storage import open_engine
from alphalens.storage.schema import bars as bars_table
from tests.servers import own_postgres, own_schema
from tests.waiting import PROCESS_S

from .ingesting import (
    DAYS,
    SYMBOLS,
    closes_in,
    pipeline_of,
    request_of,
    vendor,
    whole_month,
)
from .many_bars import NOW, many


@pytest.fixture(scope="module")
def server():
    with own_postgres() as server:
        yield server


@pytest.fixture
def engine(server):
    with own_schema(server.url) as url:
        engine = open_engine(url)
        yield engine
        engine.dispose()


def before_commit(engine, day, act):
    """Do something once, when the bars of so many days are written and not yet committed."""
    done = []

    def on_commit(connection):
        query = sa.select(sa.func.count()).select_from(bars_table)
        if not done and connection.execute(query).scalar_one() == day * len(SYMBOLS):
            done.append(day)
            act()

    sa.event.listen(engine, "commit", on_commit)
    return done


def is_whole(closes) -> bool:
    """Whether every day that has bars has those of both symbols, and as the vendor told them."""
    month = whole_month()
    counts = {len(closes[symbol]) for symbol in SYMBOLS}
    return len(counts) == 1 and all(
        closes[symbol] == month[symbol][: len(closes[symbol])] for symbol in SYMBOLS
    )


@pytest.mark.parametrize("is_crash", [False, True], ids=["restart", "crash"])
def test_server_restarted_amid_a_day_leaves_whole_days_and_nothing_is_lost_or_doubled(
    server, engine, is_crash
):
    def restart():
        server.stop(is_crash=is_crash)
        server.start()

    done = before_commit(engine, 5, restart)
    store = BarStore(engine)
    with vendor() as wire, pipeline_of(engine, wire.url) as pipeline:
        for day in DAYS[:4]:
            pipeline.fetch(request_of(day, day))
        with pytest.raises(StorageError, match="start it, check DATABASE_URL"):
            pipeline.fetch(request_of(DAYS[4], DAYS[4]))
        assert done == [5]
        closes = closes_in(store)
        assert {len(closes[symbol]) for symbol in SYMBOLS} == {4}
        assert is_whole(closes)
        assert set(store.missing(request_of(DAYS[4], DAYS[4]))) == set(SYMBOLS)
        wire.control.forget_requests()
        pipeline.bars(request_of())
        asked = [one["path"] for one in wire.control.requests()]
    assert closes_in(store) == whole_month()
    assert len(store.revisions(request_of())) == 0
    assert store.missing(request_of()) == {}
    begins = min(int(path.split("/")[-2]) for path in asked)
    assert datetime.fromtimestamp(begins / 1000, UTC).date() > DAYS[3]


def test_answer_to_a_commit_that_was_lost_is_asked_for_again_and_doubles_nothing(engine, server):
    commit = engine.dialect.do_commit
    broken = []

    def cut(connection):
        commit(connection)
        count = connection.execute("SELECT count(*) FROM bars").fetchone()[0]
        if not broken and count:
            broken.append(count)
            connection.driver_connection.close()
            raise engine.dialect.loaded_dbapi.OperationalError("the connection is lost")

    engine.dialect.do_commit = cut
    store = BarStore(engine)
    with vendor() as wire, pipeline_of(engine, wire.url) as pipeline:
        with pytest.raises(StorageError):
            pipeline.fetch(request_of())
        assert broken == [len(SYMBOLS) * len(DAYS)]
        pipeline.fetch(request_of())
    assert closes_in(store) == whole_month()
    assert len(store.revisions(request_of())) == 0


def test_server_that_comes_and_goes_while_days_come_in_keeps_each_day_whole(server, engine):
    is_over = threading.Event()

    def restart_twice():
        for is_crash in (False, True):
            time.sleep(0.15)
            server.stop(is_crash=is_crash)
            server.start()
        is_over.set()

    store, failures = BarStore(engine), 0
    restarting = threading.Thread(target=restart_twice)
    with vendor() as wire, pipeline_of(engine, wire.url) as pipeline:
        restarting.start()
        while not is_over.is_set():
            for day in DAYS:
                try:
                    pipeline.fetch(request_of(day, day))
                except StorageError:
                    failures += 1
                    break
        restarting.join()
        assert failures > 0
        for symbol, closes in closes_in(store).items():
            assert closes == whole_month()[symbol][: len(closes)]
        pipeline.bars(request_of())
    assert closes_in(store) == whole_month()
    assert len(store.revisions(request_of())) == 0


def count_in(store, bars) -> int:
    start, end = datetime(2022, 12, 31, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
    return len(store.read(BarRequest(symbols=bars.symbols, start=start, end=end)))


def test_full_disk_under_sqlite_takes_a_batch_whole_or_not_at_all(tmp_path):
    engine = open_engine(tmp_path / "bars.sqlite")
    store = BarStore(engine)
    few, bars = many(2, 300), many(20, 300)
    assert store.write(few, at=NOW) == Written(new=600)
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    limit = [pages + 5]
    sa.event.listen(
        engine, "begin", lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={limit[0]}")
    )
    with pytest.raises(StorageError, match="the disk is full; make room, nothing was written"):
        store.write(bars, at=NOW)
    assert count_in(store, bars) == 600
    limit[0] = 1_000_000
    assert store.write(bars, at=NOW) == Written(new=5400, same=600)
    engine.dispose()


#: Writes bars under a limit of the system on the size of a file, as a quota has it.
LIMITED = """
import resource, sys
from datetime import UTC, datetime
from alphalens.data.store import BarStore
from alphalens.errors import StorageError
from alphalens.storage import open_engine
from tests.data.many_bars import NOW, many
store = BarStore(open_engine(sys.argv[1]))
store.write(many(2, 300), at=NOW)
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
try:
    store.write(many(200, 300), at=NOW)
except StorageError as error:
    print(error)
"""


def test_limit_of_the_system_amid_a_write_under_sqlite_leaves_the_file_whole(tmp_path):
    url = f"sqlite:///{tmp_path / 'bars.sqlite'}"
    child = subprocess.run(
        [sys.executable, "-c", LIMITED, url], capture_output=True, text=True, timeout=PROCESS_S
    )
    assert "bars.sqlite: " in child.stdout, child.stderr
    engine = open_engine(url)
    store = BarStore(engine)
    assert count_in(store, many(200, 300)) == 600
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    assert store.write(many(200, 300), at=NOW) == Written(new=59_400, same=600)
    engine.dispose()


@contextmanager
def without_room(server, size) -> Iterator[None]:
    """Restart a server so that the system lets it write no file larger than that."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    server.stop()
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        server.start()  # which inherits the limit
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    try:
        yield
    finally:
        server.stop()
        server.start()


def test_server_without_room_for_a_file_takes_a_batch_whole_or_not_at_all(server, engine):
    store, few, bars = BarStore(engine), many(2, 300), many(600, 300)
    store.write(few, at=NOW)
    engine.dispose()
    with without_room(server, 17 * 2**20):  # a file of the log has 16
        with pytest.raises(StorageError, match="could not extend file"):
            store.write(bars, at=NOW)
        assert count_in(store, bars) == 600
        engine.dispose()
    assert store.write(bars, at=NOW) == Written(new=179_400, same=600)
    assert count_in(store, bars) == 180_000


#: Brings days into a store, one by one, each time that it is told which store, vendor and way.
INGESTER = """
import sys
from tests.data.ingesting import DAYS, pipeline_of, request_of
from alphalens.storage import open_engine
print("ready", flush=True)
for line in sys.stdin:
    database, wire, way = line.split()
    engine = open_engine(database)
    with pipeline_of(engine, wire) as pipeline:
        for day in DAYS[:8] if way == "forward" else DAYS[7::-1]:
            pipeline.fetch(request_of(day, day))
    engine.dispose()
    print("done", flush=True)
"""


@contextmanager
def killed_after(seconds, processes):
    """End processes that do not answer in time, so that whoever reads from them reads the end."""
    watch = threading.Timer(seconds, lambda: [process.kill() for process in processes])
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


@pytest.fixture(scope="module")
def ingesters():
    """Two processes, started once for the stores of both kinds."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = [subprocess.Popen([sys.executable, "-c", INGESTER], **pipes) for _ in range(2)]
    try:
        with killed_after(PROCESS_S, children):
            assert [child.stdout.readline() for child in children] == ["ready\n"] * 2
        yield children
    finally:
        for child in children:
            child.kill()
            child.communicate(timeout=PROCESS_S)


def test_two_ingesters_in_two_processes_lose_nothing_and_double_nothing(ingesters, database_url):
    open_engine(database_url).dispose()
    with vendor() as wire:
        for child, way in zip(ingesters, ("forward", "backward"), strict=True):
            child.stdin.write(f"{database_url} {wire.url} {way}\n")
            child.stdin.flush()
        with killed_after(PROCESS_S, ingesters):
            assert [child.stdout.readline() for child in ingesters] == ["done\n"] * 2
    engine = open_engine(database_url)
    store = BarStore(engine)
    assert closes_in(store) == {symbol: told[:8] for symbol, told in whole_month().items()}
    assert len(store.revisions(request_of())) == 0
    assert not any(store.missing(request_of(day, day)) for day in DAYS[:8])
    assert len(store.quarantined()) == 0
    engine.dispose()
