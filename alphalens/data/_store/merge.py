"""Bringing new rows to what is believed already: one set of statements for every database.

Each row that comes is compared with the one that stands under its key:

========= ================================================================================
new       nothing stands there
same      it tells the same, or tells what was on record for its instant already
renewed   a bar that was still forming stands there, and gives way
revised   it tells something else, later: it stands now, the old one becomes a version
late      it tells something else, but was received before what stands: it becomes a version,
          and what was believed before it ends where it begins. A bar still forming that comes
          after the final one is late too, and is left out.
========= ================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sqlalchemy as sa

from alphalens.data._store.rows import FLOATS, KEY, ROW, Backend, Rows, rounds
from alphalens.storage.schema import bar_versions, bars

__all__ = ["OUTCOMES", "merge"]

OUTCOMES = ("new", "same", "renewed", "revised", "late")
_NEW, _SAME, _RENEWED, _REVISED, _LATE = OUTCOMES
_FORMING = "forming"

_NAMES = ROW.names or ()
_KEPT = [name for name in _NAMES if name not in KEY]
_VALUES = (*FLOATS, "trades")

_staging = sa.table("bar_staging", *(sa.column(c.name, c.type) for c in bars.c))

Columns = Mapping[str, sa.ColumnElement[Any]] | sa.ColumnCollection[str, Any]
Condition = sa.ColumnElement[bool]


def merge(connection: sa.Connection, backend: Backend, rows: Rows) -> dict[str, int]:
    """Bring sorted rows into the table; return how many had each of `OUTCOMES`.

    The caller's transaction has the write lock, so that nothing changes between the looks.
    """
    counts = dict.fromkeys(OUTCOMES, 0)
    backend.make_room(connection, rows)
    parts = list(rounds(rows))
    if len(parts) == 1 and not _is_there(connection, rows):
        backend.load(connection, bars.name, rows)
        return {**counts, _NEW: len(rows)}
    for part in parts:
        backend.stage(connection, part)
        for outcome, number in _merge_staged(connection, backend, part).items():
            counts[outcome] += number
    return counts


def _is_there(connection: sa.Connection, rows: Rows) -> bool:
    """Return whether the series have any bar in the time of the rows."""
    return connection.execute(_IS_THERE, _place(rows)).first() is not None


def _place(rows: Rows) -> dict[str, object]:
    """Return where rows are: of which series, and in what time."""
    ids = [int(number) for number in np.unique(rows["series_id"])]
    return {"ids": ids, "first": int(rows["time"].min()), "last": int(rows["time"].max())}


def _merge_staged(connection: sa.Connection, backend: Backend, rows: Rows) -> dict[str, int]:
    place = _place(rows)
    counts = _classified(connection, len(rows), place)
    if counts[_REVISED] or counts[_LATE]:
        known = connection.execute(_FORGET_KNOWN).rowcount
        counts = _classified(connection, len(rows) - known, place)
        counts[_SAME] += known
    if counts[_REVISED]:
        connection.execute(_KEEP_REVISED, place)
    if counts[_LATE]:
        connection.execute(_CUT_EARLIER, place)
        connection.execute(_KEEP_LATE, place)
    counts[_LATE] += counts.pop(_FORMING)
    if counts[_NEW] or counts[_RENEWED] or counts[_REVISED]:
        connection.execute(_upsert(backend))
    return counts


def _classified(connection: sa.Connection, staged: int, place: dict[str, object]) -> dict[str, int]:
    counts = dict.fromkeys((*OUTCOMES, _FORMING), 0)
    for outcome, number in connection.execute(_CLASSIFY, place):
        counts[outcome] = number
    counts[_NEW] = staged - sum(counts.values())
    return counts


def _is_key(old: Columns, new: Columns) -> Condition:
    return sa.and_(*(old[name] == new[name] for name in KEY))


def _differs(old: Columns, new: Columns) -> Condition:
    return sa.or_(*(old[name].is_distinct_from(new[name]) for name in _VALUES))


def _outcome(old: Columns, new: Columns) -> sa.ColumnElement[str]:
    """Return what a row is to the one that stands under its key."""
    is_later = new["received"] >= old["received"]
    is_told_again = sa.and_(
        sa.not_(_differs(old, new)), sa.or_(old["is_final"], sa.not_(new["is_final"]))
    )
    return sa.case(
        (is_told_again, sa.literal_column("'same'")),
        (
            sa.and_(sa.not_(old["is_final"]), sa.or_(new["is_final"], is_later)),
            sa.literal_column("'renewed'"),
        ),
        (sa.not_(sa.and_(old["is_final"], new["is_final"])), sa.literal_column("'forming'")),
        (is_later, sa.literal_column("'revised'")),
        else_=sa.literal_column("'late'"),
    )


def _upsert(backend: Backend) -> sa.Executable:
    every = sa.select(_staging).where(sa.true())  # SQLite cannot tell a join's ON from ours
    insert = backend.upsert(bars).from_select(list(_NAMES), every)
    new = insert.excluded
    outcome: sa.Executable = insert.on_conflict_do_update(
        index_elements=list(KEY),
        set_={name: new[name] for name in _KEPT},
        where=_outcome(bars.c, new).in_((_RENEWED, _REVISED)),
    )
    return outcome


#: The key says it too, but only this tells PostgreSQL which parts and which series need not be
#: looked at: against a million rows it would read the whole table, however large that is.
_is_near = sa.and_(
    bars.c.time.between(sa.bindparam("first"), sa.bindparam("last")),
    bars.c.series_id.in_(sa.bindparam("ids", expanding=True)),
)
_IS_THERE = sa.select(sa.true()).select_from(bars).where(_is_near).limit(1)
_now = _outcome(bars.c, _staging.c)
_JOINED = _staging.join(bars, _is_key(bars.c, _staging.c))
_CLASSIFY = (
    sa.select(_now.label("outcome"), sa.func.count())
    .select_from(_JOINED)
    .where(_is_near)
    .group_by(sa.literal_column("outcome"))
)
_FORGET_KNOWN = sa.delete(_staging).where(
    sa.exists().where(
        _is_key(bar_versions.c, _staging.c),
        _staging.c.is_final,
        sa.not_(_differs(bar_versions.c, _staging.c)),
        bar_versions.c.received <= _staging.c.received,
        sa.or_(
            bar_versions.c.replaced > _staging.c.received,
            bar_versions.c.received == _staging.c.received,
        ),
    )
)
_KEEP_REVISED = bar_versions.insert().from_select(
    [*_NAMES, "replaced"],
    sa.select(*(bars.c[name] for name in _NAMES), _staging.c.received)
    .select_from(_JOINED)
    .where(_is_near, _now == _REVISED),
)
_CUT_EARLIER = (
    sa.update(bar_versions)
    .values(replaced=_staging.c.received)
    .where(
        _is_near,
        _is_key(bar_versions.c, _staging.c),
        _is_key(bars.c, _staging.c),
        bar_versions.c.received <= _staging.c.received,
        bar_versions.c.replaced > _staging.c.received,
        _now == _LATE,
    )
)
_next = (
    sa.select(sa.func.min(bar_versions.c.received))
    .where(_is_key(bar_versions.c, _staging.c), bar_versions.c.received > _staging.c.received)
    .correlate(_staging)
    .scalar_subquery()
)
_KEEP_LATE = bar_versions.insert().from_select(
    [*_NAMES, "replaced"],
    sa.select(*(_staging.c[name] for name in _NAMES), sa.func.coalesce(_next, bars.c.received))
    .select_from(_JOINED)
    .where(_is_near, _now == _LATE),
)
