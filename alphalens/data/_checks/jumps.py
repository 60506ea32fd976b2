"""Checks of closes that are far from the one before: misprint, split, distribution or truth.

A jump is judged by what comes after it: what comes back within a moment was a misprint, what
stays was a split, a distribution or the truth. At the end of the rows nobody can know, so the
last row is held: kept with its mark until the next rows tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphalens.assets import AssetClass
from alphalens.data._checks.calendar import day_number, local_days
from alphalens.data._checks.context import ZONES
from alphalens.data._checks.rows import Rows, scan
from alphalens.data._checks.series import STORED, Series, mark_series
from alphalens.data.bars import Adjustment
from alphalens.data.port import CorporateAction
from alphalens.data.reasons import Reason

__all__ = ["Verdict", "check_jumps"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

_POWERS = np.log((10.0, 100.0))
_DOUBLE = np.log(2.0)
_SPLITS = np.log((1.5, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50, 100))
_REVERSE = _SPLITS[1:]  # three new shares for two exist, two for three hardly
_GAPPED = 0.2  # a split is there at the open; how far the open may be from the ratio
_WINDOW = 20  # bars before, for the turnover that is usual
_FEW = 5  # fewer bars have no median to speak of
_EXPLAINED = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the next rows decide, and what they decided about stored ones.

    Attributes
    ----------
    held : int array
        Rows kept although they may be misprints: they are the last of their symbol.
    stored_misprints : tuple of (str, int)
        Symbol and begin (microseconds) of stored rows that turned out to be misprints.
    """

    held: Places
    stored_misprints: tuple[tuple[str, int], ...]


def check_jumps(rows: Rows, series: Series, same: Flags) -> Verdict:
    """Find the closes that are far from the one before, and say of each what it is."""
    limits, close = rows.context.tolerances, series.close
    left = 1.0 - limits.jump

    def is_far(piece: slice) -> Flags:
        before, now = close[:-1][piece], close[1:][piece]
        found: Flags = ((now < before * left) | (now * left > before)) & same[1:][piece]
        return found

    at = scan(len(close) - 1, is_far) + 1
    at = at[(close[at] > 0.0) & (close[at - 1] > 0.0)]
    if not len(at):
        return Verdict(held=np.empty(0, np.intp), stored_misprints=())
    at = at[~_explained(rows, series, at)]
    misprints, at = _misprints(rows, series, at)
    _absurd(rows, series, at, same)
    held = _stays(rows, series, at)
    own = series.place[misprints]
    gone = misprints[own == STORED]
    names = rows.told.symbols
    return Verdict(
        held=held,
        stored_misprints=tuple((names[series.codes[i]], int(series.time[i])) for i in gone),
    )


def _explained(rows: Rows, series: Series, at: Places) -> Flags:
    """Return which jumps are what a known action does to prices of this adjustment."""
    found = np.zeros(len(at), np.bool_)
    for code in np.unique(series.codes[at]):
        symbol = rows.told.symbols[code]
        zone = ZONES[rows.context.calendar_of(symbol)]
        (own,) = np.nonzero(series.codes[at] == code)
        day, _ = local_days(series.time[at[own]], zone)
        before, _ = local_days(series.time[at[own] - 1], zone)
        days = [day_number(day) for name, day in rows.context.accepted if name == symbol]
        found[own] |= np.isin(day, days)
        for action in rows.context.known_of(symbol):
            ex_day = day_number(action.ex_date)
            hit = own[(before < ex_day) & (ex_day <= day)]
            for k in hit:
                found[k] |= _fits(action, rows.told.adjustment, series.close, int(at[k]))
    return found


def _fits(action: CorporateAction, adjustment: Adjustment, close: Floats, at: int) -> bool:
    """Tell whether an action makes this step."""
    step = float(np.log(close[at] / close[at - 1]))
    if action.kind == "spin_off":
        return step < 0.0
    if adjustment is not Adjustment.RAW and action.kind == "split":
        return False
    if adjustment is Adjustment.ALL:
        return False
    left = 1.0 - float(action.cash) / float(close[at - 1])
    if left <= 0.0:
        return False
    return abs(step - float(np.log(left / float(action.ratio)))) < _EXPLAINED


def _misprints(rows: Rows, series: Series, at: Places) -> tuple[Places, Places]:
    """Mark the jumps that come back within a moment; return their rows, and the other jumps."""
    step = np.log(series.close[at] / series.close[at - 1])
    tens, double = _looks(rows, step)
    is_true = _spikes(rows, series, at)
    double &= ~is_true & ~_is_class(rows, series, at, AssetClass.OPTION)
    wrong: list[Places] = []
    used = np.zeros(len(at), np.bool_)
    for length in range(1, rows.context.tolerances.moment + 1):
        hit = np.flatnonzero((tens | double | is_true) & ~used & _returns(rows, series, at, length))
        used |= np.isin(at, at[hit] + length)  # the way back is no jump of its own
        hit = hit[(tens | double)[hit]]  # a true one stays a jump, though it was undone
        used[hit] = True
        for k in range(length):
            mark_series(rows, series, at[hit[tens[hit]]] + k, Reason.MISPRINT)
            mark_series(rows, series, at[hit[~tens[hit]]] + k, Reason.HALVED_FOR_A_DAY)
            wrong.append(at[hit] + k)
    return np.concatenate(wrong), at[~used]


def _returns(rows: Rows, series: Series, at: Places, length: int) -> Flags:
    """Return which jumps stay for so many rows, and are where they came from with the next."""
    close, step = series.close, np.log(series.close[at] / series.close[at - 1])
    tens, _ = _looks(rows, step)
    limit = rows.context.tolerances.back * np.where(tens, 1.0, 0.5)  # a half is no rare move
    back = np.minimum(at + length, len(close) - 1)
    found: Flags = (at + length < len(close)) & (series.codes[back] == series.codes[at])
    found &= (close[back] > 0.0) & (close[back - 1] > 0.0)
    home = np.where(found, close[back] / close[at - 1], 1.0)
    level = np.where(found, close[back - 1] / close[at], 1.0)
    found &= (np.abs(np.log(home)) < limit) & (np.abs(np.log(level)) < limit)
    return found


def _absurd(rows: Rows, series: Series, at: Places, same: Flags) -> None:
    """Reject closes far above everything else their symbol has."""
    limit, close = rows.context.tolerances.absurd, series.close
    for i in at[close[at] > limit * close[at - 1]]:
        start = int(np.searchsorted(series.codes, series.codes[i]))
        stop = int(np.searchsorted(series.codes, series.codes[i], side="right"))
        is_alone = i + 1 >= stop or close[i] > limit * close[i + 1]
        usual = float(np.median(close[start:stop]))
        if stop - start >= _FEW and is_alone and close[i] > limit * usual and same[i]:
            mark_series(rows, series, np.array([i]), Reason.ABSURD_SIZE)


def _stays(rows: Rows, series: Series, at: Places) -> Places:
    """Say what the jumps are that did not come back; return the rows that nobody can tell yet."""
    if not len(at):
        return np.empty(0, np.intp)
    step = np.log(series.close[at] / series.close[at - 1])
    is_true = _spikes(rows, series, at)
    ideal = np.where(is_true, 0.0, _ideal(rows, series, at, step))
    is_last = np.append(series.codes[1:] != series.codes[:-1], True)[at]
    mark_series(rows, series, at[is_true], Reason.BIG_MOVE)
    fell = (ideal == 0.0) & ~is_true & (step < 0.0) & _is_class(rows, series, at, AssetClass.EQUITY)
    mark_series(rows, series, at[fell], Reason.UNEXPLAINED_DROP)
    tens, double = _looks(rows, step)
    last = is_last & ~is_true & (tens | double | (ideal != 0.0))
    mark_series(rows, series, at[last & tens], Reason.MISPRINT, is_fatal=False)
    mark_series(rows, series, at[last & double & ~tens], Reason.HALVED_FOR_A_DAY, is_fatal=False)
    mark_series(rows, series, at[last & (ideal != 0.0)], Reason.UNEXPLAINED_RATIO, is_fatal=False)
    _hold(rows, series, at[~last], ideal[~last])
    places = series.place[at[last]]
    held: Places = places[places != STORED]
    return held


def _hold(rows: Rows, series: Series, at: Places, ideal: Floats) -> None:
    """Reject every row of a symbol from a step that is a split's until one back.

    Where the vendor says that it corrected for splits the step is flagged and nothing is held:
    no action that could still be told would explain it, and it is often the truth.
    """
    if not ideal.any():
        return
    if rows.told.adjustment is not Adjustment.RAW:
        mark_series(rows, series, at[ideal != 0.0], Reason.UNEXPLAINED_RATIO, is_fatal=False)
        return
    level = np.zeros(len(series.close))
    level[at] = ideal
    level = np.cumsum(level)
    starts = np.flatnonzero(np.diff(series.codes, prepend=STORED) != 0)
    lengths = np.diff(np.append(starts, len(level)))
    before = np.where(starts > 0, level[starts - 1], 0.0)
    level -= np.repeat(before, lengths)
    mark_series(
        rows,
        series,
        np.flatnonzero(np.abs(level) > rows.context.tolerances.ratio),
        Reason.UNEXPLAINED_RATIO,
    )


def _ideal(rows: Rows, series: Series, at: Places, step: Floats) -> Floats:
    """Return the logarithm of the split that each step looks like, 0 for none."""
    limit = rows.context.tolerances.ratio
    known: Floats = np.concatenate((-_SPLITS, _REVERSE))
    nearest = known[np.argmin(np.abs(step[:, None] - known), axis=1)]
    begin = np.log(np.where(series.open[at] > 0.0, series.open[at], np.nan) / series.close[at - 1])
    is_gap = ~(np.abs(begin - nearest) > _GAPPED)  # no open tells nothing
    room = limit * np.minimum(1.0, np.abs(nearest) / _DOUBLE)  # small steps are often true
    fits = (np.abs(step - nearest) < room) & is_gap & ~_is_wild(rows, series, at, step)
    fits &= _is_class(rows, series, at, AssetClass.EQUITY)
    return np.where(fits, nearest, 0.0)


def _spikes(rows: Rows, series: Series, at: Places) -> Flags:
    """Return at which rows both volume and turnover are far above what was usual before.

    A split changes the one and leaves the other; a wrong price changes turnover alone.
    """
    back, is_own = _before(series, at)
    volume = np.where(is_own, series.volume[back], np.nan)
    found = np.ones(len(at), np.bool_)
    for now, then in (
        (series.volume[at], volume),
        (series.volume[at] * series.close[at], volume * series.close[back]),
    ):
        usual = np.array([_median(row) for row in then])
        found &= now > rows.context.tolerances.spike * usual
    return found


def _is_wild(rows: Rows, series: Series, at: Places, step: Floats) -> Flags:
    """Return at which rows the steps before were so large that this one may be true."""
    back, is_own = _before(series, at)
    now, then = series.close[back[:, :-1]], series.close[back[:, 1:]]
    is_known = is_own[:, 1:] & (now > 0.0) & (then > 0.0)
    steps = np.abs(np.log(np.where(is_known, now, 1.0) / np.where(is_known, then, 1.0)))
    usual = np.array(
        [
            _median(row[known]) if known.sum() >= _FEW else 0.0
            for row, known in zip(steps, is_known, strict=True)
        ]
    )
    found: Flags = np.abs(step) < rows.context.tolerances.calm * usual
    return found


def _before(series: Series, at: Places) -> tuple[Places, Flags]:
    """Return the rows before each, the last first, and which of them are of the same symbol."""
    back = at[:, None] - np.arange(1, _WINDOW + 1)
    is_own = (back >= 0) & (series.codes[np.maximum(back, 0)] == series.codes[at][:, None])
    return np.maximum(back, 0), is_own


def _median(row: Floats) -> float:
    known = row[row > 0.0]
    return float(np.median(known)) if len(known) else np.nan


def _looks(rows: Rows, step: Floats) -> tuple[Flags, Flags]:
    """Return which steps are a misplaced point, and which a doubling or halving."""
    near = 2 * rows.context.tolerances.ratio
    tens = np.min(np.abs(np.abs(step)[:, None] - _POWERS), axis=1) < near
    return tens, np.abs(np.abs(step) - _DOUBLE) < near


def _is_class(rows: Rows, series: Series, at: Places, wanted: AssetClass) -> Flags:
    chosen = np.array([kind is wanted for kind in rows.classes], np.bool_)
    found: Flags = chosen[series.codes[at]]
    return found
