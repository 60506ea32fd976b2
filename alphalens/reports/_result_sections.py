"""What a run came to: at a glance, its curve, the factor behind it, the book."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping

import pandas as pd

from alphalens._html import Block, Callout, Picture, Prose, Table
from alphalens.reports._words import day, spaced, when
from alphalens.reports.equity import EquityStatistics
from alphalens.reports.orders import status_counts
from alphalens.reports.research import MIN_INDEPENDENT, FactorQuality, FactorSide
from alphalens.reports.trading_report import TradingReport

__all__ = ["beside_research", "book", "curves", "glance"]


def glance(report: TradingReport) -> Iterator[Block]:
    """Say what kind of run it was, and what it came to."""
    facts = report.facts
    if facts.is_live:
        yield Callout(title="LIVE", kind="danger", text="The orders of this run moved real money.")
    else:
        yield Callout(
            title="PAPER",
            kind="warning",
            text="No order of this run reached a market. Executions are simulated from the prices "
            "named above, with costs; what the data cannot show, the result cannot show either.",
        )
    if report.caveats:
        text = "\n\n".join(report.caveats)
        yield Callout(title="What the data cannot show", kind="warning", text=text)
    yield Prose(text=_in_words(report))
    if not facts.is_finished:
        yield Callout(
            title="The run has not ended",
            kind="warning",
            text=f"The last record is of {when(facts.last_at)} UTC. Everything here is as of then.",
        )
    yield Table(frame=_statistics(report), title="Strategy and universe", formats=_STATISTICS)


def _in_words(report: TradingReport) -> str:
    facts, strategy = report.facts, report.strategy
    counts = ", ".join(
        f"{count} {status.replace('_', ' ')}"
        for status, count in status_counts(facts.orders).items()
    )
    currency = facts.currency
    return (
        f"The account opened with {facts.opening_cash:,.2f} {currency} and stood at "
        f"{report.accounts.equity:,.2f} {currency} at the last mark: "
        f"{strategy.total_return.text('+.2%')} over {strategy.n_days} daily returns, against "
        f"{report.universe.total_return.text('+.2%')} of the universe in equal weights. "
        f"Orders: {counts or 'none'}. Trading is {facts.state}."
    )


_STATISTICS: Mapping[Hashable, str] = {
    "total return": "+.2%",
    "annual return": "+.2%",
    "annual volatility": ".2%",
    "Sharpe": "+.2f",
    "std. error": ".2f",
    "max drawdown": ".2%",
}


def _statistics(report: TradingReport) -> pd.DataFrame:
    rows = {
        "strategy": _statistics_row(report.strategy),
        "universe, equal weights": _statistics_row(report.universe),
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(_STATISTICS))


def _statistics_row(found: EquityStatistics) -> list[object]:
    measures = (
        found.total_return,
        found.annual_return,
        found.annual_volatility,
        found.sharpe,
        found.sharpe_error,
        found.max_drawdown,
    )
    return [measure.plain() for measure in measures]


def curves(report: TradingReport) -> Iterator[Block]:
    """Draw equity, drawdown and exposure."""
    from alphalens.reports import _figures  # brings matplotlib, which only drawing needs

    if len(report.curve) < 2:
        yield Callout(
            title="No curve",
            text=f"n too small: the book was marked on {len(report.curve)} dates, a curve needs 2.",
        )
        return
    yield Picture(figure=_figures.equity_figure(report.curve), is_split=False)
    relative = report.relative
    yield Prose(
        text=f"Against the universe: difference of the total returns "
        f"{relative.excess_return.text('+.2%')}, beta {relative.beta.text('.2f')}, correlation of "
        f"daily returns {relative.correlation.text('.2f')}.\n\n"
        f"The Sharpe ratio is over a riskless rate of zero and has the standard error shown, on "
        f"{report.strategy.n_days} daily returns. It is not deflated: how many strategies were "
        f"tried before this one was not recorded."
    )
    yield Picture(figure=_figures.exposure_figure(report.exposure), is_split=False)


def beside_research(report: TradingReport) -> Iterator[Block]:
    """Compare what was traded with what was researched."""
    from alphalens.reports import _figures  # brings matplotlib, which only drawing needs

    research, live = report.research, report.live
    yield Prose(
        text="The same factor arithmetic on both sides: the whole history, and the dates that "
        f"were traded with the scores that were traded. Research: {_span(research)}. Traded: "
        f"{_span(live)}.{_pending(report.pending)}{_shared(research, live)}\n\n"
        "Returns whose windows overlap are not independent. The t-statistics count the "
        "independent observations, dates divided by overlap, and below "
        f"{MIN_INDEPENDENT} of them nothing is inferred: the table says so instead. Few "
        "independent observations decide little: read the traded side as a check for gross "
        "disagreement, not as proof."
    )
    yield Table(
        frame=_quality_frame(research, live),
        title="Rank information coefficient and quantile spread, by horizon",
        formats=_QUALITY,
    )
    yield Table(
        frame=_stability_frame(research, live),
        title=f"Stability of the ranks, {_apart(live.lag_days)}",
        formats=dict.fromkeys(_STABILITY, ".3f"),
    )
    if research.horizons:
        yield Picture(
            figure=_figures.ic_figure(research, live),
            caption="Rank information coefficient of each date, by horizon.",
            alt="Distribution of the rank information coefficient, research and traded",
            is_split=False,
        )
        yield Picture(
            figure=_figures.quantile_figure(research, live),
            caption="Mean return of each quantile less the universe's, by horizon.",
            alt="Mean return by quantile, research and traded",
            is_split=False,
        )
    yield from _drift(report)


def _pending(decisions: int) -> str:
    if not decisions:
        return ""
    have = "decision of the run has" if decisions == 1 else "decisions of the run have"
    return f" {decisions} {have} no return over the longest horizon yet and cannot be judged."


def _shared(research: FactorSide, live: FactorSide) -> str:
    if research.last is None or live.first is None or live.first > research.last:
        return ""
    return " The history holds the traded dates as well."


def _drift(report: TradingReport) -> Iterator[Block]:
    if report.drift.empty:
        yield Prose(text="No cycle of the run compared itself with research.")
        return
    names = {"live_mean": "traded", "research_mean": "research", "threshold": "limit of |z|"}
    yield Table(
        frame=report.drift.rename(columns=names),
        title="What the monitoring agent said in the last cycle",
        show_index=False,
    )


_QUALITY: Mapping[Hashable, str] = {
    "overlap": ".1f",
    "independent": ",.0f",
    "IC mean": "+.4f",
    "IC std": ".4f",
    "t of IC": "+.2f",
    "IC above 0": ".1%",
    "spread, bps": "+.1f",
    "t of spread": "+.2f",
}


def _quality_frame(research: FactorSide, live: FactorSide) -> pd.DataFrame:
    rows = {
        f"{found.period} {name}": _quality_row(found)
        for pair in zip(research.horizons, live.horizons, strict=True)
        for name, found in zip(("research", "traded"), pair, strict=True)
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["dates", *_QUALITY])


def _quality_row(found: FactorQuality) -> list[object]:
    measures = (
        found.ic_mean,
        found.ic_std,
        found.ic_t,
        found.hit_rate,
        found.spread_bps,
        found.spread_t,
    )
    counts = [found.n_dates, found.overlap, found.n_independent]
    return [*counts, *(measure.plain() for measure in measures)]


_STABILITY = ("rank autocorrelation", "turnover of the top quantile", "of the bottom quantile")


def _stability_frame(research: FactorSide, live: FactorSide) -> pd.DataFrame:
    rows = {
        name: [
            side.rank_autocorrelation.plain(),
            side.turnover_top.plain(),
            side.turnover_bottom.plain(),
        ]
        for name, side in (("research", research), ("traded", live))
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(_STABILITY))


def book(report: TradingReport) -> Iterator[Block]:
    """Show what is held, and that the money adds up."""
    facts, accounts = report.facts, report.accounts
    currency = facts.currency
    money = ",.2f"
    if report.book.empty:
        yield Prose(text="Nothing was ever held.")
    else:
        yield Table(
            frame=report.book.rename(columns=spaced),
            title=f"Positions at the last mark, in {currency}; closed ones last",
            formats={
                "quantity": ",.0f",
                "average price": money,
                "last price": money,
                "value": money,
                "weight": ".2%",
                "unrealised": money,
                "realised": money,
            },
        )
    if facts.fills_since_mark:
        yield Callout(
            title="Later fills",
            kind="warning",
            text=f"{facts.fills_since_mark} executions came after the last mark; the book shown "
            f"does not hold them yet.",
        )
    lines = {
        "opening cash": accounts.opening_cash,
        "+ positions brought in": accounts.brought_in,
        "+ realised": accounts.realised,
        "+ unrealised": accounts.unrealised,
        "- fees": accounts.fees,
        "+ dividends, interest, borrowing": accounts.income,
        "= equity by the fills": accounts.explained,
        "equity as recorded": accounts.equity,
        "of which cash": accounts.cash,
    }
    amounts = pd.DataFrame.from_dict(
        {name: [amount] for name, amount in lines.items()}, orient="index", columns=[currency]
    )
    yield Table(
        frame=amounts,
        title="Accounting identity, proved from the fills to the last digit",
        formats={currency: money},
    )


def _span(side: FactorSide) -> str:
    if side.first is None or side.last is None:
        return "no date"
    dates = f"{side.n_dates:,} dates from {day(side.first)} to {day(side.last)}"
    return f"{dates}, {_apart(side.spacing_days)}"


def _apart(weekdays: float) -> str:
    if math.isnan(weekdays):
        return "too few to have a distance"
    return "one weekday apart" if round(weekdays) == 1 else f"{weekdays:.0f} weekdays apart"
