"""Bars fetched, looked at and judged by command, from a loopback vendor into a file."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from alphalens.assets import AssetClass
from alphalens.cli import main
from alphalens.cli import progress as progress_module
from alphalens.cli.data import _ADJUSTMENTS, _CLASSES, _TIMEFRAMES
from alphalens.cli.output import ExitCode
from alphalens.data.bars import Adjustment, Bars, Timeframe, micros
from alphalens.data.pipeline import Pipeline
from alphalens.data.port import BarRequest
from alphalens.data.store import BarStore
from alphalens.storage import open_engine
from alphalens.testing.alpaca_data_server import AlpacaDataServer
from alphalens.testing.polygon_server import PolygonServer
from tests.waiting import PROCESS_S, until

SECRET = "hunter2-very-secret"
SESSIONS = [datetime(2024, 1, day, 5, tzinfo=UTC) for day in (2, 3, 4, 5, 8)]
SPAN = ("--start", "2024-01-02", "--end", "2024-01-09")


def row(at: datetime, close: float) -> dict[str, object]:
    prices = {"o": close, "h": close + 1, "l": close - 1, "c": close}
    return {"t": int(at.timestamp() * 1000), **prices, "v": 1000, "vw": close, "n": 10}


@pytest.fixture
def server():
    with PolygonServer(keys=(SECRET,)) as server:
        for symbol, price in (("AAPL", 185.0), ("MSFT", 370.0)):
            server.control.add_aggs(symbol, [row(at, price + n) for n, at in enumerate(SESSIONS)])
        yield server


@pytest.fixture(autouse=True)
def settings(server, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL", "ALPACA_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALPHALENS_MARKET_DATA_VENDORS", "alpaca,polygon")
    monkeypatch.setenv("ALPHALENS_POLYGON_BASE_URL", server.url)
    monkeypatch.setenv("ALPHALENS_POLYGON_CALLS_PER_MINUTE", "10000")
    monkeypatch.setenv("POLYGON_API_KEY", SECRET)


@pytest.fixture
def data(capsys):
    def run(*words: str) -> tuple[int, str, str]:
        code = main(["data", *words])
        said = capsys.readouterr()
        assert SECRET not in said.out + said.err
        return code, said.out, said.err

    return run


def stored(symbol: str) -> list[float]:
    engine = open_engine(Path("market.sqlite"), is_read_only=True)
    request = BarRequest(symbols=(symbol,), start=SESSIONS[0], end=datetime(2024, 2, 1, tzinfo=UTC))
    try:
        return BarStore(engine).read(request).close.tolist()
    finally:
        engine.dispose()


def came(symbol: str, at: datetime) -> int:
    """Return how many minutes of the hour before an instant were kept or put aside."""
    engine = open_engine(Path("market.sqlite"), is_read_only=True)
    start = at - timedelta(hours=1)
    hour = BarRequest(symbols=(symbol,), start=start, end=at, timeframe=Timeframe.MINUTE)
    try:
        store = BarStore(engine)
        return len(store.read(hour)) + len(store.quarantined([symbol]))
    finally:
        engine.dispose()


def test_fetch_brings_what_is_missing_once(data, server):
    code, out, err = data("fetch", "AAPL", "MSFT", *SPAN)
    assert (code, out) == (0, "10 bars of 2 symbols kept, 0 in quarantine, 0 repaired, 0 gaps\n")
    assert "alpaca is left out: ALPACA_API_KEY or ALPACA_SECRET_KEY is empty" in err
    assert "10 bars" in err
    assert stored("AAPL") == [185.0, 186.0, 187.0, 188.0, 189.0]
    server.control.forget_requests()
    code, out, _ = data("fetch", "AAPL", "MSFT", *SPAN)
    assert (code, out.startswith("nothing to fetch: all of it was asked for before")) == (0, True)
    assert server.control.requests() == []


def test_fetch_goes_on_where_it_failed(data, server):
    server.control.arm("html", path="/v2/aggs/ticker/MSFT/*", count=100)
    code, out, err = data("fetch", "AAPL", *SPAN, "--json")
    assert (code, json.loads(out)["rows"]) == (0, 5)
    code, out, err = data("fetch", "AAPL", "MSFT", *SPAN, "--json")
    assert code == ExitCode.OPERATOR
    (failed,) = json.loads(out)["failed"]
    assert failed["symbols"] == ["MSFT"]
    assert "polygon" in json.loads(err)["message"]
    assert stored("MSFT") == []
    server.control.disarm()
    code, out, _ = data("fetch", "AAPL", "MSFT", *SPAN, "--json")
    assert (code, json.loads(out)["rows"], json.loads(out)["failed"]) == (0, 5, [])
    assert stored("MSFT") == [370.0, 371.0, 372.0, 373.0, 374.0]


@pytest.fixture
def ctrl_c():
    """Let Ctrl-C interrupt: a shell lets its background jobs ignore it, and tests may be one."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_fetch_that_is_interrupted_leaves_whole_parts_and_goes_on(data, server, monkeypatch):
    symbols = [f"S{n}" for n in range(6)]
    for n, symbol in enumerate(symbols):  # each lacks another stretch: six parts
        server.control.add_aggs(symbol, [row(at, 100.0 + n) for n, at in enumerate(SESSIONS)])
        if n:
            data("fetch", symbol, "--start", "2024-01-02", "--end", f"2024-01-{2 + n:02}")
    before = [0, *(len(stored(symbol)) for symbol in symbols[1:])]
    real = progress_module.progress

    @contextmanager
    def interrupted(out):
        with real(out) as advance:

            def tell(label, done, total, *, note=""):
                advance(label, done, total, note=note)
                if done == 1:
                    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # Ctrl-C
                    time.sleep(1.0)  # the worker has no next part before it has arrived

            yield tell

    monkeypatch.setattr("alphalens.cli.data.progress", interrupted)
    code, out, err = data("fetch", *symbols, *SPAN, "--workers", "1")
    assert (code, out) == (ExitCode.INTERRUPTED, "")
    assert "what was written stays" in err
    lengths = [len(stored(symbol)) for symbol in symbols]
    left = [now for now, was in zip(lengths, before, strict=True) if now == was]
    assert 0 < len(left) < 6  # some parts, and not all of them
    assert len(left) + lengths.count(5) == 6  # each of them whole
    monkeypatch.setattr("alphalens.cli.data.progress", real)
    told = json.loads(data("fetch", *symbols, *SPAN, "--json")[1])
    assert told["parts"] == len(left)
    assert [len(stored(symbol)) for symbol in symbols] == [5] * 6


def test_progress_is_told_on_standard_error_and_not_with_json(data):
    assert "fetch: 1 of 1, 5 bars" in data("fetch", "AAPL", *SPAN)[2]
    assert data("fetch", "MSFT", *SPAN, "--json")[2] == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--start", "yesterday"), "a day such as 2024-01-31"),
        (("--start", "2024-01-02T10:00:00"), "an instant with its zone"),
        ((*SPAN, "--workers", "0"), "a number from 1 on"),
        ((*SPAN, "--timeframe", "2h"), "invalid choice"),
        ((), "--start"),
    ],
)
def test_wrong_call_is_refused_before_anything_is_asked(data, server, capsys, words, said):
    with pytest.raises(SystemExit) as ended:
        data("fetch", "AAPL", *words)
    assert ended.value.code == ExitCode.USER
    assert said in capsys.readouterr().err
    assert server.control.requests() == []


def test_no_vendor_with_a_key_is_told_with_the_reasons(data, monkeypatch):
    monkeypatch.delenv("POLYGON_API_KEY")
    code, _, err = data("fetch", "AAPL", *SPAN)
    assert code == ExitCode.USER
    assert "alpaca: ALPACA_API_KEY or ALPACA_SECRET_KEY is empty; polygon: POLYGON" in err
    assert not Path("market.sqlite").exists()


def test_status_tells_coverage_gaps_quarantine_and_refusals(data, server):
    server.control.clear_aggs("AAPL")
    rows = [row(at, 185.0 + n) for n, at in enumerate(SESSIONS)]
    rows[1] = row(SESSIONS[1], -1.0)
    server.control.add_aggs("AAPL", [*rows[:2], *rows[3:]])  # the third session is missing
    assert data("fetch", "AAPL", *SPAN)[0] == 0
    server.control.arm("html", path="/v2/aggs/ticker/MSFT/*", count=100)
    assert data("fetch", "MSFT", *SPAN)[0] == ExitCode.OPERATOR
    server.control.disarm()
    code, out, _ = data("status", "AAPL", "NONE", "--json")
    told = json.loads(out)
    assert code == 0
    (one,) = told["series"]
    assert (one["symbol"], one["timeframe"], one["adjustment"]) == ("AAPL", "1d", "raw")
    assert (one["bars"], one["quarantined"]) == (3, 1)
    assert one["first"] == "2024-01-02T05:00:00+00:00"
    assert one["last"] == "2024-01-08T05:00:00+00:00"
    assert [gap["reason"] for gap in one["gaps"]] == ["session_missing"]
    assert told["unknown"] == ["NONE"]
    assert [(r["vendor"], r["reason"]) for r in told["refused"]] == [("polygon", "not_json")]
    assert told["cache"]["hit_rate"] is None
    text = data("status")[1]
    assert "gap: AAPL 1d raw lacks" in text
    assert "answers of polygon, not_json" in text


def test_status_tells_the_hit_rate_of_redis(data, monkeypatch, redis_url):
    data("fetch", "AAPL", *SPAN)
    monkeypatch.setenv("REDIS_URL", redis_url)
    told = json.loads(data("status", "--json")[1])["cache"]
    assert told["told"].startswith("Redis, ")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert json.loads(data("status", "--json")[1])["cache"]["told"] == "Redis does not answer"


def test_status_without_a_store_makes_none(data):
    code, _, err = data("status")
    assert code == ExitCode.USER
    assert "`alphalens data fetch` makes it" in err
    assert not Path("market.sqlite").exists()


def test_check_of_stored_bars_that_are_good_is_quiet(data):
    data("fetch", "AAPL", "MSFT", *SPAN)
    code, out, _ = data("check", "AAPL", "msft")
    assert (code, out.splitlines()[0]) == (
        0,
        "10 rows: 10 good, 0 to be rejected, 0 to be repaired",
    )
    told = json.loads(data("check", "AAPL", "MSFT", "GONE", "--json", "--detail")[1])
    assert (told["rows"], told["rejected"], told["empty"]) == (10, 0, ["GONE"])
    assert told["detail"] == []


def test_check_of_what_is_not_there_is_refused(data):
    data("fetch", "AAPL", *SPAN)
    code, _, err = data("check", "NONE")
    assert code == ExitCode.USER
    assert "there are no bars of NONE, 1d, adjusted for raw" in err


def test_choices_are_those_of_the_bars():
    assert list(Timeframe) == list(_TIMEFRAMES)
    assert list(Adjustment) == list(_ADJUSTMENTS)
    assert set(AssetClass) == set(_CLASSES)


GOOD = """date,symbol,open,high,low,close,volume
2024-01-02,AAPL,187.15,188.44,183.89,185.64,82488700
2024-01-03,AAPL,184.22,185.88,183.43,184.25,58414500
2024-01-04,AAPL,182.15,183.09,180.88,181.91,71983600
"""


def test_check_of_a_good_file_ends_well(data):
    Path("bars.csv").write_text(GOOD)
    code, out, _ = data("check", "bars.csv")
    assert (code, out) == (0, "3 rows: 3 good, 0 to be rejected, 0 to be repaired\n")
    assert not Path("market.sqlite").exists()


def test_check_of_a_bad_file_counts_by_reason_and_shows_the_rows_as_they_came(data):
    bad = GOOD.replace("181.91,71983600", "-1,71983600").replace("58414500", "58414500.5")
    Path("bars.csv").write_text(bad)
    code, out, _ = data("check", "bars.csv", "--detail")
    assert code == ExitCode.OPERATOR
    assert "3 rows: 2 good, 1 to be rejected" in out
    assert "1 reject: price is not above 0 (price_not_positive)" in out
    assert re.search(r"AAPL +2024-01-04 +1 +price_not_positive", out)
    assert re.search(r"AAPL +2024-01-04 05:00:00\+00:00 +price_not_positive.*-1", out)
    told = json.loads(data("check", "bars.csv", "--json", "--detail")[1])
    assert (told["rows"], told["kept"], told["rejected"]) == (3, 2, 1)
    assert told["counts"]["price_not_positive"] == 1
    assert "-1" in told["quarantine"][0]["raw"]
    assert {"symbol": "AAPL", "day": "2024-01-04", "reason": "price_not_positive", "rows": 1} in (
        told["detail"]
    )


def test_check_of_stored_bars_finds_what_came_in_without_a_judgement(data):
    engine = open_engine(Path("market.sqlite"))
    BarStore(engine).write(unjudged(), at=SESSIONS[-1])
    engine.dispose()
    code, out, _ = data("check", "AAPL")
    assert code == ExitCode.OPERATOR
    assert "high is below another price of the bar" in out
    assert '"high": 1.0' in out


def unjudged() -> Bars:
    times = np.array([micros(at) for at in SESSIONS[:3]])
    flat = np.array([185.0, 186.0, 187.0])
    prices = {"open": flat, "high": flat.copy(), "low": flat, "close": flat}
    prices["high"][1] = 1.0
    return Bars.of_symbol(
        "AAPL",
        times,
        prices,
        source="desk",
        received_at=SESSIONS[3],
        timeframe=Timeframe.DAY,
        adjustment=Adjustment.RAW,
    )


@pytest.mark.parametrize("names", [["none.csv"], ["bars.csv", "AAPL"], ["bars.csv", "bars.csv"]])
def test_check_of_no_file_or_of_two_kinds_is_refused(data, names):
    Path("bars.csv").write_text(GOOD)
    code, out, err = data("check", *names)
    assert code in (ExitCode.USER, ExitCode.OPERATOR)
    assert out == ""
    assert "none.csv" in err or "not both" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fetch", "AAPL", "--start", "0001-01-01"), "a year from 1900 to 2199"),
        (("fetch", "AAPL", "--start", "2024-01-02", "--end", "9999-12-31"), "a year from 1900"),
        (("check", "bars.csv", "--zone", "Mars/Olympus"), "a time zone such as"),
        (("check", "bars.csv", "--zone", "../etc"), "a time zone such as"),
        (("stream", "AAPL", "--vendor", "yahoo"), "invalid choice"),
    ],
)
def test_instant_zone_and_vendor_that_cannot_be_are_refused(data, capsys, words, said):
    Path("bars.csv").write_text(GOOD)
    with pytest.raises(SystemExit) as ended:
        data(*words)
    assert ended.value.code == ExitCode.USER
    assert said in capsys.readouterr().err


def test_zone_of_a_file_is_taken(data):
    Path("bars.csv").write_text(GOOD)
    assert data("check", "bars.csv", "--zone", "UTC")[0] in (ExitCode.OK, ExitCode.OPERATOR)


def test_empty_list_of_vendors_is_refused(data):
    code, _, err = data("fetch", "AAPL", *SPAN, "--vendors", "")
    assert code == ExitCode.USER
    assert "names no vendor" in err


def test_folder_in_the_place_of_the_store_is_refused(data, tmp_path):
    code, _, err = data("status", "--database", str(tmp_path))
    assert code == ExitCode.USER
    assert "is a folder" in err


def test_what_has_not_begun_is_not_called_asked_for(data, server):
    code, out, err = data("fetch", "AAPL", "--start", "2150-01-01", "--end", "2150-02-01")
    assert (code, server.control.requests()) == (0, [])
    assert "has no session that has begun" in out
    assert "0 of 0" not in err


def test_address_of_redis_that_cannot_be_read_is_told(data, monkeypatch):
    data("fetch", "AAPL", *SPAN)
    monkeypatch.setenv("REDIS_URL", f"redis://:{SECRET}@127.0.0.1:port/0")
    code, _, err = data("status")
    assert code == ExitCode.USER
    assert "REDIS_URL cannot be read" in err


def test_refetch_brings_what_was_missing(data, server, monkeypatch):
    rows = [row(at, 185.0 + n) for n, at in enumerate(SESSIONS)]
    server.control.clear_aggs("AAPL")
    server.control.add_aggs("AAPL", [*rows[:2], *rows[3:]])
    data("fetch", "AAPL", *SPAN)
    assert json.loads(data("refetch", "--json")[1]) == {
        "asked": 0,
        "rows": 0,
        "failed": 0,
        "open_gaps": 1,
    }  # it is too young: the vendor may not have had it
    monkeypatch.setattr("alphalens.data.pipeline._PATIENCE", timedelta(0))
    monkeypatch.setattr(Pipeline.refetch_gaps, "__kwdefaults__", {"patience": timedelta(0)})
    server.control.clear_aggs("AAPL")
    server.control.add_aggs("AAPL", rows)
    code, out, _ = data("refetch")
    assert (code, "0 gaps are open" in out) == (0, True)
    assert stored("AAPL") == [185.0, 186.0, 187.0, 188.0, 189.0]


def test_compare_tells_the_days_on_which_two_vendors_differ(data, server, monkeypatch):
    with AlpacaDataServer(keys=("key", "secret")) as other:
        told = [row(at, 185.0 + n) for n, at in enumerate(SESSIONS)]
        words = [{**one, "t": at.isoformat()} for one, at in zip(told, SESSIONS, strict=True)]
        other.control.add_bars("AAPL", words)
        other.control.add_bars("MSFT", [{**one, "c": 370.5, "h": 372.0} for one in words])
        monkeypatch.setenv("ALPACA_API_KEY", "key")
        monkeypatch.setenv("ALPACA_SECRET_KEY", "secret")
        monkeypatch.setenv("ALPHALENS_ALPACA_BARS_URL", other.url)
        code, out, _ = data("compare", "AAPL", *SPAN)
        assert (code, "5 agree, 0 differ" in out) == (0, True)
        code, out, _ = data("compare", "MSFT", *SPAN, "--json")
    found = json.loads(out)
    assert (code, found["first"], found["second"]) == (ExitCode.OPERATOR, "alpaca", "polygon")
    assert found["differ"]
    assert found["differ"][0]["symbol"] == "MSFT"
    assert not Path("none").exists()


def test_compare_with_one_vendor_is_refused(data):
    code, _, err = data("compare", "AAPL", *SPAN)
    assert code == ExitCode.USER
    assert "only polygon has AAPL" in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stream_ends_at_a_signal_and_tells_what_came(data, server, tmp_path, number):
    program = "import sys; from alphalens.cli import main; sys.exit(main())"
    words = [sys.executable, "-u", "-c", program, "data", "stream", "AAPL"]
    environ = {**os.environ, "ALPHALENS_POLYGON_STREAM_URL": server.stream_url}
    with subprocess.Popen(
        words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        until(lambda: server.control.stream_state()["subscriptions"])
        begin = datetime.now(UTC).replace(second=0, microsecond=0)
        for minute in (2, 1):  # the second one tells that the first one was taken
            server.control.minute("AAPL", row(begin - timedelta(minutes=minute), 185.0))
        try:
            until(lambda: came("AAPL", begin), every_s=0.1)
            process.send_signal(number)
            out, err = process.communicate(timeout=PROCESS_S)
        finally:
            process.kill()
    assert process.returncode == 0, err
    assert re.search(r"[12] bars came", out)
    assert "Traceback" not in err
    assert SECRET not in out + err


def test_stream_that_is_refused_ends_with_the_reason(data, server, monkeypatch):
    monkeypatch.setenv("ALPHALENS_POLYGON_STREAM_URL", server.stream_url)
    monkeypatch.setenv("POLYGON_API_KEY", "wrong")
    code, _, err = data("stream", "AAPL")
    assert code == ExitCode.OPERATOR
    assert "Check the key" in err
