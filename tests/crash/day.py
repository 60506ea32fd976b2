"""The day: numbered steps, each done once by the venue and as often as needed by the trader."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from alphalens.testing.alpaca_server import Control
from tests.crash import kinds, stories
from tests.crash.desk import CYCLE, OPEN, Desk, flatten_id, order_id, price_of
from tests.crash.steps import Step, quote, settled

__all__ = ["DAY", "NAMES", "SYMBOLS"]

_TRADED = (*kinds.BEFORE_OPENING, *kinds.PLANNED, *stories.MORNING, *kinds.KINDS)
_CLOSE = OPEN.replace(hour=21) + timedelta(minutes=1)


def _symbols() -> tuple[str, ...]:
    told = {step.symbol for step in _TRADED if step.symbol}
    return tuple(sorted({*told, *kinds.CONTRACTS, "PLNA", "PLNB"}))


SYMBOLS = _symbols()


def _quote_all(venue: Control) -> None:
    for symbol in SYMBOLS:
        quote(symbol, str(price_of(symbol)))(venue)


def _finish(desk: Desk) -> None:
    """End the cycle once; what waits for an approval expires with it."""
    if desk.session.plan_for(CYCLE) is None and not desk.has_finished(CYCLE):
        desk.session.finish_cycle(CYCLE)
    desk.session.finish_run()


def _steps() -> list[Step]:
    return [
        Step(key="early", venue=_quote_all, trader=Desk.mark),
        *kinds.BEFORE_OPENING,
        Step(key="open", venue=lambda venue: venue.set_time(OPEN), until=settled("OPG", "filled")),
        Step(key="open 2", trader=Desk.come_back),
        *kinds.PLANNED,
        *stories.MORNING,
        *kinds.KINDS,
        Step(
            key="close",
            venue=lambda venue: venue.set_time(_CLOSE),
            until=lambda desk: not desk.session.open_orders,
        ),
        *stories.EVENING,
        Step(key="end", trader=_finish),
    ]


DAY: Mapping[str, Step] = {step.key: step for step in _steps()}

#: The orders of the day by client order id. A replacement that never reached the venue is
#: asked for again under the next id: to the day they are one.
NAMES: Mapping[str, str] = {
    order_id(name, attempt): name + ("'" if attempt else "")
    for name in (*SYMBOLS, *kinds.MORE_NAMES)
    for attempt in range(4)
} | {flatten_id("BOTH"): "BOTH/flatten"}
