"""What the control of the venue holds on to, and how it reads numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from alphalens.testing.loopback.limits import RateLimit

from .data_stream import DataStream
from .faults import FaultBox
from .stream import TradeStream
from .venue import Venue

Number = Decimal | int | float | str


def decimal(value: Number) -> Decimal:
    """Return a number exactly as it was written."""
    return Decimal(str(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of a running venue.

    `publish` sends what is in the outbox and `tell` a message of market data, from any thread;
    `on_loop` runs a function where the websockets live and returns its result.
    """

    venue: Venue
    faults: FaultBox
    trades: TradeStream
    data: DataStream
    limit: RateLimit
    publish: Callable[[], None]
    tell: Callable[[str, str, dict[str, Any]], None]
    on_loop: Callable[[Callable[[], Any]], Any]
