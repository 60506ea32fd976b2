"""What the data side tells of itself, to whoever watches it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

__all__ = ["FeedListener", "NobodyListens"]


class FeedListener(Protocol):
    """Is told of every answer, failure and gap of a vendor; it is quick and does not raise."""

    def answered(self, vendor: str, *, took_s: float) -> None:
        """Take note that a vendor answered, after so many seconds."""
        ...

    def failed(self, vendor: str, error: Exception) -> None:
        """Take note that a vendor refused, or gave an answer that cannot be used."""
        ...

    def fell_back(self, vendor: str, to: str) -> None:
        """Take note that another vendor was asked in the place of one."""
        ...

    def told(self, vendor: str, symbol: str, at: datetime) -> None:
        """Take note of the newest instant that a vendor's data of a symbol are of."""
        ...

    def missed(self, vendor: str, symbol: str, first: datetime, last: datetime) -> None:
        """Take note of data that should be there and are not, between two instants."""
        ...


class NobodyListens:
    """Takes note of nothing."""

    def answered(self, vendor: str, *, took_s: float) -> None:
        """Do nothing."""

    def failed(self, vendor: str, error: Exception) -> None:
        """Do nothing."""

    def fell_back(self, vendor: str, to: str) -> None:
        """Do nothing."""

    def told(self, vendor: str, symbol: str, at: datetime) -> None:
        """Do nothing."""

    def missed(self, vendor: str, symbol: str, first: datetime, last: datetime) -> None:
        """Do nothing."""
