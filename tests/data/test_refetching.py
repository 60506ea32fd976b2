"""Gaps are asked for again once, in few requests, and what is held back when it is explained."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from alphalens.data._intake.refetching import due, together
from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.gaps import Gap
from alphalens.data.ingest_record import KeptGap
from alphalens.data.port import CorporateAction
from alphalens.data.reasons import Reason

T0 = datetime(2024, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SERIES = {"A": 1, "B": 2, "C": 3}


def gap(symbol="A", begin=0, end=2, *, tried=None, reason=Reason.SESSION_MISSING, **changes):
    told = Gap(symbol=symbol, after=T0 + begin * DAY, before=T0 + end * DAY, count=1, reason=reason)
    fields = {
        "timeframe": Timeframe.DAY,
        "adjustment": Adjustment.RAW,
        "series_id": SERIES[symbol],
        "found": T0 + 100 * DAY,
        "closed": None,
    }
    return KeptGap(gap=told, tried=tried, **{**fields, **changes})


def nothing(_):
    return ()


def test_gap_is_due_when_it_is_old_enough_and_was_not_tried():
    young, old, tried = gap(), gap(found=T0), gap(found=T0, tried=T0 + DAY)
    assert due([young, old, tried], nothing, T0 + DAY) == [old]


def test_what_is_held_back_is_due_when_an_action_is_seen_after_it_was_tried():
    held = [
        gap(symbol, reason=Reason.UNEXPLAINED_RATIO, found=T0, tried=T0 + 5 * DAY)
        for symbol in ("A", "B", "C")
    ]

    def actions(symbols):
        assert symbols == ["A", "B", "C"]
        given = {"A": 6, "B": 4}
        return tuple(
            CorporateAction(
                symbol=symbol,
                kind="split",
                ex_date=date(2024, 1, 2),
                seen_at=T0 + days * DAY,
                source="x",
            )
            for symbol, days in given.items()
        )

    assert [one.gap.symbol for one in due(held, actions, T0)] == ["A"]


def test_near_gaps_of_a_symbol_and_equal_ones_of_many_go_together():
    gaps = [
        gap("A", 0, 2),
        gap("A", 3, 5),
        gap("B", 0, 5),
        gap("A", 60, 62),
        gap("C", 0, 5, adjustment=Adjustment.ALL),
    ]
    found = [
        (r.symbols, (r.start - T0).days, (r.end - T0).days, str(r.adjustment), len(own))
        for r, own in together(gaps)
    ]
    assert found == [
        (("A", "B"), 0, 5, "raw", 3),
        (("A",), 60, 62, "raw", 1),
        (("C",), 0, 5, "all", 1),
    ]
    ((request, _), *_) = together(gaps)
    assert request.end > T0 + 5 * DAY  # the bar behind the gap is asked for too
