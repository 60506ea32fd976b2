"""About forty orders, each with a symbol and a story of its own."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from alphalens.testing.alpaca_server import Control
from alphalens.trading.orders import OrderClass, OrderType, TimeInForce
from tests.crash.desk import Desk, order_id
from tests.crash.steps import (
    Step,
    Venue,
    armed,
    armed_path,
    both,
    dark,
    fill,
    lights,
    misheard,
    quote,
    said,
    send,
    settled,
    step,
    story,
    successor,
)

__all__ = ["EVENING", "MORNING"]

_IOC, _FOK, _GTC = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTC
_BRACKET = {
    "limit": "20",
    "order_class": OrderClass.BRACKET,
    "take_profit": Decimal(22),
    "stop_loss": Decimal(18),
}


def _plain() -> list[Step]:
    """Orders that nothing happens to."""
    return [
        *story("MKT", step(trader=send("MKT", "10"), until=settled("MKT", "filled"))),
        *story("SHRT", step(trader=send("SHRT", "-10"), until=settled("SHRT", "filled"))),
        *story(
            "STOP",
            step(trader=send("STOP", "10", stop="21"), until=settled("STOP", "accepted")),
            step(venue=quote("STOP", "21.2"), until=settled("STOP", "filled")),
        ),
        *story(
            "STLM",
            step(
                trader=send(
                    "STLM",
                    "10",
                    order_type=OrderType.STOP_LIMIT,
                    stop_price=Decimal(21),
                    limit_price=Decimal("21.5"),
                ),
                until=settled("STLM", "accepted"),
            ),
            step(venue=quote("STLM", "21.2"), until=settled("STLM", "filled")),
        ),
        *story(
            "TRL",
            step(
                trader=send(
                    "TRL", "-10", order_type=OrderType.TRAILING_STOP, trail_amount=Decimal(1)
                ),
                until=settled("TRL", "accepted"),
            ),
            step(venue=quote("TRL", "18.5"), until=settled("TRL", "filled")),
        ),
        *story(
            "IOC",
            step(
                venue=quote("IOC", "20", ask_size="3"),
                trader=send("IOC", "10", limit="20", time_in_force=_IOC),
                until=settled("IOC", "canceled", filled="3"),
            ),
        ),
        *story(
            "FOK",
            step(
                venue=both(quote("FOK", "20", ask_size="3"), armed("malformed", "FOK")),
                trader=send("FOK", "10", limit="20", time_in_force=_FOK),
                until=settled("FOK", "canceled", filled="0"),
            ),
        ),
    ]


def _gated() -> list[Step]:
    """Orders that the gate, a person or the venue refuses."""
    return [
        *story("BIG", step(trader=send("BIG", "300"), until=settled("BIG", "refused"))),
        *story(
            "ASK",
            step(trader=send("ASK", "200"), until=settled("ASK", "awaiting_approval")),
            {"command": lambda: ("approve", order_id("ASK"))},
            step(trader=send("ASK", "200"), until=settled("ASK", "filled")),
        ),
        *story(
            "DENY",
            step(trader=send("DENY", "200"), until=settled("DENY", "awaiting_approval")),
            {"command": lambda: ("reject", order_id("DENY"))},
            step(trader=send("DENY", "200"), until=settled("DENY", "refused")),
        ),
        *story(
            "WAIT",
            step(trader=send("WAIT", "200"), until=settled("WAIT", "awaiting_approval")),
        ),
        *story(
            "REJ",
            step(
                venue=lambda venue: venue.add_asset("REJ", tradable=False),
                trader=send("REJ", "10"),
                until=settled("REJ", "rejected", "expired"),
            ),
        ),
    ]


def _lost() -> list[Step]:
    """Orders whose answer is lost, and orders that never arrive."""
    steps = []
    for symbol, kind in (
        ("GWTO", "accept_504"),
        ("HTML", "accept_502"),
        ("CLSE", "close"),
        ("HANG", "hang"),
        ("RFSE", "refuse"),
        ("LMIT", "rate_limit"),
        ("ODD", "unknown_status"),
        ("ERLY", "event_first"),
    ):
        steps += story(
            symbol,
            step(
                venue=armed(kind, symbol),
                trader=send(symbol, "10"),
                until=settled(symbol, "filled", "expired"),  # given up is an end, and a loss
            ),
        )
    return steps


def _resting(symbol: str, *more: dict[str, object], limit: str = "19") -> list[Step]:
    """An order that rests first."""
    first = step(trader=send(symbol, "10", limit=limit), until=settled(symbol, "accepted"))
    return story(symbol, first, *more)


def _parted(symbol: str, *more: dict[str, object]) -> list[Step]:
    """An order of which four units of ten are executed first."""
    part = step(
        venue=quote(symbol, "19", ask_size="4"),
        until=settled(symbol, "partially_filled", filled="4"),
    )
    return _resting(symbol, part, *more)


def _cancel(symbol: str, until: Callable[[Desk], bool], venue: Venue | None = None):
    return step(venue=venue, trader=lambda desk: desk.cancel(symbol), until=until)


def _canceled() -> list[Step]:
    """Cancels that work, that come too late, that hang, and fills that come after them."""
    return [
        *_resting("CNCL", _cancel("CNCL", settled("CNCL", "canceled"))),
        *_parted(
            "LATE",
            _cancel("LATE", settled("LATE", "canceled", filled="4")),
            step(venue=fill("LATE", "6"), until=settled("LATE", "filled", filled="10")),
        ),
        *_resting(
            "TARD",
            _cancel("TARD", settled("TARD", "filled"), armed_path("fill", "TARD", "DELETE")),
        ),
        *_resting(
            "CLOS",
            _cancel("CLOS", settled("CLOS", "canceled"), armed_path("close", "CLOS", "DELETE")),
        ),
        *_resting(
            "CGON",
            _cancel("CGON", settled("CGON", "canceled"), armed_path("refuse", "CGON", "DELETE")),
        ),
        *_parted(
            "PEND",
            _cancel(
                "PEND",
                settled("PEND", "pending_cancel"),
                both(misheard("PEND", "pending_cancel"), armed_path("pend", "PEND", "DELETE")),
            ),
            step(venue=fill("PEND", "3"), until=settled("PEND", "pending_cancel", filled="7")),
            step(
                venue=lambda venue: venue.release_cancel(order_id("PEND")),
                until=settled("PEND", "canceled", filled="7"),
            ),
        ),
    ]


def _replaced() -> list[Step]:
    """Replacements that work, that are lost, that come too late."""

    def replace(symbol: str, until: Callable[[Desk], bool], venue: Venue | None = None):
        return step(
            venue=venue, trader=lambda desk: desk.replace(symbol, limit="18.5"), until=until
        )

    def took_place(symbol: str) -> Callable[[Desk], bool]:
        return lambda desk: (
            desk.is_done(symbol, "replaced") and desk.is_replacement(symbol, "accepted")
        )

    steps = [
        *_resting("RPL", replace("RPL", took_place("RPL"))),
        *_parted("RPPT", replace("RPPT", took_place("RPPT"))),
    ]
    for symbol, kind in (("RPLO", "accept_504"), ("RPHA", "close"), ("RPGO", "refuse")):
        change = replace(symbol, took_place(symbol), armed_path(kind, symbol, "PATCH"))
        steps += _resting(symbol, change)
    steps += _resting(
        "RPFI",
        replace(
            "RPFI",
            lambda desk: desk.is_done("RPFI", "filled") and desk.is_replacement("RPFI", "rejected"),
            armed_path("fill", "RPFI", "PATCH"),
        ),
    )
    steps += _resting(
        "RPPE",
        replace(
            "RPPE",
            settled("RPPE", "pending_replace"),
            both(misheard("RPPE", "pending_replace"), armed_path("pend", "RPPE", "PATCH")),
        ),
        step(trader=Desk.listen, until=settled("RPPE", "pending_replace")),
        step(venue=lambda venue: venue.release_replace(order_id("RPPE")), until=took_place("RPPE")),
    )
    late = step(venue=fill("RPHA"), until=settled("RPHA", "filled", filled="10"))
    steps.append(Step(key="RPHA late", **late))  # type: ignore[arg-type]
    steps += _parted(
        "RPBK",
        replace("RPBK", settled("RPBK", "pending_replace"), armed_path("pend", "RPBK", "PATCH")),
        step(
            venue=both(
                said("RPBK", "partially_filled", "order_replace_rejected"),
                lambda venue: venue.set_status(successor(venue, "RPBK"), "rejected"),
            ),
            until=lambda desk: (
                settled("RPBK", "accepted", "partially_filled")(desk)
                and desk.is_replacement("RPBK", "rejected")
            ),
        ),
    )
    steps += _resting(
        "RPCN",
        replace("RPCN", settled("RPCN", "pending_replace"), armed_path("pend", "RPCN", "PATCH")),
        _cancel("RPCN", settled("RPCN", "pending_cancel")),
        step(venue=lambda venue: venue.release_replace(order_id("RPCN")), until=took_place("RPCN")),
    )
    return steps


def _told_by_venue() -> list[Step]:
    """Ends, and words, that come from the venue alone."""
    steps = []
    for kind, begin in (("A", _resting), ("P", _parted)):
        for status in ("canceled", "expired", "rejected", "replaced"):
            if (kind, status) == ("P", "rejected"):
                continue
            symbol = f"{kind}{status[:3].upper()}"
            steps += begin(symbol, step(venue=said(symbol, status), until=settled(symbol, status)))
    steps += _words()
    for symbol, pending, status in (
        ("DPCE", "pending_cancel", "expired"),
        ("DPCR", "pending_cancel", "rejected"),
        ("DPRE", "pending_replace", "expired"),
        ("DPRR", "pending_replace", "rejected"),
    ):
        steps += _unseen(
            symbol,
            step(venue=lights(said(symbol, pending)), until=settled(symbol, pending)),
            step(venue=said(symbol, status), until=settled(symbol, status)),
        )
    steps += _unseen(  # its cancel is refused, because it is being replaced
        "DPRC",
        step(venue=lights(said("DPRC", "pending_cancel")), until=settled("DPRC", "pending_cancel")),
        step(
            venue=said("DPRC", "pending_replace", "order_cancel_rejected"),
            # That the cancel was refused is told once; who did not hear it asks for it on and on.
            until=lambda desk: (
                settled("DPRC", "pending_replace")(desk)
                or (desk.has_died and settled("DPRC", "pending_cancel")(desk))
            ),
        ),
        step(venue=said("DPRC", "canceled"), until=settled("DPRC", "canceled")),
    )
    for status in ("canceled", "expired", "rejected", "replaced"):
        symbol = f"D{status[:3].upper()}"
        ended = step(venue=lights(said(symbol, status)), until=settled(symbol, status))
        steps += _unseen(symbol, ended)
    filled = step(venue=fill("DFIL"), until=settled("DFIL", "filled"))
    return [*steps, *_unseen("DFIL", filled, step(venue=lights()))]


def _unseen(symbol: str, *more: dict[str, object]) -> list[Step]:
    """An order that works, and nobody here knows it."""
    first = step(
        venue=dark(symbol),
        trader=lambda desk: desk.send_unseen(symbol, "10", limit="19"),
        until=settled(symbol, "unknown", "accepted"),
    )
    return story(symbol, first, *more)


def _words() -> list[Step]:
    """Orders of which the stream says what nobody knows, or takes back what was asked for."""
    steps = _resting(
        "AUNK",
        step(
            venue=both(misheard("AUNK", "new"), said("AUNK", "new"), fill("AUNK", "4")),
            until=settled("AUNK", "partially_filled", filled="4"),
        ),
    )
    steps += _parted(
        "SLIC",
        step(venue=fill("SLIC", "1"), until=settled("SLIC", "partially_filled", filled="5")),
        step(
            venue=both(misheard("SLIC", "partial_fill"), fill("SLIC", "3")),
            until=settled("SLIC", "partially_filled", filled="8"),
        ),
        step(venue=fill("SLIC", "2"), until=settled("SLIC", "filled", filled="10")),
    )
    for symbol, status, begin in (
        ("BACK", "new", _resting),
        ("BCKP", "partially_filled", _parted),
    ):
        steps += begin(
            symbol,
            _cancel(
                symbol, settled(symbol, "pending_cancel"), armed_path("pend", symbol, "DELETE")
            ),
            step(
                venue=lights(  # who died before asking has not used up what was armed for it
                    armed_path("server_error", symbol, "DELETE", count=-1),
                    said(symbol, status, "order_cancel_rejected"),
                ),
                until=settled(symbol, "accepted", "partially_filled", "canceled"),
            ),
            _cancel(symbol, settled(symbol, "canceled"), lights()),
        )
    return steps


def _exits() -> list[Step]:
    """Brackets: one exit executed, and both of them against all rules."""
    return [
        *story(
            "BRA",
            step(trader=send("BRA", "10", **_BRACKET), until=settled("BRA", "filled")),
            step(venue=quote("BRA", "17.5"), until=lambda desk: desk.is_flat("BRA")),
        ),
        *story(
            "BOTH",
            step(
                trader=send("BOTH", "10", **_BRACKET),
                until=lambda desk: desk.is_done("BOTH", "filled") and desk.exits("BOTH") == 2,
            ),
            step(venue=_execute_both, until=lambda desk: desk.is_flat("BOTH")),
        ),
    ]


def _execute_both(venue: Control) -> None:
    parent = venue.order(order_id("BOTH"))["id"]
    for order in venue.orders():
        if order["symbol"] == "BOTH" and order["id"] != parent:
            venue.fill(order["id"], alone=True)


MORNING = (
    *_plain(),
    *_gated(),
    *_lost(),
    *_canceled(),
    *_replaced(),
    *_told_by_venue(),
    *_exits(),
    *_resting("DAYS"),
    *_parted("DAYP"),
)

EVENING = (
    Step(key="DAYS late", venue=fill("DAYS"), until=settled("DAYS", "filled")),
    Step(key="DAYP late", venue=fill("DAYP", "2"), until=settled("DAYP", "expired", filled="6")),
)
