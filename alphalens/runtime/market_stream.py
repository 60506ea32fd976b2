"""A vendor's stream of minute bars on its way into the store, in a thread, until it is closed."""

from __future__ import annotations

import logging
import random
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from alphalens.assets import AssetClass
from alphalens.assets.calendars import ALWAYS_OPEN
from alphalens.assets.symbols import class_by_form
from alphalens.config import Settings
from alphalens.data.bar_stream import BarStream, Delivery, StreamOptions
from alphalens.data.stream_intake import StreamIntake
from alphalens.data.stream_recorder import StreamRecorder
from alphalens.errors import ConfigError, InputError, StorageError
from alphalens.monitoring.alert_post import AlertPost
from alphalens.net import Timing
from alphalens.runtime.alerting import channels_of
from alphalens.runtime.market_data import CALENDARS, MarketData, polygon_key
from alphalens.runtime.stream_alerts import StreamAlerts
from alphalens.trading.clock import Clock, SystemClock
from alphalens.trading.events import AlertEvent

if TYPE_CHECKING:
    from alphalens.data.port import MarketDataProvider

__all__ = ["MarketStream", "open_stream"]

_log = logging.getLogger(__name__)
_WAIT_S = 0.2
_EVERY_S = 1.0  # bars are gathered so long, and the watch is asked so often
_DELAY_S = 900.0  # of plans that are called delayed
_STREAMS = ("alpaca", "polygon")
_ALPACA = "wss://stream.data.alpaca.markets"
_POLYGON, _MASSIVE = "wss://socket.polygon.io/stocks", "wss://socket.massive.com/stocks"


class MarketStream:
    """Takes what a stream delivers, and brings it into the store; made by `open_stream`.

    While the database fails nothing is taken: the stream waits, and fills what it missed. A gap
    that stays open while the market was open is put on record beside the bars, where
    `alphalens data refetch` finds it.

    Parameters
    ----------
    stream : BarStream
        An open one; it is closed by this object.
    recorder : StreamRecorder
        What brings bars into the store.
    market : MarketData
        Whose monitor is asked what a person should know.
    clock : Clock
        The present.
    on_alert : callable
        Is told of it, in this object's thread; it returns at once.
    """

    def __init__(
        self,
        stream: BarStream,
        recorder: StreamRecorder,
        market: MarketData,
        *,
        clock: Clock,
        on_alert: Callable[[AlertEvent], object],
    ) -> None:
        self._stream, self._recorder, self._market = stream, recorder, market
        self._clock = clock
        self._alerts = StreamAlerts(
            stream.feed, monitor=market.monitor, clock=clock, on_alert=on_alert
        )
        self._over = threading.Event()
        self._storage_problem, self._broken, self._open_gaps = "", "", 0
        self._looked_s = clock.monotonic()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="alphalens-stream")
        self._work: Future[None] = self._pool.submit(self._live)

    @property
    def is_over(self) -> bool:
        """Whether nothing comes any more: the vendor refused, or it was closed."""
        return self._work.done()

    @property
    def problem(self) -> str:
        """What is wrong with the line or the database, or has ended it; empty if nothing is."""
        return self._broken or self._storage_problem or self._stream.problem

    @property
    def counts(self) -> Mapping[str, int]:
        """How much there was: as `BarStream.counts`, ``unkept`` bars, and ``open_gaps``."""
        told = {**self._stream.counts, "unkept": self._recorder.waiting}
        return {**told, "open_gaps": self._open_gaps}

    def close(self) -> None:
        """End the stream, and keep what has come.

        Raises
        ------
        StorageError
            If the database does not take the last bars: they are to be fetched.
        """
        self._over.set()
        try:
            self._work.result()
        finally:
            self._pool.shutdown()

    def _live(self) -> None:
        try:
            while not self._over.is_set() and not self._stream.is_over:
                self._step()
        finally:
            self._tell_of_its_end()
            self._stream.close()
            self._market.monitor.forget(self._stream.feed)
            while any(vars(last := self._stream.take()).values()):
                self._note(last)
                self._recorder.add(last)
            self._alerts.look(is_last=True)
            self._recorder.flush()

    def _tell_of_its_end(self) -> None:
        """Tell at once what ends it; whoever closes it gets the error itself."""
        error = sys.exc_info()[1]
        if error is not None:
            self._broken = f"{type(error).__name__}: {error}"
            self._alerts.ended(self._broken)

    def _step(self) -> None:
        """Keep what has come by now, and ask the watch."""
        try:
            if self._storage_problem:
                self._recorder.flush()
                self._storage_problem = ""
            delivery = self._stream.take(_WAIT_S)
            self._note(delivery)
            self._recorder.add(delivery)
        except StorageError as error:
            self._storage_problem = str(error)
            self._over.wait(_EVERY_S)
        self._alerts.storage(self._storage_problem)
        if self._clock.monotonic() - self._looked_s >= _EVERY_S:
            self._looked_s = self._clock.monotonic()
            self._alerts.look()

    def _note(self, delivery: Delivery) -> None:
        for trouble in delivery.troubles:
            if not self._alerts.trouble(trouble):
                _log.warning("%s, %d times: %s", trouble.kind, trouble.count, trouble.text)
        still_open = [gap for gap in delivery.gaps if not gap.is_filled]
        self._open_gaps += len(still_open)
        self._alerts.gaps(still_open)


@contextmanager
def open_stream(
    settings: Settings,
    market: MarketData,
    symbols: Sequence[str],
    *,
    vendor: str = "",
    since: datetime | None = None,
    clock: Clock | None = None,
    on_alert: Callable[[AlertEvent], object] | None = None,
) -> Iterator[MarketStream]:
    """Bring a vendor's minute bars into the store until the end of the block.

    Parameters
    ----------
    settings : Settings
        Addresses and keys.
    market : MarketData
        Open; its store is written, and its monitor is told.
    symbols : sequence of str
        Canonical, each once: shares, or coins.
    vendor : str
        ``alpaca`` or ``polygon``; by default the first one in the order of the settings.
    since : datetime, optional
        Bars are wanted from this instant on: those before now are asked for over REST.
    clock : Clock, optional
        The present; the machine's by default.
    on_alert : callable, optional
        Is told, in another thread, of outages, stale data, silence, a slow line, open gaps and a
        database that fails; it returns at once. By default the log and the webhook of the
        settings are told, beside the stream: one that is dead or slow holds nothing back.

    Raises
    ------
    ConfigError
        If no vendor with a stream can be asked, or its address or that of the webhook cannot be
        used.
    InputError
        If shares and coins are mixed, or the vendor has no such symbol.
    StorageError
        At the end, if the database does not take the last bars.
    """
    present = SystemClock() if clock is None else clock
    filler = _chosen(market, vendor)
    calendar = ALWAYS_OPEN if _are_coins(symbols) else CALENDARS[filler.name]
    stream = _opened(settings, market, filler, symbols, since=since, clock=present)
    intake = StreamIntake(
        market.store,
        clock=present,
        listener=market.monitor,
        forget=market.pipeline.forget,
        tellers=market.vendors.providers,
    )
    recorder = StreamRecorder(intake.keep, missed=intake.missed, clock=present, every_s=_EVERY_S)
    market.monitor.follow(stream.feed, calendar)
    with ExitStack() as stack:
        tell = on_alert or stack.enter_context(_post(settings, stream.feed)).tell
        running = MarketStream(stream.open(), recorder, market, clock=present, on_alert=tell)
        stack.callback(running.close)
        yield running


def _post(settings: Settings, feed: str) -> AlertPost:
    return AlertPost(channels_of(settings), run_id=feed, secrets=settings.secrets())


def _chosen(market: MarketData, vendor: str) -> MarketDataProvider:
    """Return the vendor that streams; it is asked over REST for what the stream left out."""
    wanted = (vendor,) if vendor else _STREAMS
    for provider in market.vendors.providers:
        if provider.name in wanted and provider.name in _STREAMS:
            return provider
    reasons = "; ".join(f"{n}: {why}" for n, why in market.vendors.absent.items() if n in wanted)
    raise ConfigError(
        f"nobody streams: {' or '.join(wanted)} was wanted, {', '.join(_STREAMS)} can, with a key "
        f"and named in ALPHALENS_MARKET_DATA_VENDORS{f' ({reasons})' if reasons else ''}"
    )


def _opened(
    settings: Settings,
    market: MarketData,
    filler: MarketDataProvider,
    symbols: Sequence[str],
    *,
    since: datetime | None,
    clock: Clock,
) -> BarStream:
    from alphalens.data.alpaca_bar_stream import AlpacaBarStream
    from alphalens.data.polygon_stream import PolygonStream

    terms = {
        "symbols": symbols,
        "rng": random.Random(),  # noqa: S311 - jitter of retries, nothing secret
        "filler": filler,
        "since": since,
        "timing": Timing(wall=lambda: clock.now().timestamp()),
        "listener": market.monitor,
    }
    if filler.name == "alpaca":
        url = settings.alpaca_data_url or _ALPACA + _alpaca_path(settings, symbols)
        return AlpacaBarStream(
            settings.alpaca_api_key.get_secret_value(),
            settings.alpaca_secret_key.get_secret_value(),
            url=url,
            options=_options(url),
            **terms,  # type: ignore[arg-type]  # one set of arguments for both
        )
    key, is_massive = polygon_key(settings)
    url = settings.polygon_stream_url or (_MASSIVE if is_massive else _POLYGON)
    return PolygonStream(
        key,
        url=url,
        options=_options(url),
        **terms,  # type: ignore[arg-type]  # one set of arguments for both
    )


def _alpaca_path(settings: Settings, symbols: Sequence[str]) -> str:
    if _are_coins(symbols):
        return "/v1beta3/crypto/us"
    return f"/v2/{settings.alpaca_feed}"


def _options(url: str) -> StreamOptions:
    """Return how patient a stream is: one of a delayed plan tells everything so much later."""
    parts = urlsplit(url)
    is_delayed = "delayed" in f"{parts.hostname}{parts.path}"
    return StreamOptions(delay_s=_DELAY_S if is_delayed else 0.0)


def _are_coins(symbols: Sequence[str]) -> bool:
    kinds = {class_by_form(symbol) is AssetClass.CRYPTO for symbol in symbols}
    if len(kinds) > 1:
        raise InputError("shares and coins are told by two streams: open one for each")
    return kinds == {True}
