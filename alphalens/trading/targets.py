"""What a strategy says: scores of assets, the weights that follow, and option structures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import isfinite

from alphalens.errors import InputError
from alphalens.trading.orders import Leg

__all__ = ["Signal", "Structure", "Target"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """A wanted combination of contracts, such as a vertical spread or a straddle.

    Attributes
    ----------
    name : str
        What it is, unique among the structures of a cycle; it goes into the order's id.
    underlying : str
        Canonical symbol of the underlying.
    legs : tuple of Leg
        One to four contracts with side and ratio; their sides are those of opening it.
    quantity : int
        How often it is wanted, positive.
    limit_price : Decimal or None
        Worst net price per unit of the structure: positive is paid, negative is received.
        None means at market.

    Raises
    ------
    InputError
        If there is no leg or more than four, a contract stands in two legs, or the quantity
        is not a positive whole number.
    """

    name: str
    underlying: str
    legs: tuple[Leg, ...]
    quantity: int
    limit_price: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse what is no structure."""
        symbols = {leg.symbol for leg in self.legs}
        if not 1 <= len(self.legs) <= _MOST_LEGS or len(symbols) != len(self.legs):
            raise InputError(
                f"structure {self.name}: 1 to {_MOST_LEGS} legs of different contracts are "
                f"needed, got {[leg.symbol for leg in self.legs]}"
            )
        if type(self.quantity) is not int or self.quantity < 1:
            raise InputError(
                f"structure {self.name}: quantity must be a whole number of at least 1, got "
                f"{self.quantity!r}"
            )

    @property
    def wanted(self) -> dict[str, Decimal]:
        """Return signed contracts by symbol."""
        return {leg.symbol: Decimal(leg.side.sign * leg.ratio * self.quantity) for leg in self.legs}


_MOST_LEGS = 4


def _check(name: str, asof: datetime, values: Mapping[str, float]) -> None:
    if asof.tzinfo is None:
        raise InputError(f"{name}: asof {asof.isoformat()} has no time zone")
    for symbol, value in values.items():
        if not _is_finite(value):
            raise InputError(
                f"{name}: {symbol} is {value!r} as of {asof}, and a finite number is needed; "
                f"leave the asset out"
            )


def _is_finite(value: object) -> bool:
    try:
        return isfinite(value)  # type: ignore[arg-type]  # what cannot be a number is told below
    except (TypeError, ValueError, OverflowError):
        return False
