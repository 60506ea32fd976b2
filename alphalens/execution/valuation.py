"""The book valued at new prices."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from alphalens.errors import InputError
from alphalens.execution.books import Books
from alphalens.execution.records import Mark, mark_from
from alphalens.trading.events import EventKind
from alphalens.trading.ledger import Ledger

__all__ = ["check_known", "value_book"]

_STEP = timedelta(seconds=5)  # by so much a clock may be set back between two readings


def check_known(symbols: Iterable[str], assets: Container[str], ledger: Ledger) -> None:
    """Refuse symbols that are neither assets of a desk nor held.

    Raises
    ------
    InputError
        With their names.
    """
    unknown = [s for s in symbols if s not in assets and s not in ledger.positions]
    if unknown:
        raise InputError(
            f"mark: {', '.join(sorted(unknown))} is no asset of this desk and not held; correct "
            f"the symbol, or add the asset"
        )


def value_book(books: Books, prices: Mapping[str, Decimal], at: datetime, *, now: datetime) -> Mark:
    """Value a book, journal it, and return the mark.

    Parameters
    ----------
    books : Books
        The book.
    prices : Mapping of str to Decimal
        New prices per unit; an asset left out keeps its last one.
    at, now : datetime
        Instant of the prices, and the present, by our clock; timezone-aware.

    Raises
    ------
    InputError
        If a price is no Decimal or not positive, a held asset never had one, or `at` is naive,
        more than 5 s in the future, or in the past and before the last mark. Nothing is stored
        then.
    """
    if at.tzinfo is None:
        raise InputError(f"mark: a time zone is needed, got {at.isoformat()}")
    if at > now + _STEP:
        raise InputError(f"mark: {at} lies after the present, {now}")
    at = min(at, now)
    if books.last_mark is not None and at < min(books.last_mark.at, now):  # a clock may jump back
        raise InputError(f"mark: {at} lies before the last one, {books.last_mark.at}")
    for symbol, price in prices.items():
        if not isinstance(price, Decimal):
            raise InputError(
                f"mark: the price of {symbol} must be a Decimal, so that it is exact, got "
                f"{price!r}: give Decimal(str(price))"
            )
        if not (price.is_finite() and price > 0):
            raise InputError(f"mark: the price of {symbol} must be positive, got {price}")
    known = {**books.prices, **prices}
    equity = books.ledger.equity(known)
    gross, net = books.ledger.exposure(known)
    peak = books.peak_with(equity)
    payload = {
        "at": at,
        "cash": books.ledger.cash,
        "equity": equity,
        "gross": gross,
        "net": net,
        "drawdown": (peak - equity) / peak,
        "prices": dict(prices),
    }
    return mark_from(books.write(EventKind.MARK, payload).payload)
