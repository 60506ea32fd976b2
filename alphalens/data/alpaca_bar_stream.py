"""Bars, quotes and trades of Alpaca's market-data websocket."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from alphalens.data._streams.alpaca_greeting import NO_KEY, greeted, log_in, quote_from
from alphalens.data._streams.vendor_stream import VendorStream
from alphalens.data._streams.words import (
    LATE_S,
    BarRow,
    Fault,
    Item,
    Row,
    items_of,
    plain_row,
    shown,
)
from alphalens.data._vendors.reading import Keys
from alphalens.data.alpaca_hosts import STREAM_HOSTS
from alphalens.data.alpaca_symbols import symbol_from, symbol_to
from alphalens.data.bar_stream import Channel, StreamOptions, Trade, TroubleKind
from alphalens.data.bars import NO_TIME, Timeframe, micros
from alphalens.data.listening import FeedListener, NobodyListens
from alphalens.data.port import MarketDataProvider
from alphalens.errors import InputError
from alphalens.net import LoopThread, Refused, Timing
from alphalens.net.endpoint import checked_host
from alphalens.net.exact_json import decimal, instant
from alphalens.net.failures import Unreadable
from alphalens.net.line import Frame, Line

__all__ = ["AlpacaBarStream", "AlpacaDialect"]

_NAME = "alpaca"
_CHANNELS: Mapping[Channel, tuple[str, ...]] = MappingProxyType(
    {
        Channel.MINUTES: ("bars", "updatedBars"),
        Channel.DAYS: ("dailyBars",),
        Channel.QUOTES: ("quotes",),
        Channel.TRADES: ("trades",),
    }
)
_LENGTHS: Mapping[str, Timeframe] = MappingProxyType(
    {"b": Timeframe.MINUTE, "u": Timeframe.MINUTE, "d": Timeframe.DAY}
)
_FINAL = NO_KEY | {405, 410}  # symbol limit, no such subscription on this feed
_LATE_FEED = "/delayed_sip"
_CORRECTED = "u"
_SLOW = 407
_CONTROL = frozenset({"success", "subscription"})
_MACHINE = Timing()
_NOBODY = NobodyListens()
_OPTIONS = StreamOptions()


class AlpacaDialect:
    """How Alpaca's streams of shares and coins speak, in JSON.

    Parameters
    ----------
    key, secret : str
        Credentials.
    symbols : sequence of str
        Canonical.
    channels : collection of Channel
        What is subscribed to.

    Raises
    ------
    InputError
        If Alpaca has no name for a symbol, or no such channel.
    """

    def __init__(
        self, key: str, secret: str, *, symbols: Sequence[str], channels: Collection[Channel]
    ) -> None:
        if others := sorted(set(channels) - set(_CHANNELS)):
            raise InputError(f"Alpaca streams no {', '.join(others)}: {', '.join(_CHANNELS)} only")
        self._key, self._secret = key, secret
        self._names = {symbol_to(symbol): symbol for symbol in symbols}
        self._wanted = [name for channel in sorted(channels) for name in _CHANNELS[channel]]
        self._reads: Mapping[str, Callable[[Row, str], Trade]] = {
            "t": _trade,
            "c": _correction,
            "x": _cancellation,
        }

    @property
    def name(self) -> str:
        """Return the vendor's name, as it stands in the column ``source``."""
        return _NAME

    @property
    def keys(self) -> Keys:
        """Return how it names the parts of a bar."""
        return Keys()

    async def greet(self, line: Line) -> Sequence[Frame]:
        """Log in and subscribe; see `alphalens.data._streams.words.Dialect`."""
        await log_in(line, self._key, self._secret)
        names = list(self._names)
        wanted = dict.fromkeys(self._wanted, names)
        await line.send(json.dumps({"action": "subscribe", **wanted}))
        told, *early = await greeted(line, "subscription", final=_FINAL)
        for channel in self._wanted:
            granted = told.get(channel)
            missing = set(names) - set(granted if isinstance(granted, list) else ())
            if missing:
                raise Refused(
                    f"the data stream granted {len(names) - len(missing)} of {len(names)} symbols "
                    f"of {channel}, not {', '.join(sorted(missing)[:5])}: check the plan"
                )
        return [json.dumps(early, default=float)] if early else []

    def read(self, frame: Frame, received: int) -> list[Item]:
        """Return what a frame holds; see `alphalens.data._streams.words.Dialect`."""
        return items_of(frame, received, self._read)

    def _read(self, message: Row, received: int) -> Item | None:
        kind = message.get("T")
        if kind == "q":
            return quote_from(message, self._symbol(message))
        if not isinstance(kind, str):
            return Fault(TroubleKind.UNKNOWN, f"message of kind {kind!r:.40}", shown(message))
        if kind in _LENGTHS:
            symbol = self._symbol(message)
            return BarRow(
                symbol,
                _LENGTHS[kind],
                _time(message),
                plain_row(message),
                received,
                is_correction=kind == _CORRECTED,
            )
        if kind in self._reads:
            return self._reads[kind](message, self._symbol(message))
        if kind in _CONTROL:
            return None
        if kind == "error":
            is_slow = message.get("code") == _SLOW
            text = f"the data stream said {message.get('code')} {message.get('msg')}"
            return Fault(TroubleKind.SLOW if is_slow else TroubleKind.VENDOR, text)
        return Fault(TroubleKind.UNKNOWN, f"message of kind {kind!r:.40}", shown(message))

    def _symbol(self, message: Row) -> str:
        name = message.get("S")
        known = self._names.get(name) if isinstance(name, str) else None
        return known or symbol_from(name)


class AlpacaBarStream(VendorStream):
    """The stream of some symbols behind a pair of Alpaca's keys.

    ``b`` and ``u`` are bars of minutes (``u`` tells one again, after late trades), ``d`` is the
    bar of the running day, ``c`` and ``x`` correct and cancel trades.

    Parameters
    ----------
    key, secret : str
        Credentials; they are in no text that this object makes.
    url : str
        Whole address, such as ``wss://stream.data.alpaca.markets/v2/iex``, or one on this
        machine. The free plan has one connection and 30 symbols; what ``delayed_sip`` tells is 15
        minutes late.
    symbols : sequence of str
        Canonical, each once.
    channels : collection of Channel
        Every one but ``FORMING``.
    filler, rng, since, loop, options, timing, listener
        As `alphalens.data._streams.vendor_stream.VendorStream`.

    Raises
    ------
    ConfigError
        If the host is neither Alpaca's nor this machine, or a real one is spoken to in clear.
    InputError
        If Alpaca has no name for a symbol or no such channel.
    """

    def __init__(
        self,
        key: str,
        secret: str,
        *,
        url: str,
        symbols: Sequence[str],
        rng: random.Random,
        channels: Collection[Channel] = (Channel.MINUTES,),
        filler: MarketDataProvider | None = None,
        since: datetime | None = None,
        loop: LoopThread | None = None,
        options: StreamOptions = _OPTIONS,
        timing: Timing = _MACHINE,
        listener: FeedListener = _NOBODY,
    ) -> None:
        if url.endswith(_LATE_FEED):
            options = replace(options, delay_s=max(options.delay_s, LATE_S))
        super().__init__(
            AlpacaDialect(key, secret, symbols=symbols, channels=channels),
            url=checked_host(
                url, schemes=("wss", "ws"), hosts=STREAM_HOSTS, owner="Alpaca", has_path=True
            ),
            symbols=symbols,
            channels=channels,
            filler=filler,
            secrets=(key, secret),
            rng=rng,
            since=since,
            loop=loop,
            options=options,
            timing=timing,
            listener=listener,
        )


def _time(message: Row) -> int:
    try:
        return micros(instant(message.get("t"), "t"))
    except Unreadable:
        return NO_TIME  # reading the row marks it


def _trade(message: Row, symbol: str) -> Trade:
    return Trade(
        symbol=symbol,
        at=instant(message.get("t"), "t"),
        price=decimal(message.get("p"), "p"),
        size=decimal(message.get("s"), "s"),
        key=_key(message.get("i")),
    )


def _correction(message: Row, symbol: str) -> Trade:
    return Trade(
        symbol=symbol,
        at=instant(message.get("t"), "t"),
        price=decimal(message.get("cp"), "cp"),
        size=decimal(message.get("cs"), "cs"),
        key=_key(message.get("ci")),
        corrects=_key(message.get("oi")),
    )


def _cancellation(message: Row, symbol: str) -> Trade:
    return replace(_trade(message, symbol), is_cancelled=True)


def _key(value: object) -> str:
    return str(value) if isinstance(value, str | int) else ""
