"""The drawings of a trading report; numbers come in, a matplotlib figure goes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from alphalens._plots.style import (
    MUTED,
    PERIODS,
    SHEET_RC,
    baseline,
    date_axis,
    dress,
    legend,
    wall_times,
)
from alphalens.reports.research import FactorQuality, FactorSide

__all__ = ["equity_figure", "exposure_figure", "ic_figure", "quantile_figure"]

_OURS, _OTHERS = PERIODS[0], MUTED
_WIDTH = 11.0
_BINS = np.linspace(-1.0, 1.0, 25)
_P = ParamSpec("_P")


def _styled(draw: Callable[_P, Figure]) -> Callable[_P, Figure]:
    """Draw in our own look, whatever the caller's settings are."""

    @wraps(draw)
    def drawn(*args: _P.args, **kwargs: _P.kwargs) -> Figure:
        with mpl.rc_context(SHEET_RC):  # type: ignore[arg-type]  # matplotlib types each key apart
            return draw(*args, **kwargs)

    return drawn


@_styled
def equity_figure(curve: pd.DataFrame) -> Figure:
    """Draw both levels from 100 on, and what each had lost since its peak.

    Parameters
    ----------
    curve : DataFrame
        See `alphalens.reports.trading_report.equity_curve`.
    """
    figure, (top, bottom) = _figure(5.6, heights=(2.3, 1.0))
    times = wall_times(curve.index)
    for column, colour, name in (("equity", _OURS, "strategy"), ("universe", _OTHERS, "universe")):
        levels = curve[column] / curve[column].iloc[0] * 100.0
        top.plot(times, levels, color=colour, label=name, linewidth=1.8)
    baseline(top, 100.0)
    dress(top, "Equity against the equal-weight universe", ylabel="start = 100")
    legend(top)
    ours = curve["strategy_drawdown"]
    bottom.fill_between(times, ours, 0.0, color=_OURS, alpha=0.35, linewidth=0)
    bottom.plot(times, ours, color=_OURS, linewidth=1.2)
    bottom.plot(times, curve["universe_drawdown"], color=_OTHERS, linewidth=1.2)
    dress(bottom, "Drawdown")
    bottom.yaxis.set_major_formatter(PercentFormatter(1.0))
    for ax in (top, bottom):
        date_axis(ax, curve.index)
    return figure


@_styled
def exposure_figure(exposure: pd.DataFrame) -> Figure:
    """Draw ``gross`` and ``net`` (columns, fractions of equity) over time."""
    figure, (ax,) = _figure(2.9)
    times = wall_times(exposure.index)
    for name, colour in (("gross", _OURS), ("net", PERIODS[1])):
        ax.plot(times, exposure[name], color=colour, label=name, linewidth=1.6)
    baseline(ax)
    dress(ax, "Exposure as a share of equity")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    legend(ax)
    date_axis(ax, exposure.index)
    return figure


@_styled
def ic_figure(research: FactorSide, live: FactorSide) -> Figure:
    """Draw how research's coefficients spread, and where the live ones fell, by horizon."""
    pairs = list(zip(research.horizons, live.horizons, strict=True))
    figure, axes = _figure(3.4, columns=len(pairs))
    for ax, (before, after) in zip(axes, pairs, strict=True):
        for quality, colour, name in ((before, _OTHERS, "research"), (after, _OURS, "traded")):
            _share_of_dates(ax, quality, colour, name)
        dress(ax, before.period, xlabel="rank IC; lines are the means")
        ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    _finish_row(figure, axes, "share of dates")
    return figure


@_styled
def quantile_figure(research: FactorSide, live: FactorSide) -> Figure:
    """Draw the mean return of each quantile less the universe's, in bps, by horizon."""
    periods = research.quantile_returns_bps.columns
    figure, axes = _figure(3.4, columns=len(periods))
    for ax, period in zip(axes, periods, strict=True):
        sides = ((research, _OTHERS, "research", -0.2), (live, _OURS, "traded", 0.2))
        for side, colour, name, shift in sides:
            means = side.quantile_returns_bps
            if period in means:
                places = means.index.to_numpy(dtype=float) + shift
                ax.bar(places, means[period], width=0.38, color=colour, label=name)
        baseline(ax)
        dress(ax, str(period), xlabel="quantile, highest score right")
    _finish_row(figure, axes, "bps less the universe")
    return figure


def _share_of_dates(ax: Axes, quality: FactorQuality, colour: str, name: str) -> None:
    values = quality.ic.dropna().to_numpy(dtype=float)
    if values.size:
        weights = np.full(values.size, 1.0 / values.size)
        ax.hist(values, bins=_BINS.tolist(), weights=weights, color=colour, alpha=0.55, label=name)
        ax.axvline(values.mean(), color=colour, linewidth=2.0)


def _finish_row(figure: Figure, axes: Sequence[Axes], ylabel: str) -> None:
    """Say once, on the outside, what all axes of a row share."""
    axes[0].set_ylabel(ylabel)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2, frameon=False)


def _figure(
    height: float, *, heights: tuple[float, ...] = (1.0,), columns: int = 1
) -> tuple[Figure, list[Axes]]:
    """Make a figure that pyplot does not know of."""
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    grid = figure.subplots(len(heights), columns, squeeze=False, height_ratios=list(heights))
    return figure, list(grid.ravel())
