"""The prices that the venue knows: quotes, trades and bars by symbol, set by a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from .records import plain, rfc3339


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Best bid and ask; a size of None means as much as anybody wants."""

    symbol: str
    bid: Decimal
    ask: Decimal
    bid_size: Decimal | None
    ask_size: Decimal | None
    time: datetime

    def to_json(self) -> dict[str, Any]:
        """Return the quote in the keys of the data API."""
        return {
            "t": rfc3339(self.time), "bp": float(self.bid), "ap": float(self.ask),
            "bs": _size(self.bid_size), "as": _size(self.ask_size),
            "bx": "V", "ax": "V", "c": ["R"], "z": "C",
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One trade of the market, not of the account."""

    id: int
    symbol: str
    price: Decimal
    size: Decimal
    time: datetime

    def to_json(self) -> dict[str, Any]:
        """Return the trade in the keys of the data API."""
        return {
            "t": rfc3339(self.time), "p": float(self.price), "s": float(self.size),
            "x": "V", "i": self.id, "c": ["@"], "z": "C",
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar; `time` is when it opens."""

    symbol: str
    timeframe: str
    time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    def path(self) -> tuple[Decimal, ...]:
        """Return open, the nearer extreme, the other one, close: the shortest way through."""
        up_first = self.high - self.open <= self.open - self.low
        return (
            self.open,
            *((self.high, self.low) if up_first else (self.low, self.high)),
            self.close,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the bar in the keys of the data API."""
        mean = (self.high + self.low + self.close) / 3
        return {
            "t": rfc3339(self.time), "o": float(self.open), "h": float(self.high),
            "l": float(self.low), "c": float(self.close), "v": float(self.volume),
            "n": max(1, int(self.volume) // 100), "vw": float(round(mean, 6)),
        }  # fmt: skip


@dataclass(slots=True)
class Liquidity:
    """What one side of the market still gives until the next quote; None has no end."""

    left: Decimal | None

    def take(self, wanted: Decimal, *, whole: bool = False) -> Decimal:
        """Take up to `wanted`, all or nothing when `whole`; return what was had."""
        if self.left is None:
            return wanted
        had = min(self.left, wanted)
        if whole and had < wanted:
            return Decimal(0)
        self.left -= had
        return had


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The market that orders meet: prices of both sides, and what is left to take."""

    bid: Decimal
    ask: Decimal
    bids: Liquidity
    asks: Liquidity


@dataclass(slots=True)
class Tape:
    """Latest and past prices by symbol, and what was announced.

    `news` and, by their group, `announced` are rows as the data API has them; `greeks` are what a
    snapshot of an option says besides its prices.
    """

    quotes: dict[str, list[Quote]] = field(default_factory=dict)
    trades: dict[str, list[Trade]] = field(default_factory=dict)
    bars: dict[tuple[str, str], list[Bar]] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    lastday: dict[str, Decimal] = field(default_factory=dict)
    halted: set[str] = field(default_factory=set)
    news: list[dict[str, Any]] = field(default_factory=list)
    announced: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    greeks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def quote(self, quote: Quote) -> Mark:
        """Record a quote and return the market that it makes."""
        self.quotes.setdefault(quote.symbol, []).append(quote)
        mark = Mark(
            bid=quote.bid,
            ask=quote.ask,
            bids=Liquidity(quote.bid_size),
            asks=Liquidity(quote.ask_size),
        )
        self.marks[quote.symbol] = mark
        return mark

    def trade(self, trade: Trade) -> None:
        """Record a trade of the market."""
        self.trades.setdefault(trade.symbol, []).append(trade)

    def bar(self, bar: Bar) -> None:
        """Record a bar, in the place of one of the same time; bars stay in the order of time."""
        held = self.bars.setdefault((bar.symbol, bar.timeframe), [])
        held[:] = sorted([b for b in held if b.time != bar.time] + [bar], key=lambda b: b.time)

    def price(self, symbol: str) -> Decimal | None:
        """Return the last price: the later of the last trade and the middle of the last quote."""
        quote = self.quotes.get(symbol, [None])[-1]
        trade = self.trades.get(symbol, [None])[-1]
        if trade is not None and (quote is None or trade.time >= quote.time):
            return trade.price
        return None if quote is None else (quote.bid + quote.ask) / 2


def _size(size: Decimal | None) -> float:
    return 100.0 if size is None else float(plain(size))
