"""What a database of bars knows of the vendors: when each was asked last, and what was refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from alphalens.storage import reading
from alphalens.storage.schema import bar_sources, fetches, refused

__all__ = ["VendorRecord", "vendor_records"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRecord:
    """One vendor, as the database has it.

    Attributes
    ----------
    vendor : str
        Who.
    last_fetch : datetime or None
        When it was asked last for bars that it then told; None if that is not on record, as of
        bars that were streamed.
    refused : int
        Answers that were refused as a whole.
    last_refused : datetime or None
        When that was last.
    """

    vendor: str
    last_fetch: datetime | None
    refused: int
    last_refused: datetime | None


def vendor_records(engine: sa.Engine) -> tuple[VendorRecord, ...]:
    """Read what is known of each vendor, by name; nothing is written.

    Parameters
    ----------
    engine : Engine
        The database of bars; opened read-only will do.

    Raises
    ------
    StorageError
        If the database fails.
    """
    with reading(engine) as connection:
        asked = {str(row[0]): row[1] for row in connection.execute(_FETCHES)}
        aside = {str(row[0]): (row[1], row[2]) for row in connection.execute(_REFUSED)}
    found = []
    for name in sorted({*asked, *aside}):
        count, last = aside.get(name, (0, None))
        found.append(
            VendorRecord(
                vendor=name,
                last_fetch=_instant(asked.get(name)),
                refused=count,
                last_refused=_instant(last),
            )
        )
    return tuple(found)


def _instant(time: int | None) -> datetime | None:
    return None if time is None else _EPOCH + timedelta(microseconds=time)


_FETCHES = (
    sa.select(bar_sources.c.name, sa.func.max(fetches.c.asked))
    .select_from(bar_sources)
    .outerjoin(fetches, fetches.c.source_id == bar_sources.c.id)
    .group_by(bar_sources.c.name)
)
_REFUSED = sa.select(refused.c.vendor, sa.func.count(), sa.func.max(refused.c.at)).group_by(
    refused.c.vendor
)
