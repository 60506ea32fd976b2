"""A vendor in a process of its own: addresses, control from outside, its end."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from alphalens.testing.loopback import RemoteControl
from alphalens.testing.polygon_server import PolygonControl, PolygonServer, polygon_process
from alphalens.testing.polygon_server.times import day_start_ms
from alphalens.testing.yahoo_server import yahoo_process

NOW = ("--now", "2024-01-09T22:00:00Z")
BAR = {"t": day_start_ms("2024-01-08"), "o": 1, "h": 2, "l": 0.5, "c": 1.5, "v": 10}
PATH = "/v2/aggs/ticker/AAPL/prev"


def test_polygon_as_a_process(tmp_path: Path) -> None:
    options = (*NOW, "--key", "a", "--rate-limit", "3")
    with polygon_process(tmp_path / "ports.json", *options) as vendor:
        vendor.control.add_aggs("AAPL", [BAR])
        vendor.control.arm("server_error", path="/v2/*")
        statuses = [
            httpx.get(f"{vendor.addresses['url']}{PATH}?apiKey={key}").status_code
            for key in ("a", "key", "a", "a", "a", "a")
        ]

        assert statuses == [500, 401, 200, 200, 200, 429]
        assert vendor.control.now() == "2024-01-09T22:00:00+00:00"
        assert vendor.control.stream_state() == {"opened": 0, "subscriptions": []}
        assert vendor.addresses["stream_url"].startswith("ws://127.0.0.1:")
        assert vendor.stop() == 0


def test_yahoo_as_a_process(tmp_path: Path) -> None:
    with yahoo_process(tmp_path / "ports.json", *NOW) as vendor:
        vendor.control.add_bars("AAPL", [{"day": "2024-01-08", "close": 185.56}])
        vendor.control.add_symbol("VOD.L", currency="GBp")
        chart = f"{vendor.addresses['url']}/v8/finance/chart/AAPL"

        (result,) = httpx.get(chart).json()["chart"]["result"]

        assert result["indicators"]["quote"][0]["close"] == [185.56]
        vendor.kill()
        with pytest.raises(httpx.ConnectError):
            httpx.get(chart)
        with pytest.raises(RuntimeError, match="not running"):
            vendor.stop()


def test_a_vendor_that_cannot_start_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="did not start: exit code 2"):
        yahoo_process(tmp_path / "ports.json", "--port", "no number").start()


def test_remote_calls_tell_their_errors() -> None:
    with PolygonServer() as server:
        remote = RemoteControl(server.url, PolygonControl)

        with pytest.raises(RuntimeError, match="no fault 'luck'"):
            remote.arm("luck")
        with pytest.raises(RuntimeError, match="no control 'dance'"):
            remote.call("dance")
        with pytest.raises(RuntimeError, match="TypeError"):
            remote.call("add_aggs", colour="red")
        with pytest.raises(AttributeError):
            remote.dance()
