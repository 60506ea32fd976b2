"""The sender of alerts: from the outbox of the journal to people, beside the order path.

An alert is a record, and a row of the outbox in the same transaction. The sender reads the
outbox over a connection of its own, in a thread of its own, and never while it holds a
transaction open does it wait for anybody: a webhook that is dead or slow delays nothing but
the alerts that go to it.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from alphalens.errors import ConfigError, StorageError
from alphalens.monitoring.channels import Channel, NotDelivered, Notice
from alphalens.net import Redactor
from alphalens.storage import reading, writing
from alphalens.storage.schema import journal, outbox
from alphalens.trading.clock import Clock

__all__ = ["AlertSender", "Delivery", "Pace"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the sender looks, and how long it waits after failures.

    Attributes
    ----------
    poll_s : float
        Seconds between two looks at the outbox.
    pass_s : float
        Seconds after which one pass lets go of a channel, in the middle of its alerts.
    pause_s, longest_pause_s : float
        Seconds to wait after the first failure in a row, doubled by each further one, and at
        most.
    tries : int
        Failures of one alert after which the next one is tried before it: if that one is
        taken, the failing one is set aside and tried on its own.
    batch : int
        Most alerts read at once.

    Raises
    ------
    ConfigError
        If a number is not positive, or the pauses contradict each other.
    """

    poll_s: float = 1.0
    pass_s: float = 2.0
    pause_s: float = 1.0
    longest_pause_s: float = 60.0
    tries: int = 5
    batch: int = 100

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ConfigError(f"alerts: {name} is {getattr(self, name)}, it must be above 0")
        if self.pause_s > self.longest_pause_s:
            raise ConfigError(
                f"alerts: pause_s is {self.pause_s}, at most longest_pause_s, "
                f"{self.longest_pause_s}"
            )

    def pause_after(self, failures: int) -> float:
        """Return seconds to wait after that many failures in a row, 1 or more."""
        return min(self.longest_pause_s, self.pause_s * 2.0 ** min(failures - 1, 30))


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How one channel does.

    Attributes
    ----------
    channel : str
        Its name.
    last_seq : int
        The last alert it was given in this process.
    failures : int
        In a row, since the last alert that it took.
    problem : str
        What went wrong last; empty if the last try went well.
    set_aside : tuple of int
        Alerts it refuses while it takes others.
    """

    channel: str
    last_seq: int
    failures: int
    problem: str
    set_aside: tuple[int, ...]


class AlertSender:
    """Deliver the outbox to every channel, each alert at least once and in order.

    Parameters
    ----------
    engine : Engine
        A second engine on the journal's database, for this alone.
    channels : sequence of Channel
        An alert is delivered when all of them took it.
    clock : Clock
        Instants of deliveries, and seconds between tries.
    pace : Pace
        How fast, and how patient.
    secrets : iterable of str
        Texts that are replaced by ``***`` in what is sent.

    Raises
    ------
    ConfigError
        If there is no channel, two have one name, or the database is in memory, where there
        is no second connection.

    Notes
    -----
    What was delivered is marked in the outbox (``delivered_at``), which belongs to the sender.
    What is not marked goes out again after a restart: twice is possible, never is not. An
    alert that a channel refuses again and again while it takes the next one is set aside,
    logged, and tried on its own with growing pauses. If the next one is refused too it is the
    channel that fails, and the order is kept.
    """

    def __init__(
        self,
        engine: sa.Engine,
        channels: Sequence[Channel],
        clock: Clock,
        *,
        pace: Pace | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        names = [channel.name for channel in channels]
        if not names or len(set(names)) < len(names):
            raise ConfigError(f"alerts need channels of different names, got {names}")
        if isinstance(engine.pool, sa.pool.StaticPool):
            raise ConfigError(
                "alerts need a connection of their own: a database in memory has one only, give "
                "the journal a file"
            )
        self._engine, self._clock, self._pace = engine, clock, pace or Pace()
        self._redact = Redactor.of(secrets)
        self._lines = [_Line(channel) for channel in channels]
        self._unmarked: list[int] = []
        self._failures = 0
        self._wake, self._stop = threading.Event(), threading.Event()
        self._is_last = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    def start(self) -> None:
        """Deliver in a thread from now on; once, a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="alphalens-alerts", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Look at the outbox now; safe in every thread, and never waits."""
        self._wake.set()

    def stop(self, *, timeout_s: float = 10.0) -> None:
        """End the thread after one more pass over what waits, and close the channels.

        Parameters
        ----------
        timeout_s : float
            Longest wait for that. What was not marked goes out after the next start.
        """
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
        for line in self._lines:
            line.channel.close()

    def state(self) -> tuple[Delivery, ...]:
        """Return how each channel does."""
        return tuple(line.told() for line in self._lines)

    def deliver(self) -> float:
        """Make one pass over all channels and return the seconds until the next makes sense.

        Raises
        ------
        StorageError
            If the outbox could not be read or marked; the next pass tries again.
        """
        self._mark()
        is_cut = [self._serve(line) for line in self._lines]
        self._mark()
        return 0.0 if any(is_cut) else self._pace.poll_s

    def _run(self) -> None:
        while not self._stop.is_set():
            pause_s = self._pass()
            self._wake.wait(pause_s)
            self._wake.clear()
        self._is_last = True
        self._pass()  # the end of a run is told too

    def _pass(self) -> float:
        """Make one pass, whatever happens in it, and return the seconds until the next."""
        try:
            pause_s, self._failures = self.deliver(), 0
        except StorageError as error:
            return self._kept_back("the outbox does not answer: %s", error)
        except Exception as error:  # noqa: BLE001 - the outermost loop of its thread
            return self._kept_back("a channel failed in a way of its own: %r", error)
        return pause_s

    def _is_cut(self) -> bool:
        """Return whether a pass is to end where it is."""
        return self._stop.is_set() and not self._is_last

    def _kept_back(self, why: str, error: Exception) -> float:
        """Say once that alerts wait, and return how long to wait before the next try."""
        self._failures += 1
        if self._failures == 1:
            _log.error(f"alerts are kept back, {why}", error)
        return self._pace.pause_after(self._failures)

    def _serve(self, line: _Line) -> bool:
        """Give a channel what waits for it; return whether there was more than time."""
        began = self._clock.monotonic()
        if began < line.not_before:
            return False
        self._try_those_aside(line, began)
        suspect: Notice | None = None
        waiting = self._waiting(after=line.cursor)
        for notice in waiting:
            if self._is_cut() or self._clock.monotonic() - began >= self._pace.pass_s:
                return True
            if self._try(line, notice):
                if suspect is not None:
                    line.set_aside(suspect, self._clock.monotonic(), self._pace)
                    suspect = None
                self._take(line, notice.seq)
            elif suspect is not None or line.count(notice) < self._pace.tries:
                return False
            else:
                suspect = notice
        return len(waiting) == self._pace.batch

    def _try_those_aside(self, line: _Line, now: float) -> None:
        for seq, refused in list(line.aside.items()):
            if now >= refused.not_before and not self._is_cut():
                if self._offer(line, refused.notice):
                    del line.aside[seq]
                    self._completed(seq)
                else:
                    line.set_aside(refused.notice, self._clock.monotonic(), self._pace)

    def _try(self, line: _Line, notice: Notice) -> bool:
        if self._offer(line, notice):
            if line.failures:
                _log.info("alerts to %s go again", line.channel.name)
            line.failures, line.tried = 0, {}
            return True
        line.failures += 1
        pause_s = self._pace.pause_after(line.failures)
        line.not_before = self._clock.monotonic() + pause_s
        if line.failures == 1:
            _log.warning("alerts to %s fail: %s; trying again", line.channel.name, line.problem)
        return False

    def _offer(self, line: _Line, notice: Notice) -> bool:
        try:
            line.channel.send(notice)
        except NotDelivered as error:
            line.problem = self._redact(str(error))
            return False
        line.problem = ""
        return True

    def _take(self, line: _Line, seq: int) -> None:
        line.cursor, line.not_before = seq, 0.0
        self._completed(seq)

    def _completed(self, seq: int) -> None:
        """Note an alert that every channel has taken."""
        if all(line.has_taken(seq) for line in self._lines):
            self._unmarked.append(seq)

    def _mark(self) -> None:
        """Mark what was delivered, in one short transaction."""
        if self._unmarked:
            at = self._clock.now()
            with writing(self._engine) as connection:
                connection.execute(_MARKED, [{"key": s, "now": at} for s in self._unmarked])
            self._unmarked.clear()

    def _waiting(self, *, after: int) -> list[Notice]:
        with reading(self._engine) as connection:
            bounds = {"after": after, "most": self._pace.batch}
            rows = connection.execute(_WAITING, bounds).fetchall()
        return [self._notice(row) for row in rows]

    def _notice(self, row: sa.Row[Any]) -> Notice:
        notice = Notice(
            seq=row.seq,
            hash=row.hash,
            at=row.at,
            run_id=row.run_id,
            cycle_id=row.cycle_id,
            code=row.code,
            severity=row.severity,
            message=self._redact(row.message),
        )
        try:
            values = dict(json.loads(row.record)["values"])
        except (ValueError, KeyError, TypeError) as error:
            _log.error("alert %d has no values that can be read: %r", row.seq, error)
            return notice
        return replace(notice, values={str(k): self._redact(str(v)) for k, v in values.items()})


@dataclass(slots=True, kw_only=True)
class _Refused:
    notice: Notice
    tries: int
    not_before: float


class _Line:
    """How far one channel is: everything up to the cursor was taken, or is set aside."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.cursor = self.failures = 0
        self.not_before = 0.0
        self.problem = ""
        self.aside: dict[int, _Refused] = {}
        self.tried: dict[int, int] = {}

    def has_taken(self, seq: int) -> bool:
        return seq <= self.cursor and seq not in self.aside

    def count(self, notice: Notice) -> int:
        """Count a failure of an alert and return how many it has had in a row."""
        self.tried[notice.seq] = self.tried.get(notice.seq, 0) + 1
        return self.tried[notice.seq]

    def set_aside(self, notice: Notice, now: float, pace: Pace) -> None:
        before = self.aside.get(notice.seq)
        tries = pace.tries if before is None else before.tries + 1
        pause_s = pace.pause_after(tries)
        self.aside[notice.seq] = _Refused(notice=notice, tries=tries, not_before=now + pause_s)
        if before is None:
            _log.error(
                "alert %d (%s) is refused by %s while it takes others: the others go on, this "
                "one is tried again by itself",
                notice.seq,
                notice.code,
                self.channel.name,
            )

    def told(self) -> Delivery:
        return Delivery(
            channel=self.channel.name,
            last_seq=self.cursor,
            failures=self.failures,
            problem=self.problem,
            set_aside=tuple(sorted(self.aside)),
        )


#: Instants stay the text they are: an edited one must not keep the others back.
_WAITING = (
    sa.select(
        outbox.c.seq,
        sa.type_coerce(outbox.c.at, sa.String).label("at"),
        outbox.c.code,
        outbox.c.severity,
        outbox.c.message,
        outbox.c.record,
        journal.c.hash,
        journal.c.run_id,
        journal.c.cycle_id,
    )
    .join(journal, journal.c.seq == outbox.c.seq)
    .where(outbox.c.delivered_at.is_(None), outbox.c.seq > sa.bindparam("after"))
    .order_by(outbox.c.seq)
    .limit(sa.bindparam("most"))
)
_MARKED = (
    outbox.update()
    .where(outbox.c.seq == sa.bindparam("key"))
    .values(delivered_at=sa.bindparam("now"))
)
