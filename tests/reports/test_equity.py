"""What an equity curve earned, against its universe."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from alphalens.errors import InputError
from alphalens.reports.equity import (
    MIN_DAYS,
    daily_levels,
    drawdowns,
    equal_weight_level,
    equity_statistics,
    match_days,
    relative_statistics,
)


def curve(*levels: float) -> pd.Series[float]:
    return pd.Series(levels, index=days(len(levels)), dtype=float)


def days(n: int) -> pd.DatetimeIndex:
    return pd.bdate_range("2022-01-03 21:00", periods=n, tz="UTC", normalize=False)


def test_statistics_of_a_year_agree_with_the_formulas() -> None:
    returns = np.random.default_rng(0).normal(0.0005, 0.01, 252)
    levels = curve(*(100.0 * np.cumprod(np.concatenate([[1.0], 1.0 + returns]))))

    found = equity_statistics(levels)

    ratio = returns.mean() / returns.std(ddof=1)
    total = float(np.prod(1.0 + returns) - 1.0)
    assert found.n_days == 252
    assert found.total_return.value == pytest.approx(total, abs=1e-12)
    assert found.annual_return.value == pytest.approx(total, abs=1e-12)
    assert found.annual_volatility.value == pytest.approx(returns.std(ddof=1) * math.sqrt(252))
    assert found.sharpe.value == pytest.approx(ratio * math.sqrt(252))


def test_the_error_of_the_sharpe_ratio_knows_of_skewness_and_kurtosis() -> None:
    days = np.random.default_rng(0).normal(0.002, 0.01, 252)
    returns = np.where(np.arange(252) % 21 == 0, -0.06, days)  # a loss a month: skewed, fat tail

    found = equity_statistics(curve(*np.cumprod(np.concatenate([[1.0], 1.0 + returns]))))

    z = (returns - returns.mean()) / returns.std()
    ratio = returns.mean() / returns.std(ddof=1)
    variance = (1 - (z**3).mean() * ratio + ((z**4).mean() - 1) / 4 * ratio**2) / 251
    assert found.sharpe_error.value == pytest.approx(math.sqrt(252 * variance))
    assert (z**3).mean() < -1


def test_a_short_run_has_a_total_return_and_says_why_it_has_no_sharpe_ratio() -> None:
    found = equity_statistics(curve(100.0, 90.0, 99.0))

    assert found.total_return.value == pytest.approx(-0.01)
    assert found.max_drawdown.value == pytest.approx(-0.10)
    for measure in (found.annual_return, found.annual_volatility, found.sharpe):
        assert measure.text(".2f") == f"n too small: 2 of {MIN_DAYS} daily returns"


@pytest.mark.parametrize("levels", [(), (100.0,)])
def test_a_run_without_a_return_has_no_number_at_all(levels: tuple[float, ...]) -> None:
    found = equity_statistics(curve(*levels))

    assert found.n_days == 0
    assert found.total_return.why_not == "n too small: no daily return yet"
    assert not found.max_drawdown.is_known


def test_a_flat_curve_has_volatility_zero_and_no_sharpe_ratio() -> None:
    found = equity_statistics(curve(*[100.0] * 40))

    assert found.annual_volatility.value == 0.0
    assert found.sharpe.why_not == "undefined: no variation"
    assert found.max_drawdown.value == 0.0


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_level_without_meaning_is_refused_with_its_place(bad: float) -> None:
    with pytest.raises(InputError, match=r"positive and finite.*2022-01-04"):
        equity_statistics(curve(100.0, bad, 100.0))


def test_the_universe_weighs_the_assets_that_have_both_prices_equally() -> None:
    prices = pd.DataFrame({"A": [1.0, 2.0, 2.0], "B": [4.0, 4.0, 2.0], "C": [np.nan, 5.0, 5.0]})

    level = equal_weight_level(prices)

    assert level.name == "universe"
    assert level.tolist() == pytest.approx([1.0, 1.5, 1.5 * (1 - 0.5 / 3)])


def test_a_universe_without_any_return_between_two_instants_is_refused() -> None:
    prices = pd.DataFrame({"A": [1.0, np.nan, 2.0]}, index=days(3))

    with pytest.raises(InputError, match="no asset of the universe has a price"):
        equal_weight_level(prices)


def test_the_last_level_of_each_date_is_kept_at_its_own_instant() -> None:
    index = pd.DatetimeIndex(["2022-01-03 14:00", "2022-01-03 21:00", "2022-01-04 14:00"], tz="UTC")

    found = daily_levels(pd.Series([1.0, 2.0, 3.0], index=index))

    assert found.tolist() == [2.0, 3.0]
    assert found.index.tolist() == index[1:].tolist()


def test_levels_without_a_time_zone_or_order_are_refused() -> None:
    with pytest.raises(InputError, match="timezone-aware"):
        daily_levels(pd.Series([1.0], index=pd.DatetimeIndex(["2022-01-03"])))
    with pytest.raises(InputError, match="must ascend"):
        daily_levels(pd.Series([1.0, 2.0], index=days(2)[::-1]))


def test_the_universe_is_matched_by_date_and_takes_the_instants_of_the_book() -> None:
    equity = curve(1.0, 2.0)
    universe = pd.Series([5.0, 6.0, 7.0], index=days(3) - pd.Timedelta(hours=1))

    found = match_days(universe, equity)

    assert found.tolist() == [5.0, 6.0]
    assert found.index.equals(equity.index)


def test_a_date_without_a_level_of_the_universe_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="no level on 2022-01-05"):
        match_days(pd.Series([1.0, 1.0], index=days(2)), curve(1.0, 1.0, 1.0))


def test_drawdown_is_the_loss_since_the_highest_level() -> None:
    assert drawdowns(curve(1.0, 2.0, 1.0, 3.0)).tolist() == [0.0, 0.0, -0.5, 0.0]


def test_a_curve_that_doubles_every_move_of_another_has_beta_two() -> None:
    moves = np.random.default_rng(1).normal(0.0, 0.01, 40)
    other = curve(*np.cumprod(np.concatenate([[1.0], 1.0 + moves])))
    ours = curve(*np.cumprod(np.concatenate([[1.0], 1.0 + 2.0 * moves])))

    found = relative_statistics(ours, other)

    assert found.beta.value == pytest.approx(2.0)
    assert found.correlation.value == pytest.approx(1.0)
    assert found.excess_return.value == pytest.approx(ours.iloc[-1] - other.iloc[-1])


def test_few_days_have_a_difference_of_returns_and_no_beta() -> None:
    found = relative_statistics(curve(1.0, 1.2, 1.1), curve(1.0, 1.0, 1.05))

    assert found.excess_return.value == pytest.approx(0.05)
    assert found.beta.why_not == f"n too small: 2 of {MIN_DAYS} daily returns"


def test_against_a_universe_that_never_moves_beta_is_undefined() -> None:
    moving = curve(*(1.0 + 0.01 * (np.arange(30) % 3)))

    found = relative_statistics(moving, curve(*[1.0] * 30))

    assert found.beta.why_not == "undefined: no variation"
    assert found.correlation.why_not == "undefined: no variation"


def test_curves_at_different_instants_are_not_compared() -> None:
    with pytest.raises(InputError, match="not at the same instants"):
        relative_statistics(curve(1.0, 2.0), curve(1.0, 2.0, 3.0))
