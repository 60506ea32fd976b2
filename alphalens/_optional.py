"""Optional parts: one guard, one error with the command that installs what is missing."""

from __future__ import annotations

from importlib.util import find_spec

from alphalens.errors import MissingExtra

__all__ = ["require"]


def require(*modules: str, extra: str) -> None:
    """Raise `MissingExtra` for the first of `modules` that is not installed.

    Parameters
    ----------
    *modules : str
        Top-level import names.
    extra : str
        The extra of ``pyproject.toml`` that brings them.

    Raises
    ------
    MissingExtra
        With the pip command to run.
    """
    for module in modules:
        if find_spec(module) is None:
            raise MissingExtra(extra, module)
