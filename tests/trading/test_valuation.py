from decimal import Decimal

import pytest

from alphalens.errors import InputError
from alphalens.trading.positions import Holding
from alphalens.trading.valuation import Profit, equity, exposure, profits

LONG = Holding(symbol="A", quantity=Decimal(2), cost=Decimal(8), realised=Decimal(1))
SHORT = Holding(symbol="B", quantity=Decimal(-3), cost=Decimal(-9), currency="EUR")
FUTURE = Holding(
    symbol="C",
    quantity=Decimal(1),
    cost=Decimal(500),
    multiplier=Decimal(50),
    is_margined=True,
    fees=Decimal(4),
)
BOOK = (LONG, SHORT, FUTURE)
PRICES = {"A": Decimal(5), "B": Decimal(4), "C": Decimal(11)}
RATES = {"EUR": Decimal(2), "USD": Decimal(9)}


def test_margined_position_adds_its_profit_and_another_its_value():
    balances = {"USD": Decimal(100), "EUR": Decimal(1)}
    assert equity(BOOK, balances, PRICES, "USD", RATES) == 100 + 10 + 50 + (1 - 12) * 2


def test_exposure_counts_every_position_in_full():
    assert exposure(BOOK, PRICES, "USD", RATES) == (10 + 24 + 550, 10 - 24 + 550)


def test_profit_is_told_by_symbol_and_currency_with_its_income():
    income = {("A", "GBP"): Decimal(3), ("C", "USD"): Decimal(-1), ("", "EUR"): Decimal(7)}
    found = profits(BOOK, income, PRICES)
    assert list(found) == sorted(found)
    assert found["A", "USD"] == Profit(realised=Decimal(1), unrealised=Decimal(2))
    assert found["B", "EUR"].total == -3
    assert found["C", "USD"].total == 50 - 4 - 1
    assert (found["A", "GBP"].total, found["", "EUR"].total) == (3, 7)


def test_flat_holding_needs_no_price():
    flat = Holding(symbol="Z", realised=Decimal(5))
    assert profits([flat], {}, {})["Z", "USD"].total == 5
    assert equity([flat], {"USD": Decimal(1)}, {}, "USD", None) == 1


def test_currency_without_a_rate_is_refused_and_names_what_is_missing():
    with pytest.raises(InputError, match="-12 EUR cannot be told in USD: the rate is missing"):
        exposure(BOOK, PRICES, "USD", None)


def test_price_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="no price but NaN for A"):
        equity(BOOK, {"USD": Decimal(0)}, PRICES | {"A": Decimal("NaN")}, "USD", RATES)
