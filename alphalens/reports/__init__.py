"""Whole stories from stored facts: what was traded, beside what research promised."""

from alphalens._optional import require

require("sqlalchemy", extra="trading")

from alphalens.reports.equity import (  # noqa: E402 - after the guard
    equal_weight_level,
    equity_statistics,
)
from alphalens.reports.facts import RunFacts, read_run  # noqa: E402 - after the guard
from alphalens.reports.trading_page import write_trading_report  # noqa: E402 - after the guard
from alphalens.reports.trading_report import (  # noqa: E402 - after the guard
    TradingReport,
    build_trading_report,
)

__all__ = [
    "RunFacts",
    "TradingReport",
    "build_trading_report",
    "equal_weight_level",
    "equity_statistics",
    "read_run",
    "write_trading_report",
]
