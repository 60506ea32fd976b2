"""The book valued: what is no exact price is no price."""

from datetime import timedelta
from decimal import Decimal

import pytest

from alphalens.errors import InputError


@pytest.mark.parametrize("price", [100.0, 100, "100", None])
def test_price_that_is_no_decimal_is_refused_and_not_stored(desk, price):
    session = desk.open()
    with pytest.raises(InputError, match=r"price of A must be a Decimal.*got .*Decimal.str"):
        session.mark({"A": price})
    assert len(session.journal.marks()) == 1


def test_symbol_that_is_no_asset_and_not_held_is_refused_and_not_stored(desk):
    session = desk.open()
    with pytest.raises(InputError, match="NOPE is no asset of this desk and not held"):
        session.mark({"A": Decimal(100), "NOPE": Decimal(1)})
    assert len(session.journal.marks()) == 1


def test_clock_set_back_a_little_between_two_readings_marks_at_the_present(desk):
    session = desk.open()
    now = desk.clock.now()
    mark = session.mark({"A": Decimal(101)}, now + timedelta(seconds=3))
    assert (mark.at, session.prices["A"]) == (now, 101)
    with pytest.raises(InputError, match="lies after the present"):
        session.mark({"A": Decimal(102)}, now + timedelta(seconds=6))
