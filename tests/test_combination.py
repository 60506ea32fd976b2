"""Combined factors: what a missing score does, and what the call refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alphalens.comparison import combine
from alphalens.errors import InputError

DATES, ASSETS = 120, 40
HALF = ASSETS // 2


@pytest.fixture(scope="module")
def factors() -> dict[str, pd.DataFrame]:
    """Two factors that know nothing of each other, the second known for half of the assets."""
    rng = np.random.default_rng(3)
    index = pd.bdate_range("2024-01-01", periods=DATES)
    names = [f"A{number:02d}" for number in range(ASSETS)]
    wide, narrow = (pd.DataFrame(rng.normal(size=(DATES, ASSETS)), index, names) for _ in range(2))
    narrow.iloc[:, :HALF] = np.nan
    return {"wide": wide, "narrow": narrow}


@pytest.fixture(scope="module")
def prices(factors: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Prices that follow nothing."""
    like = factors["wide"]
    steps = np.random.default_rng(4).normal(0.0, 0.01, like.shape)
    return pd.DataFrame(np.exp(steps.cumsum(axis=0)), like.index, like.columns)


@pytest.mark.parametrize("score", ["zscore", "rank"])
def test_an_asset_with_few_factors_is_no_louder_than_one_with_all(
    factors: dict[str, pd.DataFrame], score: Any
) -> None:
    combined = combine(factors, score=score).factor.unstack()  # noqa: PD010  # as it is called

    spread = combined.std(axis=1)
    few, all_ = combined.iloc[:, :HALF].std(axis=1), combined.iloc[:, HALF:].std(axis=1)
    top = combined.rank(axis=1, pct=True) > 0.8
    assert combined.notna().all(axis=None)
    assert few.mean() < all_.mean() < 1.2 * spread.mean()
    assert top.iloc[:, :HALF].to_numpy().sum() < 0.5 * top.to_numpy().sum()


def test_the_combination_is_the_sum_of_weights_and_scores_with_0_for_what_is_missing() -> None:
    index = pd.bdate_range("2024-01-01", periods=1)
    one = pd.DataFrame([[1.0, 2.0, 3.0, None, None]], index, list("ABCDE"))
    two = pd.DataFrame([[2.0, 4.0, None, 6.0, None]], index, list("ABCDE"))

    found = combine({"one": one, "two": two}).factor.xs(index[0])

    assert found.to_dict() == {"A": -1.0, "B": 0.0, "C": 0.5, "D": 0.5}


def test_a_factor_without_a_weight_does_not_make_a_row(
    factors: dict[str, pd.DataFrame], prices: pd.DataFrame
) -> None:
    young = factors["narrow"].copy()
    young.iloc[:60] = np.nan
    only = {"old": factors["wide"].iloc[:, HALF:], "young": factors["wide"].where(young.notna())}
    only["young"].iloc[60:, :HALF] = 1.0 * np.arange(HALF)  # known where the old one is not

    found = combine(only, "ic", prices=prices, min_history=20)

    rows = found.factor.loc[prices.index[70]]
    assert found.weights.loc[prices.index[70]].to_dict()["young"] == 0.0
    assert set(rows.index) == set(prices.columns[HALF:])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f, p: combine(f, "ic", prices=p, window=70.5), "window .* got 70.5"),
        (lambda f, p: combine(f, "ic", prices=p, window="70"), "window .* got '70'"),
        (lambda f, p: combine(f, "ic", prices=p, period=1.5), "period .* got 1.5"),
        (lambda f, p: combine(f, "ic", prices=p, period=None), "period .* got None"),
        (lambda f, p: combine(f, "ic", prices=p, min_history=5.5), "min_history .* got 5.5"),
        (lambda f, p: combine(f, "ic", prices=p.to_numpy()), "prices .* ndarray"),
        (lambda f, p: combine(f, "ic", prices="close"), "prices .* str"),
    ],
)
def test_what_counts_rows_is_whole_and_prices_are_a_frame(
    call: Callable[..., Any],
    words: str,
    factors: dict[str, pd.DataFrame],
    prices: pd.DataFrame,
) -> None:
    with pytest.raises(InputError, match=words):
        call(factors, prices)


def test_a_window_of_numpy_is_a_window(
    factors: dict[str, pd.DataFrame], prices: pd.DataFrame
) -> None:
    ours, theirs = (
        combine(factors, "ic", prices=prices, window=window, min_history=20).weights
        for window in (np.int64(30), 30)
    )

    pd.testing.assert_frame_equal(ours, theirs)
