"""One writer per database: a lock that dies with its process, and an epoch that outlives it.

The lock keeps a second process out: a file lock beside a SQLite file, an advisory lock of the
session on PostgreSQL. A lock can be lost without its holder knowing it, as when the server
cuts the connection or somebody deletes the lock file. So each taking also writes the next
epoch into the database, and every write of the holder asks, in its own transaction, whether
its epoch is still the newest (Kleppmann, "How to do distributed locking", 2016: a fencing
token).
"""

from __future__ import annotations

import fcntl
import os
import socket
import weakref
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from alphalens.errors import PenHeld, StorageError
from alphalens.storage.postgres import advisory_key
from alphalens.storage.schema import writers
from alphalens.storage.sqlite import create_private, file_of
from alphalens.storage.transactions import name_of, reading, translated, writing

__all__ = ["WriterLock", "this_process"]

#: How long PostgreSQL may need to see that a killed holder is gone.
_PATIENCE_MS = 300

_NEWEST = sa.select(writers).order_by(writers.c.epoch.desc()).limit(1)
_OURS_IS_NEWEST = sa.select(sa.func.max(writers.c.epoch)).scalar_subquery() == sa.bindparam(
    "epoch", type_=sa.Integer
)

_LIVE: weakref.WeakSet[WriterLock] = weakref.WeakSet()


class WriterLock:
    """The right to write the journal of a database; made by `acquire`.

    Attributes
    ----------
    engine : Engine
        The database.
    epoch : int
        Number of this taking, from 1; higher than that of any holder before.
    owner : str
        Who holds it, for the message to the one who is refused.

    Notes
    -----
    It ends with `release`, with ``engine.dispose()``, with the last reference to it, and with
    the process, however that ends. A forked child does not hold it.

    Examples
    --------
    >>> from datetime import UTC
    >>> from alphalens.storage import open_engine
    >>> lock = WriterLock.acquire(open_engine("sqlite://"), at=datetime(2024, 1, 2, tzinfo=UTC))
    >>> lock.epoch, lock.is_held
    (1, True)
    """

    #: The condition, with the parameter ``epoch``, under which a statement may write.
    condition = _OURS_IS_NEWEST

    def __init__(self, engine: sa.Engine, *, epoch: int, owner: str, hold: _Hold) -> None:
        self.engine, self.epoch, self.owner = engine, epoch, owner
        self._hold = hold
        self._place = _place_of(engine)
        self._free = weakref.finalize(self, hold.free)
        _LIVE.add(self)
        itself = weakref.ref(self)

        def on_disposed(_: sa.Engine) -> None:
            lock = itself()
            if lock is not None:
                lock.release()

        sa.event.listen(engine, "engine_disposed", on_disposed)

    @classmethod
    def acquire(cls, engine: sa.Engine, *, at: datetime, owner: str | None = None) -> WriterLock:
        """Take the lock and the next epoch.

        A SQLite database in memory belongs to one process and has no lock, only the epoch:
        the last one to take it may write.

        Parameters
        ----------
        engine : Engine
            From `open_engine`, not read only.
        at : datetime
            Now, timezone-aware; told to those who are refused.
        owner : str, optional
            Who takes it; by default this host and process.

        Raises
        ------
        StorageError
            If another holds it, naming who and since when, or if the database fails.
        """
        hold = _take(engine)
        name = owner or this_process()
        try:
            with writing(engine) as connection:
                newest = connection.execute(_NEWEST).first()
                epoch = 1 if newest is None else newest.epoch + 1
                row = {"epoch": epoch, "owner": name, "at": at}
                connection.execute(writers.insert(), row)
        except BaseException:
            hold.free()
            raise
        return cls(engine, epoch=epoch, owner=name, hold=hold)

    @property
    def is_held(self) -> bool:
        """Return whether it was not released; `check` asks the database."""
        return self._free.alive

    def release(self) -> None:
        """Let the next one in; a second call does nothing."""
        self._free()

    def forget(self) -> None:
        """Let go of what a forked child has of its parent's lock; the parent keeps it."""
        if self._free.detach() is not None:
            self._hold.forget()

    def check(self, connection: sa.Connection) -> None:
        """Refuse unless this is still the newest holder.

        Parameters
        ----------
        connection : Connection
            Of the transaction that is going to write.

        Raises
        ------
        StorageError
            If it was released, or another has taken it over: who, and since when.
        """
        self.check_held()
        newest = connection.execute(_NEWEST).first()
        if newest is None or newest.epoch != self.epoch:
            raise StorageError(
                f"{name_of(self.engine)} was taken over by {_told(newest)}: this process "
                f"({self.owner}) writes nothing more. Only one process may trade an account; "
                f"stop one, and open the session again"
            )

    def check_held(self) -> None:
        """Refuse if it was released or its file has gone, without asking the database.

        Raises
        ------
        StorageError
            If it was released, or if the file of the database was deleted or replaced: what is
            written into it would be lost.
        """
        if self._place is not None and _place_of(self.engine) != self._place:
            raise StorageError(
                f"the file of {name_of(self.engine)} was deleted or replaced while it was open: "
                f"nothing more is written or sent; put the file back, then open the journal again"
            )
        if not self.is_held:
            raise StorageError(
                f"the journal {name_of(self.engine)} was closed: nothing more is written by this "
                f"object; open a new one"
            )


def _place_of(engine: sa.Engine) -> tuple[int, int] | None:
    """Return which file the database is, or None if it is none or has gone."""
    path = file_of(engine)
    try:
        found = None if path is None else path.stat()
    except FileNotFoundError:
        return (0, 0)
    return None if found is None else (found.st_dev, found.st_ino)


def this_process() -> str:
    """Return the host and the number of this process, as text for people."""
    return f"{socket.gethostname()} pid {os.getpid()}"


class _Hold(Protocol):
    def free(self) -> None: ...

    def forget(self) -> None: ...


class _InMemory:
    """A database in memory has no lock."""

    def free(self) -> None:
        """Free nothing."""

    def forget(self) -> None:
        """Forget nothing."""


class _FileHold:
    """A locked file. The lock is that of the open file, not of the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def free(self) -> None:
        """Close the file, and with it the lock."""
        os.close(self._descriptor)

    def forget(self) -> None:
        """Close the child's copy; the lock lives on with the parent's."""
        os.close(self._descriptor)


class _SessionHold:
    """A connection whose session has the advisory lock."""

    def __init__(self, connection: sa.Connection, key: str) -> None:
        self._connection, self._key = connection, key

    def free(self) -> None:
        """Unlock at once, not when the server sees the closed socket; then close."""
        # A connection that is gone has freed its lock already.
        with suppress(SQLAlchemyError):
            self._connection.exec_driver_sql(f"SELECT pg_advisory_unlock({self._key})")
        with suppress(SQLAlchemyError):
            self._connection.close()

    def forget(self) -> None:
        """Leave the socket alone: a word on it would end the parent's session."""


def _take(engine: sa.Engine) -> _Hold:
    if engine.dialect.name == "postgresql":
        return _lock_schema(engine)
    path = file_of(engine)
    return _InMemory() if path is None else _lock_file(engine, path)


def _lock_file(engine: sa.Engine, database: Path) -> _Hold:
    path = database.with_name(f"{database.name}.lock")
    descriptor = create_private(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise _refused(engine) from None
    except OSError as error:
        os.close(descriptor)
        raise StorageError(
            f"cannot lock {path}: {error.strerror}; keep the journal on a local disk"
        ) from error
    return _FileHold(descriptor)


def _lock_schema(engine: sa.Engine) -> _Hold:
    key = advisory_key("pen")
    with translated(engine):
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # a connection of its own, which the pool neither lends nor resets
        try:
            connection.exec_driver_sql(f"SET lock_timeout = {_PATIENCE_MS}")
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({key})")
        except OperationalError as error:
            connection.close()
            if getattr(error.orig, "sqlstate", None) == "55P03":
                raise _refused(engine) from None
            raise
    return _SessionHold(connection, key)


def _refused(engine: sa.Engine) -> PenHeld:
    with reading(engine) as connection:
        newest = connection.execute(_NEWEST).first()
    return PenHeld(
        f"{name_of(engine)} is written by {_told(newest)}. Only one process may trade an "
        f"account: stop that one, or give another database"
    )


def _told(row: sa.Row[tuple[int, str, datetime]] | None) -> str:
    if row is None:
        return "another process"
    return f"{row.owner} since {row.at:%Y-%m-%d %H:%M:%S} UTC (epoch {row.epoch})"


def _forget_in_child() -> None:
    # The child has a copy of the descriptor: closed, the lock stays the parent's alone.
    for lock in list(_LIVE):
        lock.forget()


os.register_at_fork(after_in_child=_forget_in_child)
