"""What trading cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from alphalens.reports.costs import cost_summary, fills_frame
from alphalens.reports.facts import RunFacts
from alphalens.trading import Side


def test_slippage_is_against_the_price_of_the_decision_and_positive_when_it_costs(
    facts: RunFacts,
) -> None:
    fills = fills_frame(facts)

    sign = np.where(fills["side"] == "buy", 1.0, -1.0)
    move = sign * (fills["price"] / fills["arrival_price"] - 1.0) * 1e4
    assert fills["slippage_bps"].to_numpy() == pytest.approx(move.to_numpy())
    assert len(fills) == len(facts.fills) > 10


def test_the_summary_is_the_sum_of_the_fills(facts: RunFacts) -> None:
    fills, costs = fills_frame(facts), cost_summary(facts)

    base = (fills["quantity"] * fills["arrival_price"]).sum()
    assert float(costs.slippage) == pytest.approx(fills["slippage"].sum())
    assert float(costs.traded) == pytest.approx(fills["value"].sum())
    assert costs.fees_bps.value == pytest.approx(fills["fee"].sum() / base * 1e4)
    assert costs.slippage_bps.value == pytest.approx(fills["slippage"].sum() / base * 1e4)


def test_an_execution_of_nobody_s_order_has_no_arrival_price_and_is_counted(
    facts: RunFacts,
) -> None:
    foreign = replace(facts.fills[0], fill_id="x", client_order_id="not-ours", side=Side.SELL)
    grown = replace(facts, fills=(*facts.fills, foreign))

    fills, costs = fills_frame(grown), cost_summary(grown)

    assert fills[["arrival_price", "slippage", "slippage_bps"]].iloc[-1].isna().all()
    assert costs.n_foreign == 1
    assert costs.slippage == cost_summary(facts).slippage
    assert costs.fees == cost_summary(facts).fees + foreign.fee


def test_a_run_without_an_execution_has_no_rate_of_cost(facts: RunFacts) -> None:
    costs = cost_summary(replace(facts, fills=()))

    assert costs.fees == Decimal(0)
    assert costs.slippage_bps.text(".1f") == "nothing was traded"
    assert fills_frame(replace(facts, fills=())).empty
