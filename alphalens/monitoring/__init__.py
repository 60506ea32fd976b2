"""Is the desk healthy, and does the edge live."""

from alphalens._optional import require

require("sqlalchemy", extra="trading")

from alphalens.monitoring.drift import (  # noqa: E402 - only after the guard has spoken
    Baseline,
    DriftReport,
    check_drift,
    live_ic,
    research_baseline,
)
from alphalens.monitoring.health_check import (  # noqa: E402 - only after the guard has spoken
    HealthReport,
    check_health,
)

__all__ = [
    "Baseline",
    "DriftReport",
    "HealthReport",
    "check_drift",
    "check_health",
    "live_ic",
    "research_baseline",
]
