"""The risk officer: measures, shrinks, denies; the gate has the word on each order."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import sqrt

import numpy as np
import pytest

from alphalens.agents import RiskAgent, RiskPolicy, RiskView
from alphalens.agents.risk_agent import book_risk
from alphalens.data import DataView
from alphalens.errors import InputError
from alphalens.risk import RiskLimits
from alphalens.trading.events import EventKind
from alphalens.trading.targets import Target

POLICY = RiskPolicy(window=25, min_rows=20)
OPEN = RiskLimits(
    max_order=Decimal("0.5"), approval_above=None, max_position=Decimal("0.5"), max_gross=Decimal(2)
)


def target(desk, **weights):
    return Target(name="t", asof=desk.at, weights=weights or {"S00": 0.3, "S01": -0.2})


def run(desk, policy=POLICY, **weights):
    view = RiskView(data=desk.view, target=target(desk, **weights))
    return RiskAgent(policy).run(view, desk.context)


def test_metrics_are_those_of_the_weights_over_the_window(at_decision):
    desk = at_decision(limits=OPEN)

    metrics = run(desk).metrics

    closes = desk.paper.history.closes.iloc[5:31]
    past = (closes / closes.shift(1) - 1.0).iloc[1:] @ [0.3, -0.2, 0, 0, 0, 0]
    tail = np.sort(past.to_numpy())
    cut = np.quantile(tail, 0.05)
    assert metrics.rows == 25
    assert (metrics.gross, metrics.net, metrics.largest) == pytest.approx((0.5, 0.1, 0.3))
    assert metrics.volatility == pytest.approx(past.std() * sqrt(252))
    assert metrics.var_95 == pytest.approx(-cut)
    assert metrics.shortfall_95 == pytest.approx(-tail[tail <= cut].mean())
    assert metrics.shortfall_95 >= metrics.var_95


def test_rows_without_a_usable_return_are_left_out(at_decision):
    desk = at_decision(limits=OPEN)
    closes = desk.paper.history.closes.copy()
    closes.iloc[20, 0] = np.nan
    closes.iloc[25, 1] = 0.0
    history = replace(desk.paper.history, closes=closes)

    metrics = book_risk(target(desk), DataView(history, desk.at), RiskPolicy(window=25, min_rows=5))

    assert metrics.rows == 21
    assert np.isfinite(metrics.volatility)


def test_an_ordinary_book_is_allowed_as_it_is_wanted(at_decision):
    desk = at_decision(limits=OPEN)

    update = run(desk)

    assert (update.verdict, update.scale, update.degraded) == ("allow", 1.0, ())
    assert [intent.symbol for intent in update.intents] == ["S00", "S01"]
    assert desk.paper.session.plan_for("c1") == update.intents


def test_a_book_too_volatile_is_shrunk_to_the_limit(at_decision):
    desk = at_decision(limits=OPEN)
    wild = book_risk(target(desk), desk.view, POLICY).volatility

    update = run(desk, RiskPolicy(window=25, min_rows=20, max_volatility=wild / 2))

    assert update.verdict == "shrink"
    assert update.scale == pytest.approx(0.5)
    assert update.target.weights["S00"] == pytest.approx(0.15)
    assert book_risk(update.target, desk.view, POLICY).volatility == pytest.approx(wild / 2)


def test_a_calm_book_is_never_blown_up_to_the_limit(at_decision):
    desk = at_decision(limits=OPEN)

    assert run(desk, RiskPolicy(window=25, min_rows=20, max_volatility=9.0)).scale == 1.0


def test_without_enough_rows_a_limited_book_is_denied(at_decision):
    desk = at_decision(limits=OPEN)

    update = run(desk, RiskPolicy(max_volatility=0.2))

    assert (update.verdict, update.scale, update.intents) == ("deny", 0.0, ())
    assert "cannot be checked" in update.degraded[0].message
    assert desk.paper.session.plan_for("c1") is None


def test_without_enough_rows_an_unlimited_book_is_traded_and_said_to_be_unmeasured(at_decision):
    desk = at_decision(limits=OPEN)

    update = run(desk, RiskPolicy())

    assert (update.verdict, update.metrics) == ("allow", None)
    assert update.degraded[0].code == "risk_unmeasured"


def test_orders_that_need_a_person_make_the_cycle_wait(at_decision):
    desk = at_decision(limits=RiskLimits(max_order=Decimal("0.5"), max_position=Decimal("0.5")))

    update = run(desk)

    assert update.verdict == "needs_human"
    assert all(one.verdict.needs_approval for one in update.assessments)


def test_a_plan_of_which_nothing_passes_is_denied_with_reasons(at_decision):
    desk = at_decision(limits=RiskLimits(max_position=Decimal("0.1")))

    update = run(desk)

    assert update.verdict == "deny"
    codes = {reason.code for one in update.assessments for reason in one.verdict.reasons}
    assert codes == {"max_order", "max_position", "needs_approval"}


def test_no_target_is_nothing_to_judge(at_decision):
    desk = at_decision()

    update = RiskAgent().run(RiskView(data=desk.view, target=None), desk.context)

    assert (update.verdict, update.intents, update.degraded) == ("nothing", (), ())


def test_a_target_that_cannot_be_planned_is_denied_and_named(at_decision):
    desk = at_decision(limits=OPEN)
    view = RiskView(data=desk.view, target=target(desk, S00=0.1))
    desk.context.session.assets.pop("S00")

    update = RiskAgent(POLICY).run(view, desk.context)

    assert update.verdict == "deny"
    assert "S00 is not among the 5 assets" in update.degraded[0].message


def test_a_second_run_judges_the_stored_plan(at_decision):
    desk = at_decision(limits=OPEN)

    first, second = run(desk), run(desk, S03=0.2)

    assert second.intents == first.intents
    assert len(desk.paper.session.journal.records(kind=EventKind.CYCLE_PLANNED)) == 1


@pytest.mark.parametrize(
    "wrong", [{"max_volatility": 0.0}, {"min_rows": 1}, {"window": 10, "min_rows": 20}]
)
def test_a_policy_that_nothing_satisfies_is_refused(wrong):
    with pytest.raises(InputError):
        RiskPolicy(**wrong)
