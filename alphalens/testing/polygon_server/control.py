"""What a test may do to the vendor: its data, its plan, its stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alphalens.testing.loopback.clock import VenueClock
from alphalens.testing.loopback.control import Control
from alphalens.testing.loopback.faults import FaultBox

from .stream import Stream
from .tape import MINUTE, Row
from .vendor import Polygon

OnLoop = Callable[[Callable[[], Any]], Any]
_MINUTE_MS = 60_000


class PolygonControl(Control):
    """The hand on the vendor. Rows are given as its wire has them, also bad ones."""

    def __init__(
        self, vendor: Polygon, stream: Stream, faults: FaultBox, clock: VenueClock
    ) -> None:
        super().__init__(faults, clock, vendor.lock)
        self._vendor = vendor
        self._tape = vendor.tape
        self._stream = stream
        self._on_loop: OnLoop | None = None

    def attach_loop(self, on_loop: OnLoop) -> None:
        """Take what runs a function where the websockets live."""
        self._on_loop = on_loop

    def _run(self, act: Callable[[], Any]) -> Any:
        if self._on_loop is None:
            raise RuntimeError("the vendor is not served: build its server first")
        return self._on_loop(act)

    def add_aggs(
        self, ticker: str, rows: list[Row], multiplier: int = 1, timespan: str = "day"
    ) -> None:
        """Add bars, unadjusted: ``t`` in milliseconds, ``o h l c v`` and, if known, ``vw n otc``.

        They are told in the order in which they are given. A daily bar's ``t`` is
        `times.day_start_ms` of its day.
        """
        with self._lock:
            key = (ticker, multiplier, timespan)
            self._tape.aggs.setdefault(key, []).extend(rows)

    def clear_aggs(self, ticker: str) -> None:
        """Forget every bar of a ticker."""
        with self._lock:
            for key in [key for key in self._tape.aggs if key[0] == ticker]:
                del self._tape.aggs[key]

    def add_quotes(self, ticker: str, rows: list[Row]) -> None:
        """Add quotes as /v3/quotes has them, oldest first."""
        with self._lock:
            self._tape.quotes.setdefault(ticker, []).extend(rows)

    def add_trades(self, ticker: str, rows: list[Row]) -> None:
        """Add trades as /v3/trades has them, oldest first."""
        with self._lock:
            self._tape.trades.setdefault(ticker, []).extend(rows)

    def add_splits(self, rows: list[Row]) -> None:
        """Add splits: ``ticker execution_date split_from split_to``; adjusted bars follow them."""
        with self._lock:
            self._tape.splits.extend(rows)

    def add_dividends(self, rows: list[Row]) -> None:
        """Add dividends: ``ticker cash_amount ex_dividend_date`` and what else is known."""
        with self._lock:
            self._tape.dividends.extend(rows)

    def add_contracts(self, rows: list[Row]) -> None:
        """Add option contracts as /v3/reference/options/contracts has them."""
        with self._lock:
            self._tape.contracts.extend(rows)

    def add_option_snapshots(self, underlying: str, rows: list[Row]) -> None:
        """Add rows of an option chain as /v3/snapshot/options has them."""
        with self._lock:
            self._tape.chain.setdefault(underlying, []).extend(rows)

    def add_news(self, rows: list[Row]) -> None:
        """Add articles as /v2/reference/news has them; ``tickers`` is a list."""
        with self._lock:
            self._tape.news.extend(rows)

    def add_tickers(self, rows: list[Row]) -> None:
        """Add tickers as /v3/reference/tickers has them."""
        with self._lock:
            self._tape.tickers.extend(rows)

    def add_holidays(self, rows: list[Row]) -> None:
        """Add holidays: ``date exchange name status``, of early closes ``open close`` too."""
        with self._lock:
            self._tape.holidays.extend(rows)

    def forbid(self, path: str, message: str = "") -> None:
        """Answer 403 for paths that begin with this regular expression, as a small plan does."""
        self._vendor.forbidden[path] = message

    def allow_all(self) -> None:
        """Take back what `forbid` said."""
        self._vendor.forbidden.clear()

    def set_rate_limit(self, per_minute: int | None) -> None:
        """Set how many requests a minute of each key are answered; None for any number."""
        self._vendor.set_rate_limit(per_minute)

    def publish(self, events: list[Row]) -> None:
        """Send events to whoever wants them, in one frame; each has ``ev`` and ``sym``."""
        self._run(lambda: self._stream.publish(events))

    def publish_text(self, text: str) -> None:
        """Send any text to every connection whose key is known."""
        self._run(lambda: self._stream.publish_text(text))

    def minute(self, ticker: str, row: Row) -> None:
        """Add a minute's bar, as `add_aggs` takes it, and send it as an ``AM`` event."""
        self.add_aggs(ticker, [row], *MINUTE)
        event = {"ev": "AM", "sym": ticker, "s": row["t"], "e": row["t"] + _MINUTE_MS}
        event |= {name: row[name] for name in ("o", "h", "l", "c", "v", "vw") if name in row}
        self.publish([event])

    def trade(self, ticker: str, row: Row) -> None:
        """Add a trade, as `add_trades` takes it, and send it as a ``T`` event."""
        self.add_trades(ticker, [row])
        event = {"ev": "T", "sym": ticker, "p": row["price"], "s": row["size"]}
        event |= {"t": row["sip_timestamp"] // 1_000_000, "c": row.get("conditions", [])}
        self.publish([event | {"i": row.get("id", ""), "x": row.get("exchange", 0), "z": 3}])

    def quote(self, ticker: str, row: Row) -> None:
        """Add a quote, as `add_quotes` takes it, and send it as a ``Q`` event."""
        self.add_quotes(ticker, [row])
        names = {"bp": "bid_price", "bs": "bid_size", "ap": "ask_price", "as": "ask_size"}
        event = {"ev": "Q", "sym": ticker, "t": row["sip_timestamp"] // 1_000_000, "z": 3}
        self.publish([event | {short: row[name] for short, name in names.items()}])

    def drop_stream(self) -> None:
        """Cut every connection of the stream."""
        self._run(self._stream.drop)

    def mute(self, on: bool = True) -> None:
        """Keep the stream connected and send no events from now on; they are lost."""
        self._stream.is_mute = on

    def allow_connections(self, count: int | None) -> None:
        """Set how many connections of the stream may be open; None for any number."""
        self._stream.allowed = count

    def stream_state(self) -> dict[str, Any]:
        """Return ``opened``, how many connections there ever were, and the ``subscriptions``."""
        return {"opened": self._stream.opened, "subscriptions": self._stream.subscriptions}
