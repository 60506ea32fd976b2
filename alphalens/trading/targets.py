"""What a strategy says: scores of assets, and the weights that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from alphalens.errors import InputError

__all__ = ["Signal", "Target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Scores of a universe, as of one instant; higher is better, the scale is free.

    Attributes
    ----------
    name : str
        The factor or strategy the scores come from.
    asof : datetime
        Nothing after this instant was used.
    scores : Mapping of str to float
        Finite score per symbol; an asset without a score is absent, not NaN.
    """

    name: str
    asof: datetime
    scores: Mapping[str, float]

    def __post_init__(self) -> None:
        """Refuse naive instants and scores that cannot be ranked."""
        _check(self.name, self.asof, self.scores)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Wanted holdings as signed fractions of equity, as of one instant.

    Attributes
    ----------
    name : str
        The strategy that wants them.
    asof : datetime
        Decision instant.
    weights : Mapping of str to float
        Signed fraction of equity per symbol. A symbol that is absent is wanted at zero.
    """

    name: str
    asof: datetime
    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        """Refuse naive instants and weights that are not numbers."""
        _check(self.name, self.asof, self.weights)

    @property
    def gross(self) -> float:
        """Return the sum of absolute weights, as a fraction of equity."""
        return sum(abs(weight) for weight in self.weights.values())

    @property
    def net(self) -> float:
        """Return the sum of signed weights, as a fraction of equity."""
        return sum(self.weights.values())


def _check(name: str, asof: datetime, values: Mapping[str, float]) -> None:
    if asof.tzinfo is None:
        raise InputError(f"{name}: asof {asof.isoformat()} has no time zone")
    for symbol, value in values.items():
        if not isfinite(value):
            raise InputError(f"{name}: {symbol} is {value} as of {asof}; leave the asset out")
