"""Is each part that a desk leans on in order: database, cache, venue, model, feeds, orders.

A part that could not be asked is ``unknown``: it may be well, and nobody knows. Nothing is
changed by asking.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import sqlalchemy as sa

from alphalens.brokers.base import Broker, Connection
from alphalens.data.cache import Cache, CacheStats
from alphalens.errors import BrokerError, CredentialsRefused, StorageError
from alphalens.monitoring.data_feed_monitor import FeedReport, VendorFeed, in_minutes
from alphalens.monitoring.health_check import HealthCheck, Status
from alphalens.monitoring.order_figures import OrderFigures
from alphalens.storage import SCHEMA_VERSION, reading
from alphalens.storage.transactions import name_of
from alphalens.storage.upgrade import check_version

__all__ = [
    "cache_rate",
    "check_broker",
    "check_cache",
    "check_database",
    "check_feeds",
    "check_model",
    "check_orders",
    "judge_venue",
]

_PROBE = "health"
_PROBE_S = 1.0
_LEAST_SUCCESS = 0.95


def check_database(engine: sa.Engine, *, name: str) -> HealthCheck:
    """Return whether a database can be reached, has our schema, and can be written.

    Parameters
    ----------
    engine : Engine
        From `alphalens.storage.open_engine`; opened read-only will do, for nothing is written.
    name : str
        What it is called in the report.
    """
    right = f"schema {SCHEMA_VERSION}, writable"
    try:
        check_version(engine)
        refusal = _why_not_writable(engine)
    except StorageError as error:
        return HealthCheck(
            name=name, status=Status.CRITICAL, value="failed", limit=right, message=str(error)
        )
    return HealthCheck(
        name=name,
        status=Status.CRITICAL if refusal else Status.OK,
        value=f"schema {SCHEMA_VERSION}{', not writable' if refusal else ', writable'}",
        limit=right,
        message=refusal or f"the database answers, schema version {SCHEMA_VERSION}",
    )


def _why_not_writable(engine: sa.Engine) -> str:
    """Return why nothing could be written; empty if it could."""
    if engine.dialect.name == "sqlite":
        file = Path(name_of(engine))
        places = () if str(file) == ":memory:" else (file, file.parent)
        closed = [str(place) for place in places if not os.access(place, os.W_OK)]
        return f"not writable by this user: {', '.join(closed)}; grant it" if closed else ""
    with reading(engine) as connection:
        is_standby, may_insert = connection.exec_driver_sql(_MAY_WRITE).one()
    if is_standby:
        return "this server is a standby that takes no writes; connect to the primary"
    return "" if may_insert else "this user may read and not write; grant INSERT on the schema"


_MAY_WRITE = (
    "SELECT pg_is_in_recovery(), has_table_privilege('journal', 'INSERT') "
    "AND has_table_privilege('bars', 'INSERT')"
)


def check_cache(cache: Cache) -> HealthCheck:
    """Return whether the cache answers, and how often it had what it was asked for.

    One that is down makes everything slower and nothing wrong: a warning.
    """
    cache.claim([_PROBE], ttl_s=_PROBE_S)
    cache.release([_PROBE])
    stats = cache.stats
    if stats.problem:
        return HealthCheck(
            name="cache",
            status=Status.WARNING,
            value="no answer",
            limit="answers",
            message=f"the cache does not answer ({stats.problem}): everything is fetched, "
            "slower and not wrong; start it, or check REDIS_URL",
        )
    return HealthCheck(
        name="cache",
        status=Status.OK,
        value=cache_rate(stats),
        limit="answers",
        message="the cache answers",
    )


def cache_rate(stats: CacheStats) -> str:
    """Return how often a cache had what it was asked for, as text."""
    asked = stats.hits + stats.misses
    return f"hit rate {stats.hit_rate:.1%} of {asked}" if asked else "nothing asked yet"


def check_broker(broker: Broker, *, has_stream: bool = True) -> HealthCheck:
    """Return whether the venue answers and takes orders; the venue is asked once.

    Parameters
    ----------
    broker : Broker
        The venue.
    has_stream : bool
        Whether its stream should be up.
    """
    try:
        account = broker.account()
    except BrokerError as error:
        return judge_venue(error, None)
    if account.is_blocked:
        message = f"account {account.account_id} is blocked by the venue: ask there why"
        return _venue(Status.CRITICAL, "blocked", message)
    return judge_venue(None, broker.connection() if has_stream else None)


def judge_venue(error: BrokerError | None, connection: Connection | None) -> HealthCheck:
    """Return how a venue does by what came of the last question to it; nobody is asked.

    Parameters
    ----------
    error : BrokerError or None
        None if it answered.
    connection : Connection or None
        How its stream does; None if it need not be up.
    """
    if isinstance(error, CredentialsRefused):
        return _venue(Status.CRITICAL, "keys refused", f"the venue refuses the keys: {error}")
    if error is not None:
        return _venue(Status.UNKNOWN, "no answer", f"the venue could not be asked: {error}")
    if connection is not None and not connection.is_up:
        message = f"its stream is down: {connection.problem or 'no reason given'}; it reconnects"
        return _venue(Status.WARNING, "stream down", message)
    return _venue(Status.OK, "answers", "the venue answers")


def _venue(status: Status, value: str, message: str) -> HealthCheck:
    return HealthCheck(name="broker", status=status, value=value, limit="answers", message=message)


def check_model(model: str) -> HealthCheck:
    """Return whether a model that the settings name can advise; none is complete in itself."""
    if not model:
        return HealthCheck(
            name="model",
            status=Status.OK,
            value="none",
            limit="none",
            message="no model is named, and none is needed",
        )
    return HealthCheck(
        name="model",
        status=Status.WARNING,
        value=model,
        limit="none",
        message=f"ALPHALENS_MODEL is {model!r}, and this version asks no model: leave it empty",
    )


def check_feeds(report: FeedReport, vendors: Iterable[str]) -> Iterator[HealthCheck]:
    """Give a check for each vendor; one that was never asked is unknown.

    Parameters
    ----------
    report : FeedReport
        Of the data feed monitor.
    vendors : iterable of str
        Who should be there, besides those of the report.
    """
    by_name = {feed.vendor: feed for feed in report.vendors}
    limit = f"an answer within {in_minutes(report.longest_outage)}"
    for name in sorted({*by_name, *vendors}):
        status, value, message = _judged(by_name.get(name))
        yield HealthCheck(
            name=f"feed {name}", status=status, value=value, limit=limit, message=message
        )


def _judged(feed: VendorFeed | None) -> tuple[Status, str, str]:
    if feed is None or feed.is_up is None:
        return Status.UNKNOWN, "not asked", "nothing was asked of it yet"
    if not feed.is_up:
        outage = feed.outages[-1]
        what = f"out for {in_minutes(outage.lasted)} of open market"
        message = f"{what} ({outage.problem}): look at the vendor's status, or put another first"
        return Status.CRITICAL if feed.is_breached else Status.WARNING, what, message
    if feed.stale:
        oldest = max(feed.stale, key=feed.stale.__getitem__)
        message = (
            f"data of {len(feed.stale)} symbols are too old, of {oldest} by "
            f"{in_minutes(feed.stale[oldest])} of open market: decide nothing on them"
        )
        return Status.WARNING, f"{len(feed.stale)} stale", message
    message = (
        f"{feed.answers} answers, {feed.errors} errors, {feed.fallbacks} fallbacks, "
        f"{feed.gap_count} gaps, {feed.breaches} outages longer than agreed"
    )
    return Status.OK, "answers", message


def check_orders(figures: OrderFigures) -> HealthCheck:
    """Return whether the venue takes our orders, and whether one has no known outcome."""
    rate = figures.success_rate
    is_low = rate < _LEAST_SUCCESS  # NaN is not
    message = f"{figures.sent} orders sent, {figures.rejected} rejected by the venue"
    if figures.unanswered:
        message += f"; of {figures.unanswered} nobody knows how they stand: the desk looks them up"
    if is_low:
        message += "; read why in `alphalens trading status` and in the report"
    return HealthCheck(
        name="orders",
        status=Status.WARNING if is_low or figures.unanswered else Status.OK,
        value=f"{rate:.1%} taken" if figures.sent > figures.unanswered else "none answered yet",
        limit=f"{_LEAST_SUCCESS:.0%} taken",
        message=message,
    )
