import json
from datetime import UTC, datetime
from decimal import Decimal

from alphalens.trading.activities import CashFlow, CashKind
from alphalens.trading.figures import Figures
from alphalens.trading.positions import Holding

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)


def figures() -> Figures:
    made = Figures(Decimal(100), "USD")
    made.balances["EUR"] = Decimal(-9)
    made.holdings["B"] = Holding(
        symbol="B", currency="EUR", quantity=Decimal(3), cost=Decimal(9), fees=Decimal(2)
    )
    made.holdings["A"] = Holding(symbol="A", realised=Decimal(5), fees=Decimal(1))
    for kind, symbol in ((CashKind.DIVIDEND, "B"), (CashKind.TRANSFER, "")):
        flow = CashFlow(activity_id="a", kind=kind, amount=Decimal("0.5"), at=T0, symbol=symbol)
        made.book_flow(flow)
    return made


def test_figures_come_back_from_a_record_as_they_were():
    plain = json.loads(json.dumps(figures().to_plain()))
    other = Figures(Decimal(0), "GBP")
    other.restore(plain)
    assert other.to_plain() == figures().to_plain() == plain
    assert (other.balances, other.holdings) == (figures().balances, figures().holdings)
    assert (other.flows, other.income) == (figures().flows, figures().income)


def test_sums_are_of_one_currency():
    made = figures()
    assert (made.realised("USD"), made.fees("USD")) == (5, 1)
    assert (made.realised("EUR"), made.fees("EUR")) == (0, 2)


def test_flow_moves_money_and_is_income_unless_it_is_a_transfer():
    made = figures()
    assert made.balances["USD"] == 101
    assert made.income == {("B", "USD"): Decimal("0.5")}
    assert made.flows[CashKind.TRANSFER] == {"USD": Decimal("0.5")}


def test_holding_that_is_replaced_moves_the_money_by_the_difference():
    made = figures()
    made.replace([Holding(symbol="B", currency="EUR", quantity=Decimal(2), cost=Decimal(6))])
    assert made.balances["EUR"] == -9 + 5  # 3 less was paid, and 2 of fees
    assert made.holdings["B"].quantity == 2
