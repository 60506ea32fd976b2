"""The tables of the tear sheets as plain frames, unrounded, before anything is printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from alphalens import utils
from alphalens._metrics.common import BPS
from alphalens._printing import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "INFORMATION",
    "QUANTILES",
    "RETURNS",
    "TITLES",
    "TURNOVER",
    "information_table",
    "quantile_statistics_table",
    "returns_table",
    "show",
    "turnover_tables",
]

QUANTILES = "Quantiles Statistics"
RETURNS = "Returns Analysis"
INFORMATION = "Information Analysis"
TURNOVER = "Turnover Analysis"
TITLES = (QUANTILES, RETURNS, INFORMATION, TURNOVER)


def show(title: str, *frames: pd.DataFrame) -> None:
    """Print a title and its tables, the way Alphalens always has."""
    say(title)
    for frame in frames:
        utils.print_table(frame)


def spread_label() -> str:
    """Return the row label of the spread under the convention in force."""
    gross = "bps, 100% gross" if utils.options.is_reloaded else "bps"
    return f"Mean Period Wise Spread ({gross})"


def quantile_statistics_table(factor_data: pd.DataFrame) -> pd.DataFrame:
    """Return min, max, mean, std, count and share (percent) of the factor per quantile."""
    factor = factor_data["factor"].groupby(factor_data["factor_quantile"])
    table = factor.agg(["min", "max", "mean", "std", "count"])
    table["count %"] = table["count"] / table["count"].sum() * 100.0
    return table


def returns_table(
    alpha_beta: pd.DataFrame, mean_quantile: pd.DataFrame, mean_spread: pd.DataFrame
) -> pd.DataFrame:
    """Return alpha and beta, then the outer quantiles' means and their spread in bps."""
    extra = pd.DataFrame(
        {
            "Mean Period Wise Return Top Quantile (bps)": mean_quantile.iloc[-1] * BPS,
            "Mean Period Wise Return Bottom Quantile (bps)": mean_quantile.iloc[0] * BPS,
            spread_label(): mean_spread.mean() * BPS,
        }
    ).T
    return pd.concat([alpha_beta, extra[alpha_beta.columns]])


def turnover_tables(
    autocorrelation: pd.DataFrame, quantile_turnover: Mapping[int, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the mean turnover of each quantile and the mean rank autocorrelation."""
    turnover = pd.DataFrame(
        {f"{period}D": frame.mean() for period, frame in sorted(quantile_turnover.items())}
    )
    turnover.index = pd.Index([f"Quantile {label} Mean Turnover " for label in turnover.index])
    means = {f"{period}D": column.mean() for period, column in autocorrelation.items()}
    return turnover, pd.DataFrame(means, index=["Mean Factor Rank Autocorrelation"])


def information_table(ic: pd.DataFrame) -> pd.DataFrame:
    """Return mean, deviation, ratio, t-test and shape of the IC; one row per period."""
    return pd.DataFrame({str(period): _moments(ic[period]) for period in ic.columns}).T.reindex(
        index=ic.columns
    )


def _moments(column: pd.Series[float]) -> pd.Series[float]:
    """Return the seven numbers of one period; NaN days are dropped."""
    x = np.asarray(column.dropna(), dtype=np.float64)
    mean = float(x.mean()) if x.size else np.nan
    std = float(x.std(ddof=1)) if x.size > 1 else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.float64(mean) / np.float64(std)
    t = float(ratio * np.sqrt(x.size))
    skew, kurtosis = _skew_and_kurtosis(x)
    return pd.Series(
        {
            "IC Mean": mean,
            "IC Std.": std,
            "Risk-Adjusted IC": float(ratio),
            "t-stat(IC)": t,
            "p-value(IC)": _two_sided(t, x.size - 1),
            "IC Skew": skew,
            "IC Kurtosis": kurtosis,
        }
    )


def _two_sided(t: float, degrees: int) -> float:
    """Return the two-sided p-value of Student's `t`."""
    from scipy.special import stdtr

    return float(2.0 * stdtr(degrees, -abs(t))) if degrees > 0 else np.nan


def _skew_and_kurtosis(x: NDArray[np.float64]) -> tuple[float, float]:
    """Return the biased skewness and excess kurtosis; NaN without any spread."""
    if x.size < 2:
        return np.nan, np.nan
    centred = x - x.mean()
    variance = float(np.mean(centred**2))
    if variance <= (np.finfo(float).eps * x.mean()) ** 2:
        return np.nan, np.nan
    return (
        float(np.mean(centred**3) / variance**1.5),
        float(np.mean(centred**4) / variance**2 - 3.0),
    )
