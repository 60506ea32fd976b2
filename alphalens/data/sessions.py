"""Trading days and instants: when a day's close became known, and which day an instant closes."""

from __future__ import annotations

from datetime import time
from zoneinfo import ZoneInfo

import pandas as pd

from alphalens.assets.calendars import ALWAYS_OPEN, sessions
from alphalens.data.base import PriceHistory
from alphalens.errors import InputError

__all__ = [
    "CLOSE_TIME",
    "NEW_YORK",
    "closing_instants",
    "equal_weight_returns",
    "known_closes",
    "session_closes",
]

NEW_YORK = "America/New_York"
CLOSE_TIME = time(16, 0)


def closing_instants(
    days: pd.DatetimeIndex, *, close_time: time = CLOSE_TIME, timezone: str = NEW_YORK
) -> pd.DatetimeIndex:
    """Return the instant at which the close of each day became known.

    Parameters
    ----------
    days : DatetimeIndex of shape (n_dates,)
        Naive days at midnight.
    close_time : time
        Wall-clock time of the close. An early close is known at this time as well: later than
        it was, never earlier.
    timezone : str
        Zone of that clock.

    Returns
    -------
    DatetimeIndex of shape (n_dates,)
        Timezone-aware UTC; the hour moves with daylight saving.

    Raises
    ------
    InputError
        If `days` have a zone or a time of day.

    Examples
    --------
    >>> days = pd.DatetimeIndex(["2022-01-03", "2022-07-01"])
    >>> [str(instant) for instant in closing_instants(days)]
    ['2022-01-03 21:00:00+00:00', '2022-07-01 20:00:00+00:00']
    """
    if days.tz is not None or not (days == days.normalize()).all():
        raise InputError("closing_instants needs naive days at midnight")
    offset = pd.Timedelta(hours=close_time.hour, minutes=close_time.minute)
    return pd.DatetimeIndex((days + offset).tz_localize(ZoneInfo(timezone)).tz_convert("UTC"))


def known_closes(
    panel: pd.DataFrame, *, calendar: str = "XNYS", timezone: str = NEW_YORK
) -> pd.DataFrame:
    """Return daily bars by the instants at which they became known.

    The rows of `alphalens.data.store.BarStore.panel` are the begins of the bars, midnight for
    days. Taken for instants of closes they would tell each close most of a day too early.

    Parameters
    ----------
    panel : DataFrame of shape (n, m)
        Daily bars, the rows midnights in the zone of the market.
    calendar : str
        Whose sessions they are (`alphalens.assets.calendars`).
    timezone : str
        Zone of the market; what trades always has days of UTC, whatever is said here.

    Returns
    -------
    DataFrame of shape (n, m)
        A copy, the rows the closes of the sessions (UTC), early ones too; as
        `alphalens.data.base.PriceHistory` wants them.

    Raises
    ------
    InputError
        If the calendar is unknown, a row is no midnight of its market, or has no session.

    Examples
    --------
    >>> days = pd.DatetimeIndex(["2024-07-02", "2024-07-03"], tz="America/New_York")
    >>> [str(at) for at in known_closes(pd.DataFrame({"A": [1.0, 2.0]}, index=days)).index]
    ['2024-07-02 20:00:00+00:00', '2024-07-03 17:00:00+00:00']
    """
    begins = pd.DatetimeIndex(panel.index)
    if begins.tz is None:
        raise InputError("known_closes needs timezone-aware begins of bars")
    found = panel.copy()
    if not len(begins):
        return found
    zone = "UTC" if calendar == ALWAYS_OPEN else timezone
    days = begins.tz_convert(ZoneInfo(zone)).tz_localize(None)
    table = sessions(calendar, days.min().date(), days.max().date())
    closes = {pd.Timestamp(one.date): one.close for one in table}
    if odd := [begin for day, begin in zip(days, begins, strict=True) if day not in closes]:
        raise InputError(
            f"known_closes needs the midnights in {zone} that begin sessions of {calendar}, "
            f"and {odd[0].isoformat()} is none: take a panel of days, or its own calendar"
        )
    found.index = pd.DatetimeIndex([closes[day] for day in days])
    return found


def session_closes(history: PriceHistory, *, timezone: str = NEW_YORK) -> pd.DataFrame:
    """Return the closes by trading day instead of by instant, as factor research wants them.

    The factor library counts periods in whole days; instants that move by an hour with
    daylight saving would break its calendar.

    Parameters
    ----------
    history : PriceHistory
        Daily closes.
    timezone : str
        Zone in which the instants fall on their trading day.

    Returns
    -------
    DataFrame of shape (n_dates, n_assets)
        A copy of the closes, index naive days named ``date``, columns named ``asset``.

    Raises
    ------
    InputError
        If two instants fall on the same day: the data are not daily.
    """
    local = pd.DatetimeIndex(history.closes.index).tz_convert(ZoneInfo(timezone))
    days = local.tz_localize(None).normalize()
    if days.has_duplicates:
        day = days[days.duplicated()][0].date()
        raise InputError(
            f"{history.source}: more than one close on {day} in {timezone}; daily closes are needed"
        )
    closes = history.closes.copy()
    closes.index = days.rename("date")
    closes.columns.name = "asset"
    return closes


def equal_weight_returns(closes: pd.DataFrame) -> pd.Series[float]:
    """Return what the whole universe earned per row, equally weighted at every row.

    Parameters
    ----------
    closes : DataFrame of shape (n_dates, n_assets)
        Prices, rows ascending. NaN where an asset has none.

    Returns
    -------
    Series of shape (n_dates - 1,)
        Mean simple return as a fraction, over the assets with a price at both rows; NaN where
        there is none.

    Examples
    --------
    >>> closes = pd.DataFrame({"A": [1.0, 1.1], "B": [2.0, 2.0]})
    >>> equal_weight_returns(closes).round(3).tolist()
    [0.05]
    """
    returns = closes / closes.shift(1) - 1.0
    return returns.iloc[1:].mean(axis=1).rename("equal_weight")
