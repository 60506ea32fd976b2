"""Present quotes on their way into a session: the gate, a paper venue, the marks of the book."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from alphalens.brokers.paper_broker import PaperBroker
from alphalens.execution import TradingSession
from alphalens.risk.figures import is_sound_quote
from alphalens.trading.market import Quote, TradingStatus

__all__ = ["LivePrices", "QuoteFeed"]

_FRESH = timedelta(seconds=5)


class QuoteFeed(Protocol):
    """Where quotes and trading halts come from: `alphalens.data.alpaca_stream`, or your own."""

    @property
    def is_up(self) -> bool:
        """Whether it is connected."""
        ...

    @property
    def problem(self) -> str:
        """What is wrong with it; empty if nothing is."""
        ...

    def take(self) -> Sequence[Quote | TradingStatus]:
        """Return what has come since the last call, in order; never waits."""
        ...


class LivePrices:
    """Hand the readings of a feed to a session.

    The gate judges by every quote and every halt that came. A paper venue is shown the quotes
    too: they are what it executes on. The book is marked at the middle of bid and ask, if they
    do not cross and are not further apart than the desk's limit ``max_spread``; the mark is as
    old as the oldest quote in it, never newer.

    Parameters
    ----------
    session : TradingSession
        A started one.
    feed : QuoteFeed
        An open one.
    """

    def __init__(self, session: TradingSession, feed: QuoteFeed) -> None:
        self._session, self.feed = session, feed
        self._new: dict[str, Quote] = {}  # since the last mark

    def hear(self) -> None:
        """Take what the feed has told since the last call; the book is not marked yet.

        Raises
        ------
        StorageError
            If a paper venue could not keep an execution that a quote brought about.
        """
        readings = self.feed.take()
        self._session.market.take(readings)
        quotes = [one for one in readings if isinstance(one, Quote) and is_sound_quote(one)]
        self._new.update({quote.symbol: quote for quote in quotes if self._is_narrow(quote)})
        self._show(quotes)

    def mark(self) -> bool:
        """Mark the book at the quotes that came since the last mark.

        Returns
        -------
        bool
            False if there were none, or something is held that never had a price.
        """
        now, last = self._session.clock.now(), self._session.last_mark
        instants = {symbol: self._by_our_clock(quote.at) for symbol, quote in self._new.items()}
        is_set_back = last is not None and last.at > now  # instants of before tell nothing then
        if last is not None:
            earliest = now - _FRESH if is_set_back else last.at
            instants = {symbol: at for symbol, at in instants.items() if at >= earliest}
        prices = {symbol: self._new[symbol].mid for symbol in instants}
        if not prices or not set(self._held()) <= prices.keys() | self._session.prices.keys():
            return False
        self._session.mark(prices, None if is_set_back else min(now, *instants.values()))
        self._new.clear()
        return True

    def _held(self) -> Sequence[str]:
        return list(self._session.ledger.positions)

    def _by_our_clock(self, instant: datetime) -> datetime:
        """Return when it was by our clock what was `instant` by the venue's."""
        return instant + (self._session.clock.now() - self._session.market.venue_now())

    def _is_narrow(self, quote: Quote) -> bool:
        limit: Decimal | None = self._session.limits.max_spread
        return limit is None or quote.ask - quote.bid <= limit * quote.mid

    def _show(self, quotes: Sequence[Quote]) -> None:
        """Show a paper venue what it can still take: it refuses prices out of their order."""
        venue = self._session.broker
        if not quotes or not isinstance(venue, PaperBroker):
            return
        last = venue.last_instant
        ordered = sorted(quotes, key=lambda quote: quote.at)
        venue.on_quotes(quote for quote in ordered if last is None or quote.at >= last)
