"""What a trader gets who follows the factor: tranches that overlap, delay, costs, settlement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

import bottleneck as bn
import numpy as np
import pandas as pd

from alphalens import _calendar as calendars
from alphalens import _loss as losses
from alphalens._forward import dated, factor_series
from alphalens._given import is_whole
from alphalens._metrics.common import BPS, check_cost
from alphalens._metrics.weights import factor_weights
from alphalens._panel import Panel, column_values, float_values
from alphalens._warning import warn_user
from alphalens.errors import InputError
from alphalens.utils import period_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]
Returns = TypeVar("Returns", "pd.Series[float]", pd.DataFrame)


def overlapping_returns(
    factor: pd.Series[float] | pd.DataFrame,
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
    r"""Return the row-by-row return of a portfolio that trades on every date and holds for a while.

    Parameters
    ----------
    factor : Series or DataFrame
        The factor as it was known, on ``(date, asset)``: a Series, or a frame with the column
        ``factor`` and, with `group_neutral`, ``group``. Not cleaned data: the clean step leaves out
        rows by what their prices did later (`filter_zscore`, missing later prices), and a crash
        that was left out is never held. See Raises and Warns.
    prices : DataFrame of shape (times, assets)
        Prices at which is traded, ascending: closes, or the opens of the days after with `delay`.
        NaN (or infinite) where there is none; 0 is the value of what became worthless.
    holding : int
        Rows of prices that each trade is held, from 1.
    delay : int
        Rows between the factor's date and the trade, from 0: with opens, 1 means decided at one
        close and traded at the next open.
    cost_bps : float
        One-way cost of what is bought or sold, in bps of its value.
    long_short, group_neutral, equal_weight : bool
        The arguments demeaned, group_adjust and equal_weight of `factor_weights`.
    is_realised : bool
        Stamp a return at the row at which it is known; otherwise at the row where it begins.

    Returns
    -------
    Series
        Fractions of the capital per row of prices, from the first trade to the last sale; never
        NaN. `cumulative_returns` makes it growth. It ends early on the row that loses the whole
        capital.

    Raises
    ------
    InputError
        (a ValueError) If `holding` or `delay` is no whole number or out of range, `cost_bps` is no
        number from 0, prices are not ascending, the factor repeats a row, or none of its dates can
        be traded. Also if `factor` is cleaned data whose record says that rows were left out by
        their later return before its last date: give the factor itself.

    Warns
    -----
    UserWarning
        If `factor` has forward returns but no record of what cleaning left out (a part, a file); if
        dates are no rows of prices, positions could not be taken or sold, or were valued at an
        older price, each with its count; if the whole capital was lost.

    Notes
    -----
    Tranches are bought and held (Jegadeesh and Titman 1993): the trade of date t puts an equal part
    of the capital :math:`V` into weights :math:`w_t`, gross 1, on row t + d, leaves the shares
    alone so that their weights drift, and sells them H rows later. In shares, the book is

    .. math:: N_{s,a} = \frac{1}{m_s} \sum_{t+d \le s < t+d+H} \frac{w_{t,a} V_{t+d}}{P_{t+d,a}},
       \quad V_{s+1} = V_s + \sum_a N_{s,a} (P_{s+1,a} - P_{s,a})
       - c \sum_a |N_{s,a} - N_{s-1,a}| P_{s,a},

    and the return of row s is :math:`V_{s+1} / V_s - 1`. Nothing is rebalanced within a tranche,
    which would need trades every row and earn the bounce between bid and ask (Blume and Stambaugh
    1983). Every purchase and every sale is charged, less what an asset's entry and exit on the same
    row cancel; the first row bears the first purchase, the last row also the sale of all that is
    left. Cash earns nothing, borrowing stock costs nothing.

    The parts :math:`m_s` are the trades that the holding window holds, so that a full book is
    invested once: H for a factor of every row, 1 for a weekly factor on daily prices held for 5
    rows. Before the window is full for the first time, and after the last trade, they are at least
    the median of the H rows that follow, or precede: the book is built up and run down. Where dates
    are irregular and :math:`m_s` changes, all tranches are scaled to the new part, and pay for it.
    A date without any weight is no trade; rows without a live trade are spent in cash.

    Without a price nothing is traded. A purchase that meets none is left out and its money stays
    cash. What is held is valued at the last known price, as in the clean step, and a sale waits for
    the next one, so the row of the reopening bears the whole move; where no price ever follows, it
    is sold at the last known one. Give what holders received as the last price of a delisted asset,
    else its loss is not in here. O(rows * assets * live tranches).

    References
    ----------
    .. [1] Jegadeesh, N. and Titman, S. (1993). Returns to buying winners and selling losers:
       implications for stock market efficiency. Journal of Finance 48(1), 65-91.
       doi:10.1111/j.1540-6261.1993.tb04702.x
    .. [2] Blume, M. E. and Stambaugh, R. F. (1983). Biases in computed returns: an application to
       the size effect. Journal of Financial Economics 12(3), 387-404.
       doi:10.1016/0304-405X(83)90056-9

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=3)
    >>> prices = pd.DataFrame({"A": [1.0, 1.1, 1.1], "B": [1.0, 1.0, 1.0]}, index=dates)
    >>> index = pd.MultiIndex.from_product([dates[:1], list("AB")], names=["date", "asset"])
    >>> overlapping_returns(pd.Series([2.0, 1.0], index), prices, 1).round(6).tolist()
    [0.05]
    """
    _check_numbers(holding, delay, cost_bps)
    _check_prices(prices)
    weights = factor_weights(_unselected(factor), long_short, group_neutral, equal_weight)
    decisions = _Decisions.of(weights, prices, delay)
    traded = prices.iloc[:, decisions.columns]
    market = _Market.of(traded)
    account = _Account.of(decisions, market, holding, cost_bps / BPS)
    notes = [*decisions.notes(market), *account.notes(traded.columns)]
    if notes:
        warn_user("overlapping_returns: " + "; ".join(notes))
    earned = account.capital[1:] / account.capital[:-1] - 1.0
    known = decisions.rows[0] + np.arange(1, len(earned) + 1)
    stamps = prices.index[known if is_realised else known - 1]
    return pd.Series(earned, index=stamps.rename("date"), name=f"{holding} rows")


def _check_numbers(holding: object, delay: object, cost_bps: object) -> None:
    for name, value, least in (("holding", holding, 1), ("delay", delay, 0)):
        if not is_whole(value) or value < least:
            raise InputError(
                f"{name} counts rows of prices and must be a whole number, {least} or more, got "
                f"{value!r}: give an int, e.g. {name}={least}"
            )
    check_cost(cost_bps)


def _check_prices(prices: object) -> None:
    if not isinstance(prices, pd.DataFrame) or isinstance(prices.index, pd.MultiIndex):
        raise InputError(
            f"prices must be a frame of times x assets, got a {type(prices).__name__}: give "
            "prices.unstack() if it is long"
        )
    if not prices.index.is_monotonic_increasing or not prices.index.is_unique:
        raise InputError("prices must ascend in time, each time once: sort them and drop repeats")
    if not prices.columns.is_unique:
        repeated = prices.columns[prices.columns.duplicated()].tolist()
        raise InputError(f"prices repeats the columns {repeated}: keep one each")


def _unselected(factor: pd.Series[float] | pd.DataFrame) -> pd.DataFrame:
    """Return the factor as a frame, unless its rows were selected by their later return.

    An infinite value is none, as in the clean step.
    """
    remedy = (
        "Give the factor as it was before cleaning, a Series on (date, asset), or with "
        "group_neutral a frame with the columns factor and group of all its rows"
    )
    lost = losses.recorded(factor)
    if lost is not None:
        counts = losses.lost_by_foresight(lost, factor.index.get_level_values(0).max())
        if len(counts):
            told = ", ".join(f"{name}: {count}" for name, count in counts.items())
            raise InputError(
                f"cleaning left out {counts.sum()} rows by what their prices did later ({told}). "
                f"That nobody knew on the date, and a portfolio without them is flattered. {remedy}"
            )
    elif isinstance(factor, pd.DataFrame) and period_mask(factor.columns).any():
        warn_user(
            "factor has forward returns, so it was cleaned, but not the record of what that left "
            "out, which parts of a frame and files lose: rows left out by their later return "
            f"flatter the portfolio. {remedy}"
        )
    if isinstance(factor, pd.DataFrame):
        values = column_values(factor, "factor")
        return factor.assign(factor=np.where(np.isfinite(values), values, np.nan))
    series = factor_series(factor)
    values = float_values(series)
    return pd.DataFrame(
        {"factor": np.where(np.isfinite(values), values, np.nan)},
        index=dated(cast("pd.MultiIndex", series.index), "factor"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decisions:
    """When is traded and what.

    `rows` is the row of prices of each trade, ascending; `weights` are trades x assets, of the
    `columns` of prices; `unknown` counts the weights of assets that are no column of prices,
    `skipped` the dates, of all `decided` with a weight, that are no row.
    """

    rows: Ints
    weights: Floats
    columns: Ints
    unknown: int
    skipped: int
    decided: int

    @classmethod
    def of(cls, weights: pd.Series[float], prices: pd.DataFrame, delay: int) -> _Decisions:
        panel = Panel.of(weights)
        if panel.has_duplicates:
            raise InputError(f"factor repeats {panel.duplicates()}: keep one of each")
        matrix, assets = panel.wide(float_values(weights))
        decided = np.isfinite(matrix).any(axis=1)
        row = prices.index.get_indexer(panel.dates)[decided]
        column = prices.columns.get_indexer(assets)
        if not (row >= 0).any() or not (column >= 0).any():
            raise InputError(
                f"none of the factor's {len(row)} dates with a weight and {len(column)} assets can "
                "be traded: give prices with the same dates, time zone and names"
            )
        begin, final = row[row >= 0].astype(np.int64) + delay, len(prices) - 1
        if begin[0] >= final:
            raise InputError(
                f"the first trade is on row {begin[0]} of prices, which end on row {final}: give "
                "prices that reach further, or a smaller delay"
            )
        wanted = np.nan_to_num(matrix[decided][row >= 0][begin < final])
        return cls(
            rows=begin[begin < final],
            weights=wanted[:, column >= 0],
            columns=column[column >= 0].astype(np.int64),
            unknown=int(np.count_nonzero(wanted[:, column < 0])),
            skipped=int((row < 0).sum()),
            decided=len(row),
        )

    def notes(self, market: _Market) -> list[str]:
        """Say what could not be bought."""
        found = []
        if self.skipped:
            found.append(
                f"{self.skipped} of {self.decided} dates of the factor are no rows of prices and "
                "were not traded: give prices on these dates"
            )
        priceless = int(np.count_nonzero(self.weights[~market.is_buyable[self.rows]]))
        missed, total = priceless + self.unknown, np.count_nonzero(self.weights) + self.unknown
        if missed:
            found.append(
                f"{missed} of {total} positions were not taken and their money stayed cash: there "
                "is no price on the row of the trade"
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Market:
    """Prices of the assets traded, all arrays of shape (times, assets).

    `marks` are the last known prices, 0 before the first. What has a price above 0 `is_buyable`,
    what has one, or will never have one again, `is_sellable`.
    """

    marks: Floats
    is_known: Bools
    is_buyable: Bools
    is_sellable: Bools

    @classmethod
    def of(cls, prices: pd.DataFrame) -> _Market:
        values = prices.to_numpy(dtype=np.float64, na_value=np.nan)
        known = np.isfinite(values)
        values = np.where(known, values, np.nan)
        filled: Floats = bn.push(values, axis=0)
        last = len(values) - 1 - known[::-1].argmax(axis=0)
        return cls(
            marks=np.nan_to_num(filled),
            is_known=known,
            is_buyable=known & (np.nan_to_num(values) > 0),
            is_sellable=known | (np.arange(len(values))[:, None] > last),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """What became of the capital.

    `capital` starts at 1, before the first trade, and has one value per row after it; `stale` of
    `valued` positions, counted each row, had an older price; assets that `were_abandoned` were sold
    at one.
    """

    capital: Floats
    stale: int
    valued: int
    were_abandoned: Bools

    @classmethod
    def of(cls, decisions: _Decisions, market: _Market, holding: int, cost: float) -> _Account:
        """Follow all trades, row by row, until everything is sold."""
        begin, marks, final = decisions.rows, market.marks, len(market.marks) - 1
        rows = np.arange(begin[0], final + 1)
        expired, started, parts = _windows(begin, holding, rows)
        whole = np.zeros_like(decisions.weights)  # shares of a trade that got the whole capital
        position = np.zeros(marks.shape[1])
        abandoned = np.zeros(marks.shape[1], dtype=bool)
        capital, stale, valued = [1.0], 0, 0
        for row, out, into, part in zip(rows, expired, started, parts, strict=True):
            if begin[into - 1] == row:
                bought = market.is_buyable[row]
                worth = decisions.weights[into - 1, bought] * capital[-1]
                whole[into - 1, bought] = worth / marks[row, bought]
            held = np.where(market.is_sellable[row], whole[out:into].sum(axis=0) / part, position)
            if row == final:
                held = np.zeros_like(position)
            fee = cost * float(np.abs(held - position) @ np.abs(marks[row]))
            abandoned |= (held != position) & ~market.is_known[row]
            if row == final or (out == len(begin) and not held.any()):
                capital[-1] -= fee
                break
            gain = float(held @ (marks[row + 1] - marks[row]))
            capital.append(capital[-1] - fee + gain)
            valued += int(np.count_nonzero(held))
            stale += int(np.count_nonzero(held[~market.is_known[row + 1]]))
            if capital[-1] <= 0:
                break
            position = held
        return cls(capital=np.array(capital), stale=stale, valued=valued, were_abandoned=abandoned)

    def notes(self, assets: pd.Index) -> list[str]:
        """Say what could not be sold, and whether anything is left."""
        found = []
        if self.stale:
            found.append(
                f"{self.stale} of {self.valued} values of positions, row by row, are those of the "
                "last known price: the row has none"
            )
        if self.were_abandoned.any():
            left = assets[self.were_abandoned]
            some = ", ".join(str(name) for name in left[:3])
            found.append(
                f"{len(left)} of {len(assets)} assets, first {some}, were sold at the last known "
                "price, since none follows: see that it is what their holders received"
            )
        if self.capital[-1] <= 0:
            found.append(
                f"the whole capital was lost after {len(self.capital) - 1} rows, where the returns "
                "end: look for errors in prices"
            )
        return found


def _windows(begin: Ints, holding: int, rows: Ints) -> tuple[Ints, Ints, Ints]:
    """Return for each row the trades expired and started by then, and the parts of a full book."""

    def started(at: Ints) -> Ints:
        return np.searchsorted(begin, at, side="right").astype(np.int64)

    expired, parts = started(rows - holding), started(rows) - started(rows - holding)
    last = begin[-1] - begin[0] + 1
    full = min(holding, last) - 1
    for ends, usual in (
        (slice(None, full), parts[full:last][:holding]),
        (slice(last, None), parts[full:last][-holding:]),
    ):
        parts[ends] = np.maximum(parts[ends], np.ceil(np.median(usual)))
    return expired, started(rows), np.maximum(parts, 1)


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
        days that occur, or, where the dates are more than a day apart, weekdays (all days if some
        date is on a weekend). A frame has the union of all these dates, NaN where a column has
        none.

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
    step = calendars.counting_calendar(dates, dates.freq)
    span = pd.Timedelta(cast("str", returns.name))
    index = calendars.add_custom_calendar_timedelta(dates, span, step)
    return returns.set_axis(index.rename("date"), axis=0)
