"""From scores to wanted weights: by rank, both sides equal or long only, no weight too large."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from alphalens.errors import InputError
from alphalens.trading.targets import Signal, Target

__all__ = ["RankWeights", "rank_weights"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankWeights:
    """The rule that turns a signal into a target; plain settings, no state.

    Attributes
    ----------
    long_only : bool
        False holds the low scores short, both sides of equal size (dollar-neutral).
    gross : float
        Sum of absolute weights, as a fraction of equity.
    max_weight : float
        Largest absolute weight of one asset, as a fraction of equity.
    share : float
        Fraction of the assets on each side, from the ends of the ranking; 1 holds all of them
        long only, and with two sides 0.5 does.

    Raises
    ------
    InputError
        If a value is not in (0, 1], or not positive for `gross`.
    """

    long_only: bool = False
    gross: float = 1.0
    max_weight: float = 0.10
    share: float = 0.5

    def __post_init__(self) -> None:
        """Refuse settings that describe no portfolio."""
        for name in ("max_weight", "share"):
            value = getattr(self, name)
            if not 0.0 < value <= 1.0:
                raise InputError(f"{name} must be above 0 and at most 1, got {value}")
        if not 0.0 < self.gross < float("inf"):
            raise InputError(f"gross must be positive and finite, got {self.gross}")
        if not self.long_only and self.share > 0.5:
            raise InputError(
                f"share is {self.share}, but an asset cannot be on both sides: at most 0.5"
            )

    def target(self, signal: Signal) -> Target:
        """Return the wanted weights of `signal`; raises as `rank_weights`."""
        return Target(name=signal.name, asof=signal.asof, weights=rank_weights(signal.scores, self))


def rank_weights(scores: Mapping[str, float], rule: RankWeights) -> dict[str, float]:
    r"""Return signed weights in proportion to the rank inside each side.

    Parameters
    ----------
    scores : Mapping of str to float
        Finite score per symbol, higher is better, in any order.
    rule : RankWeights
        Sides, size and bounds.

    Returns
    -------
    dict of str to float
        Weight as a fraction of equity per symbol held, in alphabetical order. Long only, they
        sum to `gross`; with two sides, the long ones to half of it and the short ones to minus
        half of it.

    Raises
    ------
    InputError
        If there is no score; if two sides are wanted and no score differs from another; or if
        `max_weight` times the assets of a side is less than the size of the side.

    Notes
    -----
    A side holds the :math:`k=\max(1,\lfloor \mathrm{share}\cdot n\rfloor)` best (worst)
    scores. Its weights are in proportion to the rank :math:`1..k` inside the side, equal scores
    sharing the mean of their ranks. What exceeds `max_weight` is cut and spread over the others
    of the side in proportion, until none exceeds it. At the edge of a side equal scores are
    chosen by symbol, so that the order in which assets arrive never matters; with two sides a
    score found on both is held on neither. O(n log n).

    Examples
    --------
    >>> rule = RankWeights(max_weight=0.4, gross=0.9)
    >>> rank_weights({"A": 3.0, "B": 1.0, "C": 2.0, "D": 0.0}, rule)
    {'A': 0.3, 'B': -0.15, 'C': 0.15, 'D': -0.3}
    """
    if not scores:
        raise InputError("there is no score to build a portfolio from")
    count = max(1, int(rule.share * len(scores) + 1e-9))
    best = sorted(scores, key=lambda symbol: (-scores[symbol], symbol))[:count]
    if rule.long_only:
        held = _side({s: scores[s] for s in best}, rule.gross, rule.max_weight)
        return dict(sorted(held.items()))
    worst = sorted(scores, key=lambda symbol: (scores[symbol], symbol))[:count]
    longs, shorts = _apart(scores, best, worst)
    size = rule.gross / 2.0
    held = _side(longs, size, rule.max_weight)
    mirrored = {symbol: -score for symbol, score in shorts.items()}
    held |= {s: -w for s, w in _side(mirrored, size, rule.max_weight).items()}
    return dict(sorted(held.items()))


def _apart(
    scores: Mapping[str, float], best: list[str], worst: list[str]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the two sides without the scores that are found on both."""
    shared = {scores[s] for s in best} & {scores[s] for s in worst}
    longs = {s: scores[s] for s in best if scores[s] not in shared}
    shorts = {s: scores[s] for s in worst if scores[s] not in shared}
    if not longs or not shorts:
        raise InputError(
            f"the {len(scores)} scores give no ranking with two sides: too many are equal"
        )
    return longs, shorts


def _side(scores: Mapping[str, float], size: float, max_weight: float) -> dict[str, float]:
    """Return positive weights of one side that sum to `size`, none above `max_weight`."""
    if len(scores) * max_weight < size * (1.0 - 1e-12):
        raise InputError(
            f"max_weight {max_weight} x {len(scores)} assets cannot hold a side of {size}: "
            "raise max_weight or share, or lower gross"
        )
    ranks = _mean_ranks(scores)
    weights: dict[str, float] = {}
    free, left = dict(ranks), size
    while free:
        scale = left / sum(free.values())
        over = [symbol for symbol, rank in free.items() if rank * scale > max_weight]
        if not over:
            weights |= {symbol: rank * scale for symbol, rank in free.items()}
            break
        for symbol in over:
            weights[symbol] = max_weight
            left -= max_weight
            del free[symbol]
    return weights


def _mean_ranks(scores: Mapping[str, float]) -> dict[str, float]:
    """Return ranks from 1 for the lowest score, equal scores sharing the mean of theirs."""
    ordered = sorted(scores.values())
    return {
        symbol: (bisect_left(ordered, score) + bisect_right(ordered, score) + 1) / 2.0
        for symbol, score in scores.items()
    }
