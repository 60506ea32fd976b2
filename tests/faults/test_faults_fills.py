"""Faults 12 to 20: executions told twice, late, out of order or not at all, and cancels."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from alphalens.errors import OutcomeUnknown
from alphalens.execution.records import OrderRecord
from alphalens.risk import ReasonCode
from alphalens.trading import Fill, OrderIntent, OrderStatus
from alphalens.trading.events import EventKind
from tests.waiting import until

from .desk import WireDesk
from .invariants import check_invariants

S = OrderStatus
LOOK_UP = "/v2/orders:by_client_order_id"
NOBODY = {"message": "no upstream"}  # of a proxy, and not the venue's word on an order
LISTS = "/v2/account/activities*"
HASTY = {"broker_options": {"order_timeout_s": 1.0}}


def check(desk: WireDesk, alert: str | None = None) -> None:
    check_invariants(desk.session, desk.folder / "venue.sqlite", alert=alert)


def working(desk: WireDesk, units: str = "10", name: str = "one") -> OrderIntent:
    """Place an order that rests below the market."""
    intent = desk.intent(units=units, name=name, limit="99")
    (order,) = desk.submit(intent)
    assert order.status is S.ACCEPTED
    return intent


def filled(desk: WireDesk, intent: OrderIntent) -> Decimal:
    return record(desk, intent).filled_quantity


def record(desk: WireDesk, intent: OrderIntent) -> OrderRecord:
    order = desk.session.order(intent.client_order_id)
    assert order is not None
    return order


def execute(desk: WireDesk, intent: OrderIntent, units: str, price: str = "99") -> None:
    """Let the venue execute a part of an order."""
    desk.venue.fill(intent.client_order_id, qty=units, price=price)


def booked(desk: WireDesk) -> list[tuple[str, str]]:
    """Quantity and price of each execution that stands, in the order of the cumulative figure."""
    fills = sorted(desk.session.journal.fills(), key=_cumulative)
    return [(f"{fill.quantity.normalize():f}", f"{fill.price.normalize():f}") for fill in fills]


def _cumulative(fill: Fill) -> Decimal:
    assert fill.cumulative is not None
    return fill.cumulative


def refuses(desk: WireDesk, code: ReasonCode, name: str, units: str = "-3") -> None:
    """The gate lets nothing of the symbol out, and says why."""
    (order,) = desk.submit(desk.intent(units=units, name=name))
    assert order.status is S.REFUSED
    assert code in {reason.code for reason in order.reasons}
    assert desk.posts(order) == 0


@pytest.mark.parametrize("event", ["partial_fill", "fill"])
def test_fault_12_the_stream_tells_of_an_execution_twice(desk, event):
    desk.open()
    intent = working(desk)
    desk.venue.arm_event("duplicate", event=event)
    execute(desk, intent, "4")
    execute(desk, intent, "6", "98")
    desk.until(lambda: desk.session.duplicates == 1)
    desk.until(lambda: desk.status(intent) is S.FILLED)
    assert booked(desk) == [("4", "99"), ("6", "98")]
    assert desk.session.ledger.quantity("AAPL") == 10
    assert desk.session.duplicates == 1
    check(desk)


@pytest.mark.parametrize("first", ["stream", "list"])
def test_fault_13_stream_and_list_tell_of_the_same_execution(desk, first):
    desk.open(heartbeat=timedelta(0))  # every look asks for the lists, too
    intent = working(desk)
    if first == "list":
        desk.venue.arm_event("swap", event="fill")  # held back until something else happens
    execute(desk, intent, "10")
    if first == "stream":
        heard = desk.broker._updates
        until(lambda: any(heard.has_told(f.fill_id) for f in desk.broker.fills()))
    desk.until(lambda: desk.status(intent) is S.FILLED)
    if first == "list":
        assert desk.session.duplicates == 0
        working(desk, name="two")
    desk.until(lambda: desk.session.duplicates > 0)
    (fill,) = desk.session.journal.fills()
    assert (fill.quantity, fill.cumulative) == (10, 10)
    assert [row["id"] for row in desk.venue.executions()] == [fill.execution_id]
    assert desk.session.state == "active"
    check(desk)


@pytest.mark.parametrize("answer", ["late", "never"])
def test_fault_14_told_of_the_execution_before_the_answer(desk, answer):
    desk.open(**HASTY)
    intent = desk.intent()
    desk.venue.arm_event("skip", event="new")  # the execution is the first that is told at all
    if answer == "late":
        desk.venue.arm("delay", method="POST", path="/v2/orders", seconds=0.08)
        (order,) = desk.submit(intent)
        assert order.status is S.ACCEPTED
        assert [fill.client_order_id for fill in desk.session.collect_fills()] == [
            intent.client_order_id
        ]
    else:  # and the venue cannot be asked about it: the stream alone tells
        desk.venue.arm("hang", method="POST", path="/v2/orders")
        desk.venue.arm("status", path=LOOK_UP, status=404, body=NOBODY, count=-1)
        (order,) = desk.submit(intent)
        assert order.status is S.UNKNOWN
        desk.until(lambda: desk.status(intent) is S.FILLED)
    assert desk.status(intent) is S.FILLED
    assert booked(desk) == [("10", "100")]
    assert desk.posts(intent) == 1
    assert desk.session.frozen == {}  # it was bound to its order, and to no stranger's
    check(desk)


@pytest.mark.parametrize("is_list_silent", [False, True])
def test_fault_15_partial_executions_out_of_order(desk, is_list_silent):
    desk.open(**HASTY)
    intent = working(desk)
    if is_list_silent:
        desk.venue.arm("server_error", path=LISTS, count=-1)
    desk.venue.arm_event("swap", event="partial_fill")
    execute(desk, intent, "2", "98")
    execute(desk, intent, "2", "98.5")  # told first: 4 in all, then 2
    seen: list[Decimal] = []
    desk.until(lambda: seen.append(filled(desk, intent)) or seen[-1] == 4)
    execute(desk, intent, "6", "97")
    desk.until(lambda: seen.append(filled(desk, intent)) or desk.status(intent) is S.FILLED)
    assert seen == sorted(seen)
    desk.until(lambda: not any(fill.is_synthetic for fill in desk.session.journal.fills()))
    assert booked(desk) == [("2", "98"), ("2", "98.5"), ("6", "97")]
    if is_list_silent:  # nothing but the stream tells
        assert "venue_silent" in desk.alerts()
    else:  # the list told first, what the stream told late changed nothing
        desk.until(lambda: desk.session.duplicates > 0)
    assert desk.session.ledger.quantity("AAPL") == 10
    assert desk.session.frozen == {}
    check(desk)


@pytest.mark.parametrize("list_says", ["the_truth", "nothing_yet"])
@pytest.mark.parametrize("told_by", ["the_end", "the_next_execution"])
def test_fault_16_missed_partial_execution(desk, list_says, told_by):
    desk.open()
    intent = working(desk)
    execute(desk, intent, "2", "99")
    desk.until(lambda: filled(desk, intent) == 2)
    if list_says == "nothing_yet":
        desk.venue.arm("empty", path=LISTS, count=-1)
    missed = [("4", "98"), ("2", "97")] if told_by == "the_end" else [("3", "98"), ("2", "97")]
    desk.venue.arm_event("skip", event="partial_fill", count=2)
    for units, price in missed:
        execute(desk, intent, units, price)
    if told_by == "the_end":
        desk.venue.cancel_external(intent.client_order_id)
        end = S.CANCELED
    else:
        execute(desk, intent, "1", "99")
        missed, end = [*missed, ("1", "99")], S.PARTIAL
    desk.until(lambda: filled(desk, intent) == 8 and desk.status(intent) is end)
    assert desk.session.ledger.quantity("AAPL") == 8
    if list_says == "nothing_yet":
        (inferred,) = [fill for fill in desk.session.journal.fills() if fill.is_synthetic]
        total, units = (Decimal(586), 6) if told_by == "the_end" else (Decimal(488), 5)
        assert inferred.quantity == units
        assert abs(inferred.price - total / units) < Decimal("1e-8")
        assert "fill_inferred" in desk.alerts()
        desk.venue.disarm()
        desk.venue.drop_stream()  # whereupon the lists are asked for
        desk.until(lambda: not any(fill.is_synthetic for fill in desk.session.journal.fills()))
        assert desk.session.journal.records(kind=EventKind.FILLS_CORRECTED)
    else:
        assert "fill_inferred" not in desk.alerts()
    assert booked(desk) == [("2", "99"), *missed]
    assert desk.session.ledger.quantity("AAPL") == 8
    assert desk.session.state == "active"
    check(desk)


@pytest.mark.parametrize("told_by", ["stream", "list"])
@pytest.mark.parametrize("parts", [("12",), ("4", "8")])
def test_fault_17_executed_more_than_was_ordered(desk, parts, told_by):
    desk.open()
    intent = working(desk)
    if told_by == "list":
        desk.venue.mute()
    for units in parts:
        execute(desk, intent, units)
    if told_by == "list":
        desk.venue.mute(on=False)
        desk.venue.drop_stream()
    desk.until(lambda: desk.status(intent) is S.FILLED)
    assert filled(desk, intent) == 12
    assert desk.session.ledger.quantity("AAPL") == 12  # the venue's word is the truth
    assert set(desk.session.frozen) == {"AAPL"}
    assert desk.alerts().count("overfill") == 1
    (alert,) = [one for one in desk.session.journal.alerts() if one.code == "overfill"]
    assert alert.values["fill_id"] in {fill.fill_id for fill in desk.session.journal.fills()}
    refuses(desk, ReasonCode.SYMBOL_FROZEN, "later")
    desk.session.clear("AAPL", by="desk", reason="asked the venue")
    desk.hold("AAPL", "-2", "back to ten")
    assert desk.session.ledger.quantity("AAPL") == 10
    check(desk, alert="overfill")


@pytest.mark.parametrize("told_by", ["stream", "list"])
@pytest.mark.parametrize(("units", "end"), [("10", S.FILLED), ("4", S.CANCELED)])
def test_fault_18_executed_after_the_cancel_was_accepted(desk, units, end, told_by):
    desk.open()
    intent = working(desk)
    desk.session.cancel(intent.client_order_id)
    desk.until(lambda: desk.status(intent) is S.CANCELED)
    if told_by == "list":
        desk.venue.mute()
    execute(desk, intent, units)
    if told_by == "list":
        desk.venue.mute(on=False)
        desk.venue.drop_stream()
    desk.until(lambda: filled(desk, intent) == Decimal(units))
    assert desk.status(intent) is end
    assert desk.session.ledger.quantity("AAPL") == Decimal(units)
    assert desk.session.frozen == {}
    assert desk.session.book_view().open_buys == {}
    check(desk)


@pytest.mark.parametrize("is_told", [True, False])
def test_fault_19_cancel_refused_because_it_is_filled(desk, is_told):
    desk.open()
    intent = working(desk)
    if not is_told:
        desk.venue.arm_event("skip", event="fill")
    execute(desk, intent, "10")
    desk.session.cancel(intent.client_order_id)  # no error
    (refused,) = desk.venue.requests("DELETE")
    assert refused["status"] == 422
    assert [row["status"] for row in desk.venue.requests("GET", intent.client_order_id)][-1] == 200
    desk.until(lambda: desk.status(intent) is S.FILLED)
    assert desk.session.ledger.quantity("AAPL") == 10
    assert not {"cancel_failed", "fill_inferred"} & set(desk.alerts())
    check(desk)


@pytest.mark.parametrize("way", ["acted", "not_acted", "pending"])
def test_fault_20_no_answer_to_a_cancel(desk, way):
    desk.open(**HASTY, grace=timedelta(seconds=30))
    desk.hold("AAPL", "10")
    intent = working(desk)
    kind = {"acted": "hang", "not_acted": "hang_before", "pending": "pend"}[way]
    desk.venue.arm(kind, method="DELETE")
    if way != "pending":
        desk.venue.arm("status", path=LOOK_UP, status=404, body=NOBODY, count=-1)
        desk.venue.mute()
        with pytest.raises(OutcomeUnknown):
            desk.session.cancel(intent.client_order_id)
    else:
        desk.session.cancel(intent.client_order_id)
    assert desk.status(intent) is S.PENDING_CANCEL
    refuses(desk, ReasonCode.UNRESOLVED, "opposite")
    asked = len(desk.venue.requests("GET", intent.client_order_id))
    for _ in range(3):
        desk.session.collect_fills()
    assert len(desk.venue.requests("GET", intent.client_order_id)) >= asked + 3  # polled
    assert desk.status(intent) is S.PENDING_CANCEL
    refuses(desk, ReasonCode.UNRESOLVED, "opposite again")
    if way == "pending":
        desk.venue.release_cancel(intent.client_order_id)
    else:
        desk.venue.disarm()
    desk.until(lambda: desk.clock.skip(1) or desk.status(intent) is S.CANCELED)
    assert len(desk.venue.requests("DELETE")) == (2 if way == "not_acted" else 1)
    desk.hold("AAPL", "-10", "opposite at last")
    assert desk.session.ledger.quantity("AAPL") == 0
    check(desk)
