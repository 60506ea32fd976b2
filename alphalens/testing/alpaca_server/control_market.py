"""The market and the time, as a test sets them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from alphalens.testing.loopback.clock import parse_instant

from .assets import stock
from .data import timeframe_name
from .parts import Number, Parts, decimal
from .records import rfc3339
from .tape import Bar, Liquidity, Mark, Quote, Trade


class MarketControl:
    """Prices, halts, listings and the clock."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._core = parts.venue.core
        self._book = parts.venue.book

    def _told(self, kind: str, symbol: str, body: dict[str, Any]) -> dict[str, Any]:
        self._parts.tell(kind, symbol, body)
        return body

    def set_quote(
        self,
        symbol: str,
        bid: Number,
        ask: Number,
        bid_size: Number | None = None,
        ask_size: Number | None = None,
    ) -> dict[str, Any]:
        """Set the best bid and ask and match what rests; a size of None never runs out."""
        with self._core.transaction():
            name = self._listed(symbol)
            quote = Quote(
                symbol=name,
                bid=decimal(bid),
                ask=decimal(ask),
                bid_size=None if bid_size is None else decimal(bid_size),
                ask_size=None if ask_size is None else decimal(ask_size),
                time=self._core.clock.stamp(),
            )
            self._core.tape.quote(quote)
            self._parts.venue.matcher.sweep(name)
        self._parts.publish()
        return self._told("q", name, quote.to_json())

    def trade(self, symbol: str, price: Number, size: Number | None = None) -> dict[str, Any]:
        """Print a trade of the market: it triggers stops and fills what rests at its price."""
        with self._core.transaction():
            name = self._listed(symbol)
            told = Trade(
                id=1 + sum(map(len, self._core.tape.trades.values())),
                symbol=name,
                price=decimal(price),
                size=Decimal(100) if size is None else decimal(size),
                time=self._core.clock.stamp(),
            )
            self._core.tape.trade(told)
            left = Liquidity(None if size is None else told.size)
            mark = Mark(bid=told.price, ask=told.price, bids=left, asks=left)
            self._parts.venue.matcher.sweep(name, mark)
        self._parts.publish()
        return self._told("t", name, told.to_json())

    def add_asset(self, symbol: str, exchange: str = "NASDAQ", **flags: bool) -> dict[str, Any]:
        """List a stock; flags are `tradable marginable shortable easy_to_borrow fractionable`."""
        with self._core.transaction():
            return self._book.catalogue.add(stock(symbol, exchange, **flags)).to_json()

    def _listed(self, symbol: str) -> str:
        asset = self._book.catalogue.find(symbol)
        return (asset or self._book.catalogue.add(stock(symbol))).symbol

    def bar(
        self,
        symbol: str,
        open: Number,  # noqa: A002 - the four prices of a bar have these names
        high: Number,
        low: Number,
        close: Number,
        volume: Number = 1000,
        time: datetime | str | None = None,
        timeframe: str = "1Min",
        match: bool = True,
    ) -> dict[str, Any]:
        """Add a bar, tell the stream, and let resting orders meet its prices one after the other.

        `time` is when the bar opens, by default a minute ago; bars of history come in with
        `match` off, which also keeps them off the stream.
        """
        with self._core.transaction():
            name = self._listed(symbol)
            began = self._core.clock.now() - timedelta(minutes=1)
            told = Bar(
                symbol=name,
                timeframe=timeframe_name(timeframe),
                time=began if time is None else parse_instant(time),
                open=decimal(open),
                high=decimal(high),
                low=decimal(low),
                close=decimal(close),
                volume=decimal(volume),
            )
            self._core.tape.bar(told)
            for price in told.path() if match else ():
                self._meet(name, price)
        self._parts.publish()
        kind = "d" if told.timeframe == "1Day" else "b"
        return self._told(kind, name, told.to_json()) if match else told.to_json()

    def set_greeks(self, symbol: str, told: dict[str, Any]) -> None:
        """Set what the snapshot of an option says besides: ``impliedVolatility``, ``greeks``."""
        with self._core.lock:
            self._core.tape.greeks[self._listed(symbol)] = told

    def add_news(self, rows: list[dict[str, Any]]) -> None:
        """Add articles as /v1beta1/news has them; ``updated_at`` decides when they are told."""
        with self._core.lock:
            self._core.tape.news.extend(rows)

    def announce(self, group: str, rows: list[dict[str, Any]]) -> None:
        """Add corporate actions to a group of /v1/corporate-actions, as ``forward_splits``.

        The account's own books do not change: see `Control.act`.
        """
        with self._core.lock:
            self._core.tape.announced.setdefault(group, []).extend(rows)

    def _meet(self, symbol: str, price: Decimal) -> None:
        endless = Liquidity(None)
        mark = Mark(bid=price, ask=price, bids=endless, asks=endless)
        self._parts.venue.matcher.sweep(symbol, mark)

    def halt(self, symbol: str, reason: str = "Volatility Trading Pause") -> dict[str, Any]:
        """Halt a symbol: orders rest, nothing fills, and the stream tells the status."""
        with self._core.transaction():
            self._core.tape.halted.add(self._listed(symbol))
        body = {"sc": "H", "sm": "Trading Halt", "rc": "LUDP", "rm": reason}
        return self._status(symbol, body)

    def resume(self, symbol: str) -> dict[str, Any]:
        """End a halt; what rests meets the last quote."""
        with self._core.transaction():
            self._core.tape.halted.discard(symbol)
            self._parts.venue.matcher.sweep(symbol)
        self._parts.publish()
        return self._status(symbol, {"sc": "T", "sm": "Trading Resumption", "rc": "", "rm": ""})

    def _status(self, symbol: str, body: dict[str, Any]) -> dict[str, Any]:
        moment = rfc3339(self._core.clock.stamp())
        return self._told("s", symbol, body | {"t": moment, "z": "C"})

    def bands(self, symbol: str, up: Number, down: Number) -> dict[str, Any]:
        """Tell the limit-up and limit-down prices of a symbol."""
        moment = rfc3339(self._core.clock.stamp())
        body = {"u": float(decimal(up)), "d": float(decimal(down)), "i": "B", "t": moment, "z": "C"}
        return self._told("l", symbol, body)

    def set_time(self, instant: datetime | str) -> str:
        """Move the clock, through every session boundary on the way."""
        self._parts.venue.time.advance_to(parse_instant(instant))
        self._parts.publish()
        return self.now()

    def advance(self, seconds: float) -> str:
        """Move the clock by so many seconds."""
        return self.set_time(self._core.clock.now() + timedelta(seconds=seconds))

    def now(self) -> str:
        """Return the time of the venue."""
        return self._core.clock.now().isoformat()
