"""The hash chain: how a record becomes a link, and how a stored link is checked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256

from alphalens.errors import AuditError

__all__ = ["check_links", "link_hash"]

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
