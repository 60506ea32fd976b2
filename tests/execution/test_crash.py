"""A run that dies at every write and every send in turn ends with the undisturbed book."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from alphalens.assets import Equity
from alphalens.execution import Journal, TradingSession
from alphalens.storage import open_engine
from alphalens.testing.faults import Fault, FlakyBroker, Killed

from .conftest import WIDE, Desk

pytestmark = pytest.mark.untraced

LIMITS = replace(
    WIDE,
    max_order=Decimal("0.6"),
    approval_above=Decimal("0.25"),
    max_position=Decimal("1.4"),
    max_gross=Decimal("1.4"),
    max_net=Decimal("1.4"),
)
DAYS = (
    {"A": "100", "B": "100", "C": "100"},
    {"A": "103", "B": "98", "C": "101"},
    {"A": "106", "B": "97", "C": "99"},
    {"A": "102", "B": "99", "C": "104"},
)
TARGETS = (
    {"A": 0.5, "B": -0.2, "C": 0.1},
    {"A": -0.3, "B": -0.2, "C": 0.9},  # a flip, and an order that is refused
    {"B": 0.3},
)


class DyingJournal(Journal):
    """Dies at the n-th write of the whole run, before or after the commit."""

    def __init__(self, *args, count, dies_at=-1, after=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.count, self.dies_at, self.after = count, dies_at, after

    def append_all(self, entries):
        number = self.count[0]
        self.count[0] += 1
        if number == self.dies_at and not self.after:
            raise Killed(f"before write {number}")
        records = super().append_all(entries)
        if number == self.dies_at:
            raise Killed(f"after write {number}")
        return records


class Run:
    """Four days and three decisions, repeated from the last unfinished step after a death.

    The database outlives the sessions, in memory: what dies is the process, not the disk.
    """

    def __init__(self, folder, **death) -> None:
        self.engine = open_engine("sqlite://")
        self.desk = Desk(folder, self.engine)
        self.line = FlakyBroker(self.desk.venue, on_submit=death.pop("on_submit", None))
        self.count, self.death = [0], death

    def session(self, **death) -> TradingSession:
        clock = self.desk.clock
        return TradingSession(
            journal=DyingJournal(self.engine, clock=clock, run_id="r1", count=self.count, **death),
            broker=self.line,
            limits=LIMITS,
            clock=clock,
            assets={symbol: Equity(symbol=symbol) for symbol in self.desk.prices},
            grace=timedelta(0),
        )

    def step(self, day: int) -> None:
        session = self.session(**self.death)
        session.start()
        session.mark(self.desk.prices)
        cycle = f"c{day}"
        is_finished = session.plan_for(cycle) and session.unfinished_cycle != cycle
        if day >= len(TARGETS) or is_finished:
            return
        intents = session.plan(self.desk.target(**TARGETS[day]), cycle_id=cycle)
        for one in session.request_approvals(intents):
            if one.verdict.needs_approval:
                session.approve(one.intent, by="ann", reason="seen")
        session.submit(intents)
        session.finish_cycle(cycle)

    def to_the_end(self) -> "Run":
        for day, prices in enumerate(DAYS):
            if day:
                self.desk.next_day(**prices)
            while True:
                try:
                    self.step(day)
                except Killed:
                    continue
                break
        return self

    def outcome(self):
        """The venue's own record, our book, and what became of every order."""
        session = self.session()
        session.start()
        session.journal.verify()
        fills = [(f.client_order_id, f.signed_quantity, f.price) for f in self.desk.venue.fills()]
        orders = {
            o.client_order_id: (o.status, o.filled_quantity) for o in session.journal.orders()
        }
        book = {s: p.quantity for s, p in session.ledger.positions.items()}
        return sorted(fills), orders, book, session.ledger.cash, session.state


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("undisturbed")).to_the_end()
    writes = run.count[0]
    return run.outcome(), writes, len(run.line.sent)


def die(folder, number, **death):
    run = Run(folder, **death).to_the_end()
    outcome, sent = run.outcome(), run.line.sent
    run.engine.dispose()
    assert len(set(sent)) == len(sent), f"an order reached the venue twice, death {number}"
    return outcome


def test_undisturbed_run_fills_refuses_and_asks(undisturbed):
    (fills, orders, book, _, state), writes, sends = undisturbed
    statuses = {str(status) for status, _ in orders.values()}
    assert statuses == {"filled", "refused"}
    assert len(fills) == sends >= 6
    assert writes > 30
    assert book
    assert state == "active"


@pytest.mark.parametrize("after", [False, True])
def test_death_at_any_write_loses_and_doubles_nothing(undisturbed, tmp_path, after):
    expected, writes, _ = undisturbed
    for number in range(writes):
        assert die(tmp_path, number, dies_at=number, after=after) == expected, number


@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
def test_death_at_any_send_loses_and_doubles_nothing(undisturbed, tmp_path, fault):
    expected, _, sends = undisturbed
    for number in range(sends):
        assert die(tmp_path, number, on_submit={number: fault}) == expected, number
