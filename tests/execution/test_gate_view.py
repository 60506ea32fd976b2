"""What the gate is told of the books: plans, orders, and money that is gone already."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from alphalens.brokers import PaperBroker, SizedQuote
from alphalens.errors import InputError
from alphalens.execution.entries import fill_entry
from alphalens.execution.gate_view import Memory, gate_view
from alphalens.execution.orderbook import reserved
from alphalens.risk import ReasonCode
from alphalens.testing.faults import Fault, FlakyBroker
from alphalens.trading import OrderStatus, Side
from alphalens.trading.events import EventKind
from alphalens.trading.orders import Fill, OrderClass, OrderType, TimeInForce

from .conftest import Desk

POWER = ReasonCode.INSUFFICIENT_BUYING_POWER
LATER = timedelta(seconds=31)


@pytest.fixture
def quoted(desk) -> Desk:
    """A desk whose venue executes at quotes, with money for a hundred shares."""
    desk.venue = PaperBroker(
        account_id="P1", cash=Decimal(10_000), leverage=Decimal(1), clock=desk.clock
    )
    desk.show_bars()
    return desk


def show(desk: Desk, size="1000", ask="100", after=timedelta(seconds=1)) -> None:
    """Quote every symbol, a while later."""
    desk.clock.advance_to(desk.clock.now() + after)
    sizes = {"bid_size": Decimal(size), "ask_size": Decimal(size)}
    quote = {"at": desk.clock.now(), "bid": Decimal(ask) - Decimal("0.1"), "ask": Decimal(ask)}
    desk.venue.on_quotes([SizedQuote(symbol=s, **quote, **sizes) for s in desk.prices])


def trade(desk, session, symbol, units, leg="open", **quote):
    """Send a market order, and take in its executions."""
    (order,) = session.submit([desk.intent(symbol, units, leg=leg)])
    show(desk, **quote)
    session.collect_fills()
    return session.order(order.client_order_id)


def refusals(session, intent):
    (one,) = session.assess([intent])
    return {reason.code for reason in one.verdict.reasons}


def test_money_spent_since_the_venue_was_asked_is_not_there(quoted):
    session = quoted.open()
    show(quoted)
    told = session.book_view().buying_power
    assert trade(quoted, session, "A", "60").status is OrderStatus.FILLED
    assert session.book_view().buying_power == told == 10_000
    assert POWER not in refusals(session, quoted.intent("B", "39"))
    (order,) = session.submit([quoted.intent("B", "41")])
    assert order.status is OrderStatus.REFUSED
    assert [reason.code for reason in order.reasons] == [POWER]


def test_money_is_taken_off_once_when_the_venue_was_asked_again(quoted):
    session = quoted.open()
    show(quoted)
    trade(quoted, session, "A", "60")
    show(quoted, after=LATER)
    session.collect_fills()
    assert session.book_view().buying_power < 4100
    assert POWER not in refusals(session, quoted.intent("B", "39"))
    assert POWER in refusals(session, quoted.intent("B", "41"))


def test_order_on_the_way_when_the_venue_was_asked_is_taken_off_once(quoted):
    session = quoted.open()
    show(quoted, ask="101")
    resting = quoted.intent("A", "60", order_type=OrderType.LIMIT, limit_price=Decimal(100))
    session.submit([resting])
    show(quoted, ask="101", after=LATER)
    session.collect_fills()
    assert session.book_view().buying_power < 4100
    show(quoted, size="20")
    session.collect_fills()
    assert 0 < session.order(resting.client_order_id).filled_quantity < 60
    assert POWER not in refusals(session, quoted.intent("B", "39"))
    assert POWER in refusals(session, quoted.intent("B", "42"))


def test_part_that_is_executed_and_part_that_is_not_cost_both(quoted):
    session = quoted.open()
    show(quoted, ask="101")
    resting = quoted.intent("A", "60", order_type=OrderType.LIMIT, limit_price=Decimal(100))
    session.submit([resting])
    show(quoted, size="20")
    session.collect_fills()
    assert session.order(resting.client_order_id).filled_quantity == 20
    assert POWER not in refusals(session, quoted.intent("B", "39"))
    assert POWER in refusals(session, quoted.intent("B", "41"))
    session.cancel(resting.client_order_id)
    assert POWER not in refusals(session, quoted.intent("B", "79"))
    assert POWER in refusals(session, quoted.intent("B", "81"))


def test_money_that_a_sale_brought_back_is_there_but_for_what_was_lost(quoted):
    session = quoted.open()
    show(quoted)
    trade(quoted, session, "A", "50")
    show(quoted, ask="90")
    trade(quoted, session, "A", "-50", leg="close", ask="90")
    assert session.ledger.quantity("A") == 0
    assert POWER not in refusals(session, quoted.intent("B", "94"))
    assert POWER in refusals(session, quoted.intent("B", "96"))


def test_order_of_unknown_outcome_is_not_believed_to_be_taken_off(quoted):
    line = FlakyBroker(quoted.venue, on_submit={0: Fault.LOST_BEFORE})
    session = quoted.open(line, grace=timedelta(hours=1))
    show(quoted)
    (order,) = session.submit([quoted.intent("A", "60")])
    assert order.status is OrderStatus.UNKNOWN
    quoted.clock.advance_to(quoted.clock.now() + timedelta(seconds=1))
    session.market.refresh()
    assert POWER in refusals(session, quoted.intent("B", "41"))
    assert POWER not in refusals(session, quoted.intent("B", "39"))


def test_money_spent_is_remembered_as_long_as_the_figure_is_believed(quoted):
    session = quoted.open(heartbeat=timedelta(days=1))
    show(quoted)
    trade(quoted, session, "A", "60")
    for _ in range(3):
        show(quoted, after=timedelta(minutes=20))
        session.mark(quoted.prices)
    assert session.book_view().buying_power == 10_000
    assert POWER in refusals(session, quoted.intent("B", "41"))
    assert POWER not in refusals(session, quoted.intent("B", "39"))


def test_true_execution_in_the_place_of_an_inferred_one_is_seen(quoted):
    session, memory = quoted.open(), Memory()
    show(quoted, ask="101")
    resting = quoted.intent("A", order_type=OrderType.LIMIT, limit_price=Decimal(100))
    session.submit([resting])
    inferred = Fill(
        fill_id="i",
        client_order_id=resting.client_order_id,
        symbol="A",
        side=Side.BUY,
        quantity=Decimal(10),
        price=Decimal(99),
        fee=Decimal(5),
        at=quoted.clock.now(),
        is_synthetic=True,
    )
    session._books.write_all([fill_entry(inferred, "c1", is_listed=False)])
    assert look(quoted, session, memory).orders[0].price == Decimal("99.5")
    true = replace(inferred, fill_id="t", price=Decimal(98), is_synthetic=False)
    payload = {"removed": ["i"], "fills": [true], "client_order_id": resting.client_order_id}
    session._books.write(EventKind.FILLS_CORRECTED, payload, "c1")
    assert look(quoted, session, memory).orders[0].price == Decimal("98.5")


def test_stored_plan_of_any_cycle_is_known_after_a_restart(desk):
    session = desk.open()
    for cycle in ("c1", "c2"):
        session.plan(desk.target(A=0.1, B=0.1), cycle_id=cycle)
        session.finish_cycle(cycle)
    session.plan(desk.target(C=0.1), cycle_id="c3")
    before = {cycle: session.book_view(cycle).planned for cycle in ("c1", "c2", "c3", "c4")}
    session._books.keep()
    again = desk.open()
    assert [len(before[cycle]) for cycle in before] == [2, 2, 1, 0]
    assert {cycle: again.book_view(cycle).planned for cycle in before} == before


def test_plan_made_after_it_was_looked_for_is_found(desk):
    session, memory = desk.open(), Memory()
    session._books.keep()
    session = desk.open()
    assert look(desk, session, memory, "c1").planned == frozenset()
    session.plan(desk.target(A=0.1), cycle_id="c1")
    assert len(look(desk, session, memory, "c1").planned) == 1


def look(desk, session, memory, cycle_id="c1", without=""):
    return gate_view(
        session._books,
        now=desk.clock.now(),
        assets=session.assets,
        cycle_id=cycle_id,
        without=without,
        asked_at=session.market.asked_at,
        memory=memory,
    )


def test_what_was_told_of_an_order_is_not_computed_again(quoted):
    session, memory = quoted.open(), Memory()
    rest = {"order_type": OrderType.LIMIT, "limit_price": Decimal(90)}
    session.submit([quoted.intent("A", f"{n + 1}", leg=f"n{n}", **rest) for n in range(5)])
    first = look(quoted, session, memory).orders
    session.cancel(quoted.intent("A", leg="n2").client_order_id)
    second = look(quoted, session, memory).orders
    changed = [n for n in range(5) if all(first[n] is not order for order in second)]
    assert len(first) == len(second) == 5
    assert changed == [2]


class Mischief:
    """Orders placed, changed, canceled and executed at random, each in its turn."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk, self.draw, self.number = desk, random.Random(seed), 0
        self.session = desk.open(grace=timedelta(0))

    def step(self) -> None:
        acts = (self.place, self.place, self.protect, self.change, self.cancel, self.execute)
        try:
            self.draw.choice(acts)()
        except InputError:  # nothing there that could be changed so
            return

    def place(self) -> None:
        self.session.submit([self._order(str(self.draw.choice([-3, -1, 1, 2])))])

    def protect(self) -> None:
        exits = {"take_profit": Decimal(120), "stop_loss": Decimal(80)}
        self.session.submit([self._order("2", order_class=OrderClass.BRACKET, **exits)])

    def change(self) -> None:
        old = self._any()
        new = replace(
            old.intent,
            client_order_id=self._order("1").client_order_id,
            replaces=old.client_order_id,
            quantity=old.intent.quantity + 1,
        )
        self.session.replace_order(old.client_order_id, new)

    def cancel(self) -> None:
        self.session.cancel(self._any().client_order_id)

    def execute(self) -> None:
        after = self.draw.choice([timedelta(seconds=1), LATER])
        show(self.desk, size="1", ask=self.draw.choice(["97", "100", "104"]), after=after)
        self.session.collect_fills()
        self.session.mark(self.desk.prices)

    def _any(self):
        if not self.session.open_orders:
            raise InputError("there is no order")
        return self.draw.choice(self.session.open_orders)

    def _order(self, units: str, **changes):
        self.number += 1
        price = Decimal(self.draw.choice([98, 100, 103]))
        rest = {"order_type": OrderType.LIMIT, "time_in_force": TimeInForce.GTC}
        intent = self.desk.intent(
            self.draw.choice("ABC"), units, leg=f"n{self.number}", **rest, limit_price=price
        )
        return replace(intent, **changes)


@pytest.mark.parametrize("seed", range(4))
def test_view_with_a_memory_is_the_view_without_one(quoted, seed):
    mischief, memory = Mischief(quoted, seed), Memory()
    seen = set()
    for _ in range(40):
        mischief.step()
        session = mischief.session
        without = mischief.draw.choice(["", *(o.client_order_id for o in session.open_orders)])
        view = look(quoted, session, memory, without=without)
        assert view == look(quoted, session, None, without=without)
        others = [o for o in session.open_orders if o.client_order_id != without]
        assert view.open_buys == reserved(others, Side.BUY)
        assert view.open_sells == reserved(others, Side.SELL)
        assert {o.intent.client_order_id for o in view.orders if o.is_open} == {
            o.client_order_id for o in others
        }
        seen |= {(o.origin, o.status) for o in session.open_orders}
    assert len(seen) >= 3
