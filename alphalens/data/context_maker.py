"""What the checks of a batch need to know, put together from the store, the catalogue, the clock.

The stored bars before the new ones tell jumps, repeats and wrong units; the actions tell which
jump is a split.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np
from numpy.typing import NDArray

from alphalens.assets import AssetClass
from alphalens.data.bars import NO_TIME, Bars
from alphalens.data.catalog import Catalog
from alphalens.data.fact_store import FactStore
from alphalens.data.port import BarRequest, Batch, CorporateAction
from alphalens.data.store import BarStore
from alphalens.data.validation import Context, Tolerances
from alphalens.trading.clock import Clock

__all__ = ["Actions", "ContextMaker", "KeepActions"]

#: Returns the actions on symbols that were known at an instant.
Actions = Callable[[Sequence[str], datetime], tuple[CorporateAction, ...]]
#: Keeps actions that a vendor told.
KeepActions = Callable[[Sequence[CorporateAction]], object]

_BARS = 24  # before the new ones, of each symbol: the checks of volume look at 20
_NEAR = 2  # what a check needs at least
_NEAR_SPAN = 40  # bars or days that hold so many, unless the market was closed
_DAYS = timedelta(days=10)  # the longest time without a session, and some
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime(1900, 1, 1, tzinfo=UTC)


def no_actions(_symbols: Sequence[str], _as_of: datetime) -> tuple[CorporateAction, ...]:
    """Return none."""
    return ()


def keep_nothing(_actions: Sequence[CorporateAction]) -> None:
    """Keep nothing."""


class ContextMaker:
    """Makes the context of each batch.

    Parameters
    ----------
    store : BarStore
        Whose last bars stand before the new ones.
    clock : Clock
        The present.
    catalog : Catalog
        The instruments.
    actions : callable
        From symbols and an instant, the corporate actions that were known then.
    keep_actions : callable
        Keeps what a vendor was asked for because of a jump.
    tolerances : Tolerances
        Limits of the checks.
    """

    def __init__(
        self,
        store: BarStore,
        *,
        clock: Clock,
        catalog: Catalog | None = None,
        actions: Actions = no_actions,
        keep_actions: KeepActions = keep_nothing,
        tolerances: Tolerances | None = None,
    ) -> None:
        self._store, self._clock = store, clock
        self._catalog = catalog or Catalog()
        self._actions, self._keep = actions, keep_actions
        self._tolerances = tolerances or Tolerances()

    @classmethod
    def of_store(cls, store: BarStore, *, clock: Clock, catalog: Catalog | None = None) -> Self:
        """Return one that knows the store, and the corporate actions in the store's database."""
        facts = FactStore(store.engine)
        return cls(
            store,
            clock=clock,
            catalog=catalog,
            actions=lambda symbols, at: facts.as_of(at).every_action(symbols),
            keep_actions=facts.keep_actions,
        )

    def __call__(self, batch: Batch) -> Context:
        """Return what is known besides a batch.

        Raises
        ------
        InputError
            If stored series of its symbols are of several currencies.
        StorageError
            If the database fails.
        """
        plain = self.plain(tuple(dict.fromkeys((*batch.request.symbols, *batch.bars.symbols))))
        currencies, stored = dict(plain.currencies), self._stored(batch)
        if stored is not None and stored.currency != batch.bars.currency:
            # The answer is in another currency than the series: refused whole, by that name.
            currencies |= dict.fromkeys(stored.symbols, stored.currency)
            stored = None
        actions = self._actions(batch.request.symbols, plain.now)
        return replace(plain, currencies=currencies, actions=actions, stored=stored)

    def class_of(self, symbol: str) -> AssetClass:
        """Return what a symbol stands for."""
        return self._catalog.class_of(symbol)

    def plain(self, symbols: Sequence[str]) -> Context:
        """Return what is known of instruments, without bars and actions."""
        catalog = self._catalog
        return Context(
            now=self._clock.now(),
            classes={symbol: self.class_of(symbol) for symbol in symbols},
            calendars=catalog.calendars,
            currencies=catalog.currencies,
            ticks=catalog.ticks,
            may_be_negative=catalog.may_be_negative,
            accepted=catalog.accepted,
            lives=catalog.lives,
            tolerances=self._tolerances,
        )

    def known_actions(self, symbols: Sequence[str]) -> tuple[CorporateAction, ...]:
        """Return the actions on symbols that are known now."""
        return self._actions(symbols, self._clock.now())

    def keep_actions(self, found: Sequence[CorporateAction]) -> None:
        """Keep what a vendor told."""
        if found:
            self._keep(found)

    def with_actions(self, context: Context, found: Sequence[CorporateAction]) -> Context:
        """Return a context that has some actions more, at the present instant."""
        known = (*context.actions, *found)
        return replace(context, actions=known, now=self._clock.now())

    def _stored(self, batch: Batch) -> Bars | None:
        """Return the last stored bars of each symbol before its first new one."""
        bars = batch.bars
        is_told = bars.time != NO_TIME
        if not is_told.any():
            return None
        first, last = _firsts(bars, is_told)
        request, length = batch.request, batch.request.timeframe.length
        near = self._before(request, request.symbols, first, last, _NEAR_SPAN * length)
        far = _too_few(near, request.symbols)
        if far:
            window = max(_DAYS, 2 * _NEAR_SPAN * length)
            near = Bars.concat([near, self._before(request, far, first, last, window)])
        if not len(near):
            # An empty series may have a currency; no bar says so, and none is needed.
            return None
        return near.take(_last(near, bars, is_told))

    def _before(
        self,
        request: BarRequest,
        symbols: Sequence[str],
        first: datetime,
        last: datetime,
        window: timedelta,
    ) -> Bars:
        start = max(first - window, _FIRST)
        end = max(last, start + request.timeframe.length)
        asked = replace(request, symbols=tuple(symbols), start=start, end=end)
        return self._store.read(asked)


def _firsts(bars: Bars, is_told: NDArray[np.bool_]) -> tuple[datetime, datetime]:
    """Return the earliest and the latest of the symbols' first times."""
    firsts = _first_times(bars, is_told)
    known = firsts[firsts != np.iinfo(np.int64).max]
    first, last = (int(np.clip(t, *_SPAN)) for t in (known.min(), known.max()))
    return _EPOCH + timedelta(microseconds=first), _EPOCH + timedelta(microseconds=last)


def _first_times(bars: Bars, is_told: NDArray[np.bool_]) -> NDArray[np.int64]:
    firsts = np.full(len(bars.symbols), np.iinfo(np.int64).max)
    np.minimum.at(firsts, bars.codes[is_told], bars.time[is_told])
    return firsts


def _too_few(near: Bars, symbols: Sequence[str]) -> tuple[str, ...]:
    """Return the symbols of which there is hardly a bar."""
    counts = np.bincount(near.codes, minlength=len(near.symbols))
    found = dict(zip(near.symbols, counts.tolist(), strict=True))
    return tuple(symbol for symbol in symbols if found.get(symbol, 0) < _NEAR)


def _last(stored: Bars, new: Bars, is_told: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the rows that are the last of their symbol before its first new one."""
    firsts = dict(zip(new.symbols, _first_times(new, is_told).tolist(), strict=True))
    limit = np.array([firsts.get(s, np.iinfo(np.int64).min) for s in stored.symbols] or [0])
    older = np.flatnonzero(stored.time < limit[stored.codes])
    order = older[np.lexsort((-stored.time[older], stored.codes[older]))]
    codes, times = stored.codes[order], stored.time[order]
    # A row that was read twice, near and far, counts once.
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (codes[1:] != codes[:-1]) | (times[1:] != times[:-1])
    order, codes = order[is_first], codes[is_first]
    starts = np.flatnonzero(np.diff(codes, prepend=-1) != 0)
    lengths = np.diff(np.append(starts, len(codes)))
    place = np.arange(len(codes)) - np.repeat(starts, lengths)
    return np.sort(order[place < _BARS])


_SPAN = (
    (_FIRST - _EPOCH) // timedelta(microseconds=1),
    (datetime(2199, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1),
)
