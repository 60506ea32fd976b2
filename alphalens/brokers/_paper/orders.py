"""An order at the paper venue, and the exits and legs the venue makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from alphalens.brokers.base import VenueOrder
from alphalens.brokers.matching import Terms
from alphalens.trading.orders import (
    OrderClass,
    OrderIntent,
    OrderStatus,
    OrderType,
    TimeInForce,
)

__all__ = ["AT_ONCE", "AUCTIONS", "PaperOrder", "as_sent", "parts_of"]

_ZERO = Decimal(0)
AUCTIONS = frozenset({TimeInForce.OPG, TimeInForce.CLS})
AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperOrder:
    """An order at the venue, and what became of it.

    Attributes
    ----------
    number : int
        Place in the sequence of all orders, from 1.
    intent : OrderIntent
        As it was sent; an exit or leg has one that the venue made.
    venue_order_id : str
        The venue's id.
    sent, active_from : datetime
        When it was received, and from when on it can be executed.
    terms : Terms
        Prices as they stand, after splits and dividends.
    quantity : Decimal
        Units as they stand, what was executed included.
    status, reason
        As of a `VenueOrder`.
    filled, value : Decimal
        Units executed, and the sum of units times price.
    opens_at, expires_at : datetime or None
        Before and from when on it is not executed, by the calendar; None without one.
    parent : str
        Client order id of the order it is an exit or a leg of.
    children : tuple of str
        Client order ids of its exits or legs.
    replaces, replaced_by : str
        Venue ids.
    is_held : bool
        Whether it waits for its parent.
    is_leg : bool
        Whether it is a leg of a multi-leg order: that one is executed, and this one with it.
    has_rested : bool
        Whether it was on the book before: then it is executed at its own limit.
    cancel_from : datetime or None
        When a cancel that was asked for reaches the venue.
    """

    number: int
    intent: OrderIntent
    venue_order_id: str
    sent: datetime
    active_from: datetime
    terms: Terms
    quantity: Decimal
    status: OrderStatus = OrderStatus.ACCEPTED
    reason: str = ""
    filled: Decimal = _ZERO
    value: Decimal = _ZERO
    opens_at: datetime | None = None
    expires_at: datetime | None = None
    parent: str = ""
    children: tuple[str, ...] = ()
    replaces: str = ""
    replaced_by: str = ""
    is_held: bool = False
    is_leg: bool = False
    has_rested: bool = False
    cancel_from: datetime | None = None

    @property
    def id(self) -> str:
        """Return its client order id."""
        return self.intent.client_order_id

    @property
    def remaining(self) -> Decimal:
        """Return the units that have not been executed."""
        return self.quantity - self.filled

    @property
    def is_open(self) -> bool:
        """Return whether it is not final."""
        return not self.status.is_final

    @property
    def is_exit(self) -> bool:
        """Return whether it closes what its parent opened."""
        return bool(self.parent) and not self.is_leg

    @property
    def is_working(self) -> bool:
        """Return whether prices can execute it by itself."""
        return self.is_open and not self.is_held and not self.is_leg

    def view(self, children: tuple[VenueOrder, ...] = (), parent: str = "") -> VenueOrder:
        """Return it as the port tells of it.

        Parameters
        ----------
        children : tuple of VenueOrder
            Its exits or legs.
        parent : str
            Venue id of its parent.
        """
        intent, terms = self.intent, self.terms
        return VenueOrder(
            client_order_id=self.id,
            venue_order_id=self.venue_order_id,
            symbol=intent.symbol,
            status=self.status,
            filled_quantity=self.filled,
            reason=self.reason,
            side=intent.side,
            quantity=self.quantity,
            order_type=intent.order_type,
            time_in_force=intent.time_in_force,
            limit_price=terms.limit_price,
            stop_price=terms.level,
            order_class=intent.order_class,
            average_price=self.value / self.filled if self.filled else None,
            venue_status="held" if self.is_held and self.is_open else self.status.value,
            replaces=self.replaces,
            replaced_by=self.replaced_by,
            parent=parent,
            children=children,
            submitted_at=self.sent,
        )


def as_sent(intent: OrderIntent) -> OrderIntent:
    """Return the order that is worked for an intent: of an oco, its take-profit.

    An oco is two exits and no entry. The one at a limit is the order of our id, the stop its
    child, whatever type the intent has.
    """
    if intent.order_class is not OrderClass.OCO:
        return intent
    return replace(
        intent,
        order_type=OrderType.LIMIT,
        limit_price=intent.take_profit,
        stop_price=None,
        trail_amount=None,
        trail_fraction=None,
    )


def parts_of(intent: OrderIntent) -> Iterator[OrderIntent]:
    """Yield the exits or legs of an order; their ids are still to be made."""
    if intent.order_class is OrderClass.MULTILEG:
        yield from _legs(intent)
        return
    is_oco = intent.order_class is OrderClass.OCO
    side = intent.side if is_oco else intent.side.other
    plain = replace(
        intent,
        side=side,
        order_class=OrderClass.SIMPLE,
        order_type=OrderType.MARKET,
        limit_price=None,
        stop_price=None,
        trail_amount=None,
        trail_fraction=None,
        take_profit=None,
        stop_loss=None,
        stop_loss_limit=None,
    )
    if intent.take_profit is not None and not is_oco:
        yield replace(plain, order_type=OrderType.LIMIT, limit_price=intent.take_profit)
    if intent.stop_loss is not None:
        is_limited = intent.stop_loss_limit is not None
        yield replace(
            plain,
            order_type=OrderType.STOP_LIMIT if is_limited else OrderType.STOP,
            stop_price=intent.stop_loss,
            limit_price=intent.stop_loss_limit,
        )


def _legs(intent: OrderIntent) -> Iterator[OrderIntent]:
    for leg in intent.legs:
        yield replace(
            intent,
            symbol=leg.symbol,
            side=leg.side,
            quantity=leg.ratio * intent.quantity,
            order_class=OrderClass.SIMPLE,
            order_type=OrderType.MARKET,
            limit_price=None,
            legs=(),
        )
