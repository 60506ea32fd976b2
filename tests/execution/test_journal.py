from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from alphalens.errors import AuditError, InputError, StorageError
from alphalens.execution import Journal, JournalReader
from alphalens.storage import open_engine, reading, writing
from alphalens.storage.schema import GENESIS, fills, journal, marks, meta, orders, outbox
from alphalens.trading import VirtualClock
from alphalens.trading.events import EventKind

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)
K = EventKind


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(tmp_path / "desk.sqlite")
    yield engine
    engine.dispose()


def pen(engine) -> Journal:
    return Journal(engine, clock=VirtualClock(T0), run_id="r1")


def written(engine, count=3) -> Journal:
    book = pen(engine)
    for number in range(count):
        book.append(K.CYCLE_FINISHED, {"number": number}, f"c{number}")
    return book


def tamper(engine, statement) -> None:
    with writing(engine) as connection:
        connection.execute(statement)


def test_empty_journal_verifies_and_has_no_head(engine):
    book = pen(engine)
    assert (book.verify(), book.length, book.head) == (0, 0, GENESIS)


def test_records_are_numbered_without_gaps_and_chained(engine):
    book = written(engine)
    records = book.records()
    assert [r.seq for r in records] == [1, 2, 3]
    assert [r.prev_hash for r in records] == [GENESIS, records[0].hash, records[1].hash]
    assert (book.head, book.length, book.verify()) == (records[2].hash, 3, 3)
    assert records[0].at == T0


def test_record_comes_back_as_it_was_appended(engine):
    record = pen(engine).append(K.CYCLE_FINISHED, {"amount": Decimal("1.50"), "at": T0}, "c1")
    assert record.payload == {"amount": "1.5", "at": "2024-01-02T21:00:00.000000Z"}
    assert JournalReader(engine).records() == (record,)


def test_records_are_found_by_kind_cycle_and_number(engine):
    book = written(engine)
    book.append(K.RUN_FINISHED, {})
    assert [r.seq for r in book.records(kind=K.RUN_FINISHED)] == [4]
    assert [r.seq for r in book.records(cycle_id="c1")] == [2]
    assert [r.seq for r in book.records(after=2)] == [3, 4]


def test_same_records_give_the_same_head_in_another_file(engine, tmp_path):
    other = open_engine(tmp_path / "other.sqlite")
    assert written(engine).head == written(other).head
    other.dispose()


@pytest.mark.parametrize(
    "change",
    [
        {"payload": '{"number":7}'},
        {"at": T0 + timedelta(seconds=1)},
        {"run_id": "r2"},
        {"cycle_id": "c9"},
        {"kind": "run_finished"},
        {"prev_hash": "0" * 63 + "1"},
        {"hash": "0" * 64},
    ],
)
def test_edited_record_is_found_and_named(engine, change):
    book = written(engine)
    tamper(engine, journal.update().where(journal.c.seq == 2).values(**change))
    with pytest.raises(AuditError, match=r"record 2 \(.*\) does not match its hash"):
        book.verify()


def test_instant_edited_into_nonsense_is_found_too(engine):
    book = written(engine)
    tamper(engine, sa.text("UPDATE journal SET at = 'yesterday' WHERE seq = 2"))
    with pytest.raises(AuditError, match="record 2"):
        book.verify()


def test_removed_record_is_found_and_named(engine):
    book = written(engine)
    tamper(engine, journal.delete().where(journal.c.seq == 2))
    with pytest.raises(AuditError, match="record 2 is missing, the next one is 3"):
        book.verify()


def test_records_cut_off_at_the_end_are_missed(engine):
    book = written(engine)
    tamper(engine, journal.delete().where(journal.c.seq == 3))
    with pytest.raises(AuditError, match="ends with record 2, but its head was kept as record 3"):
        book.verify()


def test_edited_record_with_a_recomputed_hash_breaks_the_next_link(engine):
    book = written(engine)
    forged = Journal(open_engine("sqlite://"), clock=VirtualClock(T0), run_id="r1")
    forged.append(K.CYCLE_FINISHED, {"number": 0}, "c0")
    record = forged.append(K.CYCLE_FINISHED, {"number": 99}, "c1")
    change = {"payload": '{"number":99}', "hash": record.hash}
    tamper(engine, journal.update().where(journal.c.seq == 2).values(**change))
    with pytest.raises(AuditError, match="record 3"):
        book.verify()


def test_content_without_canonical_text_is_refused_before_anything_is_stored(engine):
    book = written(engine)
    with pytest.raises(InputError):
        book.append(K.CYCLE_FINISHED, {"amount": Decimal("NaN")})
    assert book.append(K.RUN_FINISHED, {}).seq == 4


def test_second_pen_is_refused_and_writes_nothing(engine):
    first, second = pen(engine), pen(engine)
    first.append(K.CYCLE_FINISHED, {})
    with pytest.raises(StorageError, match="Only one process may trade an account"):
        second.append(K.CYCLE_FINISHED, {})
    assert first.verify() == 1


def test_pen_that_failed_writes_no_more_until_it_is_opened_anew(engine):
    book = written(engine)
    tamper(engine, sa.text("ALTER TABLE journal RENAME TO gone"))
    with pytest.raises(StorageError, match="no such table"):
        book.append(K.CYCLE_FINISHED, {})
    tamper(engine, sa.text("ALTER TABLE gone RENAME TO journal"))
    with pytest.raises(StorageError, match="open the session again"):
        book.append(K.CYCLE_FINISHED, {})
    assert pen(engine).append(K.RUN_FINISHED, {}).seq == 4


def test_records_of_one_transaction_are_stored_all_or_none(engine):
    book = written(engine, 1)
    good, bad = (K.CYCLE_FINISHED, {}, ""), (K.MARK, {"at": T0}, "")
    with pytest.raises(KeyError):
        book.append_all([good, bad])
    assert JournalReader(engine).verify() == 1


def test_nothing_to_append_writes_nothing(engine):
    assert pen(engine).append_all([]) == ()


def test_rebuild_gives_the_projections_back(desk):
    session = desk.open()
    session.submit([desk.intent(), desk.intent("B", "-5")])
    desk.next_day(session, A="120", B="130")
    session.halt(by="ann", reason="test")
    book = session.journal
    before = [book.orders(), book.fills(), book.marks(), book.alerts()]
    assert all(before)
    for table in (orders, fills, marks, outbox):
        tamper(book.engine, table.delete())
    assert book.rebuild() == book.length
    assert [book.orders(), book.fills(), book.marks(), book.alerts()] == before


def test_rebuild_keeps_which_alerts_were_delivered(desk):
    session = desk.open()
    session.halt(by="ann", reason="test")
    tamper(session.journal.engine, outbox.update().values(delivered_at=T0))
    session.journal.rebuild()
    assert session.journal.alerts()
    assert session.journal.alerts(pending_only=True) == ()


def test_rebuild_of_a_changed_record_is_refused(engine):
    book = written(engine)
    tamper(engine, journal.update().where(journal.c.seq == 2).values(run_id="x"))
    with pytest.raises(AuditError):
        book.rebuild()


def test_head_is_kept_beside_the_chain(engine):
    book = written(engine)
    with reading(engine) as connection:
        kept = connection.execute(sa.select(meta.c.value).where(meta.c.key == "head")).scalar_one()
    assert kept == f"3:{book.head}"
