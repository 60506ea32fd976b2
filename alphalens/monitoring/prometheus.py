"""Figures as Prometheus reads them: the text exposition format, version 0.0.4."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from alphalens.data.cache import CacheStats
from alphalens.monitoring.data_feed_monitor import FeedReport, VendorFeed
from alphalens.monitoring.health_check import HealthReport, Status
from alphalens.monitoring.order_figures import OrderFigures, Spread

__all__ = [
    "CONTENT_TYPE",
    "Metric",
    "cache_metrics",
    "exposition",
    "feed_metrics",
    "health_metrics",
    "order_metrics",
]

#: What an answer in this format is called over HTTP.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_PREFIX = "alphalens_"
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})
_LABEL_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})

Sample = tuple[Mapping[str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure, for each set of labels.

    Attributes
    ----------
    name : str
        After the prefix ``alphalens_``; its unit at the end, and ``_total`` for a counter.
    kind : str
        ``gauge``, or ``counter`` for what only grows while the process lives.
    text : str
        What it is, in one line.
    samples : tuple of (Mapping of str to str, float)
        Labels and value; NaN where there is nothing to tell yet.
    """

    name: str
    kind: Literal["gauge", "counter"]
    text: str
    samples: tuple[Sample, ...]


def exposition(metrics: Iterable[Metric]) -> str:
    r"""Return figures as text; those without a sample are left out.

    Examples
    --------
    >>> up = Metric(name="up", kind="gauge", text="Is it up.", samples=(({"vendor": "a"}, 1.0),))
    >>> exposition([up])
    '# HELP alphalens_up Is it up.\n# TYPE alphalens_up gauge\nalphalens_up{vendor="a"} 1\n'

    References
    ----------
    Prometheus, "Exposition formats",
    https://prometheus.io/docs/instrumenting/exposition_formats/
    """
    return "".join(f"{line}\n" for metric in metrics if metric.samples for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    name = _PREFIX + metric.name
    yield f"# HELP {name} {metric.text.translate(_ESCAPES)}"
    yield f"# TYPE {name} {metric.kind}"
    for labels, value in metric.samples:
        told = ",".join(f'{key}="{text.translate(_LABEL_ESCAPES)}"' for key, text in labels.items())
        yield f"{name}{{{told}}} {_number(value)}" if told else f"{name} {_number(value)}"


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(float(value))


def health_metrics(report: HealthReport) -> tuple[Metric, ...]:
    """Return each check as the number of its status: 0 ok, 1 warning, 2 unknown, 3 critical."""
    order = list(Status)
    checks = tuple(({"check": c.name}, float(order.index(c.status))) for c in report.checks)
    return (
        Metric(
            name="health_status",
            kind="gauge",
            text="The worst of all checks: 0 ok, 1 warning, 2 unknown, 3 critical.",
            samples=(({}, float(order.index(report.status))),),
        ),
        Metric(
            name="check_status",
            kind="gauge",
            text="One check: 0 ok, 1 warning, 2 unknown, 3 critical.",
            samples=checks,
        ),
        Metric(
            name="checked_timestamp_seconds",
            kind="gauge",
            text="When the checks were made, since 1970.",
            samples=(({}, report.at.timestamp()),),
        ),
    )


def feed_metrics(report: FeedReport) -> tuple[Metric, ...]:
    """Return how each vendor of market data does."""
    gauges = ((name, "gauge", text, _by_vendor(report, name)) for name, text in _FEED_GAUGES)
    counters = ((name, "counter", text, _by_vendor(report, name)) for name, text in _FEED_COUNTERS)
    latency = tuple(
        ({"vendor": feed.vendor, "quantile": quantile}, value)
        for feed in report.vendors
        for quantile, value in (("0.5", feed.latency_p50_s), ("0.99", feed.latency_p99_s))
    )
    quantiles = (
        "feed_latency_seconds",
        "gauge",
        "How long the newest answers took, by quantile.",
        latency,
    )
    return tuple(
        Metric(name=name, kind=kind, text=text, samples=samples)  # type: ignore[arg-type]  # ours
        for name, kind, text, samples in (*gauges, quantiles, *counters)
    )


_FEED_GAUGES = (
    ("feed_up", "Whether the last call was answered; NaN before the first."),
    ("feed_uptime_ratio", "Share of the open market in which the vendor was up."),
    ("feed_outage_seconds", "Open market since the outage that lasts began; 0 without one."),
    ("feed_stale_symbols", "Symbols whose newest data are older than agreed."),
)
_FEED_COUNTERS = (
    ("feed_answers_total", "Calls that were answered."),
    ("feed_errors_total", "Calls that failed."),
    ("feed_fallbacks_total", "Times that another vendor was asked instead."),
    ("feed_gaps_total", "Gaps found in what was told."),
    ("feed_breaches_total", "Outages longer than agreed."),
)


def _by_vendor(report: FeedReport, name: str) -> tuple[Sample, ...]:
    return tuple(({"vendor": feed.vendor}, _feed_value(feed, name)) for feed in report.vendors)


def _feed_value(feed: VendorFeed, name: str) -> float:
    lasting = next((one for one in feed.outages if one.ended is None), None)
    values = {
        "feed_up": math.nan if feed.is_up is None else float(feed.is_up),
        "feed_uptime_ratio": feed.uptime,
        "feed_outage_seconds": lasting.lasted.total_seconds() if lasting else 0.0,
        "feed_stale_symbols": float(len(feed.stale)),
        "feed_answers_total": float(feed.answers),
        "feed_errors_total": float(feed.errors),
        "feed_fallbacks_total": float(feed.fallbacks),
        "feed_gaps_total": float(feed.gap_count),
        "feed_breaches_total": float(feed.breaches),
    }
    return values[name]


def cache_metrics(stats: CacheStats) -> tuple[Metric, ...]:
    """Return what the cache was asked, and what came of it."""
    return (
        _counter("cache_hits_total", "Keys asked for that it had.", stats.hits),
        _counter("cache_misses_total", "Keys asked for that it had not.", stats.misses),
        _counter("cache_faults_total", "Calls of the cache that failed.", stats.faults),
        _gauge("cache_hit_ratio", "Share of the keys asked for that it had.", stats.hit_rate),
        _gauge("cache_up", "Whether the last call worked.", not stats.problem),
    )


def order_metrics(figures: OrderFigures) -> tuple[Metric, ...]:
    """Return what became of the orders of a desk, and how long its agents take."""
    return (
        _gauge("orders_sent", "Orders of ours that went to the venue.", figures.sent),
        _gauge("orders_rejected", "Of these, orders that the venue rejected.", figures.rejected),
        _gauge("orders_unanswered", "Of these, orders without a known state.", figures.unanswered),
        _gauge("orders_refused", "Orders that our own gate refused.", figures.refused),
        _gauge(
            "order_success_ratio", "Share of the answered that were taken.", figures.success_rate
        ),
        _seconds("order_answer_seconds", "From sending to the first answer.", figures.answers),
        _seconds("cycle_seconds", "From a plan to the end of its cycle.", figures.cycles),
    )


def _counter(name: str, text: str, value: float) -> Metric:
    return Metric(name=name, kind="counter", text=text, samples=(({}, float(value)),))


def _gauge(name: str, text: str, value: float) -> Metric:
    return Metric(name=name, kind="gauge", text=text, samples=(({}, float(value)),))


def _seconds(name: str, text: str, spread: Spread) -> Metric:
    samples = (({"quantile": "0.5"}, spread.p50_s), ({"quantile": "0.99"}, spread.p99_s))
    return Metric(name=name, kind="gauge", text=f"{text} By quantile.", samples=samples)
