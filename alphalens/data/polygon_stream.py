"""Bars, quotes and trades of Polygon's websocket of shares and options, now Massive's too."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from alphalens.assets import AssetClass
from alphalens.assets.symbols import Vendor, class_by_form, to_vendor
from alphalens.data._streams.vendor_stream import VendorStream
from alphalens.data._streams.words import (
    LATE_S,
    BarRow,
    Fault,
    Item,
    Row,
    instant_of,
    items_of,
    messages_of,
    plain_row,
    shown,
)
from alphalens.data._vendors.polygon_words import symbol_of
from alphalens.data._vendors.reading import Keys
from alphalens.data.bar_stream import Channel, StreamOptions, Trade, TroubleKind
from alphalens.data.bars import NO_TIME, Timeframe
from alphalens.data.listening import FeedListener, NobodyListens
from alphalens.data.port import MarketDataProvider
from alphalens.errors import InputError
from alphalens.net import LoopThread, NetError, Refused, Timing
from alphalens.net.endpoint import checked_host
from alphalens.net.exact_json import decimal
from alphalens.net.failures import Unreadable
from alphalens.net.line import Frame, Line
from alphalens.trading.market import Quote

__all__ = ["PolygonDialect", "PolygonStream"]

HOSTS = frozenset(
    f"{plan}.{owner}"
    for plan in ("socket", "delayed", "business")
    for owner in ("polygon.io", "massive.com")
)

_NAME = "polygon"
_EVENTS: Mapping[Channel, str] = MappingProxyType(
    {Channel.MINUTES: "AM", Channel.FORMING: "A", Channel.QUOTES: "Q", Channel.TRADES: "T"}
)
_CLASSES = frozenset({AssetClass.EQUITY, AssetClass.OPTION})
_KEYS = Keys(time="s", trades="")  # the number of trades is not told
_LATE_HOST = "delayed."
_GRANTED = "subscribed to: "
_GOOD = frozenset({"success", "connected", "auth_success"})
_LATER = frozenset({"max_connections", "auth_timeout", "connected"})
_MS = 1_000
_MINUTE_MS = 60_000
_LAST_MS = 4_102_444_800_000  # 2100: what is later is no instant in milliseconds
_MACHINE = Timing()
_NOBODY = NobodyListens()
_OPTIONS = StreamOptions()


class PolygonDialect:
    """How Polygon's streams speak.

    Parameters
    ----------
    key : str
        Credential.
    symbols : sequence of str
        Canonical.
    channels : collection of Channel
        What is subscribed to.

    Raises
    ------
    InputError
        If Polygon has no such channel, or a symbol is no share and no option.
    """

    def __init__(self, key: str, *, symbols: Sequence[str], channels: Collection[Channel]) -> None:
        if others := sorted(set(channels) - set(_EVENTS)):
            raise InputError(f"Polygon streams no {', '.join(others)}: {', '.join(_EVENTS)} only")
        kinds = {symbol: class_by_form(symbol) for symbol in symbols}
        if wrong := [symbol for symbol, kind in kinds.items() if kind not in _CLASSES]:
            raise InputError(f"shares and options are streamed here, {wrong[0]!r} is neither")
        self._key = key
        self._names = {to_vendor(s, Vendor.POLYGON, kind): s for s, kind in kinds.items()}
        self._wanted = [f"{_EVENTS[c]}.{name}" for c in sorted(channels) for name in self._names]
        self._minutes: dict[str, dict[str, Any]] = {}  # Any: the values of JSON

    @property
    def name(self) -> str:
        """Return the vendor's name, as it stands in the column ``source``."""
        return _NAME

    @property
    def keys(self) -> Keys:
        """Return how it names the parts of a bar."""
        return _KEYS

    async def greet(self, line: Line) -> Sequence[Frame]:
        """Log in and subscribe; see `alphalens.data._streams.words.Dialect`."""
        await _answered(line, "connected")
        await line.send(json.dumps({"action": "auth", "params": self._key}))
        await _answered(line, "auth_success")
        await line.send(json.dumps({"action": "subscribe", "params": ",".join(self._wanted)}))
        self._minutes.clear()
        due, early = set(self._wanted), []
        while due:
            frame = await line.recv()
            statuses, has_data = _statuses(frame)
            for status in statuses:
                message = str(status.get("message"))
                if status.get("status") != "success":
                    raise _refusal(status, f"{len(due)} channels are not granted yet")
                due.discard(message.removeprefix(_GRANTED))
            if has_data:
                early.append(frame)
        return early

    def read(self, frame: Frame, received: int) -> list[Item]:
        """Return what a frame holds; see `alphalens.data._streams.words.Dialect`."""
        return items_of(frame, received, self._read)

    def _read(self, message: Row, received: int) -> Item | None:
        kind = message.get("ev")
        if kind == "Q":
            return self._quote(message)
        if kind == "T":
            return self._trade(message)
        if kind == "AM":
            symbol, row = self._symbol(message), plain_row(message)
            return BarRow(symbol, Timeframe.MINUTE, _time(row.get("s")), row, received)
        if kind == "A":
            return self._forming(message, received)
        if kind == "status":
            return _fault(message)
        return Fault(TroubleKind.UNKNOWN, f"event of kind {kind!r:.40}", shown(message))

    def _symbol(self, message: Row) -> str:
        ticker = message.get("sym")
        known = self._names.get(ticker) if isinstance(ticker, str) else None
        return known or symbol_of(ticker)

    def _quote(self, message: Row) -> Quote:
        return Quote(
            symbol=self._symbol(message),
            at=instant_of(_at(message, "t")),
            bid=decimal(message.get("bp"), "bp"),
            ask=decimal(message.get("ap"), "ap"),
        )

    def _trade(self, message: Row) -> Trade:
        key = message.get("i")
        return Trade(
            symbol=self._symbol(message),
            at=instant_of(_at(message, "t")),
            price=decimal(message.get("p"), "p"),
            size=decimal(message.get("s"), "s"),
            key=str(key) if isinstance(key, str | int) else "",
        )

    def _forming(self, message: Row, received: int) -> BarRow | None:
        """Return the bar of the running minute with a second more; None for one of an older."""
        symbol, begin_us = self._symbol(message), _at(message, "s")
        minute, start = self._minutes.get(symbol), begin_us // _MS // _MINUTE_MS * _MINUTE_MS
        if minute is not None and start < minute["s"]:
            return None  # the bar of its minute has it
        figures = {name: float(decimal(message.get(name), name)) for name in ("o", "h", "l", "c")}
        figures |= {name: float(decimal(message.get(name, 0), name)) for name in ("v", "vw")}
        row = _with_second(minute, start, figures)
        self._minutes[symbol] = row
        told = {"ev": "A", "sym": message.get("sym"), **row}
        return BarRow(symbol, Timeframe.MINUTE, _time(row["s"]), told, received, is_forming=True)


class PolygonStream(VendorStream):
    """The stream of some symbols behind a key of Polygon or of Massive.

    ``AM`` is the bar of a minute, from ``s`` on (milliseconds); ``A`` that of a second, which
    becomes the bar of the minute that still forms. Their sequence numbers (``q``) ascend and
    leave numbers out, so that a hole in them says nothing.

    Parameters
    ----------
    key : str
        Credential; it is in no text that this object makes.
    url : str
        Whole address, such as ``wss://socket.massive.com/stocks``, or one on this machine; of a
        host that begins with ``delayed`` everything is 15 minutes late.
    symbols : sequence of str
        Canonical shares or options, each once.
    channels : collection of Channel
        Every one but ``DAYS``.
    filler, rng, since, loop, options, timing, listener
        As `alphalens.data._streams.vendor_stream.VendorStream`.

    Raises
    ------
    ConfigError
        If the host is none of the vendor's and not this machine, or is spoken to in clear.
    InputError
        If Polygon has no such channel, or a symbol is no share and no option.
    """

    def __init__(
        self,
        key: str,
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
        if (urlsplit(url).hostname or "").startswith(_LATE_HOST):
            options = replace(options, delay_s=max(options.delay_s, LATE_S))
        super().__init__(
            PolygonDialect(key, symbols=symbols, channels=channels),
            url=checked_host(
                url, schemes=("wss", "ws"), hosts=HOSTS, owner="Polygon", has_path=True
            ),
            symbols=symbols,
            channels=channels,
            filler=filler,
            secrets=(key,),
            rng=rng,
            since=since,
            loop=loop,
            options=options,
            timing=timing,
            listener=listener,
        )


async def _answered(line: Line, status: str) -> None:
    statuses, _ = _statuses(await line.recv())
    message = statuses[0] if statuses else {}
    if message.get("status") != status:
        raise _refusal(message, f"{status} was expected")


def _statuses(frame: Frame) -> tuple[list[Row], bool]:
    """Return the statuses of a frame, and whether it holds anything else."""
    messages = messages_of(frame)
    statuses = [message for message in messages if message.get("ev") == "status"]
    return statuses, len(statuses) < len(messages)


def _refusal(message: Row, due: str) -> NetError:
    """Return the error of a status: some will be the same however often it is tried."""
    said = f"the stream said {message.get('status')}: {message.get('message')}; {due}"
    if str(message.get("status")) in _LATER:
        return NetError(said)
    return Refused(f"{said}. Check the key, and that the plan has these channels")


def _fault(message: Row) -> Fault | None:
    if str(message.get("status")) in _GOOD:
        return None
    text = f"the stream said {message.get('status')}: {message.get('message')}"
    is_slow = "slow" in text.lower()
    return Fault(TroubleKind.SLOW if is_slow else TroubleKind.VENDOR, text)


def _time(value: object) -> int:
    """Return milliseconds as microseconds; what is none is marked where the row is read."""
    if not isinstance(value, int) or not 0 < value < _LAST_MS:
        return NO_TIME
    return value * _MS


def _at(message: Row, key: str) -> int:
    time = _time(message.get(key))
    if time == NO_TIME:
        raise Unreadable(f"{key} should be milliseconds, got {message.get(key)!r}")
    return time


def _with_second(
    minute: Mapping[str, Any] | None,  # Any: as it was made here
    start: int,
    second: Mapping[str, float],
) -> dict[str, Any]:
    """Return the bar of a minute with one second more, or of the minute that the second opens."""
    if minute is None or minute["s"] < start:
        return {"s": start, **second, "seconds": 1}
    volume = minute["v"] + second["v"]
    turnover = minute["v"] * minute["vw"] + second["v"] * second["vw"]
    return {
        "s": minute["s"],
        "o": minute["o"],
        "h": max(minute["h"], second["h"]),
        "l": min(minute["l"], second["l"]),
        "c": second["c"],
        "v": volume,
        "vw": turnover / volume if volume else second["vw"],
        "seconds": minute["seconds"] + 1,
    }
