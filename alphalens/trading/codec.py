"""One canonical text for records, so that equal records have equal hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum

from alphalens.errors import InputError

__all__ = ["canonical_json", "digest", "instant", "to_jsonable"]


def instant(value: datetime) -> str:
    """Return an aware datetime as ISO 8601 text in UTC, with microseconds and ``Z``.

    Raises
    ------
    InputError
        If `value` has no time zone.
    """
    if value.tzinfo is None:
        raise InputError(f"a time zone is needed, got the naive instant {value.isoformat()}")
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def to_jsonable(value: object) -> object:
    """Return `value` as plain dicts, lists, strings, numbers, booleans and None.

    A Decimal becomes its plain decimal text (no exponent, no trailing zeros), an instant
    becomes UTC text, an enum its value, a dataclass a dict of its fields. NaN and infinity
    are refused, because no two of them compare equal.

    Raises
    ------
    InputError
        If a value is of another type, is not finite, or is a naive instant.
    """
    if isinstance(value, Enum):
        return to_jsonable(value.value)
    if isinstance(value, Decimal):
        return _decimal_text(value)
    if isinstance(value, datetime):
        return instant(value)
    if value is None or isinstance(value, str | int | float):
        return _finite(value)
    if isinstance(value, Mapping):
        return {str(key): to_jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_jsonable(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_jsonable(getattr(value, f.name)) for f in fields(value)}
    raise InputError(f"cannot write a {type(value).__name__} into a record: {value!r}")


def canonical_json(value: object) -> str:
    """Return the one JSON text of `value`: sorted keys, no blanks, ASCII only.

    Examples
    --------
    >>> canonical_json({"b": Decimal("1.50"), "a": None})
    '{"a":null,"b":"1.5"}'
    """
    return json.dumps(to_jsonable(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical text of `value`, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        raise InputError(f"an amount must be finite, got {value}")
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _finite(value: object) -> object:
    if isinstance(value, float) and value - value != 0.0:
        raise InputError(f"a number in a record must be finite, got {value}")
    return value
