"""The whole story of a run, from its journal: what was traded, beside what research promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from alphalens.execution.journal import JournalReader
from alphalens.reports.book import Accounts, book_frame, check_accounts
from alphalens.reports.costs import CostSummary, cost_summary, fills_frame
from alphalens.reports.equity import (
    EquityStatistics,
    Relative,
    daily_levels,
    drawdowns,
    equal_weight_level,
    equity_statistics,
    match_days,
    relative_statistics,
)
from alphalens.reports.facts import RunFacts, read_run
from alphalens.reports.orders import (
    alerts_frame,
    approvals_frame,
    degraded_frame,
    drift_frame,
    orders_frame,
    refusals_frame,
)
from alphalens.reports.research import FactorSide, compare_factor

__all__ = [
    "TradingReport",
    "build_trading_report",
    "equity_curve",
    "exposure_frame",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingReport:
    """Everything that a report shows, as frames and numbers.

    Attributes
    ----------
    title, source : str
        Heading, and where the prices come from.
    caveats : tuple of str
        What the data cannot show.
    facts : RunFacts
        The run as its journal tells it; the chain was verified.
    curve : DataFrame
        By day, at the instants of the marks: ``equity`` in the account's currency,
        ``universe`` (level), ``strategy_drawdown``, ``universe_drawdown`` (fractions).
    strategy, universe : EquityStatistics
        What both curves did.
    relative : Relative
        One against the other.
    exposure : DataFrame
        ``gross`` and ``net`` by mark, fractions of equity.
    book : DataFrame
        See `book_frame`.
    accounts : Accounts
        The accounting identity, proved.
    orders, refusals, approvals, fills, alerts, degraded, drift : DataFrame
        See the functions of these names with ``_frame``.
    costs : CostSummary
        Fees and slippage.
    research, live : FactorSide
        The factor as researched, and as traded.
    pending : int
        Decisions without a return yet, which `live` does not hold.
    """

    title: str
    source: str
    caveats: tuple[str, ...]
    facts: RunFacts
    curve: pd.DataFrame
    strategy: EquityStatistics
    universe: EquityStatistics
    relative: Relative
    exposure: pd.DataFrame
    book: pd.DataFrame
    accounts: Accounts
    orders: pd.DataFrame
    refusals: pd.DataFrame
    approvals: pd.DataFrame
    fills: pd.DataFrame
    alerts: pd.DataFrame
    degraded: pd.DataFrame
    drift: pd.DataFrame
    costs: CostSummary
    research: FactorSide
    live: FactorSide
    pending: int = 0

    def summary(self) -> Mapping[str, object]:
        """Return the main figures as plain JSON; a figure that is not there is its reason."""
        counts = self.orders["status"].value_counts()
        return {
            "account": self.facts.account,
            "is_live": self.facts.is_live,
            "runs": list(self.facts.run_ids),
            "from": self.facts.started_at.isoformat(),
            "to": self.facts.last_at.isoformat(),
            "journal_records": self.facts.length,
            "journal_head": self.facts.head,
            "equity": str(self.accounts.equity),
            "orders": {str(status): int(count) for status, count in sorted(counts.items())},
            "fees": str(self.costs.fees),
            "total_return": self.strategy.total_return.plain(),
            "universe_return": self.universe.total_return.plain(),
            "max_drawdown": self.strategy.max_drawdown.plain(),
            "sharpe": self.strategy.sharpe.plain(),
            "decisions": {"judged": self.live.n_dates, "without_return_yet": self.pending},
            "ic": {
                side: {quality.period: quality.ic_mean.plain() for quality in found.horizons}
                for side, found in (("research", self.research), ("live", self.live))
            },
        }


def build_trading_report(
    reader: JournalReader,
    *,
    research: pd.DataFrame,
    live: pd.DataFrame,
    pending: int = 0,
    universe: pd.Series[float] | None = None,
    caveats: tuple[str, ...] = (),
    title: str = "Trading report",
    source: str = "",
) -> TradingReport:
    """Read a run from its journal and judge it beside the research.

    Parameters
    ----------
    reader : JournalReader
        The journal. Its chain is verified first; nothing is written.
    research, live : DataFrame
        Clean factor data with the same forward returns: the whole history, and the traded
        dates with the scores that were traded.
    pending : int
        Decisions that `live` leaves out because they have no return yet.
    universe : Series, optional
        Level of the universe in equal weights at timezone-aware instants, on any positive
        scale, on every date of the run. By default from the prices of the journal's marks.
    caveats : tuple of str
        What the data cannot show; printed at the top.
    title, source : str
        Heading, and where the prices come from.

    Returns
    -------
    TradingReport
        Frames and numbers; `alphalens.reports.write_trading_report` shows them.

    Raises
    ------
    AuditError
        If the chain is broken, or cash and equity are not what fills and prices give.
    InputError
        If no run has begun, the universe lacks a date of the run, or research and live do not
        have the same forward returns.
    """
    facts = read_run(reader)
    curve = equity_curve(facts, universe)
    before, after = compare_factor(research, live)
    return TradingReport(
        title=title,
        source=source,
        caveats=caveats,
        facts=facts,
        curve=curve,
        strategy=equity_statistics(curve["equity"]),
        universe=equity_statistics(curve["universe"]),
        relative=relative_statistics(curve["equity"], curve["universe"]),
        exposure=exposure_frame(facts),
        book=book_frame(facts),
        accounts=check_accounts(facts),
        orders=orders_frame(facts.orders),
        refusals=refusals_frame(facts.orders),
        approvals=approvals_frame(facts),
        fills=fills_frame(facts),
        alerts=alerts_frame(facts),
        degraded=degraded_frame(facts),
        drift=drift_frame(facts),
        costs=cost_summary(facts),
        research=before,
        live=after,
        pending=pending,
    )


def equity_curve(facts: RunFacts, universe: pd.Series[float] | None = None) -> pd.DataFrame:
    """Return equity and universe by day, with what each had lost since its peak.

    Parameters
    ----------
    facts : RunFacts
        A run.
    universe : Series, optional
        As in `build_trading_report`.

    Returns
    -------
    DataFrame
        Index the last mark of each UTC date; ``equity``, ``universe``,
        ``strategy_drawdown``, ``universe_drawdown``. Empty before the first mark.

    Raises
    ------
    InputError
        If the universe lacks a date of the run.
    """
    index = pd.DatetimeIndex([mark.at for mark in facts.marks], tz="UTC", name="at")
    marked = pd.Series([float(mark.equity) for mark in facts.marks], index=index, dtype=float)
    equity = daily_levels(marked)
    levels = equal_weight_level(facts.prices) if universe is None else universe
    matched = match_days(levels, equity)
    return pd.DataFrame(
        {
            "equity": equity,
            "universe": matched,
            "strategy_drawdown": drawdowns(equity),
            "universe_drawdown": drawdowns(matched),
        }
    )


def exposure_frame(facts: RunFacts) -> pd.DataFrame:
    """Return ``gross`` and ``net`` exposure by mark, as fractions of equity."""
    index = pd.DatetimeIndex([mark.at for mark in facts.marks], tz="UTC", name="at")
    rows = [
        [float(mark.gross / mark.equity), float(mark.net / mark.equity)] for mark in facts.marks
    ]
    return pd.DataFrame(rows, index=index, columns=["gross", "net"], dtype=float)
