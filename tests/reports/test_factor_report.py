"""Scores that were traded, judged with the returns they have."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from alphalens.data import PriceHistory
from alphalens.errors import InputError
from alphalens.reports.factor_report import Cleaning, TradedReport, judge_factor, judge_signals
from alphalens.testing.desk import random_walk
from alphalens.trading import Signal
from alphalens.utils import MaxLossExceededError


@pytest.fixture(scope="module")
def history() -> PriceHistory:
    return random_walk(days=120, assets=20)


def at(history: PriceHistory, row: int) -> datetime:
    return pd.Timestamp(str(history.closes.index[row])).to_pydatetime()


def judged(history: PriceHistory, rows: list[int]) -> TradedReport:
    """Judge decisions at some rows, whose scores are the last close over the one before."""
    scores = history.closes.pct_change()
    signals = [
        Signal(
            name="move",
            asof=at(history, row),
            scores={str(symbol): float(score) for symbol, score in scores.iloc[row].items()},
        )
        for row in rows
    ]
    return judge_signals(history, signals)


def test_a_decision_without_a_future_is_counted_and_is_no_loss(history: PriceHistory) -> None:
    report = judged(history, [100, 105, 109, 110, 115, 118])

    assert (report.decisions, report.n_judged, report.pending) == (6, 3, 3)
    assert report.dropped.startswith("Dropped 0.0% entries")
    assert report.header()["Decisions"].startswith("6; 3 judged, 3 without a return over 10 rows")


def test_decisions_none_of_which_has_a_return_give_the_columns_of_research(
    history: PriceHistory, tmp_path: Path
) -> None:
    report = judged(history, [112, 117])
    research = judge_factor(history, "reversal_1")

    assert report.factor_data.empty
    assert report.factor_data.columns.tolist() == research.factor_data.columns.tolist()
    assert report.header()["Dates"] == "none"
    assert list(report.lines()) == ["move: 0 rows; nothing to clean"]
    assert report.spread_bps.isna().all()
    page = report.sheet().save(tmp_path / "traded.html").read_text(encoding="utf-8")
    assert "n too small: 0 of 10 decisions" in page


def test_too_few_decisions_are_listed_and_nothing_is_inferred(history: PriceHistory) -> None:
    sheet = judged(history, [60, 65, 70, 118]).sheet()

    assert sheet.header["No statistics"].startswith("n too small: 3 of 10 decisions")
    assert list(sheet.tables) == ["Rank information coefficient by decision"]
    assert sheet.tables["Rank information coefficient by decision"].shape == (3, 3)


def test_what_was_traded_is_judged_however_much_of_it_cannot_be_ranked(
    history: PriceHistory,
) -> None:
    ranked = {str(symbol): float(n) for n, symbol in enumerate(history.closes.columns)}
    flat = dict.fromkeys(ranked, 1.0)
    signals = [
        Signal(name="s", asof=at(history, row), scores=scores)
        for row, scores in ((60, flat), (65, ranked), (70, flat))
    ]

    report = judge_signals(history, signals)

    assert (report.decisions, report.n_judged, report.pending) == (3, 1, 0)
    assert report.dropped.startswith("Dropped 66.7% entries")


def test_research_keeps_its_bound_on_what_is_lost(history: PriceHistory) -> None:
    cleaning = Cleaning(max_loss=0.05)

    with pytest.raises(MaxLossExceededError, match="max_loss"):
        judge_factor(history, "reversal_1", cleaning=cleaning)


def test_lags_of_weekly_decisions_are_named_by_decisions(history: PriceHistory) -> None:
    report = judged(history, list(range(30, 105, 5)))
    data = report.factor_data["factor_quantile"].unstack("asset")  # noqa: PD010 - of a Series
    kept = (data.shift() == data) & (data == 5)
    new_names = 1 - kept.sum(axis=1).iloc[1:] / (data == 5).sum(axis=1).iloc[1:]

    sheet = report.sheet()

    turnover = sheet.tables["Turnover Analysis"]
    assert turnover.columns.tolist() == ["1 decision", "5 decisions", "10 decisions"]
    assert turnover["1 decision"].iloc[-1] == pytest.approx(new_names.mean())
    part = next(part for part in sheet.parts if part.title == "Turnover")
    assert not part.figures
    ranks = part.tables["Factor Rank Autocorrelation"]
    assert ranks.columns.tolist() == turnover.columns.tolist()


def test_lags_of_daily_decisions_are_days(history: PriceHistory) -> None:
    turnover = judged(history, list(range(30, 60))).sheet().tables["Turnover Analysis"]

    assert turnover.columns.tolist() == ["1D", "5D", "10D"]


def test_no_signal_and_a_signal_at_an_unknown_instant_are_refused(history: PriceHistory) -> None:
    asof = pd.Timestamp("2022-01-08 12:00", tz="UTC").to_pydatetime()

    with pytest.raises(InputError, match="nothing to judge"):
        judge_signals(history, [])
    with pytest.raises(InputError, match="has no price"):
        judge_signals(history, [Signal(name="s", asof=asof, scores={"S00": 1.0})])
