"""What is known now: the last bars of many symbols as a batch, and bars within a snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from alphalens.data._vendors.reading import Part, batch_from
from alphalens.data._vendors.words import figure, moment
from alphalens.data.bars import NO_TIME, Timeframe
from alphalens.data.port import BarRequest, Batch, DataCapabilities, LastBar
from alphalens.errors import InputError
from alphalens.net.exact_json import mapping

__all__ = ["last_bar", "latest_batch", "latest_request"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)


def latest_request(
    symbols: Sequence[str], timeframe: Timeframe, capabilities: DataCapabilities, vendor: str
) -> BarRequest:
    """Return what is asked for where the span of the last bars is not known yet.

    Raises
    ------
    InputError
        If the vendor does not tell the last bar of this length, there is no symbol, or one twice.
    """
    if timeframe not in capabilities.latest:
        has = ", ".join(sorted(capabilities.latest)) or "none"
        raise InputError(f"{vendor} does not tell the last {timeframe} bar; it tells {has}")
    return BarRequest(
        symbols=tuple(symbols), start=_EPOCH, end=_EPOCH + timeframe.length, timeframe=timeframe
    )


def latest_batch(
    parts: Sequence[Part],
    request: BarRequest,
    *,
    source: str,
    received_at: datetime,
    calls: int,
    delay_s: float,
    known: frozenset[str] | None = None,
) -> Batch:
    """Return the last bars as a batch, whose request is the span that holds all of them.

    Parameters
    ----------
    parts : sequence of Part
        One row of each symbol that has one.
    request : BarRequest
        Of `latest_request`.
    source, received_at, calls, delay_s, known
        As `alphalens.data._vendors.reading.batch_from`.
    """
    told = batch_from(
        parts,
        request,
        source=source,
        received_at=received_at,
        calls=calls,
        delay_s=delay_s,
        known=known,
    )
    times = told.bars.time[told.bars.time != NO_TIME]
    first, last = received_at - request.timeframe.length, received_at
    if len(times):
        first, last = _instant(np.min(times)), max(received_at, _instant(np.max(times)))
    return replace(told, request=replace(request, start=first, end=last + _INSTANT))


def last_bar(told: object, what: str) -> LastBar | None:
    """Return a bar of a snapshot, named as Alpaca and Polygon name its parts; None for none.

    Raises
    ------
    Unreadable
        If it is there and a part of it is not what it should be.

    Examples
    --------
    >>> last_bar({"o": 1, "h": 2, "l": 1, "c": "1.5", "v": 10}, "dailyBar").close
    1.5
    """
    if told is None:
        return None
    row: Mapping[str, Any] = mapping(told, what)  # Any: the values of JSON
    return LastBar(
        at=moment(row, "t"),
        open=figure(row, "o"),
        high=figure(row, "h"),
        low=figure(row, "l"),
        close=figure(row, "c"),
        volume=figure(row, "v"),
        vwap=figure(row, "vw"),
    )


def _instant(time: np.int64) -> datetime:
    return _EPOCH + timedelta(microseconds=int(time))
