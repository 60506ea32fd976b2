"""Kinds 17 to 23: volumes that cannot be, bars without a trade, rows that came twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alphalens.assets import AssetClass
from tests.data.bad.harness import bar, told
from tests.data.bad_rows import MONDAY, NOW, THURSDAY, TUESDAY, WEDNESDAY


def test_bad_data_17_negative_volume_goes_aside(desk):
    desk.fetch({"A": [bar(TUESDAY), bar(WEDNESDAY, 100.5, -1)]})
    assert desk.days() == [TUESDAY]
    assert desk.aside() == {("A", WEDNESDAY): {"negative_volume"}}
    assert desk.raw()[0]["v"] == -1


def test_bad_data_18_bar_without_a_trade_is_flagged(desk):
    still = bar(WEDNESDAY, volume=0, o=100.0, h=100.0, l=100.0, n=0)
    desk.fetch({"A": [bar(TUESDAY), still, bar(THURSDAY)]})
    assert desk.days() == [TUESDAY, WEDNESDAY, THURSDAY]
    assert desk.flags() == {("A", WEDNESDAY): {"no_trade"}}
    assert desk.aside() == {}


def test_bad_data_19_price_that_moved_on_volume_zero_is_flagged(desk):
    # guyr18/stock-market-big-data at 30d766f, A 2010-04-26: the volume of the day is missing.
    odd = told(("2010-04-26", 24.638999939, 24.968000412, 24.618999481, 24.8560009, 0))
    desk.fetch({"A": [bar("2010-04-23", 24.5), odd, bar("2010-04-27", 24.4)]})
    assert len(desk.stored()) == 3
    assert desk.flags() == {("A", "2010-04-26"): {"moved_without_volume"}}
    assert desk.aside() == {}


@pytest.mark.parametrize("has_fractions", [True, False])
def test_bad_data_20_fraction_of_a_share_is_rounded_only_if_the_feed_says_so(desk, has_fractions):
    rows = [bar(TUESDAY), bar(WEDNESDAY, 100.5, 10.4)]
    desk.fetch({"A": rows}, has_fractions=has_fractions)
    assert desk.stored().volume.tolist() == [1_000.0, 10.0 if has_fractions else 10.4]
    assert desk.flags() == {("A", WEDNESDAY): {"fractional_volume"}}
    assert desk.aside() == {}


def test_bad_data_20_fraction_of_a_coin_is_nothing_odd(desk):
    rows = [bar("2024-12-10T00:00:00Z"), bar("2024-12-11T00:00:00Z", 100.5, 10.4)]
    desk.fetch({"BTC/USD": rows}, kind=AssetClass.CRYPTO)
    assert desk.stored("BTC/USD").volume.tolist() == [1_000.0, 10.4]
    assert desk.flags("BTC/USD") == {}


def test_bad_data_21_volume_that_overflowed_goes_aside(desk):
    desk.fetch({"A": [bar(TUESDAY), bar(WEDNESDAY, 100.5, 1e300), bar(THURSDAY, v=10**400)]})
    assert desk.days() == [TUESDAY]
    assert desk.aside() == {
        ("A", WEDNESDAY): {"volume_overflow"},
        ("A", THURSDAY): {"infinite"},
    }
    assert [row["v"] for row in desk.raw()] == [1e300, 10**400]


def test_bad_data_22_row_that_came_twice_is_kept_once(desk):
    desk.fetch({"A": [bar(TUESDAY), bar(TUESDAY), bar(WEDNESDAY, 101.0)]})
    assert desk.days() == [TUESDAY, WEDNESDAY]
    assert desk.aside() == {("A", TUESDAY): {"duplicate"}}
    assert desk.flags() == {}


def test_bad_data_22_the_same_answer_again_changes_nothing(desk):
    rows = {"A": [bar(MONDAY), bar(TUESDAY, c=-1.0, l=-1.0), bar(WEDNESDAY, 101.0)]}
    desk.fetch(rows)
    before = desk.stored().frame(), desk.quarantined()
    desk.fetch(rows)
    assert desk.stored().frame().equals(before[0])
    assert desk.quarantined().equals(before[1])


def test_bad_data_23_of_two_rows_that_differ_the_later_one_stands_and_both_are_kept(desk):
    desk.fetch({"A": [bar(TUESDAY, 100.0), bar(TUESDAY, 101.0), bar(WEDNESDAY, 102.0)]})
    assert desk.closes() == [101.0, 102.0]
    assert desk.flags() == {("A", TUESDAY): {"conflicting_duplicate"}}
    assert desk.aside() == {("A", TUESDAY): {"conflicting_duplicate"}}
    assert desk.raw()[0]["c"] == 100.0


def test_bad_data_23_a_later_answer_that_differs_is_a_version(desk):
    desk.fetch({"A": [bar(TUESDAY, 100.0), bar(WEDNESDAY, 102.0)]})
    desk.clock.advance_to(NOW + timedelta(hours=1))
    desk.fetch({"A": [bar(TUESDAY, 101.0), bar(WEDNESDAY, 102.0)]})
    assert desk.closes() == [101.0, 102.0]
    assert desk.closes(as_of=NOW) == [100.0, 102.0]
