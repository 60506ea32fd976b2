"""Which gaps are asked for again, and how few requests that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.ingest_record import KeptGap
from alphalens.data.port import BarRequest, CorporateAction
from alphalens.data.reasons import Reason

__all__ = ["due", "together"]

_INSTANT = timedelta(microseconds=1)
#: Gaps of a symbol that are so near to each other go into one request.
_NEAR_DAYS, _NEAR = timedelta(days=30), timedelta(days=1)


def due(
    gaps: Sequence[KeptGap],
    actions: Callable[[Sequence[str]], tuple[CorporateAction, ...]],
    found_before: datetime,
) -> list[KeptGap]:
    """Return the gaps that are to be asked for now.

    Parameters
    ----------
    gaps : sequence of KeptGap
        Open ones.
    actions : callable
        From symbols, the corporate actions on them that are known now.
    found_before : datetime
        Younger gaps wait: the vendor may not have had the bars yet.
    """
    held = [one for one in gaps if one.gap.reason is Reason.UNEXPLAINED_RATIO]
    newest: dict[str, datetime] = {}
    for action in actions(sorted({one.gap.symbol for one in held})) if held else ():
        newest[action.symbol] = max(newest.get(action.symbol, action.seen_at), action.seen_at)

    def is_due(one: KeptGap) -> bool:
        is_explained = one.gap.reason is Reason.UNEXPLAINED_RATIO and (
            newest.get(one.gap.symbol, one.found) > (one.tried or one.found)
        )
        return is_explained or (one.tried is None and one.found <= found_before)

    return [one for one in gaps if is_due(one)]


def together(gaps: Sequence[KeptGap]) -> Iterator[tuple[BarRequest, list[KeptGap]]]:
    """Give requests that cover gaps with the bars on their sides, and the gaps of each."""
    spans: dict[tuple[Timeframe, Adjustment, datetime, datetime], list[KeptGap]] = {}
    for run in _runs(gaps):
        first, last = run[0], max(one.gap.before for one in run)
        key = first.timeframe, first.adjustment, first.gap.after, last + _INSTANT
        spans.setdefault(key, []).extend(run)
    for (timeframe, adjustment, start, end), own in spans.items():
        request = BarRequest(
            symbols=tuple(dict.fromkeys(one.gap.symbol for one in own)),
            start=start,
            end=end,
            timeframe=timeframe,
            adjustment=adjustment,
        )
        yield request, own


def _runs(gaps: Sequence[KeptGap]) -> Iterator[list[KeptGap]]:
    """Give the gaps of a series that are near to each other."""
    ordered = sorted(gaps, key=lambda one: (one.series_id, one.gap.after))
    run: list[KeptGap] = []
    for one in ordered:
        near = _NEAR_DAYS if one.timeframe.is_daily else _NEAR
        is_next = run and run[-1].series_id == one.series_id
        if not (is_next and one.gap.after - run[-1].gap.before <= near):
            if run:
                yield run
            run = []
        run.append(one)
    if run:
        yield run
