"""Present quotes on their way into a session: the gate, a paper venue, the marks of the book."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from alphalens.brokers.paper_broker import PaperBroker
from alphalens.errors import InputError
from alphalens.execution import TradingSession
from alphalens.risk.figures import age_s, is_sound_quote
from alphalens.trading.events import AlertEvent, Severity
from alphalens.trading.market import Quote, TradingStatus

__all__ = ["LivePrices", "QuoteFeed"]

_log = logging.getLogger(__name__)
_FRESH = timedelta(seconds=5)
_MOST_AHEAD_S = 2.0  # clocks differ a little; what is further ahead is a mistake


class QuoteFeed(Protocol):
    """Where quotes and trading halts come from: `alphalens.data.alpaca_stream`, or your own."""

    @property
    def is_up(self) -> bool:
        """Whether it is connected."""
        ...

    @property
    def gaps(self) -> int:
        """How often the connection was lost so far; what was told meanwhile is not told again."""
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

    A quote from the future, more than 2 seconds ahead of the venue's clock, is dropped: a paper
    venue that took it would refuse every one after it as late, and the gate would take it for
    fresh until then. After a feed was lost and is up again, the halts it had told are forgotten.

    Parameters
    ----------
    session : TradingSession
        A started one.
    feed : QuoteFeed
        An open one.

    Attributes
    ----------
    has_marked : bool
        Whether the book was marked at a quote of this feed; its prices are older until then.
    """

    def __init__(self, session: TradingSession, feed: QuoteFeed) -> None:
        self._session, self.feed = session, feed
        self._new: dict[str, Quote] = {}  # since the last mark
        self._gaps = feed.gaps
        self._is_warned: set[str] = set()
        self.has_marked = False

    def hear(self) -> Sequence[Quote]:
        """Take what the feed has told since the last call; the book is not marked yet.

        Returns
        -------
        sequence of Quote
            Those that came, sound or not; one from the future is no news of the present.

        Raises
        ------
        StorageError
            If a paper venue could not keep an execution that a quote brought about, or the
            journal could not take the alert about forgotten halts.
        """
        self._forget_halts()
        told = self.feed.take()
        readings = [one for one in told if not (isinstance(one, Quote) and self._is_ahead(one))]
        self._session.market.take(readings)
        quotes = [one for one in readings if isinstance(one, Quote) and is_sound_quote(one)]
        self._new.update({quote.symbol: quote for quote in quotes if self._is_narrow(quote)})
        self._show(quotes)
        return [one for one in told if isinstance(one, Quote)]

    def is_market_open(self) -> bool:
        """Return whether quotes are to be expected now: one market is open, or tells no hours."""
        session = self._session
        try:
            hours = session.book_view().sessions
        except InputError:  # something is held that never had a price: no view, no hours
            return True
        now = session.market.venue_now()
        known = [hours.get(asset.calendar) for asset in session.assets.values()]
        return any(one is None or one.is_open_at(now) for one in known)

    def mark(self) -> bool:
        """Mark the book at the quotes that came since the last mark.

        Returns
        -------
        bool
            False if there were none, or something is held that never had a price.
        """
        now, last = self._session.clock.now(), self._session.last_mark
        known = {*self._session.assets, *self._held()}  # a feed may tell of others too
        new = {symbol: quote for symbol, quote in self._new.items() if symbol in known}
        instants = {symbol: self._by_our_clock(quote.at) for symbol, quote in new.items()}
        is_set_back = last is not None and last.at > now  # instants of before tell nothing then
        if last is not None:
            earliest = now - _FRESH if is_set_back else last.at
            instants = {symbol: at for symbol, at in instants.items() if at >= earliest}
        prices = {symbol: new[symbol].mid for symbol in instants}
        if not prices or not set(self._held()) <= prices.keys() | self._session.prices.keys():
            return False
        self._session.mark(prices, None if is_set_back else min(now, *instants.values()))
        self._new.clear()
        self.has_marked = True
        return True

    def _forget_halts(self) -> None:
        """Forget the halts told before a loss, once it is over: nobody heard what was lifted."""
        if self.feed.gaps == self._gaps or not self.feed.is_up:
            return
        self._gaps = self.feed.gaps
        symbols = sorted(self._session.market.forget_halts())
        if symbols:
            says = (
                f"the halts of {', '.join(symbols)} are forgotten: the stream of quotes was lost, "
                f"and nobody heard whether they were lifted; a halt told from now on counts again, "
                f"look up at the venue whether one of these still holds"
            )
            at = self._session.clock.now()
            self._session.alert(
                AlertEvent(code="halts_forgotten", severity=Severity.WARNING, message=says, at=at)
            )

    def _is_ahead(self, quote: Quote) -> bool:
        """Return whether a quote is of the future, and warn of the first of its symbol."""
        now = self._session.market.venue_now()
        if age_s(now, quote.at, None) >= -_MOST_AHEAD_S:
            return False
        if quote.symbol not in self._is_warned:
            self._is_warned.add(quote.symbol)
            _log.warning(
                "a quote of %s is dropped, and so is every other one like it: it is of %s, more "
                "than %s s ahead of the venue's clock, %s; look at the feed and at this "
                "machine's clock",
                quote.symbol,
                quote.at.isoformat(),
                _MOST_AHEAD_S,
                now.isoformat(),
            )
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
