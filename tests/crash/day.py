"""The day: numbered steps, each done once by the venue and as often as needed by the trader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from alphalens.testing.alpaca_server import Control
from alphalens.trading.orders import OrderClass, TimeInForce
from tests.crash.desk import Desk, order_id

__all__ = ["DAY", "SYMBOLS", "Step"]

Venue = Callable[[Control], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step.

    The driver does `venue` once, then has the trader do `trader` and collect until `until`
    holds; a trader that dies in between begins again with `trader`, which may be repeated.
    """

    key: str
    venue: Venue = lambda _: None
    trader: Callable[[Desk], object] = lambda _: None
    until: Callable[[Desk], bool] = lambda _: True


def _quote(symbol: str, price: str, **sizes: str) -> Venue:
    return lambda venue: venue.set_quote(symbol, Decimal(price) - Decimal("0.02"), price, **sizes)


def _open_step() -> Step:
    def quotes(venue: Control) -> None:
        for symbol in SYMBOLS:
            _quote(symbol, "20")(venue)

    return Step(key="open", venue=quotes, trader=Desk.mark)


def _send(name: str, units: str, status: str = "filled", filled: str | None = None, **changes):
    """Return the trader's part of a step that sends one order, and how it stands then."""
    return {
        "trader": lambda desk: desk.send(name, units, **changes),
        "until": lambda desk: desk.is_done(name, status, filled),
    }


def _steps() -> list[Step]:
    def armed(kind: str, name: str, **fields) -> Venue:
        return lambda v: v.arm(kind, client_order_id=order_id(name), method="POST", **fields)

    def fill(name: str, units: str | None = None) -> Venue:
        return lambda v: v.fill(order_id(name), units)

    bracket = {
        "limit": "20",
        "order_class": OrderClass.BRACKET,
        "take_profit": Decimal(22),
        "stop_loss": Decimal(18),
    }
    return [
        _open_step(),
        Step(key="mkt", **_send("MKT", "10")),
        Step(key="lim", **_send("LIM", "10", "accepted", limit="19")),
        Step(
            key="lim part",
            venue=_quote("LIM", "19", ask_size="4"),
            until=lambda d: d.is_done("LIM", "partially_filled", "4"),
        ),
        Step(
            key="lim cancel",
            trader=lambda d: d.cancel("LIM"),
            until=lambda d: d.is_done("LIM", "canceled", "4"),
        ),
        Step(
            key="lim late",
            venue=fill("LIM", "6"),
            until=lambda d: d.is_done("LIM", "filled", "10"),
        ),
        Step(key="lost", venue=armed("accept_504", "LOST"), **_send("LOST", "10")),
        Step(key="hang", venue=armed("hang", "HANG"), **_send("HANG", "10")),
        Step(key="gone", venue=armed("refuse", "GONE"), **_send("GONE", "10")),
        Step(
            key="ioc",
            venue=_quote("IOC", "20", ask_size="3"),
            **_send("IOC", "10", "canceled", "3", limit="20", time_in_force=TimeInForce.IOC),
        ),
        Step(key="big", **_send("BIG", "300", "refused")),
        Step(key="bra", **_send("BRA", "10", "filled", **bracket)),
        Step(
            key="bra exit",
            venue=_quote("BRA", "17.5"),
            until=lambda d: "BRA" not in d.session.ledger.positions,
        ),
    ]


SYMBOLS = ("MKT", "LIM", "LOST", "HANG", "GONE", "IOC", "BIG", "BRA")
DAY: Mapping[str, Step] = {step.key: step for step in _steps()}
