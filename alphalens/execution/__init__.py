"""From target to fill: planner, journal, router, reconciliation, and the session over them."""

from alphalens._optional import require

require("sqlalchemy", extra="trading")

from alphalens.execution.commands import (  # noqa: E402 - after the guard
    Command,
    CommandKind,
    write_command,
)
from alphalens.execution.journal import Journal, JournalReader  # noqa: E402 - after the guard
from alphalens.execution.planner import plan_orders  # noqa: E402 - after the guard
from alphalens.execution.reconcile import Difference, reconcile  # noqa: E402 - after the guard
from alphalens.execution.records import (  # noqa: E402 - after the guard
    Mark,
    OrderRecord,
    Record,
    fill_from,
    intent_from,
)
from alphalens.execution.session import (  # noqa: E402 - after the guard
    Assessment,
    StartReport,
    TradingSession,
)

__all__ = [
    "Assessment",
    "Command",
    "CommandKind",
    "Difference",
    "Journal",
    "JournalReader",
    "Mark",
    "OrderRecord",
    "Record",
    "StartReport",
    "TradingSession",
    "fill_from",
    "intent_from",
    "plan_orders",
    "reconcile",
    "write_command",
]
