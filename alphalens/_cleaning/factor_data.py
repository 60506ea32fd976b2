"""A factor joined with its forward returns, labelled, and cleaned of rows that lack something."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from alphalens import _loss as losses
from alphalens._binning import Binning
from alphalens._cleaning.forward_returns import forward_frame
from alphalens._cleaning.quantiles import (
    FIVE,
    label_rows,
    non_unique_bin_edges_error,
    one_of,
    refuse,
)
from alphalens._forward import Ahead, dated, factor_series, look_ahead
from alphalens._loss import MaxLossExceededError
from alphalens._merge import Merged, aligned, groups_of, joined
from alphalens._panel import Labels, MissingLabelError, Panel, column_values
from alphalens._printing import say
from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Codes = NDArray[np.int8]

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
    quantiles, bins = one_of(quantiles, bins)
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
    labels, failed = label_rows(binning, cells, values)
    if max_loss == 0:
        _explained_refusal(binning, cells, values, failed, panel.dates, groups)
    labelled = labels > 0
    counts = (n_rows, len(index), int(labelled.sum()))

    in_failed = failed[cells.keys] if failed.any() else np.zeros(len(labelled), dtype=bool)
    given = cast("pd.MultiIndex", merged.forward.index)

    def lost() -> Codes:
        known = missing if ahead is None else _explained(missing, ahead.missing())
        return losses.reasons(known, kept, labelled, in_failed)

    hint = "" if ahead is None else ahead.hint()
    _report_loss(counts, max_loss, given, lost, hint)
    if labelled.all() and len(labels):
        clean = _with_labels(frame, labels.astype(np.int64))
    else:
        clean = _with_labels(frame[labelled], labels[labelled].astype(np.float64))
    losses.record(clean, lambda: losses.loss_table(given, lost()))
    return clean


_explained_refusal = non_unique_bin_edges_error(refuse)


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
    say(
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
    say(f"max_loss is {max_loss * 100:.1f}%, not exceeded: OK!")


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
    quantiles, bins = one_of(quantiles, bins)
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
