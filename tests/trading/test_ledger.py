from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.errors import InputError
from alphalens.trading import Fill, Ledger, Side

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)
OPENING = Decimal(100_000)
TINY = Decimal("1e-15")  # average cost is a quotient: it has a last digit
SYMBOLS = ("A", "B", "C")

quantities = st.decimals("0.001", "1000", places=3)
prices = st.decimals("0.01", "1000", places=2)


@st.composite
def fill_lists(draw):
    parts = st.tuples(st.sampled_from(SYMBOLS), st.sampled_from(list(Side)), quantities, prices)
    fees = st.decimals("0", "5", places=4)
    drawn = draw(st.lists(st.tuples(parts, fees), max_size=25))
    return [
        Fill(
            fill_id=f"f{number}",
            client_order_id=f"o{number}",
            symbol=symbol,
            side=side,
            quantity=quantity,
            price=price,
            fee=fee,
            at=T0,
        )
        for number, ((symbol, side, quantity, price), fee) in enumerate(drawn)
    ]


def book(*fills: Fill) -> Ledger:
    ledger = Ledger(OPENING)
    ledger.apply_all(fills)
    return ledger


def trade(signed: str, price: str, fill_id: str = "f", fee: str = "0") -> Fill:
    units = Decimal(signed)
    return Fill(
        fill_id=fill_id,
        client_order_id="o",
        symbol="A",
        side=Side.BUY if units > 0 else Side.SELL,
        quantity=abs(units),
        price=Decimal(price),
        fee=Decimal(fee),
        at=T0,
    )


@given(fill_lists())
def test_cash_is_opening_less_purchases_and_fees_plus_sales_exactly(fills):
    spent = sum((f.signed_quantity * f.price + f.fee for f in fills), Decimal(0))
    assert book(*fills).cash == OPENING - spent


@given(fill_lists(), st.lists(prices, min_size=3, max_size=3))
def test_cash_plus_positions_is_equity_and_its_change_is_the_profit(fills, last):
    ledger, marks = book(*fills), dict(zip(SYMBOLS, last, strict=True))
    value = sum((p.quantity * marks[s] for s, p in ledger.positions.items()), Decimal(0))
    assert ledger.equity(marks) == ledger.cash + value
    cost = sum((p.cost for p in ledger.positions.values()), Decimal(0))
    profit = ledger.realised + (value - cost) - ledger.fees
    assert abs(ledger.equity(marks) - OPENING - profit) < TINY


@given(fill_lists(), st.randoms(use_true_random=False))
def test_fills_in_any_order_and_repeated_give_the_same_cash_and_units(fills, random):
    shuffled = fills + fills[::2]
    random.shuffle(shuffled)
    one, other = book(*fills), book(*shuffled)
    assert one.cash == other.cash
    assert one.fees == other.fees
    assert {s: p.quantity for s, p in one.positions.items()} == {
        s: p.quantity for s, p in other.positions.items()
    }


@given(fill_lists(), st.lists(prices, min_size=3, max_size=3))
def test_profit_in_all_does_not_depend_on_the_order_of_the_fills(fills, last):
    marks = dict(zip(SYMBOLS, last, strict=True))
    assert book(*fills).equity(marks) == book(*reversed(fills)).equity(marks)


@given(fill_lists())
def test_position_closed_to_the_last_unit_has_no_cost_left(fills):
    ledger = book(*fills)
    for number, (symbol, position) in enumerate(ledger.positions.items()):
        side = Side.SELL if position.quantity > 0 else Side.BUY
        closing = replace(
            trade("1", "7", f"close{number}"),
            symbol=symbol,
            side=side,
            quantity=abs(position.quantity),
        )
        ledger.apply(closing)
    assert ledger.positions == {}
    assert abs(ledger.cash - OPENING - ledger.realised + ledger.fees) < TINY


@given(fill_lists(), st.lists(prices, min_size=3, max_size=3))
def test_gross_bounds_net(fills, last):
    gross, net = book(*fills).exposure(dict(zip(SYMBOLS, last, strict=True)))
    assert gross >= abs(net)


def test_fill_is_booked_once_per_id():
    ledger = Ledger(OPENING)
    fill = trade("10", "5")
    assert [ledger.apply(fill), ledger.apply(fill)] == [True, False]
    assert ledger.quantity("A") == 10
    assert ledger.apply_all([fill, trade("1", "5", "g")]) == 1


def test_same_id_with_other_contents_is_refused_and_changes_nothing():
    ledger = book(trade("10", "5"))
    with pytest.raises(InputError, match="fill f was booked as 10 A at 5 and now says 11 A at 5"):
        ledger.apply(trade("11", "5"))
    assert ledger.quantity("A") == 10


def test_adding_to_a_position_averages_its_price_and_realises_nothing():
    position = book(trade("10", "5", "f1"), trade("10", "7", "f2")).positions["A"]
    assert (position.quantity, position.average_price, position.realised) == (20, 6, 0)


def test_reducing_a_position_realises_profit_at_average_cost():
    ledger = book(trade("10", "5", "f1"), trade("-4", "8", "f2", fee="1"))
    position = ledger.positions["A"]
    assert (position.quantity, position.average_price, position.realised) == (6, 5, 12)
    assert (ledger.realised, ledger.fees) == (12, 1)


def test_flip_closes_the_old_position_and_opens_the_rest_at_the_new_price():
    position = book(trade("10", "5", "f1"), trade("-15", "8", "f2")).positions["A"]
    assert (position.quantity, position.average_price, position.realised) == (-5, 8, 30)


def test_short_position_profits_from_a_fall():
    ledger = book(trade("-10", "8", "f1"), trade("10", "5", "f2"))
    assert ledger.positions == {}
    assert ledger.realised == 30
    assert ledger.cash == OPENING + 30


def test_flat_position_has_no_average_price():
    assert Ledger(OPENING).quantity("A") == 0
    assert book(trade("1", "5", "f1"), trade("-1", "5", "f2")).positions == {}


def test_equity_without_a_price_of_a_held_asset_is_refused():
    with pytest.raises(InputError, match="no price for A, which is held"):
        book(trade("1", "5")).equity({"B": Decimal(1)})


def test_positions_come_in_alphabetical_order():
    fills = [replace(trade("1", "5", s), symbol=s) for s in ("C", "A", "B")]
    assert list(book(*fills).positions) == ["A", "B", "C"]
