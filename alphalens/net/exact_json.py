"""JSON of the wire, read exactly, and leniently where it is safe.

A number is a Decimal from its first digit to its last, whether the sender put it in quotes or
not; an instant is aware UTC, cut to microseconds, whatever its offset and its digits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from alphalens.net.failures import Unreadable

__all__ = ["decimal", "instant", "loads", "mapping", "rows"]

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


def _no_number(text: str) -> Decimal:
    raise ValueError(f"{text} is no number")
