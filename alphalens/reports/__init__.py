"""Whole stories from stored facts: what was traded, beside what research promised.

Names load at first use: a factor report needs no database, and what reads a journal does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alphalens._optional import on_demand

if TYPE_CHECKING:
    from alphalens.reports.equity import equal_weight_level, equity_statistics
    from alphalens.reports.facts import RunFacts, read_run
    from alphalens.reports.trading_page import write_trading_report
    from alphalens.reports.trading_report import TradingReport, build_trading_report

__all__ = [
    "RunFacts",
    "TradingReport",
    "build_trading_report",
    "equal_weight_level",
    "equity_statistics",
    "read_run",
    "write_trading_report",
]

_HOMES = {
    "equity": ("equal_weight_level", "equity_statistics"),
    "facts": ("RunFacts", "read_run"),
    "trading_page": ("write_trading_report",),
    "trading_report": ("TradingReport", "build_trading_report"),
}

__getattr__, __dir__ = on_demand(__name__, _HOMES, extra="trading")
