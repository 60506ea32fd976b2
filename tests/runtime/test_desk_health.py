"""A desk that runs tells how it does, delays nothing by it, and goes on where it cannot."""

import json
import logging
import re
import socket
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from alphalens.config import load_settings
from alphalens.errors import BrokerError, CredentialsRefused
from alphalens.monitoring.health_check import Status
from alphalens.runtime import LoopPace, open_market_data
from alphalens.runtime.desk_watch import QUOTES, DeskWatch
from alphalens.trading.orders import OrderStatus
from tests.runtime.bench import HOUR, T0, Bench
from tests.waiting import PATIENCE_S

MINUTE = timedelta(minutes=1)
SLOW = LoopPace(turn_s=10.0)  # of the virtual clock
HEALTH = "ALPHALENS_HEALTH_ADDRESS"


def wanted(address: str = "0", **changes: str):
    return load_settings(env_file=None, environ={}, overrides={HEALTH: address, **changes})


def ask(url: str) -> tuple[int, str]:
    try:
        answer = urlopen(url, timeout=PATIENCE_S)
    except HTTPError as refused:
        answer = refused
    with answer:
        return answer.status, answer.read().decode()


class Asked(Bench):
    """A bench that knows where its desk answers, and keeps what it said."""

    def __init__(self, folder, caplog) -> None:
        super().__init__(folder)
        self._caplog, self.answers = caplog, {}
        caplog.set_level(logging.INFO, "alphalens.runtime.desk_health")

    @property
    def url(self) -> str:
        return re.search(r"told at (http://\S+)/healthz", self._caplog.text).group(1)

    def look(self, turn: int) -> None:
        """Ask for the health in a turn."""

        def keep() -> None:
            status, text = ask(f"{self.url}/healthz")
            told = json.loads(text)
            assert "checks" in told, text
            checks = {check["name"]: check for check in told["checks"]}
            self.answers[turn] = (status, checks, told["figures"])

        self.at(turn, keep)


@pytest.fixture
def bench(tmp_path, caplog):
    return Asked(tmp_path, caplog)


def test_running_desk_tells_of_loop_journal_venue_orders_and_quotes(bench):
    metrics = []
    bench.at(1, bench.quote)
    bench.look(3)
    bench.at(4, lambda: metrics.append(ask(f"{bench.url}/metrics")[1]))
    with bench.open():
        bench.quote()
        bench.run(
            5,
            step=lambda session: session.submit([bench.buy()]),
            every=HOUR,
            feed=bench.feed,
            settings=wanted(),
            pace=SLOW,
        )
    status, checks, figures = bench.answers[3]
    assert (status, {name: check["status"] for name, check in checks.items()}) == (
        200,
        dict.fromkeys(
            ("model", "loop", "state", "broker", "journal", "orders", "feed quotes"), "ok"
        ),
    )
    assert checks["orders"]["value"] == "100.0% taken"
    assert figures["orders_sent"] == [{"value": 1.0}]
    assert figures["desk_turns_total"] == [{"value": 3.0}]
    assert figures["feed_answers_total"] == [{"vendor": QUOTES, "value": 2.0}]
    assert "alphalens_desk_steps_total 1" in metrics[0].splitlines()
    assert 'alphalens_feed_up{vendor="quotes"} 1' in metrics[0].splitlines()


def test_who_asks_again_makes_a_desk_read_only_what_is_new(bench):
    def spoil() -> None:
        with closing(sqlite3.connect(bench.folder / "desk.sqlite")) as file, file:
            changed = file.execute(
                "UPDATE journal SET payload = 'nobody can read this' WHERE kind = 'order_intended'"
            )
            assert changed.rowcount == 1

    bench.look(2)
    bench.at(3, spoil)
    bench.look(4)
    with bench.open():
        bench.quote()
        bench.run(
            5,
            step=lambda session: session.submit([bench.buy()]),
            every=HOUR,
            feed=bench.feed,
            settings=wanted(),
            pace=SLOW,
        )
    first, again = (bench.answers[turn][2]["order_answer_seconds"] for turn in (2, 4))
    assert again == first
    assert first[0]["value"] is not None
    assert bench.answers[4][2]["desk_turns_total"] == [{"value": 4.0}]


def test_journal_on_a_server_is_looked_at_over_a_connection_of_its_own(bench, postgres_url):
    bench.look(2)
    with bench.open(DATABASE_URL=postgres_url):
        bench.run(3, settings=wanted(DATABASE_URL=postgres_url), pace=SLOW)
    status, checks, _ = bench.answers[2]
    assert (status, checks["journal"]["value"]) == (200, "schema 4, writable")


def test_desk_answers_nowhere_unless_it_is_asked_to(bench):
    bench.at(2, lambda: bench.answers.update({t.name: t for t in threading.enumerate()}))
    with bench.open():
        bench.run(3, settings=wanted(""))
    assert "alphalens-health" not in bench.answers
    assert load_settings(env_file=None, environ={}).health_address == ""


def test_port_alone_is_of_this_machine(bench):
    assert wanted("9464").health_address == "127.0.0.1:9464"
    bench.at(1, lambda: bench.answers.update({1: bench.url}))
    with bench.open():
        bench.run(2, settings=wanted())
    assert bench.answers[1].startswith("http://127.0.0.1:")
    with socket.socket() as probe:  # and it is free again once the desk has ended
        assert probe.connect_ex(("127.0.0.1", int(bench.url.rpartition(":")[2]))) != 0
    assert "alphalens-health" not in {thread.name for thread in threading.enumerate()}


def test_port_that_is_taken_is_told_and_the_desk_trades(bench):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with bench.open() as session:
            bench.quote()
            report = bench.run(
                3,
                step=lambda session: session.submit([bench.buy()]),
                every=HOUR,
                feed=bench.feed,
                settings=wanted(str(port)),
            )
            (told,) = [one for one in session.journal.alerts() if one.code == "health_untold"]
            assert session.order(bench.buy().client_order_id) is not None
    assert report.steps == 1
    assert f"127.0.0.1:{port}" in told.message


def test_clients_that_hang_delay_no_order_and_not_the_end(bench):
    hanging: list[socket.socket] = []

    def buy(session) -> None:
        if hanging and session.order(bench.buy().client_order_id) is None:
            session.submit([bench.buy()])

    def hang() -> None:
        place = ("127.0.0.1", int(bench.url.rpartition(":")[2]))
        hanging.extend(socket.create_connection(place) for _ in range(40))
        hanging[-1].sendall(b"GET /healthz HTTP/1.1\r\nX: ")

    bench.at(1, hang)
    bench.at(2, bench.quote)
    bench.look(4)
    with bench.open() as session:
        bench.quote()
        report = bench.run(
            6,
            step=buy,
            every=timedelta(seconds=10),
            feed=bench.feed,
            settings=wanted(),
            pace=SLOW,
        )
        assert session.order(bench.buy().client_order_id).status is not OrderStatus.REFUSED
    assert (report.reason, bench.answers[4][0]) == ("asked", 200)  # who asks is answered meanwhile
    for line in hanging:
        line.settimeout(PATIENCE_S)
        assert line.recv(1) == b""
        line.close()


def test_venue_that_is_silent_is_told_without_asking_it(bench):
    bench.at(1, lambda: setattr(bench.venue, "trouble", BrokerError("no route")))
    bench.at(5, lambda: bench.answers.update(before=bench.venue.asked))
    bench.look(6)
    bench.at(7, lambda: setattr(bench.venue, "trouble", CredentialsRefused("401")))
    bench.look(20)
    bench.at(21, lambda: setattr(bench.venue, "trouble", None))
    bench.look(40)
    with bench.open():
        bench.run(42, settings=wanted(), pace=SLOW)
    status, checks, _ = bench.answers[6]
    assert (status, checks["broker"]["status"]) == (503, "unknown")
    assert "no route" in checks["broker"]["message"]
    assert bench.answers[20][1]["broker"]["status"] == "critical"
    assert bench.answers[40][1]["broker"]["status"] == "ok"


def test_quotes_that_are_away_for_five_minutes_are_an_alert_of_the_desk(bench):
    def back() -> None:
        bench.feed.is_up = True
        bench.quote()

    bench.at(2, bench.lose_feed)
    bench.look(31)
    bench.look(34)
    bench.at(35, back)
    bench.look(38)
    with bench.open():
        bench.quote()
        bench.run(40, feed=bench.feed, settings=wanted(), pace=SLOW)
        codes = bench.told("data_outage", "data_outage_over", "data_stale")
        (alert, _) = [one for one in bench.session.journal.alerts() if "data_outage" in one.code]
    checks = {turn: answer[1]["feed quotes"] for turn, answer in bench.answers.items()}
    assert [checks[turn]["status"] for turn in (31, 34, 38)] == ["warning", "critical", "ok"]
    assert codes == ["data_outage", "data_outage_over"]
    assert "the stream is down" in alert.message
    figures = bench.answers[38][2]
    assert figures["feed_gaps_total"] == [{"vendor": QUOTES, "value": 1.0}]
    assert figures["feed_breaches_total"] == [{"vendor": QUOTES, "value": 1.0}]


def test_vendor_that_is_out_for_five_minutes_is_an_alert_of_the_desk(bench, tmp_path):
    keys = {"POLYGON_API_KEY": "key-of-the-test", "ALPHALENS_MARKET_DATA_VENDORS": "polygon"}
    with (
        bench.open() as session,
        open_market_data(wanted(**keys), folder=tmp_path, clock=bench.clock) as market,
    ):
        market.monitor.failed("polygon", TimeoutError("no answer"))
        bench.look(29)
        bench.at(30, lambda: bench.answers.update(agreed=bench.told("data_outage")))
        bench.run(33, market=market, settings=wanted(**keys), pace=SLOW)
        (alert,) = [one for one in session.journal.alerts() if one.code == "data_outage"]
    assert bench.answers["agreed"] == []  # five minutes are
    assert "polygon" in alert.message
    checks = bench.answers[29][1]
    assert {"market database", "cache", "feed polygon"} <= checks.keys()
    assert checks["feed polygon"]["status"] == "warning"


def test_loop_that_stands_still_is_told(bench):
    with bench.open() as session:
        watch = DeskWatch(session, has_quotes=False)
        found = []
        for at in (60, 61, 301):
            bench.clock.advance_to(T0 + timedelta(seconds=at))
            found.append(next(iter(watch.checks())))
        watch.turned()
        found.append(next(iter(watch.checks())))
    assert [check.status for check in found] == [
        Status.OK,
        Status.WARNING,
        Status.CRITICAL,
        Status.OK,
    ]
    assert "0:05:01 ago" in found[2].message


def test_quotes_are_as_late_as_the_venue_says(bench):
    with bench.open() as session:
        watch = DeskWatch(session, has_quotes=True)
        bench.quote(ahead=timedelta(seconds=-3))
        bench.quote(ahead=timedelta(seconds=-4))
        watch.heard(bench.feed.take(), "", 0)
        bench.quote(ahead=timedelta(seconds=-3))
        watch.heard(bench.feed.take(), "", 0)
        (feed,) = watch.monitor.report().vendors
    assert feed.latency_p50_s == 3.0
    assert (feed.answers, feed.errors, feed.is_up) == (2, 0, True)
