"""A venue that is closed and opened again, and one whose clock runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.testing.alpaca_server.records import rfc3339
from tests.waiting import until

Build = Callable[..., dict[str, Any]]
MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
SATURDAY = datetime(2026, 3, 7, 15, tzinfo=UTC)


def test_the_file_gives_back_the_whole_book(tmp_path: Path, order: Build) -> None:
    path = tmp_path / "venue.sqlite"
    bracket = order(
        order_class="bracket", take_profit={"limit_price": "120"}, stop_loss={"stop_price": "80"}
    )
    with AlpacaServer(path, now=MONDAY, multiplier=4) as first:
        first.control.set_quote("AAPL", 100, 101)
        first.control.advance(90)
        first.control.place_external(bracket)
        first.control.act("cash", activity="FEE", amount="-3")
        before = first.control.orders(), first.control.executions(), first.venue.book.activities

    with AlpacaServer(path) as second:
        control = second.control
        latest = max(row["updated_at"] for row in before[0])
        assert rfc3339(second.venue.clock.stamp()) > latest
        assert control.now() == "2026-03-02T15:01:30+00:00"
        assert (control.orders(), control.executions(), second.venue.book.activities) == before
        assert control.state()["cash"] == str(100_000 - 1010 - 3)
        assert second.venue.book.multiplier == 4
        assert second.venue.account_id == first.venue.account_id
        control.set_quote("AAPL", 79, 80)
        assert control.state()["open_orders"] == {}


def test_orders_expire_while_nobody_asks(tmp_path: Path, order: Build) -> None:
    just_before = datetime(2026, 3, 2, 20, 59, 59, 700_000, tzinfo=UTC)
    with AlpacaServer(tmp_path / "v.sqlite", now=just_before, ticking=True) as server:
        made = server.control.place_external(order(type="limit", limit_price="90"))

        until(lambda: server.control.order(made["id"])["status"] == "expired")


def test_a_venue_may_be_open_at_any_hour(tmp_path: Path, order: Build) -> None:
    with AlpacaServer(tmp_path / "v.sqlite", now=SATURDAY, always_open=True) as server:
        server.control.set_quote("AAPL", 100, 101)

        assert server.control.place_external(order())["status"] == "pending_new"
        assert server.control.state()["positions"] == {"AAPL": "10"}


def test_any_credentials_where_none_are_asked_for(tmp_path: Path) -> None:
    with AlpacaServer(tmp_path / "v.sqlite", keys=None) as server:
        assert httpx.get(f"{server.rest_url}/v2/account").status_code == 200


def test_what_was_held_is_counted_at_its_entry_until_a_price_comes(
    tmp_path: Path, order: Build
) -> None:
    path = tmp_path / "venue.sqlite"
    with AlpacaServer(path, now=MONDAY) as first:
        first.control.set_quote("ODD", 100, 101)
        first.control.place_external(order(symbol="ODD"))
        assert first.control.state()["equity"] == "99995"

    with AlpacaServer(path) as second:
        assert second.control.state()["equity"] == "100000"
