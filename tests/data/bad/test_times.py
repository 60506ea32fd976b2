"""Kinds 24 to 32, 35, 36, 38 and 52: bars at instants at which there are none."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from alphalens.assets import AssetClass
from alphalens.data.bars import Timeframe
from alphalens.data.reasons import Reason
from alphalens.data.validation import Life
from tests.data.bad import facts
from tests.data.bad.harness import FileVendor, bar, day_text, polygon_page, told
from tests.data.bad_rows import FRIDAY, MONDAY, NOW, THURSDAY, TUESDAY, WEDNESDAY, WEEK, action

MINUTE = Timeframe.MINUTE


def test_bad_data_24_rows_out_of_order_are_sorted_and_counted(desk):
    rows = [bar(MONDAY), bar(WEDNESDAY, 101), bar(TUESDAY, 102), bar(THURSDAY, 103)]
    found = desk.fetch({"A": rows})
    assert desk.days() == [MONDAY, TUESDAY, WEDNESDAY, THURSDAY]
    assert desk.closes() == [100.0, 102.0, 101.0, 103.0]
    assert desk.flags() == {("A", TUESDAY): {"out_of_order"}}
    assert found.report.counts == {Reason.OUT_OF_ORDER: 1}
    assert desk.aside() == {}


def test_bad_data_25_instant_without_a_zone_refuses_the_answer(desk):
    desk.fetch({"B": [bar(TUESDAY)]})
    rows = [bar(TUESDAY), bar(WEDNESDAY, t="2024-12-11T05:00:00")]
    text = desk.refuse({"A": rows}, Reason.NO_TIME_ZONE)
    assert '"2024-12-11T05:00:00"' in text
    assert desk.days("B") == [TUESDAY]


def test_bad_data_25_zone_that_the_source_names_is_taken(desk):
    # No vendor over REST leaves the zone out; files do.
    days = ((TUESDAY, 100.0), (WEDNESDAY, 101.0))
    lines = [json.dumps(bar(day, close, t=f"{day} 00:00:00")) for day, close in days]
    vendor = FileVendor({"A": lines}, NOW, zone="America/New_York")
    desk.through(vendor, ("A",))
    assert (desk.days(), desk.flags()) == ([TUESDAY, WEDNESDAY], {})


def test_bad_data_26_hour_that_the_clocks_repeat_or_leave_out_goes_aside(desk):
    told = ["2024-03-10 03:30", "2024-03-10 02:30", "2024-11-03 00:30", "2024-11-03 01:30"]
    lines = [json.dumps(bar(TUESDAY, 100.0 + n, t=text)) for n, text in enumerate(told)]
    vendor = FileVendor({"BTC/USD": lines}, NOW, zone="America/New_York")
    desk.through(vendor, ("BTC/USD",), kind=AssetClass.CRYPTO, timeframe=MINUTE)
    assert desk.days("BTC/USD", timeframe=MINUTE) == ["2024-03-10T07:30:00", "2024-11-03T04:30:00"]
    assert desk.aside("BTC/USD") == {("BTC/USD", "never"): {"wrong_zone"}}
    assert [row["t"] for row in desk.raw("BTC/USD")] == [told[1], told[3]]


def test_bad_data_26_instant_that_does_not_exist_goes_aside_and_is_counted_without_a_day(desk):
    rows = [bar(MONDAY), bar(TUESDAY, t="2024-12-10T25:00:00Z"), bar(WEDNESDAY, 101.0)]
    found = desk.fetch({"A": rows}, lives={"A": Life(last=date(2024, 12, 31))})
    assert desk.days() == [MONDAY, WEDNESDAY]
    assert desk.aside() == {("A", "never"): {"wrong_zone"}}
    assert desk.raw() == [rows[1]]
    table = found.report.frame()
    (counted,) = table[table["reason"] == "wrong_zone"].itertuples()
    assert (counted.symbol, counted.rows, counted.day is pd.NaT) == ("A", 1, True)
    (gap,) = found.report.gaps  # the session of Tuesday was not told
    assert (gap.count, gap.before) == (1, datetime(2024, 12, 11, 5, tzinfo=UTC))


def test_bad_data_27_bar_from_the_future_goes_aside_and_alarms(desk):
    found = desk.fetch({"A": [bar("2025-01-03"), bar("2025-01-07")]})
    assert desk.days() == ["2025-01-03"]
    assert "in_the_future" in desk.aside()["A", "2025-01-07"]
    assert Reason.IN_THE_FUTURE in found.report.alarms


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_bad_data_28_unit_of_the_epoch_is_told_by_its_size(desk, unit):
    second = int(datetime.fromisoformat(day_text(TUESDAY)).timestamp())
    page = polygon_page("A", [bar(MONDAY), bar(TUESDAY, t=second * unit)])
    with desk.polygon(page) as provider:
        desk.through(provider, ("A",))
    assert (desk.days(), desk.aside()) == ([MONDAY, TUESDAY], {})


def test_bad_data_28_epoch_of_no_known_unit_refuses_the_answer(desk):
    desk.fetch({"B": [bar(TUESDAY)]})
    rows = [bar(TUESDAY), bar(WEDNESDAY, t=45_000)]  # days since 1900, as spreadsheets count
    text = desk.refuse({"A": rows}, Reason.WRONG_EPOCH)
    assert '"t":45000' in text
    assert desk.days("B") == [TUESDAY]


def test_bad_data_29_holiday_is_for_shares_and_not_for_coins(desk):
    desk.fetch({"A": [bar("2024-12-24"), bar("2024-12-25", 101.0), bar("2024-12-26")]})
    assert desk.days() == ["2024-12-24", "2024-12-26"]
    assert desk.aside() == {("A", "2024-12-25"): {"out_of_session"}}
    coins = [bar("2024-12-24T00:00:00Z"), bar("2024-12-25T00:00:00Z", 101.0)]
    desk.fetch({"BTC/USD": coins}, kind=AssetClass.CRYPTO)
    assert desk.days("BTC/USD") == ["2024-12-24", "2024-12-25"]
    assert (desk.flags("BTC/USD"), desk.aside("BTC/USD")) == ({}, {})


def test_bad_data_29_minutes_before_the_open_are_flagged_and_those_of_the_night_go_aside(desk):
    rows = [
        bar("2024-12-10T07:00:00Z"),  # 02:00 in New York
        bar("2024-12-10T13:00:00Z", 101.0),  # 08:00
        bar("2024-12-10T14:30:00Z", 102.0),  # 09:30
    ]
    desk.fetch({"A": rows}, timeframe=MINUTE)
    assert desk.days(timeframe=MINUTE) == ["2024-12-10T13:00:00", "2024-12-10T14:30:00"]
    assert desk.aside() == {("A", "2024-12-10T07:00:00"): {"out_of_session"}}
    assert desk.flags(timeframe=MINUTE) == {("A", "2024-12-10T13:00:00"): {"out_of_session"}}


@pytest.mark.parametrize("may_floor", [True, False])
def test_bad_data_30_bar_that_begins_within_a_minute_goes_aside_or_is_floored(desk, may_floor):
    rows = [bar("2024-12-10T14:30:00Z"), bar("2024-12-10T14:31:17Z", 101.0)]
    desk.fetch({"A": rows}, timeframe=MINUTE, may_floor=may_floor)
    if may_floor:
        assert desk.days(timeframe=MINUTE) == ["2024-12-10T14:30:00", "2024-12-10T14:31:00"]
        assert desk.flags(timeframe=MINUTE) == {("A", "2024-12-10T14:31:00"): {"unaligned"}}
        assert desk.aside() == {}
    else:
        assert desk.days(timeframe=MINUTE) == ["2024-12-10T14:30:00"]
        assert desk.aside() == {("A", "2024-12-10T14:31:17"): {"unaligned"}}


def test_bad_data_30_daily_bar_at_another_hour_goes_aside(desk):
    desk.fetch({"A": [bar("2024-12-10T12:00:00Z"), bar(WEDNESDAY)]})
    assert desk.days() == [WEDNESDAY]
    assert list(desk.aside().values()) == [{"unaligned"}]


def test_bad_data_31_missing_session_is_recorded_and_nothing_is_filled(desk):
    rows = [bar("2024-11-26"), bar("2024-11-29", 101), bar("2024-12-03", 102)]
    found = desk.fetch({"A": rows})
    assert desk.days() == ["2024-11-26", "2024-11-29", "2024-12-03"]
    missing = {"session_missing"}
    assert desk.flags() == {("A", "2024-11-29"): missing, ("A", "2024-12-03"): missing}
    thanks, monday = found.report.gaps
    assert (thanks.count, monday.count) == (1, 1)  # the 27th; the 28th is a holiday
    assert thanks.reason is Reason.SESSION_MISSING
    assert thanks.before.date() == date(2024, 11, 29)
    assert desk.gaps() == [("session_missing", 1)] * 2
    assert desk.aside() == {}


def test_bad_data_31_session_missing_between_the_store_and_the_answer_is_recorded(desk):
    desk.fetch({"A": [bar(MONDAY)]})
    found = desk.fetch({"A": [bar(THURSDAY, 101.0), bar(FRIDAY)]})
    assert desk.days() == [MONDAY, THURSDAY, FRIDAY]
    assert desk.flags() == {("A", THURSDAY): {"session_missing"}}
    (gap,) = found.report.gaps
    assert (gap.count, gap.after) == (2, datetime(2024, 12, 9, 5, tzinfo=UTC))
    assert desk.gaps() == [("session_missing", 2)]


def test_bad_data_32_missing_minutes_are_recorded_within_a_session_only(desk):
    rows = [
        bar("2024-12-10T20:58:00Z"),
        bar("2024-12-10T20:59:00Z", 101.0),
        bar("2024-12-11T14:30:00Z", 102.0),
        bar("2024-12-11T14:34:00Z", 103.0),
    ]
    found = desk.fetch({"A": rows}, timeframe=MINUTE)
    assert len(desk.stored(timeframe=MINUTE)) == 4
    assert desk.flags(timeframe=MINUTE) == {("A", "2024-12-11T14:34:00"): {"bars_missing"}}
    (gap,) = found.report.gaps
    assert (gap.count, gap.reason) == (3, Reason.BARS_MISSING)
    assert desk.gaps() == [("bars_missing", 3)]
    assert desk.aside() == {}


def test_bad_data_35_repeats_are_flagged_then_go_aside_and_alarm(desk):
    more = ("2024-12-16", "2024-12-17")
    rows = [bar(MONDAY, 99.0), *(bar(day) for day in (*WEEK[1:], *more)), bar("2024-12-18", 101.0)]
    found = desk.fetch({"A": rows})
    assert desk.days() == [*WEEK, "2024-12-18"]
    repeated = {key for key, names in desk.flags().items() if names == {"stale_repeat"}}
    assert repeated == {("A", day) for day in (WEDNESDAY, THURSDAY, FRIDAY)}
    assert desk.aside() == {("A", day): {"stale_repeat"} for day in more}
    assert Reason.STALE_REPEAT in found.report.alarms


def test_bad_data_35_a_few_equal_bars_are_no_alarm(desk):
    found = desk.fetch({"A": [bar(day) for day in WEEK[:3]]})
    assert Reason.STALE_REPEAT in found.report.counts
    assert found.report.alarms == ()


def test_bad_data_36_bar_that_still_forms_is_never_final(desk):
    desk.clock.advance_to(datetime(2025, 1, 7, 20, 0, 30, tzinfo=UTC))
    rows = [bar("2025-01-07T19:59:00Z"), bar("2025-01-07T20:00:00Z", 101.0)]
    desk.fetch({"A": rows}, timeframe=MINUTE)
    assert desk.stored(timeframe=MINUTE).is_final.tolist() == [True, False]
    assert desk.flags(timeframe=MINUTE) == {("A", "2025-01-07T20:00:00"): {"not_final"}}
    panel = desk.store.panel(
        ["A"], datetime(2025, 1, 7, tzinfo=UTC), NOW + timedelta(days=9), "close", timeframe=MINUTE
    )
    assert panel["A"].tolist() == [100.0]
    assert desk.aside() == {}


def test_bad_data_38_row_of_the_company_before_goes_aside(desk):
    rows = [told(row) for row in facts.FB]
    desk.fetch({"FB": rows}, lives={"FB": Life(first=date(2012, 5, 18))})
    assert desk.days("FB") == ["2012-05-18"]
    assert desk.aside("FB") == {("FB", "1999-09-29"): {"symbol_reused"}}
    assert desk.raw("FB") == [rows[0]]


@pytest.mark.parametrize("is_action", [True, False])
def test_bad_data_52_price_after_the_delisting_goes_aside(desk, is_action):
    rows = [bar(TUESDAY), bar(WEDNESDAY, 101.0), bar(THURSDAY, 101.5)]
    known = (
        {"actions": (action("A", "delisting", date(2024, 12, 12)),)}
        if is_action
        else {"lives": {"A": Life(last=date(2024, 12, 11))}}
    )
    desk.fetch({"A": rows}, **known)
    assert desk.days() == [TUESDAY, WEDNESDAY]
    assert desk.aside() == {("A", THURSDAY): {"delisted"}}
    assert desk.raw() == [rows[2]]
