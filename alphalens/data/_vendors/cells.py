"""Cells of a vendor's JSON turned into columns, with a mark on all that is odd.

A column whose cells are all alike becomes an array at once; only the cells that are something
else are looked at one by one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalens.data.bars import NO_TIME, micros
from alphalens.data.reasons import Reason

__all__ = [
    "Floats",
    "Ints",
    "Marks",
    "instants",
    "local_instants",
    "mark",
    "numbers",
    "plain_text",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Marks = NDArray[np.uint64]

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_INFINITY = re.compile(r"[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)
_PLAIN = {int, float, type(None)}
_FIRST_S, _LAST_S = 631_152_000, 4_102_444_800  # 1990 and 2100: the ranges of no two units meet
_UNITS = ((1, 1_000_000, 1), (10**3, 1000, 1), (10**6, 1, 1), (10**9, 1, 1000))
_INSTANT_FORM = ((4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"))
_WHOLE, _TO_MICROS, _LONGEST_INSTANT = 20, 26, 30


def numbers(cells: Sequence[object]) -> tuple[Floats, Marks]:
    """Return numbers as float64, NaN where there is none, and what was odd about each.

    Parameters
    ----------
    cells : sequence of object
        Values of JSON. None is a missing number, which is not marked here.

    Examples
    --------
    >>> from alphalens.data.reasons import names_of
    >>> values, marks = numbers([1, 2.5, "187.15", "1,5", None])
    >>> values.tolist()
    [1.0, 2.5, 187.15, nan, nan]
    >>> [names_of(int(mark)) for mark in marks]
    [(), (), ('text_number',), ('locale_number',), ()]
    """
    marks = np.zeros(len(cells), np.uint64)
    values = _at_once(cells)
    if values is None:
        odd = [place for place, cell in enumerate(cells) if type(cell) is not float]
        values = np.array([cell if type(cell) is float else np.nan for cell in cells])
        for place in odd:
            if (cell := cells[place]) is not None:
                values[place], marks[place] = _number(cell)
    mark(marks, np.isinf(values), Reason.INFINITE)
    return values, marks


def instants(cells: Sequence[object]) -> tuple[Ints, Marks]:
    """Return instants as microseconds since 1970 UTC, `NO_TIME` where there is none, and marks.

    Parameters
    ----------
    cells : sequence of object
        RFC 3339 text, or an epoch in s, ms, us or ns; its unit is told by its size, which is
        unambiguous from 1990 to 2100.

    Examples
    --------
    >>> time, marks = instants(["2024-01-02T05:00:00Z", 1704171600000, 1704171600])
    >>> time.tolist()
    [1704171600000000, 1704171600000000, 1704171600000000]
    """
    kinds = set(map(type, cells))
    if kinds == {int} and (epochs := _int64(cells)) is not None:
        return _epochs(epochs)
    read, marks = np.full(len(cells), NO_TIME, np.int64), np.zeros(len(cells), np.uint64)
    alike = _alike(cells) if str in kinds else np.zeros(len(cells), np.bool_)
    texts = cells if alike.all() else [cells[place] for place in np.flatnonzero(alike).tolist()]
    if (at_once := _texts_at_once(texts)) is None:  # one of them does not exist
        alike[:] = False
    else:
        read[alike] = at_once
    for place in np.flatnonzero(~alike).tolist():
        read[place], marks[place] = _instant(cells[place])
    return read, marks


def local_instants(cells: Sequence[object], zone: str) -> tuple[Ints, Marks]:
    """Return what `instants` returns, where texts without a zone are in the one that is given.

    A local time that the clocks leave out, or tell twice, is ``WRONG_ZONE``: nobody can say
    which instant it is.

    Parameters
    ----------
    cells : sequence of object
        As `instants` takes them, and texts without a zone.
    zone : str
        The time zone that the source names for them.

    Examples
    --------
    >>> from alphalens.data.reasons import names_of
    >>> texts = ["2024-01-02 09:30", "2024-03-10 02:30", "2024-11-03 01:30"]
    >>> time, marks = local_instants(texts, "America/New_York")
    >>> time.tolist() == [1704205800000000, NO_TIME, NO_TIME]
    True
    >>> [names_of(int(mark)) for mark in marks]
    [(), ('wrong_zone',), ('wrong_zone',)]
    """
    time, marks = instants(cells)
    naive = np.flatnonzero(marks == Reason.NO_TIME_ZONE.bit)
    texts = [cells[place] for place in naive.tolist()]
    told = np.array([datetime.fromisoformat(str(text)) for text in texts], "M8[us]")
    local = pd.DatetimeIndex(told).tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    time[naive] = local.tz_convert("UTC").tz_localize(None).as_unit("us").asi8
    marks[naive] = 0
    mark(marks, np.isin(np.arange(len(time)), naive[local.isna()]), Reason.WRONG_ZONE)
    return time, marks


def plain_text(text: object, *, longest: int = 10_000) -> str:
    r"""Return text of a vendor without what could hide in it: it is shown to people and models.

    Control, format and private characters go, white space becomes one blank, and what is longer
    is cut. What is no text becomes empty.

    Examples
    --------
    >>> plain_text("Apple\x1b[31m\u202e  beats\nestimates")
    'Apple[31m beats estimates'
    """
    if not isinstance(text, str):
        return ""
    kept = (c for c in text if c.isspace() or not unicodedata.category(c).startswith("C"))
    return " ".join("".join(kept).split())[:longest]


def mark(marks: Marks, where: NDArray[np.bool_], reason: Reason) -> None:
    """Set the bit of a reason in some of the marks."""
    marks[where] |= np.uint64(reason.bit)


def _at_once(cells: Sequence[object]) -> Floats | None:
    """Return plain numbers as an array; None if one of them is something else."""
    if not set(map(type, cells)) <= _PLAIN:
        return None
    try:
        return np.array(cells, np.float64)
    except OverflowError:  # an integer of more than 308 digits
        return None


def _number(cell: object) -> tuple[float, int]:
    if type(cell) is float:
        return cell, 0
    if type(cell) is int:
        try:
            return float(cell), 0
        except OverflowError:
            return np.inf if cell > 0 else -np.inf, 0
    if isinstance(cell, str) and (_NUMBER.fullmatch(cell) or _INFINITY.fullmatch(cell)):
        return float(cell), Reason.TEXT_NUMBER.bit
    return np.nan, Reason.LOCALE_NUMBER.bit


def _alike(cells: Sequence[object]) -> NDArray[np.bool_]:
    """Tell which cells are texts as long as the first one: most often that is all of them."""
    length = next(len(cell) for cell in cells if isinstance(cell, str))
    return np.array([type(cell) is str and len(cell) == length for cell in cells], np.bool_)


def _texts_at_once(cells: Sequence[Any]) -> Ints | None:
    """Return instants of one length that are written ``2024-01-02T05:00:00Z``, or with a fraction.

    None if one of them is written in another way, or does not exist.
    """
    if not cells:
        return np.empty(0, np.int64)
    length = len(cells[0])
    if not _WHOLE <= length <= _LONGEST_INSTANT:
        return None
    letters = np.array(cells).view("U1").reshape(len(cells), length)
    ends = "Z" if length == _WHOLE else "."
    form = (*_INSTANT_FORM, (_WHOLE - 1, ends), (length - 1, "Z"))
    if not all((letters[:, place] == sign).all() for place, sign in form):
        return None
    try:
        kept = min(length - 1, _TO_MICROS)
        return np.array(cells, f"U{kept}").astype("M8[us]").astype(np.int64)
    except ValueError:
        return None


def _int64(cells: Sequence[Any]) -> Ints | None:
    try:
        return np.array(cells, np.int64)
    except OverflowError:
        return None


def _epochs(epochs: Ints) -> tuple[Ints, Marks]:
    time = np.full(len(epochs), NO_TIME, np.int64)
    for a_second, times, over in _UNITS:
        fits = (epochs >= _FIRST_S * a_second) & (epochs < _LAST_S * a_second)
        time[fits] = epochs[fits] * times // over
    marks = np.zeros(len(epochs), np.uint64)
    mark(marks, time == NO_TIME, Reason.WRONG_EPOCH)
    return time, marks


def _instant(cell: object) -> tuple[int, int]:
    if cell is None:
        return NO_TIME, Reason.SCHEMA_DRIFT.bit
    if isinstance(cell, str):
        return _text_instant(cell)
    number, odd = _number(cell)
    if odd or not abs(number) < _LAST_S * 10**9:
        return NO_TIME, Reason.WRONG_EPOCH.bit
    time, marks = _epochs(np.array([int(number)], np.int64))
    return int(time[0]), int(marks[0])


def _text_instant(text: str) -> tuple[int, int]:
    try:
        read = datetime.fromisoformat(text)
        if read.tzinfo is None:
            return NO_TIME, Reason.NO_TIME_ZONE.bit
        return micros(read), 0
    except (ValueError, OverflowError):
        return NO_TIME, Reason.WRONG_ZONE.bit
