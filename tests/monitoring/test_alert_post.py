"""Alerts without a journal: told at once, delivered beside, and a dead channel is alone with it."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime

import pytest

from alphalens.errors import ConfigError
from alphalens.monitoring.alert_post import AlertPost
from alphalens.monitoring.alerts import Pace
from alphalens.monitoring.channels import LogChannel, NotDelivered, Notice
from alphalens.monitoring.webhook import WebhookChannel
from alphalens.trading.events import AlertEvent, Severity
from tests.waiting import PATIENCE_S, until

from .receiver import Receiver, receiving

NOON = datetime(2024, 1, 2, 17, tzinfo=UTC)
QUICK = Pace(pause_s=0.001, longest_pause_s=0.002, tries=2)


class Book:
    """Takes what `refuses` does not name, and holds while it is told to."""

    def __init__(self, name: str = "book", refuses: set[str] | None = None) -> None:
        self.name, self.refuses = name, set(refuses or ())
        self.taken: list[Notice] = []
        self.tries: list[str] = []
        self.free = threading.Event()
        self.free.set()
        self.is_closed = False

    def send(self, notice: Notice) -> None:
        self.free.wait()
        self.tries.append(notice.code)
        if notice.code in self.refuses:
            raise NotDelivered(f"{self.name}: not this one, says hunter2")
        self.taken.append(notice)

    def close(self) -> None:
        self.is_closed = True

    @property
    def codes(self) -> list[str]:
        return [notice.code for notice in self.taken]


def event(code: str, message: str = "m") -> AlertEvent:
    return AlertEvent(
        code=code, severity=Severity.WARNING, message=message, at=NOON, values={"vendor": "v"}
    )


def test_every_channel_gets_every_alert_in_order_and_is_closed():
    books = [Book("one"), Book("two")]
    with AlertPost(books, run_id="stream", secrets=["hunter2"]) as post:
        for code in ("a", "b", "c"):
            post.tell(event(code, "the key hunter2 was refused"))
    for book in books:
        assert book.codes == ["a", "b", "c"]
        assert book.is_closed
    notice = books[0].taken[0]
    assert (notice.seq, notice.run_id, notice.values) == (0, "stream", {"vendor": "v"})
    assert "hunter2" not in notice.message
    assert len({notice.key for notice in books[0].taken}) == 3


def test_webhook_that_hangs_holds_back_neither_the_teller_nor_the_log(caplog):
    caplog.set_level(logging.INFO, "alphalens.alerts")
    with receiving(lambda payload: Receiver.HANG) as (receiver, url):
        hook = WebhookChannel(url, timeout_s=PATIENCE_S)
        with AlertPost([hook, LogChannel()], run_id="r") as post:
            post.tell(event("first"))
            assert receiver.arrived.wait(PATIENCE_S)
            post.tell(event("second"))  # while the first one hangs
            until(lambda: "second" in caplog.text)
            assert len(receiver.got) == 1
            receiver.let_go.set()


def test_alerts_wait_for_a_channel_that_fails_and_come_in_order(caplog):
    book = Book(refuses={"a", "b"})
    with AlertPost([book], run_id="r", pace=QUICK, secrets=["hunter2"]) as post:
        post.tell(event("a"))
        until(lambda: len(book.tries) > 4)
        book.refuses.clear()
        until(lambda: book.codes == ["a"])
        post.tell(event("b"))
    assert book.codes == ["a", "b"]
    assert caplog.text.count("trying again") == 1
    assert "hunter2" not in caplog.text


def test_alert_that_is_refused_again_and_again_lets_the_next_one_pass():
    book = Book(refuses={"odd"})
    with AlertPost([book], run_id="r", pace=QUICK) as post:
        book.free.clear()
        post.tell(event("odd"))
        post.tell(event("good"))
        book.free.set()
        until(lambda: book.codes == ["good"])
        book.refuses.clear()
        until(lambda: book.codes == ["good", "odd"])


def test_oldest_gives_way_and_what_was_never_taken_is_told(caplog):
    book = Book(refuses={"a", "b", "c", "d"})
    slow = Pace(pause_s=PATIENCE_S, longest_pause_s=PATIENCE_S)
    with AlertPost([book], run_id="r", pace=slow, size=2) as post:
        for code in "abcd":
            post.tell(event(code))
        until(lambda: book.tries)
    assert len(book.tries) <= 3  # the end waits for no pause, and tries once more
    assert "4 alerts were not taken by book" in caplog.text


def test_nobody_to_tell_is_refused():
    with pytest.raises(ConfigError, match="need a channel"):
        AlertPost([], run_id="r")
    with pytest.raises(ConfigError, match="size 0"):
        AlertPost([Book()], run_id="r", size=0)
