"""Facts out of the user's own files: actions, memberships, figures of companies, futures.

CSV or Parquet, a row for each fact. Columns are found by name, without regard to case, and with
blanks, points and dashes taken for underscores:

- symbol: ``symbol``, ``ticker``, ``asset`` and the like
- the day on which a fact was first seen, or the instant with its zone: ``seen``, ``collected``,
  ``filed``, ``filing_date``, ``announced``
- others as each function below tells

A cell that cannot be read is an error that names the file, the row, the column and the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from alphalens.data._vendors.fact_cells import FactFile, plain
from alphalens.data.file_provider import ASSET_NAMES
from alphalens.data.point_in_time import available_at
from alphalens.data.port import CorporateAction
from alphalens.errors import InputError

__all__ = [
    "SEEN_NAMES",
    "SYMBOL_NAMES",
    "ReportRows",
    "read_actions",
    "read_members",
    "read_reports",
]

SEEN_NAMES = ("seen", "collected", "filed", "filing_date", "announced")
_PERIOD_NAMES = ("period", "end_date", "period_end")
_START_NAMES, _END_NAMES = ("start", "start_date"), ("end", "end_date")
_EX_NAMES = ("ex_date", "execution_date", "ex_dividend_date")
#: How a column of symbols is called, ours first.
SYMBOL_NAMES = ("symbol", *(name for name in ASSET_NAMES if name != "symbol"))
_KINDS = ("split", "dividend", "spin_off", "rename", "merger", "delisting")


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportRows:
    """Figures of companies out of a file.

    Attributes
    ----------
    table : DataFrame
        As `alphalens.data.fact_store.FactStore.keep_facts` takes them.
    left_out : tuple of str
        Columns that hold no figures.
    """

    table: pd.DataFrame
    left_out: tuple[str, ...]


def read_actions(
    path: Path,
    *,
    source: str,
    seen: date | None = None,
    names: Mapping[str, str] | None = None,
    calendar: str = "XNYS",
) -> list[CorporateAction]:
    """Return the corporate actions in a file.

    Columns besides symbol and seen: ``kind`` (split, dividend, spin_off, rename, merger,
    delisting), ``ex_date``, and where they matter ``ratio`` (new units for one old one), ``cash``
    (for one old unit), ``currency`` and ``new_symbol``.

    Parameters
    ----------
    path : Path
        The file.
    source : str
        Who told them.
    seen : date, optional
        The day on which they became known, where no column says it. A day counts from the open
        of the session after it.
    names : Mapping of str to str, optional
        Our name of a column -> how this file calls it.
    calendar : str
        Whose sessions count.

    Raises
    ------
    InputError
        If the file or a cell cannot be read, or nothing tells when they became known.
    """
    file = FactFile(path, names)
    symbol, kind = file.symbols(file.needed(SYMBOL_NAMES)), file.needed(("kind", "type"))
    kinds = file.texts(kind, what="kind of action").str.lower()
    if len(odd := np.flatnonzero(~kinds.isin(_KINDS).to_numpy())):
        raise InputError(
            f"{file.at(odd[0], kind)}: {kinds[odd[0]]!r} is none of {', '.join(_KINDS)}"
        )
    days = file.days(file.needed(_EX_NAMES))
    ratio, cash = (file.place((name,)) for name in ("ratio", "cash"))
    currency, other = (file.place((name,)) for name in ("currency", "new_symbol"))
    currencies = [""] * len(file) if currency is None else file.texts(currency).tolist()
    others = [""] * len(file) if other is None else file.symbols(other, is_needed=False).tolist()
    _refuse_without_size(file, kind, kinds, ratio, "split")
    _refuse_without_size(file, kind, kinds, cash, "dividend")
    found = [
        CorporateAction(
            symbol=one,
            kind=what,
            ex_date=day.date(),
            seen_at=at.to_pydatetime(),
            source=source,
            ratio=units,
            cash=paid,
            currency=money or "USD",
            new_symbol=new,
        )
        for one, what, day, at, units, paid, money, new in zip(
            symbol,
            kinds,
            days,
            _seen_of(file, seen, calendar),
            file.amounts(ratio, "1"),
            file.amounts(cash, "0"),
            currencies,
            others,
            strict=True,
        )
    ]
    for row, action in enumerate(found):
        if action.flaw:
            raise InputError(f"{file.at(row, kind)}: {action.flaw}")
    return found


def read_members(path: Path, *, names: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return who belonged to an index, as `alphalens.data.point_in_time.Membership` takes it.

    Columns besides symbol: ``start`` and ``end``, the first day without it, empty while it is one.

    Raises
    ------
    InputError
        If the file or a cell cannot be read.
    """
    file = FactFile(path, names)
    start = file.days(file.needed(_START_NAMES))
    end_place = file.needed(_END_NAMES)
    end = file.days(end_place, is_needed=False)
    if len(odd := np.flatnonzero((end <= start).to_numpy())):
        row = int(odd[0])
        raise InputError(
            f"{file.at(row, end_place)}: ends on {end[row]:%Y-%m-%d}, and began on "
            f"{start[row]:%Y-%m-%d}: correct one of the two"
        )
    return pd.DataFrame(
        {"symbol": file.symbols(file.needed(SYMBOL_NAMES)), "start": start, "end": end}
    )


def read_reports(
    path: Path,
    *,
    items: Sequence[str] = (),
    seen: date | None = None,
    names: Mapping[str, str] | None = None,
) -> ReportRows:
    """Return the figures of companies in a file.

    Columns besides symbol and seen: ``period`` (the day on which what a row is about ended), and
    any number of figures. A cell without symbol, period or day is left for the store to refuse.

    Parameters
    ----------
    path : Path
        The file.
    items : sequence of str
        The figures to take; by default every column of numbers.
    seen : date, optional
        The day on which all of them were first seen, where no column says it.
    names : Mapping of str to str, optional
        Our name of a column -> how this file calls it.

    Raises
    ------
    InputError
        If the file or a cell cannot be read, it has no such figure or none at all, or nothing
        tells when they were seen.
    """
    file = FactFile(path, names)
    symbol, period = file.needed(SYMBOL_NAMES), file.needed(_PERIOD_NAMES)
    others = file.columns([symbol, period, file.place(SEEN_NAMES)])
    if items:
        chosen = {file.needed((item,)): item for item in items}
    else:
        chosen = {at: plain(name) for at, name in others.items() if file.is_of_figures(at)}
    if not chosen:
        raise InputError(f"{path}: no column holds figures")
    table: dict[str, object] = {
        "symbol": file.symbols(symbol, is_needed=False).replace("", None),
        "period": file.days(period, is_needed=False),
        "seen": _seen_days(file, seen),
        **{item: file.figures(at) for at, item in chosen.items()},
    }
    left_out = tuple(name for at, name in others.items() if at not in chosen)
    return ReportRows(table=pd.DataFrame(table), left_out=left_out)


def _refuse_without_size(
    file: FactFile, kind: int, kinds: pd.Series[str], size: int | None, what: str
) -> None:
    """Refuse an action that lacks what makes it one: it would be kept, and change nothing."""
    is_bare = (kinds == what).to_numpy()
    if size is not None:
        is_bare = is_bare & (file.texts(size) == "").to_numpy()
    if len(rows := np.flatnonzero(is_bare)):
        need = "ratio" if what == "split" else "cash"
        raise InputError(f"{file.at(rows[0], kind)}: a {what} needs its {need}")


def _seen_days(file: FactFile, seen: date | None) -> pd.Series[pd.Timestamp]:
    if seen is None or file.place(SEEN_NAMES) is not None:
        return file.days(file.needed(SEEN_NAMES), is_needed=False)
    return pd.Series([pd.Timestamp(seen)] * len(file))


def _seen_of(file: FactFile, seen: date | None, calendar: str) -> pd.DatetimeIndex:
    if seen is None or file.place(SEEN_NAMES) is not None:
        return file.instants(file.needed(SEEN_NAMES), calendar=calendar)
    return available_at(pd.DatetimeIndex([pd.Timestamp(seen)] * len(file)), calendar=calendar)
