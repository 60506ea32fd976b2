"""What the venue did, taken into the books: by its stream, and by asking."""

from __future__ import annotations

from collections.abc import Sequence

from alphalens.brokers.base import Broker, VenueOrder, VenueUpdate
from alphalens.errors import BrokerError
from alphalens.execution.adoption import Adoption
from alphalens.execution.batch import Batch
from alphalens.execution.books import Books
from alphalens.execution.entries import activity_entry, alert_entry
from alphalens.execution.records import OrderRecord
from alphalens.trading.clock import Clock
from alphalens.trading.events import Severity
from alphalens.trading.orders import Fill

__all__ = ["Intake"]


class Intake:
    """Bring executions, activities and the state of orders into the books.

    An execution is booked once, whatever tells of it and how often: the stream, the list of
    executions, or the cumulative figure of its order. One that contradicts what was booked is
    not, one of nobody's order or beyond an order's quantity is, because the venue's word on
    executions is the truth; each of these is told and freezes the symbol.

    Parameters
    ----------
    books : Books
        Where they go.
    broker : Broker
        The venue.
    clock : Clock
        The present.
    """

    def __init__(self, *, books: Books, broker: Broker, clock: Clock) -> None:
        self._books, self._broker, self._clock = books, broker, clock
        self._adoption = Adoption(books=books, broker=broker, clock=clock)
        self._short_since: dict[str, float] = {}
        self._vanished: set[str] = set()
        self.patience_s = 60.0  # how long the list of executions may lag behind the orders
        self.duplicates = 0

    def drain(self) -> tuple[Fill, ...]:
        """Take what the stream has told since the last call; return the new executions."""
        updates = self._broker.updates()
        return self._take(updates) if updates else ()

    def catch_up(self) -> tuple[Fill, ...]:
        """Ask for executions, activities and orders; return the new executions.

        Raises
        ------
        BrokerError
            If the venue does not say.
        """
        new = self._listed_fills()
        self._activities()
        return (*new, *self._orders())

    def adopt_open_orders(self) -> None:
        """Take over the orders that work at the venue before our first run."""
        batch = self._batch()
        for order in self._broker.open_orders():
            batch.adopt(order, is_opening=True)

    def look(self, order: OrderRecord, answer: VenueOrder) -> tuple[Fill, ...]:
        """Take the venue's word on one order that was asked for, and ask for what it executed.

        Raises
        ------
        BrokerError
            If there are executions that nobody told of, and the venue does not list them.
        """
        new = self._heed(order, answer)
        order = self._books.orders[order.client_order_id]
        if answer.filled_quantity > order.filled_quantity:
            new = (*new, *self._listed_fills())
            new = (*new, *self._heed(self._books.orders[order.client_order_id], answer))
        return new

    def _heed(self, order: OrderRecord, answer: VenueOrder) -> tuple[Fill, ...]:
        batch = self._batch(may_infer=self._is_overdue(order, answer))
        batch.adopt(answer)
        batch.status(answer, is_listed=True)
        return self._commit(batch)

    def _take(self, updates: Sequence[VenueUpdate]) -> tuple[Fill, ...]:
        batch = self._batch()
        late = [update for update in updates if not batch.update(update)]
        new = self._commit(batch)
        if not (late or batch.needs_look):
            return new
        try:
            new = (*new, *self.catch_up())
        except BrokerError as error:
            self._alert("venue_silent", f"the venue does not list what was missed: {error}")
        batch = self._batch(may_infer=True)
        for update in late:
            batch.update(update)
        return (*new, *self._commit(batch))

    def _listed_fills(self) -> tuple[Fill, ...]:
        fills = self._broker.fills(after=self._books.fills_cursor)
        if not fills:
            return ()
        unknown = {
            f.client_order_id for f in fills if self._adoption.owner(f.client_order_id) is None
        }
        batch = self._batch(is_listed=True)
        for client_order_id in sorted(unknown):
            order = self._broker.order(client_order_id) if client_order_id else None
            if order is not None:
                batch.adopt(order)
        waiting = [fill for fill in fills if not batch.fill(fill)]
        new = self._commit(batch)
        if waiting:  # the list itself leaves something out: what is there is booked
            batch = self._batch(is_listed=True, may_infer=True)
            for fill in waiting:
                batch.fill(fill)
            new = (*new, *self._commit(batch))
        self._books.fills_cursor = fills[-1].fill_id
        return new

    def _activities(self) -> None:
        found = self._broker.activities(after=self._books.activities_cursor)
        if found:
            self._books.write_all([activity_entry(activity) for activity in found])

    def _orders(self) -> tuple[Fill, ...]:
        ours = [o for o in self._books.open_orders if not o.is_unresolved]
        if not ours and not self._broker.capabilities.has_stream:
            return ()
        working = {order.client_order_id: order for order in self._broker.open_orders()}
        batch = self._batch()
        for answer in working.values():
            batch.adopt(answer)
            batch.status(answer, is_listed=True)
        new = self._commit(batch)
        for order in ours:
            if order.client_order_id not in working:
                new = (*new, *self._ended(order))
        return new

    def _ended(self, order: OrderRecord) -> tuple[Fill, ...]:
        """Close an order that works no longer, once all its executions are booked."""
        answer = self._broker.order(order.client_order_id)
        if answer is not None:
            return self.look(self._books.orders[order.client_order_id], answer)
        if order.client_order_id in self._vanished:
            return ()
        self._vanished.add(order.client_order_id)
        message = (
            f"the venue accepted {order.client_order_id} of {order.intent.symbol} and now has no "
            f"such order; it stays reserved, ask the venue"
        )
        self._alert("order_vanished", message)
        return ()

    def _is_overdue(self, order: OrderRecord, answer: VenueOrder) -> bool:
        """Whether executions that an order speaks of have been missing for long."""
        key = order.client_order_id
        if answer.filled_quantity <= order.filled_quantity:
            self._short_since.pop(key, None)
            return False
        now = self._clock.monotonic()
        return now - self._short_since.setdefault(key, now) >= self.patience_s

    def _batch(self, *, is_listed: bool = False, may_infer: bool = False) -> Batch:
        return Batch(
            books=self._books,
            adoption=self._adoption,
            clock=self._clock,
            is_listed=is_listed,
            may_infer=may_infer,
        )

    def _commit(self, batch: Batch) -> tuple[Fill, ...]:
        self.duplicates += batch.duplicates
        return batch.commit()

    def _alert(self, code: str, message: str) -> None:
        now = self._clock.now()
        self._books.write_all([alert_entry(code, message, now, {}, Severity.CRITICAL)])
