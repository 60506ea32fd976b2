"""What the page tells of feeds: what a desk answers, what a database has, or why neither."""

from __future__ import annotations

import json
import math
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alphalens.config import Settings, load_settings
from alphalens.dashboard import feeds
from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.gaps import Gap
from alphalens.data.ingest_record import IngestRecord
from alphalens.data.reasons import AnswerRefused, Reason
from alphalens.errors import StorageError
from alphalens.monitoring.data_feed_monitor import DataFeedMonitor
from alphalens.monitoring.health_check import HealthReport
from alphalens.monitoring.health_server import Health, HealthServer
from alphalens.monitoring.part_checks import check_feeds
from alphalens.monitoring.prometheus import feed_metrics
from alphalens.storage import open_engine
from alphalens.trading import VirtualClock
from tests.data.pipeline_desk import NOW, open_desk, request, walk

NOON = datetime(2024, 1, 2, 17, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def settings(address: str = "") -> Settings:
    return load_settings(env_file=None, environ={}, overrides={"ALPHALENS_HEALTH_ADDRESS": address})


@contextmanager
def desk_that_answers() -> Iterator[str]:
    """Two feeds by a clock set by hand: one out for six minutes, one up with a gap."""
    clock = VirtualClock(NOON)
    monitor = DataFeedMonitor(clock=clock)
    monitor.failed("alpaca", TimeoutError("no answer"))
    monitor.fell_back("alpaca", "polygon")
    for took_s in (0.1, 0.3):
        monitor.answered("polygon", took_s=took_s)
    monitor.missed("polygon", "AAPL", NOON - MINUTE, NOON)
    monitor.told("polygon", "AAPL", NOON - MINUTE)
    clock.advance_to(NOON + 6 * MINUTE)

    def probe() -> Health:
        report = monitor.report()
        checks = HealthReport(at=clock.now(), checks=tuple(check_feeds(report, ())))
        return Health(report=checks, metrics=feed_metrics(report))

    with HealthServer(probe) as server:
        yield server.url.removeprefix("http://")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A database of bars in which one answer was refused and one gap is open."""
    with open_desk(f"sqlite:///{tmp_path / 'market.sqlite'}", tmp_path) as made:
        made.tell("AAPL", walk())
        made.pipeline().fetch(request())
        record = IngestRecord(made.store.engine)
        lost = Gap(
            symbol="AAPL", after=NOON, before=NOON + 3 * MINUTE, count=2, reason=Reason.BARS_MISSING
        )
        record.note_gaps([lost], timeframe=Timeframe.MINUTE, adjustment=Adjustment.RAW, at=NOW)
        refusal = AnswerRefused("x", reason=Reason.EMPTY, vendor="yahoo", asked="AAPL", raw=())
        record.keep_refusal(refusal, at=NOW)
    return tmp_path


def test_figures_of_a_desk_are_a_row_for_each_vendor() -> None:
    with desk_that_answers() as address:
        says = feeds.ask_desk(address)
    alpaca, polygon = (row for _, row in says.feeds.iterrows())
    assert (says.problem, says.status) == ("", "critical")
    assert (alpaca["state"], alpaca["uptime"], alpaca["outage_s"]) == ("down", 0.0, 360.0)
    assert (alpaca["errors"], alpaca["fallbacks"], alpaca["breaches"]) == (1, 1, 1)
    assert math.isnan(alpaca["p50_s"])
    assert (polygon["state"], polygon["uptime"], polygon["gaps"]) == ("up", 1.0, 1)
    assert (polygon["p50_s"], polygon["stale_symbols"]) == (0.2, 1)
    assert set(says.checks["check"]) == {"feed alpaca", "feed polygon"}


def test_desk_that_cannot_be_asked_says_why() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and listens not
        port = unused.getsockname()[1]
        assert feeds.ask_desk(f"127.0.0.1:{port}").problem
    assert "another machine" in feeds.ask_desk("192.0.2.1:9464").problem

    def lost() -> Health:
        raise StorageError("the disk is gone")

    with HealthServer(lost) as server:
        says = feeds.ask_desk(server.url.removeprefix("http://").replace("127.0.0.1", "0.0.0.0"))
    assert says.problem == "the disk is gone"
    assert says.feeds.empty


@pytest.mark.parametrize(
    "told", [{"checks": {"db": "ok"}}, {"checks": [{"name": "db"}]}, {"checks": 1}, [], {"a": 1}]
)
def test_other_service_that_tells_of_checks_is_no_desk(told: object) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        running = threading.Thread(target=server.serve_forever)
        running.start()
        try:
            says = feeds.ask_desk(f"127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            running.join()
    assert says.problem == "what answers there is no desk"


def test_database_tells_coverage_gaps_refusals_and_the_last_fetch(folder: Path) -> None:
    store = feeds.look_into(feeds.place_of_bars(settings(), folder))
    assert store is not None
    records = feeds.records_table(store, NOW + timedelta(minutes=90)).set_index("vendor")
    assert records.loc["polygon", "age"] == "1 h 30 min"
    assert records.loc["yahoo", ["age", "refused_answers"]].tolist() == ["never", 1]
    days = feeds.coverage_table(store).set_index("bars_of").loc["1d"]
    assert (days["symbols"], days["bars"]) == (1, len(walk()))
    (gap,) = feeds.gaps_table(store).to_dict("records")
    assert (gap["symbol"], gap["missing"], gap["why"]) == ("AAPL", 2, "bars missing")
    assert gap["found"] == NOW


def test_where_there_is_no_database_yet_there_is_nothing(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert feeds.look_into(feeds.place_of_bars(settings(), tmp_path / "run")) is None
    open_engine(tmp_path / "market.sqlite").dispose()
    store = feeds.look_into(feeds.place_of_bars(settings(), tmp_path / "run"))
    assert store is not None
    assert feeds.records_table(store, NOW).empty
    assert feeds.coverage_table(store).empty


def page(folder: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("ALPHALENS_HEALTH_ADDRESS", address)

    def script() -> None:
        from pathlib import Path

        from alphalens.dashboard import show

        show(Path())

    return AppTest.from_function(script, default_timeout=120).run()


def test_page_without_a_run_shows_the_feeds_of_a_desk_and_the_database(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk_that_answers() as address:
        app = page(folder, address, monkeypatch)
    assert not app.exception
    assert "is **critical**" in app.error[0].value
    tables = [table.value for table in app.dataframe]
    assert tables[0]["vendor"].tolist() == ["alpaca", "polygon"]
    assert any("open_gaps" in table.columns for table in tables)
    assert any("missing" in table.columns for table in tables)


def test_page_says_how_a_desk_is_asked_and_that_one_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(tmp_path, "", monkeypatch)
    told = "\n".join(block.value for block in app.info)
    assert "set ALPHALENS_HEALTH_ADDRESS" in told
    assert "data fetch" in told
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        app = page(tmp_path, str(unused.getsockname()[1]), monkeypatch)
    assert "does not answer" in app.warning[0].value
    app = page(tmp_path, "no port", monkeypatch)
    assert "ALPHALENS_HEALTH_ADDRESS" in app.error[0].value
