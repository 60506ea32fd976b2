import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalens.assets import calendars
from alphalens.assets.calendars import (
    CALENDARS,
    FIRST_DAY,
    LAST_DAY,
    day_order_expiry,
    is_open,
    next_close,
    next_open,
    session_of,
    session_on,
    session_until,
    sessions,
)
from alphalens.errors import InputError, MissingExtra

NEW_YORK = ZoneInfo("America/New_York")


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


instants = st.datetimes(datetime(1990, 1, 3), datetime(2050, 12, 20), timezones=st.just(UTC))
names = st.sampled_from(["XNYS", "24/7", "CME"])


@pytest.mark.parametrize(
    ("day", "opens", "closes", "is_half_day"),
    [
        ("1990-01-02", "1990-01-02T14:30", "1990-01-02T21:00", False),
        # Clocks go forward on 8 March 2026 and back on 1 November 2026.
        ("2026-03-06", "2026-03-06T14:30", "2026-03-06T21:00", False),
        ("2026-03-09", "2026-03-09T13:30", "2026-03-09T20:00", False),
        ("2026-10-30", "2026-10-30T13:30", "2026-10-30T20:00", False),
        ("2026-11-02", "2026-11-02T14:30", "2026-11-02T21:00", False),
        # The days after Thanksgiving and before Christmas, and the eve of Independence Day.
        ("2026-11-27", "2026-11-27T14:30", "2026-11-27T18:00", True),
        ("2026-12-24", "2026-12-24T14:30", "2026-12-24T18:00", True),
        ("2025-07-03", "2025-07-03T13:30", "2025-07-03T17:00", True),
    ],
)
def test_session_in_new_york(day, opens, closes, is_half_day):
    session = session_on("XNYS", date.fromisoformat(day))
    assert (session.open, session.close) == (utc(opens), utc(closes))
    assert session.is_half_day is is_half_day
    assert session.open.tzinfo is UTC


@pytest.mark.parametrize(
    "day",
    [
        "2026-11-26",  # Thanksgiving
        "2026-12-25",  # Christmas
        "2026-04-03",  # Good Friday
        "2026-07-03",  # Independence Day falls on a Saturday
        "2026-06-19",  # Juneteenth
        "2021-12-25",  # a Saturday
        "2001-09-12",  # closed after the attack
        "2012-10-29",  # closed for the storm
        "2025-01-09",  # closed in mourning
        "1990-01-01",
    ],
)
def test_no_session_on_a_holiday(day):
    assert session_on("XNYS", date.fromisoformat(day)) is None
    assert not is_open("XNYS", utc(f"{day}T16:00"))


def test_day_that_became_a_holiday_was_a_session_before():
    assert session_on("XNYS", date(2020, 6, 19)) is not None


@pytest.mark.parametrize(
    ("instant", "is_in"),
    [
        ("2026-11-27T14:29:59.999999", False),
        ("2026-11-27T14:30", True),
        ("2026-11-27T17:59:59.999999", True),
        ("2026-11-27T18:00", False),
        ("2026-11-27T20:00", False),
    ],
)
def test_session_is_open_at_its_open_and_closed_at_its_close(instant, is_in):
    found = session_of("XNYS", utc(instant))
    assert (found is not None) is is_in
    assert is_open("XNYS", utc(instant)) is is_in
    assert found is None or found.date == date(2026, 11, 27)


def test_wall_clock_of_the_open_is_half_past_nine_all_year():
    days = sessions("XNYS", date(2026, 1, 1), date(2026, 12, 31))
    assert len(days) == 251
    assert {day.open.astimezone(NEW_YORK).time().isoformat() for day in days} == {"09:30:00"}


def test_instant_in_any_zone_means_the_same():
    tokyo = datetime(2026, 11, 28, 2, 30, tzinfo=timezone(timedelta(hours=9)))
    assert session_of("XNYS", tokyo).date == date(2026, 11, 27)
    assert next_close("XNYS", tokyo) == utc("2026-11-27T18:00")


@pytest.mark.parametrize(
    ("sent_at", "expiry"),
    [
        ("2026-11-25T15:00", "2026-11-25T21:00"),
        ("2026-11-25T20:59:59", "2026-11-25T21:00"),
        ("2026-11-25T21:00", "2026-11-27T18:00"),  # after the close, over Thanksgiving
        ("2026-11-27T12:00", "2026-11-27T18:00"),  # before the open of a half day
        ("2026-11-27T18:00", "2026-11-30T21:00"),  # after an early close, over the weekend
        ("2026-03-06T21:30", "2026-03-09T20:00"),  # over the night that loses an hour
        ("2026-10-30T20:30", "2026-11-02T21:00"),  # over the night that wins one
    ],
)
def test_day_order_ends_with_the_session_it_belongs_to(sent_at, expiry):
    assert day_order_expiry("XNYS", utc(sent_at)) == utc(expiry)


@settings(deadline=None)  # the first example builds the calendar
@given(names, instants)
def test_open_market_closes_before_it_opens_again_and_a_closed_one_opens_first(name, instant):
    opens, closes = next_open(name, instant), next_close(name, instant)
    assert instant < opens
    assert instant < closes
    session = session_of(name, instant)
    if session is None:
        assert opens < closes
        assert session_of(name, opens).close == closes
    else:
        assert session.open <= instant < session.close == closes <= opens


@settings(deadline=None)  # the first example builds the calendar
@given(names, instants)
def test_last_session_until_a_day_is_on_it_or_the_nearest_before(name, instant):
    day = instant.date()
    found = session_until(name, day)
    assert found.date <= day
    assert sessions(name, found.date, day) == (found,)
    assert session_on(name, day) == (found if found.date == day else None)


def test_coins_trade_around_the_clock_in_days_of_utc():
    christmas = utc("2026-12-25T03:00")
    assert is_open("24/7", christmas)
    assert next_close("24/7", christmas) == next_open("24/7", christmas) == utc("2026-12-26T00:00")
    assert session_of("24/7", utc("2026-12-26T00:00")).date == date(2026, 12, 26)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-11-22T22:59", None),  # Sunday before 17:00 in Chicago
        ("2026-11-22T23:00", date(2026, 11, 23)),
        ("2026-11-23T21:59", date(2026, 11, 23)),
        ("2026-11-23T22:00", None),  # the hour of maintenance
        ("2026-11-23T23:00", date(2026, 11, 24)),
        ("2026-07-15T20:59", date(2026, 7, 15)),  # summer
        ("2026-07-15T21:00", None),
        ("2026-11-26T17:59", date(2026, 11, 26)),  # Thanksgiving, until noon
        ("2026-11-26T18:00", None),
        ("2026-12-25T18:00", None),
    ],
)
def test_futures_day_begins_on_the_evening_before_and_ends_at_four(instant, day):
    found = session_of("CME", utc(instant))
    assert (found and found.date) == day


def test_exchanges_of_one_group_share_their_calendar():
    day = date(2026, 11, 27)
    assert session_on("NYMEX", day) == session_on("CME", day)
    assert session_on("XNAS", day) == session_on("XNYS", day)


@pytest.mark.parametrize(
    "ask", [session_of, is_open, next_open, next_close, day_order_expiry], ids=lambda f: f.__name__
)
@pytest.mark.parametrize(
    ("calendar", "instant", "message"),
    [
        ("NYSE", utc("2026-01-02T15:00"), "calendar must be one of XNYS"),
        ("XNYS", datetime(2026, 1, 2, 15), "2026-01-02T15:00:00 has no time zone"),
        ("XNYS", date(2026, 1, 2), "must be a datetime"),
        ("XNYS", utc("1989-12-31T15:00"), "knows 1990-01-01 to 2050-12-31, not 1989-12-31"),
        ("XNYS", utc("2051-01-01T15:00"), "not 2051-01-01"),
    ],
)
def test_question_without_an_answer_is_refused(ask, calendar, instant, message):
    with pytest.raises(InputError, match=message):
        ask(calendar, instant)


def test_nothing_follows_the_last_session():
    with pytest.raises(InputError, match="calendar XNYS ends on 2050-12-31: nothing after"):
        next_open("XNYS", datetime(2050, 12, 31, tzinfo=UTC))


@pytest.mark.parametrize("day", [datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02", None])
def test_day_that_is_no_date_is_refused(day):
    for ask in (session_on, session_until):
        with pytest.raises(InputError, match="a date without a time"):
            ask("XNYS", day)


def test_days_in_the_wrong_order_are_refused():
    with pytest.raises(InputError, match="must not be after the last"):
        sessions("XNYS", date(2026, 1, 3), date(2026, 1, 2))


def test_day_before_the_first_session_has_none():
    with pytest.raises(InputError, match="no session up to 1990-01-01"):
        session_until("XNYS", FIRST_DAY)
    assert sessions("XNYS", FIRST_DAY, FIRST_DAY) == ()
    assert session_until("XNYS", LAST_DAY).date == date(2050, 12, 30)


def test_missing_library_is_told_with_the_command(monkeypatch):
    calendars._build.cache_clear()
    monkeypatch.setattr("alphalens._optional.find_spec", lambda module: None)
    with pytest.raises(MissingExtra, match=r"alpha-lens\[trading\]"):
        is_open("XNYS", utc("2026-01-02T15:00"))


def test_library_is_not_loaded_before_the_first_question():
    code = (
        "import sys; import alphalens.assets; assert 'exchange_calendars' not in sys.modules; "
        "alphalens.assets.Option(symbol='AAPL250117P00190000').last_trading_instant(); "
        "assert 'exchange_calendars' in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_every_calendar_has_sessions_in_order_that_do_not_overlap():
    for name in CALENDARS:
        days = sessions(name, FIRST_DAY, LAST_DAY)
        assert all(day.open < day.close for day in days)
        assert all(a.close <= b.open for a, b in pairwise(days))
