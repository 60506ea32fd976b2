"""A bar that shows how far a long command is, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from alphalens.cli.output import Output

if TYPE_CHECKING:
    from rich.progress import TaskID

__all__ = ["Advance", "progress"]


class Advance(Protocol):
    """Moves the bar."""

    def __call__(self, label: str, done: int, total: int, *, note: str = "") -> None:
        """Show that `done` of `total` parts of the step `label` are behind us."""
        ...


@contextmanager
def progress(out: Output) -> Iterator[Advance]:
    """Give a function that moves a bar; it says nothing when told to be quiet.

    The bar is drawn by rich, at a terminal only. Without either, a line tells the last step of
    each label when it is done.
    """
    is_terminal = sys.stdout.isatty() and sys.stderr.isatty()
    if not out.is_quiet and is_terminal and find_spec("rich") is not None:
        with _drawn() as advance:
            yield advance
        return

    def tell(label: str, done: int, total: int, *, note: str = "") -> None:
        if done == total:
            out.note(f"{label}: {done} of {total}{f', {note}' if note else ''}")

    yield tell


@contextmanager
def _drawn() -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description:<14}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(stderr=True),
    )
    tasks: dict[str, TaskID] = {}

    def advance(label: str, done: int, total: int, *, note: str = "") -> None:
        if label not in tasks:
            tasks[label] = bar.add_task(label, total=total, note=note)
        bar.update(tasks[label], completed=done, total=total, note=note)

    with bar:
        yield advance
