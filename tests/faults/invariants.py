"""What must hold after every fault, read from the venue's own file."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from alphalens.execution import TradingSession
from alphalens.trading.events import EventKind

#: Of a multi-leg order the venue gives each leg an order, and the whole of them no symbol.
_WHOLE_OF_LEG = (
    "SELECT leg.client_order_id, whole.client_order_id FROM orders leg "
    "JOIN orders whole ON leg.parent_id = whole.id WHERE whole.symbol = ''"
)
_FINAL = {"filled", "canceled", "expired", "rejected", "replaced"}


def check_invariants(
    session: TradingSession, venue_file: Path, *, alert: str | None = None
) -> None:
    """Check the five invariants of every fault, and the alert where one is due.

    Positions and cash of the venue's own file are those of the ledger; each execution was
    applied once; no order of ours still works that the venue has ended; the chain verifies.
    """
    with closing(sqlite3.connect(f"file:{venue_file}?mode=ro", uri=True)) as venue:
        _check_positions(session, venue)
        _check_cash(session, venue)
        _check_executions(session, venue)
        _check_orders(session, venue)
    assert session.journal.verify() == session.journal.length
    session.journal.verify_tables()
    if alert is not None:
        told = [one.code for one in session.journal.alerts()]
        assert alert in told, f"{alert} was not told, only {told}"


def _check_positions(session: TradingSession, venue: sqlite3.Connection) -> None:
    rows = venue.execute("SELECT symbol, qty FROM positions").fetchall()
    theirs = {symbol: Decimal(qty) for symbol, qty in rows if Decimal(qty)}
    ours = {symbol: p.quantity for symbol, p in session.ledger.positions.items()}
    assert ours == theirs


def _check_cash(session: TradingSession, venue: sqlite3.Connection) -> None:
    (text,) = venue.execute("SELECT value FROM account WHERE key = 'cash'").fetchone()
    assert session.ledger.cash == Decimal(json.loads(text) if text.startswith('"') else text)


def _check_executions(session: TradingSession, venue: sqlite3.Connection) -> None:
    """Our executions sum up, order by order, to the venue's own, and to what the order says."""
    rows = venue.execute("SELECT client_order_id, symbol, side, qty FROM executions").fetchall()
    wholes = dict(venue.execute(_WHOLE_OF_LEG).fetchall())
    theirs: dict[tuple[str, str, str], Decimal] = {}
    for order_id, symbol, side, qty in rows:
        key = (wholes.get(order_id, order_id), symbol, side)
        theirs[key] = theirs.get(key, Decimal(0)) + Decimal(qty)
    ours: dict[tuple[str, str, str], Decimal] = {}
    booked = session.journal.fills()
    for fill in booked:
        key = (fill.client_order_id, fill.symbol, fill.side.value)
        ours[key] = ours.get(key, Decimal(0)) + fill.quantity
    assert len({fill.fill_id for fill in booked}) == len(booked)
    assert ours == theirs
    for order in session.journal.orders():
        intent, key = order.intent, order.client_order_id
        for leg in intent.legs:
            units = ours.get((key, leg.symbol, leg.side.value), Decimal(0))
            assert order.leg_fills.get(leg.symbol, Decimal(0)) == leg.side.sign * units, order
        if not intent.legs:
            units = ours.get((key, intent.symbol, intent.side.value), Decimal(0))
            assert order.filled_quantity == units, order
    started = session.journal.records(kind=EventKind.RUN_STARTED)
    assert started, "the session was never started"


def _check_orders(session: TradingSession, venue: sqlite3.Connection) -> None:
    rows = dict(venue.execute("SELECT client_order_id, status FROM orders").fetchall())
    for order in session.journal.orders():
        theirs = rows.get(order.client_order_id)
        if theirs in _FINAL:
            assert order.status.is_final, f"{order.client_order_id} is {order.status}, {theirs}"
