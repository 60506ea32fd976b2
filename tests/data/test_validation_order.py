"""Rows of one key, and rows out of order."""

from datetime import timedelta

from alphalens.data.reasons import Reason
from alphalens.data.validation import judge
from tests.data.bad_rows import (
    MONDAY,
    NOW,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    aside,
    at_other_times,
    bars_of,
    batch_of,
    context_of,
    flags,
    good,
    judged,
    kept,
)


def test_row_that_came_twice_is_kept_once():
    found = judged([good(TUESDAY), good(TUESDAY), good(WEDNESDAY, 101.0)])
    assert kept(found) == [("A", TUESDAY), ("A", WEDNESDAY)]
    assert aside(found) == {("A", TUESDAY): {"duplicate"}}
    assert flags(found) == {}


def test_of_two_versions_the_later_one_stands_and_both_are_kept():
    bars = bars_of({"A": [good(TUESDAY, 100.0), good(TUESDAY, 101.0), good(WEDNESDAY, 102.0)]})
    early = NOW - timedelta(hours=1)
    for received, stands in (((early, NOW, NOW), 101.0), ((NOW, early, NOW), 100.0)):
        found = judge(batch_of(at_other_times(bars, received)), context_of("A"))
        assert found.bars.close.tolist() == [stands, 102.0]
        assert aside(found) == {("A", TUESDAY): {"conflicting_duplicate"}}
        assert flags(found) == {("A", TUESDAY): {"conflicting_duplicate"}}


def test_a_bad_version_does_not_replace_a_good_one():
    rows = [good(TUESDAY, 100.0), (TUESDAY, 100.0, 5.0, 99.0, 100.0, 3.0), good(WEDNESDAY, 102.0)]
    found = judged(rows)
    assert found.bars.close.tolist() == [100.0, 102.0]
    assert aside(found) == {("A", TUESDAY): {"high_too_low"}}


def test_rows_out_of_order_are_sorted_and_counted():
    found = judged([good(MONDAY), good(WEDNESDAY, 101), good(TUESDAY, 102), good(THURSDAY, 103)])
    assert [day for _, day in kept(found)] == [MONDAY, TUESDAY, WEDNESDAY, THURSDAY]
    assert found.bars.close.tolist() == [100.0, 102.0, 101.0, 103.0]
    assert flags(found) == {("A", TUESDAY): {"out_of_order"}}
    assert found.report.counts == {Reason.OUT_OF_ORDER: 1}
