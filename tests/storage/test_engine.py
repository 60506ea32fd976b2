import stat
import threading
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from alphalens.errors import ConfigError, StorageError
from alphalens.storage import SCHEMA_VERSION, metadata, open_engine, reading, writing
from alphalens.storage.schema import fills, meta

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
}


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(tmp_path / "desk.sqlite")
    yield engine
    engine.dispose()


def put(engine, *rows, pragma="busy_timeout"):
    with writing(engine) as connection:
        connection.exec_driver_sql(f"PRAGMA {pragma}")
        connection.execute(fills.insert(), list(rows))


def stored(engine):
    with reading(engine) as connection:
        return connection.execute(sa.select(fills.c.fill_id).order_by(fills.c.seq)).scalars().all()


def pragma(engine, name):
    with reading(engine) as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


def test_file_is_private_and_survives_a_power_cut(engine, tmp_path):
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert pragma(engine, "journal_mode") == "wal"
    assert pragma(engine, "synchronous") == 2
    assert pragma(engine, "foreign_keys") == 1
    assert pragma(engine, "busy_timeout") == 5000


def test_file_that_others_could_read_is_made_private(tmp_path):
    path = tmp_path / "desk.sqlite"
    path.touch(mode=0o644)
    open_engine(path).dispose()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_table_is_there_at_the_present_version(engine):
    assert set(sa.inspect(engine).get_table_names()) == set(metadata.tables)
    with reading(engine) as connection:
        query = sa.select(meta.c.value).where(meta.c.key == "schema_version")
        assert int(connection.execute(query).scalar_one()) == SCHEMA_VERSION


def test_opening_again_keeps_what_is_there(engine, tmp_path):
    put(engine, FILL)
    again = open_engine(f"sqlite:///{tmp_path / 'desk.sqlite'}")
    assert stored(again) == ["f1"]
    again.dispose()


def test_newer_schema_is_refused_by_name(engine, tmp_path):
    with writing(engine) as connection:
        connection.execute(meta.update().where(meta.c.key == "schema_version").values(value="99"))
    with pytest.raises(StorageError, match=r"schema version 99, this alphalens knows up to 1: upg"):
        open_engine(tmp_path / "desk.sqlite")


def test_missing_folder_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(StorageError, match="the folder must exist"):
        open_engine(tmp_path / "nowhere" / "desk.sqlite")


def test_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("date,price\n" * 1000)
    with pytest.raises(StorageError, match="this file is something else; give another path"):
        open_engine(path)


@pytest.mark.parametrize("url", ["nonsense", "nosuchdb://host/desk"])
def test_url_that_cannot_be_opened_is_a_setting_to_correct(url):
    with pytest.raises(ConfigError, match="cannot open a database by"):
        open_engine(url)


def test_password_of_a_bad_url_is_not_told():
    with pytest.raises(ConfigError) as caught:
        open_engine("nosuchdb://ann:sesame@host/desk")
    assert "sesame" not in str(caught.value)


def test_error_inside_a_write_undoes_it(engine):
    def write_and_fail():
        with writing(engine) as connection:
            connection.execute(fills.insert(), FILL)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_and_fail()
    assert stored(engine) == []


def test_database_error_becomes_a_storage_error_and_undoes_the_write(engine):
    with pytest.raises(StorageError, match="UNIQUE constraint failed"):
        put(engine, FILL, FILL)
    assert stored(engine) == []


def test_database_that_was_made_read_only_says_so(engine):
    with pytest.raises(StorageError, match="give this user the right to write"):
        put(engine, FILL, pragma="query_only=ON")


def test_full_disk_says_that_nothing_was_written(engine):
    pages = pragma(engine, "page_count")
    rows = [{**FILL, "fill_id": f"f{n}", "seq": n, "symbol": "x" * 100} for n in range(9999)]
    with pytest.raises(StorageError, match="make room, nothing was written"):
        put(engine, *rows, pragma=f"max_page_count={pages}")


def test_writer_that_reads_first_is_not_refused_because_another_wrote_meanwhile(engine, tmp_path):
    other = open_engine(tmp_path / "desk.sqlite")
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


def test_reading_only_creates_and_changes_nothing(tmp_path):
    path = tmp_path / "desk.sqlite"
    open_engine(path).dispose()
    before = path.read_bytes()
    engine = open_engine(path, is_read_only=True)
    with reading(engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(fills)).scalar_one() == 0
    with pytest.raises(StorageError, match="readonly"), writing(engine) as connection:
        connection.execute(fills.insert(), [FILL])
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
