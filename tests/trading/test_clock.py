from datetime import UTC, datetime, timedelta, timezone

import pytest

from alphalens.errors import InputError
from alphalens.trading import SystemClock, VirtualClock

T0 = datetime(2024, 1, 2, tzinfo=UTC)


def test_virtual_clock_stands_still_until_told():
    clock = VirtualClock(T0)
    assert clock.now() == clock.now() == T0
    clock.advance_to(T0 + timedelta(days=1))
    assert clock.now() == T0 + timedelta(days=1)


def test_virtual_clock_speaks_utc_whatever_it_was_given():
    clock = VirtualClock(T0.astimezone(timezone(timedelta(hours=9))))
    assert clock.now().utcoffset() == timedelta(0)


def test_time_never_runs_back():
    clock = VirtualClock(T0)
    clock.advance_to(T0)
    with pytest.raises(InputError, match="cannot run back"):
        clock.advance_to(T0 - timedelta(seconds=1))


def test_naive_instant_is_refused():
    with pytest.raises(InputError, match="time zone is needed"):
        VirtualClock(T0.replace(tzinfo=None))


def test_system_clock_is_aware_and_utc():
    assert SystemClock().now().utcoffset() == timedelta(0)
