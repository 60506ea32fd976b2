"""Factor definitions: known factors as pure functions on wide panels of prices."""

from alphalens.factors.library import (
    Factor,
    low_volatility,
    momentum,
    named_factor,
    nearness_to_high,
    reversal,
)

__all__ = [
    "Factor",
    "low_volatility",
    "momentum",
    "named_factor",
    "nearness_to_high",
    "reversal",
]
