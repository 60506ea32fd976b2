"""Facts as they were known: company reports, index membership, and the one rule of when.

A fact that was first seen on a day may be used from the open of the first session after that
day (`available_at`). Nothing here gives a fact out without the instant at which it is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from alphalens.assets.calendars import sessions
from alphalens.data.reasons import Reason
from alphalens.errors import InputError

__all__ = ["Membership", "Reports", "available_at"]

_WEEKS = timedelta(days=30)  # no market is closed for longer
_NEW_YORK = "America/New_York"


def available_at(days: pd.DatetimeIndex, *, calendar: str = "XNYS") -> pd.DatetimeIndex:
    """Return from when facts that were first seen on days may be used.

    Parameters
    ----------
    days : DatetimeIndex of shape (n,)
        Naive days at midnight, in any order.
    calendar : str
        Whose sessions count (`alphalens.assets.calendars`).

    Returns
    -------
    DatetimeIndex of shape (n,)
        UTC: the open of the first session after each day.

    Raises
    ------
    InputError
        If days have a zone, a time of day or are missing, or the calendar does not reach them.

    Examples
    --------
    >>> friday = pd.DatetimeIndex(["2016-01-15"])  # Monday was a holiday
    >>> available_at(friday)[0].isoformat()
    '2016-01-19T14:30:00+00:00'
    """
    if days.tz is not None or days.hasnans or not (days == days.normalize()).all():
        raise InputError("available_at needs naive days at midnight, none of them missing")
    if not len(days):
        return pd.DatetimeIndex([], dtype="datetime64[us, UTC]")
    table = sessions(calendar, days.min().date(), days.max().date() + _WEEKS)
    dates = np.array([one.date for one in table], dtype="M8[D]")
    opens = pd.DatetimeIndex([one.open for one in table]).as_unit("us")
    return opens[np.searchsorted(dates, days.to_numpy().astype("M8[D]"), side="right")]


class Reports:
    """Company reports by the day on which each was first seen; older versions are kept.

    Parameters
    ----------
    rows : DataFrame
        A row for each report: `seen`, `symbol`, `period` and any number of figures.
    seen, symbol, period : str
        Columns with the day on which it was first seen, the company, and the end of the period
        it is about.
    calendar : str
        Whose sessions count.

    Attributes
    ----------
    rejected : DataFrame
        Rows that were seen before their period ended, or lack one of the three, with the column
        ``reason``.

    Raises
    ------
    InputError
        If a column is missing.
    """

    def __init__(
        self,
        rows: pd.DataFrame,
        *,
        seen: str = "collected",
        symbol: str = "symbol",
        period: str = "end_date",
        calendar: str = "XNYS",
    ) -> None:
        missing = {seen, symbol, period} - set(rows.columns)
        if missing:
            raise InputError(f"reports need the columns {', '.join(sorted(missing))}")
        names = {seen: "seen", symbol: "symbol", period: "period"}
        table = rows.rename(columns=names).reset_index(drop=True)
        is_bad = (table[["seen", "symbol", "period"]].isna().any(axis=1)) | (
            table["seen"] < table["period"]
        )
        reason = Reason.FILING_LAG.name.lower()
        self.rejected = table[is_bad].assign(reason=reason).reset_index(drop=True)
        kept = table[~is_bad].assign(symbol=lambda t: t["symbol"].astype(str))
        instants = available_at(pd.DatetimeIndex(kept["seen"]), calendar=calendar)
        self._rows = kept.assign(known=instants).sort_values(
            ["known", "period"], kind="stable", ignore_index=True
        )

    def as_of(self, instant: datetime) -> pd.DataFrame:
        """Return the last version of each company's reports that was known, all periods.

        Returns
        -------
        DataFrame
            By symbol, then period; with the column ``seen``.

        Raises
        ------
        InputError
            If the instant has no time zone.
        """
        known = self._rows[self._rows["known"] <= _aware(instant)]
        last = known.drop_duplicates(["symbol", "period"], keep="last")
        return last.drop(columns="known").sort_values(["symbol", "period"], ignore_index=True)

    def latest(
        self, field: str, instants: pd.DatetimeIndex, symbols: Sequence[str]
    ) -> pd.DataFrame:
        """Return a figure of the newest period that was known, at instants.

        A report that comes late, about a period before one that is known, changes nothing; a
        newer version of the newest period does.

        Parameters
        ----------
        field : str
            Name of the figure's column.
        instants : DatetimeIndex of shape (n,)
            Timezone-aware, ascending.
        symbols : sequence of str of length m

        Returns
        -------
        DataFrame of shape (n, m)
            NaN where nothing was known, or the newest report lacks the figure.

        Raises
        ------
        InputError
            If there is no such figure, or the instants have no zone or do not ascend.
        """
        if field not in self._rows:
            names = self._rows.columns.drop(["known", "seen"]).astype(str)
            figures = ", ".join(names)
            raise InputError(f"no figure {field!r}: there are {figures}")
        if instants.tz is None or not instants.is_monotonic_increasing:
            raise InputError("instants must be timezone-aware and ascend")
        asked = instants.tz_convert("UTC").as_unit("us").asi8
        found = np.full((len(instants), len(symbols)), np.nan)
        groups = self._rows.groupby("symbol", observed=True, sort=False).indices
        known = pd.DatetimeIndex(self._rows["known"]).as_unit("us").asi8
        period = self._rows["period"].to_numpy().astype("M8[D]").astype(np.int64)
        figure = self._rows[field].to_numpy(float)
        for column, name in enumerate(symbols):
            rows = groups.get(name)
            if rows is None:
                continue
            rows = rows[period[rows] == np.maximum.accumulate(period[rows])]
            place = np.searchsorted(known[rows], asked, side="right") - 1
            found[:, column] = np.where(place >= 0, figure[rows[place]], np.nan)
        return pd.DataFrame(found, index=instants, columns=list(symbols))


class Membership:
    """Which symbols belonged to an index, day by day.

    Parameters
    ----------
    intervals : DataFrame
        Columns ``symbol``, ``start`` and ``end``: days; `end` is the first day on which it was
        no member any more, missing while it is one. A symbol may have several.
    zone : str
        Time zone whose days these are.

    Raises
    ------
    InputError
        If a column is missing, a start is missing, or an end is not after its start.

    Notes
    -----
    A change of an index is announced before it takes effect, so it counts from the midnight
    that begins its day.
    """

    def __init__(self, intervals: pd.DataFrame, *, zone: str = _NEW_YORK) -> None:
        missing = {"symbol", "start", "end"} - set(intervals.columns)
        if missing:
            raise InputError(f"intervals need the columns {', '.join(sorted(missing))}")
        start, end = (pd.to_datetime(intervals[name]) for name in ("start", "end"))
        bad = intervals[start.isna() | (end <= start)]
        if len(bad):
            raise InputError(
                f"{len(bad)} intervals have no start, or end before it, the first of "
                f"{bad['symbol'].iloc[0]!r}: {bad.iloc[0].to_dict()}"
            )
        self._symbols = intervals["symbol"].to_numpy(str)
        self._start = start.to_numpy().astype("M8[D]")
        self._end = end.fillna(pd.Timestamp.max.floor("D")).to_numpy().astype("M8[D]")
        self._zone = ZoneInfo(zone)

    def members(self, instant: datetime) -> frozenset[str]:
        """Return the members at an instant.

        Raises
        ------
        InputError
            If it has no time zone.
        """
        day = np.datetime64(_aware(instant).astimezone(self._zone).date(), "D")
        return frozenset(self._symbols[(self._start <= day) & (day < self._end)].tolist())

    def mask(self, instants: pd.DatetimeIndex, symbols: Collection[str]) -> pd.DataFrame:
        """Return whether each symbol was a member at each instant, bool of shape (n, m).

        Raises
        ------
        InputError
            If the instants have no zone.
        """
        if instants.tz is None:
            raise InputError("instants must be timezone-aware")
        local = instants.tz_convert(self._zone).tz_localize(None).normalize()
        days = local.to_numpy().astype("M8[D]")
        place = {symbol: column for column, symbol in enumerate(symbols)}
        found = np.zeros((len(days), len(place)), bool)
        for symbol, start, end in zip(self._symbols, self._start, self._end, strict=True):
            column = place.get(symbol)
            if column is not None:
                found[:, column] |= (start <= days) & (days < end)
        return pd.DataFrame(found, index=instants, columns=list(place))


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise InputError(f"the instant {instant} has no time zone")
    return instant.astimezone(UTC)
