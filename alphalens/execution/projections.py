"""The tables that follow from the journal, written in the transaction of the record."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from alphalens.execution.records import (
    OrderRecord,
    Record,
    alert_from,
    fill_from,
    fold_order,
    mark_from,
    order_from,
    order_id_of,
)
from alphalens.storage.schema import commands, fills, marks, orders, outbox
from alphalens.trading.codec import canonical_json
from alphalens.trading.events import EventKind

__all__ = ["Projector", "clear"]

_ORDER_TEXT = sa.select(orders.c.record).where(orders.c.client_order_id == sa.bindparam("key"))
_ORDER_ADDED = orders.insert()
_ORDER_CHANGED = (
    orders.update()
    .where(orders.c.client_order_id == sa.bindparam("key"))
    .values(
        {
            name: sa.bindparam(f"new_{name}")
            for name in (
                "seq",
                "status",
                "filled_quantity",
                "venue_order_id",
                "updated_at",
                "record",
            )
        }
    )
)
_COMMAND_HANDLED = (
    commands.update()
    .where(commands.c.id == sa.bindparam("key"))
    .values(handled_seq=sa.bindparam("new_seq"))
)


class Projector:
    """Write what follows from records, in their order; the same records give the same tables.

    It remembers the orders it has seen, so that a change of one costs no read.
    """

    def __init__(self) -> None:
        self._orders: dict[str, OrderRecord] = {}

    def project(self, connection: sa.Connection, record: Record) -> None:
        """Write what follows from one record, in the transaction that stores it."""
        self._project_order(connection, record)
        match record.kind:
            case EventKind.FILL:
                _project_fill(connection, record)
            case EventKind.MARK:
                mark = asdict(mark_from(record.payload))
                connection.execute(marks.insert(), {"seq": record.seq, **mark})
            case EventKind.ALERT:
                _project_alert(connection, record)
        command = record.payload.get("command_id")
        if command is not None:
            connection.execute(_COMMAND_HANDLED, {"key": command, "new_seq": record.seq})

    def _project_order(self, connection: sa.Connection, record: Record) -> None:
        order_id = order_id_of(record)
        if order_id is None:
            return
        known = self._orders.get(order_id) or _stored(connection, order_id)
        order = fold_order(known, record)
        if order is None or order is known:
            return
        self._orders[order_id] = order
        changing = {
            "seq": record.seq,
            "status": order.status.value,
            "filled_quantity": order.filled_quantity,
            "venue_order_id": order.venue_order_id,
            "updated_at": order.updated_at,
            "record": canonical_json(order),
        }
        if known is None:
            connection.execute(_ORDER_ADDED, {**_lasting(order), **changing})
        else:
            values = {f"new_{name}": value for name, value in changing.items()}
            connection.execute(_ORDER_CHANGED, {"key": order_id, **values})


def clear(connection: sa.Connection) -> dict[int, datetime]:
    """Empty the projections; return which alerts had been delivered, and when."""
    query = sa.select(outbox.c.seq, outbox.c.delivered_at).where(outbox.c.delivered_at.is_not(None))
    delivered = {row.seq: row.delivered_at for row in connection.execute(query)}
    for table in (orders, fills, marks, outbox):
        connection.execute(table.delete())
    return delivered


def _stored(connection: sa.Connection, order_id: str) -> OrderRecord | None:
    text = connection.execute(_ORDER_TEXT, {"key": order_id}).scalar_one_or_none()
    return None if text is None else order_from(json.loads(text))


def _lasting(order: OrderRecord) -> dict[str, object]:
    """Columns of an order that never change."""
    intent = order.intent
    return {
        "client_order_id": intent.client_order_id,
        "run_id": order.run_id,
        "cycle_id": intent.cycle_id,
        "symbol": intent.symbol,
        "side": intent.side.value,
        "quantity": intent.quantity,
        "fingerprint": intent.fingerprint,
        "created_at": intent.created_at,
    }


def _project_fill(connection: sa.Connection, record: Record) -> None:
    fill = asdict(fill_from(record.payload))
    where = {"seq": record.seq, "cycle_id": record.cycle_id, "side": fill.pop("side").value}
    connection.execute(fills.insert(), {**fill, **where})


def _project_alert(connection: sa.Connection, record: Record) -> None:
    alert = alert_from(record.payload)
    connection.execute(
        outbox.insert(),
        {
            "seq": record.seq,
            "at": alert.at,
            "code": alert.code,
            "severity": alert.severity.value,
            "message": alert.message,
            "record": canonical_json(alert),
        },
    )
