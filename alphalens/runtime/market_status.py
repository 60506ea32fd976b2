"""What the store of bars has: coverage, gaps, quarantine and refused answers; read-only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.fact_store import FactStore
from alphalens.data.ingest_record import IngestRecord, KeptGap
from alphalens.data.reasons import Reason
from alphalens.data.store import BarStore
from alphalens.errors import ConfigError
from alphalens.storage import reading
from alphalens.storage.schema import quarantine, refused, series

__all__ = ["MarketStatus", "SeriesStatus", "market_status", "redis_counts"]

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesStatus:
    """One series of the store.

    Attributes
    ----------
    symbol : str
        Canonical.
    timeframe, adjustment : Timeframe, Adjustment
        Of the series.
    first, last : datetime or None
        Begins of its first and its last bar (UTC); None without bars.
    bars : int
        How many there are.
    gaps : tuple of KeptGap
        Stretches in which bars are missing, and did not come yet.
    quarantined : int
        Rows that were refused.
    """

    symbol: str
    timeframe: Timeframe
    adjustment: Adjustment
    first: datetime | None
    last: datetime | None
    bars: int
    gaps: tuple[KeptGap, ...]
    quarantined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketStatus:
    """What a store has.

    Attributes
    ----------
    series : tuple of SeriesStatus
        By symbol, timeframe, adjustment.
    unknown : tuple of str
        Symbols that were asked for, and of which there is no series.
    refused : Mapping of (str, Reason) to int
        Answers that were refused whole, by vendor and reason; of all symbols.
    others : Mapping of str to int
        Refused rows that are no bars, such as reports, settles and states of options, by who told
        them; of all symbols.
    facts : Mapping
        How many facts there are, of all symbols: `alphalens.data.fact_store.FactStore.counts`.
    """

    series: tuple[SeriesStatus, ...]
    unknown: tuple[str, ...]
    refused: Mapping[tuple[str, Reason], int]
    others: Mapping[str, int]
    facts: Mapping[str, Sequence[Mapping[str, Any]]]

    @property
    def bars(self) -> int:
        """Return how many bars there are."""
        return sum(one.bars for one in self.series)


def market_status(engine: sa.Engine, symbols: Sequence[str] = ()) -> MarketStatus:
    """Read what a store has.

    Parameters
    ----------
    engine : Engine
        The store's database; opened read-only will do.
    symbols : sequence of str
        Only of these; of all if there are none.

    Raises
    ------
    StorageError
        If the database fails.
    """
    with reading(engine) as connection:
        keys = _keys(connection, symbols)
        aside = _counted(connection)
        others = {str(source): int(count) for source, count in connection.execute(_OTHERS)}
        answers = {
            (str(vendor), Reason(number)): int(count)
            for vendor, number, count in connection.execute(_REFUSED)
        }
    gaps: dict[Key, list[KeptGap]] = {}
    for kept in IngestRecord(engine).gaps(list(symbols) or None, is_open=True):
        key = (kept.gap.symbol, str(kept.timeframe), str(kept.adjustment))
        gaps.setdefault(key, []).append(kept)
    covered = _coverage(BarStore(engine), keys)
    found = tuple(_series(key, covered[key], gaps.get(key, []), aside[key]) for key in keys)
    known = {one.symbol for one in found}
    return MarketStatus(
        series=found,
        unknown=tuple(symbol for symbol in symbols if symbol not in known),
        refused=answers,
        others=others,
        facts=FactStore(engine).counts(),
    )


def _keys(connection: sa.Connection, symbols: Sequence[str]) -> list[Key]:
    """Return the series there are, and those of which there are refused rows only."""
    found: set[Key] = set()
    for table in (series, quarantine):
        columns = table.c.symbol, table.c.timeframe, table.c.adjustment
        query = sa.select(*columns).where(table.c.timeframe != _NO_BARS).distinct()
        if symbols:
            query = query.where(table.c.symbol.in_(list(symbols)))
        found |= {(row[0], row[1], row[2]) for row in connection.execute(query)}
    return sorted(found)


def _counted(connection: sa.Connection) -> Counter[Key]:
    counts = Counter[Key]()
    for symbol, timeframe, adjustment, count in connection.execute(_QUARANTINED):
        counts[symbol, timeframe, adjustment] = count
    return counts


def _coverage(store: BarStore, keys: Sequence[Key]) -> dict[Key, Mapping[Hashable, Any]]:
    by_kind: dict[tuple[str, str], list[str]] = {}
    for symbol, timeframe, adjustment in keys:
        by_kind.setdefault((timeframe, adjustment), []).append(symbol)
    found: dict[Key, Mapping[Hashable, Any]] = {}  # Any: the columns differ
    for (timeframe, adjustment), symbols in by_kind.items():
        table = store.coverage(
            symbols, timeframe=Timeframe(timeframe), adjustment=Adjustment(adjustment)
        )
        for symbol, row in zip(symbols, table.to_dict("records"), strict=True):
            found[symbol, timeframe, adjustment] = row
    return found


def _series(
    key: Key, row: Mapping[Hashable, Any], gaps: Sequence[KeptGap], aside: int
) -> SeriesStatus:
    first, last = row["first"], row["last"]
    return SeriesStatus(
        symbol=key[0],
        timeframe=Timeframe(key[1]),
        adjustment=Adjustment(key[2]),
        first=None if pd.isna(first) else first.to_pydatetime(),
        last=None if pd.isna(last) else last.to_pydatetime(),
        bars=int(row["count"]),
        gaps=tuple(gaps),
        quarantined=aside,
    )


def redis_counts(url: str) -> tuple[int, int] | None:
    """Return the hits and misses of a Redis server since it started, whoever asked it.

    Returns
    -------
    tuple of int or None
        None if it does not answer.

    Raises
    ------
    ConfigError
        If the address cannot be read.
    """
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        with Redis.from_url(
            url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S
        ) as server:
            stats = server.info("stats")
    except ValueError as error:  # a port that is no number, and the like
        raise ConfigError(f"REDIS_URL cannot be read ({error}): redis://host:port/db") from None
    except (RedisError, OSError):
        return None
    return int(stats["keyspace_hits"]), int(stats["keyspace_misses"])


_PATIENCE_S = 1.0
_NO_BARS = ""  # the timeframe of refused rows that are none
_KIND = (quarantine.c.symbol, quarantine.c.timeframe, quarantine.c.adjustment)
_QUARANTINED = sa.select(*_KIND, sa.func.count()).group_by(*_KIND)
_OTHERS = (
    sa.select(quarantine.c.source, sa.func.count())
    .where(quarantine.c.timeframe == _NO_BARS)
    .group_by(quarantine.c.source)
    .order_by(quarantine.c.source)
)
_REFUSED = (
    sa.select(refused.c.vendor, refused.c.reason, sa.func.count())
    .group_by(refused.c.vendor, refused.c.reason)
    .order_by(refused.c.vendor, refused.c.reason)
)
