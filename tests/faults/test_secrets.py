"""No secret in logs, journal, files, captures, alerts, texts of objects or tracebacks."""

from __future__ import annotations

import base64
import gc
import json
import logging
import random
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from urllib.parse import quote, quote_plus

import pytest
import sqlalchemy as sa

from alphalens.assets import Equity
from alphalens.brokers.alpaca_broker import AlpacaBroker, AlpacaOptions
from alphalens.cli import main
from alphalens.config import Settings, load_settings
from alphalens.errors import AlphaLensError, ConfigError, CredentialsRefused, StorageError
from alphalens.execution import TradingSession
from alphalens.execution.halt import halt_file_of
from alphalens.monitoring.webhook import WebhookChannel
from alphalens.runtime import open_desk
from alphalens.storage import open_engine
from alphalens.storage.schema import metadata
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.trading import OrderIntent, OrderStatus, Side
from alphalens.trading.orders import client_order_id
from tests.servers import own_role
from tests.waiting import until

S = OrderStatus
KEY, SECRET = "PKTOPSECRETKEYID", "v3nue/s3cret+with=signs"
TOKEN = "h00k/t0ken+with=signs"
PASSWORD = "d4tabase+passw0rd"
MODEL_KEY = "m0del-key-never-used"
SECRETS = (KEY, SECRET, TOKEN, PASSWORD, MODEL_KEY)
ASSETS = {"AAPL": Equity(symbol="AAPL")}
ORDERS = {"method": "POST", "path": "/v2/orders"}


def forms() -> set[bytes]:
    """Every shape in which a secret could stand in a text."""
    pairs = [f"{KEY}:{SECRET}", *SECRETS]
    told = {base64.b64encode(pair.encode()).decode() for pair in pairs}
    for secret in SECRETS:
        told |= {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
    return {form.encode() for form in told}


FORMS = forms()


def check(where: str, told: str | bytes) -> None:
    """Fail, without printing the text whole, if a secret stands in it."""
    raw = told.encode(errors="replace") if isinstance(told, str) else told
    for form in FORMS:
        at = raw.find(form)
        assert at < 0, f"{where} shows {form!r}: ...{raw[max(0, at - 200) : at + 60]!r}"


class Hook:
    """A webhook that is rude at first, echoing what it was asked, and takes everything then."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.rude = 3
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                told = f"<html>{self.path}</html>".encode()
                status = [200, 200, 302, 500][hook.rude]  # 3: 500, 2: 302, 1: an HTML page
                kind = "text/html" if hook.rude else "text/plain"
                hook.rude = max(0, hook.rude - 1)
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("location", "/login")  # httpcore logs headers at DEBUG
                self.send_header("content-length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.close()


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[AlpacaServer]:
    (tmp_path / "elsewhere").mkdir()
    now, place = datetime.now(UTC), tmp_path / "elsewhere" / "venue.sqlite"
    server = AlpacaServer(
        place, keys=(KEY, SECRET), now=now, ticking=True, always_open=True, rate_limit=None
    )
    with server:
        server.control.set_quote("AAPL", "99.98", "100")
        yield server


@contextmanager
def login(server_url: str) -> Iterator[str]:
    """Give the URL of a schema with a user who has a password of ours."""
    rights = ("GRANT ALL ON SCHEMA {schema} TO {role}",)
    attributes = f"LOGIN PASSWORD '{PASSWORD}'"
    with own_role(server_url, attributes=attributes, grants=rights) as role:
        url = sa.make_url(server_url).set(username=role, password=PASSWORD)
        yield url.render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The journal's URL; empty for the file."""
    if request.param == "sqlite":
        yield ""
        return
    with login(request.getfixturevalue("postgres_url")) as url:
        yield url


class Story:
    """What has been seen of the desk while it was troubled."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.errors = 0

    def fails(self, call: Callable[[], object], *kinds: type[Exception]) -> None:
        """Let something fail, and look at what is told of it."""
        with pytest.raises(kinds or AlphaLensError) as caught:
            call()
        self.errors += 1
        check(f"traceback {self.errors}", "".join(traceback.format_exception(caught.value)))
        check(f"error {self.errors}", f"{caught.value!r} {caught.value}")

    def look_at_objects(self) -> None:
        """Look at the text of every object of the package that is alive."""
        shown = 0
        for one in gc.get_objects():
            home = str(type(one).__module__)
            if home.startswith("alphalens.") and not home.startswith("alphalens.testing."):
                check(f"{home}.{type(one).__qualname__}", f"{one!r} {one}")
                shown += 1
        assert shown > 100

    def look_at_files(self) -> None:
        for file in self.folder.rglob("*"):
            if file.is_file():
                check(str(file), file.read_bytes())

    def look_at_tables(self, url: str) -> int:
        """Look at every row of the journal's database, and return how many there are."""
        engine, rows = sa.create_engine(url), 0
        with engine.connect() as connection:
            for table in metadata.sorted_tables:
                for row in connection.exec_driver_sql(f"SELECT * FROM {table.name}"):
                    check(table.name, repr(tuple(row)))
                    rows += 1
        engine.dispose()
        return rows


def settings_of(venue: AlpacaServer, hook_url: str, database: str) -> Settings:
    given = {
        "ALPHALENS_VENUE": "alpaca",
        "ALPHALENS_ALPACA_BASE_URL": venue.rest_url,
        "ALPHALENS_ALPACA_STREAM_URL": venue.stream_url,
        "ALPHALENS_ALERT_WEBHOOK_URL": f"{hook_url}/{quote(TOKEN, safe='')}?k={quote_plus(TOKEN)}",
        "ALPACA_API_KEY": KEY,
        "ALPACA_SECRET_KEY": SECRET,
        "ANTHROPIC_API_KEY": MODEL_KEY,
        "OPENROUTER_API_KEY": MODEL_KEY,
        "POLYGON_API_KEY": MODEL_KEY,
        **({"DATABASE_URL": database} if database else {}),
    }
    return load_settings(env_file=None, environ=given)


def buy(session: TradingSession, name: str, units: int) -> OrderIntent:
    account = session.account_id
    return OrderIntent(
        client_order_id=client_order_id(account, "c1", name),
        account=account,
        cycle_id="c1",
        symbol="AAPL",
        side=Side.BUY,
        quantity=Decimal(units),
        reference_price=Decimal(100),
        created_at=session.clock.now(),
        reason=name,
    )


def live_through_trouble(session: TradingSession, venue: AlpacaServer, hook: Hook) -> None:
    """Fill, be refused as a customer and as a person, lose an answer and the line."""
    control, units = venue.control, count(3)  # the same twice at once would be a mistake

    def settled(name: str, *statuses: OrderStatus) -> None:
        session.mark({"AAPL": Decimal(100)})
        intent = buy(session, name, next(units))
        session.submit([intent])

        def is_so() -> bool:
            with suppress(CredentialsRefused):
                session.collect_fills()
            order = session.order(intent.client_order_id)
            return order is not None and order.status in statuses

        until(is_so, told=lambda: (name, session.journal.orders(), session.journal.alerts()))

    settled("filled", S.FILLED)
    echo = f"{KEY} with {SECRET} is not known"
    control.arm("status", status=422, body={"code": 42210000, "message": echo}, **ORDERS)
    settled("rejected", S.REJECTED)
    control.arm("accept_504", **ORDERS)
    settled("lost", S.FILLED)
    gaps = session.broker.connection().gaps
    control.drop_stream()
    until(lambda: session.broker.connection().gaps > gaps and session.broker.connection().is_up)
    settled("after the gap", S.FILLED)
    control.arm_event("malformed")
    settled("malformed", S.FILLED)
    control.arm("status", status=401, body={"message": echo}, **ORDERS)
    settled("refused", S.REJECTED)
    told = {one.code for one in session.journal.alerts()}
    assert {"order_rejected", "order_unknown", "credentials_refused", "stream_lost"} <= told
    until(lambda: not session.journal.alerts(pending_only=True))
    assert not hook.rude


def test_no_secret_is_shown_by_a_desk_in_trouble(
    venue, hook, database, tmp_path, caplog, capsys, monkeypatch
):
    for name in (None, "httpx", "httpcore", "websockets", "sqlalchemy"):
        caplog.set_level(logging.DEBUG, name)
    folder = tmp_path / "desk"
    settings = settings_of(venue, hook.base, database)
    story = Story(folder, settings)
    with open_desk(settings, assets=ASSETS, folder=folder, run_id="r1") as session:
        live_through_trouble(session, venue, hook)
        assert isinstance(session.broker, AlpacaBroker)
        assert len(session.broker.exchanges) > 10
        story.look_at_objects()
        assert bool(database) != (folder / "desk.sqlite").exists()
        story.look_at_files()
        second = open_desk(settings, assets=ASSETS, folder=folder, run_id="r2")
        story.fails(second.__enter__, StorageError)
    monkeypatch.setattr("alphalens.runtime.desk._CONNECT_S", 0.5)
    monkeypatch.setattr(venue, "keys", ("PKOTHER", "other"))
    monkeypatch.setattr(venue._wire, "_keys", ("PKOTHER", "other"))
    broken = open_desk(settings, assets=ASSETS, folder=folder, run_id="r3")
    story.fails(broken.__enter__)
    journal = database or f"sqlite:///{folder / 'desk.sqlite'}"
    assert story.look_at_tables(journal) > 50
    story.look_at_files()
    for words in (["trading", "status"], ["approvals", "list"], ["audit", "verify"]):
        assert main([*words, "--journal", journal]) == 0
    for body in hook.bodies:
        check("webhook", json.dumps(json.loads(body)))
    told = capsys.readouterr()
    check("the command line", told.out + told.err)
    ours = [record for record in caplog.records if record.name != "websockets.server"]
    for record in ours:  # all but the venue's own
        check(f"the log of {record.name}", f"{record.getMessage()} {record.__dict__!r}")
    loggers = {record.name.partition(".")[0] for record in ours}
    assert {"alphalens", "httpcore", "sqlalchemy"} <= loggers, loggers


def test_dead_webhook_shows_no_secret(venue, hook, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    hook.close()  # nobody is there any more
    settings = settings_of(venue, hook.base, "")
    with open_desk(settings, assets=ASSETS, folder=tmp_path / "desk", run_id="r1") as session:
        session.halt(by="ann", reason="look")
        until(lambda: "alerts to webhook" in caplog.text)
        Story(tmp_path / "desk", settings).look_at_objects()
    check("the log", caplog.text)


def wrong_keys() -> AlpacaBroker:
    return AlpacaBroker(
        KEY, SECRET, base_url="http://127.0.0.1:9", is_live=False, rng=random.Random(1),
        options=AlpacaOptions(timeout_s=0.2),
    )  # fmt: skip


MISTAKES: dict[str, Callable[[], object]] = {
    "password_in_the_host": lambda: load_settings(
        env_file=None,
        environ={"ALPHALENS_ALPACA_BASE_URL": f"https://{KEY}:{SECRET}@paper-api.alpaca.markets"},
    ),
    "token_over_an_open_line": lambda: WebhookChannel(f"http://hooks.example/{TOKEN}?k={TOKEN}"),
    "hook_without_a_scheme": lambda: WebhookChannel(f"hooks.example/{TOKEN}?k={TOKEN}#x"),
    "database_of_no_kind": lambda: open_engine(f"mongodb://ann:{quote_plus(PASSWORD)}@h/desk"),
    "database_without_a_scheme": lambda: open_engine(f"postgresql//ann:{PASSWORD}@h/desk"),
    "database_that_is_not_there": lambda: open_engine(
        f"postgresql+psycopg://ann:{quote_plus(PASSWORD)}@127.0.0.1:9/desk"
    ),
    "halt_file_of_a_broken_url": lambda: halt_file_of(f"postgresql//ann:{PASSWORD}@h/desk"),
    "key_with_a_line_break": lambda: AlpacaBroker(
        f"{KEY}\n", SECRET, base_url="http://127.0.0.1:9", is_live=False, rng=random.Random(1)
    ),
    "key_for_the_wrong_host": lambda: AlpacaBroker(
        KEY, SECRET, base_url=f"https://ann:{PASSWORD}@evil.example/?k={TOKEN}", is_live=False,
        rng=random.Random(1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", sorted(MISTAKES))
def test_mistake_is_told_without_its_secret(way, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    Story(tmp_path, load_settings(env_file=None, environ={})).fails(
        MISTAKES[way], ConfigError, StorageError
    )
    check("the log", caplog.text)


def test_venue_that_is_not_there_shows_no_secret(caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    broker = wrong_keys()
    story = Story(tmp_path, load_settings(env_file=None, environ={}))
    with broker:
        assert not broker.wait_until_up(0.2)
        story.fails(broker.account)
        story.fails(broker.positions)
        check("the connection", repr(broker.connection()))
        check("the captures", repr(broker.exchanges))
        assert broker.exchanges
    check("the log", caplog.text)
