"""The writer's memory kept aside at a record, so that a start need not replay all of them.

A snapshot saves a replay, it proves nothing: it is no link of the chain.
"""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256

import sqlalchemy as sa

from alphalens.execution.records import Payload
from alphalens.storage.schema import GENESIS, journal, snapshots

__all__ = ["keep_snapshot", "newest_snapshot"]

_STORED = (
    sa.select(snapshots, journal.c.hash.label("record_hash"))
    .outerjoin(journal, journal.c.seq == snapshots.c.seq)
    .order_by(snapshots.c.seq.desc())
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


def newest_snapshot(connection: sa.Connection) -> tuple[int, Payload] | None:
    """Return the newest snapshot that fits the record: its number and its content.

    One that was changed, or whose record is not in the journal with the hash it had, is passed
    over; None if none is left.
    """
    for row in connection.execute(_STORED).fetchall():
        hash_of_record = GENESIS if row.seq == 0 else row.record_hash
        if row.hash == hash_of_record and row.body_hash == _hash(row.body):
            body: Payload = json.loads(row.body)
            return row.seq, body
    return None


def _hash(text: str) -> str:
    return sha256(text.encode("ascii")).hexdigest()
