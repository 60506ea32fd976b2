"""The record of everything: append-only, hash-chained, committed before anything is sent.

`JournalReader` is for everybody: dashboards, reports, other processes. `Journal` adds the
pen, and there is one pen per database: the second one is refused at its opening, an append
that finds the pen taken over or the head moved is refused too, and a pen that failed once
writes no more until it is opened anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa

from alphalens.errors import AuditError, StorageError
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
    snapshots,
)
from alphalens.trading.clock import Clock
from alphalens.trading.codec import canonical_json, instant
from alphalens.trading.events import AlertEvent, EventKind
from alphalens.trading.orders import Fill, OrderStatus
from alphalens.trading.text import checked_text

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

    def order(self, client_order_id: str) -> OrderRecord | None:
        """Return the order of that id, or None if there is none."""
        query = sa.select(orders.c.record).where(orders.c.client_order_id == client_order_id)
        found = next(self._rows(query), None)
        return None if found is None else order_from(json.loads(found.record))

    def fills(
        self,
        *,
        cycle_id: str | None = None,
        client_order_id: str | None = None,
        symbol: str | None = None,
        since: datetime | None = None,
    ) -> tuple[Fill, ...]:
        """Return the executions that stand, as they were booked.

        Those of a cycle's orders, of one order, of a symbol, and not before an instant; all, by
        default.
        """
        query = sa.select(fills.c.record).order_by(fills.c.seq, fills.c.fill_id)
        if cycle_id is not None:
            query = query.where(fills.c.cycle_id == cycle_id)
        if client_order_id is not None:
            query = query.where(fills.c.client_order_id == client_order_id)
        if symbol is not None:
            query = query.where(fills.c.symbol == symbol)
        if since is not None:
            query = query.where(fills.c.at >= since)
        return tuple(fill_from(json.loads(row.record)) for row in self._rows(query))

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
                    _replay(source, target, Projector())
                for table in (orders, fills, marks, outbox):
                    _check_table(table, source, replayed)
        finally:
            replayed.dispose()

    def latest_snapshot(self) -> tuple[int, Payload] | None:
        """Return the newest snapshot that fits the record: its number and its content.

        One that was changed, or whose record is not in the journal with the hash it had, is
        passed over; None if none is left. A snapshot saves a replay, it proves nothing: it is
        no link of the chain, and `verify` reads the records themselves.
        """
        with reading(self._engine) as connection:
            rows = connection.execute(_SNAPSHOTS).fetchall()
        for row in rows:
            hash_of_record = GENESIS if row.seq == 0 else row.record_hash
            if row.hash == hash_of_record and row.body_hash == _body_hash(row.body):
                body: Payload = json.loads(row.body)
                return row.seq, body
        return None

    def _tail(self) -> tuple[int, str]:
        with reading(self._engine) as connection:
            seq, _, head = connection.execute(_HEAD).scalar_one().partition(":")
        return int(seq), head

    def _rows(self, query: _Select) -> Iterator[_Row]:
        with reading(self._engine) as connection:
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
        self._projector = Projector()
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
        self._check_pen()
        at = self._clock.now()
        links = tuple(self._chain(entries, at))
        if not links:
            return ()
        records = tuple(record for record, _ in links)
        self._is_sound = False
        with writing(self._engine) as connection:
            self._advance(connection, records[-1])
            connection.execute(_INSERT, [row for _, row in links])
            self._projector.project(connection, records)
        self._is_sound = True
        self._seq, self._hash = records[-1].seq, records[-1].hash
        return records

    def save_snapshot(self, body: Mapping[str, object]) -> int:
        """Keep the state after the last record, and return that record's number.

        The last two snapshots are kept. What fails here has no effect on the record.

        Parameters
        ----------
        body : Mapping
            The state, of what canonical JSON can hold.

        Raises
        ------
        InputError
            If it cannot be written as canonical JSON.
        StorageError
            If it could not be stored, or another process holds the pen.
        """
        self._check_pen()
        text = canonical_json(body)
        row = {
            "seq": self._seq,
            "hash": self._hash,
            "body": text,
            "body_hash": _body_hash(text),
            "at": self._clock.now(),
        }
        with writing(self._engine) as connection:
            self._lock.check(connection)
            connection.execute(_SAME_SNAPSHOT, {"number": self._seq})
            connection.execute(snapshots.insert(), row)
            connection.execute(_OLD_SNAPSHOTS)
        return self._seq

    def rebuild(self) -> int:
        """Throw the projections away, replay the journal, and return how many records it has.

        Raises
        ------
        AuditError
            If the chain is broken: nothing is rebuilt from a changed record.
        """
        self._check_pen()
        count = self.verify()
        with writing(self._engine) as connection:
            self._lock.check(connection)
            delivered = clear(connection)
            self._projector = Projector()
            _replay(connection, connection, self._projector)
            for seq, at in delivered.items():
                connection.execute(
                    outbox.update().where(outbox.c.seq == seq).values(delivered_at=at)
                )
        return count

    def _check_pen(self) -> None:
        self._lock.check_held()
        if not self._is_sound:
            raise StorageError(
                "the journal failed to write once and it is not known what was stored: nothing "
                "more is written or sent; repair the cause and open the session again"
            )

    def _chain(
        self, entries: Sequence[Entry], at: datetime
    ) -> Iterator[tuple[Record, dict[str, object]]]:
        """Give each entry as a record, with its row."""
        seq, head, stamp = self._seq, self._hash, instant(at)
        for kind, payload, cycle_id in entries:
            checked_text(cycle_id, "cycle_id")
            seq, text = seq + 1, canonical_json(payload)
            if "\\u" in text:  # only escaped text can hold what a database does not
                _check_texts(json.loads(text), kind.value)
            own = link_hash([seq, stamp, self.run_id, cycle_id, kind.value, text, head])
            facts: dict[str, Any] = {  # Any: what each field is, `Record` says
                "seq": seq,
                "at": at,
                "run_id": self.run_id,
                "cycle_id": cycle_id,
                "prev_hash": head,
                "hash": own,
            }
            record = Record(kind=kind, payload=json.loads(text), **facts)
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

#: Records read or replayed at once.
_BATCH = 5_000

_NEXT_BATCH = (
    sa.select(journal)
    .where(journal.c.seq > sa.bindparam("after"))
    .order_by(journal.c.seq)
    .limit(_BATCH)
)
_SNAPSHOTS = (
    sa.select(snapshots, journal.c.hash.label("record_hash"))
    .outerjoin(journal, journal.c.seq == snapshots.c.seq)
    .order_by(snapshots.c.seq.desc())
)
_SAME_SNAPSHOT = snapshots.delete().where(snapshots.c.seq == sa.bindparam("number"))
_OLD_SNAPSHOTS = snapshots.delete().where(
    snapshots.c.seq.not_in(
        sa.select(snapshots.c.seq).order_by(snapshots.c.seq.desc()).limit(2).scalar_subquery()
    )
)


def _check_texts(value: object, what: str) -> None:
    """Refuse text that some database would refuse at the commit, when the pen would be dead."""
    if isinstance(value, str):
        checked_text(value, what)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            checked_text(key, what)
            _check_texts(item, f"{what}: {key}")
    elif isinstance(value, list):
        for item in value:
            _check_texts(item, what)


def _check_table(table: sa.Table, source: sa.Connection, replayed: sa.Engine) -> None:
    columns = [c for c in table.c if c.name != "delivered_at"]
    query = sa.select(*columns).order_by(*table.primary_key.columns)
    with reading(replayed) as ours:
        wanted, found = ours.execute(query).all(), source.execute(query).all()
    if wanted != found:
        raise AuditError(
            f"the table {table.name} is not what the record gives ({len(found)} rows, "
            f"{len(wanted)} expected): it was changed; `Journal.rebuild` restores it"
        )


def _replay(source: sa.Connection, target: sa.Connection, projector: Projector) -> None:
    """Project every record of `source` into `target`."""
    after = 0
    while rows := source.execute(_NEXT_BATCH, {"after": after}).fetchall():
        projector.project(target, [_record(row) for row in rows])
        after = rows[-1].seq


def _body_hash(text: str) -> str:
    return sha256(text.encode("ascii")).hexdigest()


def _record(row: _Row) -> Record:
    seq, at, run_id, cycle_id, kind, text, prev_hash, own = row
    payload: Payload = json.loads(text)
    return Record(
        seq=seq,
        at=at,
        run_id=run_id,
        cycle_id=cycle_id,
        kind=EventKind(kind),
        payload=payload,
        prev_hash=prev_hash,
        hash=own,
    )
