"""The decision cycle as five plain calls: the oracle that the graph is compared with."""

from __future__ import annotations

from datetime import datetime

from alphalens.agents.approvals import ApprovalPolicy
from alphalens.orchestrator.graph import given
from alphalens.orchestrator.nodes import Desk, Nodes, question_from
from alphalens.orchestrator.state import CycleResult, GivenAnswers, checked, first_state, merge

__all__ = ["run_sequential"]


def run_sequential(
    desk: Desk, *, run_id: str, cycle_id: str, asof: datetime, approver: ApprovalPolicy | None
) -> CycleResult:
    """Run a decision cycle over the same nodes, without a graph, a saver or a resume.

    Parameters
    ----------
    desk : Desk
        Agents, started session, door to data.
    run_id, cycle_id : str
        The run and the cycle.
    asof : datetime
        Decision instant, timezone-aware.
    approver : ApprovalPolicy or None
        Who answers; None stops at the question, for good.

    Returns
    -------
    CycleResult
        As `alphalens.orchestrator.run_cycle` returns it.
    """
    nodes = Nodes(desk)
    state = first_state(run_id=run_id, cycle_id=cycle_id, asof=asof)
    state = merge(state, checked("strategy", nodes.strategy)(state))
    state = merge(state, checked("risk", nodes.risk)(state))
    if state["question"]:
        question = question_from(state["question"])
        if approver is None:
            return CycleResult(cycle_id=cycle_id, state=state, question=question)
        reply = GivenAnswers.model_validate(given(question, approver.decide(question)))
        state = merge(state, nodes.answered(state, reply))
    state = merge(state, checked("execution", nodes.execution)(state))
    state = merge(state, checked("monitoring", nodes.monitoring)(state))
    return CycleResult(cycle_id=cycle_id, state=state)
