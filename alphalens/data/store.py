"""The store of bars: what is believed now, what was believed before, and what was refused.

A series is a symbol, a timeframe and an adjustment; nothing that is read mixes two of them. The
time that counts for a point in time is when a bar was received: nobody knew it earlier. What is
read ``as_of`` an instant is therefore the same whether it is asked then or years later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from alphalens.data._store import fetches as fetch_rows
from alphalens.data._store import merge as merge_rows
from alphalens.data._store import quarantine as quarantine_rows
from alphalens.data._store.backends import backend_of
from alphalens.data._store.fetches import Span
from alphalens.data._store.names import (
    Known,
    known_series,
    number_series,
    number_sources,
    source_names,
)
from alphalens.data._store.rows import (
    FLOATS,
    ROW,
    Columns,
    joined,
    last_received,
    pack,
    unpack,
    wide,
)
from alphalens.data.bars import Adjustment, Bars, Timeframe, micros
from alphalens.data.port import BarRequest
from alphalens.errors import InputError
from alphalens.storage import reading, writing
from alphalens.storage.schema import bar_versions
from alphalens.storage.schema import bars as bars_table

__all__ = ["LARGEST", "Asked", "BarStore", "Span", "Written"]

#: Most bars of one write: other writers wait meanwhile, and for 10 s at most.
LARGEST = 2_000_000

#: About how many bars one statement reads: a server puts its answer together in memory.
_AT_ONCE = 2_000_000

_VERSION = np.dtype([*((name, ROW[name]) for name in ROW.names or ()), ("replaced", np.int64)])
_COUNTS = np.dtype(
    [
        (name, np.int32 if name == "series_id" else np.int64)
        for name in ("series_id", "first", "last", "count")
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of the bars of one write.

    Attributes
    ----------
    new : int
        Nothing was known of them.
    same : int
        They were known already.
    renewed : int
        They took the place of bars that were still forming.
    revised : int
        They differ from what was believed; they are believed now, the old ones are versions.
    late : int
        They were received before what is believed: kept as versions. Bars still forming that
        come after the final ones count here too; these are not kept.
    """

    new: int = 0
    same: int = 0
    renewed: int = 0
    revised: int = 0
    late: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that bars are the answer to, and who was asked.

    Attributes
    ----------
    request : BarRequest
        What was asked.
    source : str
        The vendor.
    """

    request: BarRequest
    source: str


class BarStore:
    """Bars in the database, each series whole and each revision on record.

    Every write is one transaction: all of it is there, or nothing. Writers of bars take turns,
    so that two of them neither lose nor double a bar. A SQLite file has one turn for everything:
    give the bars one of their own there, or a desk waits for them.

    Parameters
    ----------
    engine : Engine
        From `alphalens.storage.open_engine`.

    Examples
    --------
    >>> from datetime import UTC, timedelta
    >>> from alphalens.storage import open_engine
    >>> store = BarStore(open_engine("sqlite://"))
    >>> day, told = datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC)
    >>> def close_of(price, received_at):
    ...     return Bars.of_symbol(
    ...         "SPY", np.array([micros(day)]), {"close": np.array([price])}, source="desk",
    ...         received_at=received_at, timeframe=Timeframe.DAY, adjustment=Adjustment.RAW)
    >>> store.write(close_of(472.6, told), at=told).new
    1
    >>> later = told + timedelta(days=7)
    >>> store.write(close_of(472.65, later), at=later).revised
    1
    >>> request = BarRequest(symbols=("SPY",), start=day, end=told)
    >>> store.read(request).close, store.read(request, as_of=told).close
    (array([472.65]), array([472.6]))
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._backend = backend_of(engine.dialect)

    @property
    def engine(self) -> sa.Engine:
        """Return the database that the bars are in; what else came in stands beside them."""
        return self._engine

    def write(
        self,
        bars: Bars,
        *,
        at: datetime,
        marks: NDArray[np.uint64] | None = None,
        asked: Asked | None = None,
    ) -> Written:
        """Bring bars into the store; the same ones again change nothing.

        Parameters
        ----------
        bars : Bars
            Judged ones, `LARGEST` at most. Of two rows of one key the one received later
            stands, or of one instant the later row.
        at : datetime
            Now (aware); no bar can have been received later.
        marks : uint64 array of shape (n,), optional
            `alphalens.data.reasons.Reason` bits of each row, kept with it.
        asked : Asked, optional
            What the bars answer; remembered in the same transaction, see `missing`.

        Returns
        -------
        Written
            How many were new, known, revised.

        Raises
        ------
        InputError
            If there are too many, or one is from the future, of a year that cannot be, or of
            another currency than its series.
        StorageError
            If the database fails; nothing was written then.
        """
        _check(bars, marks, at)
        counts: dict[str, int] = {}
        with writing(self._engine, turn="bars") as connection:
            if len(bars):
                counts = self._merge(connection, bars, marks)
            if asked is not None:
                fetch_rows.note(connection, self._backend, asked.request, asked.source, at)
        return Written(**counts)

    def read(self, request: BarRequest, *, as_of: datetime | None = None) -> Bars:
        """Return the bars of a request, by its order of symbols, then time.

        Parameters
        ----------
        request : BarRequest
            A symbol that is not in the store has no rows.
        as_of : datetime, optional
            Only what had been received at that instant (aware), as it was then. A bar that was
            still forming is not kept once it was renewed.

        Raises
        ------
        InputError
            If the series are of several currencies.
        StorageError
            If the database fails.
        """
        return self.read_marked(request, as_of=as_of)[0]

    def read_marked(
        self, request: BarRequest, *, as_of: datetime | None = None
    ) -> tuple[Bars, NDArray[np.uint64]]:
        """Return what `read` returns, and the marks of each row."""
        with reading(self._engine) as connection:
            known = self._known(connection, request)
            rows = self._rows(connection, known, request, ROW, as_of)
            sources = source_names(connection)
        found, rows = unpack(rows, request, known.ids, sources, known.currency())
        return found, rows["marks"].astype(np.uint64)

    def panel(
        self,
        symbols: Sequence[str],
        start: datetime,
        end: datetime,
        field: str,
        *,
        timeframe: Timeframe = Timeframe.DAY,
        adjustment: Adjustment = Adjustment.RAW,
        as_of: datetime | None = None,
    ) -> pd.DataFrame:
        """Return one field of many symbols as a wide table.

        Parameters
        ----------
        symbols : sequence of str
            Canonical, each once; the columns, in this order.
        start, end : datetime
            Bars that begin at or after `start` and before `end`; aware.
        field : str
            ``open``, ``high``, ``low``, ``close``, ``volume`` or ``vwap``.
        timeframe, adjustment : Timeframe, Adjustment
            Of the series.
        as_of : datetime, optional
            As in `read`.

        Returns
        -------
        DataFrame
            float64, rows the instants (UTC) at which any of them has a bar, in order; NaN where
            one has none. Bars that are still forming are left out.

        Raises
        ------
        InputError
            If the field is none of these, or the series are of several currencies.
        StorageError
            If the database fails.
        """
        if field not in FLOATS:
            raise InputError(f"a panel is of one of {', '.join(FLOATS)}; got {field!r}")
        request = BarRequest(
            symbols=tuple(symbols), start=start, end=end, timeframe=timeframe, adjustment=adjustment
        )
        names = ["series_id", "time", field, *(["received"] if as_of is not None else [])]
        dtype = np.dtype([(name, ROW[name]) for name in names])
        with reading(self._engine) as connection:
            known = self._known(connection, request)
            known.currency()
            rows = self._rows(connection, known, request, dtype, as_of, is_final=True)
        return wide(rows, field, request.symbols, known.ids)

    def revisions(self, request: BarRequest) -> pd.DataFrame:
        """Return what was believed before, by symbol, time and when it was received.

        Returns
        -------
        DataFrame
            The columns of `Bars.frame`, and ``replaced_at``: each row was believed from
            ``received_at`` on and before that instant.
        """
        with reading(self._engine) as connection:
            known = self._known(connection, request)
            query = _select(bar_versions, _VERSION, known.ids.values(), request)
            rows = self._backend.fetch(connection, query, _VERSION)
            sources = source_names(connection)
        found, rows = unpack(rows, request, known.ids, sources, known.currency())
        replaced = pd.DatetimeIndex(rows["replaced"].view("M8[us]")).tz_localize("UTC")
        return found.frame().assign(replaced_at=replaced)

    def coverage(
        self,
        symbols: Sequence[str],
        *,
        timeframe: Timeframe = Timeframe.DAY,
        adjustment: Adjustment = Adjustment.RAW,
    ) -> pd.DataFrame:
        """Return what the store has of symbols.

        Returns
        -------
        DataFrame
            A row for each symbol: ``first`` and ``last``, the begins of its first and its last
            bar (UTC, NaT without bars), and ``count``, how many there are.
        """
        with reading(self._engine) as connection:
            known = known_series(connection, symbols, timeframe, adjustment)
            rows = self._backend.fetch(connection, _counting(known), _COUNTS, most=len(symbols))
        place = {int(number): row for row, number in enumerate(rows["series_id"])}
        found = np.array([place.get(known.ids.get(symbol, -1), -1) for symbol in symbols], np.intp)
        nothing = np.iinfo(np.int64).min  # which is NaT
        table: dict[str, Any] = {  # Any: instants and numbers
            name: pd.DatetimeIndex(np.append(rows[name], nothing)[found].view("M8[us]"), tz="UTC")
            for name in ("first", "last")
        }
        table["count"] = np.append(rows["count"], 0)[found]
        return pd.DataFrame(table, index=pd.Index(list(symbols), name="symbol", dtype=object))

    def missing(
        self,
        request: BarRequest,
        *,
        source: str | None = None,
        since: datetime | None = None,
    ) -> Mapping[str, tuple[Span, ...]]:
        """Return what of a request nobody was asked for yet, whether or not there was an answer.

        Parameters
        ----------
        request : BarRequest
            What is wanted.
        source : str, optional
            Count only what this vendor was asked; any vendor by default.
        since : datetime, optional
            Count only what was asked at or after that instant (aware).

        Returns
        -------
        Mapping of str to tuple of (datetime, datetime)
            By symbol the parts, each from its first instant on and before its second, in order.
            A symbol that lacks nothing is absent.
        """
        with reading(self._engine) as connection:
            return fetch_rows.unasked(connection, request, source, since)

    def quarantine(
        self, bars: Bars, marks: NDArray[np.uint64], raw: Sequence[str], *, at: datetime
    ) -> int:
        """Keep rows that were refused; the same ones again change nothing.

        Parameters
        ----------
        bars : Bars
            The rows as far as they could be read; a time that could not is the least int64.
        marks : uint64 array of shape (n,)
            Why each was refused, `alphalens.data.reasons.Reason` bits.
        raw : sequence of str
            The text of each as it came; kept to the last byte.
        at : datetime
            Now (aware).

        Returns
        -------
        int
            How many were not there yet.

        Raises
        ------
        InputError
            If the three differ in length.
        StorageError
            If the database fails; nothing was written then.
        """
        with writing(self._engine, turn="bars") as connection:
            return quarantine_rows.keep(connection, bars, marks, raw, at)

    def quarantined(
        self, symbols: Sequence[str] | None = None, *, since: datetime | None = None
    ) -> pd.DataFrame:
        """Return rows that were refused, by when that was, then by the time of the bar.

        Parameters
        ----------
        symbols : sequence of str, optional
            Only of these.
        since : datetime, optional
            Only what was refused at or after that instant (aware).

        Returns
        -------
        DataFrame
            ``symbol``, ``timestamp`` (UTC, NaT if it could not be read), ``timeframe``,
            ``adjustment``, ``source``, ``received_at``, ``marks`` (uint64), ``raw`` and ``at``.
        """
        with reading(self._engine) as connection:
            return quarantine_rows.find(connection, symbols, since)

    def _merge(
        self, connection: sa.Connection, bars: Bars, marks: NDArray[np.uint64] | None
    ) -> dict[str, int]:
        present = [bars.symbols[code] for code in np.unique(bars.codes)]
        kind = bars.timeframe, bars.adjustment, bars.currency
        series_ids = number_series(connection, present, *kind)
        source_ids = number_sources(connection, bars.sources)
        rows = pack(bars, marks, series_ids, source_ids)
        return merge_rows.merge(connection, self._backend, rows)

    def _known(self, connection: sa.Connection, request: BarRequest) -> Known:
        return known_series(connection, request.symbols, request.timeframe, request.adjustment)

    def _rows(
        self,
        connection: sa.Connection,
        known: Known,
        request: BarRequest,
        dtype: np.dtype,
        as_of: datetime | None,
        *,
        is_final: bool = False,
    ) -> Columns:
        """Read some series after the other, by what the ones before had."""
        numbers, parts = sorted(known.ids.values()), list[Columns]()
        longest = (request.end - request.start) // request.timeframe.length + 1
        size = max(1, _AT_ONCE // longest)
        while numbers:
            ids, numbers = numbers[:size], numbers[size:]
            query = self._query(ids, dtype, request, as_of, is_final=is_final)
            parts.append(self._backend.fetch(connection, query, dtype, most=longest * len(ids)))
            count = len(parts[-1]["time"])
            size = max(1, _AT_ONCE * len(ids) // count) if count else 4 * size
        found = joined(parts, dtype)
        return found if as_of is None else last_received(found)

    @staticmethod
    def _query(
        ids: Sequence[int],
        dtype: np.dtype,
        request: BarRequest,
        as_of: datetime | None,
        *,
        is_final: bool,
    ) -> sa.Select[Any] | sa.CompoundSelect[Any]:
        query = _select(bars_table, dtype, ids, request)
        if is_final:
            query = query.where(bars_table.c.is_final)
        if as_of is None:
            return query
        now, before = micros(as_of), _select(bar_versions, dtype, ids, request)
        return query.where(bars_table.c.received <= now).union_all(
            before.where(bar_versions.c.received <= now, bar_versions.c.replaced > now)
        )


def _select(
    table: sa.Table, dtype: np.dtype, ids: Iterable[int], request: BarRequest
) -> sa.Select[Any]:
    return sa.select(*(table.c[name] for name in dtype.names or ())).where(
        table.c.series_id.in_(list(ids)),
        table.c.time >= micros(request.start),
        table.c.time < micros(request.end),
    )


def _counting(known: Known) -> sa.Select[Any]:
    key, time = bars_table.c.series_id, bars_table.c.time
    query = sa.select(
        key,
        sa.func.min(time).label("first"),
        sa.func.max(time).label("last"),
        sa.func.count().label("count"),
    )
    return query.where(key.in_(list(known.ids.values()))).group_by(key)


def _check(bars: Bars, marks: NDArray[np.uint64] | None, at: datetime) -> None:
    if len(bars) > LARGEST:
        raise InputError(
            f"one write takes {LARGEST} bars, got {len(bars)}: write them in parts, such as some "
            f"symbols at a time"
        )
    if marks is not None and len(marks) != len(bars):
        raise InputError(f"each bar has its marks, got {len(bars)} bars and {len(marks)} marks")
    if len(bars) and bars.received.max() > micros(at):
        raise InputError(
            f"a bar was received at {bars.received.max()} us since 1970, which is after now, "
            f"{at.isoformat()}: set the clock right, or give the instant of the write"
        )
