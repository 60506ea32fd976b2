from decimal import Decimal

import pytest

from alphalens.errors import BrokerError
from alphalens.execution import reconcile
from alphalens.trading import Ledger


def test_equal_books_have_no_difference(desk):
    session = desk.open()
    session.submit([desk.intent()])
    desk.next_day(session)
    assert reconcile(desk.venue, session.ledger) == ()


def test_differences_name_both_figures_and_what_to_do(desk):
    session = desk.open()
    session.submit([desk.intent()])
    desk.next_day()
    position, cash = reconcile(desk.venue, session.ledger)
    assert (position.what, position.symbol, position.ours, position.theirs) == (
        "position",
        "A",
        0,
        10,
    )
    assert cash.what == "cash"
    assert "our ledger says 10000, the venue says 8999.9" in cash.message
    assert "then resume" in cash.message


def test_venue_that_does_not_answer_is_an_error_and_not_a_flat_account(desk):
    class Silent:
        def positions(self):
            raise BrokerError("503")

    with pytest.raises(BrokerError):
        reconcile(Silent(), Ledger(Decimal(1)))


@pytest.mark.parametrize(("booked", "is_equal"), [("0.0099999", True), ("0.01", False)])
def test_cash_that_the_venue_writes_rounded_is_equal_to_less_than_a_cent(desk, booked, is_equal):
    session = desk.open()
    for sign in (1, -1):
        ours = Ledger(session.ledger.cash + sign * Decimal(booked))
        assert (reconcile(desk.venue, ours) == ()) is is_equal
