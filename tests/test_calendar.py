"""Calendars: inferred, counted, added, laid as a grid; never an error because dates do not fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.offsets import BDay, CustomBusinessDay, Day, Hour, MonthEnd

from alphalens import _calendar as calendars
from alphalens.errors import InputError

HOLIDAYS = CustomBusinessDay(weekmask="Mon Tue Wed Thu", holidays=["2021-01-11", "2021-01-14"])


def infer(*dates: str, tz: str | None = None) -> CustomBusinessDay:
    index = pd.DatetimeIndex(dates, tz=tz)
    return calendars.infer_trading_calendar(index, index[:0])


def test_inferred_calendar_has_the_weekdays_seen_and_the_gaps_as_holidays():
    calendar = infer("2021-01-04 09:30", "2021-01-06", "2021-01-06 12:00", "2021-01-13")

    assert type(calendar) is CustomBusinessDay
    assert calendar.weekmask == "Mon Wed"
    assert calendar.holidays == (np.datetime64("2021-01-11"),)


def test_inferred_calendar_joins_both_arguments_in_any_order():
    first = pd.DatetimeIndex(["2021-01-05", "2021-01-04"])
    second = pd.DatetimeIndex(["2021-01-07"])

    calendar = calendars.infer_trading_calendar(first, second)

    assert calendar.weekmask == "Mon Tue Thu"
    assert calendar.holidays == ()


def test_inferred_calendar_reads_local_dates():
    late = infer("2021-01-04 23:00", "2021-01-05 23:00", tz="US/Eastern")

    assert late.weekmask == "Mon Tue"


@pytest.mark.parametrize("dates", [(), ("NaT",), ("2021-01-02",)])
def test_inference_never_raises(dates):
    assert isinstance(infer(*dates), CustomBusinessDay)


@pytest.mark.parametrize("freq", [Day(), BDay(), HOLIDAYS])
@pytest.mark.parametrize("span", ["0D", "1D", "5D", "3D2h", "4h"])
@pytest.mark.parametrize("zone", [None, "US/Eastern"])
def test_adding_to_an_index_is_adding_to_each_stamp(freq, span, zone):
    stamps = pd.date_range("2021-01-01 15:45", periods=20, freq="D", tz=zone, unit="us")

    moved = calendars.add_custom_calendar_timedelta(stamps, pd.Timedelta(span), freq)

    one_by_one = [
        calendars.add_custom_calendar_timedelta(stamp, pd.Timedelta(span), freq) for stamp in stamps
    ]
    assert list(moved) == one_by_one
    assert moved.dtype == stamps.dtype


def test_adding_less_than_the_unit_is_not_cut_off():
    stamps = pd.DatetimeIndex(["2021-01-04"]).as_unit("s")

    moved = calendars.add_custom_calendar_timedelta(stamps, pd.Timedelta("1D5ms"), Day())

    assert moved[0] == pd.Timestamp("2021-01-05 00:00:00.005")


def test_adding_keeps_the_local_time_over_a_clock_change():
    friday = pd.DatetimeIndex(["2021-03-12 09:30"], tz="US/Eastern")

    moved = calendars.add_custom_calendar_timedelta(friday, pd.Timedelta("1D"), HOLIDAYS)

    assert str(moved[0]) == "2021-03-15 09:30:00-04:00"


def test_a_multiple_of_the_business_day_counts_as_one_day():
    monday = pd.Timestamp("2021-01-04")

    moved = calendars.add_custom_calendar_timedelta(monday, pd.Timedelta("2D"), BDay(5))

    assert moved == pd.Timestamp("2021-01-06")


@pytest.mark.parametrize(
    ("freq", "days"), [(Day(), 3), (BDay(), 1), (BDay(5), 1), (HOLIDAYS, 0)], ids=str
)
def test_difference_counts_trading_days_and_keeps_the_time_of_day(freq, days):
    friday, monday = pd.Timestamp("2021-01-08 12:30"), pd.Timestamp("2021-01-11 09:30")

    span = calendars.diff_custom_calendar_timedeltas(friday, monday, freq)

    assert span == pd.Timedelta(days=days) + pd.Timedelta("21h")


@pytest.mark.parametrize("freq", [Hour(), MonthEnd(), None, "B"])
def test_other_offsets_are_refused_with_what_was_given(freq):
    stamp = pd.Timestamp("2021-01-04")

    with pytest.raises(InputError, match="CustomBusinessDay, got"):
        calendars.add_custom_calendar_timedelta(stamp, pd.Timedelta("1D"), freq)
    with pytest.raises(InputError, match="CustomBusinessDay, got"):
        calendars.diff_custom_calendar_timedeltas(stamp, stamp, freq)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("M", "ME"),
        ("2M", "2ME"),
        ("Q", "QE"),
        ("Q-JAN", "QE-JAN"),
        ("A", "YE"),
        ("A-JUN", "YE-JUN"),
        ("H", "h"),
        ("4H", "4h"),
        ("T", "min"),
        ("S", "s"),
        ("W", "W-SUN"),
        ("BM", "BME"),
        ("B", "B"),
        ("D", "D"),
    ],
)
def test_old_and_new_spellings_are_one(old, new):
    assert calendars.to_offset(old) == calendars.to_offset(new)
    assert calendars.to_offset(calendars.to_offset(new)) == calendars.to_offset(new)


def test_unknown_spelling_is_quoted():
    with pytest.raises(InputError, match="'fortnight'"):
        calendars.to_offset("fortnight")


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "US/Eastern"])
def test_grid_fills_gaps_and_keeps_zone_unit_name_and_time_of_day(unit, zone):
    whole = pd.date_range("2021-03-10 16:00", periods=6, freq="B", tz=zone, unit=unit, name="date")
    seen = whole.delete([2, 3])

    grid = calendars.calendar_grid(seen, BDay())

    pd.testing.assert_index_equal(grid, whole)
    assert grid.freq == BDay()


@pytest.mark.parametrize("step", ["W-WED", "BME", "BQE", "2B", "10B"])
@pytest.mark.parametrize("zone", [None, "US/Eastern"])
def test_decisions_show_no_calendar_and_are_counted_in_weekdays(step, zone):
    dates = pd.date_range("2021-01-01", periods=20, freq=step, tz=zone)

    assert calendars.counting_calendar(dates, None) == BDay()


def test_decisions_on_a_weekend_are_counted_in_all_days():
    sundays = pd.date_range("2021-01-01", periods=20, freq="W-SUN")

    assert calendars.counting_calendar(sundays, sundays.freq) == Day()


def test_days_one_after_the_other_show_their_calendar_and_its_holidays():
    dates = pd.bdate_range("2021-01-04", periods=20).delete([5, 8])

    calendar = calendars.counting_calendar(dates, None)

    assert calendar.weekmask == "Mon Tue Wed Thu Fri"
    assert [str(day) for day in calendar.holidays] == ["2021-01-11", "2021-01-14"]


@pytest.mark.parametrize("freq", [Day(), BDay(), BDay(5), HOLIDAYS])
def test_the_calendar_that_dates_carry_holds_by_the_day(freq):
    fridays = pd.date_range("2021-01-01", periods=9, freq="W-FRI")

    assert calendars.counting_calendar(fridays, freq) == (BDay() if freq == BDay(5) else freq)


def test_one_date_shows_no_calendar():
    assert calendars.counting_calendar(pd.DatetimeIndex(["2021-01-06"]), None) == BDay()


def test_local_times_are_what_the_clocks_show():
    stamps = pd.DatetimeIndex(["2021-01-04 23:00"], tz="US/Eastern")

    assert calendars.local_times(stamps)[0] == pd.Timestamp("2021-01-04 23:00")
    assert calendars.local_times(calendars.local_times(stamps))[0] == pd.Timestamp(
        "2021-01-04 23:00"
    )


def test_grid_of_dates_without_gaps_is_those_dates_with_the_freq():
    dates = pd.DatetimeIndex(["2021-01-04", "2021-01-05", "2021-01-06"], name="date")

    grid = calendars.calendar_grid(dates, HOLIDAYS)

    assert grid.freq == HOLIDAYS
    assert list(grid) == list(dates)


def test_grid_of_no_dates_is_empty_and_carries_the_freq():
    grid = calendars.calendar_grid(pd.DatetimeIndex([], name="date"), Day())

    assert len(grid) == 0
    assert grid.freq == Day()


def test_dates_that_do_not_step_by_a_freq_get_none():
    dates = pd.DatetimeIndex(["2021-01-04", "2021-01-06"])

    assert calendars.with_calendar(dates, Day()) is None


def test_naive_stamps_are_in_utc():
    stamps = pd.DatetimeIndex(["2021-01-04 23:00"], tz="US/Eastern")

    assert calendars.make_naive_ts(stamps)[0] == pd.Timestamp("2021-01-05 04:00")
    assert calendars.make_naive_ts(stamps[0]) == pd.Timestamp("2021-01-05 04:00")
    assert calendars.make_naive_ts(pd.Timestamp("2021-01-04")) == pd.Timestamp("2021-01-04")


def test_period_takes_the_usual_days_and_the_last_time_of_day():
    starts = pd.DatetimeIndex(["2021-01-07 09:30", "2021-01-08 09:30", "2021-01-08 12:30"])
    ends = pd.DatetimeIndex(["2021-01-08 09:30", "2021-01-11 09:30", "2021-01-08 13:00"])

    assert calendars.period_name(starts, ends, BDay()) == "1D30m"


@pytest.mark.parametrize(
    ("span", "name"),
    [("0D", ""), ("1D1ns", "1D1ns"), ("90min", "1h30m"), ("1ms", "1ms"), ("36h", "1D12h")],
)
def test_span_is_named_by_its_units(span, name):
    assert calendars.timedelta_to_string(pd.Timedelta(span)) == name


@pytest.mark.parametrize("name", ["1D", "3D12h", "5d", "2H", "30m", "10s", "4ms", "1us", "9ns"])
def test_period_names_are_recognised(name):
    assert calendars.is_period_name(name)


@pytest.mark.parametrize("name", ["", "D", "x1D", "1D ", "1W", "factor", 5, None, ("1D",)])
def test_other_labels_are_no_period_names(name):
    assert not calendars.is_period_name(name)


@pytest.mark.parametrize("freq", [Day(), CustomBusinessDay(weekmask="1111111")], ids=str)
@pytest.mark.parametrize(
    ("zone", "clock"), [("US/Eastern", "01:30"), ("America/Havana", "00:00")], ids=["hour", "day"]
)
def test_adding_days_onto_a_time_that_occurs_twice_takes_the_first(zone, clock, freq):
    before = pd.Timestamp(f"2023-11-04 {clock}", tz=zone)

    moved = calendars.add_custom_calendar_timedelta(before, pd.Timedelta("1D"), freq)
    both = calendars.add_custom_calendar_timedelta(
        pd.DatetimeIndex([before]), pd.Timedelta("1D"), freq
    )

    assert moved - before == pd.Timedelta("24h")
    assert list(both) == [moved]


def test_adding_no_days_leaves_the_second_of_two_equal_times():
    second = pd.DatetimeIndex(["2023-11-06 06:30"], tz="UTC").tz_convert("US/Eastern")
    twice = pd.DatetimeIndex(["2023-11-05 06:30"], tz="UTC").tz_convert("US/Eastern")

    for stamps in (second, twice):
        kept = calendars.add_custom_calendar_timedelta(stamps, pd.Timedelta("2h"), Day())
        assert list(kept) == list(stamps + pd.Timedelta("2h"))


@pytest.mark.parametrize("occurrence", ["first", "second"])
def test_grid_over_a_time_that_occurs_twice_keeps_the_observed_one(occurrence):
    wall = pd.date_range("2023-11-02 01:30", periods=6, name="date")
    whole = wall.tz_localize("US/Eastern", ambiguous=np.full(6, occurrence == "first"))

    grid = calendars.calendar_grid(whole.delete(1), Day())

    assert list(grid) == list(whole)


def test_grid_over_a_gap_in_local_time_takes_the_next_there_is():
    wall = pd.DatetimeIndex(["2023-03-10 02:30", "2023-03-14 02:30"], name="date")

    grid = calendars.calendar_grid(wall.tz_localize("US/Eastern"), Day())

    assert [stamp.strftime("%d %H:%M") for stamp in grid] == [
        "10 02:30",
        "11 02:30",
        "12 03:00",
        "13 02:30",
        "14 02:30",
    ]
