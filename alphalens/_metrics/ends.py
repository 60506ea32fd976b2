"""The two ends of a factor: what the top quantile earns more than the bottom, and at what cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from alphalens._metrics.common import BPS
from alphalens._metrics.quantiles import compute_mean_returns_spread, mean_return_by_quantile
from alphalens._metrics.turnover import quantile_turnover
from alphalens._panel import column_of
from alphalens.utils import options

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def spread_of_ends(
    factor_data: pd.DataFrame, *, long_short: bool, group_neutral: bool
) -> pd.DataFrame:
    """Return top less bottom quantile, dates x periods, by the convention in force."""
    means, _ = mean_return_by_quantile(
        factor_data, by_date=True, demeaned=long_short, group_adjust=group_neutral
    )
    labels = means.index.get_level_values("factor_quantile")
    spread, _ = compute_mean_returns_spread(means, labels.max(), labels.min())
    return spread


def turnover_of_ends(factor_data: pd.DataFrame, rows: int) -> tuple[float, float]:
    """Return the mean turnover of the top and of the bottom quantile over so many rows."""
    labels = column_of(factor_data, "factor_quantile")
    top, bottom = (
        float(quantile_turnover(labels, end, rows).mean()) for end in (labels.max(), labels.min())
    )
    return top, bottom


def break_even_bps(spread: ArrayLike, top: ArrayLike, bottom: ArrayLike) -> Floats:
    """Return the one-way cost in bps at which a spread (a fraction per period) is used up.

    Each name that is replaced is one sale and one purchase; the convention of the spread tells
    whether a side holds the whole capital or half of it. NaN where nothing is traded.
    """
    sides = 1.0 if options.is_reloaded else 2.0
    traded = sides * (np.asarray(top, dtype=np.float64) + np.asarray(bottom, dtype=np.float64))
    out = np.full(traded.shape, np.nan)
    np.divide(np.asarray(spread) * BPS, traded, out=out, where=traded > 0.0)
    return out
