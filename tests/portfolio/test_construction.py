"""Weights from ranks: sides, size, caps, ties."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alphalens.errors import InputError
from alphalens.portfolio import RankWeights, rank_weights
from alphalens.trading.targets import Signal

SCORES = st.dictionaries(
    st.text("ABCDEFGHIJ", min_size=1, max_size=3),
    st.integers(-5, 5).map(float),
    min_size=2,
    max_size=25,
)


def distinct(count: int) -> dict[str, float]:
    return {f"S{number:02}": float(number) for number in range(count)}


def test_two_sides_are_equal_and_linear_in_rank():
    weights = rank_weights(distinct(4), RankWeights(max_weight=0.5))

    assert weights == pytest.approx({"S00": -1 / 3, "S01": -1 / 6, "S02": 1 / 6, "S03": 1 / 3})


def test_long_only_holds_the_best_share():
    rule = RankWeights(long_only=True, share=0.5, gross=0.9, max_weight=1.0)

    assert rank_weights(distinct(4), rule) == pytest.approx({"S02": 0.3, "S03": 0.6})


def test_what_exceeds_the_cap_goes_to_the_others_of_the_side():
    weights = rank_weights(distinct(8), RankWeights(max_weight=0.15))

    longs = {s: w for s, w in weights.items() if w > 0}
    assert max(longs.values()) == 0.15
    assert sum(longs.values()) == pytest.approx(0.5)
    assert longs["S05"] == pytest.approx(2 * longs["S04"])


@given(SCORES, st.floats(0.2, 2.0), st.floats(0.05, 1.0), st.floats(0.05, 0.5))
def test_sides_sum_to_half_the_gross_and_no_weight_passes_the_cap(scores, gross, cap, share):
    try:
        weights = rank_weights(scores, RankWeights(gross=gross, max_weight=cap, share=share))
    except InputError:
        assume(False)

    longs = [w for w in weights.values() if w > 0]
    shorts = [w for w in weights.values() if w < 0]
    assert sum(longs) == pytest.approx(gross / 2)
    assert sum(shorts) == pytest.approx(-gross / 2)
    assert max(map(abs, weights.values())) <= cap
    worst_long = min(scores[s] for s, w in weights.items() if w > 0)
    assert worst_long > max(scores[s] for s, w in weights.items() if w < 0)


@given(SCORES, st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_arrival_never_matters(scores, random, long_only):
    items = list(scores.items())
    random.shuffle(items)
    rule = RankWeights(long_only=long_only, max_weight=1.0, gross=1.0)
    try:
        expected = rank_weights(scores, rule)
    except InputError:
        assume(False)

    assert rank_weights(dict(items), rule) == expected


@given(SCORES, st.floats(0.1, 9.0), st.integers(-3, 3))
def test_only_the_order_of_scores_matters(scores, slope, shift):
    rule = RankWeights(max_weight=1.0)
    try:
        expected = rank_weights(scores, rule)
    except InputError:
        assume(False)

    assert rank_weights({s: slope * v + shift for s, v in scores.items()}, rule) == expected


def test_equal_scores_have_equal_weights_inside_a_side():
    weights = rank_weights({"A": 2.0, "B": 2.0, "C": 0.0, "D": 1.0}, RankWeights(max_weight=0.5))

    assert weights["A"] == weights["B"] == 0.25


def test_a_score_on_both_sides_is_held_on_neither():
    weights = rank_weights({"A": 2.0, "B": 1.0, "C": 1.0, "D": 0.0}, RankWeights(max_weight=0.5))

    assert weights == {"A": 0.5, "D": -0.5}


@pytest.mark.parametrize(
    ("scores", "rule", "message"),
    [
        ({}, RankWeights(), "no score"),
        ({"A": 1.0}, RankWeights(max_weight=1.0), "1 scores give no ranking"),
        ({"A": 1.0, "B": 1.0}, RankWeights(max_weight=1.0), "too many are equal"),
        (distinct(4), RankWeights(max_weight=0.1), "max_weight 0.1 x 2 assets cannot hold a side"),
    ],
)
def test_a_portfolio_that_cannot_be_is_refused(scores, rule, message):
    with pytest.raises(InputError, match=message):
        rank_weights(scores, rule)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_weight": 0.0},
        {"max_weight": 1.1},
        {"share": 0.0},
        {"share": 0.6},
        {"gross": 0.0},
        {"gross": float("nan")},
        {"gross": float("inf")},
    ],
)
def test_settings_that_describe_no_portfolio_are_refused(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        RankWeights(**settings)


def test_target_keeps_name_and_instant_of_the_signal():
    asof = datetime(2022, 1, 3, tzinfo=UTC)
    signal = Signal(name="m", asof=asof, scores=distinct(20))

    target = RankWeights().target(signal)

    assert (target.name, target.asof) == ("m", asof)
    assert target.gross == pytest.approx(1.0)
    assert target.net == pytest.approx(0.0)


def test_a_side_that_just_fits_has_every_weight_at_the_cap():
    weights = rank_weights(distinct(4), RankWeights(max_weight=0.25))

    assert sorted(weights.values()) == [-0.25, -0.25, 0.25, 0.25]
