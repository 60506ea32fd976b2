from datetime import UTC, datetime
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.errors import InputError
from alphalens.trading import Fill, Position, Side
from alphalens.trading.activities import ChangeKind, PositionChange, Split
from alphalens.trading.positions import EXACT, Holding, exactly

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)
ZERO = Decimal(0)


def fill(units: str, price: str, **more) -> Fill:
    signed = Decimal(units)
    side = Side.BUY if signed > 0 else Side.SELL
    fields = {"fill_id": "f", "client_order_id": "o", "symbol": "A", "at": T0} | more
    return Fill(side=side, quantity=abs(signed), price=Decimal(price), **fields)


def test_average_price_counts_the_multiplier_and_ignores_the_callers_arithmetic():
    position = Position(
        symbol="A", quantity=Decimal(3), cost=Decimal(1000), multiplier=Decimal(100)
    )
    with localcontext() as context:
        context.prec = 2
        assert position.average_price == Decimal("3.333333333333333333333333333")
    assert Position(symbol="A").average_price == 0


def test_position_after_a_fill_is_a_new_value():
    before = Position(symbol="A", quantity=Decimal(10), cost=Decimal(50))
    after = before.after(fill("-4", "8"))
    assert (after.quantity, after.cost, after.realised) == (6, 30, 12)
    assert before.quantity == 10
    with pytest.raises(InputError, match="held with multiplier 1"):
        before.after(fill("1", "8", multiplier=Decimal(100)))


@given(st.integers(1, 50), st.decimals("0.01", "999", places=2))
def test_position_sold_in_thirds_loses_no_cost_by_rounding(parts, price):
    holding = Holding(symbol="A")
    with localcontext(EXACT):
        balance = holding.trade(Decimal(3 * parts), price, ZERO, ZERO)
        for _ in range(3 * parts):
            balance = holding.trade(Decimal(-1), price * 2, ZERO, balance)
    assert (holding.quantity, holding.cost) == (0, 0)
    assert holding.realised == balance == price * 3 * parts


def test_cost_of_a_part_is_rounded_to_eighteen_decimals_and_the_rest_keeps_the_difference():
    holding = Holding(symbol="A", quantity=Decimal(3), cost=Decimal(10))
    with localcontext(EXACT):
        holding.trade(Decimal(-1), ZERO, ZERO, ZERO)
    assert holding.realised == Decimal("-3.333333333333333333")
    assert holding.cost == Decimal("6.666666666666666667")


def test_cash_that_a_holding_moved_is_told_by_its_figures():
    holding, balance = Holding(symbol="A"), ZERO
    with localcontext(EXACT):
        for event in (fill("10", "5", fee=Decimal(1)), fill("-3", "7")):
            balance = holding.feed(event, balance)
        holding.bring(Decimal(2), Decimal(4))
    assert holding.cash == balance == -30
    assert holding.brought_in == 8


def test_split_keeps_more_than_nine_decimals_if_the_units_had_them():
    holding = Holding(symbol="A", quantity=Decimal("0.0000000000030"), cost=Decimal(1))
    split = Split(activity_id="s", symbol="A", new=Decimal(2), old=Decimal(1), at=T0)
    with localcontext(EXACT):
        assert holding.split(split, Decimal(7)) == 7
    assert holding.quantity == Decimal("0.000000000006")


def test_change_at_a_price_must_have_the_terms_of_what_is_held():
    holding = Holding(symbol="A", quantity=Decimal(1), multiplier=Decimal(100))
    fields = {"activity_id": "a", "symbol": "A", "kind": ChangeKind.EXERCISE, "at": T0}
    change = PositionChange(quantity=Decimal(-1), price=Decimal(2), **fields)
    with pytest.raises(InputError, match="activity a: 1 A are held with multiplier 100"):
        holding.change(change, ZERO)


def test_block_that_computes_exactly_refuses_to_round():
    with pytest.raises(InputError, match="the sum: the books are exact"), exactly("the sum"):
        Decimal(1) / Decimal(3)
    with exactly("the sum"):
        assert Decimal("1E+100") + Decimal("1E-90") != Decimal("1E+100")
