"""Stored bars that later ones show to be wrong: to quarantine, and out of what is believed.

They become versions of the store, so that a reader of an instant before still sees what was
believed then.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from alphalens.data.bars import Bars, micros
from alphalens.data.ingest_record import IngestRecord
from alphalens.data.port import BarRequest
from alphalens.data.reasons import Reason
from alphalens.data.store import BarStore
from alphalens.data.validation import Judged

__all__ = ["Corrections"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
_MISPRINT = np.uint64(Reason.MISPRINT.bit)
_RATIO = np.uint64(Reason.UNEXPLAINED_RATIO.bit)
_WRONG = np.uint64(Reason.MISPRINT.bit | Reason.HALVED_FOR_A_DAY.bit | Reason.UNEXPLAINED_RATIO.bit)


class Corrections:
    """Takes back what turned out to be wrong.

    Parameters
    ----------
    store : BarStore
        Has the rows, and the quarantine that they go to.
    record : IngestRecord
        Takes rows out of what is believed.
    forget : callable
        Drops rows from caches.
    """

    def __init__(
        self, store: BarStore, record: IngestRecord, forget: Callable[[Bars], None]
    ) -> None:
        self._store, self._record, self._forget = store, record, forget

    def correct(self, judged: Judged, stored: Bars | None, at: datetime) -> int:
        """Take stored bars back that the new ones show to be wrong; return how many.

        Parameters
        ----------
        judged : Judged
            The new ones.
        stored : Bars or None
            The stored ones that they were compared with.
        at : datetime
            Now (aware).

        Raises
        ------
        StorageError
            If the database fails; a second call goes on.
        """
        if stored is None:
            return 0
        wrong = set(judged.report.stored_misprints)
        wrong |= set(self._cliffs(judged, stored))
        return sum(self._take_back(symbol, when, stored, at) for symbol, when in sorted(wrong))

    def _cliffs(self, judged: Judged, stored: Bars) -> list[tuple[str, datetime]]:
        """Return the stored bars at which a step begins that sent the new ones to quarantine."""
        rejected = judged.rejected
        hit = rejected.bars.codes[(rejected.because & _RATIO) != 0]
        symbols = {rejected.bars.symbols[code] for code in np.unique(hit)}
        found = []
        for symbol in symbols & set(stored.symbols):
            own = np.flatnonzero(stored.codes == stored.symbols.index(symbol))
            if len(own):
                last = _instant(int(stored.time[own].max()))
                if self._marks_of(symbol, last, stored)[1] & _RATIO:
                    found.append((symbol, last))
        return found

    def _take_back(self, symbol: str, when: datetime, stored: Bars, at: datetime) -> int:
        row, marks = self._marks_of(symbol, when, stored)
        own = np.flatnonzero(
            (stored.codes == stored.symbols.index(symbol)) & (stored.time == micros(when))
        )
        if not len(row) or row.received[0] != stored.received[own[0]]:
            return 0  # somebody else corrected it meanwhile
        why = np.array([marks & _WRONG or _MISPRINT], np.uint64)
        self._store.quarantine(row, why, [_text(row)], at=at)
        self._forget(row)  # before and after: a crash between leaves nothing old
        count = self._record.retract(row, at=at)
        self._forget(row)
        return count

    def _marks_of(self, symbol: str, when: datetime, stored: Bars) -> tuple[Bars, np.uint64]:
        request = BarRequest(
            symbols=(symbol,),
            start=when,
            end=when + _INSTANT,
            timeframe=stored.timeframe,
            adjustment=stored.adjustment,
        )
        row, marks = self._store.read_marked(request)
        return row, np.bitwise_or.reduce(marks, initial=np.uint64(0))


def _text(row: Bars) -> str:
    """Return a stored row as text: how the vendor wrote it is not kept with good rows."""
    names = ("open", "high", "low", "close", "volume", "vwap")
    told = {name: float(getattr(row, name)[0]) for name in names}
    known = {name: value for name, value in told.items() if value == value}
    return json.dumps({"t": int(row.time[0]), **known, "received": int(row.received[0])})


def _instant(time: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time)
