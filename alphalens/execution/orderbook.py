"""The orders of an account: those that live in memory, those that ended on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from alphalens.execution.evidence import Evidence
from alphalens.execution.journal import JournalReader
from alphalens.execution.records import (
    OrderRecord,
    Origin,
    Record,
    fill_of,
    fold_order,
    order_id_of,
)
from alphalens.trading.events import EventKind
from alphalens.trading.ledger import Correction
from alphalens.trading.orders import Fill, OrderStatus, Side

__all__ = ["OrderBook", "reserved"]

_ZERO = Decimal(0)


class OrderBook:
    """Every order, by its id, and the executions of those that may still change.

    Parameters
    ----------
    journal : JournalReader
        Asked about orders that ended before the process began, and their executions.
    """

    def __init__(self, journal: JournalReader) -> None:
        self._journal = journal
        self.is_whole = True  # False once orders that ended were left in the database
        self._orders: dict[str, OrderRecord] = {}
        self.corrections = 0  # how often executions were put in the place of others
        self._open: dict[str, OrderRecord] = {}
        self._unsettled: dict[str, OrderRecord] = {}
        self._fills: dict[str, dict[str, Fill]] = {}
        self._by_venue_id: dict[str, str] = {}
        self._live: dict[str, OrderRecord] = {}

    def __contains__(self, client_order_id: str) -> bool:
        return self.get(client_order_id) is not None

    def __getitem__(self, client_order_id: str) -> OrderRecord:
        order = self.get(client_order_id)
        if order is None:
            raise KeyError(client_order_id)
        return order

    def get(self, client_order_id: str) -> OrderRecord | None:
        """Return the order of that id, or None if there is none."""
        order = self._orders.get(client_order_id)
        if order is None and not self.is_whole:
            order = self._journal.order(client_order_id)
            if order is not None:
                self._orders[client_order_id] = order
                if order.venue_order_id:
                    self._by_venue_id[order.venue_order_id] = client_order_id
        return order

    def by_venue_id(self, venue_order_id: str) -> OrderRecord | None:
        """Return the order that the venue knows by that id, or None if there is none."""
        key = self._by_venue_id.get(venue_order_id)
        if key is not None:
            return self._orders[key]
        return None if self.is_whole else self._journal.order_of_venue(venue_order_id)

    def children(self, client_order_id: str) -> tuple[OrderRecord, ...]:
        """Return the exits of an order, among those in memory."""
        return tuple(
            order
            for order in self._orders.values()
            if order.parent_id == client_order_id and order.origin is Origin.EXIT
        )

    def exits(self) -> tuple[OrderRecord, ...]:
        """Return the exits of all orders, among those in memory."""
        return tuple(order for order in self._orders.values() if order.origin is Origin.EXIT)

    def spreads(self, symbol: str) -> tuple[OrderRecord, ...]:
        """Return the multi-leg orders with a leg of a symbol."""
        stored = () if self.is_whole else self._journal.orders_naming(symbol)
        orders = {order.client_order_id: order for order in stored} | self._orders
        return tuple(
            o for o in orders.values() if any(leg.symbol == symbol for leg in o.intent.legs)
        )

    @property
    def open(self) -> tuple[OrderRecord, ...]:
        """Return the orders that may still be executed, oldest first."""
        return tuple(self._open.values())

    @property
    def unsettled(self) -> tuple[OrderRecord, ...]:
        """Return those of which the venue has yet to say what became of them, oldest first."""
        return tuple(self._unsettled.values())

    @property
    def live(self) -> tuple[OrderRecord, ...]:
        """Return the orders that are not final: open, waiting, or absent; oldest first."""
        return tuple(self._live.values())

    def put(self, order: OrderRecord, fills: Iterable[Fill] | None = None) -> None:
        """Take an order as it stands, and its executions where they are known."""
        key = order.client_order_id
        self._orders[key] = order
        if order.venue_order_id:
            self._by_venue_id[order.venue_order_id] = key
        _keep(self._open, key, order, stays=order.is_open)
        _keep(self._unsettled, key, order, stays=order.is_unresolved or order.is_pending)
        _keep(self._live, key, order, stays=not order.status.is_final)
        if fills is not None:
            self._fills[key] = {fill.fill_id: fill for fill in fills}

    def reload(self, order: OrderRecord, fills: Iterable[Fill]) -> None:
        """Take an order and its executions as they were stored, in the place of what is known."""
        self._fills[order.client_order_id] = {}
        self.put(order, fills)

    def take(self, records: Iterable[Record], find: Callable[[str], OrderRecord | None]) -> None:
        """Take over what records of one transaction say of orders; `find` has their outcome."""
        told: dict[str, list[Fill]] = {}
        begun: set[str] = set()
        for record in records:
            order_id = order_id_of(record)
            if order_id is None:
                continue
            fresh = told.setdefault(order_id, [])
            if record.kind is EventKind.FILL:
                fresh.append(fill_of(record))
            elif order_id not in self._orders and "intent" in record.payload:
                begun.add(order_id)  # before its first record it had no executions
        for order_id, fresh in told.items():
            order = find(order_id)
            if order is None:
                continue  # executions of an order that nobody here knows
            self.put(order, () if order_id in begun else None)
            if fresh:
                self.fills_of(order_id).update((fill.fill_id, fill) for fill in fresh)

    def fold(self, record: Record, order_id: str) -> OrderRecord | None:
        """Take over what a record says of the order of that id."""
        known = self._orders.get(order_id)
        if known is None and "intent" not in record.payload:  # with one, an order begins
            known = self.get(order_id)
        order = fold_order(known, record)
        if order is None:
            return None
        self.put(order, () if known is None else None)  # before its first record it had none
        if record.kind is EventKind.FILL:
            fill = fill_of(record)
            self.fills_of(order_id)[fill.fill_id] = fill
        return order

    def correct(self, correction: Correction) -> None:
        """Put true executions in the place of inferred ones."""
        self.corrections += 1
        for fill in correction.fills:
            known = self.fills_of(fill.client_order_id)
            for removed in correction.removed:
                known.pop(removed, None)
            known[fill.fill_id] = fill

    def fills_of(self, client_order_id: str) -> dict[str, Fill]:
        """Return the executions of an order by their ids."""
        known = self._fills.get(client_order_id)
        if known is None:
            stored = () if self.is_whole else self._journal.fills_of([client_order_id])
            known = {fill.fill_id: fill for fill in stored}
            self._fills[client_order_id] = known
        return known

    def evidence(self, order: OrderRecord, symbol: str) -> Evidence:
        """Return what is known of the executions of an order in one symbol."""
        fills = [f for f in self.fills_of(order.client_order_id).values() if f.symbol == symbol]
        if order.intent.legs:
            return Evidence(fills)
        booked = sum((fill.quantity for fill in fills), _ZERO)
        return Evidence(fills, base=order.filled_quantity - booked)

    def with_fills(self) -> Iterator[tuple[OrderRecord, tuple[Fill, ...]]]:
        """Give the orders that are not final with their executions, for a snapshot."""
        for key, order in self._live.items():
            yield order, tuple(self.fills_of(key).values())


def reserved(orders: Iterable[OrderRecord], side: Side) -> dict[str, Decimal]:
    """Return the units that orders of one side still want, by symbol, positive.

    Exits of one position cancel each other, and an order and its replacement are not both
    executed: of such a group the largest counts.
    """
    groups: dict[tuple[str, str], Decimal] = {}
    for order in orders:
        share = order.remaining / order.intent.quantity
        for symbol, units in order.intent.traded.items():
            if units * side.sign > 0:
                key = (_group(order), symbol)
                groups[key] = max(groups.get(key, _ZERO), abs(units) * share)
    total: dict[str, Decimal] = {}
    for (_, symbol), units in groups.items():
        total[symbol] = total.get(symbol, _ZERO) + units
    return total


def _group(order: OrderRecord) -> str:
    if order.origin is Origin.EXIT:
        return f"exits of {order.parent_id}"
    if order.status is OrderStatus.PENDING_REPLACE:
        return order.client_order_id  # also when it took another one's place before
    return order.intent.replaces or order.client_order_id


def _keep(orders: dict[str, OrderRecord], key: str, order: OrderRecord, *, stays: bool) -> None:
    if stays:
        orders[key] = order
    else:
        orders.pop(key, None)
