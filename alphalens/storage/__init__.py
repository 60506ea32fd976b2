"""The one database schema and its engine: SQLite by default, PostgreSQL by URL."""

from alphalens._optional import require

require("sqlalchemy", extra="trading")

from alphalens.storage.engine import open_engine, reading, writing  # noqa: E402 - after the guard
from alphalens.storage.schema import SCHEMA_VERSION, metadata  # noqa: E402 - after the guard

__all__ = ["SCHEMA_VERSION", "metadata", "open_engine", "reading", "writing"]
