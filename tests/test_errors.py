"""The error tree is what its docstring draws, and says who has to act."""

from __future__ import annotations

import inspect
import re

import pytest

from alphalens import errors
from alphalens._optional import require


def _classes() -> dict[str, type]:
    return {n: c for n, c in vars(errors).items() if inspect.isclass(c)}


def test_docstring_draws_every_class_under_its_parent():
    stack: list[str] = []
    drawn: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        match = re.search(r"[│├└─ ]*?([A-Z]\w+)(?:\s{2,}|$)", line)
        if not line.startswith("    ") or match is None:
            continue
        depth = (match.start(1) - 4) // 4
        del stack[depth:]
        if stack:
            drawn[match.group(1)] = stack[-1]
        stack.append(match.group(1))
    real = {n: c.__bases__[0].__name__ for n, c in _classes().items() if n != "AlphaLensError"}
    assert drawn == real


def test_all_lists_every_class():
    assert sorted(errors.__all__) == sorted(_classes())


def test_input_errors_are_value_errors_as_the_old_api_promised():
    assert issubclass(errors.InputError, ValueError)


def test_missing_extra_gives_the_exact_command():
    with pytest.raises(errors.MissingExtra, match=r'pip install "alpha-lens\[agents\]"') as caught:
        require("json", "no_such_module_here", extra="agents")
    assert caught.value.module == "no_such_module_here"
    assert isinstance(caught.value, ImportError)
