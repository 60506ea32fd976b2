import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from alphalens.brokers.alpaca_broker import AlpacaBroker
from alphalens.errors import (
    BrokerError,
    CredentialsRefused,
    IdTaken,
    OrderRejected,
    OutcomeUnknown,
)
from alphalens.trading.orders import (
    Leg,
    OrderClass,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)

from .alpaca_venue import CALL, PATIENT, PUT, D, adapter, intent

RESTING = {
    "order_type": OrderType.LIMIT,
    "limit_price": D("50.5"),
    "time_in_force": TimeInForce.GTC,
}
ANOTHER = {
    "id": "1",
    "client_order_id": "else",
    "symbol": "SPY",
    "filled_qty": "0",
    "status": "new",
}
SPREAD = (Leg(symbol=CALL, side=Side.BUY), Leg(symbol=PUT, side=Side.SELL))


@pytest.fixture
def hasty(server) -> Iterator[AlpacaBroker]:
    """Make an adapter that waits for the answer to an order for little more than a second."""
    made = adapter(server, options=replace(PATIENT, order_timeout_s=1.5))
    yield made
    made.close()


def posts(control, one) -> int:
    return len(control.requests("POST", one.client_order_id))


def test_order_goes_out_once_with_texts_for_numbers(broker, control) -> None:
    one = intent("a", quantity=D("0.3"))
    order = broker.submit(one)
    assert order.client_order_id == one.client_order_id
    assert order.status is OrderStatus.ACCEPTED
    sent = json.loads(control.requests("POST", one.client_order_id)[0]["body"])
    assert sent["qty"] == "0.3"
    assert posts(control, one) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {},
        RESTING,
        {"order_type": OrderType.STOP, "stop_price": D(110)},
        {"order_type": OrderType.STOP_LIMIT, "stop_price": D(110), "limit_price": D(111)},
        {"order_type": OrderType.TRAILING_STOP, "trail_amount": D("1.5")},
        {"order_type": OrderType.TRAILING_STOP, "trail_fraction": D("0.02")},
        {"time_in_force": TimeInForce.CLS},
        {"time_in_force": TimeInForce.IOC, "order_type": OrderType.LIMIT, "limit_price": D(90)},
        {"time_in_force": TimeInForce.FOK, "order_type": OrderType.LIMIT, "limit_price": D(90)},
        {"order_class": OrderClass.BRACKET, "take_profit": D(110), "stop_loss": D(90)},
        {"order_class": OrderClass.OTO, "stop_loss": D(90)},
        {"symbol": "BTC/USD", "quantity": D("0.5"), "time_in_force": TimeInForce.GTC},
        {"symbol": CALL, "quantity": D(1)},
        {
            "symbol": "AAPL",
            "quantity": D(1),
            "order_class": OrderClass.MULTILEG,
            "legs": SPREAD,
            "order_type": OrderType.LIMIT,
            "limit_price": D("1.5"),
        },
        {
            "order_type": OrderType.LIMIT,
            "limit_price": D(90),
            "is_extended_hours": True,
        },
    ],
)
def test_every_kind_of_order_is_taken_and_found_again_as_the_same(broker, changes) -> None:
    one = intent("a", **changes)
    first, again = broker.submit(one), broker.submit(one)
    assert again.venue_order_id == first.venue_order_id
    assert first.order_class is one.order_class
    assert first.order_type is one.order_type
    assert first.symbol == one.symbol


def test_oco_closes_what_is_held(broker) -> None:
    broker.submit(intent("open"))
    exits = {"order_class": OrderClass.OCO, "take_profit": D(110), "stop_loss": D(90)}
    one = intent("exit", side=Side.SELL, **exits)
    order = broker.submit(one)
    assert order.limit_price == D(110)
    assert broker.submit(one).venue_order_id == order.venue_order_id


def test_id_of_another_order_is_taken(broker, control) -> None:
    one = intent("a", **RESTING)
    first = broker.submit(one)
    with pytest.raises(IdTaken, match="qty") as caught:
        broker.submit(intent("a", **{**RESTING, "quantity": D(11)}))
    assert caught.value.details["existing_order_id"] == first.venue_order_id
    assert len(control.orders()) == 1


@pytest.mark.parametrize("kind", ["accept_504", "accept_502", "close", "hang"])
def test_order_that_was_taken_without_an_answer_is_unknown_and_not_sent_again(
    hasty, control, kind
) -> None:
    one = intent("a", **RESTING)
    control.arm(kind, method="POST", path="/v2/orders")
    with pytest.raises(OutcomeUnknown):
        hasty.submit(one)
    assert posts(control, one) == 1
    found = hasty.order(one.client_order_id)
    assert found is not None
    assert found.status is OrderStatus.ACCEPTED


@pytest.mark.parametrize(
    "kind", ["refuse", "hang_before", "server_error", "bad_gateway", "rate_limit"]
)
def test_order_that_never_arrived_is_unknown_and_not_sent_again(hasty, control, kind) -> None:
    one = intent("a", **RESTING)
    control.arm(kind, method="POST", path="/v2/orders")
    with pytest.raises(OutcomeUnknown):
        hasty.submit(one)
    control.set_rate_limit(None)
    assert posts(control, one) == 1
    assert not control.orders()


def test_refused_connection_is_unknown(server, broker) -> None:
    server.down()
    with pytest.raises(OutcomeUnknown):
        broker.submit(intent("a"))
    server.up()
    assert broker.order(intent("a").client_order_id) is None


def test_answer_that_cannot_be_read_is_looked_up(broker, control) -> None:
    one = intent("a", **RESTING)
    control.arm("malformed", method="POST", path="/v2/orders")
    assert broker.submit(one).client_order_id == one.client_order_id
    assert posts(control, one) == 1


def test_answer_that_cannot_be_read_nor_looked_up_is_unknown(broker, control) -> None:
    one = intent("a", **RESTING)
    control.arm("malformed", method="POST", path="/v2/orders")
    control.arm("bad_gateway", path="/v2/orders:by*", count=-1)
    with pytest.raises(OutcomeUnknown):
        broker.submit(one)
    assert posts(control, one) == 1


def test_answer_with_a_status_of_next_year_is_an_order_all_the_same(broker, control) -> None:
    control.arm("unknown_status", method="POST", path="/v2/orders")
    order = broker.submit(intent("a", **RESTING))
    assert order.status is OrderStatus.UNKNOWN
    assert order.venue_status not in ("", "new", "accepted")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": D(100_000)}, "insufficient_buying_power"),
        ({"symbol": "NOSUCH"}, "unknown_symbol"),
        ({"symbol": "BTC/USDT-PERP"}, "unknown_symbol"),
        ({**RESTING, "limit_price": D("50.505")}, "sub_penny"),
        ({"symbol": CALL, "side": Side.SELL, "quantity": D(1)}, "uncovered_option"),
        ({"symbol": "BTC/USD", "quantity": D(1)}, "time_in_force_not_allowed"),
    ],
)
def test_definite_no_is_a_rejection_with_its_code(broker, control, changes, code) -> None:
    with pytest.raises(OrderRejected) as caught:
        broker.submit(intent("a", **changes))
    assert caught.value.code == code
    assert not control.orders()


def test_wash_trade_names_the_order_in_the_way(broker) -> None:
    resting = broker.submit(intent("buy", **RESTING))
    with pytest.raises(OrderRejected) as caught:
        broker.submit(intent("sell", side=Side.SELL))
    assert caught.value.code == "wash_trade"
    assert caught.value.details["existing_order_id"] == resting.venue_order_id


@pytest.mark.parametrize("call", ["submit", "order", "cancel", "open_orders", "positions"])
def test_keys_that_are_no_longer_known(server, broker, control, call) -> None:
    one = intent("a", **RESTING)
    broker.submit(one)
    control.arm("unauthorized", count=-1)
    calls = {
        "submit": lambda: broker.submit(intent("b")),
        "order": lambda: broker.order(one.client_order_id),
        "cancel": lambda: broker.cancel(one.client_order_id),
        "open_orders": broker.open_orders,
        "positions": broker.positions,
    }
    with pytest.raises(CredentialsRefused):
        calls[call]()


def test_cancel_takes_the_order_out(broker, control) -> None:
    one = intent("a", **RESTING)
    broker.submit(one)
    broker.cancel(one.client_order_id)
    assert broker.order(one.client_order_id).status is OrderStatus.CANCELED
    assert not broker.open_orders()


def test_cancel_after_a_restart_finds_the_order_by_our_id(server, broker) -> None:
    one = intent("a", **RESTING)
    broker.submit(one)
    second = adapter(server)
    second.cancel(one.client_order_id)
    second.close()
    assert broker.order(one.client_order_id).status is OrderStatus.CANCELED


def test_cancel_of_a_final_order_is_no_error(broker) -> None:
    broker.submit(intent("a"))
    broker.cancel(intent("a").client_order_id)
    assert broker.order(intent("a").client_order_id).status is OrderStatus.FILLED


def test_cancel_of_an_unknown_order_is_an_error(broker) -> None:
    with pytest.raises(BrokerError, match="no such order") as caught:
        broker.cancel("never-sent")
    assert not isinstance(caught.value, OutcomeUnknown)


def test_cancel_that_is_refused_while_a_replacement_is_pending_says_so(broker, control) -> None:
    one = intent("a", **RESTING)
    broker.submit(one)
    control.set_status(one.client_order_id, "pending_replace")
    with pytest.raises(BrokerError, match="pending_replace") as caught:
        broker.cancel(one.client_order_id)
    assert not isinstance(caught.value, OutcomeUnknown)


@pytest.mark.parametrize("kind", ["hang", "accept_504", "close", "server_error"])
def test_cancel_without_an_answer_is_unknown(hasty, control, kind) -> None:
    one = intent("a", **RESTING)
    hasty.submit(one)
    control.arm(kind, method="DELETE")
    with pytest.raises(OutcomeUnknown):
        hasty.cancel(one.client_order_id)
    assert len(control.requests("DELETE")) == 1


def test_cancel_whose_lookup_fails_is_unknown(server, control, broker) -> None:
    control.arm("bad_gateway", path="/v2/orders:by*", count=-1)
    with pytest.raises(OutcomeUnknown, match="nothing was sent"):
        broker.cancel("placed-before-the-restart")


def test_cancel_goes_where_questions_have_to_wait(server, control) -> None:
    broker = adapter(server, options=replace(PATIENT, timeout_s=2.0))
    one = intent("a", **RESTING)
    control.set_rate_limit(7)
    broker.submit(one)
    with pytest.raises(BrokerError, match="rate limit"):
        _ = [broker.session() for _ in range(7)]
    broker.cancel(one.client_order_id)
    assert control.order(one.client_order_id)["status"] == "canceled"
    assert not [r for r in control.requests() if r["status"] == 429]
    broker.close()


def test_cancel_whose_lookup_is_refused_says_that_it_is_the_keys(broker, control) -> None:
    control.arm("unauthorized", path="/v2/orders:by*", count=-1)
    with pytest.raises(CredentialsRefused):
        broker.cancel("placed-before-the-restart")


def test_replacement_is_a_new_order_of_the_new_id(broker, control) -> None:
    first = broker.submit(intent("a", **RESTING))
    control.advance(1)
    wanted = intent("b", **{**RESTING, "quantity": D(7), "limit_price": D("51.25")})
    second = broker.replace(intent("a").client_order_id, wanted)
    assert second.client_order_id == wanted.client_order_id
    assert (second.replaces, second.quantity) == (first.venue_order_id, D(7))
    old = broker.order(intent("a").client_order_id)
    assert (old.status, old.replaced_by) == (OrderStatus.REPLACED, second.venue_order_id)
    again = broker.replace(intent("a").client_order_id, wanted)
    assert again.venue_order_id == second.venue_order_id


def test_replacement_under_a_taken_id_is_refused(broker) -> None:
    broker.submit(intent("a", **RESTING))
    broker.submit(intent("b", **RESTING))
    with pytest.raises(IdTaken, match="replaces"):
        broker.replace(intent("a").client_order_id, intent("b", **RESTING))


def test_replacement_without_an_answer_is_unknown_and_not_sent_again(broker, control) -> None:
    broker.submit(intent("a", **RESTING))
    control.arm("accept_504", method="PATCH")
    with pytest.raises(OutcomeUnknown):
        broker.replace(intent("a").client_order_id, intent("b", **RESTING))
    assert len(control.requests("PATCH")) == 1
    assert broker.order(intent("b").client_order_id) is not None


def test_replacement_of_a_final_order_is_rejected(broker) -> None:
    broker.submit(intent("a"))
    with pytest.raises(OrderRejected):
        broker.replace(intent("a").client_order_id, intent("b", **RESTING))


def test_order_that_the_venue_never_saw_is_none(broker) -> None:
    assert broker.order("never-sent") is None


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "bad_gateway"},
        {"kind": "malformed"},
        {"kind": "empty"},
        {"kind": "status", "status": 404, "body": "<html>no such page</html>"},
        {"kind": "status", "status": 200, "body": ANOTHER},
    ],
)
def test_failed_look_up_is_never_none(broker, control, fault) -> None:
    broker.submit(intent("a", **RESTING))
    control.arm(path="/v2/orders:by*", count=-1, **fault)
    with pytest.raises(BrokerError):
        broker.order(intent("a").client_order_id)


def test_question_is_asked_again_when_the_server_stumbles(broker, control) -> None:
    broker.submit(intent("a", **RESTING))
    control.arm("server_error", path="/v2/orders:by*")
    assert broker.order(intent("a").client_order_id) is not None


def test_open_orders_have_exits_with_their_parent_oldest_first(server, broker) -> None:
    exits = {"order_class": OrderClass.BRACKET, "take_profit": D(110), "stop_loss": D(90)}
    broker.submit(intent("a", **RESTING))
    parent = broker.submit(intent("b", **{**RESTING, **exits, "limit_price": D(95)}))
    second = adapter(server)  # it has seen neither before
    listed = second.open_orders()
    second.close()
    assert [order.venue_order_id for order in listed[:2]] == [
        broker.order(intent("a").client_order_id).venue_order_id,
        parent.venue_order_id,
    ]
    assert {order.parent for order in listed[2:]} == {parent.venue_order_id}
    assert len(listed) == 4


def test_exits_of_a_filled_bracket_are_open_and_still_have_their_parent(server, broker) -> None:
    exits = {"order_class": OrderClass.BRACKET, "take_profit": D(110), "stop_loss": D(90)}
    parent = broker.submit(intent("a", **exits))
    listed = broker.open_orders()
    assert len(listed) == 2
    assert {order.parent for order in listed} == {parent.venue_order_id}
    assert {order.limit_price or order.stop_price for order in listed} == {D(110), D(90)}


def test_open_orders_beyond_a_page_are_all_listed_once(broker, control) -> None:
    for number in range(502):
        control.place_external(
            {
                "symbol": "SPY",
                "qty": "1",
                "side": "buy",
                "type": "limit",
                "limit_price": "1.00",
                "time_in_force": "gtc",
                "client_order_id": f"x{number}",
            }
        )
    listed = broker.open_orders()
    assert [order.client_order_id for order in listed] == [f"x{n}" for n in range(502)]


def test_open_orders_that_cannot_be_paged_are_no_short_list(broker, control) -> None:
    order = {"symbol": "SPY", "status": "new", "filled_qty": "0"}
    at = {"submitted_at": "2026-03-02T15:00:00Z"}
    body = [{**order, **at, "id": f"v{n}", "client_order_id": f"x{n}"} for n in range(500)]
    control.arm("status", method="GET", path="/v2/orders", status=200, body=body, count=-1)
    with pytest.raises(BrokerError, match="one instant"):
        broker.open_orders()


@pytest.mark.parametrize("kind", ["malformed", "bad_gateway", "server_error"])
def test_open_orders_that_cannot_be_read_are_no_empty_list(broker, control, kind) -> None:
    control.arm(kind, method="GET", path="/v2/orders", count=-1)
    with pytest.raises(BrokerError):
        broker.open_orders()
