"""What every broker adapter must do, as tests to inherit.

::

    class TestMyBroker(BrokerConformance):
        def make_broker(self) -> Broker:
            return MyBroker(...)  # an account without orders and positions

        def execute(self, broker: Broker) -> None:
            ...  # let the venue execute the market orders that are open

        def set_price(self, broker: Broker, price: Decimal) -> None:
            ...  # let the market come to this price, and execute what it reaches

        def fill_partially(self, broker: Broker, quantity: Decimal) -> None:
            ...  # let the venue execute this much of the one market order that is open

What a venue does not offer is not left out: the case then asks for a definite refusal.
"""
# ruff: noqa: S101 - a conformance suite is made of assertions

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from alphalens.errors import IdTaken, OrderRejected
from alphalens.testing.conformance_venue import PART, VenueUnderTest, found, ids, refused
from alphalens.trading.orders import (
    OrderClass,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)

__all__ = ["BrokerConformance"]


class BrokerConformance(VenueUnderTest):
    """The contract of the `alphalens.brokers.Broker` port; pytest collects its subclasses."""

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

    def test_05_same_id_with_other_contents_isrefused(self) -> None:
        """An id names one order for ever; the first stays as it is."""
        broker = self.make_broker()
        intent = self.resting(broker)
        broker.submit(intent)
        with refused(IdTaken):
            broker.submit(replace(intent, quantity=intent.quantity + 1))
        assert len(broker.open_orders()) == 1

    def test_06_unknown_symbol_is_refused_and_leaves_nothing(self) -> None:
        """A definite no: `OrderRejected`, and not `OutcomeUnknown`."""
        broker = self.make_broker()
        intent = replace(self.intent(broker), symbol=self.unknown_symbol)
        with refused(OrderRejected):
            broker.submit(intent)
        assert broker.order(intent.client_order_id) is None
        assert not broker.open_orders()

    def test_07_order_beyond_the_buying_power_is_refused_and_leaves_nothing(self) -> None:
        """As an unknown symbol."""
        broker = self.make_broker()
        quantity = int(broker.account().cash / self.price) * 1000
        with refused():
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
        """Flat positions are left out; a venue without short sales refuses the first order."""
        broker = self.make_broker()
        short = self.intent(broker, "short", side=Side.SELL)
        if not broker.capabilities.can_short:
            with refused(OrderRejected):
                broker.submit(short)
            return
        broker.submit(short)
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

    def test_15_order_type_is_taken_or_refused_as_the_capabilities_say(self) -> None:
        """No order is placed in another type than was asked for."""
        broker = self.make_broker()
        far: dict[str, Any] = {"stop_price": self.at("1.5")}  # Any: fields of an intent
        cases: dict[OrderType, dict[str, Any]] = {
            OrderType.STOP: far,
            OrderType.STOP_LIMIT: {**far, "limit_price": self.at("1.6")},
            OrderType.TRAILING_STOP: {"trail_fraction": Decimal("0.5")},
        }
        for kind, prices in cases.items():
            intent = self.intent(
                broker, kind, order_type=kind, time_in_force=TimeInForce.GTC, **prices
            )
            if kind not in broker.capabilities.order_types:
                with refused(OrderRejected):
                    broker.submit(intent)
                continue
            broker.submit(intent)
            assert found(broker, intent).order_type is kind
            assert not found(broker, intent).status.is_final

    def test_16_time_in_force_that_is_not_offered_isrefused(self) -> None:
        """It is not sent as another one."""
        broker = self.make_broker()
        for tif in sorted(set(TimeInForce) - broker.capabilities.times_in_force):
            with refused(OrderRejected):
                broker.submit(self.intent(broker, tif, time_in_force=tif))
        assert not broker.open_orders()

    def test_17_order_class_that_is_not_offered_isrefused(self) -> None:
        """Nothing is placed: an entry without its exits is worse than none."""
        broker = self.make_broker()
        if OrderClass.BRACKET in broker.capabilities.order_classes:
            assert broker.submit(self.bracket(broker)).order_class is OrderClass.BRACKET
            return
        with refused(OrderRejected):
            broker.submit(self.bracket(broker))
        assert not broker.open_orders()

    def test_18_stop_sleeps_until_the_price_reaches_it(self) -> None:
        """And is executed then."""
        broker = self.make_broker()
        if OrderType.STOP not in broker.capabilities.order_types:
            return self.test_15_order_type_is_taken_or_refused_as_the_capabilities_say()
        self.buy(broker)
        stop = self.intent(
            broker,
            "stop",
            side=Side.SELL,
            order_type=OrderType.STOP,
            time_in_force=TimeInForce.GTC,
            stop_price=self.at("0.9"),
        )
        broker.submit(stop)
        self.set_price(broker, self.at("0.95"))
        assert not found(broker, stop).status.is_final
        self.set_price(broker, self.at("0.89"))
        assert found(broker, stop).status is OrderStatus.FILLED
        assert dict(broker.positions()) == {}
        return None

    def test_19_replacement_takes_the_place_of_the_old_order(self) -> None:
        """The old one is final and knows the new one, which works under its own id."""
        broker = self.make_broker()
        old = self.resting(broker, "old")
        broker.submit(old)
        new = replace(
            self.resting(broker, "new"), limit_price=self.at("0.6"), replaces=old.client_order_id
        )
        if not broker.capabilities.can_replace:
            with refused(OrderRejected):
                broker.replace(old.client_order_id, new)
            assert not found(broker, old).status.is_final
            return
        broker.replace(old.client_order_id, new)
        before, after = found(broker, old), found(broker, new)
        assert before.status is OrderStatus.REPLACED
        assert before.replaced_by == after.venue_order_id
        assert after.replaces == before.venue_order_id
        assert after.limit_price == new.limit_price
        assert [o.client_order_id for o in broker.open_orders()] == [new.client_order_id]

    def test_20_order_that_is_not_working_cannot_be_replaced(self) -> None:
        """Neither one that is executed nor one never sent; nothing new is placed."""
        broker = self.make_broker()
        done = self.intent(broker, "done")
        broker.submit(done)
        self.execute(broker)
        new = self.intent(broker, "new")
        for name in (done.client_order_id, "al-never-sent"):
            with refused():
                broker.replace(name, new)
        assert broker.order(new.client_order_id) is None
        assert not broker.open_orders()

    def test_21_exits_of_a_bracket_are_seen_and_know_their_entry(self) -> None:
        """They have ids of the venue, before the entry is executed and after."""
        broker = self.make_broker()
        if (entry := self.bracketed(broker)) is None:
            return
        children = found(broker, entry).children
        assert {child.order_type for child in children} == {OrderType.LIMIT, OrderType.STOP}
        assert {child.parent for child in children} == {found(broker, entry).venue_order_id}
        names = {child.client_order_id for child in children}
        assert len(names | {entry.client_order_id}) == 3
        assert {o.client_order_id for o in broker.open_orders()} == names | {entry.client_order_id}
        self.execute(broker)
        assert {o.client_order_id for o in broker.open_orders()} == names

    def test_22_one_exit_executed_ends_the_other(self) -> None:
        """The position is closed once."""
        broker = self.make_broker()
        if (entry := self.bracketed(broker)) is None:
            return
        self.execute(broker)
        self.set_price(broker, self.at("1.11"))
        children = found(broker, entry).children
        by_type = {child.order_type: child.status for child in children}
        assert by_type[OrderType.LIMIT] is OrderStatus.FILLED
        assert by_type[OrderType.STOP] is OrderStatus.CANCELED
        assert dict(broker.positions()) == {}
        assert not broker.open_orders()

    def test_23_cancel_of_an_entry_ends_its_exits(self) -> None:
        """Nothing is left that could open a position."""
        broker = self.make_broker()
        if (entry := self.bracketed(broker)) is None:
            return
        broker.cancel(entry.client_order_id)
        assert not broker.open_orders()
        assert all(child.status.is_final for child in found(broker, entry).children)

    def test_24_part_of_an_order_is_executed_and_the_rest_goes_on(self) -> None:
        """Status, quantity, position and cursor tell the same."""
        broker = self.make_broker()
        intent = self.part_of(broker)
        order = found(broker, intent)
        assert (order.status, order.filled_quantity) == (OrderStatus.PARTIAL, PART)
        assert dict(broker.positions()) == {self.symbol: Decimal(4)}
        seen = broker.fills()
        assert sum(fill.quantity for fill in seen) == 4
        self.execute(broker)
        assert found(broker, intent).status is OrderStatus.FILLED
        rest = broker.fills(after=seen[-1].fill_id)
        assert sum(fill.quantity for fill in rest) == 6
        assert ids(broker.fills()) == ids([*seen, *rest])

    def test_25_cancel_after_a_part_keeps_what_was_executed(self) -> None:
        """The position stays, and nothing more comes."""
        broker = self.make_broker()
        intent = self.part_of(broker)
        broker.cancel(intent.client_order_id)
        order = found(broker, intent)
        assert (order.status, order.filled_quantity) == (OrderStatus.CANCELED, PART)
        self.execute(broker)
        assert dict(broker.positions()) == {self.symbol: Decimal(4)}

    def test_26_cursors_neither_skip_nor_make_up(self) -> None:
        """An id that the venue never gave is an error, and not an empty answer."""
        broker = self.make_broker()
        activities = broker.activities()
        names = [activity.activity_id for activity in activities]
        assert len(set(names)) == len(names)
        for number, activity in enumerate(activities):
            rest = broker.activities(after=activity.activity_id)
            assert [one.activity_id for one in rest] == names[number + 1 :]
        for ask in (broker.fills, broker.activities):
            with refused():
                ask(after="no-such-id")

    def test_27_stream_tells_each_execution_under_the_id_of_the_list(self) -> None:
        """A venue without a stream tells nothing; one with it leaves nothing out."""
        broker = self.make_broker()
        intent = self.intent(broker)
        broker.submit(intent)
        self.execute(broker)
        updates = self.updates_of(broker)
        if not broker.capabilities.has_stream:
            assert not updates
            return
        told = [update.fill for update in updates if update.fill is not None]
        assert ids(told) == ids(broker.fills())
        assert not [update.problem for update in updates if update.problem]
        last = [update.order for update in updates if update.order is not None][-1]
        assert (last.client_order_id, last.status) == (intent.client_order_id, OrderStatus.FILLED)
        assert not broker.updates()

    def test_28_connection_stands_and_hours_are_in_their_order(self) -> None:
        """A venue without hours says so."""
        broker = self.make_broker()
        self.updates_of(broker)
        assert broker.connection().is_up
        assert not broker.connection().problem
        session = broker.session()
        if session is None:
            return
        assert session.at.utcoffset() is not None
        assert min(session.next_open, session.next_close) > session.at
        assert session.is_open == (session.next_close < session.next_open)

    def test_29_quantities_are_exact_to_the_last_digit(self) -> None:
        """0.1 and 0.2 are 0.3; nine decimals come back as they went."""
        broker = self.make_broker()
        for number, quantity in enumerate(self.fractions):
            broker.submit(self.intent(broker, f"part {number}", quantity=quantity))
            self.execute(broker)
        held = broker.positions().get(self.symbol, Decimal(0))
        assert held == sum(self.fractions, Decimal(0))
        assert [fill.quantity for fill in broker.fills()] == list(self.fractions)

    def test_30_opposite_orders_are_both_taken_or_one_isrefused(self) -> None:
        """A venue that fears wash trades says no; the first order stays."""
        broker = self.make_broker()
        self.buy(broker)
        first = self.resting(broker)
        broker.submit(first)
        second = self.intent(broker, "opposite", side=Side.SELL)
        try:
            broker.submit(second)
            refusal = ""
        except OrderRejected as error:
            refusal = error.code or "without a code"
        assert (broker.order(second.client_order_id) is None) == bool(refusal)
        assert not found(broker, first).status.is_final

    def test_31_order_sent_again_after_its_execution_is_not_executed_again(self) -> None:
        """The answer is how it stands now."""
        broker = self.make_broker()
        intent = self.intent(broker)
        first = broker.submit(intent)
        self.execute(broker)
        again = broker.submit(intent)
        assert again.venue_order_id == first.venue_order_id
        assert again.status is OrderStatus.FILLED
        self.execute(broker)
        assert dict(broker.positions()) == {self.symbol: intent.quantity}

    def test_32_order_for_now_or_never_leaves_nothing_open(self) -> None:
        """Out of reach, it ends without an execution, unless the venue refuses it."""
        broker = self.make_broker()
        for tif in (TimeInForce.IOC, TimeInForce.FOK):
            intent = replace(self.resting(broker, tif), time_in_force=tif)
            if tif not in broker.capabilities.times_in_force:
                with refused(OrderRejected):
                    broker.submit(intent)
                continue
            broker.submit(intent)
            self.execute(broker)
            assert found(broker, intent).status in (OrderStatus.CANCELED, OrderStatus.EXPIRED)
        assert not broker.open_orders()
        assert not broker.fills()

    def test_33_limit_is_never_passed(self) -> None:
        """A limit order is executed when the price comes, at its limit or better."""
        broker = self.make_broker()
        intent = replace(self.resting(broker), limit_price=self.at("0.95"))
        broker.submit(intent)
        self.set_price(broker, self.at("0.97"))
        assert not broker.fills()
        self.set_price(broker, self.at("0.94"))
        assert found(broker, intent).status is OrderStatus.FILLED
        assert all(fill.price <= self.at("0.95") for fill in broker.fills())

    def test_34_fills_name_order_and_progress(self) -> None:
        """The order's average price, and the account's, are those of its fills."""
        broker = self.make_broker()
        intent = self.part_of(broker)
        self.execute(broker)
        fills, order = broker.fills(), found(broker, intent)
        assert {fill.venue_order_id for fill in fills} == {order.venue_order_id}
        assert [fill.cumulative for fill in fills][-1] == intent.quantity
        paid = sum((fill.quantity * fill.price for fill in fills), Decimal(0)) / intent.quantity
        tolerance = Decimal("0.0001")
        assert order.average_price is not None
        assert abs(order.average_price - paid) <= tolerance
        assert abs(broker.account().entry_prices[self.symbol] - paid) <= tolerance

    def test_35_open_order_takes_buying_power_and_a_cancel_gives_it_back(self) -> None:
        """As far as the venue tells of it."""
        broker = self.make_broker()
        before = broker.account().buying_power
        if before is None:
            return
        intent = self.resting(broker)
        broker.submit(intent)
        during = broker.account().buying_power
        assert during is not None
        assert during < before
        broker.cancel(intent.client_order_id)
        assert broker.account().buying_power == before
