"""A plan is stored once: killed in the middle of it, with other prices, it is carried out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from alphalens.execution import Journal
from alphalens.execution.records import intent_from
from alphalens.storage import open_engine, reading
from alphalens.storage.schema import journal as journal_table
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.trading import VirtualClock
from alphalens.trading.events import EventKind
from tests.waiting import PATIENCE_S, until

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)  # a Monday, half an hour after the opening
PRICES = {"AAPL": "100", "MSFT": "50", "SPY": "400"}
MOVED = {"AAPL": "130", "MSFT": "40", "SPY": "480"}
WEIGHTS = {"AAPL": 0.3, "MSFT": 0.2, "SPY": 0.2}
UNITS = {"AAPL": "300", "MSFT": "400", "SPY": "50"}  # of 100,000 at the first prices
PART = 100
SCRIPT = Path(__file__).with_name("planning_process.py")


def quote(server: AlpacaServer, prices: dict[str, str], **sizes: int) -> None:
    for symbol, price in prices.items():
        bid = str(Decimal(price) - Decimal("0.02"))
        server.control.set_quote(symbol, bid, price, ask_size=sizes.get(symbol))


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[AlpacaServer]:
    with AlpacaServer(tmp_path / "venue.sqlite", now=NOW, seed=1, rate_limit=None) as server:
        quote(server, PRICES, AAPL=PART)
        yield server


class Process:
    """A trader of its own, told what to do by a file."""

    def __init__(self, venue: AlpacaServer, database: str, folder: Path, **task: object) -> None:
        file = folder / f"{task['run']}.json"
        addresses = {"rest_url": venue.rest_url, "stream_url": venue.stream_url}
        place = {"database": database, "now": NOW.isoformat()}
        file.write_text(json.dumps(place | addresses | task))
        self.process = subprocess.Popen(
            [sys.executable, SCRIPT, file], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self._lines = self.process.stdout

    def hears(self) -> dict[str, object]:
        told: dict[str, object] = json.loads(self._lines.readline())
        return told

    def end(self) -> int:
        code = self.process.wait(PATIENCE_S)
        self._lines.close()
        return code


def stored_plans(database: str) -> list[tuple[object, ...]]:
    """The records of planned cycles, as they lie in the database."""
    engine = open_engine(database, is_read_only=True)
    table = journal_table.c
    query = journal_table.select().where(table.kind == EventKind.CYCLE_PLANNED.value)
    with reading(engine) as connection:
        rows = [tuple(row) for row in connection.execute(query.order_by(table.seq))]
    engine.dispose()
    return rows


#: Whether the venue had the second order when the process died that waited for its answer.
WAYS = [("sqlite", "hang"), ("postgres", "hang_before")]


@pytest.mark.parametrize(("database_url", "fault"), WAYS, indirect=["database_url"])
def test_cycle_killed_after_a_partial_fill_goes_on_by_its_stored_plan(
    venue, database_url, tmp_path, fault
):
    venue.control.arm(fault, method="POST", path="/v2/orders", nth=2)
    first = Process(venue, database_url, tmp_path, run="first", prices=PRICES, weights=WEIGHTS)
    plan = first.hears()["plan"]
    intents = [intent_from(json.loads(one)) for one in plan]
    assert {one.symbol: str(one.quantity) for one in intents} == UNITS
    assert first.hears() == {"first": intents[0].client_order_id}
    until(lambda: venue.control.requests("POST", client_order_id=intents[1].client_order_id))
    first.process.kill()
    assert first.end() == -9
    (before,) = stored_plans(database_url)
    (part,) = [row for row in venue.control.executions() if row["symbol"] == "AAPL"]
    assert Decimal(part["qty"]) == PART

    quote(venue, MOVED)
    other = dict.fromkeys(PRICES, 0.1)  # whoever planned anew would want something else
    second = Process(venue, database_url, tmp_path, run="second", prices=MOVED, weights=other)
    assert second.hears()["plan"] == plan  # byte for byte
    second.hears()
    ended = second.hears()
    assert second.end() == 0

    after, next_cycle = stored_plans(database_url)
    assert after == before
    assert json.loads(str(next_cycle[list(journal_table.c.keys()).index("payload")]))["intents"]
    assert ended["planned_again"] != {}  # at these prices another plan is another plan
    assert ended["held"] == UNITS
    orders = venue.control.orders()
    assert [(o["client_order_id"], o["symbol"], o["qty"]) for o in orders] == [
        (one.client_order_id, one.symbol, str(one.quantity)) for one in intents
    ]
    executions = venue.control.executions()
    totals = {s: sum(Decimal(e["qty"]) for e in executions if e["symbol"] == s) for s in UNITS}
    assert totals == {symbol: Decimal(units) for symbol, units in UNITS.items()}
    paid = sum(Decimal(e["qty"]) * Decimal(e["price"]) for e in executions)
    assert Decimal(str(ended["cash"])) == 100_000 - paid
    check_journal(database_url, executed=len(executions))


def check_journal(database: str, *, executed: int) -> None:
    engine = open_engine(database)
    with Journal(engine, clock=VirtualClock(NOW), run_id="check") as journal:
        assert journal.verify() == journal.length
        journal.verify_tables()
        assert len({fill.fill_id for fill in journal.fills()}) == executed
        assert all(order.status.is_final for order in journal.orders())
    engine.dispose()
