"""From vendors into the store and out of it: what is not there yet is fetched, judged and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from alphalens.data._intake.asking import Asking
from alphalens.data._intake.cached_reads import CachedReads, Lives
from alphalens.data._intake.intake import Intake, Kept
from alphalens.data._intake.joins import Joins
from alphalens.data._intake.refetching import due, together
from alphalens.data._intake.routing import Route, routes
from alphalens.data._intake.spaced_cache import SpacedCache
from alphalens.data._intake.spans import askable
from alphalens.data.agreement import Agreement, compare
from alphalens.data.bars import Bars, Timeframe
from alphalens.data.cache import Cache
from alphalens.data.context_maker import ContextMaker
from alphalens.data.filling import SYMBOLS, Filled, Progress, fill, parts_of
from alphalens.data.ingest_record import IngestRecord
from alphalens.data.listening import FeedListener, NobodyListens
from alphalens.data.port import BarRequest, MarketDataProvider
from alphalens.data.store import BarStore, Span
from alphalens.errors import ConfigError, DataError, InputError
from alphalens.trading.clock import Clock

__all__ = ["Pipeline"]

_NOBODY = NobodyListens()
_WORKERS = 4
_TOGETHER = 1_000  # symbols that somebody waits for
_PATIENCE = timedelta(hours=1)
_RECENT = timedelta(days=7)  # a symbol that trades has a bar in it


def _nothing(_: Progress) -> None:
    """Take note of nothing."""


class Pipeline:
    """Bars on request: from the store where it was asked before, from vendors where it was not.

    One object may be used by several threads.

    Parameters
    ----------
    providers : sequence of MarketDataProvider
        Asked in this order; the next one when one fails, or does not have the class of a symbol.
        All rows of a symbol in an answer are of one vendor, and each row names it.
    store : BarStore
        Keeps what was found good, and what was not.
    clock : Clock
        The present.
    context : ContextMaker, optional
        What the checks need to know; by default from the store, the form of the symbols, and
        the corporate actions in the store's database.
    cache : Cache, optional
        Keeps what was read for a while.
    lives : Lives, optional
        For how long.
    listener : FeedListener
        Is told when another vendor is asked, how new the bars are, and what is missing.
    has_second_opinion : bool
        Whether a misprint among daily bars is replaced by the next vendor's bar, where that
        vendor agrees on the days around it.
    sleep : callable
        Waits for seconds, while another reader loads the same.

    Raises
    ------
    ConfigError
        If there is no vendor.
    """

    def __init__(
        self,
        providers: Sequence[MarketDataProvider],
        store: BarStore,
        *,
        clock: Clock,
        context: ContextMaker | None = None,
        cache: Cache | None = None,
        lives: Lives | None = None,
        listener: FeedListener = _NOBODY,
        has_second_opinion: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not providers:
            raise ConfigError("market data need at least one vendor")
        self._providers, self._store, self._clock = tuple(providers), store, clock
        self._contexts = context or ContextMaker.of_store(store, clock=clock)
        self._record = IngestRecord(store.engine)
        self._reads: CachedReads | None = None
        if cache is not None:
            own = SpacedCache(cache, store.engine, monotonic=clock.monotonic)
            self._reads = CachedReads(own, clock=clock, sleep=sleep, lives=lives)
        intake = Intake(
            store,
            self._record,
            self._contexts,
            clock=clock,
            listener=listener,
            forget=self.forget,
            tellers=self._providers,
        )
        self._asking = Asking(
            intake,
            self._record,
            self._contexts,
            Joins(store),
            clock=clock,
            listener=listener,
            has_second_opinion=has_second_opinion,
        )

    @property
    def record(self) -> IngestRecord:
        """Return the record of refused answers and of gaps."""
        return self._record

    def bars(self, request: BarRequest) -> Bars:
        """Return the bars of a request; what nobody was asked for yet is fetched first.

        Whole days of few symbols go through the cache, if there is one.

        Raises
        ------
        InputError
            If no vendor has such bars.
        DataError
            If every vendor failed: each with its words. Nothing is read then, for a part of a
            request would look like all of it.
        StorageError
            If the database fails.
        """
        if self._reads is None:
            return self._load(request)
        return self._reads.read(request, self._vendors(request), self._load)

    def latest(self, symbols: Sequence[str], *, timeframe: Timeframe = Timeframe.MINUTE) -> Bars:
        """Return the last raw bar of each symbol that has one, by the order of symbols.

        From the cache if it is there and a few seconds old at most, else of the first vendor that
        tells last bars of this length; judged and kept like every other.

        Raises
        ------
        InputError, DataError, StorageError
            As `bars`.
        """
        now = self._clock.now()
        request = BarRequest(
            symbols=tuple(symbols), start=now - _RECENT, end=now, timeframe=timeframe
        )
        if self._reads is None:
            return self._latest(request)
        return self._reads.latest(
            request,
            self._vendors(request),
            lambda wanted: self._latest(replace(request, symbols=tuple(wanted))),
        )

    def fetch(self, request: BarRequest) -> tuple[Kept, ...]:
        """Ask the vendors, whatever the store has, and keep what they answer.

        Returns
        -------
        tuple of Kept
            What became of each answer: one for each vendor that gave some of the symbols.

        Raises
        ------
        InputError, DataError, StorageError
            As `bars`; what other vendors gave of the request is kept.
        """
        kept, problem = self._fetch(request)
        if problem:
            raise DataError(problem)
        return kept

    def fill(
        self,
        request: BarRequest,
        *,
        workers: int = _WORKERS,
        on_progress: Callable[[Progress], None] = _nothing,
    ) -> Filled:
        """Bring everything of a request into the store that nobody was asked for yet.

        Ended at any point and called again, it goes on where it was: what is on record as asked
        is not asked again. Parts that no vendor gives do not stop the others.

        Parameters
        ----------
        request : BarRequest
            Any number of symbols, and any time.
        workers : int
            Parts asked for at once, each of other symbols; each vendor keeps to its own limit
            besides. The writes take turns. No more parts than this are held in memory.
        on_progress : callable
            Is told how far it is: once before the first part and after each, never twice at
            once. What it raises ends the fetch after the parts that are under way.

        Returns
        -------
        Filled
            What came of it, with the parts that failed.

        Raises
        ------
        InputError
            If no vendor has such bars, or `workers` is below 1.
        StorageError
            If the database fails; what was kept by then is kept.
        """
        self._routes(request)
        missing = self._missing(request)
        parts = list(parts_of(request, missing))
        if len(parts) > 1:  # so that all have work
            together = min(SYMBOLS, -(-len(missing) // max(1, workers)))
            parts = list(parts_of(request, missing, symbols=together))
        return fill(parts, self._fetch, workers=workers, on_progress=on_progress)

    def refetch_gaps(self, *, patience: timedelta = _PATIENCE) -> Filled:
        """Ask once more for what is missing, and for what is held back and explained by now.

        Parameters
        ----------
        patience : timedelta
            A gap is asked for again when it was found at least so long ago, until somebody
            answers, and not after that. What is in quarantine for a step that looks like a split
            is asked for again as soon as an action of its symbol is known that was not known
            when it was tried last.

        Raises
        ------
        StorageError
            If the database fails.
        """
        now, kept = self._clock.now(), self._record.gaps(is_open=True)
        asked = dict(together(due(kept, self._contexts.known_actions, now - patience)))

        def fetch(part: BarRequest) -> tuple[tuple[Kept, ...], str]:
            told, problem, is_answer = self._again(part)
            if is_answer:
                self._record.gaps_tried(asked[part], at=now)
            return told, problem

        return fill(list(asked), fetch, workers=1, on_progress=_nothing)

    def check_agreement(self, request: BarRequest) -> Agreement:
        """Compare what the first two vendors that have the bars tell of them; nothing is kept.

        Raises
        ------
        InputError
            If fewer than two vendors have them.
        DataError
            If one of the two fails.
        """
        found = self._routes(request)
        if alone := [route for route in found if len(route.vendors) < 2]:
            names = ", ".join(symbol for route in alone for symbol in route.request.symbols)
            raise InputError(
                f"two vendors are compared, and only {alone[0].vendors[0].name} has {names}"
            )
        tick_of = self._contexts.plain(request.symbols).tick_of
        told = [
            [self._asking.judged(vendor, route.request).bars for vendor in route.vendors[:2]]
            for route in found
        ]
        one, other = (Bars.concat(list(parts)) for parts in zip(*told, strict=True))
        return compare(one, other, tick_of=tick_of)

    def _fetch(self, request: BarRequest) -> tuple[tuple[Kept, ...], str]:
        """Return what was kept of a request, and why the rest of it was not told."""
        kept: list[Kept] = []
        failed: list[str] = []
        for route in self._routes(request):
            try:
                kept.extend(self._asking.fetch(route))
            except DataError as error:
                failed.append(str(error))
        return tuple(kept), "; ".join(failed)

    def _again(self, part: BarRequest) -> tuple[tuple[Kept, ...], str, bool]:
        """Return what `_fetch` does, and whether that is an answer: also that nobody has it."""
        try:
            told, problem = self._fetch(part)
        except InputError as error:
            return (), str(error), True
        return told, problem, not problem

    def _load(self, request: BarRequest) -> Bars:
        """Return bars from the store; what was not asked for yet is fetched before."""
        self._routes(request)
        for part in parts_of(request, self._missing(request), symbols=_TOGETHER):
            self.fetch(part)
        return self._store.read(request)

    def _missing(self, request: BarRequest) -> Mapping[str, Sequence[Span]]:
        """Return what nobody was asked for yet, as far as there can be bars."""
        missing = self._store.missing(request)
        calendar_of = self._contexts.plain(tuple(missing)).calendar_of
        return askable(request, missing, calendar_of, self._clock.now())

    def _latest(self, request: BarRequest) -> Bars:
        """Return the last bars that vendors tell now; the last stored one where they tell none."""
        told = [self._asking.latest(route) for route in self._routes(request)]
        bars = _last_of(Bars.concat(told))
        has = {bars.symbols[code] for code in bars.codes}
        if silent := tuple(symbol for symbol in request.symbols if symbol not in has):
            stored = self._store.read(replace(request, symbols=silent))
            bars = _last_of(Bars.concat([bars, stored]) if len(stored) else bars)
        return bars

    def _routes(self, request: BarRequest) -> tuple[Route, ...]:
        return routes(self._providers, request, self._contexts.class_of)

    def _vendors(self, request: BarRequest) -> Mapping[str, str]:
        """Return who is asked first for each symbol."""
        found = self._routes(request)
        return {s: route.vendors[0].name for route in found for s in route.request.symbols}

    def forget(self, bars: Bars) -> None:
        """Drop from the cache what somebody writes into the store: before the write, and after."""
        if self._reads is None or not len(bars):
            return
        now = self._clock.now()
        request = BarRequest(
            symbols=bars.symbols,
            start=now - _RECENT,
            end=now,
            timeframe=bars.timeframe,
            adjustment=bars.adjustment,
        )
        self._reads.drop(bars, self._vendors(request))


def _last_of(bars: Bars) -> Bars:
    """Return the last bar of each symbol."""
    order = np.lexsort((bars.time, bars.codes))
    codes = bars.codes[order]
    return bars.take(order[np.append(codes[1:] != codes[:-1], True)] if len(bars) else order)
