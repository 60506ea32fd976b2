"""The steps of a decision cycle; each calls one agent and writes down what it said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import cast

from langgraph.types import interrupt

from alphalens.agents.approvals import Question, WaitingOrder, proposal_hash
from alphalens.agents.base import Agent, Context, Degraded
from alphalens.agents.execution_agent import ExecutionUpdate, ExecutionView
from alphalens.agents.monitoring_agent import MonitoringUpdate, MonitoringView
from alphalens.agents.records import answer_from, degraded_from, signal_from, target_from
from alphalens.agents.risk_agent import RiskUpdate, RiskView
from alphalens.agents.strategy_agent import StrategyUpdate
from alphalens.data.base import DataView
from alphalens.errors import DataError
from alphalens.execution.records import OrderRecord
from alphalens.execution.session import Assessment, TradingSession
from alphalens.orchestrator.state import CycleState, GivenAnswers, Json
from alphalens.trading.codec import to_jsonable
from alphalens.trading.events import EventKind
from alphalens.trading.orders import Side

__all__ = ["Desk", "Nodes", "question_from"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everybody and everything a decision cycle needs.

    Attributes
    ----------
    open_view : callable
        From an instant to what was known then: the only way to data.
    session : TradingSession
        Books, gate and venue; started.
    strategy, risk, execution, monitoring : Agent
        The four roles.
    """

    open_view: Callable[[datetime], DataView]
    session: TradingSession
    strategy: Agent[DataView, StrategyUpdate]
    risk: Agent[RiskView, RiskUpdate]
    execution: Agent[ExecutionView, ExecutionUpdate]
    monitoring: Agent[MonitoringView, MonitoringUpdate]


class Nodes:
    """The steps over one desk.

    A step may be killed at any line and run again from its first: what it does to the world is
    keyed by the cycle, and is done once.

    Parameters
    ----------
    desk : Desk
        Agents, session, data.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def strategy(self, state: CycleState) -> CycleState:
        """Have the strategist score the universe and want weights."""
        try:
            view = self._desk.open_view(_asof(state))
        except DataError as error:
            message = f"no decision in cycle {state['cycle_id']}: {error}"
            failed = Degraded(agent="strategy", code="no_data", message=message)
            return CycleState(signal=None, target=None, degraded=[_json(failed)])
        update = self._desk.strategy.run(view, self._context(state))
        return CycleState(
            signal=_json_or_none(update.signal),
            target=_json_or_none(update.target),
            degraded=[_json(item) for item in update.degraded],
        )

    def risk(self, state: CycleState) -> CycleState:
        """Have the wanted book measured, planned and judged, order by order."""
        target = state["target"]
        if target is None:
            return CycleState(risk={"verdict": "nothing"}, proposals=[], question=None)
        view = RiskView(data=self._desk.open_view(_asof(state)), target=target_from(target))
        update = self._desk.risk.run(view, self._context(state))
        waiting = [a for a in update.assessments if a.verdict.needs_approval]
        if waiting:
            self._desk.session.request_approvals(update.intents)
        return CycleState(
            risk={
                "verdict": update.verdict.value,
                "scale": update.scale,
                "metrics": _json_or_none(update.metrics),
            },
            proposals=[_proposal(assessment) for assessment in update.assessments],
            question=_question(state, waiting),
            degraded=[_json(item) for item in update.degraded],
        )

    def approve(self, state: CycleState) -> CycleState:
        """Wait for a person; nothing else happens here, because a resume starts it again."""
        given: GivenAnswers = interrupt(state["question"], response_schema=GivenAnswers)
        return self.answered(state, given)

    def answered(self, state: CycleState, given: GivenAnswers) -> CycleState:
        """Take the answers over, if they are to exactly the orders that wait."""
        asked = [order["fingerprint"] for order in (state["question"] or {}).get("orders", [])]
        if given.proposal_hash != proposal_hash(state["cycle_id"], asked):
            message = "the answers are to other orders than those that wait; none was taken"
            failed = Degraded(agent="approve", code="stale_answer", message=message)
            return CycleState(answers=[], degraded=[_json(failed)])
        return CycleState(answers=[answer.model_dump() for answer in given.answers])

    def execution(self, state: CycleState) -> CycleState:
        """Have the stored plan submitted with the answers people gave."""
        intents = self._desk.session.plan_for(state["cycle_id"]) if state["proposals"] else None
        view = ExecutionView(
            intents=intents or (),
            answers=tuple(map(answer_from, state.get("answers", []))),
        )
        update = self._desk.execution.run(view, self._context(state))
        return CycleState(
            orders=[_order(order) for order in update.orders],
            slippage=_json_or_none(update.slippage),
            degraded=[_json(item) for item in update.degraded],
        )

    def monitoring(self, state: CycleState) -> CycleState:
        """Have the desk watched, tell who must know, and close the cycle."""
        session, cycle_id = self._desk.session, state["cycle_id"]
        update = self._desk.monitoring.run(self._watched(state), self._context(state))
        found = CycleState(
            health=_health(update),
            drift=_json_or_none(update.drift),
            alerts=[_json(alert) for alert in update.alerts],
            degraded=[_json(item) for item in update.degraded],
        )
        if not session.journal.records(kind=EventKind.CYCLE_FINISHED, cycle_id=cycle_id):
            told = session.journal.records(kind=EventKind.ALERT, cycle_id=cycle_id)
            known = {(record.payload["code"], record.payload["message"]) for record in told}
            for alert in update.alerts:
                if (alert.code, alert.message) not in known:
                    session.alert(alert, cycle_id)
            session.finish_cycle(cycle_id, _summary(state, found))
        found["audit_head"] = session.journal.head
        return found

    def _watched(self, state: CycleState) -> MonitoringView:
        signal, target = state["signal"], state["target"]
        try:
            data = self._desk.open_view(_asof(state))
        except DataError:
            data = None  # the strategy node has said so, and the data check says it again
        return MonitoringView(
            data=data,
            signal=None if signal is None else signal_from(signal),
            target=None if target is None else target_from(target),
            orders=self._desk.session.journal.orders(cycle_id=state["cycle_id"]),
            degraded=tuple(map(degraded_from, state["degraded"])),
        )

    def _context(self, state: CycleState) -> Context:
        return Context(
            run_id=state["run_id"],
            cycle_id=state["cycle_id"],
            at=_asof(state),
            session=self._desk.session,
        )


def _asof(state: CycleState) -> datetime:
    return datetime.fromisoformat(state["asof"])


def _json(value: object) -> Json:
    return cast(Json, to_jsonable(value))


def _json_or_none(value: object | None) -> Json | None:
    return None if value is None else _json(value)


def _proposal(assessment: Assessment) -> Json:
    intent, verdict = assessment.intent, assessment.verdict
    judged = "approved" if verdict.is_approved else "refused"
    return _json(
        {
            "client_order_id": intent.client_order_id,
            "fingerprint": intent.fingerprint,
            "symbol": intent.symbol,
            "side": intent.side,
            "quantity": intent.quantity,
            "notional": intent.notional,
            "verdict": "needs_approval" if verdict.needs_approval else judged,
            "reasons": [reason.message for reason in verdict.reasons],
        }
    )


def _question(state: CycleState, waiting: list[Assessment]) -> Json | None:
    if not waiting:
        return None
    question = Question(
        cycle_id=state["cycle_id"],
        asof=_asof(state),
        orders=tuple(WaitingOrder.of(assessment) for assessment in waiting),
    )
    return _json(question) | {"proposal_hash": question.proposal_hash}


def question_from(payload: Json) -> Question:
    """Return the question that the state keeps as JSON."""
    orders = tuple(
        WaitingOrder(
            client_order_id=order["client_order_id"],
            fingerprint=order["fingerprint"],
            symbol=order["symbol"],
            side=Side(order["side"]),
            quantity=Decimal(order["quantity"]),
            notional=Decimal(order["notional"]),
            of_equity=Decimal(order["of_equity"]),
            message=order["message"],
        )
        for order in payload["orders"]
    )
    return Question(
        cycle_id=payload["cycle_id"], asof=datetime.fromisoformat(payload["asof"]), orders=orders
    )


def _order(order: OrderRecord) -> Json:
    return _json(
        {
            "client_order_id": order.client_order_id,
            "symbol": order.intent.symbol,
            "side": order.intent.side,
            "quantity": order.intent.quantity,
            "status": order.status,
            "approved_by": order.approved_by,
            "reasons": [reason.message for reason in order.reasons],
            "note": order.note,
        }
    )


def _health(update: MonitoringUpdate) -> Json:
    return _json(update.health) | {"status": update.health.status.value}


def _summary(state: CycleState, found: CycleState) -> Json:
    """Return what the journal keeps of a cycle beside its orders; reports read it."""
    degraded = [*state["degraded"], *found["degraded"]]
    return {
        "asof": state["asof"],
        "signal": state["signal"],
        "target": state["target"],
        "risk": state["risk"],
        "slippage": state["slippage"],
        "health": found["health"]["status"],
        "drift": found["drift"],
        "degraded": [f"{item['agent']}: {item['message']}" for item in degraded],
    }
