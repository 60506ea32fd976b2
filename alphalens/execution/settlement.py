"""What the venue did: executions booked once, finished orders closed."""

from __future__ import annotations

from collections.abc import Iterator

from alphalens.brokers.base import Broker
from alphalens.execution.books import Books
from alphalens.execution.journal import Entry
from alphalens.execution.router import alert_entry, answer_payload
from alphalens.trading.clock import Clock
from alphalens.trading.events import EventKind, Severity
from alphalens.trading.orders import Fill

__all__ = ["Settlement"]


class Settlement:
    """Bring the venue's executions and final answers into the books.

    Parameters
    ----------
    books : Books
        Where they go.
    broker : Broker
        The venue.
    clock : Clock
        The present, for alerts.
    """

    def __init__(self, *, books: Books, broker: Broker, clock: Clock) -> None:
        self._books, self._broker, self._clock = books, broker, clock

    def collect(self) -> tuple[Fill, ...]:
        """Book the executions since the last one, close what is finished, return the new fills.

        An execution is booked once per id. One that contradicts an earlier one of the same id
        is not booked; one of an order that is not ours, or beyond an order's quantity, is
        booked, because the venue's word on executions is the truth. All three raise an alert.
        """
        fills = self._broker.fills(after=self._books.last_fill_id)
        new: dict[str, Fill] = {}
        entries: list[Entry] = []
        for fill in fills:
            known = self._books.fills.get(fill.fill_id) or new.get(fill.fill_id)
            if known is None:
                new[fill.fill_id] = fill
                entries.extend(self._booking(fill))
            elif known != fill:
                entries.append(self._conflict(known, fill))
        if entries:
            self._books.write_all(entries)
        self._close_finished()
        return tuple(new.values())

    def close(self, client_order_id: str) -> None:
        """Close an order of ours if the venue calls it final and all its fills are booked."""
        order = self._books.orders[client_order_id]
        answer = self._broker.order(client_order_id)
        if answer is None:
            message = (
                f"the venue accepted {client_order_id} of {order.intent.symbol} and now has no "
                f"such order; it stays reserved, ask the venue"
            )
            self._alert("order_vanished", message, {"client_order_id": client_order_id})
        elif answer.status.is_final and answer.filled_quantity <= order.filled_quantity:
            payload = answer_payload(answer)
            self._books.write(EventKind.ORDER_CLOSED, payload, order.intent.cycle_id)

    def _close_finished(self) -> None:
        waiting = [o for o in self._books.open_orders if not o.is_unresolved]
        if not waiting:
            return
        working = {order.client_order_id for order in self._broker.open_orders()}
        for order in waiting:
            if order.client_order_id not in working:
                self.close(order.client_order_id)

    def _booking(self, fill: Fill) -> Iterator[Entry]:
        order = self._books.orders.get(fill.client_order_id)
        yield (EventKind.FILL, _fields(fill), "" if order is None else order.intent.cycle_id)
        values = {"fill_id": fill.fill_id, "symbol": fill.symbol}
        if order is None:
            message = (
                f"execution {fill.fill_id}: {fill.side} {fill.quantity} {fill.symbol} belongs to "
                f"no order of ours; it is in the book, find out who traded"
            )
            yield self._alert_entry("foreign_fill", message, values)
        elif fill.quantity > order.remaining:
            message = (
                f"execution {fill.fill_id}: {fill.quantity} {fill.symbol} where only "
                f"{order.remaining} remained of {fill.client_order_id}; it is in the book, ask "
                f"the venue"
            )
            yield self._alert_entry("overfill", message, values)

    def _conflict(self, known: Fill, fill: Fill) -> Entry:
        message = (
            f"execution {fill.fill_id} was booked as {known.side} {known.quantity} {known.symbol} "
            f"at {known.price} and the venue now says {fill.side} {fill.quantity} {fill.symbol} "
            f"at {fill.price}; the first stands, ask the venue"
        )
        return self._alert_entry("fill_conflict", message, {"fill_id": fill.fill_id})

    def _alert(self, code: str, message: str, values: dict[str, str]) -> None:
        self._books.write_all([self._alert_entry(code, message, values)])

    def _alert_entry(self, code: str, message: str, values: dict[str, str]) -> Entry:
        return alert_entry(code, message, self._clock.now(), values, Severity.CRITICAL)


def _fields(fill: Fill) -> dict[str, object]:
    names = ("fill_id", "client_order_id", "symbol", "side", "quantity", "price", "fee", "at")
    return {name: getattr(fill, name) for name in names}
