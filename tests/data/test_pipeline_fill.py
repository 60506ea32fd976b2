"""Long fetches: told as they go, ended anywhere and gone on with, by several at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from alphalens.data.bars import Timeframe
from alphalens.data.filling import parts_of
from alphalens.data.pipeline import Pipeline
from alphalens.data.polygon_provider import PolygonProvider
from alphalens.data.port import BarRequest
from alphalens.data.store import BarStore
from alphalens.errors import DataError, InputError, StorageError
from alphalens.storage import open_engine
from alphalens.trading.clock import VirtualClock
from tests.waiting import PROCESS_S

from .pipeline_desk import DAYS, MIDNIGHTS, closes_of, open_desk, request, walk
from .scripted_vendor import QUICK

NAMES = tuple(f"S{letter}" for letter in "ABCDEFGH")
WALKS = {name: walk(seed=n) for n, name in enumerate(NAMES)}


@pytest.fixture
def desk(tmp_path, postgres_url):
    with open_desk(postgres_url, tmp_path) as desk:
        for name, closes in WALKS.items():
            desk.tell(name, closes)
        yield desk


def small(pipeline, monkeypatch, **changes):
    """Cut parts so small that there are many."""
    sizes = {"largest": 40, "symbols": 2, **changes}
    monkeypatch.setattr(
        "alphalens.data.pipeline.parts_of", lambda *args, **_: parts_of(*args, **sizes)
    )
    return pipeline


def is_whole(store, names=NAMES):
    return all(closes_of(store, request(name)) == WALKS[name] for name in names)


def test_missing_stretches_are_cut_into_parts_of_bounded_size():
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    end = begin + timedelta(days=5)
    wanted = BarRequest(symbols=("A", "B", "C"), start=begin, end=end, timeframe=Timeframe.HOUR)
    missing = {"A": [(begin, end)], "B": [(begin, end)], "C": [(begin + timedelta(days=4), end)]}
    parts = list(parts_of(wanted, missing, largest=96, symbols=2))
    told = [((p.start - begin).days, (p.end - begin).days, p.symbols) for p in parts]
    assert told == [
        (0, 2, ("A", "B")),
        (2, 4, ("A", "B")),
        (4, 5, ("A", "B")),
        (4, 5, ("C",)),
    ]
    assert {p.timeframe for p in parts} == {Timeframe.HOUR}
    assert [p.symbols for p in parts_of(wanted, missing, symbols=1)] == [("A",), ("B",), ("C",)]


def test_fill_brings_everything_tells_how_far_it_is_and_does_nothing_twice(desk, monkeypatch):
    pipeline = small(desk.pipeline(), monkeypatch)
    told = []
    filled = pipeline.fill(request(*NAMES), workers=3, on_progress=told.append)
    assert is_whole(desk.store)
    rows = len(NAMES) * len(DAYS)
    assert (filled.rows, filled.rejected, filled.failed, filled.gaps) == (rows, 0, (), 0)
    assert [step.done for step in told] == list(range(filled.parts + 1))
    assert {step.parts for step in told} == {filled.parts}
    assert (told[0].symbols, told[-1].rows) == ((), rows)
    assert filled.parts > 8
    calls = len(desk.calls())
    assert pipeline.fill(request(*NAMES)).parts == 0
    assert len(desk.calls()) == calls


@pytest.mark.parametrize("workers", [1, 4])
def test_step_between_two_parts_is_seen_however_many_work(desk, monkeypatch, workers):
    split = [*WALKS["SA"][:20], *(round(close / 7, 2) for close in WALKS["SA"][20:])]
    desk.tell("SA", split)
    days = (MIDNIGHTS[20] - MIDNIGHTS[0]).days  # the second part begins with the step
    pipeline = small(desk.pipeline(), monkeypatch, largest=days, symbols=1)
    desk.polygon.control.set_latency(0.02)
    filled = pipeline.fill(request("SA", "SB", last=-2), workers=workers)
    assert (filled.parts, filled.rejected) == (4, len(DAYS) - 21)
    assert closes_of(desk.store, request("SA")) == split[:20]
    assert closes_of(desk.store, request("SB")) == WALKS["SB"][:-1]


def test_part_that_no_vendor_gives_is_told_and_stops_no_other(desk, monkeypatch):
    desk.polygon.control.arm("server_error", path="/v2/aggs/ticker/SC/*", count=200)
    pipeline = small(desk.pipeline(), monkeypatch, largest=10_000, symbols=1)
    filled = pipeline.fill(request(*NAMES))
    assert [failure.request.symbols for failure in filled.failed] == [("SC",)]
    assert "no vendor gave" in filled.failed[0].problem
    assert is_whole(desk.store, [name for name in NAMES if name != "SC"])
    desk.polygon.control.disarm()
    assert pipeline.fill(request(*NAMES)).parts == 1
    assert is_whole(desk.store)


def test_fetch_that_was_ended_goes_on_where_it_was(desk, monkeypatch):
    pipeline = small(desk.pipeline(), monkeypatch)

    def stop(step):
        if step.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline.fill(request(*NAMES), workers=1, on_progress=stop)
    first = len(desk.calls())
    filled = pipeline.fill(request(*NAMES), workers=1)
    everything = {name: [_span()] for name in NAMES}
    whole = len(list(parts_of(request(*NAMES), everything, largest=40, symbols=2)))
    assert 0 < filled.parts < whole
    assert is_whole(desk.store)
    assert len(desk.calls()) - first < 2 * whole


def _span():
    wanted = request()
    return wanted.start, wanted.end


def test_two_ingesters_at_once_lose_nothing_and_double_nothing(desk, monkeypatch):
    first, second = (small(desk.pipeline(), monkeypatch) for _ in range(2))
    threads = [
        threading.Thread(target=one.fill, args=(request(*NAMES),), kwargs={"workers": 2})
        for one in (first, second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert is_whole(desk.store)
    assert len(desk.store.revisions(request(*NAMES))) == 0
    assert desk.store.coverage(NAMES)["count"].tolist() == [len(DAYS)] * len(NAMES)
    assert desk.store.missing(request(*NAMES)) == {}


INGEST = """
import random, sys
from datetime import datetime
from alphalens.data import pipeline as module
from alphalens.data.filling import parts_of
from tests.data.test_pipeline_fill import ingester
module.parts_of = lambda *args, **_: parts_of(*args, largest=40, symbols=2)
with ingester(*sys.argv[1:3]) as (pipeline, wanted):
    print("ready", flush=True)
    sys.stdin.readline()
    pipeline.fill(wanted, workers=2, on_progress=lambda step: print(step.done, flush=True))
"""


class ingester:  # noqa: N801 - read as a verb by the script above
    """A pipeline of another process on the same database and vendor."""

    def __init__(self, database, vendor):
        self.engine = open_engine(database)
        self.vendor = PolygonProvider("key", base_url=vendor, rng=random.Random(3), options=QUICK)

    def __enter__(self):
        # Its answers are received on the machine's own day, long after the bars.
        clock = VirtualClock(datetime.now(UTC) + timedelta(days=1))
        store = BarStore(self.engine)
        return Pipeline([self.vendor], store, clock=clock), request(*NAMES)

    def __exit__(self, *_):
        self.vendor.close()
        self.engine.dispose()


def start(desk, url):
    command = [sys.executable, "-c", INGEST, url, desk.polygon.url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes)


def test_processes_that_ingest_at_once_and_one_that_is_killed_leave_all_of_it_once(
    desk, postgres_url
):
    desk.polygon.control.set_latency(0.02)
    processes = [start(desk, postgres_url) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for line in processes[0].stdout:
        if int(line) == 3:
            os.kill(processes[0].pid, signal.SIGKILL)
            break
    processes[0].communicate(timeout=PROCESS_S)
    told, _ = processes[1].communicate(timeout=PROCESS_S)
    assert processes[1].returncode == 0
    assert told.splitlines()[-1].isdigit()
    desk.clock.advance_to(datetime.now(UTC) + timedelta(days=2))
    filled = desk.pipeline().fill(request(*NAMES))
    assert filled.failed == ()
    assert is_whole(desk.store)
    assert len(desk.store.revisions(request(*NAMES))) == 0
    assert desk.store.coverage(NAMES)["count"].tolist() == [len(DAYS)] * len(NAMES)


def test_write_that_fails_in_the_middle_leaves_no_half_and_the_next_fill_brings_it(
    desk, monkeypatch
):
    pipeline = desk.pipeline()
    real, failed = desk.store.write, []

    def fail_once(*args, **kwargs):
        if not failed:
            failed.append(True)
            raise StorageError("the disk is full")
        return real(*args, **kwargs)

    monkeypatch.setattr(desk.store, "write", fail_once)
    with pytest.raises(StorageError, match="disk is full"):
        pipeline.fill(request(*NAMES), workers=1)
    assert len(desk.store.read(request(*NAMES))) == 0
    assert set(desk.store.missing(request(*NAMES))) == set(NAMES)
    assert pipeline.fill(request(*NAMES)).rows == len(NAMES) * len(DAYS)
    assert is_whole(desk.store)


def test_workers_are_at_least_one_and_what_nobody_has_is_refused_before_the_first_call(desk):
    pipeline = desk.pipeline()
    with pytest.raises(InputError, match="workers is 0, it must be at least 1"):
        pipeline.fill(request(*NAMES), workers=0)
    with pytest.raises(InputError, match="none of polygon has"):
        pipeline.fill(request("SA", "BTC/USDT-PERP"))
    assert desk.calls() == []


def test_fetch_asks_whatever_the_store_has(desk):
    pipeline = desk.pipeline()
    pipeline.bars(request("SA"))
    desk.polygon.control.arm("server_error", path="/v2/aggs/*", count=100)
    with pytest.raises(DataError, match="no vendor gave"):
        pipeline.fetch(request("SA"))
    assert len(pipeline.bars(request("SA"))) == len(DAYS)


def test_memory_is_bounded_by_the_workers(desk, monkeypatch):
    pipeline = small(desk.pipeline(), monkeypatch)
    under_way, most, gate = [0], [0], threading.Lock()
    real = pipeline._asking._intake.judge

    def judge(*args):
        with gate:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.01)
        try:
            return real(*args)
        finally:
            with gate:
                under_way[0] -= 1

    monkeypatch.setattr(pipeline._asking._intake, "judge", judge)
    pipeline.fill(request(*NAMES), workers=3)
    assert 1 < most[0] <= 3
