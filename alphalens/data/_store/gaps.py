"""Where bars are missing: found, asked for once more, and closed when bars come.

A gap lies between two instants, both outside it: the bars on its sides, or for an answer that
was empty the limits of what was asked for. Nothing is ever put into it but a vendor's bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from alphalens.data._store.names import known_series, number_series
from alphalens.data.bars import Adjustment, Timeframe, micros
from alphalens.data.gaps import Gap
from alphalens.data.reasons import Reason
from alphalens.storage.schema import bars, gaps, series

__all__ = ["KeptGap", "close", "find", "note", "tried"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Key = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptGap:
    """A gap on record.

    Attributes
    ----------
    gap : Gap
        What is missing.
    timeframe, adjustment : Timeframe, Adjustment
        Of the series.
    series_id : int
        Its number in the store.
    found : datetime
        When it was found first.
    tried : datetime or None
        When it was asked for again.
    closed : datetime or None
        When bars had come.
    """

    gap: Gap
    timeframe: Timeframe
    adjustment: Adjustment
    series_id: int
    found: datetime
    tried: datetime | None
    closed: datetime | None


def note(
    connection: sa.Connection,
    found: Sequence[Gap],
    timeframe: Timeframe,
    adjustment: Adjustment,
    at: datetime,
) -> int:
    """Put gaps on record, those that are not there yet; return how many these were."""
    if not found:
        return 0
    symbols = list(dict.fromkeys(gap.symbol for gap in found))
    ids = number_series(connection, symbols, timeframe, adjustment)
    first, last = min(g.after for g in found), max(g.before for g in found)
    query = sa.select(gaps.c.series_id, gaps.c.begins, gaps.c.ends).where(
        gaps.c.series_id.in_([ids[symbol] for symbol in symbols]),
        gaps.c.begins >= micros(first),
        gaps.c.ends <= micros(last),
    )
    known: set[_Key] = {(row[0], row[1], row[2]) for row in connection.execute(query)}
    rows = {}
    for gap in found:
        key = ids[gap.symbol], micros(gap.after), micros(gap.before)
        if key not in known:
            rows[key] = {
                **dict(zip(("series_id", "begins", "ends"), key, strict=True)),
                "count": gap.count,
                "reason": gap.reason.value,
                "found": micros(at),
                "tried": 0,
                "closed": 0,
            }
    if rows:
        connection.execute(gaps.insert(), list(rows.values()))
    return len(rows)


def find(
    connection: sa.Connection, symbols: Sequence[str] | None, *, is_open: bool | None
) -> list[KeptGap]:
    """Return gaps by symbol and time."""
    columns = ("series_id", "begins", "ends", "count", "reason", "found", "tried", "closed")
    query = (
        sa.select(
            series.c.symbol,
            series.c.timeframe,
            series.c.adjustment,
            *(gaps.c[name] for name in columns),
        )
        .join(series, series.c.id == gaps.c.series_id)
        .order_by(series.c.symbol, series.c.timeframe, series.c.adjustment, gaps.c.begins)
    )
    if symbols is not None:
        query = query.where(series.c.symbol.in_(symbols))
    if is_open is not None:
        query = query.where((gaps.c.closed == 0) if is_open else (gaps.c.closed != 0))
    return [_kept(row) for row in connection.execute(query)]


def tried(connection: sa.Connection, kept: Sequence[KeptGap], at: datetime) -> None:
    """Remember that gaps were asked for again."""
    done = (
        sa.update(gaps)
        .where(
            gaps.c.series_id == sa.bindparam("of"),
            gaps.c.begins == sa.bindparam("after"),
            gaps.c.ends == sa.bindparam("before"),
        )
        .values(tried=micros(at))
    )
    keys = [
        {"of": k.series_id, "after": micros(k.gap.after), "before": micros(k.gap.before)}
        for k in kept
    ]
    if keys:
        connection.execute(done, keys)


def close(
    connection: sa.Connection,
    symbols: Sequence[str],
    timeframe: Timeframe,
    adjustment: Adjustment,
    at: datetime,
) -> int:
    """Close the open gaps of series in which there are bars by now; return how many."""
    ids = list(known_series(connection, symbols, timeframe, adjustment).ids.values())
    has_bars = sa.exists().where(
        bars.c.series_id == gaps.c.series_id,
        bars.c.time > gaps.c.begins,
        bars.c.time < gaps.c.ends,
    )
    still_open = gaps.c.series_id.in_(ids), gaps.c.closed == 0
    done = sa.update(gaps).where(*still_open, has_bars).values(closed=micros(at))
    return connection.execute(done).rowcount


def _kept(row: sa.Row[tuple[object, ...]]) -> KeptGap:
    told = row._mapping
    gap = Gap(
        symbol=told["symbol"],
        after=_instant(told["begins"]),
        before=_instant(told["ends"]),
        count=told["count"],
        reason=Reason(told["reason"]),
    )
    return KeptGap(
        gap=gap,
        timeframe=Timeframe(told["timeframe"]),
        adjustment=Adjustment(told["adjustment"]),
        series_id=told["series_id"],
        found=_instant(told["found"]),
        tried=_instant(told["tried"]) if told["tried"] else None,
        closed=_instant(told["closed"]) if told["closed"] else None,
    )


def _instant(time: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time)
