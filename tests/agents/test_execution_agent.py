"""The trader: answers recorded once, the plan through the gate, the cost of the last cycle."""

from __future__ import annotations

from decimal import Decimal

import pytest

from alphalens.agents import Answer, ExecutionAgent, ExecutionView
from alphalens.agents.execution_agent import arrival_slippage
from alphalens.risk import RiskLimits
from alphalens.testing.desk import paper_broker, random_walk
from alphalens.testing.faults import Fault, FlakyBroker
from alphalens.trading import VirtualClock
from alphalens.trading.events import EventKind
from alphalens.trading.targets import Target

LIMITS = RiskLimits(
    max_order=Decimal("0.5"), approval_above=Decimal("0.15"), max_position=Decimal("0.5")
)
WEIGHTS = {"S00": 0.2, "S01": -0.1}


def planned(desk, cycle_id="c1"):
    want = Target(name="t", asof=desk.at, weights=WEIGHTS)
    return desk.paper.session.plan(want, cycle_id=cycle_id)


def answer(intent, *, is_approved=True):
    return Answer(fingerprint=intent.fingerprint, is_approved=is_approved, by="me", reason="why")


def test_the_whole_plan_is_submitted_and_each_status_told(at_decision):
    desk = at_decision(limits=LIMITS)

    update = ExecutionAgent().run(ExecutionView(intents=planned(desk)), desk.context)

    statuses = {order.intent.symbol: order.status for order in update.orders}
    assert statuses == {"S00": "awaiting_approval", "S01": "accepted"}


@pytest.mark.parametrize(("is_approved", "status"), [(True, "accepted"), (False, "refused")])
def test_an_answer_decides_and_is_recorded_once(at_decision, is_approved, status):
    desk = at_decision(limits=LIMITS)
    intents = planned(desk)
    view = ExecutionView(intents=intents, answers=(answer(intents[0], is_approved=is_approved),))

    updates = [ExecutionAgent().run(view, desk.context) for _ in range(2)]

    assert [update.orders[0].status for update in updates] == [status, status]
    kind = EventKind.APPROVAL_GIVEN if is_approved else EventKind.APPROVAL_DENIED
    assert len(desk.paper.session.journal.records(kind=kind)) == 1
    assert len(desk.paper.venue.open_orders()) == 1 + is_approved


def test_an_answer_to_an_order_outside_the_plan_is_degraded(at_decision):
    desk = at_decision(limits=LIMITS)
    intents = planned(desk)

    view = ExecutionView(intents=intents[1:], answers=(answer(intents[0]),))
    update = ExecutionAgent().run(view, desk.context)

    assert [item.code for item in update.degraded] == ["stale_answer"]
    assert not desk.paper.session.journal.records(kind=EventKind.APPROVAL_GIVEN)


def test_nothing_planned_nothing_sent(at_decision):
    desk = at_decision()

    assert ExecutionAgent().run(ExecutionView(), desk.context).orders == ()


def test_an_order_without_a_known_outcome_is_degraded(at_decision):
    history = random_walk()
    clock = VirtualClock(history.closes.index[0].to_pydatetime())
    venue = paper_broker(clock)
    line = FlakyBroker(
        venue, on_submit={0: Fault.LOST_AFTER}, on_order=dict.fromkeys(range(9), Fault.LOST_BEFORE)
    )
    desk = at_decision(limits=LIMITS, history=history, venue=venue, broker=line, clock=clock)

    update = ExecutionAgent().run(ExecutionView(intents=planned(desk)[1:]), desk.context)

    assert [item.code for item in update.degraded] == ["order_unknown"]


def test_slippage_is_signed_against_the_decision_price_and_weighted(at_decision):
    desk = at_decision(limits=LIMITS, history=random_walk())
    session, agent = desk.paper.session, ExecutionAgent()
    intents = planned(desk)
    agent.run(ExecutionView(intents=intents, answers=(answer(intents[0]),)), desk.context)
    session.finish_cycle("c1")
    desk.paper.step_to(31)

    slippage = arrival_slippage(session.journal, before="c2")

    fills = {fill.symbol: fill for fill in session.journal.fills()}
    bought, sold = fills["S00"], fills["S01"]
    decided = {intent.symbol: intent.reference_price for intent in intents}
    lost = bought.quantity * (bought.price - decided["S00"])
    lost -= sold.quantity * (sold.price - decided["S01"])
    notional = sum(fill.quantity * decided[symbol] for symbol, fill in fills.items())
    assert (slippage.cycle_id, slippage.fills, slippage.notional) == ("c1", 2, notional)
    assert slippage.arrival_bps == pytest.approx(lost / notional * 10000, abs=Decimal("0.0001"))
    assert slippage.fee_bps == pytest.approx(Decimal(1), abs=Decimal("0.01"))


def test_no_cycle_before_and_no_fill_is_no_slippage(at_decision):
    desk = at_decision()
    journal = desk.paper.session.journal

    assert arrival_slippage(journal, before="c1") is None
    desk.paper.session.finish_cycle("c1")
    assert arrival_slippage(journal, before="c1") is None
    assert arrival_slippage(journal, before="c2") is None
