"""Refused rows of any kind in the one table of quarantine, each once by its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa

from alphalens.data._store.backends import backend_of
from alphalens.storage.schema import quarantine

__all__ = ["chunks", "keep_rows", "plain"]

V = TypeVar("V")
Columns = Mapping[str, Sequence[Any]]  # Any: of each column its own type

_CHUNK = 500  # keys that one query names
_NAMED = ("symbol", "timeframe", "adjustment", "source")
_COLUMNS = tuple(column.name for column in quarantine.c)


def keep_rows(connection: sa.Connection, told: Columns) -> int:
    """Keep refused rows, those that are not there yet; return how many these were.

    Parameters
    ----------
    connection : Connection
        In a write transaction.
    told : Mapping of str to sequence
        The columns of `quarantine` but its hash, all of one length: ``raw`` as text, as it came.
        Of two rows with one hash the later one is taken.
    """
    clean = cache(plain)
    whole = {
        **told,
        **{name: [clean(text) for text in told[name]] for name in ("symbol", "source")},
        "raw": [text.encode("utf-8", "surrogatepass") for text in told["raw"]],
    }
    whole["hash"] = _digests(whole)
    rows = {row[0]: row for row in zip(*(whole[name] for name in _COLUMNS), strict=True)}
    if not rows:
        return 0
    return backend_of(connection.dialect).put_new(connection, quarantine, list(rows.values()))


def chunks(values: Sequence[V]) -> Iterator[Sequence[V]]:
    """Give values a few at a time, as many as one query may name."""
    for first in range(0, len(values), _CHUNK):
        yield values[first : first + _CHUNK]


def plain(text: str) -> str:
    """Return text that every database takes: it is from outside, and may be anything."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _digests(told: Columns) -> list[str]:
    """Return the hash of each row: of the tuple of its names, time and marks, then its text."""

    @cache
    def begins(*names: str) -> str:
        return ", ".join(map(repr, names))

    begun = map(begins, *(told[name] for name in _NAMED))
    return [
        hashlib.sha256(f"({names}, {time}, {marks})".encode() + b"\0" + raw).hexdigest()
        for names, time, marks, raw in zip(
            begun, told["time"], told["marks"], told["raw"], strict=True
        )
    ]
