"""What a test may do to the host: its data and its plan."""

from __future__ import annotations

from alphalens.testing.alpaca_server.data import timeframe_name
from alphalens.testing.loopback.clock import VenueClock
from alphalens.testing.loopback.control import Control
from alphalens.testing.loopback.faults import FaultBox

from .tape import Row, extend
from .vendor import AlpacaData


class AlpacaDataControl(Control):
    """The hand on the host. Rows are given as its wire has them, oldest first, also bad ones."""

    def __init__(self, vendor: AlpacaData, faults: FaultBox, clock: VenueClock) -> None:
        super().__init__(faults, clock, vendor.lock)
        self._vendor = vendor
        self._tape = vendor.tape

    def add_bars(self, symbol: str, rows: list[Row], timeframe: str = "1Day") -> None:
        """Add bars: ``t`` as RFC 3339, ``o h l c v n vw``."""
        with self._lock:
            key = (symbol, timeframe_name(timeframe))
            extend(self._tape.bars.setdefault(key, []), rows)

    def add_quotes(self, symbol: str, rows: list[Row]) -> None:
        """Add quotes: ``t bp bs ap as`` and what else is known."""
        with self._lock:
            extend(self._tape.quotes.setdefault(symbol, []), rows)

    def add_trades(self, symbol: str, rows: list[Row]) -> None:
        """Add trades: ``t p s`` and what else is known."""
        with self._lock:
            extend(self._tape.trades.setdefault(symbol, []), rows)

    def set_greeks(self, symbol: str, told: Row) -> None:
        """Set what the snapshot of an option says besides: ``impliedVolatility``, ``greeks``."""
        with self._lock:
            self._tape.greeks[symbol] = told

    def add_news(self, rows: list[Row]) -> None:
        """Add articles as /v1beta1/news has them; ``updated_at`` decides when they are told."""
        with self._lock:
            self._tape.news.extend(rows)

    def announce(self, group: str, rows: list[Row]) -> None:
        """Add corporate actions to a group of /v1/corporate-actions, as ``forward_splits``."""
        with self._lock:
            self._tape.announced.setdefault(group, []).extend(rows)

    def set_rate_limit(self, per_minute: int | None) -> None:
        """Set how many requests a minute are answered; None for any number."""
        self._vendor.limit.per_minute = per_minute
