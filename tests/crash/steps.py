"""What a step of the day is, and the steps that stories are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from alphalens.testing.alpaca_server import Control
from tests.crash.desk import Desk, order_id

__all__ = [
    "Step",
    "armed",
    "armed_path",
    "both",
    "dark",
    "fill",
    "lights",
    "misheard",
    "quote",
    "said",
    "send",
    "settled",
    "step",
    "story",
    "successor",
]

Venue = Callable[[Control], object]

_LOOK_UP = "/v2/orders:by_client_order_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step.

    The driver does `venue` once, then has the trader do `trader` and collect until `until`
    holds; a trader that dies in between begins again with `trader`, which may be repeated.
    """

    key: str
    symbol: str = ""
    venue: Venue = lambda _: None
    command: Callable[[], tuple[str, str]] | None = None
    trader: Callable[[Desk], object] = lambda _: None
    until: Callable[[Desk], bool] = lambda _: True


def story(symbol: str, *steps: Mapping[str, object]) -> list[Step]:
    """Number the steps of an order that has a symbol of its own."""
    return [
        Step(key=f"{symbol} {number}", symbol=symbol, **one)  # type: ignore[arg-type]
        for number, one in enumerate(steps, 1)
    ]


def step(
    *,
    venue: Venue | None = None,
    trader: Callable[[Desk], object] | None = None,
    until: Callable[[Desk], bool] | None = None,
) -> dict[str, object]:
    """Return what a step does, to be numbered by its story."""
    given = {"venue": venue, "trader": trader, "until": until}
    return {name: value for name, value in given.items() if value is not None}


def quote(symbol: str, price: str, **sizes: str) -> Venue:
    """Set the ask to a price and the bid two cents below; without a size it never runs out."""
    return lambda venue: venue.set_quote(symbol, Decimal(price) - Decimal("0.02"), price, **sizes)


def send(symbol: str, units: str, **changes) -> Callable[[Desk], None]:
    """Send the order of a symbol's story."""
    return lambda desk: desk.send(symbol, units, **changes)


def settled(symbol: str, *statuses: str, filled: str | None = None) -> Callable[[Desk], bool]:
    """Return whether the order has one of the statuses, with so many units executed."""
    return lambda desk: any(desk.is_done(symbol, status, filled) for status in statuses)


def armed(kind: str, symbol: str, method: str = "POST", **fields) -> Venue:
    """Arm a fault of the requests of a story's order."""
    return lambda v: v.arm(kind, client_order_id=order_id(symbol), method=method, **fields)


def armed_path(kind: str, symbol: str, method: str, **fields) -> Venue:
    """Arm a fault of a request that names the order by the venue's id."""

    def arm(venue: Control) -> None:
        found = venue.order(order_id(symbol))
        venue.arm(kind, method=method, path=f"/v2/orders/{found['id']}", **fields)

    return arm


def fill(symbol: str, units: str | None = None) -> Venue:
    """Execute a story's order at the venue, whatever its state."""
    return lambda venue: venue.fill(order_id(symbol), units)


def said(symbol: str, status: str, event: str | None = None) -> Venue:
    """Let the venue put a story's order into a status by itself."""
    return lambda venue: venue.set_status(order_id(symbol), status, event)


def dark(symbol: str) -> Venue:
    """Accept the next order, and let neither answer nor stream nor look-up tell of it."""

    def arm(venue: Control) -> None:
        name = order_id(symbol)
        venue.arm("accept_504", client_order_id=name, method="POST")
        venue.arm("status", client_order_id=name, path=_LOOK_UP, status=404, count=-1)
        venue.arm_event("skip", client_order_id=name, event="new", count=-1)

    return arm


def misheard(symbol: str, event: str) -> Venue:
    """Let the stream tell the next such event with a status that nobody knows."""
    return lambda venue: venue.arm_event(
        "unknown_status", client_order_id=order_id(symbol), event=event
    )


def both(*acts: Venue) -> Venue:
    """Do one after the other."""

    def act(venue: Control) -> None:
        for one in acts:
            one(venue)

    return act


def lights(*then: Venue) -> Venue:
    """Disarm every fault, then go on."""
    return both(lambda venue: venue.disarm(), *then)


def successor(venue: Control, symbol: str) -> str:
    """Return the venue's id of the order that is to take the place of a story's order."""
    old = venue.order(order_id(symbol))["id"]
    return next(str(one["id"]) for one in venue.orders() if one["replaces"] == old)
