"""Faults 1 to 11: an order is sent, and nobody knows whether it arrived."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from alphalens.errors import InputError, StorageError
from alphalens.execution import Journal
from alphalens.execution.books import Books
from alphalens.execution.records import Origin
from alphalens.risk import ReasonCode
from alphalens.storage import open_engine
from alphalens.testing.faults import Fault, FlakyBroker, Killed
from alphalens.trading import OrderIntent, OrderStatus
from alphalens.trading.events import EventKind
from tests.waiting import until

from .desk import WireDesk
from .invariants import check_invariants

S = OrderStatus
LOOK_UP = "/v2/orders:by_client_order_id"
PATIENT = {"grace": timedelta(seconds=30)}
HASTY = {"broker_options": {"order_timeout_s": 1.0}}


def check(desk: WireDesk, alert: str | None = None) -> None:
    check_invariants(desk.session, desk.folder / "venue.sqlite", alert=alert)


def attempts(desk: WireDesk, intent: OrderIntent) -> list[tuple[bool, int | None]]:
    """Each POST of an order: whether the venue acted on it, and what it answered."""
    sent = desk.venue.requests("POST", client_order_id=intent.client_order_id)
    return [(bool(row["reached"]), row["status"]) for row in sent]


def look_ups(desk: WireDesk, intent: OrderIntent) -> list[int | None]:
    """What the venue answered, each time an order was asked for by our id."""
    asked = desk.venue.requests("GET", client_order_id=intent.client_order_id)
    assert {row["path"] for row in asked} <= {LOOK_UP}
    return [row["status"] for row in asked]


def die_at_the_send(desk: WireDesk, fault: Fault, **intent: str) -> OrderIntent:
    """Start, send an order, and let the process die there: nothing is said to anybody."""
    desk.open(line=lambda broker: FlakyBroker(broker, on_submit={0: fault}))
    wanted = desk.intent(**intent)
    with pytest.raises(Killed):
        desk.submit(wanted)
    desk.crash()
    return wanted


def place(desk: WireDesk, intent: OrderIntent, *, units: str) -> None:
    """Place an order under an id of ours, as another tool of the same account would."""
    body = {
        "symbol": intent.symbol,
        "side": intent.side.value,
        "qty": units,
        "type": "limit",
        "limit_price": str(intent.limit_price),
        "time_in_force": "day",
        "client_order_id": intent.client_order_id,
    }
    desk.venue.place_external(body)


def blocked(desk: WireDesk) -> None:
    """While nobody knows what became of an order, nothing else of its symbol goes out."""
    (second,) = desk.submit(desk.intent(units="3", name="second"))
    assert second.status is S.REFUSED
    assert ReasonCode.UNRESOLVED in {reason.code for reason in second.reasons}
    assert desk.posts(second) == 0


@pytest.mark.parametrize("limit", [None, "99"])
@pytest.mark.parametrize("fault", ["accept_504", "accept_502", "malformed"])
def test_fault_01_accepted_and_answered_with_an_error(desk, fault, limit):
    desk.open()
    desk.venue.arm(fault, method="POST", path="/v2/orders")
    intent = desk.intent(limit=limit)
    (order,) = desk.submit(intent)
    if fault == "malformed":  # an answer of 200 that cannot be read is looked up at once
        assert order.status is S.ACCEPTED
    else:
        assert order.status is S.UNKNOWN
        assert desk.session.book_view().open_buys == {"AAPL": 10}
        assert "order_unknown" in desk.alerts()
    settled = S.FILLED if limit is None else S.ACCEPTED
    desk.until(lambda: desk.status(intent) is settled)
    assert desk.submit(intent)[0].status is settled
    assert [reached for reached, _ in attempts(desk, intent)] == [True]
    assert 200 in look_ups(desk, intent)
    assert [o.client_order_id for o in desk.session.journal.orders()] == [intent.client_order_id]
    assert desk.session.ledger.quantity("AAPL") == (10 if limit is None else 0)
    check(desk)


@pytest.mark.parametrize("limit", [None, "99"])
def test_fault_02_accepted_and_the_line_closed_before_the_answer(desk, limit):
    desk.open(**PATIENT)
    desk.venue.arm("close", method="POST", path="/v2/orders")
    desk.venue.arm("server_error", path=LOOK_UP, count=6)  # one look-up, tried again
    intent = desk.intent(limit=limit)
    (order,) = desk.submit(intent)
    assert order.status is S.UNKNOWN
    assert attempts(desk, intent) == [(True, None)]
    desk.venue.disarm()
    settled = S.FILLED if limit is None else S.ACCEPTED
    desk.until(lambda: desk.status(intent) is settled)
    assert look_ups(desk, intent)[-1] == 200
    assert desk.posts(intent) == 1
    assert desk.session.order(intent.client_order_id).attempts == 1
    check(desk, alert="order_unknown")


@pytest.mark.parametrize("way", ["reset", "nobody_listens"])
def test_fault_03_never_reached_the_venue_goes_out_again_once(desk, way):
    desk.open(**PATIENT)
    intent = desk.intent()
    if way == "reset":
        desk.venue.arm("refuse", method="POST", path="/v2/orders")
        (order,) = desk.submit(intent)
    else:
        desk.server.down()
        (order,) = desk.submit(intent)
        desk.server.up()
    assert order.status is S.UNKNOWN
    begin = len(look_ups(desk, intent))
    desk.session.collect_fills()
    assert look_ups(desk, intent)[begin:] == [404]  # not believed yet
    assert desk.status(intent) is S.UNKNOWN
    assert not desk.session.order(intent.client_order_id).is_absent
    desk.clock.skip(31)
    desk.until(lambda: desk.session.order(intent.client_order_id).is_absent)
    assert look_ups(desk, intent)[-2:] == [404, 404]
    before = desk.posts(intent)
    (order,) = desk.submit(intent)
    assert (order.status, order.attempts) == (S.ACCEPTED, 2)
    desk.until(lambda: desk.status(intent) is S.FILLED)
    desk.submit(intent)
    assert [one for one in attempts(desk, intent) if one[0]] == [(True, 200)]
    assert desk.posts(intent) == before + 1
    assert {"order_unknown", "order_absent"} <= set(desk.alerts())
    check(desk)


def test_fault_03_is_given_up_after_the_second_loss(desk):
    desk.open()
    desk.venue.arm("refuse", method="POST", path="/v2/orders", count=2)
    intent = desk.intent()
    desk.submit(intent)
    desk.until(lambda: desk.session.order(intent.client_order_id).is_absent)
    assert desk.submit(intent)[0].status is S.UNKNOWN
    desk.until(lambda: desk.status(intent) is S.EXPIRED)
    assert desk.submit(intent)[0].status is S.EXPIRED
    assert attempts(desk, intent) == [(False, None)] * 2
    check(desk)


@pytest.mark.parametrize("way", ["hang", "late_answer", "late_arrival", "never_arrived"])
def test_fault_04_no_answer_in_time(desk, way):
    kind, seconds = {
        "hang": ("hang", 0.0),
        "late_answer": ("delay", 2.5),
        "late_arrival": ("delay_before", 2.5),
        "never_arrived": ("hang_before", 0.0),
    }[way]
    desk.open(**HASTY, grace=timedelta(seconds=10.0 if way == "late_arrival" else 0.05))
    desk.venue.arm(kind, method="POST", path="/v2/orders", seconds=seconds)
    intent = desk.intent()
    (order,) = desk.submit(intent)
    assert order.status is S.UNKNOWN
    assert desk.posts(intent) == 1
    if way == "late_arrival":  # it is still under way, and not there yet
        assert desk.submit(intent)[0].status is S.UNKNOWN
    if way == "never_arrived":
        desk.until(lambda: desk.session.order(intent.client_order_id).is_absent)
        desk.submit(intent)
    desk.until(lambda: desk.status(intent) is S.FILLED)
    assert (404 if way in ("late_arrival", "never_arrived") else 200) in look_ups(desk, intent)
    assert desk.posts(intent) == (2 if way == "never_arrived" else 1)
    assert sum(reached for reached, _ in attempts(desk, intent)) == 1
    check(desk, alert="order_unknown")


@pytest.mark.parametrize("way", ["same", "other", "other_is_seen"])
def test_fault_05_id_taken_on_the_first_send_after_a_restart(desk, way):
    fault = Fault.KILLED_AFTER if way == "same" else Fault.KILLED_BEFORE
    intent = die_at_the_send(desk, fault, limit="99")
    before = desk.posts(intent)
    if way != "same":
        place(desk, intent, units="7")
    if way != "other_is_seen":  # what the venue lists lags behind
        nothing = {"code": 40410000, "message": f"order not found for {intent.client_order_id}"}
        desk.venue.arm("status", path=LOOK_UP, status=404, body=nothing, count=-1)
        desk.venue.arm("empty", method="GET", path="/v2/orders", count=-1)
    desk.open()
    assert desk.posts(intent) == before
    if way != "other_is_seen":
        desk.until(lambda: desk.session.order(intent.client_order_id).is_absent)
        desk.venue.disarm()
    (order,) = desk.submit(intent)
    if way == "same":
        assert attempts(desk, intent) == [(True, 200), (True, 422)]
        assert look_ups(desk, intent)[-1] == 200
        assert order.status is S.ACCEPTED
        assert desk.session.frozen == {}
        assert desk.session.submit([intent])[0].status is S.ACCEPTED
        check(desk)
        return
    assert attempts(desk, intent) == ([(True, 422)] if way == "other" else [])
    assert order.status is S.REJECTED
    refuses_frozen(desk)
    check(desk, alert="id_taken")


def refuses_frozen(desk: WireDesk) -> None:
    """A symbol that is frozen is not traded until a person clears it."""
    assert set(desk.session.frozen) == {"AAPL"}
    (later,) = desk.submit(desk.intent(units="2", name="later"))
    assert later.status is S.REFUSED
    assert ReasonCode.SYMBOL_FROZEN in {reason.code for reason in later.reasons}
    assert desk.posts(later) == 0


@pytest.mark.parametrize("then", ["its_cycle_ends", "it_is_wanted", "the_gate_says_no"])
def test_fault_06_died_after_the_intent_before_the_send(desk, then):
    intent = die_at_the_send(desk, Fault.KILLED_BEFORE)
    desk.open(**PATIENT)
    assert 404 in look_ups(desk, intent)
    assert desk.status(intent) is S.UNKNOWN  # one answer of "no such order" is not believed
    blocked(desk)
    desk.clock.skip(31)
    desk.until(lambda: desk.session.order(intent.client_order_id).is_absent)
    desk.session.collect_fills()
    assert desk.posts(intent) == 0  # never without being asked for again
    if then == "its_cycle_ends":
        desk.session.finish_cycle(intent.cycle_id)
    elif then == "the_gate_says_no":
        desk.session.halt(by="desk", reason="something happened meanwhile")
    desk.submit(intent)
    if then == "it_is_wanted":
        desk.until(lambda: desk.status(intent) is S.FILLED)
        assert desk.session.order(intent.client_order_id).attempts == 2
        assert attempts(desk, intent) == [(True, 200)]
    else:
        assert desk.status(intent) is S.EXPIRED
        assert desk.posts(intent) == 0
    check(desk, alert="order_absent")


@pytest.mark.parametrize("limit", [None, "99"])
def test_fault_07_died_after_the_send_before_the_answer_was_stored(desk, limit):
    changes = {} if limit is None else {"limit": limit}
    intent = die_at_the_send(desk, Fault.KILLED_AFTER, **changes)
    desk.open(**PATIENT)
    settled = S.FILLED if limit is None else S.ACCEPTED
    assert look_ups(desk, intent) == [200]
    assert [one.client_order_id for one in desk.report.resolved] == [intent.client_order_id]
    assert desk.report.differences == ()
    assert desk.status(intent) is settled
    assert desk.session.ledger.quantity("AAPL") == (10 if limit is None else 0)
    assert desk.submit(intent)[0].status is settled
    assert desk.posts(intent) == 1
    check(desk)


def test_fault_08_killed_inside_the_transaction_that_books_a_fill(desk):
    session = desk.open()
    intent = desk.intent()
    desk.submit(intent)
    until(lambda: desk.venue.state()["positions"])
    before = session.journal.length
    left_behind: list[Path] = []

    def leave(*_: object) -> None:
        """Keep the files as a kill would leave them at this moment."""
        place = desk.folder / f"killed{len(left_behind)}"
        place.mkdir()
        for name in ("journal.sqlite", "journal.sqlite-wal"):
            shutil.copy(desk.folder / name, place / name)
        left_behind.append(place / "journal.sqlite")

    engine = session.journal.engine
    for moment in ("before_cursor_execute", "commit"):
        sa.event.listen(engine, moment, leave)
    desk.until(lambda: desk.status(intent) is S.FILLED)
    for moment in ("before_cursor_execute", "commit"):
        sa.event.remove(engine, moment, leave)
    leave()
    lived = (session.ledger.quantity("AAPL"), session.journal.fills(), session.journal.length)
    desk.crash()

    found = [replayed(desk, file) for file in left_behind]
    assert set(found) == {(before, 0, 0), (lived[2], 10, 1)}  # all of it or nothing
    assert len(found) > 4
    killed_last = left_behind[found.index(found[-1]) - 1]
    desk.url = f"sqlite:///{killed_last}"
    desk.open()
    assert desk.status(intent) is S.FILLED
    assert desk.session.ledger.quantity("AAPL") == lived[0]
    assert desk.session.journal.fills() == lived[1]
    assert desk.posts(intent) == 1
    check(desk)


def replayed(desk: WireDesk, file: Path) -> tuple[int, Decimal, int]:
    """How long a journal is, what it holds by its orders and by its replay, and its fills."""
    engine = open_engine(file)
    with Journal(engine, clock=desk.clock, run_id="r2") as journal:
        journal.verify_tables()
        assert journal.verify() == journal.length
        books = Books(journal)
        filled = sum(order.filled_quantity for order in journal.orders())
        assert books.ledger.quantity("AAPL") == filled
        found = (journal.length, filled, len(journal.fills()))
    engine.dispose()
    return found


SECOND = """
import sys
from pathlib import Path
from alphalens.errors import StorageError
from alphalens.execution import Journal
from alphalens.storage import open_engine
from alphalens.trading import SystemClock

try:
    Journal(open_engine(Path(sys.argv[1])), clock=SystemClock(), run_id="second")
except StorageError as error:
    sys.exit(f"refused: {error}")
"""


def test_fault_09_second_process_on_the_same_account_is_refused(desk):
    desk.open()
    file = desk.folder / "journal.sqlite"
    second = subprocess.run(
        [sys.executable, "-c", SECOND, str(file)], capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert "refused" in second.stderr
    assert "Only one process may trade an account" in second.stderr
    assert f"pid {os.getpid()}" in second.stderr
    desk.hold("AAPL", "10")  # the first one trades on
    check(desk)


def test_fault_09_process_that_lost_its_lock_sends_nothing_more(desk):
    session = desk.open()
    (working,) = desk.submit(desk.intent(limit="99"))
    (desk.folder / "journal.sqlite.lock").unlink()  # as somebody may, who thinks it is left over
    other = open_engine(desk.folder / "journal.sqlite")
    with Journal(other, clock=desk.clock, run_id="r2") as journal:
        assert journal.epoch == session.journal.epoch + 1
        late = desk.intent(name="late", units="3")
        with pytest.raises(StorageError, match="taken over"):
            desk.submit(late)
        with pytest.raises(StorageError, match="failed to write once"):
            desk.submit(late)
        assert desk.posts(late) == 0
    other.dispose()
    desk.crash()
    desk.open()
    assert desk.status(working) is S.ACCEPTED
    assert desk.session.order(late.client_order_id) is None
    check(desk)


def test_fault_10_two_threads_submit_the_same_intent(desk):
    desk.open()
    desk.venue.arm("delay", method="POST", path="/v2/orders", seconds=0.1)
    intent, count = desk.intent(limit="99"), 4
    start, told = threading.Barrier(count), []

    def send() -> None:
        start.wait()
        told.extend(desk.submit(intent))

    threads = [threading.Thread(target=send) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [order.status for order in told] == [S.ACCEPTED] * count
    assert attempts(desk, intent) == [(True, 200)]
    intended = desk.session.journal.records(kind=EventKind.ORDER_INTENDED)
    assert [record.payload["attempt"] for record in intended] == [1]
    check(desk)


@pytest.mark.parametrize("units", ["7", "10"])
def test_fault_11_id_taken_by_another_tool(desk, units):
    desk.open()
    intent = desk.intent(limit="99")
    desk.venue.arm_event("skip")
    place(desk, intent, units=units)
    (order,) = desk.submit(intent)
    assert attempts(desk, intent) == [(True, 422)]
    assert look_ups(desk, intent) == [200]
    if units == "10":  # the very order that was wanted: it counts as ours
        assert order.status is S.ACCEPTED
        assert desk.session.frozen == {}
        desk.venue.fill(intent.client_order_id)
        desk.until(lambda: desk.status(intent) is S.FILLED)
        check(desk)
        return
    assert order.status is S.REJECTED
    refuses_frozen(desk)
    desk.submit(intent)
    assert desk.posts(intent) == 1
    desk.venue.fill(intent.client_order_id)  # whoever placed it, the position is ours
    desk.until(lambda: desk.session.ledger.quantity("AAPL") == 7)
    assert "order_quarantined" in desk.alerts()
    check(desk, alert="id_taken")


def test_fault_11_id_that_the_stream_has_told_of_is_not_sent(desk):
    desk.open()
    intent = desk.intent(limit="99")
    heard = desk.broker._updates.heard
    place(desk, intent, units="7")
    until(lambda: desk.broker._updates.heard > heard)
    with pytest.raises(InputError, match="belongs to buy 7 AAPL"):
        desk.submit(intent)
    assert desk.posts(intent) == 0
    assert desk.session.order(intent.client_order_id).origin is Origin.EXTERNAL
    assert "AAPL" in desk.session.external
    check(desk, alert="external_order")
