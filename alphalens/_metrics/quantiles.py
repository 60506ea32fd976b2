"""What each quantile of the factor earns, and by how much the best beats the worst."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from alphalens import _kernels as kernels
from alphalens._cells import Cells
from alphalens._metrics.common import (
    group_cells,
    labelled_frame,
    less_mean,
    period_returns,
    sum_kernel,
)
from alphalens._panel import (
    Labels,
    MissingLabelError,
    Panel,
    column_of,
    float_values,
    multi_index,
)
from alphalens.errors import InputError
from alphalens.utils import options

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


def mean_return_by_quantile(
    factor_data: pd.DataFrame,
    by_date: bool = False,
    by_group: bool = False,
    demeaned: bool = True,
    group_adjust: bool = False,
    *,
    weights: pd.Series[float] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    r"""Return the mean forward return of each quantile and its standard error.

    Parameters
    ----------
    factor_data : DataFrame
        Columns needed: the periods, ``factor_quantile``; with a group option ``group``.
    by_date : bool
        One mean per quantile and date; otherwise the mean of these means.
    by_group : bool
        One mean per quantile and group.
    demeaned : bool
        Subtract the mean of the date from the returns first.
    group_adjust : bool
        Subtract the mean of date and group instead.
    weights : Series, optional
        Weight of each row, such as its market capitalisation, 0 or more, by date and asset. Its
        index has every row of `factor_data`, in any order, and may have others; a weight of NaN
        leaves its row out. Universe means are then weighted too. Equal weights otherwise.

    Returns
    -------
    mean, error : DataFrame
        Fractions, one column per period; index ``factor_quantile``, then ``date``, then ``group``.
        By group without dates every category is listed; by date only what was observed. The error
        of a single member is NaN.

    Raises
    ------
    InputError
        (a ValueError) If `weights` is no Series of numbers, misses rows of `factor_data`, repeats
        a row, or has a weight that is negative or infinite, or none above 0.

    Notes
    -----
    Error :math:`s / \sqrt{n}` with the sample standard deviation s (ddof 1) of the n returns in a
    cell or, without `by_date`, of the n date means. With weights w the mean is
    :math:`m = \sum w r / \sum w`, the error :math:`\sqrt{\sum w^2 (r - m)^2} / \sum w` times
    :math:`\sqrt{n / (n - 1)}`, the same for equal weights.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02"])
    >>> index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    >>> frame = pd.DataFrame({"1D": [0.01, 0.03], "factor_quantile": [1, 2]}, index=index)
    >>> mean_return_by_quantile(frame)[0]["1D"].round(6).tolist()
    [-0.01, 0.01]
    """
    panel = Panel.of(factor_data)
    labels, returns = period_returns(factor_data)
    quantiles = Labels(column_of(factor_data, "factor_quantile"))
    groups: Labels | None = None
    if group_adjust or by_group:
        groups, cells = group_cells(panel, factor_data)
    own = None if weights is None else _weights_of(factor_data, weights)
    if group_adjust or demeaned:
        universe = cells if group_adjust else panel.cells
        returns = [_less_universe(universe, values, own) for values in returns]
    table = _Table.of(panel, quantiles, groups if by_group else None)
    moments = table.moments(returns, own)
    index: pd.Index
    if by_date:
        index = table.dated_index()
        pairs = [(mean[table.seen], error[table.seen]) for mean, error in moments]
    else:
        index = table.index()
        pairs = [table.over_dates(mean) for mean, _ in moments]
    means, errors = zip(*pairs, strict=True)
    return labelled_frame(means, index, labels), labelled_frame(errors, index, labels)


def _weights_of(factor_data: pd.DataFrame, weights: pd.Series[float]) -> Floats:
    """Return the weight of each row, NaN where it says so."""
    if not isinstance(weights, pd.Series):
        raise InputError(
            f"weights must be a Series by date and asset, got a {type(weights).__name__}: give "
            "pd.Series(weights, index=factor_data.index)"
        )
    if not pd.api.types.is_numeric_dtype(weights.dtype):
        raise InputError(f"weights must be numbers, got dtype {weights.dtype}: convert them")
    values = _on_rows(weights, factor_data.index)
    if (values < 0).any() or np.isinf(values).any():
        row = int(np.flatnonzero((values < 0) | np.isinf(values))[0])
        raise InputError(
            f"weights must be finite and 0 or more, got {values[row]} at {factor_data.index[row]}"
        )
    if not (values > 0).any():
        raise InputError("weights has no number above 0 on the rows of factor_data")
    return values


def _on_rows(weights: pd.Series[float], rows: pd.Index) -> Floats:
    """Return weights in the order of the rows; a row that they do not know is refused."""
    if weights.index.equals(rows):
        return float_values(weights)
    if not weights.index.is_unique:
        repeated = weights.index[weights.index.duplicated()]
        raise InputError(
            f"weights repeats {len(repeated)} rows, the first {repeated[0]}: keep one of each"
        )
    places = weights.index.get_indexer(rows)
    unknown = np.flatnonzero(places < 0)
    if len(unknown):
        raise InputError(
            f"weights covers {len(rows) - len(unknown)} of the {len(rows)} rows of factor_data, "
            f"the first without is {rows[unknown[0]]}, its own index starts with "
            f"{weights.index[:1].tolist()}: name dates and assets alike, or give "
            "weights.reindex(factor_data.index) to leave these rows out"
        )
    return float_values(weights)[places]


def _less_universe(cells: Cells, values: Floats, weights: Floats | None) -> Floats:
    """Subtract the mean of each cell, weighted if there are weights."""
    if weights is None:
        return less_mean(cells, values)
    known = np.where(np.isnan(values), np.nan, weights)
    total = cells.reduce(sum_kernel, known)
    with np.errstate(divide="ignore", invalid="ignore"):
        return values - cells.spread(cells.reduce(sum_kernel, known * values) / total)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Cells of quantile, date and, if wanted, group.

    Rows are keyed by date first, so that neighbours meet in neighbouring cells; the results are
    numbered by quantile, date and group.
    """

    dates: pd.DatetimeIndex
    quantiles: Labels
    groups: Labels | None
    rows: Ints | slice
    keys: Ints
    bounds: Ints | None
    seen: Ints

    @classmethod
    def of(cls, panel: Panel, quantiles: Labels, groups: Labels | None) -> _Table:
        """Return the cells of a panel; rows without quantile or group are left out."""
        n_groups = 1 if groups is None else len(groups)
        keys = panel.date_codes * len(quantiles) + quantiles.codes
        lost = quantiles.codes < 0
        if groups is not None:
            keys = keys * n_groups + groups.codes
            lost = lost | (groups.codes < 0)
        rows: Ints | slice = slice(None)
        if lost.any():
            rows = np.flatnonzero(~lost)
            keys = keys[rows]
        shape = (len(panel.dates), len(quantiles), n_groups)
        members = np.bincount(keys, minlength=math.prod(shape)).reshape(shape)
        bounds = None
        if panel.cells.is_sorted:
            bounds = np.concatenate(([0], np.cumsum(members.sum(axis=(1, 2)))))
        return cls(
            dates=panel.dates,
            quantiles=quantiles,
            groups=groups,
            rows=rows,
            keys=keys,
            bounds=bounds,
            seen=np.flatnonzero(members.swapaxes(0, 1)),
        )

    @property
    def n_groups(self) -> int:
        """Number of groups, 1 without."""
        return 1 if self.groups is None else len(self.groups)

    def moments(self, columns: list[Floats], weights: Floats | None) -> list[tuple[Floats, Floats]]:
        """Return mean and standard error of every cell, for each column."""
        shape = (len(self.dates), len(self.quantiles), self.n_groups)
        values = [column[self.rows] for column in columns]
        if weights is None:
            found = kernels.keyed_moments(self.keys, values, math.prod(shape), self.bounds)
            with np.errstate(divide="ignore", invalid="ignore"):
                pairs = [(mean, np.sqrt(var) / np.sqrt(count)) for mean, var, count in found]
        else:
            own = weights[self.rows]
            pairs = [kernels.keyed_weighted(self.keys, v, own, math.prod(shape)) for v in values]

        def by_quantile(cells: Floats) -> Floats:
            return cells.reshape(shape).swapaxes(0, 1).reshape(-1)

        return [(by_quantile(mean), by_quantile(error)) for mean, error in pairs]

    def over_dates(self, means: Floats) -> tuple[Floats, Floats]:
        """Return the mean over dates of the date means, and its standard error."""
        cube = means.reshape(len(self.quantiles), len(self.dates), self.n_groups)
        keys = np.arange(cube.size) // (len(self.dates) * self.n_groups) * self.n_groups
        keys += np.arange(cube.size) % self.n_groups
        size = len(self.quantiles) * self.n_groups
        ((mean, variance, count),) = kernels.keyed_moments(keys, [means], size)
        with np.errstate(divide="ignore", invalid="ignore"):
            return mean, np.sqrt(variance) / np.sqrt(count)

    def dated_index(self) -> pd.MultiIndex:
        """Return the index of the cells seen."""
        n_groups, n_dates = self.n_groups, len(self.dates)
        levels = [self.quantiles.distinct, self.dates]
        codes = [self.seen // (n_groups * n_dates), self.seen // n_groups % n_dates]
        names = ["factor_quantile", "date"]
        if self.groups is not None:
            levels.append(self.groups.distinct)
            codes.append(self.seen % n_groups)
            names.append("group")
        return multi_index(levels, codes, names)

    def index(self) -> pd.Index:
        """Return the index without dates: every quantile with every group."""
        distinct = self.quantiles.distinct.rename("factor_quantile")
        if self.groups is None:
            return distinct
        return pd.MultiIndex.from_product(
            [distinct, self.groups.distinct], names=["factor_quantile", "group"]
        )


def compute_mean_returns_spread(
    mean_returns: pd.DataFrame,
    upper_quant: float,
    lower_quant: float,
    std_err: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    r"""Return the difference between the mean returns of two quantiles, date by date.

    Parameters
    ----------
    mean_returns : DataFrame
        Means by quantile and date, as from `mean_return_by_quantile` with `by_date`.
    upper_quant, lower_quant : int or float
        Labels; the lower is subtracted from the upper.
    std_err : DataFrame, optional
        Standard errors of the means, same shape.

    Returns
    -------
    difference : DataFrame
        Fractions by date. Halved under the convention ``"reloaded"`` (see
        `alphalens.utils.Options`), as is the error.
    error : DataFrame or None
        :math:`\sqrt{s_u^2 + s_l^2}`; None without `std_err`.

    Raises
    ------
    KeyError
        If a label is not there.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02"])
    >>> index = pd.MultiIndex.from_product([[1, 2], dates], names=["factor_quantile", "date"])
    >>> means = pd.DataFrame({"1D": [0.01, 0.03]}, index=index)
    >>> compute_mean_returns_spread(means, 2, 1)[0]["1D"].round(6).tolist()
    [0.02]
    """
    scale = 0.5 if options.is_reloaded else 1.0
    upper, lower = _quantile(mean_returns, upper_quant), _quantile(mean_returns, lower_quant)
    difference = (upper - lower) * scale
    if std_err is None:
        return difference, None
    upper, lower = _quantile(std_err, upper_quant), _quantile(std_err, lower_quant)
    return difference, (upper**2 + lower**2) ** 0.5 * scale


def _quantile(frame: pd.DataFrame, label: float) -> pd.DataFrame:
    """Return the rows of one quantile."""
    labels = frame.index.get_level_values("factor_quantile")
    if label not in labels:
        raise MissingLabelError(
            f"quantile {label!r} is not in mean_returns, which has {labels.unique().tolist()}"
        )
    return cast("pd.DataFrame", frame.xs(label, level="factor_quantile"))
