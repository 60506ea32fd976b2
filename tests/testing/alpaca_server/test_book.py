"""What executions make of a position."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alphalens.testing.alpaca_server import AlpacaServer

Build = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("fills", "qty", "entry"),
    [
        ([(10, 100), (30, 110)], "40", "107.5"),
        ([(10, 100), (-4, 120)], "6", "100"),
        ([(-10, 100), (-10, 90)], "-20", "95"),
        ([(-10, 100), (4, 80)], "-6", "100"),
        ([(10, 100), (-15, 120)], "-5", "120"),
    ],
)
def test_average_entry_moves_when_a_position_grows_or_turns(
    server: AlpacaServer, fills: list[tuple[int, int]], qty: str, entry: str
) -> None:
    book = server.venue.book

    for signed, price in fills:
        before = book.held("AAPL")
        server.control.set_position("AAPL", before + signed, price)

    assert str(book.positions["AAPL"].qty) == qty
    assert str(book.positions["AAPL"].avg_entry) == entry


def test_a_flat_position_disappears_and_cash_keeps_the_gain(
    server: AlpacaServer, order: Build
) -> None:
    server.control.place_external(order())
    server.control.set_quote("AAPL", 110, 111)
    server.control.place_external(order(side="sell"))

    state = server.control.state()

    assert state["positions"] == {}
    assert state["cash"] == state["equity"] == str(100_000 + 10 * (110 - 100.02))


def test_an_option_moves_cash_by_its_hundred_shares(server: AlpacaServer, order: Build) -> None:
    symbol = "AAPL260417C00100000"
    server.control.set_quote(symbol, 2, "2.10")

    server.control.place_external(order(symbol=symbol, qty="3"))

    assert server.control.state()["cash"] == str(100_000 - 630)
