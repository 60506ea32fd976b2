"""The rate limit of a vendor: so many requests in each minute, told in every answer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta

_WINDOW_S = 60.0


class RateLimit:
    """A fixed window by monotonic time, so that a standing virtual clock does not block it.

    `per_minute` of None counts without refusing.
    """

    def __init__(
        self, per_minute: int | None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_minute = per_minute
        self._monotonic = monotonic
        self._started = monotonic()
        self._used = 0

    def admit(self) -> bool:
        """Count one request; return whether it is within the limit."""
        if self._monotonic() - self._started >= _WINDOW_S:
            self._started, self._used = self._monotonic(), 0
        self._used += 1
        return self.per_minute is None or self._used <= self.per_minute

    def headers(self, now: datetime) -> dict[str, str]:
        """Return the headers that every answer carries; `now` is the vendor's clock."""
        limit = 200 if self.per_minute is None else self.per_minute
        left = max(_WINDOW_S - (self._monotonic() - self._started), 0.0)
        return {
            "X-Ratelimit-Limit": str(limit),
            "X-Ratelimit-Remaining": str(max(limit - self._used, 0) if self.per_minute else limit),
            "X-Ratelimit-Reset": str(math.ceil((now + timedelta(seconds=left)).timestamp())),
        }
