"""Time, latency and the log of requests of any loopback vendor."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import httpx
import pytest

from alphalens.testing.loopback import Control, FaultBox
from alphalens.testing.loopback.clock import VenueClock
from alphalens.testing.yahoo_server import YahooServer
from tests.waiting import PATIENCE_S, until


def test_the_clock_stands_and_is_moved() -> None:
    with YahooServer(now=datetime(2024, 1, 9, 22, tzinfo=UTC)) as server:
        assert server.control.now() == "2024-01-09T22:00:00+00:00"
        assert server.control.advance(90) == "2024-01-09T22:01:30+00:00"
        server.control.set_now("2024-01-10T00:00:00+00:00")
        assert server.control.now() == "2024-01-10T00:00:00+00:00"


def test_requests_are_logged_with_what_was_asked_and_answered() -> None:
    with YahooServer() as server:
        httpx.get(f"{server.url}/v8/finance/chart/AAPL?range=1d", headers={"X-Who": "me"})
        server.control.arm("html")
        httpx.get(f"{server.url}/")
        chart, home = server.control.requests()
        charts = server.control.requests("/v8/*")
        server.control.forget_requests()
        assert server.control.requests() == []

    assert (chart["method"], chart["query"], chart["status"]) == ("GET", "range=1d", 404)
    assert chart["headers"]["x-who"] == "me"
    assert (home["path"], home["fault"], home["status"]) == ("/", "html", 200)
    assert charts == [chart]


def test_answers_wait_each_on_its_own() -> None:
    with YahooServer() as server:
        server.control.set_latency(2 * PATIENCE_S)
        threads = [threading.Thread(target=_ask, args=[server.url]) for _ in range(5)]
        for thread in threads:
            thread.start()
        until(lambda: len(server.control.requests()) == 5)

        assert all(thread.is_alive() for thread in threads)  # all five wait at the same time
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads)


def test_a_control_without_a_server_says_so() -> None:
    control = Control(FaultBox(), VenueClock(), threading.RLock())

    with pytest.raises(RuntimeError, match="build its server first"):
        control.requests()


def test_a_server_ends_with_connections_open_and_answers_pending() -> None:
    server = YahooServer()
    server.start()
    server.control.arm("hang")
    waiting = threading.Thread(target=_ask, args=[server.url])
    waiting.start()
    until(server.control.requests)

    server.stop()
    waiting.join(PATIENCE_S)

    assert not waiting.is_alive()
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)


def _ask(url: str) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(url, timeout=PATIENCE_S)
