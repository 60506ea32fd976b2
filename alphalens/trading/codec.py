"""One canonical text for records, so that equal records have equal hashes."""

from __future__ import annotations

import hashlib
import json
import types
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import cache, lru_cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from alphalens.errors import InputError

__all__ = [
    "canonical_json",
    "digest",
    "from_jsonable",
    "instant",
    "plain_and_text",
    "to_jsonable",
]

_T = TypeVar("_T")
_Decoder = Callable[[Any], Any]  # Any: plain JSON in, a value of the wanted type out
_Encoder = Callable[[Any], object]  # Any: a value of the type it was made for
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def instant(value: datetime) -> str:
    """Return an aware datetime as ISO 8601 text in UTC, with microseconds and ``Z``.

    Raises
    ------
    InputError
        If `value` has no time zone.
    """
    if value.tzinfo is None:
        raise InputError(f"a time zone is needed, got the naive instant {value.isoformat()}")
    return _utc_text(value.astimezone(UTC))


@lru_cache(maxsize=4_096)  # the records of one transaction have one instant
def _utc_text(value: datetime) -> str:
    return value.isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"


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
    kind = type(value)
    write = _KNOWN.get(kind)
    if write is None:
        write = _KNOWN[kind] = _writer(kind)
    return write(value)


def from_jsonable(kind: type[_T], value: object) -> _T:
    """Return the value of type `kind` that `to_jsonable` made `value` of.

    A field that is absent takes its default, so that a record written before the field
    existed can still be read; a key that is no field is ignored.

    Parameters
    ----------
    kind : type
        A dataclass whose fields are text, numbers, booleans, Decimal, datetime, enums, other
        dataclasses, tuples, mappings of text, or optional ones of these.
    value : object
        Plain JSON.

    Raises
    ------
    InputError
        If a field without a default is absent, or a value cannot be read as its type.

    Examples
    --------
    >>> from alphalens.trading.orders import Leg, Side
    >>> from_jsonable(Leg, {"symbol": "A", "side": "sell", "ratio": 2})
    Leg(symbol='A', side=<Side.SELL: 'sell'>, ratio=2, is_closing=False)
    """
    try:
        decoded: _T = _decoder(cast(Hashable, kind))(value)
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise InputError(f"no {kind.__name__} can be read from {value!r}: {error!r}") from error
    return decoded


def canonical_json(value: object) -> str:
    """Return the one JSON text of `value`: sorted keys, no blanks, ASCII only.

    Examples
    --------
    >>> canonical_json({"b": Decimal("1.50"), "a": None})
    '{"a":null,"b":"1.5"}'
    """
    return _encode(to_jsonable(value))


def plain_and_text(value: object) -> tuple[Any, str]:  # Any: plain JSON
    """Return `value` as `to_jsonable` gives it, and as `canonical_json` does, made once."""
    plain = to_jsonable(value)
    return plain, _encode(plain)


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


def _finite(value: float) -> float:
    if value - value != 0.0:
        raise InputError(f"a number in a record must be finite, got {value}")
    return value


def _keyed(value: Mapping[object, object]) -> dict[str, object]:
    return {
        str(key): item if type(item) in _AS_IS else to_jsonable(item) for key, item in value.items()
    }


def _listed(value: Iterable[object]) -> list[object]:
    return [to_jsonable(item) for item in value]


def _unwritable(value: object) -> object:
    raise InputError(f"cannot write a {type(value).__name__} into a record: {value!r}")


def _writer(kind: Any) -> _Encoder:  # Any: a type
    """Return what makes plain JSON of values of exactly this type."""
    if issubclass(kind, Enum):
        return _enum_writer(kind)
    found = next((write for known, write in _WRITERS if issubclass(kind, known)), None)
    if found is None and is_dataclass(kind):
        return _dataclass_writer(tuple(field.name for field in fields(kind)))
    return found or _unwritable


def _enum_writer(kind: type[Enum]) -> _Encoder:
    plain = {member: to_jsonable(member.value) for member in kind}
    return plain.__getitem__


def _dataclass_writer(names: tuple[str, ...]) -> _Encoder:
    def write(value: Any) -> object:  # Any: an instance of the dataclass with these fields
        values = ((name, getattr(value, name)) for name in names)
        return {name: one if type(one) in _AS_IS else to_jsonable(one) for name, one in values}

    return write


def _same(value: Any) -> Any:  # Any: what JSON holds is what is wanted
    return value


_AS_IS = frozenset({str, int, bool, types.NoneType})
_KNOWN: dict[type, _Encoder] = {}  # by the exact type, as they are met
_WRITERS: tuple[tuple[tuple[type, ...], _Encoder], ...] = (
    ((Decimal,), _decimal_text),
    ((datetime,), instant),
    ((types.NoneType, str, int), _same),
    ((float,), _finite),
    ((list, tuple), _listed),
    ((Mapping,), _keyed),
)


@cache
def _decoder(kind: Any) -> _Decoder:  # Any: a type or a typing construct
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _optional(_decoder(next(a for a in args if a is not types.NoneType)))
    if origin is tuple:
        item = _decoder(args[0])
        return lambda value: tuple(map(item, value))
    if origin in (dict, Mapping):
        item = _decoder(args[1])
        return lambda value: {key: item(one) for key, one in value.items()}
    if kind is datetime:
        return datetime.fromisoformat
    if is_dataclass(kind):
        return _dataclass_decoder(kind)
    if isinstance(kind, type) and issubclass(kind, Decimal | Enum):
        return kind
    return _same


def _optional(decoder: _Decoder) -> _Decoder:
    return lambda value: None if value is None else decoder(value)


def _dataclass_decoder(kind: Any) -> _Decoder:  # Any: a dataclass type
    hints = get_type_hints(kind)
    plan = {field.name: _decoder(hints[field.name]) for field in fields(kind) if field.init}
    read_in = {name: read for name, read in plan.items() if read is not _same}

    def decode(value: Mapping[str, Any]) -> Any:  # Any: an instance of `kind`
        given = {name: value[name] for name in plan if name in value}
        for name, read in read_in.items():
            if name in given:
                given[name] = read(given[name])
        return kind(**given)

    return decode
