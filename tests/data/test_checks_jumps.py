"""Closes far from the one before: misprint, split, distribution or truth."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from alphalens.data._checks.jumps import _medians
from alphalens.data.bars import Adjustment
from alphalens.data.validation import judge
from tests.data.bad import facts
from tests.data.bad_rows import (
    NOW,
    TUESDAY,
    WEDNESDAY,
    action,
    aside,
    batch_of,
    context_of,
    flags,
    good,
    judged,
    kept,
    weeks,
)

MISPRINTS = facts.MISPRINTS
NETFLIX = facts.NETFLIX
EBAY = facts.EBAY
HUNTINGTON = facts.HUNTINGTON
VERTEX = facts.VERTEX
SPLIT = action("NFLX", "split", date(2015, 7, 15), ratio=Decimal(7))


def test_price_above_every_limit_is_rejected():
    found = judged([good(TUESDAY), good(WEDNESDAY, 2e7)])
    assert kept(found) == [("A", TUESDAY)]
    assert aside(found) == {("A", WEDNESDAY): {"absurd_size"}}


def test_price_far_above_all_others_is_rejected_and_long_growth_is_not():
    rows = weeks([100.0] * 6 + [6_100.0] + [100.0] * 3)
    found = judged(rows)
    assert aside(found) == {("A", rows[6][0]): {"absurd_size"}}
    assert len(kept(found)) == 9
    grown = judged(weeks(100.0 * 1.25 ** np.arange(30)))
    assert (len(grown.bars), aside(grown)) == (30, {})


@pytest.mark.parametrize("symbol", MISPRINTS)
def test_known_misprints_are_rejected_and_their_neighbours_live(symbol):
    rows = MISPRINTS[symbol]
    batch = batch_of({symbol: rows}, adjustment=Adjustment.ALL)
    found = judge(batch, context_of(symbol))
    assert kept(found) == [(symbol, rows[0][0]), (symbol, rows[2][0])]
    assert aside(found) == {(symbol, rows[1][0]): {"low_too_high", "misprint"}}
    assert flags(found) == {}


@pytest.mark.parametrize("times", [10.0, 100.0, 0.1, 0.01])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_whole_bar_off_by_a_power_of_ten_that_comes_back_is_rejected(times, length):
    closes = [100.0, 101.0] + [102.0 * times] * length + [103.0, 101.0]
    rows = weeks(closes)
    found = judged(rows)
    assert set(aside(found)) == {("A", row[0]) for row in rows[2 : 2 + length]}
    assert all("misprint" in reasons for reasons in aside(found).values())
    assert [row[0] for row in rows[:2] + rows[2 + length :]] == [day for _, day in kept(found)]


def test_at_the_end_it_is_held_and_the_next_batch_finds_it():
    rows = weeks([100.0, 101.0, 102.0, 1.02])
    first = judged(rows)
    assert len(first.bars) == 4
    assert "misprint" in flags(first)["A", rows[3][0]]
    assert [symbol for symbol, _ in first.report.held] == ["A"]
    later = weeks([100.0, 101.0, 102.0, 1.02, 103.0, 104.0])[4:]
    second = judged(later, stored=first.bars)
    assert kept(second) == [("A", row[0]) for row in later]
    assert aside(second) == {}
    assert [at.date().isoformat() for _, at in second.report.stored_misprints] == [rows[3][0]]


def test_price_halved_for_a_day_is_rejected():
    # Of the shape of the defect known of LNT; the figures are made.
    rows = weeks([71.0, 71.5, 35.6, 71.4, 71.2])
    found = judged(rows)
    assert aside(found) == {("A", rows[2][0]): {"halved_for_a_day"}}
    assert len(found.bars) == 4


def test_a_crash_that_recovers_on_high_turnover_is_true():
    rows = weeks([71.0, 71.5, 35.6, 71.4, 71.2])
    rows[2] = (*rows[2][:5], 50_000.0)
    found = judged(rows)
    assert aside(found) == {}
    assert "big_move" in flags(found)["A", rows[2][0]]


def test_split_with_its_action_is_no_misprint():
    found = judge(batch_of({"NFLX": NETFLIX}), context_of("NFLX", actions=(SPLIT,)))
    assert [day for _, day in kept(found)] == [row[0] for row in NETFLIX]
    assert (aside(found), flags(found)) == ({}, {})


def test_split_without_its_action_is_held_from_its_day_on():
    found = judge(batch_of({"NFLX": NETFLIX}), context_of("NFLX"))
    days = [day for _, day in kept(found)]
    assert days == ["2015-07-13", "2015-07-14"]
    assert aside(found) == {
        ("NFLX", "2015-07-15"): {"unexplained_ratio"},
        ("NFLX", "2015-07-16"): {"unexplained_ratio"},
    }


def test_action_that_nobody_knew_yet_explains_nothing():
    late = replace(SPLIT, seen_at=NOW + timedelta(days=1))
    found = judge(batch_of({"NFLX": NETFLIX}), context_of("NFLX", actions=(late,)))
    assert len(found.rejected) == 2


def test_rows_go_on_being_held_in_the_next_batch():
    stored = judge(batch_of({"NFLX": NETFLIX[:2]}), context_of("NFLX")).bars
    found = judge(batch_of({"NFLX": NETFLIX[2:]}), context_of("NFLX", stored=stored))
    assert kept(found) == []
    explained = context_of("NFLX", stored=stored, actions=(SPLIT,))
    assert len(judge(batch_of({"NFLX": NETFLIX[2:]}), explained).bars) == 2


def test_crash_near_a_small_ratio_is_no_split():
    found = judge(batch_of({"HBAN": HUNTINGTON}), context_of("HBAN"))
    assert [day for _, day in kept(found)] == [row[0] for row in HUNTINGTON]
    assert flags(found) == {("HBAN", "2009-01-22"): {"unexplained_drop"}}


def test_spin_off_without_its_record_is_flagged():
    found = judge(batch_of({"EBAY": EBAY}), context_of("EBAY"))
    assert [day for _, day in kept(found)] == [row[0] for row in EBAY]
    assert flags(found) == {("EBAY", "2015-07-20"): {"unexplained_drop"}}
    assert aside(found) == {}


def test_spin_off_with_its_record_is_no_news():
    record = action("EBAY", "spin_off", date(2015, 7, 20), new_symbol="PYPL")
    found = judge(batch_of({"EBAY": EBAY}), context_of("EBAY", actions=(record,)))
    assert (flags(found), len(found.bars)) == ({}, 4)


def test_big_move_on_high_volume_is_kept():
    found = judged(VERTEX, symbol="VRTX")
    assert [day for _, day in kept(found)] == [row[0] for row in VERTEX]
    assert flags(found) == {("VRTX", "2013-04-19"): {"big_move"}}


def test_price_of_issue_without_volume_is_no_price_before_a_split():
    # Chipotle: https://github.com/guyr18/stock-market-big-data at 30d766f, Stocks/cmg.us.txt
    rows = [
        ("2006-01-25", 22.0, 22.0, 22.0, 22.0, 0.0),
        ("2006-01-26", 45.0, 48.28, 39.51, 44.0, 13_219_400.0),
        ("2006-01-27", 44.88, 44.9, 41.75, 42.2, 1_150_800.0),
    ]
    found = judged(rows, symbol="CMG")
    assert [day for _, day in kept(found)] == [row[0] for row in rows]
    assert flags(found)["CMG", "2006-01-26"] == {"big_move"}


def test_share_that_was_halted_for_weeks_has_no_price_of_issue():
    rows = [*weeks([10.0] * 8, volume=0.0), good("2024-10-11", 100.0), good("2024-10-14", 100.0)]
    rows = [(*row[:5], 0.0) for row in rows[:8]] + rows[8:]
    assert aside(judged(rows)) == {
        ("A", "2024-10-11"): {"unexplained_ratio"},
        ("A", "2024-10-14"): {"unexplained_ratio"},
    }


@pytest.mark.parametrize(
    "closes",
    [
        [0.02] * 6 + [0.01] * 4,
        [0.02] * 6 + [0.01] + [0.02] * 4,
        [0.06] * 6 + [0.02] * 4,
        [0.01, 0.02] * 5,
    ],
)
def test_penny_share_that_moves_by_a_few_ticks_is_kept(closes):
    days = [row[0] for row in weeks(closes)]
    rows = [
        (day, c, c, c, c, 1_000.0 + n) for n, (day, c) in enumerate(zip(days, closes, strict=True))
    ]
    assert aside(judged(rows)) == {}


def test_penny_shares_put_together_are_held_until_somebody_tells_of_it():
    rows = weeks([0.02] * 6 + [0.2] * 4)
    rows = [(row[0], row[4], row[4], row[4], *row[4:]) for row in rows]
    assert len(judged(rows).rejected) == 4


@pytest.mark.parametrize("ratio", [9, 12, 18, 35, 40, 60, 75])
def test_ratios_of_rarer_splits_are_held_too(ratio):
    rows = weeks([3.0] * 6 + [3.0 * ratio] * 4)
    held = judged(rows)
    assert set(aside(held)) == {("A", row[0]) for row in rows[6:]}
    told = action("A", "split", date.fromisoformat(rows[6][0]), ratio=1 / Decimal(ratio))
    assert len(judged(rows, actions=(told,)).bars) == 10


@pytest.mark.parametrize("last", [5_100.0, 6_100.0])
def test_absurd_price_holds_nothing_after_it(last):
    rows = weeks([100.0] * 6 + [last] + [100.0] * 5)
    found = judged(rows)
    assert aside(found) == {("A", rows[6][0]): {"absurd_size"}}
    assert len(found.bars) == 11


def test_absurd_price_is_found_whatever_the_order_of_the_symbols():
    rows = weeks([100.0] * 6 + [6_100.0] + [100.0] * 3)
    calm = weeks([100.0] * 10)
    found = judge(batch_of({"B": calm, "A": rows}), context_of("A", "B"))
    assert aside(found) == {("A", rows[6][0]): {"absurd_size"}}
    found = judge(batch_of({"B": rows, "A": calm}), context_of("A", "B"))
    assert aside(found) == {("B", rows[6][0]): {"absurd_size"}}


def test_split_and_dividend_of_one_day_explain_one_step_together():
    rows = weeks([100.0] * 6 + [30.0] * 4)
    day = date.fromisoformat(rows[6][0])
    split = action("A", "split", day, ratio=Decimal(2))
    cash = action("A", "dividend", day, cash=Decimal(40))
    assert len(judged(rows, actions=(split, cash)).bars) == 10
    assert flags(judged(rows, actions=(split, cash))) == {}
    assert flags(judged(rows, actions=(replace(split, ratio=Decimal(1)),))) != {}


def test_split_that_two_vendors_tell_is_one_split():
    rows = weeks([100.0] * 6 + [25.0] * 4)
    day = date.fromisoformat(rows[6][0])
    twice = tuple(
        action("A", "split", day, ratio=Decimal(2), source=source) for source in ("one", "two")
    )
    assert len(judged(rows, actions=twice).rejected) == 4


def test_two_splits_while_nobody_traded_explain_the_step_together():
    rows = weeks([100.0] * 12)
    rows = rows[:4] + [good(row[0], 16.6, row[5]) for row in rows[9:]]
    days = [date(2024, 10, 8), date(2024, 10, 10)]
    actions = tuple(
        action("A", "split", day, ratio=Decimal(ratio))
        for day, ratio in zip(days, (2, 3), strict=True)
    )
    assert aside(judged(rows, actions=actions)) == {}
    assert aside(judged(rows, actions=actions[:1])) != {}


def test_medians_are_those_of_what_is_above_zero():
    rng = np.random.default_rng(3)
    table = np.where(rng.random((500, 20)) < rng.random((500, 1)), rng.random((500, 20)), 0.0)
    table[rng.random(table.shape) < 0.1] = np.nan
    due = [np.median(row[row > 0]) if (row > 0).any() else np.nan for row in table]
    np.testing.assert_array_equal(_medians(table), due)
