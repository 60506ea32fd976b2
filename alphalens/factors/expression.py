"""Factor expressions: immutable trees with one normal form, built with Python's operators.

A tree is made from fields and operators, `close / delay(close, 1) - 1`, or read from the same
words by `alphalens.factors.parse`; both ways give the same object. The normal form never
changes a number: it swaps the operands of commutative operators, writes ``a > b`` as ``b < a``,
drops double minus signs and computes what holds numbers only; it never reorders a sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from functools import reduce
from hashlib import sha256
from operator import attrgetter, or_
from typing import ClassVar, Final, TypeAlias, final

import numpy as np
import pandas as pd

from alphalens.errors import InputError
from alphalens.factors import _engine, _grammar
from alphalens.factors._elementwise import KERNELS
from alphalens.factors._grammar import RULES, Binding, Rule, is_number

__all__ = ["MAX_DEPTH", "MAX_NODES", "Expression", "Operand", "build", "field", "number"]

MAX_NODES: Final = 10_000
"""Nodes an expression may have."""

MAX_DEPTH: Final = 150
"""Operators that may be nested."""

_ROWS_OF_RETURNS: Final = 2


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Expression:
    """A factor as a tree of operators over the fields of a panel.

    Made by `field`, `parse`, the operators of `alphalens.factors` and Python's own
    (``+ - * / ** < <= > >= & | ~``, ``abs``); the constructor itself, and so `dataclasses.replace`,
    refuses what these would. Two expressions are equal (``==``) when their normal forms are;
    element by element, compare with `equal` and `not_equal`.

    Attributes
    ----------
    operator : str
        Name of the outermost operator; ``"field"`` and ``"number"`` for leaves.
    operands : tuple of Expression
        What it works on, in the order of the normal form.
    parameters : tuple of numbers
        Windows and levels; the value of a number.
    label : str
        Name of the field, or of the groups of a cross-sectional operator; empty otherwise.
    canonical : str
        The normal form; `parse` gives it back.
    lookback : int
        Rows that the latest value depends on, today's included.
    complexity : int
        Nodes of the tree; a part that occurs twice counts twice.
    depth : int
        Nodes on the longest way from the root to a leaf.
    fields : frozenset of str
        Fields it needs.
    groups : frozenset of str
        Group labels it needs.

    Raises
    ------
    InputError
        If there is no such operator, a parameter is outside its limits, an operand is no
        expression, the label is no name, the tree is too large, or a part of it holds numbers only
        and could be one number.

    Notes
    -----
    Goes where a `alphalens.factors.Factor` goes: `name`, `rows` and the call are there.
    ``returns`` counts as two rows, being ``close / delay(close, 1) - 1`` where a panel lacks it.

    Examples
    --------
    >>> close = field("close")
    >>> gap = field("open") * 2 - close > 0
    >>> gap.canonical
    '0 < 2 * open - close'
    >>> gap.lookback, gap.complexity, sorted(gap.fields)
    (1, 7, ['close', 'open'])
    """

    operator: str
    operands: tuple[Expression, ...] = ()
    parameters: tuple[float, ...] = ()
    label: str = ""
    canonical: str = attribute(init=False)
    lookback: int = attribute(init=False)
    complexity: int = attribute(init=False)
    depth: int = attribute(init=False)
    fields: frozenset[str] = attribute(init=False)
    groups: frozenset[str] = attribute(init=False)

    __array_ufunc__: ClassVar[None] = None
    """numpy leaves ``np.float64(2) * expression`` to the expression."""

    def __post_init__(self) -> None:
        put = object.__setattr__
        parts, parameters = _checked(self)
        put(self, "operands", parts)
        put(self, "parameters", parameters)
        put(self, "complexity", 1 + sum(part.complexity for part in parts))
        put(self, "depth", 1 + max((part.depth for part in parts), default=0))
        _refuse_giants(self.complexity, self.depth)
        own_field = {self.label} if self.operator == "field" else set()
        own_group = {self.label} if self.label and parts else set()
        put(self, "fields", _union(own_field, (part.fields for part in parts)))
        put(self, "groups", _union(own_group, (part.groups for part in parts)))
        put(self, "lookback", _lookback(self))
        put(self, "canonical", _text(self))

    @property
    def hash(self) -> str:
        """Return the SHA-256 of the normal form, in hexadecimal: the same in every process."""
        return sha256(self.canonical.encode()).hexdigest()

    @property
    def name(self) -> str:
        """Return the normal form, under the name that a `Factor` gives it."""
        return self.canonical

    @property
    def rows(self) -> int:
        """Return the lookback, under the name that a `Factor` gives it."""
        return self.lookback

    def __call__(self, closes: pd.DataFrame | Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Return the factor of `closes` (or of a panel, as in `evaluate`), of the same shape."""
        if isinstance(closes, pd.DataFrame) and closes.columns.nlevels == 1:
            closes = {"close": closes}
        return _engine.run({"": self}, closes, {}, 1)[""]

    def __str__(self) -> str:
        return self.canonical

    def __repr__(self) -> str:
        return f"parse({self.canonical!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.canonical == other.canonical

    def __hash__(self) -> int:
        return hash(self.canonical)

    def __bool__(self) -> bool:
        raise InputError(
            f"{_short(self.canonical)} has no truth value: join conditions with & | ~, and choose "
            "with where(condition, a, b)"
        )

    def __add__(self, other: Operand) -> Expression:
        return _binary("add", self, other)

    def __radd__(self, other: Operand) -> Expression:
        return _binary("add", other, self)

    def __sub__(self, other: Operand) -> Expression:
        return _binary("sub", self, other)

    def __rsub__(self, other: Operand) -> Expression:
        return _binary("sub", other, self)

    def __mul__(self, other: Operand) -> Expression:
        return _binary("mul", self, other)

    def __rmul__(self, other: Operand) -> Expression:
        return _binary("mul", other, self)

    def __truediv__(self, other: Operand) -> Expression:
        return _binary("div", self, other)

    def __rtruediv__(self, other: Operand) -> Expression:
        return _binary("div", other, self)

    def __pow__(self, other: Operand) -> Expression:
        return _binary("pow", self, other)

    def __rpow__(self, other: Operand) -> Expression:
        return _binary("pow", other, self)

    def __lt__(self, other: Operand) -> Expression:
        return _binary("lt", self, other)

    def __le__(self, other: Operand) -> Expression:
        return _binary("le", self, other)

    def __gt__(self, other: Operand) -> Expression:
        return _binary("lt", other, self)

    def __ge__(self, other: Operand) -> Expression:
        return _binary("le", other, self)

    def __and__(self, other: Operand) -> Expression:
        return _binary("and", self, other)

    def __rand__(self, other: Operand) -> Expression:
        return _binary("and", other, self)

    def __or__(self, other: Operand) -> Expression:
        return _binary("or", self, other)

    def __ror__(self, other: Operand) -> Expression:
        return _binary("or", other, self)

    def __neg__(self) -> Expression:
        return build("neg", (self,))

    def __pos__(self) -> Expression:
        return self

    def __invert__(self) -> Expression:
        return build("not", (self,))

    def __abs__(self) -> Expression:
        return build("abs", (self,))


Operand: TypeAlias = Expression | float
"""What an operator takes: an expression, or a number."""


def field(name: str) -> Expression:
    """Return the expression that is one field of the panel.

    Parameters
    ----------
    name : str
        Such as ``"close"``: ASCII letters, digits and underscores; no operator's name.

    Returns
    -------
    Expression

    Raises
    ------
    InputError
        If the name could not be written in an expression.

    Examples
    --------
    >>> str(field("high") - field("low"))
    'high - low'
    """
    return Expression("field", label=name)


def number(value: float) -> Expression:
    """Return the expression that is one finite number."""
    return Expression("number", parameters=(value,))


def build(
    operator: str,
    operands: Iterable[Operand],
    parameters: Iterable[float] = (),
    by: str | None = None,
) -> Expression:
    """Return the normal form of an operator applied to its operands.

    Parameters
    ----------
    operator : str
        A name of the vocabulary.
    operands : iterable of Expression or number
        As many as the operator has.
    parameters : iterable of numbers
        As many as the operator has.
    by : str or None
        Name of the groups within which a cross-sectional operator works.

    Raises
    ------
    InputError
        If there is no such operator (the nearest ones are named), a parameter is outside its
        limits, an operand is no expression or number, or a window or section has nothing but
        numbers to work on.
    """
    rule = _rule_of(operator)
    parts = tuple(_as_expression(operand, rule) for operand in operands)
    if rule.kind != "element":
        label = "" if by is None else _grammar.check_name(by, "the name of groups")
        return Expression(operator, parts, tuple(parameters), label)
    if all(part.operator == "number" for part in parts):
        return _folded(rule, parts)
    if operator == "neg" and parts[0].operator == "neg":
        return parts[0].operands[0]
    return Expression(operator, parts)


def _rule_of(operator: object) -> Rule:
    if not isinstance(operator, str) or operator not in RULES:
        raise InputError(_grammar.no_operator(operator, RULES))
    return RULES[operator]


def _checked(node: Expression) -> tuple[tuple[Expression, ...], tuple[float, ...]]:
    """Return operands and parameters in normal form, or refuse the node."""
    rule = _LEAVES.get(node.operator) or _rule_of(node.operator)
    _check_tuple("operands", node.operands, len(rule.operands), rule)
    _check_tuple("parameters", node.parameters, len(rule.parameters), rule)
    if node.operator == "field":
        _grammar.check_name(node.label, "a field")
    elif node.label:
        _check_groups(node.label, rule)
    if node.operator == "number":
        return (), (_finite(node.parameters[0]),)
    numbers: tuple[float, ...] = ()
    if rule.parameters:
        pairs = zip(rule.parameters, node.parameters, strict=True)
        numbers = tuple([parameter.check(value, rule.signature) for parameter, value in pairs])
    return _ordered(node.operands, rule) if node.operands else (), numbers


def _check_tuple(name: str, given: object, length: int, rule: Rule) -> None:
    if not isinstance(given, tuple) or len(given) != length:
        raise InputError(f"{rule.signature} has {length} {name} in a tuple, got {given!r}")


def _check_groups(label: str, rule: Rule) -> None:
    if rule.kind != "section":
        raise InputError(f"{rule.signature} knows no groups, got {label!r}")
    _grammar.check_name(label, "the name of groups")


def _finite(value: float) -> float:
    """Return a finite number, a negative zero as zero: one text, one number."""
    try:
        exact = float(value) + 0.0 if is_number(value) else float("nan")
    except OverflowError:
        exact = float("inf")
    if not np.isfinite(exact):
        raise InputError(f"an expression holds finite numbers only, got {_short(str(value))}")
    return exact


def _check_operand(part: object, rule: Rule) -> None:
    if not isinstance(part, Expression):
        raise InputError(f"{rule.signature} takes expressions, got {part!r}: make it of field(...)")


def _ordered(parts: tuple[Expression, ...], rule: Rule) -> tuple[Expression, ...]:
    """Return the operands of an operator in the order of the normal form."""
    for part in parts:
        _check_operand(part, rule)
    if rule.kind != "element":
        _refuse_numbers(parts, rule)
    elif not any(part.fields for part in parts) or (rule.name == parts[0].operator == "neg"):
        raise InputError(
            f"{rule.signature} of {', '.join(part.canonical for part in parts)} has a shorter "
            "form: make it with Python's operators, or parse it"
        )
    return tuple(sorted(parts, key=_canonical)) if rule.is_commutative else parts


def _binary(operator: str, left: object, right: object) -> Expression:
    operands = [x for x in (left, right) if isinstance(x, Expression) or is_number(x)]
    if len(operands) < 2:
        return NotImplemented  # type: ignore[no-any-return]  # Python's own protocol
    return build(operator, operands)


def _as_expression(operand: object, rule: Rule) -> Expression:
    if isinstance(operand, Expression):
        return operand
    if is_number(operand):
        return number(operand)
    hint = f": write field({operand!r})" if isinstance(operand, str) else ""
    raise InputError(f"{rule.signature} takes expressions and numbers, got {operand!r}{hint}")


def _refuse_numbers(parts: tuple[Expression, ...], rule: Rule) -> None:
    for part, called in zip(parts, rule.operands, strict=True):
        if not part.fields:
            raise InputError(
                f"{called} of {rule.signature} must hold a field, got the number {part.canonical}"
            )


_canonical = attrgetter("canonical")

_LEAVES: Final = {
    "field": Rule(name="field", kind="element", operands=()),
    "number": Rule(
        name="number",
        kind="element",
        operands=(),
        parameters=(_grammar.Parameter(name="value", wanted="a finite number", low=-np.inf),),
    ),
}


def _folded(rule: Rule, parts: tuple[Expression, ...]) -> Expression:
    values = [np.array(part.parameters) for part in parts]
    with np.errstate(all="ignore"):
        value = float(KERNELS[rule.name](*values)[0])
    if not np.isfinite(value):
        written = _written(rule, [_bracketed(part, rule, 0) for part in parts], "")
        raise InputError(f"{_short(written)} is no finite number: leave it out")
    return number(value)


def _refuse_giants(complexity: int, depth: int) -> None:
    for what, size, limit in (("nodes", complexity, MAX_NODES), ("levels", depth, MAX_DEPTH)):
        if size > limit:
            raise InputError(
                f"an expression may have {limit} {what}, this one has {size}: evaluate it in parts "
                "and pass a part's values as a field"
            )


def _union(own: set[str], others: Iterable[frozenset[str]]) -> frozenset[str]:
    return reduce(or_, others, frozenset(own))


def _lookback(node: Expression) -> int:
    if node.operator == "field":
        return _ROWS_OF_RETURNS if node.label == "returns" else 1
    if node.operator == "number":
        return 1
    longest = max(part.lookback for part in node.operands)
    return longest + RULES[node.operator].rows(node.parameters)


def _text(node: Expression) -> str:
    """Return the normal form, its operands already having theirs."""
    if node.operator == "field":
        return node.label
    if node.operator == "number":
        return _grammar.number_text(node.parameters[0])
    rule = RULES[node.operator]
    if rule.symbol:
        parts = [_bracketed(part, rule, place) for place, part in enumerate(node.operands)]
        return _written(rule, parts, "")
    words = [part.canonical for part in node.operands]
    for parameter, value in zip(rule.parameters, node.parameters, strict=True):
        words += [] if value == parameter.default else [_grammar.number_text(value)]
    return _written(rule, words, node.label)


def _written(rule: Rule, words: list[str], by: str) -> str:
    if not rule.symbol:
        words = [*words, f"by={by}"] if by else words
        return f"{rule.name}({', '.join(words)})"
    return f"{rule.symbol}{words[0]}" if len(words) == 1 else f" {rule.symbol} ".join(words)


def _bracketed(part: Expression, rule: Rule, place: int) -> str:
    """Return an operand's text, in parentheses where Python would read it otherwise without."""
    binding = _binding(part)
    if rule.binding == Binding.POWER:
        is_loose = binding < (Binding.SIGN if place else Binding.ATOM)
    elif rule.binding == Binding.COMPARISON:
        is_loose = binding == Binding.COMPARISON
    else:
        is_loose = binding < rule.binding + place
    return f"({part.canonical})" if is_loose else part.canonical


def _binding(part: Expression) -> int:
    if part.operator == "number":
        return Binding.SIGN if part.parameters[0] < 0 else Binding.ATOM
    return Binding.ATOM if part.operator == "field" else RULES[part.operator].binding


def _short(text: str, width: int = 60) -> str:
    return text if len(text) <= width else f"{text[: width - 4]} ..."
