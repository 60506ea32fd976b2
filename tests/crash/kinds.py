"""Orders of other kinds: an auction, a coin, options, a pair of exits, and a cycle by weights."""

from __future__ import annotations

from decimal import Decimal

from alphalens.trading import Side
from alphalens.trading.orders import Leg, OrderClass, OrderType, TimeInForce
from alphalens.trading.targets import Target
from tests.crash.desk import COIN, CONTRACT, EARLY, HIGH, LOW, OPEN, Desk
from tests.crash.steps import Step, Venue, fill, quote, send, settled, step, story

__all__ = ["BEFORE_OPENING", "CONTRACTS", "KINDS", "MORE_NAMES", "PLANNED"]

#: What is quoted besides the symbols of the stories.
CONTRACTS = (LOW, HIGH)

#: Orders that are not named by the symbol of their story.
MORE_NAMES = ("OCO.exit", "OPG:close", "PLNA:open", "PLNB:open", "PLNC:open")

_TARGET = Target(name="crash", asof=OPEN, weights={"PLNA": 0.02, "PLNB": -0.02, "PLNC": 0.02})
_PAIR = {
    "order_class": OrderClass.OCO,
    "order_type": OrderType.LIMIT,
    "limit_price": Decimal(22),
    "take_profit": Decimal(22),
    "stop_loss": Decimal(18),
}
_SPREAD = {
    "reference_price": Decimal(1),
    "limit": "0.90",
    "order_class": OrderClass.MULTILEG,
    "legs": (Leg(symbol=LOW, side=Side.BUY), Leg(symbol=HIGH, side=Side.SELL)),
}


def _auction() -> list[Step]:
    """An order for the opening: it is in before, and executed in it."""
    auction = {"time_in_force": TimeInForce.OPG, "created_at": EARLY}
    return story("OPG", step(trader=send("OPG", "10", **auction), until=settled("OPG", "accepted")))


def _followed(venue: Venue | None, *, bought: str) -> dict[str, object]:
    def is_done(desk: Desk) -> bool:
        done = all(desk.is_done(name, "filled") for name in ("OPG:close", "PLNA:open", "PLNB:open"))
        return done and settled("PLNC:open", "partially_filled", filled=bought)(desk)

    return step(venue=venue, trader=lambda desk: desk.follow(_TARGET), until=is_done)


def _planned() -> list[Step]:
    """A cycle by weights: one order is executed in parts, and prices move on a second reading."""
    return story(
        "PLNC",
        _followed(quote("PLNC", "20", ask_size="40"), bought="40"),
        _followed(None, bought="40"),
        step(
            venue=fill("PLNC:open"),
            trader=Desk.finish_plan,
            until=settled("PLNC:open", "filled", filled="100"),
        ),
    )


def _kinds() -> list[Step]:
    return [
        *story(
            COIN,
            step(
                trader=send(COIN, "0.02", limit="59000", time_in_force=TimeInForce.GTC),
                until=settled(COIN, "accepted"),
            ),
            step(
                venue=quote(COIN, "58900", ask_size="0.0075"),
                until=settled(COIN, "partially_filled", filled="0.0075"),
            ),
            step(venue=quote(COIN, "58950"), until=settled(COIN, "filled", filled="0.02")),
        ),
        *story(
            CONTRACT,
            step(trader=send(CONTRACT, "1"), until=settled(CONTRACT, "filled", filled="1")),
        ),
        *story(
            "SPRD",
            step(trader=send("SPRD", "2", **_SPREAD), until=settled("SPRD", "accepted")),
            step(venue=quote(LOW, "1.80"), until=settled("SPRD", "filled")),
        ),
        *story(
            "OCO",
            step(trader=send("OCO", "10"), until=settled("OCO", "filled")),
            step(
                trader=send("OCO.exit", "-10", **_PAIR),
                until=lambda desk: (
                    desk.is_done("OCO.exit", "accepted") and desk.exits("OCO.exit") == 1
                ),
            ),
            step(venue=quote("OCO", "22.5"), until=settled("OCO.exit", "filled")),
        ),
        *story(
            "CLS",
            step(
                trader=send("CLS", "10", time_in_force=TimeInForce.CLS),
                until=settled("CLS", "accepted"),
            ),
        ),
    ]


BEFORE_OPENING = tuple(_auction())
PLANNED = tuple(_planned())
KINDS = tuple(_kinds())
