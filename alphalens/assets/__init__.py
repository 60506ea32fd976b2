"""What can be traded: ticks, lots and multipliers."""

from alphalens.assets.base import Asset
from alphalens.assets.equity import Equity

__all__ = ["Asset", "Equity"]
