"""Order entry: submit, cancel, replace."""

from __future__ import annotations

from dataclasses import replace as changed
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .core import Core
from .matcher import Matcher
from .records import OPEN, Order, order_json
from .refusals import not_found, unprocessable
from .rules import check, check_price, check_unique, insufficient_power, order_fields
from .sessions import new_york, next_open, session_at_or_after, session_of
from .tickets import Ticket, number, read_ticket

_FIXED = ("accepted", "pending_new", "pending_cancel", "pending_replace", "held")
_GTC_DAYS = timedelta(days=90)


class Desk:
    """Takes orders in, and out again."""

    def __init__(self, core: Core, matcher: Matcher) -> None:
        self._core = core
        self._book = core.book
        self._matcher = matcher

    def submit(self, body: object, *, is_external: bool = False) -> dict[str, Any]:
        """Take an order and return the answer: the order as it was when it was accepted.

        The fills that follow at once are in the book and in the outbox, not in the answer.

        Raises
        ------
        Refused
            By a rule of the venue; nothing was stored.
        """
        with self._core.transaction():
            ticket = read_ticket(body)
            check(ticket, self._book, self._core.may, self._core.clock.now())
            order = self._enter(ticket, is_external=is_external)
            legs = self._add_children(order, ticket)
            answer = order_json(order, legs or None)
            if order.status == "pending_new":
                self._matcher.activate(order)
            return answer

    def _enter(self, ticket: Ticket, *, is_external: bool) -> Order:
        asset = self._book.catalogue.find(ticket.symbol)
        moment = self._core.clock.stamp()
        order = Order(
            id=self._core.new_id(),
            client_order_id=ticket.client_order_id or self._core.new_id(),
            seq=len(self._book.orders) + 1,
            symbol="" if asset is None else asset.symbol,
            asset_id="" if asset is None else asset.id,
            asset_class="" if asset is None else asset.asset_class,
            status="accepted",
            created_at=moment,
            updated_at=moment,
            submitted_at=moment,
            is_external=is_external,
            **order_fields(ticket),
        )
        order.expires_at = self._expiry(order, moment)
        if order.time_in_force not in ("opg", "cls") and self._core.is_open_for(order):
            order.status = "pending_new"
        return self._book.add(order)

    def _expiry(self, order: Order, moment: datetime) -> datetime | None:
        if order.asset_class == "crypto" or order.time_in_force in ("ioc", "fok"):
            return None
        session = session_at_or_after(moment)
        if order.time_in_force == "opg":
            return next_open(moment)
        if order.time_in_force == "gtc":
            return session_at_or_after(moment + _GTC_DAYS).close
        today = session_of(new_york(moment).date())
        if order.extended_hours and today is not None and moment < today.post_close:
            return today.post_close
        return session.post_close if order.extended_hours else session.close

    def _add_children(self, parent: Order, ticket: Ticket) -> list[Order]:
        if ticket.order_class == "mleg":
            for leg in ticket.legs:
                self._add_leg(parent, leg.symbol, leg.side, leg.ratio_qty, leg.position_intent)
        if ticket.order_class in ("bracket", "oto") and ticket.take_profit is not None:
            self._add_exit(parent, "limit", limit=ticket.take_profit)
        if ticket.stop_loss is not None and ticket.order_class in ("bracket", "oto", "oco"):
            kind = "stop" if ticket.stop_loss_limit is None else "stop_limit"
            self._add_exit(parent, kind, stop=ticket.stop_loss, limit=ticket.stop_loss_limit)
        return self._book.legs(parent)

    def _add_exit(
        self, parent: Order, kind: str, *, stop: Decimal | None = None, limit: Decimal | None = None
    ) -> None:
        same_side = parent.order_class == "oco"
        exit_side = parent.side if same_side else {"buy": "sell", "sell": "buy"}[parent.side]
        self._attach(
            parent, side=exit_side, type=kind, limit_price=limit, stop_price=stop, status="held",
            position_intent=None, notional=None, trail_price=None, trail_percent=None,
        )  # fmt: skip

    def _add_leg(
        self, parent: Order, symbol: str, side: str, ratio: Decimal, intent: str | None
    ) -> None:
        asset = self._book.asset(symbol)
        self._attach(
            parent, symbol=asset.symbol, asset_id=asset.id, asset_class=asset.asset_class,
            side=side, ratio_qty=ratio, position_intent=intent, limit_price=None,
            qty=(parent.qty or Decimal(0)) * ratio,
        )  # fmt: skip

    def _attach(self, parent: Order, **fields: Any) -> None:
        child = changed(
            parent,
            id=self._core.new_id(),
            client_order_id=self._core.new_id(),
            seq=len(self._book.orders) + 1,
            parent_id=parent.id,
            leg_ids=[],
            **fields,
        )
        parent.leg_ids.append(child.id)
        self._book.add(child)

    def find(self, order_id: str) -> Order:
        """Return an order.

        Raises
        ------
        Refused
            404 for an unknown one.
        """
        order = self._book.orders.get(order_id)
        if order is None:
            raise not_found(f"order not found for {order_id}")
        return order

    def cancel(self, order_id: str, outcome: str = "cancel") -> None:
        """Ask for a cancel; the exits and legs of the order go with it.

        `outcome` is "cancel", "pend" (stays pending_cancel until it is released or filled) or
        "fill" (the order fills after all).

        Raises
        ------
        Refused
            404 for an unknown order; 422 for one that is done or being replaced.
        """
        with self._core.transaction():
            order = self.find(order_id)
            if order.status not in OPEN or order.status in ("pending_replace", "pending_cancel"):
                raise unprocessable(f'order is not cancelable: it is in "{order.status}" state')
            if outcome != "cancel":
                self._core.set_status(order, "pending_cancel")
            if outcome == "cancel":
                self.finish_cancel(order)
            elif outcome == "fill":
                self.fill_whole(order)

    def finish_cancel(self, order: Order) -> None:
        """Cancel an order, its held exits, its legs and its siblings."""
        self._core.set_status(order, "canceled")
        for leg in self._book.legs(order) if order.is_multi_leg else ():
            leg.status, leg.canceled_at = "canceled", order.canceled_at
            self._book.touch(leg)
        related = self._book.legs(order) + self._matcher.family(order)
        for other in related:
            if other.is_open:
                self._core.set_status(other, "canceled")

    def fill_whole(self, order: Order) -> None:
        """Fill all that is left at the market, or at the order's own price without a market."""
        if order.is_multi_leg:
            self._matcher.fill_legs(order)
            return
        mark = self._core.tape.marks.get(order.symbol)
        price = order.limit_price or order.stop_price
        if mark is not None:
            price = mark.ask if order.side == "buy" else mark.bid
        if price is None:
            raise unprocessable(f"no price for {order.symbol}: set a quote first")
        self._matcher.fill(order, order.leaves, price)

    def replace(
        self, order_id: str, body: dict[str, Any], outcome: str = "replace"
    ) -> dict[str, Any]:
        """Replace an order by a new one and return the new one as it was accepted.

        The new order asks for the given quantity, by default for what the old one still lacks.
        `outcome` is "replace", "pend" (stays pending_replace until it is released), or "fill"
        when the old order fills first and the new one is rejected.

        Raises
        ------
        Refused
            404 for an unknown order; 422 for one that cannot be replaced or for bad values;
            403 for want of money.
        """
        with self._core.transaction():
            old = self.find(order_id)
            self._check_replaceable(old)
            new = self._successor(old, body)
            self._check_money(old, new)
            self._book.add(new)
            answer = order_json(new)
            self._core.set_status(old, "pending_replace")
            if outcome == "fill":
                self.fill_whole(old)
                self._core.set_status(new, "rejected", "order_replace_rejected")
            elif outcome == "replace":
                self.finish_replace(old, new)
            return answer

    def release_replace(self, old: Order) -> Order:
        """Finish a replacement that was left pending, and return the new order."""
        waiting = (o for o in self._book.orders.values() if o.replaces == old.id)
        new = next((o for o in waiting if o.status == "pending_new"), None)
        if old.status != "pending_replace" or new is None:
            raise unprocessable(f"no replacement of {old.id} is pending")
        self.finish_replace(old, new)
        return new

    def _check_replaceable(self, old: Order) -> None:
        if old.status not in OPEN or old.status in _FIXED:
            raise unprocessable(f'cannot replace order in "{old.status}" state')
        if old.notional is not None or old.order_class == "mleg":
            raise unprocessable("notional and multi-leg orders cannot be replaced")

    def _successor(self, old: Order, body: dict[str, Any]) -> Order:
        wanted = body.get("client_order_id") or None
        check_unique(wanted, self._book)
        qty, limit, stop = (number(body, k) for k in ("qty", "limit_price", "stop_price"))
        check_price("limit_price", limit)
        check_price("stop_price", stop)
        if qty is not None and (qty <= 0 or qty != qty.to_integral_value()):
            raise unprocessable(f"invalid qty {qty}: only whole shares can be replaced")
        moment = self._core.clock.stamp()
        new = changed(
            old,
            id=self._core.new_id(),
            client_order_id=wanted or self._core.new_id(),
            seq=len(self._book.orders) + 1,
            status="pending_new",
            qty=qty if qty is not None else old.leaves,
            limit_price=limit if limit is not None else old.limit_price,
            stop_price=stop if stop is not None else old.stop_price,
            time_in_force=body.get("time_in_force") or old.time_in_force,
            filled_qty=Decimal(0),
            filled_value=Decimal(0),
            created_at=moment,
            updated_at=moment,
            submitted_at=moment,
            replaces=old.id,
            leg_ids=list(old.leg_ids),
        )
        trail = number(body, "trail")
        if trail is not None:
            name = "trail_price" if old.trail_price is not None else "trail_percent"
            setattr(new, name, trail)
        new.expires_at = self._expiry(new, moment)
        return new

    def _check_money(self, old: Order, new: Order) -> None:
        if self._book.held(new.symbol) * new.sign < 0:
            return
        more = self._book.cost_basis(new) - self._book.cost_basis(old)
        power = self._book.spendable(self._book.asset(new.symbol))
        if more > power:
            raise insufficient_power(more, power)

    def finish_replace(self, old: Order, new: Order) -> None:
        """Take the old order out, hand its family over, and put the new one in."""
        old.replaced_by = new.id
        self._core.set_status(old, "replaced")
        for leg in self._book.legs(old):
            leg.parent_id = new.id
            self._book.touch(leg)
        if old.parent_id is not None:
            parent = self._book.orders[old.parent_id]
            parent.leg_ids = [new.id if leg == old.id else leg for leg in parent.leg_ids]
            self._book.touch(parent)
        self._matcher.activate(new)
