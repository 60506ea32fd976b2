"""Health of a running desk and of its market data, as data and over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from alphalens.config import Settings
from alphalens.errors import AlphaLensError, ConfigError, StorageError
from alphalens.monitoring.health_check import HealthCheck, HealthReport, Status, check_state
from alphalens.monitoring.health_server import Health, HealthServer
from alphalens.monitoring.order_figures import order_figures
from alphalens.monitoring.part_checks import (
    cache_rate,
    check_broker,
    check_cache,
    check_database,
    check_feeds,
    check_model,
    check_orders,
)
from alphalens.monitoring.prometheus import Metric, cache_metrics, feed_metrics, order_metrics
from alphalens.monitoring.status import desk_status
from alphalens.runtime.market_data import MarketData, open_cache
from alphalens.runtime.market_status import redis_counts
from alphalens.storage import open_engine
from alphalens.trading.clock import Clock, SystemClock

if TYPE_CHECKING:
    from alphalens.brokers.base import Broker
    from alphalens.data.cache import Cache

__all__ = ["Found", "cache_health", "journal_health", "open_health", "store_check"]

#: Checks, and the figures besides.
Found = tuple[list[HealthCheck], list[Metric]]


@contextmanager
def open_health(
    settings: Settings,
    *,
    market: MarketData | None = None,
    store: str | Path | None = None,
    journal: str | Path | None = None,
    desk: Callable[[], Found] | None = None,
    broker: Broker | None = None,
    clock: Clock | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[HealthServer]:
    """Answer ``/healthz`` and ``/metrics`` until the end of the block.

    Parameters
    ----------
    settings : Settings
        The model that they name, and the secrets that no answer may hold.
    market : MarketData, optional
        Its database, cache and vendors are looked at.
    store : str or Path, optional
        A database of bars that another process writes; and the cache of the settings. Not
        together with `market`.
    journal : str or Path, optional
        The journal of the desk: looked at read-only, beside the process that trades.
    desk : callable, optional
        What a desk in this process tells of itself: `run_desk` gives it.
    broker : Broker, optional
        The venue; asked once for each answer.
    clock : Clock, optional
        The present; the machine's by default.
    host, port : str, int
        Where to listen; port 0 takes a free one, see `HealthServer.url`.

    Raises
    ------
    ConfigError
        If nothing can listen there, or both `market` and `store` are given.
    """
    if market is not None and store is not None:
        raise ConfigError("health looks at one database of bars: give market or store, not both")
    present = SystemClock() if clock is None else clock

    with ExitStack() as stack:
        shared = settings.redis_url.get_secret_value() if store is not None else ""
        cache = stack.enter_context(open_cache(settings)) if shared else None

        def probe() -> Health:
            parts: list[Found] = [([check_model(settings.model)], [])]
            if journal is not None:
                parts.append(journal_health(journal))
            if desk is not None:
                parts.append(desk())
            if market is not None:
                parts.append(_market_health(market))
            if store is not None:
                parts.append(([store_check(store)], []))
                parts.append(cache_health(cache, shared))
            if broker is not None:
                parts.append(([check_broker(broker)], []))
            return _together(parts, present)

        yield stack.enter_context(
            HealthServer(
                probe, host=host, port=port, monotonic=present.monotonic, secrets=settings.secrets()
            )
        )


def _together(parts: Sequence[Found], clock: Clock) -> Health:
    checks = tuple(check for found, _ in parts for check in found)
    metrics = tuple(metric for _, found in parts for metric in found)
    return Health(report=HealthReport(at=clock.now(), checks=checks), metrics=metrics)


def journal_health(journal: str | Path) -> Found:
    """Return what a journal tells: can it be written, may orders pass, how do they do."""
    try:
        engine = open_engine(journal, is_read_only=True)
    except (ConfigError, StorageError) as error:
        return [_closed("journal", error)], []
    try:
        checks = [check_database(engine, name="journal")]
        state = desk_status(engine).standing.state
        figures = order_figures(engine)
    except StorageError as error:
        lost = HealthCheck(
            name="state", status=Status.UNKNOWN, value="failed", limit="active", message=str(error)
        )
        return [*checks, lost], []
    finally:
        engine.dispose()
    return [*checks, check_state(state), check_orders(figures)], list(order_metrics(figures))


def store_check(store: str | Path) -> HealthCheck:
    """Return whether a database of bars can be read and written; it is not changed."""
    name = "market database"
    if isinstance(store, Path) and not store.exists():
        message = f"there is no {store} yet: `alphalens data fetch` makes it"
        return HealthCheck(name=name, status=Status.OK, value="none", limit="", message=message)
    try:
        engine = open_engine(store, is_read_only=True)
    except (ConfigError, StorageError) as error:
        return _closed(name, error)
    try:
        return check_database(engine, name=name)
    finally:
        engine.dispose()


def cache_health(cache: Cache | None, url: str) -> Found:
    """Return whether a shared cache answers, and the hits and misses of all who use it.

    Parameters
    ----------
    cache : Cache or None
        Open; None if there is none that processes share.
    url : str
        Its address.
    """
    if cache is None:
        message = "REDIS_URL is empty: each process has a cache of its own, and tells of it itself"
        own = HealthCheck(
            name="cache", status=Status.OK, value="in process", limit="", message=message
        )
        return [own], []
    check, counts = check_cache(cache), redis_counts(url)
    hits, misses = counts or (0, 0)
    stats = replace(cache.stats, hits=hits, misses=misses)
    if check.status is Status.OK:
        check = replace(check, value=cache_rate(stats))
    return [check], [*cache_metrics(stats)]


def _closed(name: str, error: AlphaLensError) -> HealthCheck:
    return HealthCheck(
        name=name,
        status=Status.CRITICAL,
        value="failed",
        limit="can be read",
        message=str(error),
    )


def _market_health(market: MarketData) -> Found:
    report = market.monitor.report()
    names = [provider.name for provider in market.vendors.providers]
    checks = [
        check_database(market.engine, name="market database"),
        check_cache(market.cache),
        *check_feeds(report, names),
    ]
    return checks, [*cache_metrics(market.cache.stats), *feed_metrics(report)]
