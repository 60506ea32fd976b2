"""Facts that are worth recording or telling somebody."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

__all__ = ["AlertEvent", "EventKind", "Severity"]


class EventKind(StrEnum):
    """What a journal record is about."""

    RUN_STARTED = "run_started"
    CYCLE_PLANNED = "cycle_planned"
    ORDER_REFUSED = "order_refused"
    APPROVAL_REQUESTED = "approval_requested"
    APPROVAL_GIVEN = "approval_given"
    APPROVAL_DENIED = "approval_denied"
    ORDER_INTENDED = "order_intended"
    ORDER_ANSWERED = "order_answered"
    ORDER_UNKNOWN = "order_unknown"
    ORDER_CLOSED = "order_closed"
    ORDER_ADOPTED = "order_adopted"  # an order of the venue that we did not send
    CANCEL_ASKED = "cancel_asked"
    REPLACE_ASKED = "replace_asked"
    FILL = "fill"
    FILLS_CORRECTED = "fills_corrected"  # inferred executions gave way to the true ones
    ACTIVITY = "activity"  # a dividend, a split, an expiry: the book moved without an order
    SYMBOL_FROZEN = "symbol_frozen"
    SYMBOL_CLEARED = "symbol_cleared"
    SYMBOL_CLAIMED = "symbol_claimed"  # a position that was there before us may be traded
    MARK = "mark"
    STATE_CHANGED = "state_changed"
    ALERT = "alert"
    SNAPSHOT_KEPT = "snapshot_kept"  # the writer's memory was put aside: its hash
    CYCLE_FINISHED = "cycle_finished"
    RUN_FINISHED = "run_finished"


class Severity(StrEnum):
    """How urgent an alert is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent:
    """Something a person should know.

    Attributes
    ----------
    code : str
        Stable short name, such as ``factor_drift`` or ``order_refused``.
    severity : Severity
        How urgent it is.
    message : str
        What happened, the value, the limit, what to do.
    at : datetime
        When, timezone-aware.
    values : dict of str to str
        The numbers behind the message.
    """

    code: str
    severity: Severity
    message: str
    at: datetime
    values: dict[str, str] = field(default_factory=dict)
