from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalens.testing.alpaca_server.packing import pack, unpack

ATOMS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
)
VALUES = ATOMS | st.lists(ATOMS, max_size=20) | st.dictionaries(st.text(max_size=5), ATOMS)


@settings(max_examples=40)
@given(VALUES)
def test_the_reference_reads_what_is_packed(value: Any) -> None:
    assert msgpack.unpackb(pack(value)) == value


@settings(max_examples=40)
@given(VALUES)
def test_what_the_reference_packs_is_read(value: Any) -> None:
    assert unpack(msgpack.packb(value)) == value


@pytest.mark.parametrize("size", [31, 32, 255, 256, 65_535, 65_536])
def test_every_width_of_length(size: int) -> None:
    for value in ("x" * size, [1] * size):
        assert msgpack.unpackb(pack(value)) == value
        assert unpack(msgpack.packb(value)) == value


@pytest.mark.parametrize("year", [1965, 2026, 2600])
def test_instants_keep_their_microseconds(year: int) -> None:
    instant = datetime(year, 3, 2, 15, 0, 0, 123456, tzinfo=UTC)

    assert msgpack.unpackb(pack(instant)).to_datetime() == instant


def test_what_cannot_be_packed_or_read() -> None:
    with pytest.raises(TypeError, match="cannot pack set"):
        pack({1})
    with pytest.raises(ValueError, match="cut off"):
        unpack(pack("hello")[:-1])
    with pytest.raises(ValueError, match="1 bytes follow"):
        unpack(pack("hello") + b"\x00")
    with pytest.raises(ValueError, match="0xc7 is not read here"):
        unpack(struct.pack(">BBb", 0xC7, 0, 5))
