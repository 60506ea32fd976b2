"""Metrics by date computed in parts: on the processes of one machine, or of a cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import pandas as pd

from alphalens import _calendar as calendars
from alphalens._given import is_whole
from alphalens._metrics.information import factor_information_coefficient
from alphalens._metrics.quantiles import mean_return_by_quantile
from alphalens._metrics.weights import factor_returns, factor_weights
from alphalens._optional import require
from alphalens._panel import Panel, calendar_of
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas.tseries.offsets import BaseOffset

Result = TypeVar("Result")
Frame = TypeVar("Frame", "pd.Series[float]", pd.DataFrame)

_BY_DATE = (
    factor_information_coefficient,
    factor_returns,
    factor_weights,
    mean_return_by_quantile,
)


def by_dates(
    metric: Callable[..., Result],
    factor_data: pd.DataFrame,
    *,
    n_parts: int | None = None,
    n_jobs: int | None = -1,
    **options: Any,  # whatever the metric takes
) -> Result:
    """Compute a metric whose dates do not know each other, part by part.

    Parameters
    ----------
    metric : callable
        `factor_information_coefficient`, `factor_returns`, `factor_weights`, or
        `mean_return_by_quantile` with ``by_date=True``.
    factor_data : DataFrame
        Clean factor data.
    n_parts : int, optional
        Parts of consecutive dates, 1 or more; by default two for each job.
    n_jobs : int, optional
        As joblib's; the backend is the one in force, e.g. inside
        ``with joblib.parallel_config("dask"):`` the workers of a Dask cluster.
    **options
        Arguments of the metric.

    Returns
    -------
    what the metric returns
        The same numbers as one call gives.

    Raises
    ------
    InputError
        (a ValueError) If the metric needs more than one date at a time, there is no date, or
        `n_parts` is below 1 or no whole number.
    MissingExtra
        If joblib is not installed.

    Notes
    -----
    Worth its transfers when one call takes longer than sending the frame; the kernels use all
    processors of one machine anyway.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=4)
    >>> index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    >>> frame = pd.DataFrame({"1D": [0.1, 0.2] * 4, "factor": [1.0, 2.0] * 4}, index=index)
    >>> by_dates(factor_information_coefficient, frame, n_parts=2, n_jobs=1)["1D"].tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    require("joblib", extra="research")
    from joblib import Parallel, delayed, effective_n_jobs

    _check(metric, options)
    count = 2 * effective_n_jobs(n_jobs) if n_parts is None else n_parts
    places = _parts(factor_data, count)
    parts = (factor_data.iloc[part] for part in places)
    found = Parallel(n_jobs=n_jobs)(delayed(metric)(part, **options) for part in parts)
    freq = calendar_of(factor_data)
    rows = np.concatenate(places)
    joined: Any  # of the metric's own shape
    if isinstance(found[0], tuple):
        joined = tuple(_joined(list(side), freq, rows) for side in zip(*found, strict=True))
    else:
        joined = _joined(found, freq, rows)
    return cast("Result", joined)


def _check(metric: Callable[..., object], options: dict[str, Any]) -> None:
    if metric not in _BY_DATE:
        names = ", ".join(known.__name__ for known in _BY_DATE)
        raise InputError(f"by_dates takes {names}, got {getattr(metric, '__name__', metric)!r}")
    if metric is mean_return_by_quantile and not options.get("by_date"):
        raise InputError("mean_return_by_quantile can be split with by_date=True alone")
    if options.get("cost_bps"):
        raise InputError("cost_bps needs the weights of earlier dates: call factor_returns itself")


def _parts(factor_data: pd.DataFrame, count: int) -> list[NDArray[np.intp]]:
    """Cut a frame into runs of consecutive dates; return the rows of each, in their order."""
    codes = Panel.of(factor_data).date_codes
    n_dates = int(codes.max()) + 1 if len(codes) else 0
    if not (is_whole(count) and count >= 1 and n_dates):
        raise InputError(f"cannot cut {n_dates} dates into {count!r} parts")
    edges = np.linspace(0, n_dates, min(count, n_dates) + 1).astype(np.int64)
    part_of = np.searchsorted(edges, codes, side="right") - 1
    return [np.flatnonzero(part_of == number) for number in range(len(edges) - 1)]


def _joined(found: list[Frame], freq: BaseOffset | None, rows: NDArray[np.intp]) -> Frame:
    """Put the parts together, on the whole calendar grid where each was on its part of it.

    A result by row, of the `rows` of the frame in the order of the parts, gets the frame's order.
    """
    whole = pd.concat(found)
    if isinstance(whole.index, pd.MultiIndex):
        if {"date", "asset"} == set(whole.index.names):
            return whole.iloc[np.argsort(rows)]
        is_dated_first = whole.index.names[0] == "date"
        return whole if is_dated_first else whole.sort_index()
    if freq is None:
        return whole
    return whole.reindex(calendars.calendar_grid(pd.DatetimeIndex(whole.index), freq))
