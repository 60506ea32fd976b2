"""Alerts of a process that has no journal: to every channel, beside whoever tells them.

A desk writes its alerts into the journal's outbox, from where `AlertSender` takes them. A stream
of market data has no journal and waits for nobody, so its alerts wait in memory: what was not
taken when the process ends is lost, and the log says how many.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from alphalens.errors import ConfigError
from alphalens.monitoring.alerts import Pace
from alphalens.monitoring.channels import Channel, NotDelivered, Notice
from alphalens.monitoring.past_journal import notice_of
from alphalens.net import Redactor
from alphalens.trading.events import AlertEvent

__all__ = ["AlertPost"]

_log = logging.getLogger(__name__)
_PACE = Pace()
_SIZE = 1_000


class AlertPost:
    """Hands alerts to channels, each of which has a queue and a thread of its own.

    A channel that is dead or slow keeps alerts from nobody but itself. An alert that it refuses
    is offered again with growing pauses; after as many tries as the pace has, the next one is
    offered first.

    Parameters
    ----------
    channels : sequence of Channel
        Who is told; closed by this object.
    run_id : str
        What the alerts belong to.
    pace : Pace
        Its pauses and tries.
    secrets : iterable of str
        Texts that are replaced by ``***`` in what is sent.
    size : int
        Alerts that wait for one channel at most; then the oldest gives way.

    Raises
    ------
    ConfigError
        If there is no channel, or nothing may wait.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        *,
        run_id: str,
        pace: Pace = _PACE,
        secrets: Iterable[str] = (),
        size: int = _SIZE,
    ) -> None:
        if not channels or size < 1:
            raise ConfigError(
                f"alerts need a channel and room for one, got {len(channels)} channels, size {size}"
            )
        self._run_id, self._redact = run_id, Redactor.of(secrets)
        self._lanes = [_Lane(channel, pace, size, self._redact) for channel in channels]

    def __enter__(self) -> Self:
        """Deliver from now on."""
        for lane in self._lanes:
            lane.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def tell(self, event: AlertEvent) -> None:
        """Take an alert, and return at once; safe in every thread."""
        notice = notice_of(event, self._run_id, self._redact)
        for lane in self._lanes:
            lane.put(notice)

    def close(self, *, timeout_s: float = 10.0) -> None:
        """Offer once more what waits, then let go of the channels.

        Parameters
        ----------
        timeout_s : float
            Longest wait for each channel.
        """
        for lane in self._lanes:
            lane.end()
        for lane in self._lanes:
            lane.thread.join(timeout_s)
            lane.tell_of_the_rest()
            lane.channel.close()


class _Lane:
    """One channel: what waits for it, and the thread that offers it."""

    def __init__(self, channel: Channel, pace: Pace, size: int, redact: Redactor) -> None:
        self.channel, self._pace, self._redact = channel, pace, redact
        self._waiting: deque[Notice] = deque(maxlen=size)
        self._changed = threading.Condition()
        self._is_over = False
        self._dropped = self._failures = self._tries = 0
        self.thread = threading.Thread(target=self._run, name="alphalens-alert-post", daemon=True)

    def put(self, notice: Notice) -> None:
        with self._changed:
            if len(self._waiting) == self._waiting.maxlen:
                self._dropped += 1
            self._waiting.append(notice)
            self._changed.notify()

    def end(self) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify()

    def tell_of_the_rest(self) -> None:
        """Say how many alerts this channel never took."""
        with self._changed:
            lost = len(self._waiting) + self._dropped
        if lost:
            _log.error("%d alerts were not taken by %s", lost, self.channel.name)

    def _run(self) -> None:
        while True:
            notice, is_last_try = self._next()
            if notice is None:
                return
            is_taken = self._offer(notice)
            self._settle(notice, is_taken=is_taken)
            if is_last_try and not is_taken:
                return

    def _next(self) -> tuple[Notice | None, bool]:
        """Wait for an alert, after a failure for the end of the pause; None ends the thread."""
        with self._changed:
            if self._failures:
                pause_s = self._pace.pause_after(self._failures)
                self._changed.wait_for(lambda: self._is_over, pause_s)
            self._changed.wait_for(lambda: self._waiting or self._is_over)
            return (self._waiting[0] if self._waiting else None), self._is_over

    def _offer(self, notice: Notice) -> bool:
        try:
            self.channel.send(notice)
        except NotDelivered as error:
            if not self._failures:
                problem = self._redact(str(error))
                _log.warning("alerts to %s fail: %s; trying again", self.channel.name, problem)
            return False
        if self._failures:
            _log.info("alerts to %s go again", self.channel.name)
        return True

    def _settle(self, notice: Notice, *, is_taken: bool) -> None:
        with self._changed:
            self._failures = 0 if is_taken else self._failures + 1
            self._tries = 0 if is_taken else self._tries + 1
            if not self._waiting or self._waiting[0] is not notice:
                return  # it gave way to newer ones meanwhile
            if is_taken:
                self._waiting.popleft()
            elif self._tries >= self._pace.tries:
                self._waiting.rotate(-1)
                self._tries = 0
