"""Faults 45 to 49: what moves a book without an order, and orders of several parts."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from decimal import Decimal

import pytest

from alphalens.assets import Option
from alphalens.execution.records import OrderRecord, Origin
from alphalens.risk import ReasonCode, TradingState
from alphalens.trading import OrderIntent, OrderStatus, Side
from alphalens.trading.activities import CashKind
from alphalens.trading.events import EventKind
from alphalens.trading.orders import Leg, OrderClass, OrderType, TimeInForce
from tests.waiting import until

from .desk import ASSETS, CALL, OPEN, WireDesk
from .invariants import check_invariants

S, C = OrderStatus, ReasonCode
D = Decimal
PUT = "AAPL260320P00095000"
HIGH = "AAPL260320C00110000"
WITH_PUT = {
    **ASSETS,
    PUT: Option(symbol=PUT, underlying="AAPL"),
    HIGH: Option(symbol=HIGH, underlying="AAPL"),
}
SOON = {"heartbeat": timedelta(milliseconds=50)}
GTC = {"time_in_force": TimeInForce.GTC}


def check(desk: WireDesk, alert: str | None = None) -> None:
    check_invariants(desk.session, desk.folder / "venue.sqlite", alert=alert)


def overnight(desk: WireDesk) -> None:
    """Live through the night, to half an hour after the next opening."""
    desk.venue.set_time(OPEN + timedelta(days=1))


def profit(desk: WireDesk, **prices: str) -> Decimal:
    """Equity at prices, less what the account began with."""
    known = {symbol: D(price) for symbol, price in {**desk.prices, **prices}.items()}
    return desk.session.ledger.equity(known) - 100_000


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("units", ["100", "-100"])
def test_fault_45_split_overnight_with_a_position_and_a_gtc_order(desk, units, is_restarted):
    desk.open(**SOON)
    desk.hold("AAPL", units)
    sign = 1 if units == "100" else -1
    stop = {"order_type": OrderType.STOP, "stop_price": D(100 - 8 * sign), **GTC}
    (guard,) = desk.submit(desk.intent(units=str(-sign * 100), name="guard", **stop))
    before = profit(desk, AAPL="104")
    if is_restarted:
        desk.crash()
    overnight(desk)
    desk.venue.act("split", symbol="AAPL", ratio=4)
    desk.quote(AAPL="26")
    desk.prices["AAPL"] = "26"
    if is_restarted:
        desk.open(**SOON)
        assert desk.report.differences == ()
    desk.until(lambda: desk.session.ledger.quantity("AAPL") == sign * 400)
    desk.until(lambda: desk.status(guard) is S.REPLACED)

    position = desk.session.ledger.positions["AAPL"]
    assert position.average_price == (25 if sign > 0 else D("24.995"))
    assert profit(desk, AAPL="26") == before  # 104 then is 26 now
    (adjusted,) = desk.session.open_orders
    assert (adjusted.intent.quantity, adjusted.intent.stop_price) == (400, D(25 - 2 * sign))
    assert adjusted.intent.side is guard.intent.side
    assert (adjusted.parent_id, adjusted.intent.cycle_id) == (guard.client_order_id, "c1")
    assert desk.posts(guard) == 1
    assert desk.venue.requests("PATCH") == []
    assert len(desk.session.journal.fills()) == 1  # a split is no execution
    assert desk.session.state is TradingState.ACTIVE

    desk.mark()
    assert desk.session.last_mark.equity == 100_000 + before
    desk.venue.fill(adjusted.client_order_id)
    desk.until(lambda: desk.session.ledger.quantity("AAPL") == 0)
    check(desk, alert="order_replaced_by_venue")


def test_fault_45_split_is_booked_before_the_adjusted_order_can_fill(desk):
    """The stream tells of the adjusted order only; the split itself has to be asked for."""
    desk.open()  # no heartbeat within an hour
    desk.hold("AAPL", "100")
    stop = {"order_type": OrderType.STOP, "stop_price": D(92), **GTC}
    (guard,) = desk.submit(desk.intent(units="-100", name="guard", **stop))
    overnight(desk)
    desk.venue.act("split", symbol="AAPL", ratio=4)
    desk.until(lambda: desk.status(guard) is S.REPLACED)
    desk.until(lambda: len(desk.session.journal.orders()) == 3)  # the adjusted one was told too
    assert desk.session.ledger.quantity("AAPL") == 400
    check(desk, alert="order_replaced_by_venue")


@pytest.mark.parametrize("way", ["stream", "not_there", "line_cut"])
def test_fault_45_split_and_then_an_execution_in_the_new_units(desk, way):
    """Whoever books the execution first and then the split has four times a wrong position."""
    desk.open()
    desk.hold("AAPL", "100")
    stop = {"order_type": OrderType.STOP, "stop_price": D(92), **GTC}
    (guard,) = desk.submit(desk.intent(units="-60", name="guard", **stop))
    if way == "not_there":
        desk.crash()
    elif way == "line_cut":
        desk.venue.refuse_stream(-1)
        desk.venue.drop_stream()
    # the venue dates a split to the midnight before it; these are executed after that
    overnight(desk)
    desk.venue.act("split", symbol="AAPL", ratio=4)
    (adjusted,) = desk.venue.state()["open_orders"]
    desk.venue.fill(adjusted, qty="40", price="23")
    desk.venue.fill(adjusted, price="23")
    if way == "not_there":
        desk.open()
    desk.until(lambda: desk.status(guard) is S.REPLACED)
    desk.until(lambda: desk.session.ledger.quantity("AAPL") == 160)
    assert desk.session.ledger.positions["AAPL"].average_price == 25
    assert desk.session.ledger.realised == 240 * -2
    desk.session.reconcile()
    assert desk.session.state is TradingState.ACTIVE
    check(desk, alert="order_replaced_by_venue")


def test_fault_45_split_that_is_told_after_an_execution_in_the_new_units(desk):
    """No order is adjusted, so nothing tells of the split before the next look at the lists."""
    desk.open()
    desk.hold("AAPL", "100")
    overnight(desk)
    desk.venue.act("split", symbol="AAPL", ratio=4)
    desk.quote(AAPL="26")
    desk.mark(AAPL="26")
    desk.session.market.refresh()
    (order,) = desk.submit(desk.intent(units="-50", name="early"))
    desk.until(lambda: desk.status(order) is S.FILLED)
    for _ in range(2):  # the second look tells the split again
        assert desk.session.reconcile() == ()
        assert desk.session.ledger.quantity("AAPL") == 350
    assert desk.session.state is TradingState.ACTIVE
    desk.crash()
    desk.open()
    assert desk.report.differences == ()
    assert "activity_unbookable" not in desk.alerts()
    check(desk)


def test_fault_45_executions_of_both_units_while_nobody_is_there(desk):
    desk.open()
    desk.hold("AAPL", "100")
    stop = {"order_type": OrderType.STOP, "stop_price": D(92), **GTC}
    (guard,) = desk.submit(desk.intent(units="-60", name="guard", **stop))
    desk.crash()
    desk.venue.fill(guard.client_order_id, qty="10", price="92")
    overnight(desk)
    desk.venue.act("split", symbol="AAPL", ratio=4)
    (adjusted,) = desk.venue.state()["open_orders"]
    desk.venue.fill(adjusted, price="23")
    desk.open()
    assert desk.report.differences == ()
    assert desk.session.ledger.quantity("AAPL") == 160
    assert desk.session.ledger.realised == 10 * -8 + 200 * -2
    check(desk, alert="order_replaced_by_venue")


@pytest.mark.parametrize(("units", "paid"), [("100", D(24)), ("-100", D(-24))])
def test_fault_46_dividend_is_cash_and_no_fill(desk, units, paid):
    desk.open(**SOON)
    desk.hold("AAPL", units)
    before = desk.session.ledger.cash
    overnight(desk)
    desk.venue.act("dividend", symbol="AAPL", per_share="0.24")
    desk.until(lambda: desk.session.ledger.cash != before)
    ledger = desk.session.ledger
    assert ledger.cash - before == paid
    assert ledger.flows[CashKind.DIVIDEND] == {"USD": paid}
    assert ledger.quantity("AAPL") == int(units)
    assert ledger.positions["AAPL"].average_price == (100 if paid > 0 else D("99.98"))
    assert len(desk.session.journal.fills()) == 1
    (record,) = desk.session.journal.records(kind=EventKind.ACTIVITY)
    assert record.payload["symbol"] == "AAPL"
    desk.until(lambda: len(desk.venue.requests("GET")) > 60)  # told again and again, booked once
    assert len(desk.session.journal.records(kind=EventKind.ACTIVITY)) == 1
    desk.crash()
    desk.open(**SOON)
    assert desk.report.differences == ()
    assert desk.session.ledger.cash - before == paid
    check(desk)


ENDS = {
    # contract, held, spot: shares, cash that moves
    "long_call_itm": (CALL, "2", "112", 200, D(-20_000)),
    "long_call_otm": (CALL, "2", "98", 0, D(0)),
    "short_call_itm": (CALL, "-2", "112", -200, D(20_000)),
    "short_call_otm": (CALL, "-2", "98", 0, D(0)),
    "long_put_itm": (PUT, "1", "90", -100, D(9_500)),
    "short_put_itm": (PUT, "-1", "90", 100, D(-9_500)),
    "short_put_otm": (PUT, "-1", "99", 0, D(0)),
}


def with_options(desk: WireDesk, **changes) -> None:
    for symbol, price in ((CALL, "4"), (PUT, "2"), (HIGH, "1")):
        desk.prices[symbol] = price
        desk.quote("0.05", **{symbol: price})
    desk.open(assets=WITH_PUT, **changes)


def hold_option(desk: WireDesk, symbol: str, units: str) -> None:
    if units.startswith("-"):
        covered = "200" if symbol == CALL else "0"
        if covered != "0":
            desk.hold("AAPL", covered, "cover")
    desk.hold(symbol, units)


@pytest.mark.parametrize("way", sorted(ENDS))
def test_fault_47_option_expires(desk, way):
    symbol, units, spot, shares, cash = ENDS[way]
    with_options(desk, **SOON)
    hold_option(desk, symbol, units)
    ledger = desk.session.ledger
    shares_before, cash_before = ledger.quantity("AAPL"), ledger.cash
    fills, orders = len(desk.session.journal.fills()), len(desk.session.journal.orders())
    desk.venue.set_time("2026-03-21T15:00:00+00:00")
    desk.venue.act("expire", symbol=symbol, spot=spot)
    desk.until(lambda: ledger.quantity(symbol) == 0)
    desk.until(lambda: ledger.cash - cash_before == cash)
    assert ledger.quantity("AAPL") - shares_before == shares
    assert len(desk.session.journal.fills()) == fills  # no order, no execution
    assert len(desk.session.journal.orders()) == orders
    assert desk.session.reconcile() == ()
    assert desk.session.state is TradingState.ACTIVE
    check(desk)


def test_fault_47_assignment_before_the_end_of_a_part(desk):
    with_options(desk, **SOON)
    hold_option(desk, CALL, "-2")
    cash = desk.session.ledger.cash
    desk.crash()
    desk.venue.act("assign", symbol=CALL, qty=1)
    desk.open(assets=WITH_PUT)  # it happened while nobody was there
    assert desk.report.differences == ()
    ledger = desk.session.ledger
    assert ledger.quantity(CALL) == -1
    assert ledger.quantity("AAPL") == 100
    assert ledger.cash - cash == 10_000
    kinds = {r.payload["kind"] for r in desk.session.journal.records(kind=EventKind.ACTIVITY)}
    assert kinds == {"assignment"}
    check(desk)


def spread(desk: WireDesk, units: str = "2") -> OrderIntent:
    """A call bought, a higher one written: 3 net at most."""
    return desk.intent(
        "AAPL",
        units,
        "spread",
        order_type=OrderType.LIMIT,
        limit_price=D("3.10"),
        order_class=OrderClass.MULTILEG,
        legs=(Leg(symbol=CALL, side=Side.BUY), Leg(symbol=HIGH, side=Side.SELL)),
    )


def legs_of(desk: WireDesk, intent: OrderIntent) -> dict[str, str]:
    """Client order ids of the legs, by symbol."""
    parent = desk.venue.order(intent.client_order_id)["id"]
    query = "SELECT symbol, client_order_id FROM orders WHERE parent_id = ?"
    with closing(sqlite3.connect(desk.folder / "venue.sqlite")) as venue:
        return dict(venue.execute(query, (parent,)).fetchall())


@pytest.mark.parametrize("missing", [CALL, HIGH, "both", "none"])
def test_fault_48_parent_is_not_filled_before_every_leg_is(desk, missing):
    with_options(desk)
    # nothing is for sale while the order goes in, so that its legs are known before they fill
    desk.venue.set_quote(CALL, "5.95", "6")
    intent = spread(desk)
    (order,) = desk.submit(intent)
    assert order.status is S.ACCEPTED
    legs = legs_of(desk, intent)
    for symbol, key in legs.items():
        if missing in (symbol, "both"):
            desk.venue.arm_event("skip", client_order_id=key, event="fill")
    heard = desk.broker._updates.heard
    silent = "/v2/account/activities/FILL"
    if missing != "none":
        desk.venue.arm("empty", method="GET", path=silent, count=-1)  # and the list lags too
    desk.venue.set_quote(CALL, "3.95", "4")
    until(lambda: desk.broker._updates.heard > heard)
    until(lambda: desk.venue.order(intent.client_order_id)["status"] == "filled")
    if missing != "none":
        seen = {CALL: {HIGH}, HIGH: {CALL}, "both": set()}[missing]
        desk.until(lambda: set(desk.session.ledger.positions) == seen)
        for _ in range(3):
            desk.session.collect_fills()
            assert desk.status(intent) is not S.FILLED
        assert desk.session.open_orders
        desk.venue.disarm()
        desk.session.reconcile()
    desk.until(lambda: desk.status(intent) is S.FILLED)
    ledger = desk.session.ledger
    assert (ledger.quantity(CALL), ledger.quantity(HIGH)) == (2, -2)
    fills = desk.session.journal.fills()
    assert sorted(fill.symbol for fill in fills) == sorted([CALL, HIGH])
    net = sum(fill.signed_quantity * fill.price * fill.multiplier for fill in fills)
    assert net == 100_000 - ledger.cash
    assert net <= intent.limit_price * 2 * 100
    parent = desk.venue.order(intent.client_order_id)
    assert net == D(parent["filled_avg_price"]) * 2 * 100  # the net debit is that of the legs
    assert desk.posts(intent) == 1
    check(desk)


@pytest.mark.parametrize("missing", ["none", HIGH])
def test_fault_48_legs_are_known_after_a_restart(desk, missing):
    with_options(desk)
    desk.venue.set_quote(CALL, "5.95", "6")
    intent = spread(desk)
    desk.submit(intent)
    legs = legs_of(desk, intent)
    if missing != "none":
        desk.venue.arm_event("skip", client_order_id=legs[missing], event="fill")
        desk.venue.arm("empty", method="GET", path="/v2/account/activities/FILL", count=-1)
    desk.venue.set_quote(CALL, "3.95", "4")
    held = {CALL, HIGH} - {missing}
    desk.until(lambda: set(desk.session.ledger.positions) == held)
    desk.crash()  # what a leg belongs to was in memory only
    desk.venue.disarm()
    desk.open(assets=WITH_PUT)
    desk.until(lambda: desk.status(intent) is S.FILLED)
    assert (desk.session.ledger.quantity(CALL), desk.session.ledger.quantity(HIGH)) == (2, -2)
    assert sorted(fill.symbol for fill in desk.session.journal.fills()) == sorted([CALL, HIGH])
    assert not {"external_order", "foreign_fill"} & set(desk.alerts())
    assert desk.session.frozen == {}
    check(desk)


def test_fault_48_legs_that_fill_late_are_known_after_an_orderly_restart(desk):
    with_options(desk)
    desk.venue.set_quote(CALL, "5.95", "6")
    intent = spread(desk)
    desk.submit(intent)
    legs = legs_of(desk, intent)
    desk.session.cancel(intent.client_order_id)
    desk.until(lambda: desk.status(intent) is S.CANCELED)
    desk.session.finish_run()  # its snapshot has the living orders only
    desk.crash()
    for symbol, key in legs.items():
        desk.venue.fill(key, qty=2, price=D(desk.prices[symbol]))
    desk.open(assets=WITH_PUT)
    desk.until(lambda: set(desk.session.ledger.positions) == {CALL, HIGH})
    assert not {"external_order", "foreign_fill"} & set(desk.alerts())
    assert {fill.client_order_id for fill in desk.session.journal.fills()} == {
        intent.client_order_id
    }
    assert desk.session.external == frozenset()


def bracket(desk: WireDesk, units: str = "10") -> OrderRecord:
    """Enter with two exits, and wait until both work."""
    sign = 1 if not units.startswith("-") else -1
    exits = {
        "order_class": OrderClass.BRACKET,
        "take_profit": D(100 + 10 * sign),
        "stop_loss": D(100 - 10 * sign),
    }
    (entry,) = desk.submit(desk.intent(units=units, name="entry", **exits))
    desk.until(lambda: desk.status(entry) is S.FILLED and len(desk.session.open_orders) == 2)
    assert {order.origin for order in desk.session.open_orders} == {Origin.EXIT}
    return entry


def fill_both(desk: WireDesk, exits: Sequence[OrderRecord]) -> None:
    for one in exits:
        price = one.intent.limit_price or one.intent.stop_price
        desk.venue.fill(one.client_order_id, price=price, alone=True)


@pytest.mark.parametrize("units", ["10", "-10"])
@pytest.mark.parametrize("is_flattening", [True, False])
def test_fault_49_both_exits_of_a_bracket_fill(desk, units, is_flattening):
    desk.open(is_flattening=is_flattening)
    entry = bracket(desk, units)
    exits = desk.session.open_orders
    fill_both(desk, exits)
    desk.until(lambda: all(desk.status(one) is S.FILLED for one in exits))
    ours = [o for o in desk.session.journal.orders() if o.origin is Origin.OURS]
    if is_flattening:
        (closing,) = [o for o in ours if o.client_order_id != entry.client_order_id]
        assert closing.intent.side is entry.intent.side
        assert closing.intent.quantity == 10
        desk.until(lambda: desk.status(closing) is S.FILLED)
        assert desk.posts(closing) == 1
        assert desk.session.ledger.quantity("AAPL") == 0
    else:
        assert [o.client_order_id for o in ours] == [entry.client_order_id]
        assert desk.session.ledger.quantity("AAPL") == -int(units)
        assert len(desk.venue.requests("POST")) == 1
    assert desk.alerts().count("both_exits_filled") == 1
    posts = len(desk.venue.requests("POST"))
    desk.session.collect_fills()
    desk.crash()
    desk.open(is_flattening=is_flattening)
    desk.session.collect_fills()
    assert len(desk.venue.requests("POST")) == posts  # it is closed once, whoever starts again
    check(desk, alert="both_exits_filled")


@pytest.mark.parametrize("units", ["10", "-10"])
def test_fault_49_both_exits_fill_while_nobody_is_there(desk, units):
    desk.open()
    entry = bracket(desk, units)
    exits = desk.session.open_orders
    desk.crash()
    fill_both(desk, exits)
    desk.open()
    desk.until(lambda: desk.session.ledger.quantity("AAPL") == 0)
    assert desk.status(entry) is S.FILLED
    assert len(desk.venue.requests("POST")) == 2
    check(desk, alert="both_exits_filled")


@pytest.mark.parametrize("is_cancel_lost", [False, True])
def test_fault_49_second_exit_filled_in_part(desk, is_cancel_lost):
    """What still works of it would stand against the closing order, and goes first."""
    desk.open()
    bracket(desk)
    exits = {o.intent.order_type: o for o in desk.session.open_orders}
    stop, profit_taker = exits[OrderType.STOP], exits[OrderType.LIMIT]
    if is_cancel_lost:
        desk.venue.arm("bad_gateway", method="DELETE", path="*")
    desk.venue.fill(profit_taker.client_order_id, price="110", alone=True)
    desk.venue.fill(stop.client_order_id, qty="4", price="90", alone=True)
    desk.until(lambda: desk.session.ledger.quantity("AAPL") == 0 and desk.alerts())
    assert desk.status(stop) is S.CANCELED
    assert desk.session.order(stop.client_order_id).filled_quantity == 4
    told = [a for a in desk.session.journal.alerts() if a.code == "both_exits_filled"]
    assert len(told) == 1
    assert "14 AAPL left where 10 had been entered" in told[0].message
    assert len(desk.venue.requests("POST")) == 2
    check(desk, alert="both_exits_filled")


@pytest.mark.parametrize("is_killed", [False, True])
def test_fault_49_closing_order_that_never_arrives_is_sent_again(desk, is_killed):
    """Nobody else would: no cycle has it in its plan."""
    desk.open()
    entry = bracket(desk)
    exits = desk.session.open_orders
    desk.venue.arm("server_error", method="POST", path="/v2/orders")
    fill_both(desk, exits)
    closing = None
    while closing is None:
        desk.session.collect_fills()
        ours = [o for o in desk.session.journal.orders() if o.origin is Origin.OURS]
        closing = next((o for o in ours if o.client_order_id != entry.client_order_id), None)
    assert desk.status(closing) is S.UNKNOWN
    if is_killed:
        desk.crash()
        desk.open()
    desk.until(lambda: desk.session.ledger.quantity("AAPL") == 0)
    assert desk.status(closing) is S.FILLED
    assert desk.alerts().count("both_exits_filled") == 1
    check(desk, alert="both_exits_filled")


def test_fault_49_closing_order_that_the_gate_refuses_is_told(desk):
    desk.open()
    bracket(desk)
    exits = desk.session.open_orders
    desk.session.halt(by="ann", reason="fire")
    fill_both(desk, exits)
    desk.until(lambda: "flatten_refused" in desk.alerts())
    for _ in range(3):
        desk.session.collect_fills()
    assert desk.alerts().count("flatten_refused") == 1
    assert desk.session.ledger.quantity("AAPL") == -10
    assert len(desk.venue.requests("POST")) == 1
    check(desk, alert="both_exits_filled")
