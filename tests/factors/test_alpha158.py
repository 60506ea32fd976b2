"""The 158 features: names, formulas against plain pandas, bounds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from alphalens.factors import evaluate_many, parse
from alphalens.factors.alpha158 import ALPHA158, WINDOWS

from .pandas_oracle import Oracle
from .panels import random_panel

NAMES = """
KMID KLEN KMID2 KUP KUP2 KLOW KLOW2 KSFT KSFT2 OPEN0 HIGH0 LOW0 VWAP0
ROC MA STD BETA RSQR RESI MAX MIN QTLU QTLD RANK RSV IMAX IMIN IMXD CORR CORD CNTP CNTN CNTD
SUMP SUMN SUMD VMA VSTD WVMA VSUMP VSUMN VSUMD
"""
BAR, FAMILIES = NAMES.split()[:13], NAMES.split()[13:]
SHARES = ["RANK", "RSV", "IMAX", "IMIN", "CNTP", "CNTN", "SUMP", "SUMN", "VSUMP", "VSUMN", "RSQR"]


@pytest.fixture(scope="module")
def panel() -> dict[str, pd.DataFrame]:
    return random_panel(rows=130, assets=12, gappy=4)


@pytest.fixture(scope="module")
def values(panel: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return evaluate_many(ALPHA158, panel)


@pytest.fixture(scope="module")
def oracle(panel: dict[str, pd.DataFrame]) -> Oracle:
    return Oracle(panel)


def test_the_set_has_its_158_names_in_their_order():
    assert len(BAR) + len(FAMILIES) * len(WINDOWS) == 158
    expected = BAR + [f"{family}{window}" for family in FAMILIES for window in (5, 10, 20, 30, 60)]
    assert list(ALPHA158) == expected


def test_the_set_needs_prices_and_volume_and_61_rows():
    fields = {name for text in ALPHA158.values() for name in parse(text).fields}

    assert fields == {"open", "high", "low", "close", "vwap", "volume"}
    assert max(parse(text).lookback for text in ALPHA158.values()) == 61


@pytest.mark.parametrize("name", ALPHA158)
def test_a_feature_equals_plain_pandas(name, values, oracle):
    expected = oracle(ALPHA158[name])

    assert expected.notna().sum().sum() > 300
    pd.testing.assert_frame_equal(values[name], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("window", WINDOWS)
def test_windows_restated_in_pandas_without_the_strings(panel, values, window):
    close, high, low, volume = (panel[name] for name in ("close", "high", "low", "volume"))
    rolling = close.rolling(window)
    up, down = close.diff().clip(lower=0), -close.diff().clip(upper=0)
    expected = {
        "ROC": close.shift(window) / close,
        "MA": rolling.mean() / close,
        "STD": rolling.std() / close,
        "QTLD": rolling.quantile(0.2) / close,
        "RANK": rolling.rank(pct=True),
        "IMAX": (high.rolling(window).apply(np.argmax, raw=True) + 1) / window,
        "IMIN": (low.rolling(window).apply(np.argmin, raw=True) + 1) / window,
        "CORR": rolling.corr(np.log(volume + 1)).where(close.notna() & volume.notna()),
        "SUMD": (up - down).rolling(window).sum() / (up + down).rolling(window).sum(),
        "BETA": rolling.apply(lambda x: np.polyfit(range(len(x)), x, 1)[0], raw=True) / close,
    }
    for family, frame in expected.items():
        pd.testing.assert_frame_equal(values[f"{family}{window}"], frame, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("family", SHARES)
def test_a_share_lies_between_nought_and_one(values, family):
    for window in WINDOWS:
        numbers = values[f"{family}{window}"].to_numpy()
        numbers = numbers[np.isfinite(numbers)]
        assert len(numbers) > 300
        assert ((numbers > -1e-12) & (numbers < 1 + 1e-12)).all()


def test_the_parts_of_a_difference_add_up(values):
    for whole, plus, minus in [("CNTD", "CNTP", "CNTN"), ("SUMD", "SUMP", "SUMN")]:
        difference = values[f"{plus}20"] - values[f"{minus}20"]
        pd.testing.assert_frame_equal(values[f"{whole}20"], difference, atol=1e-12)


def test_a_bar_without_range_has_shape_nought_not_nothing():
    flat = {name: pd.DataFrame({"A": [10.0, 10.0]}) for name in ("open", "high", "low", "close")}

    shapes = evaluate_many({name: ALPHA158[name] for name in BAR[:9]}, flat)

    assert {name: frame["A"].tolist() for name, frame in shapes.items()} == {
        name: [0.0, 0.0] for name in BAR[:9]
    }
