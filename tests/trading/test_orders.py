from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from alphalens.errors import InputError
from alphalens.trading import Fill, OrderIntent, OrderStatus, Side
from alphalens.trading.orders import TRANSITIONS, OrderType, client_order_id

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


def test_nothing_goes_back_to_intended_once_it_was_sent():
    before = {status for status, after in TRANSITIONS.items() if S.INTENDED in after}
    assert before == {None, S.AWAITING}
