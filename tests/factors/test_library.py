"""Factors: plain-loop oracles, invariance under cuts, names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alphalens.errors import InputError
from alphalens.factors import (
    low_volatility,
    momentum,
    named_factor,
    nearness_to_high,
    reversal,
)

NAMES = ["momentum_12_1", "momentum_3_0", "reversal_1", "low_volatility_2", "nearness_to_high_12"]


def panel(rows: int = 320, assets: int = 4, seed: int = 7) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    steps = rng.normal(0.0, 0.02, (rows, assets))
    index = pd.bdate_range("2020-01-01", periods=rows)
    return pd.DataFrame(
        np.exp(steps.cumsum(axis=0)), index=index, columns=list("ABCDEFGH")[:assets]
    )


def test_momentum_is_the_return_between_two_lags():
    closes = panel()

    values = momentum(closes, lookback=10, skip=3)

    expected = closes.iloc[50 - 3] / closes.iloc[50 - 10] - 1.0
    pd.testing.assert_series_equal(values.iloc[50], expected, check_names=False)
    assert values.iloc[:10].isna().all(axis=None)
    assert values.iloc[10:].notna().all(axis=None)


def test_reversal_is_minus_momentum_without_skip():
    closes = panel()

    pd.testing.assert_frame_equal(reversal(closes, 5), -momentum(closes, 5, 0))


def test_low_volatility_is_minus_the_sample_deviation_of_the_window():
    closes = panel()

    values = low_volatility(closes, lookback=20)

    returns = (closes / closes.shift(1) - 1.0).to_numpy()
    expected = -returns[81:101].std(axis=0, ddof=1)
    np.testing.assert_allclose(values.iloc[100].to_numpy(), expected, rtol=1e-12)
    assert values.iloc[:20].isna().all(axis=None)


def test_nearness_to_high_is_one_at_a_new_high():
    closes = pd.DataFrame({"A": [1.0, 2.0, 1.0, 3.0]})

    assert nearness_to_high(closes, 3)["A"].tolist()[2:] == [0.5, 1.0]


@pytest.mark.parametrize("name", NAMES)
def test_a_gap_in_prices_gives_no_value_where_it_matters(name):
    factor = named_factor(name)
    closes = panel()
    closes.iloc[-1, 0] = np.nan

    latest = factor(closes).iloc[-1]

    expected = name == "momentum_12_1"  # the only one here that skips the latest row
    assert (latest.notna()["A"], latest.notna()["B"]) == (expected, True)


@pytest.mark.parametrize("name", NAMES)
def test_rows_counts_exactly_what_the_latest_value_needs(name):
    factor = named_factor(name)
    closes = panel()

    whole = factor(closes).iloc[-1]

    pd.testing.assert_series_equal(factor(closes.iloc[-factor.rows :]).iloc[-1], whole)
    assert factor(closes.iloc[-factor.rows + 1 :]).iloc[-1].isna().all()


@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(NAMES), cut=st.integers(1, 319))
@example(name="low_volatility_2", cut=3)  # shorter than the window
def test_a_cut_panel_gives_the_cut_factor(name, cut):
    factor, closes = named_factor(name), panel()

    pd.testing.assert_frame_equal(
        factor(closes.iloc[:cut]), factor(closes).iloc[:cut], check_exact=True, check_freq=False
    )


@pytest.mark.parametrize("name", NAMES)
def test_input_is_left_as_it_was(name):
    closes = panel()
    before = closes.copy()

    named_factor(name)(closes)

    pd.testing.assert_frame_equal(closes, before)


@pytest.mark.parametrize(
    ("name", "rows"),
    [("momentum_12_1", 253), (" Momentum_6_0 ", 127), ("reversal_1", 22), ("low_volatility_3", 64)],
)
def test_names_count_in_months(name, rows):
    assert named_factor(name).rows == rows


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("momentun_12_1", "did you mean momentum_<months>_<months skipped>"),
        ("", "there is no factor ''; Known"),
        ("sentiment_3", "there is no factor 'sentiment_3'; Known, .* momentum_12_1, reversal_1"),
        ("momentum_12", "should be spelt momentum_<months>_<months skipped>"),
        ("reversal", "should be spelt reversal_<months>"),
        ("momentum_1_12", "skips all of its 1 months"),
        ("reversal_0", "at least 2 rows, got 0"),
    ],
)
def test_unknown_or_senseless_names_are_refused(name, message):
    with pytest.raises(InputError, match=message):
        named_factor(name)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: momentum(c, 5, 5), "0 <= skip < lookback, got skip=5 and lookback=5"),
        (lambda c: momentum(c, 5, -1), "skip=-1"),
        (lambda c: reversal(c, 0), "at least 1 rows, got 0"),
        (lambda c: low_volatility(c, 1), "at least 2 rows, got 1"),
        (lambda c: nearness_to_high(c, 1), "at least 2 rows"),
    ],
)
def test_impossible_windows_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call(panel(rows=10))
