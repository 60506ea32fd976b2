"""The composition root: settings in, objects that trade out.

Nothing else builds brokers, sessions or graphs from settings. Names load at first use: a desk
starts in half the time without the graph of a paper run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphalens.runtime.desk import open_desk, open_quotes, permission_of
    from alphalens.runtime.desk_loop import DeskReport, LoopPace, run_desk
    from alphalens.runtime.health import open_health
    from alphalens.runtime.market_data import MarketData, open_market_data
    from alphalens.runtime.paper_run import PaperRun, RunPlan, Step, decision_dates

__all__ = [
    "DeskReport",
    "LoopPace",
    "MarketData",
    "PaperRun",
    "RunPlan",
    "Step",
    "decision_dates",
    "open_desk",
    "open_health",
    "open_market_data",
    "open_quotes",
    "permission_of",
    "run_desk",
]

_HOMES = {
    "DeskReport": "desk_loop",
    "LoopPace": "desk_loop",
    "MarketData": "market_data",
    "PaperRun": "paper_run",
    "RunPlan": "paper_run",
    "Step": "paper_run",
    "decision_dates": "paper_run",
    "open_desk": "desk",
    "open_health": "health",
    "open_market_data": "market_data",
    "open_quotes": "desk",
    "permission_of": "desk",
    "run_desk": "desk_loop",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
