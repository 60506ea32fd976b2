"""The vendor's own TradingClient against the loopback venue."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import (
    AssetClass,
    OrderClass,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionIntent,
    QueryOrderStatus,
    TimeInForce,
)
from alpaca.trading.models import Order
from alpaca.trading.requests import (
    GetAssetsRequest,
    GetCalendarRequest,
    GetOrderByIdRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    OptionLegRequest,
    OrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
)

from alphalens.testing.alpaca_server import Control

BUY = {"symbol": "AAPL", "side": OrderSide.BUY, "time_in_force": TimeInForce.DAY}
CALL = "AAPL260417C00100000"
HIGHER_CALL = "AAPL260417C00110000"


def submit(client: TradingClient, request: OrderRequest) -> Order:
    made = client.submit_order(request)
    assert isinstance(made, Order)
    return made


def get(client: TradingClient, order: Order) -> Order:
    found = client.get_order_by_id(order.id)
    assert isinstance(found, Order)
    return found


def limit(client: TradingClient, price: float = 90, **changes: Any) -> Order:
    return submit(client, LimitOrderRequest(**(BUY | {"qty": 10, "limit_price": price} | changes)))


def test_market_order_is_answered_pending_and_filled_at_the_ask(client: TradingClient) -> None:
    made = submit(client, MarketOrderRequest(**BUY, qty=10, client_order_id="mine"))

    assert (made.status, made.filled_qty) == (OrderStatus.PENDING_NEW, "0")
    found = client.get_order_by_client_id("mine")
    assert (found.id, found.status) == (made.id, OrderStatus.FILLED)
    assert (found.filled_qty, found.filled_avg_price) == ("10", "100.02")
    assert client.get_account().cash == "98999.8"


@pytest.mark.parametrize(
    ("request_type", "prices", "kind"),
    [
        (LimitOrderRequest, {"limit_price": 99.5}, OrderType.LIMIT),
        (StopOrderRequest, {"stop_price": 105}, OrderType.STOP),
        (StopLimitOrderRequest, {"stop_price": 105, "limit_price": 106}, OrderType.STOP_LIMIT),
        (TrailingStopOrderRequest, {"trail_percent": 5}, OrderType.TRAILING_STOP),
        (TrailingStopOrderRequest, {"trail_price": 3.5}, OrderType.TRAILING_STOP),
    ],
)
@pytest.mark.parametrize("force", [TimeInForce.DAY, TimeInForce.GTC])
def test_each_resting_type_is_accepted_and_stays_new(
    client: TradingClient,
    request_type: type[OrderRequest],
    prices: dict[str, float],
    kind: OrderType,
    force: TimeInForce,
) -> None:
    made = submit(client, request_type(**(BUY | {"qty": 10, "time_in_force": force} | prices)))

    found = get(client, made)
    assert (found.status, found.type, found.time_in_force) == (OrderStatus.NEW, kind, force)
    for name, value in prices.items():
        assert float(getattr(found, name)) == value


@pytest.mark.parametrize("force", [TimeInForce.IOC, TimeInForce.FOK])
def test_an_order_that_finds_no_price_is_cancelled_at_once(
    client: TradingClient, force: TimeInForce
) -> None:
    assert get(client, limit(client, time_in_force=force)).status == OrderStatus.CANCELED


def test_ioc_takes_what_is_there_and_fok_takes_nothing(
    client: TradingClient, control: Control
) -> None:
    for force, filled in ((TimeInForce.IOC, "4"), (TimeInForce.FOK, "0")):
        control.set_quote("AAPL", 100, 101, ask_size=4)
        made = get(client, limit(client, price=101, time_in_force=force))
        assert (made.status, made.filled_qty) == (OrderStatus.CANCELED, filled)


@pytest.mark.parametrize("force", [TimeInForce.OPG, TimeInForce.CLS])
def test_auction_orders_wait_for_their_auction(
    client: TradingClient, control: Control, force: TimeInForce
) -> None:
    control.set_time("2026-03-03T13:00:00Z")
    made = submit(client, MarketOrderRequest(**(BUY | {"qty": 10, "time_in_force": force})))
    assert get(client, made).status == OrderStatus.ACCEPTED
    auction = {TimeInForce.OPG: "14:30", TimeInForce.CLS: "21:00"}[force]

    control.set_time(f"2026-03-03T{auction}:00Z")

    assert get(client, made).status == OrderStatus.FILLED


def test_notional_order_buys_fractions(client: TradingClient) -> None:
    made = get(client, submit(client, MarketOrderRequest(**BUY, notional=250)))

    assert (made.qty, made.notional, made.status) == (None, "250", OrderStatus.FILLED)
    assert made.filled_qty == "2.499500099"


def test_bracket_releases_its_exits_and_one_ends_the_other(
    client: TradingClient, control: Control
) -> None:
    made = submit(
        client,
        MarketOrderRequest(
            **BUY,
            qty=10,
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=110),
            stop_loss=StopLossRequest(stop_price=95, limit_price=94),
        ),
    )
    assert made.legs is not None
    assert [leg.status for leg in made.legs] == [OrderStatus.HELD, OrderStatus.HELD]
    assert [leg.status for leg in get(client, made).legs or []] == [OrderStatus.NEW] * 2

    control.set_quote("AAPL", 111, 111.02)

    profit, loss = get(client, made).legs or []
    assert (profit.status, loss.status) == (OrderStatus.FILLED, OrderStatus.CANCELED)
    assert client.get_all_positions() == []


def test_partial_take_profit_shrinks_the_stop(client: TradingClient, control: Control) -> None:
    made = submit(
        client,
        MarketOrderRequest(
            **BUY,
            qty=10,
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=110),
            stop_loss=StopLossRequest(stop_price=95),
        ),
    )

    control.set_quote("AAPL", 111, 112, bid_size=3)

    profit, loss = get(client, made).legs or []
    assert (profit.filled_qty, loss.qty) == ("3", "7")


def test_oco_sells_once(client: TradingClient, control: Control) -> None:
    submit(client, MarketOrderRequest(**BUY, qty=10))
    made = submit(
        client,
        LimitOrderRequest(
            symbol="AAPL",
            side=OrderSide.SELL,
            qty=10,
            time_in_force=TimeInForce.GTC,
            order_class=OrderClass.OCO,
            take_profit=TakeProfitRequest(limit_price=110),
            stop_loss=StopLossRequest(stop_price=95),
        ),
    )
    assert client.get_open_position("AAPL").qty_available == "0"

    control.set_quote("AAPL", 94, 94.02)

    found = get(client, made)
    assert found.status == OrderStatus.CANCELED
    assert [leg.status for leg in found.legs or []] == [OrderStatus.FILLED]


def test_oto_attaches_one_exit(client: TradingClient) -> None:
    made = submit(
        client,
        MarketOrderRequest(
            **BUY, qty=5, order_class=OrderClass.OTO, stop_loss=StopLossRequest(stop_price=95)
        ),
    )

    (stop,) = get(client, made).legs or []
    assert (stop.type, stop.side, stop.status) == (OrderType.STOP, OrderSide.SELL, OrderStatus.NEW)


def spread(**changes: Any) -> OrderRequest:
    legs = [
        OptionLegRequest(
            symbol=CALL,
            ratio_qty=1,
            side=OrderSide.BUY,
            position_intent=PositionIntent.BUY_TO_OPEN,
        ),
        OptionLegRequest(symbol=HIGHER_CALL, ratio_qty=2, side=OrderSide.SELL),
    ]
    fields = {
        "qty": 3,
        "order_class": OrderClass.MLEG,
        "time_in_force": TimeInForce.DAY,
        "limit_price": 1.10,
        "legs": legs,
    }
    return LimitOrderRequest(**(fields | changes))


def test_multi_leg_order_fills_whole_or_not_at_all(client: TradingClient, control: Control) -> None:
    control.set_quote(CALL, 5, "5.10")
    made = submit(client, spread())
    assert (made.symbol, made.side, made.asset_class) == (None, None, None)
    control.set_quote(HIGHER_CALL, 2, "2.10", bid_size=5)
    assert get(client, made).status == OrderStatus.NEW

    control.set_quote(HIGHER_CALL, 2, "2.10", bid_size=6)

    found = get(client, made)
    assert (found.status, found.filled_avg_price) == (OrderStatus.FILLED, "1.1")
    assert [(leg.symbol, leg.filled_qty) for leg in found.legs or []] == [
        (CALL, "3"),
        (HIGHER_CALL, "6"),
    ]
    assert client.get_account().cash == str(100_000 - 330)
    assert {p.symbol: p.qty for p in client.get_all_positions()} == {CALL: "3", HIGHER_CALL: "-6"}


def test_orders_are_listed_by_status_time_symbol_side_and_limit(
    client: TradingClient, control: Control
) -> None:
    control.set_quote("MSFT", 50, 50.02)
    first = limit(client)
    second = limit(client, symbol="MSFT", price=40)
    third = limit(client)
    client.cancel_order_by_id(third.id)

    def ids(**filters: Any) -> list[UUID]:
        return [order.id for order in client.get_orders(GetOrdersRequest(**filters))]

    assert ids() == [second.id, first.id]
    assert ids(status=QueryOrderStatus.CLOSED) == [third.id]
    assert ids(status=QueryOrderStatus.ALL, direction="asc") == [first.id, second.id, third.id]
    assert ids(status=QueryOrderStatus.ALL, limit=1) == [third.id]
    assert ids(symbols=["MSFT"]) == [second.id]
    assert ids(side=OrderSide.SELL) == []
    assert ids(after=first.submitted_at, direction="asc") == [second.id]
    assert ids(until=second.submitted_at) == [first.id]


def test_nested_lists_carry_the_legs_and_flat_ones_list_them(client: TradingClient) -> None:
    made = limit(
        client,
        order_class=OrderClass.OTO,
        stop_loss=StopLossRequest(stop_price=80),
    )

    nested = client.get_orders(GetOrdersRequest(nested=True))
    flat = client.get_orders(GetOrdersRequest(nested=False))

    assert [len(order.legs or []) for order in nested] == [1]
    assert len(flat) == 2
    assert client.get_order_by_id(made.id, GetOrderByIdRequest(nested=True)).legs


def test_replace_makes_a_new_order_linked_to_the_old(client: TradingClient) -> None:
    old = limit(client)

    new = client.replace_order_by_id(
        old.id, ReplaceOrderRequest(qty=4, limit_price=91, client_order_id="second")
    )

    assert (new.replaces, new.qty, new.limit_price) == (old.id, "4", "91")
    before = get(client, old)
    assert (before.status, before.replaced_by) == (OrderStatus.REPLACED, new.id)
    assert client.get_order_by_client_id("second").status == OrderStatus.NEW


def test_replace_of_a_partly_filled_order_asks_for_the_rest(
    client: TradingClient, control: Control
) -> None:
    control.set_quote("AAPL", 100, 101, ask_size=4)
    old = limit(client, price=101)

    new = client.replace_order_by_id(old.id, ReplaceOrderRequest(limit_price=99))

    assert (new.qty, new.filled_qty) == ("6", "0")


def test_replace_of_a_trailing_stop_takes_a_new_trail(client: TradingClient) -> None:
    old = submit(client, TrailingStopOrderRequest(**BUY, qty=10, trail_percent=5))

    new = client.replace_order_by_id(old.id, ReplaceOrderRequest(trail=7))

    assert (new.trail_percent, new.trail_price) == ("7", None)


def test_replace_of_an_exit_keeps_it_in_its_bracket(
    client: TradingClient, control: Control
) -> None:
    made = submit(
        client,
        MarketOrderRequest(
            **BUY,
            qty=10,
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=110),
            stop_loss=StopLossRequest(stop_price=95),
        ),
    )
    profit, _ = made.legs or []

    client.replace_order_by_id(profit.id, ReplaceOrderRequest(limit_price=105))
    control.set_quote("AAPL", 106, 106.02)

    legs = {leg.limit_price: leg.status for leg in get(client, made).legs or []}
    assert legs == {"105": OrderStatus.FILLED, None: OrderStatus.CANCELED}
    assert client.get_all_positions() == []


def test_replace_of_a_bracket_keeps_its_exits(client: TradingClient, control: Control) -> None:
    old = limit(
        client,
        order_class=OrderClass.BRACKET,
        take_profit=TakeProfitRequest(limit_price=110),
        stop_loss=StopLossRequest(stop_price=80),
    )

    new = client.replace_order_by_id(old.id, ReplaceOrderRequest(limit_price=101))

    found = get(client, new)
    assert found.status == OrderStatus.FILLED
    assert [leg.status for leg in found.legs or []] == [OrderStatus.NEW] * 2


def test_multi_leg_order_ends_with_all_its_legs(client: TradingClient, control: Control) -> None:
    for ending in ("cancel", "fill", "expire"):
        made = submit(client, spread())
        if ending == "cancel":
            client.cancel_order_by_id(made.id)
        if ending == "fill":
            control.set_quote(CALL, 5, 6)
            control.set_quote(HIGHER_CALL, 1, 2)
            control.fill(str(made.id))
        if ending == "expire":
            control.set_time("2026-03-02T21:00:00Z")
        found = get(client, made)
        expected = {"cancel": "canceled", "fill": "filled", "expire": "expired"}[ending]
        assert found.status == expected
        assert {leg.status for leg in found.legs or []} <= {expected, OrderStatus.CANCELED}


def test_cancel_answers_204_and_a_second_cancel_422(client: TradingClient) -> None:
    made = limit(client)

    assert client.cancel_order_by_id(made.id) is None
    with pytest.raises(APIError) as refused:
        client.cancel_order_by_id(made.id)

    assert get(client, made).status == OrderStatus.CANCELED
    assert (refused.value.status_code, refused.value.code) == (422, 42210000)


def test_cancel_of_a_bracket_takes_its_exits_along(client: TradingClient) -> None:
    made = limit(
        client,
        order_class=OrderClass.BRACKET,
        take_profit=TakeProfitRequest(limit_price=110),
        stop_loss=StopLossRequest(stop_price=80),
    )

    client.cancel_order_by_id(made.id)

    assert [leg.status for leg in get(client, made).legs or []] == [OrderStatus.CANCELED] * 2


def test_cancel_all_tells_each_order(client: TradingClient) -> None:
    made = [limit(client), limit(client)]

    told = client.cancel_orders()

    assert [(row.id, row.status) for row in told] == [(order.id, 200) for order in made]
    assert client.get_orders() == []


def test_cancel_all_tells_what_it_could_not_cancel(client: TradingClient, control: Control) -> None:
    made = limit(client)
    control.set_status(str(made.id), "pending_cancel")

    (told,) = client.cancel_orders()

    assert told.status == 422
    assert told.body is not None


def test_unknown_orders_are_404(client: TradingClient) -> None:
    for ask in (
        lambda: client.get_order_by_client_id("nobody's / id"),
        lambda: client.get_order_by_id(UUID(int=1)),
        lambda: client.cancel_order_by_id(UUID(int=1)),
    ):
        with pytest.raises(APIError) as refused:
            ask()
        assert (refused.value.status_code, refused.value.code) == (404, 40410000)


def test_clock_and_calendar(client: TradingClient, control: Control) -> None:
    clock = client.get_clock()
    days = client.get_calendar(GetCalendarRequest(start=date(2026, 11, 25), end=date(2026, 11, 30)))

    assert clock.is_open
    assert clock.next_close == datetime(2026, 3, 2, 21, tzinfo=UTC)
    assert clock.next_open == datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
    assert [(day.date.day, day.close.hour) for day in days] == [(25, 16), (27, 13), (30, 16)]


def test_assets_by_symbol_pair_and_class(client: TradingClient) -> None:
    stock = client.get_asset("BRK.B")
    assert client.get_asset(str(stock.id)).symbol == "BRK.B"
    assert client.get_asset("BTC/USD").symbol == "BTC/USD"
    coins = client.get_all_assets(GetAssetsRequest(asset_class=AssetClass.CRYPTO))
    assert {coin.symbol for coin in coins} == {"BTC/USD", "ETH/USD", "SOL/USD"}
    with pytest.raises(APIError) as refused:
        client.get_asset("NOPE")
    assert refused.value.status_code == 404


def test_the_same_order_id_is_refused_even_after_its_cancel(client: TradingClient) -> None:
    made = limit(client, client_order_id="once")
    client.cancel_order_by_id(made.id)

    with pytest.raises(APIError) as refused:
        limit(client, client_order_id="once")

    assert (refused.value.status_code, refused.value.code) == (422, 40010001)


def test_stamps_order_what_happens_in_a_clock_that_stands(client: TradingClient) -> None:
    first, second = limit(client), limit(client)

    assert timedelta(0) < second.submitted_at - first.submitted_at < timedelta(seconds=1)
