"""From vendors into the store and out of it: what is not there yet is fetched, judged and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from alphalens.data.bars import Bars
from alphalens.data.listening import FeedListener, NobodyListens
from alphalens.data.port import BarRequest, Batch, MarketDataProvider
from alphalens.data.store import Asked, BarStore, Span
from alphalens.data.validation import Context, Judged, judge
from alphalens.errors import ConfigError, DataError, InputError
from alphalens.trading.clock import Clock

__all__ = ["Pipeline"]

_NOBODY = NobodyListens()


class Pipeline:
    """Bars on request: from the store where it was asked before, from vendors where it was not.

    Parameters
    ----------
    providers : sequence of MarketDataProvider
        Asked in this order; the next one when one fails. All rows of an answer are of one
        vendor, and each row names it.
    store : BarStore
        Keeps what was found good, and what was not.
    clock : Clock
        The present.
    context : callable
        From a batch, what the checks need to know of it.
    listener : FeedListener
        Is told when another vendor is asked.

    Raises
    ------
    ConfigError
        If there is no vendor.
    """

    def __init__(
        self,
        providers: Sequence[MarketDataProvider],
        store: BarStore,
        *,
        clock: Clock,
        context: Callable[[Batch], Context],
        listener: FeedListener = _NOBODY,
    ) -> None:
        if not providers:
            raise ConfigError("market data need at least one vendor")
        self._providers, self._store, self._clock = tuple(providers), store, clock
        self._context, self._listener = context, listener

    def bars(self, request: BarRequest) -> Bars:
        """Return the bars of a request; what nobody was asked for yet is fetched first.

        Raises
        ------
        InputError
            If no vendor has such bars.
        DataError
            If every vendor failed: each with its words. Nothing is read then, for a part of a
            request would look like all of it.
        StorageError
            If the database fails.
        """
        parts: dict[Span, list[str]] = {}
        for symbol, spans in self._store.missing(request).items():
            for span in spans:
                parts.setdefault(span, []).append(symbol)
        for (start, end), symbols in parts.items():
            self.fetch(replace(request, symbols=tuple(symbols), start=start, end=end))
        return self._store.read(request)

    def fetch(self, request: BarRequest) -> Judged:
        """Ask the vendors, keep what the first answer that can be used has, and return it.

        Raises
        ------
        InputError, DataError, StorageError
            As `bars`.
        """
        able = [one for one in self._providers if _can(one, request)]
        if not able:
            names = ", ".join(one.name for one in self._providers)
            raise InputError(
                f"none of {names} has bars of {request.timeframe}, adjusted for "
                f"{request.adjustment}: ask for others, or add a vendor"
            )
        failed: list[str] = []
        for place, provider in enumerate(able):
            try:
                judged = self._judged(provider, request)
            except DataError as error:
                failed.append(f"{provider.name}: {error}")
                if place + 1 < len(able):
                    self._listener.fell_back(provider.name, able[place + 1].name)
                continue
            self._keep(provider, request, judged)
            return judged
        raise DataError(
            f"no vendor gave {len(request.symbols)} symbols from {request.start} to {request.end}: "
            f"{'; '.join(failed)}"
        )

    def _judged(self, provider: MarketDataProvider, request: BarRequest) -> Judged:
        batch = provider.bars(request)
        return judge(batch, self._context(batch))

    def _keep(self, provider: MarketDataProvider, request: BarRequest, judged: Judged) -> None:
        at = self._clock.now()
        rejected = judged.rejected
        if len(rejected):
            self._store.quarantine(rejected.bars, rejected.marks, rejected.raw, at=at)
        asked = Asked(request=request, source=provider.name)
        self._store.write(judged.bars, at=at, marks=judged.marks, asked=asked)


def _can(provider: MarketDataProvider, request: BarRequest) -> bool:
    able = provider.capabilities
    return request.timeframe in able.timeframes and request.adjustment in able.adjustments
