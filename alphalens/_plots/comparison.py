"""Several factors in one picture: their ICs added up, their t-statistics, their likeness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from alphalens._plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["plot_correlation_matrix", "plot_cumulative_ics", "plot_ic_tstats"]

_DASHES: Final = ("-", "--", ":", "-.")
_MOST_LETTERS: Final = 20
_LETTER_INCHES: Final = 0.085


def plot_cumulative_ics(ic: pd.DataFrame, period: str, ax: Axes | None = None) -> Axes:
    """Draw the information coefficients of several factors, added up through time.

    Parameters
    ----------
    ic : DataFrame, dates x factors
        Rank information coefficients. NaN adds nothing.
    period : str
        Forward period, for the title.
    ax : Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    Axes
        One line per factor; a steady slope is a steady factor.

    Examples
    --------
    >>> ic = pd.DataFrame({"a": [0.1, 0.2]}, index=pd.date_range("2024-01-01", periods=2))
    >>> plot_cumulative_ics(ic, "1D").lines[0].get_ydata().round(6).tolist()
    [0.1, 0.3]
    """
    ax = style.own_axes(ax)
    times = style.wall_times(ic.index)
    colours = style.period_colours(ic.shape[1])
    for number, (name, column) in enumerate(ic.items()):
        ax.plot(
            times, column.fillna(0.0).cumsum().to_numpy(), label=_short(name),
            color=colours[number], linewidth=1.6,
            linestyle=_DASHES[number // len(style.PERIODS) % len(_DASHES)],
        )  # fmt: skip
    style.dress(ax, f"Cumulative IC ({period} Forward Return)", ylabel="Sum of IC")
    style.baseline(ax)
    style.date_axis(ax, ic.index)
    style.legend(ax)
    return ax


def plot_ic_tstats(tstats: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the t-statistic of each factor's mean IC as bars, one colour per period.

    Parameters
    ----------
    tstats : DataFrame, factors x periods
        NaN draws no bar.
    ax : Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    Axes
        Dashed lines mark two standard errors, which one of twenty useless factors passes.

    Examples
    --------
    >>> ax = plot_ic_tstats(pd.DataFrame({"1D": [3.0, -1.0]}, index=["value", "size"]))
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['value', 'size']
    """
    ax = style.own_axes(ax)
    style.grouped_bars(ax, tstats.set_axis([_short(name) for name in tstats.index], axis=0))
    for level in (-2.0, 2.0):
        ax.axhline(level, color=style.MUTED, linewidth=1.0, linestyle="--", zorder=1.4)
    style.dress(ax, "t-Statistic of the Mean IC (Newey-West)", ylabel="t")
    style.baseline(ax)
    style.legend(ax)
    if len(tstats) > 8:
        ax.tick_params(axis="x", labelrotation=45)
    return ax


def plot_correlation_matrix(matrix: pd.DataFrame, title: str, ax: Axes | None = None) -> Axes:
    """Draw correlations as coloured cells with their values.

    Parameters
    ----------
    matrix : DataFrame, factors x factors
        In [-1, 1]. NaN stays empty.
    title : str
        Title.
    ax : Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    Axes
        The colours run from -1 to 1.

    Examples
    --------
    >>> matrix = pd.DataFrame([[1.0, -0.25], [-0.25, 1.0]], index=["a", "b"], columns=["a", "b"])
    >>> [text.get_text() for text in plot_correlation_matrix(matrix, "Likeness").texts]
    ['1.00', '-0.25', '-0.25', '1.00']
    """
    ax = style.own_axes(ax)
    cells = matrix.to_numpy(dtype=float)
    _make_room(ax, matrix.columns)
    ax.pcolormesh(
        np.ma.masked_invalid(cells), cmap=style.DIVERGING, vmin=-1.0, vmax=1.0,
        edgecolors=style.PAPER, linewidth=0.8,
    )  # fmt: skip
    _cell_values(ax, cells)
    places = np.arange(len(matrix)) + 0.5
    style.dress(ax, title, grid="")
    ax.set_xticks(places, [_short(name) for name in matrix.columns], rotation=40, ha="right")
    ax.set_yticks(places, [_short(name) for name in matrix.index])
    ax.tick_params(length=0, labelsize=10.0)
    ax.invert_yaxis()
    return ax


def _make_room(ax: Axes, names: pd.Index) -> None:
    """Shrink `ax` so that long names stand inside the page, left of it and aslant below it."""
    longest = _LETTER_INCHES * max((len(_short(name)) for name in names), default=0)
    width, height = ax.figure.get_figwidth(), ax.figure.get_figheight()  # type: ignore[union-attr]  # a sub-figure has both too
    left, below = max(longest - 0.8, 0.0) / width, max(0.65 * longest - 0.4, 0.0) / height
    box = ax.get_position()
    ax.set_position((box.x0 + left, box.y0 + below, box.width - left, box.height - below))


def _cell_values(ax: Axes, cells: NDArray[np.float64]) -> None:
    """Write the values into their cells, unless they would be too small to read."""
    box = ax.get_window_extent()
    points = 72.0 / ax.figure.dpi
    across, down = box.width / cells.shape[1], box.height / cells.shape[0]
    size = min(11.0, 0.28 * across * points, 0.6 * down * points)
    if size < 4.5:
        return
    for row, column in zip(*np.nonzero(np.isfinite(cells)), strict=True):
        value = cells[row, column]
        text = f"{value:.2f}".replace("-0.00", "0.00")
        ax.text(
            column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=size,
            color="#fdfdfd" if abs(value) > 0.72 else "#202020",
        )  # fmt: skip


def _short(name: object) -> str:
    """Return a name that fits beside a picture."""
    text = str(name)
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"
