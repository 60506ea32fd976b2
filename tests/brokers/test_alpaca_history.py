import pytest

from alphalens.brokers.alpaca_broker import AlpacaOptions
from alphalens.errors import BrokerError
from alphalens.trading.activities import CashFlow, CashKind, ChangeKind, PositionChange, Split
from alphalens.trading.ledger import Ledger
from alphalens.trading.orders import Leg, OrderClass, OrderType, Side, TimeInForce

from .alpaca_venue import CALL, PUT, D, adapter, intent


def trade(broker, control, name: str, **changes: object) -> None:
    broker.submit(intent(name, **changes))
    control.advance(1)


def test_executions_in_parts_have_ids_of_their_cumulative_figures(broker, control) -> None:
    control.set_quote("SPY", "100", "100.02", ask_size=4)
    order = broker.submit(intent("a"))
    control.set_quote("SPY", "100", "100.05")
    fills = broker.fills()
    assert [fill.fill_id for fill in fills] == [
        f"{order.venue_order_id}/4",
        f"{order.venue_order_id}/10",
    ]
    assert [fill.price for fill in fills] == [D("100.02"), D("100.05")]
    assert {fill.client_order_id for fill in fills} == {intent("a").client_order_id}


@pytest.mark.parametrize("page_size", [1, 2, 100])
def test_cursor_neither_skips_nor_repeats_over_pages(server, control, page_size) -> None:
    broker = adapter(server, options=AlpacaOptions(page_size=page_size))
    for name in "abcd":
        trade(broker, control, name)
    fills = list(broker.fills())
    assert len(fills) == 4
    for number, fill in enumerate(fills):
        assert list(broker.fills(after=fill.fill_id)) == fills[number + 1 :]
    broker.close()


@pytest.mark.parametrize("pause_s", [1, 600])
def test_cursor_works_after_a_restart(server, broker, control, pause_s) -> None:
    for name in "abcd":
        trade(broker, control, name)
        control.advance(pause_s)
    fills = list(broker.fills())
    for number, fill in enumerate(fills):
        second = adapter(server)
        assert list(second.fills(after=fill.fill_id)) == fills[number + 1 :]
        second.close()
    assert len(control.requests("GET")) < 30


def test_restart_asks_from_the_order_of_the_cursor_on(server, broker, control) -> None:
    for name in "abc":
        trade(broker, control, name)
        control.advance(600)
    last = broker.fills()[-1]
    second = adapter(server)
    assert second.fills(after=last.fill_id) == ()
    second.close()
    asked = [r for r in control.requests("GET") if r["path"].endswith("FILL")][-1]
    assert "after=" in asked["query"]


def test_cursor_that_is_not_listed_gives_all_since_its_order(server, broker, control) -> None:
    trade(broker, control, "a")
    control.advance(600)
    trade(broker, control, "b")
    trade(broker, control, "c")
    fills = broker.fills()
    unlisted = f"{fills[1].venue_order_id}/3"
    second = adapter(server)
    assert second.fills(after=unlisted) == fills[1:]
    second.close()


@pytest.mark.parametrize("cursor", ["nonsense", "no-such-order/3"])
def test_cursor_of_another_venue_is_refused(broker, cursor) -> None:
    with pytest.raises(BrokerError):
        broker.fills(after=cursor)


def test_order_of_an_execution_is_asked_for_once(server, broker, control) -> None:
    control.place_external(
        {"symbol": "SPY", "qty": "3", "side": "buy", "type": "market", "time_in_force": "day"}
    )
    first, again = broker.fills(), broker.fills()
    assert first == again
    assert first[0].client_order_id
    asked = [r for r in control.requests("GET") if r["path"].startswith("/v2/orders/")]
    assert len(asked) == 1


@pytest.mark.parametrize("kind", ["malformed", "bad_gateway"])
@pytest.mark.parametrize("call", ["fills", "activities"])
def test_failed_list_is_no_empty_one(broker, control, kind, call) -> None:
    trade(broker, control, "a")
    control.arm(kind, path="/v2/account/activities*", count=-1)
    with pytest.raises(BrokerError):
        getattr(broker, call)()


def test_legs_are_executed_each_with_its_symbol(broker, control) -> None:
    order = broker.submit(
        intent(
            "a",
            symbol="AAPL",
            quantity=D(2),
            order_class=OrderClass.MULTILEG,
            legs=(Leg(symbol=CALL, side=Side.BUY), Leg(symbol=PUT, side=Side.SELL)),
            order_type=OrderType.LIMIT,
            limit_price=D("1.20"),
        )
    )
    fills = {fill.symbol: fill for fill in broker.fills()}
    assert (fills[CALL].signed_quantity, fills[PUT].signed_quantity) == (D(2), D(-2))
    assert {fill.multiplier for fill in fills.values()} == {D(100)}
    legs = {child.venue_order_id for child in order.children}
    assert {fill.venue_order_id for fill in fills.values()} == legs


def test_coin_is_executed_under_its_canonical_symbol(broker, control) -> None:
    coin = {"symbol": "BTC/USD", "quantity": D("0.123456789"), "time_in_force": TimeInForce.GTC}
    broker.submit(intent("a", **coin))
    (fill,) = broker.fills()
    assert (fill.symbol, fill.quantity, fill.currency) == ("BTC/USD", D("0.123456789"), "USD")
    assert broker.positions() == {"BTC/USD": D("0.123456789")}


def test_activities_move_the_ledger_to_the_account_of_the_venue(broker, control) -> None:
    trade(broker, control, "a")
    control.set_position(CALL, "-1", "5.00")
    control.act("dividend", symbol="SPY", per_share="0.55")
    control.act("cash", activity="FEE", amount="-1.23")
    control.act("split", symbol="SPY", ratio="4")
    control.act("assign", symbol=CALL, qty="1")
    read = broker.activities()
    assert [type(one) for one in read] == [
        CashFlow,
        CashFlow,
        CashFlow,
        Split,
        PositionChange,
        PositionChange,
    ]
    assert [one.amount for one in read[:3]] == [D("5.5"), D("-1.23"), D(0)]
    assert [one.kind for one in read[:2]] == [CashKind.DIVIDEND, CashKind.FEE]
    assert (read[3].new / read[3].old, read[3].symbol) == (D(4), "SPY")
    assert [(one.symbol, one.quantity, one.price) for one in read[4:]] == [
        (CALL, D(1), D(0)),
        ("AAPL", D(-100), D(100)),
    ]
    assert {one.kind for one in read[4:]} == {ChangeKind.ASSIGNMENT}


def test_ledger_of_fills_and_activities_agrees_with_the_venue(broker, control) -> None:
    ledger = Ledger(broker.account().cash)
    trade(broker, control, "a")
    trade(broker, control, "short", symbol="AAPL", side=Side.SELL)
    ledger.apply_all(broker.fills())
    control.act("split", symbol="SPY", ratio="4")
    control.act("dividend", symbol="AAPL", per_share="0.25")
    for activity in broker.activities():
        ledger.book(activity)
    assert ledger.cash == broker.account().cash
    assert {s: p.quantity for s, p in ledger.positions.items()} == dict(broker.positions())


def test_cursor_of_activities_neither_skips_nor_repeats(server, control) -> None:
    broker = adapter(server, options=AlpacaOptions(page_size=2))
    for number in range(5):
        control.act("cash", activity="INT", amount=f"{number + 1}")
        control.advance(60)
    read = list(broker.activities())
    assert [one.amount for one in read] == [D(1), D(2), D(3), D(4), D(5)]
    for number, one in enumerate(read):
        assert list(broker.activities(after=one.activity_id)) == read[number + 1 :]
    broker.close()


def test_activity_that_is_booked_late_before_the_cursor_is_not_passed_over(broker, control) -> None:
    control.act("cash", activity="INT", amount="1")
    control.advance(86_400)
    control.act("cash", activity="INT", amount="2")
    listed = broker.activities()
    late = {
        "id": "20260302000000000::late",
        "activity_type": "DIV",
        "date": "2026-03-02",
        "net_amount": "7",
        "status": "executed",
    }
    rows = [
        {"id": one.activity_id, "activity_type": "INT", "date": day, "net_amount": str(one.amount)}
        for one, day in zip(listed, ("2026-03-02", "2026-03-03"), strict=True)
    ]
    control.arm(
        "status",
        path="/v2/account/activities",
        status=200,
        body=[rows[0], late, rows[1]],
        count=-1,
    )
    last = listed[-1].activity_id
    assert [one.amount for one in broker.activities(after=last)] == [D(7)]
    assert broker.activities(after=last) == ()


def test_list_ends_before_what_is_announced_and_not_booked(broker, control) -> None:
    row = {"id": "20260302000000000::a", "activity_type": "INT", "date": "2026-03-02"}
    rows = [
        {**row, "net_amount": "1"},
        {**row, "id": "20260302000000000::b", "net_amount": "2", "status": "queued"},
        {**row, "id": "20260302000000000::c", "net_amount": "3"},
    ]
    control.arm("status", path="/v2/account/activities", status=200, body=rows, count=-1)
    assert [one.amount for one in broker.activities()] == [D(1)]


def test_activity_that_cannot_be_read_stops_the_list_with_its_id(broker, control) -> None:
    rows = [{"id": "20260302000000000::a", "activity_type": "INT", "net_amount": "1"}]
    control.arm("status", path="/v2/account/activities", status=200, body=rows, count=-1)
    with pytest.raises(BrokerError, match="20260302000000000::a"):
        broker.activities()
