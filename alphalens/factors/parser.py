"""Factor expressions read from text: Python's grammar, a whitelist of its nodes, no evaluation."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Final, NoReturn, TypeVar

from alphalens.errors import InputError
from alphalens.factors._grammar import CALLABLE, SYMBOLS, Rule, no_operator
from alphalens.factors.expression import Expression, build, field, number

__all__ = ["MAX_CHARACTERS", "parse"]

MAX_CHARACTERS: Final = 50_000
"""Length of the longest text that is read."""

_SHOWN: Final = 72
"""Characters of the text that an error shows."""

T = TypeVar("T")

_SYMBOL_OF: Final[Mapping[type[ast.AST], str]] = {
    ast.Add: "+",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.Div: "/",
    ast.Eq: "==",
    ast.Invert: "~",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Mult: "*",
    ast.NotEq: "!=",
    ast.Pow: "**",
    ast.Sub: "-",
    ast.USub: "-",
}

_SWAPPED: Final[Mapping[type[ast.AST], str]] = {ast.Gt: "<", ast.GtE: "<="}

_INSTEAD: Final[Mapping[type[ast.AST], str]] = {
    ast.And: "join conditions with &",
    ast.Attribute: "a field is a plain name: there is nothing behind a dot",
    ast.BitXor: "a power is written **",
    ast.IfExp: "a choice is written where(condition, a, b)",
    ast.Not: "the opposite of a condition is written ~",
    ast.Or: "join conditions with |",
    ast.Subscript: "an earlier row is written delay(x, n)",
}


def parse(text: str) -> Expression:
    """Read a factor expression.

    Parameters
    ----------
    text : str
        Fields, finite numbers, ``+ - * / **``, ``< <= > >= == !=``, ``& | ~``, parentheses, and
        calls of the operators of `alphalens.factors.operators`; windows and levels written out as
        numbers, groups as ``by=sector``. They bind as in Python: comparisons joined by ``&`` or
        ``|`` need parentheses.

    Returns
    -------
    Expression
        The same as built in Python from the same words.

    Raises
    ------
    InputError
        If the text holds anything else; it shows the place.

    Notes
    -----
    Nothing is executed: the text becomes a tree of `ast`, of which only the nodes named above are
    taken.

    Examples
    --------
    >>> parse("rank(close/delay(close, 5) - 1, by=sector)").lookback
    6
    >>> parse("winsorise(close, 3)")
    Traceback (most recent call last):
    alphalens.errors.InputError: there is no operator 'winsorise'; did you mean winsorize?
        winsorise(close, 3)
        ^
    """
    if not isinstance(text, str):
        raise InputError(f"an expression to be read must be a str, got {type(text).__name__}")
    if len(text) > MAX_CHARACTERS:
        raise InputError(
            f"an expression may have {MAX_CHARACTERS} characters, this one has {len(text)}"
        )
    return _Reader(text).read()


class _Reader:
    """One text on its way to a tree."""

    def __init__(self, text: str) -> None:
        self._text = "".join(" " if character.isspace() else character for character in text)
        self._indent = len(self._text) - len(self._text.lstrip())

    def read(self) -> Expression:
        if "#" in self._text:
            self._refuse("an expression has no comments", self._text.index("#"))
        try:
            tree = ast.parse(self._text.lstrip(), mode="eval")
            return self._read(tree.body)
        except SyntaxError as error:
            self._refuse(f"this is no expression: {error.msg}", self._place(error.offset or 1, 1))
        except (RecursionError, MemoryError):
            raise InputError("the expression is nested too deeply to be read") from None
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            self._refuse(f"this is no expression: {error}", 0)

    def _read(self, node: ast.expr) -> Expression:
        reader = _READERS.get(type(node))
        if reader is None:
            self._refuse_node(node, node)
        return reader(self, node)

    def _name(self, node: ast.Name) -> Expression:
        return self._at(node, lambda: field(node.id))

    def _constant(self, node: ast.Constant) -> Expression:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(f"{_kind(value)} has no place in an expression", self._start(node))
        return self._at(node, lambda: number(value))

    def _sign(self, node: ast.UnaryOp) -> Expression:
        operand = self._read(node.operand)
        if isinstance(node.op, ast.UAdd):
            return operand
        return self._symbol(node, node.op, operand)

    def _binary(self, node: ast.BinOp) -> Expression:
        return self._symbol(node, node.op, self._read(node.left), self._read(node.right))

    def _comparison(self, node: ast.Compare) -> Expression:
        if len(node.ops) > 1:
            self._refuse(
                "one comparison at a time: join two with &, each in parentheses", self._start(node)
            )
        left, right = self._read(node.left), self._read(node.comparators[0])
        if (symbol := _SWAPPED.get(type(node.ops[0]))) is not None:
            return self._at(node, lambda: build(SYMBOLS[symbol, 2].name, (right, left)))
        return self._symbol(node, node.ops[0], left, right)

    def _symbol(self, node: ast.expr, symbol: ast.AST, *operands: Expression) -> Expression:
        written = _SYMBOL_OF.get(type(symbol))
        if written is None:
            self._refuse_node(node, symbol)
        return self._at(node, lambda: build(SYMBOLS[written, len(operands)].name, operands))

    def _call(self, node: ast.Call) -> Expression:
        rule = self._rule(node)
        by = self._groups(node, rule)
        count = len(rule.operands)
        least = count + sum(parameter.default is None for parameter in rule.parameters)
        if not least <= len(node.args) <= count + len(rule.parameters):
            self._refuse(f"{rule.name} is called as {rule.signature}", self._start(node))
        operands = [self._read(argument) for argument in node.args[:count]]
        written = node.args[count:]
        numbers = [
            self._parameter(argument, parameter.check, rule)
            for argument, parameter in zip(written, rule.parameters, strict=False)
        ]
        numbers += [p.default for p in rule.parameters[len(written) :] if p.default is not None]
        return self._at(node, lambda: build(rule.name, operands, numbers, by))

    def _rule(self, node: ast.Call) -> Rule:
        if not isinstance(node.func, ast.Name):
            self._refuse_node(node.func, node.func)
        name = node.func.id
        if name not in CALLABLE:
            self._refuse(no_operator(name, CALLABLE), self._start(node))
        return CALLABLE[name]

    def _groups(self, node: ast.Call, rule: Rule) -> str | None:
        if not node.keywords:
            return None
        keyword = node.keywords[0]
        is_by = keyword.arg == "by" and rule.kind == "section" and len(node.keywords) == 1
        if not is_by or not isinstance(keyword.value, ast.Name):
            self._refuse(
                f"{rule.name} is called as {rule.signature}, groups being a name, without quotes",
                self._start(keyword),
            )
        return keyword.value.id

    def _parameter(
        self, node: ast.expr, check: Callable[[object, str], float], rule: Rule
    ) -> float:
        """Read a number that is written out, with its sign."""
        sign, bare = 1, node
        while isinstance(bare, ast.UnaryOp) and isinstance(bare.op, ast.UAdd | ast.USub):
            sign *= -1 if isinstance(bare.op, ast.USub) else 1
            bare = bare.operand
        value = bare.value if isinstance(bare, ast.Constant) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._at(node, lambda: check(ast.unparse(node), rule.signature))
        return self._at(node, lambda: check(sign * value, rule.signature))

    def _at(self, node: ast.expr, make: Callable[[], T]) -> T:
        """Make something of a node; an error gets the place."""
        try:
            return make()
        except InputError as error:
            self._refuse(str(error), self._start(node))

    def _refuse_node(self, node: ast.expr, odd: ast.AST) -> NoReturn:
        if isinstance(odd, ast.BoolOp):
            odd = odd.op
        hint = _INSTEAD.get(type(odd), "write fields, numbers, operators and their calls only")
        self._refuse(
            f"{type(odd).__name__} has no place in an expression: {hint}", self._start(node)
        )

    def _start(self, node: ast.expr | ast.keyword) -> int:
        """Return the character at which a node starts; `ast` counts bytes."""
        before = self._text.lstrip().encode()[: node.col_offset]
        return self._indent + len(before.decode())

    def _place(self, offset: int, first: int) -> int:
        return self._indent + max(offset - first, 0)

    def _refuse(self, message: str, place: int) -> NoReturn:
        start = max(min(place - _SHOWN // 2, len(self._text) - _SHOWN), 0)
        shown = self._text[start : start + _SHOWN]
        raise InputError(f"{message}\n    {shown}\n    {' ' * (place - start)}^")


def _kind(value: object) -> str:
    return "a text" if isinstance(value, str) else repr(value)


_READERS: Final[dict[type[ast.expr], Callable[..., Expression]]] = {
    ast.BinOp: _Reader._binary,
    ast.Call: _Reader._call,
    ast.Compare: _Reader._comparison,
    ast.Constant: _Reader._constant,
    ast.Name: _Reader._name,
    ast.UnaryOp: _Reader._sign,
}
