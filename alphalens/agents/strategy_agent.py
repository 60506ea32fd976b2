"""The strategist: from what was known to scores and wanted weights."""

from __future__ import annotations

from dataclasses import dataclass

from alphalens.agents.base import Context, Degraded
from alphalens.data.base import DataView
from alphalens.errors import DataError, InputError
from alphalens.portfolio.construction import RankWeights
from alphalens.strategies.base import Strategy
from alphalens.trading.targets import Signal, Target

__all__ = ["StrategyAgent", "StrategyUpdate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyUpdate:
    """What the strategist wants.

    Attributes
    ----------
    signal : Signal or None
        Scores; None if there are none, which `degraded` explains.
    target : Target or None
        Wanted weights. None means no decision: the book is left as it is. It does not mean
        that nothing is wanted.
    degraded : tuple of Degraded
        What could not be done.
    """

    signal: Signal | None = None
    target: Target | None = None
    degraded: tuple[Degraded, ...] = ()


class StrategyAgent:
    """Scores by a strategy, weights by a construction rule; no model is asked.

    Parameters
    ----------
    strategy : Strategy
        What turns prices into scores.
    rule : RankWeights
        What turns scores into weights.
    """

    name = "strategy"

    def __init__(self, strategy: Strategy, rule: RankWeights) -> None:
        self._strategy = strategy
        self._rule = rule

    def run(self, view: DataView, context: Context) -> StrategyUpdate:
        """Return the signal and target as of the view's instant.

        Data that do not suffice, or scores that give no portfolio, make a degraded update
        without a target.
        """
        try:
            signal = self._strategy.signal(view)
        except DataError as error:
            return StrategyUpdate(degraded=(self._degraded("no_signal", error, context),))
        try:
            target = self._rule.target(signal)
        except InputError as error:
            degraded = self._degraded("no_target", error, context)
            return StrategyUpdate(signal=signal, degraded=(degraded,))
        return StrategyUpdate(signal=signal, target=target)

    def _degraded(self, code: str, error: Exception, context: Context) -> Degraded:
        message = f"no decision in cycle {context.cycle_id}, the book stays as it is: {error}"
        return Degraded(agent=self.name, code=code, message=message)
