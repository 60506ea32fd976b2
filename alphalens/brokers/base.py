"""What the trading core needs from a venue, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from alphalens.trading.orders import Fill, OrderIntent, OrderStatus

__all__ = ["Account", "Broker", "VenueOrder"]


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
    """

    account_id: str
    cash: Decimal
    currency: str
    is_live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """The venue's own word on one order.

    Attributes
    ----------
    client_order_id, venue_order_id : str
        Our id and theirs.
    symbol : str
        Canonical symbol.
    status : OrderStatus
        Where the order stands.
    filled_quantity : Decimal
        Units executed so far.
    reason : str
        Why it was rejected, expired or canceled; empty otherwise.
    """

    client_order_id: str
    venue_order_id: str
    symbol: str
    status: OrderStatus
    filled_quantity: Decimal
    reason: str = ""


class Broker(Protocol):
    """The port of a venue. Every adapter passes one conformance suite.

    An adapter raises `OutcomeUnknown` when a request may or may not have been carried out,
    and `BrokerError` when the venue said no, definitely. It never sends an order twice.
    """

    def account(self) -> Account:
        """Return the account as the venue sees it now."""
        ...

    def submit(self, intent: OrderIntent) -> VenueOrder:
        """Send an order once and return the venue's answer.

        Raises
        ------
        BrokerError
            If the venue refused the order; nothing was placed.
        OutcomeUnknown
            If no definite answer came.
        """
        ...

    def cancel(self, client_order_id: str) -> None:
        """Ask for a cancel; an order that is final already stays as it is."""
        ...

    def order(self, client_order_id: str) -> VenueOrder | None:
        """Return the order of that id, or None if the venue never saw it."""
        ...

    def open_orders(self) -> Sequence[VenueOrder]:
        """Return every order that is not final, ours or not, oldest first."""
        ...

    def positions(self) -> Mapping[str, Decimal]:
        """Return signed units by symbol, flat ones left out; an error is never an empty map."""
        ...

    def fills(self, *, after: str = "") -> Sequence[Fill]:
        """Return executions in the venue's order, those after the fill of that id only."""
        ...
