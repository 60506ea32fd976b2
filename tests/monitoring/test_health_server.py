"""Health over a real loopback socket: the outage that was agreed upon shows, and no secret does."""

from __future__ import annotations

import json
import math
import select
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from alphalens.errors import ConfigError, StorageError
from alphalens.monitoring.data_feed_monitor import DataFeedMonitor
from alphalens.monitoring.health_check import HealthCheck, HealthReport, Status
from alphalens.monitoring.health_server import Health, HealthServer
from alphalens.monitoring.part_checks import check_feeds
from alphalens.monitoring.prometheus import Metric, feed_metrics
from alphalens.trading import VirtualClock
from tests.waiting import PATIENCE_S, until

NOON = datetime(2024, 1, 2, 17, tzinfo=UTC)


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def ask(url: str, method: str = "GET") -> tuple[int, str, str]:
    try:
        answer = urlopen(Request(url, method=method), timeout=PATIENCE_S)
    except HTTPError as refused:
        answer = refused
    with answer:
        return answer.status, answer.headers["content-type"], answer.read().decode()


def told(*statuses: Status, message: str = "m") -> Health:
    checks = tuple(
        HealthCheck(name=f"c{n}", status=status, value="v", limit="l", message=message)
        for n, status in enumerate(statuses)
    )
    return Health(report=HealthReport(at=NOON, checks=checks))


def test_five_minutes_of_outage_are_seen_and_so_is_their_end():
    clock, seconds = VirtualClock(NOON), Seconds()
    monitor = DataFeedMonitor(clock=clock)

    def probe() -> Health:
        report = monitor.report()
        checks = tuple(check_feeds(report, ["alpaca"]))
        return Health(
            report=HealthReport(at=clock.now(), checks=checks), metrics=feed_metrics(report)
        )

    def at(length: timedelta) -> tuple[int, str]:
        clock.advance_to(NOON + length)
        seconds.now += 60.0
        status, _, text = ask(f"{server.url}/healthz")
        return status, json.loads(text)["checks"][0]["status"]

    with HealthServer(probe, monotonic=seconds) as server:
        assert at(timedelta(0)) == (503, "unknown")  # nobody has asked the vendor yet
        monitor.answered("alpaca", took_s=0.1)
        assert at(timedelta(seconds=1)) == (200, "ok")
        monitor.failed("alpaca", TimeoutError("no answer"))
        assert at(timedelta(seconds=301)) == (200, "warning")
        assert at(timedelta(seconds=302)) == (503, "critical")
        _, kind, text = ask(f"{server.url}/metrics")
        assert kind == "text/plain; version=0.0.4; charset=utf-8"
        assert 'alphalens_feed_outage_seconds{vendor="alpaca"} 301' in text.splitlines()
        assert 'alphalens_check_status{check="feed alpaca"} 3' in text.splitlines()
        monitor.answered("alpaca", took_s=0.1)
        assert at(timedelta(seconds=303)) == (200, "ok")


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ((Status.OK,), 200),
        ((Status.OK, Status.WARNING), 200),
        ((Status.OK, Status.UNKNOWN), 503),
        ((Status.CRITICAL, Status.OK), 503),
        ((), 503),
    ],
)
def test_what_is_unknown_is_not_healthy(statuses, code):
    with HealthServer(lambda: told(*statuses)) as server:
        status, kind, text = ask(f"{server.url}/healthz")
    assert (status, kind) == (code, "application/json")
    assert len(json.loads(text)["checks"]) == len(statuses)


def test_checks_that_cannot_be_made_are_unknown():
    def probe() -> Health:
        raise StorageError("the disk is gone")

    with HealthServer(probe) as server:
        for path in ("healthz", "metrics"):
            status, _, text = ask(f"{server.url}/{path}")
            assert status == 503
            assert json.loads(text) == {
                "status": "unknown",
                "error": "StorageError",
                "message": "the disk is gone",
            }


def test_who_asks_in_between_gets_what_was_found_last():
    seconds, calls = Seconds(), []

    def probe() -> Health:
        calls.append(seconds.now)
        return told(Status.OK)

    with HealthServer(probe, fresh_s=5.0, monotonic=seconds) as server:
        for now in (0.0, 1.0, 4.9, 5.0, 6.0):
            seconds.now = now
            ask(f"{server.url}/healthz")
    assert calls == [0.0, 5.0]


def test_no_secret_is_told():
    health = told(Status.CRITICAL, message="the key hunter2 was refused")
    with HealthServer(lambda: health, secrets=["hunter2"]) as server:
        text = ask(f"{server.url}/healthz")[2]
    assert "hunter2" not in text
    assert "was refused" in text


def test_head_has_no_body_and_other_paths_are_not_found():
    with HealthServer(lambda: told(Status.OK)) as server:
        assert ask(f"{server.url}/healthz", "HEAD") == (200, "application/json", "")
        assert ask(f"{server.url}/healthz?x=1")[0] == 200
        status, _, text = ask(f"{server.url}/etc/passwd")
        assert (status, json.loads(text)) == (404, {"paths": ["/healthz", "/metrics"]})
        assert ask(f"{server.url}/healthz", "POST")[0] == 501


def test_it_listens_on_this_machine_alone_and_frees_the_port():
    with HealthServer(lambda: told(Status.OK)) as server:
        host, port = server.url.removeprefix("http://").split(":")
        assert host == "127.0.0.1"
        with pytest.raises(ConfigError, match=rf"cannot be told at 127.0.0.1:{port}"):
            HealthServer(lambda: told(Status.OK), port=int(port))
    with socket.socket() as probe:
        probe.settimeout(PATIENCE_S)
        assert probe.connect_ex(("127.0.0.1", int(port))) != 0
    with pytest.raises(ConfigError, match="give one from 0 to 65535"):
        HealthServer(lambda: told(Status.OK), port=70_000)


def test_figures_are_data_too_and_what_is_not_known_is_null():
    metric = Metric(
        name="up", kind="gauge", text="Is it.", samples=(({"v": "a"}, 1.0), ({"v": "b"}, math.nan))
    )
    health = replace(told(Status.OK), metrics=(metric,))
    with HealthServer(lambda: health) as server:
        text = ask(f"{server.url}/healthz")[2]
    assert json.loads(text)["figures"] == {
        "up": [{"v": "a", "value": 1.0}, {"v": "b", "value": None}]
    }


def test_clients_that_say_nothing_are_let_go_the_oldest_first():
    with HealthServer(lambda: told(Status.OK)) as server:
        place = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        silent = [socket.create_connection(place) for _ in range(20)]
        assert ask(f"{server.url}/healthz")[0] == 200
        for line in silent:
            line.settimeout(PATIENCE_S)
        assert silent[0].recv(1) == b""  # it made room, while the newest may still ask
        silent[-1].sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert silent[-1].recv(15) == b"HTTP/1.0 200 OK"
    for line in silent:
        while line.recv(4096):
            pass
        line.close()


def test_however_many_ask_while_a_probe_hangs_there_are_few_threads():
    go_on, before = threading.Event(), threading.active_count()

    def probe() -> Health:
        go_on.wait(PATIENCE_S)
        return told(Status.OK)

    with HealthServer(probe) as server:
        place = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        lines: list[socket.socket] = []
        try:
            for _ in range(80):
                lines.append(socket.create_connection(place, timeout=PATIENCE_S))
                with suppress(ConnectionError):  # it was turned away already
                    lines[-1].sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            until(lambda: len(select.select(lines, [], [], 0)[0]) == 80 - 16)  # no more are open
            until(lambda: threading.active_count() - before <= 1 + 16 + 16)
        finally:
            go_on.set()
            for line in lines:
                line.close()
        until(lambda: threading.active_count() - before <= 1 + 16)
        assert ask(f"{server.url}/healthz")[0] == 200


def test_client_that_goes_away_leaves_no_traceback(capsys):
    asked = threading.Event()

    def probe() -> Health:
        asked.wait(PATIENCE_S)
        return told(Status.OK, message="m" * 5_000_000)

    with HealthServer(probe) as server:
        line = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])))
        line.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.close()  # with a reset
        asked.set()
        assert ask(f"{server.url}/metrics")[0] == 200
    assert capsys.readouterr().err == ""
