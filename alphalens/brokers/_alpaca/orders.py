"""Orders over REST: sent once, looked up by our id, listed page by page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from alphalens.brokers._alpaca.known import KnownOrders
from alphalens.brokers._alpaca.refusals import (
    error_of,
    is_id_taken,
    is_no_such_order,
    message_of,
    order_error,
)
from alphalens.brokers._alpaca.rest import Rest, is_answered
from alphalens.brokers._alpaca.updates import TradeUpdates
from alphalens.brokers._alpaca.wire import order_from
from alphalens.brokers._alpaca.words import differences, order_text, replace_text
from alphalens.brokers.base import VenueOrder
from alphalens.errors import (
    BrokerError,
    CredentialsRefused,
    IdTaken,
    InputError,
    OrderRejected,
    OutcomeUnknown,
)
from alphalens.net import NetError, Priority, Response
from alphalens.net.exact_json import instant, loads, mapping, rows
from alphalens.net.failures import Unreadable
from alphalens.trading.codec import instant as instant_text
from alphalens.trading.orders import OrderIntent

__all__ = ["Orders"]

_ORDERS = "/v2/orders"
_BY_OUR_ID = "/v2/orders:by_client_order_id"
_PAGE = 500
_NOT_FOUND, _UNPROCESSABLE = 404, 422
_STEP = timedelta(microseconds=1)
_Body = Mapping[str, Any]  # Any: the values of JSON


class Orders:
    """What can be done with orders; see `alphalens.brokers.base.Broker` for the contract.

    Parameters
    ----------
    rest : Rest
        Where to ask.
    known : KnownOrders
        Gets each order that is seen.
    updates : TradeUpdates
        Is told when it should have something to tell.
    """

    def __init__(self, rest: Rest, known: KnownOrders, updates: TradeUpdates) -> None:
        self._rest, self._known, self._updates = rest, known, updates

    def submit(self, intent: OrderIntent) -> VenueOrder:
        """Send an order, exactly once."""
        what = f"order {intent.client_order_id} of {intent.symbol}"
        try:
            text = order_text(intent)
        except InputError as error:
            raise OrderRejected(
                f"{what}: nothing was sent: {error}", code="unknown_symbol"
            ) from error
        answer = self._send("POST", _ORDERS, text, what)
        if is_id_taken(answer):
            return self._same(intent, what)
        if not is_answered(answer):
            raise order_error(answer, what)
        return self._placed(answer, intent.client_order_id, what)

    def replace(self, client_order_id: str, intent: OrderIntent) -> VenueOrder:
        """Ask for a replacement, exactly once."""
        what = f"replacement {intent.client_order_id} of order {client_order_id}"
        venue_id = self._venue_id(client_order_id, what)
        answer = self._send("PATCH", _path(venue_id), replace_text(intent), what)
        if is_answered(answer):
            return self._placed(answer, intent.client_order_id, what)
        error = order_error(answer, what, is_replace=True)
        if is_id_taken(answer) or (
            isinstance(error, OrderRejected) and self._is_there(intent.client_order_id, what)
        ):
            return self._same(intent, what, replaces=venue_id)
        raise error

    def cancel(self, client_order_id: str) -> None:
        """Ask for a cancel, before everything that waits for the rate limit."""
        what = f"cancel of order {client_order_id}"
        venue_id = self._venue_id(client_order_id, what)
        answer = self._send("DELETE", _path(venue_id), None, what, priority=Priority.CANCEL)
        if is_answered(answer):
            return
        if answer.status == _UNPROCESSABLE:
            self._check_final(client_order_id, answer, what)
            return
        if answer.status == _NOT_FOUND or isinstance(order_error(answer, what), OrderRejected):
            raise BrokerError(f"{what}: the venue said {answer.status} {message_of(answer)}")
        raise order_error(answer, what)

    def order(
        self, client_order_id: str, *, priority: Priority = Priority.READ
    ) -> VenueOrder | None:
        """Return the order of our id, or None if the venue never saw it."""
        body = self._look_up(client_order_id, priority=priority)
        return None if body is None else self._read(body, f"order {client_order_id}")

    def by_venue_id(self, venue_order_id: str) -> VenueOrder:
        """Return the order of the venue's id, as it was last seen or else as the venue says."""
        known = self._known.by_venue_id(venue_order_id)
        return known or self.fetch(venue_order_id)

    def fetch(self, venue_order_id: str) -> VenueOrder:
        """Return the order of the venue's id as the venue says now."""
        what = f"order {venue_order_id}"
        body = self._rest.get(_path(venue_order_id), what=what)
        return self._read(body, what)

    def open_orders(self) -> list[VenueOrder]:
        """Return every order that is not final, with exits and legs, oldest first.

        Two lists are asked for: the nested one knows which order is whose exit or leg, the flat
        one also has exits whose parent is final and therefore not listed.
        """
        found: dict[str, VenueOrder] = {}
        for is_nested in (True, False):
            for body in self._listed(is_nested=is_nested):
                for order in _family(self._read(body, "open orders")):
                    found.setdefault(order.venue_order_id, order)
        is_open = [order for order in found.values() if not order.status.is_final]
        return sorted(is_open, key=_age)

    def _send(
        self,
        method: str,
        path: str,
        text: str | None,
        what: str,
        *,
        priority: Priority = Priority.OPEN,
    ) -> Response:
        """Send what changes an order, exactly once."""
        heard = self._updates.heard
        try:
            answer = self._rest.send(method, path, body=text, priority=priority)
        except NetError as error:
            raise _unknown(what, error) from error
        if is_answered(answer):
            self._updates.expect(heard)
        return answer

    def _placed(self, answer: Response, client_order_id: str, what: str) -> VenueOrder:
        """Read the order of a 2xx; if it cannot be read it is there all the same: look it up."""
        try:
            order = order_from(mapping(loads(answer.body), what))
            if order.client_order_id == client_order_id:
                return self._known.remember(order)
        except Unreadable:
            pass
        found = self._found(client_order_id, f"{what}: its answer cannot be read")
        return self._read(found, what)

    def _same(self, intent: OrderIntent, what: str, *, replaces: str = "") -> VenueOrder:
        """Return the order that has the id already, if it is the one that was meant."""
        body = self._found(intent.client_order_id, f"{what}: its id is taken")
        other = differences(intent, body, is_replacement=bool(replaces))
        if replaces and body.get("replaces") != replaces:
            other = (*other, "replaces")
        if other:
            raise IdTaken(
                f"{what}: the venue has another order under this id, different in "
                f"{', '.join(other)}; nothing was placed: find out who sent it",
                code="id_taken",
                details={"existing_order_id": str(body.get("id", "")), "differs": " ".join(other)},
            )
        return self._read(body, what)

    def _is_there(self, client_order_id: str, what: str) -> bool:
        """Return whether an earlier request, whose answer was lost, has placed the order."""
        try:
            return self._look_up(client_order_id) is not None
        except BrokerError as error:
            raise _unknown(f"{what}: refused, and not looked up", error) from error

    def _found(self, client_order_id: str, what: str) -> _Body:
        """Return the body of an order that must be there; whatever else comes leaves doubt."""
        try:
            body = self._look_up(client_order_id)
        except BrokerError as error:
            raise _unknown(what, error) from error
        if body is None:
            raise OutcomeUnknown(f"{what}, and the venue has no such order: look it up again")
        return body

    def _look_up(self, client_order_id: str, *, priority: Priority = Priority.READ) -> _Body | None:
        what = f"order {client_order_id}"
        params = {"client_order_id": client_order_id}
        try:
            answer = self._rest.send("GET", _BY_OUR_ID, params=params, priority=priority)
            if is_no_such_order(answer):
                return None
            if not is_answered(answer):
                raise error_of(answer, what)
            body = mapping(loads(answer.body), what)
        except NetError as error:
            raise BrokerError(f"{what}: no answer: {error}; ask again later") from error
        if body.get("client_order_id") != client_order_id:
            raise BrokerError(
                f"{what}: the venue answered with order {body.get('client_order_id')!r}; ask again"
            )
        return body

    def _read(self, body: object, what: str) -> VenueOrder:
        try:
            return self._known.remember(order_from(mapping(body, what)))
        except Unreadable as error:
            raise BrokerError(f"{what}: the answer cannot be read: {error}") from error

    def _venue_id(self, client_order_id: str, what: str) -> str:
        known = self._known.venue_id(client_order_id)
        if known is not None:
            return known
        try:
            order = self.order(client_order_id, priority=Priority.CANCEL)
        except CredentialsRefused:
            raise
        except BrokerError as error:
            raise _unknown(f"{what}: nothing was sent", error) from error
        if order is None:
            raise BrokerError(f"{what}: the venue has no such order")
        return order.venue_order_id

    def _check_final(self, client_order_id: str, answer: Response, what: str) -> None:
        """Let a refused cancel pass where there is nothing left to cancel."""
        try:
            order = self.order(client_order_id, priority=Priority.CANCEL)
        except CredentialsRefused:
            raise
        except BrokerError as error:
            raise _unknown(what, error) from error
        if order is None or not order.status.is_final:
            status = "not there" if order is None else order.venue_status
            raise BrokerError(
                f"{what}: the venue said {message_of(answer)}, and the order is {status}; "
                f"ask for the cancel again"
            )

    def _listed(self, *, is_nested: bool) -> list[_Body]:
        """Return every open order, page by page.

        A page starts one microsecond before the end of the one before, because `after` leaves
        out orders of the very same instant.
        """
        params = {
            "status": "open",
            "direction": "asc",
            "limit": str(_PAGE),
            "nested": str(is_nested).lower(),
        }
        seen: dict[str, _Body] = {}
        while True:
            page = self._page(params)
            fresh = {str(row.get("id")): row for row in page if str(row.get("id")) not in seen}
            seen |= fresh
            if len(page) < _PAGE:
                return list(seen.values())
            if not fresh:
                raise BrokerError(
                    f"open orders: more than {_PAGE} of one instant, cannot list them"
                )
            params["after"] = _just_before(page[-1])

    def _page(self, params: Mapping[str, str]) -> list[_Body]:
        listed = self._rest.get(_ORDERS, params, what="open orders")
        try:
            return list(rows(listed, "open orders"))
        except Unreadable as error:
            raise BrokerError(f"open orders: the answer cannot be read: {error}") from error


def _path(venue_order_id: str) -> str:
    return f"{_ORDERS}/{quote(venue_order_id, safe='')}"


def _unknown(what: str, error: Exception) -> BrokerError:
    return OutcomeUnknown(f"{what}: no definite answer: {error}")


def _just_before(row: _Body) -> str:
    try:
        return instant_text(instant(row.get("submitted_at"), "submitted_at") - _STEP)
    except Unreadable as error:
        raise BrokerError(f"open orders: cannot go on after {row.get('id')}: {error}") from error


def _family(order: VenueOrder) -> list[VenueOrder]:
    return [order, *(one for child in order.children for one in _family(child))]


def _age(order: VenueOrder) -> tuple[bool, float]:
    """Sort by the instant of submission, to the microsecond; what has none comes last."""
    at = order.submitted_at
    return (at is None, at.timestamp() if at is not None else 0.0)
