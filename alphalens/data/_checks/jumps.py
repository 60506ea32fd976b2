"""Checks of closes that are far from the one before: misprint, split, distribution or truth.

A jump is judged by what comes after it: what comes back within a moment was a misprint, what
stays was a split, a distribution or the truth. At the end of the rows nobody can know, so the
last row is held: kept with its mark until the next rows tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

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
T = TypeVar("T", bound=np.generic)

_POWERS = np.log((10.0, 100.0))
_DOUBLE = np.log(2.0)
# So far from each other that a step up and the one back are the same ratio.
_WHOLE = np.log((*range(2, 11), 12, 15, 18, 20, 25, 30, 35, 40, 45, 50, 60, 75, 100))
_SPLITS = np.concatenate((-_WHOLE[::-1], np.log([1 / 1.5]), _WHOLE))  # 2 new for 3 hardly exist
_TICKS = 5  # a price that moves by so few of them hits a small ratio by chance
_COARSE = np.log(5.0)
_GAPPED = 0.2  # a split is there at the open; how far the open may be from the ratio
_WINDOW = 20  # bars before, for the turnover that is usual
_FEW = 5  # fewer bars have no median to speak of
_EXPLAINED = 0.35
_PIECE = 1 << 15


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
    is_true = _by_pieces(at, lambda some: _spikes(rows, series, some))
    misprints, is_left = _misprints(rows, series, at, is_true)
    at, is_true = at[is_left], is_true[is_left]
    is_left = ~_absurd(rows, series, at)
    at, is_true = at[is_left], is_true[is_left]
    held = _stays(rows, series, at, is_true)
    own = series.place[misprints]
    gone = misprints[own == STORED]
    names = rows.told.symbols
    return Verdict(
        held=held,
        stored_misprints=tuple((names[series.codes[i]], int(series.time[i])) for i in gone),
    )


def _explained(rows: Rows, series: Series, at: Places) -> Flags:
    """Return which jumps are what known actions do to prices of this adjustment."""
    found = np.zeros(len(at), np.bool_)
    accepted: dict[str, list[int]] = {}
    for symbol, accepted_day in rows.context.accepted:
        accepted.setdefault(symbol, []).append(day_number(accepted_day))
    for code in np.unique(series.codes[at]):
        symbol = rows.told.symbols[code]
        zone = ZONES[rows.context.calendar_of(symbol)]
        (own,) = np.nonzero(series.codes[at] == code)
        day, _ = local_days(series.time[at[own]], zone)
        before, _ = local_days(series.time[at[own] - 1], zone)
        found[own] |= np.isin(day, accepted.get(symbol, []))
        hits: dict[int, list[CorporateAction]] = {}
        for action in rows.context.known_of(symbol):
            ex_day = day_number(action.ex_date)
            for k in own[(before < ex_day) & (ex_day <= day)].tolist():
                hits.setdefault(k, []).append(action)
        for k, actions in hits.items():
            found[k] |= _fit(actions, rows.told.adjustment, series.close, int(at[k]))
    return found


def _fit(
    actions: Sequence[CorporateAction], adjustment: Adjustment, close: Floats, at: int
) -> bool:
    """Tell whether one of some actions makes this step, or all of them together."""
    step = float(np.log(close[at] / close[at - 1]))
    if step < 0.0 and any(action.kind == "spin_off" for action in actions):
        return True
    if adjustment is Adjustment.ALL:
        return False
    # What two vendors tell of one day is one action.
    told = {(action.kind, action.ex_date): action for action in actions}
    dues = [_due(a, adjustment, float(close[at - 1])) for a in (*actions, *told.values())]
    alone, together = dues[: len(actions)], sum(dues[len(actions) :])
    return any(abs(step - due) < _EXPLAINED for due in (*alone, together))


def _due(action: CorporateAction, adjustment: Adjustment, close: float) -> float:
    """Return by what an action moves the logarithm of a price of this adjustment."""
    left = 1.0 - float(action.cash) / close
    ratio = 1.0 if adjustment is not Adjustment.RAW else float(action.ratio)
    return float(np.log(left / ratio)) if left > 0.0 else np.inf


def _misprints(rows: Rows, series: Series, at: Places, is_true: Flags) -> tuple[Places, Flags]:
    """Mark the jumps that come back within a moment; return their rows, and which are left."""
    step = np.log(series.close[at] / series.close[at - 1])
    tens, double = _looks(rows, step)
    double &= ~is_true & ~_is_class(rows, series, at, AssetClass.OPTION)
    double &= ~_is_coarse(rows, series, at, step)
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
    return np.concatenate(wrong), ~used


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


def _absurd(rows: Rows, series: Series, at: Places) -> Flags:
    """Reject closes far above everything else their symbol has; return the jumps to and fro."""
    limit, close = rows.context.tolerances.absurd, series.close
    starts = np.flatnonzero(np.diff(series.codes, prepend=STORED) != 0)
    stops = np.append(starts[1:], len(close))
    up = at[close[at] > limit * close[at - 1]]
    run = np.searchsorted(starts, up, side="right") - 1
    usual = {
        k: float(np.median(close[starts[k] : stops[k]]))
        for k in np.unique(run).tolist()
        if stops[k] - starts[k] >= _FEW
    }
    is_last, after = up + 1 >= stops[run], np.minimum(up + 1, len(close) - 1)
    level = np.array([usual.get(k, np.inf) for k in run.tolist()])
    absurd = up[(is_last | (close[up] > limit * close[after])) & (close[up] > limit * level)]
    mark_series(rows, series, absurd, Reason.ABSURD_SIZE)
    return np.isin(at, np.concatenate((absurd, absurd + 1)))


def _stays(rows: Rows, series: Series, at: Places, is_true: Flags) -> Places:
    """Say what the jumps are that did not come back; return the rows that nobody can tell yet."""
    if not len(at):
        return np.empty(0, np.intp)
    step = np.log(series.close[at] / series.close[at - 1])
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
    it is often the truth, and if it is not, the split that becomes known refuses the answer.
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
    upper = np.clip(np.searchsorted(_SPLITS, step), 1, len(_SPLITS) - 1)
    below, above = _SPLITS[upper - 1], _SPLITS[upper]
    nearest = np.where(step - below < above - step, below, above)
    begin = np.log(np.where(series.open[at] > 0.0, series.open[at], np.nan) / series.close[at - 1])
    is_gap = ~(np.abs(begin - nearest) > _GAPPED)  # no open tells nothing
    room = limit * np.minimum(1.0, np.abs(nearest) / _DOUBLE)  # small steps are often true
    usual = _by_pieces(at, lambda some: _usual_steps(series, some))
    is_wild = np.abs(step) < rows.context.tolerances.calm * usual
    fits = (np.abs(step - nearest) < room) & is_gap & ~is_wild
    fits &= ~_is_coarse(rows, series, at, step)
    fits &= _is_class(rows, series, at, AssetClass.EQUITY)
    return np.where(fits, nearest, 0.0)


def _is_coarse(rows: Rows, series: Series, at: Places, step: Floats) -> Flags:
    """Return which steps are so few ticks that they hit a ratio by chance, as of penny shares."""
    ticks = np.array([rows.context.tick_of(symbol) for symbol in rows.told.symbols], np.float64)
    moved = np.abs(series.close[at] - series.close[at - 1])
    few: Flags = moved <= ticks[series.codes[at]] * _TICKS * (1 + 1e-9)
    few &= np.abs(step) < _COARSE
    return few


def _by_pieces(at: Places, test: Callable[[Places], NDArray[T]]) -> NDArray[T]:
    """Ask a test of a part of the jumps at a time: it needs `_WINDOW` rows for each."""
    return np.concatenate([test(at[k : k + _PIECE]) for k in range(0, len(at) or 1, _PIECE)])


def _spikes(rows: Rows, series: Series, at: Places) -> Flags:
    """Return at which rows both volume and turnover are far above what was usual before.

    A split changes the one and leaves the other; a wrong price changes turnover alone. Before
    the first trade of a share there is its price of issue, without volume.
    """
    back, is_own = _before(series, at)
    volume = np.where(is_own, series.volume[back], np.nan)
    is_first = (is_own.sum(axis=1) < _FEW) & ~(volume != 0.0).any(axis=1, where=is_own)
    found = np.ones(len(at), np.bool_)
    for now, then in (
        (series.volume[at], volume),
        (series.volume[at] * series.close[at], volume * series.close[back]),
    ):
        usual = np.where(is_first, 0.0, _medians(then))
        found &= now > rows.context.tolerances.spike * usual
    return found


def _usual_steps(series: Series, at: Places) -> Floats:
    """Return how large the steps before each row usually were, 0 where they were too few."""
    back, is_own = _before(series, at)
    now, then = series.close[back[:, :-1]], series.close[back[:, 1:]]
    is_known = is_own[:, 1:] & (now > 0.0) & (then > 0.0)
    steps = np.abs(np.log(np.where(is_known, now, 1.0) / np.where(is_known, then, 1.0)))
    usual = np.where(is_known.sum(axis=1) >= _FEW, _medians(steps), 0.0)
    return np.nan_to_num(usual, nan=0.0)


def _before(series: Series, at: Places) -> tuple[Places, Flags]:
    """Return the rows before each, the last first, and which of them are of the same symbol."""
    back = at[:, None] - np.arange(1, _WINDOW + 1)
    is_own = (back >= 0) & (series.codes[np.maximum(back, 0)] == series.codes[at][:, None])
    return np.maximum(back, 0), is_own


def _medians(table: Floats) -> Floats:
    """Return the median of what is above 0 in each row, NaN where nothing is."""
    ordered = np.sort(np.where(table > 0.0, table, np.nan), axis=1)
    count, rows = np.count_nonzero(ordered == ordered, axis=1), np.arange(len(table))
    low, high = ordered[rows, np.maximum(count - 1, 0) // 2], ordered[rows, count // 2]
    middle: Floats = (low + high) / 2.0
    return middle


def _looks(rows: Rows, step: Floats) -> tuple[Flags, Flags]:
    """Return which steps are a misplaced point, and which a doubling or halving."""
    near = 2 * rows.context.tolerances.ratio
    tens = np.min(np.abs(np.abs(step)[:, None] - _POWERS), axis=1) < near
    return tens, np.abs(np.abs(step) - _DOUBLE) < near


def _is_class(rows: Rows, series: Series, at: Places, wanted: AssetClass) -> Flags:
    chosen = np.array([kind is wanted for kind in rows.classes], np.bool_)
    found: Flags = chosen[series.codes[at]]
    return found
