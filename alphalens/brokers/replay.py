"""A venue that is only a record: it answers what it answered when the run was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias, TypeVar

from alphalens.brokers.base import (
    Account,
    Capabilities,
    Connection,
    VenueOrder,
    VenueSession,
    VenueUpdate,
)
from alphalens.errors import BrokerError, IdTaken, OrderRejected, OutcomeUnknown
from alphalens.trading.activities import Activity
from alphalens.trading.clock import Clock
from alphalens.trading.ledger import Ledger
from alphalens.trading.orders import Fill, OrderIntent
from alphalens.trading.states import after_fill

__all__ = [
    "CancelAsked",
    "Happened",
    "OrderSent",
    "OrderStood",
    "Recorded",
    "Refusal",
    "ReplayBroker",
]

_ZERO = Decimal(0)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A definite no, as it was recorded.

    Attributes
    ----------
    message, code : str
        Of the error.
    details : Mapping of str to str
        What came with it.
    is_id_taken : bool
        Whether the id belonged to another order.
    """

    message: str
    code: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    is_id_taken: bool = False

    def error(self) -> OrderRejected:
        """Return the error to raise."""
        kind = IdTaken if self.is_id_taken else OrderRejected
        return kind(self.message, code=self.code, details=self.details)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSent:
    """An order was sent, or a replacement, and this was the answer.

    Attributes
    ----------
    intent : OrderIntent
        What was sent.
    answer : VenueOrder or Refusal or None
        What came back; None where no answer came.
    """

    intent: OrderIntent
    answer: VenueOrder | Refusal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAsked:
    """A cancel was asked for.

    Attributes
    ----------
    client_order_id : str
        Of which order.
    refusal : Refusal or None
        Why the venue did not do it; None if it took the request.
    """

    client_order_id: str
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """The venue executed an order, or something moved the book."""

    move: Fill | Activity


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStood:
    """The venue's word on an order at an instant: its end, or an exit that it made.

    Attributes
    ----------
    order : VenueOrder
        The word.
    at : datetime
        When it was so.
    """

    order: VenueOrder
    at: datetime


Recorded: TypeAlias = OrderSent | CancelAsked | Happened | OrderStood


class ReplayBroker:
    """The answers of a recorded run behind the `Broker` port; nothing is traded.

    The record is told in its order. What the venue did by itself is told as soon as the clock
    has reached it; at a request of ours the record waits until the same request comes again.
    A decision cycle that is run again over it gets the answers that it got, and an order that
    was not in the run is refused, so that a cycle that decides otherwise is found out.

    Parameters
    ----------
    record : iterable of Recorded
        What was sent and what happened, in order, such as the journal has it.
    account : Account
        The account as it was before the first of it; its cash is the opening balance.
    clock : Clock
        The present.
    capabilities : Capabilities
        What the venue could do.

    Notes
    -----
    Orders, executions, activities, positions and cash are those of the record. It has no
    stream and no hours, and says nothing of buying power.
    """

    def __init__(
        self,
        record: Iterable[Recorded],
        *,
        account: Account,
        clock: Clock,
        capabilities: Capabilities,
    ) -> None:
        self._record, self._next = tuple(record), 0
        self._account, self._clock = account, clock
        self._capabilities = replace(capabilities, has_stream=False)
        self._book = Ledger(account.cash, account.currency)
        self._sent: dict[str, OrderSent] = {}
        self._orders: dict[str, VenueOrder] = {}
        self._fills: list[Fill] = []
        self._activities: list[Activity] = []

    @property
    def capabilities(self) -> Capabilities:
        """Return what the recorded venue could do, without a stream."""
        return self._capabilities

    @property
    def is_at_end(self) -> bool:
        """Return whether all of the record was told: every request came again."""
        self._tell()
        return self._next == len(self._record)

    def account(self) -> Account:
        """Return the account as the record makes it."""
        self._tell()
        entries = {symbol: p.average_price for symbol, p in self._book.positions.items()}
        return replace(self._account, cash=self._book.cash, buying_power=None, entry_prices=entries)

    def submit(self, intent: OrderIntent) -> VenueOrder:
        """Return the recorded answer to an order.

        Raises
        ------
        OrderRejected
            If the venue refused it then (`IdTaken` included), or the run had no such order at
            this place (code ``not_recorded``).
        OutcomeUnknown
            If no answer came then.
        """
        self._tell()
        coming, known = self._coming(), self._sent.get(intent.client_order_id)
        if known is not None and known.intent == intent:
            if isinstance(coming, OrderSent) and coming.intent == intent:
                self._next += 1
            return self._answered(known)
        if not isinstance(coming, OrderSent) or coming.intent != intent:
            raise self._unrecorded(intent, coming)
        self._next += 1
        if isinstance(coming.answer, Refusal):
            raise coming.answer.error()
        self._sent[intent.client_order_id] = coming
        if coming.answer is None:
            raise OutcomeUnknown(f"order {intent.client_order_id}: no answer came when recorded")
        self._keep(coming.answer)
        return coming.answer

    def replace(self, client_order_id: str, intent: OrderIntent) -> VenueOrder:  # noqa: ARG002
        """Return the recorded answer to a replacement; raises as `submit`."""
        return self.submit(intent)

    def cancel(self, client_order_id: str) -> None:
        """Take a cancel that was asked for in the run; one of a final order changes nothing.

        Raises
        ------
        BrokerError
            If the venue refused it then, or the run had no such request at this place.
        """
        self._tell()
        coming = self._coming()
        if isinstance(coming, CancelAsked) and coming.client_order_id == client_order_id:
            self._next += 1
            if coming.refusal is not None:
                raise BrokerError(coming.refusal.message)
            return
        order = self._orders.get(client_order_id)
        if order is None or not order.status.is_final:
            raise BrokerError(
                f"the recorded run asked for no cancel of {client_order_id} here, what comes "
                f"next is {_name(coming)}: this run decides otherwise"
            )

    def order(self, client_order_id: str) -> VenueOrder | None:
        """Return the order of that id, or None if it was not sent again so far."""
        self._tell()
        order = self._orders.get(client_order_id)
        return None if order is None else self._with_children(order)

    def open_orders(self) -> Sequence[VenueOrder]:
        """Return the orders that are not final, oldest first."""
        self._tell()
        open_now = [order for order in self._orders.values() if not order.status.is_final]
        return [self._with_children(order) for order in open_now]

    def positions(self) -> Mapping[str, Decimal]:
        """Return signed units by symbol, flat ones left out."""
        self._tell()
        return {symbol: p.quantity for symbol, p in self._book.positions.items()}

    def fills(self, *, after: str = "") -> Sequence[Fill]:
        """Return executions in order; an unknown cursor is a `BrokerError`."""
        self._tell()
        return _after(self._fills, [fill.fill_id for fill in self._fills], after)

    def activities(self, *, after: str = "") -> Sequence[Activity]:
        """Return what moved without an order; an unknown cursor is a `BrokerError`."""
        self._tell()
        return _after(self._activities, [one.activity_id for one in self._activities], after)

    def updates(self) -> Sequence[VenueUpdate]:
        """Return nothing: a record has no stream."""
        return ()

    def connection(self) -> Connection:
        """Return that it stands."""
        return Connection()

    def reconnect(self, reason: str) -> None:
        """Do nothing: there is no line that could break."""

    def session(self) -> VenueSession | None:
        """Return None: the record does not tell of hours."""
        return None

    def _coming(self) -> Recorded | None:
        return self._record[self._next] if self._next < len(self._record) else None

    def _tell(self) -> None:
        """Go on to the next request of ours, or to what has not happened yet."""
        now = self._clock.now()
        while isinstance(coming := self._coming(), Happened | OrderStood):
            at = coming.move.at if isinstance(coming, Happened) else coming.at
            if at > now:
                return
            self._next += 1
            if isinstance(coming, OrderStood):
                self._keep(coming.order)
            elif isinstance(coming.move, Fill):
                self._book.apply(coming.move)
                self._fills.append(coming.move)
                self._progress(coming.move)
            else:
                self._book.book(coming.move)
                self._activities.append(coming.move)

    def _keep(self, order: VenueOrder) -> None:
        for one in (order, *order.children):
            self._orders[one.client_order_id] = one

    def _progress(self, fill: Fill) -> None:
        """Bring an order to where its executions are."""
        order = self._orders.get(fill.client_order_id)
        if order is None:
            return
        filled = order.filled_quantity + fill.quantity
        paid = (order.average_price or _ZERO) * order.filled_quantity + fill.price * fill.quantity
        is_complete = order.quantity is not None and filled >= order.quantity
        self._orders[fill.client_order_id] = replace(
            order,
            filled_quantity=filled,
            average_price=paid / filled,
            status=after_fill(order.status, is_complete=is_complete),
        )

    def _with_children(self, order: VenueOrder) -> VenueOrder:
        children = tuple(self._orders[child.client_order_id] for child in order.children)
        return replace(order, children=children)

    def _answered(self, sent: OrderSent) -> VenueOrder:
        order = self._orders.get(sent.intent.client_order_id)
        if order is None:
            raise OutcomeUnknown(
                f"order {sent.intent.client_order_id}: no answer came when recorded"
            )
        return self._with_children(order)

    def _unrecorded(self, intent: OrderIntent, coming: Recorded | None) -> OrderRejected:
        if intent.client_order_id in self._sent:
            return IdTaken(
                f"client order id {intent.client_order_id} is taken by another order of the "
                f"recorded run; an id names one order for ever",
                code="id_taken",
            )
        return OrderRejected(
            f"the recorded run sent no such order as {intent.client_order_id} here "
            f"({intent.side} {intent.quantity} {intent.symbol}), what comes next is "
            f"{_name(coming)}: this run decides otherwise",
            code="not_recorded",
        )


def _name(coming: Recorded | None) -> str:
    if coming is None:
        return "its end"
    if isinstance(coming, OrderSent):
        return f"order {coming.intent.client_order_id}"
    if isinstance(coming, CancelAsked):
        return f"a cancel of {coming.client_order_id}"
    return "what the venue did later"


def _after(events: Sequence[_T], names: Sequence[str], after: str) -> tuple[_T, ...]:
    if not after:
        return tuple(events)
    if after not in names:
        raise BrokerError(f"the record has told of no {after} so far: the cursor is another run's")
    return tuple(events[names.index(after) + 1 :])
