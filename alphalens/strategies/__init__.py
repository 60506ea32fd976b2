"""From what was known at an instant to a signal."""

from alphalens.strategies.base import Strategy
from alphalens.strategies.equity_strategies import FactorStrategy
from alphalens.strategies.fact_strategies import FigureStrategy, MembersOnly

__all__ = ["FactorStrategy", "FigureStrategy", "MembersOnly", "Strategy"]
