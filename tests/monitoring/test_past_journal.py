"""What is wrong with the journal is told past it: by the webhook too, not in the log only."""

import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from alphalens.errors import AuditError, BrokerError, ConfigError, StorageError
from alphalens.execution import Journal
from alphalens.execution.books import Books
from alphalens.monitoring.channels import LogChannel, NotDelivered
from alphalens.monitoring.past_journal import journal_failures_told, tell_past_journal
from alphalens.monitoring.webhook import WebhookChannel
from alphalens.storage import open_engine
from alphalens.trading import VirtualClock
from alphalens.trading.events import AlertEvent, EventKind, Severity

from .receiver import receiving

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)
EVENT = AlertEvent(
    code="audit_broken",
    severity=Severity.CRITICAL,
    message="record 3 was changed by hunter2",
    at=T0,
    values={"by": "hunter2"},
)


class Deaf:
    """A channel that takes nothing, or nothing before the n-th try."""

    def __init__(self, name="deaf", until=10**6) -> None:
        self.name, self.tried, self.until, self.is_closed = name, 0, until, False

    def send(self, _) -> None:
        self.tried += 1
        if self.tried < self.until:
            raise NotDelivered("it is down, says hunter2")

    def close(self) -> None:
        self.is_closed = True


def edited_journal(file) -> None:
    """A journal of three records, of which the second is another one now."""
    engine = open_engine(file)
    with Journal(engine, clock=VirtualClock(T0), run_id="r1") as journal:
        for symbol in "ABC":
            journal.append(EventKind.SYMBOL_FROZEN, {"symbol": symbol, "reason": "odd"})
    engine.dispose()
    with closing(sqlite3.connect(file)) as database, database:
        changed = "UPDATE journal SET payload = replace(payload, 'odd', 'ode') WHERE seq = 2"
        assert database.execute(changed).rowcount == 1


def test_edited_record_is_told_by_webhook_and_log_before_the_error_goes_on(tmp_path, caplog):
    file = tmp_path / "desk.sqlite"
    edited_journal(file)
    clock, slept = VirtualClock(T0), []
    with receiving(lambda _: 200 if slept else 503) as (receiver, url):
        told = journal_failures_told(
            lambda: [LogChannel(), WebhookChannel(f"{url}/hook")],
            clock,
            run_id="r2",
            sleep=slept.append,
        )
        engine = open_engine(file)
        with (
            pytest.raises(AuditError, match="record 2") as caught,
            told,
            Journal(engine, clock=clock, run_id="r2") as journal,
        ):
            Books(journal)
        engine.dispose()
    assert slept == [1.0]
    first, again = receiver.got
    assert first == again
    assert (first["code"], first["severity"], first["seq"]) == ("audit_broken", "critical", 0)
    assert str(caught.value) in first["message"]
    assert receiver.keys == [first["hash"]] * 2
    logged = [one.getMessage() for one in caplog.records if one.name == "alphalens.alerts"]
    assert any(text.startswith("alert 0 audit_broken: record 2") for text in logged)


def test_other_failures_of_the_journal_are_told_by_another_name():
    clock, deaf = VirtualClock(T0), Deaf(until=1)
    told = journal_failures_told(lambda: [deaf], clock, run_id="r1")
    with pytest.raises(StorageError, match="disk is full"), told:
        raise StorageError("the disk is full")
    assert (deaf.tried, deaf.is_closed) == (1, True)


def test_what_is_no_failure_of_the_journal_is_not_told():
    def make():
        raise AssertionError("nobody should be told")

    with journal_failures_told(make, VirtualClock(T0), run_id="r1"):
        pass
    told = journal_failures_told(make, VirtualClock(T0), run_id="r1")
    with pytest.raises(BrokerError), told:
        raise BrokerError("the venue is silent")


def test_channel_that_is_down_is_tried_again_logged_and_keeps_it_from_no_other(caplog):
    slept, deaf, late = [], Deaf(), Deaf("late", until=3)
    with caplog.at_level(logging.ERROR):
        taken = tell_past_journal(
            EVENT,
            [deaf, late, LogChannel()],
            run_id="r1",
            secrets=["hunter2"],
            tries=3,
            pause_s=0.5,
            sleep=slept.append,
        )
    assert taken == ("late", "log")
    assert (deaf.tried, late.tried, slept) == (3, 3, [0.5] * 4)
    assert "alert audit_broken was not taken by deaf: it is down, says ***" in caplog.text
    assert "record 3 was changed by ***" in caplog.text
    assert "hunter2" not in caplog.text


def test_failure_is_told_without_its_secrets():
    with receiving() as (receiver, url):
        told = journal_failures_told(
            lambda: [WebhookChannel(url)], VirtualClock(T0), run_id="r1", secrets=["hunter2"]
        )
        with pytest.raises(StorageError), told:
            raise StorageError("cannot open postgresql://desk:hunter2@host/desk")
    assert "desk:***@host" in receiver.got[0]["message"]


def test_no_try_is_no_way_to_tell():
    with pytest.raises(ConfigError, match="1 try or more"):
        tell_past_journal(EVENT, [], run_id="r1", tries=0)
