"""What a stream gave, on its way into the store: the way of every answer, and where it differs.

Bars go through the same intake as a fetched answer: judged with what is stored before them, the
refused ones into quarantine, stored misprints taken back, gaps on record, caches dropped. Four
things differ, for a stream is no answer to a request:

- Its batches are not noted as asked. A fetch of the span still asks over REST, which tells what
  was corrected later, and bars of the feeds that the stream does not have.
- A minute between two bars is not a gap by itself. The stream asked over REST already, and where
  nothing was traded the answer was that there is none. What REST could not tell is on record.
- A row for which a fetched answer would be refused whole is alone in its batch. It goes into
  quarantine, not among the refused answers: nobody else can be asked for what was told once.
- The listener is told of new bars and of gaps by the stream itself, when they come and under the
  name of its line, not once more when they are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from alphalens.data._checks.calendar import sessions_of
from alphalens.data._intake.intake import Intake, held_back
from alphalens.data.bar_stream import Channel, StreamGap
from alphalens.data.bars import Adjustment, Bars, Timeframe, micros
from alphalens.data.context_maker import ContextMaker
from alphalens.data.gaps import Gap
from alphalens.data.ingest_record import IngestRecord
from alphalens.data.listening import FeedListener, NobodyListens
from alphalens.data.port import BarRequest, Batch, MarketDataProvider
from alphalens.data.reasons import AnswerRefused, Reason
from alphalens.data.store import BarStore
from alphalens.trading.clock import Clock

__all__ = ["StreamIntake"]

_NOBODY = NobodyListens()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTH_US = Timeframe.MINUTE.length // timedelta(microseconds=1)
_ASK_AGAIN_S = 3600.0  # bars wait while a vendor is asked about a jump


def _forget_nothing(_bars: Bars) -> None:
    """Drop nothing, for there is no cache."""


class _OnlyFailures(NobodyListens):
    """Passes on that a vendor failed, and nothing that the stream told itself."""

    def __init__(self, listener: FeedListener) -> None:
        self._listener = listener

    def failed(self, vendor: str, error: Exception) -> None:
        """Pass it on."""
        self._listener.failed(vendor, error)


class StreamIntake:
    """Judges what a stream gave, and keeps all of it.

    Parameters
    ----------
    store : BarStore
        Where to.
    clock : Clock
        The present.
    contexts : ContextMaker, optional
        What the checks need to know; by default from the store, the form of the symbols, and
        the corporate actions in the store's database.
    listener : FeedListener
        Is told of a batch that was refused whole, and of a vendor that could not tell actions.
    forget : callable
        Is told of the bars before and after they are written: `Pipeline.forget`, where a cache
        may still have what they revise.
    tellers : sequence of MarketDataProvider
        Who may be asked, in this order, about a jump that looks like a split or a distribution:
        once an hour for each symbol, for the bars wait meanwhile. Without an answer the bars
        after the jump are in quarantine, and `Pipeline.refetch_gaps` asks again.
    """

    def __init__(
        self,
        store: BarStore,
        *,
        clock: Clock,
        contexts: ContextMaker | None = None,
        listener: FeedListener = _NOBODY,
        forget: Callable[[Bars], None] = _forget_nothing,
        tellers: Sequence[MarketDataProvider] = (),
    ) -> None:
        self._store, self._clock, self._listener = store, clock, listener
        self._record = IngestRecord(store.engine)
        self._contexts = contexts or ContextMaker.of_store(store, clock=clock)
        self._intake = Intake(
            store,
            self._record,
            self._contexts,
            clock=clock,
            listener=_OnlyFailures(listener),
            forget=forget,
            tellers=tellers,
            ask_again_s=_ASK_AGAIN_S,
        )

    def keep(self, batch: Batch) -> None:
        """Judge a batch, and bring every row of it to its place.

        Parameters
        ----------
        batch : Batch
            As a delivery has it, or several of them in one.

        Raises
        ------
        InputError
            If stored series of its symbols are of several currencies.
        StorageError
            If the database fails; the same batch again leads to the same end.
        """
        try:
            judged, context = self._intake.judge(None, batch)
        except AnswerRefused as refusal:
            self._intake.refuse(batch, refusal.reason)
            self._listener.failed(refusal.vendor, refusal)
            return
        source = batch.bars.sources[0]
        held = held_back(judged)
        self._intake.keep(source, batch, judged, context, asked=None, missing=held)

    def missed(self, gaps: Sequence[StreamGap]) -> int:
        """Put on record the minutes that a stream did not tell, and REST could not tell either.

        Parameters
        ----------
        gaps : sequence of StreamGap
            As deliveries have them; of those that were filled, and of quotes and trades, nothing
            is kept.

        Returns
        -------
        int
            How many gaps are new. They lie between bars of open sessions that are stored.

        Raises
        ------
        StorageError
            If the database fails; the same gaps again lead to the same end.
        """
        found = [
            part
            for gap in gaps
            if not gap.is_filled and gap.channel is Channel.MINUTES
            for part in self._missing(gap)
        ]
        return self._record.note_gaps(
            found, timeframe=Timeframe.MINUTE, adjustment=Adjustment.RAW, at=self._clock.now()
        )

    def _missing(self, gap: StreamGap) -> list[Gap]:
        """Return what is missing of a span, between the bars of it that somebody else told."""
        request = BarRequest(
            symbols=(gap.symbol,),
            start=gap.start,
            end=gap.end,
            timeframe=Timeframe.MINUTE,
            adjustment=Adjustment.RAW,
        )
        due = _minutes(self._contexts.plain((gap.symbol,)).calendar_of(gap.symbol), request)
        has = self._store.read(request).time if len(due) else due
        sides = np.r_[micros(gap.start) - 1, has, micros(gap.end)]
        places, counts = np.unique(
            np.searchsorted(has, due[~np.isin(due, has)]), return_counts=True
        )
        return [
            Gap(
                symbol=gap.symbol,
                after=_instant(sides[place]),
                before=_instant(sides[place + 1]),
                count=count,
                reason=Reason.BARS_MISSING,
            )
            for place, count in zip(places.tolist(), counts.tolist(), strict=True)
        ]


def _minutes(calendar: str, request: BarRequest) -> np.ndarray:
    """Return the begins of all minutes of a request in which a session is open."""
    table, start, end = sessions_of(calendar), micros(request.start), micros(request.end)
    start += -start % _LENGTH_US
    first, last = np.searchsorted(table.closes, start, "right"), np.searchsorted(table.opens, end)
    spans = zip(table.opens[first:last], table.closes[first:last], strict=True)
    parts = [np.arange(max(o, start), min(c, end), _LENGTH_US) for o, c in spans]
    return np.concatenate([np.zeros(0, np.int64), *parts])


def _instant(time: int) -> datetime:
    return _EPOCH + timedelta(microseconds=int(time))
