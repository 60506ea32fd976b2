"""Exits that go with an entry which ends before it is whole: what was entered has none."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from alphalens.execution.records import OrderRecord, Origin
from alphalens.trading import OrderStatus
from alphalens.trading.events import Severity
from alphalens.trading.orders import OrderClass, OrderType

from .desk import WireDesk
from .invariants import check_invariants

S = OrderStatus
CODE = "entry_without_exits"


def entry_in_part(desk: WireDesk, units: str = "10", kind: str = "bracket") -> OrderRecord:
    """Enter by an order with exits, of which 4 units are executed."""
    sign = 1 if not units.startswith("-") else -1
    stop = {"order_class": OrderClass(kind), "stop_loss": Decimal(100 - 10 * sign)}
    aim = {"take_profit": Decimal(100 + 10 * sign)} if kind == "bracket" else {}
    limit = {"order_type": OrderType.LIMIT, "limit_price": Decimal(100 - sign)}
    (entry,) = desk.submit(desk.intent(units=units, name="entry", **stop, **aim, **limit))
    desk.venue.fill(entry.client_order_id, qty=4)
    desk.until(lambda: desk.status(entry) is S.PARTIAL)
    return entry


def bracket(aim: int, stop: int) -> dict[str, object]:
    exits = {"take_profit": Decimal(aim), "stop_loss": Decimal(stop)}
    return {"order_class": OrderClass.BRACKET, **exits}


def told(desk: WireDesk) -> list[tuple[str, str, str]]:
    alerts = [one for one in desk.session.journal.alerts() if one.code == CODE]
    assert all(one.severity is Severity.CRITICAL for one in alerts)
    return [(a.values["client_order_id"], a.values["symbol"], a.values["units"]) for a in alerts]


def check(desk: WireDesk) -> None:
    exits = [o for o in desk.session.journal.orders() if o.origin is Origin.EXIT]
    assert exits
    assert all(one.status is S.CANCELED for one in exits)  # the venue keeps none of them
    check_invariants(desk.session, desk.folder / "venue.sqlite", alert=CODE)


@pytest.mark.parametrize(("units", "kind"), [("10", "bracket"), ("-10", "bracket"), ("10", "oto")])
def test_entry_canceled_in_part_is_told_once_and_nothing_is_sold(desk, units, kind):
    desk.open()
    entry = entry_in_part(desk, units, kind)
    assert told(desk) == []
    desk.session.cancel(entry.client_order_id)
    desk.until(lambda: told(desk))
    for _ in range(3):
        desk.session.collect_fills()
    assert told(desk) == [(entry.client_order_id, "AAPL", "4")]
    assert abs(desk.session.ledger.quantity("AAPL")) == 4
    assert len(desk.venue.requests("POST")) == 1
    check(desk)


@pytest.mark.parametrize("is_known", [False, True])
def test_entry_canceled_while_nobody_is_there_is_told_at_the_start(desk, is_known):
    desk.open()
    sold = {
        "order_class": OrderClass.BRACKET,
        "take_profit": Decimal(110),
        "stop_loss": Decimal(90),
    }
    (entry,) = desk.submit(desk.intent(name="entry", limit="99", **sold))
    if is_known:
        desk.venue.fill(entry.client_order_id, qty=4)
        desk.until(lambda: desk.status(entry) is S.PARTIAL)
    desk.crash()
    if not is_known:
        desk.venue.fill(entry.client_order_id, qty=4)
    desk.venue.cancel_external(entry.client_order_id)
    desk.open(heartbeat=timedelta(milliseconds=50))
    desk.until(lambda: told(desk))
    assert told(desk) == [(entry.client_order_id, "AAPL", "4")]
    check(desk)


def test_what_a_person_has_closed_or_stopped_is_not_told_again(desk):
    desk.open()
    entry = entry_in_part(desk)
    desk.session.cancel(entry.client_order_id)
    desk.until(lambda: told(desk))
    stop = {"order_type": OrderType.STOP, "stop_price": Decimal(80)}
    (guard,) = desk.submit(desk.intent(units="-4", name="guard", **stop))
    assert guard.status is S.ACCEPTED
    desk.crash()
    desk.open()
    desk.session.collect_fills()
    assert len(told(desk)) == 1
    check(desk)


def test_entry_that_is_whole_and_one_that_was_never_executed_are_not_told(desk):
    desk.open()
    exits = {
        "order_class": OrderClass.BRACKET,
        "take_profit": Decimal(110),
        "stop_loss": Decimal(90),
    }
    (whole,) = desk.submit(desk.intent(name="whole", **exits))
    desk.until(lambda: desk.status(whole) is S.FILLED and len(desk.session.open_orders) == 2)
    (none,) = desk.submit(desk.intent("MSFT", name="none", limit="40", **bracket(60, 30)))
    desk.session.cancel(none.client_order_id)
    desk.until(lambda: desk.status(none) is S.CANCELED)
    desk.session.collect_fills()
    assert told(desk) == []
    check_invariants(desk.session, desk.folder / "venue.sqlite")
