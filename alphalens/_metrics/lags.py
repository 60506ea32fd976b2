"""How long a factor remembers, and how long it is worth remembering: figures by lag."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from alphalens import _stats as stats
from alphalens._given import is_whole
from alphalens._metrics.information import factor_information_coefficient
from alphalens._metrics.turnover import factor_rank_autocorrelation, quantile_turnover
from alphalens._panel import column_of
from alphalens.errors import InputError
from alphalens.utils import compute_forward_returns

if TYPE_CHECKING:
    from alphalens._metrics.information import Method

_LAGS = range(1, 21)


def information_decay(
    factor_data: pd.DataFrame,
    prices: pd.DataFrame,
    lags: Iterable[int] = _LAGS,
    *,
    method: Method = "spearman",
) -> pd.DataFrame:
    """Return the information coefficient with each single row of returns ahead.

    Parameters
    ----------
    factor_data : DataFrame
        Column needed: ``factor``.
    prices : DataFrame of shape (times, assets)
        As for the clean step.
    lags : iterable of int
        Rows ahead, from 1: lag k takes the return from row k - 1 to row k after the factor's date,
        so the windows of different lags never overlap.
    method : {"spearman", "pearson"}
        See `factor_information_coefficient`.

    Returns
    -------
    DataFrame
        Index ``lag``; columns ``mean`` (correlation in [-1, 1]), ``t`` (of that mean; the windows
        of neighbouring dates do not overlap either) and ``dates``. Assets without a return at a
        lag are left out of it.

    Raises
    ------
    InputError
        (a ValueError) If a lag is below 1 or no whole number, or prices do not reach far enough.

    Notes
    -----
    The horizon at which the means reach zero is the longest that is worth holding. O(lags n log n).

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=5)
    >>> prices = pd.DataFrame(
    ...     {"A": [1.0, 1.1, 1.2, 1.2, 1.2], "B": [1.0, 1.0, 1.0, 1.1, 1.3]}, index=dates
    ... )
    >>> index = pd.MultiIndex.from_product([dates[:1], list("AB")], names=["date", "asset"])
    >>> factor = pd.DataFrame({"factor": [2.0, 1.0]}, index=index)
    >>> information_decay(factor, prices, lags=(1, 4))["mean"].tolist()
    [1.0, -1.0]
    """
    wanted = _checked(lags)
    factor = column_of(factor_data, "factor")
    ahead = compute_forward_returns(factor, prices, wanted, cumulative_returns=False)
    rows = []
    for column in ahead.columns:
        pair = pd.DataFrame({"1D": ahead[column], "factor": factor}).dropna()
        ic = factor_information_coefficient(pair, method=method)["1D"].dropna().to_numpy()
        test = stats.mean_tstat(ic)
        rows.append((float(test.mean), float(test.t), len(ic)))
    return pd.DataFrame(rows, index=pd.Index(wanted, name="lag"), columns=["mean", "t", "dates"])


def turnover_by_lag(factor_data: pd.DataFrame, lags: Iterable[int] = _LAGS) -> pd.DataFrame:
    """Return the mean turnover of each quantile over some rows.

    Parameters
    ----------
    factor_data : DataFrame
        Column needed: ``factor_quantile``.
    lags : iterable of int
        Rows back, from 1; see `quantile_turnover`.

    Returns
    -------
    DataFrame
        Shares in [0, 1]; index ``lag``, one column per quantile.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02", "2024-01-03"])
    >>> index = pd.MultiIndex.from_product([dates, list("ABC")], names=["date", "asset"])
    >>> frame = pd.DataFrame({"factor_quantile": [1, 1, 2, 1, 2, 1]}, index=index)
    >>> turnover_by_lag(frame, [1]).loc[1].tolist()
    [0.5, 1.0]
    """
    wanted, quantiles = _checked(lags), column_of(factor_data, "factor_quantile")
    labels = sorted(quantiles.dropna().unique())
    means = [
        [quantile_turnover(quantiles, label, lag).mean() for label in labels] for lag in wanted
    ]
    columns = pd.Index(labels, name="factor_quantile")
    return pd.DataFrame(means, index=pd.Index(wanted, name="lag"), columns=columns)


def rank_autocorrelation_by_lag(
    factor_data: pd.DataFrame, lags: Iterable[int] = _LAGS
) -> pd.Series[float]:
    """Return the mean rank autocorrelation over some rows.

    Parameters
    ----------
    factor_data : DataFrame
        Column needed: ``factor``.
    lags : iterable of int
        Rows back, from 1; see `factor_rank_autocorrelation`.

    Returns
    -------
    Series
        Correlations in [-1, 1]; index ``lag``.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02", "2024-01-03"])
    >>> index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    >>> frame = pd.DataFrame({"factor": [1.0, 2.0, 5.0, 9.0]}, index=index)
    >>> rank_autocorrelation_by_lag(frame, [1]).tolist()
    [1.0]
    """
    wanted = _checked(lags)
    means = [float(factor_rank_autocorrelation(factor_data, lag).mean()) for lag in wanted]
    return pd.Series(means, index=pd.Index(wanted, name="lag"), name="rank_autocorrelation")


def _checked(lags: object) -> list[int]:
    """Return the lags ascending, each once."""
    if isinstance(lags, str) or not isinstance(lags, Iterable):
        raise InputError(
            f"lags must be several numbers of rows, got {lags!r}: give e.g. range(1, 6), or (5,) "
            "for the fifth row alone"
        )
    wanted = list(lags)
    if not wanted or not all(is_whole(lag) and lag >= 1 for lag in wanted):
        raise InputError(f"lags must be whole numbers of rows from 1, got {wanted}")
    return sorted({int(lag) for lag in wanted})
