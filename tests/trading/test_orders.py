from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from alphalens.errors import InputError
from alphalens.trading import Fill, OrderIntent, OrderStatus, Side
from alphalens.trading.codec import from_jsonable, to_jsonable
from alphalens.trading.orders import TRANSITIONS, Leg, OrderClass, OrderType, client_order_id

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)
S = OrderStatus


def intent(**changes) -> OrderIntent:
    fields = {
        "client_order_id": "al-1",
        "account": "P1",
        "cycle_id": "c1",
        "symbol": "SPY",
        "side": Side.SELL,
        "quantity": Decimal(5),
        "reference_price": Decimal("10.5"),
        "created_at": T0,
    }
    return OrderIntent(**fields | changes)


def fill(**changes) -> Fill:
    fields = {
        "fill_id": "f1",
        "client_order_id": "al-1",
        "symbol": "SPY",
        "side": Side.SELL,
        "quantity": Decimal(5),
        "price": Decimal("10.5"),
        "at": T0,
    }
    return Fill(**fields | changes)


def test_order_id_names_the_purpose_and_is_the_same_every_time():
    first = client_order_id("P1", "c1", "SPY:open")
    assert first == client_order_id("P1", "c1", "SPY:open")
    assert first.startswith("al-")
    assert len(first) == 35
    others = {
        client_order_id("P2", "c1", "SPY:open"),
        client_order_id("P1", "c2", "SPY:open"),
        client_order_id("P1", "c1", "SPY:close"),
        client_order_id("P1", "c1", "SPY:open", slice_=1),
        client_order_id("P1", "c1", "SPY:open", replace=1),
    }
    assert len(others | {first}) == 6


def test_signed_quantity_and_notional_follow_the_side():
    assert intent().signed_quantity == -5
    assert intent(side=Side.BUY).signed_quantity == 5
    assert intent().notional == Decimal("52.5")
    assert fill().signed_quantity == -5


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": Decimal(6)},
        {"side": Side.BUY},
        {"reason": "other"},
        {"created_at": T0 + timedelta(microseconds=1)},
    ],
)
def test_fingerprint_changes_with_anything_in_the_order(change):
    assert intent(**change).fingerprint != intent().fingerprint


def test_fingerprint_is_of_the_value_and_not_of_its_spelling():
    same = intent(quantity=Decimal("5.00"), created_at=T0.astimezone(timezone(timedelta(hours=2))))
    assert same.fingerprint == intent().fingerprint


@pytest.mark.parametrize("name", ["quantity", "reference_price"])
@pytest.mark.parametrize("value", ["0", "-1", "NaN", "Infinity"])
def test_order_of_nothing_is_refused(name, value):
    with pytest.raises(InputError, match=f"{name} must be positive and finite, got {value}"):
        intent(**{name: Decimal(value)})


def test_limit_price_goes_with_a_limit_order_only():
    with pytest.raises(InputError, match="limit price goes with a limit or stop_limit order"):
        intent(limit_price=Decimal(10))
    with pytest.raises(InputError, match="limit price goes with a limit or stop_limit order"):
        intent(order_type=OrderType.LIMIT)
    assert intent(order_type=OrderType.LIMIT, limit_price=Decimal(10)).limit_price == 10


def test_naive_instants_are_refused():
    with pytest.raises(InputError, match="has no time zone"):
        intent(created_at=T0.replace(tzinfo=None))
    with pytest.raises(InputError, match="has no time zone"):
        fill(at=T0.replace(tzinfo=None))


@pytest.mark.parametrize(
    "change", [{"quantity": Decimal(0)}, {"quantity": Decimal("NaN")}, {"price": Decimal("NaN")}]
)
def test_execution_of_nothing_is_refused(change):
    with pytest.raises(InputError, match="is no trade"):
        replace(fill(), **change)


def test_every_status_has_its_row_in_the_table():
    assert set(TRANSITIONS) == {None, *OrderStatus}


def test_order_begins_refused_awaiting_or_intended_and_never_accepted():
    assert TRANSITIONS[None] == {S.REFUSED, S.AWAITING, S.INTENDED}


@pytest.mark.parametrize("status", [S.CANCELED, S.EXPIRED])
def test_fill_after_a_cancel_or_an_expiry_is_legal(status):
    assert S.FILLED in TRANSITIONS[status]
    assert status.is_final


@pytest.mark.parametrize("status", [S.REFUSED, S.FILLED, S.REJECTED])
def test_nothing_follows_an_end_without_executions_to_come(status):
    assert TRANSITIONS[status] == frozenset()
    assert status.is_final


def test_what_was_sent_goes_back_to_intended_only_where_nobody_knows_of_it():
    before = {status for status, after in TRANSITIONS.items() if S.INTENDED in after}
    assert before == {None, S.AWAITING, S.UNKNOWN}


def with_prices(order_type: OrderType) -> dict[str, object]:
    """The least that an order of a type needs."""
    needed = {
        OrderType.LIMIT: {"limit_price": Decimal(10)},
        OrderType.STOP: {"stop_price": Decimal(9)},
        OrderType.STOP_LIMIT: {"limit_price": Decimal(10), "stop_price": Decimal(9)},
        OrderType.TRAILING_STOP: {"trail_fraction": Decimal("0.05")},
    }
    return {"order_type": order_type, **needed.get(order_type, {})}


BRACKET = {
    "order_class": OrderClass.BRACKET,
    "take_profit": Decimal(12),
    "stop_loss": Decimal(9),
}
LEGS = (Leg(symbol="C1", side=Side.BUY, ratio=2), Leg(symbol="C2", side=Side.SELL))
MULTILEG = {"order_class": OrderClass.MULTILEG, "side": Side.BUY, "legs": LEGS}


@pytest.mark.parametrize("order_type", list(OrderType))
def test_order_of_each_type_has_its_prices_and_no_others(order_type):
    order = intent(**with_prices(order_type))
    assert from_jsonable(OrderIntent, to_jsonable(order)) == order
    for name in ("limit_price", "stop_price", "trail_amount", "trail_fraction"):
        value = None if getattr(order, name) is not None else Decimal(1)
        with pytest.raises(InputError, match=r"goes with|needs exactly one"):
            replace(order, **{name: value})


@pytest.mark.parametrize("name", ["limit_price", "take_profit", "stop_loss", "stop_loss_limit"])
@pytest.mark.parametrize("value", [Decimal(0), Decimal("NaN"), 10.0])
def test_price_that_is_no_positive_decimal_is_refused(name, value):
    given = with_prices(OrderType.LIMIT) | BRACKET | {"stop_loss_limit": Decimal(8)}
    assert intent(**given).stop_loss_limit == 8
    with pytest.raises(InputError, match=f"{name} must be"):
        intent(**given | {name: value})


@pytest.mark.parametrize(
    ("order_class", "exits"),
    [
        (OrderClass.SIMPLE, ()),
        (OrderClass.BRACKET, ("take_profit", "stop_loss")),
        (OrderClass.OCO, ("take_profit", "stop_loss")),
        (OrderClass.OTO, ("take_profit",)),
        (OrderClass.OTO, ("stop_loss",)),
    ],
)
def test_exits_go_with_the_class_of_the_order(order_class, exits):
    given = {"order_class": order_class, **dict.fromkeys(exits, Decimal(9))}
    order = intent(**given)
    assert from_jsonable(OrderIntent, to_jsonable(order)) == order
    for name in ("take_profit", "stop_loss"):
        turned = {name: None if name in exits else Decimal(9)}
        if order_class is OrderClass.OTO and len(exits) == 1 and name not in exits:
            turned |= {exits[0]: Decimal(9)}
        with pytest.raises(InputError, match="bracket and oco need take_profit and stop_loss"):
            replace(order, **turned)


def test_limit_of_a_stop_loss_needs_the_stop_loss():
    given = {"order_class": OrderClass.OTO, "take_profit": Decimal(9)}
    with pytest.raises(InputError, match="stop_loss_limit needs a stop_loss"):
        intent(**given, stop_loss_limit=Decimal(8))


@pytest.mark.parametrize(
    "change",
    [
        {"legs": LEGS[:1]},
        {"legs": LEGS + LEGS + LEGS[:1]},
        {"legs": ()},
        {"order_class": OrderClass.SIMPLE},
        {"side": Side.SELL},
    ],
)
def test_multileg_order_is_bought_and_has_two_to_four_legs(change):
    with pytest.raises(InputError, match="multi-leg order"):
        intent(**MULTILEG | change)


def test_multileg_order_may_be_received_for_and_trades_its_legs():
    given = MULTILEG | {"order_type": OrderType.LIMIT, "limit_price": Decimal("-1.2")}
    order = intent(**given)
    assert order.traded == {"C1": 10, "C2": -5}
    assert from_jsonable(OrderIntent, to_jsonable(order)) == order
    twice = (*LEGS, Leg(symbol="C1", side=Side.SELL))
    assert intent(**MULTILEG | {"legs": twice}).traded == {"C1": 5, "C2": -5}
    assert intent().traded == {"SPY": -5}


@pytest.mark.parametrize("ratio", [0, -1, 1.0, Decimal(1), True])
def test_leg_of_no_whole_ratio_is_refused(ratio):
    with pytest.raises(InputError, match="ratio must be a whole number of at least 1"):
        Leg(symbol="A", side=Side.BUY, ratio=ratio)


@pytest.mark.parametrize("name", ["quantity", "price", "fee", "multiplier"])
def test_execution_with_a_figure_that_is_no_decimal_is_refused(name):
    with pytest.raises(InputError, match="quantity, price, fee and multiplier must be Decimals"):
        fill(**{name: 1.5})


@pytest.mark.parametrize(
    "change",
    [{"fee": Decimal("NaN")}, {"multiplier": Decimal(0)}, {"multiplier": Decimal("Infinity")}],
)
def test_execution_without_fee_or_multiplier_is_refused(change):
    with pytest.raises(InputError, match="must be finite, the multiplier positive"):
        fill(**change)


def test_execution_comes_back_from_a_record_as_it_was():
    whole = fill(
        fee=Decimal("-0.25"),
        multiplier=Decimal(100),
        currency="EUR",
        is_margined=True,
        cumulative=Decimal(5),
        venue_order_id="v",
        execution_id="x",
        is_synthetic=True,
    )
    assert from_jsonable(Fill, to_jsonable(whole)) == whole


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cycle_id", 20260302),
        ("cycle_id", None),
        ("replaces", None),
        ("symbol", "A\0"),
        ("symbol", ""),
        ("client_order_id", "x" * 129),
        ("reason", "\ud800"),
        ("side", "buy"),
        ("order_type", "market"),
        ("time_in_force", "day"),
        ("is_extended_hours", 1),
        ("legs", []),
        ("created_at", "2024-01-02"),
    ],
)
def test_field_of_another_type_or_that_cannot_be_stored_is_refused(name, value):
    with pytest.raises(InputError, match=name):
        replace(intent(), **{name: value})
