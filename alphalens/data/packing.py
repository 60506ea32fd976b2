"""Bars as bytes, for caches: one versioned table of fixed width, and never a pickle.

The form is ``ALB1``, the length of a header, the header as JSON (symbols, sources, timeframe,
adjustment, currency, number of rows), the rows as one packed little-endian struct each, and a
CRC-32 of all before it. What does not fit is refused, so a form that changed is read as nothing.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphalens.data.bars import Adjustment, Bars, Timeframe
from alphalens.errors import DataError, InputError

__all__ = ["is_of", "is_whole", "pack", "unpack", "unpack_all"]

_MAGIC = b"ALB1"
_LENGTH = struct.Struct("<I")
_BEGIN = len(_MAGIC) + _LENGTH.size
_ROW = np.dtype(
    [
        ("codes", "<i4"),
        ("time", "<i8"),
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("volume", "<f8"),
        ("vwap", "<f8"),
        ("trades", "<i8"),
        ("is_final", "?"),
        ("received", "<i8"),
        ("source_codes", "<i2"),
    ]
)


def pack(bars: Bars) -> bytes:
    """Return bars as bytes that `unpack` reads.

    Examples
    --------
    >>> from alphalens.data.bars import Adjustment, Timeframe
    >>> len(unpack(pack(Bars.empty(Timeframe.DAY, Adjustment.RAW))))
    0
    """
    rows = np.empty(len(bars), _ROW)
    for name in _ROW.names or ():
        rows[name] = getattr(bars, name)
    header = {
        "symbols": bars.symbols,
        "sources": bars.sources,
        "timeframe": bars.timeframe,
        "adjustment": bars.adjustment,
        "currency": bars.currency,
        "rows": len(bars),
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    content = b"".join((_MAGIC, _LENGTH.pack(len(text)), text, rows.tobytes()))
    return content + _LENGTH.pack(zlib.crc32(content))


def is_whole(content: bytes) -> bool:
    """Return whether bytes are what `pack` made, of this version, and unchanged."""
    body, kept = content[: -_LENGTH.size], content[-_LENGTH.size :]
    return content.startswith(_MAGIC) and _LENGTH.pack(zlib.crc32(body)) == kept


def is_of(content: bytes, symbol: str, timeframe: str, adjustment: str) -> bool:
    """Return whether whole bytes are bars of one symbol, of this timeframe and adjustment."""
    (length,) = _LENGTH.unpack_from(content, len(_MAGIC))
    header = json.loads(content[_BEGIN : _BEGIN + length])
    told = header["symbols"], header["timeframe"], header["adjustment"]
    return told == ([symbol], timeframe, adjustment)


def unpack(content: bytes) -> Bars:
    """Return the bars that `pack` made bytes of.

    Raises
    ------
    DataError
        If the bytes are cut off, were changed, or are of another version.
    """
    return unpack_all([content])


def unpack_all(contents: Sequence[bytes]) -> Bars:
    """Return the bars of several, one after the other; far quicker than each by itself.

    Raises
    ------
    DataError
        If one of them is cut off, was changed, or is of another version.
    InputError
        If there are none, or they differ in timeframe, adjustment or currency.
    """
    spoilt = [len(content) for content in contents if not is_whole(content)]
    if spoilt:
        raise DataError(
            f"{spoilt[0]} bytes are no bars of this version, or were changed: fetch them again"
        )
    cuts = [_LENGTH.unpack_from(content, len(_MAGIC))[0] + _BEGIN for content in contents]
    pairs = list(zip(contents, cuts, strict=True))
    headers: list[Mapping[str, Any]] = [  # Any: plain JSON, checked by the CRC
        json.loads(content[_BEGIN:cut]) for content, cut in pairs
    ]
    kind = _kind(headers)
    rows = np.frombuffer(b"".join(content[cut : -_LENGTH.size] for content, cut in pairs), _ROW)
    counts = [header["rows"] for header in headers]
    columns: dict[str, Any] = {  # Any: the columns differ in type
        name: np.ascontiguousarray(rows[name]) for name in _ROW.names or ()
    }
    names: dict[str, tuple[str, ...]] = {}
    for name, codes in (("symbols", "codes"), ("sources", "source_codes")):
        told = [header[name] for header in headers]
        names[name] = tuple(dict.fromkeys(text for some in told for text in some))
        columns[codes] = _recoded(told, names[name], counts, columns[codes])
    return Bars(
        symbols=names["symbols"],
        sources=names["sources"],
        timeframe=Timeframe(kind[0]),
        adjustment=Adjustment(kind[1]),
        currency=kind[2],
        **columns,
    )


def _kind(headers: Sequence[Mapping[str, Any]]) -> tuple[str, str, str]:
    kinds = {(h["timeframe"], h["adjustment"], h["currency"]) for h in headers}
    if len(kinds) != 1:
        told = ", ".join("/".join(kind) for kind in sorted(kinds)) or "no bars"
        raise InputError(f"bars of one timeframe, adjustment and currency go together: {told}")
    return kinds.pop()


def _recoded(
    told: Sequence[Sequence[str]],
    names: Sequence[str],
    counts: Sequence[int],
    codes: NDArray[np.signedinteger],
) -> NDArray[np.signedinteger]:
    """Return codes that are places in `names`, of codes that are places in each one's own."""
    place = {name: code for code, name in enumerate(names)}
    every = np.array([place[name] for some in told for name in some] or [0], codes.dtype)
    begins = np.cumsum([0, *map(len, told)])[:-1]
    found: NDArray[np.signedinteger] = every[codes + np.repeat(begins, counts)]
    return found
