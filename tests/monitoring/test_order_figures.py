"""What became of orders, and how long it took, by the journal of a desk whose venue is slow."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path

import pytest
import sqlalchemy as sa

from alphalens.errors import OrderRejected, OutcomeUnknown
from alphalens.monitoring.order_figures import OrderReader, order_figures
from alphalens.monitoring.part_checks import check_orders
from alphalens.storage import open_engine, writing
from alphalens.storage.schema import journal
from alphalens.trading import VirtualClock
from alphalens.trading.events import EventKind
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


def test_reader_that_goes_on_says_what_one_says_that_begins(desk):
    session = desk.open(SlowVenue(desk.venue, desk.clock))
    engine = open_engine(desk.path, is_read_only=True)
    reader = OrderReader(engine)
    assert reader.read().sent == 0
    for number, symbol in enumerate("ABCA"):
        session.submit([desk.intent(symbol, units=str(10 + number), cycle_id=f"c{number}")])
        assert repr(reader.read()) == repr(order_figures(engine))  # NaN is no equal of itself
    found = reader.read()
    engine.dispose()
    assert (found.sent, found.answers.count, found.answers.p50_s) == (4, 3, 2.0)


def test_what_was_read_once_is_not_read_again(desk):
    session = desk.open(SlowVenue(desk.venue, desk.clock))
    session.submit([desk.intent("A", units="10")])
    engine = open_engine(desk.path, is_read_only=True)
    reader = OrderReader(engine)
    before = reader.read()
    with closing(sqlite3.connect(desk.path)) as file, file:
        file.execute("UPDATE journal SET payload = 'nobody can read this'")
    with pytest.raises(json.JSONDecodeError):
        order_figures(engine)
    assert repr(reader.read()) == repr(before)
    engine.dispose()


def test_durations_are_those_of_the_newest_records_whoever_reads(tmp_path: Path):
    path = tmp_path / "journal.sqlite"
    engine = open_engine(path)
    reader = OrderReader(engine)
    put_orders(engine, first=0, count=10, seconds=1.0)
    assert reader.read().answers.p50_s == 1.0
    put_orders(engine, first=10, count=2_495, seconds=3.0)
    assert (reader.read().answers.count, order_figures(engine).answers.count) == (2_500, 2_500)
    put_orders(engine, first=2_505, count=2_600, seconds=5.0)
    for found in (reader.read(), order_figures(engine)):
        assert (found.answers.count, found.answers.p50_s, found.answers.p99_s) == (2_500, 5.0, 5.0)
    engine.dispose()


def put_orders(engine: sa.Engine, *, first: int, count: int, seconds: float) -> None:
    """Put the records of orders into a journal, each answered after so many seconds."""
    at, rows = datetime(2024, 1, 2, tzinfo=UTC), []
    for number in range(first, first + count):
        name = {"client_order_id": f"o{number}"}
        kinds = (EventKind.ORDER_INTENDED, {"intent": name}), (EventKind.ORDER_ANSWERED, name)
        for place, (kind, payload) in enumerate(kinds):
            seq = 2 * number + place + 1
            rows.append(
                {
                    "seq": seq,
                    "at": at + timedelta(seconds=seconds * place),
                    "run_id": "r",
                    "cycle_id": "c",
                    "kind": kind.value,
                    "payload": json.dumps(payload),
                    "prev_hash": str(seq - 1),
                    "hash": str(seq),
                }
            )
    with writing(engine) as connection:
        connection.execute(journal.insert(), rows)
