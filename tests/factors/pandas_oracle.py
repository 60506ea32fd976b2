"""An evaluator of factor expressions in plain pandas and numpy: naive, nothing shared with ours.

Each operator is restated from its definition: a window of n rows is the stack of the n frames
that `shift` makes, a statistic of the window is taken down the stack, and a missing value in any
of the n frames makes the result missing. The text is read with `ast` by Python's own rules.

Ranks, comparisons and arguments of extremes jump where two numbers that are equal in exact
arithmetic differ in the last bit. A shaken oracle moves the result of every statistic in its
thirteenth digit; where that moves the factor, rounding decides the value and two correct programs
may differ, so a comparison leaves the cell out and counts it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import wraps

import numpy as np
import pandas as pd

Frame = pd.DataFrame
Panel = Mapping[str, Frame]
Array = np.ndarray


class Oracle:
    """Value of expressions on one panel; parts that occur twice are computed once."""

    def __init__(self, panel: Panel, *, shake: float = 0.0, seed: int = 0) -> None:
        self.panel = dict(panel)
        close = self.panel["close"]
        self.panel.setdefault("returns", close / close.shift(1) - 1.0)
        self.shape = close * np.nan
        self.shake, self.rng = shake, np.random.default_rng(seed)
        self.known: dict[str, Frame | float] = {}

    def __call__(self, text: str) -> Frame:
        """Factor of the shape of the panel."""
        value = self.value(ast.parse(text, mode="eval").body)
        return value if isinstance(value, Frame) else self.shape * 0 + value

    def value(self, node: ast.expr) -> Frame | float:
        key = ast.dump(node)
        if key not in self.known:
            self.known[key] = _finite(self.computed(node))
        return self.known[key]

    def computed(self, node: ast.expr) -> Frame | float:
        if isinstance(node, ast.Constant):
            return float(node.value)
        if isinstance(node, ast.Name):
            return self.panel[node.id]
        if isinstance(node, ast.UnaryOp):
            return UNARY[type(node.op)](self.value(node.operand))
        if isinstance(node, ast.BinOp):
            return BINARY[type(node.op)](self.value(node.left), self.value(node.right))
        if isinstance(node, ast.Compare):
            assert len(node.ops) == 1
            return BINARY[type(node.ops[0])](self.value(node.left), self.value(node.comparators[0]))
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Name)
        arguments = [self.value(argument) for argument in node.args]
        result = CALLS[node.func.id](*arguments)
        is_single = any(isinstance(a, float) and a == 1 for a in arguments)  # a window of one row
        is_exact = node.func.id in EXACT or is_single
        return result if is_exact or not self.shake else self.moved(result, node.func.id)

    def moved(self, values: Frame, name: str) -> Frame:
        """Add noise in the last digits of the value (or of 0.1); one noise a row for `scale`."""
        if name == "scale":
            return values * (1.0 + self.shake * self.rng.uniform(-1.0, 1.0, (len(values), 1)))
        noise = self.rng.uniform(-1.0, 1.0, values.shape)
        return values + self.shake * noise * np.maximum(values.abs(), 0.1)


def rounding_decides(text: str, oracles: Sequence[Oracle], *, tolerance: float) -> Frame:
    """Cells where the oracles, the first plain and the others shaken, do not agree.

    Two shaken ones tell whether rounding matters at all; only then all of them are asked.
    """
    plain = oracles[0](text)
    unsure = plain.isna() & plain.notna()
    for asked, oracle in enumerate(oracles[1:]):
        if asked >= 2 and not unsure.any(axis=None):
            break
        unsure |= ~_close(plain, oracle(text), tolerance)
    return unsure


def _close(left: Frame, right: Frame, tolerance: float) -> Frame:
    near = (left - right).abs() <= tolerance * np.maximum(left.abs(), right.abs())
    return near | (left.isna() & right.isna())


def _finite(value: Frame | float) -> Frame | float:
    if isinstance(value, Frame):
        return value.where(np.isfinite(value.astype(float)))
    return float(value)


# --- element by element -------------------------------------------------------------------------
def _flag(
    test: Callable[[Frame, Frame], Frame],
) -> Callable[[Frame | float, Frame | float], Frame]:
    """1.0 or 0.0 of a comparison, missing where a side is."""

    def compare(left: Frame | float, right: Frame | float) -> Frame:
        known = (left * 0 + right * 0) == 0
        return test(left, right).astype(float).where(known)

    return compare


def _negated(value: Frame | float) -> Frame | float:
    return -value


def _quotient(left: Frame | float, right: Frame | float) -> Frame | float:
    return left / right


def _power(base: Frame | float, exponent: Frame | float) -> Frame | float:
    with np.errstate(all="ignore"):
        power = base**exponent
    known = (base * 0 + exponent * 0) == 0  # 1 ** NaN and NaN ** 0 are missing here
    return power.where(known) if isinstance(power, Frame) else power


def _signed_power(base: Frame, exponent: Frame | float) -> Frame:
    return np.sign(base) * _power(base.abs(), exponent)


def _where(condition: Frame, yes: Frame | float, no: Frame | float) -> Frame:
    blank = condition * np.nan
    chosen_yes = (blank.fillna(0) + yes).where(condition != 0)
    chosen_no = (blank.fillna(0) + no).where(condition == 0)
    return chosen_yes.fillna(chosen_no).where(condition.notna())


def _log(value: Frame) -> Frame:
    return np.log(value.where(value > 0))


def _minimum(left: Frame | float, right: Frame | float) -> Frame:
    frame = left if isinstance(left, Frame) else right
    return frame * 0 + np.minimum(left, right)


def _maximum(left: Frame | float, right: Frame | float) -> Frame:
    return -_minimum(-left, -right)


# --- over time ----------------------------------------------------------------------------------
def _windowed(statistic: Callable[..., Array]) -> Callable[..., Frame]:
    """Apply a statistic of stacks (n, dates, assets), today's frame first, to one or two series."""

    @wraps(statistic)
    def over_time(*arguments: Frame | float) -> Frame:
        series = [x for x in arguments if isinstance(x, Frame)]
        n, *rest = [x for x in arguments if not isinstance(x, Frame)]
        stacks = [np.stack([x.shift(back) for back in range(int(n))]) for x in series]
        gap = np.isnan(sum(stacks)).any(axis=0)
        with np.errstate(all="ignore"):
            values = np.where(gap, np.nan, statistic(*stacks, *rest))
        return Frame(values, index=series[0].index, columns=series[0].columns)

    return over_time


def _deviations(x: Array) -> Array:
    return x - x.mean(axis=0)


def _is_flat(x: Array) -> Array:
    return (x == x[0]).all(axis=0)


def _unless_flat(values: Array, *stacks: Array) -> Array:
    return np.where(np.any([_is_flat(x) for x in stacks], axis=0), np.nan, values)


def _covariance(x: Array, y: Array) -> Array:
    return (_deviations(x) * _deviations(y)).sum(axis=0) / (len(x) - 1)


def _correlation(x: Array, y: Array) -> Array:
    both = np.sqrt(_covariance(x, x) * _covariance(y, y))
    return _unless_flat(_covariance(x, y) / both, x, y)


def _share_below(x: Array) -> Array:
    """Average rank of today's value over the number of rows."""
    return ((x < x[0]).sum(axis=0) + ((x == x[0]).sum(axis=0) + 1) / 2) / len(x)


def _weighted(x: Array) -> Array:
    weights = np.arange(len(x), 0, -1.0)
    return np.tensordot(weights / weights.sum(), x, axes=1)


def _days(x: Array) -> Array:
    """Row numbers of the window less their mean, today's first."""
    return (len(x) - 1) / 2 - np.arange(len(x))


def _slope(x: Array) -> Array:
    return np.tensordot(_days(x), _deviations(x), axes=1) / (_days(x) ** 2).sum()


def _residual(x: Array) -> Array:
    return _deviations(x)[0] - _slope(x) * _days(x)[0]


def _fit(x: Array) -> Array:
    explained = _slope(x) ** 2 * (_days(x) ** 2).sum()
    return _unless_flat(explained / (_deviations(x) ** 2).sum(axis=0), x)


def _skewness(x: Array) -> Array:
    n, d = len(x), _deviations(x)
    ratio = (d**3).mean(axis=0) / (d**2).mean(axis=0) ** 1.5
    return _unless_flat(ratio * np.sqrt(n * (n - 1)) / (n - 2), x)


# --- across assets ------------------------------------------------------------------------------
def _rank(x: Frame) -> Frame:
    return x.rank(axis=1, pct=True)


def _scale(x: Frame, a: float = 1.0) -> Frame:
    return (a * x).div(x.abs().sum(axis=1), axis=0)


UNARY: dict[type, Callable[..., Frame | float]] = {
    ast.USub: _negated,
    ast.Invert: lambda x: (x == 0).astype(float).where(x.notna()),
}
BINARY: dict[type, Callable[..., Frame | float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: _quotient,
    ast.Pow: _power,
    ast.Lt: _flag(lambda a, b: a < b),
    ast.LtE: _flag(lambda a, b: a <= b),
    ast.Gt: _flag(lambda a, b: a > b),
    ast.GtE: _flag(lambda a, b: a >= b),
    ast.Eq: _flag(lambda a, b: a == b),
    ast.NotEq: _flag(lambda a, b: a != b),
    ast.BitAnd: _flag(lambda a, b: (a != 0) & (b != 0)),
    ast.BitOr: _flag(lambda a, b: (a != 0) | (b != 0)),
}
CALLS: dict[str, Callable[..., Frame]] = {
    "abs": lambda x: x.abs(),
    "log": _log,
    "sign": np.sign,
    "minimum": _minimum,
    "maximum": _maximum,
    "signed_power": _signed_power,
    "where": _where,
    "delay": lambda x, n: x.shift(int(n)),
    "delta": lambda x, n: x - x.shift(int(n)),
    "ts_sum": _windowed(lambda x: x.sum(axis=0)),
    "ts_mean": _windowed(lambda x: x.mean(axis=0)),
    "ts_std": _windowed(lambda x: x.std(axis=0, ddof=1)),
    "ts_min": _windowed(lambda x: x.min(axis=0)),
    "ts_max": _windowed(lambda x: x.max(axis=0)),
    "ts_argmin": _windowed(lambda x: x.argmin(axis=0).astype(float)),  # the first is the latest
    "ts_argmax": _windowed(lambda x: x.argmax(axis=0).astype(float)),
    "ts_rank": _windowed(_share_below),
    "ts_quantile": _windowed(lambda x, q: np.quantile(x, q, axis=0)),
    "ts_product": _windowed(lambda x: x.prod(axis=0)),
    "ts_corr": _windowed(_correlation),
    "ts_cov": _windowed(_covariance),
    "ts_slope": _windowed(_slope),
    "ts_rsquare": _windowed(_fit),
    "ts_residual": _windowed(_residual),
    "ts_skew": _windowed(_skewness),
    "decay_linear": _windowed(_weighted),
    "rank": _rank,
    "scale": _scale,
}
EXACT = {name for name in CALLS if not name.startswith(("ts_", "decay", "scale"))} | {
    "ts_min",
    "ts_max",
    "ts_argmin",
    "ts_argmax",
    "ts_rank",
}
