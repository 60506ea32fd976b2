"""Lost answers, deaths and restarts: one order, one fill, and the books agree."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from alphalens.errors import BrokerError
from alphalens.execution import reconcile
from alphalens.risk import ReasonCode, TradingState
from alphalens.storage import open_engine
from alphalens.testing.faults import Fault, FlakyBroker, Killed
from alphalens.trading import Fill, OrderStatus, Side
from alphalens.trading.events import EventKind

from .conftest import Desk

F, S = Fault, OrderStatus


class Polled(FlakyBroker):
    """A venue that tells nothing by itself."""

    @property
    def capabilities(self):
        return replace(super().capabilities, has_stream=False)

    def updates(self):
        return ()


def check_invariants(desk, session) -> None:
    """What must hold after every fault, when all is settled."""
    assert reconcile(desk.venue, session.ledger) == ()
    fills = session.journal.fills()
    spent = sum((f.signed_quantity * f.price + f.fee for f in fills), Decimal(0))
    assert session.ledger.cash == 10_000 - spent
    assert len({f.fill_id for f in fills}) == len(fills)
    for order in session.journal.orders():
        theirs = desk.venue.order(order.client_order_id)
        if theirs is not None and theirs.status.is_final:
            assert order.status.is_final
    session.journal.verify()


def alert_codes(session):
    return [alert.code for alert in session.journal.alerts()]


@pytest.mark.parametrize("fault", [F.LOST_AFTER, F.LOST_BEFORE])
def test_order_without_an_answer_is_unknown_reserved_and_told(desk, fault):
    session = desk.open(FlakyBroker(desk.venue, on_submit={0: fault}), grace=timedelta(seconds=5))
    (order,) = session.submit([desk.intent()])
    assert order.status is S.UNKNOWN
    assert session.book_view().open_buys == {"A": 10}
    assert alert_codes(session) == ["order_unknown"]


def test_answer_that_was_lost_is_found_by_the_look_up_and_nothing_is_sent_again(desk):
    line = FlakyBroker(desk.venue, on_submit={0: F.LOST_AFTER})
    session = desk.open(line)
    session.submit([desk.intent()])
    (order,) = session.submit([desk.intent()])
    assert order.status is S.ACCEPTED
    assert len(line.sent) == 1
    desk.next_day(session)
    check_invariants(desk, session)
    assert desk.held() == {"A": 10}


def test_order_that_never_arrived_goes_out_again_under_its_id_once(desk):
    line = FlakyBroker(desk.venue, on_submit={0: F.LOST_BEFORE})
    session = desk.open(line)
    session.submit([desk.intent()])
    (order,) = session.submit([desk.intent()])
    assert (order.status, order.attempts) == (S.ACCEPTED, 2)
    assert len(line.sent) == 1
    desk.next_day(session)
    check_invariants(desk, session)
    assert desk.held() == {"A": 10}


def test_order_that_never_arrived_may_pass_the_gate_again(desk):
    session = desk.open(FlakyBroker(desk.venue, on_submit={0: F.LOST_BEFORE}))
    session.submit([desk.intent()])
    session.collect_fills()
    (again,) = session.assess([desk.intent()])
    assert (again.verdict.is_approved, again.status) == (True, S.UNKNOWN)
    assert session.book_view().open_buys == {}
    assert alert_codes(session) == ["order_unknown", "order_absent"]


def test_refusal_of_the_second_attempt_is_no_proof_that_the_first_did_not_arrive(desk):
    line = FlakyBroker(desk.venue, on_submit={0: F.LOST_BEFORE, 1: F.REFUSED})
    session = desk.open(line)
    session.submit([desk.intent()])
    (order,) = session.submit([desk.intent()])
    assert order.status is S.UNKNOWN
    assert "refused attempt 2" in order.note
    desk.venue.submit(desk.intent())  # the first attempt, late on the line
    assert session.submit([desk.intent()])[0].status is S.ACCEPTED


def test_canceled_order_with_an_unbooked_fill_stays_open_until_it_is_booked(desk):
    class PartlyFilled(FlakyBroker):
        def order(self, client_order_id):
            answer = super().order(client_order_id)
            return replace(answer, status=S.CANCELED, filled_quantity=Decimal(4))

    session = desk.open(PartlyFilled(desk.venue, on_submit={0: F.LOST_AFTER}))
    (order,) = session.submit([desk.intent()])
    (order,) = session.submit([desk.intent()])
    assert order.status is S.ACCEPTED
    assert session.book_view().open_buys == {"A": 10}


def test_answer_that_says_filled_moves_nothing_before_its_execution_is_seen(desk):
    class Hasty(FlakyBroker):
        def submit(self, intent):
            return replace(super().submit(intent), status=S.FILLED, filled_quantity=Decimal(10))

    session = desk.open(Hasty(desk.venue))
    (order,) = session.submit([desk.intent()])
    assert (order.status, order.filled_quantity) == (S.ACCEPTED, 0)
    assert session.book_view().open_buys == {"A": 10}
    assert session.ledger.positions == {}


def test_order_is_not_closed_before_its_executions_have_come(desk):
    class Slow(Polled):
        is_late = True

        def fills(self, *, after=""):
            return () if self.is_late else super().fills(after=after)

    line = Slow(desk.venue)
    session = desk.open(line)
    session.submit([desk.intent()])
    desk.next_day(session)
    assert session.journal.orders()[0].status is S.ACCEPTED
    assert session.book_view().open_buys == {"A": 10}
    line.is_late = False
    session.collect_fills()
    assert session.journal.orders()[0].status is S.FILLED
    check_invariants(desk, session)


def test_order_that_never_arrived_twice_expires_and_is_not_sent_a_third_time(desk):
    line = FlakyBroker(desk.venue, on_submit={0: F.LOST_BEFORE, 1: F.LOST_BEFORE})
    session = desk.open(line)
    for _ in range(4):
        (order,) = session.submit([desk.intent()])
    assert order.status is S.EXPIRED
    assert "no such order after 2 attempts" in order.note
    assert line.sent == []


def test_no_such_order_is_not_believed_within_the_grace_period(desk):
    line = FlakyBroker(desk.venue, on_submit={0: F.LOST_BEFORE})
    session = desk.open(line, grace=timedelta(seconds=5))
    session.submit([desk.intent()])
    (order,) = session.submit([desk.intent()])
    assert (order.status, order.is_absent, order.attempts) == (S.UNKNOWN, False, 1)
    desk.clock.advance_to(desk.clock.now() + timedelta(seconds=5))
    (order,) = session.submit([order.intent])
    assert (order.status, order.attempts) == (S.ACCEPTED, 2)


def test_symbol_of_an_unknown_order_is_blocked_and_others_are_not(desk):
    line = FlakyBroker(desk.venue, on_submit={0: F.LOST_BEFORE})
    session = desk.open(line, grace=timedelta(seconds=5))
    session.submit([desk.intent()])
    other, same = session.submit([desk.intent("B"), desk.intent("A", leg="more")])
    assert (other.status, same.status) == (S.ACCEPTED, S.REFUSED)
    assert ReasonCode.UNRESOLVED in [reason.code for reason in same.reasons]


def test_order_that_never_arrived_is_not_sent_again_once_trading_is_halted(desk):
    line = FlakyBroker(desk.venue, on_submit={0: F.LOST_BEFORE})
    session = desk.open(line)
    session.submit([desk.intent()])
    session.halt(by="ann", reason="fire")
    (order,) = session.submit([desk.intent()])
    assert order.status is S.EXPIRED
    assert "may not go out again: halted" in order.note
    assert line.sent == []


def test_order_that_never_arrived_expires_with_its_cycle(desk):
    line = FlakyBroker(desk.venue, on_submit={0: F.LOST_BEFORE})
    session = desk.open(line)
    session.submit(session.plan(desk.target(A=0.1), cycle_id="c1"))
    session.collect_fills()
    session.finish_cycle("c1")
    assert session.journal.orders()[0].status is S.EXPIRED


def test_look_up_that_fails_leaves_the_order_unknown(desk):
    line = Polled(
        desk.venue, on_submit={0: F.KILLED_AFTER}, on_order={0: F.LOST_BEFORE, 1: F.REFUSED}
    )
    session = desk.open(line)
    with pytest.raises(Killed):
        session.submit([desk.intent()])
    assert session.submit([desk.intent()])[0].status is S.UNKNOWN
    assert "the venue does not say" in session.journal.orders()[0].note
    assert session.submit([desk.intent()])[0].status is S.UNKNOWN
    assert session.submit([desk.intent()])[0].status is S.ACCEPTED
    assert len(line.sent) == 1


@pytest.mark.parametrize("fault", [F.KILLED_BEFORE, F.KILLED_AFTER])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_death_around_a_send_and_a_restart_give_one_order_and_one_fill(desk, fault, number):
    line = FlakyBroker(desk.venue, on_submit={number: fault})
    first = desk.open(line)
    plan = first.plan(desk.target(A=0.3, B=-0.2, C=0.1), cycle_id="c1")
    with pytest.raises(Killed):
        first.submit(plan)
    second = desk.new_session(line)
    report = second.start()
    assert report.is_resumed
    assert [order.client_order_id for order in report.resolved] == [plan[number].client_order_id]
    assert second.unfinished_cycle == "c1"
    second.submit(second.plan_for("c1"))
    second.finish_cycle("c1")
    desk.next_day(second)
    assert sorted(line.sent) == sorted({intent.client_order_id for intent in plan})
    assert len(desk.venue.fills()) == 3
    assert desk.held() == {"A": 30, "B": -20, "C": 10}
    check_invariants(desk, second)


def test_restart_reads_the_plan_and_not_the_moved_prices(desk):
    line = FlakyBroker(desk.venue, on_submit={1: F.KILLED_BEFORE})
    first = desk.open(line)
    plan = first.plan(desk.target(A=0.3, B=0.3), cycle_id="c1")
    with pytest.raises(Killed):
        first.submit(plan)
    desk.next_day(A="104", B="104")
    second = desk.open(line)
    assert second.plan(desk.target(A=0.3, B=0.3), cycle_id="c1") == plan
    second.submit(plan)
    desk.next_day(second)
    assert desk.held() == {"A": 30, "B": 30}
    check_invariants(desk, second)


def test_restart_restores_ledger_marks_prices_and_approvals(desk):
    first = desk.open()
    first.submit([desk.intent()])
    desk.next_day(first, A="120")
    first.approve(desk.intent("B"), by="ann", reason="seen")
    second = desk.new_session()
    second.start()
    assert second.ledger.positions == first.ledger.positions
    assert second.ledger.cash == first.ledger.cash
    assert second.last_mark == first.last_mark
    assert second.prices == first.prices
    assert second.book_view() == first.book_view()


def test_fills_missed_while_away_are_booked_at_the_start(desk):
    first = desk.open()
    first.submit([desk.intent()])
    desk.next_day()
    second = desk.new_session()
    assert second.start().differences == ()
    assert second.ledger.quantity("A") == 10
    check_invariants(desk, second)


def test_fills_are_booked_once_however_often_they_are_collected(desk):
    session = desk.open()
    session.submit([desk.intent()])
    desk.next_day(session)
    assert session.collect_fills() == ()
    assert len(session.journal.fills()) == 1


class Gossip(Polled):
    """A venue that adds executions of its own to the list."""

    extra: tuple[Fill, ...] = ()

    def fills(self, *, after=""):
        return [*super().fills(after=after if after.startswith("P1-") else ""), *self.extra]


def test_repeated_fill_is_ignored_and_a_contradicting_one_is_told(desk):
    line = Gossip(desk.venue)
    session = desk.open(line)
    session.submit([desk.intent()])
    desk.next_day(session)
    (fill,) = session.journal.fills()
    line.extra = (fill, replace(fill, quantity=Decimal(99)))
    assert session.collect_fills() == ()
    assert alert_codes(session) == ["fill_conflict"]
    check_invariants(desk, session)


@pytest.mark.parametrize(
    ("order", "units", "code"), [("al-foreign", 5, "foreign_fill"), (None, 25, "overfill")]
)
def test_execution_we_did_not_expect_is_booked_and_told(desk, order, units, code):
    line = Gossip(desk.venue)
    session = desk.open(line)
    (sent,) = session.submit([desk.intent()])
    line.extra = (
        Fill(
            fill_id="x1",
            client_order_id=order or sent.client_order_id,
            symbol="A",
            side=Side.BUY,
            quantity=Decimal(units),
            price=Decimal(100),
            at=desk.clock.now(),
        ),
    )
    session.collect_fills()
    assert session.ledger.quantity("A") == units
    assert alert_codes(session) == [code]


def test_fill_that_arrives_before_the_answer_settles_the_unknown_order(desk):
    line = FlakyBroker(desk.venue, on_submit={0: F.LOST_AFTER}, on_order={0: F.LOST_BEFORE})
    session = desk.open(line)
    session.submit([desk.intent()])
    desk.next_day(session)
    assert session.journal.orders()[0].status is S.FILLED
    check_invariants(desk, session)


def test_fill_after_a_cancel_is_booked(desk):
    session = desk.open()
    (order,) = session.submit([desk.intent()])

    class LateFill(Gossip):
        extra = (
            Fill(
                fill_id="late",
                client_order_id=order.client_order_id,
                symbol="A",
                side=Side.BUY,
                quantity=Decimal(10),
                price=Decimal(100),
                at=desk.clock.now(),
            ),
        )

    session.cancel(order.client_order_id)
    late = desk.new_session(LateFill(desk.venue))
    late.start()
    assert late.journal.orders()[0].status is S.FILLED
    assert late.ledger.quantity("A") == 10


def test_order_that_vanished_at_the_venue_stays_reserved_and_is_told(desk):
    session = desk.open()
    session.submit([desk.intent()])

    class Forgetful(FlakyBroker):
        def open_orders(self):
            return ()

        def order(self, client_order_id):
            return None

    other = desk.new_session(Forgetful(desk.venue))
    other.start()
    assert "order_vanished" in alert_codes(other)
    other.mark(desk.prices)
    assert other.book_view().open_buys == {"A": 10}


def test_start_with_a_position_we_know_nothing_of_halts_and_invents_nothing(desk):
    desk.open()

    class Mismatch(FlakyBroker):
        def positions(self):
            return {"A": Decimal(7)}

    session = desk.new_session(Mismatch(desk.venue))
    (difference,) = session.start().differences
    assert (difference.symbol, difference.ours, difference.theirs) == ("A", 0, 7)
    assert session.state is TradingState.HALTED
    assert (
        "position of A: our ledger says 0, the venue says 7" in session.journal.alerts()[0].message
    )
    assert session.ledger.positions == {}


def test_start_without_an_answer_about_positions_trades_nothing(desk):
    class Silent(FlakyBroker):
        def positions(self):
            raise BrokerError("503")

    session = desk.new_session(Silent(desk.venue))
    with pytest.raises(BrokerError):
        session.start()
    with pytest.raises(Exception, match="call start"):
        session.submit([desk.intent()])


def test_answer_whose_status_cannot_follow_changes_nothing(desk):
    session = desk.open()
    (order,) = session.submit([desk.intent()])
    desk.next_day(session)
    answer = {
        "client_order_id": order.client_order_id,
        "venue_order_id": "",
        "status": S.CANCELED,
        "reason": "late news",
    }
    session.journal.append(EventKind.ORDER_CLOSED, answer, "c1")
    assert session.journal.orders()[0].status is S.FILLED


class LossyDesk(RuleBasedStateMachine):
    """Days of trading over a line that loses, kills and refuses at random."""

    @initialize()
    def begin(self) -> None:
        self.desk = Desk(Path(), open_engine("sqlite://"))
        self.line = FlakyBroker(self.desk.venue)
        self.session = self.desk.open(self.line)
        self.cycle = 0

    @rule(
        units=st.lists(st.integers(-30, 30).filter(bool), min_size=1, max_size=3),
        faults=st.dictionaries(st.integers(0, 3), st.sampled_from(list(F)), max_size=2),
        lookups=st.dictionaries(st.integers(0, 4), st.sampled_from(list(F)), max_size=2),
    )
    def trade(self, units, faults, lookups) -> None:
        self.cycle += 1
        intents = [
            self.desk.intent(symbol, str(n), f"c{self.cycle}")
            for symbol, n in zip("ABC", units, strict=False)
        ]
        before = list(self.line.sent)
        self.line = FlakyBroker(self.desk.venue, on_submit=faults, on_order=lookups)
        self.line.sent = before
        for _ in range(8):
            try:
                self.session = self.desk.open(self.line)
                self.session.submit(intents)
            except (Killed, BrokerError):
                continue
            break

    @rule(price=st.integers(95, 105))
    def day(self, price) -> None:
        self.desk.next_day(A=str(price))
        self.session = self.desk.open(self.desk.venue)

    @rule()
    def cancel(self) -> None:
        self.session = self.desk.open(self.desk.venue)
        self.session.cancel_all()

    @invariant()
    def venue_was_sent_each_order_once(self) -> None:
        if hasattr(self, "line"):
            assert len(set(self.line.sent)) == len(self.line.sent)

    @invariant()
    def books_agree_once_settled(self) -> None:
        if hasattr(self, "session"):
            settled = self.desk.open(self.desk.venue)
            settled.collect_fills()
            check_invariants(self.desk, settled)
            self.session = settled

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            self.desk.engine.dispose()


TestLossyDesk = LossyDesk.TestCase
TestLossyDesk.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)


def test_attempt_that_the_process_died_in_does_not_count(desk):
    line = FlakyBroker(desk.venue, on_submit={0: F.LOST_BEFORE, 1: F.KILLED_BEFORE})
    first = desk.open(line)
    first.submit([desk.intent()])
    with pytest.raises(Killed):
        first.submit([desk.intent()])
    second = desk.open(line)
    (order,) = second.submit([desk.intent()])
    assert (order.status, order.attempts) == (S.ACCEPTED, 3)
    assert line.sent == [order.client_order_id]
    desk.next_day(second)
    check_invariants(desk, second)


def test_refusal_of_a_second_attempt_stands_once_the_venue_has_no_such_order(desk):
    line = FlakyBroker(desk.venue, on_submit={0: F.LOST_BEFORE, 1: F.REFUSED})
    session = desk.open(line)
    for _ in range(3):
        (order,) = session.submit([desk.intent()])
    assert order.status is S.REJECTED
    assert "the venue said no" in order.note
    assert alert_codes(session)[-1] == "order_rejected"
    assert line.sent == []
