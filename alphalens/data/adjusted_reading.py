"""Bars out of the store with another adjustment, by the actions that were known at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from alphalens.data.adjusting import adjusted, begin_of, known_actions
from alphalens.data.bars import Adjustment, Bars, micros
from alphalens.data.fact_store import FactStore
from alphalens.data.port import BarRequest, CorporateAction
from alphalens.data.store import BarStore
from alphalens.errors import DataError

__all__ = ["read_adjusted"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: No market is closed for longer: an older close is not the one before a dividend.
_LONGEST = timedelta(days=14)


def read_adjusted(
    store: BarStore,
    facts: FactStore,
    request: BarRequest,
    to: Adjustment,
    *,
    as_of: datetime,
    sources: Sequence[str] = (),
    zone: str = "America/New_York",
) -> Bars:
    """Return the bars of a request with another adjustment than they are stored with.

    Parameters
    ----------
    store, facts : BarStore, FactStore
        Where bars and actions are.
    request : BarRequest
        What is wanted; `adjustment` is that of the stored series.
    to : Adjustment
        What the prices are to be corrected for; a series that is stored adjusted can be taken
        back to raw prices.
    as_of : datetime
        Aware. Bars that were received and actions that were known by then count, and no others.
    sources : sequence of str
        Whose actions are believed; see `alphalens.data.known_facts.KnownFacts.actions`.
    zone : str
        Time zone of the market, whose midnight begins an ex-date.

    Returns
    -------
    Bars
        By symbol and time; see `alphalens.data.adjusting.adjusted`.

    Raises
    ------
    InputError
        If `as_of` has no time zone, or the series are of several currencies.
    DataError
        If the close before a dividend that is needed is not in the store, or does not fit it.
    StorageError
        If the database fails.

    Notes
    -----
    A dividend that was paid after the request's end, and by `as_of`, changes its prices by the
    close before it. Bars are therefore read as far as the last ex-date, and cut to the request
    after that.
    """
    told = facts.as_of(as_of).actions(request.symbols, sources=sources)
    actions = known_actions(told, as_of, zone=zone)
    market = ZoneInfo(zone)
    ends = [begin_of(action.ex_date, market) for action in actions if action.kind == "dividend"]
    end = max(ends, default=0)
    longer = replace(request, end=max(request.end, _EPOCH + timedelta(microseconds=end)))
    bars = store.read(longer, as_of=as_of)
    if to is not request.adjustment and Adjustment.ALL in (to, request.adjustment):
        _check_closes(bars, actions, market)
    found = adjusted(bars, actions, to, as_of=as_of, zone=zone)
    return found.take(found.time < micros(request.end))


def _check_closes(bars: Bars, actions: Sequence[CorporateAction], zone: ZoneInfo) -> None:
    """Refuse to take the close of another day for the one before a dividend."""
    times = {symbol: bars.time[bars.codes == code] for code, symbol in enumerate(bars.symbols)}
    for action in actions:
        if action.kind != "dividend":
            continue
        own, begins = times[action.symbol], begin_of(action.ex_date, zone)
        before = own[own < begins]
        if len(before) and begins - int(np.max(before)) > _LONGEST // timedelta(microseconds=1):
            last = _EPOCH + timedelta(microseconds=int(np.max(before)))
            raise DataError(
                f"{action.symbol}: the dividend with ex-date {action.ex_date} needs the close "
                f"before it, and the last bar in the store is of {last:%Y-%m-%d}: fetch up to it"
            )
