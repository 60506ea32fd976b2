"""Colours, axes and small drawing steps that every figure shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from alphalens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DECIMAL_TO_BPS: Final = 10000

INK: Final = "#262626"
MUTED: Final = "#6b7280"
GRID: Final = "#e3e6ea"
PAPER: Final = "#ffffff"
PERIODS: Final = ("#3a80bb", "#e0862f", "#3f9a6b", "#8f6bbd", "#cc5a54", "#4aa3b5", "#a3835a")

# Red, grey and blue stay apart for the colour-blind, on white and on dark paper.
_LOW_TO_HIGH = LinearSegmentedColormap.from_list(
    "low_to_high", ["#cc5048", "#e0a060", "#a3a8a2", "#6fb1cf", "#2f74b5"]
)
DIVERGING: Final = LinearSegmentedColormap.from_list(
    "ic_sign", ["#b5423d", "#e9b3a4", "#f5f5f2", "#a9cadf", "#2a5d92"]
)

# Every value that a figure of ours reads, so that the caller's own style does not leak in.
SHEET_RC: Final = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#b9bec6",
    "axes.facecolor": PAPER,
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": 12.0,
    "axes.linewidth": 1.0,
    "axes.spines.bottom": True,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": 14.5,
    "figure.dpi": 100.0,
    "figure.facecolor": PAPER,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["Arial", "DejaVu Sans", "Liberation Sans", "sans-serif"],
    "font.size": 12.0,
    "grid.alpha": 1.0,
    "grid.color": GRID,
    "grid.linestyle": "-",
    "grid.linewidth": 1.0,
    "legend.fontsize": 11.5,
    "lines.linewidth": 1.5,
    "lines.solid_capstyle": "round",
    "text.color": INK,
    "xtick.bottom": True,
    "xtick.color": "#b9bec6",
    "xtick.labelcolor": INK,
    "xtick.labelsize": 11.5,
    "xtick.major.size": 4.0,
    "xtick.major.width": 1.0,
    "ytick.color": "#b9bec6",
    "ytick.labelcolor": INK,
    "ytick.labelsize": 11.5,
    "ytick.left": False,
}


def quantile_colours(count: int) -> list[str]:
    """Return `count` hex colours from the lowest (red) to the highest (blue) quantile."""
    places = np.linspace(0.0, 1.0, count) if count > 1 else np.array([1.0])
    return [to_hex(_LOW_TO_HIGH(place)) for place in places]


def period_colours(count: int) -> list[str]:
    """Return `count` hex colours for the forward periods, repeating after seven."""
    return [PERIODS[i % len(PERIODS)] for i in range(count)]


def new_axes(count: int, columns: int = 1, *, height: float = 4.6) -> NDArray[np.object_]:
    """Return a flat array of new axes, `columns` a row; those beyond `count` are invisible."""
    rows = max(1, -(-count // columns))
    figure, grid = plt.subplots(rows, columns, figsize=(14, height * rows), squeeze=False)
    figure.subplots_adjust(
        left=0.07,
        right=0.97,
        bottom=0.75 / (height * rows),
        top=1 - 0.5 / (height * rows),
        hspace=0.42,
        wspace=0.2,
    )
    axes = grid.ravel()
    for unused in axes[count:]:
        unused.set_visible(False)
    return axes


def own_axes(ax: Axes | None) -> Axes:
    """Return `ax`, or the only axes of a new figure."""
    return ax if ax is not None else axes_list(new_axes(1), 1)[0]


def axes_list(axes: Axes | Iterable[Axes], count: int) -> list[Axes]:
    """Return the first `count` of one axes, a list, a tuple or an array of them."""
    found = [axes] if isinstance(axes, Axes) else list(np.ravel(list(axes)))
    if len(found) < count:
        raise InputError(
            f"{count} axes are needed, one for each panel, and ax holds {len(found)}: "
            "give more, or leave ax out for a new figure"
        )
    return found[:count]


def dress(ax: Axes, title: str, *, ylabel: str = "", xlabel: str = "", grid: str = "y") -> None:
    """Set title, labels and grid, and pin the looks of ticks that matplotlib makes at drawing."""
    ax.set_title(title, x=0.0, loc="center", ha="left", fontweight="bold", pad=12)
    ax.set_ylabel(ylabel)
    ax.set_xlabel(xlabel)
    rc = cast("Mapping[str, Any]", mpl.rcParams)  # Any: the stub's keys are a closed Literal
    for name, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
        colour = rc[f"{name}tick.labelcolor"]
        axis.set_tick_params(
            labelsize=rc[f"{name}tick.labelsize"],
            labelcolor=rc[f"{name}tick.color"] if colour == "inherit" else colour,
            color=rc[f"{name}tick.color"],
            size=rc[f"{name}tick.major.size"],
            width=rc[f"{name}tick.major.width"],
            grid_color=rc["grid.color"],
            grid_linewidth=rc["grid.linewidth"],
            grid_linestyle=rc["grid.linestyle"],
            gridOn=grid in {name, "both"},
        )
    ax.set_axisbelow(True)


def legend(ax: Axes) -> None:
    """Put the legend on the line of the title, at the right; inside where that is too short."""
    handles, labels = ax.get_legend_handles_labels()
    if not handles:
        return
    points = 72.0 * ax.get_position().width * ax.figure.bbox.width / ax.figure.dpi
    needed = sum(6.5 * len(label) + 34.0 for label in labels) + 8.9 * len(ax.get_title()) + 14.0
    is_above = needed <= points
    box = ax.legend(
        handles,
        labels,
        loc="lower right" if is_above else "best",
        bbox_to_anchor=(1.0, 1.0) if is_above else None,
        ncols=len(handles) if is_above else 1,
        frameon=not is_above,
        framealpha=0.85,
        borderaxespad=0.3,
        columnspacing=1.2,
        handlelength=1.3,
        handletextpad=0.5,
    )
    for line in box.get_lines():
        line.set(linewidth=2.0, alpha=1.0)


def beside_title(ax: Axes, text: str) -> None:
    """Write `text` on the line of the title of `ax`, at the right."""
    ax.annotate(
        text, (1.0, 1.0), (0.0, 12.0), xycoords="axes fraction", textcoords="offset points",
        ha="right", va="baseline", fontsize=mpl.rcParams["legend.fontsize"],
    )  # fmt: skip


def note(ax: Axes, text: str) -> None:
    """Write `text` into the upper left corner of `ax`."""
    ax.text(
        0.012,
        0.965,
        text,
        transform=ax.transAxes,
        va="top",
        ha="left",
        fontsize=mpl.rcParams["legend.fontsize"],
        bbox={"facecolor": PAPER, "edgecolor": GRID, "boxstyle": "round,pad=0.35", "alpha": 0.85},
    )


def baseline(ax: Axes, level: float = 0.0) -> None:
    """Draw a thin horizontal line at `level`."""
    ax.axhline(level, color=INK, linewidth=0.9, alpha=0.75, zorder=1.5)


def wall_times(index: pd.Index) -> NDArray[np.generic]:
    """Return `index` as matplotlib draws it fastest: local wall times without a zone."""
    if isinstance(index, pd.DatetimeIndex):
        return index.tz_localize(None).to_numpy()
    return np.asarray(index)


def date_axis(ax: Axes, index: pd.Index) -> None:
    """Label the x axis with few, short dates and end it at the data."""
    if isinstance(index, pd.DatetimeIndex) and len(index):
        # matplotlib leaves its dates untyped
        locator = AutoDateLocator(minticks=4, maxticks=11)  # type: ignore[no-untyped-call]  # see above
        ax.xaxis.set_major_locator(locator)
        formatter = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]  # see above
        ax.xaxis.set_major_formatter(formatter)
        times = wall_times(index)
        if times[0] != times[-1]:
            ax.set_xlim(times[0], times[-1])


def month_average(series: pd.Series[float]) -> pd.Series[float]:
    """Return the trailing mean over 22 rows; a window with a gap gives NaN."""
    return series.rolling(window=22).mean()


def limits(values: NDArray[np.float64], percentiles: tuple[float, float]) -> tuple[float, float]:
    """Return the two percentiles of the finite `values`, widened if they are equal."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return -1.0, 1.0
    low, high = (float(x) for x in np.percentile(finite, percentiles))
    if low == high:
        pad = abs(low) * 0.05 or 1.0
        return low - pad, high + pad
    return low, high


def share_y(axes: Sequence[Axes]) -> None:
    """Give all `axes` the widest of their y limits."""
    bounds = [ax.get_ylim() for ax in axes]
    if bounds:
        low, high = min(b[0] for b in bounds), max(b[1] for b in bounds)
        for ax in axes:
            ax.set_ylim(low, high)


def grouped_bars(ax: Axes, frame: pd.DataFrame) -> None:
    """Draw one bar per row and column of `frame`, the columns of a row side by side."""
    places = np.arange(len(frame), dtype=float)
    width = 0.8 / max(1, frame.shape[1])
    colours = period_colours(frame.shape[1])
    for i, (name, column) in enumerate(frame.items()):
        ax.bar(
            places + (i + 0.5) * width - 0.4,
            column.to_numpy(dtype=float),
            width=width * 0.92,
            color=colours[i],
            edgecolor="none",
            label=str(name),
        )
    ax.set_xticks(places, [str(label) for label in frame.index])
    ax.set_xlim(-0.6, len(frame) - 0.4)


def density(values: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Gaussian kernel density of `values` (Scott's bandwidth) at `places`."""
    width = values.std(ddof=1) * values.size**-0.2
    counts, edges = np.histogram(values, bins=512)
    centres = (edges[:-1] + edges[1:]) / 2.0
    scaled = (places[:, None] - centres[None, :]) / width
    kernel: NDArray[np.float64] = np.exp(-0.5 * scaled**2)
    heights: NDArray[np.float64] = kernel @ (counts / values.size)
    heights /= width * np.sqrt(2.0 * np.pi)
    return heights
