"""What became of orders, and how long it took, by the journal of a desk whose venue is slow."""

from __future__ import annotations

from datetime import timedelta
from math import isnan

import pytest

from alphalens.errors import OrderRejected, OutcomeUnknown
from alphalens.monitoring.order_figures import order_figures
from alphalens.monitoring.part_checks import check_orders
from alphalens.storage import open_engine
from alphalens.trading import VirtualClock
from tests.execution.conftest import Desk


class SlowVenue:
    """Takes two seconds for each answer, and does not take every order."""

    def __init__(self, venue, clock: VirtualClock) -> None:
        self._venue, self._clock = venue, clock

    def __getattr__(self, name: str):
        return getattr(self._venue, name)

    def submit(self, intent):
        self._clock.advance_to(self._clock.now() + timedelta(seconds=2))
        if intent.symbol == "B":
            raise OrderRejected("not today")
        if intent.symbol == "C":
            raise OutcomeUnknown("no answer")
        return self._venue.submit(intent)


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    for engine in desk.engines:
        engine.dispose()


def figures(desk: Desk):
    engine = open_engine(desk.path, is_read_only=True)
    try:
        return order_figures(engine)
    finally:
        engine.dispose()


def test_taken_rejected_refused_and_unanswered_orders_are_told_apart(desk):
    session = desk.open(SlowVenue(desk.venue, desk.clock))
    for number, symbol in enumerate("AABC"):
        session.submit([desk.intent(symbol, units=str(10 + number), cycle_id=f"c{number}")])
    session.submit([desk.intent("A", units="1000000", cycle_id="too-much")])
    found = figures(desk)
    assert (found.sent, found.rejected, found.unanswered, found.refused) == (4, 1, 1, 1)
    assert found.success_rate == pytest.approx(2 / 3)
    assert (found.answers.count, found.answers.p50_s, found.answers.p99_s) == (3, 2.0, 2.0)
    check = check_orders(found)
    assert (check.status, check.value) == ("warning", "66.7% taken")
    for part in ("4 orders sent", "1 rejected", "of 1 nobody knows"):
        assert part in check.message


def test_cycle_lasts_from_its_plan_to_its_end(desk):
    session = desk.open(SlowVenue(desk.venue, desk.clock))
    intents = session.plan(desk.target(A=0.2), cycle_id="c1")
    session.submit(intents)
    desk.clock.advance_to(desk.clock.now() + timedelta(seconds=1))
    session.finish_cycle("c1")
    found = figures(desk)
    assert (found.cycles.count, found.cycles.p50_s) == (1, 3.0)
    assert check_orders(found).status == "ok"
    assert check_orders(found).value == "100.0% taken"


def test_desk_without_orders_has_no_rates(desk):
    desk.open()
    found = figures(desk)
    assert found.sent == 0
    assert isnan(found.success_rate)
    assert isnan(found.answers.p99_s)
    assert check_orders(found).value == "none answered yet"
