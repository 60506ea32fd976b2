"""Drift: the library's arithmetic, a stated null, and no verdict from too few."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from alphalens.data import DataView
from alphalens.errors import InputError
from alphalens.factors import named_factor
from alphalens.monitoring import check_drift, live_ic, research_baseline
from alphalens.monitoring.drift import Moments, target_turnover, z_threshold
from alphalens.portfolio import RankWeights
from alphalens.strategies import FactorStrategy
from alphalens.testing.desk import random_walk
from alphalens.trading.targets import Signal, Target

FACTOR, RULE = named_factor("reversal_1"), RankWeights(max_weight=0.3)


def decide(history, rows):
    strategy = FactorStrategy(FACTOR)
    instants = [history.closes.index[row].to_pydatetime() for row in rows]
    signals = [strategy.signal(DataView(history, at)) for at in instants]
    return signals, [RULE.target(signal) for signal in signals]


def test_live_ic_is_spearman_with_the_return_to_the_next_decision():
    history, rows = random_walk(), [30, 35, 41, 45]
    signals, _ = decide(history, rows)

    found = live_ic(signals, history.closes)

    closes = history.closes.iloc[rows]
    expected = [
        stats.spearmanr(list(s.scores.values()), closes.iloc[n + 1] / closes.iloc[n] - 1).statistic
        for n, s in enumerate(signals[:-1])
    ]
    assert found.tolist() == pytest.approx(expected, abs=1e-12)
    assert list(found.index) == [s.asof for s in signals[:-1]]


def test_live_and_research_agree_to_the_last_digit():
    history, rows = random_walk(), list(range(30, 100, 5))
    signals, targets = decide(history, rows)

    baseline = research_baseline(history.closes, FACTOR, RULE, history.closes.index[rows])

    assert baseline.ic == Moments.of(live_ic(signals, history.closes))
    assert baseline.turnover == Moments.of(target_turnover(targets))
    assert baseline.hit_rate.mean == (live_ic(signals, history.closes) > 0).mean()


def test_later_prices_change_no_realised_ic():
    history, rows = random_walk(), [30, 35, 40]
    signals, _ = decide(history, rows)
    poisoned = history.closes.copy()
    poisoned.iloc[41:] = 1e9

    clean = live_ic(signals, history.closes)

    pd.testing.assert_series_equal(live_ic(signals, poisoned), clean)


def test_a_decision_between_two_rows_meets_the_last_known_prices():
    history = random_walk()
    signals, _ = decide(history, [30, 35])
    late = [
        Signal(name=s.name, asof=s.asof + pd.Timedelta(hours=2), scores=s.scores) for s in signals
    ]

    assert live_ic(late, history.closes).tolist() == live_ic(signals, history.closes).tolist()


def test_equal_scores_or_a_single_asset_give_no_ic():
    closes = random_walk().closes
    flat = dict.fromkeys(closes, 1.0)
    signals = [
        Signal(name="s", asof=closes.index[row].to_pydatetime(), scores=scores)
        for row, scores in ((10, flat), (15, {"S00": 1.0}), (20, flat))
    ]

    assert live_ic(signals, closes).isna().tolist() == [True, True]
    assert live_ic(signals[:1], closes).empty


def test_one_usable_decision_among_unusable_ones_keeps_its_place():
    closes = random_walk().closes
    scores = [dict.fromkeys(closes, 1.0), closes.iloc[15].to_dict(), closes.iloc[20].to_dict()]
    signals = [
        Signal(name="s", asof=closes.index[row].to_pydatetime(), scores=one)
        for row, one in zip((10, 15, 20), scores, strict=True)
    ]

    assert live_ic(signals, closes).isna().tolist() == [True, False]


@pytest.mark.parametrize("rows", [[35, 30], [30, 30]])
def test_decisions_out_of_order_are_refused(rows):
    history = random_walk()
    signals, _ = decide(history, rows)

    with pytest.raises(InputError, match="ascend"):
        live_ic(signals, history.closes)


def test_a_decision_before_all_prices_is_refused():
    history = random_walk()
    signals, _ = decide(history, [30, 35])

    with pytest.raises(InputError, match="no price was known yet"):
        live_ic(signals, history.closes.iloc[32:])


def test_turnover_is_half_the_absolute_change_with_absent_as_zero():
    at = random_walk().closes.index
    weights = [{"A": 0.5, "B": -0.5}, {"A": 0.5}, {"C": 1.0}]
    targets = [
        Target(name="t", asof=at[n].to_pydatetime(), weights=w) for n, w in enumerate(weights)
    ]

    assert target_turnover(targets).tolist() == [0.25, 0.75]
    assert target_turnover(targets[:1]).empty


def test_research_dates_must_have_prices():
    history = random_walk()
    dates = pd.DatetimeIndex([history.closes.index[40], pd.Timestamp("2030-01-01", tz="UTC")])

    with pytest.raises(InputError, match="2030-01-01"):
        research_baseline(history.closes, FACTOR, RULE, dates)


def test_research_without_a_factor_value_has_no_moments():
    history = random_walk()

    baseline = research_baseline(history.closes, FACTOR, RULE, history.closes.index[:3])

    assert baseline.ic == Moments(None, None, None, 0)


def test_too_few_live_observations_say_nothing():
    history = random_walk()
    baseline = research_baseline(history.closes, FACTOR, RULE, history.closes.index[30:110:2])
    signals, targets = decide(history, range(30, 60, 5))

    report = check_drift(signals, targets, history.closes, baseline)

    assert {check.status for check in report.checks} == {"too_few"}
    assert all(check.z is None and check.n == 5 for check in report.checks)
    assert "5 of 12 live" in report.checks[0].message


def test_too_little_research_says_nothing_either():
    history = random_walk()
    baseline = research_baseline(history.closes, FACTOR, RULE, history.closes.index[30:40:5])
    signals, targets = decide(history, range(30, 110, 5))

    report = check_drift(signals, targets, history.closes, baseline)

    assert report.status == "too_few"
    assert "1 in research" in report.checks[0].message


def test_the_same_record_fits_itself():
    history, rows = random_walk(), range(30, 110, 5)
    baseline = research_baseline(history.closes, FACTOR, RULE, history.closes.index[list(rows)])
    signals, targets = decide(history, rows)

    report = check_drift(signals, targets, history.closes, baseline)

    assert report.status == "ok"
    assert [check.z for check in report.checks] == [0.0, 0.0, 0.0]
    assert report.at == signals[-1].asof


def test_a_lost_edge_is_called_with_its_z():
    history, rows = random_walk(), range(30, 110, 5)
    signals, targets = decide(history, rows)
    whole = research_baseline(history.closes, FACTOR, RULE, history.closes.index[list(rows)])
    strong = Moments(mean=0.9, std=0.1, long_run_std=0.2, n=100)
    baseline = type(whole)(name="x", ic=strong, hit_rate=whole.hit_rate, turnover=whole.turnover)

    report = check_drift(signals, targets, history.closes, baseline)

    ic = report.checks[0]
    assert (report.status, ic.status) == ("drift", "drift")
    assert ic.z == pytest.approx((ic.live_mean - 0.9) / (0.2 * sqrt(1 / 15 + 1 / 100)))
    assert ic.threshold == z_threshold(15, 0.01)


def test_no_signal_is_no_comparison():
    history = random_walk()
    baseline = research_baseline(history.closes, FACTOR, RULE, history.closes.index[30:60:5])

    with pytest.raises(InputError, match="no live signal"):
        check_drift([], [], history.closes, baseline)


def test_an_undisturbed_record_rarely_crosses_the_threshold_however_often_one_looks():
    draws = np.random.default_rng(1).normal(0.0, 1.0, (4000, 200))
    n = np.arange(1, 201)

    z = np.abs(draws.cumsum(axis=1)) / np.sqrt(n)
    crossed = (z >= [z_threshold(int(k), 0.05) for k in n]).any(axis=1)

    assert 0.005 < crossed.mean() < 0.05


def test_resembling_neighbours_widen_the_long_run_deviation():
    noise = np.random.default_rng(2).normal(0.0, 1.0, 4000)
    smooth = pd.Series(noise).ewm(alpha=0.4, adjust=False).mean()

    alone, similar = Moments.of(pd.Series(noise)), Moments.of(smooth)

    assert alone.long_run_std == pytest.approx(alone.std, rel=0.15)
    assert similar.long_run_std == pytest.approx(1.0, rel=0.15)
    assert similar.std < 0.6


def test_moments_of_one_or_no_observation_are_undefined_not_zero():
    assert Moments.of(pd.Series([0.5])) == Moments(0.5, None, None, 1)
    assert Moments.of(pd.Series([np.nan], dtype=float)) == Moments(None, None, None, 0)
