"""Rows of the account's activities that are no executions, as our values.

Units and money are signed as the account sees them: a written option that is assigned comes
with a positive number, the fee in a coin with a negative one. A split is told in two rows, what
goes and what comes; the ratio is booked once, with the row that comes, and the other row is
kept as a note without money.

References
----------
Alpaca, "Account Activities", "Non-trade activities for option events" and "Crypto fees", in the
documentation of its Trading API.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from alphalens.brokers._alpaca.wire import currency_of, multiplier_of, text
from alphalens.data.alpaca_symbols import symbol_from
from alphalens.errors import InputError
from alphalens.net.exact_json import decimal, instant, mapping
from alphalens.net.failures import Unreadable
from alphalens.trading.activities import (
    Activity,
    CashFlow,
    CashKind,
    ChangeKind,
    PositionChange,
    Split,
)

__all__ = ["activity_from", "is_pending", "with_split_terms"]

_CASH = {
    "INT": CashKind.INTEREST,
    "INTNRA": CashKind.INTEREST,
    "INTTW": CashKind.INTEREST,
    "FEE": CashKind.FEE,
    "CFEE": CashKind.FEE,
    "PTC": CashKind.FEE,
    "PTR": CashKind.FEE,
    "VOF": CashKind.FEE,
    "JNL": CashKind.TRANSFER,
    "JNLC": CashKind.TRANSFER,
    "CSD": CashKind.TRANSFER,
    "CSW": CashKind.TRANSFER,
    "CSR": CashKind.TRANSFER,
    "TRANS": CashKind.TRANSFER,
    "ACATC": CashKind.TRANSFER,
    "WH": CashKind.ADJUSTMENT,
    "CIL": CashKind.ADJUSTMENT,
}
_DIVIDEND = "DIV"
_UNITS = {
    "OPEXP": ChangeKind.EXPIRY,
    "OPASN": ChangeKind.ASSIGNMENT,
    "OPEXC": ChangeKind.EXERCISE,
    "CFEE": ChangeKind.FEE,
    "JNLS": ChangeKind.TRANSFER,
    "ACATS": ChangeKind.TRANSFER,
    "MA": ChangeKind.ADJUSTMENT,
    "NC": ChangeKind.ADJUSTMENT,
    "REORG": ChangeKind.ADJUSTMENT,
    "SC": ChangeKind.ADJUSTMENT,
    "SPIN": ChangeKind.ADJUSTMENT,
    "SSO": ChangeKind.ADJUSTMENT,
}
_DELIVERY = "OPTRD"
_SPLITS = frozenset({"SPLIT", "SSP"})
_EXERCISED = re.compile(r"exercis", re.IGNORECASE)
_FROM_TO = re.compile(r"From QTY: *(-?[0-9.]+), *To QTY: *(-?[0-9.]+)", re.IGNORECASE)
_NEW_YORK = ZoneInfo("America/New_York")
_PENDING = frozenset({"pending", "queued", "in_progress"})


def is_pending(row: Mapping[str, Any]) -> bool:
    """Return whether the venue has announced the row and not booked it yet."""
    return text(row, "status").lower() in _PENDING


def with_split_terms(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows, those of a split with the units held before and after it.

    Rows that do not say so themselves come in pairs, the units that go before those that come.
    """
    terms: dict[str, dict[str, str]] = {}
    going: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        if row.get("activity_type") not in _SPLITS or _quantities(row)[0] is not None:
            continue
        symbol = text(row, "symbol")
        gone = going.pop(symbol, None)
        if gone is None:
            going[symbol] = row
            continue
        pair = {"old_qty": str(gone.get("qty")), "new_qty": str(row.get("qty"))}
        terms |= {text(one, "id"): pair for one in (gone, row)}
    return [{**row, **terms.get(text(row, "id"), {})} for row in rows]


def activity_from(row: Mapping[str, Any]) -> Activity:
    """Return what a row of the activities did to the book.

    A kind that is not known and has moved money is an adjustment with the venue's words; one
    that may have moved units in an unknown way is refused, because nothing is guessed.

    Raises
    ------
    Unreadable
        If the row has no id, kind or instant, was taken back or corrected, or does not say what
        it moved.
    """
    kind, activity_id = (text(row, name, is_needed=True) for name in ("activity_type", "id"))
    try:
        return _read(kind, activity_id, row)
    except (Unreadable, InputError) as error:
        raise Unreadable(f"activity {activity_id} of kind {kind}: {error}") from error


def _read(kind: str, activity_id: str, row: Mapping[str, Any]) -> Activity:
    status = text(row, "status").lower()
    if status not in ("", "executed"):
        raise Unreadable(f"its status is {status}, and only what was executed can be booked")
    if kind in _SPLITS:
        return _split(kind, activity_id, row)
    moved = _units(row)
    if kind == _DELIVERY or (kind in _UNITS and moved):
        return _change(kind, activity_id, row, moved)
    is_known = kind in _CASH or kind.startswith(_DIVIDEND)
    amount = _amount(row, is_needed=is_known)
    if not is_known and not amount and moved:
        raise Unreadable(
            f"it moved {moved} units without money, in a way that is not known: book it by hand"
        )
    return _cash(kind, activity_id, row, amount)


def _cash(kind: str, activity_id: str, row: Mapping[str, Any], amount: Decimal) -> CashFlow:
    known = CashKind.DIVIDEND if kind.startswith(_DIVIDEND) else CashKind.ADJUSTMENT
    symbol = symbol_from(row["symbol"]) if text(row, "symbol") else ""
    return CashFlow(
        activity_id=activity_id,
        kind=_CASH.get(kind, known),
        amount=amount,
        at=_at(row),
        currency=text(row, "currency") or "USD",
        symbol=symbol,
        note=_note(kind, row),
    )


def _change(kind: str, activity_id: str, row: Mapping[str, Any], moved: Decimal) -> PositionChange:
    symbol = symbol_from(row.get("symbol"))
    exercised = _EXERCISED.search(text(row, "description"))
    delivery = ChangeKind.EXERCISE if exercised else ChangeKind.ASSIGNMENT
    return PositionChange(
        activity_id=activity_id,
        symbol=symbol,
        kind=_UNITS.get(kind, delivery),
        quantity=moved,
        price=_price(row, moved, multiplier_of(symbol)),
        at=_at(row),
        multiplier=multiplier_of(symbol),
        currency=currency_of(symbol),
        note=_note(kind, row),
    )


def _price(row: Mapping[str, Any], moved: Decimal, multiplier: Decimal) -> Decimal:
    """Return what was paid for each unit: the money says it, the row's price may be a value.

    A fee in coin moves no money, and its price says what the coins were worth.
    """
    paid = -_amount(row, is_needed=False)
    named = decimal(row["price"], "price") if row.get("price") is not None else None
    if not paid:
        is_fee = _UNITS.get(text(row, "activity_type")) is ChangeKind.FEE
        return named if is_fee and named is not None else Decimal(0)
    if named is not None and named * moved * multiplier == paid:
        return named
    price = paid / (moved * multiplier)
    if price * moved * multiplier != paid:
        raise Unreadable(f"{-paid} for {moved} units is no exact price, and price {named} is none")
    return price


def _split(kind: str, activity_id: str, row: Mapping[str, Any]) -> Split | CashFlow:
    before, after = _quantities(row)
    moved = abs(_units(row))
    if before is not None and moved == before:
        return _cash(kind, activity_id, row, _amount(row, is_needed=False))
    old, new = (_terms(row).get(name) for name in ("old_rate", "new_rate"))
    if old is None or new is None:
        old, new = before, after
    if old is None or new is None:
        raise Unreadable("it does not say how many units came for how many")
    return Split(
        activity_id=activity_id,
        symbol=symbol_from(row.get("symbol")),
        new=abs(decimal(new, "new units")),
        old=abs(decimal(old, "old units")),
        at=_at(row),
    )


def _quantities(row: Mapping[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """Return the units held before and after a split, as far as its row says."""
    said = _FROM_TO.search(text(row, "description"))
    terms = _terms(row)
    before, after = said.groups() if said else (terms.get("old_qty"), terms.get("new_qty"))
    return (
        None if before is None else abs(decimal(before, "old_qty")),
        None if after is None else abs(decimal(after, "new_qty")),
    )


def _terms(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**mapping(row.get("details") or {}, "details"), **row}


def _units(row: Mapping[str, Any]) -> Decimal:
    return Decimal(0) if row.get("qty") in (None, "") else decimal(row["qty"], "qty")


def _amount(row: Mapping[str, Any], *, is_needed: bool) -> Decimal:
    if row.get("net_amount") in (None, "") and not is_needed:
        return Decimal(0)
    return decimal(row.get("net_amount"), "net_amount")


def _at(row: Mapping[str, Any]) -> datetime:
    """Return the instant; a row with a date only is of that day's midnight in New York."""
    for name in ("transaction_time", "executed_at", "created_at"):
        if row.get(name) is not None:
            return instant(row[name], name)
    day = text(row, "date", is_needed=True)
    try:
        read = datetime.fromisoformat(day)
    except ValueError as error:
        raise Unreadable(f"date should be a date, got {day!r}") from error
    return (read if read.tzinfo else read.replace(tzinfo=_NEW_YORK)).astimezone(UTC)


def _note(kind: str, row: Mapping[str, Any]) -> str:
    return f"{kind} {text(row, 'description')}".strip()
