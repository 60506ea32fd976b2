from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from alphalens.errors import InputError
from alphalens.trading.activities import CashFlow, CashKind, ChangeKind, PositionChange, Split
from alphalens.trading.codec import from_jsonable, to_jsonable

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)
ONE = Decimal(1)
FLOW = CashFlow(activity_id="a", kind=CashKind.DIVIDEND, amount=ONE, at=T0, symbol="A", note="n")
SPLIT = Split(activity_id="a", symbol="A", new=Decimal(4), old=ONE, at=T0)
CHANGE = PositionChange(
    activity_id="a",
    symbol="A",
    kind=ChangeKind.EXPIRY,
    quantity=-ONE,
    price=Decimal(0),
    at=T0,
    multiplier=Decimal(100),
)
EVERY = pytest.mark.parametrize("activity", [FLOW, SPLIT, CHANGE], ids=lambda a: type(a).__name__)


def changed(activity, **changes):
    given = {field.name: getattr(activity, field.name) for field in fields(activity)}
    return type(activity)(**given | changes)


@EVERY
def test_activity_comes_back_from_a_record_as_it_was(activity):
    assert from_jsonable(type(activity), to_jsonable(activity)) == activity


@EVERY
def test_activity_without_an_id_could_be_booked_twice_and_is_refused(activity):
    with pytest.raises(InputError, match="needs the venue's id"):
        changed(activity, activity_id="")


@EVERY
def test_activity_at_a_naive_instant_is_refused(activity):
    with pytest.raises(InputError, match="has no time zone"):
        changed(activity, at=T0.replace(tzinfo=None))


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), 1.5, "1", None])
@pytest.mark.parametrize(
    ("activity", "name"),
    [
        (FLOW, "amount"),
        (SPLIT, "new"),
        (SPLIT, "old"),
        (CHANGE, "quantity"),
        (CHANGE, "price"),
        (CHANGE, "multiplier"),
    ],
)
def test_figure_that_is_no_finite_decimal_is_refused_by_name(activity, name, value):
    with pytest.raises(InputError, match=f"{name} must be a finite Decimal, got"):
        changed(activity, **{name: value})


@pytest.mark.parametrize("ratio", [{"new": Decimal(0)}, {"old": Decimal(-1)}])
def test_split_of_no_ratio_is_refused(ratio):
    with pytest.raises(InputError, match="is no ratio"):
        changed(SPLIT, **ratio)


def test_change_of_nothing_and_of_no_multiplier_is_refused():
    with pytest.raises(InputError, match="no units of A changed"):
        changed(CHANGE, quantity=Decimal(0))
    with pytest.raises(InputError, match="multiplier must be positive, got 0"):
        changed(CHANGE, multiplier=Decimal(0))
