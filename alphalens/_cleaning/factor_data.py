"""A factor joined with its forward returns, labelled, and cleaned of rows that lack something."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, cast

import pandas as pd

from alphalens._cleaning.cut import Cut
from alphalens._cleaning.forward_returns import forward_frame
from alphalens._cleaning.quantiles import FIVE
from alphalens._forward import dated, factor_series, look_ahead
from alphalens.errors import InputError

if TYPE_CHECKING:
    from alphalens._cleaning.quantiles import Steps
    from alphalens._merge import Grouping


def get_clean_factor(
    factor: pd.Series | pd.DataFrame,
    forward_returns: pd.DataFrame,
    groupby: Grouping | None = None,
    binning_by_group: bool = False,
    quantiles: Steps | None = FIVE,
    bins: Steps | None = None,
    groupby_labels: Mapping[Hashable, object] | None = None,
    max_loss: float = 0.35,
    zero_aware: bool = False,
) -> pd.DataFrame:
    """Join a factor with forward returns and label its quantiles.

    Parameters
    ----------
    factor : Series or one-column DataFrame
        Factor values, index of dates and assets. NaN and infinity count as missing.
    forward_returns : DataFrame
        As from `compute_forward_returns`: same index, one column per period.
    groupby : mapping or Series, optional
        Group of each asset (a Series has assets as its index), or of each row (same index as
        `factor`).
    binning_by_group : bool
        Cut quantiles inside each group.
    quantiles, bins : int or sequence of float, optional
        See `quantize_factor`; `bins` given alone takes the place of `quantiles`.
    groupby_labels : mapping, optional
        Name of each group code.
    max_loss : float
        Share of the factor's rows that may be lost, 0 to 1. 0 also raises the errors that binning
        otherwise answers with a lost date.
    zero_aware : bool
        Cut below and from zero up separately.

    Returns
    -------
    DataFrame
        factor_data: rows of `forward_returns` that lack nothing, in their order; its columns, then
        ``factor`` (dtype as given), ``group`` (category, if groups were given) and
        ``factor_quantile``. Index levels are those of `forward_returns`, dates that lost all rows
        included.

    Raises
    ------
    MaxLossExceededError
        If more than `max_loss` was lost; carries the table of losses as ``loss``.
    MissingLabelError
        (a KeyError) If an asset has no group, or a group no name.
    InputError
        (a ValueError) If quantiles or bins are wrong.

    Notes
    -----
    Prints how much was lost, and where, as Alphalens always has.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02"])
    >>> index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    >>> factor, forward = pd.Series([2.0, 1.0], index), pd.DataFrame({"1D": [0.01, 0.03]}, index)
    >>> get_clean_factor(factor, forward, quantiles=2)["factor_quantile"].tolist()
    Dropped 0.0% entries from factor data: 0.0% in forward returns computation and 0.0% in \
binning phase (set max_loss=0 to see potentially suppressed Exceptions).
    max_loss is 35.0%, not exceeded: OK!
    [2, 1]
    """
    cut = Cut.of(
        quantiles=quantiles,
        bins=bins,
        zero_aware=zero_aware,
        groupby=groupby,
        groupby_labels=groupby_labels,
        binning_by_group=binning_by_group,
        max_loss=max_loss,
    )
    series = factor_series(factor)
    series = series.set_axis(dated(cast("pd.MultiIndex", series.index), "factor"))
    if not isinstance(forward_returns.index, pd.MultiIndex):
        raise InputError("forward_returns needs a MultiIndex of dates and assets, as the factor")
    return cut.clean(
        series, forward_returns.set_axis(dated(forward_returns.index, "forward_returns"))
    )


def get_clean_factor_and_forward_returns(
    factor: pd.Series | pd.DataFrame,
    prices: pd.DataFrame,
    groupby: Grouping | None = None,
    binning_by_group: bool = False,
    quantiles: Steps | None = FIVE,
    bins: Steps | None = None,
    periods: Iterable[int] = (1, 5, 10),
    filter_zscore: float | None = 20,
    groupby_labels: Mapping[Hashable, object] | None = None,
    max_loss: float = 0.35,
    zero_aware: bool = False,
    cumulative_returns: bool = True,
) -> pd.DataFrame:
    """Turn a factor and prices into factor_data, the input of everything else.

    Parameters
    ----------
    factor : Series or one-column DataFrame
        Factor values, index of dates and assets. NaN and infinity count as missing.
    prices : DataFrame of shape (times, assets)
        Prices at and after the factor's dates; must reach past the last date by the longest period.
    groupby, binning_by_group, quantiles, bins, groupby_labels, max_loss, zero_aware
        See `get_clean_factor`.
    periods, filter_zscore, cumulative_returns
        See `compute_forward_returns`.

    Returns
    -------
    DataFrame
        factor_data, see `get_clean_factor`.

    Raises
    ------
    NonMatchingTimezoneError, MaxLossExceededError, InputError, MissingLabelError, NotDatesError
        See `compute_forward_returns` and `get_clean_factor`.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=3)
    >>> prices = pd.DataFrame({"A": [10.0, 11.0, 12.1], "B": [9.0, 9.0, 9.9]}, index=dates)
    >>> index = pd.MultiIndex.from_product([dates[:2], list("AB")], names=["date", "asset"])
    >>> factor = pd.Series([2.0, 1.0, 1.0, 2.0], index)
    >>> clean = get_clean_factor_and_forward_returns(factor, prices, quantiles=2, periods=(1,))
    Dropped 0.0% entries from factor data: 0.0% in forward returns computation and 0.0% in \
binning phase (set max_loss=0 to see potentially suppressed Exceptions).
    max_loss is 35.0%, not exceeded: OK!
    >>> clean.columns.tolist()
    ['1D', 'factor', 'factor_quantile']
    """
    series = factor_series(factor)
    ahead = look_ahead(
        series, prices, periods, filter_zscore=filter_zscore, is_cumulative=cumulative_returns
    )
    forward = forward_frame(ahead)
    cut = Cut.of(
        quantiles=quantiles,
        bins=bins,
        zero_aware=zero_aware,
        groupby=groupby,
        groupby_labels=groupby_labels,
        binning_by_group=binning_by_group,
        max_loss=max_loss,
    )
    return cut.clean(series.set_axis(forward.index), forward, ahead=ahead)
