"""Quotes and trading halts of Alpaca's market-data websocket.

Only these two kinds are subscribed to: what an order is checked against, and whether it may be
sent at all.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from alphalens.data._streams.alpaca_greeting import greeted, log_in, quote_from
from alphalens.data.alpaca_hosts import STREAM_HOSTS
from alphalens.data.alpaca_symbols import symbol_from, symbol_to
from alphalens.data.inbox import Inbox
from alphalens.net import (
    LoopThread,
    Redactor,
    StreamSettings,
    Timing,
)
from alphalens.net.endpoint import checked_host
from alphalens.net.exact_json import instant, loads, rows
from alphalens.net.failures import Unreadable
from alphalens.net.line import Frame, Line
from alphalens.trading.market import Quote, TradingStatus

__all__ = ["AlpacaDataStream", "readings_from"]

_MACHINE = Timing()
_HALTED = frozenset({"2", "H", "P", "Q", "O", "D"})
_TRADING = frozenset({"3", "T"})


class AlpacaDataStream:
    """The present quotes and trading statuses of some symbols.

    Parameters
    ----------
    key, secret : str
        Credentials; they are never shown.
    url : str
        Whole address of the stream, such as ``wss://stream.data.alpaca.markets/v2/iex``, or one
        on this machine.
    symbols : sequence of str
        Canonical symbols.
    rng : Random
        Jitter between two tries to connect.
    loop : LoopThread, optional
        Where it runs; None makes one of its own, which `close` ends.
    size : int
        Messages that wait for `take` at most; then the socket is not read.
    timing : Timing
        Clocks and sleep.

    Raises
    ------
    ConfigError
        If the host is neither Alpaca's nor this machine, or a real one is spoken to in clear
        text.
    InputError
        If Alpaca has no name for a symbol.
    """

    def __init__(
        self,
        key: str,
        secret: str,
        *,
        url: str,
        symbols: Sequence[str],
        rng: random.Random,
        loop: LoopThread | None = None,
        size: int = 10_000,
        timing: Timing = _MACHINE,
    ) -> None:
        self._key, self._secret = key, secret
        self._names = [symbol_to(symbol) for symbol in symbols]
        self._redact = Redactor.of([key, secret])
        self._url = checked_host(
            url, schemes=("wss", "ws"), hosts=STREAM_HOSTS, owner="Alpaca", has_path=True
        )
        self._own_loop: LoopThread | None = None
        if loop is None:
            loop = self._own_loop = LoopThread("alpaca-data")
        self.unreadable = 0
        self._inbox: Inbox[Quote | TradingStatus] = Inbox(
            StreamSettings(url=self._url),
            hello=self._hello,
            read=self._read,
            loop=loop,
            rng=rng,
            size=size,
            redact=self._redact,
            timing=timing,
        )

    def __repr__(self) -> str:
        return f"AlpacaDataStream({self._url!r}, {len(self._names)} symbols)"

    @property
    def is_up(self) -> bool:
        """Whether it is connected and subscribed."""
        return self._inbox.is_up

    @property
    def gaps(self) -> int:
        """How often it was lost so far; what was told meanwhile is not told again."""
        return self._inbox.gaps

    @property
    def problem(self) -> str:
        """What is wrong with the connection; empty if nothing is."""
        return self._inbox.problem

    def open(self) -> Self:
        """Start to connect, and return at once."""
        self._inbox.open()
        return self

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._inbox.close()
        if self._own_loop is not None:
            self._own_loop.close()

    def wait_until_up(self, timeout_s: float) -> bool:
        """Wait until it is up and return True, or False after `timeout_s` seconds."""
        return self._inbox.wait_until_up(timeout_s)

    def take(self) -> tuple[Quote | TradingStatus, ...]:
        """Return what has come since the last call, in order."""
        return self._inbox.take()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _hello(self, line: Line) -> None:
        await log_in(line, self._key, self._secret)
        wanted = {"action": "subscribe", "quotes": self._names, "statuses": self._names}
        await line.send(json.dumps(wanted))
        await greeted(line, "subscription")

    def _read(self, frame: Frame) -> Iterator[Quote | TradingStatus]:
        values, unread = readings_from(frame)
        self.unreadable += unread
        yield from values


def readings_from(frame: Frame) -> tuple[list[Quote | TradingStatus], int]:
    """Return the quotes and statuses of a frame, and how many messages could not be read.

    Examples
    --------
    >>> text = '[{"T":"s","S":"SPY","sc":"H","sm":"Halt","t":"2026-01-05T15:00:00Z"}]'
    >>> values, unreadable = readings_from(text)
    >>> values[0].symbol, values[0].is_halted, unreadable
    ('SPY', True, 0)
    """
    try:
        messages = rows(loads(frame), "frame")
    except Unreadable:
        return [], 1
    values: list[Quote | TradingStatus] = []
    unread = 0
    for message in messages:
        try:
            kind = message.get("T")
            if kind == "q":
                values.append(quote_from(message, symbol_from(message.get("S"))))
            elif kind == "s":
                values.append(_status(message))
        except Unreadable:
            unread += 1
    return values, unread


def _status(message: Mapping[str, Any]) -> TradingStatus:
    code = str(message.get("sc", ""))
    said = (message.get("sm"), message.get("rc"), message.get("rm"))
    return TradingStatus(
        symbol=symbol_from(message.get("S")),
        at=instant(message.get("t"), "t"),
        code=code,
        is_halted=True if code in _HALTED else False if code in _TRADING else None,
        reason=" ".join(part for part in said if isinstance(part, str) and part),
    )
