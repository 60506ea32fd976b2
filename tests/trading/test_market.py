from datetime import UTC, datetime
from decimal import Decimal

import pytest

from alphalens.errors import InputError
from alphalens.trading import Bar, Quote

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)


def test_bar_of_closes_only_has_no_other_price():
    bar = Bar(symbol="SPY", at=T0, close=Decimal(100))
    assert (bar.open, bar.high, bar.low, bar.volume) == (None, None, None, None)


@pytest.mark.parametrize("name", ["open", "high", "low", "close"])
def test_bar_with_a_price_that_is_no_number_is_refused(name):
    prices = {"close": Decimal(100), name: Decimal("NaN")}
    with pytest.raises(InputError, match=f"{name} is NaN"):
        Bar(symbol="SPY", at=T0, **prices)


def test_bar_with_a_naive_instant_is_refused():
    with pytest.raises(InputError, match="no time zone"):
        Bar(symbol="SPY", at=T0.replace(tzinfo=None), close=Decimal(1))


def test_mid_lies_between_bid_and_ask():
    assert Quote(symbol="SPY", at=T0, bid=Decimal("99.98"), ask=Decimal("100.01")).mid == Decimal(
        "99.995"
    )
