"""What the agents need from a strategy, and nothing more."""

from __future__ import annotations

from typing import Protocol

from alphalens.data.base import DataView
from alphalens.trading.targets import Signal

__all__ = ["Strategy"]


class Strategy(Protocol):
    """A pure rule from what was known at one instant to scores; it keeps no state."""

    @property
    def name(self) -> str:
        """Return a stable name; records and reports use it."""
        ...

    @property
    def lookback(self) -> int:
        """Return the rows of closes that a signal depends on, the latest included."""
        ...

    def signal(self, view: DataView) -> Signal:
        """Return scores as of the view's instant.

        Raises
        ------
        DataError
            If the view does not hold enough to score a single asset.
        """
        ...
