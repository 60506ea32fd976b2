"""The numbers under which the store keeps series and vendors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from alphalens.data.bars import Adjustment, Timeframe
from alphalens.errors import InputError
from alphalens.storage.schema import bar_sources, series

__all__ = ["Known", "known_series", "number_series", "number_sources", "source_names"]

_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The series of some symbols.

    Attributes
    ----------
    ids : Mapping of str to int
        By symbol; who is not in the store is absent.
    currencies : Mapping of str to str
        By symbol, of those whose currency is known: of one without a bar it is not.
    """

    ids: Mapping[str, int]
    currencies: Mapping[str, str]

    def currency(self, otherwise: str = "USD") -> str:
        """Return the one currency of all of them.

        Raises
        ------
        InputError
            If they have more than one.
        """
        found = sorted(set(self.currencies.values()))
        if len(found) > 1:
            told = ", ".join(f"{s} in {c}" for s, c in sorted(self.currencies.items())[:6])
            raise InputError(f"series of one currency are read together, got {told}: ask apart")
        return found[0] if found else otherwise


def known_series(
    connection: sa.Connection,
    symbols: Sequence[str],
    timeframe: Timeframe,
    adjustment: Adjustment,
) -> Known:
    """Return what is known of series."""
    query = sa.select(series.c.symbol, series.c.id, series.c.currency).where(
        series.c.timeframe == str(timeframe),
        series.c.adjustment == str(adjustment),
        series.c.symbol.in_(symbols),
    )
    rows = connection.execute(query).all()
    return Known(
        ids={symbol: number for symbol, number, _ in rows},
        currencies={symbol: currency for symbol, _, currency in rows if currency},
    )


def number_series(
    connection: sa.Connection,
    symbols: Sequence[str],
    timeframe: Timeframe,
    adjustment: Adjustment,
    currency: str = "",
) -> Mapping[str, int]:
    """Return the numbers of series, given to those that have none; in a write transaction.

    Raises
    ------
    InputError
        If one of them is of another currency.
    """
    known = known_series(connection, symbols, timeframe, adjustment)
    key = {"timeframe": str(timeframe), "adjustment": str(adjustment), "currency": currency}
    if currency:
        _check_currency(known, symbols, currency)
        nameless = [known.ids[s] for s in known.ids.keys() - known.currencies.keys()]
        if nameless:
            named = series.update().where(series.c.id.in_(nameless))
            connection.execute(named.values(currency=currency))
    missing = [{"symbol": symbol, **key} for symbol in symbols if symbol not in known.ids]
    if not missing:
        return known.ids
    connection.execute(series.insert(), missing)
    return known_series(connection, symbols, timeframe, adjustment).ids


def number_sources(connection: sa.Connection, names: Sequence[str]) -> Mapping[str, int]:
    """Return the numbers of vendors, given to those that have none; in a write transaction."""
    query = sa.select(bar_sources.c.name, bar_sources.c.id)
    known = _pairs(connection, query)
    missing = [{"name": name} for name in names if name not in known]
    if not missing:
        return known
    connection.execute(bar_sources.insert(), missing)
    return _pairs(connection, query)


def source_names(connection: sa.Connection) -> Mapping[int, str]:
    """Return the vendors by their numbers."""
    query = sa.select(bar_sources.c.id, bar_sources.c.name)
    return _pairs(connection, query)


def _pairs(connection: sa.Connection, query: sa.Select[_K, _V]) -> dict[_K, _V]:
    return {row[0]: row[1] for row in connection.execute(query)}


def _check_currency(known: Known, symbols: Sequence[str], currency: str) -> None:
    for symbol in symbols:
        found = known.currencies.get(symbol, currency)
        if found != currency:
            raise InputError(
                f"{symbol} is kept in {found}, its bars came in {currency}: correct the unit of "
                f"the vendor's prices, or write them under a symbol of their own"
            )
