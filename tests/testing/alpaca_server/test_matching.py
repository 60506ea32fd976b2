"""Which orders trade, when, and at what price."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alphalens.testing.alpaca_server import AlpacaServer, Control

Build = Callable[..., dict[str, Any]]


def place(control: Control, order: dict[str, Any]) -> Callable[[], tuple[str, str | None]]:
    """Place an order; return a look at its status and average price."""
    made = control.place_external(order)

    def look() -> tuple[str, str | None]:
        found = control.order(made["id"])
        return found["status"], found["filled_avg_price"]

    return look


def test_limit_orders_take_the_better_price_of_the_market(control: Control, order: Build) -> None:
    look = place(control, order(type="limit", limit_price="99.50"))
    assert look() == ("new", None)

    control.set_quote("AAPL", "99.10", "99.30")

    assert look() == ("filled", "99.3")


def test_a_stop_triggers_and_sells_at_the_bid(control: Control, order: Build) -> None:
    control.place_external(order())
    look = place(control, order(side="sell", type="stop", stop_price="98"))
    control.set_quote("AAPL", "98.01", "98.05")
    assert look() == ("new", None)

    control.set_quote("AAPL", "97.90", "98.05")

    assert look() == ("filled", "97.9")


def test_a_buy_stop_is_a_stop_limit_with_a_collar(control: Control, order: Build) -> None:
    look = place(control, order(type="stop", stop_price="104"))

    control.set_quote("AAPL", 107, 108)
    assert look() == ("new", None)
    control.set_quote("AAPL", 103, "106.60")

    assert look() == ("filled", "106.6")


def test_a_stop_limit_stays_triggered(control: Control, order: Build) -> None:
    look = place(control, order(type="stop_limit", stop_price="104", limit_price="104.10"))
    control.set_quote("AAPL", 104, "104.20")
    assert look() == ("new", None)

    control.set_quote("AAPL", 100, "100.02")

    assert look() == ("filled", "100.02")


@pytest.mark.parametrize("trail", [{"trail_price": "3"}, {"trail_percent": "3"}])
def test_a_trailing_stop_follows_the_best_price(
    control: Control, order: Build, trail: dict[str, str]
) -> None:
    control.place_external(order())
    made = control.place_external(order(side="sell", type="trailing_stop", **trail))
    for bid in (104, 110, 108):
        control.set_quote("AAPL", bid, bid + 1)
    found = control.order(made["id"])
    stop = {"trail_price": "107", "trail_percent": "106.7"}[next(iter(trail))]
    assert (found["hwm"], found["stop_price"]) == ("110", stop)

    control.set_quote("AAPL", "106.50", 107)

    assert control.order(made["id"])["filled_avg_price"] == "106.5"


def test_liquidity_is_shared_first_come_first_served(control: Control, order: Build) -> None:
    control.set_quote("AAPL", 100, 102)
    looks = [place(control, order(type="limit", limit_price="101")) for _ in range(2)]

    control.set_quote("AAPL", 100, 101, ask_size=15)

    assert [look()[0] for look in looks] == ["filled", "partially_filled"]
    assert [row["qty"] for row in control.executions()] == ["10", "5"]


def test_a_trade_of_the_market_triggers_and_fills(control: Control, order: Build) -> None:
    control.set_quote("AAPL", 100, 102)
    look = place(control, order(type="limit", limit_price="101"))

    control.trade("AAPL", "100.50", size=4)

    assert look() == ("partially_filled", "100.5")


def test_a_bar_is_walked_from_open_to_close(control: Control, order: Build) -> None:
    control.place_external(order())
    profit = place(control, order(side="sell", type="limit", limit_price="103", qty="5"))
    loss = place(control, order(side="sell", type="stop", stop_price="97", qty="5"))

    control.bar("AAPL", open=99, high=103, low=96, close=98)

    assert loss() == ("filled", "96")
    assert profit() == ("filled", "103")


def test_a_market_without_a_price_fills_nothing(control: Control, order: Build) -> None:
    look = place(control, order(symbol="MSFT"))
    control.set_quote("MSFT", 0, 0)
    assert look() == ("new", None)

    control.set_quote("MSFT", 9, 10)

    assert look() == ("filled", "10")


def test_a_halt_lets_orders_rest(control: Control, order: Build) -> None:
    control.halt("AAPL")
    made = control.place_external(order())
    control.set_quote("AAPL", 99, "99.02")
    assert control.order(made["id"])["filled_qty"] == "0"

    control.resume("AAPL")

    assert control.order(made["id"])["filled_avg_price"] == "99.02"


def test_a_coin_pays_its_fee_in_coins_and_its_sale_in_dollars(tmp_path: Path, order: Build) -> None:
    with AlpacaServer(tmp_path / "coins.sqlite", coin_fee_bps=25) as server:
        server.control.set_quote("ETH/USD", 1000, 1000)
        coin = {"symbol": "ETH/USD", "time_in_force": "gtc"}
        server.control.place_external(order(**coin, qty="4"))
        assert server.control.state()["positions"] == {"ETH/USD": "3.99"}
        server.control.place_external(order(**coin, side="sell", qty="2"))

        assert server.control.state()["cash"] == str(100_000 - 4000 + 2000 - 5)
        rows = server.venue.book.activities
        assert [r.get("qty") for r in rows if r["activity_type"] == "CFEE"] == ["-0.01", "0"]


@pytest.mark.parametrize(("opens", "first"), [("98", "stop"), ("102", "limit")])
def test_a_bar_goes_to_its_nearer_extreme_first(
    control: Control, order: Build, opens: str, first: str
) -> None:
    control.place_external(order())
    exits = {"take_profit": {"limit_price": "104"}, "stop_loss": {"stop_price": "96"}}
    made = control.place_external(
        order(side="sell", type="limit", limit_price="104", order_class="oco", **exits)
    )

    control.bar("AAPL", open=opens, high=104, low=96, close=100)

    hit = {"filled": "limit", "canceled": "stop"}[control.order(made["id"])["status"]]
    assert hit == first
