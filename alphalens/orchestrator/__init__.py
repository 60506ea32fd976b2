"""The workflow of one decision cycle, on LangGraph: durable, resumable, with a human in it."""

from alphalens._optional import require

require("langgraph", "pydantic", "sqlalchemy", extra="agents")

from alphalens.agents.approvals import (  # noqa: E402 - only after the guard has spoken
    Answer,
    ApprovalPolicy,
    ApproveUpTo,
    Question,
    RejectAll,
)
from alphalens.orchestrator.graph import (  # noqa: E402 - only after the guard has spoken
    build_graph,
    run_cycle,
)
from alphalens.orchestrator.nodes import Desk  # noqa: E402 - only after the guard has spoken
from alphalens.orchestrator.savers import (  # noqa: E402 - only after the guard has spoken
    memory_saver,
    sqlite_saver,
)
from alphalens.orchestrator.state import (  # noqa: E402 - only after the guard has spoken
    CycleResult,
    CycleState,
)

__all__ = [
    "Answer",
    "ApprovalPolicy",
    "ApproveUpTo",
    "CycleResult",
    "CycleState",
    "Desk",
    "Question",
    "RejectAll",
    "build_graph",
    "memory_saver",
    "run_cycle",
    "sqlite_saver",
]
