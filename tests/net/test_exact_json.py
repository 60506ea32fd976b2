from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.net.exact_json import decimal, instant, loads, mapping, rows
from alphalens.net.failures import Unreadable


def test_numbers_are_exact_in_quotes_or_not() -> None:
    read = loads('{"a": 0.1, "b": "0.2", "c": 3}')
    assert sum(decimal(read[name], name) for name in "abc") == Decimal("3.3")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15))
def test_any_number_of_the_wire_is_read_to_its_last_digit(number: Decimal) -> None:
    assert decimal(format(number, "f"), "n") == number


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "{", "", b"\xff", "1e99999999999999999999"])
def test_text_that_is_no_json_is_refused(text) -> None:
    with pytest.raises(Unreadable):
        loads(text)


@pytest.mark.parametrize(
    "value", [None, True, "", "ten", "NaN", "Infinity", "1e40", "1e-40", 1.5, [], {}]
)
def test_what_is_no_number_is_refused(value) -> None:
    with pytest.raises(Unreadable, match="qty"):
        decimal(value, "qty")


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T15:00:00.123456Z",
        "2026-03-02T15:00:00.123456789Z",
        "2026-03-02T10:00:00.123456789-05:00",
        "2026-03-02T11:00:00.123456-04:00",
    ],
)
def test_instants_are_utc_to_the_microsecond_whatever_offset_and_digits(text) -> None:
    read = instant(text, "t")
    assert read == datetime(2026, 3, 2, 15, 0, 0, 123456, tzinfo=UTC)
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "text", [None, 5, "", "noon", "2026-03-02", "2026-03-02T15:00:00", "0001-01-01T00:00:00+05:00"]
)
def test_what_is_no_instant_is_refused(text) -> None:
    with pytest.raises(Unreadable):
        instant(text, "t")


def test_shapes_are_checked() -> None:
    assert mapping({"a": 1}, "x") == {"a": 1}
    assert rows([{"a": 1}], "x") == [{"a": 1}]
    for wrong in ([], "x", None):
        with pytest.raises(Unreadable):
            mapping(wrong, "x")
    for wrong in ({}, ["x"], None):
        with pytest.raises(Unreadable):
            rows(wrong, "x")
