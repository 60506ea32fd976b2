"""The limits, the one pre-trade gate, and the kill switch: pure functions."""

from alphalens.risk.book import BookView
from alphalens.risk.facts import MarketSession, SentOrder, VenueFacts, enabled_classes
from alphalens.risk.kill_switch import Standing, StateEvent, TradingState, transition
from alphalens.risk.limits import RiskLimits
from alphalens.risk.reasons import Approval, Reason, ReasonCode, Verdict
from alphalens.risk.validator import book_breaches, validate

__all__ = [
    "Approval",
    "BookView",
    "MarketSession",
    "Reason",
    "ReasonCode",
    "RiskLimits",
    "SentOrder",
    "Standing",
    "StateEvent",
    "TradingState",
    "VenueFacts",
    "Verdict",
    "book_breaches",
    "enabled_classes",
    "transition",
    "validate",
]
