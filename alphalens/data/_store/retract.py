"""Taking back bars that turned out to be wrong: they become versions, as if revised to nothing."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from alphalens.data._store.names import known_series
from alphalens.data._store.rows import ROW
from alphalens.data.bars import Bars, micros
from alphalens.storage.schema import bar_versions, bars

__all__ = ["retract"]

_NAMES = ROW.names or ()


def retract(connection: sa.Connection, wrong: Bars, at: datetime) -> int:
    """Take bars back that stand as they are given; return how many stood.

    A bar that was revised meanwhile stays: what was found wrong is not there any more. Read
    as of an instant before `at`, what is taken back is still there.
    """
    known = known_series(connection, wrong.symbols, wrong.timeframe, wrong.adjustment).ids
    count = 0
    for row in range(len(wrong)):
        number = known.get(wrong.symbols[wrong.codes[row]])
        is_it = sa.and_(
            bars.c.series_id == number,
            bars.c.time == int(wrong.time[row]),
            bars.c.received == int(wrong.received[row]),
            bars.c.close == float(wrong.close[row]),
        )
        then = sa.select(*(bars.c[name] for name in _NAMES), sa.literal(micros(at)))
        keep = bar_versions.insert().from_select([*_NAMES, "replaced"], then.where(is_it))
        if connection.execute(keep).rowcount:
            connection.execute(sa.delete(bars).where(is_it))
            count += 1
    return count
