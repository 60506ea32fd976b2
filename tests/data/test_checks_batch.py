"""Answers that are refused whole."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from alphalens.data.bars import Adjustment
from alphalens.data.reasons import AnswerRefused, Reason
from alphalens.data.validation import judge
from tests.data.bad import facts
from tests.data.bad_rows import (
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    WEEK,
    action,
    bars_of,
    batch_of,
    context_of,
    good,
)

NETFLIX = facts.NETFLIX
SPLIT = action("NFLX", "split", date(2015, 7, 15), ratio=Decimal(7))


@pytest.mark.parametrize("reason", [Reason.NO_TIME_ZONE, Reason.WRONG_EPOCH, Reason.SCHEMA_DRIFT])
def test_what_reading_could_not_place_refuses_the_batch(reason):
    batch = batch_of({"A": [good(TUESDAY), good(WEDNESDAY)]}, marks=[0, reason.bit])
    with pytest.raises(AnswerRefused, match=r"vendor.*row 1 of A") as refused:
        judge(batch, context_of("A"))
    assert refused.value.reason is reason
    assert list(refused.value.raw) == ["row 0 of A", "row 1 of A"]


def test_symbol_without_rows_is_told():
    batch = batch_of({"A": [good(TUESDAY)]}, symbols=("A", "B"))
    found = judge(batch, context_of("A", "B"))
    assert found.report.empty == ("B",)
    assert found.report.counts == {Reason.EMPTY: 1}


def test_rows_of_another_symbol_refuse_the_batch():
    batch = batch_of({"A": [good(TUESDAY)], "X": [good(TUESDAY)]}, symbols=("A", "B"))
    with pytest.raises(AnswerRefused, match=r"wrong_symbol.*nobody asked for X"):
        judge(batch, context_of("A", "B", "X"))


def test_other_currency_refuses_the_batch():
    batch = batch_of({"A": [good(TUESDAY)]}, currency="GBX")
    with pytest.raises(AnswerRefused, match=r"wrong_currency.*GBX, not GBP"):
        judge(batch, context_of("A", currencies={"A": "GBP"}))


@pytest.mark.parametrize("times", [100.0, 0.01])
def test_pence_for_pounds_refuses_the_batch(times):
    stored = bars_of({"A": [good(MONDAY, 70.0)]})
    rows = [good(day, 71.0 * times, 5.0) for day in WEEK[1:4]]
    with pytest.raises(AnswerRefused, match=r"wrong_currency.*times the stored 70"):
        judge(batch_of({"A": rows}), context_of("A", stored=stored))
    same = [good(day, 71.0, 5.0) for day in WEEK[1:4]]
    assert len(judge(batch_of({"A": same}), context_of("A", stored=stored)).bars) == 3


def test_other_adjustment_refuses_the_batch():
    batch = batch_of({"A": [good(TUESDAY)]}, adjustment=Adjustment.ALL)
    other = replace(batch, request=replace(batch.request, adjustment=Adjustment.RAW))
    with pytest.raises(AnswerRefused, match=r"mixed_adjustment.*1d/all, not 1d/raw"):
        judge(other, context_of("A"))


def test_prices_that_contradict_a_known_split_refuse_the_batch():
    adjusted = [
        (day, *(price / 7 if day < "2015-07-15" else price for price in prices), volume)
        for day, *prices, volume in NETFLIX
    ]
    context = context_of("NFLX", actions=(SPLIT,))
    with pytest.raises(AnswerRefused, match="7:1 split of 2015-07-15, so the prices are not raw"):
        judge(batch_of({"NFLX": adjusted}), context)
    with pytest.raises(AnswerRefused, match="not split"):
        judge(batch_of({"NFLX": NETFLIX}, adjustment=Adjustment.SPLIT), context)
    kept_split = judge(batch_of({"NFLX": adjusted}, adjustment=Adjustment.SPLIT), context)
    assert len(kept_split.bars) == 4
