"""The composition root: settings in, objects that trade out.

Nothing else builds brokers, sessions or graphs from settings. Names load at first use: a desk
starts in half the time without the graph of a paper run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alphalens._optional import on_demand

if TYPE_CHECKING:
    from alphalens.runtime.desk import open_desk, open_quotes, permission_of
    from alphalens.runtime.desk_loop import DeskReport, LoopPace, run_desk
    from alphalens.runtime.health import open_health
    from alphalens.runtime.market_data import MarketData, open_market_data
    from alphalens.runtime.market_stream import MarketStream, open_stream
    from alphalens.runtime.paper_run import PaperRun, RunPlan, Step, decision_dates

__all__ = [
    "DeskReport",
    "LoopPace",
    "MarketData",
    "MarketStream",
    "PaperRun",
    "RunPlan",
    "Step",
    "decision_dates",
    "open_desk",
    "open_health",
    "open_market_data",
    "open_quotes",
    "open_stream",
    "permission_of",
    "run_desk",
]

_HOMES = {
    "desk": ("open_desk", "open_quotes", "permission_of"),
    "desk_loop": ("DeskReport", "LoopPace", "run_desk"),
    "health": ("open_health",),
    "market_data": ("MarketData", "open_market_data"),
    "market_stream": ("MarketStream", "open_stream"),
    "paper_run": ("PaperRun", "RunPlan", "Step", "decision_dates"),
}

__getattr__, __dir__ = on_demand(__name__, _HOMES, extra="trading")
