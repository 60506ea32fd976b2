"""Options that the original's metrics do not have: method, weights, costs, trading days."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from alphalens import performance as perf
from alphalens.errors import InputError

from .golden.shapes import uniforms
from .noise import noise_data, noise_prices


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    """Prices of nine assets on 80 business days."""
    return noise_prices()


@pytest.fixture(scope="module")
def fd(prices: pd.DataFrame) -> pd.DataFrame:
    """Clean data of noise, with two groups."""
    return noise_data(prices)


# --- Pearson's coefficient ----------------------------------------------------------------------


@pytest.mark.parametrize("by_group", [False, True])
def test_pearson_is_the_plain_correlation_of_each_cell(fd, by_group):
    keys = ["date", "group"] if by_group else "date"

    ours = perf.factor_information_coefficient(fd, by_group=by_group, method="pearson")

    cells = fd.groupby(keys, observed=True)
    theirs = cells.apply(lambda cell: cell[["1D", "5D"]].corrwith(cell["factor"]))
    np.testing.assert_allclose(ours, theirs, atol=1e-14)
    mean = perf.mean_information_coefficient(fd, by_group=by_group, method="pearson")
    np.testing.assert_allclose(
        mean.to_numpy().sum(),
        theirs.groupby("group", observed=True).mean().sum().sum()
        if by_group
        else theirs.mean().sum(),
    )


def test_pearson_of_a_date_with_a_missing_return_is_nan_as_for_ranks(fd):
    holed = fd.copy()
    holed.iloc[2, 0] = np.nan

    ic = perf.factor_information_coefficient(holed, method="pearson")

    assert np.isnan(ic.iloc[0, 0])
    assert ic.iloc[1:].notna().all(axis=None)


def test_another_method_is_quoted(fd):
    with pytest.raises(InputError, match="'kendall'"):
        perf.factor_information_coefficient(fd, method="kendall")


# --- weights in quantile means ------------------------------------------------------------------


def test_equal_weights_change_nothing(fd):
    ones = pd.Series(2.0, fd.index)

    for by_date in (True, False):
        plain = perf.mean_return_by_quantile(fd, by_date=by_date)
        own = perf.mean_return_by_quantile(fd, by_date=by_date, weights=ones)
        assert_frame_equal(own[0], plain[0], atol=1e-15)
        assert_frame_equal(own[1], plain[1], atol=1e-15)


def test_weighted_means_are_averages_less_the_weighted_universe(fd):
    weights = pd.Series(uniforms(7, len(fd)) + 0.1, fd.index)

    ours, _ = perf.mean_return_by_quantile(fd, by_date=True, weights=weights)

    for (label, date), mine in ours["1D"].items():
        day = fd.xs(date, level="date")
        own, part = weights.xs(date, level="date"), day["factor_quantile"] == label
        theirs = np.average(day["1D"][part], weights=own[part]) - np.average(day["1D"], weights=own)
        assert mine == pytest.approx(theirs, abs=1e-15)


def test_a_row_without_weight_is_left_out(fd):
    weights = pd.Series(1.0, fd.index)
    first = fd.index[fd["factor_quantile"] == 1][0]
    weights[first] = np.nan

    ours, _ = perf.mean_return_by_quantile(fd, by_date=True, demeaned=False, weights=weights)

    rest, _ = perf.mean_return_by_quantile(fd.drop(index=[first]), by_date=True, demeaned=False)
    assert_frame_equal(ours, rest, check_freq=False)


@pytest.mark.parametrize("value", [-1.0, np.inf])
def test_a_weight_that_is_none_is_shown_with_its_row(fd, value):
    weights = pd.Series(1.0, fd.index)
    weights.iloc[4] = value

    with pytest.raises(InputError, match=rf"got {value} at \("):
        perf.mean_return_by_quantile(fd, weights=weights)


# --- costs --------------------------------------------------------------------------------------


def test_costs_are_those_of_what_one_period_replaces(fd):
    weights = perf.factor_weights(fd).unstack()  # noqa: PD010 - wide

    ours = perf.factor_returns(fd) - perf.factor_returns(fd, cost_bps=10)

    for period, rows in (("1D", 1), ("5D", 5)):
        traded = (weights - weights.shift(rows).fillna(0)).abs().sum(axis=1)
        np.testing.assert_allclose(ours[period], traded * 0.001, atol=1e-15)


def test_costs_below_zero_or_by_asset_are_refused(fd):
    with pytest.raises(InputError, match="got -1"):
        perf.factor_returns(fd, cost_bps=-1)
    with pytest.raises(InputError, match="0 with by_asset, got 1"):
        perf.factor_returns(fd, cost_bps=1, by_asset=True)


# --- stamps -------------------------------------------------------------------------------------


def test_pyfolio_input_of_trading_days_has_no_weekend_and_the_same_growth(fd):
    calendar = perf.create_pyfolio_input(fd, "1D")
    trading = perf.create_pyfolio_input(fd, "1D", is_trading_days=True)

    for frame in trading:
        assert (frame.index.day_of_week < 5).all()
    np.testing.assert_allclose((1 + trading[0]).prod(), (1 + calendar[0]).prod())
    assert_frame_equal(trading[1], calendar[1].loc[trading[1].index], check_freq=False)
