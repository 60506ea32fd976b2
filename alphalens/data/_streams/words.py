"""What a frame of a stream holds, and how its bars become batches that can be judged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from alphalens.data._vendors.reading import Keys, Part, batch_from
from alphalens.data.bar_stream import Trade, TroubleKind
from alphalens.data.bars import NO_TIME, Adjustment, Bars, Timeframe
from alphalens.data.port import BarRequest, Batch
from alphalens.data.reasons import RULES, Reason, Severity, rejecting
from alphalens.net.exact_json import rows
from alphalens.net.failures import Unreadable
from alphalens.net.line import Frame, Line
from alphalens.trading.market import Quote

__all__ = [
    "LATE_S",
    "BarRow",
    "Dialect",
    "Fault",
    "Item",
    "Row",
    "batches_of",
    "instant_of",
    "items_of",
    "joined",
    "merged",
    "messages_of",
    "plain_row",
    "shown",
    "some_of",
    "unspoiled",
]

Row = Mapping[str, Any]  # Any: the values of JSON

_KEYS = Keys()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATE_S = 900.0  #: how far behind the market the vendors' delayed feeds are
_LAST_US = 4_102_444_800_000_000  # 2100: what is later bounds no request
_NOT_FINAL = np.uint64(Reason.NOT_FINAL.bit)
_SPOILING = np.uint64(sum(r.bit for r, rule in RULES.items() if rule.severity is Severity.BATCH))


class BarRow(NamedTuple):
    """A bar as it came: whose, how long, since when (microseconds), its row, when it came.

    A correction says of itself that it is one, where the vendor tells that apart.
    """

    symbol: str
    timeframe: Timeframe
    time: int
    row: Row
    received: int
    is_forming: bool = False
    is_correction: bool = False


class Fault(NamedTuple):
    """Something in a frame that is wrong."""

    kind: TroubleKind
    text: str
    raw: str = ""


Item = BarRow | Quote | Trade | Fault


class Dialect(Protocol):
    """How one vendor speaks."""

    @property
    def name(self) -> str:
        """Return the vendor's name, as it stands in the column ``source``."""
        ...

    @property
    def keys(self) -> Keys:
        """Return how it names the parts of a bar."""
        ...

    async def greet(self, line: Line) -> Sequence[Frame]:
        """Log in and subscribe; return the frames that held data already.

        Raises
        ------
        Refused
            If the key, the plan or the subscription will never do.
        NetError
            If it may work later.
        """
        ...

    def read(self, frame: Frame, received: int) -> list[Item]:
        """Return what a frame holds, each message of it.

        Raises
        ------
        Unreadable
            If nothing of it can be read.
        """
        ...


class _Picked(Sequence[str]):
    """Texts of some rows out of several sequences, each written only when it is asked for."""

    def __init__(self, places: Sequence[tuple[Sequence[str], int]]) -> None:
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> _Picked: ...
    def __getitem__(self, index: int | slice) -> str | _Picked:
        if isinstance(index, slice):
            return _Picked(self._places[index])
        texts, place = self._places[index]
        return texts[place]


def instant_of(time: int) -> datetime:
    """Return microseconds since 1970 as an aware instant.

    Examples
    --------
    >>> instant_of(1704171600000000).isoformat()
    '2024-01-02T05:00:00+00:00'
    """
    return _EPOCH + timedelta(microseconds=time)


def messages_of(frame: Frame) -> Sequence[Row]:
    """Return the messages of a frame, fractions as Decimal; NaN and infinity stay in their row.

    Raises
    ------
    Unreadable
        If it is no JSON, or no list of objects.
    """
    try:
        told = json.loads(frame, parse_float=Decimal)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise Unreadable(f"no JSON: {error}") from error
    return rows(told, "frame")


def items_of(
    frame: Frame, received: int, read_one: Callable[[Row, int], Item | None]
) -> list[Item]:
    """Return what the messages of a frame say; one that cannot be read says that.

    Raises
    ------
    Unreadable
        If the frame holds no messages.
    """
    items: list[Item] = []
    for message in messages_of(frame):
        try:
            item = read_one(message, received)
        except Unreadable as error:
            item = Fault(TroubleKind.UNREADABLE, str(error), shown(message))
        if item is not None:
            items.append(item)
    return items


def shown(message: Row) -> str:
    """Return a message as text, for those who are told of it."""
    return json.dumps(message, default=str)


def plain_row(message: Row) -> Row:
    """Return a message with its fractions as float, as rows of bars are read."""
    return {k: float(v) if type(v) is Decimal else v for k, v in message.items()}


def batches_of(
    told: Iterable[BarRow], *, source: str, keys: Keys = _KEYS, skew_s: float = 0.0
) -> list[Batch]:
    """Return bars as batches: one of each timeframe, and rows that spoil one in their own.

    Parameters
    ----------
    told : iterable of BarRow
        In the order in which they came, which the rows of each batch keep.
    source : str
        The vendor.
    keys : Keys
        How it names the parts of a bar.
    skew_s : float
        A bar that ends by so much after it came has ended: our clock may be behind.
    """
    by_length: dict[Timeframe, list[BarRow]] = {}
    for row in told:
        by_length.setdefault(row.timeframe, []).append(row)
    batches = (_batch(own, source, keys, skew_s) for own in by_length.values())
    return [part for batch in batches for part in unspoiled(batch)]


def _batch(told: Sequence[BarRow], source: str, keys: Keys, skew_s: float) -> Batch:
    timeframe = told[0].timeframe
    skew_s = 0.0 if timeframe.is_daily else skew_s
    received = np.array([row.received for row in told], np.int64)
    times = [row.time for row in told if 0 < row.time < _LAST_US] or [int(received[0])]
    request = BarRequest(
        symbols=tuple(dict.fromkeys(row.symbol for row in told)),
        start=instant_of(min(times)),
        end=instant_of(max(times)) + timeframe.length,
        timeframe=timeframe,
        adjustment=Adjustment.RAW,
    )
    batch = batch_from(
        [Part(symbol=row.symbol, rows=(row.row,)) for row in told],
        request,
        source=source,
        received_at=instant_of(int(received.max())),
        calls=0,
        keys=keys,
    )
    length_us = (timeframe.length - timedelta(seconds=skew_s)) // timedelta(microseconds=1)
    is_final = batch.bars.time + length_us <= received
    is_final &= ~np.array([row.is_forming for row in told], np.bool_)
    marks = np.where(is_final, batch.marks & ~_NOT_FINAL, batch.marks | _NOT_FINAL)
    bars = replace(batch.bars, received=received, is_final=is_final)
    return replace(batch, bars=bars, marks=marks)


def unspoiled(batch: Batch) -> list[Batch]:
    """Return a batch, and those of its rows for which all of it would be refused, in another."""
    is_spoiled = (batch.marks & _SPOILING) != 0
    if not is_spoiled.any() or is_spoiled.all():
        return [batch]
    return [some_of(batch, ~is_spoiled), some_of(batch, is_spoiled)]


def some_of(batch: Batch, which: NDArray[np.bool_]) -> Batch:
    """Return some rows of a batch; its request names their symbols only."""
    return _rows(batch, np.flatnonzero(which))


def joined(batches: Sequence[Batch]) -> Batch:
    """Return the rows of several batches of one timeframe in one, each of them.

    Parameters
    ----------
    batches : sequence of Batch
        One at least; all of one timeframe, adjustment and currency.
    """
    requests = [batch.request for batch in batches]
    bars = Bars.concat([batch.bars for batch in batches])
    return Batch(
        request=replace(
            requests[0],
            symbols=_present(bars) or requests[0].symbols,
            start=min(request.start for request in requests),
            end=max(request.end for request in requests),
        ),
        bars=bars,
        marks=np.concatenate([batch.marks for batch in batches]),
        raw=_Picked([(b.raw, row) for b in batches for row in range(len(b.bars))]),
        received_at=max(batch.received_at for batch in batches),
        calls=sum(batch.calls for batch in batches),
    )


def merged(batches: Sequence[Batch]) -> tuple[list[Batch], int]:
    """Return bars of one timeframe by time, each key once, and how many rows gave way.

    Parameters
    ----------
    batches : sequence of Batch
        One at least. Of the good rows of a key a final one stays before one that forms, then
        the one that was received last, of one instant the one of the later batch. Bad rows all
        stay: they are for the quarantine.
    """
    whole = joined(batches)
    bars = whole.bars
    is_bad = rejecting(whole.marks) | (bars.time == NO_TIME)
    order = np.lexsort((bars.received, bars.is_final, is_bad, bars.codes, bars.time))
    time, codes, bad = bars.time[order], bars.codes[order], is_bad[order]
    is_kept = np.ones(len(order), np.bool_)
    again = (time[1:] == time[:-1]) & (codes[1:] == codes[:-1]) & ~bad[1:] & ~bad[:-1]
    is_kept[:-1] = ~again
    return unspoiled(_rows(whole, order[is_kept])), int(again.sum())


def _rows(batch: Batch, places: NDArray[np.intp]) -> Batch:
    bars = batch.bars.take(places)
    return replace(
        batch,
        request=replace(batch.request, symbols=_present(bars) or batch.request.symbols),
        bars=bars,
        marks=batch.marks[places],
        raw=_Picked([(batch.raw, place) for place in places.tolist()]),
    )


def _present(bars: Bars) -> tuple[str, ...]:
    return tuple(bars.symbols[code] for code in np.unique(bars.codes).tolist())
