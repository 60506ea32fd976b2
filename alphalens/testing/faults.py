"""A venue whose answers get lost, to test that no order is lost or doubled with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

from alphalens.brokers.base import (
    Account,
    Broker,
    Capabilities,
    Connection,
    VenueOrder,
    VenueSession,
    VenueUpdate,
)
from alphalens.errors import BrokerError, OutcomeUnknown
from alphalens.trading.activities import Activity
from alphalens.trading.orders import Fill, OrderIntent

__all__ = ["Fault", "FlakyBroker", "Killed"]


class Killed(BaseException):
    """The process died here. Not an `Exception`, so that nothing but a test catches it."""


class Fault(StrEnum):
    """What happens to one call of `FlakyBroker.submit` or `FlakyBroker.order`."""

    LOST_BEFORE = "lost_before"  # it never reached the venue, and nobody knows
    LOST_AFTER = "lost_after"  # the venue carried it out, and the answer was lost
    KILLED_BEFORE = "killed_before"  # the process dies, the call never leaves it
    KILLED_AFTER = "killed_after"  # the venue carries it out, then the process dies
    REFUSED = "refused"  # the venue says no


class FlakyBroker:
    """A venue behind a line that breaks when told to.

    Parameters
    ----------
    broker : Broker
        The venue itself.
    on_submit, on_order : Mapping of int to Fault
        What happens to the n-th call of ``submit`` and of ``order``, counted from 0; the
        other calls pass.

    Attributes
    ----------
    sent : list of str
        The client order ids that reached the venue, in order, repetitions included.

    Examples
    --------
    >>> from alphalens.brokers import PaperBroker
    >>> from alphalens.trading import SystemClock
    >>> venue = PaperBroker(account_id="P1", cash=Decimal(1000), clock=SystemClock())
    >>> line = FlakyBroker(venue, on_order={0: Fault.LOST_BEFORE})
    >>> line.order("al-1")
    Traceback (most recent call last):
    ...
    alphalens.errors.OutcomeUnknown: order 0: no answer came
    """

    def __init__(
        self,
        broker: Broker,
        *,
        on_submit: Mapping[int, Fault] | None = None,
        on_order: Mapping[int, Fault] | None = None,
    ) -> None:
        self.broker = broker
        self.sent: list[str] = []
        self._faults = {"submit": dict(on_submit or {}), "order": dict(on_order or {})}
        self._calls = {"submit": 0, "order": 0}

    def account(self) -> Account:
        """Pass the question on."""
        return self.broker.account()

    def submit(self, intent: OrderIntent) -> VenueOrder:
        """Send an order down the line; raises what the fault of this call says."""
        number, fault = self._next("submit")
        _fail_before(f"submit {number}", fault)
        self.sent.append(intent.client_order_id)
        answer = self.broker.submit(intent)
        _fail_after(f"submit {number}", fault)
        return answer

    def cancel(self, client_order_id: str) -> None:
        """Pass the request on."""
        self.broker.cancel(client_order_id)

    def order(self, client_order_id: str) -> VenueOrder | None:
        """Ask down the line; raises what the fault of this call says."""
        number, fault = self._next("order")
        _fail_before(f"order {number}", fault)
        answer = self.broker.order(client_order_id)
        _fail_after(f"order {number}", fault)
        return answer

    def open_orders(self) -> Sequence[VenueOrder]:
        """Pass the question on."""
        return self.broker.open_orders()

    def positions(self) -> Mapping[str, Decimal]:
        """Pass the question on."""
        return self.broker.positions()

    def fills(self, *, after: str = "") -> Sequence[Fill]:
        """Pass the question on."""
        return self.broker.fills(after=after)

    @property
    def capabilities(self) -> Capabilities:
        """Pass the question on."""
        return self.broker.capabilities

    def replace(self, client_order_id: str, intent: OrderIntent) -> VenueOrder:
        """Pass the request on."""
        return self.broker.replace(client_order_id, intent)

    def activities(self, *, after: str = "") -> Sequence[Activity]:
        """Pass the question on."""
        return self.broker.activities(after=after)

    def updates(self) -> Sequence[VenueUpdate]:
        """Pass the question on."""
        return self.broker.updates()

    def connection(self) -> Connection:
        """Pass the question on."""
        return self.broker.connection()

    def reconnect(self, reason: str) -> None:
        """Pass the request on."""
        self.broker.reconnect(reason)

    def session(self) -> VenueSession | None:
        """Pass the question on."""
        return self.broker.session()

    def _next(self, call: str) -> tuple[int, Fault | None]:
        number = self._calls[call]
        self._calls[call] += 1
        return number, self._faults[call].get(number)


def _fail_before(what: str, fault: Fault | None) -> None:
    if fault is Fault.LOST_BEFORE:
        raise OutcomeUnknown(f"{what}: no answer came")
    if fault is Fault.KILLED_BEFORE:
        raise Killed(what)
    if fault is Fault.REFUSED:
        raise BrokerError(f"{what}: the venue said no")


def _fail_after(what: str, fault: Fault | None) -> None:
    if fault is Fault.LOST_AFTER:
        raise OutcomeUnknown(f"{what}: no answer came")
    if fault is Fault.KILLED_AFTER:
        raise Killed(what)
