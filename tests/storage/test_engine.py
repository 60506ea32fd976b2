import stat
import threading
import traceback
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from alphalens.errors import ConfigError, StorageError
from alphalens.storage import SCHEMA_VERSION, metadata, open_engine, reading, writing
from alphalens.storage.schema import fills, meta, revision, versions
from alphalens.storage.transactions import name_of

FILL = {
    "fill_id": "f1",
    "seq": 1,
    "cycle_id": "c1",
    "client_order_id": "o1",
    "symbol": "SPY",
    "side": "buy",
    "quantity": Decimal(1),
    "price": Decimal("0.1"),
    "fee": Decimal(0),
    "at": datetime(2024, 1, 2, tzinfo=UTC),
    "record": "{}",
}


@pytest.fixture
def engine(database_url):
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def file(tmp_path):
    engine = open_engine(tmp_path / "desk.sqlite")
    yield engine
    engine.dispose()


def put(engine, *rows, pragma=None):
    with writing(engine) as connection:
        if pragma is not None:
            connection.exec_driver_sql(f"PRAGMA {pragma}")
        connection.execute(fills.insert(), list(rows))


def stored(engine):
    with reading(engine) as connection:
        return connection.execute(sa.select(fills.c.fill_id).order_by(fills.c.seq)).scalars().all()


def pragma(engine, name):
    with reading(engine) as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


def test_file_is_private_and_survives_a_power_cut(file, tmp_path):
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert pragma(file, "journal_mode") == "wal"
    assert pragma(file, "synchronous") == 2
    assert pragma(file, "foreign_keys") == 1
    assert pragma(file, "busy_timeout") == 5000


def test_file_that_others_could_read_is_made_private(tmp_path):
    path = tmp_path / "desk.sqlite"
    path.touch(mode=0o644)
    open_engine(path).dispose()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_table_is_there_at_the_present_version(engine):
    assert set(sa.inspect(engine).get_table_names()) == set(metadata.tables)
    with reading(engine) as connection:
        assert connection.execute(sa.select(versions)).all() == [(revision(SCHEMA_VERSION),)]


def test_opening_again_keeps_what_is_there(engine, database_url):
    put(engine, FILL)
    again = open_engine(database_url)
    assert stored(again) == ["f1"]
    again.dispose()


def test_missing_folder_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(StorageError, match="the folder must exist"):
        open_engine(tmp_path / "nowhere" / "desk.sqlite")


def test_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("date,price\n" * 1000)
    with pytest.raises(StorageError, match="this file is something else; give another path"):
        open_engine(path)


@pytest.mark.parametrize(
    "url", ["nonsense", "nosuchdb://host/desk", "mysql://host/desk", "postgresql://h:port/desk"]
)
def test_url_that_cannot_be_opened_is_a_setting_to_correct(url):
    with pytest.raises(ConfigError, match="cannot open a database by"):
        open_engine(url)


@pytest.mark.parametrize(
    "url",
    [
        "nosuchdb://ann:sesame@host/desk",
        "postgresql://ann:ses@me:sesame@host/desk",
        "nosuchdb://host/desk?user=ann&password=sesame",
    ],
)
def test_password_of_a_bad_url_is_not_told(url):
    with pytest.raises(ConfigError) as caught:
        open_engine(url)
    assert "sesame" not in "".join(traceback.format_exception(caught.value))


def test_error_inside_a_write_undoes_it(engine):
    def write_and_fail():
        with writing(engine) as connection:
            connection.execute(fills.insert(), FILL)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_and_fail()
    assert stored(engine) == []


def test_database_error_becomes_a_storage_error_and_undoes_the_write(engine):
    with pytest.raises(StorageError, match=r"UNIQUE constraint failed|violates unique constraint"):
        put(engine, FILL, FILL)
    assert stored(engine) == []


def test_database_that_was_made_read_only_says_so(file):
    with pytest.raises(StorageError, match="give this user the right to write"):
        put(file, FILL, pragma="query_only=ON")


def test_full_disk_says_that_nothing_was_written(file):
    pages = pragma(file, "page_count")
    rows = [{**FILL, "fill_id": f"f{n}", "seq": n, "symbol": "x" * 100} for n in range(9999)]
    with pytest.raises(StorageError, match="make room, nothing was written"):
        put(file, *rows, pragma=f"max_page_count={pages}")


def test_writer_that_reads_first_is_not_refused_because_another_wrote_meanwhile(
    engine, database_url
):
    other = open_engine(database_url)
    started = threading.Event()

    def write_too():
        started.set()
        put(other, {**FILL, "fill_id": "f2", "seq": 2})

    thread = threading.Thread(target=write_too)
    with writing(engine) as connection:
        connection.execute(sa.select(fills)).fetchall()
        thread.start()
        started.wait()
        connection.execute(fills.insert(), FILL)
    thread.join()
    assert stored(engine) == ["f1", "f2"]
    other.dispose()


def test_naive_instant_is_refused(engine):
    naive = {**FILL, "at": datetime(2024, 1, 2)}
    with pytest.raises(StorageError, match="a time zone is needed"):
        put(engine, naive)


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-1e12, max_value=1e12)
)
def test_amounts_come_back_to_the_last_digit(amount):
    engine = open_engine("sqlite://")
    put(engine, {**FILL, "price": amount})
    with reading(engine) as connection:
        assert connection.execute(sa.select(fills.c.price)).scalar_one() == amount
    engine.dispose()


def test_reading_only_writes_nothing(engine, database_url):
    reader = open_engine(database_url, is_read_only=True)
    assert stored(reader) == []
    with pytest.raises(StorageError, match=r"readonly|read-only transaction"):
        put(reader, FILL)
    reader.dispose()
    assert stored(engine) == []


def test_reading_writes_nothing_either(engine):
    if engine.dialect.name == "postgresql":
        with (
            pytest.raises(StorageError, match="read-only transaction"),
            reading(engine) as connection,
        ):
            connection.execute(fills.insert(), [FILL])
    else:
        with reading(engine) as connection:
            connection.execute(fills.insert(), [FILL])
    assert stored(engine) == []


def test_a_reader_sees_one_moment_whatever_is_written_meanwhile(engine, database_url):
    other = open_engine(database_url)
    query = sa.select(sa.func.count()).select_from(fills)
    with reading(other) as connection:
        assert connection.execute(query).scalar_one() == 0
        put(engine, FILL)
        assert connection.execute(query).scalar_one() == 0
    assert stored(other) == ["f1"]
    other.dispose()


def test_text_has_one_order_in_every_database(engine):
    names = ["b", "A", "a", "B", "a-1", "a1", "é"]
    put(engine, *({**FILL, "fill_id": name, "seq": n} for n, name in enumerate(names)))
    with reading(engine) as connection:
        query = sa.select(fills.c.fill_id).order_by(fills.c.fill_id)
        assert connection.execute(query).scalars().all() == sorted(names)


def test_reading_only_changes_no_byte_of_a_file(tmp_path):
    path = tmp_path / "desk.sqlite"
    open_engine(path).dispose()
    before = path.read_bytes()
    engine = open_engine(path, is_read_only=True)
    assert stored(engine) == []
    engine.dispose()
    assert path.read_bytes() == before


def test_reading_only_refuses_what_is_not_there_or_no_journal(tmp_path):
    with pytest.raises(StorageError, match="no such file"):
        open_engine(tmp_path / "absent.sqlite", is_read_only=True)
    assert not (tmp_path / "absent.sqlite").exists()
    empty = tmp_path / "empty.sqlite"
    empty.touch()
    with pytest.raises(StorageError, match="is no journal"):
        open_engine(empty, is_read_only=True)


def test_a_read_only_path_may_hold_characters_of_an_address(tmp_path):
    path = tmp_path / "a b?c#d.sqlite"
    open_engine(path).dispose()
    engine = open_engine(path, is_read_only=True)
    with reading(engine) as connection:
        assert connection.execute(sa.select(meta.c.key)).scalars().all()
    engine.dispose()


@pytest.mark.parametrize("is_read_only", [False, True])
def test_messages_call_a_file_by_its_path(tmp_path, is_read_only):
    path = tmp_path / "a desk.sqlite"
    open_engine(path).dispose()
    engine = open_engine(path, is_read_only=is_read_only)
    try:
        assert name_of(engine) == str(path)
        with pytest.raises(StorageError, match=rf"^{path}: "), reading(engine) as connection:
            connection.exec_driver_sql("SELECT * FROM nothing")
    finally:
        engine.dispose()


def test_messages_say_that_a_database_is_in_memory():
    assert name_of(open_engine("sqlite://")) == ":memory:"
