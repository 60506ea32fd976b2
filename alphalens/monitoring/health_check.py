"""Is the desk healthy: fresh data, one book with the venue, an untouched record, free to trade.

A check that could not be made is ``unknown``, never ``ok``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alphalens.errors import AuditError, BrokerError
from alphalens.execution.reconcile import Difference, reconcile
from alphalens.execution.session import TradingSession
from alphalens.risk.kill_switch import TradingState

__all__ = ["HealthCheck", "HealthReport", "Status", "check_health", "check_state", "data_age"]


class Status(StrEnum):
    """What a check says, from best to worst."""

    OK = "ok"
    WARNING = "warning"
    UNKNOWN = "unknown"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """One question and its answer.

    Attributes
    ----------
    name : str
        Stable short name.
    status : Status
        The answer.
    value, limit : str
        What was found and what would be right, as text.
    message : str
        What it means and what to do; for a person.
    """

    name: str
    status: Status
    value: str
    limit: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """All checks of one instant."""

    at: datetime
    checks: tuple[HealthCheck, ...]

    @property
    def status(self) -> Status:
        """Return the worst status of all checks; unknown if nothing was checked."""
        order = list(Status)
        return max((c.status for c in self.checks), key=order.index, default=Status.UNKNOWN)

    @property
    def problems(self) -> tuple[HealthCheck, ...]:
        """Return the checks that are not ok."""
        return tuple(check for check in self.checks if check.status is not Status.OK)


def check_health(
    session: TradingSession, *, data_at: datetime | None, now: datetime, max_data_age: timedelta
) -> HealthReport:
    """Return the health of a desk at `now`; reads, and changes nothing.

    Parameters
    ----------
    session : TradingSession
        The books, the record and the venue.
    data_at : datetime or None
        Instant of the latest price known; None if there is none.
    now : datetime
        The present, timezone-aware.
    max_data_age : timedelta
        Age of the latest price above which nothing should be decided with it.

    Returns
    -------
    HealthReport
        Checks ``data``, ``books``, ``record`` and ``state``.
    """
    checks = (
        data_age(data_at, now=now, limit=max_data_age),
        _books(session),
        _record(session),
        check_state(session.state),
    )
    return HealthReport(at=now, checks=checks)


def data_age(data_at: datetime | None, *, now: datetime, limit: timedelta) -> HealthCheck:
    """Return whether the latest price is fresh; one from the future is critical as well."""
    if data_at is None:
        return HealthCheck(
            name="data",
            status=Status.CRITICAL,
            value="none",
            limit=str(limit),
            message="no price is known: check the data source",
        )
    age = now - data_at
    late, early = age > limit, age < timedelta(0)
    message = f"the latest price is {age} old"
    if late:
        message += f", limit is {limit}: check the data source before the next decision"
    if early:
        message = f"the latest price is from {data_at}, after the present {now}: check the clocks"
    status = Status.CRITICAL if late or early else Status.OK
    return HealthCheck(
        name="data", status=status, value=str(age), limit=str(limit), message=message
    )


def _books(session: TradingSession) -> HealthCheck:
    try:
        differences = reconcile(session.broker, session.ledger)
    except BrokerError as error:
        return HealthCheck(
            name="books",
            status=Status.UNKNOWN,
            value="no answer",
            limit="0 differences",
            message=f"the venue could not be asked what it holds: {error}",
        )
    return _compared(differences)


def _compared(differences: Sequence[Difference]) -> HealthCheck:
    message = "our books and the venue's agree"
    if differences:
        found = "; ".join(difference.message for difference in differences)
        message = f"our books and the venue's differ, do not trade until it is explained: {found}"
    return HealthCheck(
        name="books",
        status=Status.CRITICAL if differences else Status.OK,
        value=f"{len(differences)} differences",
        limit="0 differences",
        message=message,
    )


def _record(session: TradingSession) -> HealthCheck:
    try:
        count = session.journal.verify_new()
    except AuditError as error:
        return HealthCheck(
            name="record",
            status=Status.CRITICAL,
            value="broken",
            limit="unbroken",
            message=f"the journal was changed after it was written: {error}",
        )
    return HealthCheck(
        name="record",
        status=Status.OK,
        value=f"{count} records",
        limit="unbroken",
        message=f"the hash chain of {count} records holds",
    )


def check_state(state: TradingState) -> HealthCheck:
    """Return whether orders may pass."""
    message = {
        TradingState.ACTIVE: "trading is active",
        TradingState.REDUCING: "only orders that reduce exposure pass: see the last state change",
        TradingState.HALTED: "trading is halted: find out why, then resume by hand",
    }[state]
    status = {
        TradingState.ACTIVE: Status.OK,
        TradingState.REDUCING: Status.WARNING,
        TradingState.HALTED: Status.CRITICAL,
    }[state]
    return HealthCheck(
        name="state", status=status, value=state, limit=TradingState.ACTIVE, message=message
    )
