"""The main job: it refuses, it asks, it repeats itself to the byte, and it knows no demo."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from alphalens.agents import ApproveUpTo
from alphalens.cli import main
from alphalens.config import Settings, load_settings
from alphalens.data import PriceHistory, SampleProvider
from alphalens.errors import ConfigError, InputError
from alphalens.execution import JournalReader, OrderRecord
from alphalens.portfolio import RankWeights
from alphalens.runtime import PaperRun, RunPlan, decision_dates
from alphalens.storage import open_engine
from alphalens.trading.events import EventKind
from alphalens.trading.orders import OrderStatus

pytestmark = [pytest.mark.demo, pytest.mark.xdist_group("demo")]  # one run serves them all


@pytest.fixture(scope="module")
def history() -> PriceHistory:
    return SampleProvider().history()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of one whole run of the command."""
    folder = tmp_path_factory.mktemp("demo")
    assert main(["demo", "--out", str(folder), "--quiet"]) == 0
    return folder


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


def _plan(history: PriceHistory) -> RunPlan:
    return RunPlan(
        history=history,
        factor="momentum_12_1",
        rule=RankWeights(gross=0.9),
        decisions=decision_dates(history),
        fill="next_close",
        approver=ApproveUpTo(limit=Decimal("0.10"), by="test"),
    )


def _settings(scale: int = 1) -> Settings:
    settings = load_settings(env_file=None, environ={})
    return settings.model_copy(update={"limits": settings.limits.scaled(Decimal(scale))})


def _trade(folder: Path, settings: Settings, plan: RunPlan) -> Path:
    run = PaperRun(folder, settings, plan)
    for _ in run.steps():
        pass
    return run.journal_path


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
    orders = _orders(_trade(tmp_path, _settings(scale=2), _plan(history)))
    counts = Counter(order.status for order in orders)
    assert set(counts) == {OrderStatus.FILLED}
    assert not any(order.approved_by for order in orders)


def test_a_second_run_gives_the_same_orders_and_the_same_journal(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["demo", "--out", str(tmp_path / "again"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    first, second = demo / "journal.sqlite", tmp_path / "again" / "journal.sqlite"
    assert _head(first) == _head(second) == told["journal_head"]
    assert _orders(first) == _orders(second)


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
