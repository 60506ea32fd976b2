"""What a trader gets who follows the factor: tranches that overlap, delay, costs, settlement."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
import pandas as pd

from alphalens import _calendar as calendars
from alphalens import _kernels as kernels
from alphalens._metrics.common import BPS
from alphalens._metrics.weights import factor_weights
from alphalens._panel import Panel, float_values
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
Returns = TypeVar("Returns", "pd.Series[float]", pd.DataFrame)


def overlapping_returns(
    factor_data: pd.DataFrame,
    prices: pd.DataFrame,
    holding: int,
    *,
    delay: int = 0,
    cost_bps: float = 0.0,
    long_short: bool = True,
    group_neutral: bool = False,
    equal_weight: bool = False,
    is_realised: bool = True,
) -> pd.Series[float]:
    r"""Return the row-by-row return of a portfolio that trades every date and holds for a while.

    Parameters
    ----------
    factor_data : DataFrame
        Column needed: ``factor``; with `group_neutral` ``group``.
    prices : DataFrame of shape (times, assets)
        Prices at which is traded, ascending: closes, or the opens of the days after with `delay`.
    holding : int
        Rows each day's trade is held, from 1.
    delay : int
        Rows between the factor's date and the trade: with opens, 1 means decided at one close and
        traded at the next open.
    cost_bps : float
        One-way cost of what is traded, in bps of its value.
    long_short, group_neutral, equal_weight : bool
        The arguments demeaned, group_adjust and equal_weight of `factor_weights`.
    is_realised : bool
        Stamp a return at the row at which it is known; otherwise at the row where it begins.

    Returns
    -------
    Series
        Fractions of the capital per row of prices, from the first trade to the last exit. Assets
        without a price change in a row earn nothing in it. `cumulative_returns` makes it growth.

    Raises
    ------
    InputError
        (a ValueError) If `holding`, `delay` or `cost_bps` are out of range, prices are not
        ascending, or none of the factor's dates can be traded.

    Notes
    -----
    One part in H of the capital is traded on each date and held for H rows (Jegadeesh and Titman
    1993): the book is the mean of the last H weights, restored in every row,

    .. math:: r_s = \sum_a B_{s,a} (P_{s+1,a} / P_{s,a} - 1) - c \sum_a |B_{s,a} - B_{s-1,a}|,
       \quad B_s = \frac{1}{H} \sum_{t+d \le s < t+d+H} w_t .

    References
    ----------
    .. [1] Jegadeesh, N. and Titman, S. (1993). Returns to buying winners and selling losers:
       implications for stock market efficiency. Journal of Finance 48(1), 65-91.
       doi:10.1111/j.1540-6261.1993.tb04702.x

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=3)
    >>> prices = pd.DataFrame({"A": [1.0, 1.1, 1.1], "B": [1.0, 1.0, 1.0]}, index=dates)
    >>> index = pd.MultiIndex.from_product([dates[:1], list("AB")], names=["date", "asset"])
    >>> factor = pd.DataFrame({"factor": [2.0, 1.0]}, index=index)
    >>> overlapping_returns(factor, prices, 1).round(6).tolist()
    [0.05]
    """
    _checked(holding, delay, cost_bps, prices)
    weights = factor_weights(factor_data, long_short, group_neutral, equal_weight)
    begin, matrix, assets = _trades(weights, prices, delay)
    first, last = int(begin.min()), min(int(begin.max()) + holding, len(prices) - 1)
    if first >= last:
        raise InputError(
            f"the first trade is on row {first} of prices, which end on row {len(prices) - 1}: "
            "give prices that reach further, or a smaller delay"
        )
    rows = np.arange(first, last)
    started = np.searchsorted(begin, rows, side="right")
    expired = np.searchsorted(begin + holding, rows, side="right")
    book = kernels.overlapping_sums(matrix, expired, started) / holding
    known = prices.iloc[first : last + 1, prices.columns.get_indexer(assets)]
    values = known.to_numpy(dtype=np.float64, na_value=np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = values[1:] / values[:-1] - 1.0
    change[~np.isfinite(change)] = 0.0
    traded = np.abs(np.diff(book, axis=0, prepend=0.0)).sum(axis=1)
    earned = np.einsum("ij,ij->i", book, change) - traded * (cost_bps / BPS)
    stamps = prices.index[rows + 1] if is_realised else prices.index[rows]
    return pd.Series(earned, index=stamps.rename("date"), name=f"{holding} rows")


def _checked(holding: int, delay: int, cost_bps: float, prices: pd.DataFrame) -> None:
    if holding < 1 or delay < 0 or not cost_bps >= 0:
        raise InputError(
            "a portfolio needs holding >= 1 row, delay >= 0 rows and cost_bps >= 0, got "
            f"{holding=}, {delay=}, {cost_bps=}"
        )
    if not prices.index.is_monotonic_increasing or not prices.index.is_unique:
        raise InputError("prices must ascend in time, each time once: sort them and drop repeats")


def _trades(
    weights: pd.Series[float], prices: pd.DataFrame, delay: int
) -> tuple[Ints, Floats, pd.Index]:
    """Return the row of prices of each trade, its weights, and the assets traded."""
    panel = Panel.of(weights)
    matrix, assets = panel.wide(float_values(weights))
    row = prices.index.get_indexer(panel.dates)
    columns = prices.columns.get_indexer(assets)
    usable, tradable = np.flatnonzero(row >= 0), np.flatnonzero(columns >= 0)
    if not len(usable) or not len(tradable):
        raise InputError(
            f"none of the factor's {len(row)} dates and {len(columns)} assets can be traded: "
            "give prices with the same dates and names"
        )
    chosen = np.nan_to_num(matrix[np.ix_(usable, tradable)])
    return row[usable].astype(np.int64) + delay, chosen, assets[tradable]


def realised(returns: Returns) -> Returns:
    """Stamp returns at the date on which they are known, instead of the date of the trade.

    Parameters
    ----------
    returns : Series or DataFrame
        By date of trade, as from `factor_returns`; the names are periods such as ``5D``.

    Returns
    -------
    Series or DataFrame
        Each column moved ahead by its period on the trading calendar: the index's freq, or the
        days that occur. A frame has the union of all these dates, NaN where a column has none.

    Raises
    ------
    InputError
        (a ValueError) If a name is no period.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-04", periods=2)
    >>> realised(pd.Series([0.1, 0.2], index=dates, name="2D")).index.day.tolist()
    [8, 9]
    """
    if isinstance(returns, pd.DataFrame):
        moved = [realised(returns[name]) for name in returns.columns]
        return pd.concat(moved, axis=1, sort=True).rename_axis(index="date")
    if not calendars.is_period_name(returns.name):
        raise InputError(
            f"the name of a return must be a period such as '5D', got {returns.name!r}: rename it"
        )
    dates = pd.DatetimeIndex(returns.index)
    calendar = calendars.trading_calendar(dates.freq)
    step = calendars.single_day(
        calendar or calendars.infer_trading_calendar(dates, dates), message="a trading calendar"
    )
    span = pd.Timedelta(cast("str", returns.name))
    index = calendars.add_custom_calendar_timedelta(dates, span, step)
    return returns.set_axis(index.rename("date"), axis=0)
