"""Clean data of noise that several files of tests judge."""

from __future__ import annotations

import pandas as pd

from alphalens import utils

from .golden.shapes import days, letters, long, normals, walk

DATES, ASSETS = 60, 9


def noise_prices() -> pd.DataFrame:
    """Return prices of nine assets on 80 business days."""
    return walk(3, days("2021-01-04", DATES + 20, freq="B"), letters(ASSETS))


def noise_data(prices: pd.DataFrame) -> pd.DataFrame:
    """Return clean data of noise on these prices, with two groups."""
    factor = long(normals(4, DATES, ASSETS), prices.index[:DATES], letters(ASSETS))
    groups = {asset: "xy"[i % 2] for i, asset in enumerate(letters(ASSETS))}
    return utils.get_clean_factor_and_forward_returns(
        factor, prices, groupby=groups, quantiles=3, periods=(1, 5)
    )
