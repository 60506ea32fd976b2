"""What the venue did, taken into the books: by its stream, and by asking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from itertools import takewhile

from alphalens.brokers.base import Broker, VenueOrder, VenueUpdate
from alphalens.errors import BrokerError, InputError
from alphalens.execution.adoption import Adoption
from alphalens.execution.batch import Batch
from alphalens.execution.books import Books
from alphalens.execution.entries import activity_entry, alert_entry
from alphalens.execution.journal import Entry
from alphalens.execution.records import OrderRecord
from alphalens.trading.activities import Activity, ChangeKind, PositionChange, Split
from alphalens.trading.clock import Clock
from alphalens.trading.events import Severity
from alphalens.trading.orders import Fill
from alphalens.trading.positions import Holding

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
        self._refused: set[str] = set()
        self.patience_s = 60.0  # how long the list of executions may lag behind the orders
        self.duplicates = 0
        self._is_behind = False  # something the stream told could not be taken in
        self._fresh: list[Fill] = []

    def fresh(self) -> tuple[Fill, ...]:
        """Return the executions booked since the last call, whatever they were booked for."""
        fresh, self._fresh = tuple(self._fresh), []
        return fresh

    def drain(self) -> tuple[Fill, ...]:
        """Take what the stream has told since the last call; return the new executions.

        Raises
        ------
        BrokerError
            If something has to be asked for it and the venue does not say: what was told is
            not lost, the next call begins by asking for everything.
        """
        updates = self._broker.updates()
        new = self.catch_up() if self._is_behind else ()
        self._is_behind = bool(updates)
        if updates:
            new = (*new, *self._take(updates))
        self._is_behind = False
        return new

    def catch_up(self) -> tuple[Fill, ...]:
        """Ask for executions, activities and orders; return the new executions.

        Raises
        ------
        BrokerError
            If the venue does not say.
        """
        return (*self._lists(), *self._orders())

    def adopt_open_orders(self) -> None:
        """Take over the orders that work at the venue before our first run."""
        with self._reading() as batch:
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
            new = (*new, *self._lists())
            new = (*new, *self._heed(self._books.orders[order.client_order_id], answer))
        return new

    def _heed(self, order: OrderRecord, answer: VenueOrder) -> tuple[Fill, ...]:
        with self._reading(may_infer=self._is_overdue(order, answer)) as batch:
            batch.adopt(answer)
            batch.status(answer, is_listed=True)
            for exit_order in answer.children:
                batch.status(exit_order, is_listed=True)
        return tuple(batch.new)

    def _take(self, updates: Sequence[VenueUpdate]) -> tuple[Fill, ...]:
        new: tuple[Fill, ...] = ()
        if any(self._is_by_venue(update.order) for update in updates):
            new = self._lists()  # a split is booked before what is executed in the new units
        with self._reading() as batch:
            late = [update for update in updates if not batch.update(update)]
        new = (*new, *batch.new)
        if not (late or batch.needs_look):
            return new
        try:
            new = (*new, *self.catch_up())
        except BrokerError as error:
            self._alert("venue_silent", f"the venue does not list what was missed: {error}")
        with self._reading(may_infer=True) as batch:
            for update in late:
                batch.update(update)
        return (*new, *batch.new)

    def _is_by_venue(self, order: VenueOrder | None) -> bool:
        """Whether the venue has put an order in the place of another on its own."""
        if order is None or not order.replaces:
            return False
        return self._adoption.owner(order.client_order_id) is None

    def _lists(self) -> tuple[Fill, ...]:
        """Book the executions and activities that the venue lists, a split at its instant."""
        fills = list(self._broker.fills(after=self._books.fills_cursor))
        listed = list(self._broker.activities(after=self._books.activities_cursor))
        new: tuple[Fill, ...] = ()
        for split in [one for one in listed if isinstance(one, Split)]:
            before = list(takewhile(partial(_is_before, split), fills))
            new = (*new, *self._listed_fills(before))
            place = listed.index(split) + 1
            self._activities(listed[:place])
            fills, listed = fills[len(before) :], listed[place:]
        new = (*new, *self._listed_fills(fills))
        self._activities(listed)
        return new

    def _listed_fills(self, fills: Sequence[Fill]) -> tuple[Fill, ...]:
        if not fills:
            return ()
        self._recall_legs(fills)
        unknown = {
            f.client_order_id for f in fills if self._adoption.owner(f.client_order_id) is None
        }
        with self._reading(is_listed=True) as batch:
            for client_order_id in sorted(unknown):
                order = self._broker.order(client_order_id) if client_order_id else None
                if order is not None:
                    batch.adopt(order)
            waiting = [fill for fill in fills if not batch.fill(fill)]
        new = tuple(batch.new)
        if waiting:  # the list itself leaves something out: what is there is booked
            with self._reading(is_listed=True, may_infer=True) as batch:
                for fill in waiting:
                    batch.fill(fill)
            new = (*new, *batch.new)
        self._books.fills_cursor = fills[-1].fill_id
        return new

    def _recall_legs(self, fills: Sequence[Fill]) -> None:
        """Remember the order of a leg whose execution an earlier process has booked."""
        for fill in fills:
            if fill.client_order_id and self._adoption.owner(fill.client_order_id) is None:
                booked = self._books.booked(fill.fill_id)
                if booked is not None and booked.client_order_id != fill.client_order_id:
                    self._adoption.remember_leg(fill.client_order_id, booked.client_order_id)

    def _activities(self, listed: Sequence[Activity]) -> None:
        """Book what moved the account without an order; the venue may tell it twice."""
        entries: list[Entry] = []
        try:
            for activity in listed:
                entries += self._activity(activity)
        finally:  # those read before something broke are in the ledger already
            if entries:
                self._books.write_all(entries)

    def _activity(self, activity: Activity) -> Iterator[Entry]:
        if isinstance(activity, Split) and self._books.ledger.has_booked(activity.activity_id):
            return  # what it did then depends on what had been executed then
        try:
            moved = self._in_time(activity)
            if self._books.admit(moved):
                yield activity_entry(moved)
        except InputError as error:
            if activity.activity_id not in self._refused:
                self._refused.add(activity.activity_id)
                message = f"activity {activity.activity_id} cannot be booked: {error}"
                yield self._told("activity_unbookable", message)

    def _in_time(self, activity: Activity) -> Activity:
        """Return what a split does now that executions after it may be in the books already.

        They were in new units, so the split changes only what was held before them.
        """
        if not isinstance(activity, Split):
            return activity
        symbol = activity.symbol
        since = self._books.traded_since(symbol, activity.at)
        if not since:
            return activity
        held = self._books.ledger.quantity(symbol) - since
        before = Holding(symbol=symbol, quantity=held)
        before.split(activity, Decimal(0))
        if before.quantity == held:
            return activity
        return PositionChange(
            activity_id=activity.activity_id,
            symbol=symbol,
            kind=ChangeKind.ADJUSTMENT,
            quantity=before.quantity - held,
            price=Decimal(0),
            at=activity.at,
            note=f"split {activity.new} for {activity.old}, told after later executions",
        )

    def _orders(self) -> tuple[Fill, ...]:
        ours = [o for o in self._books.open_orders if not o.is_unresolved]
        if not ours and not self._broker.capabilities.has_stream:
            return ()
        working = {order.client_order_id: order for order in self._broker.open_orders()}
        with self._reading() as batch:
            for answer in working.values():
                batch.adopt(answer)
                batch.status(answer, is_listed=True)
        new = tuple(batch.new)
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

    @contextmanager
    def _reading(self, *, is_listed: bool = False, may_infer: bool = False) -> Iterator[Batch]:
        """Give a batch and commit it at the end, also when the venue falls silent before it.

        What was read is in the ledger already: it has to be in the journal too.
        """
        batch = Batch(
            books=self._books,
            adoption=self._adoption,
            clock=self._clock,
            is_listed=is_listed,
            may_infer=may_infer,
        )
        try:
            yield batch
        finally:
            self.duplicates += batch.duplicates
            self._fresh.extend(batch.commit())

    def _alert(self, code: str, message: str) -> None:
        self._books.write_all([self._told(code, message)])

    def _told(self, code: str, message: str) -> Entry:
        return alert_entry(code, message, self._clock.now(), {}, Severity.CRITICAL)


def _is_before(split: Split, fill: Fill) -> bool:
    return fill.at < split.at
