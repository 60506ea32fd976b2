"""Faults 30 to 40: the line to the venue, the start, the hours, the clock, the prices."""

from __future__ import annotations

import asyncio
import time
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from alphalens.assets import calendars
from alphalens.errors import BrokerError, InputError, TradingHalted
from alphalens.execution.records import Origin
from alphalens.net import StreamSettings, Timing
from alphalens.risk import ReasonCode, TradingState
from alphalens.testing.faults import FlakyBroker
from alphalens.trading import OrderIntent, OrderStatus
from alphalens.trading.events import EventKind
from alphalens.trading.market import Quote
from alphalens.trading.orders import TimeInForce
from alphalens.trading.targets import Target
from tests.waiting import until

from .desk import OPEN, WIDE, WireDesk, codes
from .invariants import check_invariants

S = OrderStatus
FILLS = "/v2/account/activities/FILL"
PING_EVERY_S = next(f.default for f in fields(StreamSettings) if f.name == "ping_every_s")


def check(desk: WireDesk, alert: str | None = None) -> None:
    check_invariants(desk.session, desk.folder / "venue.sqlite", alert=alert)


def lose_the_line(desk: WireDesk) -> None:
    """Cut the stream, and let it not come back."""
    desk.venue.refuse_stream(-1)
    desk.venue.drop_stream()
    until(lambda: not desk.broker.connection().is_up)


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
    resting = desk.rest()
    if way == "in_place_of_the_event":
        desk.venue.arm_event("drop", event="fill")
    elif way == "back_again":
        desk.venue.drop_stream()
        until(lambda: desk.broker.connection().gaps == 1)
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
        until(lambda: desk.broker.connection().gaps == 1)
        until(lambda: desk.broker.connection().is_up)
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
    resting = desk.rest()
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
    resting = desk.rest()
    desk.venue.mute()
    desk.venue.fill(resting.client_order_id)
    desk.venue.advance(5)
    desk.until(lambda: desk.status(resting) is S.FILLED)
    assert desk.broker.connection().is_up or desk.alerts()
    desk.venue.mute(on=False)
    desk.until(lambda: desk.broker.connection().gaps == 1 and desk.broker.connection().is_up)
    desk.until(lambda: "stream_lost" in desk.alerts())
    assert desk.alerts()[0] == "stream_mute"
    assert desk.venue.state()["stream_opened"] == 2
    desk.hold("AAPL", "1", "heard again")
    check(desk, alert="stream_mute")


def test_fault_31_a_stream_that_does_not_tell_of_our_own_order(desk):
    desk.open(broker_options={"mute_after_s": 0.5})
    desk.venue.mute()
    intent = desk.intent()
    desk.submit(intent)
    until(lambda: desk.broker.connection().gaps == 1)  # without being asked to
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
    resting = desk.rest()
    until(lambda: desk.broker.connection().is_up)
    before = len(waits.asked)

    def between_tries() -> list[float]:  # the line that was lost may have waited for its next ping
        return [wait for wait in waits.asked[before:] if wait != PING_EVERY_S]

    lose_the_line(desk)
    until(lambda: len(between_tries()) >= 8)
    tries = between_tries()[:8]
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
    until(lambda: desk.broker.connection().is_up)
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

    desk.open(broker_options={"queue_size": 100}, line=line)
    desk.quote(AAPL="10")
    desk.mark(AAPL="10")
    orders = [desk.rest("100", f"n{number}", "9.9") for number in range(2)]
    since = len(desk.venue.requests())
    desk.burst([one.client_order_id for one in orders], times=100, repeats=9)
    fills = desk.until(lambda: all(desk.status(one) is S.FILLED for one in orders))
    assert sum(lines[0].sizes) >= 2000
    assert len(fills) == 200
    for order in orders:
        own = [fill.cumulative for fill in fills if fill.client_order_id == order.client_order_id]
        assert own == list(range(1, 101))
    assert max(lines[0].sizes) == 100  # a full queue, and never more
    assert desk.broker.connection().gaps == 0
    assert desk.alerts() == []
    assert len(desk.venue.requests()) == since  # nothing had to be asked for
    check(desk)


SELL = {"symbol": "MSFT", "side": "sell", "qty": "5", "type": "limit", "limit_price": "60"}


def test_fault_34_what_was_there_before_us(desk):
    desk.venue.set_position("MSFT", "20", "45")
    desk.venue.set_position("SPY", "-3", "390")
    placed = desk.venue.place_external({**SELL, "time_in_force": "gtc"})
    session = desk.open()
    assert desk.report.differences == ()
    assert session.external == {"MSFT", "SPY"}
    (theirs,) = session.open_orders
    assert (theirs.origin, theirs.client_order_id) == (Origin.EXTERNAL, placed["client_order_id"])
    assert session.book_view().open_sells == {"MSFT": 5}
    assert {s: p.quantity for s, p in session.ledger.positions.items()} == {"MSFT": 20, "SPY": -3}
    target = Target(name="t", asof=OPEN, weights={"AAPL": 0.1})
    assert [one.symbol for one in session.plan(target, cycle_id="c1")] == ["AAPL"]
    (order,) = desk.submit(desk.intent("MSFT", "-5"))
    assert (order.status, codes(order)) == (S.REFUSED, {ReasonCode.EXTERNAL_POSITION})
    assert desk.venue.requests("POST") == []
    session.claim("MSFT", by="desk", reason="bought by hand")
    assert session.external == {"SPY"}
    desk.hold("MSFT", "-2", "claimed")
    desk.crash()
    desk.open()
    assert desk.session.external == {"SPY"}
    desk.hold("MSFT", "-2", "still claimed")
    desk.venue.fill(placed["id"])
    desk.until(lambda: desk.session.ledger.quantity("MSFT") == 11)
    assert "foreign_fill" not in desk.alerts()
    check(desk, alert="external_order")


@pytest.mark.parametrize("what", ["more", "less", "gone", "other", "cash"])
def test_fault_35_the_start_finds_another_position(desk, what):
    desk.open()
    desk.hold("AAPL", "10")
    desk.crash()
    cash = desk.venue.state()["cash"]
    symbol, units = {"more": ("AAPL", 12), "less": ("AAPL", 7), "gone": ("AAPL", 0)}.get(
        what, ("MSFT", 5)
    )
    if what == "cash":
        desk.venue.set_cash("5000")
    else:
        desk.venue.set_position(symbol, units, "100")
    desk.open()
    (found,) = desk.report.differences
    assert found.symbol == ("USD" if what == "cash" else symbol)
    if what != "cash":
        assert (found.ours, found.theirs) == (10 if symbol == "AAPL" else 0, units)
    assert desk.session.state is TradingState.HALTED
    (order,) = desk.submit(desk.intent("SPY", "1", "later"))
    assert (order.status, codes(order)) == (S.REFUSED, {ReasonCode.HALTED})
    desk.session.collect_fills()
    assert desk.session.ledger.quantity("AAPL") == 10  # nothing is made up
    assert [fill.quantity for fill in desk.session.journal.fills()] == [10]
    assert len(desk.venue.requests("POST")) == 1
    desk.session.resume(by="desk", reason="too early")
    assert desk.session.reconcile() == (found,)
    assert desk.session.state is TradingState.HALTED
    if what == "cash":
        desk.venue.set_cash(cash)
    else:
        desk.venue.set_position(symbol, 10 if symbol == "AAPL" else 0, "100")
    assert desk.session.reconcile() == ()
    desk.session.resume(by="desk", reason="found it")
    desk.hold("AAPL", "1", "again")
    check(desk, alert="state_changed")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("empty", {}),
        ("server_error", {}),
        ("malformed", {}),
        ("status", {"status": 200, "body": {"message": "try later"}}),
        ("status", {"status": 200, "body": [{"symbol": "AAPL"}]}),
    ],
    ids=["empty", "error", "cut", "no_list", "no_units"],
)
@pytest.mark.parametrize("when", ["start", "heartbeat", "after_a_gap"])
def test_fault_36_positions_that_are_not_told(desk, when, kind, fields):
    fields = {**fields, "method": "GET", "path": "/v2/positions", "count": -1}
    desk.open(heartbeat=timedelta(0) if when == "heartbeat" else timedelta(hours=1))
    desk.hold("AAPL", "10")
    if when == "start":
        desk.crash()
    elif when == "after_a_gap":
        lose_the_line(desk)
    desk.venue.arm(kind, **fields)
    second = desk.intent(name="second")
    if when == "start":
        with pytest.raises(BrokerError):
            desk.open()
        with pytest.raises(TradingHalted):
            desk.submit(second)
    else:
        with pytest.raises(BrokerError):
            desk.submit(second)
        if kind != "server_error":  # the breaker has seen enough of those
            with pytest.raises(BrokerError):
                desk.session.reconcile()
    assert desk.posts(second) == 0
    assert desk.session.ledger.quantity("AAPL") == 10  # and not flat
    desk.venue.disarm()
    if when == "start":
        desk.crash()
        desk.open()
        assert desk.report.differences == ()
    assert desk.session.state is TradingState.ACTIVE
    desk.submit(second)
    desk.until(lambda: desk.status(second) is S.FILLED)
    assert desk.session.ledger.quantity("AAPL") == 20
    check(desk)


@pytest.mark.parametrize(
    ("symbol", "theirs", "units"),
    [("BTC/USD", "BTCUSD", "0.123456789"), ("BRK.B", "BRK.B", "3")],
)
def test_fault_37_one_name_for_one_asset(desk, symbol, theirs, units):
    desk.quote(**{symbol: "300"})
    desk.open()
    desk.mark(**{symbol: "300"})
    tif = TimeInForce.GTC if "/" in symbol else TimeInForce.DAY
    (order,) = desk.submit(desk.intent(symbol, units, time_in_force=tif))
    desk.until(lambda: desk.status(order) is S.FILLED)
    body = {"symbol": theirs, "side": "buy", "qty": "2", "type": "market"}
    desk.venue.place_external({**body, "time_in_force": tif.value})
    desk.until(lambda: desk.session.ledger.quantity(symbol) == 2 + Decimal(units))
    assert set(desk.session.ledger.positions) == {symbol}
    assert desk.session.external == {symbol}
    assert desk.broker.positions() == {symbol: 2 + Decimal(units)}
    assert desk.session.reconcile() == ()
    desk.session.claim(symbol, by="desk", reason="ours")
    (back,) = desk.submit(desk.intent(symbol, f"-{units}", "back", time_in_force=tif))
    desk.until(lambda: desk.status(back) is S.FILLED)
    desk.crash()
    desk.open()
    assert desk.report.differences == ()
    assert {fill.symbol for fill in desk.session.journal.fills()} == {symbol}
    assert {desk.posts(order), desk.posts(back)} == {1}
    check(desk)


def test_fault_37_the_name_that_another_vendor_has(desk):
    desk.open()
    for number, name in enumerate(("BRK-B", "BRK/B", "BTCUSD", "BTC-USD")):
        (order,) = desk.submit(desk.intent(name, "1", f"n{number}"))
        assert (order.status, ReasonCode.UNKNOWN_ASSET in codes(order)) == (S.REFUSED, True)
        assert desk.posts(order) == 0
    check(desk)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "instant",
    [
        "2026-03-06T14:29",  # the Friday before the clocks go forward
        "2026-03-06T14:30",
        "2026-03-09T13:29",  # the Monday after
        "2026-03-09T13:30",
        "2026-03-09T19:59",
        "2026-03-09T20:00",
        "2026-10-30T13:30",  # the Friday before they go back
        "2026-11-02T13:30",
        "2026-11-02T14:30",
        "2026-11-27T17:59",  # a half day
        "2026-11-27T18:00",
        "2026-11-26T16:00",  # a holiday
        "2026-07-03T16:00",  # a holiday kept on the Friday before
        "2026-03-07T16:00",  # a Saturday
    ],
)
def test_fault_38_orders_at_market_wait_for_the_session(desk, instant):
    now = at(instant)
    is_open = calendars.is_open("XNYS", now)
    desk.venue.set_time(now)
    desk.quote(**desk.prices)
    desk.open()
    told = desk.broker.session()
    assert told.is_open is is_open
    assert told.next_open == calendars.next_open("XNYS", now)
    assert told.next_close == calendars.next_close("XNYS", now)
    order = desk.intent(created_at=now)
    desk.submit(order)
    if is_open:
        desk.until(lambda: desk.status(order) is S.FILLED)
    else:
        assert desk.status(order) is S.REFUSED
        found = desk.session.order(order.client_order_id)
        assert codes(found) == {ReasonCode.SESSION_CLOSED}
    assert desk.posts(order) == is_open
    check(desk)


@pytest.mark.parametrize(
    ("placed", "expires"),
    [
        ("2026-03-06T15:00", "2026-03-06T21:00"),
        ("2026-03-06T22:00", "2026-03-09T20:00"),  # after the close, over the change of clocks
        ("2026-11-02T15:00", "2026-11-02T21:00"),
        ("2026-11-27T15:00", "2026-11-27T18:00"),
        ("2026-11-26T15:00", "2026-11-27T18:00"),  # placed on a holiday before a half day
    ],
)
def test_fault_38_a_day_order_lives_until_the_close(desk, placed, expires):
    now, end = at(placed), at(expires)
    assert calendars.day_order_expiry("XNYS", now) == end
    desk.venue.set_time(now)
    desk.quote(**desk.prices)
    desk.open(heartbeat=timedelta(0))
    intent = desk.intent(limit="99", created_at=now)
    desk.submit(intent)
    desk.venue.set_time(end - timedelta(seconds=1))
    desk.until(lambda: desk.venue.order(intent.client_order_id)["status"] == "new")
    desk.session.collect_fills()
    assert desk.status(intent) is S.ACCEPTED
    desk.mark()
    late = desk.intent("MSFT", "1", "late")
    desk.submit(late)
    desk.until(lambda: desk.status(late) is S.FILLED)
    desk.venue.set_time(end)
    desk.until(lambda: desk.status(intent) is S.EXPIRED)
    too_late = desk.intent("MSFT", "1", "too late")
    desk.mark()
    desk.submit(too_late)
    assert codes(desk.session.order(too_late.client_order_id)) == {ReasonCode.SESSION_CLOSED}
    for record in desk.session.journal.records():
        assert record.at.utcoffset() is not None
    for fill in desk.session.journal.fills():
        assert fill.at.utcoffset() is not None
    assert desk.posts(intent) == 1
    check(desk)


@pytest.mark.parametrize("ahead", [-60, 60])
def test_fault_39_our_clock_is_wrong_by_a_minute(desk, ahead):
    desk.clock.skew = timedelta(seconds=ahead)
    limits = replace(WIDE, max_price_age_s=30)
    desk.open(heartbeat=timedelta(milliseconds=50), limits=limits)
    desk.hold("AAPL", "10")  # at the last price, and without a quote
    venue_now = datetime.fromisoformat(desk.venue.now())
    for age, is_sent in ((10, True), (40, False)):
        at = venue_now - timedelta(seconds=age)
        bid, ask = Decimal("99.98"), Decimal(100)
        desk.session.market.on_quote(Quote(symbol="AAPL", at=at, bid=bid, ask=ask))
        order = desk.intent(units="1", name=f"after {age} s")
        desk.submit(order)
        assert desk.posts(order) == is_sent
        if not is_sent:
            found = desk.session.order(order.client_order_id)
            assert codes(found) == {ReasonCode.STALE_PRICE}
    desk.until(lambda: desk.session.ledger.quantity("AAPL") == 11)
    time.sleep(0.06)
    desk.session.collect_fills()  # a heartbeat finds nothing wrong with the stream
    assert desk.alerts() == []
    desk.crash()
    desk.clock.skew *= 2  # more than the limits allow
    desk.open(limits=limits)
    order = desk.intent(name="too far off")
    desk.submit(order)
    assert ReasonCode.CLOCK_SKEW in codes(desk.session.order(order.client_order_id))
    assert desk.posts(order) == 0
    check(desk)


def test_fault_39_a_mute_stream_is_found_by_the_venues_clock(desk):
    desk.clock.skew = timedelta(seconds=-60)
    desk.open(heartbeat=timedelta(milliseconds=100))
    resting = desk.rest()
    desk.venue.mute()
    desk.venue.fill(resting.client_order_id)
    desk.venue.advance(5)
    desk.until(lambda: desk.status(resting) is S.FILLED)
    desk.venue.mute(on=False)
    desk.until(lambda: desk.broker.connection().gaps == 1)
    desk.until(lambda: "stream_lost" in desk.alerts())
    check(desk, alert="stream_mute")


def test_fault_39_our_clock_jumps_back(desk):
    desk.open(heartbeat=timedelta(milliseconds=100), grace=timedelta(milliseconds=100))
    resting = desk.rest()
    lost = desk.intent("MSFT", "3", "lost")
    desk.venue.arm("refuse", method="POST", path="/v2/orders")
    desk.submit(lost)
    desk.clock.skew = timedelta(seconds=-60)
    desk.until(lambda: desk.session.order(lost.client_order_id).is_absent)  # grace has passed
    desk.session.mark({"AAPL": Decimal(100), "MSFT": Decimal(50)})
    desk.submit(lost)
    desk.until(lambda: desk.status(lost) is S.FILLED)
    desk.venue.fill(resting.client_order_id)
    desk.until(lambda: desk.status(resting) is S.FILLED)
    before = len(desk.venue.requests())
    time.sleep(0.11)
    desk.session.collect_fills()
    assert len(desk.venue.requests()) > before  # the heartbeat goes on
    records = list(desk.session.journal.records())
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    stamps = [record.at for record in records]
    assert stamps != sorted(stamps)  # the clock did run back, the order is that of the numbers
    desk.crash()
    desk.open()
    assert desk.status(lost) is S.FILLED
    assert desk.session.ledger.quantity("AAPL") == 10
    assert desk.posts(lost) == 2  # the first of which never arrived
    check(desk, alert="order_absent")


@pytest.mark.parametrize("limit", [None, "100"])
@pytest.mark.parametrize(
    ("bid", "ask", "age", "code"),
    [
        ("99.98", "100", 31, ReasonCode.STALE_PRICE),
        ("99.98", "100", -31, ReasonCode.STALE_PRICE),
        ("100.02", "100", 0, ReasonCode.CROSSED_QUOTE),
        ("0", "100", 0, ReasonCode.BAD_QUOTE),
        ("99.98", "0", 0, ReasonCode.BAD_QUOTE),
        ("-1", "100", 0, ReasonCode.BAD_QUOTE),
        ("NaN", "100", 0, ReasonCode.BAD_QUOTE),
        ("99.98", "Infinity", 0, ReasonCode.BAD_QUOTE),
    ],
)
def test_fault_40_a_quote_that_nothing_may_be_decided_with(desk, bid, ask, age, code, limit):
    desk.open(limits=replace(WIDE, max_price_age_s=30))
    made = desk.clock.now() - timedelta(seconds=age)
    quote = Quote(symbol="AAPL", at=made, bid=Decimal(bid), ask=Decimal(ask))
    desk.session.market.on_quote(quote)
    order = desk.intent(limit=limit)
    desk.submit(order)
    found = desk.session.order(order.client_order_id)
    assert found.status is S.REFUSED
    assert code in codes(found)
    assert desk.posts(order) == 0
    sound = replace(quote, at=desk.clock.now(), bid=Decimal("99.98"), ask=Decimal(100))
    desk.session.market.on_quote(sound)
    desk.hold("AAPL", "1", "with a sound quote")
    check(desk)


@pytest.mark.parametrize("price", ["0", "-5", "NaN", "Infinity"])
def test_fault_40_a_last_price_that_is_none(desk, price):
    desk.open(limits=replace(WIDE, max_price_age_s=30))
    with pytest.raises(InputError):
        desk.session.mark({"AAPL": Decimal(price)})
    desk.venue.advance(31)
    for limit in (None, "100"):
        order = desk.intent(name=f"limit {limit}", limit=limit)
        desk.submit(order)
        found = desk.session.order(order.client_order_id)
        assert (found.status, codes(found)) == (S.REFUSED, {ReasonCode.STALE_PRICE})
        assert desk.posts(order) == 0
    desk.mark(AAPL="100")
    desk.hold("AAPL", "1", "with a fresh price")
    check(desk)
