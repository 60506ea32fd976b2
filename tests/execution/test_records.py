"""Records of an order folded together are the same records folded one by one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from alphalens.execution.records import Record, fold_order, fold_records
from alphalens.trading.codec import to_jsonable
from alphalens.trading.events import EventKind
from alphalens.trading.orders import Fill, Leg, OrderClass, OrderIntent, OrderStatus, Side

T0 = datetime(2024, 1, 2, 15, tzinfo=UTC)
PLAIN = OrderIntent(
    client_order_id="o1",
    account="P1",
    cycle_id="c1",
    symbol="A",
    side=Side.BUY,
    quantity=Decimal(4),
    reference_price=Decimal(10),
    created_at=T0,
)
LEGS = (Leg(symbol="B", side=Side.BUY, ratio=1), Leg(symbol="C", side=Side.SELL, ratio=2))
SPREAD = replace(PLAIN, symbol="B/C", order_class=OrderClass.MULTILEG, legs=LEGS)


def record(number, kind, payload) -> Record:
    return Record(
        seq=number,
        at=T0 + timedelta(seconds=number),
        run_id="r1",
        cycle_id="c1",
        kind=kind,
        payload=to_jsonable({"client_order_id": "o1", **payload}),
        prev_hash="",
        hash=str(number),
    )


def intended(intent) -> Record:
    payload = {"intent": intent, "attempt": 1, "approved_by": ""}
    return record(0, EventKind.ORDER_INTENDED, payload)


def answered(number, status) -> Record:
    payload = {"status": status, "venue_order_id": "v1", "reason": "", "filled_quantity": 0}
    return record(number, EventKind.ORDER_ANSWERED, payload)


def filled(number, symbol, side, units) -> Record:
    fill = Fill(
        fill_id=f"f{number}",
        client_order_id="o1",
        symbol=symbol,
        side=side,
        quantity=Decimal(units),
        price=Decimal(10),
        at=T0,
    )
    return record(number, EventKind.FILL, to_jsonable(fill))


@st.composite
def stories(draw):
    is_spread = draw(st.booleans())
    traded = [("B", Side.BUY), ("C", Side.SELL)] if is_spread else [("A", Side.BUY)]
    told = [intended(SPREAD if is_spread else PLAIN)]
    for number in range(1, draw(st.integers(1, 9))):
        if draw(st.integers(0, 3)):
            told.append(filled(number, *draw(st.sampled_from(traded)), draw(st.integers(1, 3))))
        else:
            told.append(answered(number, draw(st.sampled_from(OrderStatus))))
    return told


@given(stories(), st.booleans())
def test_several_records_at_once_are_the_same_as_one_by_one(told, is_new):
    begin = None if is_new else fold_order(None, told[0])
    told = told if is_new else told[1:]
    assert fold_records(begin, told) == reduce(fold_order, told, begin)


def test_executions_of_an_unknown_order_give_no_order():
    assert fold_records(None, [filled(1, "A", Side.BUY, 1), filled(2, "A", Side.BUY, 1)]) is None
