"""What became of every order, and why."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from alphalens.execution import JournalReader
from alphalens.reports.facts import RunFacts, read_run
from alphalens.reports.orders import (
    alerts_frame,
    approvals_frame,
    degraded_frame,
    drift_frame,
    orders_frame,
    refusals_frame,
    status_counts,
)
from alphalens.trading.events import EventKind

from .small_run import SmallRun


@pytest.fixture(scope="module")
def waiting_facts(waiting: SmallRun) -> RunFacts:
    return read_run(JournalReader(waiting.engine))


def test_every_order_has_a_row_with_its_status(facts: RunFacts) -> None:
    orders = orders_frame(facts.orders)

    assert len(orders) == len(facts.orders) == sum(status_counts(facts.orders).values())
    assert orders["status"].value_counts().to_dict() == status_counts(facts.orders)


def test_a_refused_order_says_each_rule_its_value_its_limit_and_what_to_do(
    facts: RunFacts,
) -> None:
    refusals = refusals_frame(facts.orders)

    first = refusals[(refusals["symbol"] == "CCC") & (refusals["rule"] == "max_order")].iloc[0]
    assert (first["actual"], first["limit"]) == ("0.299928", "0.2")
    assert "order less, or raise max_order" in first["message"]
    rules = orders_frame(facts.orders).set_index("client_order_id")["rules"]
    assert rules[first["client_order_id"]] == "max_order, max_position, needs_approval"


def test_an_approved_order_names_who_approved_it_and_has_nothing_in_its_way(
    facts: RunFacts,
) -> None:
    orders = orders_frame(facts.orders)

    approved = orders[orders["approved_by"] == "r.ortiz"]
    assert set(approved["status"]) == {"filled"}
    assert set(approved["why"]) == {""}


def test_approvals_tell_who_answered_what_and_when(facts: RunFacts) -> None:
    approvals = approvals_frame(facts)

    assert approvals["decision"].tolist() == ["approved", "denied", "approved"]
    assert set(approvals["by"]) == {"r.ortiz"}
    assert approvals["reason"].tolist()[:2] == ["within the mandate", "too much of one name"]
    assert (approvals["size"] > approvals["asked_above"]).all()
    assert approvals["expires_at"].isna().tolist() == [False, True, False]


def test_an_unanswered_request_waits_for_somebody(waiting_facts: RunFacts) -> None:
    last = approvals_frame(waiting_facts).iloc[-1]

    assert (last["symbol"], last["decision"], last["by"]) == ("AAA", "waiting", "")
    assert last["answered_at"] is pd.NaT


def test_a_request_that_a_later_plan_overtook_waits_for_nobody(waiting_facts: RunFacts) -> None:
    plan = waiting_facts.of_kind(EventKind.CYCLE_PLANNED)[-1]
    later = replace(plan, seq=waiting_facts.length + 1, cycle_id="run-small/99")
    overtaken = replace(waiting_facts, records=(*waiting_facts.records, later))

    assert approvals_frame(overtaken)["decision"].tolist()[-1] == "superseded"
    again = replace(
        waiting_facts, records=(*waiting_facts.records, replace(later, cycle_id=plan.cycle_id))
    )
    assert approvals_frame(again)["decision"].tolist()[-1] == "waiting"


def test_a_request_that_its_cycle_outlived_has_expired(waiting: SmallRun, fresh: SmallRun) -> None:
    target_cycle = "run-small/99"
    fresh.session.start()
    intent = waiting.session.awaiting[0].intent
    intents = [replace(intent, client_order_id="al-late", cycle_id=target_cycle)]
    fresh.session.request_approvals(intents)
    fresh.session.finish_cycle(target_cycle)

    last = approvals_frame(read_run(JournalReader(fresh.engine))).iloc[-1]

    assert (last["client_order_id"], last["decision"]) == ("al-late", "expired")


def test_alerts_and_degraded_answers_keep_their_words(facts: RunFacts) -> None:
    alerts, degraded = alerts_frame(facts), degraded_frame(facts)

    assert alerts[["severity", "code"]].to_numpy().tolist() == [["warning", "drift_ic"]]
    assert degraded["what"].tolist() == ["risk: history too short for a covariance"]
    assert degraded["cycle_id"].tolist() == ["run-small/01"]


def test_a_run_that_never_compared_itself_has_no_drift(facts: RunFacts) -> None:
    assert drift_frame(facts).empty


def test_the_last_comparison_with_research_is_shown(facts: RunFacts) -> None:
    check = {
        "metric": "ic",
        "status": "too_few",
        "n": 3,
        "needed": 12,
        "live_mean": 0.1,
        "research": {"mean": 0.02, "std": 0.3, "n": 900},
        "z": None,
        "threshold": None,
        "message": "3 of 12 decisions",
    }
    records = [
        replace(r, payload={**r.payload, "drift": {"checks": [check]}})
        if r.kind is EventKind.CYCLE_FINISHED
        else r
        for r in facts.records
    ]

    drift = drift_frame(replace(facts, records=tuple(records)))

    assert drift[["metric", "status", "n"]].to_numpy().tolist() == [["ic", "too_few", 3]]
    assert drift["research_mean"].tolist() == [0.02]
    assert drift["z"].isna().all()
