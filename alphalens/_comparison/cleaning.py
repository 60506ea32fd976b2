"""Many factors cleaned against the same prices, their forward returns computed once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from alphalens._cleaning.cut import Cut
from alphalens._cleaning.forward_returns import forward_frame
from alphalens._cleaning.quantiles import FIVE
from alphalens._comparison.inputs import Factors, long_frame_of, named
from alphalens._forward import Ahead, NonMatchingTimezoneError, dated, factor_series, look_ahead
from alphalens._loss import MaxLossExceededError
from alphalens._panel import multi_index
from alphalens.errors import InputError

if TYPE_CHECKING:
    from alphalens._cleaning.quantiles import Steps
    from alphalens._merge import Grouping

__all__ = ["SharedReturns", "clean_factors", "factor_rows", "refuse_odd_prices"]


class SharedReturns:
    """Forward returns of every date and asset of some labels, for any factor that has these labels.

    What follows a date does not depend on the factor: only on its labels, which also set the
    calendar and, with `filter_zscore`, the rows that an outlier is measured against.
    """

    def __init__(
        self,
        prices: pd.DataFrame,
        periods: object,
        *,
        filter_zscore: float | None,
        is_cumulative: bool,
    ) -> None:
        # A generator serves every set of labels; what is no number of rows is refused with them.
        if isinstance(periods, Iterable) and not isinstance(periods, str):
            periods = tuple(periods)
        self._prices, self._periods = prices, periods
        self._filter, self._is_cumulative = filter_zscore, is_cumulative
        self._kept: list[tuple[pd.MultiIndex, Ahead, pd.DataFrame]] = []

    def of(self, index: pd.MultiIndex) -> tuple[Ahead, pd.DataFrame]:
        """Return what lies ahead of the rows of an index, and the frame of forward returns."""
        _, whole, frame = self._on_labels_of(index)
        width = len(index.levels[1])
        cells = index.codes[0].astype(np.int64) * width + index.codes[1]
        places = np.arange(len(frame)) if whole.places is None else whole.places
        on_rows = multi_index(frame.index.levels, index.codes, ["date", "asset"])  # type: ignore[attr-defined]  # a MultiIndex, made below
        columns = {
            number: frame.iloc[:, number].to_numpy()[cells] for number in range(frame.shape[1])
        }
        out = pd.DataFrame(columns, index=on_rows, copy=False)
        out.columns = frame.columns
        return replace(whole, index=on_rows, places=places[cells]), out

    def _on_labels_of(self, index: pd.MultiIndex) -> tuple[pd.MultiIndex, Ahead, pd.DataFrame]:
        for entry in self._kept:
            if _has_same_labels(entry[0], index):
                return entry
        product = _product(index)
        ahead = look_ahead(
            pd.Series(0.0, product),
            self._prices,
            self._periods,
            filter_zscore=self._filter,
            is_cumulative=self._is_cumulative,
        )
        self._kept.append((index, ahead, forward_frame(ahead)))
        return self._kept[-1]


def _has_same_labels(left: pd.MultiIndex, right: pd.MultiIndex) -> bool:
    """Tell whether two indexes have equal levels, calendars included."""
    pairs = list(zip(left.levels, right.levels, strict=True))
    calendars = [getattr(index.levels[0], "freq", None) for index in (left, right)]
    return calendars[0] == calendars[1] and all(one.equals(other) for one, other in pairs)


def _product(index: pd.MultiIndex) -> pd.MultiIndex:
    """Return every pair of the labels of an index."""
    dates, assets = index.levels
    rows, columns = np.arange(len(dates)), np.arange(len(assets))
    codes = [np.repeat(rows, len(assets)), np.tile(columns, len(dates))]
    return multi_index([dates, assets], codes, ["date", "asset"])


def factor_rows(factor: pd.Series | pd.DataFrame, name: str) -> pd.Series:
    """Return a factor, long or wide, as a series by date and asset; a wide one without its NaN."""
    if isinstance(factor, pd.DataFrame) and not isinstance(factor.index, pd.MultiIndex):
        return long_frame_of(factor, name)
    if not isinstance(factor, pd.Series | pd.DataFrame):
        raise InputError(
            f"a factor must be a Series by date and asset, or a DataFrame of dates x assets, got a "
            f"{type(factor).__name__}"
        )
    series = factor_series(factor)
    return series.set_axis(dated(cast("pd.MultiIndex", series.index), name))


def refuse_odd_prices(prices: object) -> None:
    """Refuse prices that pandas does not know; the clean step sees to the others."""
    if not isinstance(prices, pd.DataFrame | pd.Series):
        raise InputError(
            f"prices must be a DataFrame of times x assets, got a {type(prices).__name__}: give "
            "pd.DataFrame(prices, index=times, columns=assets)"
        )


def clean_factors(
    factors: Factors,
    prices: pd.DataFrame,
    periods: Iterable[int] = (1, 5, 10),
    *,
    groupby: Grouping | None = None,
    binning_by_group: bool = False,
    quantiles: Steps | None = FIVE,
    bins: Steps | None = None,
    filter_zscore: float | None = 20,
    groupby_labels: Mapping[Hashable, object] | None = None,
    max_loss: float = 0.35,
    zero_aware: bool = False,
    cumulative_returns: bool = True,
) -> dict[str, pd.DataFrame]:
    """Clean every factor against the same prices.

    Parameters
    ----------
    factors : mapping of str to Series or DataFrame
        Each a Series with an index of dates and assets, or a wide frame of dates x assets, whose
        NaN are no rows of the factor.
    prices : DataFrame of shape (times, assets)
        Prices at and after the factors' dates.
    periods : iterable of int
        Horizons in rows of `prices`.
    groupby, binning_by_group, quantiles, bins, filter_zscore, groupby_labels, max_loss, zero_aware
        As in `alphalens.utils.get_clean_factor_and_forward_returns`, the same for all factors.
    cumulative_returns : bool
        As there.

    Returns
    -------
    dict of str to DataFrame
        factor_data of each factor, in the order given: the frame that
        `get_clean_factor_and_forward_returns` gives for it alone.

    Raises
    ------
    InputError
        If `factors` is empty or no mapping, `prices` is no frame, or anything that the clean step
        refuses.
    MaxLossExceededError
        If one factor lost more than `max_loss`.
    NonMatchingTimezoneError
        If the time zones of a factor and of the prices differ.

    Notes
    -----
    Forward returns are computed once for all factors that share their labels (dates and assets),
    as the factors of one panel do. Prints one line for each factor: what share of its rows was
    dropped, how much of that for want of a forward return and how much in binning, and `max_loss`.
    An error about one factor begins with its name. O(n_factors n log n) for n rows.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=3)
    >>> prices = pd.DataFrame({"A": [10.0, 11.0, 12.1], "B": [9.0, 9.0, 9.9]}, index=dates)
    >>> wide = pd.DataFrame({"A": [2.0, 1.0], "B": [1.0, 2.0]}, index=dates[:2])
    >>> both = clean_factors({"it": wide, "not it": -wide}, prices, (1,), quantiles=2)
    it: dropped 0.0%, 0.0% in forward returns and 0.0% in binning (max_loss 35.0%)
    not it: dropped 0.0%, 0.0% in forward returns and 0.0% in binning (max_loss 35.0%)
    >>> both["not it"]["factor_quantile"].tolist()
    [1, 2, 2, 1]
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
    refuse_odd_prices(prices)
    shared = SharedReturns(
        prices, periods, filter_zscore=filter_zscore, is_cumulative=cumulative_returns
    )
    out: dict[str, pd.DataFrame] = {}
    for name, factor in named(factors).items():
        with _naming(name):
            series = factor_rows(factor, name)
            ahead, forward = shared.of(cast("pd.MultiIndex", series.index))
            on_rows = series.set_axis(forward.index)
            out[name] = cut.clean(on_rows, forward, ahead=ahead, name=name)
    return out


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Put the name of a factor before the words of an error about it."""
    try:
        yield
    except (InputError, MaxLossExceededError, NonMatchingTimezoneError) as error:
        first, *others = error.args
        error.args = (f"factor {name!r}: {first}", *others)
        raise
