"""Facts brought into the store: out of the user's own files, and corporate actions of a vendor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from alphalens.data.fact_files import read_actions, read_members, read_reports
from alphalens.data.fact_store import FactStore
from alphalens.data.futures_files import Settles, read_contracts, read_settles
from alphalens.data.port import MarketDataProvider
from alphalens.data.settle_intake import keep_settles
from alphalens.errors import DataError, InputError
from alphalens.trading.clock import Clock

__all__ = [
    "FetchedActions",
    "FileOfFacts",
    "Loaded",
    "fetch_actions",
    "load_actions",
    "load_futures",
    "load_members",
    "load_reports",
]

#: Is told how many parts are done, of how many.
Advance = Callable[[int, int], None]
Names = Mapping[str, str]

_COMPANIES = 200  # whose reports are written in one transaction
_SYMBOLS = 50  # whose actions are asked for at once


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOfFacts:
    """A file of facts, and what it does not say itself.

    Attributes
    ----------
    path : Path
        CSV or Parquet.
    source : str
        Who told them, as it stands in the store.
    seen : date or None
        The day on which they became known, where the file has no column that says it.
    names : Mapping of str to str
        Our name of a column -> how this file calls it.
    """

    path: Path
    source: str
    seen: date | None
    names: Names


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What became of a file.

    Attributes
    ----------
    rows : int
        That it had.
    new : int
        Facts that told something new: actions, figures, intervals, or bars.
    refused : int
        Rows that went to quarantine.
    left_out : tuple of str
        Columns that were not read.
    """

    rows: int
    new: int
    refused: int = 0
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedActions:
    """What a vendor told.

    Attributes
    ----------
    vendor : str
        Who was asked.
    told, new : int
        Actions, and those that told something new.
    failed : tuple of (tuple of str, str)
        Symbols of which nothing was told, and why.
    """

    vendor: str
    told: int
    new: int
    failed: tuple[tuple[tuple[str, ...], str], ...] = ()


def load_actions(engine: sa.Engine, file: FileOfFacts) -> Loaded:
    """Keep the corporate actions in a file; see `alphalens.data.fact_files.read_actions`.

    Raises
    ------
    InputError
        If the file or a cell cannot be read, or actions contradict each other or the store.
    StorageError
        If the database fails; nothing was written then.
    """
    told = read_actions(file.path, source=file.source, seen=file.seen, names=file.names)
    return Loaded(rows=len(told), new=FactStore(engine).keep_actions(told))


def load_members(engine: sa.Engine, file: FileOfFacts, index: str) -> Loaded:
    """Keep who belonged to an index; see `alphalens.data.fact_files.read_members`.

    Raises
    ------
    InputError, StorageError
        As `load_actions`.
    """
    told = read_members(file.path, names=file.names)
    new = FactStore(engine).keep_members(index, told, source=file.source)
    return Loaded(rows=len(told), new=new)


def load_reports(
    engine: sa.Engine, file: FileOfFacts, items: Sequence[str], *, clock: Clock, advance: Advance
) -> Loaded:
    """Keep the figures of companies in a file, some companies at a time.

    Ended between two of them and called again, it goes on: the same figures change nothing.

    Parameters
    ----------
    engine : Engine
        The store's database.
    file : FileOfFacts
        See `alphalens.data.fact_files.read_reports`.
    items : sequence of str
        The figures to take; all if there are none.
    clock : Clock
        The present: when reports were refused.
    advance : callable
        Is told how far it is.

    Raises
    ------
    InputError, StorageError
        As `load_actions`; what was written before stays.
    """
    told = read_reports(file.path, items=items, seen=file.seen, names=file.names)
    store, new, refused = FactStore(engine, clock=clock), 0, 0
    place = pd.factorize(told.table["symbol"], use_na_sentinel=False)[0] // _COMPANIES
    parts = int(place.max()) + 1
    for part in range(parts):
        advance(part, parts)
        some, bad = store.keep_facts(told.table[place == part], source=file.source)
        new, refused = new + some, refused + len(bad)
    advance(parts, parts)
    return Loaded(rows=len(told.table), new=new, refused=refused, left_out=told.left_out)


def load_futures(
    engine: sa.Engine,
    file: FileOfFacts,
    expiries: Path,
    *,
    roots: Collection[str] = (),
    calendar: str = "CME",
    below_zero: Collection[str] = (),
    clock: Clock,
    advance: Advance,
) -> Loaded:
    """Keep settles of futures as daily bars, and the terms of their contracts as facts.

    A settle is the close of a bar that has no other price. What cannot be true goes to
    quarantine; see `alphalens.data.settle_intake`.

    Parameters
    ----------
    engine : Engine
        The store's database.
    file : FileOfFacts
        See `alphalens.data.futures_files`.
    expiries : Path
        The calendar of contracts; it may be the same file.
    roots : collection of str
        Only these products; all if there are none.
    calendar : str
        Of their market, in whose midnight a day begins.
    below_zero : collection of str
        Products whose settles may be below zero.
    clock : Clock
        The present: when the settles became known to us.
    advance : callable
        Is told how far it is.

    Raises
    ------
    InputError, StorageError
        As `load_actions`; what was written before stays.
    """
    known = read_contracts(expiries, roots=roots, names=file.names if expiries == file.path else {})
    told = read_settles(file.path, known, roots=roots, names=file.names, seen=file.seen)
    products = sorted(told.table["root"].unique())
    FactStore(engine, clock=clock).keep_contracts(told.contracts, source=file.source)
    new = refused = 0
    for done, root in enumerate(products):
        advance(done, len(products))
        own = Settles(table=told.table[told.table["root"] == root], contracts=told.contracts)
        some, bad = keep_settles(
            own,
            engine,
            source=file.source,
            calendar=calendar,
            below_zero=below_zero,
            clock=clock,
        )
        new, refused = new + some, refused + bad
    advance(len(products), len(products))
    return Loaded(rows=len(told.table), new=new, refused=refused)


def fetch_actions(
    providers: Sequence[MarketDataProvider],
    store: FactStore,
    symbols: Sequence[str],
    first: date,
    last: date,
    *,
    advance: Advance,
) -> FetchedActions:
    """Ask the first vendor that has corporate actions for those of symbols, and keep them.

    No other is asked where it fails: two lists of the same dividends are not one list.

    Parameters
    ----------
    providers : sequence of MarketDataProvider
        In order.
    store : FactStore
        Keeps them.
    symbols : sequence of str
        Canonical.
    first, last : date
        Of the ex-dates.
    advance : callable
        Is told how far it is.

    Raises
    ------
    InputError
        If no vendor has them, or `first` is after `last`.
    StorageError
        If the database fails; what was kept by then is kept.
    """
    if first > last:
        raise InputError(f"the first day {first} must not be after the last, {last}")
    vendor = next((one for one in providers if one.capabilities.actions), None)
    if vendor is None:
        names = ", ".join(one.name for one in providers)
        raise InputError(f"none of {names} has corporate actions: name another vendor")
    failed, found, new = [], 0, 0
    for place in range(0, len(symbols), _SYMBOLS):
        advance(place, len(symbols))
        some = tuple(symbols[place : place + _SYMBOLS])
        try:
            told = vendor.actions(some, first, last)
            new += store.keep_actions(told)
            found += len(told)
        except (DataError, InputError) as error:
            failed.append((some, str(error)))
    advance(len(symbols), len(symbols))
    return FetchedActions(vendor=vendor.name, told=found, new=new, failed=tuple(failed))
