"""From a factor and prices to factor_data, and the small tools around it.

``factor_data`` is the frame that everything else takes: index ``(date, asset)``, one column of
forward returns per period (``1D``, ``5D``, ``3h``), then ``factor``, ``group`` if groups were
given, and ``factor_quantile``.

Two conventions of the past contradict each other; `options` chooses (see `Options`).
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Literal, NoReturn, ParamSpec, TypeAlias, TypeVar, cast

import numpy as np
import pandas as pd

from alphalens import _calendar as calendars
from alphalens import _kernels as kernels
from alphalens import _loss as losses
from alphalens._binning import Binning
from alphalens._calendar import (
    add_custom_calendar_timedelta,
    diff_custom_calendar_timedeltas,
    infer_trading_calendar,
    make_naive_ts,
    timedelta_strings_to_integers,
    timedelta_to_string,
)
from alphalens._forward import (
    Ahead,
    NonMatchingTimezoneError,
    NotDatesError,
    dated,
    factor_series,
    look_ahead,
    with_dates,
)
from alphalens._loss import MaxLossExceededError
from alphalens._merge import GroupMappingError, Merged, aligned, groups_of, joined
from alphalens._panel import (
    Cells,
    Labels,
    MissingLabelError,
    Panel,
    column_of,
    column_values,
    float_values,
    multi_index,
)
from alphalens.errors import ConfigError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.int8]

    from alphalens._merge import Grouping

    Steps: TypeAlias = int | Sequence[float]

__all__ = [
    "BinEdgesError",
    "GroupMappingError",
    "MaxLossExceededError",
    "MissingLabelError",
    "NonMatchingTimezoneError",
    "NotDatesError",
    "Options",
    "add_custom_calendar_timedelta",
    "backshift_returns_series",
    "compute_forward_returns",
    "demean_forward_returns",
    "diff_custom_calendar_timedeltas",
    "display",
    "get_clean_factor",
    "get_clean_factor_and_forward_returns",
    "get_forward_returns_columns",
    "infer_trading_calendar",
    "make_naive_ts",
    "non_unique_bin_edges_error",
    "options",
    "print_table",
    "quantize_factor",
    "rate_of_return",
    "rethrow",
    "std_conversion",
    "timedelta_strings_to_integers",
    "timedelta_to_string",
    "turnover_periods_from_columns",
]

P = ParamSpec("P")
R = TypeVar("R")


class BinEdgesError(InputError):
    """The values of a date do not separate into the buckets asked for."""


class Options:
    """Module options; there is one instance, `alphalens.utils.options`.

    Attributes
    ----------
    convention : {"original", "reloaded"}
        Which of two contradicting conventions the numbers follow. ``"original"`` (the default,
        alphalens 0.4.0): a date with zero gross exposure has NaN weights and a NaN return, and the
        quantile spread is the full difference of top and bottom. ``"reloaded"``
        (alphalens-reloaded 0.5.1): such weights are 0, and the spread and its standard error are
        halved, i.e. scaled to 100 % gross.

    Examples
    --------
    >>> options.convention
    'original'
    >>> with options.context(convention="reloaded"):
    ...     options.convention
    'reloaded'
    """

    _CHOICES = ("original", "reloaded")

    def __init__(self) -> None:
        self._convention = "original"

    @property
    def convention(self) -> str:
        """The convention in force."""
        return self._convention

    @convention.setter
    def convention(self, value: str) -> None:
        if value not in self._CHOICES:
            raise ConfigError(f"options.convention must be one of {self._CHOICES}, got {value!r}")
        self._convention = value

    @property
    def is_reloaded(self) -> bool:
        """Whether the convention of alphalens-reloaded is in force."""
        return self._convention == "reloaded"

    @contextmanager
    def context(self, *, convention: Literal["original", "reloaded"]) -> Iterator[Options]:
        """Change the options inside a ``with`` block and put them back after it."""
        before = self.convention
        self.convention = convention
        try:
            yield self
        finally:
            self.convention = before


options = Options()


def display(table: object) -> None:
    """Show a table: as IPython shows it in a notebook, as text on stdout elsewhere.

    `print_table` looks this name up at each call, so it can be replaced.

    Parameters
    ----------
    table : object
        Usually a DataFrame.
    """
    if "IPython" in sys.modules:
        import_module("IPython.display").display(table)
    else:
        _say(str(table))


def _say(text: str) -> None:
    """Print a line: the one seam for what Alphalens has always printed."""
    sys.stdout.write(f"{text}\n")


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


_FIVE = _LeftAtDefault(5)


def _one_of(quantiles: Steps | None, bins: Steps | None) -> tuple[Steps | None, Steps | None]:
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
    quantiles: Steps | None = _FIVE,
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
    quantiles, bins = _one_of(quantiles, bins)
    binning = Binning.of(quantiles, bins, is_zero_aware=zero_aware)
    panel = Panel.of(factor_data)
    values = column_values(factor_data, "factor")
    groups = Labels(column_of(factor_data, "group")) if by_group else None
    cells = panel.cells if groups is None else panel.grouped(groups)
    labels, failed = _label(binning, cells, values)
    if not no_raise:
        _refuse(binning, cells, values, failed, panel.dates, groups)
    found = labels > 0
    if found.all():
        return pd.Series(labels.astype(np.int64), factor_data.index, name="factor_quantile")
    numbers = labels[found].astype(np.float64)
    return pd.Series(numbers, factor_data.index[found], name="factor_quantile")


def _label(binning: Binning, cells: Cells, values: Floats) -> tuple[NDArray[np.int16], Bools]:
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


def _refuse(
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
        f"{len(np.unique(first))} are distinct"
    )


def compute_forward_returns(
    factor: pd.Series | pd.DataFrame,
    prices: pd.DataFrame,
    periods: Iterable[int] = (1, 5, 10),
    filter_zscore: float | None = None,
    cumulative_returns: bool = True,
) -> pd.DataFrame:
    """Return what each asset earned after each factor date.

    Parameters
    ----------
    factor : Series or one-column DataFrame
        Index of dates and assets; the values do not matter.
    prices : DataFrame of shape (times, assets)
        Prices, forward-filled over NaN. A factor value on a date is followed by the return from the
        price on that date: use prices that could be traded after the factor was known.
    periods : iterable of int
        Horizons in rows of `prices`, 0 or more.
    filter_zscore : float, optional
        Set returns that are more than this many standard deviations (ddof 1) from the mean of their
        asset and period to NaN. None or False: keep all. Looks ahead, for cleaning only.
    cumulative_returns : bool
        True: the return over the whole horizon. False: that of its last single row.

    Returns
    -------
    DataFrame
        Fractions. Index of `factor` with levels named ``date`` and ``asset``; one column per
        period, ascending, named by its length on the trading calendar (``1D``, ``3h``). NaN where
        a price is missing.

    Raises
    ------
    NonMatchingTimezoneError
        If the time zones differ.
    InputError
        (a ValueError) If no factor date has a price, no price is late enough, or labels repeat.
    NotDatesError
        (an AttributeError) If the dates are not dates.

    Warns
    -----
    UserWarning
        If the factor's dates do not fit the trading calendar; they then keep the freq they had.

    Notes
    -----
    The calendar is the freq of the factor's dates if that is Day, BusinessDay or CustomBusinessDay,
    else the one inferred from both sets of dates; it becomes the freq of the result's dates.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=4)
    >>> prices = pd.DataFrame({"A": [10.0, 11.0, 12.1, 12.1]}, index=dates)
    >>> index = pd.MultiIndex.from_product([dates[:2], ["A"]], names=["date", "asset"])
    >>> compute_forward_returns(pd.Series(1.0, index), prices, periods=(1,)).round(3)["1D"].tolist()
    [0.1, 0.1]
    """
    ahead = look_ahead(
        factor_series(factor),
        prices,
        periods,
        filter_zscore=filter_zscore,
        is_cumulative=cumulative_returns,
    )
    return _forward_frame(ahead)


def _forward_frame(ahead: Ahead) -> pd.DataFrame:
    """Return the forward returns as a frame on the factor's index, with its calendar."""
    dates = cast("pd.DatetimeIndex", ahead.index.levels[0])
    own = dates.freq
    freq = calendars.trading_calendar(own) or infer_trading_calendar(dates, ahead.times)
    step = calendars.single_day(freq, message="the trading calendar must step by days")
    names = [calendars.period_name(*ahead.spans(period), step) for period in ahead.periods]
    columns = [ahead.long(ahead.matrix(p, is_filtered=True)) for p in ahead.periods]
    index = ahead.index
    on_calendar = calendars.with_calendar(dates, freq)
    if on_calendar is None:
        warnings.warn(
            f"The factor's dates do not step by the trading calendar {freq}, so they keep their "
            f"freq ({own}): nothing is laid on a calendar grid",
            UserWarning,
            stacklevel=3,
        )
    elif own != freq:
        index = with_dates(index, on_calendar)
    frame = pd.DataFrame(dict(enumerate(columns)), index=index, copy=False)
    frame.columns = pd.Index(names)
    return frame


def backshift_returns_series(series: pd.Series[float], N: int) -> pd.Series[float]:  # noqa: N803 - public name
    """Move the values of a series back by `N` of its dates.

    Parameters
    ----------
    series : Series
        Index of dates and one more level.
    N : int
        Dates to move by; the value of a date appears `N` dates earlier.

    Returns
    -------
    Series
        Without the rows of the first `N` dates' values; unnamed.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=3)
    >>> index = pd.MultiIndex.from_product([dates, ["A"]], names=["date", "asset"])
    >>> backshift_returns_series(pd.Series([1.0, 2.0, 3.0], index), 1).tolist()
    [2.0, 3.0]
    """
    index = cast("pd.MultiIndex", series.index)
    dates = index.levels[0]
    codes = np.asarray(index.codes[0], dtype=np.int64)
    order = np.argsort(np.asarray(dates.argsort()), kind="stable")
    kept = order[codes] >= N
    sorted_dates = np.asarray(dates.argsort())
    moved = sorted_dates[order[codes[kept]] - N]
    codes_left: list[Ints] = [moved, np.asarray(index.codes[1], dtype=np.int64)[kept]]
    return pd.Series(
        series.to_numpy()[kept], index=multi_index(index.levels, codes_left, index.names)
    )


def demean_forward_returns(
    factor_data: pd.DataFrame, grouper: Hashable | Sequence[object] | None = None
) -> pd.DataFrame:
    """Subtract from each forward return the mean over its date, or over another grouping.

    Parameters
    ----------
    factor_data : DataFrame
        Index ``(date, asset)``, forward-return columns.
    grouper : grouping, optional
        Anything that `DataFrame.groupby` takes; the date by default.

    Returns
    -------
    DataFrame
        A copy; NaN stays NaN and is skipped in the means.

    Examples
    --------
    >>> dates = pd.to_datetime(["2024-01-02"])
    >>> index = pd.MultiIndex.from_product([dates, list("AB")], names=["date", "asset"])
    >>> demean_forward_returns(pd.DataFrame({"1D": [0.01, 0.03]}, index))["1D"].round(3).tolist()
    [-0.01, 0.01]
    """
    out = factor_data.copy()
    if grouper is None:
        cells = Panel.of(factor_data).cells
    else:
        numbers = factor_data.groupby(
            grouper,  # type: ignore[call-overload]  # whatever pandas takes
            observed=True,
        ).ngroup()
        codes = numbers.to_numpy().astype(np.int64)
        cells = Cells(codes, int(codes.max(initial=-1)) + 1)
    for place in np.flatnonzero(period_mask(factor_data.columns)):
        values = float_values(factor_data.iloc[:, int(place)])
        mean = cells.reduce(lambda matrix, _: kernels.row_mean(matrix), values)
        out.isetitem(int(place), values - cells.spread(mean))
    return out


def print_table(
    table: pd.Series | pd.DataFrame, name: str | None = None, fmt: str | None = None
) -> None:
    """Show a table, in a notebook or on stdout.

    Parameters
    ----------
    table : Series or DataFrame
        A series becomes a frame of one column.
    name : str, optional
        Becomes the name of the columns, also on the caller's frame.
    fmt : str, optional
        Format of the floats, such as ``"{0:.2f}%"``.

    Notes
    -----
    Calls the module's `display`, looked up at call time, with one DataFrame. The option
    ``display.float_format`` is put back after it.
    """
    if isinstance(table, pd.Series):
        table = table.to_frame()
    table.columns.name = name
    if fmt is None:
        display(table)
        return
    with pd.option_context("display.float_format", fmt.format):
        display(table)


def get_clean_factor(
    factor: pd.Series | pd.DataFrame,
    forward_returns: pd.DataFrame,
    groupby: Grouping | None = None,
    binning_by_group: bool = False,
    quantiles: Steps | None = _FIVE,
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
        Group of each asset, or of each row (same index as `factor`).
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
    quantiles, bins = _one_of(quantiles, bins)
    series = factor_series(factor)
    series = series.set_axis(dated(cast("pd.MultiIndex", series.index), "factor"))
    if not isinstance(forward_returns.index, pd.MultiIndex):
        raise InputError("forward_returns needs a MultiIndex of dates and assets, as the factor")
    forward = forward_returns.set_axis(dated(forward_returns.index, "forward_returns"))
    if binning_by_group and groupby is None:
        raise MissingLabelError("binning_by_group needs 'group': give groupby as well")
    binning = Binning.of(quantiles, bins, is_zero_aware=zero_aware)
    groups = None
    if groupby is not None:
        groups = groups_of(series, cast("pd.MultiIndex", forward.index), groupby, groupby_labels)
    merged = Merged(
        is_own=False,
        forward=forward,
        factor=aligned(series, cast("pd.MultiIndex", forward.index), "factor"),
        groups=groups,
    )
    return _clean(merged, binning, n_rows=len(series), by_group=binning_by_group, max_loss=max_loss)


def _clean(
    merged: Merged,
    binning: Binning,
    *,
    n_rows: int,
    by_group: bool,
    max_loss: float,
    ahead: Ahead | None = None,
) -> pd.DataFrame:
    """Drop rows that lack something, label the rest, and report the loss."""
    missing = merged.missing()
    kept = ~np.logical_or.reduce(list(missing.values()))
    is_whole = bool(kept.all())
    frame = joined(merged, None if is_whole else kept)
    index = cast("pd.MultiIndex", frame.index)
    panel = Panel.of(frame)
    values = column_values(frame, "factor")
    groups = Labels(frame["group"]) if by_group else None
    cells = panel.cells if groups is None else panel.grouped(groups)
    if panel.has_duplicates:
        warnings.warn(
            f"factor repeats {panel.duplicates()}: each of them counts by itself",
            UserWarning,
            stacklevel=3,
        )
    labels, failed = _label(binning, cells, values)
    if max_loss == 0:
        _explained_refusal(binning, cells, values, failed, panel.dates, groups)
    labelled = labels > 0
    counts = (n_rows, len(index), int(labelled.sum()))

    def lost() -> Codes:
        known = missing if ahead is None else _explained(missing, ahead.missing())
        return losses.reasons(known, kept, labelled, failed[cells.keys])

    hint = "" if ahead is None else ahead.hint()
    _report_loss(counts, max_loss, cast("pd.MultiIndex", merged.forward.index), lost, hint)
    if labelled.all() and len(labels):
        return _with_labels(frame, labels.astype(np.int64))
    return _with_labels(frame[labelled], labels[labelled].astype(np.float64))


_explained_refusal = non_unique_bin_edges_error(_refuse)


def _with_labels(frame: pd.DataFrame, labels: NDArray[np.generic]) -> pd.DataFrame:
    frame.insert(frame.shape[1], "factor_quantile", labels)
    return frame


def _explained(missing: dict[str, Bools], causes: dict[str, Bools]) -> dict[str, Bools]:
    """Put the causes in the place of the bare fact that a forward return is missing."""
    out: dict[str, Bools] = {}
    for name, rows in missing.items():
        out |= causes if name == "no forward return" else {name: rows}
    return out


def _report_loss(
    counts: tuple[int, int, int],
    max_loss: float,
    index: pd.MultiIndex,
    lost: Callable[[], Codes],
    hint: str,
) -> None:
    """Print what was lost; raise when it is too much."""
    given, joined, labelled = counts
    if not given:
        raise InputError("factor is empty: there is nothing to clean")
    total, forward = (given - labelled) / given, (given - joined) / given
    _say(
        f"Dropped {total * 100:.1f}% entries from factor data: {forward * 100:.1f}% in forward "
        f"returns computation and {(total - forward) * 100:.1f}% in binning phase "
        "(set max_loss=0 to see potentially suppressed Exceptions)."
    )
    if total > max_loss:
        codes = lost()
        raise MaxLossExceededError(
            f"max_loss ({max_loss * 100:.1f}%) exceeded {total * 100:.1f}%, consider increasing "
            f"it. Lost {given - labelled} of {given} rows of the factor:\n"
            f"{losses.describe_loss(index, codes)}{hint}",
            loss=losses.loss_table(index, codes),
        )
    _say(f"max_loss is {max_loss * 100:.1f}%, not exceeded: OK!")


def get_clean_factor_and_forward_returns(
    factor: pd.Series | pd.DataFrame,
    prices: pd.DataFrame,
    groupby: Grouping | None = None,
    binning_by_group: bool = False,
    quantiles: Steps | None = _FIVE,
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
    forward = _forward_frame(ahead)
    quantiles, bins = _one_of(quantiles, bins)
    if binning_by_group and groupby is None:
        raise MissingLabelError("binning_by_group needs 'group': give groupby as well")
    binning = Binning.of(quantiles, bins, is_zero_aware=zero_aware)
    index = cast("pd.MultiIndex", forward.index)
    on_rows = series.set_axis(index)
    groups = None if groupby is None else groups_of(on_rows, index, groupby, groupby_labels)
    return _clean(
        Merged(is_own=True, forward=forward, factor=on_rows, groups=groups),
        binning,
        n_rows=len(series),
        by_group=binning_by_group,
        max_loss=max_loss,
        ahead=ahead,
    )


def rate_of_return(period_ret: pd.Series[float], base_period: str) -> pd.Series[float]:
    """Convert returns over a period into returns over the base period.

    Parameters
    ----------
    period_ret : Series
        Returns as fractions; the name is the period, e.g. ``5D``.
    base_period : str
        Period wanted, e.g. ``1D``.

    Returns
    -------
    Series
        :math:`(1 + r)^{base / period} - 1`.

    Examples
    --------
    >>> float(rate_of_return(pd.Series([0.21], name="2D"), "1D").round(6)[0])
    0.1
    """
    ratio = pd.Timedelta(base_period) / pd.Timedelta(str(period_ret.name))
    return (period_ret + 1) ** ratio - 1


def std_conversion(period_std: pd.Series[float], base_period: str) -> pd.Series[float]:
    r"""Convert standard deviations or errors over a period to the base period.

    Parameters
    ----------
    period_std : Series
        Standard deviations; the name is the period, e.g. ``5D``.
    base_period : str
        Period wanted, e.g. ``1D``.

    Returns
    -------
    Series
        :math:`s / \sqrt{period / base}`.

    Examples
    --------
    >>> std_conversion(pd.Series([0.2], name="4D"), "1D").tolist()
    [0.1]
    """
    ratio = pd.Timedelta(str(period_std.name)) / pd.Timedelta(base_period)
    return period_std / float(np.sqrt(ratio))


def period_mask(columns: pd.Index) -> Bools:
    """Tell which labels name a return period."""
    return np.array([calendars.is_period_name(name) for name in columns], dtype=bool)


def get_forward_returns_columns(
    columns: pd.Index, require_exact_day_multiple: bool = False
) -> pd.Index:
    """Return the labels that name a return period.

    Parameters
    ----------
    columns : Index
        Column labels, such as those of factor_data.
    require_exact_day_multiple : bool
        Only whole days, such as ``5D``.

    Returns
    -------
    Index
        In order, dtype kept.

    Warns
    -----
    UserWarning
        If `require_exact_day_multiple` leaves out a period; other columns are no reason to warn.

    Examples
    --------
    >>> get_forward_returns_columns(pd.Index(["1D", "3D12h", "factor"])).tolist()
    ['1D', '3D12h']
    """
    found = columns[period_mask(columns)]
    if not require_exact_day_multiple:
        return found
    whole = np.array([calendars.is_period_name(n, is_whole_days=True) for n in found], dtype=bool)
    if not whole.all():
        warnings.warn(
            "Skipping return periods that aren't exact multiples of days.",
            UserWarning,
            stacklevel=2,
        )
    return found[whole]


def turnover_periods_from_columns(columns: pd.Index) -> list[int]:
    """Return the whole-day periods among the labels, in days.

    Parameters
    ----------
    columns : Index
        Column labels, such as those of factor_data.

    Returns
    -------
    list of int
        In column order; periods with a part of a day are skipped.

    Warns
    -----
    UserWarning
        If a period is skipped.

    Examples
    --------
    >>> turnover_periods_from_columns(pd.Index(["5D", "1D", "factor"]))
    [5, 1]
    """
    names = get_forward_returns_columns(columns, require_exact_day_multiple=True)
    return timedelta_strings_to_integers(names)
