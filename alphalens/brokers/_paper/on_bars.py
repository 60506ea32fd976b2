"""Orders met by bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal

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
from alphalens.brokers.fills import FillModel
from alphalens.brokers.matching import Touch, is_within, touch
from alphalens.errors import DataError
from alphalens.trading.market import Bar
from alphalens.trading.orders import OrderClass, OrderStatus, OrderType, Side, TimeInForce

__all__ = ["BarRules", "Bars"]

_FINEST = Decimal("0.000000001")
_S, _T = OrderStatus, TimeInForce


@dataclass(frozen=True, slots=True, kw_only=True)
class BarRules:
    """How bars execute orders.

    Attributes
    ----------
    fill_model, cost_model
        The shared models.
    max_volume_share : Decimal or None
        Share of a bar's volume that all orders of the asset may execute; None for no limit.
    days : Days
        The venue's sessions.
    """

    fill_model: FillModel
    cost_model: CostModel
    max_volume_share: Decimal | None
    days: Days


class Bars:
    """The bars of one instant, met by the orders that are due.

    Parameters
    ----------
    state : PaperState
        The venue's book.
    rules : BarRules
        How they are executed.
    at : datetime
        End of the bars.
    bars : Mapping of str to Bar
        By symbol.
    """

    def __init__(
        self, state: PaperState, rules: BarRules, at: datetime, bars: Mapping[str, Bar]
    ) -> None:
        self._state, self._rules, self._at, self._bars = state, rules, at, bars
        self._previous = state.last
        self._due: list[PaperOrder] = []
        self._touches: dict[str, Touch] = {}
        self._left: dict[str, Decimal] = {}
        share = rules.max_volume_share
        if share is not None:
            self._left = {s: b.volume * share for s, b in bars.items() if b.volume is not None}

    def prepare(self) -> None:
        """Find what is due, and change nothing.

        Raises
        ------
        DataError
            If a bar lacks a figure that the models need.
        """
        working = (order for order in self._state.open_orders() if order.is_working)
        self._due = [order for order in working if self._is_due(order)]
        for order in self._due:
            self._check_volume(order)
            if order.intent.symbol in self._bars and not order.intent.legs:
                self._touches[order.id] = self._touch(order)

    def run(self) -> None:
        """Execute what `prepare` found, and end what was for these bars only."""
        cancel_due(self._state, self._at if self._previous is None else self._previous)
        self._match(self._due, self._touches)
        self._finish()

    def match_now(self, order: PaperOrder) -> None:
        """Execute one order by a bar that ended as it came."""
        self._check_volume(order)
        self._match([order], {} if order.intent.legs else {order.id: self._touch(order)})
        if order.intent.time_in_force in AT_ONCE and self._state.orders[order.id].is_open:
            self._end(self._state.orders[order.id])

    def _is_due(self, order: PaperOrder) -> bool:
        tif = order.intent.time_in_force
        if self._state.is_quoted(order.intent.symbol) and tif not in AUCTIONS:
            return False
        if order.opens_at is not None and self._at <= order.opens_at:
            return False
        if tif is _T.CLS and order.expires_at is not None and self._at < order.expires_at:
            return False
        previous = order.active_from if self._previous is None else self._previous
        return self._rules.fill_model.is_due(order.active_from, previous=previous, at=self._at)

    def _check_volume(self, order: PaperOrder) -> None:
        if self._rules.max_volume_share is None and self._rules.cost_model.impact is None:
            return
        for symbol in order.intent.traded:
            bar = self._bars.get(symbol)
            if bar is not None and (bar.volume is None or bar.volume < 0):
                raise DataError(
                    f"the bar of {symbol} at {bar.at} has no volume (got {bar.volume}), which "
                    f"partial fills and impact need; use bars with volumes, or switch both off"
                )

    def _path(self, order: PaperOrder) -> tuple[Decimal, ...]:
        bar, tif = self._bars[order.intent.symbol], order.intent.time_in_force
        if tif is _T.CLS:
            return (bar.close,)
        path = self._rules.fill_model.path(order.intent.side, bar)
        return path[:1] if tif in AT_ONCE or tif is _T.OPG else path

    def _touch(self, order: PaperOrder) -> Touch:
        return touch(order.terms, self._path(order))

    def _match(self, orders: list[PaperOrder], touches: dict[str, Touch]) -> None:
        """Execute in the order in which they were sent; of two exits the one met first."""

        def turn(order: PaperOrder) -> tuple[int, int, int]:
            family = self._state.orders[order.parent].number if order.parent else order.number
            met = touches.get(order.id)
            return family, 0 if met is None else met.index, -order.number

        for order in sorted(orders, key=turn):
            now = self._state.orders[order.id]
            if not now.is_working:
                continue
            if now.intent.order_class is OrderClass.MULTILEG:
                self._match_legs(now)
            elif order.id in touches:
                self._meet(now, touches[order.id])

    def _meet(self, order: PaperOrder, met: Touch) -> None:
        order = self._state.put(replace(order, terms=met.terms))
        quantity = self._available(order)
        if met.price is None or not quantity:
            return
        paid = self._paid(order, met.price, quantity)
        self._take(order.intent.symbol, quantity)
        fee = fee_of(self._state, self._rules.cost_model, order, quantity, paid, self._at)
        order = execute(self._state, order, quantity, paid, fee, self._at)
        if order.status is _S.FILLED:
            self._match_exits(order, met)

    def _match_exits(self, entry: PaperOrder, met: Touch) -> None:
        """Let the rest of the bar meet the exits of an entry that it has executed.

        An entry at the first price has the whole path before it. After any other, the worse
        end of the bar is taken to come after it and the better one before.
        """
        exits = [self._state.orders[name] for name in entry.children]
        exits = [order for order in exits if order.is_working]
        touches = {o.id: touch(o.terms, self._rest(o, met)) for o in exits}
        self._match(exits, touches)

    def _rest(self, order: PaperOrder, met: Touch) -> tuple[Decimal, ...]:
        whole = self._rules.fill_model.path(order.intent.side, self._bars[order.intent.symbol])
        if met.index == 0 or met.price is None:
            return whole
        worst = (max if order.intent.side is Side.BUY else min)(whole)
        return (met.price, worst, whole[-1])

    def _match_legs(self, order: PaperOrder) -> None:
        """Execute a multi-leg order at the first prices of its legs, all of it or nothing."""
        legs = [self._state.orders[name] for name in order.children]
        if any(leg.intent.symbol not in self._bars for leg in legs):
            return
        if any(self._available(leg) < leg.remaining for leg in legs):
            return
        prices = {leg.id: self._paid(leg, self._path(leg)[0], leg.remaining) for leg in legs}
        limit = order.terms.limit_price
        if limit is not None and net_price(self._state, order, prices) > limit:
            return
        fees = {
            leg.id: fee_of(
                self._state, self._rules.cost_model, leg, leg.remaining, prices[leg.id], self._at
            )
            for leg in legs
        }
        for leg in legs:
            self._take(leg.intent.symbol, leg.remaining)
        execute_legs(self._state, order, prices, fees, self._at)

    def _available(self, order: PaperOrder) -> Decimal:
        """Return the units of an order that the bar's volume leaves for it."""
        left = self._left.get(order.intent.symbol)
        if left is None or left >= order.remaining:
            return order.remaining
        if order.intent.time_in_force is _T.FOK:
            return Decimal(0)
        is_whole = order.quantity == order.quantity.to_integral_value()
        step = Decimal(1) if is_whole else _FINEST
        return left.quantize(step, rounding=ROUND_FLOOR)

    def _take(self, symbol: str, quantity: Decimal) -> None:
        if symbol in self._left:
            self._left[symbol] -= quantity

    def _paid(self, order: PaperOrder, price: Decimal, quantity: Decimal) -> Decimal:
        """Add spread and impact; a limit is never passed."""
        side, limit = order.intent.side, order.terms.limit_price
        volume = self._bars[order.intent.symbol].volume
        paid = self._rules.cost_model.price_of(side, price, quantity=quantity, volume=volume)
        return paid if limit is None or is_within(side, limit, paid) else limit

    def _finish(self) -> None:
        for order in self._state.open_orders():
            now = self._state.orders[order.id]
            if now.is_working and self._is_last(now):
                self._end(now)

    def _is_last(self, order: PaperOrder) -> bool:
        tif = order.intent.time_in_force
        if tif is _T.GTC:
            return False
        if tif is _T.DAY and order.expires_at is not None:
            return self._at >= order.expires_at
        return self._is_due(order)

    def _end(self, order: PaperOrder) -> None:
        seen = order.intent.symbol in self._bars or order.intent.legs
        why = "the asset had no bar"
        if seen:
            why = "the limit was out of reach"
            if order.terms.waits:
                why = "the stop was not reached"
            elif order.filled or order.intent.order_type is OrderType.MARKET:
                why = "there was not enough volume"
        is_canceled = order.intent.time_in_force in AT_ONCE
        status = _S.CANCELED if is_canceled else _S.EXPIRED
        end(self._state, order, status, f"{why} at {self._at.isoformat()}")
