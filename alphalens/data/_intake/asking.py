"""Asking vendors in their order until one gives an answer that can be used, and keeping it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from alphalens.data._intake.intake import Intake, Kept, settled
from alphalens.data._intake.joins import Joins
from alphalens.data._intake.routing import Route
from alphalens.data.agreement import replacements
from alphalens.data.bars import Bars
from alphalens.data.context_maker import ContextMaker
from alphalens.data.ingest_record import IngestRecord
from alphalens.data.listening import FeedListener
from alphalens.data.port import BarRequest, Batch, MarketDataProvider
from alphalens.data.reasons import AnswerRefused, Reason
from alphalens.data.validation import Context, Judged
from alphalens.errors import DataError, InputError
from alphalens.trading.clock import Clock

__all__ = ["Asking"]

#: May be another answer a moment later. What a page alone tells, such as one that was cut off, the
#: vendor's own client has asked for again already.
_MAY_PASS = frozenset({Reason.WRONG_SYMBOL, Reason.MIXED_ADJUSTMENT})
_MISPRINTS = np.uint64(Reason.MISPRINT.bit | Reason.HALVED_FOR_A_DAY.bit)
_AROUND = timedelta(days=10)  # there is a session on each side within
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Answer:
    """A vendor's answer that can be used."""

    provider: MarketDataProvider
    batch: Batch
    judged: Judged
    context: Context
    asked_at: datetime


_Ask = Callable[[MarketDataProvider], Iterable[Batch]]


class Asking:
    """Gets the answer to a route, from the first of its vendors that gives one.

    Parameters
    ----------
    intake : Intake
        Judges and keeps.
    record : IngestRecord
        Keeps answers that were refused whole.
    contexts : ContextMaker
        Knows the instruments.
    joins : Joins
        Asks for adjusted bars.
    clock : Clock
        The present.
    listener : FeedListener
        Is told of refusals and of fallbacks.
    has_second_opinion : bool
        Whether the next vendor is asked about misprints.
    """

    def __init__(
        self,
        intake: Intake,
        record: IngestRecord,
        contexts: ContextMaker,
        joins: Joins,
        *,
        clock: Clock,
        listener: FeedListener,
        has_second_opinion: bool = False,
    ) -> None:
        self._intake, self._record, self._contexts = intake, record, contexts
        self._clock, self._listener = clock, listener
        self._has_second_opinion = has_second_opinion
        self._joins, self._turn = joins, threading.Lock()

    def fetch(self, route: Route) -> tuple[Kept, ...]:
        """Ask for the bars of a route, and keep them: one answer, or one more of whole series.

        Raises
        ------
        InputError
            If every vendor says that it has no such bars.
        DataError
            If none gave them, each with its words.
        StorageError
            If the database fails.
        """
        return self._first(
            route,
            lambda vendor: self._joins.ask(vendor, route.request),
            lambda answer: self._taken(answer, route),
        )

    def latest(self, route: Route) -> Bars:
        """Ask for the last bars of a route, keep them, and return those that are good.

        A vendor that does not tell last bars is asked for those of the last days. What comes is
        not noted as asked, for nobody asked for all that lies between.

        Raises
        ------
        InputError, DataError, StorageError
            As `fetch`.
        """
        request = route.request

        def ask(vendor: MarketDataProvider) -> tuple[Batch, ...]:
            if request.timeframe in vendor.capabilities.latest:
                return (vendor.latest(request.symbols, request.timeframe),)
            return (vendor.bars(request),)

        (kept,) = self._first(route, ask, lambda answer: self._keep(answer, None))
        return kept.judged.bars

    def judged(self, provider: MarketDataProvider, request: BarRequest) -> Judged:
        """Return a vendor's judged answer without keeping it, unless it is refused whole.

        Raises
        ------
        InputError, DataError, StorageError
            As `fetch`.
        """
        return self._alone(provider, request).judged

    def _taken(self, answer: _Answer, route: Route) -> Kept:
        """Keep an answer; what was asked for and had ended need not be asked again."""
        delay_s = max(answer.provider.capabilities.delay_s, answer.batch.delay_s)
        kept = self._keep(answer, settled(answer.batch.request, answer.asked_at, delay_s))
        others = route.vendors[route.vendors.index(answer.provider) + 1 :]
        if self._has_second_opinion and others and route.request.timeframe.is_daily:
            return replace(kept, replaced=self._replace(answer, others[0]))
        return kept

    def _alone(self, provider: MarketDataProvider, request: BarRequest) -> _Answer:
        (answer,) = self._answers(provider, lambda vendor: (vendor.bars(request),))
        return answer

    def _first(self, route: Route, ask: _Ask, take: Callable[[_Answer], Kept]) -> tuple[Kept, ...]:
        """Take the answers of the first vendor of a route that gives them all, one by one.

        Those that a vendor gave before it failed are kept too: each is of whole series, and where
        the next vendor tells others in their place they become versions.
        """
        taken: list[Kept] = []
        failed: list[str] = []
        has_any = False
        for place, provider in enumerate(route.vendors):
            error = self._take_all(self._answers(provider, ask), take, taken)
            if error is None:
                return tuple(taken)
            has_any |= isinstance(error, DataError)
            failed.append(f"{provider.name}: {error}")
            if place + 1 < len(route.vendors):
                self._listener.fell_back(provider.name, route.vendors[place + 1].name)
        request = route.request
        text = (
            f"no vendor gave {len(request.symbols)} symbols from {request.start} to "
            f"{request.end}: {'; '.join(failed)}"
        )
        raise DataError(text) if has_any else InputError(text)

    def _take_all(
        self, answers: Iterator[_Answer], take: Callable[[_Answer], Kept], taken: list[Kept]
    ) -> DataError | InputError | None:
        """Take answers until there are no more; return why the vendor gave no more, if so."""
        while True:
            try:
                answer = next(answers, None)
            except (DataError, InputError) as error:
                return error
            if answer is None:
                return None
            taken.append(take(answer))

    def _answers(self, provider: MarketDataProvider, ask: _Ask) -> Iterator[_Answer]:
        """Ask a vendor, once more where its refused answer may have been a bad moment's."""
        try:
            yield from self._once(provider, ask)
            return
        except AnswerRefused as refusal:
            if refusal.reason not in _MAY_PASS:
                raise
        yield from self._once(provider, ask)

    def _once(self, provider: MarketDataProvider, ask: _Ask) -> Iterator[_Answer]:
        batches: Iterator[Batch] | None = None
        while True:
            asked_at, batch = self._clock.now(), None
            try:
                batches = iter(ask(provider)) if batches is None else batches
                batch = next(batches, None)
                if batch is None:
                    return
                judged, context = self._intake.judge(provider, batch)
            except AnswerRefused as refusal:
                self._record.keep_refusal(refusal, at=self._clock.now())
                if batch is not None:  # what the vendor's own client refused it told itself
                    self._listener.failed(provider.name, refusal)
                raise
            yield _Answer(
                provider=provider, batch=batch, judged=judged, context=context, asked_at=asked_at
            )

    def _keep(self, answer: _Answer, asked: BarRequest | None) -> Kept:
        with self._turn:  # threads of one process wait here, not for the database's own lock
            return self._intake.keep(
                answer.provider.name, answer.batch, answer.judged, answer.context, asked=asked
            )

    def _replace(self, answer: _Answer, second: MarketDataProvider) -> int:
        """Put a second vendor's bars in the place of misprints, where it agrees around them."""
        wrong = _misprints(answer)
        if not len(wrong):
            return 0
        symbols = tuple(wrong.symbols[code] for code in np.unique(wrong.codes))
        first, last = (_EPOCH + timedelta(microseconds=int(t)) for t in _range(wrong))
        request = replace(
            answer.batch.request, symbols=symbols, start=first - _AROUND, end=last + _AROUND
        )
        try:
            other = self._alone(second, request)
        except (DataError, InputError):
            return 0  # refused or failed, and told as such; the misprint stays in quarantine
        instruments = self._contexts.plain(symbols)
        rows = replacements(wrong, _around(answer), other.judged.bars, tick_of=instruments.tick_of)
        if not len(rows):
            return 0
        with self._turn:
            return self._intake.put(rows)


def _misprints(answer: _Answer) -> Bars:
    """Return the rows found to be misprints: of the answer, and stored ones."""
    rejected = answer.judged.rejected
    wrong = rejected.bars.take((rejected.because & _MISPRINTS) != 0)
    stored = answer.context.stored
    if stored is None:
        return wrong
    gone = set(answer.judged.report.stored_misprints)
    is_gone = np.array(
        [
            (stored.symbols[code], _EPOCH + timedelta(microseconds=time)) in gone
            for code, time in zip(stored.codes.tolist(), stored.time.tolist(), strict=True)
        ],
        np.bool_,
    )
    return Bars.concat([wrong, stored.take(is_gone)])


def _around(answer: _Answer) -> Bars:
    """Return the good rows of an answer and those stored before it."""
    stored = answer.context.stored
    bars = answer.judged.bars
    return bars if stored is None else Bars.concat([stored, bars])


def _range(bars: Bars) -> tuple[int, int]:
    return int(bars.time.min()), int(bars.time.max())
