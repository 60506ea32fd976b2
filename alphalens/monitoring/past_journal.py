"""Alerts past the journal: that the journal itself is broken, or takes nothing more.

Every other alert is a record, and goes out from the outbox. What is wrong with the record
cannot be one of its own records, so it goes to the channels at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from alphalens.errors import AuditError, ConfigError, PenHeld, StorageError
from alphalens.monitoring.channels import Channel, NotDelivered, Notice
from alphalens.net import Redactor
from alphalens.trading.clock import Clock
from alphalens.trading.codec import digest, instant
from alphalens.trading.events import AlertEvent, Severity

__all__ = ["journal_failures_told", "notice_of", "tell_past_journal"]

_log = logging.getLogger(__name__)


@contextmanager
def journal_failures_told(
    channels: Callable[[], Sequence[Channel]],
    clock: Clock,
    *,
    run_id: str,
    secrets: Iterable[str] = (),
    tries: int = 3,
    pause_s: float = 1.0,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[None]:
    """Tell of a `StorageError` that ends a ``with`` block, then let it go on.

    Parameters
    ----------
    channels : callable
        Makes the channels, which are closed again; called only when there is something to tell.
    clock : Clock
        The present.
    run_id : str
        The run that ends by it.
    secrets : iterable of str
        Texts that are replaced by ``***`` in what is sent.
    tries, pause_s, sleep : int, float, callable
        As for `tell_past_journal`.

    Raises
    ------
    StorageError
        What ended the block: told as ``audit_broken`` if the record was changed after it was
        written, and as ``journal_failed`` otherwise. Not told is a `PenHeld`: another desk is
        at work on the journal.
    """
    try:
        yield
    except PenHeld:
        raise  # the desk that holds it is well, and says so itself
    except StorageError as error:
        code = "audit_broken" if isinstance(error, AuditError) else "journal_failed"
        message = f"{error}; the desk has ended by it, and trades again once it is started"
        now, made = clock.now(), channels()
        event = AlertEvent(code=code, severity=Severity.CRITICAL, message=message, at=now)
        try:
            tell_past_journal(
                event,
                made,
                run_id=run_id,
                secrets=secrets,
                tries=tries,
                pause_s=pause_s,
                sleep=sleep,
            )
        finally:
            for channel in made:
                channel.close()
        raise


def tell_past_journal(
    event: AlertEvent,
    channels: Sequence[Channel],
    *,
    run_id: str,
    secrets: Iterable[str] = (),
    tries: int = 3,
    pause_s: float = 1.0,
    sleep: Callable[[float], object] = time.sleep,
) -> tuple[str, ...]:
    """Hand an alert to every channel now, and return the names of those that took it.

    Parameters
    ----------
    event : AlertEvent
        What to tell.
    channels : sequence of Channel
        Who is told, in this order; one that does not take it keeps it from none, and is logged.
    run_id : str
        The run it belongs to.
    secrets : iterable of str
        Texts that are replaced by ``***`` in what is sent and logged.
    tries : int
        Most tries for each channel; afterwards it is not kept.
    pause_s : float
        Seconds between two tries.
    sleep : callable
        Waits that many seconds.

    Raises
    ------
    ConfigError
        If there would be no try.
    """
    if tries < 1:
        raise ConfigError(f"an alert past the journal takes 1 try or more, got {tries}")
    redact, taken = Redactor.of(secrets), []
    notice = notice_of(event, run_id, redact)
    for channel in channels:
        problem = _problem(channel, notice, tries, lambda: sleep(pause_s))
        if problem:
            _log.error(
                "alert %s was not taken by %s: %s", event.code, channel.name, redact(problem)
            )
        else:
            taken.append(channel.name)
    return tuple(taken)


def _problem(channel: Channel, notice: Notice, tries: int, pause: Callable[[], object]) -> str:
    """Offer an alert and return why it was not taken; empty if it was."""
    problem = ""
    for number in range(tries):
        if number:
            pause()
        try:
            channel.send(notice)
        except NotDelivered as error:
            problem = str(error)
        else:
            return ""
    return problem


def notice_of(event: AlertEvent, run_id: str, redact: Redactor) -> Notice:
    """Return an alert that no record carries as channels take it, without secrets."""
    return Notice(
        seq=0,  # no record carries it
        hash=digest([run_id, event]),
        at=instant(event.at),
        run_id=run_id,
        cycle_id="",
        code=event.code,
        severity=event.severity.value,
        message=redact(event.message),
        values={name: redact(value) for name, value in event.values.items()},
    )
