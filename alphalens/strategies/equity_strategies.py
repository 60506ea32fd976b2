"""Strategies on stocks."""

from __future__ import annotations

from math import isfinite

from alphalens.data.base import DataView
from alphalens.errors import DataError
from alphalens.factors.library import Factor
from alphalens.trading.targets import Signal

__all__ = ["FactorStrategy"]


class FactorStrategy:
    """Scores are the latest values of one cross-sectional factor.

    Parameters
    ----------
    factor : Factor
        Definition and parameters; see `alphalens.factors.named_factor`.
    """

    def __init__(self, factor: Factor) -> None:
        self._factor = factor

    @property
    def name(self) -> str:
        """Return the factor's name."""
        return self._factor.name

    @property
    def lookback(self) -> int:
        """Return the rows of closes that the latest factor value depends on."""
        return self._factor.rows

    def signal(self, view: DataView) -> Signal:
        """Return the factor's values in the latest row; an asset without one is left out.

        Raises
        ------
        DataError
            If fewer rows than `lookback` are known, no asset has a value, or one is infinite.
        """
        closes = view.closes(self.lookback)
        if len(closes) < self.lookback:
            raise DataError(
                f"{self.name} needs {self.lookback} rows of closes; {view.source} has "
                f"{len(closes)} as of {view.asof}: start later or choose a shorter factor"
            )
        latest = self._factor(closes).iloc[-1].dropna()
        if latest.empty:
            raise DataError(
                f"{self.name} has no value for any of {len(view.symbols)} assets of "
                f"{view.source} as of {view.asof}: their closes have gaps"
            )
        scores = {str(symbol): float(value) for symbol, value in latest.items()}
        infinite = [symbol for symbol, score in scores.items() if not isfinite(score)]
        if infinite:
            raise DataError(
                f"{self.name} of {infinite[0]} is {scores[infinite[0]]} as of {view.asof}: one of "
                f"its last {self.lookback} closes in {view.source} is zero or infinite"
            )
        return Signal(name=self.name, asof=view.asof, scores=scores)
