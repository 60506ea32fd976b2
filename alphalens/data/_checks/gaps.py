"""What is missing between bars: whole sessions, and bars within one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from alphalens.data._checks.calendar import NONE, local_days, sessions_of
from alphalens.data._checks.context import ZONES
from alphalens.data._checks.rows import Rows, scan
from alphalens.data.bars import Bars
from alphalens.data.gaps import Gap
from alphalens.data.reasons import Reason

__all__ = ["find_gaps"]

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]


def find_gaps(rows: Rows, place: Ints) -> list[Gap]:
    """Find what is missing between rows that came, be they good or not.

    A row that is rejected is in quarantine, and asking for it again would bring the same. What
    is missing between the last stored bar of a symbol and its first row counts too.

    Parameters
    ----------
    rows : Rows
        By symbol and time.
    place : int64 array of shape (n,)
        Session of each row, `NONE` for a row in none.
    """
    kept = scan(len(place), lambda p: place[p] != NONE)
    whole = slice(None) if len(kept) == len(place) else kept
    found = _Placed(kept, rows.told.codes[whole], rows.column("time")[whole], place[whole])
    return [*_from_stored(rows, found), *_between(rows, found)]


@dataclass(frozen=True, slots=True)
class _Placed:
    """Rows that are in a session: their place in the batch, symbol, begin and session."""

    row: Places
    codes: NDArray[np.int32]
    time: Ints
    session: Ints


def _between(rows: Rows, found: _Placed) -> list[Gap]:
    codes, time, session = found.codes, found.time, found.session

    def are_same(pairs: slice) -> Flags:
        same: Flags = codes[1:][pairs] == codes[:-1][pairs]
        return same

    def skips(pairs: slice) -> Flags:
        skipped: Flags = session[1:][pairs] - session[:-1][pairs] > 1
        return skipped & are_same(pairs)

    gaps: list[Gap] = []
    if len(before := scan(len(time) - 1, skips)):
        counts = session[before + 1] - session[before] - 1
        gaps += _record(rows, found, before, counts, Reason.SESSION_MISSING)
    if rows.told.timeframe.is_daily:
        return gaps
    length = rows.length_us

    def lacks(pairs: slice) -> Flags:
        one = session[1:][pairs] == session[:-1][pairs]
        lacking: Flags = one & (time[1:][pairs] - time[:-1][pairs] >= 2 * length)
        return lacking & are_same(pairs)

    if len(before := scan(len(time) - 1, lacks)):
        counts = (time[before + 1] - time[before]) // length - 1
        gaps += _record(rows, found, before, counts, Reason.BARS_MISSING)
    return gaps


def _record(rows: Rows, found: _Placed, before: Places, counts: Ints, reason: Reason) -> list[Gap]:
    """Mark the row after each gap, and tell the gap."""
    rows.mark(found.row[before + 1], reason)
    return [
        _gap(rows, found, int(at) + 1, found.time[at], int(count), reason)
        for at, count in zip(before, counts, strict=True)
    ]


def _from_stored(rows: Rows, found: _Placed) -> list[Gap]:
    """Find what is missing between the last stored bar of each symbol and its first row."""
    stored, gaps = rows.context.stored, list[Gap]()
    if stored is None or not len(stored) or not len(found.row):
        return gaps
    changes = np.flatnonzero(found.codes[1:] != found.codes[:-1]) + 1
    for at in (0, *changes.tolist()):
        last = _last_before(stored, rows.told.symbols[found.codes[at]], found.time[at])
        if last is None:
            continue
        count, reason = _lacking(rows, found, at, last)
        if count > 0:
            rows.mark(found.row[at : at + 1], reason)
            gaps.append(_gap(rows, found, at, last, count, reason))
    return gaps


def _last_before(stored: Bars, symbol: str, time: np.int64) -> np.int64 | None:
    if symbol not in stored.symbols:
        return None
    own = stored.time[(stored.codes == stored.symbols.index(symbol)) & (stored.time < time)]
    return own.max() if len(own) else None


def _lacking(rows: Rows, found: _Placed, at: int, last: np.int64) -> tuple[int, Reason]:
    """Return how many sessions, or else bars, are missing between a stored bar and a row."""
    calendar = rows.context.calendar_of(rows.told.symbols[found.codes[at]])
    table, own = sessions_of(calendar), np.array([last])
    is_daily = rows.told.timeframe.is_daily
    session = table.of_days(local_days(own, ZONES[calendar])[0]) if is_daily else table.at(own)
    if session[0] == NONE:
        return 0, Reason.SESSION_MISSING
    sessions = int(found.session[at] - session[0])
    if sessions or is_daily:
        return sessions - 1, Reason.SESSION_MISSING
    return int((found.time[at] - last) // rows.length_us) - 1, Reason.BARS_MISSING


def _gap(rows: Rows, found: _Placed, at: int, last: np.int64, count: int, reason: Reason) -> Gap:
    """Return the gap before a row."""
    return Gap(
        symbol=rows.told.symbols[found.codes[at]],
        after=_instant(last),
        before=_instant(found.time[at]),
        count=count,
        reason=reason,
    )


def _instant(time: np.int64) -> datetime:
    return datetime.fromtimestamp(int(time) / 1e6, UTC)
