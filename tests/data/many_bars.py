"""Many bars without chance: written twice, in whatever number, they are the same."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from alphalens.data.bars import Adjustment, Bars, Timeframe, micros

NOW = datetime(2024, 3, 1, tzinfo=UTC)


def many(symbols, days) -> Bars:
    """Bars of symbols on days of 2023, each of its own price."""
    size, start = symbols * days, micros(datetime(2023, 1, 1, tzinfo=UTC))
    price = 100.0 + np.arange(symbols).repeat(days) + np.tile(np.arange(days), symbols) / 1000
    columns = dict.fromkeys(("open", "high", "low", "close"), price)
    return Bars(
        symbols=tuple(f"S{n:04}" for n in range(symbols)),
        codes=np.repeat(np.arange(symbols, dtype=np.int32), days),
        time=np.tile(start + np.arange(days) * 86_400_000_000, symbols),
        **columns,
        volume=np.full(size, 1e6),
        vwap=np.full(size, 100.0),
        trades=np.full(size, 10),
        is_final=np.ones(size, np.bool_),
        received=np.full(size, micros(NOW)),
        sources=("desk",),
        source_codes=np.zeros(size, np.int16),
        timeframe=Timeframe.DAY,
        adjustment=Adjustment.RAW,
    )
