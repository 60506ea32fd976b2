"""The hash chain: how a record becomes a link, and how a stored link is checked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256

import sqlalchemy as sa

from alphalens.errors import AuditError
from alphalens.storage.schema import GENESIS, head_text, journal, meta

__all__ = ["check_links", "check_stored", "link_hash"]

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def link_hash(fields: Sequence[str | int]) -> str:
    """Return the hash of a record, as 64 hexadecimal digits.

    Parameters
    ----------
    fields : sequence
        Number, instant as the text that is stored, run, cycle, kind, content as canonical
        JSON, and the hash of the record before.

    Notes
    -----
    SHA-256 over the JSON list of the fields, without blanks, in ASCII; every text in it is
    quoted and escaped, so that no two different records give the same bytes.

    Examples
    --------
    >>> link_hash([1, "2024-01-02T00:00:00.000000Z", "r1", "", "mark", "{}", "0" * 64])[:8]
    'bbb5cf04'
    """
    return sha256(_encode(fields).encode("ascii")).hexdigest()


def check_links(rows: Iterable[Sequence[str | int]], seq: int, head: str) -> tuple[int, str]:
    """Check rows that follow record `seq` with hash `head`; return number and hash of the last.

    Parameters
    ----------
    rows : iterable of sequences
        The fields of `link_hash`, then the hash that was kept.

    Raises
    ------
    AuditError
        Naming the first record that is missing or was changed.

    Notes
    -----
    Time O(n).
    """
    for *fields, kept in rows:
        if fields[0] != seq + 1:
            raise AuditError(
                f"record {seq + 1} is missing, the next one is {fields[0]}: the journal was "
                f"changed after it was written; restore the file from a copy before trading"
            )
        seq += 1
        if fields[-1] != head or link_hash(fields) != kept:
            raise AuditError(
                f"record {seq} ({fields[4]}) does not match its hash: the journal was changed "
                f"after it was written; restore the file from a copy before trading"
            )
        head = str(kept)
    return seq, head


def check_stored(connection: sa.Connection, after: int, head: str) -> tuple[int, str]:
    """Check the stored links after a record of that number and hash, to the kept head.

    Parameters
    ----------
    connection : Connection
        In a transaction that sees one moment of the journal.
    after, head : int, str
        Record that was checked before, and the hash it had; 0 and 64 zeros to check all.

    Returns
    -------
    tuple of int and str
        Number and hash of the last record.

    Raises
    ------
    AuditError
        As `check_links`; also if record `after` has another hash now, or if records were cut
        off at the end.
    """
    kept = connection.execute(_HEAD).scalar_one()
    known = connection.execute(_HASH_OF, {"number": after}).scalar_one_or_none() or GENESIS
    if known != head:
        raise AuditError(
            f"record {after} was checked before and has another hash now: the journal was "
            f"written anew; restore the file from a copy before trading"
        )
    stream = connection.execution_options(yield_per=_BATCH)
    with stream.execute(_AS_STORED, {"after": after}) as rows:
        seq, head = check_links(rows, after, head)
    if kept != head_text(seq, head):
        raise AuditError(
            f"the journal ends with record {seq}, but its head was kept as record "
            f"{kept.partition(':')[0]}: records were cut off or added after record {seq}; "
            f"restore the file from a copy before trading"
        )
    return seq, head


_BATCH = 5_000
_HEAD = sa.select(meta.c.value).where(meta.c.key == "head")
_HASH_OF = sa.select(journal.c.hash).where(journal.c.seq == sa.bindparam("number"))

#: The journal with its instants as the text they are stored as: an edited one may be no instant.
_AS_STORED = (
    sa.select(*(sa.type_coerce(c, sa.String) if c.name == "at" else c for c in journal.c))
    .where(journal.c.seq > sa.bindparam("after"))
    .order_by(journal.c.seq)
)
