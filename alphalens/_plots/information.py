"""How well a factor ranks: the information coefficient through time and as a distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from alphalens._plots import style

if TYPE_CHECKING:
    from numpy.typing import NDArray

    AxesArray = NDArray[np.object_]

__all__ = [
    "plot_ic_by_group",
    "plot_ic_hist",
    "plot_ic_qq",
    "plot_ic_ts",
    "plot_monthly_ic_heatmap",
]


class Distribution(Protocol):
    """What a Q-Q plot needs from a distribution of ``scipy.stats``."""

    def fit(self, data: NDArray[np.float64]) -> tuple[float, ...]:
        """Return shape parameters, location and scale, fitted to `data`."""
        ...

    def ppf(self, q: NDArray[np.float64], *shapes: float) -> NDArray[np.float64]:
        """Return the quantile function at the probabilities `q`."""
        ...


def plot_ic_ts(
    ic: pd.DataFrame, ax: Axes | Sequence[Axes] | AxesArray | None = None
) -> Sequence[Axes] | AxesArray:
    """Draw the information coefficient through time with its 22-row moving average.

    Parameters
    ----------
    ic : DataFrame, dates x periods
        Result of `factor_information_coefficient`, unit-free in [-1, 1]. NaN leaves a gap.
    ax : sequence of Axes, optional
        One per period; default: a new figure.

    Returns
    -------
    sequence of Axes
        One per period, all with the same y limits.

    Examples
    --------
    >>> ic = pd.DataFrame({"1D": [0.1, -0.1]}, index=pd.date_range("2024-01-01", periods=2))
    >>> plot_ic_ts(ic)[0].get_title()
    '1D Period Forward Return Information Coefficient (IC)'
    """
    axes = _axes_of(ic, ax, columns=1)
    targets = style.axes_list(axes, ic.shape[1])
    times = style.wall_times(ic.index)
    for target, (period, column) in zip(targets, ic.items(), strict=True):
        target.plot(
            times, column.to_numpy(), color=style.PERIODS[0], linewidth=0.7, alpha=0.55, label="IC"
        )
        target.plot(
            times,
            style.month_average(column).to_numpy(),
            color=style.PERIODS[1],
            linewidth=1.8,
            label="1 month moving avg",
        )
        style.dress(
            target, f"{period} Period Forward Return Information Coefficient (IC)", ylabel="IC"
        )
        style.baseline(target)
        style.date_axis(target, ic.index)
        style.legend(target)
        style.note(target, _mean_and_std(column))
    style.share_y(targets)
    return axes


def _axes_of(
    ic: pd.DataFrame, ax: Axes | Sequence[Axes] | AxesArray | None, *, columns: int
) -> Sequence[Axes] | AxesArray:
    """Return `ax` as something to iterate over, or new axes for each column of `ic`."""
    if ax is None:
        return style.new_axes(ic.shape[1], columns)
    return [ax] if isinstance(ax, Axes) else ax


def _mean_and_std(values: pd.Series[float]) -> str:
    """Return the two numbers that each IC panel shows."""
    return f"Mean {values.mean():.3f} \n Std. {values.std():.3f}"


def plot_ic_hist(
    ic: pd.DataFrame, ax: Axes | Sequence[Axes] | AxesArray | None = None
) -> Sequence[Axes] | AxesArray:
    """Draw the histogram of the information coefficient of each period.

    Parameters
    ----------
    ic : DataFrame, dates x periods
        Result of `factor_information_coefficient`, unit-free in [-1, 1]. NaN is left out.
    ax : sequence of Axes, optional
        One per period; default: a new figure with three a row.

    Returns
    -------
    sequence of Axes
        A new array is flat and holds whole rows; unused axes are invisible. The heights
        of the bars are counts and sum to the number of observed ICs.

    Examples
    --------
    >>> ic = pd.DataFrame({"1D": [0.1, -0.1, 0.2, None]})
    >>> int(sum(bar.get_height() for bar in plot_ic_hist(ic)[0].patches))
    3
    """
    axes = _axes_of(ic, ax, columns=3)
    for target, (period, column) in zip(
        style.axes_list(axes, ic.shape[1]), ic.items(), strict=True
    ):
        observed = column.dropna().to_numpy(dtype=np.float64)
        _histogram(target, observed)
        style.dress(target, f"{period} Period IC", xlabel="IC", ylabel="Count")
        target.set_xlim(-1.0, 1.0)
        target.axvline(0.0, color=style.INK, linewidth=0.9, alpha=0.75)
        style.note(target, _mean_and_std(column))
    return axes


def _histogram(ax: Axes, observed: NDArray[np.float64]) -> None:
    """Draw counts of `observed`, their smooth density scaled to counts, and their mean."""
    if not observed.size:
        return
    bins = int(np.clip(2.0 * observed.size ** (1.0 / 3.0), 5, 60))
    counts, edges = np.histogram(observed, bins=bins)
    ax.bar(
        edges[:-1], counts, width=np.diff(edges), align="edge",
        color=style.PERIODS[0], alpha=0.55, edgecolor=style.PAPER, linewidth=0.6,
    )  # fmt: skip
    if observed.std() > 1e-12:
        places = np.linspace(edges[0], edges[-1], 128)
        scale = observed.size * (edges[1] - edges[0])
        ax.plot(
            places, style.density(observed, places) * scale, color=style.PERIODS[0], linewidth=1.8
        )
    ax.axvline(float(observed.mean()), color=style.PERIODS[1], linewidth=2.0, linestyle="--")


def plot_ic_qq(
    ic: pd.DataFrame,
    theoretical_dist: Distribution | None = None,
    ax: Axes | Sequence[Axes] | AxesArray | None = None,
) -> Sequence[Axes] | AxesArray:
    """Draw the quantiles of the information coefficient against a fitted distribution.

    Parameters
    ----------
    ic : DataFrame, dates x periods
        Result of `factor_information_coefficient`, unit-free in [-1, 1]. NaN is left out.
    theoretical_dist : distribution of scipy.stats, optional
        Fitted to each column by maximum likelihood; default: ``scipy.stats.norm``.
    ax : sequence of Axes, optional
        One per period; default: a new figure with three a row.

    Returns
    -------
    sequence of Axes
        `lines[0]` holds the sample points (one per observed IC, standardised by the
        fitted location and scale), `lines[1]` the diagonal. Unused axes are invisible.
        A constant or single IC has no scale and draws no points.

    Notes
    -----
    The i-th smallest of n values is drawn against the quantile at i / (n + 1), the mean
    of the i-th uniform order statistic [1]_.

    References
    ----------
    .. [1] Wilk, M. B. and Gnanadesikan, R. (1968). Probability plotting methods for the
       analysis of data. Biometrika 55(1), 1-17. doi:10.1093/biomet/55.1.1

    Examples
    --------
    >>> ic = pd.DataFrame({"1D": [0.1, -0.1, 0.2, None]})
    >>> len(plot_ic_qq(ic)[0].lines[0].get_xdata())
    3
    """
    axes = _axes_of(ic, ax, columns=3)
    distribution = theoretical_dist if theoretical_dist is not None else _Normal()
    name = _distribution_name(distribution)
    for target, (period, column) in zip(
        style.axes_list(axes, ic.shape[1]), ic.items(), strict=True
    ):
        _qq_points(target, column.dropna().to_numpy(dtype=np.float64), distribution)
        style.dress(
            target,
            f"{period} Period IC {name} Dist. Q-Q",
            xlabel=f"{name} Distribution Quantile",
            ylabel="Observed Quantile",
            grid="both",
        )
    return axes


class _Normal:
    """``scipy.stats.norm`` for this plot, without the second that its import takes."""

    name = "norm"

    def fit(self, data: NDArray[np.float64]) -> tuple[float, ...]:
        """Return the maximum-likelihood mean and deviation."""
        return float(data.mean()), float(data.std())

    def ppf(self, q: NDArray[np.float64], *_: float) -> NDArray[np.float64]:
        """Return the standard normal quantiles."""
        from scipy.special import ndtri

        return np.asarray(ndtri(q), dtype=np.float64)


def _distribution_name(distribution: Distribution) -> str:
    """Return the name shown in titles."""
    names = {"norm": "Normal", "t": "T"}
    return names.get(getattr(distribution, "name", ""), "Theoretical")


def _qq_points(ax: Axes, observed: NDArray[np.float64], distribution: Distribution) -> None:
    """Draw the standardised order statistics and the diagonal."""
    expected = sample = np.empty(0)
    if observed.size > 1 and np.ptp(observed) > 0.0:
        *shapes, location, scale = distribution.fit(observed)
        probabilities = np.arange(1, observed.size + 1) / (observed.size + 1.0)
        expected = distribution.ppf(probabilities, *shapes)
        sample = (np.sort(observed) - location) / scale
    ax.plot(
        expected, sample, linestyle="none", marker="o", markersize=3.5,
        markerfacecolor=style.PERIODS[0], markeredgecolor="none", alpha=0.6, markevery=0.003,
    )  # fmt: skip
    reach = float(max(np.abs(expected).max(), np.abs(sample).max())) * 1.05 if sample.size else 1.0
    ax.plot([-reach, reach], [-reach, reach], color=style.PERIODS[4], linewidth=1.3)
    ax.set_xlim(-reach, reach)
    ax.set_ylim(-reach, reach)


def plot_ic_by_group(ic_group: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the mean information coefficient of each group as bars, one colour per period.

    Parameters
    ----------
    ic_group : DataFrame, groups x periods
        Result of `mean_information_coefficient` with ``by_group=True``. NaN draws no bar.
    ax : Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    Axes
        Period by period one bar per group.

    Examples
    --------
    >>> ax = plot_ic_by_group(pd.DataFrame({"1D": [0.02, -0.01]}, index=["tech", "energy"]))
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['tech', 'energy']
    """
    ax = style.own_axes(ax)
    style.grouped_bars(ax, ic_group)
    style.dress(ax, "Information Coefficient By Group", ylabel="IC")
    style.baseline(ax)
    style.legend(ax)
    if len(ic_group) > 6:
        ax.tick_params(axis="x", labelrotation=45)
    return ax


def plot_monthly_ic_heatmap(
    mean_monthly_ic: pd.DataFrame, ax: Axes | Sequence[Axes] | AxesArray | None = None
) -> Sequence[Axes] | AxesArray:
    """Draw the mean information coefficient of each month, years down and months across.

    Parameters
    ----------
    mean_monthly_ic : DataFrame, month ends x periods
        Result of `mean_information_coefficient` with ``by_time="M"``. NaN stays empty.
    ax : sequence of Axes, optional
        One per period; default: a new figure with three a row.

    Returns
    -------
    sequence of Axes
        A new array is flat and holds whole rows; unused axes are invisible. The colours
        are symmetric about zero and the same for all periods.

    Examples
    --------
    >>> months = pd.date_range("2024-01-31", periods=3, freq="ME")
    >>> ic = pd.DataFrame({"1D": [0.02, -0.01, 0.03]}, index=months)
    >>> [text.get_text() for text in plot_monthly_ic_heatmap(ic)[0].texts]
    ['.02', '-.01', '.03']
    """
    axes = _axes_of(mean_monthly_ic, ax, columns=3)
    targets = style.axes_list(axes, mean_monthly_ic.shape[1])
    values = mean_monthly_ic.to_numpy(dtype=float)
    reach = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 1.0
    for target, (period, column) in zip(targets, mean_monthly_ic.items(), strict=True):
        _calendar(target, column, reach or 1.0)
        style.dress(target, f"Monthly Mean {period} Period IC", grid="")
    return axes


def _calendar(ax: Axes, monthly: pd.Series[float], reach: float) -> None:
    """Draw years x months as coloured cells with their values."""
    months = pd.DatetimeIndex(monthly.index)
    years = range(months.year.min(), months.year.max() + 1)
    place = (months.year - years[0]) * 12 + months.month - 1
    means = monthly.groupby(place.to_numpy()).mean()
    cells = np.full((len(years), 12), np.nan)
    cells.ravel()[means.index.to_numpy()] = means.to_numpy()
    ax.pcolormesh(
        np.ma.masked_invalid(cells), cmap=style.DIVERGING, vmin=-reach, vmax=reach,
        edgecolors=style.PAPER, linewidth=0.8,
    )  # fmt: skip
    _cell_values(ax, cells, reach)
    step = max(1, len(years) // 12)
    ax.set_yticks(np.arange(0, len(years), step) + 0.5, [str(year) for year in years[::step]])
    ax.set_xticks(np.arange(12) + 0.5, [str(month) for month in range(1, 13)])
    ax.tick_params(length=0)
    ax.invert_yaxis()


def _cell_values(ax: Axes, cells: NDArray[np.float64], reach: float) -> None:
    """Write the values into their cells, unless they would be too small to read."""
    box = ax.get_window_extent()
    points = 72.0 / ax.figure.dpi
    size = min(9.5, 0.36 * box.width / 12 * points, 0.62 * box.height / len(cells) * points)
    if size < 4.5:
        return
    for row, column in zip(*np.nonzero(np.isfinite(cells)), strict=True):
        value = cells[row, column]
        text = f"{abs(value):.2f}".replace("0.", ".", 1)
        sign = "-" if value < 0 and text.strip(".0") else ""
        ax.text(
            column + 0.5, row + 0.5, sign + text, ha="center", va="center", fontsize=size,
            color="#fdfdfd" if abs(value) > 0.72 * reach else "#202020",
        )  # fmt: skip
