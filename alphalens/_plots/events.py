"""What happens around an event: average paths and the events' dates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from alphalens._plots import style
from alphalens._plots.style import DECIMAL_TO_BPS

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

    AxesArray = NDArray[np.object_]

__all__ = ["plot_events_distribution", "plot_quantile_average_cumulative_return"]


def plot_quantile_average_cumulative_return(
    avg_cumulative_returns: pd.DataFrame,
    by_quantile: bool = False,
    std_bar: bool = False,
    title: str | None = None,
    ax: Axes | Sequence[Axes] | AxesArray | None = None,
) -> Axes | Sequence[Axes] | AxesArray:
    """Draw the average path of each quantile around the date of the factor value.

    Parameters
    ----------
    avg_cumulative_returns : DataFrame, (factor_quantile, {mean, std}) x relative rows
        Result of `average_cumulative_return_by_quantile`; drawn times 10,000. NaN leaves
        a gap.
    by_quantile : bool
        One axes per quantile instead of one for all.
    std_bar : bool
        Bars of one standard deviation to each side of the mean.
    title : str, optional
        Default: "Average Cumulative Returns by Quantile".
    ax : Axes or sequence of Axes, optional
        Where to draw; with `by_quantile` one axes per quantile.

    Returns
    -------
    Axes or sequence of Axes
        `ax` if given; new axes by quantile are a flat array of two a row whose last one
        is invisible if the number of quantiles is odd.

    Examples
    --------
    >>> rows = pd.MultiIndex.from_product([[1], ["mean", "std"]], names=["factor_quantile", None])
    >>> paths = pd.DataFrame([[0.0, 0.001], [0.0, 0.002]], index=rows, columns=[0, 1])
    >>> ax = plot_quantile_average_cumulative_return(paths)
    >>> [float(value) for value in ax.lines[0].get_ydata()]
    [0.0, 10.0]
    """
    quantiles = list(avg_cumulative_returns.index.get_level_values("factor_quantile").unique())
    colours = style.quantile_colours(len(quantiles))
    if not by_quantile:
        single = style.own_axes(cast("Axes | None", ax))
        for quantile, colour in zip(quantiles, colours, strict=True):
            _path(single, avg_cumulative_returns, quantile, colour, std_bar)
        _dress_path(
            single, title or "Average Cumulative Returns by Quantile", avg_cumulative_returns
        )
        return single
    axes = ax if ax is not None else style.new_axes(len(quantiles), 2)
    targets = style.axes_list(axes, len(quantiles))
    for target, quantile, colour in zip(targets, quantiles, colours, strict=True):
        _path(target, avg_cumulative_returns, quantile, colour, std_bar)
        own = f"{title}: Quantile {quantile}" if title else f"Quantile {quantile}"
        _dress_path(target, own, avg_cumulative_returns)
    style.share_y(targets)
    return axes


def _path(ax: Axes, paths: pd.DataFrame, quantile: Hashable, colour: str, std_bar: bool) -> None:
    """Draw the mean path of one quantile, with error bars if asked."""
    own = paths.xs(quantile, level="factor_quantile")
    mean = own.loc["mean"].to_numpy(dtype=float) * DECIMAL_TO_BPS
    ax.plot(paths.columns, mean, color=colour, linewidth=1.9, label=f"Quantile {quantile}")
    if std_bar:
        std = own.loc["std"].to_numpy(dtype=float) * DECIMAL_TO_BPS
        ax.errorbar(
            paths.columns, mean, yerr=std, fmt="none", ecolor=colour, elinewidth=1.0, alpha=0.5
        )


def _dress_path(ax: Axes, title: str, paths: pd.DataFrame) -> None:
    """Set the labels and mark the event at 0."""
    style.dress(ax, title, ylabel="Mean Return (bps)", xlabel="Periods")
    low, high = ax.get_ylim()
    if low < 0.0 < high:
        style.baseline(ax)
    if 0 in paths.columns:
        ax.axvline(0, color=style.INK, linewidth=1.0, linestyle="--", alpha=0.75)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True, steps=[1, 2, 5, 10]))
    if len(ax.get_legend_handles_labels()[1]) > 1:
        style.legend(ax)


def plot_events_distribution(
    events: pd.Series[float], num_bars: int = 50, ax: Axes | None = None
) -> Axes:
    """Draw how many events fall into each of `num_bars` equal spans of time.

    Parameters
    ----------
    events : Series by (date, asset)
        Usually ``factor_data["factor"]``; a NaN is no event.
    num_bars : int
        Number of bars.
    ax : Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    Axes
        The heights of the bars sum to the number of events.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=4)
    >>> index = pd.MultiIndex.from_product([dates, ["A"]], names=["date", "asset"])
    >>> ax = plot_events_distribution(pd.Series(1.0, index=index), num_bars=2)
    >>> [int(bar.get_height()) for bar in ax.patches]
    [2, 2]
    """
    ax = style.own_axes(ax)
    dates = events.dropna().index.get_level_values("date")
    days = mdates.date2num(style.wall_times(dates))  # type: ignore[no-untyped-call]  # untyped there
    counts, edges = np.histogram(days, bins=num_bars)
    ax.bar(
        edges[:-1], counts, width=np.diff(edges) * 0.92, align="edge", color=style.PERIODS[0],
        edgecolor="none",
    )  # fmt: skip
    ax.xaxis_date()
    style.dress(ax, "Distribution of events in time", xlabel="Date", ylabel="Number of events")
    style.date_axis(ax, pd.DatetimeIndex([dates.min(), dates.max()]))
    return ax
