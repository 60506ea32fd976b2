"""What cannot have bars is not asked for: weekends, holidays, the rest of a day, the future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alphalens.data._intake.spans import askable
from alphalens.data.bars import Timeframe
from alphalens.data.port import BarRequest

FRIDAY = datetime(2024, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = FRIDAY + 30 * DAY


def asked(start, end, *, calendar="XNYS", now=NOW, **changes):
    wanted = BarRequest(symbols=("X",), start=start, end=end, **changes)
    return askable(wanted, {"X": [(start, end)]}, lambda _: calendar, now).get("X", [])


@pytest.mark.parametrize(
    ("begin", "end", "is_asked"),
    [
        (5, 6, True),  # midnight of Friday in New York
        (6, 24 + 5, False),  # the rest of Friday, to before Saturday
        (24, 96 + 5, False),  # a weekend, and a Monday that is a holiday
        (24, 96 + 6, True),  # to Tuesday
        (-400, 5, True),  # long enough for any market
    ],
)
def test_daily_bars_are_asked_for_where_the_day_of_a_session_begins(begin, end, is_asked):
    assert bool(asked(FRIDAY + begin * HOUR, FRIDAY + end * HOUR)) is is_asked


def test_coins_have_every_day_and_each_market_its_own_midnight():
    saturday = FRIDAY + DAY
    assert asked(saturday, saturday + HOUR, calendar="24/7")
    assert not asked(saturday + HOUR, saturday + 20 * HOUR, calendar="24/7")
    assert asked(FRIDAY + 6 * HOUR, FRIDAY + 7 * HOUR, calendar="CME")  # Chicago
    assert not asked(FRIDAY + 6 * HOUR, FRIDAY + 7 * HOUR, calendar="XNYS")


def test_minutes_of_a_weekend_are_the_vendors_to_deny():
    assert asked(FRIDAY + DAY, FRIDAY + 2 * DAY, timeframe=Timeframe.MINUTE)


def test_what_has_not_begun_is_not_asked_for():
    assert asked(FRIDAY, FRIDAY + 30 * DAY, now=FRIDAY + 7 * DAY) == [(FRIDAY, FRIDAY + 7 * DAY)]
    assert asked(FRIDAY, FRIDAY + DAY, now=FRIDAY) == []
