"""The whole story of a run, as numbers and as a page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from alphalens.errors import AuditError, InputError
from alphalens.execution import JournalReader
from alphalens.reports import (
    TradingReport,
    build_trading_report,
    equal_weight_level,
    write_trading_report,
)
from alphalens.reports.facts import RunFacts
from alphalens.reports.trading_report import equity_curve, exposure_frame

from .small_run import SmallRun, factor_data


@pytest.fixture(scope="module")
def report(finished: SmallRun) -> TradingReport:
    return build_trading_report(
        JournalReader(finished.engine),
        research=factor_data(200),
        live=factor_data(100, every=5, seed=9),
        caveats=("survivors only", "fills at the next close"),
        title="rotation",
        source="six made-up assets",
    )


@pytest.fixture(scope="module")
def text(report: TradingReport, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = write_trading_report(report, tmp_path_factory.mktemp("report") / "report.html")
    return path.read_text(encoding="utf-8")


def test_the_curve_begins_with_the_opening_balance_and_ends_with_the_last_mark(
    report: TradingReport,
) -> None:
    equity = report.curve["equity"]

    assert equity.iloc[0] == float(report.facts.opening_cash)
    assert equity.iloc[-1] == float(report.accounts.equity)
    assert report.strategy.total_return.value == pytest.approx(equity.iloc[-1] / 1e6 - 1.0)


def test_the_universe_of_the_journal_s_prices_is_that_of_the_closes(
    finished: SmallRun, facts: RunFacts
) -> None:
    given = equity_curve(facts, equal_weight_level(finished.closes))

    pd.testing.assert_frame_equal(equity_curve(facts), given)


def test_a_universe_that_lacks_a_date_of_the_run_is_refused(
    finished: SmallRun, facts: RunFacts
) -> None:
    with pytest.raises(InputError, match="no level on 2022-02-11"):
        equity_curve(facts, equal_weight_level(finished.closes.iloc[:-1]))


def test_exposure_is_the_marks_own_as_a_share_of_equity(facts: RunFacts) -> None:
    exposure, mark = exposure_frame(facts), facts.marks[-1]

    assert exposure["gross"].iloc[-1] == pytest.approx(float(mark.gross / mark.equity))
    assert exposure["net"].iloc[-1] == pytest.approx(float(mark.net / mark.equity))
    assert (exposure["net"].abs() <= exposure["gross"] + 1e-12).all()


def test_the_summary_is_plain_json(report: TradingReport) -> None:
    summary = json.loads(json.dumps(dict(report.summary())))

    assert summary["journal_head"] == report.facts.head
    assert summary["orders"] == {"filled": 29, "refused": 3}
    assert set(summary["ic"]) == {"research", "live"}


@pytest.mark.parametrize(
    "words",
    [
        "PAPER: rotation",
        "six made-up assets",
        "survivors only",
        "fills at the next close",
        "hash chain verified",
        "order less, or raise max_order",
        "within the mandate",
        "r.ortiz",
        "risk: history too short for a covariance",
        "the live coefficient lies far from research",
        "not deflated",
        "slippage against arrival",
        "= equity by the fills",
        "Limits of an order",
    ],
)
def test_the_page_tells(text: str, words: str) -> None:
    assert words in text


def test_the_page_holds_the_head_of_the_journal_and_the_proved_equity(
    report: TradingReport, text: str
) -> None:
    assert report.facts.head in text
    assert f"{report.accounts.equity:,.2f}" in text


def test_the_page_loads_nothing_from_anywhere(text: str) -> None:
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)
    assert "<script" not in text


def test_the_same_run_gives_the_same_page(report: TradingReport, text: str, tmp_path: Path) -> None:
    again = write_trading_report(report, tmp_path / "again.html").read_text(encoding="utf-8")

    assert again == text


def test_a_changed_journal_gives_no_report(fresh: SmallRun) -> None:
    with fresh.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE journal SET run_id = 'other' WHERE seq = 5")
    frame = factor_data(20)

    with pytest.raises(AuditError, match="record 5"):
        build_trading_report(JournalReader(fresh.engine), research=frame, live=frame)


def test_a_short_run_says_that_n_is_too_small_instead_of_giving_a_number(
    fresh: SmallRun, tmp_path: Path
) -> None:
    frame = factor_data(20)
    short = build_trading_report(
        JournalReader(fresh.engine), research=frame, live=frame.iloc[:0], title="short"
    )

    page = write_trading_report(short, tmp_path / "short.html").read_text(encoding="utf-8")

    assert "n too small: 6 of 20 daily returns" in page
    assert "n too small: no observation" in page
    assert "nan" not in page.lower().replace("finance", "")


def test_the_page_says_how_many_decisions_have_no_return_yet(
    finished: SmallRun, tmp_path: Path
) -> None:
    frame = factor_data(40)
    made = build_trading_report(
        JournalReader(finished.engine), research=frame, live=frame.iloc[:0], pending=3
    )

    page = write_trading_report(made, tmp_path / "pending.html").read_text(encoding="utf-8")

    assert "3 decisions of the run have no return over the longest horizon yet" in page
    assert made.summary()["decisions"] == {"judged": 0, "without_return_yet": 3}


def test_a_run_that_only_began_has_a_page_without_a_curve(tmp_path: Path) -> None:
    run = SmallRun(tmp_path / "journal.sqlite", n_days=3)
    run.session.start()
    frame = factor_data(20)
    begun = build_trading_report(JournalReader(run.engine), research=frame, live=frame)

    page = write_trading_report(begun, tmp_path / "begun.html").read_text(encoding="utf-8")
    run.close()

    assert "the book was marked on 0 dates, a curve needs 2" in page
    assert "Nothing was ever held" in page
    assert "No order was wanted" in page
    assert "The run has not ended" in page


def test_what_is_out_of_the_ordinary_is_called_out(report: TradingReport, tmp_path: Path) -> None:
    drift = [["ic", "ok", 52, 12, 0.05, 0.03, 0.5, 3.6, "ic: 0.05 fits research 0.03"]]
    loud = replace(
        report,
        facts=replace(report.facts, is_live=True, fills_since_mark=2, limits={"max_new": "3"}),
        costs=replace(report.costs, n_foreign=1),
        drift=pd.DataFrame(drift, columns=report.drift.columns),
        refusals=report.refusals.iloc[:0],
    )

    page = write_trading_report(loud, tmp_path / "loud.html").read_text(encoding="utf-8")

    assert "LIVE: rotation" in page
    assert "2 executions came after the last mark" in page
    assert "1 executions belong to no order of this journal" in page
    assert "ic: 0.05 fits research 0.03" in page
    assert "No order was refused" in page
    assert "Other limits" in page
