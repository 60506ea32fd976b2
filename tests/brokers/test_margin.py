from decimal import Decimal

import pytest

from alphalens.brokers import Financing
from alphalens.brokers.margin import Claim, take
from alphalens.errors import ConfigError
from alphalens.trading.activities import CashKind

D = Decimal


def needed(held: dict[str, Decimal], claims: list[Claim]) -> Decimal:
    left = dict(held)
    return sum((take(left, claim) for claim in claims), D(0))


def claim(units: int, value: int = 1, symbol: str = "A") -> Claim:
    return Claim(units={symbol: D(units)}, values={symbol: D(value)})


@pytest.mark.parametrize(
    ("held", "claims", "expected"),
    [
        (0, [claim(10, 3)], 30),
        (0, [claim(10), claim(-10)], 20),  # either may be executed alone
        (10, [claim(-10)], 0),
        (10, [claim(-15, 2)], 10),
        (10, [claim(-10), claim(-10)], 10),  # the units can be closed once
        (10, [claim(-10), claim(10)], 10),  # a sale frees nothing before it is executed
        (-5, [claim(8, 4)], 12),
    ],
)
def test_orders_need_what_they_may_add(held, claims, expected):
    assert needed({"A": D(held)} if held else {}, claims) == expected


def test_legs_of_one_order_are_counted_each():
    spread = Claim(units={"A": D(2), "B": D(-3)}, values={"A": D(10), "B": D(1)})
    assert needed({"B": D(1)}, [spread]) == 22


def test_borrowing_costs_by_day_value_and_symbol():
    financing = Financing(
        borrow_rate=D("0.036"), borrow_rates={"HARD": D("0.36")}, margin_rate=D("0.072")
    )
    charges = list(
        financing.charges(3, cash=D(-1000), shorts={"EASY": D(10_000), "HARD": D(10_000)})
    )
    assert [(c.kind, c.symbol, c.amount) for c in charges] == [
        (CashKind.BORROW, "EASY", D(-3)),
        (CashKind.BORROW, "HARD", D(-30)),
        (CashKind.INTEREST, "", D("-0.6")),
    ]


def test_charges_are_rounded_against_the_trader():
    (charge,) = Financing(margin_rate=D("0.01")).charges(1, cash=D(-1), shorts={})
    assert charge.amount == D("-0.0001")


def test_who_owes_nothing_pays_nothing():
    assert not list(Financing().charges(30, cash=D(1000), shorts={}))


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"borrow_rate": D(-1)}, "borrow_rate must be"),
        ({"margin_rate": 0.08}, "margin_rate must be"),
        ({"borrow_rates": {"A": D("NaN")}}, r"borrow_rates\['A'\] must be"),
        ({"days_per_year": 0}, "days_per_year must be at least 1, got 0"),
    ],
)
def test_impossible_rates_are_refused(wrong, match):
    with pytest.raises(ConfigError, match=match):
        Financing(**wrong)
