"""Facts as they were known: company reports, index membership, and the one rule of when.

`available_at` is the rule, and the only one: a fact that was seen at an instant may be used from
then on, one of which only the day is known from the open of the first session after that day.
Every reader of facts asks it, by `usable` or itself, so that a mistake in it shows in all of
them. Nothing here gives a fact out without the instant at which it is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalens.assets.calendars import sessions
from alphalens.data.bars import micros
from alphalens.data.reasons import Reason
from alphalens.errors import InputError

__all__ = ["Membership", "Reports", "available_at", "unfit_reports", "usable"]

_WEEKS = timedelta(days=30)  # no market is closed for longer
_DAY = timedelta(days=1)


def available_at(seen: pd.DatetimeIndex, *, calendar: str = "XNYS") -> pd.DatetimeIndex:
    """Return from when facts may be used, by when they were first seen.

    Parameters
    ----------
    seen : DatetimeIndex of shape (n,)
        Instants (timezone-aware), or naive days at midnight where no more is known; in any order.
    calendar : str
        Whose sessions count for days (`alphalens.assets.calendars`).

    Returns
    -------
    DatetimeIndex of shape (n,)
        UTC: of an instant itself, of a day the open of the first session after it.

    Raises
    ------
    InputError
        If one is missing, a day has a time of day, or the calendar does not reach it.

    Examples
    --------
    >>> friday = pd.DatetimeIndex(["2016-01-15"])  # Monday was a holiday
    >>> available_at(friday)[0].isoformat()
    '2016-01-19T14:30:00+00:00'
    """
    if seen.hasnans:
        raise InputError("available_at needs instants or days, and some of them are missing")
    if seen.tz is not None:
        return seen.tz_convert("UTC")
    if not (seen == seen.normalize()).all():
        raise InputError("available_at needs naive days at midnight, or instants with a time zone")
    if not len(seen):
        return pd.DatetimeIndex([], dtype="datetime64[us, UTC]")
    table = sessions(calendar, seen.min().date(), seen.max().date() + _WEEKS)
    dates = np.array([one.date for one in table], dtype="M8[D]")
    opens = pd.DatetimeIndex([one.open for one in table]).as_unit("us")
    return opens[np.searchsorted(dates, seen.to_numpy().astype("M8[D]"), side="right")]


def usable(
    seen: pd.DatetimeIndex, instant: datetime, *, calendar: str = "XNYS"
) -> NDArray[np.bool_]:
    """Return which facts may be used at an instant, bool of shape (n,); see `available_at`.

    Raises
    ------
    InputError
        As `available_at`, or if the instant has no time zone.
    """
    asked = pd.Timestamp(_aware(instant))
    return np.asarray(available_at(seen, calendar=calendar) <= asked, np.bool_)


def unfit_reports(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which reports no reader may see, bool of shape (n,).

    Those that lack ``seen``, ``symbol`` or ``period``, or were seen before their period ended.
    """
    lacks = rows[["seen", "symbol", "period"]].isna().any(axis=1)
    return np.asarray(lacks | (rows["seen"] < rows["period"]), np.bool_)


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
        is_bad = unfit_reports(table)
        reason = Reason.FILING_LAG.name.lower()
        self.rejected = table[is_bad].assign(reason=reason).reset_index(drop=True)
        kept = table[~is_bad].assign(symbol=lambda t: t["symbol"].astype(str))
        instants = available_at(pd.DatetimeIndex(kept["seen"]), calendar=calendar)
        self._rows = kept.assign(known=instants).sort_values(
            ["known", "period", "seen"], kind="stable", ignore_index=True
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
    """Which symbols belonged to an index, by the instant.

    Parameters
    ----------
    intervals : DataFrame
        Columns ``symbol``, ``start`` and ``end``: days; `end` is the first day on which it was
        no member any more, missing while it is one. A symbol may have several.
    calendar : str
        Whose sessions count.

    Raises
    ------
    InputError
        If a column is missing, a start is missing, or an end is not after its start.

    Notes
    -----
    A change of an index is announced before it takes effect: it was seen on the day before at
    the latest, and so it counts from the open of its own day.
    """

    def __init__(self, intervals: pd.DataFrame, *, calendar: str = "XNYS") -> None:
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
        self._start = _told_before(start, calendar)
        self._end = np.full(len(end), np.iinfo(np.int64).max)
        has_ended = end.notna().to_numpy()
        self._end[has_ended] = _told_before(end[has_ended], calendar)

    def members(self, instant: datetime) -> frozenset[str]:
        """Return the members at an instant.

        Raises
        ------
        InputError
            If it has no time zone.
        """
        asked = micros(_aware(instant))
        return frozenset(self._symbols[(self._start <= asked) & (asked < self._end)].tolist())

    def mask(self, instants: pd.DatetimeIndex, symbols: Collection[str]) -> pd.DataFrame:
        """Return whether each symbol was a member at each instant, bool of shape (n, m).

        Raises
        ------
        InputError
            If the instants have no zone.
        """
        if instants.tz is None:
            raise InputError("instants must be timezone-aware")
        asked = instants.tz_convert("UTC").as_unit("us").asi8
        place = {symbol: column for column, symbol in enumerate(symbols)}
        found = np.zeros((len(asked), len(place)), bool)
        for symbol, start, end in zip(self._symbols, self._start, self._end, strict=True):
            column = place.get(symbol)
            if column is not None:
                found[:, column] |= (start <= asked) & (asked < end)
        return pd.DataFrame(found, index=instants, columns=list(place))


def _told_before(days: pd.Series[pd.Timestamp], calendar: str) -> NDArray[np.int64]:
    """Return when changes that take effect on days may be used, in microseconds since 1970."""
    found = available_at(pd.DatetimeIndex(days) - _DAY, calendar=calendar)
    return found.as_unit("us").asi8


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise InputError(f"the instant {instant} has no time zone")
    return instant.astimezone(UTC)
