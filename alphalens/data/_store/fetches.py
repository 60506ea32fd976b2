"""Which parts of which series were asked for, so that an empty answer is an answer too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
_DAY_US = 86_400_000_000


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
    longer = _joined(connection, [numbers[s] for s in request.symbols], source_id, begins, ends, at)
    part = {"source_id": source_id, "begins": begins, "ends": ends, "asked": asked}
    insert = backend.upsert(fetches)
    later = insert.on_conflict_do_update(
        index_elements=["series_id", "source_id", "begins", "ends"],
        set_={"asked": insert.excluded.asked},
        where=fetches.c.asked < insert.excluded.asked,
    )
    rows = [{"series_id": numbers[s], **part} for s in request.symbols]
    connection.execute(later, [row | longer.get(row["series_id"], {}) for row in rows])


def _joined(
    connection: sa.Connection,
    series_ids: Sequence[int],
    source_id: int,
    begins: int,
    ends: int,
    at: datetime,
) -> dict[int, dict[str, int]]:
    """Take away the parts that a new one makes needless; return what it takes over from them.

    Who asks for the newest bars every minute would leave a row a minute. A part within the new
    one is needless, and one that the new one goes on with, if it was asked on the same day: both
    together count as asked when the older one was.
    """
    c, asked = fetches.c, micros(at)
    today = asked - asked % _DAY_US
    within = sa.and_(c.begins >= begins, c.ends <= ends, c.asked <= asked)
    gone_on_with = sa.and_(
        c.begins < begins, c.ends >= begins, c.ends < ends, c.asked.between(today, asked)
    )
    chosen = c.source_id == source_id, c.series_id.in_(series_ids), sa.or_(within, gone_on_with)
    found: dict[int, dict[str, int]] = {}
    for number, begin, since in connection.execute(
        sa.select(c.series_id, c.begins, c.asked).where(*chosen)
    ):
        if begin < begins:
            known = found.get(number, {"begins": begin, "asked": since})
            found[number] = {
                "begins": min(begin, known["begins"]),
                "asked": min(since, known["asked"]),
            }
    connection.execute(sa.delete(fetches).where(*chosen))
    return found


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
