"""What the trading core needs from a venue, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from alphalens.trading.activities import Activity
from alphalens.trading.orders import (
    Fill,
    OrderClass,
    OrderIntent,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)

__all__ = [
    "Account",
    "Broker",
    "Capabilities",
    "Connection",
    "VenueOrder",
    "VenueSession",
    "VenueUpdate",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The venue's own word on an account.

    Attributes
    ----------
    account_id : str
        The account number at the venue.
    cash : Decimal
        Balance in `currency`.
    currency : str
        ISO 4217 code.
    is_live : bool
        True when orders move real money.
    buying_power : Decimal or None
        What may still be bought, by the venue's own rule; None if it does not say.
    is_blocked : bool
        True when the venue takes no orders of this account now.
    entry_prices : Mapping of str to Decimal
        Average price paid per unit of each position, by canonical symbol, as far as it says.
    """

    account_id: str
    cash: Decimal
    currency: str
    is_live: bool
    buying_power: Decimal | None = None
    is_blocked: bool = False
    entry_prices: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """The venue's own word on one order.

    Attributes
    ----------
    client_order_id, venue_order_id : str
        Our id (of an order that somebody else placed: the one it has) and theirs.
    symbol : str
        Canonical symbol.
    status : OrderStatus
        Where the order stands; `OrderStatus.UNKNOWN` for a status that the adapter does not
        know, with the venue's word in `venue_status`.
    filled_quantity : Decimal
        Units executed so far.
    reason : str
        Why it was rejected, expired or canceled; empty otherwise.
    side, quantity, order_type, time_in_force, limit_price, stop_price, order_class
        What was ordered, as the venue has it; None where it does not say.
    average_price : Decimal or None
        Average price of what was executed.
    venue_status : str
        The venue's own word for the status.
    replaces, replaced_by, parent : str
        Venue ids of the order it took the place of, of the one that took its place, and of
        the order it is an exit or a leg of; empty if there is none.
    children : tuple of VenueOrder
        Exits of a bracket, or legs.
    submitted_at : datetime or None
        When the venue received it.
    """

    client_order_id: str
    venue_order_id: str
    symbol: str
    status: OrderStatus
    filled_quantity: Decimal
    reason: str = ""
    side: Side | None = None
    quantity: Decimal | None = None
    order_type: OrderType | None = None
    time_in_force: TimeInForce | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    order_class: OrderClass | None = None
    average_price: Decimal | None = None
    venue_status: str = ""
    replaces: str = ""
    replaced_by: str = ""
    parent: str = ""
    children: tuple[VenueOrder, ...] = ()
    submitted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueUpdate:
    """One message of the venue's stream.

    Attributes
    ----------
    event : str
        The venue's name for it, such as ``fill`` or ``canceled``.
    order : VenueOrder or None
        The order after it; None if the message could not be read.
    fill : Fill or None
        The execution, if it tells of one.
    problem : str
        What could not be read, with the message (redacted); empty if all could.
    """

    event: str
    order: VenueOrder | None = None
    fill: Fill | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSession:
    """The venue's own word on its trading hours.

    Attributes
    ----------
    at : datetime
        The venue's clock.
    is_open : bool
        Whether the regular session is open.
    next_open, next_close : datetime
        Instants of the next opening and the next close.
    calendar : str
        The market whose hours these are, by its name in `alphalens.assets.calendars.CALENDARS`.
    """

    at: datetime
    is_open: bool
    next_open: datetime
    next_close: datetime
    calendar: str = "XNYS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How the stream of an adapter stands.

    Attributes
    ----------
    is_up : bool
        Whether it is connected and authenticated. Always True for a venue without a stream.
    gaps : int
        How often it was lost so far: whoever has seen fewer has to fetch what was missed.
    problem : str
        What is wrong; empty if nothing is.
    """

    is_up: bool = True
    gaps: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a venue can do.

    Attributes
    ----------
    order_types, times_in_force, order_classes : frozenset
        What it takes at all; an asset may take less.
    can_replace : bool
        Whether a working order can be changed.
    can_short : bool
        Whether what is not held can be sold.
    has_stream : bool
        Whether it tells of changes by itself.
    """

    order_types: frozenset[OrderType]
    times_in_force: frozenset[TimeInForce]
    order_classes: frozenset[OrderClass] = frozenset({OrderClass.SIMPLE})
    can_replace: bool = False
    can_short: bool = True
    has_stream: bool = False


class Broker(Protocol):
    """The port of a venue. Every adapter passes one conformance suite.

    An adapter raises `OutcomeUnknown` when a request may or may not have been carried out,
    `CredentialsRefused` when the venue does not know its keys, `OrderRejected` when the venue
    said no to an order, definitely, and `BrokerError` when a question has no answer. It never
    sends an order twice, and never gives an empty answer because something failed. All symbols
    are canonical, all instants aware.
    """

    @property
    def capabilities(self) -> Capabilities:
        """Return what the venue can do."""
        ...

    def account(self) -> Account:
        """Return the account as the venue sees it now."""
        ...

    def submit(self, intent: OrderIntent) -> VenueOrder:
        """Send an order once and return the venue's answer.

        Raises
        ------
        OrderRejected
            If the venue refused the order; nothing was placed. `IdTaken` if it has another
            order under this id; one of the same contents is answered as if it were new.
        OutcomeUnknown
            If no definite answer came.
        """
        ...

    def cancel(self, client_order_id: str) -> None:
        """Ask for a cancel; an order that is final already stays as it is.

        Raises
        ------
        OutcomeUnknown
            If no definite answer came.
        BrokerError
            If the venue refused, or has no such order.
        """
        ...

    def replace(self, client_order_id: str, intent: OrderIntent) -> VenueOrder:
        """Ask for a working order to be replaced by `intent`, an order of another id.

        The answer is the new order; it may still fail if the old one is executed first.
        Raises as `submit`.
        """
        ...

    def order(self, client_order_id: str) -> VenueOrder | None:
        """Return the order of that id, or None if the venue never saw it."""
        ...

    def open_orders(self) -> Sequence[VenueOrder]:
        """Return every order that is not final, ours or not, exits and legs too, oldest first."""
        ...

    def positions(self) -> Mapping[str, Decimal]:
        """Return signed units by symbol, flat ones left out; an error is never an empty map."""
        ...

    def fills(self, *, after: str = "") -> Sequence[Fill]:
        """Return executions in the venue's order, those after the fill of that id only."""
        ...

    def activities(self, *, after: str = "") -> Sequence[Activity]:
        """Return what moved the book without an order, after the activity of that id only."""
        ...

    def updates(self) -> Sequence[VenueUpdate]:
        """Return what the stream has told since the last call, in order; empty without one."""
        ...

    def connection(self) -> Connection:
        """Return how the stream stands; no network call."""
        ...

    def reconnect(self, reason: str) -> None:
        """Drop the stream and connect anew; nothing for a venue without one."""
        ...

    def session(self) -> VenueSession | None:
        """Return the venue's trading hours, or None if it has none to tell."""
        ...
