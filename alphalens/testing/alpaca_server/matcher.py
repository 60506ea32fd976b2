"""Resting orders against the tape, and what a fill brings with it."""

from __future__ import annotations

from decimal import Decimal

from .core import Core
from .matching import follow, net_of, price_for, quantity_for
from .records import Execution, Order
from .refusals import unprocessable
from .tape import Mark

_AT_ONCE = ("ioc", "fok")


class Matcher:
    """Fills orders, and looks after their exits and legs."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._book = core.book

    def sweep(self, symbol: str, mark: Mark | None = None) -> None:
        """Match every working order of a symbol, oldest first; `mark` stands in for the quote."""
        mark = mark or self._core.tape.marks.get(symbol)
        if mark is None:
            return
        for order in self._book.open_orders(symbol):
            if order.order_class != "mleg":
                self.attempt(order, mark)
        for parent in self._book.open_orders(""):
            if any(leg.symbol == symbol for leg in self._book.legs(parent)):
                self.attempt(parent, mark)

    def activate(self, order: Order) -> None:
        """Put an order into the market; what ioc and fok leave is cancelled."""
        self._core.set_status(order, "new")
        for leg in self._book.legs(order) if order.is_multi_leg else ():
            leg.status = "new"
            self._book.touch(leg)
        self.attempt(order, self._core.tape.marks.get(order.symbol))
        if order.time_in_force in _AT_ONCE and order.is_open:
            self._core.set_status(order, "canceled")
        if order.order_class == "oco" and order.is_open:
            self._release_exits(order)

    def attempt(self, order: Order, mark: Mark | None, *, in_auction: bool = False) -> None:
        """Fill what the market gives to one order now."""
        if not order.is_working or not (in_auction or self._core.trades_now(order)):
            return
        if order.is_multi_leg:
            self._attempt_legs(order)
            return
        if mark is None:
            return
        follow(order, mark)
        self._book.touch(order)
        price = price_for(order, mark)
        if price is None:
            return
        qty = quantity_for(order, mark, price)
        if qty > 0:
            self.fill(order, qty, price)

    def fill(self, order: Order, qty: Decimal, price: Decimal, *, alone: bool = False) -> Execution:
        """Execute, tell the stream, and settle the family of the order.

        `alone` leaves exits and siblings as they are, which no real venue does on purpose.
        """
        execution = self._book.execute(
            order, qty, price, execution_id=self._core.new_id(), time=self._core.clock.stamp()
        )
        self._core.emit("fill" if order.status == "filled" else "partial_fill", order, execution)
        if not alone:
            self._settle_family(order)
        return execution

    def family(self, order: Order) -> list[Order]:
        """Return the other exits of a bracket, oco or oto."""
        if order.order_class == "mleg":
            return []
        parent = self._book.orders[order.parent_id] if order.parent_id else order
        exits = self._book.legs(parent)
        if parent.order_class == "oco":
            exits = [parent, *exits]
        return [other for other in exits if other is not order] if order in exits else []

    def _settle_family(self, order: Order) -> None:
        siblings = [other for other in self.family(order) if other.is_open]
        if order.status == "filled":
            for other in siblings:
                self._core.set_status(other, "canceled")
            if order.order_class in ("bracket", "oto"):
                self._release_exits(order)
            return
        for other in siblings:
            other.qty = order.leaves + other.filled_qty
            self._book.touch(other)

    def _release_exits(self, parent: Order) -> None:
        for child in self._book.legs(parent):
            if child.status == "held":
                self.activate(child)

    def _attempt_legs(self, parent: Order) -> None:
        legs = self._book.legs(parent)
        marks = self._core.tape.marks
        net = net_of(legs, marks)
        if net is None or (parent.limit_price is not None and net > parent.limit_price):
            return
        sides = [
            marks[leg.symbol].asks if leg.side == "buy" else marks[leg.symbol].bids for leg in legs
        ]
        pairs = list(zip(sides, legs, strict=True))
        if all(side.left is None or side.left >= leg.leaves for side, leg in pairs):
            for side, leg in pairs:
                side.take(leg.leaves)
            self.fill_legs(parent)

    def fill_legs(self, parent: Order) -> None:
        """Fill every leg whole at its side of the market, and then their parent.

        Raises
        ------
        Refused
            422 while a leg has no market.
        """
        legs, marks = self._book.legs(parent), self._core.tape.marks
        net = net_of(legs, marks)
        if net is None:
            raise unprocessable(f"a leg of {parent.id} has no price: set its quote first")
        for leg in legs:
            mark = marks[leg.symbol]
            self.fill(leg, leg.leaves, mark.ask if leg.side == "buy" else mark.bid)
        self._settle_parent(parent, net)

    def _settle_parent(self, parent: Order, net: Decimal) -> None:
        qty, moment = parent.leaves, self._core.clock.stamp()
        parent.filled_qty += qty
        parent.filled_value += qty * net
        parent.status, parent.filled_at, parent.updated_at = "filled", moment, moment
        self._book.touch(parent)
        told = Execution(
            id=self._core.new_id(), seq=0, order_id=parent.id,
            client_order_id=parent.client_order_id, symbol="", side="", qty=qty, price=net,
            cum_qty=parent.filled_qty, leaves_qty=Decimal(0), position_qty=Decimal(0), time=moment,
        )  # fmt: skip
        self._core.emit("fill", parent, told)
