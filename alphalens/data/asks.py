"""What is asked of a vendor over REST, how patiently, and what comes back: values and checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar
from urllib.parse import urlencode

from alphalens.assets import AssetClass
from alphalens.data.port import BarRequest, DataCapabilities
from alphalens.errors import ConfigError, InputError
from alphalens.net import RetryPolicy

__all__ = ["Ask", "RestOptions", "Told", "can_give"]

P = TypeVar("P")

_RETRY = RetryPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class RestOptions:
    """How patient a vendor's client is, and how fast.

    Attributes
    ----------
    calls_per_minute : int
        HTTP calls, each page and each repetition counted, until the vendor names its own limit.
    timeout_s : float
        Seconds for one call of the port: all pages, waits for the limit and repetitions.
    read_timeout_s, connect_timeout_s : float
        Seconds between two pieces of an answer, and to connect.
    parallel : int
        Answers that are waited for at once, each on a connection of its own.
    page_size : int
        Rows asked for at once; 0 takes the most that the vendor gives.
    retry : RetryPolicy
        How often and how fast a page is asked for again.
    breaker_failures : int
        Pages without a usable answer, in a row, after which the vendor is left alone.
    breaker_pause_s : float
        For how long, at first.

    Raises
    ------
    ConfigError
        If a number is not positive.
    """

    calls_per_minute: int = 200
    timeout_s: float = 60.0
    read_timeout_s: float = 10.0
    connect_timeout_s: float = 3.0
    parallel: int = 8
    page_size: int = 0
    retry: RetryPolicy = _RETRY
    breaker_failures: int = 5
    breaker_pause_s: float = 5.0

    def __post_init__(self) -> None:
        """Refuse what could never work."""
        for name in ("calls_per_minute", "timeout_s", "read_timeout_s", "connect_timeout_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}, it must be above 0")
        if self.parallel < 1 or self.page_size < 0:
            raise ConfigError(
                f"parallel is {self.parallel} and page_size {self.page_size}: at least 1 and 0"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One GET: a path whose segments are percent-encoded, and its query."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.path}?{urlencode(self.params)}" if self.params else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Generic[P]):
    """What came back.

    Attributes
    ----------
    pages : tuple
        In the order of the asks, and of each the pages in their order.
    asked_at : tuple of datetime
        When the call for each page left (aware): nothing in it was known later.
    received_at : datetime
        When the last of them came (aware).
    calls : int
        HTTP calls that it took, repetitions counted.
    """

    pages: tuple[P, ...]
    asked_at: tuple[datetime, ...]
    received_at: datetime
    calls: int


def can_give(
    request: BarRequest, capabilities: DataCapabilities, kinds: set[AssetClass], vendor: str
) -> None:
    """Refuse bars that a vendor does not have.

    Raises
    ------
    InputError
        Naming the vendor, what it was asked for, and what it has.
    """
    for what, wanted, has in (
        ("timeframe", {request.timeframe}, capabilities.timeframes),
        ("adjustment", {request.adjustment}, capabilities.adjustments),
        ("asset class", kinds, capabilities.asset_classes),
    ):
        if missing := wanted - has:
            raise InputError(
                f"{vendor} has no {what} {', '.join(sorted(missing))}; it has "
                f"{', '.join(sorted(has))}"
            )
