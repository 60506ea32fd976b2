"""The writer's memory kept aside at a record, so that a start need not replay all of them.

A snapshot saves a replay, and is no link of the chain; a record right after it has its hash, so
that one which was changed is not believed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from alphalens.errors import AuditError
from alphalens.execution.records import Payload
from alphalens.storage.schema import GENESIS, journal, snapshots
from alphalens.trading.events import EventKind

__all__ = ["check_snapshots", "keep_snapshot", "newest_snapshot", "note_of"]

_STORED = (
    sa.select(snapshots, journal.c.hash.label("record_hash"))
    .outerjoin(journal, journal.c.seq == snapshots.c.seq)
    .order_by(snapshots.c.seq.desc())
)
_NOTES = sa.select(journal.c.payload).where(
    journal.c.kind == EventKind.SNAPSHOT_KEPT.value, journal.c.seq > sa.bindparam("after")
)
_SAME = snapshots.delete().where(snapshots.c.seq == sa.bindparam("number"))
_OLD = snapshots.delete().where(
    snapshots.c.seq.not_in(
        sa.select(snapshots.c.seq).order_by(snapshots.c.seq.desc()).limit(2).scalar_subquery()
    )
)


def keep_snapshot(
    connection: sa.Connection, *, seq: int, head: str, text: str, at: datetime
) -> None:
    """Keep the state after record `seq` with hash `head`, and of the others the newest one."""
    row = {"seq": seq, "hash": head, "body": text, "body_hash": _hash(text), "at": at}
    connection.execute(_SAME, {"number": seq})
    connection.execute(snapshots.insert(), row)
    connection.execute(_OLD)


def note_of(seq: int, text: str) -> dict[str, object]:
    """Return the content of the record that a snapshot after record `seq` was kept."""
    return {"seq": seq, "body_hash": _hash(text)}


def newest_snapshot(connection: sa.Connection) -> tuple[int, Payload] | None:
    """Return the newest snapshot that fits the record: its number and its content.

    One that was changed, or whose record is not in the journal with the hash it had, is passed
    over; None if none is left.
    """
    for row, is_sound in _judged(connection):
        if is_sound:
            body: Payload = json.loads(row.body)
            return row.seq, body
    return None


def check_snapshots(connection: sa.Connection) -> None:
    """Compare the snapshots with what the record says of them.

    Raises
    ------
    AuditError
        Naming the first that was changed. A start passes it over.
    """
    for row, is_sound in _judged(connection):
        if not is_sound:
            raise AuditError(
                f"the snapshot of record {row.seq} is not the one that was kept there: it was "
                f"changed; a start passes it over and replays the record"
            )


def _judged(connection: sa.Connection) -> Iterator[tuple[sa.Row[Any], bool]]:  # Any: columns
    """Give each snapshot, the newest first, and whether a record has its hash."""
    for row in connection.execute(_STORED).fetchall():
        notes = connection.execute(_NOTES, {"after": row.seq}).scalars()
        hash_of_record = GENESIS if row.seq == 0 else row.record_hash
        is_noted = note_of(row.seq, row.body) in map(json.loads, notes)
        yield row, is_noted and row.hash == hash_of_record


def _hash(text: str) -> str:
    return sha256(text.encode("ascii")).hexdigest()
