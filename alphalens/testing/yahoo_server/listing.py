"""What the vendor knows of a symbol: rows as traded, its actions, its exchange, its options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
PRICES = ("open", "high", "low", "close")
_PRE = timedelta(hours=5, minutes=30)
_POST = timedelta(hours=4)


@dataclass(slots=True, kw_only=True)
class Listing:
    """One symbol.

    Attributes
    ----------
    bars
        By interval, as traded: ``timestamp`` in seconds, ``open high low close volume``, and
        ``adjclose`` where it is not to be worked out.
    dividends, splits
        Amounts as paid, and ratios, by the day from which they hold.
    options
        Calls and puts by expiration in seconds.
    quote
        What the options page tells of the underlying.
    """

    symbol: str
    currency: str = "USD"
    instrument: str = "EQUITY"
    zone: str = "America/New_York"
    opens: time = time(9, 30)
    closes: time = time(16)
    bars: dict[str, list[Row]] = field(default_factory=dict)
    dividends: dict[date, float] = field(default_factory=dict)
    splits: dict[date, tuple[float, float]] = field(default_factory=dict)
    options: dict[int, dict[str, list[Row]]] = field(default_factory=dict)
    quote: Row = field(default_factory=dict)

    def day(self, seconds: float) -> date:
        """Return the exchange's day of an instant."""
        return datetime.fromtimestamp(seconds, ZoneInfo(self.zone)).date()

    def open_s(self, day: date) -> int:
        """Return the instant at which a session opens, which is the time of its daily row."""
        return self._at(day, self.opens)

    def close_s(self, day: date) -> int:
        """Return the instant at which a session closes."""
        return self._at(day, self.closes)

    def _at(self, day: date, clock: time) -> int:
        return int(datetime.combine(day, clock, tzinfo=ZoneInfo(self.zone)).timestamp())

    def periods(self, day: date) -> dict[str, Row]:
        """Return the trading before, in and after the session of a day."""
        opens, closes = self.open_s(day), self.close_s(day)
        bounds = {
            "pre": (opens - int(_PRE.total_seconds()), opens),
            "regular": (opens, closes),
            "post": (closes, closes + int(_POST.total_seconds())),
        }
        local = datetime.fromtimestamp(opens, ZoneInfo(self.zone))
        common = {"timezone": local.tzname(), "gmtoffset": self.offset_s(opens)}
        return {name: {**common, "start": a, "end": b} for name, (a, b) in bounds.items()}

    def offset_s(self, seconds: float) -> int:
        """Return how far the exchange's clock is from UTC at an instant."""
        offset = datetime.fromtimestamp(seconds, ZoneInfo(self.zone)).utcoffset()
        return int((offset or timedelta()).total_seconds())

    def split_factor(self, day: date) -> float:
        """Return what a price of a day is divided by for the splits after it."""
        factor = 1.0
        for executed, (to, of) in self.splits.items():
            factor *= to / of if day < executed else 1.0
        return factor

    def shown(self, row: Row) -> Row:
        """Return a row as the chart shows it: adjusted for splits, never as traded."""
        if not is_time(row.get("timestamp")):
            return row
        factor = self.split_factor(self.day(row["timestamp"]))
        if factor == 1:
            return row
        divided = {n: row[n] / factor for n in (*PRICES, "adjclose") if is_number(row.get(n))}
        if is_number(row.get("volume")):
            divided["volume"] = int(row["volume"] * factor)
        return row | divided

    def dividend_factors(self) -> dict[date, float]:
        """Return, by ex-day, what earlier closes are multiplied by: 1 - paid / close before it.

        A dividend without a close before its ex-day adjusts nothing.
        """
        closes = dict(self._closes())
        factors = {}
        for ex_day, amount in self.dividends.items():
            before = [day for day in closes if day < ex_day]
            if before:
                factors[ex_day] = 1 - amount / closes[max(before)]
        return factors

    def _closes(self) -> Iterator[tuple[date, float]]:
        for row in self.bars.get("1d", []):
            if is_time(row.get("timestamp")) and is_number(row.get("close")) and row["close"] > 0:
                yield self.day(row["timestamp"]), row["close"]


def is_time(value: object) -> bool:
    """Return whether a time is a whole number, as it should be."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Return whether a value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def midnight_utc(day: str) -> int:
    """Return midnight UTC of a day, which is how the vendor names an expiration.

    >>> midnight_utc("2024-01-19")
    1705622400
    """
    return int(datetime.combine(date.fromisoformat(day), time(), tzinfo=UTC).timestamp())
