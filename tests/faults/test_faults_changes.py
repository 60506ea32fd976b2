"""Faults 21 to 29: an order is changed, or refused, or the venue does not say what it means."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from alphalens.errors import BrokerError, CredentialsRefused
from alphalens.execution.records import OrderRecord, Origin
from alphalens.risk import ReasonCode, TradingState
from alphalens.trading import OrderIntent, OrderStatus
from alphalens.trading.events import EventKind

from .desk import WireDesk
from .invariants import check_invariants

S = OrderStatus


def check(desk: WireDesk, alert: str | None = None) -> None:
    check_invariants(desk.session, desk.folder / "venue.sqlite", alert=alert)


def rest(desk: WireDesk, units: str = "10", name: str = "one", **changes) -> OrderIntent:
    """Place a buy below the market and wait until it works."""
    intent = desk.intent(units=units, name=name, limit="99", **changes)
    (order,) = desk.submit(intent)
    assert order.status is S.ACCEPTED
    desk.until(lambda: status_at_venue(desk, intent) == "new")
    return intent


def status_at_venue(desk: WireDesk, intent: OrderIntent) -> str:
    return str(desk.venue.order(intent.client_order_id)["status"])


def patches(desk: WireDesk, intent: OrderIntent) -> int:
    return len(desk.venue.requests("PATCH", client_order_id=intent.client_order_id))


def codes(order: OrderRecord) -> set[ReasonCode]:
    return {reason.code for reason in order.reasons}


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
    old = rest(desk)
    new = desk.intent(name="new", limit="98")
    if way == "after_the_answer":
        desk.venue.arm("fill", method="PATCH")
    elif way == "while_pending":
        desk.venue.arm("pend", method="PATCH")
    else:  # nobody has told us yet
        desk.venue.mute()
        desk.venue.fill(old.client_order_id)
        desk.venue.mute(on=False)
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
    old = rest(desk)
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
    intents = [rest(desk)]
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
    from alphalens.trading.orders import TimeInForce

    old = rest(desk, time_in_force=TimeInForce.GTC)
    if when == "while_the_line_is_down":
        desk.venue.refuse_stream(-1)
        desk.venue.drop_stream()
        desk.wait_for(lambda: not desk.broker.connection().is_up)
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
