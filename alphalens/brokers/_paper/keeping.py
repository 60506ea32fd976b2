"""Each call of the paper venue is kept as a whole, or has not happened."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from alphalens.assets import BaseAsset
from alphalens.brokers._paper.state import PaperState
from alphalens.brokers._paper.store import Opening, PaperStore, Record
from alphalens.errors import OutcomeUnknown, StorageError

__all__ = ["Keeper"]


class Keeper:
    """The book of a venue, its lock and its file, if it has one.

    Parameters
    ----------
    opening : Opening
        The account.
    assets : Mapping of str to BaseAsset
        What is traded.
    path : Path or None
        The file; without one the book is gone with the process.
    """

    def __init__(
        self, opening: Opening, assets: Mapping[str, BaseAsset], path: Path | None
    ) -> None:
        self._store = None if path is None else PaperStore(path, opening)
        self.state = PaperState(opening, assets, self._load())
        self.lock = threading.RLock()
        self._is_stale = False

    @contextmanager
    def asking(self) -> Iterator[PaperState]:
        """Give the book; after a write that failed, first as the file has it."""
        with self.lock:
            if self._is_stale:
                self.state.reset(self._load())
                self.state.gaps += 1
                self._is_stale = False
            yield self.state

    @contextmanager
    def changing(self, *, is_lazy: bool = False) -> Iterator[PaperState]:
        """Give the book, and keep what was changed.

        Parameters
        ----------
        is_lazy : bool
            Whether prices that changed nothing else may wait for the next change.

        Raises
        ------
        StorageError
            If the file cannot be written; nothing has changed then.
        """
        with self.asking() as state:
            try:
                yield state
            except BaseException:
                self._is_stale = self._store is not None and state.has_moved
                raise
            if self._store is None:
                state.take_changes()
            elif state.has_moved or not is_lazy:
                self._write(self._store, state)

    @contextmanager
    def carrying_out(self, what: str) -> Iterator[PaperState]:
        """Change the book on request.

        Raises
        ------
        OutcomeUnknown
            If the file cannot be written: whether it was is not known.
        """
        try:
            with self.changing() as state:
                yield state
        except StorageError as error:
            raise OutcomeUnknown(f"{what}: the paper venue could not keep it: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        if self._store is not None:
            self._store.close()

    def _load(self) -> Record:
        return Record() if self._store is None else self._store.load()

    def _write(self, store: PaperStore, state: PaperState) -> None:
        changes = state.take_changes()
        if not changes:
            return
        try:
            store.write(changes)
        except StorageError:
            self._is_stale = True
            raise
