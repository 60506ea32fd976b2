"""What could be known of companies and indices at an instant.

Everything that has versions is read through one door, `KnownFacts._seen`, which asks the one rule
of when (`alphalens.data.point_in_time.available_at`); memberships ask it by `Membership`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import sqlalchemy as sa

from alphalens.assets import Future
from alphalens.assets.contracts import FutureSymbol
from alphalens.data._store.facts import CONTRACT_ITEMS, action_of, days_of, instants_of
from alphalens.data.futures_chain import FuturesChain
from alphalens.data.point_in_time import Membership, Reports, usable
from alphalens.data.port import CorporateAction
from alphalens.errors import DataError, InputError
from alphalens.storage import reading
from alphalens.storage.schema import actions, facts, members

__all__ = ["KnownFacts"]

Row = Mapping[str, Any]  # Any: the columns differ in type

_ACTION = ("symbol", "ex_date", "kind", "source")


class KnownFacts:
    """What could be known at one instant, and nothing of later.

    Parameters
    ----------
    engine : Engine
        From `alphalens.storage.open_engine`.
    instant : datetime
        Aware.
    calendar : str
        Whose sessions count for facts of which only the day is known.

    Raises
    ------
    InputError
        If the instant has no time zone.
    """

    def __init__(self, engine: sa.Engine, instant: datetime, *, calendar: str = "XNYS") -> None:
        if instant.tzinfo is None:
            raise InputError(f"the instant {instant} has no time zone")
        self._instant = instant.astimezone(UTC)
        self._engine, self._calendar = engine, calendar

    @property
    def instant(self) -> datetime:
        """Return the instant at which all is asked, in UTC."""
        return self._instant

    def actions(
        self, symbols: Sequence[str], *, sources: Sequence[str] = ()
    ) -> tuple[CorporateAction, ...]:
        """Return the corporate actions on symbols that were known, by symbol and day.

        Parameters
        ----------
        symbols : sequence of str
            Canonical.
        sources : sequence of str
            Who is believed: of each symbol the first of these who told any action on it. By
            default all are, as long as one alone told of each symbol.

        Raises
        ------
        DataError
            If several told of a symbol and none is named: two lists of the same dividends are
            not one list.
        StorageError
            If the database fails.
        """
        return _standing(_of_one_source(self._actions(symbols), sources, "actions"))

    def every_action(self, symbols: Sequence[str]) -> tuple[CorporateAction, ...]:
        """Return the actions on symbols that anybody told, by symbol, day and source.

        They say what may explain a price. To adjust by them would count twice what two told.

        Raises
        ------
        StorageError
            If the database fails.
        """
        return _standing(self._actions(symbols))

    def reports(
        self, items: Sequence[str], symbols: Sequence[str], *, sources: Sequence[str] = ()
    ) -> pd.DataFrame:
        """Return the last version of figures that was known, of all periods.

        Parameters
        ----------
        items, symbols : sequence of str
            Names of figures, and companies.
        sources : sequence of str
            As in `actions`.

        Returns
        -------
        DataFrame
            ``symbol``, ``period``, ``seen`` and a column for each figure, by symbol and period;
            NaN where a figure was not told. A figure of a period is from its own last version,
            `seen` is of the newest of them.

        Raises
        ------
        InputError
            If no figure is named.
        DataError, StorageError
            As `actions`.
        """
        if not items:
            raise InputError("name at least one figure of the reports")
        table = self._figures(items, symbols, sources)
        parts = []
        for item in items:
            last = self._reports(table[table["item"] == item]).as_of(self.instant)
            own = last.set_index(["symbol", "period"])
            parts.append(own[["seen", "value"]].rename(columns={"value": item}))
        seen = pd.concat([part["seen"] for part in parts]).groupby(level=[0, 1]).max()
        found = pd.concat([seen, *(part.drop(columns="seen") for part in parts)], axis=1)
        return pd.DataFrame(found.sort_index().reset_index())

    def panel(
        self,
        item: str,
        instants: pd.DatetimeIndex,
        symbols: Sequence[str],
        *,
        sources: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Return a figure of the newest period that was known, at each of several instants.

        Parameters
        ----------
        item : str
            Name of the figure.
        instants : DatetimeIndex of shape (n,)
            Aware, ascending, none after `instant`.
        symbols : sequence of str of length m
            Companies.
        sources : sequence of str
            As in `actions`.

        Returns
        -------
        DataFrame of shape (n, m)
            NaN where nothing was known; see `alphalens.data.point_in_time.Reports.latest`.

        Raises
        ------
        InputError
            If the instants are not as described.
        DataError, StorageError
            As `actions`.
        """
        if len(instants) and instants.tz and not instants[-1] <= pd.Timestamp(self.instant):
            raise InputError(f"what was known at {instants[-1]} is asked at {self.instant}")
        table = self._figures([item], symbols, sources).rename(columns={"value": item})
        return self._reports(table).latest(item, instants, symbols)

    def latest(
        self, item: str, symbols: Sequence[str], *, sources: Sequence[str] = ()
    ) -> pd.Series[float]:
        """Return a figure of the newest period that was known, by symbol; as `panel`."""
        asked = pd.DatetimeIndex([self.instant])
        return self.panel(item, asked, symbols, sources=sources).iloc[0].rename(item)

    def members(self, name: str) -> frozenset[str]:
        """Return who belonged to an index.

        Raises
        ------
        DataError
            If nothing is known of such an index.
        StorageError
            If the database fails.
        """
        return self._membership(name).members(self.instant)

    def was_member(
        self, name: str, instants: pd.DatetimeIndex, symbols: Collection[str]
    ) -> pd.DataFrame:
        """Return whether each symbol belonged to an index at instants, bool of shape (n, m).

        Raises
        ------
        InputError
            If an instant is after `instant`, or has no zone.
        DataError, StorageError
            As `members`.
        """
        membership = self._membership(name)
        if len(instants) and instants.tz and instants.max() > pd.Timestamp(self.instant):
            raise InputError(f"what was known at {instants.max()} is asked at {self.instant}")
        return membership.mask(instants, symbols)

    def chain(
        self,
        root: str,
        *,
        tick: Decimal,
        multiplier: Decimal,
        calendar: str,
        sources: Sequence[str] = (),
    ) -> FuturesChain:
        """Return the contracts of a product whose terms were known.

        Parameters
        ----------
        root : str
            The product, ``CL``.
        tick, multiplier, calendar
            Of all its contracts, as of `alphalens.assets.Future`.
        sources : sequence of str
            As in `actions`.

        Raises
        ------
        DataError
            If no contract was known, or as `actions`.
        InputError
            If the terms of a contract contradict its name, or two end on one day.
        StorageError
            If the database fails.
        """
        query = sa.select(facts).where(facts.c.item.in_(CONTRACT_ITEMS))
        found = self._seen(query.where(facts.c.symbol.startswith(root)), days_of)
        own = [row for row in found if FutureSymbol.parse(row["symbol"]).root == root]
        days: dict[str, dict[str, date]] = {}
        for row in _of_one_source(sorted(own, key=lambda one: str(one["seen"])), sources, "terms"):
            days.setdefault(row["symbol"], {})[row["item"]] = _day_of(row["value"])
        if not days:
            raise DataError(
                f"no contract of {root!r} was known at {self.instant}: `alphalens data load "
                "futures` keeps them"
            )
        return FuturesChain(
            [
                Future(
                    symbol=symbol,
                    tick=tick,
                    multiplier=multiplier,
                    calendar=calendar,
                    last_trade=own["last_trade"],
                    first_notice=own.get("first_notice"),
                )
                for symbol, own in days.items()
            ]
        )

    def _actions(self, symbols: Sequence[str]) -> list[Row]:
        query = sa.select(actions).where(actions.c.symbol.in_(symbols))
        order = (actions.c[name] for name in (*_ACTION, "seen"))
        return self._seen(query.order_by(*order), instants_of)

    def _reports(self, table: pd.DataFrame) -> Reports:
        return Reports(table, seen="seen", period="period", calendar=self._calendar)

    def _membership(self, name: str) -> Membership:
        query = sa.select(members.c.symbol, members.c.start, members.c.end)
        with reading(self._engine, is_single=True) as connection:
            rows = connection.execute(query.where(members.c.name == name)).all()
        if not rows:
            raise DataError(f"nothing is known of the members of {name!r}: keep them first")
        table = pd.DataFrame(rows, columns=["symbol", "start", "end"], dtype=object)
        return Membership(table, calendar=self._calendar)

    def _figures(
        self, items: Sequence[str], symbols: Sequence[str], sources: Sequence[str]
    ) -> pd.DataFrame:
        query = sa.select(facts).where(facts.c.symbol.in_(symbols), facts.c.item.in_(items))
        found = self._seen(query.order_by(facts.c.seen), days_of)
        told = _of_one_source(found, sources, "figures")
        columns = {name: [row[name] for row in told] for name in ("symbol", "item", "value")}
        return pd.DataFrame(
            {
                **columns,
                "seen": days_of([row["seen"] for row in told]),
                "period": days_of([row["period"] for row in told]),
            }
        ).astype({"value": float})

    def _seen(
        self, query: sa.Select[Any], when: Callable[[Sequence[Any]], pd.DatetimeIndex]
    ) -> list[Row]:
        """Return the rows of a query that may be known; the one door to what has versions."""
        with reading(self._engine, is_single=True) as connection:
            rows: list[Row] = [dict(row) for row in connection.execute(query).mappings()]
        is_known = usable(
            when([row["seen"] for row in rows]), self.instant, calendar=self._calendar
        )
        return [row for row, may in zip(rows, is_known, strict=True) if may]


def _day_of(value: float) -> date:
    return date(1970, 1, 1) + timedelta(days=int(value))


def _standing(rows: Iterable[Row]) -> tuple[CorporateAction, ...]:
    """Return the last version of each action, those that were taken back left out."""
    last = {tuple(row[name] for name in _ACTION): row for row in rows}
    return tuple(action_of(row) for row in last.values() if not row["is_void"])


def _of_one_source(rows: Iterable[Row], sources: Sequence[str], what: str) -> list[Row]:
    """Return the rows of each symbol that its source told."""
    told: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        told.setdefault(row["symbol"], {}).setdefault(row["source"], []).append(row)
    found: list[Row] = []
    for symbol, of_source in told.items():
        if not sources and len(of_source) > 1:
            names = " and ".join(sorted(of_source))
            raise DataError(f"{what} of {symbol} are told by {names}: name who is believed")
        chosen = next((one for one in sources or of_source if one in of_source), None)
        found += of_source.get(chosen, []) if chosen else []
    return found
