"""What became of orders, cancels and replacements that nobody answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta

from alphalens.brokers.base import Broker, VenueOrder
from alphalens.errors import BrokerError, CredentialsRefused
from alphalens.execution.books import Books
from alphalens.execution.entries import (
    absent_entries,
    alert_entry,
    answer_payload,
    closing_payload,
    described,
    id_taken_entries,
    still_working,
    unknown_entries,
    values_of,
)
from alphalens.execution.intake import Intake
from alphalens.execution.journal import Entry
from alphalens.execution.records import OrderRecord
from alphalens.execution.router import given_back
from alphalens.trading.clock import Clock
from alphalens.trading.events import EventKind
from alphalens.trading.orders import OrderIntent, OrderStatus

__all__ = ["MAX_ATTEMPTS", "Resolver"]

#: Sends of one id; the second only after the venue said, twice, that it has no such order.
MAX_ATTEMPTS = 2


class Resolver:
    """Ask the venue about every order whose state is not known, until it is.

    Parameters
    ----------
    books : Books
        The orders.
    broker : Broker
        The venue.
    intake : Intake
        Takes the venue's word over.
    clock : Clock
        The present.
    grace : timedelta
        How long after a send the venue's "no such order" is not yet believed.
    lock_out : callable
        Called when the venue does not know our keys: `Control.lock_out`.
    """

    def __init__(
        self,
        *,
        books: Books,
        broker: Broker,
        intake: Intake,
        clock: Clock,
        grace: timedelta,
        lock_out: Callable[[CredentialsRefused], None],
    ) -> None:
        self._books, self._broker, self._clock = books, broker, clock
        self._intake, self._grace, self._lock_out = intake, grace, lock_out
        self._first_look: dict[tuple[str, int], float] = {}

    def resolve(self) -> tuple[OrderRecord, ...]:
        """Look up every order without a known outcome, and return those that have one now.

        The venue's word is adopted. "No such order" is believed after the grace period and on
        a second asking: an order that was sent once may then pass the gate again, one that
        was sent twice expires. An error leaves the order as it is, and its symbol blocked.
        """
        pending = [o for o in self._books.orders.unsettled if o.is_unresolved]
        for order in pending:
            self._look_up(order)
        for order in [o for o in self._books.orders.unsettled if o.is_pending]:
            self._settle(order)
        now = (self._books.orders[o.client_order_id] for o in pending)
        return tuple(order for order in now if not order.is_unresolved)

    def _look_up(self, order: OrderRecord) -> None:
        intent = order.intent
        try:
            answer = self._broker.order(intent.client_order_id)
            if answer is None and self._is_past_grace(order):
                answer = self._broker.order(intent.client_order_id)
        except BrokerError as error:
            if order.status is OrderStatus.INTENDED:
                self._unknown(intent, f"the venue does not say: {error}")
            self._note(error)
            return
        if answer is None:
            self._missing(order)
        elif other := _differences(intent, answer):
            told = f"it differs in {', '.join(other)}"
            taken = id_taken_entries(intent, told, self._clock.now())
            self._books.write_all([*given_back(self._books, intent), *taken])
        else:
            self._adopt(order, answer)

    def _missing(self, order: OrderRecord) -> None:
        """Take over that the venue has no such order, once that can be believed."""
        intent = order.intent
        died_in = int(order.status is OrderStatus.INTENDED)  # no outcome was journalled
        made = order.attempts - order.interrupted - died_in
        if not self._is_past_grace(order):
            if died_in:
                self._unknown(intent, "the venue has no such order yet")
        elif order.refusal:
            self._close(intent, OrderStatus.REJECTED, order.refusal)
        elif intent.replaces or made >= MAX_ATTEMPTS:
            note = f"the venue has no such order after {order.attempts} attempts"
            self._close(intent, OrderStatus.EXPIRED, note)
        else:
            entries = absent_entries(intent, self._clock.now(), interrupted=died_in)
            self._books.write_all(entries)

    def _close(self, intent: OrderIntent, status: OrderStatus, note: str) -> None:
        """Close an order that the venue does not have, and give back the one it was to replace."""
        closing = (EventKind.ORDER_CLOSED, closing_payload(intent, status, note), intent.cycle_id)
        told: tuple[Entry, ...] = ()
        if status is OrderStatus.REJECTED:
            message = f"the venue rejected {described(intent)}: {note}; it is not sent again"
            told = (alert_entry("order_rejected", message, self._clock.now(), values_of(intent)),)
        self._books.write_all([closing, *given_back(self._books, intent), *told])

    def _adopt(self, order: OrderRecord, answer: VenueOrder) -> None:
        """Take the venue's word over; an end with executions not yet booked is still open."""
        if answer.status is OrderStatus.UNKNOWN:
            if order.status is OrderStatus.INTENDED:
                self._unknown(order.intent, f"the venue says {answer.venue_status!r}")
            return
        is_short = answer.filled_quantity > order.filled_quantity
        is_still_open = answer.status.is_final and is_short
        payload = answer_payload(answer, OrderStatus.ACCEPTED if is_still_open else None)
        self._books.write(EventKind.ORDER_ANSWERED, payload, order.intent.cycle_id)
        with suppress(BrokerError):  # executions that are not listed now come with the next look
            self._intake.look(self._books.orders[order.client_order_id], answer)

    def _settle(self, order: OrderRecord) -> None:
        """Ask what became of a cancel or a replacement, and ask for a cancel again."""
        try:
            answer = self._broker.order(order.client_order_id)
            if answer is not None:
                self._intake.look(order, answer)
            order = self._books.orders[order.client_order_id]
            said = OrderStatus.ACCEPTED if answer is None else answer.status
            is_working = order.is_pending and not said.is_final
            if is_working and order.status is OrderStatus.PENDING_CANCEL:
                if answer is not None and said is not order.status and self._is_past_grace(order):
                    self._broker.cancel(order.client_order_id)
            elif is_working and said is not OrderStatus.PENDING_REPLACE:
                self._books.write_all(list(self._not_replaced(order)))
        except BrokerError as error:
            self._note(error)  # it stays pending, its symbol blocked; the next look asks again

    def _not_replaced(self, old: OrderRecord) -> Iterator[Entry]:
        """Give the old order back once its replacement has ended without taking its place."""
        new = self._books.orders.get(old.replaced_by)
        if new is None or (new.status.is_final and not new.filled_quantity):
            yield still_working(old)

    def _note(self, error: BrokerError) -> None:
        if isinstance(error, CredentialsRefused):
            self._lock_out(error)

    def _unknown(self, intent: OrderIntent, error: str) -> None:
        """Journal that the process died in an attempt, and what the venue says of it so far."""
        self._books.write_all(unknown_entries(intent, error, self._clock.now(), interrupted=1))

    def _is_past_grace(self, order: OrderRecord) -> bool:
        """Whether this process has looked at an attempt for long enough; clocks may jump."""
        now = self._clock.monotonic()
        since = self._first_look.setdefault((order.client_order_id, order.attempts), now)
        return timedelta(seconds=now - since) >= self._grace


def _differences(intent: OrderIntent, said: VenueOrder) -> tuple[str, ...]:
    """Return in what the venue's order under our id is another than the one that was sent."""
    is_limited = intent.limit_price is not None and said.limit_price is not None
    found = {
        "symbol": said.symbol not in ("", intent.symbol) and not intent.legs,
        "side": said.side not in (None, intent.side) and not intent.legs,
        "quantity": said.quantity not in (None, intent.quantity),
        "limit_price": is_limited and said.limit_price != intent.limit_price,
    }
    return tuple(name for name, is_other in found.items() if is_other)
