from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alphalens.testing.loopback.clock import VenueClock, parse_instant

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_standing_clock_stamps_in_microseconds() -> None:
    clock = VenueClock(NOON)

    stamps = [clock.stamp() for _ in range(3)]

    assert stamps == [NOON + timedelta(microseconds=n) for n in range(3)]
    assert (clock.now(), clock.runs) == (NOON, False)


def test_a_ticking_clock_follows_the_monotonic_time() -> None:
    seconds = [5.0]
    clock = VenueClock(NOON, ticking=True, monotonic=lambda: seconds[0])

    seconds[0] = 7.5

    assert clock.now() == NOON + timedelta(seconds=2.5)


def test_a_clock_set_back_never_stamps_twice() -> None:
    clock = VenueClock(NOON)
    first = clock.stamp()

    clock.set(NOON - timedelta(hours=1))

    assert clock.stamp() > first


def test_instants_are_read_with_any_offset() -> None:
    assert parse_instant("2026-03-02T07:00:00-05:00") == NOON
    assert parse_instant("2026-03-02T12:00:00") == NOON
    assert parse_instant("2026-03-02T12:00:00.000000123Z") == NOON
