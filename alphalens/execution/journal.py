"""The record of everything: append-only, hash-chained, committed before anything is sent.

`JournalReader` is for everybody: dashboards, reports, other processes. `Journal` adds the
pen, and there is one pen per database: an append that finds the head moved by somebody else
is refused, and a pen that failed once writes no more until it is opened anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alphalens.errors import AuditError, StorageError
from alphalens.execution.projections import Projector, clear
from alphalens.execution.records import Mark, OrderRecord, Payload, Record, alert_from, order_from
from alphalens.storage import open_engine, reading, writing
from alphalens.storage.schema import GENESIS, fills, head_text, journal, marks, meta, orders, outbox
from alphalens.trading.clock import Clock
from alphalens.trading.codec import canonical_json, digest
from alphalens.trading.events import AlertEvent, EventKind
from alphalens.trading.orders import Fill, OrderStatus, Side

__all__ = ["Entry", "Journal", "JournalReader"]

if TYPE_CHECKING:
    _Row = sa.Row[*tuple[Any, ...]]  # Any: columns differ from query to query
    _Select = sa.Select[*tuple[Any, ...]]  # Any: as above

#: What a record is made of: its kind, its content, and the cycle it belongs to.
Entry = tuple[EventKind, Mapping[str, object], str]


class JournalReader:
    """The journal and its projections, to read.

    Parameters
    ----------
    engine : Engine
        From `alphalens.storage.open_engine`.

    Examples
    --------
    >>> from alphalens.storage import open_engine
    >>> JournalReader(open_engine("sqlite://")).verify()
    0
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @property
    def engine(self) -> sa.Engine:
        """Return the engine of the database."""
        return self._engine

    @property
    def head(self) -> str:
        """Return the hash of the last record; 64 zeros if there is none."""
        return self._tail()[1]

    @property
    def length(self) -> int:
        """Return the number of records."""
        return self._tail()[0]

    def records(
        self, *, kind: EventKind | None = None, cycle_id: str | None = None, after: int = 0
    ) -> tuple[Record, ...]:
        """Return the records of a kind, of a cycle, or all, after number `after`, in order."""
        query = sa.select(journal).where(journal.c.seq > after).order_by(journal.c.seq)
        if kind is not None:
            query = query.where(journal.c.kind == kind.value)
        if cycle_id is not None:
            query = query.where(journal.c.cycle_id == cycle_id)
        return tuple(_record(row) for row in self._rows(query))

    def orders(
        self, *, cycle_id: str | None = None, status: OrderStatus | None = None
    ) -> tuple[OrderRecord, ...]:
        """Return the orders of a cycle, of a status, or all, by creation, then symbol and id."""
        query = sa.select(orders.c.record).order_by(
            orders.c.created_at, orders.c.symbol, orders.c.client_order_id
        )
        if cycle_id is not None:
            query = query.where(orders.c.cycle_id == cycle_id)
        if status is not None:
            query = query.where(orders.c.status == status.value)
        return tuple(order_from(json.loads(row.record)) for row in self._rows(query))

    def fills(self, *, cycle_id: str | None = None) -> tuple[Fill, ...]:
        """Return the executions of a cycle's orders, or all, in the order they were booked."""
        query = sa.select(fills).order_by(fills.c.seq)
        if cycle_id is not None:
            query = query.where(fills.c.cycle_id == cycle_id)
        return tuple(_fill(row) for row in self._rows(query))

    def marks(self) -> tuple[Mark, ...]:
        """Return every valuation of the book, in order."""
        names = [column.name for column in marks.c if column.name != "seq"]
        rows = self._rows(sa.select(marks).order_by(marks.c.seq))
        return tuple(Mark(**{name: getattr(row, name) for name in names}) for row in rows)

    def alerts(self, *, pending_only: bool = False) -> tuple[AlertEvent, ...]:
        """Return the alerts in order, all or those not yet delivered to anybody."""
        query = sa.select(outbox.c.record).order_by(outbox.c.seq)
        if pending_only:
            query = query.where(outbox.c.delivered_at.is_(None))
        return tuple(alert_from(json.loads(row.record)) for row in self._rows(query))

    def verify(self) -> int:
        """Check every link of the chain and return the number of records.

        Raises
        ------
        AuditError
            Naming the first record that was changed, added, removed or reordered.

        Notes
        -----
        Each record's hash is SHA-256 over its number, instant, run, cycle, kind, content and
        the hash before it, in canonical JSON. The head is kept beside the chain, so that
        records cut off at the end are missed too. Who can write the file can rebuild the
        whole chain: to rule that out, keep `head` somewhere else. Time O(n).
        """
        seq, head = 0, GENESIS
        with reading(self._engine) as connection:
            kept = connection.execute(_HEAD).scalar_one()
            for row in connection.execute(_AS_STORED):
                _check_link(row, seq + 1, head)
                seq, head = row.seq, row.hash
        if kept != head_text(seq, head):
            raise AuditError(
                f"the journal ends with record {seq}, but its head was kept as record "
                f"{kept.partition(':')[0]}: records were cut off or added after record {seq}; "
                f"restore the file from a copy before trading"
            )
        return seq

    def verify_tables(self) -> None:
        """Compare the tables that follow from the record with a replay of it.

        Raises
        ------
        AuditError
            Naming the first table that was changed behind the record's back; the record
            itself is checked by `verify`.
        """
        replayed = open_engine("sqlite://")
        try:
            projector = Projector()
            with writing(replayed) as connection:
                for record in self.records():
                    projector.project(connection, record)
            for table in (orders, fills, marks, outbox):
                columns = [c for c in table.c if c.name != "delivered_at"]
                query = sa.select(*columns).order_by(*table.primary_key.columns)
                with reading(replayed) as ours, reading(self._engine) as theirs:
                    wanted, found = ours.execute(query).all(), theirs.execute(query).all()
                if wanted != found:
                    raise AuditError(
                        f"the table {table.name} is not what the record gives ({len(found)} rows, "
                        f"{len(wanted)} expected): it was changed; `Journal.rebuild` restores it"
                    )
        finally:
            replayed.dispose()

    def _tail(self) -> tuple[int, str]:
        with reading(self._engine) as connection:
            seq, _, head = connection.execute(_HEAD).scalar_one().partition(":")
        return int(seq), head

    def _rows(self, query: _Select) -> Iterator[_Row]:
        with reading(self._engine) as connection:
            yield from connection.execute(query).fetchall()


class Journal(JournalReader):
    """The journal, with the pen.

    Parameters
    ----------
    engine : Engine
        From `alphalens.storage.open_engine`.
    clock : Clock
        Gives each record its instant.
    run_id : str
        Written into each record.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from alphalens.storage import open_engine
    >>> from alphalens.trading.clock import VirtualClock
    >>> clock = VirtualClock(datetime(2024, 1, 2, tzinfo=UTC))
    >>> pen = Journal(open_engine("sqlite://"), clock=clock, run_id="r1")
    >>> pen.append(EventKind.CYCLE_FINISHED, {"n": 1}, "c1").hash[:8], pen.verify()
    ('eb5e23ce', 1)
    """

    def __init__(self, engine: sa.Engine, *, clock: Clock, run_id: str) -> None:
        super().__init__(engine)
        self._clock, self.run_id = clock, run_id
        self._seq, self._hash = self._tail()
        self._projector = Projector()
        self._is_sound = True

    def append(self, kind: EventKind, payload: Mapping[str, object], cycle_id: str = "") -> Record:
        """Write one record with its projections and commit; return it as it is stored.

        Raises
        ------
        InputError
            If the content cannot be written as canonical JSON; nothing is stored.
        StorageError
            If it could not be committed, or another process holds the pen. What the record
            was to announce must not happen.
        """
        return self.append_all([(kind, payload, cycle_id)])[0]

    def append_all(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        """Write records in one transaction, all or none; raises as `append`."""
        if not self._is_sound:
            raise StorageError(
                "the journal failed to write once and it is not known what was stored: nothing "
                "more is written or sent; repair the cause and open the session again"
            )
        at = self._clock.now()
        links = tuple(self._chain(entries, at))
        if not links:
            return ()
        records = tuple(record for record, _ in links)
        self._is_sound = False
        with writing(self._engine) as connection:
            self._advance(connection, records[-1])
            connection.execute(_INSERT, [_row(record, text) for record, text in links])
            for record in records:
                self._projector.project(connection, record)
        self._is_sound = True
        self._seq, self._hash = records[-1].seq, records[-1].hash
        return records

    def rebuild(self) -> int:
        """Throw the projections away, replay the journal, and return how many records it has.

        Raises
        ------
        AuditError
            If the chain is broken: nothing is rebuilt from a changed record.
        """
        count = self.verify()
        with writing(self._engine) as connection:
            delivered = clear(connection)
            self._projector = Projector()
            query = sa.select(journal).order_by(journal.c.seq)
            for row in connection.execute(query).fetchall():
                self._projector.project(connection, _record(row))
            for seq, at in delivered.items():
                connection.execute(
                    outbox.update().where(outbox.c.seq == seq).values(delivered_at=at)
                )
        return count

    def _chain(self, entries: Sequence[Entry], at: datetime) -> Iterator[tuple[Record, str]]:
        """Give each entry as a record, with the text of its content."""
        seq, head = self._seq, self._hash
        for kind, payload, cycle_id in entries:
            text = canonical_json(payload)
            record = Record(
                seq=seq + 1,
                at=at,
                run_id=self.run_id,
                cycle_id=cycle_id,
                kind=kind,
                payload=json.loads(text),
                prev_hash=head,
                hash="",
            )
            record = replace(record, hash=_hash(record, text))
            seq, head = record.seq, record.hash
            yield record, text

    def _advance(self, connection: sa.Connection, last: Record) -> None:
        """Move the kept head on, if it is still where this pen left it."""
        heads = {"old": head_text(self._seq, self._hash), "new": head_text(last.seq, last.hash)}
        if connection.execute(_ADVANCE, heads).rowcount != 1:
            raise StorageError(
                f"the journal has grown past record {self._seq} without this process: another "
                f"one writes it. Only one process may trade an account; stop one, and open the "
                f"session again"
            )


_HEAD = sa.select(meta.c.value).where(meta.c.key == "head")
_ADVANCE = (
    meta.update()
    .where(meta.c.key == "head", meta.c.value == sa.bindparam("old"))
    .values(value=sa.bindparam("new"))
)
_INSERT = journal.insert()

#: The journal with its instants as the text they are stored as: an edited one may be no instant.
_AS_STORED = sa.select(
    *(c for c in journal.c if c.name != "at"), sa.type_coerce(journal.c.at, sa.String).label("at")
).order_by(journal.c.seq)


def _row(record: Record, text: str) -> dict[str, object]:
    return {
        "seq": record.seq,
        "at": record.at,
        "run_id": record.run_id,
        "cycle_id": record.cycle_id,
        "kind": record.kind.value,
        "payload": text,
        "prev_hash": record.prev_hash,
        "hash": record.hash,
    }


def _hash(record: Record, text: str) -> str:
    return digest(
        [
            record.seq,
            record.at,
            record.run_id,
            record.cycle_id,
            record.kind,
            text,
            record.prev_hash,
        ]
    )


def _check_link(row: _Row, seq: int, head: str) -> None:
    if row.seq != seq:
        raise AuditError(
            f"record {seq} is missing, the next one is {row.seq}: the journal was changed after "
            f"it was written; restore the file from a copy before trading"
        )
    expected = digest(
        [row.seq, row.at, row.run_id, row.cycle_id, row.kind, row.payload, row.prev_hash]
    )
    if row.prev_hash != head or row.hash != expected:
        raise AuditError(
            f"record {seq} ({row.kind}) does not match its hash: the journal was changed after it "
            f"was written; restore the file from a copy before trading"
        )


def _record(row: _Row) -> Record:
    payload: Payload = json.loads(row.payload)
    return Record(
        seq=row.seq,
        at=row.at,
        run_id=row.run_id,
        cycle_id=row.cycle_id,
        kind=EventKind(row.kind),
        payload=payload,
        prev_hash=row.prev_hash,
        hash=row.hash,
    )


def _fill(row: _Row) -> Fill:
    return Fill(
        fill_id=row.fill_id,
        client_order_id=row.client_order_id,
        symbol=row.symbol,
        side=Side(row.side),
        quantity=row.quantity,
        price=row.price,
        at=row.at,
        fee=row.fee,
    )
