"""What a test may do to any loopback vendor: faults, delays, time, and a look at the requests.

Every public method takes and returns JSON types (instants also as datetime), so that the same
names work inside the process and over ``/_control``.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from .clock import VenueClock, parse_instant
from .faults import Fault, FaultBox
from .wire import Wire


class Control:
    """The hand on a vendor; each vendor adds its data to it.

    Parameters
    ----------
    faults, clock, lock
        Those of the vendor; the lock is held while its data are read or changed.
    """

    def __init__(self, faults: FaultBox, clock: VenueClock, lock: threading.RLock) -> None:
        self._faults = faults
        self._clock = clock
        self._lock = lock
        self._wire: Wire | None = None

    def attach(self, wire: Wire) -> None:
        """Take the wire that the vendor is served on."""
        self._wire = wire

    def _served(self) -> Wire:
        if self._wire is None:
            raise RuntimeError("the vendor is not served: build its server first")
        return self._wire

    def arm(self, kind: str, **fields: Any) -> None:
        """Arm a fault: a kind of `faults.KINDS`, and fields of `faults.Fault`."""
        self._faults.arm(Fault(kind=kind, **fields))

    def disarm(self) -> None:
        """Take back every fault."""
        self._faults.clear()

    def armed(self) -> list[dict[str, Any]]:
        """Return the faults that are still to come."""
        return self._faults.armed()

    def set_latency(self, seconds: float) -> None:
        """Let every answer wait so long, each on its own."""
        self._served().latency = seconds

    def requests(self, path: str = "*") -> list[dict[str, Any]]:
        """Return the requests whose path matches a glob, oldest first.

        Each has `method host path query headers fault status`.
        """
        return [r for r in list(self._served().requests) if fnmatchcase(r["path"], path)]

    def forget_requests(self) -> None:
        """Empty the log of requests."""
        self._served().requests.clear()

    def now(self) -> str:
        """Return the vendor's present instant."""
        return self._clock.now().isoformat()

    def set_now(self, instant: datetime | str) -> None:
        """Set the vendor's clock; it stands from then on."""
        self._clock.set(parse_instant(instant))

    def advance(self, seconds: float) -> str:
        """Move the vendor's clock and return its present instant."""
        self._clock.set(self._clock.now() + timedelta(seconds=seconds))
        return self.now()
