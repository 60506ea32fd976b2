from __future__ import annotations

from datetime import UTC, datetime

from alphalens.testing.loopback.limits import RateLimit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_window_admits_its_limit_and_then_starts_again() -> None:
    seconds = [0.0]
    limit = RateLimit(2, monotonic=lambda: seconds[0])

    assert [limit.admit() for _ in range(3)] == [True, True, False]
    seconds[0] = 45.0
    told = limit.headers(NOON)
    assert told["X-Ratelimit-Limit"] == "2"
    assert told["X-Ratelimit-Remaining"] == "0"
    assert int(told["X-Ratelimit-Reset"]) == NOON.timestamp() + 15

    seconds[0] = 60.0
    assert limit.admit()
    assert limit.headers(NOON)["X-Ratelimit-Remaining"] == "1"
