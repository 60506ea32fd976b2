"""The venue as a process: addresses, control from outside, and what survives its death."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alphalens.testing.alpaca_server import AlpacaServer, RemoteControl, VenueProcess

Build = Callable[..., dict[str, Any]]
NOW = ("--now", "2026-03-02T15:00:00Z")


def test_a_killed_venue_carries_on_from_its_file(tmp_path: Path, order: Build) -> None:
    file = tmp_path / "venue.sqlite"
    with VenueProcess(file, *NOW, "--seed", "5") as venue:
        venue.control.set_quote("AAPL", "100", "100.02")
        venue.control.set_quote("ODD", "5", "5.01")
        venue.control.place_external(order(client_order_id="filled"))
        venue.control.place_external(order(client_order_id="odd", symbol="ODD"))
        resting = order(client_order_id="resting", type="limit", limit_price="90")
        venue.control.place_external(resting)
        before = venue.control.orders(), venue.control.executions()

        venue.kill()
        venue.start()

        assert (venue.control.orders(), venue.control.executions()) == before
        state = venue.control.state()
        assert state["positions"] == {"AAPL": "10", "ODD": "10"}
        assert state["cash"] == str(100_000 - 1000.2 - 50.1)
        assert state["open_orders"] == {"resting": "new"}
        with pytest.raises(RuntimeError, match="client_order_id must be unique"):
            venue.control.place_external(resting)
        venue.control.set_quote("AAPL", 89, 90)
        ids = [order["id"] for order in venue.control.orders()]
        assert venue.control.order("resting")["status"] == "filled"
        venue.control.place_external(order())
        assert venue.control.orders()[-1]["id"] not in ids


def test_any_sqlite_client_reads_the_file(
    server: AlpacaServer, order: Build, tmp_path: Path
) -> None:
    server.control.place_external(order(client_order_id="mine"))

    db = sqlite3.connect(tmp_path / "venue.sqlite")
    orders = db.execute("SELECT client_order_id, status, filled_qty FROM orders").fetchall()
    fills = db.execute("SELECT client_order_id, qty, price FROM executions").fetchall()
    held = db.execute("SELECT symbol, qty FROM positions").fetchall()
    cash = db.execute("SELECT value FROM account WHERE key = 'cash'").fetchone()
    db.close()

    assert orders == [("mine", "filled", "10")]
    assert fills == [("mine", "10", "100.02")]
    assert held == [("AAPL", "10")]
    assert cash == ("98999.80",)


def test_remote_calls_reach_every_method_and_tell_their_errors(
    server: AlpacaServer, order: Build
) -> None:
    remote = RemoteControl(server.rest_url)

    remote.set_quote("AAPL", 10, ask=11)
    made = remote.place_external(order())
    remote.arm("server_error", method="GET", count=2)
    remote.act("cash", activity="FEE", amount="-1")

    assert remote.order(made["id"])["filled_avg_price"] == "11"
    assert [fault["kind"] for fault in remote.armed()] == ["server_error"]
    assert remote.state()["cash"] == str(100_000 - 110 - 1)
    assert remote.advance(60) == "2026-03-02T15:01:00+00:00"
    with pytest.raises(RuntimeError, match="order not found for nobody"):
        remote.order("nobody")
    with pytest.raises(RuntimeError, match="no control 'dance'"):
        remote.call("dance")
    with pytest.raises(RuntimeError, match="TypeError"):
        remote.call("set_quote", colour="red")
    with pytest.raises(AttributeError):
        remote.dance()


def test_a_venue_ends_in_good_order_when_asked(tmp_path: Path) -> None:
    venue = VenueProcess(tmp_path / "venue.sqlite", *NOW).start()

    assert venue.stop() == 0

    with pytest.raises(RuntimeError, match="not running"):
        venue.stop()


def test_a_venue_that_cannot_start_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="did not start: exit code 2"):
        VenueProcess(tmp_path / "venue.sqlite", "--cash", "3", "--port", "no number").start()
