"""Checks of each row by itself: prices, volume, and whether the bar has ended."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alphalens.assets import AssetClass
from alphalens.data._checks.rows import Rows, scan
from alphalens.data.bars import Adjustment
from alphalens.data.reasons import Reason

__all__ = ["check_values"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

_PRICES = ("open", "high", "low", "close")
_WHOLE = frozenset({AssetClass.EQUITY, AssetClass.OPTION, AssetClass.FUTURE})


def check_values(rows: Rows) -> None:
    """Check what needs no other row, and repair what is off by a tick or a fraction."""
    _prices(rows)
    _range(rows)
    _volume(rows)
    _final(rows)


def _prices(rows: Rows) -> None:
    bars, limit = rows.told, rows.context.tolerances.largest_price
    prices = [getattr(bars, name) for name in _PRICES]

    def is_odd(piece: slice) -> Flags:
        one, two, three, four = (price[piece] for price in prices)
        low = np.minimum(np.minimum(one, two), np.minimum(three, four))
        high = np.maximum(np.maximum(one, two), np.maximum(three, four))
        odd: Flags = ~((low > 0.0) & (high <= limit))  # NaN fails both
        return odd

    odd = scan(len(rows), is_odd)
    if not len(odd):
        return
    close = bars.close[odd]
    table = np.stack([price[odd] for price in prices])
    others = np.isnan(table[:3]).any(axis=0)
    rows.mark(odd[np.isnan(close)], Reason.CLOSE_MISSING)
    rows.mark(odd[others & ~np.isnan(close)], Reason.OPEN_HIGH_LOW_MISSING)
    rows.mark(odd[np.isinf(table).any(axis=0)], Reason.INFINITE)
    too_large = (np.isfinite(table) & (np.abs(table) > limit)).any(axis=0)
    rows.mark(odd[too_large], Reason.ABSURD_SIZE)
    _not_positive(rows, odd, table)


def _not_positive(rows: Rows, odd: NDArray[np.intp], table: Floats) -> None:
    """Judge prices up to 0: of some futures they may be true, but no settle is 0."""
    symbols, allowed = rows.told.symbols, rows.context.may_be_negative
    is_future = np.array([kind is AssetClass.FUTURE for kind in rows.classes])
    may = np.array([symbol in allowed for symbol in symbols]) & is_future
    codes = rows.told.codes[odd]
    settle = table[3]
    is_zero = is_future[codes] & (settle == 0.0)
    rows.mark(odd[is_zero], Reason.NEGATIVE_OR_ZERO_SETTLE, is_fatal=True)
    is_negative = (table <= 0.0).any(axis=0) & ~is_zero
    rows.mark(odd[is_negative & may[codes]], Reason.NEGATIVE_OR_ZERO_SETTLE, is_fatal=False)
    rows.mark(odd[is_negative & ~may[codes]], Reason.PRICE_NOT_POSITIVE)


def _range(rows: Rows) -> None:
    """High and low must hold the others; off by a tick, or by rounding, they are moved there."""
    bars, tolerances = rows.told, rows.context.tolerances

    def bounds(piece: slice | Places) -> tuple[Floats, Floats]:
        first, last, low = bars.open[piece], bars.close[piece], bars.low[piece]
        return np.fmax(np.fmax(first, last), low), np.fmin(first, last)

    def is_odd(piece: slice) -> Flags:
        top, bottom = bounds(piece)
        found: Flags = (bars.high[piece] < top) | (bars.low[piece] > bottom)
        return found

    odd = scan(len(rows), is_odd)
    if not len(odd):
        return
    top, bottom = bounds(odd)
    ticks = np.array([rows.context.tick_of(symbol) for symbol in bars.symbols])
    slack = ticks[bars.codes[odd]] * (1 + 1e-9) + tolerances.rounding * np.abs(bars.close[odd])
    for name, reason, short, bound in (
        ("high", Reason.HIGH_TOO_LOW, top - bars.high[odd], top),
        ("low", Reason.LOW_TOO_HIGH, bars.low[odd] - bottom, bottom),
    ):
        rows.mark(odd[short > slack], reason)
        small = (short > 0) & (short <= slack)
        rows.mark(odd[small], reason, is_fatal=False)
        if small.any():
            rows.repair(name, odd[small], bound[small])


def _volume(rows: Rows) -> None:
    bars, limit = rows.told, rows.context.tolerances.largest_volume
    volume = bars.volume
    rows.mark(scan(len(rows), lambda piece: np.isinf(bars.vwap[piece])), Reason.INFINITE)
    odd = scan(len(rows), lambda p: ~((volume[p] >= 0.0) & (volume[p] <= limit)))
    rows.mark(odd[np.isinf(volume[odd])], Reason.INFINITE)
    rows.mark(odd[(volume[odd] < 0.0) & (volume[odd] > -np.inf)], Reason.NEGATIVE_VOLUME)
    rows.mark(odd[(volume[odd] > limit) & (volume[odd] < np.inf)], Reason.VOLUME_OVERFLOW)
    if bars.adjustment is not Adjustment.RAW:
        return  # a split makes fractions of whole numbers
    whole = rows.rows_of(lambda symbol: rows.context.class_of(symbol) in _WHOLE)
    if whole is None:
        return
    odd = scan(len(rows), lambda p: (volume[p] != np.rint(volume[p])) & whole[p])
    odd = odd[np.isfinite(volume[odd])]
    rows.mark(odd, Reason.FRACTIONAL_VOLUME)
    if len(odd) and rows.context.has_fractions:
        rows.repair("volume", odd, np.rint(volume[odd]))


def _final(rows: Rows) -> None:
    """Mark bars that had not ended when they were received, whatever is said of them."""
    bars = rows.told
    length = rows.length_us
    early = scan(
        len(rows), lambda p: (bars.time[p] > bars.received[p] - length) | ~bars.is_final[p]
    )
    rows.mark(early, Reason.NOT_FINAL)
    wrong = early[bars.is_final[early]]
    if len(wrong):
        rows.repair("is_final", wrong, np.zeros(len(wrong), np.bool_))
