"""Wait for what comes to pass in another thread or process, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

#: A minute: it ends what never comes to pass, and decides nothing else.
PATIENCE_S = 60.0
#: The same for a process of its own, which first imports everything.
PROCESS_S = 5 * PATIENCE_S


def until(
    is_so: Callable[[], object],
    *,
    every_s: float = 0.005,
    told: Callable[[], object] = lambda: "nothing is told of it",
) -> None:
    """Wait until something is so, or fail and tell how things stand."""
    ends_at = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < ends_at, f"it did not come to pass: {told()}"
        time.sleep(every_s)
