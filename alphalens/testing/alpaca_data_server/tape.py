"""The host's own data: rows as its wire has them, in the order in which they were given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from alphalens.testing.loopback.clock import parse_instant

Row = dict[str, Any]
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Point:
    """A bar, a quote or a trade; `time` is when it is told, `row` what is told."""

    time: datetime
    row: Row

    def to_json(self) -> Row:
        """Return the row."""
        return self.row


@dataclass(slots=True)
class DataTape:
    """Everything that the host knows; see `alphalens.testing.alpaca_server.data.Prices`."""

    bars: dict[tuple[str, str], list[Point]] = field(default_factory=dict)
    quotes: dict[str, list[Point]] = field(default_factory=dict)
    trades: dict[str, list[Point]] = field(default_factory=dict)
    greeks: dict[str, Row] = field(default_factory=dict)
    news: list[Row] = field(default_factory=list)
    announced: dict[str, list[Row]] = field(default_factory=dict)


def extend(points: list[Point], rows: list[Row]) -> None:
    """Add rows; one whose instant cannot be read is told with the row before it."""
    for row in rows:
        before = points[-1].time if points else _BEGIN
        points.append(Point(_read(row.get("t"), before), row))


def _read(value: object, otherwise: datetime) -> datetime:
    try:
        return parse_instant(value) if isinstance(value, str) else otherwise
    except ValueError:
        return otherwise
