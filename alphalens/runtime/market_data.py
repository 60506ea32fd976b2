"""Market data from settings: the vendors that have keys, the cache, the store and the watch."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from alphalens.assets.calendars import ALWAYS_OPEN
from alphalens.config import Settings
from alphalens.data.asks import RestOptions
from alphalens.data.cache import Cache, MemoryCache
from alphalens.data.context_maker import ContextMaker
from alphalens.data.fact_store import FactStore
from alphalens.data.pipeline import Pipeline
from alphalens.data.port import MarketDataProvider
from alphalens.data.store import BarStore
from alphalens.errors import ConfigError
from alphalens.monitoring.data_feed_monitor import DataFeedMonitor
from alphalens.net import LoopThread, Timing
from alphalens.storage import open_engine
from alphalens.trading.clock import Clock, SystemClock

if TYPE_CHECKING:
    import sqlalchemy as sa

    from alphalens.data.listening import FeedListener

__all__ = [
    "CALENDARS",
    "MarketData",
    "Vendors",
    "market_place",
    "open_cache",
    "open_market_data",
    "open_store",
    "open_vendors",
    "polygon_key",
]

_FILE = "market.sqlite"
_CALLS = 200  # that one request may take: as many symbols as a part of a fetch has, twice
_POLYGON, _MASSIVE = "https://api.polygon.io", "https://api.massive.com"
#: Of each vendor's market.
CALENDARS: Mapping[str, str] = MappingProxyType(
    {"alpaca": "XNYS", "polygon": "XNYS", "yahoo": "XNYS", "sample": ALWAYS_OPEN}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendors:
    """Who can be asked, in order, and who cannot.

    Attributes
    ----------
    providers : tuple of MarketDataProvider
        In the order of the settings.
    absent : Mapping of str to str
        Vendors that the settings name and that cannot be asked, and why.
    """

    providers: tuple[MarketDataProvider, ...]
    absent: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketData:
    """What belongs to market data, open.

    Attributes
    ----------
    pipeline : Pipeline
        Bars on request.
    store : BarStore
        What is kept.
    engine : Engine
        The store's database.
    facts : FactStore
        Corporate actions, figures of companies, memberships, contracts, in the same database.
    cache : Cache
        Redis, or in this process.
    monitor : DataFeedMonitor
        How the vendors do.
    vendors : Vendors
        Who is asked.
    """

    pipeline: Pipeline
    store: BarStore
    engine: sa.Engine
    facts: FactStore
    cache: Cache
    monitor: DataFeedMonitor
    vendors: Vendors


class _PastIsNotStale:
    """Tells the monitor everything but the age of bars that were old when they were asked for.

    Who fetches the bars of a past year waits for nothing newer. What was fresh once is watched
    from then on; streams tell the monitor themselves, whatever they bring.
    """

    def __init__(self, monitor: DataFeedMonitor) -> None:
        self._monitor = monitor
        self.answered, self.failed = monitor.answered, monitor.failed
        self.fell_back, self.missed = monitor.fell_back, monitor.missed

    def told(self, vendor: str, symbol: str, at: datetime) -> None:
        """Take note of data that were fresh when they came."""
        if self._monitor.is_fresh(vendor, symbol, at):
            self._monitor.told(vendor, symbol, at)


@contextmanager
def open_market_data(
    settings: Settings,
    *,
    folder: Path = Path(),
    clock: Clock | None = None,
    database: str | Path | None = None,
) -> Iterator[MarketData]:
    """Open the vendors, cache and store that the settings name, and close them at the end.

    Parameters
    ----------
    settings : Settings
        Vendors and their keys, database, Redis.
    folder : Path
        Where ``market.sqlite`` is kept unless the settings name a database; it is made.
    clock : Clock, optional
        The present; the machine's by default.
    database : str or Path, optional
        Another database than that of the settings.

    Yields
    ------
    MarketData
        Open until the end of the block.

    Raises
    ------
    ConfigError
        If no vendor can be asked, with the reason of each; or a setting cannot be used.
    StorageError
        If the database cannot be opened.
    """
    present = SystemClock() if clock is None else clock
    monitor = DataFeedMonitor(clock=present, calendars=CALENDARS)
    with ExitStack() as stack:
        vendors = stack.enter_context(open_vendors(settings, listener=monitor, clock=present))
        if not vendors.providers:
            reasons = "; ".join(f"{name}: {why}" for name, why in vendors.absent.items())
            raise ConfigError(f"no vendor of market data can be asked ({reasons})")
        engine = stack.enter_context(open_store(settings, folder=folder, database=database))
        cache = stack.enter_context(open_cache(settings))
        store = BarStore(engine)
        yield MarketData(
            pipeline=Pipeline(
                vendors.providers,
                store,
                clock=present,
                context=ContextMaker.of_store(store, clock=present),
                cache=cache,
                listener=_PastIsNotStale(monitor),
                has_second_opinion=settings.market_data_second_opinion,
            ),
            store=store,
            engine=engine,
            facts=FactStore(engine, clock=present),
            cache=cache,
            monitor=monitor,
            vendors=vendors,
        )


@contextmanager
def open_store(
    settings: Settings, *, folder: Path = Path(), database: str | Path | None = None
) -> Iterator[sa.Engine]:
    """Open the database of bars and facts that the settings name, and close it at the end.

    Parameters
    ----------
    settings, folder, database
        As `open_market_data`; no vendor is needed.

    Raises
    ------
    StorageError
        If the database cannot be opened.
    """
    place = database or market_place(settings, folder)
    if isinstance(place, Path):
        place.parent.mkdir(parents=True, exist_ok=True)
    engine = open_engine(place)
    try:
        yield engine
    finally:
        engine.dispose()


def market_place(settings: Settings, folder: Path = Path()) -> str | Path:
    """Return where bars are kept: as told, else beside the journal on a server, else in a file.

    A journal in a SQLite file is never shared: the file has one turn for all who write, and a
    desk would wait for the bars.
    """
    told = settings.market_database_url.get_secret_value()
    journal = settings.database_url.get_secret_value()
    if told or not journal or journal.startswith("sqlite"):
        return told or folder / _FILE
    return journal


@contextmanager
def open_cache(settings: Settings) -> Iterator[Cache]:
    """Open the cache of the settings: Redis, or one in this process.

    Raises
    ------
    ConfigError
        If the address of Redis cannot be read. One that does not answer is no error: everything
        is fetched then.
    """
    url = settings.redis_url.get_secret_value()
    with ExitStack() as stack:
        cache: Cache
        if url:
            from alphalens.data.redis_cache import RedisCache

            loop = stack.enter_context(LoopThread("alphalens-cache"))
            cache = RedisCache(url, loop=loop, monotonic=time.monotonic)
        else:
            cache = MemoryCache(monotonic=time.monotonic)
        stack.callback(cache.close)
        yield cache


@contextmanager
def open_vendors(settings: Settings, *, listener: FeedListener, clock: Clock) -> Iterator[Vendors]:
    """Open the vendors that the settings name and have keys for; they close at the end.

    Parameters
    ----------
    settings : Settings
        Names in order, keys, hosts, plans.
    listener : FeedListener
        Is told of each answer and each failure.
    clock : Clock
        The present: what was received when.

    Raises
    ------
    ConfigError
        If a key or a host cannot be used.
    """
    made: list[MarketDataProvider] = []
    absent: dict[str, str] = {}
    terms = _Terms(
        settings=settings,
        listener=listener,
        clock=clock,
        timing=Timing(wall=lambda: clock.now().timestamp()),  # limits are of the real world
    )
    with ExitStack() as stack:
        for name in settings.vendors:
            why = _lacks(settings, name)
            if why:
                absent[name] = why
                continue
            provider = _MAKERS[name](terms)
            stack.callback(provider.close)
            made.append(provider)
        yield Vendors(providers=tuple(made), absent=absent)


def _lacks(settings: Settings, name: str) -> str:
    """Return why a vendor cannot be asked; empty if it can."""
    if name == "alpaca" and not (
        settings.alpaca_api_key.get_secret_value() and settings.alpaca_secret_key.get_secret_value()
    ):
        return "ALPACA_API_KEY or ALPACA_SECRET_KEY is empty"
    if name == "polygon" and not any(_polygon_keys(settings)):
        return "POLYGON_API_KEY and MASSIVE_API_KEY are empty"
    module, extra = {"yahoo": ("yfinance", "yahoo"), "sample": ("skfolio", "demo")}.get(
        name, ("", "")
    )
    if module and find_spec(module) is None:
        return f'{module} is not installed: run  pip install "alpha-lens[{extra}]"'
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """What every vendor is made from."""

    settings: Settings
    listener: FeedListener
    clock: Clock
    timing: Timing


def _alpaca(terms: _Terms) -> MarketDataProvider:
    from alphalens.data.alpaca_provider import AlpacaProvider

    settings = terms.settings
    return AlpacaProvider(
        settings.alpaca_api_key.get_secret_value(),
        settings.alpaca_secret_key.get_secret_value(),
        base_url=settings.alpaca_bars_url,
        rng=_jitter(),
        venue_url=settings.alpaca_base_url,
        feed=settings.alpaca_feed,
        options=_plan(settings.alpaca_calls_per_minute),
        timing=terms.timing,
        listener=terms.listener,
    )


def _polygon(terms: _Terms) -> MarketDataProvider:
    from alphalens.data.polygon_provider import PolygonProvider

    settings = terms.settings
    key, is_massive = polygon_key(settings)
    return PolygonProvider(
        key,
        base_url=settings.polygon_base_url or (_MASSIVE if is_massive else _POLYGON),
        rng=_jitter(),
        options=_plan(settings.polygon_calls_per_minute),
        timing=terms.timing,
        listener=terms.listener,
    )


def polygon_key(settings: Settings) -> tuple[str, bool]:
    """Return the key of the vendor with two names, and whether it has the new one.

    Raises
    ------
    ConfigError
        If there are two keys that differ.
    """
    old, new = _polygon_keys(settings)
    if old and new and old != new:
        raise ConfigError(
            "POLYGON_API_KEY and MASSIVE_API_KEY are two names of one key, and differ: keep one"
        )
    return new or old, bool(new)


def _polygon_keys(settings: Settings) -> tuple[str, str]:
    return (
        settings.polygon_api_key.get_secret_value(),
        settings.massive_api_key.get_secret_value(),
    )


def _yahoo(terms: _Terms) -> MarketDataProvider:
    from alphalens.data.yahoo_provider import YahooProvider

    return YahooProvider(
        rng=_jitter(),
        options=_plan(terms.settings.yahoo_calls_per_minute),
        timing=terms.timing,
        listener=terms.listener,
    )


def _sample(terms: _Terms) -> MarketDataProvider:
    from alphalens.data.sample_provider import SampleProvider

    return SampleProvider(clock=terms.clock)


_MAKERS: Mapping[str, Callable[[_Terms], MarketDataProvider]] = MappingProxyType(
    {"alpaca": _alpaca, "polygon": _polygon, "yahoo": _yahoo, "sample": _sample}
)


def _plan(calls_per_minute: int) -> RestOptions:
    """Return how fast a vendor may be asked, and how long many symbols then take."""
    timeout_s = 60.0 * (1 + _CALLS / calls_per_minute)
    return RestOptions(calls_per_minute=calls_per_minute, timeout_s=timeout_s)


def _jitter() -> random.Random:
    return random.Random()  # noqa: S311 - jitter of retries, nothing secret
