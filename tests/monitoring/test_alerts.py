"""Alerts reach people: each at least once, in order, and never at the cost of an order."""

import logging
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa

from alphalens.errors import ConfigError, StorageError
from alphalens.execution import Journal
from alphalens.execution.entries import alert_entry
from alphalens.monitoring.alerts import AlertSender, Pace
from alphalens.monitoring.channels import LogChannel, NotDelivered
from alphalens.monitoring.webhook import WebhookChannel
from alphalens.storage import open_engine, reading
from alphalens.storage.schema import outbox
from alphalens.trading import VirtualClock
from alphalens.trading.events import Severity
from tests.waiting import PATIENCE_S, until

from .receiver import Receiver, receiving

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)
QUICK = Pace(poll_s=0.01, pause_s=0.01, longest_pause_s=0.02, tries=3)


class Book:
    """A channel that keeps what it takes; `refuses` tells what it does not take."""

    def __init__(self, name="book", refuses=lambda seq: False) -> None:
        self.name, self.refuses = name, refuses
        self.taken: list[int] = []
        self.tried: list[int] = []
        self.notices = []
        self.is_closed = False

    def send(self, notice):
        self.tried.append(notice.seq)
        if self.refuses(notice.seq):
            raise NotDelivered(f"{self.name} does not take {notice.seq}")
        self.taken.append(notice.seq)
        self.notices.append(notice)

    def close(self):
        self.is_closed = True


class Desk:
    """A journal that writes alerts, and the senders that deliver them."""

    def __init__(self, url) -> None:
        self.url, self.clock = url, VirtualClock(T0)
        self.engines = [open_engine(url)]
        self.journal = Journal(self.engines[0], clock=self.clock, run_id="r1")

    def alert(self, message="odd", code="odd", severity=Severity.WARNING, **values) -> int:
        entry = alert_entry(code, message, self.clock.now(), values, severity, cycle_id="c1")
        return self.journal.append_all([entry])[0].seq

    def sender(self, *channels, **more) -> AlertSender:
        self.engines.append(open_engine(self.url))
        return AlertSender(self.engines[-1], channels, self.clock, **{"pace": QUICK, **more})

    def later(self, seconds) -> None:
        self.clock.advance_to(self.clock.now() + timedelta(seconds=seconds))

    def undelivered(self) -> list[int]:
        query = sa.select(outbox.c.seq).where(outbox.c.delivered_at.is_(None)).order_by("seq")
        with reading(self.engines[0]) as connection:
            return list(connection.execute(query).scalars())

    def close(self) -> None:
        for engine in self.engines:
            engine.dispose()


@pytest.fixture
def desk(tmp_path):
    desk = Desk(f"sqlite:///{tmp_path / 'desk.sqlite'}")
    yield desk
    desk.close()


@pytest.fixture
def on_both(database_url):
    desk = Desk(database_url)
    yield desk
    desk.close()


def test_alerts_are_delivered_in_order_and_marked(on_both):
    seqs = [on_both.alert(f"number {n}") for n in range(5)]
    book = Book()
    sender = on_both.sender(book)
    sender.deliver()
    on_both.later(60)
    sender.deliver()
    assert book.taken == seqs
    assert on_both.undelivered() == []
    with reading(on_both.engines[0]) as connection:
        at = connection.execute(sa.select(outbox.c.delivered_at)).scalars().first()
    assert at == T0
    on_both.journal.verify_tables()


def test_notice_has_what_the_alert_says(desk):
    desk.alert("gone", code="order_unknown", severity=Severity.CRITICAL, symbol="A")
    book = Book()
    desk.sender(book).deliver()
    (notice,) = book.notices
    (record,) = desk.journal.records()
    assert (notice.code, notice.severity, notice.message) == ("order_unknown", "critical", "gone")
    assert (notice.run_id, notice.cycle_id, notice.hash) == ("r1", "c1", record.hash)
    assert (notice.values, notice.at) == ({"symbol": "A"}, "2024-01-02T21:00:00.000000Z")


def test_what_was_delivered_is_not_delivered_again_after_a_restart(desk):
    desk.alert()
    desk.sender(Book()).deliver()
    second = desk.alert()
    book = Book()
    desk.sender(book).deliver()
    assert book.taken == [second]


def test_what_was_not_delivered_goes_out_after_a_restart(desk):
    seqs = [desk.alert(), desk.alert()]
    desk.sender(Book(refuses=lambda seq: True)).deliver()
    assert desk.undelivered() == seqs
    book = Book()
    desk.sender(book).deliver()
    assert book.taken == seqs


def test_channel_that_is_down_does_not_keep_the_log_waiting_and_is_told_nothing_twice(desk):
    first = desk.alert()
    log, dead = Book("log"), Book("dead", refuses=lambda seq: True)
    sender = desk.sender(log, dead)
    sender.deliver()
    second = desk.alert()
    desk.later(1)
    sender.deliver()
    assert log.taken == [first, second]
    assert desk.undelivered() == [first, second]
    dead.refuses = lambda seq: False
    desk.later(1)
    sender.deliver()
    assert dead.taken == [first, second]
    assert log.taken == [first, second]
    assert desk.undelivered() == []


def test_pauses_double_up_to_the_longest(desk):
    desk.alert()
    dead = Book(refuses=lambda seq: True)
    sender = desk.sender(dead, pace=Pace(pause_s=1, longest_pause_s=4, tries=100))
    tried_at = []
    for tenth in range(200):
        before = len(dead.tried)
        sender.deliver()
        if len(dead.tried) > before:
            tried_at.append(tenth)
        desk.later(0.1)
    gaps = [b - a for a, b in pairwise(tried_at)]
    assert gaps == [10, 20, 40, 40, 40, 40]


def test_poison_alert_is_set_aside_while_the_others_go_on(desk, caplog):
    bad, *good = [desk.alert() for _ in range(4)]
    picky = Book("picky", refuses=lambda seq: seq == bad)
    sender = desk.sender(picky)
    for _ in range(3):
        assert picky.taken == []
        sender.deliver()
        desk.later(1)
    assert picky.taken == good
    assert desk.undelivered() == [bad]
    assert sender.state()[0].set_aside == (bad,)
    assert f"alert {bad} (odd) is refused by picky while it takes others" in caplog.text
    picky.refuses = lambda seq: False
    desk.later(1)
    sender.deliver()
    assert picky.taken == [*good, bad]
    assert (desk.undelivered(), sender.state()[0].set_aside) == ([], ())


def test_alert_set_aside_is_tried_with_growing_pauses(desk):
    bad = desk.alert()
    desk.alert()
    picky = Book(refuses=lambda seq: seq == bad)
    sender = desk.sender(picky, pace=Pace(pause_s=1, longest_pause_s=8, tries=1))
    tried_at = []
    for second in range(30):
        before = picky.tried.count(bad)
        sender.deliver()
        tried_at += [second] * (picky.tried.count(bad) - before)
        desk.later(1)
    assert tried_at == [0, 1, 3, 7, 15, 23]


def test_channel_that_set_an_alert_aside_takes_the_next_one_at_once(desk):
    bad, good = desk.alert(), desk.alert()
    picky = Book(refuses=lambda seq: seq == bad)
    sender = desk.sender(picky, pace=Pace(pause_s=60, tries=1))
    sender.deliver()
    new = desk.alert()
    sender.deliver()
    assert picky.taken == [good, new]


def test_alert_that_one_channel_set_aside_is_not_delivered_though_the_other_takes_it(desk):
    bad, good = desk.alert(), desk.alert()
    picky, late = Book("picky", lambda seq: seq == bad), Book("late", lambda seq: True)
    sender = desk.sender(picky, late, pace=Pace(tries=1, longest_pause_s=1))
    sender.deliver()
    late.refuses = lambda seq: False
    desk.later(1)
    sender.deliver()
    assert (picky.taken, late.taken) == ([good], [bad, good])
    assert desk.undelivered() == [bad]


def test_order_is_kept_when_it_is_the_channel_that_fails(desk):
    seqs = [desk.alert() for _ in range(6)]
    book = Book(refuses=lambda seq: True)
    sender = desk.sender(book)
    for _ in range(20):
        sender.deliver()
        desk.later(1)
    assert set(book.tried) == set(seqs[:2])
    assert sender.state()[0].set_aside == ()
    book.refuses = lambda seq: False
    sender.deliver()
    assert book.taken == seqs


def test_many_more_alerts_than_a_batch_go_out_in_order(desk):
    seqs = [desk.alert() for _ in range(25)]
    book = Book()
    sender = desk.sender(book, pace=Pace(batch=10))
    pauses = [sender.deliver() for _ in range(3)]
    assert book.taken == seqs
    assert pauses == [0.0, 0.0, Pace().poll_s]


def test_pass_lets_go_of_a_channel_that_is_slow(desk):
    seqs = [desk.alert() for _ in range(5)]

    class Slow(Book):
        def send(self, notice):
            desk.later(1)
            super().send(notice)

    slow = Slow()
    sender = desk.sender(slow, pace=Pace(pass_s=2))
    assert sender.deliver() == 0.0
    assert slow.taken == seqs[:2]
    assert desk.undelivered() == seqs[2:]


def test_secrets_are_in_no_channel(desk):
    desk.alert("the key k3y-abc was refused", header="Bearer k3y-abc")
    book = Book()
    desk.sender(book, secrets=["k3y-abc"]).deliver()
    (notice,) = book.notices
    assert notice.message == "the key *** was refused"
    assert notice.values == {"header": "Bearer ***"}


def test_log_has_one_line_per_alert_at_its_level(desk, caplog):
    caplog.set_level(logging.INFO, "alphalens.alerts")
    desk.alert("two\nlines", severity=Severity.CRITICAL)
    desk.alert("calm", severity=Severity.INFO)
    desk.sender(LogChannel()).deliver()
    lines = [(r.levelname, r.getMessage()) for r in caplog.records if r.name == "alphalens.alerts"]
    assert lines == [("CRITICAL", "alert 1 odd: two lines"), ("INFO", "alert 2 odd: calm")]


def test_alert_whose_values_were_spoiled_goes_out_without_them(desk, caplog):
    desk.alert("still told")
    with desk.engines[0].begin() as connection:
        connection.execute(outbox.update().values(record="{", at=T0))
    book = Book()
    desk.sender(book).deliver()
    assert (book.notices[0].message, book.notices[0].values) == ("still told", {})
    assert "no values that can be read" in caplog.text


def test_database_that_fails_is_told_once_and_asked_again(desk, caplog, monkeypatch):
    book, is_broken, reads = Book(), [True], []
    sender = desk.sender(book)
    read = sender._waiting

    def sometimes(**where):
        reads.append(where)
        if is_broken[0]:
            raise StorageError("the disk is gone")
        return read(**where)

    monkeypatch.setattr(sender, "_waiting", sometimes)
    seq = desk.alert()
    with sender:
        until(lambda: len(reads) > 3)
        is_broken[0] = False
        until(lambda: book.taken == [seq])
    assert caplog.text.count("the disk is gone") == 1
    assert book.is_closed


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_sender_without_channels_of_different_names_is_refused(desk, names):
    with pytest.raises(ConfigError, match="channels of different names"):
        desk.sender(*map(Book, names))


def test_sender_on_a_database_in_memory_is_refused(desk):
    with pytest.raises(ConfigError, match="connection of their own"):
        AlertSender(open_engine("sqlite://"), [Book()], desk.clock)


@pytest.mark.parametrize("wrong", [{"poll_s": 0}, {"tries": 0}, {"pause_s": 100.0}])
def test_impossible_pace_is_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Pace(**wrong)


def test_thread_delivers_what_is_written_while_it_runs_and_wakes_at_once(desk):
    book = Book()
    with desk.sender(book, pace=Pace(poll_s=60)) as sender:
        for n in range(1, 4):
            desk.alert()
            sender.wake()
            until(lambda n=n: book.taken == list(range(1, n + 1)))
    assert desk.undelivered() == []


def test_alert_that_ends_a_run_goes_out_before_the_sender_stops(desk):
    book = Book()
    slow = Pace(poll_s=60.0, pause_s=0.01, longest_pause_s=0.02, tries=3)
    sender = desk.sender(book, pace=slow)
    first = desk.alert("the beginning")
    sender.start()
    until(lambda: book.taken == [first])
    last = desk.alert("the end")  # nobody wakes the sender, and a minute is long
    sender.stop()
    assert book.taken == [first, last]
    assert desk.undelivered() == []


def test_orders_are_not_delayed_while_the_webhook_hangs(on_both):
    with receiving(lambda payload: Receiver.HANG) as (receiver, url):
        hook = WebhookChannel(url, timeout_s=PATIENCE_S)
        with on_both.sender(LogChannel(), hook) as sender:
            on_both.alert()
            sender.wake()
            assert receiver.arrived.wait(PATIENCE_S)
            for _ in range(20):
                on_both.alert()
            assert len(receiver.got) == 1  # all of it within the hanging call
            receiver.let_go.set()
    assert on_both.undelivered()[0] == 1


def test_everything_arrives_once_the_webhook_is_well_again(desk):
    answers = {"now": 500}
    with receiving(lambda payload: answers["now"]) as (receiver, url):
        hook = WebhookChannel(url, timeout_s=PATIENCE_S)
        sender = desk.sender(hook)
        seqs = [desk.alert() for _ in range(3)]
        sender.deliver()
        assert "answered 500" in sender.state()[0].problem
        answers["now"] = 200
        desk.later(1)
        sender.deliver()
        sender.stop()
        assert (sender.state()[0].failures, sender.state()[0].problem) == (0, "")
        assert receiver.seqs == [seqs[0], *seqs]
        assert receiver.keys == [str(seq) for seq in receiver.seqs]
    assert desk.undelivered() == []


def test_channel_that_breaks_in_a_way_of_its_own_does_not_end_the_sender(desk, caplog):
    class Broken(Book):
        is_broken = True

        def send(self, notice):
            if self.is_broken:
                self.is_broken = False
                raise RuntimeError("of its own")
            super().send(notice)

    book = Broken()
    seq = desk.alert()
    with desk.sender(book, pace=Pace(poll_s=0.01, pause_s=0.01)):
        until(lambda: book.taken == [seq])
    assert "RuntimeError('of its own')" in caplog.text
