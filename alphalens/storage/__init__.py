"""The one database schema and its engine: SQLite by default, PostgreSQL by URL."""

from alphalens._optional import require

require("sqlalchemy", extra="trading")

from alphalens.storage.blobs import Blobs  # noqa: E402 - after the guard
from alphalens.storage.engine import open_engine  # noqa: E402 - after the guard
from alphalens.storage.locks import WriterLock  # noqa: E402 - after the guard
from alphalens.storage.schema import SCHEMA_VERSION, metadata  # noqa: E402 - after the guard
from alphalens.storage.transactions import reading, writing  # noqa: E402 - after the guard

__all__ = [
    "SCHEMA_VERSION",
    "Blobs",
    "WriterLock",
    "metadata",
    "open_engine",
    "reading",
    "writing",
]
