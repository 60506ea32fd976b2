"""The example of a loop, as a process: it ends by a signal, and is killed and started again."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alphalens.assets import Equity
from alphalens.config import load_settings
from alphalens.execution import JournalReader
from alphalens.runtime import open_desk
from alphalens.storage import open_engine
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.trading.events import EventKind
from tests.faults.invariants import check_invariants
from tests.waiting import PROCESS_S

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "paper_loop.py"
SYMBOLS = ("AAPL", "MSFT", "SPY")
ONE_CYCLE = "1e9"  # seconds: the next one begins in 2033


@contextmanager
def process(folder: Path, *options: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Run the example where no .env is; a process that hangs is killed."""
    command = [sys.executable, "-u", str(SCRIPT), "--folder", str(folder / "desk"), *options]
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True
    ) as child:
        limit = threading.Timer(PROCESS_S, child.kill)
        limit.start()
        try:
            yield child
        finally:
            limit.cancel()
            child.kill()


@pytest.fixture
def venue(tmp_path):
    now = datetime.now(UTC)
    with AlpacaServer(
        tmp_path / "alpaca.sqlite", now=now, ticking=True, always_open=True
    ) as server:
        yield server


def quote_until(venue: AlpacaServer, child: subprocess.Popen[str], is_done: Callable[[], bool]):
    """Give quotes until something has happened, or the process has ended."""
    while not is_done():
        assert child.poll() is None, f"the process ended with {child.returncode}"
        for symbol in SYMBOLS:
            venue.control.set_quote(symbol, "99.99", "100.01")
        time.sleep(0.02)


def test_loop_on_this_machine_trades_some_cycles_and_ends_by_a_signal(tmp_path):
    with process(tmp_path, "--loopback", "--every", "1") as child:
        cycles = []
        for line in child.stdout:
            cycles += [line] if line.startswith("hold-") else []
            if len(cycles) == 3:
                break
        child.send_signal(signal.SIGTERM)
        rest, _ = child.communicate(timeout=PROCESS_S)
    assert child.returncode == 0
    assert "SIGTERM: " in rest
    assert "buy" in cycles[0]
    engine = open_engine(tmp_path / "desk" / "desk.sqlite")
    journal = JournalReader(engine)
    assert journal.verify() == journal.length
    journal.verify_tables()
    assert len(journal.records(kind=EventKind.CYCLE_PLANNED)) >= 3
    (end,) = journal.records(kind=EventKind.RUN_FINISHED)
    assert end.payload["reason"] == "SIGTERM"
    engine.dispose()


def test_loop_that_was_killed_in_the_middle_goes_on_with_its_plan(tmp_path, venue):
    settings = {
        "ALPHALENS_VENUE": "alpaca",
        "ALPHALENS_ALPACA_BASE_URL": venue.rest_url,
        "ALPHALENS_ALPACA_STREAM_URL": venue.stream_url,
        "ALPHALENS_ALPACA_DATA_URL": venue.data_stream_url,
        "ALPACA_API_KEY": "PKTEST",
        "ALPACA_SECRET_KEY": "secret",
    }
    options = ("--every", ONE_CYCLE)
    venue.control.arm("delay", method="POST", path="/v2/orders", nth=2, seconds=5)
    with process(tmp_path, *options, **settings) as first:
        quote_until(venue, first, lambda: len(venue.control.requests("POST")) == 2)
        quote_until(venue, first, lambda: len(venue.control.orders()) == 2)
        first.kill()
    assert first.returncode == -signal.SIGKILL

    with process(tmp_path, *options, **settings) as second:
        quote_until(venue, second, lambda: is_filled(venue))
        second.send_signal(signal.SIGTERM)
        said, _ = second.communicate(timeout=PROCESS_S)
    assert (second.returncode, "SIGTERM: 1 cycles" in said) == (0, True)
    ids = [row["client_order_id"] for row in venue.control.requests("POST")]
    assert len(set(ids)) == len(ids) == 3

    given = load_settings(env_file=None, environ={}, overrides=settings)
    assets = {symbol: Equity(symbol=symbol) for symbol in SYMBOLS}
    with open_desk(given, assets=assets, folder=tmp_path / "desk", run_id="look") as session:
        plan = session.plan_for(session.unfinished_cycle)
        held = {symbol: session.ledger.quantity(symbol) for symbol in SYMBOLS}
        assert held == {intent.symbol: intent.quantity for intent in plan}
        assert len(session.journal.records(kind=EventKind.CYCLE_PLANNED)) == 1
        check_invariants(session, tmp_path / "alpaca.sqlite")


def is_filled(venue: AlpacaServer) -> bool:
    return [order["status"] for order in venue.control.orders()] == ["filled"] * 3
