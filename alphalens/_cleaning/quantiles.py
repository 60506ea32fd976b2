"""Which bucket a factor value falls into, and the words when a date cannot be cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from alphalens._binning import Binning
from alphalens._cells import Cells
from alphalens._panel import Labels, Panel, column_of, column_values
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

    Steps: TypeAlias = int | Sequence[float]

P = ParamSpec("P")
R = TypeVar("R")


class BinEdgesError(InputError):
    """The values of a date do not separate into the buckets asked for."""


def rethrow(exception: Exception, additional_message: str) -> NoReturn:
    """Raise an exception again with text appended to its first argument.

    Parameters
    ----------
    exception : Exception
        The same object is raised.
    additional_message : str
        Text to append; becomes the only argument of an exception that has none.

    Examples
    --------
    >>> rethrow(ValueError("no data"), ", give some")
    Traceback (most recent call last):
    ValueError: no data, give some
    """
    first, *others = exception.args or ("",)
    exception.args = (f"{first}{additional_message}", *others)
    raise exception


_BIN_EDGES_HINT = """

    The values of a date do not separate into the buckets asked for: many of them are equal, and
    equal values cannot fall into two buckets. What helps:
    1 - ask for fewer quantiles
    2 - give the quantiles as a list, e.g. [0, .50, .75, 1.], so that equal values share a bucket
    3 - use `bins` instead of `quantiles`: equal widths or your own edges, not equal numbers
    4 - for factors with few distinct values, give one edge per value, e.g. bins=[-.5, .5, 1.5]
    5 - break ties by rank first: factor.groupby(level="date").rank(method="first")
"""


def non_unique_bin_edges_error(func: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function so that "Bin edges must be unique" errors say what to do.

    Parameters
    ----------
    func : callable
        A ValueError from it whose text has these words gets a hint appended and is raised again.

    Returns
    -------
    callable
    """

    @wraps(func)
    def explained(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return func(*args, **kwargs)
        except ValueError as error:
            if "Bin edges must be unique" not in str(error):
                raise
            rethrow(error, _BIN_EDGES_HINT)

    return explained


class _LeftAtDefault(int):
    """The default of `quantiles`: tells an omitted argument from an explicit 5."""


FIVE = _LeftAtDefault(5)


def one_of(quantiles: Steps | None, bins: Steps | None) -> tuple[Steps | None, Steps | None]:
    """Return `quantiles` and `bins` with one of them None; `bins` beats an omitted `quantiles`."""
    if bins is not None and isinstance(quantiles, _LeftAtDefault):
        quantiles = None
    if (quantiles is None) == (bins is None):
        raise InputError(
            "Either quantiles or bins should be provided, and not both: "
            f"got quantiles={quantiles!r}, bins={bins!r}"
        )
    return quantiles, bins


@non_unique_bin_edges_error
def quantize_factor(
    factor_data: pd.DataFrame,
    quantiles: Steps | None = FIVE,
    bins: Steps | None = None,
    by_group: bool = False,
    no_raise: bool = False,
    zero_aware: bool = False,
) -> pd.Series:
    """Label each factor value with its bucket among the values of its date.

    Parameters
    ----------
    factor_data : DataFrame
        Index ``(date, asset)``, column ``factor`` and, with `by_group`, ``group``. NaN factor
        values get no label.
    quantiles : int or sequence of float, optional
        Number of buckets of equal size, or probabilities of the edges, ascending in [0, 1]; values
        outside a list that does not span [0, 1] get no label.
    bins : int or sequence of float, optional
        Number of buckets of equal width between minimum and maximum of the date, or the edges
        themselves, ascending; intervals are open on the left, so the lowest edge is outside. Given
        alone it takes the place of `quantiles`.
    by_group : bool
        Cut each group of a date by itself.
    no_raise : bool
        Leave dates (or groups) that cannot be cut without labels, instead of raising.
    zero_aware : bool
        Cut values below zero and values from zero up by themselves, half of the buckets each.

    Returns
    -------
    Series
        Labels 1 .. n, named ``factor_quantile``, rows in their order, rows without label left out.
        int64; float64 if a row got no label.

    Raises
    ------
    InputError
        (a ValueError) If both or none of `quantiles` and `bins` are given, or one is malformed, or
        `zero_aware` comes with a list.
    BinEdgesError
        (a ValueError) If edges repeat and `no_raise` is False; names the first such dates.
    MissingLabelError
        (a KeyError) If a column is missing.

    Notes
    -----
    Labels are those of `pandas.qcut` and `pandas.cut` on each date. One sort per date:
    O(n log n) for n rows.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02"])
    >>> index = pd.MultiIndex.from_product([dates, list("ABCD")], names=["date", "asset"])
    >>> frame = pd.DataFrame({"factor": [3.0, 1.0, 4.0, 2.0]}, index=index)
    >>> quantize_factor(frame, quantiles=2).tolist()
    [2, 1, 2, 1]
    """
    quantiles, bins = one_of(quantiles, bins)
    binning = Binning.of(quantiles, bins, is_zero_aware=zero_aware)
    panel = Panel.of(factor_data)
    values = column_values(factor_data, "factor")
    groups = Labels(column_of(factor_data, "group")) if by_group else None
    cells = panel.cells if groups is None else panel.grouped(groups)
    labels, failed = label_rows(binning, cells, values)
    if not no_raise:
        refuse(binning, cells, values, failed, panel.dates, groups)
    found = labels > 0
    if found.all():
        return pd.Series(labels.astype(np.int64), factor_data.index.copy(), name="factor_quantile")
    numbers = labels[found].astype(np.float64)
    return pd.Series(numbers, factor_data.index[found], name="factor_quantile")


def label_rows(binning: Binning, cells: Cells, values: Floats) -> tuple[NDArray[np.int16], Bools]:
    """Return a label per row (0: none), and which cells could not be cut."""
    failed = np.zeros(cells.size, dtype=bool)

    def cut(matrix: Floats) -> NDArray[np.int16]:
        labels, bad = binning.labels(matrix)
        done.append(bad)
        return labels

    done: list[Bools] = []
    labels = cells.transform(cut, values, outside=0)
    for numbers, bad in zip(cells.classes(), done, strict=True):
        failed[numbers] = bad
    return labels, failed & (cells.members > 0)


def refuse(
    binning: Binning,
    cells: Cells,
    values: Floats,
    failed: Bools,
    dates: pd.DatetimeIndex,
    groups: Labels | None,
) -> None:
    """Raise for the cells that could not be cut, naming the first ones and their edges."""
    if not failed.any():
        return
    numbers = np.flatnonzero(failed)
    per_date = 1 if groups is None else len(groups)

    def name(number: int) -> str:
        date = str(dates[number // per_date])
        return date if groups is None else f"{date} in group {groups.distinct[number % per_date]}"

    first = values[cells.keys == numbers[0]]
    edges, _ = binning.edges_of(first[None, :])
    shown = ", ".join(name(int(number)) for number in numbers[:3])
    raise BinEdgesError(
        f"Bin edges must be unique: {len(numbers)} of {int((cells.members > 0).sum())} "
        f"{'dates' if groups is None else 'dates and groups'} have repeated edges, first {shown}; "
        f"edges of the first: {edges[0].tolist()}, from {len(first)} values of which "
        f"{len(np.unique(first))} are distinct and {int(np.isinf(first).sum())} infinite"
    )
