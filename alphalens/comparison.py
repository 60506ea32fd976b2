"""Several factors on one panel of forward returns: cleaned, judged, compared and combined.

``clean_factors`` turns raw factors and prices into a mapping of factor_data, which
``compare_factors`` and ``create_comparison_tear_sheet`` take. The functions that look at factors
alone take them in any form: long, by date and asset; wide, dates x assets; or factor_data.
"""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import shorten
from typing import TYPE_CHECKING

import pandas as pd

from alphalens import _tables, plotting
from alphalens._comparison.cleaning import clean_factors
from alphalens._comparison.combination import Combination, combine
from alphalens._comparison.inputs import Factors, clean_frames
from alphalens._comparison.orthogonal import orthogonalise
from alphalens._comparison.report import ComparisonReport, compare_factors
from alphalens._comparison.similarity import (
    factor_correlation,
    ic_correlation,
    information_coefficients,
    redundancy,
)
from alphalens._plots import comparison as plots
from alphalens._sheets import bets_a_year, data_hash, told_bets
from alphalens._stage import Stage
from alphalens._tear_sheet import TearSheet
from alphalens._version import __version__

if TYPE_CHECKING:
    from alphalens._stats import TrialCount

__all__ = [
    "Combination",
    "ComparisonReport",
    "clean_factors",
    "combine",
    "compare_factors",
    "create_comparison_tear_sheet",
    "factor_correlation",
    "ic_correlation",
    "information_coefficients",
    "orthogonalise",
    "redundancy",
]

_SERIES, _BARS = 3.3, 3.6
_INFORMATION = {
    "ic_mean": "IC mean",
    "ic_std": "IC std.",
    "ir": "IC / std.",
    "t_naive": "t naive",
    "t": "t robust",
    "degrees": "Degrees",
    "lags": "Lags",
    "p": "p",
    "p_adjusted": "p adjusted",
}
_RETURNS = {
    "spread_bps": "Spread bps",
    "spread_t": "Spread t",
    "turnover_top": "Turn. top",
    "turnover_bottom": "Turn. low",
    "rank_autocorrelation": "Rank AC",
    "break_even_bps": "Break-even",
    "sharpe": "Sharpe",
    "deflated_sharpe": "Deflated",
}


@plotting.customize
def create_comparison_tear_sheet(
    clean: Factors,
    *,
    trials: TrialCount | None = None,
    long_short: bool = True,
    group_neutral: bool = False,
    return_fig: bool = False,
) -> TearSheet | None:
    """Show several factors side by side: tables, ICs added up, t-statistics and likeness.

    Parameters
    ----------
    clean : mapping of str to DataFrame
        factor_data of each factor with the same periods, see `clean_factors`.
    trials : TrialCount, optional
        What else was tried, see `compare_factors`.
    long_short : bool
        Judge dollar-neutral portfolios: demean returns and factor by date.
    group_neutral : bool
        Judge group-neutral portfolios: demean by date and group.
    return_fig : bool
        Return a `TearSheet` instead of printing and showing.

    Returns
    -------
    TearSheet or None

    Raises
    ------
    InputError
        If a frame is not factor_data, a period is missing in one of them, or `trials` is no
        TrialCount.

    Examples
    --------
    >>> index = pd.MultiIndex.from_product(
    ...     [pd.bdate_range("2024-01-01", periods=9), list("AB")], names=["date", "asset"]
    ... )
    >>> data = pd.DataFrame({"1D": [0.01, 0.02] * 9, "factor": [1, 2] * 9}, index=index)
    >>> data["factor_quantile"] = [1, 2] * 9
    >>> sheet = create_comparison_tear_sheet({"up": data}, return_fig=True)
    >>> round(sheet.tables["Information"].loc["up 1D", "IC mean"].item(), 6)
    1.0
    """
    frames = clean_frames(clean)
    report = compare_factors(
        frames, trials=trials, long_short=long_short, group_neutral=group_neutral
    )
    stage = Stage(keep=return_fig)
    stage.part("Factors compared")
    for title, table in _sheet_tables(frames, report).items():
        stage.table(lambda t=title, f=table: _tables.show(t, f.round(3)), {title: table})  # type: ignore[misc]  # bound now
    _draw(stage, report)
    return stage.sheet(
        "Factor comparison",
        lambda: _header(frames, report, trials, long_short=long_short, group_neutral=group_neutral),
    )


def _sheet_tables(
    frames: Mapping[str, pd.DataFrame], report: ComparisonReport
) -> dict[str, pd.DataFrame]:
    """Return the tables by title, with words for names."""
    tables = {
        "Information": _worded(report.information, _INFORMATION),
        "Returns and costs (break-even in bps of each trade)": _worded(report.returns, _RETURNS),
    }
    share = report.coverage.mean().to_frame("Coverage")
    if len(frames) > 1:
        repeated = redundancy(frames)
        share["R squared on the others"] = repeated["r_squared"]
        share["Dates"] = repeated["dates"]
    return {**tables, "Coverage and redundancy": share}


def _worded(table: pd.DataFrame, words: Mapping[str, str]) -> pd.DataFrame:
    labels = [f"{factor} {period}" for factor, period in table.index]
    return table[list(words)].rename(columns=dict(words)).set_axis(pd.Index(labels), axis=0)


def _draw(stage: Stage, report: ComparisonReport) -> None:
    """Put the pictures on one page."""
    first = next(iter(report.ic))
    likeness = min(9.0, _BARS + 0.3 * len(report.correlation))
    with stage.page([*[_SERIES] * len(report.ic), _BARS, likeness]) as grid:
        for period, ic in report.ic.items():
            plots.plot_cumulative_ics(ic, period, ax=grid.next_row())
        tstats = report.information["t"].unstack("period")  # noqa: PD010 - two levels into a table
        names, periods = list(report.correlation), list(report.ic)
        plots.plot_ic_tstats(tstats.loc[names, periods], ax=grid.next_row())
        left, right = grid.split_row(2)
        plots.plot_correlation_matrix(report.correlation, "Rank Correlation of Factors", ax=left)
        title = f"Correlation of ICs in Time ({first})"
        plots.plot_correlation_matrix(report.ic_correlation[first], title, ax=right)


def _annualised(frames: Mapping[str, pd.DataFrame]) -> str:
    """Say that ratios are per period, and what would make each of them annual."""
    by_factor: dict[str, list[str]] = {}
    for name, frame in frames.items():
        by_factor.setdefault(told_bets(bets_a_year(frame)), []).append(name)
    told = [
        bets if len(by_factor) == 1 else f"{bets} for {', '.join(names)}"
        for bets, names in by_factor.items()
    ]
    return f"nothing: returns and Sharpe ratios are per period; bets a year: {'; '.join(told)}"


def _header(
    frames: Mapping[str, pd.DataFrame],
    report: ComparisonReport,
    trials: TrialCount | None,
    **options: bool,
) -> dict[str, str]:
    """Return what a reader must know before the tables."""
    dates = report.coverage.index
    assets = {asset for frame in frames.values() for asset in frame.index.unique("asset")}
    source = "the factors at hand"
    if trials is not None and trials.n_trials >= len(frames):
        source = f"study {trials.study!r}"
    facts = {
        "Factors": f"{len(frames)}: {shorten(', '.join(frames), 110, placeholder=' ...')}",
        "Dates": f"{dates[0]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d} ({len(dates):,} dates)",
        "Assets": f"{len(assets):,}",
        "Forward periods": ", ".join(report.ic),
        "Trials counted": f"{report.n_trials} ({source})",
        "Tests counted": f"{report.n_tests} (each trial over each period)",
        "Annualised by": _annualised(frames),
        "Data hash": data_hash(frames.values()),
        "alphalens": __version__,
    }
    for what, missing in (
        ("No test of the IC", report.test_reasons),
        ("No deflated Sharpe", report.reasons),
    ):
        reasons = sorted(set(missing) - {""})
        if reasons:
            facts[what] = "; ".join(reasons)
    chosen = {name.replace("_", " ").capitalize(): value for name, value in options.items()}
    return {**facts, **{name: "yes" if value else "no" for name, value in chosen.items()}}
