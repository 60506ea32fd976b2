"""What a test may do to the vendor: its symbols, their rows and actions, its visitors."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from alphalens.testing.loopback.clock import VenueClock
from alphalens.testing.loopback.control import Control
from alphalens.testing.loopback.faults import FaultBox

from .listing import Listing, Row, midnight_utc
from .vendor import Yahoo


class YahooControl(Control):
    """The hand on the vendor. Rows are given as traded, also bad ones."""

    def __init__(self, vendor: Yahoo, faults: FaultBox, clock: VenueClock) -> None:
        super().__init__(faults, clock, vendor.lock)
        self._vendor = vendor

    def add_symbol(
        self,
        symbol: str,
        *,
        currency: str = "USD",
        instrument: str = "EQUITY",
        zone: str = "America/New_York",
        opens: str = "09:30",
        closes: str = "16:00",
    ) -> None:
        """List a symbol; `add_bars` lists an unknown one as a share in New York."""
        with self._lock:
            self._vendor.listings[symbol] = Listing(
                symbol=symbol,
                currency=currency,
                instrument=instrument,
                zone=zone,
                opens=time.fromisoformat(opens),
                closes=time.fromisoformat(closes),
            )

    def _listed(self, symbol: str) -> Listing:
        return self._vendor.listings.setdefault(symbol, Listing(symbol=symbol))

    def add_bars(self, symbol: str, rows: list[Row], interval: str = "1d") -> None:
        """Add rows: ``open high low close volume``, and when.

        When is ``timestamp`` in seconds, or ``day`` as ``2024-01-02``, which is the opening of
        that session. They are told in the order in which they are given, prices and volumes
        divided by the splits after them; ``adjclose`` is worked out where a row has none.
        """
        with self._lock:
            listing = self._listed(symbol)
            listing.bars.setdefault(interval, []).extend(_timed(listing, row) for row in rows)

    def clear_bars(self, symbol: str) -> None:
        """Forget every row of a symbol, which stays listed."""
        with self._lock:
            self._listed(symbol).bars.clear()

    def delist(self, symbol: str) -> None:
        """Forget a symbol."""
        with self._lock:
            self._vendor.listings.pop(symbol, None)

    def add_dividend(self, symbol: str, ex_day: str, amount: float) -> None:
        """Add a dividend, as it was paid."""
        with self._lock:
            self._listed(symbol).dividends[date.fromisoformat(ex_day)] = amount

    def add_split(self, symbol: str, day: str, numerator: float, denominator: float) -> None:
        """Add a split: `numerator` shares for `denominator` old ones from a day on."""
        with self._lock:
            self._listed(symbol).splits[date.fromisoformat(day)] = (numerator, denominator)

    def add_options(self, symbol: str, expiration: str, calls: list[Row], puts: list[Row]) -> None:
        """Add the contracts of an expiration, rows as /v7/finance/options has them."""
        with self._lock:
            sides = self._listed(symbol).options.setdefault(midnight_utc(expiration), {})
            sides.setdefault("calls", []).extend(calls)
            sides.setdefault("puts", []).extend(puts)

    def set_quote(self, symbol: str, quote: dict[str, Any]) -> None:
        """Set what the options page tells of the underlying, as ``regularMarketPrice``."""
        with self._lock:
            self._listed(symbol).quote = quote

    def set_rate_limit(self, per_minute: int | None) -> None:
        """Set how many requests a minute are answered; None for any number."""
        self._vendor.set_rate_limit(per_minute)

    def forget_visitors(self) -> None:
        """Let every cookie and crumb that was given out be invalid from now on."""
        self._vendor.forget_visitors()


def _timed(listing: Listing, row: Row) -> Row:
    if "day" not in row:
        return row
    rest = {name: value for name, value in row.items() if name != "day"}
    return {"timestamp": listing.open_s(date.fromisoformat(row["day"]))} | rest
