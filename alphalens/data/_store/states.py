"""Refused rows that are no bars, in the one table of quarantine: their timeframe is empty."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from alphalens.data._store.aside import keep_rows
from alphalens.data.bars import micros
from alphalens.data.validation_states import RefusedRow

__all__ = ["keep_refused"]


def keep_refused(
    connection: sa.Connection,
    rows: Sequence[RefusedRow],
    *,
    source: str,
    received_at: datetime,
    at: datetime,
) -> int:
    """Keep refused rows; return how many were not there yet."""
    n = len(rows)
    columns: dict[str, Sequence[Any]] = {  # Any: of each column its own type
        "symbol": [row.symbol for row in rows],
        "timeframe": [""] * n,
        "adjustment": [""] * n,
        "source": [source] * n,
        "time": [row.time for row in rows],
        "received": [micros(received_at)] * n,
        "marks": [row.marks for row in rows],
        "raw": [row.raw for row in rows],
        "at": [micros(at)] * n,
    }
    return keep_rows(connection, columns)
