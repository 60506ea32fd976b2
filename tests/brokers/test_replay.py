"""Each case of the suite is run on a paper venue and recorded, then again on its record."""

import inspect
from datetime import timedelta
from decimal import Decimal
from functools import wraps

import pytest

from alphalens.brokers import Broker, PaperBroker, ReplayBroker
from alphalens.brokers.replay import CancelAsked, Happened, OrderSent, OrderStood, Refusal
from alphalens.errors import BrokerError, IdTaken, OrderRejected, OutcomeUnknown
from alphalens.testing.conformance import BrokerConformance
from alphalens.trading import OrderIntent, OrderStatus, Side, VirtualClock
from alphalens.trading.orders import Fill

from .test_paper_broker import DAY, T0, Venue

D = Decimal


class Recorder:
    """A line to a paper venue that writes down what passes, as a journal does."""

    def __init__(self, venue: PaperBroker) -> None:
        self.venue, self.record = venue, []
        self.opening = venue.account()
        self.untold = []

    def __getattr__(self, name):
        return getattr(self.venue, name)

    def submit(self, intent):
        return self.sent(intent, lambda: self.venue.submit(intent))

    def replace(self, client_order_id, intent):
        return self.sent(intent, lambda: self.venue.replace(client_order_id, intent))

    def sent(self, intent, call):
        try:
            answer = call()
        except OrderRejected as error:
            refusal = Refusal(
                message=str(error),
                code=error.code,
                details=error.details,
                is_id_taken=isinstance(error, IdTaken),
            )
            self.record.append(OrderSent(intent=intent, answer=refusal))
            raise
        self.record.append(OrderSent(intent=intent, answer=answer))
        self.write_down()
        return answer

    def cancel(self, client_order_id):
        self.record.append(CancelAsked(client_order_id=client_order_id))
        self.venue.cancel(client_order_id)
        self.write_down()

    def updates(self):
        self.write_down()
        told, self.untold = self.untold, []
        return told

    def write_down(self):
        at = self.venue.last_instant
        for update in self.venue.updates():
            self.untold.append(update)
            if update.fill is not None:
                self.record.append(Happened(move=update.fill))
            else:
                self.record.append(OrderStood(order=update.order, at=at))


def played_twice(case):
    @wraps(case)
    def both(self):
        self.record = None
        case(self)
        self.record, self.opening = self.broker.record, self.broker.opening
        case(self)
        tells_power = self.broker.account().buying_power is not None
        assert self.broker.is_at_end or ("buying_power_and" in case.__name__ and not tells_power)

    return both


class TestConformance(BrokerConformance):
    def make_broker(self) -> Broker:
        if self.record is None:
            self.venue = Venue(cash="1000000", max_volume_share=D(1))
            self.broker = Recorder(self.venue.broker)
            return self.broker
        self.clock = VirtualClock(T0)
        self.broker = ReplayBroker(
            self.record,
            account=self.opening,
            clock=self.clock,
            capabilities=self.venue.broker.capabilities,
        )
        return self.broker

    def execute(self, broker: Broker) -> None:
        self.set_price(broker, self.price)

    def set_price(self, broker: Broker, price: Decimal) -> None:
        self.show(str(price), "1000000")

    def fill_partially(self, broker: Broker, quantity: Decimal) -> None:
        self.show(str(self.price), str(quantity))

    def show(self, price: str, volume: str) -> None:
        if self.record is None:
            self.venue.next_day(price, volume=volume)
            self.broker.write_down()
        else:
            self.clock.advance_to(self.clock.now() + DAY)


for _name, _case in inspect.getmembers(BrokerConformance, inspect.isfunction):
    if _name.startswith("test_"):
        setattr(TestConformance, _name, played_twice(_case))


def intent(name: str, quantity: int = 10) -> OrderIntent:
    return OrderIntent(
        client_order_id=name,
        account="P1",
        cycle_id="c1",
        symbol="SPY",
        side=Side.BUY,
        quantity=D(quantity),
        reference_price=D(100),
        created_at=T0,
    )


def replay(*record, clock: VirtualClock | None = None) -> ReplayBroker:
    venue = Venue().broker
    return ReplayBroker(
        record,
        account=venue.account(),
        clock=clock or VirtualClock(T0),
        capabilities=venue.capabilities,
    )


def test_run_that_decides_otherwise_is_found_out():
    answer = Venue().send("a")
    broker = replay(OrderSent(intent=intent("a"), answer=answer))
    with pytest.raises(OrderRejected, match=r"no such order as b here .* next is order a: ") as no:
        broker.submit(intent("b"))
    assert no.value.code == "not_recorded"
    with pytest.raises(OrderRejected, match="decides otherwise"):
        broker.submit(intent("a", quantity=11))
    with pytest.raises(BrokerError, match="asked for no cancel of a"):
        broker.cancel("a")
    assert broker.submit(intent("a")) == answer
    with pytest.raises(OrderRejected, match="next is its end"):
        broker.submit(intent("c"))


def test_answer_that_never_came_does_not_come_again_but_the_order_may():
    venue = Venue()
    found = venue.send("a")
    clock = VirtualClock(T0)
    record = [OrderSent(intent=intent("a"), answer=None), OrderStood(order=found, at=T0 + DAY)]
    broker = replay(*record, clock=clock)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown, match="no answer came"):
            broker.submit(intent("a"))
    assert broker.order("a") is None
    clock.advance_to(T0 + DAY)
    assert broker.order("a") == found


def test_execution_comes_at_its_instant_and_after_its_order():
    answer = Venue().send("a")
    fill = Fill(
        fill_id="f1",
        client_order_id="a",
        symbol="SPY",
        side=Side.BUY,
        quantity=D(10),
        price=D(101),
        at=T0 + timedelta(hours=1),
    )
    record = [OrderSent(intent=intent("a"), answer=answer), Happened(move=fill)]
    broker = replay(*record, clock=VirtualClock(T0 + DAY))
    assert not broker.fills()
    broker.submit(intent("a"))
    assert list(broker.fills()) == [fill]
    assert broker.order("a").status is OrderStatus.FILLED
    assert broker.account().cash == D(10000) - 1010
