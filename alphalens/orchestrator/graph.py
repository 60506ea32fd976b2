"""The graph of a decision cycle, and how one is run to its end or to its question.

::

    START > strategy > risk ──(an order needs a person)── approve > execution > monitoring > END
                         └───────────────────────────────────────────^

Flat, with one interrupt, alone in its node. Every step is on disk before the next begins
(durability "sync"): with anything less a crash loses the approval a person gave. Nothing is
retried behind one's back, and nothing is traced to anybody.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, StateSnapshot
from langsmith import tracing_context

from alphalens.agents.approvals import Answer, ApprovalPolicy, Question
from alphalens.errors import InputError
from alphalens.orchestrator.nodes import Desk, Nodes, question_from
from alphalens.orchestrator.state import (
    CycleResult,
    CycleState,
    Json,
    checked,
    first_state,
    refuse_other_version,
)
from alphalens.trading.codec import instant, to_jsonable

__all__ = ["CycleGraph", "build_graph", "given", "run_cycle"]

#: The compiled graph; Any, because it takes no context and its input is its state.
CycleGraph: TypeAlias = CompiledStateGraph[CycleState, Any, CycleState, CycleState]


def build_graph(desk: Desk, *, saver: BaseCheckpointSaver[Any] | None) -> CycleGraph:
    """Return the graph of a decision cycle over a desk.

    Parameters
    ----------
    desk : Desk
        Agents, started session, door to data.
    saver : BaseCheckpointSaver
        Where the state is kept; its versions are of any kind. See `memory_saver` and
        `sqlite_saver`.

    Returns
    -------
    CycleGraph
        For `run_cycle`. It holds the desk, not the cycle: the same graph runs them all.

    Raises
    ------
    InputError
        Without a saver: LangGraph would stop at the question and could never go on.
    """
    if saver is None:
        raise InputError("a graph that asks a person needs a saver to go on from; give it one")
    nodes = Nodes(desk)
    graph = StateGraph[CycleState, Any, CycleState, CycleState](CycleState)
    for name in ("strategy", "risk", "approve", "execution", "monitoring"):
        graph.add_node(name, checked(name, getattr(nodes, name)))
    graph.add_edge(START, "strategy")
    graph.add_edge("strategy", "risk")
    graph.add_conditional_edges("risk", after_risk, ["approve", "execution"])
    graph.add_edge("approve", "execution")
    graph.add_edge("execution", "monitoring")
    graph.add_edge("monitoring", END)
    return graph.compile(checkpointer=saver, name="decision_cycle")


def after_risk(state: CycleState) -> str:
    """Return the node after the risk node."""
    return "approve" if state["question"] else "execution"


def run_cycle(
    graph: CycleGraph,
    *,
    run_id: str,
    cycle_id: str,
    asof: datetime,
    approver: ApprovalPolicy | None,
) -> CycleResult:
    """Run a decision cycle, or go on with one that was interrupted, or return a finished one.

    A cycle that was begun before, by this process or a killed one, is never begun again: it
    goes on after the last step that was stored.

    Parameters
    ----------
    graph : CycleGraph
        From `build_graph`.
    run_id, cycle_id : str
        The run, and the cycle, which is also the thread in the saver.
    asof : datetime
        Decision instant, timezone-aware; nothing later is seen.
    approver : ApprovalPolicy or None
        Who answers for the orders that need a person. None stops at the question, and the
        same call with an approver goes on from there.

    Returns
    -------
    CycleResult
        Finished, or with the question that waits.

    Raises
    ------
    InputError
        If the cycle was begun as of another instant or in another run.
    StorageError
        If it was stored by another version of the state, or the journal cannot be written.

    Notes
    -----
    One process may run a cycle at a time; the journal refuses a second writer.
    """
    config: RunnableConfig = {"configurable": {"thread_id": cycle_id}}
    with tracing_context(enabled=False):
        snapshot = graph.get_state(config)
        if "schema_v" not in snapshot.values:
            start = first_state(run_id=run_id, cycle_id=cycle_id, asof=asof)
            snapshot = _advance(graph, start, config)
        else:
            _refuse_another_cycle(snapshot, run_id, asof)
            if _is_cut_short(snapshot):
                snapshot = _advance(graph, None, config)
        if _waits(snapshot) and approver is not None:
            question = _question(snapshot)
            reply = given(question, approver.decide(question))
            command: Command[str] = Command(resume={snapshot.interrupts[0].id: reply})
            snapshot = _advance(graph, command, config)
    waiting = _question(snapshot) if _waits(snapshot) else None
    return CycleResult(cycle_id=cycle_id, state=_state(snapshot), question=waiting)


def given(question: Question, answers: tuple[Answer, ...]) -> Json:
    """Return what resumes the cycle: answers, bound to the question they were given to."""
    return {
        "proposal_hash": question.proposal_hash,
        "answers": [to_jsonable(answer) for answer in answers],
    }


def _advance(
    graph: CycleGraph, given: CycleState | Command[str] | None, config: RunnableConfig
) -> StateSnapshot:
    graph.invoke(given, config, durability="sync")
    return graph.get_state(config)


def _waits(snapshot: StateSnapshot) -> bool:
    return bool(snapshot.interrupts)


def _is_cut_short(snapshot: StateSnapshot) -> bool:
    """Return whether steps are left to run and none of them waits for a person.

    ``snapshot.next`` does not tell: it is empty as well after a crash between the moment at
    which a step's result is stored and the one at which the next state is.
    """
    return bool(snapshot.tasks) and not _waits(snapshot)


def _question(snapshot: StateSnapshot) -> Question:
    return question_from(snapshot.interrupts[0].value)


def _state(snapshot: StateSnapshot) -> CycleState:
    state: CycleState = snapshot.values  # type: ignore[assignment] # LangGraph types it loosely
    return state


def _refuse_another_cycle(snapshot: StateSnapshot, run_id: str, asof: datetime) -> None:
    state = _state(snapshot)
    refuse_other_version(state)
    begun = (state["run_id"], state["asof"])
    if begun != (run_id, instant(asof)):
        raise InputError(
            f"cycle {state['cycle_id']} was begun in run {begun[0]} as of {begun[1]}, and is now "
            f"called for run {run_id} as of {instant(asof)}: give each decision a cycle id"
        )
