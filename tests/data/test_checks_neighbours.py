"""Rows that repeat the one before, and bars without a trade."""

from tests.data.bad_rows import (
    FRIDAY,
    MONDAY,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    WEEK,
    aside,
    flags,
    good,
    judged,
    kept,
)


def test_bar_without_trade_is_flagged():
    still = (WEDNESDAY, 100.0, 100.0, 100.0, 100.0, 0.0)
    found = judged([good(TUESDAY), still, good(THURSDAY)])
    assert flags(found) == {("A", WEDNESDAY): {"no_trade"}}
    assert len(found.bars) == 3


def test_price_that_moved_on_volume_zero_is_flagged():
    # Long set, A 2010-04-26: the volume of the day is missing.
    odd = ("2010-04-26", 24.638999939, 24.968000412, 24.618999481, 24.856000900, 0.0)
    found = judged([good("2010-04-23", 24.5), odd, good("2010-04-27", 24.4)])
    assert flags(found) == {("A", "2010-04-26"): {"moved_without_volume"}}
    assert len(found.bars) == 3


def test_repeats_are_flagged_and_then_rejected():
    rows = [good(MONDAY, 99.0)] + [good(day) for day in WEEK[1:]]
    rows += [good("2024-12-16"), good("2024-12-17"), good("2024-12-18", 101.0)]
    found = judged(rows)
    flagged = {("A", day) for day in (WEDNESDAY, THURSDAY, FRIDAY)}
    assert {key for key, names in flags(found).items() if names == {"stale_repeat"}} == flagged
    assert aside(found) == {
        ("A", "2024-12-16"): {"stale_repeat"},
        ("A", "2024-12-17"): {"stale_repeat"},
    }
    assert kept(found)[-1] == ("A", "2024-12-18")
