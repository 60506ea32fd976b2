"""What becomes of a factor over more rows: its information, turnover and ranks by lag."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from alphalens import performance as perf
from alphalens.errors import InputError

from .noise import DATES, noise_data, noise_prices


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    """Prices of nine assets on 80 business days."""
    return noise_prices()


@pytest.fixture(scope="module")
def fd(prices: pd.DataFrame) -> pd.DataFrame:
    """Clean data of noise, with two groups."""
    return noise_data(prices)


def test_decay_takes_each_row_ahead_by_itself(fd, prices):
    decay = perf.information_decay(fd, prices, lags=[1, 3])

    changes = prices.pct_change()
    for lag in (1, 3):
        ahead = changes.shift(-lag).stack()  # the row from t + lag - 1 to t + lag
        ahead = ahead.rename_axis(index=["date", "asset"]).reindex(fd.index)
        ic = ahead.groupby("date").rank().groupby("date").corr(fd["factor"].groupby("date").rank())
        assert decay.loc[lag, "mean"] == pytest.approx(ic.mean())
        assert decay.loc[lag, "t"] == pytest.approx(ic.mean() / ic.std() * np.sqrt(len(ic)))
    assert decay["dates"].tolist() == [DATES, DATES]


def test_decay_of_foresight_of_one_row_is_one_row_long(prices):
    seen = (prices.shift(-2) / prices.shift(-1)).iloc[:DATES].stack()
    factor = seen.rename_axis(index=["date", "asset"]).to_frame("factor")

    decay = perf.information_decay(factor, prices, lags=range(1, 5))["mean"]

    assert decay[2] == pytest.approx(1.0)
    assert decay.drop(2).abs().max() < 0.3


def test_figures_by_lag_are_the_means_of_the_metrics(fd):
    turnover = perf.turnover_by_lag(fd, [1, 4])
    ranks = perf.rank_autocorrelation_by_lag(fd, [1, 4])

    assert turnover.columns.tolist() == [1, 2, 3]
    assert turnover.loc[4, 2] == perf.quantile_turnover(fd["factor_quantile"], 2, 4).mean()
    assert ranks[4] == perf.factor_rank_autocorrelation(fd, 4).mean()


@pytest.mark.parametrize("lags", [[0], [-1, 2], [], [1.5], [5.0], [1, True]])
def test_lags_that_are_no_rows_ahead_are_refused(fd, lags):
    with pytest.raises(InputError, match="whole numbers of rows from 1"):
        perf.turnover_by_lag(fd, lags)
