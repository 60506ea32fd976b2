"""Faults 21 to 29: an order is changed, or refused, or the venue does not say what it means."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from decimal import Decimal

import pytest

from alphalens.errors import CredentialsRefused
from alphalens.execution.records import Origin
from alphalens.net import Timing
from alphalens.risk import ReasonCode, TradingState
from alphalens.trading import OrderIntent, OrderStatus
from alphalens.trading.orders import OrderType, Side, TimeInForce
from alphalens.trading.targets import Target
from tests.waiting import until

from .desk import OPEN, WireDesk, codes
from .invariants import check_invariants

S = OrderStatus


def check(desk: WireDesk, alert: str | None = None) -> None:
    check_invariants(desk.session, desk.folder / "venue.sqlite", alert=alert)


def patches(desk: WireDesk, intent: OrderIntent) -> int:
    return len(desk.venue.requests("PATCH", client_order_id=intent.client_order_id))


def booked(desk: WireDesk) -> dict[str, Decimal]:
    """Units executed, order by order, as the journal has them."""
    units: dict[str, Decimal] = {}
    for fill in desk.session.journal.fills():
        units[fill.client_order_id] = units.get(fill.client_order_id, Decimal(0)) + fill.quantity
    return units


def trades_again(desk: WireDesk) -> None:
    """Nothing is left behind that blocks the symbol."""
    assert desk.session.frozen == {}
    desk.hold("AAPL", "1", "again")


@pytest.mark.parametrize("way", ["after_the_answer", "before_the_request", "while_pending"])
def test_fault_21_the_old_order_fills_before_its_replacement(desk, way):
    desk.open()
    old = desk.rest()
    new = desk.intent(name="new", limit="98")
    if way == "after_the_answer":
        desk.venue.arm("fill", method="PATCH")
    elif way == "while_pending":
        desk.venue.arm("pend", method="PATCH")
    else:  # nobody has told us yet
        desk.venue.arm_event("skip", event="fill")
        desk.venue.fill(old.client_order_id)
    answer = desk.session.replace_order(old.client_order_id, new)
    if way == "while_pending":
        assert desk.session.book_view().open_buys == {"AAPL": 10}
        (other,) = desk.submit(desk.intent(units="-3", name="other"))
        assert ReasonCode.UNRESOLVED in codes(other)
        assert desk.posts(other) == 0
        desk.venue.fill(old.client_order_id)
        desk.venue.set_status(new.client_order_id, "rejected", "order_replace_rejected")
    elif way == "before_the_request":
        assert answer.status is S.REJECTED
        assert "replace" in answer.note
    desk.until(lambda: desk.status(old) is S.FILLED and desk.status(new) is S.REJECTED)
    assert booked(desk) == {old.client_order_id: 10}
    assert desk.session.replace_order(old.client_order_id, new).status is S.REJECTED
    assert (desk.posts(old), desk.posts(new), patches(desk, new)) == (1, 0, 1)
    trades_again(desk)
    check(desk, alert="order_rejected")


@pytest.mark.parametrize("way", ["answered", "answer_lost", "answer_cut", "pending", "in_parts"])
def test_fault_22_replaced_under_a_new_id(desk, way):
    desk.open()
    old = desk.rest()
    units = "10"
    if way == "in_parts":
        desk.venue.fill(old.client_order_id, qty=4, price="99")
        desk.until(lambda: desk.status(old) is S.PARTIAL)
        units = "6"
    kind = {"answer_lost": "accept_504", "answer_cut": "close", "pending": "pend"}.get(way)
    if kind is not None:
        desk.venue.arm(kind, method="PATCH")
    new = desk.intent(units=units, name="new", limit="98")
    answer = desk.session.replace_order(old.client_order_id, new)
    assert answer.status is (S.UNKNOWN if way in ("answer_lost", "answer_cut") else S.ACCEPTED)
    assert desk.session.book_view().open_buys == {"AAPL": Decimal(units)}
    if way == "pending":
        assert desk.status(old) is S.PENDING_REPLACE
        desk.venue.release_replace(old.client_order_id)
    desk.until(lambda: desk.status(old) is S.REPLACED and desk.status(new) is S.ACCEPTED)
    first, second = (desk.session.order(one.client_order_id) for one in (old, new))
    assert (first.replaced_by, second.parent_id) == (new.client_order_id, old.client_order_id)
    assert second.intent.replaces == old.client_order_id
    assert first.venue_order_id != second.venue_order_id
    assert desk.venue.order(new.client_order_id)["replaces"] == first.venue_order_id
    assert "order_replaced" not in desk.alerts()
    desk.quote(AAPL="98")
    desk.until(lambda: desk.status(new) is S.FILLED)
    assert sum(booked(desk).values()) == 10
    assert desk.session.ledger.quantity("AAPL") == 10
    assert desk.session.book_view().open_buys == {}
    assert (desk.posts(old), desk.posts(new), patches(desk, new)) == (1, 0, 1)
    check(desk)


def test_fault_22_a_chain_of_replacements_is_one_intent(desk):
    desk.open()
    intents = [desk.rest()]
    for number, price in enumerate(("98", "97")):
        new = desk.intent(name=f"new{number}", limit=price)
        if number:
            desk.venue.arm("pend", method="PATCH")
        desk.session.replace_order(intents[-1].client_order_id, new)
        desk.until(lambda new=new: desk.status(new) is S.ACCEPTED)
        intents.append(new)
    assert desk.status(intents[0]) is S.REPLACED
    assert desk.session.book_view().open_buys == {"AAPL": 10}  # and not once for each of them
    desk.venue.fill(intents[1].client_order_id, qty=4, price="98")
    desk.until(lambda: booked(desk))
    assert desk.session.book_view().open_buys == {"AAPL": 10}
    desk.venue.release_replace(intents[1].client_order_id)
    desk.until(lambda: desk.status(intents[1]) is S.REPLACED)
    links = [desk.session.order(one.client_order_id) for one in intents]
    assert [one.parent_id for one in links[1:]] == [one.client_order_id for one in links[:-1]]
    assert [one.replaced_by for one in links[:-1]] == [one.client_order_id for one in links[1:]]
    desk.crash()
    desk.open()
    assert [desk.session.order(one.client_order_id) for one in intents] == links
    desk.session.cancel(intents[2].client_order_id)
    desk.until(lambda: desk.status(intents[2]) is S.CANCELED)
    assert booked(desk) == {intents[1].client_order_id: 4}
    check(desk)


@pytest.mark.parametrize("when", ["while_we_listen", "while_the_line_is_down", "while_we_are_down"])
@pytest.mark.parametrize("what", ["canceled", "replaced", "split"])
def test_fault_23_the_venue_changes_an_order_on_its_own(desk, what, when):
    desk.open()
    old = desk.rest(time_in_force=TimeInForce.GTC)
    if when == "while_the_line_is_down":
        desk.venue.refuse_stream(-1)
        desk.venue.drop_stream()
        until(lambda: not desk.broker.connection().is_up)
    elif when == "while_we_are_down":
        desk.crash()
    if what == "canceled":
        desk.venue.cancel_external(old.client_order_id)
    elif what == "replaced":
        desk.venue.replace_external(old.client_order_id, {"limit_price": "97"})
    else:
        desk.venue.act("split", symbol="AAPL", ratio=2)
    if when == "while_we_are_down":
        desk.venue.refuse_stream(0)
        desk.open()
    if what == "canceled":
        desk.until(lambda: desk.status(old) is S.CANCELED)
        assert [o.client_order_id for o in desk.session.journal.orders()] == [old.client_order_id]
        assert desk.session.book_view().open_buys == {}
        check(desk)
        return
    desk.until(lambda: desk.status(old) is S.REPLACED and desk.session.open_orders)
    (new,) = desk.session.open_orders
    assert (new.origin, new.parent_id) == (Origin.EXTERNAL, old.client_order_id)
    assert desk.session.external == frozenset()
    units, price = (20, Decimal("49.5")) if what == "split" else (10, Decimal(97))
    assert (new.intent.quantity, new.intent.limit_price) == (units, price)
    assert desk.session.book_view().open_buys == {"AAPL": units}
    desk.quote(AAPL=str(price))
    desk.until(lambda: desk.status(new) is S.FILLED)
    assert desk.session.ledger.quantity("AAPL") == units
    assert desk.posts(old) == 1
    assert len(desk.venue.requests("POST")) == 1
    check(desk, alert="order_replaced_by_venue")


def asked(desk: WireDesk) -> int:
    """How often the venue was asked about orders."""
    rows = desk.venue.requests("GET")
    return sum(row["path"].startswith("/v2/orders") for row in rows)


@pytest.mark.parametrize("where", ["answer", "event", "execution", "lasting"])
def test_fault_24_a_status_that_nobody_knows(desk, where):
    desk.open()
    limit = None if where == "execution" else "99"
    intent, before = desk.intent(limit=limit), asked(desk)
    opened = desk.venue.state()["stream_opened"]
    if where == "answer":
        desk.venue.arm("unknown_status", method="POST", path="/v2/orders")
        desk.venue.arm_event("skip", event="new")
    elif where == "event":
        desk.venue.arm_event("unknown_status", event="new")
    elif where == "execution":
        desk.venue.arm_event("unknown_status", event="fill")
    (order,) = desk.submit(intent)
    if where == "answer":
        assert order.status is S.UNKNOWN
    elif where == "lasting":
        desk.venue.set_status(intent.client_order_id, "under_observation")
        desk.until(lambda: desk.status(intent) is S.UNKNOWN)
    desk.until(lambda: "order_status_unknown" in desk.alerts())
    if where == "lasting":  # looked up, and still nobody knows what it means
        desk.session.collect_fills()
        assert desk.venue.requests("GET", client_order_id=intent.client_order_id)
        assert desk.status(intent) is S.UNKNOWN
        (other,) = desk.submit(desk.intent(units="3", name="other"))
        assert ReasonCode.UNRESOLVED in codes(other)
        desk.venue.set_status(intent.client_order_id, "new")
    settled = S.FILLED if limit is None else S.ACCEPTED
    desk.until(lambda: desk.status(intent) is settled)
    assert desk.alerts().count("order_status_unknown") == 1
    assert asked(desk) > before
    if limit is not None:
        desk.quote(AAPL="99")
        desk.until(lambda: desk.status(intent) is S.FILLED)
    assert desk.broker.connection().gaps == 0
    assert desk.venue.state()["stream_opened"] == opened
    assert desk.posts(intent) == 1
    check(desk, alert="order_status_unknown")


@pytest.mark.parametrize("event", ["new", "fill", "canceled", "trade_bust"])
def test_fault_24_a_message_that_cannot_be_read(desk, event):
    desk.open()
    limit = "99" if event == "canceled" else None
    opened = desk.venue.state()["stream_opened"]
    intent = desk.intent(limit=limit)
    desk.venue.arm_event("malformed", event=event)
    desk.submit(intent)
    if event == "canceled":
        desk.venue.cancel_external(intent.client_order_id)
    desk.until(lambda: desk.status(intent).is_final)
    if event == "trade_bust":  # a word that is known, and means something to look at
        desk.venue.disarm()
        desk.venue.set_status(intent.client_order_id, "filled", "trade_bust")
        desk.until(lambda: "stream_unreadable" in desk.alerts())
        (told,) = (a for a in desk.session.journal.alerts() if a.code == "stream_unreadable")
        assert "trade_bust" in told.message
    assert desk.status(intent) is (S.CANCELED if event == "canceled" else S.FILLED)
    desk.hold("AAPL", "1", "later")  # told by the same stream
    assert desk.broker.connection().gaps == 0
    assert desk.venue.state()["stream_opened"] == opened
    assert desk.posts(intent) == 1
    check(desk, alert="stream_unreadable")


FORBIDDEN = {"status": 403, "body": {"message": "forbidden."}}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("unauthorized", {}), ("forbidden", {}), ("status", FORBIDDEN)],
    ids=["401", "403", "403_without_code"],
)
@pytest.mark.parametrize("where", ["send", "look_up", "heartbeat", "cancel"])
def test_fault_25_keys_refused_mid_session(desk, where, kind, fields):
    beat = timedelta(0) if where == "heartbeat" else timedelta(hours=1)
    desk.open(heartbeat=beat)
    resting = desk.rest("5", "resting")
    intent = desk.intent()
    if where == "look_up":
        desk.venue.arm("refuse", method="POST", path="/v2/orders")
        desk.submit(intent)
    desk.venue.arm(kind, count=-1, **fields)
    before = len(desk.venue.requests())
    if where == "send":
        (order,) = desk.submit(intent)
        assert order.status is S.REJECTED
        assert desk.submit(intent)[0].status is S.REJECTED
        assert desk.posts(intent) == 1
    elif where == "look_up":
        desk.session.collect_fills()
        assert desk.status(intent) is S.UNKNOWN
    elif where == "heartbeat":
        with pytest.raises(CredentialsRefused):
            desk.session.collect_fills()
    else:
        with pytest.raises(CredentialsRefused):
            desk.session.cancel(resting.client_order_id)
        assert desk.status(resting) is S.PENDING_CANCEL
    assert len(desk.venue.requests()) - before == 1  # and not once more
    assert desk.session.state is TradingState.HALTED
    assert desk.alerts().count("credentials_refused") == 1
    _keeps_reading(desk, resting, raises=where == "heartbeat")
    desk.venue.disarm()
    (later,) = desk.submit(desk.intent("MSFT", "3", "later"))
    assert (later.status, codes(later)) == (S.REFUSED, {ReasonCode.HALTED})
    assert desk.posts(later) == 0
    desk.session.resume(by="desk", reason="new keys")
    desk.until(lambda: not any(o.is_unresolved or o.is_pending for o in desk.session.open_orders))
    desk.hold("MSFT", "3", "resumed")
    check(desk, alert="credentials_refused")


def _keeps_reading(desk: WireDesk, resting: OrderIntent, *, raises: bool) -> None:
    """What the stream tells is booked while every question is refused; none is repeated."""
    desk.venue.fill(resting.client_order_id)
    for _ in range(20):
        before = len(desk.venue.requests())
        try:
            desk.session.collect_fills()
        except CredentialsRefused:
            assert raises
        assert len(desk.venue.requests()) - before <= 1
    until(lambda: _collected(desk, raises=raises) and desk.status(resting) is S.FILLED)
    assert desk.session.ledger.quantity("AAPL") >= 5
    assert desk.alerts().count("credentials_refused") == 1


def _collected(desk: WireDesk, *, raises: bool) -> bool:
    try:
        desk.session.collect_fills()
    except CredentialsRefused:
        assert raises
    return True


def told(desk: WireDesk, code: str) -> dict[str, str]:
    """The values of the one alert of that code."""
    (alert,) = (one for one in desk.session.journal.alerts() if one.code == code)
    return dict(alert.values)


def is_not_sent_again(desk: WireDesk, intent: OrderIntent) -> None:
    """Neither a repeated call nor a restart sends an order that the venue has refused."""
    for _ in range(3):
        desk.session.collect_fills()
        assert desk.submit(intent)[0].status is S.REJECTED
    desk.crash()
    desk.open()
    assert desk.submit(intent)[0].status is S.REJECTED
    assert desk.posts(intent) == 1


def test_fault_26_not_enough_buying_power(desk):
    desk.open()
    intent = desk.intent(units="1980")  # the venue adds a margin for the price to move
    (order,) = desk.submit(intent)
    assert order.status is S.REJECTED
    assert "insufficient buying power" in order.note
    values = told(desk, "order_rejected")
    assert values["code"] == "insufficient_buying_power"
    assert Decimal(values["venue_cost_basis"]) > Decimal(values["venue_buying_power"]) == 200_000
    assert desk.session.book_view().open_buys == {}
    is_not_sent_again(desk, intent)
    assert desk.session.order(intent.client_order_id).note == order.note
    assert desk.alerts().count("order_rejected") == 1
    desk.hold("AAPL", "10", "smaller")
    check(desk)


def opposite(desk: WireDesk, *, is_known: bool) -> str:
    """Let another tool of the account rest a sell; return the venue's id of it."""
    if not is_known:
        desk.venue.arm_event("skip", event="new")
    body = {"symbol": "AAPL", "side": "sell", "qty": "5", "type": "limit", "limit_price": "101"}
    placed = desk.venue.place_external({**body, "time_in_force": "day"})
    return str(placed["id"])


def test_fault_27_the_venue_sees_a_wash_trade(desk):
    desk.open()
    desk.hold("AAPL", "10")
    other = opposite(desk, is_known=False)
    intent = desk.intent(limit="102")
    (order,) = desk.submit(intent)
    assert order.status is S.REJECTED
    assert "wash trade" in order.note
    values = told(desk, "order_rejected")
    assert values["code"] == "wash_trade"
    assert values["venue_existing_order_id"] == other
    is_not_sent_again(desk, intent)
    desk.until(lambda: "external_order" in desk.alerts())
    check(desk)


def test_fault_27_our_own_gate_sees_it_first(desk):
    desk.open()
    desk.hold("AAPL", "10")
    stop = protect(desk, "stop")
    (order,) = desk.submit(desk.intent(name="more"))
    assert (order.status, codes(order)) == (S.REFUSED, {ReasonCode.WASH_TRADE})
    assert stop.client_order_id in order.reasons[0].message
    assert desk.posts(order) == 0
    assert desk.status(stop) is S.ACCEPTED
    check(desk)


def protect(desk: WireDesk, name: str) -> OrderIntent:
    stop = desk.intent(units="-10", name=name, order_type=OrderType.STOP, stop_price=Decimal("90"))
    (order,) = desk.submit(stop)
    assert order.status is S.ACCEPTED
    desk.until(lambda: desk.venue_status(stop) == "new")
    return stop


@pytest.mark.parametrize("is_refused", [False, True])
def test_fault_27_cancel_then_send_in_steps(desk, is_refused):
    desk.open()
    desk.hold("AAPL", "10")
    stop = protect(desk, "stop")
    desk.session.cancel(stop.client_order_id)
    desk.until(lambda: desk.status(stop) is S.CANCELED)
    more = desk.intent(units="2000" if is_refused else "5", name="more")
    (order,) = desk.submit(more)
    assert (order.status in (S.REJECTED, S.REFUSED)) is is_refused
    desk.until(lambda: desk.status(more).is_final)
    back = protect(desk, "stop again")
    assert desk.session.book_view().open_sells == {"AAPL": 10}
    assert desk.session.ledger.quantity("AAPL") == (10 if is_refused else 15)
    assert (desk.posts(stop), desk.posts(back)) == (1, 1)
    check(desk)


class Minutes:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.passed = 0.0

    async def sleep(self, seconds: float) -> None:
        end = self.passed + seconds
        while self.passed < end:
            await asyncio.sleep(0.002)

    @property
    def timing(self) -> Timing:
        return Timing(
            monotonic=lambda: self.passed, wall=lambda: OPEN.timestamp(), sleep=self.sleep
        )


def hurried(speed: float) -> Timing:
    """This machine's time, so many times as fast."""
    return Timing(
        monotonic=lambda: time.monotonic() * speed,
        wall=lambda: OPEN.timestamp(),
        sleep=lambda seconds: asyncio.sleep(seconds / speed),
    )


PATIENT = {
    "broker_options": {"timeout_s": 1e4, "order_timeout_s": 1e4, "mute_after_s": 1e5},
}


def test_fault_28_orders_wait_for_their_turn_and_cancels_do_not(desk):
    minutes = Minutes()
    desk.count_calls_by(lambda: minutes.passed)
    desk.open(timing=minutes.timing, **PATIENT)
    resting = desk.rest("5", "resting")
    desk.hold("MSFT", "10")
    used = len(desk.venue.requests())
    desk.venue.set_rate_limit(used + 8)  # so many answers before the minute ends, five kept back
    orders = [desk.intent("MSFT", units, units) for units in ("-4", "3", "2", "1")]
    for order in orders[:3]:
        desk.submit(order)
    assert [desk.posts(one) for one in orders] == [1, 1, 1, 0]
    canceling = threading.Thread(target=desk.session.cancel, args=[resting.client_order_id])
    sending = threading.Thread(target=desk.submit, args=[orders[3]])
    canceling.start()
    until(lambda: desk.venue_status(resting) == "canceled")
    sending.start()
    sending.join(0.2)
    assert sending.is_alive()
    assert desk.posts(orders[3]) == 0
    minutes.passed += 60.0
    canceling.join()
    sending.join()
    desk.until(lambda: all(desk.status(one) is S.FILLED for one in orders))
    assert desk.status(resting) is S.CANCELED
    assert [desk.posts(one) for one in orders] == [1, 1, 1, 1]
    assert {row["status"] for row in desk.venue.requests()} <= {200, 204, 404}  # and never 429
    check(desk)


def test_fault_28_an_order_that_was_answered_429(desk):
    desk.count_calls_by(lambda: 0.0)
    desk.open(timing=hurried(100.0), **PATIENT)
    resting = desk.rest("5", "resting")
    desk.venue.arm("rate_limit", method="POST", path="/v2/orders")
    intent = desk.intent()
    before, began = len(desk.venue.requests()), time.monotonic()
    (order,) = desk.submit(intent)
    assert order.status is S.UNKNOWN
    desk.until(lambda: desk.session.order(intent.client_order_id).is_absent)
    assert time.monotonic() - began > 0.2  # the venue's pause, in our hurried time
    assert len(desk.venue.requests()) - before <= 8  # after it, and not all the time
    desk.submit(intent)
    desk.until(lambda: desk.status(intent) is S.FILLED)
    sent = desk.venue.requests("POST", client_order_id=intent.client_order_id)
    assert [(row["reached"], row["status"]) for row in sent] == [(0, 429), (1, 200)]
    desk.session.cancel(resting.client_order_id)
    desk.until(lambda: desk.status(resting) is S.CANCELED)
    check(desk, alert="order_unknown")


def test_fault_28_what_reduces_is_planned_before_what_adds(desk):
    desk.open()
    desk.hold("MSFT", "400")
    target = Target(name="t", asof=OPEN, weights={"AAPL": 0.1, "MSFT": 0.05})
    plan = desk.session.plan(target, cycle_id="c2")
    assert [(one.symbol, one.side) for one in plan] == [("MSFT", Side.SELL), ("AAPL", Side.BUY)]
    desk.session.submit(plan)
    desk.until(lambda: all(desk.status(one) is S.FILLED for one in plan))
    posted = [row["client_order_id"] for row in desk.venue.requests("POST")][1:]
    assert posted == [one.client_order_id for one in plan]
    check(desk)


@pytest.mark.parametrize("kind", ["server_error", "bad_gateway", "accept_502"])
def test_fault_29_a_storm_of_server_faults(desk, kind):
    speed = 25.0
    desk.open(timing=hurried(speed), **PATIENT)
    resting = desk.rest("5", "resting")
    asks = "server_error" if kind == "accept_502" else kind
    desk.venue.arm(kind, method="POST", count=-1)
    desk.venue.arm(asks, method="GET", count=-1)
    desk.venue.mute()  # what arrived is not told either
    intents = [
        desk.intent("MSFT", "3"),
        desk.intent(units="10", name="two", limit="99"),
        desk.intent("SPY", "1", "three"),
    ]
    for intent in intents:
        assert desk.submit(intent)[0].status is S.UNKNOWN
    assert [desk.posts(one) for one in intents] == [1, 1, 0]  # then the breaker is open
    for _ in range(5):
        desk.session.collect_fills()
    before, began = len(desk.venue.requests()), time.monotonic()
    for _ in range(200):
        desk.session.collect_fills()
    pauses = (time.monotonic() - began) * speed / 5.0  # the shortest pause of the breaker
    assert len(desk.venue.requests()) - before <= 2 + pauses
    assert {desk.status(one) for one in intents} == {S.UNKNOWN}  # and not failed
    desk.session.cancel(resting.client_order_id)  # passes an open breaker
    desk.venue.disarm()
    desk.until(lambda: not any(o.is_unresolved for o in desk.session.open_orders))
    desk.until(lambda: (desk.submit(*intents), desk.status(intents[0]) is S.FILLED)[1])
    desk.until(lambda: desk.status(intents[1]) is S.ACCEPTED)
    desk.until(lambda: desk.status(intents[2]) is S.FILLED)
    desk.until(lambda: desk.status(resting) is S.CANCELED)
    for intent in intents:
        rows = desk.venue.requests("POST", client_order_id=intent.client_order_id)
        assert sum(row["reached"] for row in rows) == 1
    check(desk, alert="order_unknown")
