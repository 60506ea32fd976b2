"""The end of a process that trades: nothing new goes out, what is on its way is finished."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from alphalens.errors import ConfigError, InputError

__all__ = ["GracefulStop"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_BY_SIGNAL = 128  # what a shell adds to the number of the signal that ended a process


class GracefulStop:
    """Let SIGTERM and SIGINT stop the intake of orders, and end the process in time.

    After the first signal `stop` is called, and what runs inside the ``with`` block goes on to
    its end. If it has not come to it within the time, the process ends where it is, as if it
    were killed: what was sent is in the journal, without an answer, and is looked up at the
    next start. A second signal ends it at once, in the same way.

    Parameters
    ----------
    stop : callable
        `TradingSession.request_stop`, or another that is safe in a signal handler.
    within_s : float
        Seconds from the first signal to the end of the process, longer than the timeout of an
        order; less than what the system waits before it kills.
    leave : callable
        Ends the process with a status, at once.

    Attributes
    ----------
    signal : Signals or None
        The signal that came first; None while none has.

    Raises
    ------
    ConfigError
        If `within_s` is not positive.
    InputError
        At the beginning of the block, if it does not run in the main thread: signals come to
        no other.

    Examples
    --------
    >>> asked = []
    >>> with GracefulStop(lambda: asked.append("stop")) as stopping:
    ...     signal.raise_signal(signal.SIGTERM)
    >>> asked, stopping.signal.name
    (['stop'], 'SIGTERM')
    """

    def __init__(
        self,
        stop: Callable[[], object],
        *,
        within_s: float = 20.0,
        leave: Callable[[int], object] = os._exit,
    ) -> None:
        if not within_s > 0:
            raise ConfigError(f"within_s is {within_s}, it must be above 0 seconds")
        self._stop, self._within_s, self._leave = stop, within_s, leave
        self._asked, self._done = threading.Event(), threading.Event()
        self._before: dict[signal.Signals, object] = {}
        self.signal: signal.Signals | None = None

    def __enter__(self) -> Self:
        """Take the signals over."""
        if threading.current_thread() is not threading.main_thread():
            raise InputError(
                "a graceful stop needs the main thread, to which signals come: open it there"
            )
        # A thread of its own, there before the signal: the main one may be waiting for a venue.
        threading.Thread(target=self._watch, name="alphalens-stop", daemon=True).start()
        self._before = {one: signal.signal(one, self._on_signal) for one in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals back; the time no longer counts."""
        self._done.set()
        self._asked.set()
        for one, handler in self._before.items():
            signal.signal(one, handler)  # type: ignore[arg-type]  # it came from the same call

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if self.signal is not None:
            self._leave(_BY_SIGNAL + number)
            return
        self.signal = signal.Signals(number)
        self._stop()
        self._asked.set()

    def _watch(self) -> None:
        self._asked.wait()
        if not self._done.wait(self._within_s) and self.signal is not None:
            self._leave(_BY_SIGNAL + self.signal)
