"""What is wrong with this installation, and what to do about it: one check after the other.

Nothing is written, upgraded or made. Vendors and the venue are asked only where that is wanted.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from alphalens.brokers.alpaca_broker import AlpacaBroker
from alphalens.config import Settings, load_settings
from alphalens.data.calendar_agreement import calendar_differences
from alphalens.data.port import BarRequest, MarketDataProvider
from alphalens.data.sessions import NEW_YORK
from alphalens.errors import BrokerError, ConfigError, DataError, InputError, StorageError
from alphalens.monitoring.data_feed_monitor import DataFeedMonitor
from alphalens.monitoring.health_check import HealthCheck, HealthReport, Status
from alphalens.monitoring.part_checks import (
    check_broker,
    check_feeds,
    check_model,
)
from alphalens.runtime import doctor_local as local
from alphalens.runtime.doctor_local import told
from alphalens.runtime.health import cache_health, journal_health, store_check
from alphalens.runtime.market_data import CALENDARS, market_place, open_cache, open_vendors
from alphalens.storage import open_engine, reading
from alphalens.trading.clock import Clock

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["diagnose"]

_PROBE = "SPY"  # a share that every vendor of shares has
_PROBE_DAYS = timedelta(days=7)
_COMING = timedelta(days=30)  # orders and gaps go by the sessions of these days
_SKEW_S = 5.0  # from here on bars seem to be from the future
_LOCAL = ("sample",)  # nobody is asked over a network
_ONLINE = "it was not asked: add --online"


def diagnose(
    *,
    clock: Clock,
    env_file: Path | str | None = ".env",
    journal: str | Path | None = None,
    folder: Path = Path(),
    is_online: bool = False,
) -> HealthReport:
    """Look at everything that a desk leans on.

    Parameters
    ----------
    clock : Clock
        The present.
    env_file : path or None
        As `alphalens.config.load_settings`.
    journal : str or Path, optional
        The journal of a desk; by default the server that the settings name.
    folder : Path
        Where files are kept unless the settings say otherwise.
    is_online : bool
        Ask each vendor and the venue too, once.

    Returns
    -------
    HealthReport
        Of each check the message says what to do. A setting that cannot be read ends it, since
        all others would be guesses.
    """
    checks = [local.python(), *local.packages()]
    try:
        settings = load_settings(env_file=env_file)
    except ConfigError as error:
        checks.append(told("settings", Status.CRITICAL, "refused", "readable", str(error)))
        return HealthReport(at=clock.now(), checks=tuple(checks))
    place = journal or settings.database_url.get_secret_value() or None
    skews: list[Callable[[], datetime]] = []
    with ExitStack() as stack:
        checks += local.settings_in_force(settings)
        checks += [*_journal(place, stack, skews), store_check(market_place(settings, folder))]
        checks += [_cache(settings), *_vendors(settings, clock, is_online=is_online)]
        checks.append(_venue(settings, stack, skews, is_online=is_online))
        checks += [check_model(settings.model), _clock(clock, skews)]
    checks += [local.disk(folder), local.halt_file(settings, place)]
    return HealthReport(at=clock.now(), checks=tuple(checks))


def _journal(
    place: str | Path | None, stack: ExitStack, clocks: list[Callable[[], datetime]]
) -> Iterator[HealthCheck]:
    """Check the journal; a server's clock is added to those that ours is compared with."""
    if place is None:
        message = "no server is named: each desk has a SQLite file; check one with --journal"
        yield told("journal", Status.OK, "a file", "", message)
        return
    if isinstance(place, Path) and not place.exists():
        message = f"there is no {place} yet: a desk makes it when it starts"
        yield told("journal", Status.WARNING, "none", "", message)
        return
    checks, _ = journal_health(place)
    yield from checks
    if checks[0].status is Status.OK and not isinstance(place, Path):
        engine = open_engine(place, is_read_only=True)
        stack.callback(engine.dispose)
        if engine.dialect.name == "postgresql":
            clocks.append(lambda: _server_clock(engine))


def _server_clock(engine: sa.Engine) -> datetime:
    with reading(engine, is_single=True) as connection:
        at: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return at


def _cache(settings: Settings) -> HealthCheck:
    url = settings.redis_url.get_secret_value()
    try:
        with ExitStack() as stack:
            cache = stack.enter_context(open_cache(settings)) if url else None
            (check,), _ = cache_health(cache, url)
            return check
    except ConfigError as error:
        return told("cache", Status.CRITICAL, "refused", "answers", str(error))


def _vendors(settings: Settings, clock: Clock, *, is_online: bool) -> Iterator[HealthCheck]:
    monitor = DataFeedMonitor(clock=clock)
    try:
        with open_vendors(settings, listener=monitor, clock=clock) as vendors:
            for name, why in vendors.absent.items():
                yield told(f"feed {name}", Status.OK, "left out", "", f"{why}: it is not asked")
            if not vendors.providers:
                message = "no vendor can be asked: put a key into .env, or name another vendor"
                yield told("feeds", Status.WARNING, "none", "one", message)
            yield from _asked(vendors.providers, monitor, clock, is_online=is_online)
    except ConfigError as error:
        yield told("feeds", Status.CRITICAL, "refused", "usable", str(error))


def _asked(
    providers: tuple[MarketDataProvider, ...],
    monitor: DataFeedMonitor,
    clock: Clock,
    *,
    is_online: bool,
) -> Iterator[HealthCheck]:
    for provider in providers:
        name = f"feed {provider.name}"
        if provider.name in _LOCAL:
            yield told(name, Status.OK, "installed", "", "its data are on this machine")
        elif not is_online:
            yield told(name, Status.UNKNOWN, "usable", "answers", _ONLINE)
        else:
            yield _answer_of(provider, monitor, clock)
            if provider.capabilities.sessions:
                yield _calendar_of(provider, clock)


def _answer_of(provider: MarketDataProvider, monitor: DataFeedMonitor, clock: Clock) -> HealthCheck:
    now = clock.now()
    try:
        provider.bars(BarRequest(symbols=(_PROBE,), start=now - _PROBE_DAYS, end=now))
    except (DataError, InputError) as error:
        return told(
            f"feed {provider.name}", Status.CRITICAL, "no usable answer", "answers", str(error)
        )
    name = f"feed {provider.name}"
    found = {check.name: check for check in check_feeds(monitor.report(), [provider.name])}
    return found[name]


def _calendar_of(provider: MarketDataProvider, clock: Clock) -> HealthCheck:
    """Compare the vendor's sessions of the coming days with ours."""
    name, calendar = f"calendar {provider.name}", CALENDARS[provider.name]
    first = clock.now().astimezone(ZoneInfo(NEW_YORK)).date()
    last = first + _COMING
    try:
        found = calendar_differences(provider.sessions(first, last), calendar, first, last)
    except (DataError, InputError) as error:
        return told(name, Status.UNKNOWN, "not told", "ours", str(error))
    if not found:
        message = f"the sessions of {calendar} from {first} to {last} are the same there"
        return told(name, Status.OK, "agrees", "ours", message)
    message = f"{'; '.join(found)}: look at the exchange's own page; update exchange_calendars"
    return told(name, Status.CRITICAL, f"{len(found)} differ", "ours", message)


def _venue(
    settings: Settings,
    stack: ExitStack,
    clocks: list[Callable[[], datetime]],
    *,
    is_online: bool,
) -> HealthCheck:
    if settings.venue == "paper":
        return told("broker", Status.OK, "paper", "", "simulated here: nobody is asked")
    key = settings.alpaca_api_key.get_secret_value()
    secret = settings.alpaca_secret_key.get_secret_value()
    if not key or not secret:
        message = "ALPACA_API_KEY or ALPACA_SECRET_KEY is empty: put both into .env"
        return told("broker", Status.CRITICAL, "no key", "answers", message)
    if not is_online:
        return told("broker", Status.UNKNOWN, "keys set", "answers", _ONLINE)
    try:
        broker = AlpacaBroker(
            key,
            secret,
            base_url=settings.alpaca_base_url,
            is_live=settings.enable_live_trading,
            account_id="" if settings.account == "paper" else settings.account,
            rng=random.Random(),  # noqa: S311 - jitter of retries, nothing secret
        )
    except ConfigError as error:
        return told("broker", Status.CRITICAL, "refused", "answers", str(error))
    stack.callback(broker.close)
    clocks.append(lambda: broker.session().at)
    return check_broker(broker, has_stream=False)


def _clock(clock: Clock, others: list[Callable[[], datetime]]) -> HealthCheck:
    """Compare our clock with those of servers; half of the time of an answer is taken off."""
    skews = []
    for other in others:
        before = clock.now()
        try:
            at = other()
        except (BrokerError, StorageError):
            continue  # its own check has told why
        skews.append((at - (before + (clock.now() - before) / 2)).total_seconds())
    limit = f"{_SKEW_S:.0f} s"
    if not skews:
        message = "no clock to compare with was asked: add --online, or use a database server"
        return told("clock", Status.UNKNOWN, "not compared", limit, message)
    worst = max(skews, key=abs)
    is_off = abs(worst) > _SKEW_S
    message = "set this machine's clock (NTP)" if is_off else "our clock agrees with the servers'"
    status = Status.CRITICAL if is_off else Status.OK
    return told("clock", status, f"{worst:+.1f} s", limit, message)
