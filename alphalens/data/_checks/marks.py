"""Marks on rows that are being judged: all reasons found, and those that are fatal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphalens.data.reasons import RULES, Reason, Severity

__all__ = ["FATAL", "Marked"]

Flags = NDArray[np.bool_]
Marks = NDArray[np.uint64]
Places = NDArray[np.intp]

#: What sends a row to quarantine.
FATAL = frozenset({Severity.REJECT, Severity.BATCH})


@dataclass(eq=False, kw_only=True)
class Marked:
    """What was found in rows so far.

    Attributes
    ----------
    marks : uint64 array of shape (n,)
        All reasons found.
    fatal : uint64 array of shape (n,)
        Those of them that send the row to quarantine.
    """

    marks: Marks
    fatal: Marks

    @property
    def is_good(self) -> Flags:
        """Which rows nothing sends to quarantine so far."""
        good: Flags = self.fatal == 0
        return good

    def mark(self, where: Flags | Places, reason: Reason, *, is_fatal: bool | None = None) -> None:
        """Put a reason on rows; whether it rejects them is by its rule, unless told here."""
        places = np.flatnonzero(where) if where.dtype == np.bool_ else where
        if not len(places):
            return
        bit = np.uint64(reason.bit)
        self.marks[places] |= bit
        if RULES[reason].severity in FATAL if is_fatal is None else is_fatal:
            self.fatal[places] |= bit
