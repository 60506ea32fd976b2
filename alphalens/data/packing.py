"""Bars as bytes, for caches: one versioned table of fixed width, and never a pickle.

The form is ``ALB1``, the length of a header, the header as JSON (symbols, sources, timeframe,
adjustment, currency, number of rows), the rows as one packed little-endian struct each, and a
CRC-32 of all before it. What does not fit is refused, so a form that changed is read as nothing.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from alphalens.data.bars import Adjustment, Bars, Timeframe
from alphalens.errors import DataError

__all__ = ["pack", "unpack"]

_MAGIC = b"ALB1"
_LENGTH = struct.Struct("<I")
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


def unpack(content: bytes) -> Bars:
    """Return the bars that `pack` made bytes of.

    Raises
    ------
    DataError
        If the bytes are cut off, were changed, or are of another version.
    """
    body, kept = content[: -_LENGTH.size], content[-_LENGTH.size :]
    if not content.startswith(_MAGIC) or _LENGTH.pack(zlib.crc32(body)) != kept:
        raise DataError(
            f"{len(content)} bytes are no bars of this version, or were changed: fetch them again"
        )
    begin = len(_MAGIC) + _LENGTH.size
    end = begin + _LENGTH.unpack_from(body, len(_MAGIC))[0]
    header: Mapping[str, Any] = json.loads(body[begin:end])  # Any: plain JSON, checked by the CRC
    rows = np.frombuffer(body, _ROW, count=header["rows"], offset=end)
    columns: dict[str, Any] = {  # Any: the columns differ in type
        name: np.ascontiguousarray(rows[name]) for name in _ROW.names or ()
    }
    return Bars(
        symbols=tuple(header["symbols"]),
        sources=tuple(header["sources"]),
        timeframe=Timeframe(header["timeframe"]),
        adjustment=Adjustment(header["adjustment"]),
        currency=header["currency"],
        **columns,
    )
