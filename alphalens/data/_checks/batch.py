"""Checks of a whole answer: what makes all of it unusable, whatever its rows say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

import numpy as np

from alphalens.data._checks.calendar import local_days
from alphalens.data._checks.context import ZONES, Context
from alphalens.data._checks.rows import Rows
from alphalens.data.bars import Adjustment
from alphalens.data.port import Batch, CorporateAction
from alphalens.data.reasons import RULES, AnswerRefused, Reason, Severity
from alphalens.errors import InputError

__all__ = ["check_batch", "check_units", "refuse"]

_ENOUGH = 3  # rows that have to agree that a series is in another unit
_PLAIN = 0.25  # logarithm: a move of a day that is no split
_FEW = 5


def check_batch(batch: Batch, context: Context) -> None:
    """Refuse an answer about other symbols, in another currency, or that could not be read.

    Raises
    ------
    AnswerRefused
        With the reason.
    InputError
        If the columns of the batch do not fit together, or the stored bars not to it.
    """
    bars, asked = batch.bars, batch.request
    if not len(bars) == len(batch.marks) == len(batch.raw):
        raise InputError(
            f"a batch needs marks and raw text for each row: {len(bars)} rows, "
            f"{len(batch.marks)} marks, {len(batch.raw)} texts"
        )
    _unread(batch)
    if bars.adjustment is not asked.adjustment or bars.timeframe is not asked.timeframe:
        told = f"{bars.timeframe}/{bars.adjustment}, not {asked.timeframe}/{asked.adjustment}"
        refuse(batch, Reason.MIXED_ADJUSTMENT, f"the bars are {told}")
    present = [
        symbol
        for symbol, n in zip(
            bars.symbols, np.bincount(bars.codes, minlength=len(bars.symbols)), strict=True
        )
        if n
    ]
    if others := sorted(set(present) - set(asked.symbols)):
        refuse(batch, Reason.WRONG_SYMBOL, f"nobody asked for {', '.join(others[:_FEW])}")
    for symbol in present:
        if (due := context.currency_of(symbol)) != bars.currency:
            refuse(batch, Reason.WRONG_CURRENCY, f"{symbol} is in {bars.currency}, not {due}")
    stored = context.stored
    if stored is not None and _kind(stored) != _kind(bars):
        raise InputError(f"stored bars are {_kind(stored)}, the batch is {_kind(bars)}")


def check_units(batch: Batch, rows: Rows) -> None:
    """Refuse series in hundredths of their currency, or adjusted otherwise than they say.

    Raises
    ------
    AnswerRefused
        With the reason.
    """
    bars = rows.told
    for start, stop in zip(rows.edges[:-1], rows.edges[1:], strict=True):
        symbol = bars.symbols[bars.codes[start]]
        actions = rows.context.known_of(symbol)
        if not actions and rows.context.stored is None:
            continue
        close = bars.close[start:stop]
        is_good = np.isfinite(close) & (close > 0.0)
        for split in (a for a in actions if a.kind == "split" and float(a.ratio) != 1.0):
            _adjustment(batch, rows, split, slice(start, stop), is_good)
        if not actions:
            _hundredths(batch, rows.context, symbol, close[is_good])


def refuse(batch: Batch, reason: Reason, text: str) -> NoReturn:
    """Refuse the whole answer.

    Raises
    ------
    AnswerRefused
        Always.
    """
    source = ", ".join(batch.bars.sources) or "the vendor"
    request = batch.request
    asked = (
        f"{len(request.symbols)} symbols from {request.start.isoformat()} to "
        f"{request.end.isoformat()}"
    )
    raise AnswerRefused(
        f"{source}: the whole answer of {len(batch.bars)} rows for {asked} was refused, "
        f"{reason.name.lower()} ({RULES[reason].text}): {text}; nothing of it was taken, its "
        f"rows are kept with this error. Ask again, or another vendor",
        reason=reason,
        vendor=source,
        asked=asked,
        raw=batch.raw,
    )


def _unread(batch: Batch) -> None:
    """Refuse what reading found in a row, and what a single row cannot have alone."""
    found_at_all = int(np.bitwise_or.reduce(batch.marks, initial=0))
    for reason in _of_batches():
        if not found_at_all & reason.bit:
            continue
        found = np.flatnonzero(batch.marks & np.uint64(reason.bit))
        row = batch.raw[int(found[0])]
        refuse(batch, reason, f"{len(found)} rows, the first is {row[:200]}")


def _of_batches() -> Iterator[Reason]:
    return (reason for reason in Reason if RULES[reason].severity is Severity.BATCH)


def _kind(bars: object) -> tuple[str, ...]:
    return tuple(str(getattr(bars, name)) for name in ("timeframe", "adjustment", "currency"))


def _adjustment(
    batch: Batch, rows: Rows, split: CorporateAction, own: slice, is_good: np.ndarray
) -> None:
    """Compare the step at a split that is known with what the adjustment promises."""
    bars = rows.told
    symbol = split.symbol
    day, _ = local_days(bars.time[own], ZONES[rows.context.calendar_of(symbol)])
    close, day = bars.close[own][is_good], day[is_good]
    after = int(np.searchsorted(day, np.datetime64(split.ex_date, "D").astype(np.int64)))
    due = float(np.log(float(split.ratio)))
    if not 0 < after < len(close) or abs(due) <= 2 * _PLAIN:
        return
    seen = float(np.log(close[after - 1] / close[after]))
    is_raw = bars.adjustment is Adjustment.RAW
    if abs(seen - (0.0 if is_raw else due)) < _PLAIN:
        refuse(
            batch,
            Reason.MIXED_ADJUSTMENT,
            f"{symbol} went from {close[after - 1]:g} to {close[after]:g} at the "
            f"{float(split.ratio):g}:1 split of {split.ex_date}, so the prices are not "
            f"{bars.adjustment}",
        )


def _hundredths(batch: Batch, context: Context, symbol: str, close: np.ndarray) -> None:
    """Compare the first prices with the last stored one: pence for pounds is 100 times."""
    stored = context.stored
    if stored is None or symbol not in stored.symbols or len(close) < _ENOUGH:
        return
    code = stored.symbols.index(symbol)
    before = stored.close[(stored.codes == code) & (stored.close > 0.0)]
    if not len(before):
        return
    level = float(np.median(before))
    for times in (100.0, 0.01):
        due = level * times
        if abs(np.log(close[0] / due)) < _PLAIN and (np.abs(np.log(close / due)) < _PLAIN).all():
            refuse(
                batch,
                Reason.WRONG_CURRENCY,
                f"all {len(close)} prices of {symbol} are {times:g} times the stored {level:g}",
            )
