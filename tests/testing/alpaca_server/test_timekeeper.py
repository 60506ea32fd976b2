"""Opens, closes, half days and expiries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alphalens.testing.alpaca_server import Control

Build = Callable[..., dict[str, Any]]
REST = {"type": "limit", "limit_price": "90"}


def status(control: Control, made: dict[str, Any]) -> str:
    return str(control.order(made["id"])["status"])


@pytest.mark.parametrize(
    ("day", "close"),
    [("2026-03-06", "21:00"), ("2026-03-09", "20:00"), ("2026-11-27", "18:00")],
)
def test_a_day_order_expires_with_its_session(
    control: Control, order: Build, day: str, close: str
) -> None:
    control.set_time(f"{day}T15:00:00Z")
    made = control.place_external(order(**REST))
    assert made["expires_at"] == f"{day}T{close}:00.000000Z"
    control.set_time(f"{day}T{int(close[:2]) - 1}:59:59Z")
    assert status(control, made) == "new"

    control.set_time(f"{day}T{close}:00Z")

    found = control.order(made["id"])
    assert found["status"] == "expired"
    assert found["expired_at"].startswith(f"{day}T{close}:00")


def test_an_order_after_the_close_is_queued_for_the_open(control: Control, order: Build) -> None:
    control.set_time("2026-03-06T22:00:00Z")
    made = control.place_external(order())
    assert made["status"] == "accepted"
    control.set_time("2026-03-09T13:29:59Z")
    assert status(control, made) == "accepted"

    control.set_time("2026-03-09T13:30:00Z")

    assert status(control, made) == "filled"


def test_extended_hours_trade_early_and_late(control: Control, order: Build) -> None:
    control.set_time("2026-03-03T08:00:00Z")
    early = control.place_external(order(**REST, extended_hours=True))
    assert early["status"] == "accepted"
    control.set_time("2026-03-03T09:00:00Z")
    assert status(control, early) == "new"
    control.set_time("2026-03-03T22:00:00Z")
    assert status(control, early) == "new"
    control.set_quote("AAPL", "89.9", "89.95")
    assert status(control, early) == "filled"

    late = control.place_external(order(**REST | {"limit_price": "80"}, extended_hours=True))
    control.set_time("2026-03-04T01:00:00Z")
    assert status(control, late) == "expired"


def test_gtc_outlives_the_day_and_ends_after_ninety(control: Control, order: Build) -> None:
    made = control.place_external(order(**REST, time_in_force="gtc"))
    control.set_time("2026-05-29T15:00:00Z")
    assert status(control, made) == "new"

    control.set_time(made["expires_at"])

    assert made["expires_at"].startswith("2026-06-01")
    assert status(control, made) == "expired"


def test_coins_trade_on_sunday(control: Control, order: Build) -> None:
    control.set_time("2026-03-08T12:00:00Z")
    control.set_quote("BTC/USD", 50_000, 50_001)

    made = control.place_external(order(symbol="BTC/USD", qty="0.1", time_in_force="gtc"))

    assert (status(control, made), made["expires_at"]) == ("filled", None)


def test_exits_end_with_the_bracket(control: Control, order: Build) -> None:
    made = control.place_external(
        order(
            order_class="bracket",
            take_profit={"limit_price": "120"},
            stop_loss={"stop_price": "80"},
        )
    )

    control.set_time("2026-03-02T21:00:00Z")

    assert sorted(status(control, leg) for leg in made["legs"]) == ["canceled", "expired"]


def test_the_close_is_remembered_as_yesterdays(control: Control, order: Build) -> None:
    control.place_external(order())
    control.set_quote("AAPL", 110, 110)

    control.set_time("2026-03-02T21:00:00Z")
    control.set_quote("AAPL", 111, 111)

    assert control.state()["equity"] == str(100_000 + 10 * (111 - 100.02))


def test_an_unfilled_auction_order_is_cancelled(control: Control, order: Build) -> None:
    control.set_time("2026-03-03T13:00:00Z")
    made = control.place_external(order(**REST, time_in_force="opg"))

    control.set_time("2026-03-03T15:00:00Z")

    assert status(control, made) == "canceled"
