"""Each check of the doctor has its bad case, and each bad case says what to do."""

from __future__ import annotations

import json
import re
from collections import namedtuple
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alphalens.assets.calendars import sessions
from alphalens.cli import main
from alphalens.cli.output import ExitCode
from alphalens.runtime import doctor_local
from alphalens.storage import open_engine
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.testing.polygon_server import PolygonServer

SECRET = "hunter2-very-secret"
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(autouse=True)
def settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL", "ALPACA_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALPHALENS_MARKET_DATA_VENDORS", "alpaca,polygon")


@pytest.fixture
def doctor(capsys):
    def run(*words: str) -> tuple[int, dict[str, dict[str, str]]]:
        code = main(["doctor", "--json", *words])
        said = capsys.readouterr()
        assert SECRET not in said.out + said.err
        return code, {check["name"]: check for check in json.loads(said.out)["checks"]}

    return run


@pytest.fixture
def server():
    with PolygonServer(keys=(SECRET,)) as running:
        running.control.add_aggs("SPY", [])
        yield running


@pytest.fixture
def online(server, monkeypatch):
    monkeypatch.setenv("POLYGON_API_KEY", SECRET)
    monkeypatch.setenv("ALPHALENS_POLYGON_BASE_URL", server.url)


def test_installation_without_settings_is_not_broken(doctor):
    code, checks = doctor()
    assert code == ExitCode.OK
    for name in ("python", "packages", "extra trading", "flags", "broker", "model", "disk"):
        assert checks[name]["status"] == "ok", checks[name]
    assert checks["clock"]["status"] == "unknown"
    assert checks["feeds"]["status"] == "warning"
    assert list(Path().iterdir()) == []  # nothing was made


def test_text_has_a_line_for_each_check_and_the_sum(capsys):
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.match(r"OK +python +3\.\d+\.\d+ +this Python will do", lines[0])
    assert lines[-2:] == ["broken: nothing", "not known: clock"]


def test_setting_that_cannot_be_read_is_for_the_user_to_correct(doctor, monkeypatch):
    monkeypatch.setenv("ALPHALENS_POLYGON_CALLS_PER_MINUTE", "0")
    code, checks = doctor()
    assert code == ExitCode.USER
    assert checks["settings"]["status"] == "critical"
    assert "ALPHALENS_POLYGON_CALLS_PER_MINUTE" in checks["settings"]["message"]


def test_keys_are_named_and_not_shown_and_live_trading_is_told(doctor, monkeypatch):
    monkeypatch.setenv("MASSIVE_API_KEY", SECRET)
    monkeypatch.setenv("ENABLE_LIVE_TRADING", "true")
    _, checks = doctor()
    assert checks["keys"]["value"] == "MASSIVE_API_KEY"
    assert (checks["flags"]["status"], checks["flags"]["value"]) == (
        "warning",
        "ENABLE_LIVE_TRADING",
    )
    assert checks["feed polygon"]["status"] == "unknown"  # it was not asked
    assert "ALPACA_API_KEY" in checks["feed alpaca"]["message"]


def test_package_that_is_missing_or_old_is_named_with_the_command(doctor, monkeypatch):
    monkeypatch.setattr(
        doctor_local.metadata,
        "requires",
        lambda _: [
            "numpy>=99",
            "no-such-thing>=1; extra == 'trading'",
            "nor-this; extra == 'ml'",
            "numpy>=1; extra == 'cli'",
        ],
    )
    code, checks = doctor()
    assert code == ExitCode.USER
    assert re.search(r"numpy is 2\.\d+\.\d+, 99 is needed: run  pip", checks["packages"]["message"])
    assert checks["extra trading"]["status"] == "critical"
    assert 'pip install "alpha-lens[trading]"' in checks["extra trading"]["message"]
    assert (checks["extra ml"]["status"], checks["extra cli"]["status"]) == ("ok", "ok")
    assert "if you want it" in checks["extra ml"]["message"]


def test_old_python_is_refused(doctor, monkeypatch):
    monkeypatch.setattr(doctor_local.platform, "python_version", lambda: "3.10.9")
    code, checks = doctor()
    assert (code, checks["python"]["status"]) == (ExitCode.USER, "critical")
    assert "install Python 3.11 or later" in checks["python"]["message"]


def test_databases_are_looked_at_and_not_upgraded(doctor, tmp_path):
    open_engine(tmp_path / "market.sqlite").dispose()
    open_engine(tmp_path / "desk.sqlite").dispose()
    _, checks = doctor("--journal", "desk.sqlite")
    assert checks["market database"]["value"] == "schema 4, writable"
    assert checks["journal"]["value"] == "schema 4, writable"
    assert (checks["state"]["status"], checks["orders"]["value"]) == ("ok", "none answered yet")
    Path("market.sqlite").write_bytes(b"something else " * 100)
    code, checks = doctor("--journal", "none.sqlite")
    assert code == ExitCode.OPERATOR
    assert "not a database" in checks["market database"]["message"]
    assert checks["journal"]["status"] == "warning"
    assert not Path("none.sqlite").exists()


def test_server_that_is_down_is_critical_and_one_that_answers_tells_its_clock(
    doctor, monkeypatch, postgres_url
):
    open_engine(postgres_url).dispose()
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    code, checks = doctor()
    assert code == ExitCode.OK
    assert checks["journal"]["value"] == checks["market database"]["value"] == "schema 4, writable"
    assert checks["clock"]["status"] == "ok"
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:{SECRET}@127.0.0.1:1/desk")
    code, checks = doctor()
    assert code == ExitCode.OPERATOR
    assert checks["journal"]["status"] == checks["market database"]["status"] == "critical"


def test_redis_that_is_down_is_a_warning(doctor, monkeypatch, redis_url):
    monkeypatch.setenv("REDIS_URL", redis_url)
    assert doctor()[1]["cache"]["status"] == "ok"
    monkeypatch.setenv("REDIS_URL", f"redis://:{SECRET}@127.0.0.1:1/0")
    code, checks = doctor()
    assert (code, checks["cache"]["status"]) == (ExitCode.OK, "warning")


def test_vendors_are_asked_only_online(doctor, monkeypatch):
    with PolygonServer(keys=(SECRET,)) as server:
        server.control.add_aggs("SPY", [])
        monkeypatch.setenv("POLYGON_API_KEY", SECRET)
        monkeypatch.setenv("ALPHALENS_POLYGON_BASE_URL", server.url)
        doctor()
        assert server.control.requests() == []
        code, checks = doctor("--online")
        assert (code, checks["feed polygon"]["status"]) == (ExitCode.OK, "ok")
        assert checks["calendar polygon"]["status"] == "unknown"  # it tells no holidays at all
        assert len(server.control.requests()) == 2
        monkeypatch.setenv("POLYGON_API_KEY", "another")
        code, checks = doctor("--online")
    assert (code, checks["feed polygon"]["status"]) == (ExitCode.OPERATOR, "critical")
    assert "check the key" in checks["feed polygon"]["message"]


def coming(days: list[date]) -> list[dict[str, str]]:
    """Holidays as Polygon tells them, the last one long after the days that are compared."""
    today = datetime.now(NEW_YORK).date()
    span = sessions("XNYS", today, today + timedelta(days=60))
    known = {session.date: session for session in span}
    told = []
    for n in range(61):
        day = today + timedelta(days=n)
        session = known.get(day)
        row = {"date": day.isoformat(), "exchange": "NYSE", "name": "x", "status": "closed"}
        if session is not None and session.is_half_day:
            hours = {"open": session.open.isoformat(), "close": session.close.isoformat()}
            row |= {"status": "early-close", **hours}
        if session is None or session.is_half_day or day in days:
            told.append(row)
    return [*told, {**told[-1], "date": (today + timedelta(days=90)).isoformat()}]


@pytest.mark.usefixtures("online")
def test_calendar_of_a_vendor_is_compared_with_ours(doctor, server):
    server.control.add_holidays(coming([]))
    code, checks = doctor("--online")
    assert (code, checks["calendar polygon"]["status"]) == (ExitCode.OK, "ok")
    assert "the sessions of XNYS from" in checks["calendar polygon"]["message"]


@pytest.mark.usefixtures("online")
def test_day_on_which_a_vendor_closes_and_we_do_not_is_told(doctor, server):
    today = datetime.now(NEW_YORK).date()
    ordinary = [
        session.date
        for session in sessions("XNYS", today + timedelta(days=2), today + timedelta(days=25))
        if not session.is_half_day
    ]
    server.control.add_holidays(coming(ordinary[:1]))
    code, checks = doctor("--online")
    told = checks["calendar polygon"]
    assert (code, told["status"], told["value"]) == (
        ExitCode.OPERATOR,
        "critical",
        "1 differ",
    )
    assert f"{ordinary[0]}: closed there, open from" in told["message"]


def test_two_names_of_one_key_must_agree(doctor, monkeypatch):
    monkeypatch.setenv("POLYGON_API_KEY", "one")
    monkeypatch.setenv("MASSIVE_API_KEY", "two")
    code, checks = doctor()
    assert (code, checks["feeds"]["status"]) == (ExitCode.USER, "critical")
    assert "keep one" in checks["feeds"]["message"]


def test_venue_is_asked_online_and_its_clock_is_compared(doctor, monkeypatch, tmp_path):
    monkeypatch.setenv("ALPHALENS_VENUE", "alpaca")
    code, checks = doctor()
    assert (code, checks["broker"]["status"]) == (ExitCode.USER, "critical")
    monkeypatch.setenv("ALPACA_API_KEY", "key")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "secret")
    monkeypatch.setenv("ALPHALENS_MARKET_DATA_VENDORS", "polygon")
    noon = datetime(2024, 1, 2, 17, tzinfo=UTC)
    with AlpacaServer(tmp_path / "venue.sqlite", keys=("key", "secret"), now=noon) as server:
        monkeypatch.setenv("ALPHALENS_ALPACA_BASE_URL", server.rest_url)
        assert doctor()[1]["broker"]["status"] == "unknown"
        code, checks = doctor("--online")
    assert checks["broker"]["status"] == "ok"
    assert (code, checks["clock"]["status"]) == (ExitCode.OPERATOR, "critical")
    assert "set this machine's clock" in checks["clock"]["message"]


def test_full_disk_and_halt_file_are_told(doctor, monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor_local.shutil, "disk_usage", lambda _: usage(1, 1, 2**20))
    halt = tmp_path / "stop"
    monkeypatch.setenv("ALPHALENS_HALT_FILE", str(halt))
    code, checks = doctor()
    assert (code, checks["disk"]["status"]) == (ExitCode.OPERATOR, "critical")
    assert checks["halt file"]["status"] == "ok"
    halt.write_text("by me")
    _, checks = doctor()
    assert checks["halt file"]["status"] == "warning"
    assert "by me" in checks["halt file"]["message"]
