"""The vocabulary of factor expressions: how each operator is written and what it needs.

One table, `RULES`, serves the Python functions, the parser, the canonical form and the
evaluation. Windows are whole numbers from 1 up and count rows backwards, so an expression that
looks ahead cannot be written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from keyword import iskeyword
from math import nextafter
from numbers import Real
from sys import float_info
from typing import Final, Literal, TypeGuard

from alphalens._given import is_whole
from alphalens.errors import InputError

__all__ = [
    "CALLABLE",
    "RULES",
    "SYMBOLS",
    "Binding",
    "Parameter",
    "Rule",
    "as_whole",
    "check_name",
    "is_number",
    "no_operator",
    "number_text",
]

Kind = Literal["element", "window", "section"]

_EXACT_INTEGERS: Final = 1e16


class Binding:
    """How tightly the forms of an expression bind, as in Python."""

    COMPARISON, OR, AND, SUM, PRODUCT, SIGN, POWER, ATOM = range(8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number of an operator that is written out, not computed.

    Attributes
    ----------
    name : str
        As in the operator's signature.
    wanted : str
        What it must be, in words.
    low, high : float
        Limits, both allowed.
    is_whole : bool
        Only whole numbers will do.
    default : float or None
        Value where none is written; None if one must be.
    """

    name: str
    wanted: str
    low: float
    high: float = float_info.max
    is_whole: bool = False
    default: float | None = None

    def check(self, value: object, signature: str) -> float:
        """Return the number, an `int` where it must be whole.

        Raises
        ------
        InputError
            If it is no number, not whole, not finite or outside the limits.
        """
        number = as_whole(value) if self.is_whole else value
        if is_number(number) and self.low <= number <= self.high:
            return number if self.is_whole else float(number)
        raise InputError(f"{self.name} of {signature} must be {self.wanted}, got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one operator is written and what it needs.

    Attributes
    ----------
    name : str
        Of the Python function, or of the symbol's meaning.
    kind : {"element", "window", "section"}
        Whether a value depends on its own cell, on the asset's past rows, or on its date.
    operands : tuple of str
        Names of the operands.
    parameters : tuple of Parameter
        The numbers that follow them.
    symbol : str
        How it is written if not as a call.
    binding : int
        One of `Binding`.
    is_commutative : bool
        Whether swapping the (two) operands gives the same bits.
    is_delay : bool
        Whether n reaches n rows back, rather than over n rows with today's among them.
    """

    name: str
    kind: Kind
    operands: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    symbol: str = ""
    binding: int = Binding.ATOM
    is_commutative: bool = False
    is_delay: bool = False

    @property
    def signature(self) -> str:
        """Return how it is called, such as ``ts_corr(x, y, n)``."""
        words = [*self.operands]
        for parameter in self.parameters:
            default = "" if parameter.default is None else f"={number_text(parameter.default)}"
            words.append(parameter.name + default)
        words += ["by=None"] if self.kind == "section" else []
        return f"{self.name}({', '.join(words)})"

    def rows(self, parameters: tuple[float, ...]) -> int:
        """Return how many rows before today's it reaches back."""
        if self.kind != "window":
            return 0
        return int(parameters[0]) - (0 if self.is_delay else 1)


def _window(least: int = 1) -> Parameter:
    back = "; rows are counted backwards, there is no looking ahead"
    return Parameter(
        name="n", wanted=f"a whole number of at least {least}{back}", low=least, is_whole=True
    )


_LEVEL = Parameter(name="q", wanted="a number from 0 to 1", low=0.0, high=1.0)
_LIMIT = Parameter(
    name="limit", wanted="a number from 0 to below 0.5", low=0.0, high=nextafter(0.5, 0.0)
)
_BINS = Parameter(name="n", wanted="a whole number of at least 2", low=2, is_whole=True)
_GROSS = Parameter(name="a", wanted="a number above 0", low=nextafter(0.0, 1.0), default=1.0)

_BINARY: tuple[tuple[str, str, int, bool], ...] = (
    ("lt", "<", Binding.COMPARISON, False),
    ("le", "<=", Binding.COMPARISON, False),
    ("equal", "==", Binding.COMPARISON, True),
    ("not_equal", "!=", Binding.COMPARISON, True),
    ("or", "|", Binding.OR, True),
    ("and", "&", Binding.AND, True),
    ("add", "+", Binding.SUM, True),
    ("sub", "-", Binding.SUM, False),
    ("mul", "*", Binding.PRODUCT, True),
    ("div", "/", Binding.PRODUCT, False),
    ("pow", "**", Binding.POWER, False),
)


def _element(name: str, *operands: str, is_commutative: bool = False) -> Rule:
    return Rule(name=name, kind="element", operands=operands, is_commutative=is_commutative)


def _over(name: str, least: int = 1, *, operands: str = "x", is_delay: bool = False) -> Rule:
    names = tuple(operands.split())
    return Rule(
        name=name,
        kind="window",
        operands=names,
        parameters=(_window(least),),
        is_commutative=len(names) == 2,
        is_delay=is_delay,
    )


def _across(name: str, *parameters: Parameter) -> Rule:
    return Rule(name=name, kind="section", operands=("x",), parameters=parameters)


def _rules() -> tuple[Rule, ...]:
    symbols = [
        Rule(
            name=name,
            kind="element",
            operands=("x", "y"),
            symbol=symbol,
            binding=binding,
            is_commutative=swaps,
        )
        for name, symbol, binding, swaps in _BINARY
    ]
    signs = [
        Rule(name=name, kind="element", operands=("x",), symbol=symbol, binding=Binding.SIGN)
        for name, symbol in (("neg", "-"), ("not", "~"))
    ]
    element = [
        *(_element(name, "x") for name in ("abs", "exp", "log", "sign", "sqrt")),
        *(_element(name, "x", "y", is_commutative=True) for name in ("maximum", "minimum")),
        _element("signed_power", "x", "a"),
        _element("where", "condition", "a", "b"),
    ]
    window = [
        *(_over(name, is_delay=True) for name in ("delay", "delta")),
        *(_over(f"ts_{name}") for name in ("argmax", "argmin", "count", "max", "mean", "median")),
        *(_over(f"ts_{name}") for name in ("min", "product", "rank", "sum")),
        *(_over(f"ts_{name}", 2) for name in ("residual", "rsquare", "slope", "std", "var")),
        *(_over(f"ts_{name}", 2, operands="x y") for name in ("corr", "cov")),
        _over("decay_linear"),
        _over("ts_zscore", 2),
        _over("ts_skew", 3),
        _over("ts_kurt", 4),
        Rule(name="ts_quantile", kind="window", operands=("x",), parameters=(_window(), _LEVEL)),
    ]
    section = [
        *(_across(name) for name in ("demean", "rank", "zscore")),
        _across("quantile", _BINS),
        _across("scale", _GROSS),
        _across("winsorize", _LIMIT),
    ]
    return (*symbols, *signs, *element, *window, *section)


RULES: Final = {rule.name: rule for rule in _rules()}
"""Every operator by name."""

CALLABLE: Final = {name: rule for name, rule in RULES.items() if not rule.symbol}
"""The operators that are written as calls."""

SYMBOLS: Final = {(rule.symbol, len(rule.operands)): rule for rule in RULES.values() if rule.symbol}
"""The operators that are written as symbols, by symbol and number of operands."""


def no_operator(name: object, known: Iterable[str]) -> str:
    """Say that there is no such operator, and which come nearest."""
    names = list(known)
    close = get_close_matches(str(name), names)
    guess = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(names)}"
    return f"there is no operator {name!r}; {guess}"


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a value is a real number, of Python or numpy; a bool is none."""
    return not isinstance(value, bool) and isinstance(value, Real)


def as_whole(value: object) -> int | None:
    """Return a whole number of Python or numpy as an `int`; None for anything else."""
    return int(value) if is_whole(value) else None


def number_text(value: float) -> str:
    """Return the shortest text that reads back as `value`."""
    if float(value).is_integer() and abs(value) < _EXACT_INTEGERS:
        return str(int(value))
    return repr(float(value))


def check_name(name: object, what: str) -> str:
    """Return the name of a field or of groups.

    Raises
    ------
    InputError
        If it could not be written in an expression, or is an operator's.
    """
    if not isinstance(name, str) or not (name.isascii() and name.isidentifier()):
        raise InputError(
            f"{what} must be a name of letters, digits and underscores that does not begin with a "
            f"digit, got {name!r}: rename it"
        )
    if iskeyword(name):
        raise InputError(f"{what} cannot be {name!r}, a keyword of Python: rename it")
    if name in CALLABLE:
        raise InputError(
            f"{what} cannot be {name!r}, an operator: call it as {CALLABLE[name].signature}, "
            "or rename the field"
        )
    return name
