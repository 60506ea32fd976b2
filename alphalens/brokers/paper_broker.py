"""A venue without money: it keeps its own book and executes orders on the bars it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter

from alphalens.brokers.base import Account, VenueOrder
from alphalens.brokers.costs import CostModel
from alphalens.brokers.fills import FillModel, NextOpen
from alphalens.errors import BrokerError, ConfigError, InputError
from alphalens.trading.clock import Clock
from alphalens.trading.ledger import Ledger
from alphalens.trading.market import Bar
from alphalens.trading.orders import Fill, OrderIntent, OrderStatus, OrderType, Side, TimeInForce

__all__ = ["PaperBroker"]

_ZERO = Decimal(0)
_LEVERAGE = Decimal(2)
_NEXT_OPEN = NextOpen()
_COSTS = CostModel()


@dataclass(frozen=True, slots=True)
class _Working:
    """An order at the venue, and what became of it."""

    intent: OrderIntent
    sent: datetime
    answer: VenueOrder


class PaperBroker:
    """A simulated venue behind the `Broker` port; deterministic to the last id.

    Show it the bars of an instant with `on_bars` before the orders of that instant are sent:
    it knows a symbol from its first bar on. An order is executed in full by the first bar
    that its fill model calls due; a day order that this bar does not execute, because the
    asset has no bar or the limit is out of reach, expires with it. (An ``ioc`` order is
    treated as a day order: with bars there is nothing finer.) All bars come in one rhythm.

    Parameters
    ----------
    account_id : str
        Number of the account; every venue id begins with it.
    cash : Decimal
        Opening balance.
    clock : Clock
        The instant an order is received at.
    fill_model : FillModel
        Which bar executes an order, and at what price; the next open by default.
    cost_model : CostModel
        Commission and spread, on by default.
    leverage : Decimal
        Buying power as a multiple of equity: 2 is the usual margin account of US shares
        (Regulation T), 1 a cash account. An order that adds exposure is refused if the value
        of all positions, of all open orders that add exposure, and of itself would exceed it;
        sales that have not been executed free nothing.
    currency : str
        ISO 4217 code of the account.

    Raises
    ------
    ConfigError
        If opening balance or leverage is not positive and finite.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from alphalens.brokers.fills import fill_model
    >>> from alphalens.trading.clock import VirtualClock
    >>> clock = VirtualClock(datetime(2024, 1, 2, 21, tzinfo=UTC))
    >>> venue = PaperBroker(
    ...     account_id="P1", cash=Decimal(1000), clock=clock, fill_model=fill_model("next_close")
    ... )
    >>> venue.on_bars([Bar(symbol="SPY", at=clock.now(), close=Decimal(100))])
    ()
    >>> _ = venue.submit(OrderIntent(
    ...     client_order_id="al-1", account="P1", cycle_id="c1", symbol="SPY", side=Side.BUY,
    ...     quantity=Decimal(3), reference_price=Decimal(100), created_at=clock.now(),
    ... ))
    >>> clock.advance_to(datetime(2024, 1, 3, 21, tzinfo=UTC))
    >>> bar = Bar(symbol="SPY", at=clock.now(), close=Decimal(101))
    >>> [fill.price for fill in venue.on_bars([bar])]
    [Decimal('101.050500')]
    """

    def __init__(
        self,
        *,
        account_id: str,
        cash: Decimal,
        clock: Clock,
        fill_model: FillModel = _NEXT_OPEN,
        cost_model: CostModel = _COSTS,
        leverage: Decimal = _LEVERAGE,
        currency: str = "USD",
    ) -> None:
        for name, value in (("cash", cash), ("leverage", leverage)):
            if not (value.is_finite() and value > 0):
                raise ConfigError(f"{name} must be positive and finite, got {value}")
        self.account_id, self.currency = account_id, currency
        self._clock, self._fill_model, self._cost_model = clock, fill_model, cost_model
        self._leverage = leverage
        self._book = Ledger(cash)
        self._orders: dict[str, _Working] = {}
        self._fills: list[Fill] = []
        self._numbers: dict[str, int] = {}
        self._bars: dict[str, Bar] = {}
        self._last: datetime | None = None

    @property
    def fill_model(self) -> FillModel:
        """Return the model that orders are executed by."""
        return self._fill_model

    @property
    def cost_model(self) -> CostModel:
        """Return the model of commission and spread."""
        return self._cost_model

    def account(self) -> Account:
        """Return the account: a paper one, always."""
        return Account(
            account_id=self.account_id,
            cash=self._book.cash,
            currency=self.currency,
            is_live=False,
        )

    def submit(self, intent: OrderIntent) -> VenueOrder:
        """Accept an order; the same order sent twice is one order.

        Raises
        ------
        BrokerError
            If the account or symbol is not known, the buying power does not suffice, or the
            id was used for another order. Nothing is placed.
        """
        known = self._orders.get(intent.client_order_id)
        if known is not None:
            if known.intent != intent:
                raise BrokerError(
                    f"client order id {intent.client_order_id} is taken by another order of "
                    f"{known.intent.symbol}; an id names one order for ever"
                )
            return known.answer
        self._check(intent)
        answer = VenueOrder(
            client_order_id=intent.client_order_id,
            venue_order_id=f"{self.account_id}-o{len(self._orders) + 1:06d}",
            symbol=intent.symbol,
            status=OrderStatus.ACCEPTED,
            filled_quantity=_ZERO,
        )
        working = _Working(intent, self._clock.now(), answer)
        self._orders[intent.client_order_id] = working
        bar = self._bars[intent.symbol]
        if self._fill_model.is_immediate and bar.at >= working.sent:
            self._match(working, bar)
        return self._orders[intent.client_order_id].answer

    def cancel(self, client_order_id: str) -> None:
        """Cancel an order; one that is final already stays as it is.

        Raises
        ------
        BrokerError
            If the venue never saw the order.
        """
        working = self._orders.get(client_order_id)
        if working is None:
            raise BrokerError(f"cannot cancel {client_order_id}: the venue has no such order")
        if not working.answer.status.is_final:
            self._close(working, OrderStatus.CANCELED, "canceled on request")

    def order(self, client_order_id: str) -> VenueOrder | None:
        """Return the order of that id, or None if the venue never saw it."""
        working = self._orders.get(client_order_id)
        return None if working is None else working.answer

    def open_orders(self) -> Sequence[VenueOrder]:
        """Return the orders that are not final, oldest first."""
        return [w.answer for w in self._open()]

    def positions(self) -> Mapping[str, Decimal]:
        """Return signed units by symbol, flat ones left out."""
        return {symbol: p.quantity for symbol, p in self._book.positions.items()}

    def fills(self, *, after: str = "") -> Sequence[Fill]:
        """Return executions in order, those after the fill of id `after` only.

        Raises
        ------
        BrokerError
            If there is no such fill: what was missed since cannot be known.
        """
        if not after:
            return tuple(self._fills)
        position = self._numbers.get(after)
        if position is None:
            raise BrokerError(
                f"no fill {after} at paper account {self.account_id}: the journal belongs to "
                f"another account, or the venue was started afresh"
            )
        return tuple(self._fills[position:])

    def on_bars(self, bars: Iterable[Bar]) -> tuple[Fill, ...]:
        """Show the venue bars that have ended, and return the executions they cause.

        Parameters
        ----------
        bars : iterable of Bar
            One per symbol and instant; those of one instant together, later ones than before.

        Raises
        ------
        InputError
            If bars are older than those shown before, or a symbol has two of one instant.
        DataError
            If a bar lacks the price that the fill model needs; nothing is executed by it.
        """
        before = len(self._fills)
        ordered = sorted(bars, key=attrgetter("at", "symbol"))
        for at, group in groupby(ordered, key=attrgetter("at")):
            self._on_instant(at, list(group))
        return tuple(self._fills[before:])

    def _on_instant(self, at: datetime, group: list[Bar]) -> None:
        by_symbol = {bar.symbol: bar for bar in group}
        if len(by_symbol) < len(group):
            raise InputError(f"bars at {at}: a symbol has more than one; give each once")
        if self._last is not None and at <= self._last:
            raise InputError(f"bars at {at} come after those of {self._last}; show them in order")
        due = [w for w in self._open() if self._is_due(w, at)]
        prices = {
            w.intent.client_order_id: self._fill_model.price(w.intent, by_symbol[w.intent.symbol])
            for w in due
            if w.intent.symbol in by_symbol
        }
        self._bars.update(by_symbol)
        self._last = at
        for working in due:
            price = prices.get(working.intent.client_order_id)
            if price is not None:
                self._execute(working, price, at)
            elif working.intent.time_in_force is not TimeInForce.GTC:
                seen = working.intent.symbol in by_symbol
                why = "the limit was out of reach" if seen else "the asset had no bar"
                self._close(working, OrderStatus.EXPIRED, f"{why} at {at.isoformat()}")

    def _is_due(self, working: _Working, at: datetime) -> bool:
        previous = self._last if self._last is not None else working.sent
        return self._fill_model.is_due(working.sent, previous=previous, at=at)

    def _match(self, working: _Working, bar: Bar) -> None:
        price = self._fill_model.price(working.intent, bar)
        if price is not None:
            self._execute(working, price, bar.at)

    def _execute(self, working: _Working, price: Decimal, at: datetime) -> None:
        intent = working.intent
        paid = self._price_paid(intent, price)
        fill = Fill(
            fill_id=f"{self.account_id}-f{len(self._fills) + 1:06d}",
            client_order_id=intent.client_order_id,
            symbol=intent.symbol,
            side=intent.side,
            quantity=intent.quantity,
            price=paid,
            at=at,
            fee=self._cost_model.commission(intent.quantity, paid),
        )
        self._book.apply(fill)
        self._fills.append(fill)
        self._numbers[fill.fill_id] = len(self._fills)
        answer = replace(working.answer, status=OrderStatus.FILLED, filled_quantity=intent.quantity)
        self._orders[intent.client_order_id] = replace(working, answer=answer)

    def _price_paid(self, intent: OrderIntent, price: Decimal) -> Decimal:
        """Add the half spread; a limit order never pays beyond its limit."""
        crossed = self._cost_model.price_of(intent.side, price)
        if intent.order_type is not OrderType.LIMIT or intent.limit_price is None:
            return crossed
        choose = min if intent.side is Side.BUY else max
        return choose(crossed, intent.limit_price)

    def _close(self, working: _Working, status: OrderStatus, reason: str) -> None:
        answer = replace(working.answer, status=status, reason=reason)
        self._orders[working.intent.client_order_id] = replace(working, answer=answer)

    def _open(self) -> list[_Working]:
        return [w for w in self._orders.values() if not w.answer.status.is_final]

    def _check(self, intent: OrderIntent) -> None:
        if intent.account != self.account_id:
            raise BrokerError(
                f"order {intent.client_order_id} is for account {intent.account}, "
                f"this is paper account {self.account_id}"
            )
        if intent.symbol not in self._bars:
            raise BrokerError(
                f"unknown symbol {intent.symbol}: the paper venue has had no bar of it; show it "
                f"one before orders are sent"
            )
        needed, added = self._needed_with(intent)
        power = self._leverage * self._equity()
        if added > 0 and needed > power:
            raise BrokerError(
                f"insufficient buying power: with {intent.side} {intent.quantity} "
                f"{intent.symbol} positions and open orders come to {needed:.2f} "
                f"{self.currency}, limit is {power:.2f} ({self._leverage} times equity); "
                f"order less"
            )

    def _equity(self) -> Decimal:
        return self._book.equity({s: bar.close for s, bar in self._bars.items()})

    def _needed_with(self, intent: OrderIntent) -> tuple[Decimal, Decimal]:
        """Value of positions, open orders and this one, and the part that this one adds."""
        held = {s: p.quantity for s, p in self._book.positions.items()}
        total = sum((abs(q) * self._bars[s].close for s, q in held.items()), _ZERO)
        added = _ZERO
        for order in [*(w.intent for w in self._open()), intent]:
            before = held.get(order.symbol, _ZERO)
            added = self._added(order, before) * self._bars[order.symbol].close
            total += added
            if before * order.side.sign < 0:
                held[order.symbol] = before + order.signed_quantity
        return total, added

    @staticmethod
    def _added(order: OrderIntent, held: Decimal) -> Decimal:
        """Units by which an order exceeds the position it closes."""
        closing = abs(held) if held * order.side.sign < 0 else _ZERO
        return max(_ZERO, order.quantity - closing)
