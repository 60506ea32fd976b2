"""The graph of a decision cycle: it ends, asks, resumes, and equals the plain runner."""

from __future__ import annotations

from decimal import Decimal

import pytest
from langgraph.types import Command
from pydantic import ValidationError

from alphalens.agents import Answer, ApproveUpTo, RejectAll
from alphalens.errors import InputError, StorageError
from alphalens.orchestrator import build_graph, memory_saver, run_cycle, sqlite_saver
from alphalens.risk import RiskLimits
from alphalens.testing.desk import random_walk
from alphalens.testing.sequential import run_sequential
from alphalens.trading.events import EventKind
from alphalens.trading.orders import OrderStatus

DECISIONS = (30, 35, 40)
APPROVER = ApproveUpTo(limit=Decimal(1), by="tester")


class Silent:
    """Nobody answers."""

    def decide(self, question):
        return ()


class Confused:
    """Somebody answers to orders that nobody asked about."""

    def decide(self, question):
        return (Answer(fingerprint="0" * 64, is_approved=True, by="x", reason="y"),)


def cycle(paper, at, approver=APPROVER, **changes):
    return {
        "run_id": paper.run_id,
        "cycle_id": f"run/{at:%Y-%m-%d}",
        "asof": at,
        "approver": approver,
    } | changes


def run_once(paper, approver=APPROVER, saver=None, row=30):
    graph = build_graph(paper.desk, saver=saver or memory_saver())
    at = paper.step_to(row)
    return graph, at, run_cycle(graph, **cycle(paper, at, approver))


def statuses(paper):
    return {order.status for order in paper.session.journal.orders()}


def test_a_cycle_sends_its_plan_and_closes(make_desk):
    paper = make_desk()

    _, _, result = run_once(paper)

    assert result.is_finished
    assert result.degraded == ()
    assert {order["status"] for order in result.orders} == {"accepted"}
    assert len(paper.venue.open_orders()) == len(result.orders) == 6
    assert result.state["audit_head"] == paper.session.journal.head
    assert paper.session.unfinished_cycle is None


@pytest.mark.parametrize(
    "approver", [APPROVER, RejectAll(by="t", reason="no"), Silent(), Confused()]
)
def test_graph_equals_the_plain_runner_to_the_last_hash(make_desk, approver):
    ours, oracle = make_desk("graph"), make_desk("plain")
    graph = build_graph(ours.desk, saver=memory_saver())

    for row in DECISIONS:
        at = ours.step_to(row)
        oracle.step_to(row)
        found = run_cycle(graph, **cycle(ours, at, approver))
        expected = run_sequential(oracle.desk, **cycle(oracle, at, approver))
        assert found == expected

    assert ours.session.journal.head == oracle.session.journal.head
    assert ours.session.ledger.positions


def test_without_an_approver_the_plain_runner_stops_at_the_same_question(make_desk):
    ours, oracle = make_desk("graph"), make_desk("plain")
    _, at, found = run_once(ours, approver=None)
    oracle.step_to(30)

    assert run_sequential(oracle.desk, **cycle(oracle, at, None)) == found


def test_without_an_approver_nothing_is_sent_until_somebody_answers(make_desk):
    paper = make_desk()
    graph, at, waiting = run_once(paper, approver=None)

    assert not waiting.is_finished
    asked = [order.client_order_id for order in waiting.question.orders]
    assert all(order.of_equity > Decimal("0.20") for order in waiting.question.orders)
    assert not paper.venue.open_orders()
    assert [order.client_order_id for order in paper.session.awaiting] == asked
    assert len(asked) == 2

    finished = run_cycle(graph, **cycle(paper, at))

    assert finished.is_finished
    assert len(paper.venue.open_orders()) == 6
    approved = [o.approved_by for o in paper.session.journal.orders() if o.approved_by]
    assert approved == ["tester", "tester"]


def test_a_rejected_order_is_not_sent_and_says_so(make_desk):
    paper = make_desk()

    _, _, result = run_once(paper, RejectAll(by="risk desk", reason="too large for me"))

    refused = [order for order in result.orders if order["status"] == "refused"]
    assert len(refused) == 2
    assert len(paper.venue.open_orders()) == 4
    assert all("risk desk refused" in order["reasons"][0] for order in refused)
    assert [a.code for a in paper.session.journal.alerts()] == ["order_refused"] * 2


@pytest.mark.parametrize(("approver", "degraded"), [(Silent(), 0), (Confused(), 1)])
def test_an_order_nobody_answered_for_expires_unsent_and_says_so(make_desk, approver, degraded):
    paper = make_desk()

    _, _, result = run_once(paper, approver)

    assert len(paper.venue.open_orders()) == 4
    assert statuses(paper) == {OrderStatus.ACCEPTED, OrderStatus.EXPIRED}
    told = {alert.code for alert in paper.session.journal.alerts()}
    assert "order_not_approved" in told
    assert [item.code for item in result.degraded] == ["stale_answer"] * degraded


def test_an_answer_to_other_orders_is_not_taken(make_desk):
    paper = make_desk()
    graph, at, waiting = run_once(paper, approver=None)
    config = {"configurable": {"thread_id": waiting.cycle_id}}
    answers = [vars_of(answer) for answer in APPROVER.decide(waiting.question)]

    graph.invoke(Command(resume={"proposal_hash": "0" * 64, "answers": answers}), config)
    result = run_cycle(graph, **cycle(paper, at))

    assert result.is_finished
    assert [item.code for item in result.degraded] == ["stale_answer"]
    assert len(paper.venue.open_orders()) == 4


@pytest.mark.parametrize("answer", ["yes", {"answers": []}, {"proposal_hash": "x", "answers": [1]}])
def test_an_answer_of_another_shape_is_refused_and_the_question_stays(make_desk, answer):
    paper = make_desk()
    graph, at, waiting = run_once(paper, approver=None)
    config = {"configurable": {"thread_id": waiting.cycle_id}}

    with pytest.raises(ValidationError):
        graph.invoke(Command(resume=answer), config)

    assert run_cycle(graph, **cycle(paper, at, None)).question == waiting.question


def test_a_finished_cycle_is_returned_and_not_run_again(make_desk):
    paper = make_desk()
    graph, at, first = run_once(paper)
    length = paper.session.journal.length

    again = run_cycle(graph, **cycle(paper, at))

    assert again == first
    assert paper.session.journal.length == length


def test_a_cycle_id_of_another_decision_is_refused(make_desk):
    paper = make_desk()
    graph, at, _ = run_once(paper)

    with pytest.raises(InputError, match="was begun in run run as of 2022-02-14"):
        run_cycle(graph, **cycle(paper, at, run_id="other"))
    with pytest.raises(InputError, match="is now called for run run as of 2022-02-21"):
        run_cycle(graph, **cycle(paper, at, asof=paper.step_to(35)))


def test_a_state_of_another_version_is_refused(make_desk, monkeypatch):
    paper = make_desk()
    graph, at, _ = run_once(paper)
    monkeypatch.setattr("alphalens.orchestrator.state.SCHEMA_VERSION", 2)

    with pytest.raises(StorageError, match="state version 1, this is version 2"):
        run_cycle(graph, **cycle(paper, at))


def test_a_graph_needs_a_saver(make_desk):
    with pytest.raises(InputError, match="needs a saver"):
        build_graph(make_desk().desk, saver=None)


def test_absurd_future_rows_change_neither_state_nor_journal(make_desk):
    clean = random_walk()
    poisoned = clean.closes.copy()
    poisoned.iloc[41:] = [1e6, 0.01, 1e6, 0.01, 1e6, 0.01]
    history = type(clean)(closes=poisoned, source=clean.source, adjustment="all")
    results, heads = [], []

    for name, data in (("clean", clean), ("poisoned", history)):
        paper = make_desk(name, history=data)
        graph = build_graph(paper.desk, saver=memory_saver())
        results.append([run_cycle(graph, **cycle(paper, paper.step_to(r))) for r in DECISIONS])
        heads.append(paper.session.journal.head)

    assert results[0] == results[1]
    assert heads[0] == heads[1]


def test_a_refusal_is_a_matter_of_limits_alone(make_desk):
    tight = RiskLimits(max_order=Decimal("0.20"), approval_above=None, max_position=Decimal("0.40"))

    results = [
        run_once(make_desk(f"x{factor}", limits=tight.scaled(Decimal(factor))))[2]
        for factor in (1, 2)
    ]

    counts = [sum(o["status"] == "refused" for o in result.orders) for result in results]
    assert counts == [2, 0]
    assert "max_order" in next(o for o in results[0].orders if o["reasons"])["reasons"][0]


def test_no_decision_is_not_a_decision_to_hold(make_desk):
    paper = make_desk()

    _, _, result = run_once(paper, row=10)

    assert result.is_finished
    assert (result.state["signal"], result.state["target"], result.orders) == (None, None, ())
    assert [item.code for item in result.degraded] == ["no_signal"]
    finished = paper.session.journal.records(kind=EventKind.CYCLE_FINISHED)[0].payload
    assert "needs 22 rows" in finished["degraded"][0]
    assert [a.code for a in paper.session.journal.alerts()] == ["degraded_no_signal"]


def test_before_all_data_the_cycle_says_so_and_closes(make_desk):
    paper = make_desk()
    graph = build_graph(paper.desk, saver=memory_saver())
    early = paper.clock.now().replace(year=2021)

    result = run_cycle(graph, **cycle(paper, early))

    assert [item.code for item in result.degraded] == ["no_data"]
    assert result.state["health"]["status"] == "critical"


def test_an_unfinished_cycle_blocks_the_next_and_is_named(make_desk):
    paper = make_desk()
    graph, _, waiting = run_once(paper, approver=None)

    result = run_cycle(graph, **cycle(paper, paper.step_to(35)))

    assert [item.code for item in result.degraded] == ["no_plan"]
    assert waiting.cycle_id in result.degraded[0].message
    assert result.state["risk"]["verdict"] == "deny"
    assert not paper.venue.open_orders()


def test_a_halted_desk_sends_nothing_and_is_critical(make_desk):
    paper = make_desk()
    paper.step_to(29)
    paper.session.halt(by="tester", reason="drill")

    _, _, result = run_once(paper)

    assert {order["status"] for order in result.orders} == {"refused"}
    assert result.state["risk"]["verdict"] == "deny"
    assert result.state["health"]["status"] == "critical"
    assert not paper.venue.open_orders()


def test_the_opening_leg_of_a_flip_is_not_sent_without_its_approval(make_desk):
    limits = RiskLimits(
        max_order=Decimal("0.30"), approval_above=Decimal("0.05"), max_position=Decimal("0.40")
    )
    paper = make_desk(limits=limits, history=random_walk(volatility=0.003))
    graph, _, _ = run_once(paper)
    flips = []
    for row in range(31, 60):
        at = paper.step_to(row)
        question = run_cycle(graph, **cycle(paper, at, None)).question
        flips = [order for order in question.orders if is_flip(paper, order)] if question else []
        result = run_cycle(graph, **cycle(paper, at, Silent() if flips else APPROVER))
        if flips:
            break

    by_id = {order["client_order_id"]: order["status"] for order in result.orders}
    closings = next(o for o in result.orders if o["symbol"] == flips[0].symbol)
    assert {by_id[order.client_order_id] for order in flips} == {"awaiting_approval"}
    assert closings["status"] == "accepted"


def is_flip(paper, order):
    return paper.session.ledger.quantity(order.symbol) * order.side.sign < 0


def test_a_cycle_is_read_back_from_sqlite_as_it_was(make_desk, tmp_path):
    paper = make_desk()
    with sqlite_saver(tmp_path / "checkpoints.sqlite") as saver:
        graph, at, _ = run_once(paper, saver=saver)
        live = run_cycle(graph, **cycle(paper, at))
    with sqlite_saver(tmp_path / "checkpoints.sqlite") as saver:
        again = run_cycle(build_graph(paper.desk, saver=saver), **cycle(paper, at))

    assert again == live
    assert (tmp_path / "checkpoints.sqlite").stat().st_mode & 0o777 == 0o600


def vars_of(answer):
    return {name: getattr(answer, name) for name in ("fingerprint", "is_approved", "by", "reason")}
