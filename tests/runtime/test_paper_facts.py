"""A paper run whose strategy reads facts: each decision by what was known, and no other."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from alphalens.agents.records import journalled_decisions
from alphalens.config import load_settings
from alphalens.data import FactStore, PriceHistory, closing_instants
from alphalens.execution import JournalReader
from alphalens.orchestrator import ApproveUpTo
from alphalens.portfolio import RankWeights
from alphalens.runtime import PaperRun, RunPlan
from alphalens.storage import open_engine
from alphalens.strategies import FigureStrategy

DAYS = closing_instants(pd.bdate_range("2020-01-01", periods=80))
DECISIONS = DAYS[[60, 65, 70, 75]]
#: The Thursday after the second decision, so that the third is the first to know of it.
SEEN = "2020-04-02"


@pytest.fixture
def facts():
    engine = open_engine("sqlite://")
    yield FactStore(engine)
    engine.dispose()


def keep(facts: FactStore, income: dict[str, float], seen: str) -> None:
    days = {"period": pd.Timestamp("2019-12-31"), "seen": pd.Timestamp(seen)}
    rows = [{"symbol": symbol, "income": one, **days} for symbol, one in income.items()]
    facts.keep_facts(pd.DataFrame(rows), source="desk")


def plan(facts: FactStore) -> RunPlan:
    rng = np.random.default_rng(3)
    prices = 100.0 * np.exp(rng.normal(0.0, 0.01, (80, 3)).cumsum(axis=0))
    closes = pd.DataFrame(prices, index=DAYS, columns=["A", "B", "C"])
    return RunPlan(
        history=PriceHistory(closes=closes, source="test", adjustment="raw"),
        factor="reversal_1",
        rule=RankWeights(gross=0.2),
        decisions=DECISIONS,
        fill="next_close",
        approver=ApproveUpTo(limit=Decimal("0.5"), by="desk"),
        strategy=FigureStrategy("income"),
        facts=facts,
    )


def test_decision_knows_the_figures_of_its_own_time(facts, tmp_path):
    keep(facts, {"A": 1.0, "B": 2.0, "C": 3.0}, "2020-01-31")
    keep(facts, {"A": 9.0}, SEEN)
    settings = load_settings(env_file=None)
    run = PaperRun(tmp_path, settings, plan(facts))
    for _ in run.steps():
        pass
    engine = open_engine(run.journal_path, is_read_only=True)
    try:
        signals, _ = journalled_decisions(JournalReader(engine))
    finally:
        engine.dispose()
    assert [signal.name for signal in signals] == ["income"] * 4
    assert [signal.scores["A"] for signal in signals] == [1.0, 1.0, 9.0, 9.0]
    known_from = datetime(2020, 4, 3, 13, 30, tzinfo=UTC)  # the open after that day
    assert [signal.asof >= known_from for signal in signals] == [False, False, True, True]


def test_facts_and_strategy_are_part_of_what_a_run_is(facts):
    settings, first = load_settings(env_file=None), plan(facts)
    empty = first.run_id(settings)
    keep(facts, {"A": 1.0}, SEEN)
    assert first.run_id(settings) != empty
    assert plan(facts).run_id(settings) == first.run_id(settings)
    assert first.name == "income"
