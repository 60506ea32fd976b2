"""Optional parts: named when they are missing, loaded when they are used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec

from alphalens.errors import MissingExtra

__all__ = ["on_demand", "require"]


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


def on_demand(
    package: str, homes: Mapping[str, tuple[str, ...]], *, extra: str
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a package whose names load at first use.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    homes : Mapping of str to tuple of str
        The names that each of its modules has to give.
    extra : str
        The extra that brings what those modules import.

    Returns
    -------
    tuple of two callables
        The first raises `AttributeError` for a name that no module has to give, and
        `MissingExtra` where what its module imports is not installed.

    Examples
    --------
    >>> give, _ = on_demand("alphalens.data", {"bars": ("Timeframe",)}, extra="trading")
    >>> give("Timeframe").__name__
    'Timeframe'
    """
    modules = {name: module for module, names in homes.items() for name in names}

    def give(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            home = import_module(f"{package}.{modules[name]}")
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith("alphalens"):
                raise
            raise MissingExtra(extra, error.name) from error
        found: object = getattr(home, name)
        setattr(sys.modules[package], name, found)  # the next time it is simply there
        return found

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return give, listed
