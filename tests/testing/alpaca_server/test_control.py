"""The other side's hand: late fills, overfills, both exits, external orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from alphalens.testing.alpaca_server import AlpacaServer, Control
from alphalens.testing.alpaca_server.refusals import Refused

Build = Callable[..., dict[str, Any]]
MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
REST = {"type": "limit", "limit_price": "90"}
CALL, PUT = "AAPL260417C00100000", "AAPL260417P00100000"


@pytest.mark.parametrize(("qty", "status"), [(10, "filled"), (4, "canceled")])
def test_a_fill_after_the_cancel(control: Control, order: Build, qty: int, status: str) -> None:
    made = control.place_external(order(**REST))
    control.cancel_external(made["id"])

    found = control.fill(made["id"], qty=qty, price="90")

    assert (found["status"], found["filled_qty"]) == (status, str(qty))
    assert control.state()["positions"] == {"AAPL": str(qty)}


def test_an_overfill_moves_the_position_by_all_of_it(control: Control, order: Build) -> None:
    made = control.place_external(order(**REST, client_order_id="mine"))

    found = control.fill("mine", qty=12, price=90)

    assert (found["status"], found["qty"], found["filled_qty"]) == ("filled", "10", "12")
    assert control.state()["positions"] == {"AAPL": "12"}
    assert control.state()["cash"] == str(100_000 - 12 * 90)
    assert made["id"] == found["id"]


def test_both_exits_of_a_bracket_fill(control: Control, order: Build) -> None:
    made = control.place_external(
        order(
            order_class="bracket",
            take_profit={"limit_price": "110"},
            stop_loss={"stop_price": "90"},
        )
    )

    for leg in made["legs"]:
        control.fill(leg["id"], alone=True, qty=10, price=100)

    assert control.state()["positions"] == {"AAPL": "-10"}


def test_external_orders_take_their_identifier(control: Control, order: Build) -> None:
    control.place_external(order(client_order_id="taken"))

    with pytest.raises(Refused, match="client_order_id must be unique"):
        control.place_external(order(client_order_id="taken"))


def test_positions_and_cash_from_nowhere(control: Control) -> None:
    control.set_position("AAPL", "-7", "98")
    control.set_cash("12345.67")

    state = control.state()

    assert (state["positions"], state["cash"]) == ({"AAPL": "-7"}, "12345.67")
    assert Decimal(state["equity"]) == Decimal("12345.67") - 7 * Decimal("100.01")


def test_a_split_keeps_the_worth_and_replaces_gtc_orders(control: Control, order: Build) -> None:
    control.place_external(order())
    stop = control.place_external(
        order(side="sell", type="stop", stop_price="90", time_in_force="gtc")
    )

    rows = control.act("split", symbol="AAPL", ratio=4)

    assert [(r["activity_type"], r["qty"], r["net_amount"]) for r in rows] == [
        ("SPLIT", "-10", "0"),
        ("SPLIT", "40", "0"),
    ]
    assert control.state()["positions"] == {"AAPL": "40"}
    old = control.order(stop["id"])
    new = control.order(old["replaced_by"])
    assert (old["status"], new["qty"], new["stop_price"]) == ("replaced", "40", "22.5")


@pytest.mark.parametrize(("side", "paid"), [("buy", "2.4"), ("sell", "-2.4")])
def test_a_dividend_is_paid_to_the_long_and_by_the_short(
    control: Control, order: Build, side: str, paid: str
) -> None:
    control.place_external(order(side=side))
    before = Decimal(control.state()["cash"])

    (row,) = control.act("dividend", symbol="AAPL", per_share="0.24")

    assert (row["net_amount"], row["per_share_amount"]) == (paid, "0.24")
    assert Decimal(control.state()["cash"]) - before == Decimal(paid)


@pytest.mark.parametrize(
    ("symbol", "held", "spot", "kinds", "positions", "cash"),
    [
        (CALL, "2", "90", ["OPEXP"], {}, "100000"),
        (CALL, "2", "120", ["OPEXC", "OPTRD"], {"AAPL": "200"}, "80000"),
        (CALL, "-2", "120", ["OPASN", "OPTRD"], {"AAPL": "-200"}, "120000"),
        (PUT, "2", "80", ["OPEXC", "OPTRD"], {"AAPL": "-200"}, "120000"),
        (PUT, "-2", "80", ["OPASN", "OPTRD"], {"AAPL": "200"}, "80000"),
        (PUT, "-2", "100", ["OPEXP"], {}, "100000"),
    ],
)
def test_options_expire(
    control: Control,
    symbol: str,
    held: str,
    spot: str,
    kinds: list[str],
    positions: dict[str, str],
    cash: str,
) -> None:
    control.set_position(symbol, held, "3")

    rows = control.act("expire", symbol=symbol, spot=spot)

    assert [row["activity_type"] for row in rows] == kinds
    assert (control.state()["positions"], control.state()["cash"]) == (positions, cash)


def test_assignment_before_expiry_takes_part_of_the_contracts(control: Control) -> None:
    control.set_position(PUT, "-3", "3")

    control.act("assign", symbol=PUT, qty=1)

    assert control.state()["positions"] == {PUT: "-2", "AAPL": "100"}
    with pytest.raises(Refused, match="cannot assign 5"):
        control.act("assign", symbol=PUT, qty=5)


def test_fees_and_interest_move_cash(control: Control) -> None:
    control.act("cash", activity="FEE", amount="-0.02")
    control.act("cash", activity="INT", amount="1.52", description="credit")

    assert control.state()["cash"] == "100001.5"
    with pytest.raises(Refused, match="no action 'merger'"):
        control.act("merger")


def test_the_same_seed_gives_the_same_venue(tmp_path: Any, order: Build) -> None:
    seen = []
    for name in ("a", "b"):
        with AlpacaServer(tmp_path / name, now=MONDAY, seed=3) as server:
            server.control.set_quote("AAPL", 100, 101)
            server.control.place_external(order())
            seen.append((server.control.orders(), server.control.executions()))

    assert seen[0] == seen[1]


def test_a_market_order_of_two_legs_costs_both(control: Control, order: Build) -> None:
    control.set_quote(CALL, 5, 6)
    control.set_quote(PUT, 3, 4)
    legs = [{"symbol": symbol, "ratio_qty": "1", "side": "buy"} for symbol in (CALL, PUT)]
    made = control.place_external(
        order(symbol=None, side=None, order_class="mleg", qty="2", legs=legs)
    )

    assert control.order(made["id"])["filled_avg_price"] == "10"
    assert control.state()["positions"] == {CALL: "2", PUT: "2"}
    assert control.state()["cash"] == str(100_000 - 2000)
