"""How fast a factor changes its mind: quantile turnover and rank autocorrelation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alphalens._plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_factor_rank_auto_correlation", "plot_top_bottom_quantile_turnover"]


def plot_top_bottom_quantile_turnover(
    quantile_turnover: pd.DataFrame, period: int = 1, ax: Axes | None = None
) -> Axes:
    """Draw the turnover of the highest and the lowest quantile through time.

    Parameters
    ----------
    quantile_turnover : DataFrame, dates x quantiles
        Columns are quantile labels, any numbers; values from `quantile_turnover`, shares
        in [0, 1]. NaN leaves a gap.
    period : int
        Rows between the two memberships compared, for the title.
    ax : Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    Axes
        `lines[0]` is the top, `lines[1]` the bottom quantile; their 22-row moving averages
        follow.

    Examples
    --------
    >>> import pandas as pd
    >>> dates = pd.date_range("2024-01-01", periods=2)
    >>> turnover = pd.DataFrame({2: [0.1, 0.2], 9: [0.3, 0.4]}, index=dates)
    >>> ax = plot_top_bottom_quantile_turnover(turnover, period=5)
    >>> ax.get_title(), [float(share) for share in ax.lines[0].get_ydata()]
    ('5D Period Top and Bottom Quantile Turnover', [0.3, 0.4])
    """
    ax = style.own_axes(ax)
    times = style.wall_times(quantile_turnover.index)
    low, high = style.quantile_colours(2)
    ends = (
        (quantile_turnover.columns.max(), "top quantile turnover", high),
        (quantile_turnover.columns.min(), "bottom quantile turnover", low),
    )
    for label, text, colour in ends:
        shares = quantile_turnover[label].astype(float)
        ax.plot(times, shares.to_numpy(), color=colour, linewidth=0.7, alpha=0.4, label=text)
    for label, _, colour in ends:
        average = style.month_average(quantile_turnover[label].astype(float))
        ax.plot(times, average.to_numpy(), color=colour, linewidth=1.8)
    style.dress(
        ax,
        f"{period}D Period Top and Bottom Quantile Turnover",
        ylabel="Proportion Of Names New To Quantile",
    )
    style.date_axis(ax, quantile_turnover.index)
    style.legend(ax)
    return ax


def plot_factor_rank_auto_correlation(
    factor_autocorrelation: pd.Series[float], period: int = 1, ax: Axes | None = None
) -> Axes:
    """Draw the correlation of the factor's ranks with those `period` rows before.

    Parameters
    ----------
    factor_autocorrelation : Series by date
        Result of `factor_rank_autocorrelation`, unit-free in [-1, 1]. NaN leaves a gap.
    period : int
        Rows between the two rankings, for the title.
    ax : Axes, optional
        Where to draw; default: a new figure.

    Returns
    -------
    Axes
        `lines[0]` is the series; a text tells its mean.

    Examples
    --------
    >>> import pandas as pd
    >>> ranks = pd.Series([None, 0.9, 0.7], index=pd.date_range("2024-01-01", periods=3))
    >>> plot_factor_rank_auto_correlation(ranks).texts[0].get_text()
    'Mean 0.800'
    """
    ax = style.own_axes(ax)
    times = style.wall_times(factor_autocorrelation.index)
    values = factor_autocorrelation.to_numpy(dtype=float)
    ax.plot(times, values, color=style.PERIODS[0], linewidth=1.0)
    style.dress(
        ax, f"{period}D Period Factor Rank Autocorrelation", ylabel="Autocorrelation Coefficient"
    )
    style.baseline(ax)
    style.date_axis(ax, factor_autocorrelation.index)
    style.beside_title(ax, f"Mean {factor_autocorrelation.mean():.3f}")
    return ax
