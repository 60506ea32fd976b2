"""Which parts of which series were asked for, so that an empty answer is an answer too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from alphalens.data._store.names import known_series, number_series, number_sources
from alphalens.data._store.rows import Backend
from alphalens.data.bars import micros
from alphalens.data.port import BarRequest
from alphalens.storage.schema import bar_sources, fetches, series

__all__ = ["Span", "note", "unasked"]

#: A part of a series: from the first instant on, before the second.
Span = tuple[datetime, datetime]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def note(
    connection: sa.Connection, backend: Backend, request: BarRequest, source: str, at: datetime
) -> None:
    """Remember that a vendor was asked; what had not happened yet at `at` was not told."""
    begins, ends, asked = micros(request.start), micros(min(request.end, at)), micros(at)
    if begins >= ends:
        return
    key = request.symbols, request.timeframe, request.adjustment
    numbers = number_series(connection, *key)
    source_id = number_sources(connection, [source])[source]
    part = {"source_id": source_id, "begins": begins, "ends": ends, "asked": asked}
    insert = backend.upsert(fetches)
    later = insert.on_conflict_do_update(
        index_elements=["series_id", "source_id", "begins", "ends"],
        set_={"asked": insert.excluded.asked},
        where=fetches.c.asked < insert.excluded.asked,
    )
    connection.execute(later, [{"series_id": numbers[s], **part} for s in request.symbols])


def unasked(
    connection: sa.Connection, request: BarRequest, source: str | None, since: datetime | None
) -> Mapping[str, tuple[Span, ...]]:
    """Return by symbol the parts of a request that nobody asked for; see `BarStore.missing`."""
    numbers = known_series(connection, request.symbols, request.timeframe, request.adjustment).ids
    first, end = micros(request.start), micros(request.end)
    query = (
        sa.select(series.c.symbol, fetches.c.begins, fetches.c.ends)
        .join(series, series.c.id == fetches.c.series_id)
        .where(fetches.c.series_id.in_(list(numbers.values())))
        .where(fetches.c.begins < end, fetches.c.ends > first)
        .order_by(fetches.c.begins)
    )
    if since is not None:
        query = query.where(fetches.c.asked >= micros(since))
    if source is not None:
        query = query.join(bar_sources, bar_sources.c.id == fetches.c.source_id)
        query = query.where(bar_sources.c.name == source)
    asked: dict[str, list[tuple[int, int]]] = {symbol: [] for symbol in request.symbols}
    for symbol, begins, ends in connection.execute(query):
        asked[symbol].append((begins, ends))
    found = {symbol: tuple(_gaps(parts, first, end)) for symbol, parts in asked.items()}
    return {symbol: gaps for symbol, gaps in found.items() if gaps}


def _gaps(parts: Iterable[tuple[int, int]], first: int, end: int) -> Iterable[Span]:
    """Give what parts, by their begin, leave open between `first` and `end`."""
    for begins, ends in parts:
        if begins > first:
            yield _instant(first), _instant(begins)
        first = max(first, ends)
    if first < end:
        yield _instant(first), _instant(end)


def _instant(time: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time)
