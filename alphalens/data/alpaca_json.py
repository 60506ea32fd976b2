"""How Alpaca writes numbers, instants and symbols: read exactly, and leniently where it is safe.

A number is a Decimal from its first digit to its last, whether the venue put it in quotes or
not; an instant is aware UTC, cut to microseconds, whatever its offset and its digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from alphalens.assets import AssetClass
from alphalens.assets.symbols import Vendor, from_vendor, to_vendor
from alphalens.errors import InputError
from alphalens.net.failures import Unreadable

__all__ = [
    "class_of",
    "decimal",
    "instant",
    "loads",
    "mapping",
    "rows",
    "symbol_from",
    "symbol_to",
]

_CLASSES = {
    "us_equity": AssetClass.EQUITY,
    "us_option": AssetClass.OPTION,
    "crypto": AssetClass.CRYPTO,
    "crypto_perp": AssetClass.PERPETUAL,
}
_OPTION = re.compile(r"[A-Z][A-Z0-9]{0,5}[0-9]{6}[CP][0-9]{8}")
_PAIR = re.compile(r"[A-Z0-9]{2,}(USD|USDT|USDC|BTC)")
_LONGEST_TICKER = 5
_MOST_DIGITS = 40  # either side of the point: what is longer is no amount of anything


def loads(text: str | bytes) -> Any:  # Any: whatever the JSON holds
    """Return the JSON value of `text`, its fractions as Decimal and never as float.

    Raises
    ------
    Unreadable
        If it is no JSON, is no UTF-8, or holds NaN or infinity.

    Examples
    --------
    >>> loads('{"p": 0.1}')
    {'p': Decimal('0.1')}
    """
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise Unreadable(f"no JSON: {error}") from error


def mapping(value: object, what: str) -> Mapping[str, Any]:  # Any: the values of JSON
    """Return `value` if it is a JSON object, and raise `Unreadable` if not."""
    if not isinstance(value, Mapping):
        raise Unreadable(f"{what} should be an object, got a {type(value).__name__}")
    return value


def rows(value: object, what: str) -> Sequence[Mapping[str, Any]]:  # Any: the values of JSON
    """Return `value` if it is a JSON array of objects, and raise `Unreadable` if not."""
    if not isinstance(value, list):
        raise Unreadable(f"{what} should be a list, got a {type(value).__name__}")
    return [mapping(row, f"each of {what}") for row in value]


def decimal(value: object, what: str) -> Decimal:
    """Return a number, in quotes or not, as an exact Decimal.

    Raises
    ------
    Unreadable
        If it is none, is not finite, or is longer than any amount.

    Examples
    --------
    >>> decimal("-5.10", "qty")
    Decimal('-5.10')
    """
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        try:
            number = Decimal(value)
        except InvalidOperation:
            number = Decimal("NaN")
        if number.is_finite() and abs(number.adjusted()) < _MOST_DIGITS:
            return number
    raise Unreadable(f"{what} should be a number, got {value!r}")


def instant(value: object, what: str) -> datetime:
    """Return RFC 3339 text as aware UTC; digits beyond microseconds are cut.

    Raises
    ------
    Unreadable
        If it is none, or has no offset.

    Examples
    --------
    >>> instant("2026-01-05T09:30:00.123456789-05:00", "t").isoformat()
    '2026-01-05T14:30:00.123456+00:00'
    """
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise Unreadable(f"{what} should be an instant with an offset, got {value!r}")
    try:
        return read.astimezone(UTC)
    except OverflowError as error:
        raise Unreadable(f"{what} {value!r} is out of the calendar") from error


def class_of(symbol: str, named: object = None) -> AssetClass:
    """Return the class of an asset, by the venue's word for it or else by its symbol.

    Examples
    --------
    >>> class_of("BTC/USD").value, class_of("AAPL250117P00190000").value
    ('crypto', 'option')
    """
    if isinstance(named, str) and named in _CLASSES:
        return _CLASSES[named]
    if _OPTION.fullmatch(symbol):
        return AssetClass.OPTION
    if symbol.endswith("-PERP"):
        return AssetClass.PERPETUAL
    is_pair = "/" in symbol or (len(symbol) > _LONGEST_TICKER and _PAIR.fullmatch(symbol))
    return AssetClass.CRYPTO if is_pair else AssetClass.EQUITY


def symbol_from(text: object, named: object = None) -> str:
    """Return the canonical symbol; one that has no canonical form stays as the venue has it.

    Raises
    ------
    Unreadable
        If there is none.
    """
    if not isinstance(text, str) or not text:
        raise Unreadable(f"symbol should be a text, got {text!r}")
    kind = class_of(text, named)
    is_joined = kind is AssetClass.CRYPTO and "/" not in text
    vendor = Vendor.ALPACA_POSITIONS if is_joined else Vendor.ALPACA
    try:
        return from_vendor(text, vendor, kind)
    except InputError:
        return text


def symbol_to(symbol: str) -> str:
    """Return the symbol as orders and subscriptions have it.

    Raises
    ------
    InputError
        If the venue could not name the asset.
    """
    return to_vendor(symbol, Vendor.ALPACA, class_of(symbol))


def _no_number(text: str) -> Decimal:
    raise ValueError(f"{text} is no number")
