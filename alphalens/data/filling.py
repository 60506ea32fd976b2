"""What a long fetch tells of itself while it goes, and what came of it at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta

from alphalens.data._intake.intake import Kept
from alphalens.data.bars import Timeframe
from alphalens.data.port import BarRequest
from alphalens.data.store import Span
from alphalens.errors import InputError

__all__ = ["SYMBOLS", "Failure", "Filled", "Progress", "fill", "filled_by", "parts_of"]

#: Fetches a part; returns what was kept of it, and the words of those who gave none of the rest.
Fetch = Callable[[BarRequest], tuple[Sequence[Kept], str]]

#: Symbols of one part at most.
SYMBOLS = 100
#: Bars of one part at most, by its length and its symbols: what a worker holds in memory.
_ROWS = 200_000
_SESSION = timedelta(hours=24)  # coins trade around the clock; shares have fewer bars


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A part that no vendor gave.

    Attributes
    ----------
    request : BarRequest
        The part; ask for it again with the same call, the rest is there.
    problem : str
        What every vendor said.
    """

    request: BarRequest
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a fetch is; told after each part, one at a time, in no promised order of parts.

    Attributes
    ----------
    done, parts : int
        Parts that are finished, failed ones too, and how many there are. A part is up to 100
        symbols over a stretch of time.
    rows : int
        Bars kept so far.
    rejected : int
        Rows in quarantine so far.
    failed : int
        Parts that no vendor gave so far.
    symbols : tuple of str
        Those of the part that was just finished; empty in the first call, which comes before
        the first part.
    """

    done: int
    parts: int
    rows: int = 0
    rejected: int = 0
    failed: int = 0
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What came of a fetch.

    Attributes
    ----------
    parts : int
        Into how many the missing stretches were cut; 0 if nothing was missing.
    rows, rejected, repaired : int
        Bars kept, rows in quarantine, and kept rows in which something was corrected.
    gaps : int
        Stretches in which bars are missing.
    empty : tuple of str
        Symbols of which nothing came in some part.
    failed : tuple of Failure
        Parts that no vendor gave.
    """

    parts: int = 0
    rows: int = 0
    rejected: int = 0
    repaired: int = 0
    gaps: int = 0
    empty: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()

    def plus(self, other: Filled) -> Filled:
        """Return both together."""
        numbers = {
            name: getattr(self, name) + getattr(other, name)
            for name in ("parts", "rows", "rejected", "repaired", "gaps")
        }
        empty = tuple(dict.fromkeys((*self.empty, *other.empty)))
        return Filled(**numbers, empty=empty, failed=(*self.failed, *other.failed))


def parts_of(
    request: BarRequest,
    missing: Mapping[str, Sequence[Span]],
    *,
    largest: int = _ROWS,
    symbols: int = SYMBOLS,
) -> Iterator[BarRequest]:
    """Cut what is missing of a request into parts of bounded size, older ones first.

    Parameters
    ----------
    request : BarRequest
        What was wanted.
    missing : Mapping of str to sequence of (datetime, datetime)
        By symbol (`alphalens.data.store.BarStore.missing`).
    largest : int
        Bars of a part at most, if the market never closed.
    symbols : int
        Symbols of a part at most.
    """
    together: dict[Span, list[str]] = {}
    for symbol, spans in missing.items():
        for span in spans:
            together.setdefault(span, []).append(symbol)
    for (start, end), names in sorted(together.items()):
        for first in range(0, len(names), symbols):
            chosen = tuple(names[first : first + symbols])
            length = _length(request.timeframe, max(1, largest // len(chosen)))
            begin = start
            while begin < end:
                stop = min(begin + length, end)
                yield replace(request, symbols=chosen, start=begin, end=stop)
                begin = stop


def fill(
    parts: Sequence[BarRequest],
    fetch: Fetch,
    *,
    workers: int,
    on_progress: Callable[[Progress], None],
) -> Filled:
    """Fetch parts, some at once, and tell how far it is; see `Pipeline.fill`.

    Raises
    ------
    InputError
        If `workers` is below 1.
    """
    if workers < 1:
        raise InputError(f"workers is {workers}, it must be at least 1")
    work = _Work(parts=len(parts), fetch=fetch, on_progress=on_progress)
    chains = _chains(parts)
    on_progress(Progress(done=0, parts=len(parts)))
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="fill") as pool:
        futures: list[Future[None]] = []
        try:
            futures += [pool.submit(work.do_all, chain) for chain in chains]
            for future in futures:
                future.result()
        finally:
            work.end()
            for future in futures:
                future.cancel()  # those that have not begun, if one failed
    return work.total


def filled_by(kept: Sequence[Kept], part: BarRequest, problem: str) -> Filled:
    """Return what came of a part."""
    reports = [one.judged.report for one in kept]
    return Filled(
        rows=sum(report.kept for report in reports),
        rejected=sum(report.rejected for report in reports),
        repaired=sum(report.repaired for report in reports),
        gaps=sum(one.gaps for one in kept),
        empty=tuple(symbol for report in reports for symbol in report.empty),
        failed=(Failure(request=part, problem=problem),) if problem else (),
    )


class _Work:
    """What the workers share: the sum, and the turn to tell it."""

    def __init__(
        self, *, parts: int, fetch: Fetch, on_progress: Callable[[Progress], None]
    ) -> None:
        self.total, self._done = Filled(parts=parts), 0
        self._fetch, self._on_progress = fetch, on_progress
        self._gate, self._is_over = threading.Lock(), threading.Event()

    def end(self) -> None:
        self._is_over.set()

    def do_all(self, chain: Sequence[BarRequest]) -> None:
        try:
            for part in chain:
                if self._is_over.is_set():
                    return
                self._do(part)
        except BaseException:
            self.end()
            raise

    def _do(self, part: BarRequest) -> None:
        kept, problem = self._fetch(part)
        told = filled_by(kept, part, problem)
        with self._gate:
            self.total, self._done = self.total.plus(told), self._done + 1
            self._on_progress(
                Progress(
                    done=self._done,
                    parts=self.total.parts,
                    rows=self.total.rows,
                    rejected=self.total.rejected,
                    failed=len(self.total.failed),
                    symbols=part.symbols,
                )
            )


def _chains(parts: Sequence[BarRequest]) -> list[list[BarRequest]]:
    """Return parts that have a symbol in common one after the other, older ones first.

    What is stored before a part tells whether its first bars fit: a split or a misprint between
    two parts is only seen when the older one is kept first.
    """
    chain_of: dict[str, list[BarRequest]] = {}
    for part in parts:
        beside = {id(own): own for name in part.symbols if (own := chain_of.get(name))}
        chain = [*(one for own in beside.values() for one in own), part]
        chain_of.update(dict.fromkeys((name for one in chain for name in one.symbols), chain))
    found = {id(chain): chain for chain in chain_of.values()}
    return [sorted(chain, key=lambda part: part.start) for chain in found.values()]


def _length(timeframe: Timeframe, rows: int) -> timedelta:
    """Return how long so many bars of a symbol last at least."""
    return max(timeframe.length * rows, _SESSION)
