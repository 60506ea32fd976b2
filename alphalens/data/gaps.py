"""What is missing between bars, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alphalens.data.reasons import Reason

__all__ = ["Gap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Bars that the vendor did not tell.

    Attributes
    ----------
    symbol : str
        Whose.
    after, before : datetime
        Begins of the bars on both sides (aware).
    count : int
        How many are missing: sessions, or bars within a session.
    reason : Reason
        ``SESSION_MISSING`` or ``BARS_MISSING``; the latter may be a halt, or nobody traded.
    """

    symbol: str
    after: datetime
    before: datetime
    count: int
    reason: Reason
