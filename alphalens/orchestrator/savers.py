"""Where a graph keeps its state between two lines: in memory, or in a SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from alphalens._optional import require
from alphalens.errors import StorageError

require("langgraph.checkpoint.sqlite", extra="agents")

from langgraph.checkpoint.sqlite import SqliteSaver  # noqa: E402 - only after the guard has spoken

__all__ = ["memory_saver", "sqlite_saver"]


def memory_saver() -> InMemorySaver:
    """Return a saver that forgets with the process; for tests and one-off runs."""
    return InMemorySaver(serde=_strict())


@contextmanager
def sqlite_saver(path: str | Path) -> Iterator[SqliteSaver]:
    """Yield a saver over a file that is created when absent, readable by its owner alone.

    Parameters
    ----------
    path : str or Path
        The file; a cycle that was interrupted goes on from it in another process.

    Raises
    ------
    StorageError
        If the file cannot be opened as a SQLite database.
    """
    file = Path(path)
    try:
        file.touch(mode=0o600, exist_ok=True)
        connection = sqlite3.connect(file, check_same_thread=False)
        connection.execute("PRAGMA synchronous=FULL")
        saver = SqliteSaver(connection, serde=_strict())
        saver.setup()
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"the checkpoints in {file} cannot be opened: {error}") from error
    with closing(connection):
        yield saver


def _strict() -> JsonPlusSerializer:
    """Read back nothing but plain values: a checkpoint must not be able to run code."""
    return JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=None)
