"""What becomes of one vendor's answer: judged, and every part of it brought to its place.

Good rows go to the store, refused ones to the quarantine, gaps on record, and stored rows that
the new ones show to be wrong are taken back. Each step can be repeated: after a crash in the
middle the same answer leads to the same end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from alphalens.assets.calendars import FIRST_DAY, LAST_DAY, sessions
from alphalens.data._intake.corrections import Corrections
from alphalens.data._intake.explanations import Explanations
from alphalens.data._intake.spans import askable
from alphalens.data.bars import NO_TIME, Bars, micros
from alphalens.data.context_maker import ContextMaker
from alphalens.data.gaps import Gap
from alphalens.data.ingest_record import IngestRecord
from alphalens.data.listening import FeedListener
from alphalens.data.port import BarRequest, Batch, MarketDataProvider
from alphalens.data.reasons import Reason
from alphalens.data.store import Asked, BarStore, Written
from alphalens.data.validation import Context, Judged, judge
from alphalens.trading.clock import Clock

__all__ = ["Intake", "Kept", "held_back", "settled"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
_RATIO = np.uint64(Reason.UNEXPLAINED_RATIO.bit)
#: Refused rows that are put aside in one turn: other writers wait for seconds at most.
_ASIDE = 20_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Kept:
    """What became of an answer.

    Attributes
    ----------
    source : str
        Whose answer it is.
    request : BarRequest
        What was asked.
    judged : Judged
        Its rows, judged.
    written : Written
        What became of the good ones.
    retracted : int
        Stored bars that were taken back.
    gaps : int
        Gaps that were not known yet.
    replaced : int
        Misprints in whose place another vendor's bars were put.
    """

    source: str
    request: BarRequest
    judged: Judged
    written: Written
    retracted: int
    gaps: int
    replaced: int = 0


class Intake:
    """Judges answers and keeps all of them.

    Parameters
    ----------
    store : BarStore
        For rows.
    record : IngestRecord
        For gaps, and for bars taken back.
    contexts : ContextMaker
        Tells what the checks need to know.
    clock : Clock
        The present.
    listener : FeedListener
        Is told what is missing, and how new the bars are.
    forget : callable
        Drops from caches what is written, before and after: a crash between leaves nothing old.
    tellers : sequence of MarketDataProvider
        Vendors that may be asked for actions, besides the one whose bars they are about.
    ask_again_s : float
        Seconds in which nobody is asked about the same symbol twice.
    """

    def __init__(
        self,
        store: BarStore,
        record: IngestRecord,
        contexts: ContextMaker,
        *,
        clock: Clock,
        listener: FeedListener,
        forget: Callable[[Bars], None],
        tellers: Sequence[MarketDataProvider] = (),
        ask_again_s: float = 0.0,
    ) -> None:
        self._explanations = Explanations(
            tellers, clock=clock, listener=listener, ask_again_s=ask_again_s
        )
        self._forget = forget
        self._corrections = Corrections(store, record, forget)
        self._store, self._record, self._contexts = store, record, contexts
        self._clock, self._listener = clock, listener

    def judge(self, provider: MarketDataProvider | None, batch: Batch) -> tuple[Judged, Context]:
        """Judge an answer; where a jump looks like an action that nobody told, ask for it once.

        Parameters
        ----------
        provider : MarketDataProvider or None
            Who is asked first; None for nobody besides the tellers.
        batch : Batch
            The answer.

        Raises
        ------
        AnswerRefused
            If nothing of it can be used.
        InputError, StorageError
            As `ContextMaker` and `alphalens.data.validation.judge`.
        """
        context = self._contexts(batch)
        judged = judge(batch, context)
        found = self._explanations.ask(provider, batch, judged, context)
        if not found:
            return judged, context
        self._contexts.keep_actions(found)
        context = self._contexts.with_actions(context, found)
        return judge(batch, context), context

    def refuse(self, batch: Batch, reason: Reason) -> None:
        """Put every row of an answer aside that was refused whole, and is not told again.

        Raises
        ------
        StorageError
            If the database fails; the same answer again leads to the same end.
        """
        self._put_aside(batch.bars, batch.marks | np.uint64(reason.bit), batch.raw)

    def keep(
        self,
        source: str,
        batch: Batch,
        judged: Judged,
        context: Context,
        *,
        asked: BarRequest | None,
        missing: Sequence[Gap] = (),
    ) -> Kept:
        """Bring every row of a judged answer to its place.

        Parameters
        ----------
        source : str
            The vendor.
        batch, judged, context
            The answer, its judgement, and what was known.
        asked : BarRequest or None
            The part of the request that is settled, and need not be asked again.
        missing : sequence of Gap
            What is missing besides that which the answer to `asked` shows.

        Raises
        ------
        StorageError
            If the database fails; the same answer again leads to the same end.
        """
        at, bars, rejected = self._clock.now(), judged.bars, judged.rejected
        self._put_aside(rejected.bars, rejected.marks, rejected.raw)
        retracted = self._corrections.correct(judged, context.stored, at)
        gaps = [*self._gaps_of(judged, asked), *missing]
        new = self._record.note_gaps(
            gaps, timeframe=bars.timeframe, adjustment=bars.adjustment, at=at
        )
        self._forget(bars)
        note = None if asked is None else Asked(request=asked, source=source)
        written = self._store.write(bars, at=at, marks=judged.marks, asked=note)
        if written.new or written.renewed or written.revised:
            self._forget(bars)
        if len(bars):  # not only new ones: whoever wrote them may have died before this
            self._record.close_gaps(
                batch.request.symbols,
                timeframe=bars.timeframe,
                adjustment=bars.adjustment,
                at=at,
            )
        self._tell(source, bars, gaps)
        return Kept(
            source=source,
            request=batch.request,
            judged=judged,
            written=written,
            retracted=retracted,
            gaps=new,
        )

    def put(self, rows: Bars) -> int:
        """Write good bars of another vendor in the place of misprints; return how many.

        Raises
        ------
        StorageError
            If the database fails.
        """
        self._forget(rows)
        written = self._store.write(rows, at=self._clock.now())
        self._forget(rows)
        return written.new + written.revised

    def _put_aside(self, bars: Bars, marks: NDArray[np.uint64], raw: Sequence[str]) -> None:
        at = self._clock.now()
        for first in range(0, len(bars), _ASIDE):
            rows = slice(first, first + _ASIDE)
            part = bars.take(np.arange(len(bars))[rows])
            self._store.quarantine(part, marks[rows], raw[rows], at=at)

    def _known_gaps(self, gaps: Sequence[Gap], asked: BarRequest) -> list[Gap]:
        """Leave out gaps to stored bars that are only there because nobody asked in between."""
        early = [gap for gap in gaps if gap.after < asked.start]
        if not early:
            return list(gaps)
        symbols = tuple(dict.fromkeys(gap.symbol for gap in early))
        first = min(gap.after for gap in early) + _INSTANT
        if first >= asked.start:
            return list(gaps)
        between = replace(asked, symbols=symbols, start=first, end=asked.start)
        calendar_of = self._contexts.plain(symbols).calendar_of
        missing = self._store.missing(between)
        unasked = askable(between, missing, calendar_of, self._clock.now())
        stored = self._store.read(between)  # somebody may have written since the judgement

        def is_open(gap: Gap) -> bool:
            own = stored.codes == stored.symbols.index(gap.symbol)
            has_bars = bool((stored.time[own] > micros(gap.after)).any())
            ends = (end for _, end in unasked.get(gap.symbol, ()))
            return not has_bars and not any(end > gap.after + _INSTANT for end in ends)

        return [gap for gap in gaps if gap.after >= asked.start or is_open(gap)]

    def _gaps_of(self, judged: Judged, asked: BarRequest | None) -> list[Gap]:
        """Return what is missing; nothing of an answer that no span was asked for."""
        if asked is None:
            return []
        found = [*self._known_gaps(judged.report.gaps, asked), *held_back(judged)]
        first = max(asked.start.date(), FIRST_DAY)
        last = min((asked.end - _INSTANT).date(), LAST_DAY)
        instruments = self._contexts.plain(judged.report.empty)
        for symbol in judged.report.empty if first <= last else ():
            days = sessions(instruments.calendar_of(symbol), first, last)
            if days:
                found.append(
                    Gap(
                        symbol=symbol,
                        after=asked.start - _INSTANT,
                        before=asked.end,
                        count=len(days),
                        reason=Reason.EMPTY,
                    )
                )
        return found

    def _tell(self, source: str, bars: Bars, gaps: Sequence[Gap]) -> None:
        newest = np.full(len(bars.symbols), NO_TIME)
        np.maximum.at(newest, bars.codes, bars.time)
        for symbol, time in zip(bars.symbols, newest.tolist(), strict=True):
            if time != NO_TIME:
                self._listener.told(source, symbol, _instant(time))
        for gap in gaps:
            if gap.reason in (Reason.SESSION_MISSING, Reason.EMPTY):
                self._listener.missed(source, gap.symbol, gap.after, gap.before)


def settled(request: BarRequest, asked_at: datetime, delay_s: float) -> BarRequest | None:
    """Return the part of a request whose bars had ended when it was asked; None for none of it.

    A bar that still forms, or that the vendor does not tell yet, is asked for again.
    """
    end = asked_at - request.timeframe.length - timedelta(seconds=delay_s)
    if end <= request.start:
        return None
    return replace(request, end=min(request.end, end))


def held_back(judged: Judged) -> list[Gap]:
    """Return the stretches in quarantine until somebody explains the step before them."""
    rejected = judged.rejected
    is_held = (rejected.because & _RATIO) != 0
    found = []
    for code in np.unique(rejected.bars.codes[is_held]):
        times = rejected.bars.time[is_held & (rejected.bars.codes == code)]
        found.append(
            Gap(
                symbol=rejected.bars.symbols[code],
                after=_instant(int(times.min())) - _INSTANT,
                before=_instant(int(times.max())) + _INSTANT,
                count=len(times),
                reason=Reason.UNEXPLAINED_RATIO,
            )
        )
    return found


def _instant(time: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time)
