"""Checks of each row against the one before: nobody traded, nothing moved."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alphalens.data._checks.jumps import Verdict, check_jumps
from alphalens.data._checks.rows import Rows
from alphalens.data._checks.series import Series, mark_series
from alphalens.data.reasons import Reason

__all__ = ["check_series"]

Flags = NDArray[np.bool_]


def check_series(rows: Rows, series: Series) -> Verdict:
    """Compare each close with those around it, and mark what does not fit."""
    same = np.zeros(len(series.time), np.bool_)
    same[1:] = series.codes[1:] == series.codes[:-1]
    equal = np.zeros(len(series.time), np.bool_)
    equal[1:] = series.close[1:] == series.close[:-1]
    equal &= same
    _trades(rows, series, same, equal)
    _repeats(rows, series, equal)
    return check_jumps(rows, series, same)


def _trades(rows: Rows, series: Series, same: Flags, equal: Flags) -> None:
    """Tell bars of volume 0 that stand still from those that move."""
    idle = np.flatnonzero(series.volume == 0.0)
    if not len(idle):
        return
    is_flat = (series.high[idle] == series.low[idle]) | np.isnan(series.high[idle])
    stands = is_flat & (equal[idle] | ~same[idle])
    mark_series(rows, series, idle[stands], Reason.NO_TRADE)
    mark_series(rows, series, idle[~stands], Reason.MOVED_WITHOUT_VOLUME)


def _repeats(rows: Rows, series: Series, equal: Flags) -> None:
    """Count bars that are equal to the one before in every figure, their volume too."""
    at = np.flatnonzero(equal)
    at = at[(series.volume[at] == series.volume[at - 1]) & (series.volume[at] > 0.0)]
    for name in ("open", "high", "low"):
        column = getattr(series, name)
        at = at[column[at] == column[at - 1]]
    if not len(at):
        return
    starts = np.flatnonzero(np.diff(at, prepend=at[0] - 2) != 1)
    begin = np.repeat(starts, np.diff(np.append(starts, len(at))))
    length = np.arange(len(at)) - begin + 2  # the bar that is repeated is the first
    is_long = length >= rows.context.tolerances.repeats
    mark_series(rows, series, at[is_long], Reason.STALE_REPEAT, is_fatal=True)
    mark_series(rows, series, at[~is_long], Reason.STALE_REPEAT, is_fatal=False)
