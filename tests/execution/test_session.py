from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest

from alphalens.assets import Equity, Option
from alphalens.errors import (
    AuditError,
    BrokerError,
    ConfigError,
    InputError,
    StorageError,
    TradingHalted,
)
from alphalens.execution import Journal, JournalReader
from alphalens.risk import ReasonCode, RiskLimits, TradingState
from alphalens.storage import open_engine, writing
from alphalens.storage.schema import journal
from alphalens.testing.faults import Fault, FlakyBroker
from alphalens.trading import OrderStatus, Side
from alphalens.trading.events import AlertEvent, EventKind, Severity
from alphalens.trading.orders import Leg, OrderClass, OrderType, TimeInForce
from alphalens.trading.targets import Structure

from .conftest import T0, WIDE

S, T = OrderStatus, TradingState
ASKING = replace(WIDE, approval_above=Decimal("0.05"))


def statuses(records):
    return [record.status for record in records]


def kinds(session, **query):
    return [record.kind for record in session.journal.records(**query)]


def test_cycle_from_target_to_filled_book(desk):
    session = desk.open()
    intents = session.plan(desk.target(A=0.5, B=-0.2), cycle_id="c1")
    assert all(one.verdict.is_approved for one in session.assess(intents))
    assert statuses(session.submit(intents)) == [S.ACCEPTED, S.ACCEPTED]
    session.finish_cycle("c1", {"orders": 2})
    desk.next_day(session, A="110")
    assert statuses(session.journal.orders()) == [S.FILLED, S.FILLED]
    assert desk.held() == {"A": 50, "B": -20}
    assert session.ledger.cash == desk.venue.account().cash
    assert session.last_mark.equity == session.ledger.equity(desk.prices)


def test_record_of_a_cycle_tells_it_in_order(desk):
    session = desk.open()
    session.submit(session.plan(desk.target(A=0.5), cycle_id="c1"))
    session.finish_cycle("c1")
    assert kinds(session, cycle_id="c1") == [
        EventKind.CYCLE_PLANNED,
        EventKind.ORDER_INTENDED,
        EventKind.ORDER_ANSWERED,
        EventKind.CYCLE_FINISHED,
    ]


def test_two_runs_alike_have_the_same_journal_head(tmp_path):
    from .conftest import Desk

    def head(folder):
        folder.mkdir()
        desk = Desk(folder)
        session = desk.open(limits=ASKING)
        for number, price in enumerate(("110", "90", "105")):
            intents = session.plan(desk.target(A=0.5, B=-0.03 * number), cycle_id=f"c{number}")
            for one in session.request_approvals(intents):
                if one.verdict.needs_approval:
                    session.approve(one.intent, by="ann", reason="seen")
            session.submit(intents)
            session.finish_cycle(f"c{number}")
            desk.next_day(session, A=price)
        session.finish_run()
        desk.engines[0].dispose()
        return session.journal.head, session.journal.length

    assert head(tmp_path / "one") == head(tmp_path / "two")


def test_nothing_is_sent_before_the_start(desk):
    session = desk.new_session()
    for call in (lambda: session.submit([desk.intent()]), session.collect_fills):
        with pytest.raises(TradingHalted, match="call start"):
            call()
    with pytest.raises(TradingHalted, match="call start"):
        _ = session.ledger


def test_nothing_is_sent_after_the_run_was_finished(desk):
    session = desk.open()
    session.finish_run({"why": "done"})
    with pytest.raises(TradingHalted):
        session.submit([desk.intent()])


def test_account_that_moves_real_money_is_refused(desk):
    class Live(FlakyBroker):
        def account(self):
            return replace(super().account(), is_live=True)

    with pytest.raises(ConfigError, match="P1 moves real money"):
        desk.open(Live(desk.venue))


def test_journal_of_another_account_is_refused(desk):
    desk.open()

    class Other(FlakyBroker):
        def account(self):
            return replace(super().account(), account_id="P2")

    with pytest.raises(ConfigError, match="belongs to account P1, the venue says P2"):
        desk.open(Other(desk.venue))


def test_edited_journal_is_not_opened(desk):
    session = desk.open()
    with writing(session.journal.engine) as connection:
        connection.execute(journal.update().where(journal.c.seq == 1).values(run_id="x"))
    with pytest.raises(AuditError, match="record 1"):
        desk.new_session()


def test_plan_is_stored_once_and_read_again_whatever_the_target_says(desk):
    session = desk.open()
    first = session.plan(desk.target(A=0.5), cycle_id="c1")
    desk.next_day(session, A="200")
    assert session.plan(desk.target(B=0.9), cycle_id="c1") == first
    assert session.plan_for("c1") == first
    assert session.plan_for("c2") is None


def test_new_cycle_waits_until_the_last_one_is_finished(desk):
    session = desk.open()
    session.plan(desk.target(A=0.5), cycle_id="c1")
    assert session.unfinished_cycle == "c1"
    with pytest.raises(InputError, match="cycle c1 is unfinished"):
        session.plan(desk.target(A=0.5), cycle_id="c2")
    session.finish_cycle("c1")
    assert session.unfinished_cycle is None
    assert session.plan(desk.target(A=0.5), cycle_id="c2")


def test_the_end_of_another_cycle_leaves_the_unfinished_one_unfinished(desk):
    session = desk.open()
    session.plan(desk.target(A=0.5), cycle_id="c1")
    session.finish_cycle("c2", {"why": "nothing was planned in it"})
    for opened in (session, desk.open()):
        assert opened.unfinished_cycle == "c1"
        with pytest.raises(InputError, match="cycle c1 is unfinished"):
            opened.plan(desk.target(A=0.5), cycle_id="c3")


def test_assess_records_and_sends_nothing(desk):
    session = desk.open()
    before = session.journal.head
    session.assess([desk.intent()])
    assert session.journal.head == before
    assert not desk.venue.open_orders()


def test_assess_counts_each_order_for_those_after_it_as_submit_does(desk):
    limits = replace(WIDE, max_gross=Decimal("1.5"), max_position=Decimal(1), max_net=Decimal(1))
    session = desk.open(limits=limits)
    intents = [desk.intent("A", "80"), desk.intent("B", "-80"), desk.intent("C", "70")]
    intents[1] = replace(intents[1], quantity=Decimal(60))
    foreseen = [one.verdict.is_approved for one in session.assess(intents)]
    assert foreseen == [True, True, False]
    assert statuses(session.submit(intents)) == [S.ACCEPTED, S.ACCEPTED, S.REFUSED]


def test_refusal_vanishes_with_the_limits_doubled(desk):
    limits = RiskLimits(approval_above=None)
    strict = desk.open(limits=limits)
    assert strict.assess([desk.intent(units="15")])[0].verdict.is_refused
    wide = desk.open(limits=limits.scaled(Decimal(2)))
    assert wide.assess([desk.intent(units="15")])[0].verdict.is_approved


def test_refused_order_is_recorded_with_all_reasons_and_changes_no_state(desk):
    session = desk.open(limits=RiskLimits())
    (order,) = session.submit([desk.intent(units="50")])
    codes = [reason.code for reason in order.reasons]
    assert order.status is S.REFUSED
    assert codes == [ReasonCode.MAX_ORDER, ReasonCode.MAX_POSITION, ReasonCode.NEEDS_APPROVAL]
    assert session.state is T.ACTIVE
    assert not order.was_sent
    assert session.journal.orders(status=S.REFUSED) == (order,)


def test_refused_order_stays_refused_when_it_is_submitted_again(desk):
    session = desk.open(limits=RiskLimits())
    (order,) = session.submit([desk.intent(units="50")])
    length = session.journal.length
    assert session.submit([order.intent]) == (order,)
    assert session.assess([order.intent])[0].verdict.reasons == order.reasons
    assert session.journal.length == length


def test_submitting_twice_sends_once(desk):
    line = FlakyBroker(desk.venue)
    session = desk.open(line)
    first = session.submit([desk.intent()])
    assert session.submit([desk.intent()]) == first
    assert len(line.sent) == 1


def test_two_threads_submit_the_same_order_and_it_is_sent_once(desk):
    line, barrier = FlakyBroker(desk.venue), Barrier(2)
    session = desk.open(line)

    def submit():
        barrier.wait()
        session.submit([desk.intent()])

    threads = [Thread(target=submit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(line.sent) == 1


def test_same_id_with_another_quantity_is_an_error_and_nothing_of_the_batch_is_sent(desk):
    line = FlakyBroker(desk.venue)
    session = desk.open(line)
    session.submit([desk.intent()])
    with pytest.raises(InputError, match="cannot become buy 11 A, which differs in quantity: read"):
        session.submit([desk.intent("B"), desk.intent(units="11")])
    assert len(line.sent) == 1


def test_order_the_venue_refuses_is_rejected_with_its_reason_and_an_alert(desk):
    session = desk.open(FlakyBroker(desk.venue, on_submit={0: Fault.REFUSED}))
    (order,) = session.submit([desk.intent()])
    assert order.status is S.REJECTED
    assert "the venue said no" in order.note
    assert [alert.code for alert in session.journal.alerts()] == ["order_rejected"]
    assert session.submit([order.intent]) == (order,)


def test_expired_order_is_closed_and_no_longer_reserved(desk):
    session = desk.open()
    session.submit([desk.intent("C")])
    assert session.book_view().open_buys == {"C": 10}
    del desk.prices["C"]
    desk.next_day(session)
    assert statuses(session.journal.orders()) == [S.EXPIRED]
    assert session.book_view().open_buys == {}


def test_mark_values_the_book_and_keeps_the_peak(desk):
    session = desk.open()
    session.submit([desk.intent(units="50")])
    desk.next_day(session)
    desk.next_day(session, A="120")
    desk.next_day(session, A="108")
    high, low = session.journal.marks()[-2:]
    assert (high.gross, high.net, high.drawdown) == (6000, 6000, 0)
    assert low.equity == high.equity - 600
    assert low.drawdown == (high.equity - low.equity) / high.equity


@pytest.mark.parametrize(
    ("prices", "shift", "message"),
    [
        ({"A": Decimal(0)}, 0, "price of A must be positive, got 0"),
        ({"A": Decimal("NaN")}, 0, "price of A must be positive, got NaN"),
        ({}, 1, "after the present"),
        ({}, -1, "before the last one"),
    ],
)
def test_impossible_mark_is_refused_and_not_stored(desk, prices, shift, message):
    session = desk.open()
    with pytest.raises(InputError, match=message):
        session.mark(prices, T0 + timedelta(hours=shift))
    assert len(session.journal.marks()) == 1


def test_mark_at_a_naive_instant_is_refused(desk):
    with pytest.raises(InputError, match="time zone"):
        desk.open().mark({}, T0.replace(tzinfo=None))


def test_position_that_never_had_a_price_is_valued_at_what_was_paid_and_not_traded(desk):
    session = desk.new_session()
    session.start()
    desk.venue.submit(desk.intent())
    desk.next_day()
    session.collect_fills()
    mark = session.mark({"B": Decimal(1)})
    assert mark.equity == session.ledger.cash + 10 * session.journal.fills()[0].price
    (order,) = session.submit([desk.intent("A", "-5", leg="out")])
    assert ReasonCode.NO_PRICE in [reason.code for reason in order.reasons]


def test_stale_price_refuses_the_order(desk):
    session = desk.open()
    desk.clock.advance_to(T0 + timedelta(hours=1))
    (order,) = session.submit([desk.intent()])
    assert [reason.code for reason in order.reasons] == [ReasonCode.STALE_PRICE]


def test_book_over_its_gross_by_market_move_goes_to_reducing_and_back(desk):
    session = desk.open(
        limits=replace(
            WIDE, max_gross=Decimal("0.55"), max_net=Decimal("0.55"), max_position=Decimal("0.55")
        )
    )
    session.submit([desk.intent(units="50")])
    desk.next_day(session)
    desk.next_day(session, A="130")
    assert session.state is T.REDUCING
    flip, close = desk.intent(units="-60", leg="flip"), desk.intent(units="-20", leg="close")
    assert statuses(session.submit([flip, close])) == [S.REFUSED, S.ACCEPTED]
    desk.next_day(session)
    assert session.state is T.ACTIVE
    changes = [r.payload for r in session.journal.records(kind=EventKind.STATE_CHANGED)]
    assert [(c["from"], c["to"]) for c in changes] == [
        ("active", "reducing"),
        ("reducing", "active"),
    ]
    assert "max_gross: the book reaches" in changes[0]["reason"]


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"max_daily_loss": Decimal("0.04")}, "max_daily_loss"),
        ({"max_drawdown": Decimal("0.04")}, "max_drawdown"),
    ],
)
def test_loss_halts_until_a_person_resumes_with_higher_limits(desk, limits, code):
    session = desk.open(limits=replace(WIDE, **limits))
    session.submit([desk.intent(units="50")])
    desk.next_day(session)
    desk.next_day(session, A="90")
    assert session.state is T.HALTED
    assert code in session.journal.alerts()[-1].message
    closing = desk.intent(units="-10", leg="close")
    assert statuses(session.submit([closing])) == [S.REFUSED]
    session.resume(by="ann", reason="all is well")
    session.mark(desk.prices)
    assert session.state is T.HALTED
    calm = desk.open(limits=WIDE)
    calm.resume(by="ann", reason="limits raised")
    calm.mark(desk.prices)
    assert calm.state is T.ACTIVE


def test_daily_loss_is_measured_from_the_last_mark_of_an_earlier_day(desk):
    session = desk.open(limits=replace(WIDE, max_daily_loss=Decimal("0.04")))
    session.submit([desk.intent(units="50")])
    desk.next_day(session)
    desk.next_day(session, A="93")
    desk.next_day(session, A="87")
    assert session.state is T.ACTIVE
    assert session.book_view().day_open_equity == session.journal.marks()[-2].equity
    desk.clock.advance_to(desk.clock.now() + timedelta(hours=1))
    session.mark({"A": Decimal(80)})
    assert session.state is T.HALTED


def test_halt_by_hand_refuses_everything_and_survives_a_restart(desk):
    desk.open().halt(by="ann", reason="fire")
    session = desk.open()
    assert session.state is T.HALTED
    assert session.standing.is_locked
    assert statuses(session.submit([desk.intent()])) == [S.REFUSED]


def test_cancel_passes_a_halt(desk):
    session = desk.open()
    (order,) = session.submit([desk.intent()])
    session.halt(by="ann", reason="fire")
    assert session.cancel(order.client_order_id).status is S.CANCELED
    assert not desk.venue.open_orders()


def test_cancel_all_takes_out_open_and_waiting_orders(desk):
    session = desk.open(limits=ASKING)
    session.submit([desk.intent("A", "1"), desk.intent("B", "20"), desk.intent("C", "2")])
    session.reduce(by="ann", reason="calm down")
    assert statuses(session.cancel_all()) == [S.CANCELED, S.EXPIRED, S.CANCELED]
    assert session.cancel_all() == ()


def test_cancel_of_an_order_that_is_final_changes_nothing(desk):
    session = desk.open()
    (order,) = session.submit([desk.intent()])
    desk.next_day(session)
    assert session.cancel(order.client_order_id).status is S.FILLED


def test_cancel_of_an_order_that_does_not_exist_is_an_error(desk):
    with pytest.raises(InputError, match="there is no such order"):
        desk.open().cancel("al-1")


def test_state_cannot_be_changed_by_nobody(desk):
    with pytest.raises(InputError, match="say who asks"):
        desk.open().halt(by=" ", reason="")


def test_large_order_waits_and_goes_out_once_approved(desk):
    line = FlakyBroker(desk.venue)
    session = desk.open(line, limits=ASKING)
    intent = desk.intent()
    (waiting,) = session.submit([intent])
    assert (waiting.status, line.sent) == (S.AWAITING, [])
    assert session.awaiting == (waiting,)
    session.approve(intent, by="ann", reason="seen")
    (sent,) = session.submit([intent])
    assert (sent.status, sent.approved_by) == (S.ACCEPTED, "ann")
    given = session.journal.records(kind=EventKind.APPROVAL_GIVEN)[0].payload
    assert (given["by"], given["reason"], given["fingerprint"]) == (
        "ann",
        "seen",
        intent.fingerprint,
    )


def test_approval_given_before_the_order_is_asked_for_counts_too(desk):
    session = desk.open(limits=ASKING)
    session.approve(desk.intent(), by="ann", reason="seen")
    assert statuses(session.submit([desk.intent()])) == [S.ACCEPTED]


def test_approval_survives_a_restart(desk):
    desk.open(limits=ASKING).approve(desk.intent(), by="ann", reason="seen")
    assert statuses(desk.open(limits=ASKING).submit([desk.intent()])) == [S.ACCEPTED]


def test_approval_that_expired_lets_nothing_pass(desk):
    session = desk.open(limits=ASKING)
    intent = desk.intent()
    session.approve(intent, by="ann", reason="seen", valid_for=timedelta(minutes=1))
    desk.clock.advance_to(T0 + timedelta(minutes=1))
    assert statuses(session.submit([intent])) == [S.AWAITING]


def test_request_is_recorded_once_and_leaves_the_rest_alone(desk):
    session = desk.open(limits=ASKING)
    intents = [desk.intent("A", "1"), desk.intent("B", "20")]
    first = session.request_approvals(intents)
    assert [one.status for one in first] == [None, S.AWAITING]
    assert session.request_approvals(intents) == first
    assert kinds(session).count(EventKind.APPROVAL_REQUESTED) == 1


def test_denied_order_is_final_and_says_who_refused_it(desk):
    session = desk.open(limits=ASKING)
    intent = desk.intent()
    session.submit([intent])
    session.deny(intent, by="ann", reason="too large")
    (order,) = session.submit([intent])
    assert order.status is S.REFUSED
    assert order.reasons[0].code is ReasonCode.DENIED
    assert "ann refused buy 10 A: too large" in order.reasons[0].message


def test_waiting_order_that_breaks_a_limit_meanwhile_is_refused(desk):
    session = desk.open(limits=ASKING)
    intent = desk.intent()
    session.submit([intent])
    session.halt(by="ann", reason="fire")
    assert statuses(session.submit([intent])) == [S.REFUSED]


def test_waiting_order_expires_with_its_cycle(desk):
    session = desk.open(limits=ASKING)
    intents = session.plan(desk.target(A=0.2), cycle_id="c1")
    session.submit(intents)
    session.finish_cycle("c1")
    (order,) = session.journal.orders()
    assert (order.status, order.note) == (S.EXPIRED, "its cycle has ended")
    assert session.submit(intents) == (order,)
    with pytest.raises(InputError, match="it is expired, which is final"):
        session.approve(intents[0], by="ann", reason="too late")


def test_approving_twice_records_one_approval(desk):
    session = desk.open(limits=ASKING)
    first = session.approve(desk.intent(), by="ann", reason="seen")
    assert session.approve(desk.intent(), by="ann", reason="seen") == first
    assert kinds(session).count(EventKind.APPROVAL_GIVEN) == 1


def test_order_that_was_sent_cannot_be_denied(desk):
    session = desk.open()
    (order,) = session.submit([desk.intent()])
    with pytest.raises(InputError, match="it is accepted, it was sent; cancel it instead"):
        session.deny(order.intent, by="ann", reason="no")


def test_order_cannot_be_denied_by_nobody(desk):
    with pytest.raises(InputError, match="say who refuses"):
        desk.open().deny(desk.intent(), by="", reason="no")


def test_order_of_another_account_is_an_error(desk):
    with pytest.raises(InputError, match="is for account P2, this session trades P1"):
        desk.open().submit([desk.intent(account="P2")])


def test_books_that_drift_apart_during_the_run_halt_it(desk):
    class Astray(FlakyBroker):
        lost = Decimal(0)

        def positions(self):
            return {"A": self.lost} if self.lost else {}

        def account(self):
            account = super().account()
            return replace(account, cash=account.cash - self.lost)

    line = Astray(desk.venue)
    session = desk.open(line)
    assert session.reconcile() == ()
    line.lost = Decimal(10)
    assert [difference.what for difference in session.reconcile()] == ["position", "cash"]
    assert session.state is T.HALTED


def test_alert_goes_to_the_journal_and_the_outbox_at_once(desk):
    session = desk.open()
    alert = AlertEvent(
        code="drift", severity=Severity.WARNING, message="m", at=T0, values={"ic": "0.01"}
    )
    session.alert(alert, "c1")
    assert session.journal.alerts(pending_only=True) == (alert,)
    assert kinds(session, cycle_id="c1") == [EventKind.ALERT]


def test_intent_that_cannot_be_stored_is_not_sent(desk):
    line = FlakyBroker(desk.venue)
    session = desk.open(line)
    desk.path.with_name("desk.sqlite.lock").unlink()
    second = open_engine(desk.path)
    desk.engines.append(second)
    Journal(second, clock=desk.clock, run_id="r2")
    with pytest.raises(StorageError, match=r"taken over by .* Only one process"):
        session.submit([desk.intent()])
    assert line.sent == []


def test_database_that_fails_stops_all_sends_until_the_session_is_opened_anew(desk):
    line = FlakyBroker(desk.venue)
    session = desk.open(line)
    other = open_engine(desk.path)
    desk.engines.append(other)
    with writing(other) as connection:
        connection.exec_driver_sql("ALTER TABLE orders RENAME TO gone")
    for _ in range(2):
        with pytest.raises(StorageError):
            session.submit([desk.intent()])
    with writing(other) as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO orders")
    with pytest.raises(StorageError, match="open the session again"):
        session.submit([desk.intent()])
    assert line.sent == []
    assert statuses(desk.open(line).submit([desk.intent()])) == [S.ACCEPTED]


def test_second_process_may_read_while_the_first_one_trades(desk):
    session = desk.open()
    reader = JournalReader(session.journal.engine)
    session.submit([desk.intent()])
    assert reader.orders() == session.journal.orders()
    assert reader.verify() == session.journal.length


def test_prices_and_account_are_told(desk):
    session = desk.open()
    assert session.account_id == "P1"
    assert session.prices == desk.prices
    assert session.last_mark.equity == 10_000


def test_plan_of_weights_and_structures_closes_both_before_it_opens(desk):
    low, high = "AAPL260320C00100000", "AAPL260320C00110000"
    options = {s: Option(symbol=s, underlying="AAPL") for s in (low, high)}
    shares = {symbol: Equity(symbol=symbol) for symbol in desk.prices}
    session = desk.open(assets={**shares, **options})
    legs = (Leg(symbol=low, side=Side.BUY), Leg(symbol=high, side=Side.SELL))
    spread = Structure(name="bull", underlying="AAPL", legs=legs, quantity=2)
    session.submit([desk.intent("A", "10")])
    desk.next_day(session)
    session.mark({low: Decimal(5), high: Decimal(2)})
    orders = session.plan(desk.target(B=0.1), cycle_id="c2", structures=[spread])
    assert [(o.symbol, o.signed_quantity) for o in orders] == [
        ("A", -10),
        ("B", 9),
        ("AAPL", 2),
    ]
    assert session.plan(desk.target(), cycle_id="c2") == orders


def test_replacement_does_not_go_out_as_a_new_order(desk):
    session = desk.open()
    first = desk.intent("A")
    session.submit([first])
    second = desk.intent("A", leg="more", replaces=first.client_order_id)
    for ask in (session.submit, session.assess, session.request_approvals):
        with pytest.raises(InputError, match="replace_order"):
            ask([second])
    assert session.order(second.client_order_id) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"side": Side.SELL},
        {"order_type": OrderType.MARKET, "limit_price": None},
        {"is_extended_hours": True},
        {
            "order_class": OrderClass.BRACKET,
            "take_profit": Decimal(60),
            "stop_loss": Decimal(40),
        },
    ],
)
def test_replacement_changes_quantity_and_prices_only(desk, changes):
    session = desk.open()
    limited = {
        "order_type": OrderType.LIMIT,
        "limit_price": Decimal(50),
        "time_in_force": TimeInForce.GTC,
    }
    old = desk.intent("A", **limited)
    session.submit([old])
    new = desk.intent("A", leg="new", **{**limited, **changes})
    with pytest.raises(InputError, match=f"differs in .*{next(iter(changes))}"):
        session.replace_order(old.client_order_id, new)
    assert session.order(new.client_order_id) is None
    assert session.order(old.client_order_id).status is OrderStatus.ACCEPTED


def test_cancel_of_all_tries_every_order_and_tells_what_failed(desk):
    class Stubborn(FlakyBroker):
        def cancel(self, client_order_id):
            if client_order_id == stuck.client_order_id:
                raise BrokerError("not now")
            super().cancel(client_order_id)

    limited = {
        "order_type": OrderType.LIMIT,
        "limit_price": Decimal(50),
        "time_in_force": TimeInForce.GTC,
    }
    stuck, *others = [desk.intent(s, leg=s, **limited) for s in "ABC"]
    session = desk.open(Stubborn(desk.venue))
    session.submit([stuck, *others])
    session.halt(by="ann", reason="fire")
    with pytest.raises(BrokerError, match=r"1 of 3 cancels failed.*of A: not now"):
        session.cancel_all()
    assert [session.order(o.client_order_id).status for o in others] == [OrderStatus.CANCELED] * 2


def test_asset_under_another_symbol_is_refused(desk):
    with pytest.raises(ConfigError, match="assets: A stands under 'B'"):
        desk.new_session(assets={"B": Equity(symbol="A")})
