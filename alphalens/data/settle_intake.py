"""Settles of futures, judged, into the store: each is the close of a bar without other prices."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from alphalens.data._checks.calendar import NONE, sessions_of
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
    settles: Settles,
    engine: sa.Engine,
    *,
    source: str,
    calendar: str,
    below_zero: Collection[str] = (),
    clock: Clock,
) -> tuple[int, int]:
    """Keep settles as daily bars under the symbols of their contracts, and set the rest aside.

    One that is zero, below zero without leave, contradicts another, is of a weekend or of a day
    to come, or comes after the last day of its contract goes to quarantine. One of a weekday on
    which our calendar has the market closed is flagged: products of one market differ there.

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
    below_zero : collection of str
        Products whose settles may be below zero.
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
    terms, now, zone = settles.contracts, clock.now(), ZoneInfo(ZONES[calendar])
    judged = judge_settles(
        settles.table,
        last_trade=dict(zip(terms["symbol"], terms["last_trade"].dt.date, strict=True)),
        may_be_negative=frozenset(below_zero),
        today=now.astimezone(zone).date(),
    )
    marks = judged.marks | np.uint64(Reason.OPEN_HIGH_LOW_MISSING.bit)
    marks[_is_closed(judged.kept["day"], calendar)] |= np.uint64(Reason.OUT_OF_SESSION.bit)
    store = OptionStore(engine)
    store.refuse(judged.refused, source=source, received_at=now, at=now)
    codes, symbols = pd.factorize(judged.kept["contract"])
    days = pd.DatetimeIndex(judged.kept["day"]).tz_localize(zone)
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


def _is_closed(days: pd.Series[pd.Timestamp], calendar: str) -> NDArray[np.bool_]:
    """Return on which days our calendar has no session; of days beyond it that is not known."""
    table, number = sessions_of(calendar), days.to_numpy().astype("M8[D]").astype(np.int64)
    return np.asarray(table.has(number) & (table.of_days(number) == NONE), np.bool_)
