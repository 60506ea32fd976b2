"""The rows that are being judged: in order, with their marks, and what was repaired in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphalens.assets import AssetClass
from alphalens.data._checks.context import Context
from alphalens.data._checks.marks import FATAL, Marked
from alphalens.data.bars import NO_TIME, Bars
from alphalens.data.port import Batch
from alphalens.data.reasons import RULES, Reason, rejecting

__all__ = ["Rows", "scan"]

Flags = NDArray[np.bool_]
Places = NDArray[np.intp]
Marks = NDArray[np.uint64]

_MICROSECOND = timedelta(microseconds=1)
_CHUNK = 1 << 15  # rows whose columns stay in the processor's cache


@dataclass(eq=False, kw_only=True)
class Rows(Marked):
    """A batch sorted by symbol and time, and what was found in it so far.

    Attributes
    ----------
    told : Bars
        The rows as the vendor told them, sorted.
    context : Context
        What is known besides.
    order : int array of shape (n,), or None
        Place of each row in the batch; None if it was sorted already.
    marks, fatal : uint64 arrays of shape (n,)
        As `Marked` has them.
    columns : dict
        Repaired columns.
    repaired : bool array of shape (n,)
        Rows in which something was repaired.
    """

    told: Bars
    context: Context
    order: Places | None
    repaired: Flags
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)  # Any: of each its own dtype

    @classmethod
    def of(cls, batch: Batch, context: Context) -> Rows:
        """Return the rows of a batch in order, with the marks that reading gave them."""
        bars, marks = batch.bars, batch.marks
        rank = np.argsort(np.argsort(np.array(bars.symbols, dtype=object)))
        is_ranked = bool((np.diff(rank) > 0).all())
        keys = bars.codes if is_ranked else rank[bars.codes]
        order = None if _is_sorted(keys, bars) else _order(keys, bars)
        late = None if order is None else _late(bars)
        if order is not None:
            bars, marks = bars.take(order), marks[order]
        fatal = np.zeros(len(bars), np.uint64)
        if (refused := rejecting(marks)).any():
            fatal[refused] = marks[refused] & _fatal_bits()
        rows = cls(
            told=bars,
            context=context,
            order=order,
            marks=marks.copy(),
            fatal=fatal,
            repaired=np.zeros(len(bars), np.bool_),
        )
        if late is not None:
            rows.mark(late[order], Reason.OUT_OF_ORDER)
        return rows

    def __len__(self) -> int:
        return len(self.told)

    @property
    def bars(self) -> Bars:
        """The rows as they stand now, with what was repaired."""
        changed: dict[str, Any] = self.columns  # Any: of each column its own dtype
        return replace(self.told, **changed) if changed else self.told

    @cached_property
    def classes(self) -> tuple[AssetClass, ...]:
        """Asset class of each symbol."""
        return tuple(self.context.class_of(symbol) for symbol in self.told.symbols)

    @cached_property
    def edges(self) -> Places:
        """Place of the first row of each run of one symbol, and the number of rows."""
        if not len(self):
            return np.zeros(1, np.intp)
        changes = np.flatnonzero(self.told.codes[1:] != self.told.codes[:-1]) + 1
        return np.concatenate(([0], changes, [len(self)]))

    @property
    def length_us(self) -> int:
        """How long a bar is, in microseconds."""
        return self.told.timeframe.length // _MICROSECOND

    def rows_of(self, which: Callable[[str], bool]) -> Flags | None:
        """Return the rows of the symbols that fulfil something; None for none, at no cost."""
        chosen = np.array([which(symbol) for symbol in self.told.symbols], np.bool_)
        if not chosen.any():
            return None
        return np.ones(len(self), np.bool_) if chosen.all() else chosen[self.told.codes]

    def repair(self, name: str, places: Places, values: NDArray[Any]) -> None:  # Any: a dtype
        """Put other values into a column; `told` keeps what stood there."""
        if name not in self.columns:
            self.columns[name] = getattr(self.told, name).copy()
        self.columns[name][places] = values
        self.repaired[places] = True

    def column(self, name: str) -> NDArray[Any]:  # Any: of each its own dtype
        """Return a column as it stands now."""
        found: NDArray[Any] = self.columns.get(name, getattr(self.told, name))
        return found


def scan(n: int, test: Callable[[slice], Flags]) -> Places:
    """Return the places below `n` that fulfil a test, which is asked piece by piece.

    A piece fits into the processor's cache, so that what the test makes in between costs little.
    """
    found = [
        np.flatnonzero(test(slice(begin, min(begin + _CHUNK, n)))) + begin
        for begin in range(0, n, _CHUNK)
    ]
    return np.concatenate(found) if found else np.empty(0, np.intp)


def _fatal_bits() -> np.uint64:
    return np.uint64(sum(reason.bit for reason in Reason if RULES[reason].severity in FATAL))


def _is_sorted(keys: NDArray[Any], bars: Bars) -> bool:  # Any: an integer's width
    time, received = bars.time, bars.received

    def falls(pairs: slice) -> Flags:
        before, key, at = keys[:-1][pairs], keys[1:][pairs], time[1:][pairs]
        found: Flags = (key < before) | ((key == before) & (at < time[:-1][pairs]))
        return found

    def ties(pairs: slice) -> Flags:
        same = (keys[1:][pairs] == keys[:-1][pairs]) & (time[1:][pairs] == time[:-1][pairs])
        found: Flags = same & (received[1:][pairs] < received[:-1][pairs])
        return found

    return not len(scan(len(keys) - 1, falls)) and not len(scan(len(keys) - 1, ties))


def _order(keys: NDArray[Any], bars: Bars) -> Places:  # Any: an integer's width
    """Return the places by symbol, time and receipt; what came at once keeps its order."""
    order: Places = np.lexsort((bars.received, bars.time, keys))
    return order


def _late(bars: Bars) -> Flags:
    """Return which rows came after a later one of their symbol."""
    late = np.zeros(len(bars), np.bool_)
    grouped = np.argsort(bars.codes, kind="stable")
    for rows in np.split(grouped, np.flatnonzero(np.diff(bars.codes[grouped])) + 1):
        time = bars.time[rows]
        late[rows] = (time < np.maximum.accumulate(time)) & (time != NO_TIME)
    return late
