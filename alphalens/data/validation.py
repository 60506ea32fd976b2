"""The judgement on a vendor's answer: what is kept, what is set aside, and why.

Every row ends in one of two places: in `Judged.bars`, or in `Judged.rejected` with its text.
An answer that is unusable as a whole raises `AnswerRefused`, which has the text of all rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from alphalens.data._checks.batch import check_batch, check_units
from alphalens.data._checks.context import ZONES, Context, Life, Tolerances
from alphalens.data._checks.jumps import Verdict
from alphalens.data._checks.neighbours import check_series
from alphalens.data._checks.rows import Rows
from alphalens.data._checks.series import series_of
from alphalens.data._checks.time import check_times
from alphalens.data._checks.values import check_values
from alphalens.data.bars import Bars
from alphalens.data.gaps import Gap
from alphalens.data.port import Batch
from alphalens.data.quarantine import Quarantined, Report
from alphalens.data.reasons import Reason

__all__ = [
    "ZONES",
    "Context",
    "Gap",
    "Judged",
    "Life",
    "Quarantined",
    "Report",
    "Tolerances",
    "judge",
]

Marks = NDArray[np.uint64]
Places = NDArray[np.intp]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIGURES = ("open", "high", "low", "close", "volume", "vwap", "trades", "is_final")


@dataclass(frozen=True, eq=False, kw_only=True)
class Judged:
    """A batch after judgement.

    Attributes
    ----------
    bars : Bars
        The rows that may be stored, by symbol, then time, each key once.
    marks : uint64 array of shape (n,)
        What was found in each of them.
    rejected : Quarantined
        All other rows, as the vendor told them.
    repaired : Quarantined
        Kept rows in which something was corrected, as the vendor told them.
    report : Report
        Counts by reason, symbol and day.
    """

    bars: Bars
    marks: Marks
    rejected: Quarantined
    repaired: Quarantined
    report: Report


def judge(batch: Batch, context: Context) -> Judged:
    """Judge every row of a vendor's answer.

    Parameters
    ----------
    batch : Batch
        As read.
    context : Context
        What is known besides.

    Raises
    ------
    AnswerRefused
        If nothing of the answer can be used.
    InputError
        If the context lacks the class of a symbol, or its stored bars are of another kind.

    Notes
    -----
    A step by the ratio of a split that stays, and that no known action explains: raw bars are
    rejected from there on until an action explains it, or somebody accepts the day. Of bars that
    are said to be adjusted the step is flagged and alarms, for it may be the truth; as soon as
    a split of that day is known, the answer is refused as `Reason.MIXED_ADJUSTMENT`.
    """
    check_batch(batch, context)
    rows = Rows.of(batch, context)
    check_units(batch, rows)
    check_values(rows)
    gaps = check_times(rows)
    _duplicates(rows)
    verdict = check_series(rows, series_of(rows))
    return _told(batch, rows, gaps, verdict)


def _duplicates(rows: Rows) -> None:
    """Keep of each key the good row that was received last; the others go to quarantine."""
    time, codes = rows.column("time"), rows.told.codes
    if not ((time[1:] == time[:-1]) & (codes[1:] == codes[:-1])).any():
        return
    place = np.flatnonzero(rows.is_good)
    older, newer = place[:-1], place[1:]
    twin = (time[newer] == time[older]) & (codes[newer] == codes[older])
    older, newer = older[twin], newer[twin]
    is_same = np.ones(len(older), np.bool_)
    for name in _FIGURES:
        column = rows.column(name)
        was, now = column[older], column[newer]
        is_same &= (was == now) | ((was != was) & (now != now))
    rows.mark(older[is_same], Reason.DUPLICATE, is_fatal=True)
    rows.mark(older[~is_same], Reason.CONFLICTING_DUPLICATE, is_fatal=True)
    rows.mark(newer[~is_same], Reason.CONFLICTING_DUPLICATE, is_fatal=False)


def _told(batch: Batch, rows: Rows, gaps: list[Gap], verdict: Verdict) -> Judged:
    good = rows.is_good
    bars, marks = rows.bars, rows.marks
    kept_bars, kept_marks = (bars, marks) if good.all() else (bars.take(good), marks[good])
    rejected = _aside(batch, rows, np.flatnonzero(~good))
    repaired = _aside(batch, rows, np.flatnonzero(good & rows.repaired))
    found = np.flatnonzero(marks)
    present = {bars.symbols[code] for code in bars.codes[rows.edges[:-1]]} if len(rows) else set()
    report = Report(
        told=len(rows),
        kept=len(kept_bars),
        rejected=len(rejected),
        repaired=len(repaired),
        found=bars.take(found),
        marks=marks[found],
        because=int(np.bitwise_or.reduce(rows.fatal, initial=0)),
        gaps=tuple(gaps),
        empty=tuple(s for s in batch.request.symbols if s not in present),
        held=tuple(
            (bars.symbols[bars.codes[at]], _instant(bars.time[at]))
            for at in verdict.held
            if good[at]
        ),
        stored_misprints=tuple((s, _instant(at)) for s, at in verdict.stored_misprints),
        added=batch.added,
    )
    return Judged(
        bars=kept_bars, marks=kept_marks, rejected=rejected, repaired=repaired, report=report
    )


def _aside(batch: Batch, rows: Rows, places: Places) -> Quarantined:
    where = places if rows.order is None else rows.order[places]
    return Quarantined(
        bars=rows.told.take(places),
        marks=rows.marks[places],
        because=rows.fatal[places],
        raw=tuple(batch.raw[int(at)] for at in where),
    )


def _instant(time: int | np.int64) -> datetime:
    return _EPOCH + timedelta(microseconds=int(time))
