"""Which journal a command is about, how it is opened, and who asks."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alphalens.errors import InputError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from alphalens.execution import Command, OrderRecord

#: As long as the columns that keep them.
_LONGEST_NAME = 128
_LONGEST_REASON = 2_000


def journal_option(parser: argparse.ArgumentParser, *names: str) -> None:
    """Declare the option that names the journal."""
    parser.add_argument(
        *(names or ("--journal",)),
        dest="journal",
        type=place,
        required=True,
        metavar="FILE-or-URL",
        help="the journal of the desk: a SQLite file, or sqlite:/// or postgresql+psycopg:// URL",
    )


def person_options(parser: argparse.ArgumentParser, *, are_needed: bool = False) -> None:
    """Declare the options that say who asks, and why."""
    parser.add_argument(
        "--by",
        type=name,
        required=are_needed,
        help="who asks" if are_needed else "who asks [the user of this system]",
    )
    parser.add_argument(
        "--reason",
        type=_reason,
        required=are_needed,
        default="no reason given",
        help="why, for the record",
    )


def asker(args: argparse.Namespace) -> str:
    """Return who asks: who was named, or the user of this system."""
    import pwd  # not everywhere, and the commands of research are

    if args.by is not None:
        return str(args.by)
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


@contextmanager
def journal_to_read(target: str | Path) -> Iterator[sa.Engine]:
    """Give the engine of a journal, read-only; another process may write it meanwhile.

    Raises
    ------
    StorageError
        If it is not there, or cannot be read by this version.
    """
    from alphalens.storage import open_engine

    engine = open_engine(target, is_read_only=True)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def journal_to_write(target: str | Path) -> Iterator[sa.Engine]:
    """Give the engine of a journal that is there: none is made, and none is upgraded.

    Raises
    ------
    StorageError
        If it is not there, or is not of this version's schema.
    """
    from alphalens.storage import open_engine

    with journal_to_read(target):
        pass  # a mistyped name must not become a new journal that nobody reads
    engine = open_engine(target)
    try:
        yield engine
    finally:
        engine.dispose()


def ask(target: str | Path, command: Command) -> int:
    """Write a command to the control table of a journal and return its number.

    Raises
    ------
    InputError
        If there is no such order to decide on, or not as it was shown.
    StorageError
        If it could not be stored.
    """
    from alphalens.execution import write_command
    from alphalens.trading.clock import SystemClock

    with journal_to_write(target) as engine:
        return write_command(engine, command, at=SystemClock().now())


def shown(target: str | Path) -> str:
    """Return how a journal is called in what is printed: never with its password."""
    if isinstance(target, Path):
        return str(target)
    import sqlalchemy as sa

    try:
        url = sa.make_url(target)
    except sa.exc.ArgumentError:
        return "a URL that cannot be read"
    return url.set(query={}).render_as_string(hide_password=True)


def chosen(orders: Sequence[OrderRecord], text: str, *, what: str) -> OrderRecord:
    """Return the one order whose client order id is, or begins with, a text.

    Raises
    ------
    InputError
        If there is none, or more than one.
    """
    found = [o for o in orders if o.client_order_id == text] or [
        o for o in orders if o.client_order_id.startswith(text)
    ]
    if len(found) == 1:
        return found[0]
    known = ", ".join(o.client_order_id for o in found or orders) or "none"
    many = f"{len(found)} orders {what} begin with" if found else f"no order {what} begins with"
    raise InputError(f"{many} {text!r}; they are: {known}. Give more of the id")


def name(text: str) -> str:
    """Return a name, an id or a symbol as it was given, if it is fit to be kept."""
    return _fit(_LONGEST_NAME)(text)


def file_path(text: str) -> Path:
    """Return the path of a file, if there can be one of that name."""
    if not text.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r}: the name of a file")
    return Path(text)


def _reason(text: str) -> str:
    return _fit(_LONGEST_REASON)(text)


def _fit(longest: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not text.strip() or not text.isprintable() or len(text) > longest:
            raise argparse.ArgumentTypeError(
                f"{text[:40]!r}: one line of 1 to {longest} printable characters"
            )
        return text.strip()

    return check


def place(text: str) -> str | Path:
    """Return what names a database: a URL as it is, anything else as the path of a file."""
    return text if "://" in text and text.isprintable() else file_path(text)
