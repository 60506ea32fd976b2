"""The tables that follow from the journal, written in the transaction of the records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from alphalens.execution.records import (
    OrderRecord,
    Record,
    alert_from,
    fill_from,
    fill_of,
    fold_records,
    mark_from,
    order_from,
    order_id_of,
)
from alphalens.storage.schema import commands, fills, marks, orders, outbox
from alphalens.trading.codec import canonical_json
from alphalens.trading.events import EventKind
from alphalens.trading.orders import Fill

__all__ = ["Projector", "clear"]

_Row = dict[str, object]

#: Orders kept in memory; above it those that are final are let go, and read again if need be.
_REMEMBERED = 10_000

_CHANGING = (
    "seq",
    "status",
    "filled_quantity",
    "venue_order_id",
    "updated_at",
    "record",
    "parent_id",
    "origin",
)
_ORDER_TEXTS = sa.select(orders.c.client_order_id, orders.c.record).where(
    orders.c.client_order_id.in_(sa.bindparam("keys", expanding=True))
)
_ORDER_ADDED = orders.insert()
_ORDER_CHANGED = (
    orders.update()
    .where(orders.c.client_order_id == sa.bindparam("key"))
    .values({name: sa.bindparam(f"new_{name}") for name in _CHANGING})
)
_FILL_ADDED = fills.insert()
_FILL_REMOVED = fills.delete().where(fills.c.fill_id == sa.bindparam("key"))
_COMMAND_HANDLED = (
    commands.update()
    .where(commands.c.id == sa.bindparam("key"))
    .values(handled_seq=sa.bindparam("new_seq"))
)


class Projector:
    """Write what follows from records, in their order; the same records give the same tables.

    It remembers the orders it has seen and those that it knows not to be there, so that a
    change of one costs no read, and writes each table once for all records of a transaction.

    Parameters
    ----------
    is_whole : bool
        Whether it sees the journal from its first record on, so that what it does not know is
        not there.
    """

    def __init__(self, *, is_whole: bool) -> None:
        self.is_whole = is_whole
        self._orders: dict[str, OrderRecord] = {}
        self._absent: set[str] = set()

    def project(
        self, connection: sa.Connection, records: Sequence[Record], texts: Sequence[str]
    ) -> None:
        """Write what follows from records, in the transaction that stores them.

        `texts` are their contents as they are stored.
        """
        self._project_orders(connection, records)
        _project_fills(connection, records, texts)
        _write(connection, marks.insert(), map(_mark_row, _of(records, EventKind.MARK)))
        _write(connection, outbox.insert(), map(_alert_row, _of(records, EventKind.ALERT)))
        handled = [
            {"key": record.payload["command_id"], "new_seq": record.seq}
            for record in records
            if record.payload.get("command_id") is not None
        ]
        _write(connection, _COMMAND_HANDLED, handled)

    def known(self, client_order_id: str) -> OrderRecord | None:
        """Return an order as the last records left it, if it is remembered."""
        return self._orders.get(client_order_id)

    def note_absent(self, client_order_id: str) -> None:
        """Remember that no order of that id is stored."""
        if len(self._absent) >= _REMEMBERED:
            self._absent.clear()
        self._absent.add(client_order_id)

    def _project_orders(self, connection: sa.Connection, records: Sequence[Record]) -> None:
        about: dict[str, list[Record]] = {}
        for record in records:
            if (key := order_id_of(record)) is not None:
                about.setdefault(key, []).append(record)
        stored = self._recall(connection, set(about))
        changed: dict[str, tuple[OrderRecord, int]] = {}
        for key, told in about.items():
            known = self._orders.get(key)
            order = fold_records(known, told)
            if order is not None and order is not known:
                self._orders[key] = order
                self._absent.discard(key)
                changed[key] = order, told[-1].seq
        added = [_changing(*c) | _lasting(c[0]) for k, c in changed.items() if k not in stored]
        updated = [_new(k, _changing(*c)) for k, c in changed.items() if k in stored]
        _write(connection, _ORDER_ADDED, added)
        _write(connection, _ORDER_CHANGED, updated)
        self._forget()

    def _recall(self, connection: sa.Connection, keys: set[str]) -> set[str]:
        """Read the orders that are not in memory; return which of `keys` are stored."""
        unknown = sorted(keys - self._orders.keys() - self._absent)
        if unknown and not self.is_whole:
            for row in connection.execute(_ORDER_TEXTS, {"keys": unknown}):
                self._orders[row.client_order_id] = order_from(json.loads(row.record))
        return keys & self._orders.keys()

    def _forget(self) -> None:
        if len(self._orders) > _REMEMBERED:
            self.is_whole = False
            self._orders = {k: o for k, o in self._orders.items() if not o.status.is_final}


def clear(connection: sa.Connection) -> dict[int, datetime]:
    """Empty the projections; return which alerts had been delivered, and when."""
    query = sa.select(outbox.c.seq, outbox.c.delivered_at).where(outbox.c.delivered_at.is_not(None))
    delivered = {row.seq: row.delivered_at for row in connection.execute(query)}
    for table in (orders, fills, marks, outbox):
        connection.execute(table.delete())
    return delivered


def _write(
    connection: sa.Connection, statement: sa.Executable, rows: Iterable[Mapping[str, object]]
) -> None:
    given = list(rows)
    if given:
        connection.execute(statement, given)


def _of(records: Sequence[Record], kind: EventKind) -> Iterable[Record]:
    return (record for record in records if record.kind is kind)


def _changing(order: OrderRecord, seq: int) -> _Row:
    """Columns of an order that change with each record about it."""
    return {
        "seq": seq,
        "status": order.status.value,
        "filled_quantity": order.filled_quantity,
        "venue_order_id": order.venue_order_id,
        "updated_at": order.updated_at,
        "record": canonical_json(order),
        "parent_id": order.parent_id,
        "origin": order.origin.value,
    }


def _lasting(order: OrderRecord) -> _Row:
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


def _new(key: str, values: _Row) -> _Row:
    return {"key": key, **{f"new_{name}": value for name, value in values.items()}}


def _project_fills(
    connection: sa.Connection, records: Sequence[Record], texts: Sequence[str]
) -> None:
    added: dict[str, _Row] = {}
    removed: list[str] = []
    for record, text in zip(records, texts, strict=True):
        if record.kind is EventKind.FILL:
            fill = fill_of(record)
            added[fill.fill_id] = _fill_row(record, fill, text)
        elif record.kind is EventKind.FILLS_CORRECTED:
            gone = record.payload["removed"]
            removed += [key for key in gone if added.pop(key, None) is None]
            for payload in record.payload["fills"]:
                fill = fill_from(payload)
                added[fill.fill_id] = _fill_row(record, fill, canonical_json(payload))
    _write(connection, _FILL_REMOVED, [{"key": key} for key in removed])
    _write(connection, _FILL_ADDED, added.values())


def _fill_row(record: Record, fill: Fill, text: str) -> _Row:
    return {
        "fill_id": fill.fill_id,
        "seq": record.seq,
        "cycle_id": record.cycle_id,
        "client_order_id": fill.client_order_id,
        "symbol": fill.symbol,
        "side": fill.side.value,
        "quantity": fill.quantity,
        "price": fill.price,
        "fee": fill.fee,
        "at": fill.at,
        "record": text,
    }


def _mark_row(record: Record) -> _Row:
    return {"seq": record.seq, **asdict(mark_from(record.payload))}


def _alert_row(record: Record) -> _Row:
    alert = alert_from(record.payload)
    return {
        "seq": record.seq,
        "at": alert.at,
        "code": alert.code,
        "severity": alert.severity.value,
        "message": alert.message,
        "record": canonical_json(alert),
    }
