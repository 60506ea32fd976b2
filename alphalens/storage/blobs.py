"""Bytes kept by their content: what is too large for a record, which then names its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from alphalens.errors import AuditError, InputError, StorageError
from alphalens.storage.schema import blobs
from alphalens.storage.transactions import name_of, reading, writing

__all__ = ["Blobs", "get_blobs", "put_blobs"]

_LARGEST = 16 * 1024 * 1024
_WANTED = blobs.c.hash.in_(sa.bindparam("keys", expanding=True))
_FIND = sa.select(blobs.c.hash, blobs.c.body).where(_WANTED)
_STORED = sa.select(blobs.c.hash).where(_WANTED)


class Blobs:
    """A store of bytes by the SHA-256 of their content; the same content is kept once.

    Parameters
    ----------
    engine : Engine
        From `alphalens.storage.open_engine`.
    largest : int
        Most bytes of one blob.

    Examples
    --------
    >>> from datetime import UTC
    >>> from alphalens.storage import open_engine
    >>> store = Blobs(open_engine("sqlite://"))
    >>> key = store.put(b"a page", at=datetime(2024, 1, 2, tzinfo=UTC))
    >>> key[:8], store.get(key)
    ('9a8eeff1', b'a page')
    """

    def __init__(self, engine: sa.Engine, *, largest: int = _LARGEST) -> None:
        if largest < 1:
            raise InputError(f"largest must be at least 1 byte, got {largest}")
        self._engine, self._largest = engine, largest

    def put(self, content: bytes, *, at: datetime) -> str:
        """Store bytes and return their hash; what is there already is left as it is.

        Parameters
        ----------
        content : bytes
            At most `largest` of them.
        at : datetime
            Now, timezone-aware; kept with the first put.

        Returns
        -------
        str
            SHA-256, 64 hexadecimal digits.

        Raises
        ------
        InputError
            If there are too many bytes, or `at` has no time zone.
        StorageError
            If it could not be stored.
        """
        if len(content) > self._largest:
            raise InputError(
                f"a blob has at most {self._largest} bytes, got {len(content)}: split it, or "
                f"keep it in a file and store its hash"
            )
        if at.tzinfo is None:
            raise InputError(f"a time zone is needed, got the naive instant {at.isoformat()}")
        with writing(self._engine) as connection:
            (key,) = put_blobs(connection, [content], at=at)
        return key

    def get(self, key: str) -> bytes:
        """Return the bytes of a hash, checked against it.

        Raises
        ------
        StorageError
            If there are none.
        AuditError
            If they were changed after they were stored.
        """
        with reading(self._engine, is_single=True) as connection:
            return get_blobs(connection, [key])[0]


def put_blobs(
    connection: sa.Connection, contents: Sequence[bytes], *, at: datetime
) -> tuple[str, ...]:
    """Store bytes in a transaction that is open, those that are not there yet; return hashes."""
    keys = tuple(hashlib.sha256(content).hexdigest() for content in contents)
    named = dict(zip(keys, contents, strict=True))
    stored = set(connection.execute(_STORED, {"keys": keys}).scalars())
    rows = [
        {"hash": key, "size": len(content), "body": content, "at": at}
        for key, content in named.items()
        if key not in stored
    ]
    if rows:
        connection.execute(blobs.insert(), rows)
    return keys


def get_blobs(connection: sa.Connection, keys: Sequence[str]) -> tuple[bytes, ...]:
    """Return the bytes of hashes, each checked; raises as `Blobs.get`."""
    rows = connection.execute(_FIND, {"keys": list(keys)})
    found = {row.hash: bytes(row.body) for row in rows}
    return tuple(_checked(connection, key, found.get(key)) for key in keys)


def _checked(connection: sa.Connection, key: str, content: bytes | None) -> bytes:
    if content is None:
        raise StorageError(
            f"{name_of(connection.engine)} has no blob {key}: restore the database from a copy, "
            f"or put the bytes again"
        )
    found = hashlib.sha256(content).hexdigest()
    if found != key:
        raise AuditError(
            f"blob {key} does not match its hash ({len(content)} bytes give {found}): it was "
            f"changed after it was written; restore the database from a copy"
        )
    return content
