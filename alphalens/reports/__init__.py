"""Whole stories from stored facts: what was traded, beside what research promised.

Names load at first use: a factor report needs no database, and what reads a journal does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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
    "RunFacts": "facts",
    "TradingReport": "trading_report",
    "build_trading_report": "trading_report",
    "equal_weight_level": "equity",
    "equity_statistics": "equity",
    "read_run": "facts",
    "write_trading_report": "trading_page",
}


def __getattr__(name: str) -> object:
    # A missing database library is told by `alphalens.execution`, which those modules import.
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
