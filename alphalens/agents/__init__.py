"""Four roles on the desk, stateless, each with a policy that needs no model."""

from alphalens._optional import require

require("sqlalchemy", extra="trading")

from alphalens.agents.approvals import (  # noqa: E402 - only after the guard has spoken
    Answer,
    ApprovalPolicy,
    ApproveUpTo,
    Question,
    RejectAll,
)
from alphalens.agents.base import (  # noqa: E402 - only after the guard has spoken
    Agent,
    Context,
    Degraded,
)
from alphalens.agents.execution_agent import (  # noqa: E402 - only after the guard has spoken
    ExecutionAgent,
    ExecutionView,
)
from alphalens.agents.monitoring_agent import (  # noqa: E402 - only after the guard has spoken
    MonitoringAgent,
    MonitoringPolicy,
    MonitoringView,
)
from alphalens.agents.records import (  # noqa: E402 - only after the guard has spoken
    journalled_decisions,
)
from alphalens.agents.risk_agent import (  # noqa: E402 - only after the guard has spoken
    RiskAgent,
    RiskPolicy,
    RiskView,
)
from alphalens.agents.strategy_agent import (  # noqa: E402 - only after the guard has spoken
    StrategyAgent,
)

__all__ = [
    "Agent",
    "Answer",
    "ApprovalPolicy",
    "ApproveUpTo",
    "Context",
    "Degraded",
    "ExecutionAgent",
    "ExecutionView",
    "MonitoringAgent",
    "MonitoringPolicy",
    "MonitoringView",
    "Question",
    "RejectAll",
    "RiskAgent",
    "RiskPolicy",
    "RiskView",
    "StrategyAgent",
    "journalled_decisions",
]
