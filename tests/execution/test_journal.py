from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

import pytest
import sqlalchemy as sa

from alphalens.errors import AuditError, InputError, StorageError
from alphalens.execution import Journal, JournalReader
from alphalens.execution.commands import (
    Command,
    CommandKind,
    pending_commands,
    write_command,
)
from alphalens.storage import open_engine, reading, writing
from alphalens.storage.schema import (
    GENESIS,
    blobs,
    fills,
    journal,
    marks,
    meta,
    orders,
    outbox,
    snapshots,
    writers,
)
from alphalens.trading import VirtualClock
from alphalens.trading.codec import to_jsonable
from alphalens.trading.events import EventKind
from alphalens.trading.orders import Fill, OrderIntent, Side

from .conftest import Desk

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)
K = EventKind


@pytest.fixture
def engine(database_url):
    engine = open_engine(database_url)
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


def test_same_records_give_the_same_head_in_every_database(engine):
    other = open_engine("sqlite://")
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


def test_second_pen_is_refused_until_the_first_one_is_closed(engine, database_url):
    first, other = pen(engine), open_engine(database_url)
    first.append(K.CYCLE_FINISHED, {})
    with pytest.raises(StorageError, match=r"since 2024-01-02 21:00:00 UTC.*Only one process may"):
        pen(other)
    first.close()
    with pen(other) as second:
        assert (second.append(K.CYCLE_FINISHED, {}).seq, second.epoch) == (2, first.epoch + 1)
    with pen(engine) as third:
        assert third.append(K.CYCLE_FINISHED, {}).seq == 3
    other.dispose()


def test_closed_journal_is_read_and_not_written(engine):
    book = written(engine)
    book.close()
    for write in (
        lambda: book.append(K.RUN_FINISHED, {}),
        lambda: book.save_snapshot({}),
        book.rebuild,
    ):
        with pytest.raises(StorageError, match="was closed"):
            write()
    assert book.verify() == 3


def test_pen_that_was_taken_over_writes_nothing(engine):
    book = written(engine)
    with writing(engine) as connection:
        row = {"epoch": book.epoch + 1, "owner": "desk-2 pid 7", "at": T0}
        connection.execute(writers.insert(), row)
    with pytest.raises(StorageError, match=r"taken over by desk-2 pid 7 since 2024-01-02 21:00"):
        book.append(K.RUN_FINISHED, {})
    with pytest.raises(StorageError, match="open the session again"):
        book.save_snapshot({})
    assert book.verify() == 3


def test_pen_whose_head_was_moved_writes_nothing(engine):
    book = written(engine)
    tamper(engine, meta.update().where(meta.c.key == "head").values(value="2:x"))
    with pytest.raises(StorageError, match="grown past record 3 without this process"):
        book.append(K.RUN_FINISHED, {})
    assert len(book.records()) == 3


def test_pen_that_failed_writes_no_more_until_it_is_opened_anew(engine):
    book = written(engine)
    tamper(engine, sa.text("ALTER TABLE journal RENAME TO gone"))
    with pytest.raises(StorageError, match=r"no such table|does not exist"):
        book.append(K.CYCLE_FINISHED, {})
    tamper(engine, sa.text("ALTER TABLE gone RENAME TO journal"))
    with pytest.raises(StorageError, match="open the session again"):
        book.append(K.CYCLE_FINISHED, {})
    book.close()
    assert pen(engine).append(K.RUN_FINISHED, {}).seq == 4


@pytest.mark.parametrize(
    ("pragma", "message"),
    [
        ("max_page_count = 1", "the disk is full; make room, nothing was written"),
        ("query_only = ON", "is read-only; give this user the right to write"),
    ],
)
def test_full_or_read_only_file_stores_nothing_and_stops_the_pen(tmp_path, pragma, message):
    engine = open_engine(tmp_path / "desk.sqlite")
    book = written(engine)
    with reading(engine) as connection:
        connection.exec_driver_sql(f"PRAGMA {pragma}")  # a limit below its size means its size
    with pytest.raises(StorageError, match=message):
        book.append(K.CYCLE_FINISHED, {"text": "x" * 100_000})
    with pytest.raises(StorageError, match="open the session again"):
        book.append(K.CYCLE_FINISHED, {})
    assert (book.verify(), book.length) == (3, 3)
    engine.dispose()


def test_pen_that_waits_too_long_for_another_writer_stores_nothing_and_stops(tmp_path):
    engine, other = (open_engine(tmp_path / "desk.sqlite") for _ in range(2))
    book = written(engine)
    with reading(engine) as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 20")
    with (
        writing(other),
        pytest.raises(StorageError, match="another process holds the write lock; let it finish"),
    ):
        book.append(K.CYCLE_FINISHED, {})
    with pytest.raises(StorageError, match="open the session again"):
        book.append(K.CYCLE_FINISHED, {})
    assert book.verify() == 3
    engine.dispose()
    other.dispose()


def test_snapshot_comes_back_with_the_number_of_its_record(engine):
    book = pen(engine)
    assert book.latest_snapshot() is None
    assert book.save_snapshot({"empty": True}) == 0
    assert book.latest_snapshot() == (0, {"empty": True})
    book.append(K.CYCLE_FINISHED, {})  # the second record: the first has the snapshot's hash
    assert book.save_snapshot({"cash": Decimal("1.50")}) == 2
    assert JournalReader(engine).latest_snapshot() == (2, {"cash": "1.5"})
    assert book.save_snapshot({"cash": Decimal(2)}) == 3
    assert book.latest_snapshot() == (3, {"cash": "2"})
    kinds = [record.kind for record in book.records()]
    assert kinds == [K.SNAPSHOT_KEPT, K.CYCLE_FINISHED, K.SNAPSHOT_KEPT, K.SNAPSHOT_KEPT]


def test_last_two_snapshots_are_kept(engine):
    book = pen(engine)
    for number in range(4):
        book.append(K.CYCLE_FINISHED, {})
        book.save_snapshot({"n": number})
    with reading(engine) as connection:
        assert connection.execute(sa.select(snapshots.c.seq)).scalars().all() == [5, 7]


FORGED = '{"n":9}'


@pytest.mark.parametrize(
    "change",
    [
        {"body": FORGED},
        {"body": FORGED, "body_hash": sha256(FORGED.encode()).hexdigest()},
        {"hash": "0" * 64},
        {"seq": 9},
    ],
)
def test_snapshot_that_does_not_fit_the_record_is_passed_over_and_told(engine, change):
    book = written(engine, 1)
    book.save_snapshot({"n": 1})
    assert book.save_snapshot({"n": 2}) == 2
    book.verify_tables()
    tamper(engine, snapshots.update().where(snapshots.c.seq == 2).values(**change))
    assert book.latest_snapshot() == (1, {"n": 1})
    with pytest.raises(AuditError, match=rf"snapshot of record {change.get('seq', 2)} is not"):
        book.verify_tables()


def stored_parts(engine):
    with reading(engine) as connection:
        return connection.execute(sa.select(blobs.c.body).order_by(blobs.c.body)).scalars().all()


def test_part_of_several_snapshots_is_stored_once_and_comes_back_in_each(engine):
    book = written(engine, 1)
    book.save_snapshot({"n": 1}, {"ids": ["one"], "more": []})
    book.save_snapshot({"n": 2}, {"ids": ["one", "two"], "more": ["one"]})
    assert book.latest_snapshot() == (2, {"n": 2, "ids": ["one", "two"], "more": ["one"]})
    assert stored_parts(engine) == [b"one", b"two"]


@pytest.mark.parametrize("change", [blobs.update().values(body=b"none"), blobs.delete()])
def test_snapshot_with_a_part_that_was_changed_is_passed_over_and_told(engine, change):
    book = written(engine, 1)
    book.save_snapshot({"n": 1})
    book.save_snapshot({"n": 2}, {"ids": ["one"]})
    book.verify_tables()
    tamper(engine, change)
    assert book.latest_snapshot() == (1, {"n": 1})
    with pytest.raises(AuditError, match="snapshot of record 2 is not"):
        book.verify_tables()


def test_snapshot_without_canonical_text_is_refused_and_harms_nothing(engine):
    book = written(engine)
    with pytest.raises(InputError):
        book.save_snapshot({"cash": Decimal("NaN")})
    assert book.append(K.RUN_FINISHED, {}).seq == 4


def test_snapshot_that_cannot_be_stored_stops_the_pen_as_any_failed_write(engine):
    book = written(engine)
    tamper(engine, sa.text("ALTER TABLE snapshots RENAME TO gone"))
    with pytest.raises(StorageError):
        book.save_snapshot({})
    assert JournalReader(engine).verify() == 3
    with pytest.raises(StorageError, match="not known what was stored"):
        book.append(K.RUN_FINISHED, {})


def test_snapshot_and_its_record_are_stored_together_or_not_at_all(engine):
    book = written(engine)
    tamper(engine, sa.text("ALTER TABLE journal RENAME TO gone"))
    with pytest.raises(StorageError):
        book.save_snapshot({})
    tamper(engine, sa.text("ALTER TABLE gone RENAME TO journal"))
    assert JournalReader(engine).latest_snapshot() is None
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM snapshots").scalar_one() == 0


def test_records_of_one_transaction_are_stored_all_or_none(engine):
    book = written(engine, 1)
    good, bad = (K.CYCLE_FINISHED, {}, ""), (K.MARK, {"at": T0}, "")
    with pytest.raises(InputError):
        book.append_all([good, bad])
    assert JournalReader(engine).verify() == 1


def test_nothing_to_append_writes_nothing(engine):
    assert pen(engine).append_all([]) == ()


def executed(number, **changes):
    fill = Fill(
        fill_id=f"f{number}",
        client_order_id="o1",
        symbol="A",
        side=Side.BUY,
        quantity=Decimal(number),
        price=Decimal("1.5"),
        at=T0,
        **changes,
    )
    return fill, (K.FILL, to_jsonable(fill), "c1")


@pytest.mark.parametrize("is_one_transaction", [True, False])
def test_correction_takes_inferred_executions_away_and_adds_the_true_ones(
    engine, is_one_transaction
):
    book = pen(engine)
    first, entry = executed(1)
    guess, guessed = executed(5, is_synthetic=True, venue_order_id="v1")
    true = [executed(n, cumulative=Decimal(n))[0] for n in (2, 3)]
    correction = (K.FILLS_CORRECTED, {"removed": ["f5"], "fills": true}, "c1")
    if is_one_transaction:
        book.append_all([entry, guessed, correction])
    else:
        book.append_all([entry, guessed])
        assert book.fills() == (first, guess)
        book.append_all([correction])
    assert book.fills() == book.fills(cycle_id="c1") == (first, *true)
    book.verify_tables()


def test_command_waits_until_a_record_answers_it(engine):
    book = pen(engine)
    commands = [Command(kind=CommandKind.HALT, by="ann", reason=str(n)) for n in range(2)]
    numbers = [write_command(engine, command, at=T0) for command in commands]
    assert [command.id for command in pending_commands(engine)] == numbers
    book.append(K.STATE_CHANGED, {"command_id": numbers[0]})
    assert [command.reason for command in pending_commands(engine)] == ["1"]


def traded(tmp_path, engine):
    desk = Desk(tmp_path, engine)
    session = desk.open()
    session.submit([desk.intent(), desk.intent("B", "-5")])
    desk.next_day(session, A="120", B="130")
    session.halt(by="ann", reason="test")
    return session.journal


def test_projections_are_the_same_in_every_database(tmp_path, engine):
    book, other = traded(tmp_path, engine), open_engine("sqlite://")
    same = traded(tmp_path, other)
    assert [book.orders(), book.fills(), book.marks(), book.alerts()] == [
        same.orders(),
        same.fills(),
        same.marks(),
        same.alerts(),
    ]
    assert book.head == same.head
    book.verify_tables()
    other.dispose()


def test_rebuild_gives_the_projections_back(tmp_path, engine):
    book = traded(tmp_path, engine)
    before = [book.orders(), book.fills(), book.marks(), book.alerts()]
    assert all(before)
    for table in (orders, fills, marks, outbox):
        tamper(engine, table.delete())
    assert book.rebuild() == book.length
    assert [book.orders(), book.fills(), book.marks(), book.alerts()] == before
    book.verify_tables()


@pytest.mark.parametrize("table", [orders, fills, marks, outbox])
def test_changed_table_is_named(tmp_path, engine, table):
    book = traded(tmp_path, engine)
    tamper(engine, table.update().values(seq=table.c.seq + 1000))
    with pytest.raises(AuditError, match=f"the table {table.name} is not what the record gives"):
        book.verify_tables()


def test_orders_of_one_transaction_are_written_as_if_one_by_one(tmp_path, engine):
    book = traded(tmp_path, engine)
    entries = [(r.kind, r.payload, r.cycle_id) for r in book.records()]
    together = pen(open_engine("sqlite://"))
    together.append_all(entries)
    ours = [replace(o, updated_at=T0, attempted_at=T0, run_id="") for o in together.orders()]
    theirs = [replace(o, updated_at=T0, attempted_at=T0, run_id="") for o in book.orders()]
    assert ours == theirs
    assert together.fills() == book.fills()
    together.verify_tables()
    together.engine.dispose()


def test_rebuild_keeps_which_alerts_were_delivered(tmp_path, engine):
    book = traded(tmp_path, engine)
    tamper(engine, outbox.update().values(delivered_at=T0))
    book.rebuild()
    assert book.alerts()
    assert book.alerts(pending_only=True) == ()


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


@pytest.mark.parametrize(
    ("payload", "cycle_id"),
    [
        ({"n": 1}, 7),
        ({"n": 1}, None),
        ({"n": 1}, "c\0"),
        ({"by": "a\0b"}, "c"),
        ({"a": [{"b": "\ud800"}]}, "c"),
        ({"k\0": 1}, "c"),
    ],
)
def test_text_that_a_database_refuses_is_refused_before_the_pen_moves(
    database_url, payload, cycle_id
):
    engine = open_engine(database_url)
    with Journal(engine, clock=VirtualClock(T0), run_id="r") as pen:
        with pytest.raises(InputError):
            pen.append(EventKind.CYCLE_FINISHED, payload, cycle_id)
        assert pen.append(EventKind.CYCLE_FINISHED, {"by": "Zoë \U0001f600"}, "c").seq == 1
        assert pen.verify() == 1
    engine.dispose()


def test_run_id_that_is_no_text_is_refused(tmp_path):
    engine = open_engine(tmp_path / "j.sqlite")
    with pytest.raises(InputError, match="run_id must be a text, got 7"):
        Journal(engine, clock=VirtualClock(T0), run_id=7)
    engine.dispose()


def intended(order_id="o1"):
    intent = OrderIntent(
        client_order_id=order_id,
        account="P1",
        cycle_id="c1",
        symbol="A",
        side=Side.BUY,
        quantity=Decimal(4),
        reference_price=Decimal(10),
        created_at=T0,
    )
    return K.ORDER_INTENDED, {"intent": intent, "attempt": 1, "approved_by": ""}, "c1"


def test_rebuild_that_failed_leaves_a_pen_that_reads_and_writes_no_more(engine, monkeypatch):
    book = pen(engine)
    book.append(*intended())

    def fail(*_):
        raise StorageError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("alphalens.execution.journal.replay", fail)
        with pytest.raises(StorageError, match="disk is full"):
            book.rebuild()
    assert book.order("o1").status == "intended"
    with pytest.raises(StorageError, match="not known what was stored"):
        book.append(*intended("o2"))
    book.verify_tables()


def test_pen_that_was_closed_reads_what_the_next_one_wrote(engine):
    first = pen(engine)
    first.close()
    second = pen(engine)
    second.append(*intended())
    assert first.order("o1") == second.order("o1") == JournalReader(engine).order("o1")


def test_order_that_was_asked_for_before_it_was_there_is_found_after(engine):
    written(engine).close()
    book = pen(engine)
    assert book.order("o1") is None
    book.append(*intended())
    assert book.order("o1").status == "intended"
    assert [order.client_order_id for order in JournalReader(engine).orders()] == ["o1"]
