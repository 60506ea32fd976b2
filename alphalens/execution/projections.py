"""The tables that follow from the journal, written in the transaction of the record."""

from __future__ import annotations

import json
from dataclasses import asdict

import sqlalchemy as sa

from alphalens.execution.records import (
    OrderRecord,
    Record,
    alert_from,
    fill_from,
    fold_order,
    mark_from,
    order_from,
)
from alphalens.storage.schema import commands, fills, marks, orders, outbox
from alphalens.trading.codec import canonical_json
from alphalens.trading.events import EventKind

__all__ = ["clear", "project"]

_ORDER_KINDS = frozenset(
    {
        EventKind.ORDER_REFUSED,
        EventKind.APPROVAL_REQUESTED,
        EventKind.APPROVAL_DENIED,
        EventKind.ORDER_INTENDED,
        EventKind.ORDER_ANSWERED,
        EventKind.ORDER_UNKNOWN,
        EventKind.ORDER_CLOSED,
        EventKind.FILL,
    }
)


def project(connection: sa.Connection, record: Record) -> None:
    """Write what follows from one record; the same records give the same tables."""
    if record.kind in _ORDER_KINDS:
        _project_order(connection, record)
    if record.kind is EventKind.FILL:
        _project_fill(connection, record)
    elif record.kind is EventKind.MARK:
        mark = mark_from(record.payload)
        connection.execute(marks.insert().values(seq=record.seq, **asdict(mark)))
    elif record.kind is EventKind.ALERT:
        _project_alert(connection, record)
    if record.payload.get("command_id") is not None:
        connection.execute(
            commands.update()
            .where(commands.c.id == record.payload["command_id"])
            .values(handled_seq=record.seq)
        )


def clear(connection: sa.Connection) -> dict[int, object]:
    """Empty the projections; return which alerts had been delivered, and when."""
    query = sa.select(outbox.c.seq, outbox.c.delivered_at).where(outbox.c.delivered_at.is_not(None))
    delivered: dict[int, object] = {row.seq: row.delivered_at for row in connection.execute(query)}
    for table in (orders, fills, marks, outbox):
        connection.execute(table.delete())
    return delivered


def _project_order(connection: sa.Connection, record: Record) -> None:
    payload = record.payload
    order_id = payload["intent"]["client_order_id"] if "intent" in payload else None
    order_id = order_id or payload["client_order_id"]
    query = sa.select(orders.c.record).where(orders.c.client_order_id == order_id)
    text = connection.execute(query).scalar_one_or_none()
    order = fold_order(None if text is None else order_from(json.loads(text)), record)
    if order is None:
        return
    row = _order_row(order, record.seq)
    if text is None:
        connection.execute(orders.insert().values(**row))
    else:
        connection.execute(
            orders.update().where(orders.c.client_order_id == order_id).values(**row)
        )


def _order_row(order: OrderRecord, seq: int) -> dict[str, object]:
    intent = order.intent
    return {
        "client_order_id": intent.client_order_id,
        "seq": seq,
        "run_id": order.run_id,
        "cycle_id": intent.cycle_id,
        "symbol": intent.symbol,
        "side": intent.side.value,
        "quantity": intent.quantity,
        "status": order.status.value,
        "filled_quantity": order.filled_quantity,
        "venue_order_id": order.venue_order_id,
        "fingerprint": intent.fingerprint,
        "created_at": intent.created_at,
        "updated_at": order.updated_at,
        "record": canonical_json(order),
    }


def _project_fill(connection: sa.Connection, record: Record) -> None:
    fill = fill_from(record.payload)
    connection.execute(
        fills.insert().values(
            fill_id=fill.fill_id,
            seq=record.seq,
            cycle_id=record.cycle_id,
            client_order_id=fill.client_order_id,
            symbol=fill.symbol,
            side=fill.side.value,
            quantity=fill.quantity,
            price=fill.price,
            fee=fill.fee,
            at=fill.at,
        )
    )


def _project_alert(connection: sa.Connection, record: Record) -> None:
    alert = alert_from(record.payload)
    connection.execute(
        outbox.insert().values(
            seq=record.seq,
            at=alert.at,
            code=alert.code,
            severity=alert.severity.value,
            message=alert.message,
            record=canonical_json(alert),
        )
    )
