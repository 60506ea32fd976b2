"""The halt file: the way to stop trading that needs no database.

While the file exists, the process that trades halts before its next order. A person may make
it by hand; made by `make_halt_file`, it says who asked, when and why, one line for each time.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from alphalens.errors import ConfigError, InputError, StorageError

__all__ = ["halt_file_of", "make_halt_file", "read_halt_file", "remove_halt_file"]

_MOST_READ = 4_000


def halt_file_of(journal: str | Path) -> Path | None:
    """Return the halt file that goes with a journal: ``desk.sqlite.halt`` beside the file.

    Parameters
    ----------
    journal : str or Path
        A URL as `alphalens.storage.open_engine` takes it; a Path means a SQLite file.

    Returns
    -------
    Path or None
        None for a database on a server or in memory: name a file of your own for those.

    Raises
    ------
    ConfigError
        If the URL cannot be parsed.

    Examples
    --------
    >>> halt_file_of(Path("desk.sqlite")).name, halt_file_of("postgresql://localhost/desk")
    ('desk.sqlite.halt', None)
    """
    if isinstance(journal, str):
        try:
            url = sa.make_url(journal)
        except ArgumentError:  # its text would quote the URL, and with it a password
            raise ConfigError(
                "the journal's URL cannot be read: use sqlite:///file.sqlite or "
                "postgresql+psycopg://user@host/name"
            ) from None
        if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
            return None
        journal = Path(str(url.database))
    return journal.with_name(f"{journal.name}.halt")


def make_halt_file(path: Path, *, by: str, reason: str, at: datetime) -> bool:
    """Make the file, for its owner only, and add who asked, when and why.

    It is there before a word is written into it, so that a full disk does not keep it away.

    Returns
    -------
    bool
        False if the file exists now and could not be written into: it halts all the same.

    Raises
    ------
    InputError
        If nobody is named, or the instant has no time zone.
    StorageError
        If it could not be made: nothing is halted by it.
    """
    if not by.strip() or at.tzinfo is None:
        raise InputError(f"halt file {path}: say who asks and when, got {by!r} at {at}")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(
            f"cannot make the halt file {path}: {error.strerror}; its folder must exist and be "
            f"writable by this user"
        ) from error
    line = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} by {by}: {reason}\n"
    try:
        with suppress(PermissionError):  # of another owner, who chose its mode
            os.fchmod(descriptor, 0o600)
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def read_halt_file(path: Path) -> str | None:
    """Return what the file says, at most its last 4,000 bytes; None if there is none.

    Raises
    ------
    StorageError
        If it cannot be told whether it exists, or it cannot be read.
    """
    try:
        text = path.read_bytes()[-_MOST_READ:].decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(
            f"cannot read the halt file {path}: {error.strerror}; give this user the right to"
        ) from error
    return text.strip()


def remove_halt_file(path: Path) -> bool:
    """Remove the file and return whether there was one; what it halted stays halted.

    Raises
    ------
    StorageError
        If it is there and cannot be removed.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(
            f"cannot remove the halt file {path}: {error.strerror}; while it exists trading "
            f"halts, remove it by hand"
        ) from error
    return True
