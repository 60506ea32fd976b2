"""Orders met by quotes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from alphalens.brokers._paper.days import Days
from alphalens.brokers._paper.executing import (
    cancel_due,
    end,
    execute,
    execute_legs,
    fee_of,
    net_price,
)
from alphalens.brokers._paper.orders import AT_ONCE, AUCTIONS, PaperOrder
from alphalens.brokers._paper.state import PaperState
from alphalens.brokers.costs import CostModel
from alphalens.brokers.matching import SizedQuote, touch
from alphalens.errors import DataError
from alphalens.trading.market import Quote
from alphalens.trading.orders import OrderClass, OrderStatus, Side, TimeInForce

__all__ = ["Quotes", "check_quote"]

_ZERO = Decimal(0)
_S = OrderStatus


@dataclass(slots=True)
class _Top:
    """What is left of a quote."""

    at: datetime
    prices: dict[Side, Decimal]
    left: dict[Side, Decimal | None]


def check_quote(quote: Quote) -> None:
    """Refuse a quote that nobody could trade on.

    Raises
    ------
    DataError
        If a price is not positive and finite, the bid above the offer, a size negative, or
        the instant naive.
    """
    sizes = [quote.bid_size, quote.ask_size] if isinstance(quote, SizedQuote) else []
    is_sized = all(size is None or (size.is_finite() and size >= 0) for size in sizes)
    is_priced = quote.bid.is_finite() and quote.ask.is_finite() and 0 < quote.bid <= quote.ask
    if not (is_priced and is_sized) or quote.at.tzinfo is None:
        raise DataError(
            f"quote of {quote.symbol} at {quote.at}: bid {quote.bid}, offer {quote.ask}, sizes "
            f"{sizes} cannot be traded on; prices must be positive, not crossed, the instant "
            f"aware: leave it out"
        )


class Quotes:
    """The latest quotes, and the orders that cross them.

    Parameters
    ----------
    state : PaperState
        The venue's book.
    costs : CostModel
        Commission; the spread is the quote's own.
    days : Days
        The venue's sessions.
    life : timedelta
        How long a quote can still be crossed by an order that comes after it.
    """

    def __init__(self, state: PaperState, costs: CostModel, days: Days, life: timedelta) -> None:
        self._state, self._costs, self._days, self._life = state, costs, days, life
        self._tops: dict[str, _Top] = {}

    def show(self, quote: Quote) -> None:
        """Take the next quote and execute what it crosses."""
        sizes: tuple[Decimal | None, Decimal | None] = (None, None)
        if isinstance(quote, SizedQuote):
            sizes = (quote.ask_size, quote.bid_size)
        self._tops[quote.symbol] = _Top(
            quote.at,
            {Side.BUY: quote.ask, Side.SELL: quote.bid},
            dict(zip((Side.BUY, Side.SELL), sizes, strict=True)),
        )
        cancel_due(self._state, quote.at)
        for order in self._state.open_orders():
            now = self._state.orders[order.id]
            if not now.is_working:
                continue
            if self._days.is_over(now, quote.at):
                end(self._state, now, _S.EXPIRED, f"its day was over at {quote.at.isoformat()}")
            elif quote.symbol in now.intent.traded and now.active_from <= quote.at:
                self._meet(now, quote.at)

    def match_now(self, order: PaperOrder, at: datetime) -> None:
        """Let an order that just came cross the quotes that stand."""
        tops = [self._tops.get(symbol) for symbol in order.intent.traded]
        if all(top is not None and at - top.at <= self._life for top in tops):
            self._meet(order, at)

    def _meet(self, order: PaperOrder, at: datetime) -> None:
        if order.intent.time_in_force in AUCTIONS:
            return
        if not (self._days.is_open(at) or order.intent.is_extended_hours):
            return
        if order.intent.order_class is OrderClass.MULTILEG:
            self._meet_legs(order, at)
        else:
            self._meet_one(order, at)
        now = self._state.orders[order.id]
        if now.is_open and now.intent.time_in_force in AT_ONCE:
            end(self._state, now, _S.CANCELED, f"the quote at {at.isoformat()} left it undone")

    def _meet_one(self, order: PaperOrder, at: datetime) -> None:
        top = self._tops[order.intent.symbol]
        met = touch(order.terms, (top.prices[order.intent.side],))
        stood_before = order.has_rested
        order = replace(order, terms=met.terms, has_rested=not met.terms.waits)
        order = self._state.put(order)
        quantity = self._available(order)
        if met.price is None or not quantity:
            return
        price = met.price
        if stood_before and order.terms.limit_price is not None:
            price = order.terms.limit_price  # it stood there first: the other side came to it
        self._fill(order, quantity, price, at)

    def _fill(self, order: PaperOrder, quantity: Decimal, price: Decimal, at: datetime) -> None:
        fee = fee_of(self._state, self._costs, order, quantity, price, at)
        self._take(order, quantity)
        execute(self._state, order, quantity, price, fee, at)

    def _meet_legs(self, order: PaperOrder, at: datetime) -> None:
        legs = [self._state.orders[name] for name in order.children]
        tops = [self._tops.get(leg.intent.symbol) for leg in legs]
        if any(top is None or at - top.at > self._life for top in tops):
            return
        if any(self._available(leg) < leg.remaining for leg in legs):
            return
        prices = {leg.id: self._tops[leg.intent.symbol].prices[leg.intent.side] for leg in legs}
        limit = order.terms.limit_price
        if limit is not None and net_price(self._state, order, prices) > limit:
            return
        fees = {
            leg.id: fee_of(self._state, self._costs, leg, leg.remaining, prices[leg.id], at)
            for leg in legs
        }
        for leg in legs:
            self._take(leg, leg.remaining)
        execute_legs(self._state, order, prices, fees, at)

    def _available(self, order: PaperOrder) -> Decimal:
        left = self._tops[order.intent.symbol].left[order.intent.side]
        if left is None or left >= order.remaining:
            return order.remaining
        return _ZERO if order.intent.time_in_force is TimeInForce.FOK else left

    def _take(self, order: PaperOrder, quantity: Decimal) -> None:
        left = self._tops[order.intent.symbol].left
        before = left[order.intent.side]
        if before is not None:
            left[order.intent.side] = before - quantity
