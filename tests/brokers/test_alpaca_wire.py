from datetime import UTC, datetime

import pytest

from alphalens.brokers._alpaca.wire import (
    account_from,
    fill_from,
    market_values,
    order_from,
    positions_from,
    session_from,
    side_from,
)
from alphalens.net.failures import Unreadable
from alphalens.trading.orders import OrderClass, OrderStatus, OrderType, Side, TimeInForce

from .alpaca_venue import CALL, PUT, D


def order(**changes: object) -> dict:
    return {
        "id": "61e6",
        "client_order_id": "mine",
        "symbol": "SPY",
        "asset_class": "us_equity",
        "qty": "10",
        "filled_qty": "0",
        "filled_avg_price": None,
        "order_class": "",
        "type": "limit",
        "side": "buy",
        "time_in_force": "gtc",
        "limit_price": "99.50",
        "stop_price": None,
        "status": "new",
        "legs": None,
        "submitted_at": "2026-03-02T10:00:00.123456789-05:00",
        "a_field_of_next_year": {"x": 1},
        **changes,
    }


def test_order_is_read_with_what_was_ordered() -> None:
    read = order_from(order())
    assert (read.venue_order_id, read.client_order_id, read.symbol) == ("61e6", "mine", "SPY")
    assert (read.side, read.order_type, read.time_in_force) == (
        Side.BUY,
        OrderType.LIMIT,
        TimeInForce.GTC,
    )
    assert (read.quantity, read.limit_price, read.stop_price) == (D(10), D("99.50"), None)
    assert read.order_class is OrderClass.SIMPLE
    assert read.submitted_at == datetime(2026, 3, 2, 15, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("word", "filled", "status"),
    [
        ("pending_new", "0", OrderStatus.ACCEPTED),
        ("held", "0", OrderStatus.ACCEPTED),
        ("done_for_day", "0", OrderStatus.ACCEPTED),
        ("done_for_day", "4", OrderStatus.PARTIAL),
        ("new", "4", OrderStatus.PARTIAL),
        ("partially_filled", "4", OrderStatus.PARTIAL),
        ("pending_cancel", "4", OrderStatus.PENDING_CANCEL),
        ("pending_replace", "0", OrderStatus.PENDING_REPLACE),
        ("filled", "10", OrderStatus.FILLED),
        ("canceled", "4", OrderStatus.CANCELED),
        ("expired", "0", OrderStatus.EXPIRED),
        ("rejected", "0", OrderStatus.REJECTED),
        ("replaced", "0", OrderStatus.REPLACED),
        ("teleported", "4", OrderStatus.UNKNOWN),
        (None, "0", OrderStatus.UNKNOWN),
    ],
)
def test_status_is_ours_and_the_word_is_kept(word, filled, status) -> None:
    read = order_from(order(status=word, filled_qty=filled))
    assert (read.status, read.venue_status) == (status, word or "")


def test_words_that_are_not_known_are_left_open() -> None:
    read = order_from(order(side="borrow", type="iceberg", time_in_force="gtd", order_class="x"))
    assert (read.side, read.order_type, read.time_in_force, read.order_class) == (None,) * 4


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": ""},
        {"symbol": None},
        {"filled_qty": None},
        {"filled_qty": "NaN"},
        {"filled_qty": True},
        {"filled_qty": "1e999"},
        {"legs": "none"},
        {"legs": ["x"]},
    ],
)
def test_what_must_be_there_is_never_guessed(changes) -> None:
    with pytest.raises(Unreadable):
        order_from(order(**changes))


def test_exits_are_children_with_their_parent() -> None:
    read = order_from(order(legs=[order(id="t", status="held"), order(id="s", status="held")]))
    assert [child.venue_order_id for child in read.children] == ["t", "s"]
    assert {child.parent for child in read.children} == {"61e6"}


def test_multileg_order_is_named_after_what_it_is_written_on() -> None:
    legs = [
        order(id="1", symbol=CALL, asset_class="us_option", type="", order_class="mleg"),
        order(id="2", symbol=PUT, asset_class="us_option", type="", order_class="mleg"),
    ]
    read = order_from(order(symbol="", asset_class="", side="", order_class="mleg", legs=legs))
    assert (read.symbol, read.side, read.order_class) == ("AAPL", None, OrderClass.MULTILEG)
    assert [child.symbol for child in read.children] == [CALL, PUT]


def row(**changes: object) -> dict:
    return {
        "id": "20260302100000000::e-1",
        "activity_type": "FILL",
        "transaction_time": "2026-03-02T15:00:00Z",
        "type": "partial_fill",
        "price": "100.10",
        "qty": "4",
        "side": "buy",
        "symbol": "SPY",
        "cum_qty": "4.0",
        "leaves_qty": "6",
        "order_id": "61e6",
        **changes,
    }


def test_execution_has_the_id_that_the_stream_makes_too() -> None:
    fill = fill_from(row(), order_from(order()))
    assert fill.fill_id == "61e6/4"
    assert (fill.client_order_id, fill.venue_order_id, fill.execution_id) == ("mine", "61e6", "e-1")
    assert (fill.quantity, fill.price, fill.cumulative) == (D(4), D("100.10"), D(4))
    assert (fill.multiplier, fill.currency) == (D(1), "USD")


def test_option_counts_a_hundredfold_and_a_coin_has_the_currency_of_its_quote() -> None:
    option = order_from(order(symbol=CALL, asset_class="us_option"))
    assert fill_from(row(), option).multiplier == D(100)
    coin = order_from(order(symbol="ETH/BTC", asset_class="crypto"))
    assert fill_from(row(), coin).currency == "BTC"


@pytest.mark.parametrize("name", ["price", "qty", "cum_qty", "transaction_time", "id"])
def test_execution_without_what_it_needs_is_refused(name) -> None:
    with pytest.raises(Unreadable):
        fill_from(row(**{name: None}), order_from(order()))


def test_execution_of_nothing_is_refused() -> None:
    with pytest.raises(Unreadable, match="no trade"):
        fill_from(row(qty="0"), order_from(order()))


@pytest.mark.parametrize(
    ("word", "side"),
    [
        ("buy", Side.BUY),
        ("sell_short", Side.SELL),
        ("buy_to_close", Side.BUY),
        ("lend", None),
        (None, None),
    ],
)
def test_side_in_all_its_spellings(word, side) -> None:
    assert side_from(word) is side


def position(**changes: object) -> dict:
    return {
        "symbol": "SPY",
        "asset_class": "us_equity",
        "qty": "10",
        "side": "long",
        "avg_entry_price": "100.02",
        **changes,
    }


def test_positions_are_signed_canonical_and_without_flat_ones() -> None:
    held = positions_from(
        [
            position(),
            position(symbol="BTCUSD", asset_class="crypto", qty="0.5"),
            position(symbol="BRK.B", qty="-5", side="short"),
            position(symbol="QQQ", qty="0"),
        ]
    )
    assert held == {
        "SPY": (D(10), D("100.02")),
        "BTC/USD": (D("0.5"), D("100.02")),
        "BRK.B": (D(-5), D("100.02")),
    }


@pytest.mark.parametrize(
    "rows",
    [
        [position(qty=None)],
        [position(symbol=None)],
        [position(side="short")],
        [position(), position()],
    ],
)
def test_position_that_cannot_be_read_is_refused(rows) -> None:
    with pytest.raises(Unreadable):
        positions_from(rows)


def account(**changes: object) -> dict:
    return {
        "account_number": "PA1",
        "status": "ACTIVE",
        "currency": "USD",
        "cash": "1000.10",
        "buying_power": "2000.20",
        "long_market_value": "10",
        "short_market_value": "-5",
        "trading_blocked": False,
        **changes,
    }


def test_account_is_read() -> None:
    read = account_from(account(), is_live=False, entry_prices={"SPY": D(1)})
    assert (read.account_id, read.cash, read.buying_power) == ("PA1", D("1000.10"), D("2000.20"))
    assert (read.is_blocked, read.is_live, dict(read.entry_prices)) == (False, False, {"SPY": D(1)})
    assert market_values(account()) == D(15)


@pytest.mark.parametrize(
    "changes",
    [
        {"trading_blocked": True},
        {"account_blocked": True},
        {"trade_suspended_by_user": True},
        {"status": "ACCOUNT_CLOSED"},
    ],
)
def test_account_that_may_not_trade_is_blocked(changes) -> None:
    assert account_from(account(**changes), is_live=True, entry_prices={}).is_blocked


def test_hours_are_instants_whatever_their_offset() -> None:
    read = session_from(
        {
            "timestamp": "2026-03-02T10:00:00.123456789-05:00",
            "is_open": True,
            "next_open": "2026-03-03T09:30:00-05:00",
            "next_close": "2026-03-02T16:00:00-05:00",
        }
    )
    assert read.next_close == datetime(2026, 3, 2, 21, tzinfo=UTC)
    assert read.at.utcoffset().total_seconds() == 0
    with pytest.raises(Unreadable):
        session_from({"is_open": "yes"})
