"""The limits, the one pre-trade gate, and the kill switch: pure functions."""

from alphalens.risk.kill_switch import Standing, StateEvent, TradingState, transition
from alphalens.risk.limits import RiskLimits
from alphalens.risk.validator import (
    Approval,
    BookView,
    Reason,
    ReasonCode,
    Verdict,
    book_breaches,
    validate,
)

__all__ = [
    "Approval",
    "BookView",
    "Reason",
    "ReasonCode",
    "RiskLimits",
    "Standing",
    "StateEvent",
    "TradingState",
    "Verdict",
    "book_breaches",
    "transition",
    "validate",
]
