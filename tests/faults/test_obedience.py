"""What a person asks, and what the venue does not say, counts before the next send."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from alphalens.errors import BrokerError
from alphalens.execution import Command, CommandKind, write_command
from alphalens.risk import TradingState
from alphalens.trading import OrderStatus
from tests.waiting import PATIENCE_S

from .invariants import check_invariants


def test_halt_that_is_stored_while_the_venue_is_asked_stops_the_order(desk):
    desk.open(heartbeat=timedelta(milliseconds=1))
    desk.hold("AAPL", "5")
    time.sleep(0.01)
    desk.venue.arm("delay", method="GET", path="/v2/positions", seconds=0.5, count=-1)
    told = []
    sender = threading.Thread(target=lambda: told.extend(desk.submit(desk.intent(name="late"))))
    sender.start()
    time.sleep(0.2)
    halt = Command(kind=CommandKind.HALT, by="ann", reason="fire")
    write_command(desk.session.journal.engine, halt, at=datetime.now(UTC))
    sender.join(PATIENCE_S)
    (order,) = told
    assert order.status is OrderStatus.REFUSED
    assert desk.posts(order) == 0
    assert desk.session.state is TradingState.HALTED


def test_nothing_is_sent_until_the_books_could_be_compared(desk):
    desk.open(heartbeat=timedelta(milliseconds=1))
    desk.hold("AAPL", "5")
    time.sleep(0.01)
    desk.venue.arm("empty", method="GET", path="/v2/positions", count=-1)
    for number in range(3):
        intent = desk.intent(name=f"n{number}")
        with pytest.raises(BrokerError):
            desk.submit(intent)
        assert desk.posts(intent) == 0
    assert desk.alerts().count("not_compared") == 1
    desk.venue.disarm()
    (order,) = desk.submit(desk.intent(name="again"))
    desk.until(lambda: desk.status(order) is OrderStatus.FILLED)
    check_invariants(desk.session, desk.folder / "venue.sqlite", alert="not_compared")


def test_order_by_hand_with_text_that_no_database_holds_bricks_nothing(desk):
    desk.open()
    order = {
        "symbol": "MSFT",
        "qty": "1",
        "side": "buy",
        "type": "limit",
        "limit_price": "10",
        "time_in_force": "gtc",
        "client_order_id": "a\0b",
    }
    desk.venue.place_external(order)
    desk.until(lambda: "MSFT" in desk.session.external)
    desk.crash()
    desk.open()
    assert desk.report.differences == ()
    assert "MSFT" in desk.session.external
