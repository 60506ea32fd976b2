"""The vendor's own data: rows as its wire has them, kept in the order in which they were given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from .times import day_of

Row = dict[str, Any]
SeriesKey = tuple[str, int, str]
DAY = (1, "day")
MINUTE = (1, "minute")
_PRICES = ("o", "h", "l", "c", "vw")


@dataclass(slots=True)
class Tape:
    """Everything that the vendor knows.

    Attributes
    ----------
    aggs
        Unadjusted bars by ticker, multiplier and timespan.
    quotes, trades
        By ticker, oldest first, as /v3 has them.
    chain
        Snapshots of options by underlying.
    splits, dividends, contracts, news, tickers
        As the reference endpoints have them.
    holidays
        Of each exchange, as the list of coming holidays has them.
    """

    aggs: dict[SeriesKey, list[Row]] = field(default_factory=dict)
    quotes: dict[str, list[Row]] = field(default_factory=dict)
    trades: dict[str, list[Row]] = field(default_factory=dict)
    chain: dict[str, list[Row]] = field(default_factory=dict)
    splits: list[Row] = field(default_factory=list)
    dividends: list[Row] = field(default_factory=list)
    contracts: list[Row] = field(default_factory=list)
    news: list[Row] = field(default_factory=list)
    tickers: list[Row] = field(default_factory=list)
    holidays: list[Row] = field(default_factory=list)

    def days(self, ticker: str) -> list[Row]:
        """Return the daily bars of a ticker whose time can be read."""
        return [row for row in self.aggs.get((ticker, *DAY), []) if is_instant(row.get("t"))]

    def adjusted(self, ticker: str, rows: list[Row]) -> list[Row]:
        """Return bars as they look after later splits; dividends change nothing."""
        ratios = [
            (date.fromisoformat(s["execution_date"]), s["split_to"] / s["split_from"])
            for s in self.splits
            if s["ticker"] == ticker
        ]
        return [_split(row, ratios) for row in rows] if ratios else rows


def is_instant(value: object) -> bool:
    """Return whether a time is a whole number, as it should be."""
    return isinstance(value, int) and not isinstance(value, bool)


def _split(row: Row, ratios: list[tuple[date, float]]) -> Row:
    if not is_instant(row.get("t")):
        return row
    day, factor = day_of(row["t"]), 1.0
    for executed, ratio in ratios:
        factor *= ratio if day < executed else 1.0
    if factor == 1:
        return row
    changed = {name: row[name] / factor for name in _PRICES if _is_number(row.get(name))}
    if _is_number(row.get("v")):
        changed["v"] = row["v"] * factor
    return row | changed


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
