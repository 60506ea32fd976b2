"""From what was known at an instant to a signal."""

from alphalens.strategies.base import Strategy
from alphalens.strategies.equity_strategies import FactorStrategy

__all__ = ["FactorStrategy", "Strategy"]
