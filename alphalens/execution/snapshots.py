"""The writer's memory kept aside at a record, so that a start need not replay all of them.

A snapshot saves a replay, and is no link of the chain; a record right after it has its hash, so
that one which was changed is not believed. What only ever grows is kept in parts, each a blob of
its own, so that a snapshot costs what is new since the last one and not the whole past.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

import sqlalchemy as sa

from alphalens.errors import AuditError, StorageError
from alphalens.execution.records import Payload
from alphalens.storage.blobs import get_blobs, put_blobs
from alphalens.storage.schema import GENESIS, journal, snapshots
from alphalens.trading.codec import canonical_json
from alphalens.trading.events import EventKind

__all__ = ["Snapshot", "check_snapshots", "newest_snapshot"]

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


class Snapshot:
    """The state after a record, about to be kept.

    Parameters
    ----------
    seq, head : int, str
        The record and its hash.
    body : Mapping
        The state, of what canonical JSON can hold.
    parts : Mapping of str to sequence of str
        Texts in ASCII that belong to it, by name, each kept once however many snapshots have it.
    stored : Mapping of str to str
        Hashes of texts that are stored already, by text.

    Attributes
    ----------
    texts : dict
        Hashes of its own texts, by text.

    Raises
    ------
    InputError
        If `body` cannot be written as canonical JSON.
    """

    def __init__(
        self,
        seq: int,
        head: str,
        body: Mapping[str, object],
        parts: Mapping[str, Sequence[str]],
        stored: Mapping[str, str],
    ) -> None:
        self.seq, self._head = seq, head
        given = {text for texts in parts.values() for text in texts}
        self.texts = {text: stored.get(text) or _hash(text) for text in given}
        self._new = [text.encode("ascii") for text in given if text not in stored]
        names = {name: [self.texts[text] for text in texts] for name, texts in parts.items()}
        self._text = canonical_json({"body": body, "parts": names})

    @property
    def note(self) -> dict[str, object]:
        """Return the content of the record that it was kept."""
        return _note_of(self.seq, self._text)

    def keep(self, connection: sa.Connection, at: datetime) -> None:
        """Store it, and of the others keep the newest one."""
        put_blobs(connection, self._new, at=at)
        text = self._text
        row = {"seq": self.seq, "hash": self._head, "body": text, "body_hash": _hash(text)}
        connection.execute(_SAME, {"number": self.seq})
        connection.execute(snapshots.insert(), {**row, "at": at})
        connection.execute(_OLD)


def newest_snapshot(connection: sa.Connection) -> tuple[int, Payload] | None:
    """Return the newest snapshot that fits the record: its number and its content.

    One that was changed, or whose record is not in the journal with the hash it had, is passed
    over; None if none is left. Each part is in the content under its name.
    """
    for seq, body in _judged(connection):
        if body is not None:
            return seq, body
    return None


def check_snapshots(connection: sa.Connection) -> None:
    """Compare the snapshots with what the record says of them.

    Raises
    ------
    AuditError
        Naming the first that was changed. A start passes it over.
    """
    for seq, body in _judged(connection):
        if body is None:
            raise AuditError(
                f"the snapshot of record {seq} is not the one that was kept there: it was "
                f"changed; a start passes it over and replays the record"
            )


def _judged(connection: sa.Connection) -> Iterator[tuple[int, Payload | None]]:
    """Give each snapshot's number, the newest first, and its content if a record has its hash."""
    for row in connection.execute(_STORED).fetchall():
        notes = connection.execute(_NOTES, {"after": row.seq}).scalars()
        hash_of_record = GENESIS if row.seq == 0 else row.record_hash
        is_noted = _note_of(row.seq, row.body) in map(json.loads, notes)
        is_sound = is_noted and row.hash == hash_of_record
        yield row.seq, _whole(connection, json.loads(row.body)) if is_sound else None


def _whole(connection: sa.Connection, kept: Payload) -> Payload | None:
    """Return the content with its parts; None if one of them is gone or was changed."""
    if "parts" not in kept:  # of an earlier version, whose number the reader sees
        return kept
    try:
        parts = {name: _get(connection, keys) for name, keys in kept["parts"].items()}
    except (AuditError, StorageError):
        return None
    return {**kept["body"], **parts}


def _get(connection: sa.Connection, keys: Sequence[str]) -> list[str]:
    return [content.decode("ascii") for content in get_blobs(connection, keys)]


def _note_of(seq: int, text: str) -> dict[str, object]:
    return {"seq": seq, "body_hash": _hash(text)}


def _hash(text: str) -> str:
    return sha256(text.encode("ascii")).hexdigest()
