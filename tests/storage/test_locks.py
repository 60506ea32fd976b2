"""One writer at a time, whatever becomes of the one before."""

import gc
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from alphalens.errors import StorageError
from alphalens.storage import WriterLock, open_engine, reading, writing
from alphalens.storage.locks import this_process
from alphalens.storage.postgres import advisory_key
from alphalens.storage.schema import writers

NOW = datetime(2024, 1, 2, 21, tzinfo=UTC)
HOLDER = """
import sys
from datetime import UTC, datetime
from alphalens.storage import WriterLock, open_engine
lock = WriterLock.acquire(open_engine(sys.argv[1]), at=datetime(2024, 1, 2, 21, tzinfo=UTC))
print(lock.epoch, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def engine(database_url):
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@contextmanager
def another_process(url):
    command = [sys.executable, "-c", HOLDER, url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout.readline() == "1\n"
            yield process
        finally:
            process.kill()


def acquire(engine, **changes):
    return WriterLock.acquire(engine, at=NOW, **changes)


def check(lock):
    with writing(lock.engine) as connection:
        lock.check(connection)


def cut(lock):
    """Take the lock away as the world does: the server cuts the line, the file is deleted."""
    if lock.engine.dialect.name == "postgresql":
        with reading(lock.engine) as connection:
            kind, key = advisory_key("pen").split(", ", 1)
            count = connection.exec_driver_sql(
                f"SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE granted AND "
                f"classid = {kind} AND objid = {key}::bigint & 4294967295"
            ).scalar_one()
        assert count == 1
    else:
        Path(f"{lock.engine.url.database}.lock").unlink()


def test_each_taking_has_the_next_epoch_and_is_written_down(engine):
    for epoch in (1, 2):
        lock = acquire(engine, owner=f"desk {epoch}")
        assert (lock.epoch, lock.is_held) == (epoch, True)
        check(lock)
        lock.release()
        assert not lock.is_held
    with reading(engine) as connection:
        query = sa.select(writers).order_by(writers.c.epoch)
        assert connection.execute(query).all() == [(1, "desk 1", NOW), (2, "desk 2", NOW)]


def test_second_holder_is_refused_and_told_who_and_since_when(engine, database_url):
    lock = acquire(engine)
    other = open_engine(database_url)
    wanted = rf"is written by {this_process()} since 2024-01-02 21:00:00 UTC \(epoch 1\)\. .*stop"
    for candidate in (engine, other):
        with pytest.raises(StorageError, match=wanted):
            acquire(candidate)
    check(lock)
    other.dispose()


def test_another_process_is_named_and_its_sudden_death_frees_the_lock(engine, database_url):
    with another_process(database_url) as process:
        with pytest.raises(StorageError, match=rf"pid {process.pid} since 2024-01-02"):
            acquire(engine)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert acquire(engine).epoch == 2


def test_holder_that_lost_its_lock_is_fenced_once_another_has_it(engine, database_url):
    lock = acquire(engine, owner="first")
    cut(lock)
    check(lock)
    other = open_engine(database_url)
    successor = acquire(other, owner="second")
    with pytest.raises(StorageError, match=r"was taken over by second since .* \(epoch 2\)"):
        check(lock)
    check(successor)
    lock.release()
    check(successor)
    other.dispose()


def test_released_lock_lets_the_next_one_in_at_once_and_writes_no_more(engine, database_url):
    lock = acquire(engine)
    lock.release()
    lock.release()
    with pytest.raises(StorageError, match="was closed"):
        check(lock)
    other = open_engine(database_url)
    assert acquire(other).epoch == 2
    other.dispose()


def test_engine_that_is_disposed_of_and_lock_that_is_forgotten_let_go(engine, database_url):
    lock = acquire(engine)
    engine.dispose()
    assert not lock.is_held
    second = acquire(engine)
    assert second.epoch == 2
    del second
    gc.collect()
    assert acquire(engine).epoch == 3


def test_lock_that_cannot_be_written_down_is_not_kept(engine):
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE writers RENAME TO gone")
    with pytest.raises(StorageError, match="writers"):
        acquire(engine)
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO writers")
    assert acquire(engine).epoch == 1


def test_in_memory_the_last_one_to_take_it_may_write():
    engine = open_engine("sqlite://")
    first, second = acquire(engine), acquire(engine)
    check(second)
    with pytest.raises(StorageError, match="was taken over"):
        check(first)
    engine.dispose()


def test_lock_file_is_private_and_one_for_all_names_of_the_database(tmp_path):
    path, link = tmp_path / "desk.sqlite", tmp_path / "link.sqlite"
    engine = open_engine(path)
    link.symlink_to(path)
    lock = acquire(engine)
    assert (tmp_path / "desk.sqlite.lock").stat().st_mode & 0o777 == 0o600
    other = open_engine(link)
    with pytest.raises(StorageError, match="Only one process"):
        acquire(other)
    assert lock.is_held
    other.dispose()
    engine.dispose()


def test_children_do_not_keep_the_lock(tmp_path):
    engine = open_engine(tmp_path / "desk.sqlite")
    lock = acquire(engine)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False) as started:
        read, write = os.pipe()
        forked = os.fork()
        if not forked:
            os.write(write, b"held" if lock.is_held else b"free")
            signal.pause()
        assert os.read(read, 4) == b"free"
        try:
            lock.release()
            assert acquire(engine).epoch == 2
        finally:
            os.kill(forked, signal.SIGKILL)
            os.waitpid(forked, 0)
            started.kill()
            os.close(read)
            os.close(write)
    engine.dispose()


def test_folder_that_takes_no_lock_file_is_an_error_that_says_what_to_do(tmp_path):
    engine = open_engine(tmp_path / "desk.sqlite")
    (tmp_path / "desk.sqlite.lock").mkdir()
    with pytest.raises(StorageError, match=r"cannot open the journal file .*\.lock"):
        acquire(engine)
    engine.dispose()


def test_database_file_that_is_deleted_under_the_writer_takes_nothing_more(tmp_path):
    engine = open_engine(tmp_path / "j.sqlite")
    lock = WriterLock.acquire(engine, at=datetime(2024, 1, 2, tzinfo=UTC))
    lock.check_held()
    (tmp_path / "j.sqlite").rename(tmp_path / "away.sqlite")
    with pytest.raises(StorageError, match="was deleted or replaced while it was open"):
        lock.check_held()
    (tmp_path / "j.sqlite").write_bytes(b"")
    with pytest.raises(StorageError, match="put the file back"):
        lock.check_held()
    engine.dispose()
