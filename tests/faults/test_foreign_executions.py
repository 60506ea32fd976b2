"""Executions that are booked before anybody knows whose order they are."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal

from .desk import WireDesk
from .invariants import check_invariants

LIMIT = {"symbol": "AAPL", "side": "buy", "type": "limit", "limit_price": "90"}


def collect(desk: WireDesk, units: int) -> None:
    desk.until(lambda: desk.session.ledger.quantity("AAPL") == units)


def test_stranger_whose_order_is_found_late_is_booked_once(desk):
    desk.open(heartbeat=timedelta(milliseconds=50))
    desk.venue.mute(on=True)
    nothing = {"code": 40410000, "message": "order not found"}
    path = "/v2/orders:by_client_order_id"
    desk.venue.arm("status", status=404, body=nothing, method="GET", path=path, count=-1)
    desk.venue.arm("empty", method="GET", path="/v2/orders", count=-1)
    order = {**LIMIT, "qty": "5", "time_in_force": "day", "client_order_id": "stranger"}
    desk.venue.place_external(order)
    desk.venue.fill("stranger", qty=3, price="90")
    collect(desk, 3)  # it is in the list of executions, and its order in no answer
    desk.venue.disarm()
    desk.venue.mute(on=False)
    desk.venue.fill("stranger", qty=2, price="90")
    collect(desk, 5)
    for _ in range(5):
        time.sleep(0.06)
        desk.session.collect_fills()
    assert desk.session.ledger.quantity("AAPL") == 5
    assert desk.session.ledger.cash == Decimal(100_000 - 5 * 90)
    assert "fill_inferred" not in desk.alerts()
    assert desk.session.reconcile() == ()
    desk.crash()
    session = desk.open()
    assert session.ledger.quantity("AAPL") == 5
    check_invariants(session, desk.folder / "venue.sqlite", alert="foreign_fill")
