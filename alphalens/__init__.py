"""Factor analysis, drop-in for Alphalens, and the road from a factor to a supervised trade.

The four modules of the factor library load at first use::

    import alphalens
    alphalens.tears.create_full_tear_sheet(factor_data)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from alphalens._version import __version__

if TYPE_CHECKING:
    from types import ModuleType

    from alphalens import performance, plotting, tears, utils

__all__ = ["performance", "plotting", "tears", "utils"]

version_tuple = tuple(
    int(part) if part.isdigit() else part for part in __version__.replace("+", ".").split(".")
)


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
