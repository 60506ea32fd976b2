"""Statistics of series that fool the eye: overlapping means, Sharpe ratios, many trials.

Series are float64 arrays of shape (n,), or columns of shape (n, k), rows in order of time. NaN
marks a period without a value; leave it in its place, because lags count rows. A result has the
shape of one row: a number for one series, (k,) for columns. Everything is per period (one row),
never per year, unless a name says so. What cannot be said is NaN, with a reason where a result
object has one.
"""

from alphalens._stats.bootstrap import block_bootstrap_mean_interval
from alphalens._stats.deflation import (
    DeflatedSharpe,
    TrialCount,
    deflated_sharpe,
    effective_trials,
    expected_maximum_sharpe,
)
from alphalens._stats.means import (
    MeanTest,
    automatic_lags,
    effective_sample_size,
    long_run_variance,
    mean_tstat,
)
from alphalens._stats.moments import kurtosis, skewness
from alphalens._stats.multiple import benjamini_hochberg, benjamini_yekutieli, holm
from alphalens._stats.overlap import disjoint_observations, overlap_lags, overlap_tstat
from alphalens._stats.sharpe import (
    SharpeTest,
    minimum_track_record_length,
    probabilistic_sharpe,
    sharpe,
    sharpe_standard_error,
    sharpe_test,
)

__all__ = [
    "DeflatedSharpe",
    "MeanTest",
    "SharpeTest",
    "TrialCount",
    "automatic_lags",
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "block_bootstrap_mean_interval",
    "deflated_sharpe",
    "disjoint_observations",
    "effective_sample_size",
    "effective_trials",
    "expected_maximum_sharpe",
    "holm",
    "kurtosis",
    "long_run_variance",
    "mean_tstat",
    "minimum_track_record_length",
    "overlap_lags",
    "overlap_tstat",
    "probabilistic_sharpe",
    "sharpe",
    "sharpe_standard_error",
    "sharpe_test",
    "skewness",
]
