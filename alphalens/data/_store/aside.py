"""Refused rows of any kind in the one table of quarantine, each once by its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from alphalens.storage.schema import quarantine

__all__ = ["chunks", "keep_rows", "plain"]

V = TypeVar("V")

_CHUNK = 500  # keys that one query names
_FACTS = ("symbol", "timeframe", "adjustment", "source", "time", "marks")


def keep_rows(connection: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> int:
    """Keep refused rows, those that are not there yet; return how many these were.

    Parameters
    ----------
    connection : Connection
        In a write transaction.
    rows : iterable of Mapping
        The columns of `quarantine` but its hash.
    """
    told = {_digest(row): row for row in rows}
    there: set[str] = set()
    for some in chunks(list(told)):
        query = sa.select(quarantine.c.hash).where(quarantine.c.hash.in_(some))
        there.update(connection.execute(query).scalars())
    new = [{"hash": name, **row} for name, row in told.items() if name not in there]
    if new:
        connection.execute(quarantine.insert(), new)
    return len(new)


def chunks(values: Sequence[V]) -> Iterator[Sequence[V]]:
    """Give values a few at a time, as many as one query may name."""
    for first in range(0, len(values), _CHUNK):
        yield values[first : first + _CHUNK]


def plain(text: str) -> str:
    """Return text that every database takes: it is from outside, and may be anything."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _digest(row: Mapping[str, Any]) -> str:
    facts = tuple(row[name] for name in _FACTS)
    return hashlib.sha256(repr(facts).encode() + b"\0" + row["raw"]).hexdigest()
