from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.assets import Equity, Option
from alphalens.errors import InputError
from alphalens.execution.structures import plan_structures
from alphalens.trading import Ledger, Side
from alphalens.trading.orders import Leg, OrderClass, OrderType
from alphalens.trading.targets import Structure

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
LOW, HIGH = "AAPL260320C00100000", "AAPL260320C00110000"
ASSETS = {s: Option(symbol=s, underlying="AAPL") for s in (LOW, HIGH)}
ASSETS["AAPL"] = Equity(symbol="AAPL")
PRICES = {LOW: Decimal(5), HIGH: Decimal(2), "AAPL": Decimal(100)}


def spread(quantity=2, **changes) -> Structure:
    legs = (Leg(symbol=LOW, side=Side.BUY), Leg(symbol=HIGH, side=Side.SELL))
    return Structure(
        **{"name": "bull", "underlying": "AAPL", "legs": legs, "quantity": quantity, **changes}
    )


def plan(*structures, held=(), **changes):
    book = Ledger(Decimal(100_000))
    for symbol, units in held:
        book.open_position(symbol, Decimal(units), Decimal(1), multiplier=Decimal(100))
    return plan_structures(
        structures,
        **{
            "book": book,
            "prices": PRICES,
            "assets": ASSETS,
            "account": "P1",
            "cycle_id": "c1",
            "at": AT,
            **changes,
        },
    )


def test_structure_that_is_missing_is_opened_by_one_order_of_all_legs():
    (order,) = plan(spread(limit_price=Decimal("3.10")))
    assert (order.order_class, order.quantity) == (OrderClass.MULTILEG, 2)
    assert (order.order_type, order.limit_price) == (OrderType.LIMIT, Decimal("3.10"))
    assert order.traded == {LOW: 2, HIGH: -2}
    assert order.reference_price == 3


def test_only_the_units_that_every_leg_lacks_are_opened():
    (order,) = plan(spread(3), held=[(LOW, 1), (HIGH, -1)])
    assert order.traded == {LOW: 2, HIGH: -2}
    assert plan(spread(2), held=[(LOW, 2), (HIGH, -2)]) == ()


def test_what_is_held_beyond_is_closed_before_anything_is_opened():
    *closings, opening = plan(spread(1), held=[(LOW, 3), (HIGH, 1)])
    assert [(o.symbol, o.side, o.quantity) for o in closings] == [
        (LOW, Side.SELL, 3),
        (HIGH, Side.SELL, 1),
    ]
    assert opening.traded == {LOW: 1, HIGH: -1}


@given(
    held=st.tuples(st.integers(-4, 4), st.integers(-4, 4)),
    quantities=st.lists(st.integers(1, 3), max_size=3),
)
def test_orders_of_a_plan_lead_to_exactly_what_is_wanted(held, quantities):
    wanted = [spread(quantity, name=f"s{n}") for n, quantity in enumerate(quantities)]
    orders = plan(*wanted, held=[(s, u) for s, u in zip((LOW, HIGH), held, strict=True) if u])
    after = dict(zip((LOW, HIGH), held, strict=True))
    for order in orders:
        for symbol, units in order.traded.items():
            after[symbol] += units
    assert after == {LOW: sum(quantities), HIGH: -sum(quantities)}


def test_nothing_wanted_closes_all_options_and_leaves_the_shares():
    orders = plan(held=[(LOW, 2), (HIGH, -2), ("AAPL", 10)])
    assert [(o.symbol, o.side) for o in orders] == [(LOW, Side.SELL), (HIGH, Side.BUY)]


def test_position_of_somebody_else_is_left_alone():
    assert plan(held=[(LOW, 2)], leave_alone={LOW}) == ()


def test_structure_of_one_leg_is_a_plain_order():
    (order,) = plan(spread(legs=(Leg(symbol=HIGH, side=Side.SELL),), limit_price=Decimal("-2")))
    assert (order.order_class, order.side, order.symbol) == (OrderClass.SIMPLE, Side.SELL, HIGH)
    assert order.limit_price == 2


@pytest.mark.parametrize(
    ("structures", "changes", "message"),
    [
        ([spread(), spread()], {}, "different names"),
        (
            [spread(), spread(name="bear", legs=(Leg(symbol=LOW, side=Side.SELL),))],
            {},
            "other sign",
        ),
        ([spread(legs=(Leg(symbol="AAPL", side=Side.BUY),))], {}, "is no option"),
        ([spread()], {"prices": {LOW: Decimal(5)}}, "the price of AAPL260320C00110000 is None"),
    ],
)
def test_what_cannot_be_planned_is_refused(structures, changes, message):
    with pytest.raises(InputError, match=message):
        plan(*structures, **changes)
