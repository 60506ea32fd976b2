"""The strategist: a target, or a reason why there is none."""

from __future__ import annotations

import pytest

from alphalens.agents import StrategyAgent
from alphalens.factors import named_factor
from alphalens.portfolio import RankWeights
from alphalens.strategies import FactorStrategy

RULE = RankWeights(max_weight=0.3)


def agent(factor="reversal_1", rule=RULE):
    return StrategyAgent(FactorStrategy(named_factor(factor)), rule)


def test_signal_and_target_are_of_the_decision_instant(at_decision):
    desk = at_decision()

    update = agent().run(desk.view, desk.context)

    assert update.signal.asof == update.target.asof == desk.at
    assert len(update.signal.scores) == 6
    assert update.target.gross == pytest.approx(1.0)
    assert update.degraded == ()


def test_same_view_same_update(at_decision):
    desk = at_decision()

    assert agent().run(desk.view, desk.context) == agent().run(desk.view, desk.context)


def test_too_little_data_is_no_decision_and_says_so(at_decision):
    desk = at_decision()

    update = agent("momentum_12_1").run(desk.view, desk.context)

    assert (update.signal, update.target) == (None, None)
    assert update.degraded[0].code == "no_signal"
    assert "the book stays as it is: momentum_12_1 needs 253 rows" in update.degraded[0].message


def test_a_portfolio_that_cannot_be_built_keeps_its_signal(at_decision):
    desk = at_decision()

    update = agent(rule=RankWeights(max_weight=0.05)).run(desk.view, desk.context)

    assert update.signal is not None
    assert update.target is None
    assert update.degraded[0].code == "no_target"
    assert "max_weight 0.05" in update.degraded[0].message
