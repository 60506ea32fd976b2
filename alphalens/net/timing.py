"""The machine's clocks and its sleep, as one value that tests replace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

__all__ = ["MACHINE", "Timing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Where this room reads time and how it waits.

    Attributes
    ----------
    monotonic : callable
        Seconds from an arbitrary start, never running back.
    wall : callable
        Seconds since 1970 in UTC; read only to understand instants that a server names.
    sleep : callable
        Waits that many seconds without holding the loop.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


MACHINE = Timing()
