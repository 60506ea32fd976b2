"""The notation of Kakushadze (2016), read into the tree of an expression of ours.

The file beside this one holds the formulas as the paper prints them. Reading them by rule, and
comparing trees, shows that a string of the library says what is printed: same operators, same
numbers, windows floored, ``min(x, d)`` with a number as the minimum over time.
"""

from __future__ import annotations

import ast
import re
from math import floor
from pathlib import Path

RENAMED = {
    "stddev": "ts_std",
    "correlation": "ts_corr",
    "covariance": "ts_cov",
    "sum": "ts_sum",
    "product": "ts_product",
    "signedpower": "signed_power",
}
WINDOW_LAST = re.compile(r"ts_(std|corr|cov|sum|product|min|max|rank|argm..)|del.*|decay_linear")
BINDING = {"?": 1, "||": 2, "<": 3, "==": 3, "+": 4, "-": 4, "*": 5, "/": 5, "^": 7}
PYTHON = {"||": "|", "^": "**"}
TOKEN = re.compile(r"\s*(\d+\.?\d*|\.\d+|\w+|\|\||==|[-+*/^<?:(),])")


def published() -> dict[int, str]:
    """Formulas by number, as printed."""
    text = (Path(__file__).parent / "published_101.txt").read_text()
    lines = [line.split(": ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {int(number): formula for number, formula in lines}


def tree(text: str) -> str:
    """Tree of an expression in our vocabulary, to be compared; 2.0 is 2."""
    parsed = ast.parse(text, mode="eval")
    for node in ast.walk(parsed):
        if isinstance(node, ast.Constant) and node.value == int(node.value):
            node.value = int(node.value)
    return ast.dump(parsed)


def translated(formula: str) -> str:
    """Our spelling, in full parentheses, of a formula as the paper prints it."""
    tokens = TOKEN.findall(formula)
    assert "".join(tokens) == formula.replace(" ", "")
    text, rest = _expression([*tokens, "end"], 0)
    assert rest == ["end"]
    return text


def _expression(tokens: list[str], level: int) -> tuple[str, list[str]]:
    left, tokens = _operand(tokens)
    while BINDING.get(tokens[0], 0) > level:
        sign, tokens = tokens[0], tokens[1:]
        right, tokens = _expression(tokens, 0 if sign == "?" else BINDING[sign])
        if sign == "?":
            assert tokens[0] == ":"
            other, tokens = _expression(tokens[1:], 0)
            left = f"where({left}, {right}, {other})"
        else:
            left = f"({left} {PYTHON.get(sign, sign)} {right})"
    return left, tokens


def _operand(tokens: list[str]) -> tuple[str, list[str]]:
    word, tokens = tokens[0], tokens[1:]
    if word == "(":
        inner, tokens = _expression(tokens, 0)
        assert tokens[0] == ")"
        return f"({inner})", tokens[1:]
    if word == "-":
        inner, tokens = _expression(tokens, 6)
        return f"(-{inner})", tokens
    if tokens[0] == "(":
        return _call(word.lower(), tokens[1:])
    average = re.fullmatch(r"adv(\d+)", word)
    return (f"ts_mean(vwap * volume, {average[1]})" if average else word), tokens


def _call(name: str, tokens: list[str]) -> tuple[str, list[str]]:
    arguments = []
    while True:
        argument, tokens = _expression(tokens, 0)
        arguments.append(argument)
        end, tokens = tokens[0], tokens[1:]
        if end == ")":
            break
        assert end == ","
    name = RENAMED.get(name, name)
    if name in ("min", "max"):
        number = re.fullmatch(r"[\d.]+", arguments[1])
        name = f"ts_{name}" if number else f"{name}imum"
    if WINDOW_LAST.fullmatch(name):
        arguments[-1] = str(floor(float(arguments[-1])))
    return f"{name}({', '.join(arguments)})", tokens
