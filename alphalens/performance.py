"""What a factor is worth: information coefficients, returns, turnover, positions, event windows.

Every function takes factor_data (see `alphalens.utils`) and reads it through one cached matrix
view. Results are plain frames. A result with one row per date carries the trading calendar of
factor_data: where the date level has a freq, the dates are laid on its grid, gaps NaN; without
one they stay as observed. Returns are fractions; NaN is skipped unless said otherwise.
"""

from __future__ import annotations

from alphalens._metrics.events import average_cumulative_return_by_quantile, common_start_returns
from alphalens._metrics.holding import overlapping_returns, realised
from alphalens._metrics.information import (
    factor_information_coefficient,
    mean_information_coefficient,
)
from alphalens._metrics.lags import (
    information_decay,
    rank_autocorrelation_by_lag,
    turnover_by_lag,
)
from alphalens._metrics.positions import (
    create_pyfolio_input,
    factor_cumulative_returns,
    factor_positions,
    positions,
)
from alphalens._metrics.quantiles import compute_mean_returns_spread, mean_return_by_quantile
from alphalens._metrics.split import by_dates
from alphalens._metrics.turnover import factor_rank_autocorrelation, quantile_turnover
from alphalens._metrics.weights import (
    cumulative_returns,
    factor_alpha_beta,
    factor_returns,
    factor_weights,
)

__all__ = [
    "average_cumulative_return_by_quantile",
    "by_dates",
    "common_start_returns",
    "compute_mean_returns_spread",
    "create_pyfolio_input",
    "cumulative_returns",
    "factor_alpha_beta",
    "factor_cumulative_returns",
    "factor_information_coefficient",
    "factor_positions",
    "factor_rank_autocorrelation",
    "factor_returns",
    "factor_weights",
    "information_decay",
    "mean_information_coefficient",
    "mean_return_by_quantile",
    "overlapping_returns",
    "positions",
    "quantile_turnover",
    "rank_autocorrelation_by_lag",
    "realised",
    "turnover_by_lag",
]
