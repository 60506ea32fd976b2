"""Questions, answers and the policies that answer."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from alphalens.agents import Answer, ApproveUpTo, Question, RejectAll
from alphalens.agents.approvals import WaitingOrder
from alphalens.errors import InputError
from alphalens.trading.orders import Side

ASOF = datetime(2022, 1, 3, tzinfo=UTC)


def order(mark: str, of_equity: str) -> WaitingOrder:
    return WaitingOrder(
        client_order_id=f"al-{mark}",
        fingerprint=mark * 64,
        symbol="S",
        side=Side.BUY,
        quantity=Decimal(1),
        notional=Decimal(100),
        of_equity=Decimal(of_equity),
        message="needs approval",
    )


QUESTION = Question(cycle_id="c", asof=ASOF, orders=(order("a", "0.06"), order("b", "0.09")))


def test_a_rule_agrees_up_to_its_limit_and_says_why():
    answers = ApproveUpTo(limit=Decimal("0.08"), by="desk").decide(QUESTION)

    assert [(a.fingerprint[0], a.is_approved) for a in answers] == [("a", True), ("b", False)]
    assert answers[1].reason == "0.09 of equity, agreed up to 0.08"


def test_reject_all_rejects_all():
    answers = RejectAll(by="desk", reason="no").decide(QUESTION)

    assert [answer.is_approved for answer in answers] == [False, False]


@pytest.mark.parametrize(
    "other",
    [
        Question(cycle_id="d", asof=ASOF, orders=QUESTION.orders),
        Question(cycle_id="c", asof=ASOF, orders=QUESTION.orders[:1]),
        Question(cycle_id="c", asof=ASOF, orders=QUESTION.orders[::-1]),
    ],
)
def test_the_hash_binds_cycle_orders_and_their_order(other):
    assert other.proposal_hash != QUESTION.proposal_hash


def test_an_answer_needs_somebody():
    with pytest.raises(InputError, match="needs a name"):
        Answer(fingerprint="a", is_approved=True, by=" ", reason="")


def test_an_order_that_needs_no_approval_raises_no_question(at_decision):
    desk = at_decision()
    update = desk.paper.desk.strategy.run(desk.view, desk.context)
    intents = desk.paper.session.plan(update.target, cycle_id="c1")
    refused = next(
        one for one in desk.paper.session.assess(intents) if not one.verdict.needs_approval
    )

    with pytest.raises(InputError, match="does not wait"):
        WaitingOrder.of(refused)
