"""When a call that only reads is tried again, and after how long."""

from __future__ import annotations

import random
from dataclasses import dataclass

from alphalens.errors import ConfigError

__all__ = ["RetryPolicy", "full_jitter_s"]

_READS = frozenset({"GET", "HEAD"})
_PASSING = frozenset({429, 500, 502, 503, 504})


def full_jitter_s(rng: random.Random, *, failures: int, base_s: float, cap_s: float) -> float:
    """Return seconds to wait after that many failures in a row (1 or more).

    Notes
    -----
    Uniform on ``[0, min(cap_s, base_s * 2 ** (failures - 1))]``: many clients that were cut off
    together do not come back together.
    """
    return rng.uniform(0.0, min(cap_s, base_s * 2.0 ** min(failures - 1, 60)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how fast GET and HEAD are tried again; nothing else ever is.

    Attributes
    ----------
    attempts : int
        Tries in all; 1 means none is repeated.
    base_s, cap_s : float
        The back-off's first and largest bound in seconds.

    Raises
    ------
    ConfigError
        If there is no attempt, or the bounds contradict each other.
    """

    attempts: int = 3
    base_s: float = 0.25
    cap_s: float = 5.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or not 0 < self.base_s <= self.cap_s:
            raise ConfigError(
                f"a retry policy needs attempts >= 1 and 0 < base_s <= cap_s, got "
                f"attempts={self.attempts}, base_s={self.base_s}, cap_s={self.cap_s}"
            )

    def allows(self, method: str, *, made: int) -> bool:
        """Tell whether a call of that method may be tried again after `made` tries."""
        return method in _READS and made < self.attempts

    def is_passing(self, status: int) -> bool:
        """Tell whether an answer of that status may be another one a moment later."""
        return status in _PASSING

    def delay_s(self, rng: random.Random, *, made: int, asked_s: float | None) -> float:
        """Return seconds to wait before the next try, never less than the server asked for."""
        jitter_s = full_jitter_s(rng, failures=made, base_s=self.base_s, cap_s=self.cap_s)
        return max(jitter_s, asked_s or 0.0)
