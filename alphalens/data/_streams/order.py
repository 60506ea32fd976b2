"""The order of a stream's bars: what is missing, what waits for it, and what may be handed over.

Nothing here waits or asks; it says what is missing, and is told what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

import numpy as np

from alphalens.data._streams.words import BarRow, merged, some_of
from alphalens.data.bar_stream import GapCause
from alphalens.data.bars import NO_TIME, Timeframe
from alphalens.data.port import Batch

__all__ = ["BarOrder", "Fate", "Missing", "Release", "Span"]

MINUTE_US = 60_000_000
_REMEMBERED = 32  # minutes of each symbol in which a row that comes again is known


class Span(NamedTuple):
    """Bars that begin from `start` on and before `end`, microseconds since 1970."""

    start: int
    end: int


class Missing(NamedTuple):
    """A span that a symbol lacks, and why."""

    symbol: str
    span: Span
    cause: GapCause


class Fate(Enum):
    """What becomes of a bar that came."""

    FREE = auto()  # it may be handed over
    HELD = auto()  # it waits for an earlier one
    AGAIN = auto()  # it was there already, as it is
    OVERTAKEN = auto()  # its correction was there before it
    UNASKED = auto()  # nobody subscribed to its symbol


@dataclass(frozen=True, eq=False, kw_only=True)
class Release:
    """What may be handed over, once a gap is closed.

    Attributes
    ----------
    batches : list of Batch
        The bars.
    found : dict of str to int
        How many bars of each symbol REST had.
    gave_way : int
        Rows in whose place another one of their key stands.
    """

    batches: list[Batch]
    found: dict[str, int]
    gave_way: int = 0


@dataclass(slots=True)
class _Series:
    due: int | None = None
    open: list[Span] = field(default_factory=list)
    held: list[BarRow] = field(default_factory=list)
    forming: BarRow | None = None
    found: list[Batch] = field(default_factory=list)
    recent: dict[int, BarRow] = field(default_factory=dict)


class BarOrder:
    """Keeps each symbol's minutes in order.

    Parameters
    ----------
    symbols : iterable of str
        Canonical; a bar of another one is not taken.
    build : callable
        Turns rows of the stream into batches.
    since : int, optional
        Begin of the first bar that is wanted; by default the one of the minute of the first
        connection.
    skew_us : int
        A bar that begins by more than this after it came is not believed: it moves nothing.
    """

    def __init__(
        self,
        symbols: Iterable[str],
        *,
        build: Callable[[Iterable[BarRow]], list[Batch]],
        since: int | None = None,
        skew_us: int = 0,
    ) -> None:
        self._series = {symbol: _Series(due=since) for symbol in symbols}
        self._build, self._skew_us = build, skew_us
        self._missing: list[Missing] = []

    @property
    def held(self) -> int:
        """How many bars wait for earlier ones."""
        return sum(len(one.held) for one in self._series.values())

    @property
    def lacks(self) -> bool:
        """Return whether `missing` has something new."""
        return bool(self._missing)

    def came_up(self, now: int, cause: GapCause) -> None:
        """Take note that from `now` on the stream tells each minute that ends."""
        until = now - now % MINUTE_US
        for symbol, one in self._series.items():
            if one.due is None:
                one.due = until
            elif one.due < until:
                self._lacks(symbol, one, Span(one.due, until), cause)
                one.due = until

    def take_in(self, row: BarRow) -> Fate:
        """Take one bar; what it shows to be missing is in `missing` afterwards."""
        one = self._series.get(row.symbol)
        if one is None:
            return Fate.UNASKED
        if row.timeframe is not Timeframe.MINUTE:
            return Fate.FREE
        if row.is_forming:
            if one.open:
                one.forming = row  # the latest tells all that the ones before it did
            return Fate.HELD if one.open else Fate.FREE
        if row.time == NO_TIME or row.time % MINUTE_US or row.time > row.received + self._skew_us:
            return Fate.FREE  # the judge says what is wrong with it
        known = one.recent.get(row.time)
        if known is not None and known.row == row.row:
            return Fate.AGAIN
        if known is not None and known.is_correction and not row.is_correction:
            return Fate.OVERTAKEN
        self._remember(one, row)
        self._advance(one, row)
        if one.open:
            one.held.append(row)
            return Fate.HELD
        return Fate.FREE

    def missing(self) -> list[Missing]:
        """Return what was found to be missing since the last call."""
        found, self._missing = self._missing, []
        return found

    def open_spans(self) -> dict[Span, list[str]]:
        """Return every span that is still open, and whose it is."""
        left: dict[Span, list[str]] = {}
        for symbol, one in self._series.items():
            for span in one.open:
                left.setdefault(span, []).append(symbol)
        return left

    def close(self, span: Span, symbols: Sequence[str], found: Batch | None) -> Release:
        """Close a span of some symbols, and return what may be handed over.

        Parameters
        ----------
        span : Span
            As it was missing.
        symbols : sequence of str
            Whose.
        found : Batch or None
            What REST has of it; None if it could not be asked.
        """
        counts = dict.fromkeys(symbols, 0)
        free: list[str] = []
        bound: list[str] = []
        for symbol in symbols:
            one = self._series[symbol]
            one.open.remove(span)
            (bound if one.open else free).append(symbol)
        if found is not None:
            found = _within(found, symbols, span)
            counts |= _counts(found)
            for symbol in bound:
                self._series[symbol].found.append(_within(found, [symbol], span))
        return self._released(free, found, counts)

    def _released(
        self, symbols: Sequence[str], found: Batch | None, counts: dict[str, int]
    ) -> Release:
        parts = [part for symbol in symbols for part in self._series[symbol].found]
        if found is not None and (own := _of_symbols(found, symbols)) is not None:
            parts.append(own)
        held = [row for symbol in symbols for row in self._series[symbol].held]
        forming = [row for s in symbols if (row := self._series[s].forming) is not None]
        for symbol in symbols:
            one = self._series[symbol]
            one.found, one.held, one.forming = [], [], None
        parts += self._build(held)
        whole, gave_way = merged(parts) if parts else ([], 0)
        return Release(batches=whole + self._build(forming), found=counts, gave_way=gave_way)

    def _remember(self, one: _Series, row: BarRow) -> None:
        one.recent.pop(row.time, None)
        one.recent[row.time] = row
        if len(one.recent) > _REMEMBERED:
            del one.recent[next(iter(one.recent))]

    def _advance(self, one: _Series, row: BarRow) -> None:
        if one.due is not None and row.time > one.due:
            self._lacks(row.symbol, one, Span(one.due, row.time), GapCause.MINUTE)
        if one.due is None or row.time >= one.due:
            one.due = row.time + MINUTE_US

    def _lacks(self, symbol: str, one: _Series, span: Span, cause: GapCause) -> None:
        one.open.append(span)
        self._missing.append(Missing(symbol, span, cause))


def _within(batch: Batch, symbols: Sequence[str], span: Span) -> Batch:
    """Return the rows of a span; one whose instant cannot be read is of any."""
    time = batch.bars.time
    is_within = (time == NO_TIME) | ((time >= span.start) & (time < span.end))
    return some_of(batch, is_within & _are_of(batch, symbols))


def _of_symbols(batch: Batch, symbols: Sequence[str]) -> Batch | None:
    which = _are_of(batch, symbols)
    return some_of(batch, which) if which.any() else None


def _are_of(batch: Batch, symbols: Sequence[str]) -> np.ndarray:
    named = set(symbols)
    own = np.array([symbol in named for symbol in batch.bars.symbols] or [False], np.bool_)
    return own[batch.bars.codes] if len(batch.bars) else np.zeros(0, np.bool_)


def _counts(batch: Batch) -> dict[str, int]:
    sizes = np.bincount(batch.bars.codes, minlength=len(batch.bars.symbols)).tolist()
    return {symbol: n for symbol, n in zip(batch.bars.symbols, sizes, strict=True) if n}
