"""Settles of futures, judged, into the store: each is the close of a bar without other prices."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import sqlalchemy as sa

from alphalens.data._checks.context import ZONES
from alphalens.data.bars import Adjustment, Bars, Timeframe
from alphalens.data.futures_files import Settles
from alphalens.data.option_store import OptionStore
from alphalens.data.reasons import Reason
from alphalens.data.store import BarStore
from alphalens.data.validation_states import judge_settles
from alphalens.trading.clock import Clock

__all__ = ["keep_settles"]


def keep_settles(
    settles: Settles, engine: sa.Engine, *, source: str, calendar: str, clock: Clock
) -> tuple[int, int]:
    """Keep settles as daily bars under the symbols of their contracts, and set the rest aside.

    A settle may be below zero; one that is zero, contradicts another or comes after the last day
    of its contract goes to quarantine.

    Parameters
    ----------
    settles : Settles
        Out of a file.
    engine : Engine
        The store's database.
    source : str
        Who told them.
    calendar : str
        Of their market, in whose midnight a day begins.
    clock : Clock
        The present: when they became known to us.

    Returns
    -------
    tuple of int
        How many told something new, and how many were refused.

    Raises
    ------
    StorageError
        If the database fails.
    """
    terms = settles.contracts
    judged = judge_settles(
        settles.table,
        last_trade=dict(zip(terms["symbol"], terms["last_trade"].dt.date, strict=True)),
        may_be_negative=frozenset(settles.table["root"]),
    )
    now, marks = clock.now(), judged.marks | np.uint64(Reason.OPEN_HIGH_LOW_MISSING.bit)
    store = OptionStore(engine)
    store.refuse(judged.refused, source=source, received_at=now, at=now)
    codes, symbols = pd.factorize(judged.kept["contract"])
    days = pd.DatetimeIndex(judged.kept["day"]).tz_localize(ZoneInfo(ZONES[calendar]))
    bars = Bars.of_symbol(
        "",
        days.as_unit("us").asi8,
        {"close": judged.kept["settle"].to_numpy(np.float64)},
        source=source,
        received_at=now,
        timeframe=Timeframe.DAY,
        adjustment=Adjustment.RAW,
    )
    bars = replace(bars, symbols=tuple(symbols), codes=codes.astype(np.int32))
    written = BarStore(engine).write(bars, at=now, marks=marks)
    return written.new + written.revised, len(judged.refused)
