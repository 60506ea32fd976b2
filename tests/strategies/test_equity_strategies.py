"""A factor strategy: the latest values of its factor, and nothing from the future."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from alphalens.data import DataView, PriceHistory, closing_instants
from alphalens.errors import DataError
from alphalens.factors import named_factor
from alphalens.strategies import FactorStrategy

DAYS = closing_instants(pd.bdate_range("2020-01-01", periods=80))


def history(values: np.ndarray | None = None) -> PriceHistory:
    rng = np.random.default_rng(3)
    prices = np.exp(rng.normal(0.0, 0.02, (80, 3)).cumsum(axis=0)) if values is None else values
    closes = pd.DataFrame(prices, index=DAYS, columns=["A", "B", "C"])
    return PriceHistory(closes=closes, source="test", adjustment="raw")


def test_signal_is_the_latest_row_of_the_factor():
    data, strategy = history(), FactorStrategy(named_factor("reversal_2"))

    signal = strategy.signal(DataView(data, DAYS[60].to_pydatetime()))

    expected = named_factor("reversal_2")(data.closes).iloc[60]
    assert signal.scores == expected.to_dict()
    assert (signal.name, signal.asof) == ("reversal_2", DAYS[60])
    assert strategy.lookback == 43


def test_absurd_future_rows_change_no_signal():
    clean = history()
    poisoned = clean.closes.copy()
    poisoned.iloc[61:] = [1e9, 1e-9, np.nan]
    strategy = FactorStrategy(named_factor("low_volatility_2"))

    signals = [
        strategy.signal(DataView(data, DAYS[60].to_pydatetime()))
        for data in (clean, PriceHistory(closes=poisoned, source="test", adjustment="raw"))
    ]

    assert signals[0] == signals[1]


def test_an_asset_without_a_latest_price_has_no_score():
    closes = history().closes.copy()
    closes.iloc[60, 1] = np.nan
    data = PriceHistory(closes=closes, source="test", adjustment="raw")

    signal = FactorStrategy(named_factor("reversal_1")).signal(DataView(data, DAYS[60]))

    assert sorted(signal.scores) == ["A", "C"]


def test_too_short_a_history_is_refused_with_both_numbers():
    strategy = FactorStrategy(named_factor("momentum_12_1"))

    with pytest.raises(DataError, match="needs 253 rows of closes; test has 61"):
        strategy.signal(DataView(history(), DAYS[60].to_pydatetime()))


def test_no_value_for_any_asset_is_refused():
    strategy = FactorStrategy(named_factor("reversal_1"))

    with pytest.raises(DataError, match="no value for any of 3 assets"):
        strategy.signal(DataView(history(np.full((80, 3), np.nan)), DAYS[60].to_pydatetime()))


def test_an_infinite_score_is_bad_data_and_names_the_asset():
    closes = history().closes.copy()
    closes.iloc[39, 2] = 0.0
    data = PriceHistory(closes=closes, source="test", adjustment="raw")

    with pytest.raises(DataError, match=r"reversal_1 of C is -inf"):
        FactorStrategy(named_factor("reversal_1")).signal(DataView(data, DAYS[60]))
