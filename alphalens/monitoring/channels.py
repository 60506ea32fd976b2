"""Alerts on their way, and the ways to reach people; the log is one of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from alphalens.errors import OperatorError
from alphalens.trading.events import Severity

__all__ = ["Channel", "LogChannel", "NotDelivered", "Notice"]


class NotDelivered(OperatorError):
    """A channel did not take an alert; it is tried again."""

    retryable = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An alert on its way.

    Attributes
    ----------
    seq : int
        Number of its journal record: the same in every try, so that a receiver can tell one
        that it had already. 0 if no record carries it, because the journal cannot.
    hash : str
        Hash of that record, which tells the alerts of two journals apart; without a record, of
        the alert itself.
    at : str
        When, as UTC text.
    run_id, cycle_id : str
        The run, and the decision cycle it belongs to, empty if to none.
    code, severity, message : str
        See `alphalens.trading.events.AlertEvent`.
    values : Mapping of str to str
        The numbers behind the message.
    """

    seq: int
    hash: str
    at: str
    run_id: str
    cycle_id: str
    code: str
    severity: str
    message: str
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return what a receiver knows it again by: the number of its record, or its hash."""
        return str(self.seq) if self.seq else self.hash


class Channel(Protocol):
    """A way to reach people."""

    name: str

    def send(self, notice: Notice) -> None:
        """Hand an alert over, within a bounded time; raise `NotDelivered` if it was not taken."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class LogChannel:
    """Alerts as lines of the log, at the level of their severity.

    Parameters
    ----------
    logger : Logger, optional
        By default ``alphalens.alerts``.
    """

    name = "log"

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger("alphalens.alerts")

    def send(self, notice: Notice) -> None:
        """Write one line; handlers that fail are the business of `logging`."""
        self._logger.log(
            _LEVELS.get(notice.severity, logging.ERROR),
            "alert %d %s: %s",
            notice.seq,
            notice.code,
            " ".join(notice.message.splitlines()),  # one alert, one line
        )

    def close(self) -> None:
        """Hold nothing."""


_LEVELS: Mapping[str, int] = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.CRITICAL: logging.CRITICAL,
}
