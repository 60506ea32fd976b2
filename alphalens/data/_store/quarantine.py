"""Rows that were refused, kept as they came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from alphalens.data._store.aside import keep_rows, plain
from alphalens.data.bars import Bars, micros
from alphalens.errors import InputError
from alphalens.storage.schema import quarantine

__all__ = ["find", "keep"]

_SHOWN = ("symbol", "time", "timeframe", "adjustment", "source", "received", "marks", "raw", "at")
_INSTANTS = {"time": "timestamp", "received": "received_at", "at": "at"}


def keep(
    connection: sa.Connection,
    bars: Bars,
    marks: NDArray[np.uint64],
    raw: Sequence[str],
    at: datetime,
) -> int:
    """Keep refused rows, those that are not there yet; return how many these were."""
    if not len(bars) == len(marks) == len(raw):
        raise InputError(
            f"each refused row has marks and raw text, got {len(bars)} rows, {len(marks)} marks "
            f"and {len(raw)} texts"
        )
    return keep_rows(connection, _columns(bars, marks, raw, micros(at)))


def find(
    connection: sa.Connection, symbols: Sequence[str] | None, since: datetime | None
) -> pd.DataFrame:
    """Return refused rows as a table; see `BarStore.quarantined`."""
    query = sa.select(*(quarantine.c[name] for name in _SHOWN))
    query = query.order_by(quarantine.c.at, quarantine.c.time, quarantine.c.hash)
    if symbols is not None:
        query = query.where(quarantine.c.symbol.in_([plain(symbol) for symbol in symbols]))
    if since is not None:
        query = query.where(quarantine.c.at >= micros(since))
    found = pd.DataFrame(connection.execute(query).all(), columns=list(_SHOWN), dtype=object)
    for name in _INSTANTS:
        times = found[name].to_numpy(np.int64).view("M8[us]")
        found[name] = pd.DatetimeIndex(times).tz_localize("UTC")
    found["marks"] = found["marks"].to_numpy(np.int64).astype(np.uint64)
    texts = [bytes(body).decode("utf-8", "surrogatepass") for body in found["raw"]]
    found["raw"] = pd.Series(texts, dtype=object)  # Arrow takes no lone surrogates
    return found.rename(columns=_INSTANTS)


def _columns(
    bars: Bars, marks: NDArray[np.uint64], raw: Sequence[str], at: int
) -> dict[str, Sequence[Any]]:
    n = len(bars)
    return {
        "symbol": [bars.symbols[code] for code in bars.codes.tolist()],
        "timeframe": [str(bars.timeframe)] * n,
        "adjustment": [str(bars.adjustment)] * n,
        "source": [bars.sources[code] for code in bars.source_codes.tolist()],
        "time": bars.time.tolist(),
        "received": bars.received.tolist(),
        "marks": marks.tolist(),
        "raw": raw,
        "at": [at] * n,
    }
