"""Orders of the venue that we did not send: exits of ours, legs of ours, and strangers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from alphalens.brokers.base import Broker, VenueOrder
from alphalens.execution.books import Books
from alphalens.execution.entries import alert_entry
from alphalens.execution.journal import Entry
from alphalens.execution.records import OrderRecord, Origin
from alphalens.trading.clock import Clock
from alphalens.trading.events import EventKind, Severity
from alphalens.trading.orders import OrderIntent, OrderStatus, OrderType, Side, TimeInForce

__all__ = ["Adoption"]

_ZERO, _ONE = Decimal(0), Decimal(1)


class Adoption:
    """Find out whose order it is that the venue tells of.

    Parameters
    ----------
    books : Books
        Our orders.
    broker : Broker
        Asked about an id that nobody here knows.
    clock : Clock
        The present, for alerts.
    """

    def __init__(self, *, books: Books, broker: Broker, clock: Clock) -> None:
        self._books, self._broker, self._clock = books, broker, clock
        self._legs: dict[str, str] = {}

    def owner(self, client_order_id: str) -> OrderRecord | None:
        """Return our order of that id, or of the leg of that id."""
        return self._books.orders.get(self._legs.get(client_order_id, client_order_id))

    def remember_leg(self, client_order_id: str, owner: str) -> None:
        """Take note of which order of ours a leg belongs to."""
        self._legs[client_order_id] = owner

    def entries(
        self, order: VenueOrder, *, parent: OrderRecord | None = None, is_opening: bool = False
    ) -> Iterator[Entry]:
        """Give the records that take an order over that is not in the books yet, and its exits.

        Parameters
        ----------
        order : VenueOrder
            The venue's word on it.
        parent : OrderRecord or None
            Our order that it is an exit or a leg of, if that is known.
        is_opening : bool
            True at the first start: what was executed of it is in the opening position.

        Raises
        ------
        BrokerError
            If the venue has to be asked whose order it is, and does not say.
        """
        known = self.owner(order.client_order_id)
        if known is None:
            if not (parent or is_opening):
                order = self._broker.order(order.client_order_id) or order
                parent = self._parent(order)
            yield from self._take_over(order, parent, is_opening=is_opening)
        for child in order.children:
            yield from self.entries(child, parent=known, is_opening=is_opening)

    def _parent(self, order: VenueOrder) -> OrderRecord | None:
        """Return our order that another one is an exit or a leg of."""
        if not order.parent:
            return self._whole(order)
        parent = self._books.orders.by_venue_id(order.parent)
        if parent is not None:
            return parent
        for waiting in self._books.open_orders:  # its answer has not come yet
            if waiting.is_unresolved:
                answer = self._broker.order(waiting.client_order_id)
                if answer is not None and answer.venue_order_id == order.parent:
                    return waiting
        return None

    def _whole(self, leg: VenueOrder) -> OrderRecord | None:
        """Return our multi-leg order whose answer nests a leg that does not name its parent."""
        for order in self._books.orders.spreads(leg.symbol):
            answer = self._broker.order(order.client_order_id)
            children = () if answer is None else answer.children
            if any(child.client_order_id == leg.client_order_id for child in children):
                return order
        return None

    def _take_over(
        self, order: VenueOrder, parent: OrderRecord | None, *, is_opening: bool
    ) -> Iterator[Entry]:
        if parent is not None and parent.intent.legs:
            self._legs[order.client_order_id] = parent.client_order_id
            return
        before = self._books.orders.by_venue_id(order.replaces) if order.replaces else None
        origin = Origin.EXTERNAL if parent is None else Origin.EXIT
        kin = parent or before
        cycle_id = "" if kin is None else kin.intent.cycle_id
        payload = {
            "intent": self._as_intent(order, cycle_id),
            "origin": origin,
            "parent_id": "" if kin is None else kin.client_order_id,
            "venue_order_id": order.venue_order_id,
            "status": _first_status(order),
            "filled_quantity": order.filled_quantity if is_opening else self._booked(order),
            "reason": order.reason,
        }
        yield (EventKind.ORDER_ADOPTED, payload, cycle_id)
        if origin is Origin.EXTERNAL:
            yield self._alert(order, before)

    def _booked(self, order: VenueOrder) -> Decimal:
        """Return the units of an order that were booked while nobody here knew the order."""
        names = {order.client_order_id, order.venue_order_id} - {""}
        foreign = self._books.foreign_fills
        own = (f.quantity for f in foreign if names & {f.client_order_id, f.venue_order_id})
        return sum(own, _ZERO)

    def _alert(self, order: VenueOrder, before: OrderRecord | None) -> Entry:
        what = f"{order.side} {order.quantity} {order.symbol} ({order.client_order_id})"
        if before is not None:
            code = "order_replaced_by_venue"
            message = (
                f"the venue put {what} in the place of {before.client_order_id}; its executions "
                f"count for the same intent, look at why"
            )
        else:
            code = "external_order"
            message = (
                f"{what} at the venue is no order of ours: it is in the books, and {order.symbol} "
                f"is not traded until somebody claims it; find out who placed it"
            )
        values = {"client_order_id": order.client_order_id, "symbol": order.symbol}
        return alert_entry(code, message, self._clock.now(), values, Severity.CRITICAL)

    def _as_intent(self, order: VenueOrder, cycle_id: str) -> OrderIntent:
        """Return the order as an intent; what the venue does not say is a plain order's."""
        prices = (order.limit_price, order.stop_price, order.average_price)
        known = [price for price in (*prices, self._books.prices.get(order.symbol)) if price]
        kind = order.order_type or OrderType.MARKET
        limited = kind in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        stopped = kind in (OrderType.STOP, OrderType.STOP_LIMIT)
        if (limited and not order.limit_price) or (stopped and not order.stop_price):
            kind, limited, stopped = OrderType.MARKET, False, False
        if kind is OrderType.TRAILING_STOP:  # its distance is the venue's business
            kind = OrderType.MARKET
        return OrderIntent(
            client_order_id=order.client_order_id,
            account=self._books.account_id,
            cycle_id=cycle_id,
            symbol=order.symbol,
            side=order.side or Side.BUY,
            quantity=order.quantity or order.filled_quantity or _ONE,
            reference_price=known[0] if known else _ONE,
            created_at=order.submitted_at or self._clock.now(),
            order_type=kind,
            time_in_force=order.time_in_force or TimeInForce.DAY,
            limit_price=order.limit_price if limited else None,
            stop_price=order.stop_price if stopped else None,
            reason=f"adopted from the venue: {order.venue_status or order.status}",
        )


def _first_status(order: VenueOrder) -> OrderStatus:
    """Return the status to begin with: executions alone fill an order, and an end comes last."""
    pending = (OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE)
    return order.status if order.status in pending else OrderStatus.ACCEPTED
