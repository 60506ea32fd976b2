"""The prices that the paper venue is shown, and the orders they meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alphalens.brokers._paper.events import accrue
from alphalens.brokers._paper.on_bars import BarRules, Bars
from alphalens.brokers._paper.on_quotes import Quotes
from alphalens.brokers._paper.orders import PaperOrder
from alphalens.brokers._paper.state import PaperState
from alphalens.brokers._paper.store import Mark
from alphalens.brokers.margin import Financing
from alphalens.errors import InputError
from alphalens.trading.market import Bar, Quote

__all__ = ["Market", "MarketRules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRules:
    """How prices are met: on bars, on quotes, and what passing midnights cost."""

    bars: BarRules
    quote_life: timedelta
    financing: Financing | None


class Market:
    """What the venue knows of prices.

    Parameters
    ----------
    state : PaperState
        The venue's book.
    rules : MarketRules
        How orders meet them.
    """

    def __init__(self, state: PaperState, rules: MarketRules) -> None:
        self._state, self.rules = state, rules
        self._bars: dict[str, Bar] = {}
        self._quotes = Quotes(state, rules.bars.cost_model, rules.bars.days, rules.quote_life)

    def show_bars(self, at: datetime, group: list[Bar]) -> None:
        """Take the bars of one instant; errors as of `PaperBroker.on_bars`."""
        state, by_symbol = self._state, {bar.symbol: bar for bar in group}
        if len(by_symbol) < len(group):
            raise InputError(f"bars at {at}: a symbol has more than one; give each once")
        is_old = state.last is not None and at <= state.last
        if is_old and not all(map(state.is_quoted, by_symbol)):
            raise InputError(f"bars at {at} come after those of {state.last}; show them in order")
        bars = Bars(state, self.rules.bars, at, by_symbol)
        bars.prepare()
        accrue(state, self.rules.financing, at)
        bars.run()
        state.set_marks(
            {
                symbol: Mark(price=bar.close, at=at, is_quoted=state.is_quoted(symbol))
                for symbol, bar in by_symbol.items()
            }
        )
        self._bars.update(by_symbol)

    def show_quote(self, quote: Quote) -> None:
        """Take the next quote."""
        accrue(self._state, self.rules.financing, quote.at)
        mark = Mark(price=quote.mid, at=quote.at, is_quoted=True)
        self._state.set_marks({quote.symbol: mark})
        self._quotes.show(quote)

    def check_order(self, quotes: Sequence[Quote]) -> None:
        """Refuse quotes that are older than what was shown before.

        Raises
        ------
        InputError
            If one is.
        """
        last = self._state.last
        for quote in quotes:
            if last is not None and quote.at < last:
                raise InputError(
                    f"quote of {quote.symbol} at {quote.at} comes after prices of {last}; show "
                    f"them in order"
                )
            last = quote.at

    def meet_now(self, order: PaperOrder, now: datetime) -> None:
        """Let an order that just came meet the prices that stand, where it may."""
        if not order.is_working or order.active_from > now:
            return
        if all(map(self._state.is_quoted, order.intent.traded)):
            self._quotes.match_now(order, now)
            return
        bars = {s: self._bars[s] for s in order.intent.traded if s in self._bars}
        is_fresh = bars and all(bar.at >= order.sent for bar in bars.values())
        if self.rules.bars.fill_model.is_immediate and is_fresh:
            at = max(bar.at for bar in bars.values())
            Bars(self._state, self.rules.bars, at, bars).match_now(order)
