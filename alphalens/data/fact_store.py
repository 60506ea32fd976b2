"""Corporate actions, figures of companies and memberships of indices: how they are kept.

The store takes facts, each with when it was seen. It gives none: what may be known is asked of
the facts of an instant, `FactStore.as_of`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from alphalens.data._store.facts import (
    add_actions,
    add_facts,
    add_members,
    contract_facts,
    counted,
    day_texts,
    digest_of,
)
from alphalens.data._store.states import keep_refused
from alphalens.data.bars import NO_TIME
from alphalens.data.known_facts import KnownFacts
from alphalens.data.point_in_time import Membership, available_at, unfit_reports
from alphalens.data.port import CorporateAction
from alphalens.data.reasons import Reason
from alphalens.data.validation_states import RefusedRow
from alphalens.errors import InputError
from alphalens.storage import reading, writing
from alphalens.trading.clock import Clock, SystemClock

__all__ = ["FactStore"]

_MACHINE = SystemClock()


class FactStore:
    """Facts in the database, each version with when it was first seen.

    Every write is one transaction, and the same facts again change nothing.

    Parameters
    ----------
    engine : Engine
        From `alphalens.storage.open_engine`.
    calendar : str
        Whose sessions count for facts of which only the day is known.
    clock : Clock
        The present: when reports were refused.

    Examples
    --------
    >>> from datetime import UTC, date
    >>> from decimal import Decimal
    >>> from alphalens.storage import open_engine
    >>> store = FactStore(open_engine("sqlite://"))
    >>> told = datetime(2014, 4, 23, 21, tzinfo=UTC)
    >>> split = CorporateAction(symbol="AAPL", kind="split", ex_date=date(2014, 6, 9),
    ...                         ratio=Decimal(7), seen_at=told, source="desk")
    >>> store.keep_actions([split]), store.keep_actions([split])
    (1, 0)
    >>> store.as_of(told).actions(["AAPL"]) == (split,)
    True
    >>> store.as_of(datetime(2014, 4, 23, 20, tzinfo=UTC)).actions(["AAPL"])
    ()
    """

    def __init__(
        self, engine: sa.Engine, *, calendar: str = "XNYS", clock: Clock = _MACHINE
    ) -> None:
        self._engine, self._calendar, self._clock = engine, calendar, clock

    def as_of(self, instant: datetime) -> KnownFacts:
        """Return what may be known at an instant.

        Raises
        ------
        InputError
            If it has no time zone.
        """
        return KnownFacts(self._engine, instant, calendar=self._calendar)

    def keep_actions(self, given: Iterable[CorporateAction]) -> int:
        """Keep corporate actions; return how many told something new.

        Of one kind, day and source the one seen last counts. Two dividends of one day, told
        together, are paid together: their cash is added.

        Raises
        ------
        InputError
            If one cannot be true (`alphalens.data.port.CorporateAction.flaw`), contradicts what
            its source told at the same instant, or an instant has no time zone.
        StorageError
            If the database fails; nothing was written then.
        """
        with writing(self._engine, turn="bars") as connection:
            return add_actions(connection, given, is_void=False)

    def take_back(self, given: Iterable[CorporateAction], *, seen_at: datetime) -> int:
        """Keep that actions turned out not to be so; return for how many that is new.

        Parameters
        ----------
        given : iterable of CorporateAction
            As they were told.
        seen_at : datetime
            When that became known (aware); before it they go on to be known.

        Raises
        ------
        InputError, StorageError
            As `keep_actions`.
        """
        void = [replace(action, seen_at=seen_at) for action in given]
        with writing(self._engine, turn="bars") as connection:
            return add_actions(connection, void, is_void=True)

    def keep_facts(self, given: pd.DataFrame, *, source: str) -> tuple[int, pd.DataFrame]:
        """Keep figures of companies.

        Parameters
        ----------
        given : DataFrame
            A row for each report: ``symbol``, ``period`` (the day on which what it is about
            ended), ``seen`` (the day on which it was first seen), and any number of figures, a
            column each. Days are naive, at midnight. Late reports are facts like others, and
            restated ones are versions.
        source : str
            Who told them.

        Returns
        -------
        new : int
            How many figures told something new.
        rejected : DataFrame
            Reports that were seen before their period ended, or lack one of the three, with the
            column ``reason``. They are kept in quarantine as they were given
            (`alphalens.data.store.BarStore.quarantined`).

        Raises
        ------
        InputError
            If a column is missing, a figure contradicts what was told on the same day, or the
            calendar does not reach the day on which one was seen.
        StorageError
            If the database fails; nothing was written then.
        """
        missing = {"symbol", "period", "seen"} - set(given.columns)
        if missing:
            raise InputError(f"reports need the columns {', '.join(sorted(missing))}")
        is_bad = unfit_reports(given)
        rejected = given[is_bad].assign(reason=Reason.FILING_LAG.name.lower())
        kept = given[~is_bad]
        texts = {name: day_texts(kept[name]) for name in ("period", "seen")}
        self._check_days(kept["seen"])
        kept = kept.assign(symbol=kept["symbol"].astype(str).astype(object), **texts)
        long = kept.melt(id_vars=["symbol", "period", "seen"], var_name="item")
        with writing(self._engine, turn="bars") as connection:
            new = add_facts(connection, long.assign(item=long["item"].astype(object)), source)
            refused, now = _refused(given[is_bad]), self._clock.now()
            keep_refused(connection, refused, source=source, received_at=now, at=now)
        return new, rejected.reset_index(drop=True)

    def keep_contracts(self, given: pd.DataFrame, *, source: str) -> int:
        """Keep the terms of futures contracts; return how many days told something new.

        Parameters
        ----------
        given : DataFrame
            ``symbol`` (``CLK20``), ``last_trade``, ``first_notice`` (missing for none) and
            ``seen``, the day on which the terms were known. Days are naive, at midnight.
        source : str
            Who told them.

        Raises
        ------
        InputError
            If a symbol is no contract's, a day that is needed is missing, one contradicts what
            was told on the same day, or the calendar does not reach it.
        StorageError
            If the database fails; nothing was written then.
        """
        if given[["last_trade", "seen"]].isna().any(axis=None):
            raise InputError("a contract needs its last_trade and the day on which it was seen")
        table = contract_facts(given)
        self._check_days(given["seen"])
        with writing(self._engine, turn="bars") as connection:
            return add_facts(connection, table, source)

    def _check_days(self, seen: pd.Series[Any]) -> None:
        """Refuse days that the rule of when cannot place: every reader would fail on them."""
        available_at(pd.DatetimeIndex(seen), calendar=self._calendar)

    def counts(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Return how many versions of facts there are, and of how many symbols.

        Returns
        -------
        Mapping
            ``actions``, ``figures`` and ``contracts`` by ``source``, ``members`` by ``name``:
            ``rows`` and ``symbols``, of members also ``current``, those that have no end.

        Raises
        ------
        StorageError
            If the database fails.
        """
        with reading(self._engine) as connection:
            return counted(connection)

    def fingerprint(self) -> str:
        """Return 16 digits that differ where any fact does.

        Raises
        ------
        StorageError
            If the database fails.
        """
        with reading(self._engine) as connection:
            return digest_of(connection)

    def keep_members(self, name: str, given: pd.DataFrame, *, source: str) -> int:
        """Keep who belonged to an index; return how many intervals are new or have ended.

        Parameters
        ----------
        name : str
            Of the index.
        given : DataFrame
            ``symbol``, ``start`` and ``end``, as of `alphalens.data.point_in_time.Membership`.
        source : str
            Who told them.

        Raises
        ------
        InputError
            If an interval is impossible, or is known with another end.
        StorageError
            If the database fails; nothing was written then.
        """
        Membership(given, calendar=self._calendar)  # which refuses what cannot be
        texts = {key: day_texts(given[key]) for key in ("start", "end")}
        table = pd.DataFrame({"symbol": given["symbol"].astype(str), **texts}, dtype=object)
        with writing(self._engine, turn="bars") as connection:
            return add_members(connection, name, table, source)


def _refused(rows: pd.DataFrame) -> list[RefusedRow]:
    """Return reports that no reader may see, each with its figures as they were given."""
    mark = Reason.FILING_LAG.bit
    return [
        RefusedRow(
            symbol="" if pd.isna(row["symbol"]) else str(row["symbol"]),
            time=NO_TIME if pd.isna(row["seen"]) else pd.Timestamp(row["seen"]).value // 1000,
            marks=mark,
            because=mark,
            raw=json.dumps(row, separators=(",", ":"), default=str),
        )
        for row in rows.to_dict("records")
    ]
