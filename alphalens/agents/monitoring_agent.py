"""The watcher: is the desk healthy, does the edge live, and who has to know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from alphalens.agents.base import Context, Degraded
from alphalens.agents.records import journalled_decisions
from alphalens.data.base import DataView
from alphalens.errors import InputError
from alphalens.execution.records import OrderRecord
from alphalens.monitoring.drift import Baseline, DriftReport, DriftStatus, check_drift
from alphalens.monitoring.health_check import HealthReport, Status, check_health
from alphalens.trading.events import AlertEvent, Severity
from alphalens.trading.orders import OrderStatus
from alphalens.trading.targets import Signal, Target

__all__ = ["MonitoringAgent", "MonitoringPolicy", "MonitoringUpdate", "MonitoringView"]

_SEVERITY = {
    Status.WARNING: Severity.WARNING,
    Status.UNKNOWN: Severity.CRITICAL,
    Status.CRITICAL: Severity.CRITICAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringPolicy:
    """What the watcher goes by.

    Attributes
    ----------
    max_data_age : timedelta
        Age of the latest price above which nothing should be decided with it.
    baseline : Baseline or None
        What research found; None means that drift is not checked, and the update says so.
    min_observations : int
        Live decisions below which nothing is said about drift.
    alpha : float
        Probability of a false alarm over the whole life of the record.
    """

    max_data_age: timedelta = timedelta(days=1)
    baseline: Baseline | None = None
    min_observations: int = 12
    alpha: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringView:
    """What the watcher sees of a cycle.

    Attributes
    ----------
    data : DataView or None
        Prices as of the decision; None if none were known.
    signal : Signal or None
        Today's scores.
    target : Target or None
        Today's wanted weights.
    orders : tuple of OrderRecord
        What became of the plan.
    degraded : tuple of Degraded
        What the others could not do.
    """

    data: DataView | None
    signal: Signal | None = None
    target: Target | None = None
    orders: tuple[OrderRecord, ...] = ()
    degraded: tuple[Degraded, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringUpdate:
    """What the watcher found.

    Attributes
    ----------
    health : HealthReport
        Checks of data, books, record and state.
    drift : DriftReport or None
        Live against research; None if it was not checked.
    alerts : tuple of AlertEvent
        What a person should know, not sent yet.
    degraded : tuple of Degraded
        What could not be done.
    """

    health: HealthReport
    drift: DriftReport | None = None
    alerts: tuple[AlertEvent, ...] = ()
    degraded: tuple[Degraded, ...] = ()


class MonitoringAgent:
    """Reads the record and says what is not as it should be; it changes nothing.

    Parameters
    ----------
    policy : MonitoringPolicy
        Limits and the research baseline.
    """

    name = "monitoring"

    def __init__(self, policy: MonitoringPolicy | None = None) -> None:
        self._policy = policy or MonitoringPolicy()

    def run(self, view: MonitoringView, context: Context) -> MonitoringUpdate:
        """Return health, drift and the alerts that follow."""
        health = check_health(
            context.session,
            data_at=view.data.last_instant() if view.data else None,
            now=context.at,
            max_data_age=self._policy.max_data_age,
        )
        drift, degraded = self._drift(view, context)
        alerts = (
            *_health_alerts(health),
            *_drift_alerts(drift, context),
            *_order_alerts(view.orders, context),
            *_degraded_alerts((*view.degraded, *degraded), context),
        )
        return MonitoringUpdate(health=health, drift=drift, alerts=alerts, degraded=degraded)

    def _drift(
        self, view: MonitoringView, context: Context
    ) -> tuple[DriftReport | None, tuple[Degraded, ...]]:
        policy = self._policy
        if policy.baseline is None or view.data is None:
            return None, ()
        signals, targets = journalled_decisions(context.session.journal, before=context.cycle_id)
        signals += (view.signal,) if view.signal else ()
        targets += (view.target,) if view.target else ()
        if not signals:
            return None, ()
        try:
            report = check_drift(
                signals,
                targets,
                view.data.closes(),
                policy.baseline,
                min_observations=policy.min_observations,
                alpha=policy.alpha,
            )
        except InputError as error:
            failed = Degraded(
                agent=self.name, code="drift_unchecked", message=f"drift was not checked: {error}"
            )
            return None, (failed,)
        return report, ()


def _health_alerts(health: HealthReport) -> tuple[AlertEvent, ...]:
    return tuple(
        AlertEvent(
            code=f"health_{check.name}",
            severity=_SEVERITY[check.status],
            message=check.message,
            at=health.at,
            values={"value": check.value, "limit": check.limit},
        )
        for check in health.problems
    )


def _drift_alerts(drift: DriftReport | None, context: Context) -> tuple[AlertEvent, ...]:
    found = drift.checks if drift else ()
    return tuple(
        AlertEvent(
            code=f"drift_{check.metric}",
            severity=Severity.WARNING,
            message=check.message,
            at=context.at,
            values={"z": f"{check.z:.4f}", "limit": f"{check.threshold:.4f}", "n": str(check.n)},
        )
        for check in found
        if check.status is DriftStatus.DRIFT
    )


def _order_alerts(orders: tuple[OrderRecord, ...], context: Context) -> tuple[AlertEvent, ...]:
    told = {
        OrderStatus.REFUSED: ("order_refused", "was refused and not sent"),
        OrderStatus.AWAITING: ("order_not_approved", "had no approval and was not sent"),
    }  # the router itself tells of orders that the venue rejected or lost
    return tuple(
        _order_alert(order, *told[order.status], context)
        for order in orders
        if order.status in told
    )


def _order_alert(order: OrderRecord, code: str, what: str, context: Context) -> AlertEvent:
    intent = order.intent
    why = "; ".join(reason.message for reason in order.reasons) or order.note
    return AlertEvent(
        code=code,
        severity=Severity.WARNING,
        message=f"{intent.side} {intent.quantity} {intent.symbol} {what}: {why}",
        at=context.at,
        values={"client_order_id": order.client_order_id, "cycle_id": context.cycle_id},
    )


def _degraded_alerts(degraded: tuple[Degraded, ...], context: Context) -> tuple[AlertEvent, ...]:
    return tuple(
        AlertEvent(
            code=f"degraded_{item.code}",
            severity=Severity.WARNING,
            message=item.message,
            at=context.at,
            values={"agent": item.agent, "cycle_id": context.cycle_id},
        )
        for item in degraded
    )
