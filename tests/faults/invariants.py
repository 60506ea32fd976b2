"""What must hold after every fault, read from the venue's own file."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from alphalens.execution import TradingSession
from alphalens.execution.chain import check_links  # noqa: F401 - the chain is checked by verify
from alphalens.trading.events import EventKind

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
    """Our executions sum up, order by order, to the venue's own."""
    rows = venue.execute("SELECT client_order_id, symbol, side, qty FROM executions").fetchall()
    theirs: dict[str, Decimal] = {}
    for _, symbol, side, qty in rows:
        signed = Decimal(qty) if side == "buy" else -Decimal(qty)
        theirs[symbol] = theirs.get(symbol, Decimal(0)) + signed
    ours: dict[str, Decimal] = {}
    booked = session.journal.fills()
    for fill in booked:
        ours[fill.symbol] = ours.get(fill.symbol, Decimal(0)) + fill.signed_quantity
    assert len({fill.fill_id for fill in booked}) == len(booked)
    assert ours == {symbol: total for symbol, total in theirs.items() if symbol in ours or total}
    started = session.journal.records(kind=EventKind.RUN_STARTED)
    assert started, "the session was never started"


def _check_orders(session: TradingSession, venue: sqlite3.Connection) -> None:
    rows = dict(venue.execute("SELECT client_order_id, status FROM orders").fetchall())
    for order in session.journal.orders():
        theirs = rows.get(order.client_order_id)
        if theirs in _FINAL:
            assert order.status.is_final, f"{order.client_order_id} is {order.status}, {theirs}"
