"""What callers give: whole numbers told from others, and labels as an error names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["is_whole", "span_of"]


def is_whole(number: object) -> TypeGuard[int]:
    """Tell whether something is a whole number of Python or numpy; True is none, nor is 5.0."""
    return isinstance(number, int | np.integer) and not isinstance(number, bool)


def span_of(labels: pd.Index) -> str:
    """Return the first and the last of some labels, such as dates."""
    return f"{labels.min()} to {labels.max()}" if len(labels) else "none"
