"""Exits that do not match their entry: both executed, or gone while something is held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from alphalens.errors import BrokerError, CredentialsRefused, TradingHalted
from alphalens.execution.books import Books
from alphalens.execution.entries import alert_entry, described, values_of
from alphalens.execution.orderbook import reserved
from alphalens.execution.records import OrderRecord, Origin
from alphalens.trading.clock import Clock
from alphalens.trading.events import Severity
from alphalens.trading.orders import (
    Fill,
    OrderClass,
    OrderIntent,
    OrderStatus,
    Side,
    client_order_id,
)

__all__ = ["ExitGuard"]

_ZERO = Decimal(0)
_PAIR = 2
_WITH_EXITS = frozenset({OrderClass.BRACKET, OrderClass.OTO})


class ExitGuard:
    """Watch the exits of brackets: they close what was entered, neither more nor less.

    What both exits executed too much is closed. A venue lets the exits work once their entry is
    executed whole, and takes them away with an entry that ends before: what was executed of it
    is then held without an exit. That is told, once a run, and a person has to act; nothing is
    sold, for that the position is wanted is all that the entry said.

    Parameters
    ----------
    books : Books
        The orders and the position.
    clock : Clock
        The present.
    submit : callable
        Takes the closing order through the gate; it can only reduce.
    cancel : callable
        Asks the venue to cancel an exit that still works, and says why: it would stand against
        the closing order.
    is_flattening : bool
        Whether a position that came from both exits is closed at once. Without it a person
        is told, and has to act.
    """

    def __init__(
        self,
        *,
        books: Books,
        clock: Clock,
        submit: Callable[[OrderIntent], OrderRecord],
        cancel: Callable[[OrderRecord, str], None],
        is_flattening: bool,
    ) -> None:
        self._books, self._clock, self._submit = books, clock, submit
        self._cancel, self._is_flattening = cancel, is_flattening
        self._told: set[str] = set()
        self._waiting: set[str] = set()
        self._entering: set[str] = set()  # entries with exits, executed in part

    def check_all(self) -> None:
        """Close what is still to be closed, and tell what has no exit, as after a start."""
        parents = {order.parent_id for order in self._books.orders.exits()}
        self._entering |= {key for key in parents if _has_exits(self._books.orders[key])}
        self._check_entries()
        if self._is_flattening:
            self._check_each(parents)

    def check(self, fills: Iterable[Fill]) -> None:
        """Look at the exits among new executions, tell of an excess, and close it.

        Look also at the entries that were executed in part, and tell of those that ended so.
        """
        orders = [self._books.orders.get(fill.client_order_id) for fill in fills]
        touched = [order for order in orders if order is not None]
        self._entering |= {order.client_order_id for order in touched if _has_exits(order)}
        self._check_entries()
        self._check_each(_parent_of(order) for order in touched)

    def _check_entries(self) -> None:
        for key in sorted(self._entering):
            order = self._books.orders[key]
            if not order.status.is_final:
                continue
            if not (order.remaining and order.filled_quantity) or order.replaced_by:
                self._entering.discard(key)  # it has its exits, or another order has them now
            elif not any(one.is_open for one in self._exits_of(order)):
                self._entering.discard(key)
                if key not in self._told:
                    self._told.add(key)
                    self._tell_of_entry(order)

    def _exits_of(self, order: OrderRecord) -> Iterator[OrderRecord]:
        """Give the exits of an entry, and those it took over from the order it replaced."""
        found: OrderRecord | None = order
        while found is not None:
            yield from self._books.orders.children(found.client_order_id)
            before = found.intent.replaces
            found = self._books.orders.get(before) if before else None

    def _tell_of_entry(self, entry: OrderRecord) -> None:
        intent, held = entry.intent, self._books.ledger.quantity(entry.intent.symbol)
        closing = reserved(self._books.open_orders, intent.side.other).get(intent.symbol, _ZERO)
        bare = min(entry.filled_quantity, held * intent.side.sign - closing)
        if bare <= 0:
            return
        message = (
            f"{described(intent)} is {entry.status} with {entry.filled_quantity} executed, and its "
            f"exits are gone with it: {bare} {intent.symbol} are held without an exit. Place a "
            f"stop, or close them"
        )
        self._alert("entry_without_exits", message, {**values_of(intent), "units": str(bare)})

    def _check_each(self, parents: Iterable[str]) -> None:
        due = {*parents, *self._waiting} - {""}
        self._waiting -= due  # a closing order that is being sent comes here again
        for parent_id in sorted(due):
            self._check(self._books.orders[parent_id])

    def _check(self, parent: OrderRecord) -> None:
        exits = self._books.orders.children(parent.client_order_id)
        done = sum((o.filled_quantity for o in exits), _ZERO)
        entered = parent.filled_quantity
        if parent.intent.order_class is OrderClass.OCO:  # the parent is an exit itself
            exits = (parent, *exits)
            done, entered = done + parent.filled_quantity, parent.intent.quantity
        excess = done - entered
        if excess <= 0 or len(exits) < _PAIR:
            return
        intent = self._closing(parent, exits[-1].intent.side, excess)
        known = self._books.orders.get(intent.client_order_id)
        if known is not None:
            self._send_again(parent, known)
            return
        if intent.client_order_id not in self._told:
            self._told.add(intent.client_order_id)
            self._tell_of(parent, intent, done, entered)
        if self._is_flattening:
            self._close(parent, exits, intent)

    def _tell_of(
        self, parent: OrderRecord, closing: OrderIntent, done: Decimal, entered: Decimal
    ) -> None:
        symbol = parent.intent.symbol
        message = (
            f"both exits of {parent.client_order_id} were executed: {done} {symbol} left where "
            f"{entered} had been entered, the position is {self._books.ledger.quantity(symbol)}. "
            + ("It is closed at market" if self._is_flattening else "Close it")
        )
        self._alert("both_exits_filled", message, values_of(closing))

    def _close(
        self, parent: OrderRecord, exits: Iterable[OrderRecord], closing: OrderIntent
    ) -> None:
        """Cancel what still works of the exits, and once nothing does, close."""
        working = [one for one in exits if one.is_open]
        if working:
            self._waiting.add(parent.client_order_id)
            for one in working:
                self._take_away(one)
            return
        self._send(parent, closing)

    def _send_again(self, parent: OrderRecord, known: OrderRecord) -> None:
        """Send a closing order that the venue never had; wait while that is not known."""
        if known.is_unresolved:
            self._waiting.add(parent.client_order_id)
        elif known.is_absent and self._is_flattening:
            self._send(parent, known.intent)

    def _send(self, parent: OrderRecord, closing: OrderIntent) -> None:
        try:
            order = self._submit(closing)
        except TradingHalted:  # the session is stopping; the next start closes it
            return
        if order.is_unresolved or order.is_absent:
            self._waiting.add(parent.client_order_id)
        if order.status is OrderStatus.REFUSED:
            why = "; ".join(reason.message for reason in order.reasons)
            message = f"{described(closing)} was to close what both exits left: {why}. Close it"
            self._alert("flatten_refused", message, values_of(closing))

    def _take_away(self, one: OrderRecord) -> None:
        if one.is_pending or one.is_unresolved:
            return
        try:
            self._cancel(one, "the other exit was executed")
        except CredentialsRefused:
            raise
        except BrokerError:
            return  # it stays asked for, and is looked up

    def _alert(self, code: str, message: str, values: Mapping[str, str]) -> None:
        now = self._clock.now()
        self._books.write_all([alert_entry(code, message, now, values, Severity.CRITICAL)])

    def _closing(self, parent: OrderRecord, exit_side: Side, excess: Decimal) -> OrderIntent:
        """Return the order that takes back what the exits executed too much."""
        old, books = parent.intent, self._books
        leg = f"{old.symbol}:flatten:{parent.client_order_id}"
        return OrderIntent(
            client_order_id=client_order_id(old.account, old.cycle_id, leg),
            account=old.account,
            cycle_id=old.cycle_id,
            symbol=old.symbol,
            side=exit_side.other,
            quantity=min(excess, abs(books.ledger.quantity(old.symbol)) or excess),
            reference_price=books.prices.get(old.symbol, old.reference_price),
            created_at=self._clock.now(),
            reason=f"both exits of {parent.client_order_id} were executed",
        )


def _parent_of(order: OrderRecord) -> str:
    if order.origin is Origin.EXIT:
        return order.parent_id
    return order.client_order_id if order.intent.order_class is OrderClass.OCO else ""


def _has_exits(order: OrderRecord) -> bool:
    return order.origin is Origin.OURS and order.intent.order_class in _WITH_EXITS
