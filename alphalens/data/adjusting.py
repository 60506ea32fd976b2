"""Splits and dividends applied to prices, and taken out of them again.

A row before the ex-date of a split of `r` new units for one old one has its prices divided by
`r` and its volume multiplied by it. A row before the ex-date of a dividend `D` has its prices
multiplied by ``1 - D / C``, with `C` the close of the last session before that date as it was
traded (the method of the Center for Research in Security Prices, "CRSP Calculations", 2014).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalens.data.bars import Adjustment, Bars, Timeframe, micros
from alphalens.data.point_in_time import usable
from alphalens.data.port import CorporateAction
from alphalens.errors import DataError

__all__ = ["adjusted", "adjusted_closes", "begin_of", "known_actions", "seen_actions"]

Floats = NDArray[np.float64]
_PRICES = ("open", "high", "low", "close", "vwap")
_KINDS = frozenset({"split", "dividend"})


def seen_actions(
    actions: Iterable[CorporateAction], as_of: datetime
) -> tuple[CorporateAction, ...]:
    """Return the actions that were known at an instant, those of days to come among them.

    Raises
    ------
    InputError
        If `as_of`, or the instant at which an action was seen, has no time zone.
    """
    given = tuple(actions)
    times = np.array([micros(action.seen_at) for action in given], np.int64).view("M8[us]")
    is_seen = usable(pd.DatetimeIndex(times).tz_localize("UTC"), as_of)
    return tuple(action for action, was in zip(given, is_seen, strict=True) if was)


def known_actions(
    actions: Iterable[CorporateAction], as_of: datetime, *, zone: str = "America/New_York"
) -> tuple[CorporateAction, ...]:
    """Return the actions that were known at an instant and had taken effect by then.

    Parameters
    ----------
    actions : iterable of CorporateAction
        Any.
    as_of : datetime
        Aware.
    zone : str
        Time zone of the market, whose midnight begins an ex-date.

    Raises
    ------
    InputError
        As `seen_actions`.
    """
    now, market = micros(as_of), ZoneInfo(zone)
    return tuple(a for a in seen_actions(actions, as_of) if begin_of(a.ex_date, market) <= now)


def adjusted(
    bars: Bars,
    actions: Sequence[CorporateAction],
    to: Adjustment,
    *,
    as_of: datetime,
    zone: str = "America/New_York",
) -> Bars:
    """Return the bars with another adjustment, as it would have been made at an instant.

    Parameters
    ----------
    bars : Bars
        Of any adjustment. Those that were adjusted already have to be adjusted by the same
        actions.
    actions : sequence of CorporateAction
        Splits and dividends count, other kinds change no price. Those that were not known at
        `as_of`, or had not taken effect, are left out.
    to : Adjustment
        What the prices are to be corrected for.
    as_of : datetime
        Aware. Bars after it are left as they are.
    zone : str
        Time zone of the market, whose midnight begins an ex-date.

    Returns
    -------
    Bars
        The same rows, by symbol and time. A volume is adjusted for splits only.

    Raises
    ------
    DataError
        If a dividend is as large as the close before it, or its close is missing.

    Examples
    --------
    >>> from datetime import UTC
    >>> from decimal import Decimal
    >>> from alphalens.data.bars import Timeframe
    >>> when = datetime(2014, 6, 10, tzinfo=UTC)
    >>> days = np.array([micros(datetime(2014, 6, d, 4, tzinfo=UTC)) for d in (6, 9)])
    >>> raw = Bars.of_symbol(
    ...     "AAPL", days, {"close": np.array([645.57, 93.70])}, source="x", received_at=when,
    ...     timeframe=Timeframe.DAY, adjustment=Adjustment.RAW)
    >>> split = CorporateAction(symbol="AAPL", kind="split", ex_date=date(2014, 6, 9),
    ...                         ratio=Decimal(7), seen_at=when, source="x")
    >>> adjusted(raw, [split], Adjustment.SPLIT, as_of=when).close.round(2).tolist()
    [92.22, 93.7]
    """
    known = [a for a in known_actions(actions, as_of, zone=zone) if a.kind in _KINDS]
    ordered = bars.sorted()
    columns = {name: getattr(ordered, name).copy() for name in (*_PRICES, "volume")}
    for code, symbol in enumerate(ordered.symbols):
        own = [action for action in known if action.symbol == symbol]
        (rows,) = np.nonzero(ordered.codes == code)
        if not own or not len(rows):
            continue
        time_of, close = ordered.time[rows], ordered.close[rows]
        steps = _steps(symbol, own, time_of, close, ordered.adjustment, ZoneInfo(zone))
        price = _factor(steps, to, len(rows)) / _factor(steps, ordered.adjustment, len(rows))
        units = _units(steps, to, len(rows)) / _units(steps, ordered.adjustment, len(rows))
        for name in _PRICES:
            columns[name][rows] *= price
        columns["volume"][rows] *= units
    return replace(ordered, adjustment=to, **columns)


def adjusted_closes(
    closes: pd.DataFrame,
    actions: Sequence[CorporateAction],
    to: Adjustment,
    *,
    as_of: datetime,
    zone: str = "America/New_York",
) -> pd.DataFrame:
    """Return raw closes with an adjustment, as it would have been made at an instant.

    Parameters
    ----------
    closes : DataFrame of shape (n, m)
        Rows the aware instants at which they became known, ascending, each within its day;
        columns symbols. NaN where one has none.
    actions, to, as_of, zone
        As of `adjusted`.

    Returns
    -------
    DataFrame of shape (n, m)
        float64.

    Raises
    ------
    DataError
        As `adjusted`.
    """
    found = closes.astype(float)
    times = pd.DatetimeIndex(closes.index).as_unit("us").asi8
    for symbol in sorted({action.symbol for action in actions} & set(closes.columns)):
        is_told = found[symbol].notna().to_numpy()
        bars = Bars.of_symbol(
            symbol,
            times[is_told],
            {"close": found[symbol].to_numpy()[is_told]},
            source="",
            received_at=as_of,
            timeframe=Timeframe.DAY,
            adjustment=Adjustment.RAW,
        )
        found.loc[is_told, symbol] = adjusted(bars, actions, to, as_of=as_of, zone=zone).close
    return found


class _Step:
    """One ex-date: how many rows lie before it, and by what they are multiplied."""

    def __init__(self, rows: int, split: float, dividend: float) -> None:
        self.rows, self.split, self.dividend = rows, split, dividend


def _steps(
    symbol: str,
    actions: Sequence[CorporateAction],
    time_of: NDArray[np.int64],
    close: Floats,
    given: Adjustment,
    zone: ZoneInfo,
) -> list[_Step]:
    """Return the steps from the last ex-date to the first.

    The close before a dividend is needed as it was traded. Where the rows are adjusted, what
    later steps did to it is known by then, and taken out.
    """
    steps: list[_Step] = []
    later = 1.0  # what the steps after this one did to the rows as they are given
    for day in sorted({action.ex_date for action in actions}, reverse=True):
        before = int(np.searchsorted(time_of, begin_of(day, zone)))
        if not before:
            continue
        own = [action for action in actions if action.ex_date == day]
        split = 1.0
        for action in own:
            split /= float(action.ratio)
        cash = float(sum(action.cash for action in own if action.kind == "dividend"))
        done = later * (1.0 if given is Adjustment.RAW else split)
        shown = close[before - 1] / done
        traded = shown + cash if given is Adjustment.ALL else shown
        dividend = 1.0 - cash / traded if cash else 1.0
        if not 0.0 < dividend <= 1.0:
            raise DataError(
                f"{symbol}: the dividend of {cash} with ex-date {day} does not fit the close "
                f"{traded} before it: one of the two is wrong, or the rows are adjusted otherwise"
            )
        steps.append(_Step(before, split, dividend))
        later = done * (dividend if given is Adjustment.ALL else 1.0)
    return steps


def _factor(steps: Iterable[_Step], adjustment: Adjustment, n: int) -> Floats:
    """Return by what a traded price is multiplied, row by row."""
    factor = _units(steps, adjustment, n) ** -1
    if adjustment is Adjustment.ALL:
        for step in steps:
            factor[: step.rows] *= step.dividend
    return factor


def _units(steps: Iterable[_Step], adjustment: Adjustment, n: int) -> Floats:
    """Return by what a traded volume is multiplied, row by row."""
    units = np.ones(n)
    if adjustment is not Adjustment.RAW:
        for step in steps:
            units[: step.rows] /= step.split
    return units


def begin_of(day: date, zone: ZoneInfo) -> int:
    """Return the midnight that begins a day of a market, in microseconds since 1970 UTC."""
    return micros(datetime.combine(day, time(), zone))
