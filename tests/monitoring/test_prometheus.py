"""The text that Prometheus reads, line by line as its format wants it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from alphalens.data.cache import CacheStats
from alphalens.monitoring.data_feed_monitor import DataFeedMonitor
from alphalens.monitoring.health_check import HealthCheck, HealthReport, Status
from alphalens.monitoring.order_figures import OrderFigures, Spread
from alphalens.monitoring.prometheus import (
    Metric,
    cache_metrics,
    exposition,
    feed_metrics,
    health_metrics,
    order_metrics,
)
from alphalens.trading import VirtualClock

NOON = datetime(2024, 1, 2, 17, tzinfo=UTC)
SAMPLE = re.compile(
    r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (NaN|[+-]Inf|-?[0-9.e+-]+)'
)


def read(text: str) -> dict[str, float]:
    """Return samples by name and labels, as strictly as a scraper reads them."""
    assert text.endswith("\n")
    found, named = {}, ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            named = line.split(" ")[2]
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2:] in ([named, "gauge"], [named, "counter"])
        else:
            match = SAMPLE.fullmatch(line)
            assert match, line
            assert match[1] == named
            key = f"{match[1]}{{{match[2]}}}" if match[2] else match[1]
            assert key not in found
            found[key] = float(match[3])
    return found


def metric(value: float = 1.0, name: str = "x", text: str = "t", **labels: str) -> Metric:
    return Metric(name=name, kind="gauge", text=text, samples=((labels, value),))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1704153600.0, "1704153600"),
        (0.1, "0.1"),
        (1e-07, "1e-07"),
        (float("nan"), "NaN"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (-2.5, "-2.5"),
    ],
)
def test_numbers_are_written_so_that_nothing_is_lost(value, text):
    assert exposition([metric(value)]).splitlines()[-1] == f"alphalens_x {text}"


def test_labels_and_help_are_escaped():
    text = exposition([metric(1.0, text="a\\b\nc", vendor='say "x"\\\nend')])
    assert text.splitlines() == [
        "# HELP alphalens_x a\\\\b\\nc",
        "# TYPE alphalens_x gauge",
        'alphalens_x{vendor="say \\"x\\"\\\\\\nend"} 1',
    ]
    assert len(read(text)) == 1


def test_figure_without_a_sample_is_left_out():
    assert exposition([Metric(name="x", kind="gauge", text="t", samples=())]) == ""


def test_checks_are_told_by_number_and_the_worst_stands_for_all():
    checks = [
        HealthCheck(name=str(status), status=status, value="", limit="", message="")
        for status in Status
    ]
    found = read(exposition(health_metrics(HealthReport(at=NOON, checks=tuple(checks)))))
    assert found["alphalens_health_status"] == 3
    assert found['alphalens_check_status{check="unknown"}'] == 2
    assert found["alphalens_checked_timestamp_seconds"] == NOON.timestamp()


def test_vendors_are_told_with_their_outage_and_their_counts():
    clock = VirtualClock(NOON)
    monitor = DataFeedMonitor(clock=clock, stale_after=timedelta(minutes=1))
    for took_s in (0.1, 0.3):
        monitor.answered("alpaca", took_s=took_s)
    monitor.told("alpaca", "A", NOON)
    clock.advance_to(NOON + timedelta(minutes=4))
    monitor.failed("alpaca", TimeoutError("x"))
    monitor.fell_back("alpaca", "polygon")
    monitor.missed("alpaca", "A", NOON, NOON + timedelta(minutes=1))
    clock.advance_to(NOON + timedelta(minutes=10))
    found = read(exposition(feed_metrics(monitor.report())))
    told = {key.partition("{")[0].removeprefix("alphalens_feed_"): v for key, v in found.items()}
    assert told.pop("latency_seconds") == pytest.approx(0.298)  # the second quantile
    assert found['alphalens_feed_latency_seconds{vendor="alpaca",quantile="0.5"}'] == 0.2
    assert told == {
        "up": 0,
        "uptime_ratio": pytest.approx(0.4),
        "outage_seconds": 360,
        "stale_symbols": 1,
        "answers_total": 2,
        "errors_total": 1,
        "fallbacks_total": 1,
        "gaps_total": 1,
        "breaches_total": 1,
    }


def test_cache_and_orders_are_told():
    cache = cache_metrics(CacheStats(hits=3, misses=1, faults=2, problem="gone"))
    orders = order_metrics(
        OrderFigures(
            sent=4,
            rejected=1,
            unanswered=0,
            refused=7,
            answers=Spread(count=2, p50_s=0.5, p99_s=0.9),
            cycles=Spread(count=0, p50_s=float("nan"), p99_s=float("nan")),
        )
    )
    found = read(exposition([*cache, *orders]))
    assert found["alphalens_cache_hit_ratio"] == 0.75
    assert found["alphalens_cache_up"] == 0
    assert found["alphalens_order_success_ratio"] == 0.75
    assert found["alphalens_orders_refused"] == 7
    assert found['alphalens_order_answer_seconds{quantile="0.99"}'] == 0.9
    assert found['alphalens_cycle_seconds{quantile="0.5"}'] != 0  # NaN: nothing is known
