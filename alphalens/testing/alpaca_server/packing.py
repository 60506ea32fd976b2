"""MessagePack, as much of it as the streams of market data use.

References
----------
MessagePack specification, https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
_MAX = 0xFFFF


def pack(value: Any) -> bytes:
    """Return a value as MessagePack: null, booleans, numbers, text, lists, maps and instants.

    >>> pack([{"T": "b"}]).hex()
    '9181a154a162'

    Raises
    ------
    TypeError
        For any other type.
    """
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return _pack_int(value)
    if isinstance(value, float):
        return struct.pack(">Bd", 0xCB, value)
    if isinstance(value, str):
        return _pack_text(value.encode())
    if isinstance(value, datetime):
        return _pack_instant(value)
    if isinstance(value, list):
        return _head(len(value), 0x90, 0xDC) + b"".join(map(pack, value))
    if isinstance(value, dict):
        body = b"".join(pack(key) + pack(item) for key, item in value.items())
        return _head(len(value), 0x80, 0xDE) + body
    raise TypeError(f"cannot pack {type(value).__name__}")


def _head(size: int, small: int, wide: int) -> bytes:
    if size < 16:
        return bytes([small | size])
    return struct.pack(">BH", wide, size) if size <= _MAX else struct.pack(">BI", wide + 1, size)


def _pack_int(value: int) -> bytes:
    if 0 <= value < 128 or -32 <= value < 0:
        return struct.pack(">b", value)
    return struct.pack(">Bq", 0xD3, value)


def _pack_text(raw: bytes) -> bytes:
    if len(raw) < 32:
        return bytes([0xA0 | len(raw)]) + raw
    wide = struct.pack(">BI", 0xDB, len(raw))
    return (wide if len(raw) > _MAX else struct.pack(">BH", 0xDA, len(raw))) + raw


def _pack_instant(value: datetime) -> bytes:
    """Timestamp 96 of the specification: extension type -1, nanoseconds, then seconds."""
    seconds, micros = divmod((value - _EPOCH) // _MICRO, 1_000_000)
    return struct.pack(">BBbIq", 0xC7, 12, -1, micros * 1000, seconds)


def unpack(raw: bytes) -> Any:
    """Return the value of one MessagePack document.

    Raises
    ------
    ValueError
        For bytes that end early or hold a type that no client sends.
    """
    try:
        value, end = _read(raw, 0)
    except (IndexError, struct.error) as error:
        raise ValueError("the MessagePack document is cut off") from error
    if end != len(raw):
        raise ValueError(f"{len(raw) - end} bytes follow the MessagePack document")
    return value


_FIXED = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_TEXTS = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I", 0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
_LISTS = {0xDC: ">H", 0xDD: ">I"}
_MAPS = {0xDE: ">H", 0xDF: ">I"}


def _read(raw: bytes, at: int) -> tuple[Any, int]:
    tag = raw[at]
    at += 1
    if tag in _FIXED:
        return _FIXED[tag], at
    if tag < 0x80 or tag >= 0xE0:
        return (tag if tag < 0x80 else tag - 0x100), at
    if tag in _NUMBERS:
        return struct.unpack_from(_NUMBERS[tag], raw, at)[0], at + struct.calcsize(_NUMBERS[tag])
    return _read_sized(raw, at, tag)


def _read_sized(raw: bytes, at: int, tag: int) -> tuple[Any, int]:
    if tag < 0x90:
        return _read_map(raw, at, tag & 0x0F)
    if tag < 0xA0:
        return _read_list(raw, at, tag & 0x0F)
    if tag < 0xC0:
        return _read_text(raw, at, tag & 0x1F)
    for sizes, read in ((_TEXTS, _read_text), (_LISTS, _read_list), (_MAPS, _read_map)):
        if tag in sizes:
            size = struct.unpack_from(sizes[tag], raw, at)[0]
            return read(raw, at + struct.calcsize(sizes[tag]), size)
    raise ValueError(f"MessagePack type 0x{tag:02x} is not read here")


def _read_text(raw: bytes, at: int, size: int) -> tuple[Any, int]:
    if at + size > len(raw):
        raise IndexError(at + size)
    return raw[at : at + size].decode(), at + size


def _read_list(raw: bytes, at: int, size: int) -> tuple[Any, int]:
    values = []
    for _ in range(size):
        value, at = _read(raw, at)
        values.append(value)
    return values, at


def _read_map(raw: bytes, at: int, size: int) -> tuple[Any, int]:
    values = {}
    for _ in range(size):
        key, at = _read(raw, at)
        values[key], at = _read(raw, at)
    return values, at
