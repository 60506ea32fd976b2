"""What a test may do to the venue: prices, time, fills, faults, and a look into the book.

Every public method takes and returns JSON types (numbers also as Decimal, instants also as
datetime), so that the same names work inside the process and over `/_control`.
"""

from __future__ import annotations

from typing import Any

from .actions import Actions
from .control_faults import FaultControl
from .control_market import MarketControl
from .parts import Number, Parts, decimal
from .records import Order, order_json, plain
from .refusals import not_found


class Control(MarketControl, FaultControl):
    """The hand on the venue: its orders and its account, besides the market and the faults."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.actions = Actions(parts.venue)

    def fill(
        self,
        order: str,
        qty: Number | None = None,
        price: Number | None = None,
        alone: bool = False,
    ) -> dict[str, Any]:
        """Fill an order by its id or client_order_id, whatever its state and quantity.

        By default the whole rest at the market. More than the rest is an overfill; `alone`
        leaves the other exits of a bracket standing, so that both can fill.
        """
        with self._core.transaction():
            found = self._find(order)
            if qty is None and price is None and found.leaves > 0 and not alone:
                self._parts.venue.desk.fill_whole(found)
            else:
                at = found.limit_price if price is None else decimal(price)
                amount = found.leaves if qty is None else decimal(qty)
                at = at or self._book.price(found.symbol)
                self._parts.venue.matcher.fill(found, amount, at, alone=alone)
            told = order_json(found)
        self._parts.publish()
        return told

    def set_status(self, order: str, status: str, event: str | None = None) -> dict[str, Any]:
        """Put an order into any status and tell the stream, as the venue may by itself."""
        with self._core.transaction():
            found = self._find(order)
            self._core.set_status(found, status, event)
            told = order_json(found)
        self._parts.publish()
        return told

    def release_cancel(self, order: str) -> dict[str, Any]:
        """Finish a cancel that was left pending."""
        with self._core.transaction():
            found = self._find(order)
            self._parts.venue.desk.finish_cancel(found)
            told = order_json(found)
        self._parts.publish()
        return told

    def release_replace(self, order: str) -> dict[str, Any]:
        """Finish a replacement that was left pending; return the new order."""
        with self._core.transaction():
            told = order_json(self._parts.venue.desk.release_replace(self._find(order)))
        self._parts.publish()
        return told

    def place_external(self, order: dict[str, Any]) -> dict[str, Any]:
        """Place an order as another tool of the same account would; the body of POST /v2/orders."""
        told = self._parts.venue.desk.submit(order, is_external=True)
        self._parts.publish()
        return told

    def cancel_external(self, order: str) -> None:
        """Cancel an order as another tool, or the venue, would."""
        self._parts.venue.desk.cancel(self._find(order).id)
        self._parts.publish()

    def replace_external(self, order: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Replace an order without a request of the client, as after a corporate action."""
        told = self._parts.venue.desk.replace(self._find(order).id, changes)
        self._parts.publish()
        return told

    def _find(self, name: str) -> Order:
        order_id = self._book.by_client_id.get(name, name)
        if order_id not in self._book.orders:
            raise not_found(f"order not found for {name}")
        return self._book.orders[order_id]

    def act(self, kind: str, **values: Any) -> list[dict[str, Any]]:
        """Book a corporate action, an expiry, a fee or interest: see `Actions`."""
        with self._core.transaction():
            rows = self.actions.book(kind, **values)
        self._parts.publish()
        return rows

    def set_position(self, symbol: str, qty: Number, avg_entry: Number) -> None:
        """Give the account a position that no order of this venue made; cash stays."""
        with self._core.transaction():
            name = self._listed(symbol)
            self._book.move(name, decimal(qty) - self._book.held(name), decimal(avg_entry))

    def set_cash(self, cash: Number) -> None:
        """Set the cash of the account."""
        with self._core.transaction():
            self._book.cash = decimal(cash)

    def orders(self) -> list[dict[str, Any]]:
        """Return every order, oldest first."""
        with self._core.lock:
            return [order_json(order) for order in self._book.orders.values()]

    def order(self, order: str) -> dict[str, Any]:
        """Return an order by its id or client_order_id."""
        with self._core.lock:
            return order_json(self._find(order))

    def executions(self) -> list[dict[str, Any]]:
        """Return the rows of the file's table `executions`, in order."""
        return self._parts.venue.store.rows("SELECT * FROM executions ORDER BY seq")

    def requests(
        self, method: str | None = None, client_order_id: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the requests as they came in; `reached` says whether the venue acted on them."""
        return self._parts.venue.store.rows(
            "SELECT * FROM requests WHERE ifnull(?1, method) = method"
            " AND (?2 IS NULL OR client_order_id = ?2) ORDER BY seq",
            (method, client_order_id),
        )

    def state(self) -> dict[str, Any]:
        """Return cash, positions by symbol, and open orders by client_order_id."""
        with self._core.lock:
            return {
                "now": self.now(),
                "cash": plain(self._book.cash),
                "equity": plain(self._book.equity()),
                "buying_power": plain(self._book.buying_power()),
                "positions": {s: plain(p.qty) for s, p in self._book.positions.items()},
                "open_orders": {o.client_order_id: o.status for o in self._book.open_orders()},
                "stream_connections": self._parts.trades.connected,
                "stream_listening": self._parts.trades.listening,
                "stream_opened": self._parts.trades.opened,
                "data_subscriptions": self._parts.data.subscriptions,
            }
