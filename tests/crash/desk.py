"""The trader's hand: orders by the name that the day gives them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from alphalens.assets import Asset, Equity
from alphalens.errors import BrokerError
from alphalens.execution import TradingSession
from alphalens.execution.records import OrderRecord
from alphalens.risk import RiskLimits
from alphalens.trading import OrderIntent, OrderStatus, Side
from alphalens.trading.events import EventKind
from alphalens.trading.orders import OrderType, client_order_id

ACCOUNT, CYCLE = "PA3CRASH0001", "day"
OPEN = datetime(2026, 3, 2, 15, tzinfo=UTC)  # a Monday, half an hour after the opening
PRICE = Decimal(20)
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


def order_id(name: str, replace: int = 0) -> str:
    """Return the client order id of an order of the day."""
    return client_order_id(ACCOUNT, CYCLE, name, 0, replace)


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

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return time.monotonic()


def assets(symbols: tuple[str, ...]) -> Mapping[str, Asset]:
    """Return what the desk may trade."""
    return {symbol: Equity(symbol=symbol) for symbol in symbols}


class Desk:
    """What a step of the day may ask the trader for; each call may be repeated."""

    def __init__(self, session: TradingSession, symbols: tuple[str, ...]) -> None:
        self.session, self._symbols = session, symbols

    def mark(self) -> None:
        """Give every symbol its price of the day."""
        self.session.mark(dict.fromkeys(self._symbols, PRICE))

    def intent(self, name: str, units: str, *, symbol: str = "", **changes) -> OrderIntent:
        quantity = Decimal(units)
        intent = OrderIntent(
            client_order_id=order_id(name),
            account=ACCOUNT,
            cycle_id=CYCLE,
            symbol=symbol or name.partition(".")[0],
            side=Side.BUY if quantity > 0 else Side.SELL,
            quantity=abs(quantity),
            reference_price=PRICE,
            created_at=OPEN,
        )
        if "limit" in changes:
            changes |= {"order_type": OrderType.LIMIT, "limit_price": Decimal(changes.pop("limit"))}
        if "stop" in changes:
            changes |= {"order_type": OrderType.STOP, "stop_price": Decimal(changes.pop("stop"))}
        return replace(intent, **changes)

    def send(self, name: str, units: str, **changes) -> None:
        """Submit an order; one that never arrived goes out again, as a cycle does."""
        intent = self.intent(name, units, **changes)
        self.session.submit([intent])
        self.until(lambda: not self.order(name).is_unresolved)
        if self.order(name).is_absent:
            self.session.submit([intent])

    def send_unseen(self, name: str, units: str, **changes) -> None:
        """Submit an order and leave open what became of it; one that never left goes again."""
        intent = self.intent(name, units, **changes)
        (order,) = self.session.submit([intent])
        if order.is_absent:
            self.session.submit([intent])

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

    def until(self, is_done: Callable[[], object], timeout_s: float = 30.0) -> None:
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
