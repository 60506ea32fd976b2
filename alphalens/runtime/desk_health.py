"""A running desk tells of its health over HTTP, if the settings name a place for it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from alphalens.config import Settings
from alphalens.errors import ConfigError, StorageError
from alphalens.monitoring.order_figures import OrderReader
from alphalens.monitoring.part_checks import check_database, check_feeds, check_orders
from alphalens.monitoring.prometheus import feed_metrics, order_metrics
from alphalens.runtime.desk_watch import QUOTES, DeskWatch
from alphalens.storage import open_engine
from alphalens.storage.transactions import name_of
from alphalens.trading.events import AlertEvent, Severity

if TYPE_CHECKING:
    import sqlalchemy as sa

    from alphalens.runtime.health import Found
    from alphalens.runtime.market_data import MarketData

__all__ = ["desk_health"]

_log = logging.getLogger(__name__)


@contextmanager
def desk_health(
    settings: Settings | None, watch: DeskWatch, market: MarketData | None = None
) -> Iterator[None]:
    """Answer ``/healthz`` and ``/metrics`` for a desk until the end of the block.

    Who asks gets what this process knows and what the journal has, over a connection of its own:
    neither the venue nor the loop is asked, and an order waits for nobody. Where it cannot be
    told, an alert says so, and the desk trades.

    Parameters
    ----------
    settings : Settings or None
        Name the place; nothing is answered without one.
    watch : DeskWatch
        What the loop tells.
    market : MarketData, optional
        Its database, cache and vendors are looked at.

    Raises
    ------
    StorageError
        If the journal does not take that alert.
    """
    with ExitStack() as stack:
        stack.callback(watch.forget)
        if settings is not None and settings.health_address:
            try:
                url = _served(settings, watch, market, stack)
            except (ConfigError, StorageError) as error:
                _tell(watch, str(error))
            else:
                _log.info("health is told at %s/healthz and %s/metrics", url, url)
        yield


def _served(
    settings: Settings, watch: DeskWatch, market: MarketData | None, stack: ExitStack
) -> str:
    from alphalens.runtime.health import open_health  # only where it is wanted

    journal = watch.session.journal.engine
    if name_of(journal) == ":memory:":
        raise ConfigError("a journal in memory has one connection only: give it a file")
    url = journal.url.render_as_string(hide_password=False)
    engine = stack.enter_context(_opened(url))
    reader = OrderReader(engine)
    host, _, port = settings.health_address.rpartition(":")
    server = stack.enter_context(
        open_health(
            settings,
            market=market,
            desk=lambda: _found(watch, engine, reader, is_with_feeds=market is None),
            clock=watch.session.clock,
            host=host,
            port=int(port),
        )
    )
    return server.url


@contextmanager
def _opened(url: str) -> Iterator[sa.Engine]:
    engine = open_engine(url, is_read_only=True)
    try:
        yield engine
    finally:
        engine.dispose()


def _found(
    watch: DeskWatch, engine: sa.Engine, reader: OrderReader, *, is_with_feeds: bool
) -> Found:
    """Return what loop and journal tell; the feeds too, unless market data tell of all."""
    checks = [*watch.checks(), check_database(engine, name="journal")]
    figures = reader.read()
    checks.append(check_orders(figures))
    metrics = [*watch.metrics(), *order_metrics(figures)]
    if is_with_feeds and watch.has_quotes:
        report = watch.monitor.report()
        checks += check_feeds(report, [QUOTES])
        metrics += feed_metrics(report)
    return checks, metrics


def _tell(watch: DeskWatch, problem: str) -> None:
    session = watch.session
    session.alert(
        AlertEvent(
            code="health_untold",
            severity=Severity.WARNING,
            message=f"the desk trades, and nobody can ask how it does: {problem}",
            at=session.clock.now(),
        )
    )
