from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import exchange_calendars
import pandas as pd
import pytest

from alphalens.testing.alpaca_server.sessions import (
    at_new_york,
    is_extended,
    is_regular,
    new_york,
    next_open,
    session_at_or_after,
    session_of,
    sessions_between,
)


@pytest.mark.filterwarnings("ignore:Series.values returning:pandas.errors.Pandas4Warning")
def test_sessions_are_those_of_the_exchange_calendar() -> None:
    calendar = exchange_calendars.get_calendar("XNYS", start="2022-01-01", end="2026-12-31")

    ours = sessions_between(date(2022, 1, 1), date(2026, 12, 31))

    theirs = calendar.schedule
    assert [pd.Timestamp(s.day) for s in ours] == list(theirs.index)
    assert [s.open for s in ours] == list(theirs["open"])
    assert [s.close for s in ours] == list(theirs["close"])


def test_new_york_shows_the_clock_of_the_zone_data_base() -> None:
    zone = ZoneInfo("America/New_York")
    start = datetime(2024, 1, 1, tzinfo=UTC)

    for hour in range(0, 3 * 366 * 24, 7):
        instant = start + timedelta(hours=hour)
        assert new_york(instant).isoformat() == instant.astimezone(zone).isoformat()


def test_each_side_of_the_change_of_clocks() -> None:
    assert at_new_york(date(2026, 3, 6), time(9, 30)) == datetime(2026, 3, 6, 14, 30, tzinfo=UTC)
    assert at_new_york(date(2026, 3, 9), time(9, 30)) == datetime(2026, 3, 9, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("clock", "regular", "extended"),
    [
        ("08:59", False, False),
        ("09:00", False, True),
        ("14:30", True, True),
        ("18:00", False, True),
    ],
)
def test_hours_of_a_half_day(clock: str, regular: bool, extended: bool) -> None:
    instant = datetime.fromisoformat(f"2026-11-27T{clock}:00+00:00")

    assert (is_regular(instant), is_extended(instant)) == (regular, extended)


def test_the_next_session_skips_the_weekend() -> None:
    friday_close = datetime(2026, 3, 6, 21, tzinfo=UTC)

    assert session_at_or_after(friday_close).day == date(2026, 3, 9)
    assert next_open(friday_close) == datetime(2026, 3, 9, 13, 30, tzinfo=UTC)
    assert session_of(date(2026, 3, 7)) is None
