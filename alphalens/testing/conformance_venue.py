"""What the conformance suite of a broker needs of the venue behind it."""
# ruff: noqa: S101 - a conformance suite is made of assertions

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from alphalens.brokers.base import Broker, VenueOrder, VenueUpdate
from alphalens.errors import BrokerError, OutcomeUnknown
from alphalens.trading.orders import (
    Fill,
    OrderClass,
    OrderIntent,
    OrderType,
    Side,
    TimeInForce,
    client_order_id,
)

__all__ = ["PART", "VenueUnderTest", "found", "ids", "refused"]

PART = Decimal(4)  # what `part_of` lets the venue execute, of ten


class VenueUnderTest(ABC):
    """What the cases need of a venue: orders for it, and a hand on its market.

    Attributes
    ----------
    symbol : str
        An asset the venue trades, and that can be sold short.
    price : Decimal
        About its price.
    unknown_symbol : str
        An asset that the venue does not have.
    fractions : tuple of Decimal
        Two parts of a unit that can be bought; empty where the asset has whole units only.
    """

    symbol = "SPY"
    price = Decimal(100)
    unknown_symbol = "NOSUCH"
    fractions: tuple[Decimal, ...] = (Decimal("0.1"), Decimal("0.2"), Decimal("0.123456789"))

    @abstractmethod
    def make_broker(self) -> Broker:
        """Return the adapter of an account without orders and positions."""

    @abstractmethod
    def execute(self, broker: Broker) -> None:
        """Let the venue execute the market orders that are open."""

    @abstractmethod
    def set_price(self, broker: Broker, price: Decimal) -> None:
        """Let the market come to a price, and the venue execute what it reaches."""

    @abstractmethod
    def fill_partially(self, broker: Broker, quantity: Decimal) -> None:
        """Let the venue execute so many units of the open market order, and no more yet."""

    def updates_of(self, broker: Broker) -> Sequence[VenueUpdate]:
        """Return what the stream has told; an adapter that needs time for it waits here."""
        return broker.updates()

    def intent(
        self,
        broker: Broker,
        name: str = "one",
        *,
        quantity: int | Decimal = 10,
        side: Side = Side.BUY,
        **changes: Any,  # Any: fields of an intent
    ) -> OrderIntent:
        """Return a market order for the broker's account; `name` makes its id."""
        account = broker.account().account_id
        whole = OrderIntent(
            client_order_id=client_order_id(account, "conformance", name),
            account=account,
            cycle_id="conformance",
            symbol=self.symbol,
            side=side,
            quantity=Decimal(quantity),
            reference_price=self.price,
            created_at=datetime(2024, 1, 2, tzinfo=UTC),
        )
        return replace(whole, **changes)

    def resting(self, broker: Broker, name: str = "resting") -> OrderIntent:
        """Return a limit order too far from the market to be executed."""
        return self.intent(
            broker,
            name,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            limit_price=self.at("0.5"),
        )

    def bracket(self, broker: Broker) -> OrderIntent:
        """Return an order to buy at the market, with exits a tenth away on both sides."""
        return self.intent(
            broker,
            "bracket",
            order_class=OrderClass.BRACKET,
            time_in_force=TimeInForce.GTC,
            take_profit=self.at("1.1"),
            stop_loss=self.at("0.9"),
        )

    def at(self, share: str) -> Decimal:
        """Return a share of the price in whole cents."""
        return (self.price * Decimal(share)).quantize(Decimal("0.01"))

    def buy(self, broker: Broker) -> None:
        """Buy ten at the market."""
        broker.submit(self.intent(broker, "buy"))
        self.execute(broker)

    def part_of(self, broker: Broker) -> OrderIntent:
        """Send an order for ten, of which four are executed."""
        intent = self.intent(broker, time_in_force=TimeInForce.GTC)
        broker.submit(intent)
        self.fill_partially(broker, PART)
        return intent

    def bracketed(self, broker: Broker) -> OrderIntent | None:
        """Send a bracket; None where the venue has none, which case 17 looks at."""
        if OrderClass.BRACKET not in broker.capabilities.order_classes:
            return None
        entry = self.bracket(broker)
        broker.submit(entry)
        return entry


def found(broker: Broker, intent: OrderIntent) -> VenueOrder:
    """Return the order that the venue has for an intent."""
    order = broker.order(intent.client_order_id)
    assert order is not None, f"the venue has no order {intent.client_order_id}"
    return order


def ids(fills: Sequence[Fill]) -> list[str]:
    """Return the ids of executions, in order."""
    return [fill.fill_id for fill in fills]


@contextmanager
def refused(kind: type[BrokerError] = BrokerError) -> Iterator[None]:
    """Expect a definite refusal of a kind that says something."""
    said = ""
    try:
        yield
    except OutcomeUnknown as error:
        raise AssertionError(f"a definite refusal was expected, got {error!r}") from error
    except kind as error:
        said = str(error)
    assert said, "the venue should have refused this and said why"
