"""Faults 30 to 40: the line to the venue, the start, the hours, the clock, the prices."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from alphalens.assets import calendars
from alphalens.errors import BrokerError, InputError, TradingHalted
from alphalens.execution.records import OrderRecord, Origin
from alphalens.net import Timing
from alphalens.risk import ReasonCode, TradingState
from alphalens.testing.faults import FlakyBroker
from alphalens.trading import OrderIntent, OrderStatus
from alphalens.trading.events import EventKind
from alphalens.trading.market import Quote
from alphalens.trading.orders import Side, TimeInForce
from alphalens.trading.targets import Target

from .desk import OPEN, WIDE, WireDesk
from .invariants import check_invariants

S = OrderStatus
FILLS = "/v2/account/activities/FILL"


def check(desk: WireDesk, alert: str | None = None) -> None:
    check_invariants(desk.session, desk.folder / "venue.sqlite", alert=alert)


def codes(order: OrderRecord) -> set[ReasonCode]:
    return {reason.code for reason in order.reasons}


def rest(desk: WireDesk, units: str = "10", name: str = "resting", limit: str = "99"):
    intent = desk.intent(units=units, name=name, limit=limit)
    (order,) = desk.submit(intent)
    assert order.status is S.ACCEPTED
    desk.until(lambda: desk.venue.order(intent.client_order_id)["status"] == "new")
    return intent


def lose_the_line(desk: WireDesk) -> None:
    """Cut the stream, and let it not come back."""
    desk.venue.refuse_stream(-1)
    desk.venue.drop_stream()
    desk.wait_for(lambda: not desk.broker.connection().is_up)


def written(desk: WireDesk, kind: EventKind, intent: OrderIntent) -> int:
    """The number of the first record of that kind about an order."""
    records = desk.session.journal.records(kind=kind)
    ids = [(r.payload.get("intent", r.payload)["client_order_id"], r.seq) for r in records]
    return next(seq for key, seq in ids if key == intent.client_order_id)


def asked_first(desk: WireDesk, intent: OrderIntent, since: int) -> bool:
    """Whether the list of executions was asked for, since then, before an order went out."""
    rows = desk.venue.requests()[since:]
    (sent,) = (n for n, row in enumerate(rows) if row["client_order_id"] == intent.client_order_id)
    return any(row["path"] == FILLS and row["status"] == 200 for row in rows[:sent])


@pytest.mark.parametrize("way", ["still_down", "back_again", "in_place_of_the_event", "late_in_it"])
def test_fault_30_executions_while_the_stream_was_lost(desk, way):
    desk.open()
    resting = rest(desk)
    if way == "in_place_of_the_event":
        desk.venue.arm_event("drop", event="fill")
    elif way == "back_again":
        desk.venue.drop_stream()
        desk.wait_for(lambda: desk.broker.connection().gaps == 1)
    else:
        lose_the_line(desk)
    if way == "late_in_it":  # the gap was looked at once, and went on
        desk.session.collect_fills()
        assert desk.alerts() == ["stream_lost"]
    since = len(desk.venue.requests())
    desk.venue.fill(resting.client_order_id)
    if way == "late_in_it":
        desk.venue.refuse_stream(0)
    if way != "still_down":
        desk.wait_for(lambda: desk.broker.connection().gaps == 1)
        desk.wait_for(lambda: desk.broker.connection().is_up)
    second = desk.intent(name="second")
    desk.submit(second)
    assert desk.status(resting) is S.FILLED
    assert written(desk, EventKind.FILL, resting) < written(desk, EventKind.ORDER_INTENDED, second)
    assert asked_first(desk, second, since)
    desk.until(lambda: desk.status(second) is S.FILLED)
    assert desk.alerts().count("stream_lost") == 1
    assert (desk.posts(resting), desk.posts(second)) == (1, 1)
    check(desk, alert="stream_lost")


@pytest.mark.parametrize("silent", [FILLS, "/v2/positions", "/v2/orders"])
def test_fault_30_nothing_is_sent_unseen(desk, silent):
    desk.open()
    resting = rest(desk)
    lose_the_line(desk)
    desk.venue.fill(resting.client_order_id)
    desk.venue.arm("status", method="GET", path=silent, status=500, count=-1)
    second = desk.intent(name="second")
    with pytest.raises(BrokerError):
        desk.submit(second)
    assert desk.posts(second) == 0
    assert desk.session.order(second.client_order_id) is None
    desk.venue.disarm()
    desk.submit(second)
    assert desk.status(resting) is S.FILLED
    assert desk.posts(second) == 1
    desk.until(lambda: desk.status(second) is S.FILLED)
    check(desk, alert="stream_lost")


def test_fault_31_a_stream_that_is_up_and_mute(desk):
    desk.open(heartbeat=timedelta(milliseconds=100))
    resting = rest(desk)
    desk.venue.mute()
    desk.venue.fill(resting.client_order_id)
    desk.venue.advance(5)
    began = time.monotonic()
    desk.until(lambda: desk.status(resting) is S.FILLED)
    assert time.monotonic() - began < 1.5  # a heartbeat, and no more than that
    assert desk.broker.connection().is_up or desk.alerts()
    desk.venue.mute(on=False)
    desk.until(lambda: desk.broker.connection().gaps == 1 and desk.broker.connection().is_up)
    desk.until(lambda: "stream_lost" in desk.alerts())
    assert desk.alerts()[0] == "stream_mute"
    assert desk.venue.state()["stream_opened"] == 2
    desk.hold("AAPL", "1", "heard again")
    check(desk, alert="stream_mute")


def test_fault_31_a_stream_that_does_not_tell_of_our_own_order(desk):
    desk.open(broker_options={"mute_after_s": 0.1})
    desk.venue.mute()
    intent = desk.intent()
    desk.submit(intent)
    desk.wait_for(lambda: desk.broker.connection().gaps == 1)  # without being asked to
    desk.venue.mute(on=False)
    desk.until(lambda: desk.status(intent) is S.FILLED)
    (told,) = (a.message for a in desk.session.journal.alerts() if a.code == "stream_lost")
    assert "lost" in told
    check(desk, alert="stream_lost")


class Waits:
    """Sleeps a hundred times as fast, and keeps how long it was asked to."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        await asyncio.sleep(seconds / 100)


def test_fault_32_the_second_connection_is_refused(desk):
    waits = Waits()
    desk.open(timing=Timing(sleep=waits.sleep))
    resting = rest(desk)
    desk.wait_for(lambda: desk.broker.connection().is_up)
    before = len(waits.asked)
    lose_the_line(desk)
    desk.wait_for(lambda: len(waits.asked) >= before + 8)
    tries = waits.asked[before : before + 8]
    assert all(0 <= wait <= min(30.0, 0.5 * 2**n) for n, wait in enumerate(tries))
    assert max(tries) > 1.0  # it backs off
    assert len(set(tries)) == len(tries)  # with jitter
    assert "429" in desk.broker.connection().problem
    desk.venue.fill(resting.client_order_id)  # and REST carries on
    desk.until(lambda: desk.status(resting) is S.FILLED)
    second = desk.intent(name="second")
    desk.submit(second)
    desk.until(lambda: desk.status(second) is S.FILLED)
    assert desk.broker.connection().gaps == 1
    desk.venue.refuse_stream(0)
    desk.wait_for(lambda: desk.broker.connection().is_up)
    desk.hold("AAPL", "1", "heard again")
    assert desk.alerts() == ["stream_lost"]
    assert desk.posts(second) == 1
    check(desk)


class Portions(FlakyBroker):
    """Counts how many messages are taken at a time."""

    def updates(self):
        taken = super().updates()
        self.sizes.append(len(taken))
        return taken


def test_fault_33_a_burst_that_is_read_slowly(desk):
    lines: list[Portions] = []

    def line(broker):
        lines.append(Portions(broker))
        lines[0].sizes = []
        return lines[0]

    desk.open(broker_options={"queue_size": 500}, line=line)
    desk.quote(AAPL="10")
    desk.mark(AAPL="10")
    orders = [rest(desk, "5000", f"n{number}", "9.9") for number in range(2)]
    since = len(desk.venue.requests())
    desk.burst([one.client_order_id for one in orders], times=5000)
    fills = desk.until(lambda: all(desk.status(one) is S.FILLED for one in orders), 30.0)
    assert len(fills) == 10_000
    for order in orders:
        own = [fill.cumulative for fill in fills if fill.client_order_id == order.client_order_id]
        assert own == list(range(1, 5001))
    assert max(lines[0].sizes) == 500  # a full queue, and never more
    assert desk.broker.connection().gaps == 0
    assert desk.alerts() == []
    assert len(desk.venue.requests()) == since  # nothing had to be asked for
    check(desk)
