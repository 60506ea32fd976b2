"""The record of everything: append-only, hash-chained, committed before anything is sent.

`JournalReader` is for everybody: dashboards, reports, other processes. `Journal` adds the
pen, and there is one pen per database: the second one is refused at its opening, an append
that finds the pen taken over or the head moved is refused too, and a pen that failed once
writes no more until it is opened anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa

from alphalens.errors import StorageError
from alphalens.execution.chain import check_stored, link_hash
from alphalens.execution.projections import Projector, clear
from alphalens.execution.records import (
    Mark,
    OrderRecord,
    Payload,
    Record,
    alert_from,
    fill_from,
    order_from,
)
from alphalens.execution.replaying import check_table, record_from, replay
from alphalens.execution.snapshots import Snapshot, check_snapshots, newest_snapshot
from alphalens.storage import WriterLock, open_engine, reading, writing
from alphalens.storage.schema import (
    GENESIS,
    fills,
    head_text,
    journal,
    marks,
    meta,
    orders,
    outbox,
)
from alphalens.trading.clock import Clock
from alphalens.trading.codec import canonical_json, instant, plain_and_text
from alphalens.trading.events import AlertEvent, EventKind
from alphalens.trading.orders import Fill, OrderStatus
from alphalens.trading.text import check_texts, checked_text

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
        self._checked = (0, GENESIS)

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
        return tuple(record_from(row) for row in self._rows(query))

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

    def order(self, client_order_id: str) -> OrderRecord | None:
        """Return the order of that id, or None if there is none."""
        return next(iter(self.orders_of([client_order_id])), None)

    def orders_of(self, client_order_ids: Sequence[str]) -> tuple[OrderRecord, ...]:
        """Return the orders of those ids, as far as there are any, by their ids."""
        return tuple(
            order_from(json.loads(row.record))
            for part in _parted(client_order_ids)
            for row in self._rows(_ORDERS_OF.params(keys=part))
        )

    def order_of_venue(self, venue_order_id: str) -> OrderRecord | None:
        """Return the order that the venue knows by that id, or None if there is none."""
        query = sa.select(orders.c.record).where(orders.c.venue_order_id == venue_order_id)
        found = next(self._rows(query), None) if venue_order_id else None
        return None if found is None else order_from(json.loads(found.record))

    def orders_naming(self, symbol: str) -> tuple[OrderRecord, ...]:
        """Return the orders in whose content a symbol stands, as their own or as a leg's."""
        part = f'"symbol":{canonical_json(symbol)}'
        query = sa.select(orders.c.record).where(orders.c.record.contains(part, autoescape=True))
        return tuple(order_from(json.loads(row.record)) for row in self._rows(query))

    def fills_of(self, client_order_ids: Sequence[str]) -> tuple[Fill, ...]:
        """Return the executions of orders that stand, as they were booked."""
        return tuple(
            fill_from(json.loads(row.record))
            for part in _parted(client_order_ids)
            for row in self._rows(_FILLS_OF.params(keys=part))
        )

    def fills(
        self,
        *,
        cycle_id: str | None = None,
        symbol: str | None = None,
        since: datetime | None = None,
    ) -> tuple[Fill, ...]:
        """Return the executions that stand, as they were booked.

        Those of a cycle's orders, of a symbol, and not before an instant; all, by default.
        """
        query = sa.select(fills.c.record).order_by(fills.c.seq, fills.c.fill_id)
        if cycle_id is not None:
            query = query.where(fills.c.cycle_id == cycle_id)
        if symbol is not None:
            query = query.where(fills.c.symbol == symbol)
        if since is not None:
            query = query.where(fills.c.at >= since)
        return tuple(fill_from(json.loads(row.record)) for row in self._rows(query))

    def fill(self, fill_id: str) -> Fill | None:
        """Return the execution of that id as it was booked, or None if it was not."""
        query = sa.select(fills.c.record).where(fills.c.fill_id == fill_id)
        found = next(self._rows(query), None)
        return None if found is None else fill_from(json.loads(found.record))

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
        the hash before it, as a list in canonical JSON. The head is kept beside the chain, so that
        records cut off at the end are missed too. Who can write the file can rebuild the
        whole chain: to rule that out, keep `head` somewhere else. Time O(n).
        """
        self._checked = self._check(0, GENESIS)
        return self._checked[0]

    def verify_new(self) -> int:
        """Check the links since the last check by this object; return the number of records.

        The record that was checked last is read again, so that a chain which was written anew
        is found; an edit further back is found by `verify`. Raises as `verify`; time O(new).
        """
        self._checked = self._check(*self._checked)
        return self._checked[0]

    def _check(self, after: int, head: str) -> tuple[int, str]:
        with reading(self._engine) as connection:
            return check_stored(connection, after, head)

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
            with reading(self._engine) as source:  # one moment: another process may be writing
                with writing(replayed) as target:
                    replay(source, target, Projector(is_whole=True))
                for table in (orders, fills, marks, outbox):
                    check_table(table, source, replayed)
                check_snapshots(source)
        finally:
            replayed.dispose()

    def latest_snapshot(self) -> tuple[int, Payload] | None:
        """Return the newest snapshot that fits the record: its number and its content.

        One that was changed, or whose record is not in the journal with the hash it had, is
        passed over; None if none is left. A snapshot saves a replay, it proves nothing:
        `verify` reads the records themselves, one of which has its hash.
        """
        with reading(self._engine) as connection:
            return newest_snapshot(connection)

    def _tail(self) -> tuple[int, str]:
        with reading(self._engine, is_single=True) as connection:
            seq, _, head = connection.execute(_HEAD).scalar_one().partition(":")
        return int(seq), head

    def _rows(self, query: _Select) -> Iterator[_Row]:
        with reading(self._engine, is_single=True) as connection:
            yield from connection.execute(query).fetchall()


class Journal(JournalReader):
    """The journal, with the pen, which it holds until it is closed.

    Parameters
    ----------
    engine : Engine
        From `alphalens.storage.open_engine`.
    clock : Clock
        Gives each record its instant.
    run_id : str
        Written into each record.

    Raises
    ------
    StorageError
        If another process or object holds the pen: who, and since when.

    Notes
    -----
    `close` lets the next one in, and so do the end of a ``with`` block, ``engine.dispose()``
    and the end of the process. What was recorded can still be read after it.

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
        self._clock, self.run_id = clock, checked_text(run_id, "run_id")
        self._lock = WriterLock.acquire(engine, at=clock.now())
        self._seq, self._hash = self._tail()
        self._projector = Projector(is_whole=not self._seq)
        self._parts: dict[str, str] = {}  # hashes of the last snapshot's parts, by their text
        self._is_sound = True

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    @property
    def epoch(self) -> int:
        """Return how often the pen of this database was taken, this time included."""
        return self._lock.epoch

    def close(self) -> None:
        """Give the pen back; a second call does nothing."""
        self._lock.release()

    def order(self, client_order_id: str) -> OrderRecord | None:
        """Return the order of that id, or None if there is none."""
        if not (self._is_sound and self._lock.is_held):
            return super().order(client_order_id)
        known = self._projector.known(client_order_id)
        if known is None and not self._projector.is_whole:
            known = super().order(client_order_id)
            if known is None:
                self._projector.note_absent(client_order_id)
        return known

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
        return self._write(entries)

    def save_snapshot(
        self, body: Mapping[str, object], parts: Mapping[str, Sequence[str]] | None = None
    ) -> int:
        """Keep the state after the last record, and return that record's number.

        The last two snapshots are kept. A record has the hash of each and is written in the
        same transaction, so there is no snapshot without one.

        Parameters
        ----------
        body : Mapping
            The state, of what canonical JSON can hold.
        parts : Mapping of str to sequence of str, optional
            Texts in ASCII that belong to it, which come back in `body` under their name. A text
            that an earlier snapshot had too is not stored again.

        Raises
        ------
        InputError
            If it cannot be written as canonical JSON.
        StorageError
            If it could not be stored, or another process holds the pen.
        """
        snapshot = Snapshot(self._seq, self._hash, body, parts or {}, self._parts)
        self._write([(EventKind.SNAPSHOT_KEPT, snapshot.note, "")], snapshot.keep)
        self._parts = snapshot.texts
        return snapshot.seq

    def rebuild(self) -> int:
        """Throw the projections away, replay the journal, and return how many records it has.

        Raises
        ------
        AuditError
            If the chain is broken: nothing is rebuilt from a changed record.
        """
        self._check_pen()
        count, projector = self.verify(), Projector(is_whole=True)
        self._is_sound = False
        with writing(self._engine) as connection:
            self._lock.check(connection)
            delivered = clear(connection)
            replay(connection, connection, projector)
            for seq, at in delivered.items():
                connection.execute(
                    outbox.update().where(outbox.c.seq == seq).values(delivered_at=at)
                )
        self._is_sound, self._projector = True, projector
        return count

    def _write(
        self,
        entries: Sequence[Entry],
        beside: Callable[[sa.Connection, datetime], None] = lambda _, __: None,
    ) -> tuple[Record, ...]:
        """Write records, their projections and what goes beside them in one transaction."""
        self._check_pen()
        at = self._clock.now()
        links = tuple(self._chain(entries, at))
        if not links:
            return ()
        records = tuple(record for record, _ in links)
        rows = [row for _, row in links]
        self._is_sound = False
        with writing(self._engine) as connection:
            self._advance(connection, records[-1])
            connection.execute(_INSERT, rows)
            self._projector.project(connection, records, [row["payload"] for row in rows])
            beside(connection, at)
        self._is_sound = True
        self._seq, self._hash = records[-1].seq, records[-1].hash
        return records

    def _check_pen(self) -> None:
        self._lock.check_held()
        if not self._is_sound:
            raise StorageError(
                "the journal failed to write once and it is not known what was stored: nothing "
                "more is written or sent; repair the cause and open the session again"
            )

    def _chain(
        self, entries: Sequence[Entry], at: datetime
    ) -> Iterator[tuple[Record, dict[str, Any]]]:  # Any: what a column holds
        """Give each entry as a record, with its row."""
        seq, head, stamp = self._seq, self._hash, instant(at)
        for kind, payload, cycle_id in entries:
            checked_text(cycle_id, "cycle_id")
            seq, (plain, text) = seq + 1, plain_and_text(payload)
            if "\\u" in text:  # only escaped text can hold what a database does not
                check_texts(plain, kind.value)
            own = link_hash([seq, stamp, self.run_id, cycle_id, kind.value, text, head])
            facts: dict[str, Any] = {  # Any: what each field is, `Record` says
                "seq": seq,
                "at": at,
                "run_id": self.run_id,
                "cycle_id": cycle_id,
                "prev_hash": head,
                "hash": own,
            }
            record = Record(kind=kind, payload=plain, **facts)
            yield record, {**facts, "kind": kind.value, "payload": text}
            head = own

    def _advance(self, connection: sa.Connection, last: Record) -> None:
        """Move the kept head on, if the pen is still ours and the head where it was left."""
        values = {
            "old": head_text(self._seq, self._hash),
            "new": head_text(last.seq, last.hash),
            "epoch": self._lock.epoch,
        }
        if connection.execute(_ADVANCE, values).rowcount != 1:
            self._lock.check(connection)
            raise StorageError(
                f"the journal has grown past record {self._seq} without this process: another "
                f"one writes it. Only one process may trade an account; stop one, and open the "
                f"session again"
            )


_HEAD = sa.select(meta.c.value).where(meta.c.key == "head")
_ADVANCE = (
    meta.update()
    .where(meta.c.key == "head", meta.c.value == sa.bindparam("old"), WriterLock.condition)
    .values(value=sa.bindparam("new"))
)
_INSERT = journal.insert()

#: Orders asked for in one query.
_ASKED = 500
_ORDERS_OF = (
    sa.select(orders.c.record)
    .where(orders.c.client_order_id.in_(sa.bindparam("keys", expanding=True)))
    .order_by(orders.c.client_order_id)
)
_FILLS_OF = (
    sa.select(fills.c.record)
    .where(fills.c.client_order_id.in_(sa.bindparam("keys", expanding=True)))
    .order_by(fills.c.seq, fills.c.fill_id)
)


def _parted(keys: Sequence[str]) -> Iterator[list[str]]:
    """Give sorted keys, so many at once as one query may ask for."""
    left = sorted(set(keys))
    for start in range(0, len(left), _ASKED):
        yield left[start : start + _ASKED]
