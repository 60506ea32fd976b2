"""From a signal to target weights under constraints."""

from alphalens.portfolio.construction import RankWeights, rank_weights

__all__ = ["RankWeights", "rank_weights"]
