"""A venue without money: it keeps its own book and executes orders on the prices it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

from alphalens.assets import BaseAsset
from alphalens.brokers._paper.days import Days
from alphalens.brokers._paper.events import adjust_for_dividend, adjust_for_split
from alphalens.brokers._paper.executing import end
from alphalens.brokers._paper.keeping import Keeper
from alphalens.brokers._paper.market import Market, MarketRules
from alphalens.brokers._paper.on_bars import BarRules
from alphalens.brokers._paper.on_quotes import check_quote
from alphalens.brokers._paper.placing import PaperTimes, place, replaceable, same
from alphalens.brokers._paper.rules import Rules, capabilities_of
from alphalens.brokers._paper.settings import Latency, check_settings
from alphalens.brokers._paper.store import Opening
from alphalens.brokers.base import (
    Account,
    Capabilities,
    Connection,
    VenueOrder,
    VenueSession,
    VenueUpdate,
)
from alphalens.brokers.costs import CostModel
from alphalens.brokers.fills import FillModel, NextOpen
from alphalens.brokers.margin import Financing
from alphalens.errors import BrokerError, InputError
from alphalens.trading.activities import Activity, CashKind, Split
from alphalens.trading.clock import Clock
from alphalens.trading.market import Bar, Quote
from alphalens.trading.orders import Fill, OrderIntent, OrderStatus

__all__ = ["PaperBroker"]

_LEVERAGE = Decimal(2)
_NEXT_OPEN = NextOpen()
_COSTS = CostModel()
_QUOTE_LIFE = timedelta(seconds=5)
_AT_ONCE = timedelta(0)
_T = TypeVar("_T")


class PaperBroker:
    """A simulated venue behind the `Broker` port; deterministic to the last id.

    Show it the bars of an instant with `on_bars`, or quotes with `on_quotes`, before the
    orders of that instant are sent: it knows a symbol from its first price on. A symbol is
    traded on its quotes from the first of them on; its bars then only mark it, and execute
    orders for the auctions.

    Parameters
    ----------
    account_id : str
        Number of the account; every venue id begins with it.
    cash : Decimal
        Opening balance.
    clock : Clock
        The instant an order is received at.
    fill_model : FillModel
        Which bar executes an order, and along which prices; the next open by default.
    cost_model : CostModel
        Commission and spread, on by default.
    leverage : Decimal
        Buying power as a multiple of equity: 2 is the usual margin account of US shares
        (Regulation T), 1 a cash account. An order that adds exposure is refused if the value
        of all positions, of all open orders that add exposure, and of itself would exceed it;
        sales that have not been executed free nothing.
    currency : str
        ISO 4217 code of the account.
    assets : Mapping of str to BaseAsset, optional
        Lots, ticks, minima and multipliers to hold orders to, and the only assets traded.
        Without it every asset with a price is traded, in units of any size.
    can_short : bool
        Whether what is not held can be sold.
    financing : Financing, optional
        What borrowing costs; nothing by default. Charges are activities.
    max_volume_share : Decimal, optional
        Share of a bar's volume, between 0 and 1, that the orders of an asset may execute
        together; what is left of an order goes on working, or ends with its day. Without it
        an order is executed in full.
    calendar : str
        Name in `alphalens.assets.calendars.CALENDARS`: a day order then ends at the session's
        close, and quotes outside the session execute only orders for extended hours. Without
        it each instant of bars is a session of its own, and all bars come in one rhythm. Bars
        are taken to be of the regular session, whether or not an order may trade outside it.
    latency : tuple of two timedelta
        Least and most time until an order or a cancel reaches the venue, drawn evenly under
        `seed`; none by default. A replacement ends its order at once.
    seed : int
        The same seed, orders and prices give the same executions.
    quote_life : timedelta
        How long a quote can still be crossed by an order that comes after it.
    store : Path, optional
        A file of the venue's own: each call is kept there in one transaction before it
        returns (of `on_bars`, each instant), and a venue that is opened on it again goes on
        where the last one stopped. Without it the book is gone
        with the process.

    Raises
    ------
    ConfigError
        If a figure is out of its range, or the store belongs to another account.
    StorageError
        If the store cannot be opened.

    Notes
    -----
    What executes an order is told in `alphalens.brokers.fills` (which bar), `matching` (the
    way of the price through triggers and limits) and `costs`. Beyond that:

    - *ioc*, *fok*: the first price that is due, or the first quote, executes what it can (all
      or nothing for fok); the rest is canceled.
    - *opg*, *cls*: the open or the close of one bar, or the order expires. They need bars.
    - *day*: ends with the first bar that is due, or with the calendar's session.
    - Quotes: an order that comes crosses the quote; one that stood before is executed at its
      own limit. A quote without a size executes any quantity.
    - Exits of a bracket or an oto are held until the entry is executed in full, or has ended
      with a part executed; they then work for that part. What one exit executes is taken off
      the other; if one ends, the other is canceled. An oco's take-profit is the order of our
      id, its stop a child. The rest of a bar whose open executed an entry meets its exits
      along the whole path; after a later entry, the worse end of the bar is taken to follow.
    - A multi-leg order is executed as a whole at the first prices (or quotes) of all legs, if
      their net price after costs is within its limit. Each leg has fills under an id of its
      own; the whole has none.
    - Buying power counts a short option at its price, which is less than venues ask for.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from alphalens.brokers.fills import fill_model
    >>> from alphalens.trading.clock import VirtualClock
    >>> from alphalens.trading.orders import Side
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
        assets: Mapping[str, BaseAsset] | None = None,
        can_short: bool = True,
        financing: Financing | None = None,
        max_volume_share: Decimal | None = None,
        calendar: str = "",
        latency: tuple[timedelta, timedelta] = (_AT_ONCE, _AT_ONCE),
        seed: int = 0,
        quote_life: timedelta = _QUOTE_LIFE,
        store: Path | None = None,
    ) -> None:
        check_settings(cash, leverage, max_volume_share, quote_life)
        self.account_id, self.currency = account_id, currency
        self._clock = clock
        self._latency = Latency(least=latency[0], most=latency[1], seed=seed)
        self._assets, self._days = assets or {}, Days(calendar)
        self._rules = Rules(
            capabilities=capabilities_of(fill_model, can_short=can_short),
            assets=self._assets,
            leverage=leverage,
        )
        opening = Opening(account_id=account_id, cash=cash, currency=currency)
        self._keeper = Keeper(opening, self._assets, store)
        bars = BarRules(
            fill_model=fill_model,
            cost_model=cost_model,
            max_volume_share=max_volume_share,
            days=self._days,
        )
        rules = MarketRules(bars=bars, quote_life=quote_life, financing=financing)
        self._market = Market(self._keeper.state, rules)

    @property
    def fill_model(self) -> FillModel:
        """Return the model that orders are executed by."""
        return self._market.rules.bars.fill_model

    @property
    def cost_model(self) -> CostModel:
        """Return the model of commission and spread."""
        return self._market.rules.bars.cost_model

    @property
    def capabilities(self) -> Capabilities:
        """Return what the venue can do."""
        return self._rules.capabilities

    @property
    def last_instant(self) -> datetime | None:
        """Return the instant of the last prices it was shown; None if there were none."""
        return self._keeper.state.last

    def close(self) -> None:
        """Let go of the store, as a process does that ends."""
        self._keeper.close()

    def account(self) -> Account:
        """Return the account: a paper one, always."""
        with self._keeper.asking() as state:
            positions = state.book.positions.items()
            return Account(
                account_id=self.account_id,
                cash=state.book.cash,
                currency=self.currency,
                is_live=False,
                buying_power=self._rules.buying_power(state),
                is_blocked=state.equity() <= 0,
                entry_prices={symbol: p.average_price for symbol, p in positions},
            )

    def submit(self, intent: OrderIntent) -> VenueOrder:
        """Accept an order; the same order sent twice is one order.

        Raises
        ------
        OrderRejected
            If a rule forbids it; ``code`` names the rule. `IdTaken` if the id was used for
            another order. Nothing is placed.
        OutcomeUnknown
            If the store failed.
        """
        with self._keeper.carrying_out(f"order {intent.client_order_id}") as state:
            known = state.orders.get(intent.client_order_id)
            if known is not None:
                return state.view(same(known, intent))
            self._rules.check(state, intent)
            order = place(state, intent, self._times(intent))
            self._market.meet_now(order, order.sent)
            return state.view(state.orders[order.id])

    def cancel(self, client_order_id: str) -> None:
        """Cancel an order; one that is final already stays as it is.

        Raises
        ------
        BrokerError
            If the venue never saw the order, or it is a leg: cancel the whole.
        OutcomeUnknown
            If the store failed.
        """
        with self._keeper.carrying_out(f"the cancel of {client_order_id}") as state:
            order = state.orders.get(client_order_id)
            if order is None:
                raise BrokerError(f"cannot cancel {client_order_id}: the venue has no such order")
            if order.is_leg:
                raise BrokerError(
                    f"cannot cancel {client_order_id}, a leg of {order.parent}: cancel that one"
                )
            if not order.is_open:
                return
            if not self._latency.most:
                end(state, order, OrderStatus.CANCELED, "canceled on request")
            elif order.cancel_from is None:
                at = self._clock.now() + self._latency.delay(f"cancel {order.number}")
                pending = replace(order, status=OrderStatus.PENDING_CANCEL, cancel_from=at)
                state.put(pending, "pending_cancel")

    def replace(self, client_order_id: str, intent: OrderIntent) -> VenueOrder:
        """Put an order in the place of a working one, at once.

        The new order is one of its own: its quantity is what is still to be executed, without
        what the old one has executed. Symbol, side and class stay. Held exits of the old
        order go with it, the new one makes its own; an exit that is replaced stays an exit.

        Raises
        ------
        OrderRejected
            If the old order is not working, or the new one would not be accepted by itself;
            the old one then goes on as it was.
        OutcomeUnknown
            If the store failed.
        """
        with self._keeper.carrying_out(f"order {intent.client_order_id}") as state:
            known = state.orders.get(intent.client_order_id)
            if known is not None:
                return state.view(same(known, intent))
            old = replaceable(state, client_order_id, intent)
            self._rules.check(state, intent, without=old.id)
            order = place(state, intent, self._times(intent), old)
            self._market.meet_now(order, order.sent)
            return state.view(state.orders[order.id])

    def order(self, client_order_id: str) -> VenueOrder | None:
        """Return the order of that id, or None if the venue never saw it."""
        with self._keeper.asking() as state:
            order = state.orders.get(client_order_id)
            return None if order is None else state.view(order)

    def open_orders(self) -> Sequence[VenueOrder]:
        """Return the orders that are not final, exits and legs too, oldest first."""
        with self._keeper.asking() as state:
            return [state.view(order) for order in state.open_orders()]

    def positions(self) -> Mapping[str, Decimal]:
        """Return signed units by symbol, flat ones left out."""
        with self._keeper.asking() as state:
            return state.held()

    def fills(self, *, after: str = "") -> Sequence[Fill]:
        """Return executions in order, those after the fill of id `after` only.

        Raises
        ------
        BrokerError
            If there is no such fill: what was missed since cannot be known.
        """
        with self._keeper.asking() as state:
            return self._after("fill", state.fills, state.fill_numbers, after)

    def activities(self, *, after: str = "") -> Sequence[Activity]:
        """Return what moved without an order, in order; cursor and error as of `fills`."""
        with self._keeper.asking() as state:
            return self._after("activity", state.activities, state.activity_numbers, after)

    def updates(self) -> Sequence[VenueUpdate]:
        """Return every change since the last call, of this process, in order."""
        with self._keeper.asking() as state:
            return state.tell()

    def connection(self) -> Connection:
        """Return that it stands; a gap is 10,000 messages that nobody fetched."""
        with self._keeper.asking() as state:
            return Connection(gaps=state.gaps)

    def reconnect(self, reason: str) -> None:
        """Do nothing: there is no line that could break."""

    def session(self) -> VenueSession | None:
        """Return the hours of its calendar, or None if it has none."""
        return self._days.session(self._clock.now())

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
            If a bar lacks a figure that the models need; nothing is executed by its instant.
        StorageError
            If the store failed; nothing of the instant has happened.
        """
        ordered = sorted(bars, key=attrgetter("at", "symbol"))
        with self._keeper.lock:
            before = len(self._keeper.state.fills)
            for at, group in groupby(ordered, key=attrgetter("at")):
                with self._keeper.changing():
                    self._market.show_bars(at, list(group))
            return tuple(self._keeper.state.fills[before:])

    def on_quotes(self, quotes: Iterable[Quote]) -> tuple[Fill, ...]:
        """Show the venue quotes in their order, and return the executions they cause.

        With a store, prices that execute nothing are kept with the next change: they are
        worth less than a write each.

        Parameters
        ----------
        quotes : iterable of Quote
            A `SizedQuote` executes no more than its size.

        Raises
        ------
        InputError
            If a quote is older than the prices shown before.
        DataError
            If a quote is crossed, not positive, not finite or naive; nothing has happened.
        StorageError
            If the store failed; nothing of the call has happened.
        """
        shown = list(quotes)
        for quote in shown:
            check_quote(quote)
        with self._keeper.changing(is_lazy=True) as state:
            self._market.check_order(shown)
            before = len(state.fills)
            for quote in shown:
                self._market.show_quote(quote)
            return tuple(state.fills[before:])

    def on_activity(self, activity: Activity) -> bool:
        """Book what the outside world did to the account; return False if it was booked before.

        A split also adjusts the last price and the open orders of its asset, as US exchanges do:
        more shares multiply what is left of an order and divide its prices; fewer cancel it.

        Raises
        ------
        InputError
            If another activity was booked under this id.
        """
        with self._keeper.changing() as state:
            if activity.activity_id in state.activity_numbers:
                return state.book.book(activity)
            state.add_activity(activity)
            if isinstance(activity, Split):
                adjust_for_split(state, activity, self._assets)
            return True

    def on_dividend(self, symbol: str, per_unit: Decimal, *, at: datetime) -> Activity | None:
        """Pay a dividend on what is held, take it from who is short, and adjust open orders.

        Purchases at a limit and sales at a stop are lowered by it, as on US exchanges.

        Parameters
        ----------
        symbol : str
            The asset.
        per_unit : Decimal
            Currency per unit, positive.
        at : datetime
            The ex-date's instant.

        Returns
        -------
        Activity or None
            The cash flow; None where nothing is held.

        Raises
        ------
        InputError
            If the dividend is not positive and finite.
        """
        if not (per_unit.is_finite() and per_unit > 0):
            raise InputError(f"dividend of {symbol} must be positive and finite, got {per_unit}")
        with self._keeper.changing() as state:
            adjust_for_dividend(state, symbol, per_unit, self._assets)
            amount = state.book.quantity(symbol) * per_unit * state.multiplier(symbol)
            if not amount:
                return None
            note = f"{per_unit} per unit"
            return state.add_cash(CashKind.DIVIDEND, amount, at, symbol=symbol, note=note)

    def _times(self, intent: OrderIntent) -> PaperTimes:
        sent, tif = self._clock.now(), intent.time_in_force
        return PaperTimes(
            sent=sent,
            active_from=sent + self._latency.delay(f"order {len(self._keeper.state.orders) + 1}"),
            opens_at=self._days.opens_at(tif, sent),
            expires_at=self._days.expires_at(tif, sent),
        )

    def _after(
        self, what: str, events: Sequence[_T], numbers: Mapping[str, int], after: str
    ) -> tuple[_T, ...]:
        if not after:
            return tuple(events)
        position = numbers.get(after)
        if position is None:
            raise BrokerError(
                f"no {what} {after} at paper account {self.account_id}: the journal belongs to "
                f"another account, or the venue was started afresh"
            )
        return tuple(events[position:])
