"""Instants, sessions, gaps, lives."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from alphalens.assets import AssetClass
from alphalens.data.bars import Timeframe, micros
from alphalens.data.reasons import Reason
from alphalens.data.validation import Life, judge
from tests.data.bad.facts import settles
from tests.data.bad_rows import (
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    action,
    aside,
    bars_of,
    batch_of,
    context_of,
    flags,
    good,
    judged,
    kept,
)


def test_instant_that_could_not_be_read_is_rejected():
    bars = bars_of({"A": [good(TUESDAY), good(WEDNESDAY)]})
    time = bars.time.copy()
    time[0] = np.iinfo(np.int64).min
    found = judge(batch_of(replace(bars, time=time)), context_of("A"))
    assert kept(found) == [("A", WEDNESDAY)]
    assert "wrong_zone" in aside(found)["A", "never"]
    assert found.rejected.frame()["timestamp"].isna().all()


def test_bar_from_the_future_is_rejected():
    later = datetime(2025, 3, 3, 15, tzinfo=UTC)
    rows = {"A": [good("2025-01-03"), good("2025-01-07")]}
    found = judge(batch_of(rows, received_at=later), context_of("A"))
    assert kept(found) == [("A", "2025-01-03")]
    assert aside(found) == {("A", "2025-01-07"): {"in_the_future"}}
    assert Reason.IN_THE_FUTURE in found.report.alarms


def test_settle_on_a_sunday_is_rejected():
    # RTL dflong at 6486206: RB, second month.
    rows = settles(("2017-08-25", 1.5407999754), ("2017-08-27", 0.0), ("2017-08-28", 1.5713000298))
    found = judged(rows, symbol="RBV17", kind=AssetClass.FUTURE, calendars={"RBV17": "NYMEX"})
    assert [day for _, day in kept(found)] == ["2017-08-25", "2017-08-28"]
    reasons = {"negative_or_zero_settle", "out_of_session"}
    assert aside(found) == {("RBV17", "2017-08-27"): reasons}


def test_holiday_is_for_shares_and_not_for_coins():
    found = judged([good("2024-12-24"), good("2024-12-25"), good("2024-12-26")])
    assert aside(found) == {("A", "2024-12-25"): {"out_of_session"}}
    assert len(found.bars) == 2
    days = [good("2024-12-24T00:00:00"), good("2024-12-25T00:00:00", 101)]
    coins = judged(days, symbol="BTC/USD", kind=AssetClass.CRYPTO)
    assert (len(coins.bars), flags(coins)) == (2, {})


def test_minutes_before_the_open_are_flagged_and_those_of_the_night_rejected():
    rows = [
        good("2024-12-10T07:00:00"),  # 02:00 in New York
        good("2024-12-10T13:00:00", 101.0),  # 08:00
        good("2024-12-10T14:30:00", 102.0),  # 09:30
    ]
    found = judge(batch_of({"A": rows}, timeframe=Timeframe.MINUTE), context_of("A"))
    assert aside(found) == {("A", "2024-12-10T07:00:00"): {"out_of_session"}}
    assert flags(found) == {("A", "2024-12-10T13:00:00"): {"out_of_session"}}
    assert len(found.bars) == 2


def test_bar_that_begins_within_a_minute_is_rejected_or_floored():
    rows = {"A": [good("2024-12-10T14:30:00"), good("2024-12-10T14:31:17", 101.0)]}
    batch = batch_of(rows, timeframe=Timeframe.MINUTE)
    found = judge(batch, context_of("A"))
    assert kept(found) == [("A", "2024-12-10T14:30:00")]
    assert aside(found) == {("A", "2024-12-10T14:31:17"): {"unaligned"}}
    floored = judge(batch, context_of("A", may_floor=True))
    assert kept(floored) == [("A", "2024-12-10T14:30:00"), ("A", "2024-12-10T14:31:00")]
    assert flags(floored) == {("A", "2024-12-10T14:31:00"): {"unaligned"}}


def test_daily_bar_that_is_not_at_midnight_of_its_market_is_rejected():
    found = judged([good("2024-12-10T00:00:00"), good(WEDNESDAY)])
    assert kept(found) == [("A", WEDNESDAY)]
    assert all("unaligned" in reasons for reasons in aside(found).values())


def test_missing_session_is_recorded_and_nothing_is_filled():
    found = judged([good("2024-11-26"), good("2024-11-29", 101), good("2024-12-03", 102)])
    assert len(found.bars) == 3
    assert set(flags(found)) == {("A", "2024-11-29"), ("A", "2024-12-03")}
    (thanks, monday) = found.report.gaps
    assert (thanks.count, monday.count) == (1, 1)  # the 27th; the 28th is a holiday
    assert thanks.reason is Reason.SESSION_MISSING
    assert thanks.before.date() == date(2024, 11, 29)


def test_missing_minutes_are_recorded_within_a_session_only():
    rows = [
        good("2024-12-10T20:58:00"),
        good("2024-12-10T20:59:00", 101.0),
        good("2024-12-11T14:30:00", 102.0),
        good("2024-12-11T14:34:00", 103.0),
    ]
    found = judge(batch_of({"A": rows}, timeframe=Timeframe.MINUTE), context_of("A"))
    assert flags(found) == {("A", "2024-12-11T14:34:00"): {"bars_missing"}}
    (gap,) = found.report.gaps
    assert (gap.count, gap.reason) == (3, Reason.BARS_MISSING)
    assert gap.after == datetime(2024, 12, 11, 14, 30, tzinfo=UTC)


def test_bar_that_still_forms_is_never_final():
    at = datetime(2025, 1, 6, 20, 0, 30, tzinfo=UTC)
    rows = {"A": [good("2025-01-06T19:59:00"), good("2025-01-06T20:00:00", 101.0)]}
    batch = batch_of(rows, timeframe=Timeframe.MINUTE, received_at=at)
    found = judge(batch, context_of("A", now=at))
    assert found.bars.is_final.tolist() == [True, False]
    assert flags(found) == {("A", "2025-01-06T20:00:00"): {"not_final"}}


def test_row_of_the_company_before_is_rejected():
    # QuantConnect/Lean at 2486390, equity/usa/daily/fb.zip: another company until 2012.
    rows = [
        ("1999-09-29", 12.75, 12.75, 11.5, 11.5, 16300),
        ("2012-05-18", 42.0499992371, 44.0499992371, 38.0, 38.3699989319, 491907897),
    ]
    found = judged(rows, symbol="FB", lives={"FB": Life(first=date(2012, 5, 18))})
    assert kept(found) == [("FB", "2012-05-18")]
    assert aside(found) == {("FB", "1999-09-29"): {"symbol_reused"}}


@pytest.mark.parametrize("is_action", [True, False])
def test_price_after_the_delisting_is_rejected(is_action):
    rows = [good(TUESDAY), good(WEDNESDAY, 101.0), good(THURSDAY, 101.5)]
    known = (
        {"actions": (action("A", "delisting", date(2024, 12, 12)),)}
        if is_action
        else {"lives": {"A": Life(last=date(2024, 12, 11))}}
    )
    found = judged(rows, **known)
    assert kept(found) == [("A", TUESDAY), ("A", WEDNESDAY)]
    assert aside(found) == {("A", THURSDAY): {"delisted"}}
    assert micros(datetime(2024, 12, 12, 5, tzinfo=UTC)) == found.rejected.bars.time[0]
