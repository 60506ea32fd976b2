"""A number, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Measure", "known", "unknown"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A statistic that is allowed to be absent, and then says why.

    Attributes
    ----------
    value : float
        The number; NaN if there is none.
    why_not : str
        Why there is none, in a few words for a reader; empty if there is one.

    Examples
    --------
    >>> known(0.1234).text(".1%")
    '12.3%'
    >>> unknown("n too small: 3 of 20").text(".1%")
    'n too small: 3 of 20'
    """

    value: float
    why_not: str = ""

    @property
    def is_known(self) -> bool:
        """Return whether there is a number."""
        return not self.why_not

    def text(self, spec: str) -> str:
        """Return the number in the format `spec`, or the reason why there is none."""
        return format(self.value, spec) if self.is_known else self.why_not

    def plain(self) -> float | str:
        """Return the number, or the reason why there is none, fit for JSON."""
        return self.value if self.is_known else self.why_not


def known(value: float) -> Measure:
    """Return a measure of `value`, or ``undefined`` where the formula gave no finite number."""
    return Measure(float(value)) if math.isfinite(value) else unknown("undefined: no variation")


def unknown(why_not: str) -> Measure:
    """Return the absence of a number, with its reason."""
    return Measure(math.nan, why_not)
