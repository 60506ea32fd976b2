import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.errors import InputError
from alphalens.trading.codec import canonical_json, digest, instant, to_jsonable

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
