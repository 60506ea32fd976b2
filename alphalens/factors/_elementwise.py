"""Arithmetic on single cells: arrays (or numbers) in, an array out, no pandas.

NaN in any operand gives NaN, but for the branch that `where` does not take. What is infinite or
undefined (x / 0, the logarithm of 0, an overflow) may leave a kernel as infinity; the evaluation
makes it NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

__all__ = ["KERNELS"]


def signed_power(x: Floats, a: Floats) -> Floats:
    """Return sign(x) |x|^a."""
    size: Floats = raised(np.abs(x), a)
    size *= np.sign(x)
    return size


def raised(x: Floats, a: Floats) -> Floats:
    """Return x^a; numpy gives 1 for 1^NaN and NaN^0."""
    power: Floats = np.power(x, a)
    return _known(power, x, a)


def where(condition: Floats, a: Floats, b: Floats) -> Floats:
    """Return `a` where the condition is not 0, else `b`; NaN where the condition is NaN."""
    chosen: Floats = np.where(condition != 0, a, b)
    return _known(chosen, condition)


def both(x: Floats, y: Floats) -> Floats:
    """Return 1 where neither is 0, else 0."""
    return _told(np.logical_and(x, y), x, y)


def either(x: Floats, y: Floats) -> Floats:
    """Return 1 where not both are 0, else 0."""
    return _told(np.logical_or(x, y), x, y)


def negated(x: Floats) -> Floats:
    """Return 1 where the value is 0, else 0."""
    return _told(np.logical_not(x), x)


def _comparison(compare: Callable[[Floats, Floats], Bools]) -> Callable[[Floats, Floats], Floats]:
    return lambda x, y: _told(compare(x, y), x, y)


def _told(truth: Bools, *operands: Floats) -> Floats:
    return _known(truth.astype(np.float64), *operands)


def _known(values: Floats, *operands: Floats) -> Floats:
    """Overwrite with NaN where an operand is NaN."""
    for operand in operands:
        np.copyto(values, np.nan, where=np.isnan(operand))
    return values


KERNELS: Final[dict[str, Callable[..., Floats]]] = {
    "abs": np.abs,
    "add": np.add,
    "and": both,
    "div": np.divide,
    "equal": _comparison(np.equal),
    "exp": np.exp,
    "le": _comparison(np.less_equal),
    "log": np.log,
    "lt": _comparison(np.less),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "mul": np.multiply,
    "neg": np.negative,
    "not": negated,
    "not_equal": _comparison(np.not_equal),
    "or": either,
    "pow": raised,
    "sign": np.sign,
    "signed_power": signed_power,
    "sqrt": np.sqrt,
    "sub": np.subtract,
    "where": where,
}
"""The kernel of every element-wise operator."""
