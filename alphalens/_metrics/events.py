"""Returns around the dates of the factor, event by event and per quantile."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from alphalens import _events as events
from alphalens._metrics.weights import cumulative_returns
from alphalens._panel import Labels, MissingLabelError, Panel, column_of
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def common_start_returns(
    factor: pd.Series[float] | pd.DataFrame,
    returns: pd.DataFrame,
    before: int,
    after: int,
    cumulative: bool = False,
    mean_by_date: bool = False,
    demean_by: pd.DataFrame | pd.Series[float] | None = None,
) -> pd.DataFrame:
    """Lay the returns around each event side by side.

    Parameters
    ----------
    factor : Series or DataFrame
        Its index ``(date, asset)`` is the events; the values do not matter. An asset that a date
        names twice is one event.
    returns : DataFrame of shape (times, assets)
        Returns, or values that are cumulative already (growth, prices) with `cumulative`.
    before, after : int
        Rows of `returns` to show before and after the date of the event.
    cumulative : bool
        Take `returns` as they are. Otherwise they are compounded first, over their whole length.
    mean_by_date : bool
        Average over the assets of a date.
    demean_by : DataFrame or Series, optional
        Index ``(date, asset)``: subtract the mean over its assets of the event's date.

    Returns
    -------
    DataFrame
        Index: row relative to the event, ascending. Columns: the asset of each event (by date, then
        in the factor's order) or, with `mean_by_date`, 0, 1, ... one per date. Dates and assets
        that `returns` does not have are skipped; a window cut by the edges of `returns` has NaN.

    Raises
    ------
    InputError
        (a ValueError) If no date of the factor is in `returns`, or one is there twice.
    MissingLabelError
        (a KeyError) If `demean_by` has no rows on the date of an event.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=3)
    >>> index = pd.MultiIndex.from_product([dates[1:2], ["A"]], names=["date", "asset"])
    >>> growth = pd.DataFrame({"A": [1.0, 1.1, 1.2]}, index=dates)
    >>> common_start_returns(pd.Series(1.0, index), growth, 1, 1, cumulative=True)["A"].tolist()
    [1.0, 1.1, 1.2]
    """
    panel = Panel.of(factor)
    taken = returns if cumulative else cast("pd.DataFrame", cumulative_returns(returns))
    windows, around = events.windows(panel, taken, before, after)
    offsets = windows.offsets()
    universe = None if demean_by is None else _universe(demean_by, returns, panel, around, windows)
    if mean_by_date:
        means = windows.means(around.date_codes, around.columns)
        if universe is not None:
            means = means - universe
        return pd.DataFrame(means[:, offsets].T, index=windows.labels(offsets))
    order = np.argsort(around.date_codes, kind="stable")
    dates, columns = around.date_codes[order], around.columns[order]
    values = windows.values(dates, columns)
    if universe is not None:
        values = values - universe[dates]
    out = pd.DataFrame(values[:, offsets].T, index=windows.labels(offsets))
    out.columns = returns.columns[columns].rename(None)
    return out


def _universe(
    demean_by: pd.DataFrame | pd.Series[float],
    returns: pd.DataFrame,
    panel: Panel,
    around: events.Around,
    windows: events.Windows,
) -> Floats:
    """Return the mean window over the assets that another frame has on each event date."""
    other = Panel.of(demean_by)
    place = other.dates.get_indexer(panel.dates[around.dates])
    if (place < 0).any():
        missing = panel.dates[around.dates[place < 0]]
        raise MissingLabelError(
            f"demean_by has no rows on {len(missing)} dates of the factor, e.g. {missing[0]}"
        )
    members = events.around(other, returns, place)
    return windows.means(members.date_codes, members.columns)


def average_cumulative_return_by_quantile(
    factor_data: pd.DataFrame,
    returns: pd.DataFrame,
    periods_before: int = 10,
    periods_after: int = 15,
    demeaned: bool = True,
    group_adjust: bool = False,
    by_group: bool = False,
    *,
    is_rebased: bool = False,
) -> pd.DataFrame:
    """Average, per quantile, the cumulative returns around the dates of the factor.

    Parameters
    ----------
    factor_data : DataFrame
        Columns needed: ``factor_quantile``; with a group option ``group``.
    returns : DataFrame of shape (times, assets)
        Values that are cumulative already, such as growth or prices; taken as they are unless
        `is_rebased`. Infinite means count as NaN.
    periods_before, periods_after : int
        Rows of `returns` before and after the date.
    demeaned : bool
        Subtract the mean over all assets of `factor_data` on the date.
    group_adjust : bool
        Subtract the mean over the assets of the same group instead.
    by_group : bool
        One average per quantile and group.
    is_rebased : bool
        Average the change since the event of each asset, as a fraction: every path is 0 there, and
        prices of any level can be averaged.

    Returns
    -------
    DataFrame
        Index ``factor_quantile``, then ``mean`` and ``std`` (ddof 1, over dates), then with
        `by_group` ``group``; columns: relative rows, ascending. In the unit of `returns`.

    Raises
    ------
    InputError
        (a ValueError) If no date is in `returns`, or one is there twice, or a date and asset occur
        twice in `factor_data`.

    Notes
    -----
    Each date counts once, whatever its number of assets; with `group_adjust` alone each date and
    group counts once.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=3)
    >>> index = pd.MultiIndex.from_product([dates[1:2], list("AB")], names=["date", "asset"])
    >>> frame = pd.DataFrame({"factor_quantile": [1, 2]}, index=index)
    >>> growth = pd.DataFrame({"A": [1.0, 1.1, 1.2], "B": [1.0, 1.3, 1.4]}, index=dates)
    >>> average = average_cumulative_return_by_quantile(frame, growth, 1, 1)
    >>> average.loc[(2, "mean")].round(6).tolist()
    [0.0, 0.1, 0.1]
    """
    panel = Panel.of(factor_data)
    if panel.has_duplicates:
        raise InputError(f"factor_data repeats {panel.duplicates()}: keep one of each")
    quantiles = Labels(column_of(factor_data, "factor_quantile"))
    groups = Labels(column_of(factor_data, "group")) if group_adjust or by_group else None
    windows, around = events.windows(
        panel, returns, periods_before, periods_after, is_rebased=is_rebased
    )
    cells = events.EventCells(
        dates=around.date_codes,
        assets=around.columns,
        quantiles=quantiles.codes[around.rows],
        groups=None if groups is None else groups.codes[around.rows],
        n_quantiles=len(quantiles),
        n_groups=1 if groups is None else len(groups),
    )
    universe = "group" if group_adjust else ("date" if demeaned else None)
    offsets = windows.offsets()
    cube = windows.by_quantile(cells, universe)[..., offsets]
    blocks, keys = events.blocks(cube, cells, is_by_group=by_group)
    index = _block_index(keys, quantiles, groups if by_group else None)
    return pd.DataFrame(blocks, index=index, columns=windows.labels(offsets))


def _block_index(
    keys: list[tuple[int, int]], quantiles: Labels, groups: Labels | None
) -> pd.MultiIndex:
    """Return the index of mean and std of each (group, quantile)."""
    group_codes, quantile_codes = np.repeat(np.array(keys, dtype=np.int64), 2, axis=0).T
    arrays = [quantiles.distinct[quantile_codes], pd.Index(["mean", "std"] * len(keys))]
    names: list[str | None] = ["factor_quantile", None]
    if groups is not None:
        distinct = groups.distinct
        if isinstance(distinct, pd.CategoricalIndex):
            distinct = distinct.categories
        arrays.append(distinct[group_codes])
        names.append("group")
    return pd.MultiIndex.from_arrays(arrays, names=names)
