"""Settles of futures out of the user's own files, and the calendar of their contracts.

A file of settles has a row for each day and contract: ``day`` (or ``date``), ``settle`` (or
``settlement``, ``close``), and which contract it is, told in one of two ways:

- ``contract`` (or ``symbol``): ``CLK20``
- ``root`` and ``rank`` (or ``n``): the n-th of those that are still traded on that day

A calendar of contracts has ``last_trade`` and where there is one ``first_notice``, for a
``contract``, or for ``root`` (or ``tick_prefix``), ``year`` and ``month``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from alphalens.assets.contracts import FutureSymbol
from alphalens.data._vendors.fact_cells import FactFile
from alphalens.data.fact_files import SEEN_NAMES
from alphalens.errors import InputError

__all__ = ["Settles", "read_contracts", "read_settles"]

_DAY_NAMES = ("day", "date", "trade_date")
_CONTRACT_NAMES = ("contract", "symbol", "ticker")
_ROOT_NAMES, _RANK_NAMES = ("root", "tick_prefix", "product"), ("rank", "n")
_SETTLE_NAMES = ("settle", "settlement", "close")
_DAY = pd.Timedelta(days=1)
_SHOWN = 8


@dataclass(frozen=True, eq=False, kw_only=True)
class Settles:
    """Settles out of a file, with what is known of their contracts.

    Attributes
    ----------
    table : DataFrame
        ``day``, ``root``, ``rank``, ``contract`` and ``settle``, as
        `alphalens.data.validation_states.judge_settles` takes them.
    contracts : DataFrame
        ``symbol``, ``last_trade``, ``first_notice`` and ``seen`` of the contracts that are in
        the table.
    """

    table: pd.DataFrame
    contracts: pd.DataFrame


def read_contracts(
    path: Path, *, roots: Collection[str] = (), names: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return a calendar of contracts.

    Parameters
    ----------
    path : Path
        The file.
    roots : collection of str
        Only of these products; of all if there are none.
    names : Mapping of str to str, optional
        Our name of a column -> how this file calls it.

    Returns
    -------
    DataFrame
        ``symbol``, ``root``, ``last_trade``, ``first_notice`` (NaT for none) and ``seen`` (NaT
        where the file does not say since when it was known), by root and last day.

    Raises
    ------
    InputError
        If the file or a cell cannot be read, or tells two days for one contract.
    """
    file = FactFile(path, names)
    last = file.needed(("last_trade",))
    wanted = _wanted(file, roots)
    notice, seen = file.place(("first_notice",)), file.place(SEEN_NAMES)
    nothing = pd.Series(pd.NaT, index=range(len(file)))
    table = pd.DataFrame(
        {
            "symbol": _contracts(file, wanted),
            "last_trade": file.days(last),
            "first_notice": nothing if notice is None else file.days(notice, is_needed=False),
            "seen": nothing if seen is None else file.days(seen, is_needed=False),
            "line": range(len(file)),
        }
    )[wanted].drop_duplicates(["symbol", "last_trade", "first_notice", "seen"])
    twice = table[table.duplicated("symbol")]
    if len(twice):
        row = twice.iloc[0]
        raise InputError(
            f"{file.at(int(row['line']), last)}: {row['symbol']} has another last day before: "
            "correct the file, or leave its product out with --roots"
        )
    table["root"] = [FutureSymbol.parse(symbol).root for symbol in table["symbol"]]
    columns = ["symbol", "root", "last_trade", "first_notice", "seen"]
    return table[columns].sort_values(["root", "last_trade"], ignore_index=True)


def read_settles(
    path: Path,
    contracts: pd.DataFrame,
    *,
    roots: Collection[str] = (),
    names: Mapping[str, str] | None = None,
    seen: date | None = None,
) -> Settles:
    """Return the settles in a file.

    Parameters
    ----------
    path : Path
        The file.
    contracts : DataFrame
        Of `read_contracts`.
    roots : collection of str
        Only of these products; of all if there are none.
    names : Mapping of str to str, optional
        Our name of a column -> how this file calls it.
    seen : date, optional
        Since when the calendar of contracts was known. Where neither this nor the calendar says
        it, the terms of a contract count as seen on the day before its first settle: nothing is
        traded before its terms are told.

    Raises
    ------
    InputError
        If the file or a cell cannot be read, or the calendar lacks a contract.
    """
    file = FactFile(path, names)
    wanted = _wanted(file, roots)
    day = file.days(file.needed(_DAY_NAMES))
    settle = file.figures(file.needed(_SETTLE_NAMES))
    place = file.place(_CONTRACT_NAMES)
    if place is not None:
        named = pd.Series(_contracts(file, wanted))[wanted]
        table = _by_contract(named, day[wanted], contracts)
        where = place
    else:
        where = file.needed(_RANK_NAMES)
        root = file.texts(file.needed(_ROOT_NAMES), what="product")[wanted]
        ranks = pd.Series(file.figures(where))[wanted]
        table = _by_rank(root, ranks, day[wanted], contracts)
    lost = table.index[table["contract"] == ""]
    if len(lost):
        root, on = table.loc[lost[0], "root"], table.loc[lost[0], "day"]
        raise InputError(
            f"{file.at(int(lost[0]), where)}: the calendar of contracts has none that this could "
            f"be, of {root!r} on {on:%Y-%m-%d} (and {len(lost) - 1} more): give one that has it "
            "with --expiries, or name the products to load with --roots"
        )
    table = table.assign(settle=settle[wanted.to_numpy()]).reset_index(drop=True)
    return Settles(table=table, contracts=_terms(table, contracts, seen))


def _wanted(file: FactFile, roots: Collection[str]) -> pd.Series[bool]:
    """Return which rows are of products that were asked for."""
    if not roots:
        return pd.Series(True, index=range(len(file)))
    place = file.place(_CONTRACT_NAMES)
    if place is None:
        place = file.needed(_ROOT_NAMES)
        products = file.texts(place)
    else:
        texts = file.texts(place, what="contract")
        named = _parsed(file, place, texts)
        products = texts.map({text: one.root for text, one in named.items()})
    there = set(products.unique())
    if absent := sorted(set(roots) - there):
        has = ", ".join(sorted(there)[:_SHOWN])
        raise InputError(f"{file.path}: no row is of {' or '.join(absent)}: it has {has}")
    return products.isin(roots)


def _parsed(file: FactFile, place: int, texts: pd.Series[str]) -> dict[str, FutureSymbol]:
    """Return the contracts that texts of a column name, each by its text."""
    found: dict[str, FutureSymbol] = {}
    for row, text in texts[texts != ""].drop_duplicates().items():
        try:
            found[text] = FutureSymbol.parse(text)
        except InputError as error:
            raise InputError(f"{file.at(int(str(row)), place)}: {error}") from error
    return found


def _contracts(file: FactFile, wanted: pd.Series[bool]) -> list[str]:
    """Return the symbols of contracts, empty for rows that are not wanted."""
    place = file.place(_CONTRACT_NAMES)
    if place is not None:
        texts = file.texts(place, what="contract").where(wanted, "")
        codes = {text: one.code for text, one in _parsed(file, place, texts).items()}
        return texts.map({"": "", **codes}).tolist()
    where = file.needed(("month",))
    root = file.texts(file.needed(_ROOT_NAMES), what="product")
    year, month = file.figures(file.needed(("year",))), file.figures(where)
    found = [""] * len(file)
    for row in np.flatnonzero(wanted.to_numpy()).tolist():
        if not (year[row].is_integer() and month[row].is_integer()):
            raise InputError(
                f"{file.at(row, where)}: year {year[row]:g} and month {month[row]:g} name no "
                "contract: give whole numbers"
            )
        try:
            name = FutureSymbol(root=root[row], month=int(month[row]), year=int(year[row]))
        except InputError as error:
            raise InputError(f"{file.at(row, where)}: {error}") from error
        found[row] = name.code
    return found


def _by_contract(
    named: pd.Series[str], day: pd.Series[pd.Timestamp], contracts: pd.DataFrame
) -> pd.DataFrame:
    """Return rows that name their contract, with the rank of it on the day."""
    known = contracts.set_index("symbol")
    symbol = named.where(named.isin(known.index), "")
    root = named.map({text: FutureSymbol.parse(text).root for text in named.unique()})
    table = pd.DataFrame({"day": day, "root": root, "contract": symbol})
    order = {code: n for n, code in enumerate(contracts["symbol"])}
    place = table["contract"].map(order).fillna(0).to_numpy(int)
    first = np.zeros(len(table), int)
    for product, own in contracts.groupby("root"):
        rows = (table["root"] == product).to_numpy()
        ends = own["last_trade"].to_numpy()
        first[rows] = own.index[0] + np.searchsorted(ends, day.to_numpy()[rows])
    return table.assign(rank=place - first + 1)


def _by_rank(
    root: pd.Series[str],
    rank: pd.Series[float],
    day: pd.Series[pd.Timestamp],
    contracts: pd.DataFrame,
) -> pd.DataFrame:
    """Return rows that tell a rank, with the contract that has it on the day."""
    table = pd.DataFrame({"day": day, "root": root, "rank": rank, "contract": ""}).astype(
        {"contract": object}
    )
    for product, own in contracts.groupby("root"):
        rows = (root == product).to_numpy()
        ends = own["last_trade"].to_numpy()
        place = np.searchsorted(ends, day.to_numpy()[rows]) + np.nan_to_num(rank[rows]) - 1
        codes = np.append(own["symbol"].to_numpy(object), "")
        is_rank = (rank[rows] >= 1).to_numpy()
        is_there = is_rank & (place < len(own)) & (place == np.floor(place))
        table.loc[rows, "contract"] = codes[np.where(is_there, place, len(own)).astype(int)]
    return table


def _terms(table: pd.DataFrame, contracts: pd.DataFrame, seen: date | None) -> pd.DataFrame:
    """Return the terms of the contracts of a table, with since when they were known."""
    first = table.groupby("contract")["day"].min() - _DAY
    own = contracts[contracts["symbol"].isin(first.index)]
    told = own["seen"].fillna(own["symbol"].map(first) if seen is None else pd.Timestamp(seen))
    return own.drop(columns="root").assign(seen=told).reset_index(drop=True)
