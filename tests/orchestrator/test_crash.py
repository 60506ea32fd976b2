"""Killed at any line and begun again: every order once, every answer kept."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from decimal import Decimal

import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from alphalens.agents import ApproveUpTo, RejectAll
from alphalens.orchestrator import build_graph, memory_saver, run_cycle, sqlite_saver
from alphalens.testing.faults import Fault, FlakyBroker, Killed
from alphalens.trading.events import EventKind

pytestmark = pytest.mark.untraced

APPROVER = ApproveUpTo(limit=Decimal(1), by="tester")


class DyingAgent:
    """An agent at whose turn the process dies, before or after it has done its work."""

    def __init__(self, agent, *, after):
        self.agent, self.after, self.name = agent, after, agent.name

    def run(self, view, context):
        if self.after:
            self.agent.run(view, context)
        raise Killed(self.name)


class DyingSaver(SqliteSaver):
    """A saver that dies at its n-th write, before or after the write is on disk, for good."""

    def __init__(self, path, *, at, after):
        serde = JsonPlusSerializer(allowed_msgpack_modules=None)
        super().__init__(sqlite3.connect(path, check_same_thread=False), serde=serde)
        self.writes, self.at, self.after = 0, at, after

    def put(self, *given):
        return self._write(super().put, given)

    def put_writes(self, *given):
        return self._write(super().put_writes, given)

    def _write(self, write, given):
        self.writes += 1
        if self.writes > self.at or (self.writes == self.at and not self.after):
            raise Killed(f"write {self.writes}")
        written = write(*given)
        if self.writes == self.at:
            raise Killed(f"write {self.writes}")
        return written


def call(paper, at, approver=APPROVER):
    return {"run_id": "run", "cycle_id": "run/1", "asof": at, "approver": approver}


def undisturbed(make_desk):
    paper = make_desk("undisturbed")
    at = paper.step_to(30)
    result = run_cycle(build_graph(paper.desk, saver=memory_saver()), **call(paper, at))
    return [order["client_order_id"] for order in result.orders], result


def resumed(make_desk, first, at, path):
    """Open journal and checkpoints anew, as the next process does, and go on."""
    first.close()
    paper = make_desk("desk", venue=first.venue, clock=first.clock)
    with sqlite_saver(path) as saver:
        result = run_cycle(build_graph(paper.desk, saver=saver), **call(paper, at))
    return paper, result


def check(paper, result, expected, undisturbed_result):
    """The venue holds each order once, and the cycle ended as if nothing had happened."""
    journal = paper.session.journal
    sent = [order.client_order_id for order in paper.venue.open_orders()]
    assert sent == expected
    assert result.orders == undisturbed_result.orders
    assert len(journal.records(kind=EventKind.CYCLE_FINISHED)) == 1
    assert len(journal.records(kind=EventKind.APPROVAL_GIVEN)) == 2
    assert len(journal.records(kind=EventKind.APPROVAL_REQUESTED)) == 2
    assert len(journal.records(kind=EventKind.ORDER_INTENDED)) == len(expected)
    assert journal.verify() == journal.length


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("role", ["strategy", "risk", "execution", "monitoring"])
def test_killed_in_a_node(make_desk, tmp_path, role, after):
    expected, whole = undisturbed(make_desk)
    first = make_desk("desk")
    at = first.step_to(30)
    dying = replace(first.desk, **{role: DyingAgent(getattr(first.desk, role), after=after)})
    with sqlite_saver(tmp_path / "c.sqlite") as saver, pytest.raises(Killed):
        run_cycle(build_graph(dying, saver=saver), **call(first, at))

    paper, result = resumed(make_desk, first, at, tmp_path / "c.sqlite")

    check(paper, result, expected, whole)


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_checkpoint_write(make_desk, tmp_path, after):
    expected, whole = undisturbed(make_desk)
    number = 0
    while True:
        number += 1
        path, name = tmp_path / f"{number}.sqlite", f"desk{number}"
        first = make_desk(name)
        at = first.step_to(30)
        saver = DyingSaver(path, at=number, after=after)
        try:
            run_cycle(build_graph(first.desk, saver=saver), **call(first, at))
        except Killed:
            saver.conn.close()
        else:
            saver.conn.close()
            break
        first.close()
        paper = make_desk(name, venue=first.venue, clock=first.clock)
        with sqlite_saver(path) as second:
            result = run_cycle(build_graph(paper.desk, saver=second), **call(paper, at))
        check(paper, result, expected, whole)

    assert number > 10


@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
@pytest.mark.parametrize("number", range(6))
def test_killed_at_every_send(make_desk, tmp_path, number, fault):
    expected, whole = undisturbed(make_desk)
    first = make_desk("desk")
    line = FlakyBroker(first.venue, on_submit={number: fault})
    first.close()
    first = make_desk("desk", venue=first.venue, clock=first.clock, broker=line)
    at = first.step_to(30)
    with sqlite_saver(tmp_path / "c.sqlite") as saver, pytest.raises(Killed):
        run_cycle(build_graph(first.desk, saver=saver), **call(first, at))

    paper, result = resumed(make_desk, first, at, tmp_path / "c.sqlite")

    sent = [order.client_order_id for order in paper.venue.open_orders()]
    assert sent == expected
    assert [o["status"] for o in result.orders] == [o["status"] for o in whole.orders]


def test_an_answer_given_before_the_crash_is_not_asked_for_again(make_desk, tmp_path):
    first = make_desk("desk")
    at = first.step_to(30)
    dying = replace(first.desk, execution=DyingAgent(first.desk.execution, after=False))
    with sqlite_saver(tmp_path / "c.sqlite") as saver, pytest.raises(Killed):
        run_cycle(build_graph(dying, saver=saver), **call(first, at))
    first.close()
    paper = make_desk("desk", venue=first.venue, clock=first.clock)

    with sqlite_saver(tmp_path / "c.sqlite") as saver:
        nobody = call(paper, at) | {"approver": None}
        result = run_cycle(build_graph(paper.desk, saver=saver), **nobody)

    assert result.is_finished
    assert len(paper.venue.open_orders()) == 6


def test_with_the_checkpoints_lost_the_journal_still_sends_each_order_once(make_desk, tmp_path):
    expected, _ = undisturbed(make_desk)
    first = make_desk("desk")
    at = first.step_to(30)
    dying = replace(first.desk, monitoring=DyingAgent(first.desk.monitoring, after=False))
    with sqlite_saver(tmp_path / "lost.sqlite") as saver, pytest.raises(Killed):
        run_cycle(build_graph(dying, saver=saver), **call(first, at))

    paper, result = resumed(make_desk, first, at, tmp_path / "new.sqlite")

    assert result.is_finished
    assert [order.client_order_id for order in paper.venue.open_orders()] == expected
    assert {order["status"] for order in result.orders} == {"accepted"}


def test_a_refusal_given_before_the_crash_stands(make_desk, tmp_path):
    first = make_desk("desk")
    at = first.step_to(30)
    dying = replace(first.desk, execution=DyingAgent(first.desk.execution, after=True))
    approver = RejectAll(by="tester", reason="no")
    with sqlite_saver(tmp_path / "c.sqlite") as saver, pytest.raises(Killed):
        run_cycle(build_graph(dying, saver=saver), **call(first, at, approver))

    paper, result = resumed(make_desk, first, at, tmp_path / "c.sqlite")

    assert [order["status"] for order in result.orders].count("refused") == 2
    assert len(paper.session.journal.records(kind=EventKind.APPROVAL_DENIED)) == 2
    assert len(paper.venue.open_orders()) == 4


def test_two_people_who_approve_at_once_give_one_order_each(make_desk, tmp_path):
    first = make_desk("desk")
    at = first.step_to(30)

    class SlowerThanTheOther:
        def decide(self, question):
            with sqlite_saver(tmp_path / "c.sqlite") as saver:
                self.other = run_cycle(build_graph(first.desk, saver=saver), **call(first, at))
            return APPROVER.decide(question)

    slower = SlowerThanTheOther()
    with sqlite_saver(tmp_path / "c.sqlite") as saver:
        result = run_cycle(build_graph(first.desk, saver=saver), **call(first, at, slower))

    assert slower.other.is_finished
    assert result == slower.other
    assert len(first.venue.open_orders()) == 6
