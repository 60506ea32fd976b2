"""A circuit breaker: a server that fails again and again is left alone for a while."""

from __future__ import annotations

from enum import Enum

from alphalens.errors import ConfigError
from alphalens.net.failures import BreakerOpen
from alphalens.net.message import Priority
from alphalens.net.timing import MACHINE, Timing

__all__ = ["Breaker", "BreakerState", "Outcome"]


class BreakerState(Enum):
    """Closed: calls pass. Open: calls fail fast. Half-open: one probe is on its way."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Outcome(Enum):
    """How a call ended, as far as the health of the server goes."""

    WELL = "well"
    BADLY = "badly"
    UNTOLD = "untold"


class Breaker:
    """Counts failures in a row, opens at the limit, and lets one probe find out if it is over.

    `Priority.CANCEL` always passes: a venue that is half down may still take a cancel.

    Parameters
    ----------
    failures : int
        How many in a row open it.
    pause_s, longest_pause_s : float
        Seconds it stays open at first, and at most; each probe that fails doubles the pause.
    timing : Timing
        Monotonic clock.

    Raises
    ------
    ConfigError
        If a number is not positive or the pauses contradict each other.
    """

    def __init__(
        self,
        *,
        failures: int = 5,
        pause_s: float = 5.0,
        longest_pause_s: float = 60.0,
        timing: Timing = MACHINE,
    ) -> None:
        if failures < 1 or not 0 < pause_s <= longest_pause_s:
            raise ConfigError(
                f"a breaker needs failures >= 1 and 0 < pause_s <= longest_pause_s, got "
                f"failures={failures}, pause_s={pause_s}, longest_pause_s={longest_pause_s}"
            )
        self._limit, self._first_pause_s, self._longest_pause_s = failures, pause_s, longest_pause_s
        self._timing = timing
        self._in_a_row = 0
        self._pause_s, self._opened_at = pause_s, 0.0
        self._state = BreakerState.CLOSED

    @property
    def state(self) -> BreakerState:
        """Whether calls pass."""
        return self._state

    def check(self, priority: Priority) -> None:
        """Raise `BreakerOpen` if a call of that priority would not pass now."""
        left_s = self._opened_at + self._pause_s - self._timing.monotonic()
        if priority is Priority.CANCEL or self._state is BreakerState.CLOSED:
            return
        if self._state is BreakerState.OPEN and left_s <= 0:
            return
        when = f"in {left_s:.1f} s" if left_s > 0 else "when the probe that is on its way is back"
        raise BreakerOpen(
            f"the server failed {self._in_a_row} times in a row, the limit is {self._limit}; "
            f"not sent. The next try is {when}"
        )

    def enter(self, priority: Priority) -> bool:
        """Begin a call; every call that began is ended with `settle`.

        Returns
        -------
        bool
            True for the one call that finds out whether an open breaker may close.

        Raises
        ------
        BreakerOpen
            If the call must not be tried now.
        """
        self.check(priority)
        is_probe = self._state is BreakerState.OPEN and priority is not Priority.CANCEL
        if is_probe:
            self._state = BreakerState.HALF_OPEN
        return is_probe

    def settle(self, outcome: Outcome, *, is_probe: bool) -> None:
        """End a call; an untold outcome frees the place of a probe and changes nothing else."""
        if outcome is Outcome.WELL:
            self._close()
        elif outcome is Outcome.BADLY:
            self._note_failure(is_probe=is_probe)
        elif is_probe and self._state is BreakerState.HALF_OPEN:
            self._state = BreakerState.OPEN

    def _close(self) -> None:
        self._state, self._in_a_row, self._pause_s = BreakerState.CLOSED, 0, self._first_pause_s

    def _note_failure(self, *, is_probe: bool) -> None:
        self._in_a_row += 1
        if is_probe:
            self._pause_s = min(self._pause_s * 2, self._longest_pause_s)
            self._open()
        elif self._state is BreakerState.CLOSED and self._in_a_row >= self._limit:
            self._open()

    def _open(self) -> None:
        self._state, self._opened_at = BreakerState.OPEN, self._timing.monotonic()
