"""The main job: it refuses, it asks, it repeats itself to the byte, and it knows no demo."""

from __future__ import annotations

import importlib
import io
import json
import shutil
import sqlite3
from collections import Counter
from contextlib import closing, redirect_stdout
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphalens.agents import ApproveUpTo
from alphalens.cli import main
from alphalens.config import Settings, load_settings
from alphalens.dashboard import frames
from alphalens.data import PriceHistory, SampleProvider
from alphalens.errors import ConfigError, InputError, StorageError
from alphalens.execution import JournalReader, OrderRecord
from alphalens.portfolio import RankWeights
from alphalens.reports import TradingReport
from alphalens.reports.factor_report import judge_factor
from alphalens.runtime import PaperRun, RunPlan, decision_dates
from alphalens.storage import open_engine
from alphalens.tears import TearSheet
from alphalens.testing.desk import random_walk
from alphalens.trading.events import EventKind
from alphalens.trading.orders import OrderStatus

pytestmark = pytest.mark.demo
_MONTHS = 3  # as many as the desk needs to refuse an order and to ask about another


@pytest.fixture(scope="module")
def history() -> PriceHistory:
    return SampleProvider().history()


@pytest.fixture
def walk(monkeypatch: pytest.MonkeyPatch) -> PriceHistory:
    """Short invented prices, which the command takes for the sample."""
    history = random_walk(days=340, assets=20)
    monkeypatch.setattr(SampleProvider, "history", lambda self: history)
    return history


@pytest.fixture
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the pictures out: to draw them takes longer than the rest of a run."""
    page = importlib.import_module("alphalens._html.page")  # where a function has its name
    monkeypatch.setattr(page, "picture_html", lambda *_: "")
    monkeypatch.setattr("alphalens._tear_sheet._pixels", lambda _: np.zeros((1, 1, 3), np.uint8))


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """Folder of one whole run of the command, and what it told."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, _run_command(folder)


@pytest.fixture(scope="module")
def demo(command: tuple[Path, dict[str, object]]) -> Path:
    """Folder of one whole run of the command."""
    return command[0]


def _run_command(folder: Path) -> dict[str, object]:
    told = io.StringIO()
    with redirect_stdout(told):
        assert main(["demo", "--out", str(folder), "--months", str(_MONTHS), "--json"]) == 0
    said: dict[str, object] = json.loads(told.getvalue())
    return said


def _orders(path: Path) -> tuple[OrderRecord, ...]:
    engine = open_engine(path)
    try:
        return JournalReader(engine).orders()
    finally:
        engine.dispose()


def _head(path: Path) -> str:
    engine = open_engine(path)
    try:
        reader = JournalReader(engine)
        reader.verify()
        return reader.head
    finally:
        engine.dispose()


def _plan(history: PriceHistory, months: int = 12) -> RunPlan:
    return RunPlan(
        history=history,
        factor="momentum_12_1",
        rule=RankWeights(gross=0.9),
        decisions=decision_dates(history, months=months),
        fill="next_close",
        approver=ApproveUpTo(limit=Decimal("0.10"), by="test"),
    )


def _settings(scale: int = 1) -> Settings:
    settings = load_settings(env_file=None, environ={})
    return settings.model_copy(update={"limits": settings.limits.scaled(Decimal(scale))})


def _trade(folder: Path, settings: Settings, plan: RunPlan) -> Path:
    run = PaperRun(folder, settings, plan)
    _exhaust(run)
    return run.journal_path


def _exhaust(run: PaperRun) -> None:
    for _ in run.steps():
        pass


def _report(run: PaperRun, history: PriceHistory) -> TradingReport:
    _exhaust(run)
    return run.write_reports(judge_factor(history, "momentum_12_1"))


def _full_disk(*args: object, **kwargs: object) -> None:
    raise StorageError("the disk is full")


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_command_writes_everything_there_is_to_read(demo: Path):
    for name in ("report.html", "research.html", "research.png", "traded.html", "journal.sqlite"):
        assert (demo / name).stat().st_size > 10_000
    assert (demo / "journal.sqlite").stat().st_mode & 0o077 == 0


def test_the_report_says_what_it_cannot_know(demo: Path):
    page = (demo / "report.html").read_text()
    for words in ("survivors only", "closes only", "fills: next close", "PAPER"):
        assert words in page


def test_an_order_was_refused_and_one_waited_and_was_approved(demo: Path):
    orders = _orders(demo / "journal.sqlite")
    refused = [o for o in orders if o.status is OrderStatus.REFUSED]
    approved = [o for o in orders if o.approved_by and o.status is OrderStatus.FILLED]
    assert refused
    assert all(o.reasons for o in refused)
    assert approved


def test_with_the_limits_doubled_no_order_is_refused_and_nobody_is_asked(
    tmp_path: Path, history: PriceHistory
):
    orders = _orders(_trade(tmp_path, _settings(scale=2), _plan(history, months=_MONTHS)))
    counts = Counter(order.status for order in orders)
    assert set(counts) == {OrderStatus.FILLED}
    assert not any(order.approved_by for order in orders)


def test_a_second_run_gives_the_same_orders_and_the_same_journal(
    command: tuple[Path, dict[str, object]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder, told = command
    # The sheets are not compared, and to draw them takes longer than the rest of the run.
    monkeypatch.setattr(TearSheet, "save", lambda self, path: Path(path))
    told_again = _run_command(tmp_path / "again")
    first, second = folder / "journal.sqlite", tmp_path / "again" / "journal.sqlite"
    assert _head(first) == _head(second) == told["journal_head"] == told_again["journal_head"]
    assert _orders(first) == _orders(second)


@pytest.mark.usefixtures("_no_pictures")
@pytest.mark.parametrize(("months", "decisions"), [(1, 5), (2, 9), (3, 13)])
def test_a_run_of_few_months_says_how_many_decisions_have_no_return_yet(
    tmp_path: Path, walk: PriceHistory, months: int, decisions: int
):
    report = _report(PaperRun(tmp_path, _settings(), _plan(walk, months=months)), walk)
    assert (report.live.n_dates, report.pending) == (decisions - 2, 2)
    page = (tmp_path / "report.html").read_text()
    assert "2 decisions of the run have no return over the longest horizon yet" in page
    is_too_short = decisions - 2 < 10
    assert ("Too few decisions to judge" in (tmp_path / "traded.html").read_text()) is is_too_short


@pytest.mark.usefixtures("_no_pictures")
def test_the_command_for_one_month_ends_well(
    tmp_path: Path, walk: PriceHistory, capsys: pytest.CaptureFixture[str]
):
    assert main(["demo", "--out", str(tmp_path), "--months", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["decisions"] == {"judged": 3, "without_return_yet": 2}
    assert _head(tmp_path / "journal.sqlite") == told["journal_head"]


@pytest.mark.usefixtures("_no_pictures")
def test_a_run_whose_every_decision_is_too_late_for_a_return_has_its_report(
    tmp_path: Path, walk: PriceHistory
):
    closes = pd.DatetimeIndex(walk.closes.index)
    run = PaperRun(tmp_path, _settings(), replace(_plan(walk), decisions=closes[[-6, -2]]))
    report = _report(run, walk)
    assert (report.live.n_dates, report.pending) == (0, 2)
    assert "0 judged, 2 without a return" in (tmp_path / "traded.html").read_text()


@pytest.mark.usefixtures("_no_pictures")
def test_a_run_that_fails_leaves_the_earlier_one_as_it_was(
    tmp_path: Path, walk: PriceHistory, monkeypatch: pytest.MonkeyPatch
):
    plan = _plan(walk, months=1)
    _report(PaperRun(tmp_path, _settings(), plan, replace=True), walk)
    head, before = _head(tmp_path / "journal.sqlite"), _contents(tmp_path)
    assert {"journal.sqlite", "report.html", "traded.html"} <= set(before)
    another = PaperRun(tmp_path, _settings(), replace(plan, seed=1), replace=True)

    monkeypatch.setattr("alphalens.runtime.paper_run.write_trading_report", _full_disk)
    with pytest.raises(StorageError, match="disk is full"):
        _report(another, walk)
    monkeypatch.undo()
    assert _contents(tmp_path) == before
    assert _head(tmp_path / "journal.sqlite") == head
    assert _head(tmp_path / "unfinished" / "journal.sqlite") != head

    report = _report(another, walk)
    assert _head(tmp_path / "journal.sqlite") == report.facts.head != head
    assert report.facts.head in (tmp_path / "report.html").read_text()
    assert not (tmp_path / "unfinished").exists()


def test_a_run_that_is_stopped_midway_cannot_take_the_place_of_another(
    tmp_path: Path, walk: PriceHistory
):
    plan = _plan(walk, months=1)
    _trade(tmp_path, _settings(), plan)
    before = _contents(tmp_path)
    run = PaperRun(tmp_path, _settings(), replace(plan, seed=1), replace=True)
    steps = run.steps()
    next(steps)
    with pytest.raises(InputError, match="has not ended and cannot take the place"):
        run.keep()
    steps.close()
    assert _contents(tmp_path) == before
    _exhaust(run)
    run.keep()
    assert _head(tmp_path / "journal.sqlite") == _head(run.journal_path)
    assert run.journal_path == tmp_path / "journal.sqlite"


def test_turnover_of_weekly_decisions_is_not_called_daily(demo: Path):
    traded, research = ((demo / name).read_text() for name in ("traded.html", "research.html"))
    assert "1 decision</th>" in traded
    assert "Period Top and Bottom Quantile Turnover" not in traded
    assert "1 decision</th>" not in research


def test_another_seed_is_another_run(history: PriceHistory):
    settings = _settings()
    ids = {
        RunPlan(history=history, factor="reversal_1", rule=RankWeights(), seed=seed,
                decisions=decision_dates(history, months=2)).run_id(settings)
        for seed in (0, 1)
    }  # fmt: skip
    assert len(ids) == 2


def test_without_anybody_to_ask_the_run_stops_at_the_question(
    tmp_path: Path, history: PriceHistory
):
    plan = _plan(history)
    silent = RunPlan(
        history=history, factor=plan.factor, rule=plan.rule, decisions=plan.decisions,
        fill=plan.fill, approver=None,
    )  # fmt: skip
    cycles = (step.cycle for step in PaperRun(tmp_path, _settings(), silent).steps())
    waiting = next(c for c in cycles if c is not None and not c.is_finished)
    assert waiting.question is not None
    assert all(order.of_equity > Decimal("0.05") for order in waiting.question.orders)


def test_a_question_nobody_answers_holds_up_every_later_cycle(tmp_path: Path, walk: PriceHistory):
    silent = replace(_plan(walk, months=2), approver=None)
    cycles = [s.cycle for s in PaperRun(tmp_path, _settings(), silent).steps() if s.cycle]
    asked = [number for number, cycle in enumerate(cycles) if cycle.question]
    assert asked == [asked[0]]
    question = cycles[asked[0]].question
    assert question is not None
    held_up = [cycle.degraded[-1].message for cycle in cycles[asked[0] + 1 :]]
    assert len(held_up) == len(cycles) - asked[0] - 1 > 2
    assert all(f"cycle {question.cycle_id} is unfinished" in message for message in held_up)
    waiting = frames.waiting_orders(frames.load(tmp_path).facts)
    assert waiting["client_order_id"].tolist() == [o.client_order_id for o in question.orders]


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"ENABLE_LIVE_TRADING": "true"}, "no live venue"),
        ({"ALPHALENS_MODEL": "claude-opus-4-8"}, "no model adapter"),
        ({"ENABLE_OPTIONS_TRADING": "1"}, "trades shares only"),
        ({"ENABLE_CRYPTO_TRADING": "1"}, "trades shares only"),
    ],
)
def test_what_this_version_cannot_do_is_refused(
    tmp_path: Path, history: PriceHistory, environ: dict[str, str], words: str
):
    settings = load_settings(env_file=None, environ=environ)
    with pytest.raises(ConfigError, match=words):
        PaperRun(tmp_path, settings, _plan(history))


def test_a_decision_without_prices_or_without_a_later_close_is_refused(
    tmp_path: Path, history: PriceHistory
):
    index = pd.DatetimeIndex(history.closes.index)
    for decisions in (index[-1:], index[:1] - pd.Timedelta(hours=1), index[:0]):
        plan = RunPlan(
            history=history, factor="reversal_1", rule=RankWeights(), decisions=decisions
        )
        with pytest.raises(InputError):
            PaperRun(tmp_path, _settings(), plan)


def test_a_folder_with_a_journal_is_kept_unless_told_otherwise(demo: Path, history: PriceHistory):
    before = _head(demo / "journal.sqlite")
    with pytest.raises(InputError, match=r"holds an earlier run.*replace=True"):
        next(PaperRun(demo, _settings(), _plan(history)).steps())
    assert _head(demo / "journal.sqlite") == before


def test_verify_finds_an_edited_record(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    copy = tmp_path / "journal.sqlite"
    shutil.copy(demo / "journal.sqlite", copy)
    assert main(["audit", "verify", "--database", str(copy), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["intact"]
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute(
            "UPDATE journal SET payload = replace(payload, '\"buy\"', '\"sell\"') WHERE seq = 40"
        )
    assert main(["audit", "verify", "--database", str(copy)]) == 5
    assert "40" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE fills SET price = '1' WHERE rowid = 3",
        "DELETE FROM fills WHERE rowid = 3",
        "UPDATE orders SET status = 'canceled' WHERE rowid = 5",
        "DELETE FROM marks WHERE seq = (SELECT max(seq) FROM marks)",
    ],
)
def test_verify_finds_a_table_that_was_changed_behind_the_record(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str
):
    copy = tmp_path / "journal.sqlite"
    shutil.copy(demo / "journal.sqlite", copy)
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute(change)
    assert main(["audit", "verify", "--database", str(copy)]) == 5
    assert "is not what the record gives" in capsys.readouterr().err


def test_verify_compares_with_a_head_kept_elsewhere(demo: Path, capsys: pytest.CaptureFixture[str]):
    journal = str(demo / "journal.sqlite")
    head = _head(demo / "journal.sqlite")
    assert main(["audit", "verify", "--database", journal, "--head", head]) == 0
    assert main(["audit", "verify", "--database", journal, "--head", "0" * 64]) == 5
    assert "kept elsewhere" in capsys.readouterr().err


def test_every_fill_belongs_to_an_order_that_was_journalled_before(demo: Path):
    engine = open_engine(demo / "journal.sqlite")
    try:
        reader = JournalReader(engine)
        intended = {
            r.payload["intent"]["client_order_id"]: r.seq
            for r in reader.records(kind=EventKind.ORDER_INTENDED)
        }
        fills = reader.records(kind=EventKind.FILL)
        assert fills
        for record in fills:
            assert intended[record.payload["client_order_id"]] < record.seq
    finally:
        engine.dispose()
