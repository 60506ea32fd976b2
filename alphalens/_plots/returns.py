"""What a quantile earned: bars, violins, wealth and the spread through time."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection

from alphalens import performance as perf
from alphalens import utils
from alphalens._plots import style
from alphalens._plots.style import DECIMAL_TO_BPS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas.tseries.offsets import BaseOffset

    AxesArray = NDArray[np.object_]
    Percentiles = tuple[float, float]

__all__ = [
    "plot_cumulative_returns",
    "plot_cumulative_returns_by_quantile",
    "plot_mean_quantile_returns_spread_time_series",
    "plot_quantile_returns_bar",
    "plot_quantile_returns_violin",
]


def plot_quantile_returns_bar(
    mean_ret_by_q: pd.DataFrame,
    by_group: bool = False,
    ylim_percentiles: Percentiles | None = None,
    ax: Axes | Sequence[Axes] | AxesArray | None = None,
) -> Axes | Sequence[Axes] | AxesArray:
    """Draw the mean forward return of each quantile as bars, one colour per period.

    Parameters
    ----------
    mean_ret_by_q : DataFrame, quantiles x periods
        First frame of `mean_return_by_quantile`; fractions per period. With `by_group`
        the index is (factor_quantile, group). NaN draws no bar.
    by_group : bool
        One axes per group, all with the same y limits.
    ylim_percentiles : tuple of two floats, optional
        Percentiles (0 to 100) of all values that bound the y axis; default: all bars fit.
    ax : Axes or sequence of Axes, optional
        Where to draw; with `by_group` one axes per group, in the order of the groups.

    Returns
    -------
    Axes or sequence of Axes
        `ax` if given. Otherwise the new axes; by group a flat array of two a row whose
        last one is invisible if the number of groups is odd.

    Examples
    --------
    >>> mean = pd.DataFrame({"1D": [-0.0004, 0.0001, 0.0005]}, index=[1, 2, 3])
    >>> [round(float(bar.get_height()), 1) for bar in plot_quantile_returns_bar(mean).patches]
    [-4.0, 1.0, 5.0]
    """
    bounds = _bounds(mean_ret_by_q, ylim_percentiles)
    if not by_group:
        single = style.own_axes(cast("Axes | None", ax))
        _quantile_bars(single, mean_ret_by_q, "Mean Period Wise Return By Factor Quantile", bounds)
        return single
    groups = list(mean_ret_by_q.index.get_level_values("group").unique())
    axes = ax if ax is not None else style.new_axes(len(groups), 2)
    targets = style.axes_list(axes, len(groups))
    for target, group in zip(targets, groups, strict=True):
        own = pd.DataFrame(mean_ret_by_q.xs(group, level="group"))
        _quantile_bars(target, own, str(group), bounds)
    style.share_y(targets)
    return axes


def _quantile_bars(
    ax: Axes, means: pd.DataFrame, title: str, bounds: tuple[float, float] | None
) -> None:
    """Draw the bars of one group."""
    style.grouped_bars(ax, means * DECIMAL_TO_BPS)
    style.dress(ax, title, ylabel="Mean Return (bps)")
    style.baseline(ax)
    style.legend(ax)
    if bounds is not None:
        ax.set_ylim(*bounds)


def _bounds(frame: pd.DataFrame, percentiles: Percentiles | None) -> tuple[float, float] | None:
    """Return the y limits in basis points, None to let the data decide."""
    if percentiles is None:
        return None
    return style.limits(frame.to_numpy(dtype=float) * DECIMAL_TO_BPS, percentiles)


def plot_quantile_returns_violin(
    return_by_q: pd.DataFrame,
    ylim_percentiles: Percentiles | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the distribution over dates of each quantile's forward return.

    Parameters
    ----------
    return_by_q : DataFrame, (factor_quantile, date) x periods
        Mean returns by date, fractions per period. NaN is left out.
    ylim_percentiles : tuple of two floats, optional
        Percentiles (0 to 100) of all values that bound the y axis; default: all fit.
    ax : Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    Axes
        One violin per quantile and period with its median (dot) and quartiles (bar).

    Notes
    -----
    The outline is a Gaussian kernel density with Scott's bandwidth at 64 places, cut at
    the extremes; every violin is as wide as the others. Cost O(dates) per violin.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=4, name="date")
    >>> index = pd.MultiIndex.from_product([[1, 2], dates], names=["factor_quantile", "date"])
    >>> by_date = pd.DataFrame({"1D": [1, 2, 3, 4, 2, 3, 4, 5]}, index=index) / 1e4
    >>> ax = plot_quantile_returns_violin(by_date, ylim_percentiles=(0, 100))
    >>> [round(float(limit), 6) for limit in ax.get_ylim()]
    [1.0, 5.0]
    """
    ax = style.own_axes(ax)
    scaled = return_by_q * DECIMAL_TO_BPS
    bounds = _bounds(return_by_q, ylim_percentiles)
    quantiles = list(scaled.index.get_level_values("factor_quantile").unique().sort_values())
    width = 0.8 / max(1, scaled.shape[1])
    for i, colour in enumerate(style.period_colours(scaled.shape[1])):
        column = scaled.iloc[:, i]
        samples = [_finite(column.xs(q, level="factor_quantile")) for q in quantiles]
        centres = np.arange(len(quantiles), dtype=np.float64) + (i + 0.5) * width - 0.4
        _violins(ax, samples, centres, width * 0.46, colour)
        ax.fill_between([], [], color=colour, alpha=0.75, label=str(column.name))
    ax.set_xticks(range(len(quantiles)), [str(q) for q in quantiles])
    ax.set_xlim(-0.6, len(quantiles) - 0.4)
    style.dress(ax, "Period Wise Return By Factor Quantile", ylabel="Return (bps)")
    style.baseline(ax)
    style.legend(ax)
    if bounds is not None:
        ax.set_ylim(*bounds)
    return ax


def _finite(values: pd.Series[float]) -> NDArray[np.float64]:
    """Return the finite values as an array."""
    array = np.asarray(values, dtype=np.float64)
    return array[np.isfinite(array)]


def _violins(
    ax: Axes,
    samples: list[NDArray[np.float64]],
    centres: NDArray[np.float64],
    half_width: float,
    colour: str,
) -> None:
    """Draw one violin per sample as a single collection, with quartile bars and medians."""
    drawn = [(s, c) for s, c in zip(samples, centres, strict=True) if s.size > 1 and np.ptp(s) > 0]
    outlines = []
    for sample, centre in drawn:
        places = np.linspace(sample.min(), sample.max(), 64)
        heights = style.density(sample, places)
        heights *= half_width / heights.max()
        outlines.append(
            np.column_stack(
                [
                    np.concatenate([centre - heights, (centre + heights)[::-1]]),
                    np.concatenate([places, places[::-1]]),
                ]
            )
        )
    ax.add_collection(PolyCollection(outlines, facecolor=colour, edgecolor=colour, alpha=0.75))
    filled = [(s, c) for s, c in zip(samples, centres, strict=True) if s.size]
    marks = [(float(c), *np.percentile(s, [25, 50, 75])) for s, c in filled]
    bars = [[(x, low), (x, high)] for x, low, _, high in marks]
    ax.add_collection(LineCollection(bars, color=style.INK, linewidth=3.0, alpha=0.85))
    ax.plot(
        [x for x, *_ in marks],
        [middle for _, _, middle, _ in marks],
        linestyle="none",
        marker="o",
        markersize=4.0,
        markerfacecolor=style.PAPER,
        markeredgecolor=style.INK,
    )
    ax.autoscale_view()


def plot_mean_quantile_returns_spread_time_series(
    mean_returns_spread: pd.Series[float] | pd.DataFrame,
    std_err: pd.Series[float] | pd.DataFrame | None = None,
    bandwidth: float = 1,
    ax: Axes | MutableSequence[Axes | None] | AxesArray | None = None,
) -> Axes | MutableSequence[Axes] | AxesArray | None:
    """Draw the return of the top minus the bottom quantile through time.

    Parameters
    ----------
    mean_returns_spread : Series or DataFrame by date
        First result of `compute_mean_returns_spread`, fractions per period; the name of
        the series (or column) is the period. NaN leaves a gap.
    std_err : Series or DataFrame, optional
        Its standard error, same shape; the band reaches `bandwidth` errors to each side.
    bandwidth : float
        Half width of the band in standard errors; 0 draws a band without height.
    ax : Axes or list of Axes, optional
        For a frame one per column: a list is filled in place where it holds None.

    Returns
    -------
    Axes or sequence of Axes
        One axes for a series, one per column for a frame. A series without any value
        draws nothing and gives `ax` back.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=3)
    >>> spread = pd.Series([0.001, -0.002, 0.003], index=dates, name="1D")
    >>> ax = plot_mean_quantile_returns_spread_time_series(spread, std_err=spread.abs())
    >>> ax.get_title()
    'Top Minus Bottom Quantile Mean Return (1D Period Forward Return)'
    """
    if isinstance(mean_returns_spread, pd.DataFrame):
        return _spread_frame(
            mean_returns_spread, cast("pd.DataFrame | None", std_err), bandwidth, ax
        )
    single = cast("Axes | None", ax)
    if mean_returns_spread.isna().all():
        return single
    single = style.own_axes(single)
    _spread(single, mean_returns_spread, cast("pd.Series[float] | None", std_err), bandwidth)
    return single


def _spread_frame(
    spread: pd.DataFrame,
    std_err: pd.DataFrame | None,
    bandwidth: float,
    ax: Axes | MutableSequence[Axes | None] | AxesArray | None,
) -> MutableSequence[Axes] | AxesArray:
    """Draw one axes per column of `spread`, filling `ax` in place where it holds None."""
    count = spread.shape[1]
    given = [None] * count if ax is None else [ax] if isinstance(ax, Axes) else ax
    axes = cast("MutableSequence[Axes]", given)
    missing = [i for i, own in enumerate(given[:count]) if own is None]
    style.axes_list(axes, count)
    for i, fresh in zip(missing, style.new_axes(len(missing)) if missing else (), strict=True):
        axes[i] = fresh
    for i in range(count):
        error = None if std_err is None else std_err.iloc[:, i]
        if spread.iloc[:, i].notna().any():
            _spread(axes[i], spread.iloc[:, i], error, bandwidth)
    return axes


def _spread(
    ax: Axes,
    spread: pd.Series[float],
    std_err: pd.Series[float] | None,
    bandwidth: float,
) -> None:
    """Draw one spread: the band first, then the series, then its moving average."""
    times = style.wall_times(spread.index)
    values = np.asarray(spread, dtype=np.float64) * DECIMAL_TO_BPS
    if std_err is not None:
        half = std_err.to_numpy(dtype=float) * DECIMAL_TO_BPS * bandwidth
        ax.fill_between(
            times, values - half, values + half, color=style.PERIODS[0], alpha=0.22, linewidth=0
        )
    ax.plot(
        times, values, color=style.PERIODS[0], linewidth=0.8, alpha=0.6, label="mean returns spread"
    )
    ax.plot(
        times,
        style.month_average(spread * DECIMAL_TO_BPS).to_numpy(),
        color=style.PERIODS[1],
        linewidth=1.8,
        label="1 month moving avg",
    )
    low, high = style.limits(values, (5, 95))
    reach = 1.5 * max(abs(low), abs(high))
    ax.set_ylim(-reach, reach)
    title, ylabel = _spread_words()
    style.dress(ax, f"{title} ({spread.name} Period Forward Return)", ylabel=ylabel)
    style.baseline(ax)
    style.date_axis(ax, spread.index)
    style.legend(ax)


def _spread_words() -> tuple[str, str]:
    """Return title and y label of the spread under the convention in force."""
    if utils.options.is_reloaded:
        return "Long-Short Quantile Return (100% gross)", "Long-Short Return (bps, 100% gross)"
    return "Top Minus Bottom Quantile Mean Return", "Difference In Quantile\nMean Return (bps)"


def plot_cumulative_returns(
    factor_returns: pd.Series[float],
    period: str,
    freq: BaseOffset | str | None = None,  # noqa: ARG001 - old signature; compounding is row by row
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the wealth of one unit invested in the factor portfolio.

    Parameters
    ----------
    factor_returns : Series by date
        Returns of `period`, fractions; compounded row by row, NaN as 0.
    period : str
        Length of the returns, for the title, such as ``1D``.
    freq : offset or str, optional
        Kept for old callers; the drawing does not depend on it.
    title : str, optional
        Default: "Portfolio Cumulative Return (1D Fwd Period)".
    ax : Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    Axes
        `ax.lines[0]` is the wealth.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=2)
    >>> ax = plot_cumulative_returns(pd.Series([0.10, 0.10], index=dates), "1D")
    >>> [round(float(wealth), 2) for wealth in ax.lines[0].get_ydata()]
    [1.1, 1.21]
    """
    ax = style.own_axes(ax)
    wealth = perf.cumulative_returns(factor_returns)
    values = wealth.to_numpy(dtype=float)
    times = style.wall_times(wealth.index)
    ax.plot(times, values, color=style.PERIODS[2], linewidth=1.8)
    ax.fill_between(times, 1.0, values, color=style.PERIODS[2], alpha=0.10, linewidth=0)
    style.dress(
        ax,
        title or f"Portfolio Cumulative Return ({period} Fwd Period)",
        ylabel="Cumulative Returns",
    )
    style.baseline(ax, 1.0)
    style.date_axis(ax, wealth.index)
    return ax


def plot_cumulative_returns_by_quantile(
    quantile_returns: pd.Series[float],
    period: str,
    freq: BaseOffset | str | None = None,  # noqa: ARG001 - old signature; compounding is row by row
    ax: Axes | None = None,
) -> Axes:
    """Draw the wealth of one unit invested in each quantile, on a logarithmic scale.

    Parameters
    ----------
    quantile_returns : Series by (factor_quantile, date)
        Mean returns of `period` by date, fractions; compounded row by row, NaN as 0.
    period : str
        Length of the returns, for the title, such as ``1D``.
    freq : offset or str, optional
        Kept for old callers; the drawing does not depend on it.
    ax : Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    Axes
        One line per quantile, the highest quantile first; y scale ``symlog``.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=2, name="date")
    >>> index = pd.MultiIndex.from_product([[1, 2], dates], names=["factor_quantile", "date"])
    >>> ax = plot_cumulative_returns_by_quantile(pd.Series([0.0, 0.1, 0.2, 0.2], index=index), "1D")
    >>> [line.get_label() for line in ax.lines[:2]]
    ['2', '1']
    """
    ax = style.own_axes(ax)
    levels = quantile_returns.index.get_level_values("factor_quantile").unique().sort_values()
    wealth = pd.DataFrame(
        {
            label: perf.cumulative_returns(quantile_returns.xs(label, level="factor_quantile"))
            for label in levels[::-1]
        }
    )
    times = style.wall_times(wealth.index)
    colours = style.quantile_colours(wealth.shape[1])[::-1]
    for colour, (quantile, column) in zip(colours, wealth.items(), strict=True):
        ax.plot(times, column.to_numpy(), color=colour, linewidth=1.6, label=str(quantile))
    style.dress(
        ax,
        f"Cumulative Return by Quantile ({period} Period Forward Return)",
        ylabel="Log Cumulative Returns",
    )
    _wealth_axis(ax, wealth.to_numpy(dtype=float))
    style.baseline(ax, 1.0)
    style.date_axis(ax, wealth.index)
    style.legend(ax)
    return ax


def _wealth_axis(ax: Axes, wealth: NDArray[np.float64]) -> None:
    """Make the y axis logarithmic above 0.01 and label a handful of round values."""
    ax.set_yscale("symlog", linthresh=0.01)
    finite = wealth[np.isfinite(wealth)]
    if not finite.size:
        return
    low, high = min(float(finite.min()), 1.0), max(float(finite.max()), 1.0)
    if low <= 0.0 or low == high:
        return
    margin = (high / low) ** 0.04
    low, high = low / margin, high * margin
    ax.set_ylim(low, high)
    ticks = [float(f"{tick:.2g}") for tick in np.geomspace(low, high, 8)[1:-1]]
    apart = 0.08 * np.log(high / low)
    ticks = [1.0, *(tick for tick in ticks if abs(np.log(tick)) > apart)]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
