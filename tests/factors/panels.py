"""Random panels of prices and volume with the gaps that real ones have."""

from __future__ import annotations

import numpy as np
import pandas as pd

from alphalens.factors.alpha101 import price_volume_panel


def random_panel(
    rows: int = 300, assets: int = 24, gappy: int = 8, seed: int = 11
) -> dict[str, pd.DataFrame]:
    """Panel of random walks around 1; the first `gappy` assets lack 3 % of their days.

    With twelve assets or more, one begins late, one ends early, one is halted for two weeks, one
    has a day without volume and one a day without vwap.
    """
    rng = np.random.default_rng(seed)
    shape = (rows, assets)
    close = np.exp(rng.normal(0, 0.5, assets) + rng.normal(0, 0.02, shape).cumsum(axis=0))
    opened = close * np.exp(rng.normal(0, 0.01, shape))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.01, shape)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.01, shape)))
    vwap = low + (high - low) * rng.uniform(0.2, 0.8, shape)
    volume = np.exp(rng.normal(12, 1, assets) + rng.normal(0, 0.5, shape))
    gap = np.zeros(shape, dtype=bool)
    gap[:, :gappy] = rng.random((rows, gappy)) < 0.03
    if assets >= gappy + 5:
        gap[: rows // 4, gappy] = gap[-rows // 6 :, gappy + 1] = gap[100:110, gappy + 2] = True
        volume[rows // 6, gappy + 3] = vwap[rows // 5, gappy + 4] = np.nan
    index = pd.bdate_range("2020-01-01", periods=rows)
    names = [f"S{number:02d}" for number in range(assets)]
    fields = {
        "open": opened,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "vwap": vwap,
    }
    frames = {
        name: pd.DataFrame(np.where(gap, np.nan, values), index=index, columns=names)
        for name, values in fields.items()
    }
    return price_volume_panel(**frames)
