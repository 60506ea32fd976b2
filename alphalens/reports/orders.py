"""What became of every order, and why: refusals, approvals, alerts, degraded answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import pandas as pd

from alphalens.execution.records import OrderRecord, Record
from alphalens.reports.facts import RunFacts
from alphalens.risk import Reason, ReasonCode
from alphalens.trading.events import EventKind
from alphalens.trading.orders import OrderStatus

__all__ = [
    "alerts_frame",
    "approvals_frame",
    "degraded_frame",
    "drift_frame",
    "orders_frame",
    "refusals_frame",
    "status_counts",
]

_ORDER_COLUMNS = (
    "at",
    "cycle_id",
    "symbol",
    "side",
    "quantity",
    "reference_price",
    "value",
    "status",
    "filled",
    "purpose",
    "rules",
    "why",
    "approved_by",
    "client_order_id",
)
_REFUSAL_COLUMNS = (
    "at",
    "symbol",
    "side",
    "quantity",
    "rule",
    "actual",
    "limit",
    "message",
    "client_order_id",
)
_APPROVAL_COLUMNS = (
    "asked_at",
    "symbol",
    "side",
    "quantity",
    "value",
    "size",
    "asked_above",
    "decision",
    "by",
    "reason",
    "answered_at",
    "expires_at",
    "client_order_id",
)
_DRIFT_COLUMNS = (
    "metric",
    "status",
    "n",
    "needed",
    "live_mean",
    "research_mean",
    "z",
    "threshold",
    "message",
)


def orders_frame(orders: Iterable[OrderRecord]) -> pd.DataFrame:
    """Return one row per order, in the order given.

    Returns
    -------
    DataFrame
        ``at`` (decided), ``cycle_id``, ``symbol``, ``side``, ``quantity``,
        ``reference_price``, ``value`` (their product), ``status``, ``filled`` (units),
        ``purpose`` (why it was wanted), ``rules`` and ``why`` (what stood in its way, as
        codes and in words; empty when nothing did), ``approved_by``, ``client_order_id``.
    """
    return pd.DataFrame([_order_row(order) for order in orders], columns=list(_ORDER_COLUMNS))


def refusals_frame(orders: Iterable[OrderRecord]) -> pd.DataFrame:
    """Return one row per violated rule of each refused order.

    Returns
    -------
    DataFrame
        ``at``, ``symbol``, ``side``, ``quantity``, ``rule``, ``actual``, ``limit`` (text, as
        the gate recorded them), ``message`` (what to do about it), ``client_order_id``.
    """
    rows = [
        [
            pd.Timestamp(order.intent.created_at),
            order.intent.symbol,
            order.intent.side.value,
            float(order.intent.quantity),
            reason.code.value,
            reason.actual,
            reason.limit,
            reason.message,
            order.client_order_id,
        ]
        for order in orders
        if order.status is OrderStatus.REFUSED
        for reason in order.reasons
    ]
    return pd.DataFrame(rows, columns=list(_REFUSAL_COLUMNS))


def approvals_frame(facts: RunFacts) -> pd.DataFrame:
    """Return one row per order that a person was asked about.

    Returns
    -------
    DataFrame
        ``asked_at``, ``symbol``, ``side``, ``quantity``, ``value``, ``size`` and
        ``asked_above`` (fractions of equity), ``decision`` (``approved``,
        ``denied``, ``waiting``, ``superseded`` by the plan of a later cycle, or
        ``expired``), ``by``, ``reason``, ``answered_at``, ``expires_at`` (of the approval; NaT
        without one), ``client_order_id``.
    """
    orders = {order.client_order_id: order for order in facts.orders}
    given = _answers(facts.of_kind(EventKind.APPROVAL_GIVEN))
    denied = _answers(facts.of_kind(EventKind.APPROVAL_DENIED))
    rows = []
    for request in facts.of_kind(EventKind.APPROVAL_REQUESTED):
        order = orders[_asked(request)]
        answer = denied.get(order.client_order_id) or given.get(order.client_order_id)
        decision = _unanswered(facts, request, order) if answer is None else _said(answer)
        rows.append(_approval_row(request, order, answer, decision))
    return pd.DataFrame(rows, columns=list(_APPROVAL_COLUMNS))


def alerts_frame(facts: RunFacts) -> pd.DataFrame:
    """Return one row per alert: ``at``, ``severity``, ``code``, ``message``."""
    rows = [
        [pd.Timestamp(alert.at), alert.severity.value, alert.code, alert.message]
        for alert in facts.alerts
    ]
    return pd.DataFrame(rows, columns=["at", "severity", "code", "message"])


def degraded_frame(facts: RunFacts) -> pd.DataFrame:
    """Return what was answered by less than the whole: ``at``, ``cycle_id``, ``what``."""
    rows = [
        [pd.Timestamp(record.at), record.cycle_id, str(entry)]
        for record in _finished(facts)
        for entry in record.payload.get("degraded", ())
    ]
    return pd.DataFrame(rows, columns=["at", "cycle_id", "what"])


def drift_frame(facts: RunFacts) -> pd.DataFrame:
    """Return what the last cycle that compared live with research found, one row per figure.

    Returns
    -------
    DataFrame
        ``metric``, ``status``, ``n``, ``needed``, ``live_mean``, ``research_mean``, ``z``,
        ``threshold`` (NaN where nothing could be said), ``message``; no row if no cycle
        compared.
    """
    compared = [r.payload["drift"] for r in _finished(facts) if r.payload.get("drift")]
    rows = [
        [
            check["metric"],
            check["status"],
            check["n"],
            check["needed"],
            _number(check["live_mean"]),
            _number(check["research"]["mean"]),
            _number(check["z"]),
            _number(check["threshold"]),
            check["message"],
        ]
        for check in (compared[-1]["checks"] if compared else ())
    ]
    return pd.DataFrame(rows, columns=list(_DRIFT_COLUMNS))


def status_counts(orders: Iterable[OrderRecord]) -> dict[str, int]:
    """Return how many orders stand at each status that occurs, in the order of a life."""
    found = [order.status for order in orders]
    return {status.value: found.count(status) for status in OrderStatus if status in found}


def _order_row(order: OrderRecord) -> list[object]:
    intent = order.intent
    return [
        pd.Timestamp(intent.created_at),
        intent.cycle_id,
        intent.symbol,
        intent.side.value,
        float(intent.quantity),
        float(intent.reference_price),
        float(intent.notional),
        order.status.value,
        float(order.filled_quantity),
        intent.reason,
        ", ".join(reason.code.value for reason in _obstacles(order)) or order.note,
        "; ".join([*(reason.message for reason in _obstacles(order)), *filter(None, [order.note])]),
        order.approved_by,
        order.client_order_id,
    ]


def _obstacles(order: OrderRecord) -> tuple[Reason, ...]:
    """Return what the gate held against an order, less what an approval has lifted."""
    lifted = {ReasonCode.NEEDS_APPROVAL} if order.approved_by and order.was_sent else set()
    return tuple(reason for reason in order.reasons if reason.code not in lifted)


def _finished(facts: RunFacts) -> tuple[Record, ...]:
    return facts.of_kind(EventKind.CYCLE_FINISHED)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _answers(records: Iterable[Record]) -> dict[str, Record]:
    return {_asked(record): record for record in records}


def _asked(record: Record) -> str:
    """Return the order that a request or an answer is about."""
    return str(record.payload.get("intent", record.payload)["client_order_id"])


def _approval_row(
    request: Record, order: OrderRecord, answer: Record | None, decision: str
) -> list[object]:
    reasons: Sequence[Mapping[str, str]] = request.payload["reasons"]
    asked = next((r for r in reasons if r["code"] == ReasonCode.NEEDS_APPROVAL), {})
    said = answer.payload if answer else {}
    expires = said.get("expires_at")
    return [
        pd.Timestamp(request.at),
        order.intent.symbol,
        order.intent.side.value,
        float(order.intent.quantity),
        float(order.intent.notional),
        float(asked.get("actual", "nan")),
        float(asked.get("limit", "nan")),
        decision,
        said.get("by", ""),
        said.get("reason", ""),
        pd.Timestamp(answer.at) if answer else pd.NaT,
        pd.Timestamp(datetime.fromisoformat(expires)) if expires else pd.NaT,
        order.client_order_id,
    ]


def _said(answer: Record) -> str:
    return "approved" if answer.kind is EventKind.APPROVAL_GIVEN else "denied"


def _unanswered(facts: RunFacts, request: Record, order: OrderRecord) -> str:
    """Tell whether a request still waits; one whose cycle is closed or overtaken does not."""
    if order.status is not OrderStatus.AWAITING:
        return "expired"
    plans = facts.of_kind(EventKind.CYCLE_PLANNED)
    is_overtaken = any(p.seq > request.seq and p.cycle_id != request.cycle_id for p in plans)
    return "superseded" if is_overtaken else "waiting"
