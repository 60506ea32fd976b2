"""From journal records to the ledger: the one place where a record moves the book."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from alphalens.errors import InputError
from alphalens.execution.entries import activity_from
from alphalens.execution.records import Payload, Record, fill_from
from alphalens.trading.codec import from_jsonable
from alphalens.trading.events import EventKind
from alphalens.trading.ledger import Correction, Event, Ledger
from alphalens.trading.orders import Fill

__all__ = ["booked_fills", "event_of", "ledger_of", "opened_ledger"]


def opened_ledger(payload: Payload) -> Ledger:
    """Return the ledger that the first ``run_started`` record opens."""
    ledger = Ledger(Decimal(payload["opening_cash"]), payload["currency"])
    for held in payload["opening_positions"]:
        ledger.open_position(
            held["symbol"],
            Decimal(held["quantity"]),
            Decimal(held["price"]),
            multiplier=Decimal(held["multiplier"]),
        )
    return ledger


def event_of(record: Record) -> Event | None:
    """Return what a record does to the ledger, or None if nothing."""
    match record.kind:
        case EventKind.FILL:
            return fill_from(record.payload)
        case EventKind.FILLS_CORRECTED:
            return from_jsonable(Correction, record.payload)
        case EventKind.ACTIVITY:
            return activity_from(record.payload)
    return None


def ledger_of(records: Iterable[Record]) -> Ledger:
    """Return the ledger that records lead to, replayed from the first start.

    Raises
    ------
    InputError
        If no run has begun in them.
    """
    ledger: Ledger | None = None
    for record in records:
        if record.kind is EventKind.RUN_STARTED and ledger is None:
            ledger = opened_ledger(record.payload)
        elif ledger is not None and (event := event_of(record)) is not None:
            ledger.record(event)
    if ledger is None:
        raise InputError("no run has begun in these records: there is no opening balance")
    return ledger


def booked_fills(records: Iterable[Record]) -> tuple[Fill, ...]:
    """Return the executions in the order they were booked, inferred ones as corrected since."""
    fills: dict[str, Fill] = {}
    for record in records:
        event = event_of(record)
        if isinstance(event, Fill):
            fills[event.fill_id] = event
        elif isinstance(event, Correction):
            for removed in event.removed:
                fills.pop(removed, None)
            fills.update((fill.fill_id, fill) for fill in event.fills)
    return tuple(fills.values())
