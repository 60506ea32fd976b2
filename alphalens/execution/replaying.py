"""What follows from a stored journal, made anew and compared with what is stored."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from alphalens.errors import AuditError
from alphalens.execution.projections import Projector
from alphalens.execution.records import Payload, Record
from alphalens.storage import reading
from alphalens.storage.schema import journal
from alphalens.trading.events import EventKind

__all__ = ["check_table", "record_from", "replay"]

#: Records read at once.
_BATCH = 5_000

_NEXT = (
    sa.select(journal)
    .where(journal.c.seq > sa.bindparam("after"))
    .order_by(journal.c.seq)
    .limit(_BATCH)
)


def replay(source: sa.Connection, target: sa.Connection, projector: Projector) -> None:
    """Project every record of `source` into `target`."""
    after = 0
    while rows := source.execute(_NEXT, {"after": after}).fetchall():
        projector.project(target, [record_from(row) for row in rows], [r.payload for r in rows])
        after = rows[-1].seq


def check_table(table: sa.Table, source: sa.Connection, replayed: sa.Engine) -> None:
    """Compare a table with what a replay gave; AuditError if it is another."""
    columns = [c for c in table.c if c.name != "delivered_at"]
    query = sa.select(*columns).order_by(*table.primary_key.columns)
    with reading(replayed) as ours:
        wanted, found = ours.execute(query).all(), source.execute(query).all()
    if wanted != found:
        raise AuditError(
            f"the table {table.name} is not what the record gives ({len(found)} rows, "
            f"{len(wanted)} expected): it was changed; stop the desk, and `alphalens audit "
            f"rebuild` writes it anew"
        )


def record_from(row: sa.Row[*tuple[Any, ...]]) -> Record:  # Any: the columns of the table
    """Return the record that a row of the journal holds."""
    seq, at, run_id, cycle_id, kind, text, prev_hash, own = row
    payload: Payload = json.loads(text)
    return Record(
        seq=seq,
        at=at,
        run_id=run_id,
        cycle_id=cycle_id,
        kind=EventKind(kind),
        payload=payload,
        prev_hash=prev_hash,
        hash=own,
    )
