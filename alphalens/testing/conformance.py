"""What every broker adapter must do, as tests to inherit.

::

    class TestMyBroker(BrokerConformance):
        def make_broker(self) -> Broker:
            return MyBroker(...)  # an account without orders and positions

        def execute(self, broker: Broker) -> None:
            ...  # let the venue execute the market orders that are open
"""
# ruff: noqa: S101 - a conformance suite is made of assertions

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from alphalens.brokers.base import Broker
from alphalens.errors import BrokerError, OutcomeUnknown
from alphalens.trading.orders import (
    OrderIntent,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
    client_order_id,
)

__all__ = ["BrokerConformance"]


class BrokerConformance(ABC):
    """The contract of the `alphalens.brokers.Broker` port; pytest collects its subclasses.

    Attributes
    ----------
    symbol : str
        An asset the venue trades, and that can be sold short.
    price : Decimal
        About its price.
    unknown_symbol : str
        An asset that the venue does not have.
    """

    symbol = "SPY"
    price = Decimal(100)
    unknown_symbol = "NOSUCH"

    @abstractmethod
    def make_broker(self) -> Broker:
        """Return the adapter of an account without orders and positions."""

    @abstractmethod
    def execute(self, broker: Broker) -> None:
        """Let the venue execute the market orders that are open."""

    def intent(
        self, broker: Broker, name: str = "one", *, quantity: int = 10, side: Side = Side.BUY
    ) -> OrderIntent:
        """Return a market order for the broker's account; `name` makes its id."""
        account = broker.account().account_id
        return OrderIntent(
            client_order_id=client_order_id(account, "conformance", name),
            account=account,
            cycle_id="conformance",
            symbol=self.symbol,
            side=side,
            quantity=Decimal(quantity),
            reference_price=self.price,
            created_at=datetime(2024, 1, 2, tzinfo=UTC),
        )

    def resting(self, broker: Broker, name: str = "resting") -> OrderIntent:
        """Return a limit order too far from the market to be executed."""
        return replace(
            self.intent(broker, name),
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            limit_price=(self.price / 2).quantize(Decimal("0.01")),
        )

    def test_01_new_account_is_flat_and_says_whether_it_is_live(self) -> None:
        """Nothing open, nothing held, nothing executed."""
        broker = self.make_broker()
        account = broker.account()
        assert account.account_id
        assert account.cash.is_finite()
        assert isinstance(account.is_live, bool)
        assert not broker.open_orders()
        assert dict(broker.positions()) == {}
        assert not broker.fills()

    def test_02_accepted_order_is_found_by_our_id_and_is_open(self) -> None:
        """The answer, the look-up and the list agree."""
        broker = self.make_broker()
        intent = self.resting(broker)
        answer = broker.submit(intent)
        assert answer.client_order_id == intent.client_order_id
        assert answer.venue_order_id
        assert answer.symbol == intent.symbol
        found = broker.order(intent.client_order_id)
        assert found is not None
        assert found.venue_order_id == answer.venue_order_id
        assert [o.client_order_id for o in broker.open_orders()] == [intent.client_order_id]

    def test_03_order_the_venue_never_saw_is_none_and_no_error(self) -> None:
        """None means that the venue has no such order; it is not an error."""
        assert self.make_broker().order("al-never-sent") is None

    def test_04_same_order_sent_twice_is_one_order(self) -> None:
        """The second answer is the first order's."""
        broker = self.make_broker()
        intent = self.resting(broker)
        first, second = broker.submit(intent), broker.submit(intent)
        assert first.venue_order_id == second.venue_order_id
        assert len(broker.open_orders()) == 1

    def test_05_same_id_with_other_contents_is_refused(self) -> None:
        """An id names one order for ever; the first stays as it is."""
        broker = self.make_broker()
        intent = self.resting(broker)
        broker.submit(intent)
        with _refused():
            broker.submit(replace(intent, quantity=intent.quantity + 1))
        assert len(broker.open_orders()) == 1

    def test_06_unknown_symbol_is_refused_and_leaves_nothing(self) -> None:
        """A definite no: `BrokerError`, and not `OutcomeUnknown`."""
        broker = self.make_broker()
        intent = replace(self.intent(broker), symbol=self.unknown_symbol)
        with _refused():
            broker.submit(intent)
        assert broker.order(intent.client_order_id) is None
        assert not broker.open_orders()

    def test_07_order_beyond_the_buying_power_is_refused_and_leaves_nothing(self) -> None:
        """As an unknown symbol."""
        broker = self.make_broker()
        quantity = int(broker.account().cash / self.price) * 1000
        with _refused():
            broker.submit(self.intent(broker, quantity=quantity))
        assert not broker.open_orders()
        assert dict(broker.positions()) == {}

    def test_08_executed_order_moves_position_and_cash_by_its_fills(self) -> None:
        """Fills account for the whole difference in cash and units."""
        broker = self.make_broker()
        intent = self.intent(broker)
        before = broker.account().cash
        broker.submit(intent)
        self.execute(broker)
        fills = broker.fills()
        assert sum(fill.signed_quantity for fill in fills) == intent.quantity
        assert {fill.client_order_id for fill in fills} == {intent.client_order_id}
        assert all(fill.at.utcoffset() is not None for fill in fills)
        assert dict(broker.positions()) == {self.symbol: intent.quantity}
        paid = sum(fill.signed_quantity * fill.price + fill.fee for fill in fills)
        assert broker.account().cash == before - paid

    def test_09_executed_order_is_final_and_no_longer_open(self) -> None:
        """Its status and filled quantity say so."""
        broker = self.make_broker()
        intent = self.intent(broker)
        broker.submit(intent)
        self.execute(broker)
        order = broker.order(intent.client_order_id)
        assert order is not None
        assert order.status is OrderStatus.FILLED
        assert order.filled_quantity == intent.quantity
        assert not broker.open_orders()

    def test_10_fills_after_an_id_are_those_that_came_later(self) -> None:
        """Each execution has its own id, and the cursor neither skips nor repeats."""
        broker = self.make_broker()
        for name in ("one", "two"):
            broker.submit(self.intent(broker, name))
            self.execute(broker)
        fills = broker.fills()
        assert len({fill.fill_id for fill in fills}) == len(fills) >= 2
        for number, fill in enumerate(fills):
            assert list(broker.fills(after=fill.fill_id)) == list(fills[number + 1 :])

    def test_11_canceled_order_is_final_and_was_not_executed(self) -> None:
        """A cancel of a resting order takes it out."""
        broker = self.make_broker()
        intent = self.resting(broker)
        broker.submit(intent)
        broker.cancel(intent.client_order_id)
        order = broker.order(intent.client_order_id)
        assert order is not None
        assert order.status is OrderStatus.CANCELED
        assert not broker.open_orders()
        assert not broker.fills()

    def test_12_cancel_of_a_final_order_changes_nothing(self) -> None:
        """Neither an error nor another status."""
        broker = self.make_broker()
        intent = self.intent(broker)
        broker.submit(intent)
        self.execute(broker)
        broker.cancel(intent.client_order_id)
        order = broker.order(intent.client_order_id)
        assert order is not None
        assert order.status is OrderStatus.FILLED

    def test_13_short_position_is_negative_and_closes_to_nothing(self) -> None:
        """Flat positions are left out."""
        broker = self.make_broker()
        broker.submit(self.intent(broker, "short", side=Side.SELL))
        self.execute(broker)
        assert dict(broker.positions()) == {self.symbol: Decimal(-10)}
        broker.submit(self.intent(broker, "cover"))
        self.execute(broker)
        assert dict(broker.positions()) == {}

    def test_14_open_orders_come_oldest_first(self) -> None:
        """In the order in which they were sent."""
        broker = self.make_broker()
        intents = [self.resting(broker, name) for name in ("a", "b", "c")]
        for intent in intents:
            broker.submit(intent)
        expected = [intent.client_order_id for intent in intents]
        assert [order.client_order_id for order in broker.open_orders()] == expected


@contextmanager
def _refused() -> Iterator[None]:
    """Expect a definite refusal that says something."""
    said = ""
    try:
        yield
    except OutcomeUnknown as error:
        raise AssertionError(f"a definite refusal was expected, got {error!r}") from error
    except BrokerError as error:
        said = str(error)
    assert said, "the venue should have refused the order and said why"
