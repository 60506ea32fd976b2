import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.errors import InputError
from alphalens.trading.codec import canonical_json, digest, from_jsonable, instant, to_jsonable

NEW_YORK_WINTER = timezone(timedelta(hours=-5))


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Thing:
    amount: Decimal
    colour: Colour
    at: datetime


def test_dataclass_enum_instant_and_amount_become_plain_json():
    thing = Thing(Decimal("1.50"), Colour.RED, datetime(2024, 1, 2, 16, tzinfo=NEW_YORK_WINTER))
    assert to_jsonable((thing, [None, True, 3, 0.5])) == [
        {"amount": "1.5", "colour": "red", "at": "2024-01-02T21:00:00.000000Z"},
        [None, True, 3, 0.5],
    ]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9))
def test_amount_comes_back_exactly(amount):
    assert Decimal(json.loads(canonical_json(amount))) == amount


@pytest.mark.parametrize(
    ("text", "expected"), [("1E+3", "1000"), ("-0", "0"), ("0.00", "0"), ("1E-9", "0.000000001")]
)
def test_amount_is_plain_text_without_exponent_or_trailing_zeros(text, expected):
    assert to_jsonable(Decimal(text)) == expected


@given(st.dictionaries(st.text(), st.integers()))
def test_order_of_keys_does_not_change_the_digest(mapping):
    assert digest(mapping) == digest(dict(reversed(mapping.items())))


@pytest.mark.parametrize(
    "value",
    [Decimal("NaN"), Decimal("Infinity"), float("nan"), float("inf"), object(), {1, 2}, b"x"],
)
def test_value_without_one_canonical_text_is_refused(value):
    with pytest.raises(InputError):
        canonical_json({"value": value})


def test_naive_instant_is_refused():
    with pytest.raises(InputError, match="time zone"):
        instant(datetime(2024, 1, 2))


def test_instants_of_one_moment_have_one_text():
    here = datetime(2024, 1, 2, 16, tzinfo=NEW_YORK_WINTER)
    assert instant(here) == instant(here.astimezone(UTC)) == "2024-01-02T21:00:00.000000Z"


@dataclass(frozen=True, kw_only=True)
class Box:
    name: str
    things: tuple[Thing, ...] = ()
    price: Decimal | None = None
    amounts: Mapping[str, Decimal] | None = None
    is_open: bool = False


T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)
amounts = st.decimals("-1e12", "1e12", places=9)
things = st.builds(Thing, amounts, st.just(Colour.RED), st.just(T0))
boxes = st.builds(
    Box,
    name=st.text(),
    things=st.lists(things, max_size=3).map(tuple),
    price=st.none() | amounts,
    amounts=st.none() | st.dictionaries(st.text(), amounts, max_size=3),
    is_open=st.booleans(),
)


@given(boxes)
def test_record_comes_back_as_the_value_it_was_made_of(box):
    assert from_jsonable(Box, json.loads(canonical_json(box))) == box


def test_absent_field_takes_its_default_and_an_unknown_key_is_ignored():
    assert from_jsonable(Box, {"name": "b", "colour_of_old": "blue"}) == Box(name="b")


@pytest.mark.parametrize(
    "plain",
    [
        {},
        None,
        [],
        {"name": "b", "price": "ten"},
        {"name": "b", "things": [{"amount": "1", "colour": "blue", "at": "2024-01-02T00:00:00Z"}]},
        {"name": "b", "things": [{"amount": "1", "colour": "red", "at": "yesterday"}]},
        {"name": "b", "amounts": ["1"]},
    ],
)
def test_record_that_cannot_be_read_is_refused_by_type(plain):
    with pytest.raises(InputError, match="no Box can be read from"):
        from_jsonable(Box, plain)
