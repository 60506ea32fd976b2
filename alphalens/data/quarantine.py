"""What was set aside, and what is told about a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalens.data.bars import Bars
from alphalens.data.gaps import Gap
from alphalens.data.reasons import RULES, Reason, names_of

__all__ = ["Quarantined", "Report"]

Marks = NDArray[np.uint64]

# Not one bad row but a vendor, or a clock, that is wrong.
_ALARMING = frozenset(
    {Reason.INFINITE, Reason.ABSURD_SIZE, Reason.IN_THE_FUTURE, Reason.UNEXPLAINED_RATIO}
)
# These only where rows were rejected for it: a few equal bars are a quiet market.
_ALARMING_IF_FATAL = frozenset({Reason.STALE_REPEAT})


@dataclass(frozen=True, eq=False, kw_only=True)
class Quarantined:
    """Rows as the vendor told them, each with what is wrong with it.

    Attributes
    ----------
    bars : Bars
        Unrepaired.
    marks : uint64 array of shape (n,)
        All reasons found (`alphalens.data.reasons.Reason`).
    because : uint64 array of shape (n,)
        Those of them for which the row is here.
    raw : tuple of str
        The text of each row.
    """

    bars: Bars
    marks: Marks
    because: Marks
    raw: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.bars)

    def frame(self) -> pd.DataFrame:
        """Return a row for each: symbol, timestamp, source, received_at, reasons, because, raw."""
        table = self.bars.frame()
        return pd.DataFrame(
            {
                **{name: table[name] for name in ("symbol", "timestamp", "source", "received_at")},
                "reasons": _told(self.marks),
                "because": _told(self.because),
                "mask": self.marks,
                "raw": list(self.raw),
            }
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Report:
    """What was found in a batch, counted.

    Attributes
    ----------
    told, kept, rejected, repaired : int
        Rows.
    found : Bars
        The rows with a mark.
    marks : uint64 array of shape (n,)
        Theirs.
    because : int
        Mask of all reasons for which rows were rejected.
    gaps : tuple of Gap
        What is missing between the rows.
    empty : tuple of str
        Symbols that were asked for and have no row.
    held : tuple of (str, datetime)
        Rows kept although they may be misprints, because nothing comes after them.
    stored_misprints : tuple of (str, datetime)
        Stored rows that turned out to be misprints: correct them.
    added : frozenset of str
        Fields of the rows that are new, and that nobody here reads.
    """

    told: int
    kept: int
    rejected: int
    repaired: int
    found: Bars
    marks: Marks
    because: int = 0
    gaps: tuple[Gap, ...] = ()
    empty: tuple[str, ...] = ()
    held: tuple[tuple[str, datetime], ...] = ()
    stored_misprints: tuple[tuple[str, datetime], ...] = ()
    added: frozenset[str] = frozenset()

    @property
    def counts(self) -> Mapping[Reason, int]:
        """How many rows, or for ``EMPTY`` symbols, have each reason that was found."""
        values, times = np.unique(self.marks, return_counts=True)
        counted: Counter[Reason] = Counter()
        for mask, n in zip(values.tolist(), times.tolist(), strict=True):
            counted.update({reason: n for reason in Reason if mask & reason.bit})
        if self.empty:
            counted[Reason.EMPTY] = len(self.empty)
        return dict(sorted(counted.items()))

    @property
    def alarms(self) -> tuple[Reason, ...]:
        """Reasons that somebody should look at now: a vendor, a clock or a feed is wrong."""
        is_stale = bool(self.held) or bool(self.stored_misprints)
        return tuple(
            reason
            for reason in self.counts
            if reason in _ALARMING
            or (reason in _ALARMING_IF_FATAL and self.because & reason.bit)
            or (reason is Reason.MISPRINT and is_stale)
        )

    def frame(self) -> pd.DataFrame:
        """Return how many rows of each symbol and day (UTC) have each reason.

        The day is NaT where the instant of a row could not be read.
        """
        days = self.found.time.view("M8[us]").astype("M8[D]").astype("M8[s]")
        table = pd.DataFrame({"code": self.found.codes, "day": days, "mask": self.marks})
        key = ["code", "day", "mask"]
        counted = table.groupby(key, as_index=False, dropna=False).agg(rows=("mask", "size"))
        symbols = np.array((*self.found.symbols, ""), object)
        counted["symbol"] = symbols[counted["code"].to_numpy()]
        told = {mask: names_of(mask) for mask in np.unique(self.marks).tolist()}
        counted["reason"] = [told[mask] for mask in counted["mask"].tolist()]
        names = ["symbol", "day", "reason"]
        summed = counted.explode("reason").groupby(names, as_index=False, dropna=False)
        return summed.agg(rows=("rows", "sum"))

    def __str__(self) -> str:
        """Tell it in lines."""
        lines = [
            f"{self.told} rows: {self.kept} kept, {self.rejected} in quarantine, "
            f"{self.repaired} repaired"
        ]
        lines += [
            f"  {n:>6} {reason.name.lower()}: {RULES[reason].text}"
            for reason, n in self.counts.items()
        ]
        lines += [
            f"  gap: {gap.symbol} lacks {gap.count} between {gap.after.isoformat()} and "
            f"{gap.before.isoformat()}"
            for gap in self.gaps
        ]
        lines += [f"  no rows: {symbol}" for symbol in self.empty]
        lines += [f"  held until more is known: {s} {at.isoformat()}" for s, at in self.held]
        lines += [
            f"  stored row was a misprint: {s} {at.isoformat()}" for s, at in self.stored_misprints
        ]
        lines += [f"  new field, not read: {name}" for name in sorted(self.added)]
        return "\n".join(lines)


def _told(marks: Marks) -> list[str]:
    """Return the reasons in each mask as text."""
    told = {mask: ", ".join(names_of(mask)) for mask in np.unique(marks).tolist()}
    return [told[mask] for mask in marks.tolist()]
