"""What happened on the way in: answers that were refused whole, gaps, and bars taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from alphalens.data._store import gaps as gap_rows
from alphalens.data._store import refused as refused_rows
from alphalens.data._store import retract as retract_rows
from alphalens.data._store.gaps import KeptGap
from alphalens.data.bars import Adjustment, Bars, Timeframe
from alphalens.data.gaps import Gap
from alphalens.data.reasons import AnswerRefused
from alphalens.storage import reading, writing

__all__ = ["IngestRecord", "KeptGap"]


class IngestRecord:
    """The record beside the bars, in the same database.

    Each call is one transaction in the turn of the bars. Every method may raise `StorageError`
    if the database fails; nothing was written then.

    Parameters
    ----------
    engine : Engine
        From `alphalens.storage.open_engine`.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def keep_refusal(self, refusal: AnswerRefused, *, at: datetime) -> bool:
        """Keep an answer that was refused; return whether it is new."""
        with writing(self._engine, turn="bars") as connection:
            return refused_rows.keep(connection, refusal, at)

    def refusals(self, *, since: datetime | None = None) -> pd.DataFrame:
        """Return refused answers, the oldest first.

        Returns
        -------
        DataFrame
            ``vendor``, ``asked``, ``reason``, ``raw`` (tuple of str, as it came) and ``at``
            (UTC), those from `since` on.
        """
        with reading(self._engine) as connection:
            return refused_rows.find(connection, since)

    def note_gaps(
        self,
        gaps: Sequence[Gap],
        *,
        timeframe: Timeframe,
        adjustment: Adjustment,
        at: datetime,
    ) -> int:
        """Put gaps on record; return how many are new."""
        if not gaps:
            return 0
        with writing(self._engine, turn="bars") as connection:
            return gap_rows.note(connection, gaps, timeframe, adjustment, at)

    def gaps(
        self, symbols: Sequence[str] | None = None, *, is_open: bool | None = None
    ) -> list[KeptGap]:
        """Return gaps by symbol and time: of some symbols, only open or only closed ones."""
        with reading(self._engine) as connection:
            return gap_rows.find(connection, symbols, is_open=is_open)

    def gaps_tried(self, gaps: Sequence[KeptGap], *, at: datetime) -> None:
        """Remember that gaps were asked for again."""
        with writing(self._engine, turn="bars") as connection:
            gap_rows.tried(connection, gaps, at)

    def close_gaps(
        self,
        symbols: Sequence[str],
        *,
        timeframe: Timeframe,
        adjustment: Adjustment,
        at: datetime,
    ) -> int:
        """Close the open gaps of series in which there are bars by now; return how many."""
        with writing(self._engine, turn="bars") as connection:
            return gap_rows.close(connection, symbols, timeframe, adjustment, at)

    def retract(self, wrong: Bars, *, at: datetime) -> int:
        """Take back bars that turned out to be wrong; return how many stood as given.

        They become versions: read as of an instant before `at` they are still there.
        """
        with writing(self._engine, turn="bars") as connection:
            return retract_rows.retract(connection, wrong, at)
