"""Bytes kept by their content: what is too large for a record, which then names its hash."""

from __future__ import annotations

import hashlib
from datetime import datetime

import sqlalchemy as sa

from alphalens.errors import AuditError, InputError, StorageError
from alphalens.storage.schema import blobs
from alphalens.storage.transactions import name_of, reading, writing

__all__ = ["Blobs"]

_LARGEST = 16 * 1024 * 1024
_KEY = blobs.c.hash == sa.bindparam("key")
_FIND = sa.select(blobs.c.body).where(_KEY)
_SIZE = sa.select(blobs.c.size).where(_KEY)


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
        key = hashlib.sha256(content).hexdigest()
        with writing(self._engine) as connection:
            if connection.execute(_SIZE, {"key": key}).first() is None:
                row = {"hash": key, "size": len(content), "body": content, "at": at}
                connection.execute(blobs.insert(), row)
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
        with reading(self._engine) as connection:
            content = connection.execute(_FIND, {"key": key}).scalar_one_or_none()
        if content is None:
            raise StorageError(
                f"{name_of(self._engine)} has no blob {key}: restore the database from a copy, "
                f"or put the bytes again"
            )
        found = hashlib.sha256(content).hexdigest()
        if found != key:
            raise AuditError(
                f"blob {key} does not match its hash ({len(content)} bytes give {found}): it was "
                f"changed after it was written; restore the database from a copy"
            )
        return bytes(content)
