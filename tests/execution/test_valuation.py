"""The book valued: what is no exact price is no price."""

import pytest

from alphalens.errors import InputError


@pytest.mark.parametrize("price", [100.0, 100, "100", None])
def test_price_that_is_no_decimal_is_refused_and_not_stored(desk, price):
    session = desk.open()
    with pytest.raises(InputError, match=r"price of A must be a Decimal.*got .*Decimal.str"):
        session.mark({"A": price})
    assert len(session.journal.marks()) == 1
