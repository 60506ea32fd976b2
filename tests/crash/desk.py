"""The trader's hand: orders by the name that the day gives them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from alphalens.assets import Asset, Crypto, Equity, Option
from alphalens.errors import BrokerError
from alphalens.execution import TradingSession
from alphalens.execution.records import OrderRecord
from alphalens.risk import RiskLimits
from alphalens.trading import OrderIntent, OrderStatus, Side
from alphalens.trading.events import EventKind
from alphalens.trading.orders import OrderType, client_order_id
from alphalens.trading.targets import Target

ACCOUNT, CYCLE, PLAN = "PA3CRASH0001", "day", "plan"
EARLY = datetime(2026, 3, 2, 14, 20, tzinfo=UTC)  # a Monday, ten minutes before the opening
OPEN = EARLY + timedelta(minutes=40)
COIN = "BTC/USD"
LOW, HIGH = "SPRD260320C00020000", "SPRD260320C00022000"
CONTRACT = "OPTN260320P00020000"
PRICES = {COIN: Decimal(60_000), LOW: Decimal(2), HIGH: Decimal(1), CONTRACT: Decimal(2)}
PRICE = Decimal(20)  # of everything else
_LONG_S = 60.0
_MOVED = Decimal("1.2")  # planned at these prices, every order would be another one
GRACE = timedelta(milliseconds=40)
LIMITS = RiskLimits(
    max_order=Decimal("0.05"),
    approval_above=Decimal("0.03"),
    max_position=Decimal(2),
    max_gross=Decimal(4),
    max_net=Decimal(4),
    max_daily_loss=Decimal("0.9"),
    max_drawdown=Decimal("0.9"),
    price_collar=Decimal("0.5"),
    duplicate_window_s=None,
)


def price_of(symbol: str) -> Decimal:
    """Return the price of the day."""
    return PRICES.get(symbol, PRICE)


def order_id(name: str, replace: int = 0) -> str:
    """Return the client order id of an order of the day; those of the plan are named by it."""
    cycle = PLAN if ":" in name else CYCLE
    return client_order_id(ACCOUNT, cycle, name, 0, replace)


def flatten_id(name: str) -> str:
    """Return the client order id of what takes back the exits of an order, if both fill."""
    return client_order_id(ACCOUNT, CYCLE, f"{name}:flatten:{order_id(name)}")


def is_unborn(order: OrderRecord) -> bool:
    """Return whether an order ended without ever having been at the venue."""
    return order.status is OrderStatus.EXPIRED and not order.venue_order_id


class HandedClock:
    """The instant that the driver says, and durations of this machine."""

    def __init__(self, now: datetime) -> None:
        self.instant = now
        self.ahead_s = 0.0

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s


def assets(symbols: tuple[str, ...]) -> Mapping[str, Asset]:
    """Return what the desk may trade."""
    return {symbol: _asset(symbol) for symbol in symbols}


def _asset(symbol: str) -> Asset:
    if symbol == COIN:
        return Crypto(symbol=COIN, tick=Decimal("0.01"), lot=Decimal("0.0001"))
    if symbol in PRICES:
        return Option(symbol=symbol, underlying=symbol[:4])
    return Equity(symbol=symbol)


class Desk:
    """What a step of the day may ask the trader for; each call may be repeated."""

    def __init__(
        self, session: TradingSession, clock: HandedClock, symbols: tuple[str, ...]
    ) -> None:
        self.session, self._clock, self._symbols = session, clock, symbols

    def mark(self) -> None:
        """Give every symbol its price of the day."""
        self.session.mark({symbol: price_of(symbol) for symbol in self._symbols})

    def come_back(self) -> None:
        """Let so much time pass that the venue is asked how it stands, and take new prices."""
        self._clock.ahead_s += _LONG_S
        self.session.collect_fills()
        self.mark()

    def intent(self, name: str, units: str, *, symbol: str = "", **changes) -> OrderIntent:
        quantity = Decimal(units)
        symbol = symbol or name.partition(".")[0]
        intent = OrderIntent(
            client_order_id=order_id(name),
            account=ACCOUNT,
            cycle_id=CYCLE,
            symbol=symbol,
            side=Side.BUY if quantity > 0 else Side.SELL,
            quantity=abs(quantity),
            reference_price=price_of(symbol),
            created_at=OPEN,
        )
        if "limit" in changes:
            changes |= {"order_type": OrderType.LIMIT, "limit_price": Decimal(changes.pop("limit"))}
        if "stop" in changes:
            changes |= {"order_type": OrderType.STOP, "stop_price": Decimal(changes.pop("stop"))}
        return replace(intent, **changes)

    def send(self, name: str, units: str, **changes) -> None:
        """Submit an order; one that never arrived goes out again, as a cycle does."""
        self._submit([self.intent(name, units, **changes)])

    def send_unseen(self, name: str, units: str, **changes) -> None:
        """Submit an order and leave open what became of it; one that never left goes again."""
        intent = self.intent(name, units, **changes)
        (order,) = self.session.submit([intent])
        if order.is_absent:
            self.session.submit([intent])

    def follow(self, target: Target) -> None:
        """Submit the plan of a cycle; one that is stored is read again, at other prices."""
        if self.has_finished(PLAN):
            return
        if self.session.plan_for(PLAN) is not None:
            self.session.mark({symbol: price_of(symbol) * _MOVED for symbol in self._symbols})
        self._submit(self.session.plan(target, cycle_id=PLAN))
        self.mark()

    def finish_plan(self) -> None:
        """End the cycle that was planned, once."""
        if not self.has_finished(PLAN):
            self.session.finish_cycle(PLAN)

    def replace(self, name: str, **changes) -> None:
        """Replace an order; a replacement that never arrived is asked for under the next id."""
        for attempt in range(1, 4):
            intent = replace(
                self.intent(name, "10", **changes),
                client_order_id=order_id(name, attempt),
                replaces=order_id(name),
            )
            if self.session.order(intent.client_order_id) is None:
                self.session.replace_order(order_id(name), intent)
            self.until(lambda: not self._replacement(name, attempt).is_unresolved)  # noqa: B023
            if not is_unborn(self._replacement(name, attempt)):
                return

    def is_replacement(self, name: str, status: str) -> bool:
        """Return whether the last replacement of an order stands so."""
        told = (self.session.order(order_id(name, attempt)) for attempt in range(1, 4))
        return [str(order.status) for order in told if order is not None][-1:] == [status]

    def exits(self, name: str) -> int:
        """Return how many exits of an order are known."""
        return len(self.session._books.orders.children(order_id(name)))

    @property
    def has_died(self) -> bool:
        """Return whether this process is not the first one of the day."""
        return len(self.session.journal.records(kind=EventKind.RUN_STARTED)) > 1

    def has_finished(self, cycle_id: str) -> bool:
        """Return whether the end of a cycle is journalled."""
        return bool(self.session.journal.records(kind=EventKind.CYCLE_FINISHED, cycle_id=cycle_id))

    def cancel(self, name: str) -> None:
        """Ask for a cancel, once; what was not answered the session finds out itself."""
        if self.status(name) is OrderStatus.PENDING_CANCEL:
            return
        try:
            self.session.cancel(order_id(name))
        except BrokerError as error:
            self.said = str(error)

    def _submit(self, intents: Sequence[OrderIntent]) -> None:
        def left(which: str) -> list[OrderIntent]:
            orders = {one: self.session.order(one.client_order_id) for one in intents}
            return [one for one in intents if getattr(orders[one], which)]

        self.session.submit(intents)
        self.until(lambda: not left("is_unresolved"))
        if left("is_absent"):
            self.session.submit(left("is_absent"))

    def _replacement(self, name: str, attempt: int) -> OrderRecord:
        found = self.session.order(order_id(name, attempt))
        assert found is not None, f"replacement {attempt} of {name} was never recorded"
        return found

    def order(self, name: str) -> OrderRecord:
        found = self.session.order(order_id(name))
        assert found is not None, f"{name} was never recorded"
        return found

    def status(self, name: str) -> OrderStatus:
        return self.order(name).status

    def is_done(self, name: str, status: str, filled: str | None = None) -> bool:
        """Return whether an order stands so, with so many units executed."""
        order = self.session.order(order_id(name))
        if order is None or order.status != status:
            return False
        return filled is None or order.filled_quantity == Decimal(filled)

    def is_flat(self, symbol: str) -> bool:
        """Return whether nothing is held of a symbol and nothing works."""
        open_symbols = {order.intent.symbol for order in self.session.open_orders}
        return symbol not in {*self.session.ledger.positions, *open_symbols}

    def until(self, is_done: Callable[[], object], timeout_s: float = 60.0) -> None:
        """Collect until something is so."""
        end = time.monotonic() + timeout_s
        while not is_done():
            assert time.monotonic() < end, f"it never happened: {self.described()}"
            self.session.collect_fills()
            if not is_done():
                time.sleep(0.01)

    def listen(self) -> None:
        """Take in for a moment what the stream tells."""
        for _ in range(3):
            time.sleep(0.02)
            self.session.collect_fills()

    def described(self) -> str:
        orders = self.session.open_orders
        return ", ".join(
            f"{o.intent.symbol} {o.client_order_id[:8]} {o.status} {o.filled_quantity}"
            for o in orders
        )
