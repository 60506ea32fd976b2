"""What an agent is: a pure function of what it may see and of the desk, to a typed update."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from alphalens.execution.session import TradingSession

__all__ = ["Agent", "Context", "Degraded"]

ViewT_contra = TypeVar("ViewT_contra", contravariant=True)
UpdateT_co = TypeVar("UpdateT_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The desk and the decision cycle an agent works in.

    Attributes
    ----------
    run_id, cycle_id : str
        Which run, and which decision of it; every side effect is keyed by the cycle.
    at : datetime
        The present, timezone-aware; agents ask no other clock.
    session : TradingSession
        Books, limits and the way to the venue.
    """

    run_id: str
    cycle_id: str
    at: datetime
    session: TradingSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Degraded:
    """Something that an agent should have done and could not; it is shown, never hidden.

    Attributes
    ----------
    agent : str
        Who could not.
    code : str
        Stable short name, such as ``no_signal``.
    message : str
        What is missing, why, and what followed from it.
    """

    agent: str
    code: str
    message: str


class Agent(Protocol[ViewT_contra, UpdateT_co]):
    """One role on the desk. It keeps nothing between two calls.

    The same view and the same desk give the same update, so that a cycle can be run again
    after a crash and replayed from its record.
    """

    @property
    def name(self) -> str:
        """Return the role's name."""
        ...

    def run(self, view: ViewT_contra, context: Context) -> UpdateT_co:
        """Return what the agent makes of `view`: frozen and typed, nothing but data."""
        ...
