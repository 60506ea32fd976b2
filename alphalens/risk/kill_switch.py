"""May we trade? Three states, and the one table of moves between them.

========  ==================  ==================  ========  =========  =========  ========
from      book_breach         book_clear          loss      halt       reduce     resume
========  ==================  ==================  ========  =========  =========  ========
active    reducing            active              halted*   halted*    reducing*  active
reducing  reducing            active              halted*   halted*    reducing*  active
reducing* reducing*           reducing*           halted*   halted*    reducing*  active
halted*   halted*             halted*             halted*   halted*    halted*    active
========  ==================  ==================  ========  =========  =========  ========

A star marks a locked state: a loss or a person put it there, and only a person's ``resume``
lifts it. A state that the book's own exposure caused passes when the exposure does.
``reduce`` never loosens a halt: to flatten a halted book, resume and reduce together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

__all__ = ["STANDINGS", "Standing", "StateEvent", "TradingState", "stricter", "transition"]


class TradingState(StrEnum):
    """What the desk may do."""

    ACTIVE = "active"  # everything within the limits
    REDUCING = "reducing"  # only orders that reduce exposure
    HALTED = "halted"  # cancels only


class StateEvent(StrEnum):
    """What can change the trading state. A refused order is not among them."""

    BOOK_BREACH = "book_breach"
    BOOK_CLEAR = "book_clear"
    LOSS_BREACH = "loss_breach"
    HALT = "halt"
    REDUCE = "reduce"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Standing:
    """A trading state, and whether only a person may lift it.

    Attributes
    ----------
    state : TradingState
        What the desk may do.
    is_locked : bool
        True when a loss or a person caused it.
    """

    state: TradingState = TradingState.ACTIVE
    is_locked: bool = False


_T, _E = TradingState, StateEvent
_ACTIVE, _REDUCING = Standing(), Standing(_T.REDUCING)
_ORDERED, _HALTED = Standing(_T.REDUCING, is_locked=True), Standing(_T.HALTED, is_locked=True)

#: For each standing, the standing after each event.
STANDINGS: Mapping[Standing, Mapping[StateEvent, Standing]] = MappingProxyType(
    {
        before: MappingProxyType(dict(zip(StateEvent, after, strict=True)))
        for before, after in {
            _ACTIVE: (_REDUCING, _ACTIVE, _HALTED, _HALTED, _ORDERED, _ACTIVE),
            _REDUCING: (_REDUCING, _ACTIVE, _HALTED, _HALTED, _ORDERED, _ACTIVE),
            _ORDERED: (_ORDERED, _ORDERED, _HALTED, _HALTED, _ORDERED, _ACTIVE),
            _HALTED: (_HALTED, _HALTED, _HALTED, _HALTED, _HALTED, _ACTIVE),
        }.items()
    }
)


def transition(standing: Standing, event: StateEvent) -> Standing:
    """Return the standing after `event`.

    Examples
    --------
    >>> transition(Standing(), StateEvent.LOSS_BREACH)
    Standing(state=<TradingState.HALTED: 'halted'>, is_locked=True)
    """
    return STANDINGS[standing][event]


def stricter(one: TradingState, other: TradingState) -> TradingState:
    """Return whichever of two states forbids more."""
    order = list(TradingState)
    return max(one, other, key=order.index)
