"""Every refusal, with the status, code and words of the venue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alphalens.testing.alpaca_server import AlpacaServer, Control
from alphalens.testing.alpaca_server.refusals import Refused

Build = Callable[..., dict[str, Any]]
CALL, PUT = "AAPL260417C00100000", "AAPL260417P00090000"
OTHER_CALL = "AAPL260417C00110000"
COIN = {"symbol": "BTC/USD", "time_in_force": "gtc"}
LIMIT = {"type": "limit", "limit_price": "90"}


def legs(*symbols: str) -> list[dict[str, str]]:
    return [{"symbol": symbol, "ratio_qty": "1", "side": "buy"} for symbol in symbols]


MLEG = {"symbol": None, "side": None, "order_class": "mleg", **LIMIT}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"symbol": None}, "symbol is required"),
        ({"symbol": "NOPE"}, 'asset "NOPE" not found'),
        ({"side": None}, "side is required"),
        ({"side": "hold"}, "invalid side hold"),
        ({"type": None}, "type is required"),
        ({"type": "iceberg"}, "invalid type iceberg"),
        ({"time_in_force": "gtd"}, "invalid time_in_force gtd"),
        ({"order_class": "ladder"}, "invalid order_class ladder"),
        ({"qty": None}, "exactly one of qty or notional is required"),
        ({"notional": "10"}, "exactly one of qty or notional is required"),
        ({"qty": "0"}, "qty must be > 0"),
        ({"qty": "-3"}, "qty must be > 0"),
        ({"qty": "ten"}, "invalid qty ten"),
        ({"qty": "NaN"}, "invalid qty NaN"),
        ({"qty": "0.0000000001"}, "invalid qty 1E-10: at most 9 decimals"),
        ({"type": "limit"}, "limit orders require limit price"),
        ({"type": "stop_limit", "stop_price": "90"}, "stop_limit orders require limit price"),
        ({"limit_price": "90"}, "market orders must not have limit_price"),
        (
            {"type": "trailing_stop", "trail_price": "1", "trail_percent": "1"},
            "trailing_stop orders require exactly one of trail_price, trail_percent",
        ),
        ({"client_order_id": "x" * 129}, "client_order_id must be no more than 128 characters"),
        (
            {"order_class": "bracket"},
            "bracket orders require take_profit.limit_price and stop_loss.stop_price",
        ),
        (
            {"order_class": "oto"},
            "oto orders require exactly one of take_profit and stop_loss",
        ),
        (
            {"order_class": "oto", "stop_loss": {"stop_price": "9"}, "time_in_force": "ioc"},
            "oto orders must be day or gtc",
        ),
        (
            LIMIT | {"limit_price": "290.123"},
            "invalid limit_price 290.123. "
            "sub-penny increment does not fulfill minimum pricing criteria",
        ),
        (
            LIMIT | {"limit_price": "0.12345"},
            "invalid limit_price 0.12345. "
            "sub-penny increment does not fulfill minimum pricing criteria",
        ),
        (
            {"type": "stop", "stop_price": "120.001"},
            "invalid stop_price 120.001. "
            "sub-penny increment does not fulfill minimum pricing criteria",
        ),
        ({"qty": "0.5", "time_in_force": "gtc"}, "fractional orders must be DAY orders"),
        ({"qty": "0.5", "side": "sell"}, "fractional orders cannot be sold short"),
        ({"notional": "5", "qty": None, "side": "sell"}, "fractional orders cannot be sold short"),
        ({"extended_hours": True}, "extended hours order must be DAY limit orders"),
        ({"time_in_force": "opg"}, "market on opening auction orders are no longer accepted"),
        (COIN | {"time_in_force": "day"}, "invalid crypto time_in_force"),
        (
            COIN | {"type": "stop", "stop_price": "9"},
            "invalid order type stop for crypto order",
        ),
        (
            COIN
            | {
                "order_class": "bracket",
                "take_profit": {"limit_price": "9"},
                "stop_loss": {"stop_price": "1"},
            },
            "crypto orders not allowed for advanced order_class: otoco",
        ),
        (
            LIMIT | {"symbol": CALL, "time_in_force": "gtc"},
            "order_time_in_force provided not supported for options trading",
        ),
        (
            LIMIT | {"symbol": CALL, "extended_hours": True},
            "extended hours are not allowed for options",
        ),
        (
            {"symbol": CALL, "type": "trailing_stop", "trail_price": "1"},
            "invalid order type trailing_stop for options trading",
        ),
        (
            {"symbol": CALL, "order_class": "oto", "stop_loss": {"stop_price": "9"}},
            "order_class must be simple or mleg for options",
        ),
        (
            {"type": "trailing_stop", "trail_price": "1", "time_in_force": "ioc"},
            "trailing_stop orders must be day or gtc",
        ),
        (
            {"type": "stop", "stop_price": "120", "time_in_force": "opg"},
            "opg orders must be market or limit",
        ),
        (
            {"order_class": "oto", "stop_loss": {"stop_price": "9"}, "extended_hours": True},
            "oto orders are not allowed in extended hours",
        ),
        (
            {"type": "trailing_stop", "trail_price": "1", "qty": "0.5"},
            "fractional orders must be simple market, limit, stop or stop_limit",
        ),
        (LIMIT | {"limit_price": "-1"}, "limit_price must be > 0"),
        (
            LIMIT | {"symbol": "AAPL260116C00100000"},
            'asset "AAPL260116C00100000" is not tradable',
        ),
        (MLEG | {"legs": legs(CALL)}, "mleg orders require 2 to 4 legs of different contracts"),
        (MLEG | {"legs": legs(CALL, "AAPL")}, 'leg "AAPL" is not an option contract'),
    ],
)
def test_bad_parameters_are_422(
    control: Control, order: Build, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(Refused) as refused:
        control.place_external(order(**changes))

    assert (refused.value.status, refused.value.body["code"]) == (422, 42210000)
    assert refused.value.body["message"].startswith(message)
    assert control.orders() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"notional": "0.99", "qty": None}, "cost basis must be >= minimal amount of order 1"),
        ({"qty": "0.5", "symbol": "WHOLE"}, "requested asset is not fractionable"),
        (COIN | {"qty": "0.00001"}, "minimum order size is 0.0001"),
        (COIN | {"side": "sell"}, "insufficient balance for BTC (requested: 10, available: 0)"),
        (LIMIT | {"qty": "2223"}, "insufficient buying power"),
        (
            LIMIT | {"symbol": CALL, "side": "sell", "qty": "1"},
            "account not eligible to trade uncovered option contracts",
        ),
        (
            LIMIT | {"symbol": PUT, "side": "sell", "qty": "12"},
            "account not eligible to trade uncovered option contracts",
        ),
    ],
)
def test_want_of_money_or_permission_is_403(
    control: Control, order: Build, changes: dict[str, Any], message: str
) -> None:
    control.add_asset("WHOLE", fractionable=False)

    with pytest.raises(Refused) as refused:
        control.place_external(order(**changes))

    assert (refused.value.status, refused.value.body["code"]) == (403, 40310000)
    assert refused.value.body["message"] == message


def test_assets_that_cannot_be_traded_or_shorted(control: Control, order: Build) -> None:
    control.add_asset("GONE", tradable=False)
    control.add_asset("HARD", shortable=False)

    with pytest.raises(Refused, match='asset "GONE" is not tradable'):
        control.place_external(order(symbol="GONE"))
    with pytest.raises(Refused, match='asset "HARD" cannot be sold short'):
        control.place_external(order(symbol="HARD", side="sell"))


@pytest.mark.parametrize(
    ("stop", "profit", "message"),
    [
        ("89.995", "95", "invalid stop_loss.stop_price 89.995"),
        ("90", "95", "stop_loss.stop_price must be <= base_price - 0.01"),
        ("85", "90", "take_profit.limit_price must be >= base_price + 0.01"),
    ],
)
def test_exits_too_near_to_the_entry(
    control: Control, order: Build, stop: str, profit: str, message: str
) -> None:
    with pytest.raises(Refused) as refused:
        control.place_external(
            order(
                **LIMIT,
                order_class="bracket",
                take_profit={"limit_price": profit},
                stop_loss={"stop_price": stop},
            )
        )

    assert refused.value.body["message"].startswith(message)
    if "base_price" in message:
        assert refused.value.body["base_price"] == "90"


def test_a_short_bracket_has_its_exits_the_other_way_round(control: Control, order: Build) -> None:
    exits = {"take_profit": {"limit_price": "95"}, "stop_loss": {"stop_price": "105"}}

    made = control.place_external(order(side="sell", order_class="bracket", **exits))

    assert [leg["side"] for leg in made["legs"]] == ["buy", "buy"]


def test_open_orders_reserve_buying_power_and_give_it_back(control: Control, order: Build) -> None:
    made = control.place_external(order(**LIMIT, qty="2000"))
    assert control.state()["buying_power"] == "20000"

    with pytest.raises(Refused) as refused:
        control.place_external(order(**LIMIT, qty="223"))
    assert refused.value.body["buying_power"] == "20000"
    assert refused.value.body["cost_basis"] == "20070"

    control.cancel_external(made["id"])
    assert control.state()["buying_power"] == "200000"


def test_an_opening_short_reserves_three_per_cent_over_the_ask(
    control: Control, order: Build
) -> None:
    control.place_external(order(side="sell", type="limit", limit_price="102", qty="100"))

    assert control.state()["buying_power"] == str(200_000 - 10302.06)


def test_a_cash_account_spends_its_cash_and_cannot_short(tmp_path: Path, order: Build) -> None:
    now = datetime(2026, 3, 2, 15, tzinfo=UTC)
    with AlpacaServer(tmp_path / "cash.sqlite", now=now, multiplier=1, cash=1000) as server:
        server.control.set_quote("AAPL", 100, 100)
        assert server.control.state()["buying_power"] == "1000"
        with pytest.raises(Refused, match="account is not allowed to short"):
            server.control.place_external(order(side="sell"))
        with pytest.raises(Refused, match="insufficient buying power"):
            server.control.place_external(order(qty="10"))
        server.control.place_external(order(qty="9"))


def test_replacing_needs_the_money_for_the_larger_order(control: Control, order: Build) -> None:
    made = control.place_external(order(**LIMIT, qty="2000"))

    with pytest.raises(Refused, match="insufficient buying power"):
        control.replace_external(made["id"], {"qty": "2223"})
    control.replace_external(made["id"], {"qty": "2222"})


def test_selling_more_than_is_free(control: Control, order: Build) -> None:
    control.place_external(order(qty="10"))
    resting = control.place_external(order(side="sell", type="limit", limit_price="120", qty="4"))

    with pytest.raises(Refused) as refused:
        control.place_external(order(side="sell", qty="7"))

    body = refused.value.body
    assert body["message"] == "insufficient qty available for order (requested: 7, available: 6)"
    assert (body["available"], body["existing_qty"], body["held_for_orders"]) == ("6", "10", "4")
    assert (body["symbol"], body["related_orders"]) == ("AAPL", [resting["id"]])


@pytest.mark.parametrize(
    ("resting", "coming", "reason"),
    [
        (LIMIT, {"side": "sell"}, "opposite side limit order exists"),
        (LIMIT, {"side": "sell", **LIMIT}, "opposite side limit order exists"),
        (
            {"type": "stop", "stop_price": "120"},
            {"side": "sell", "type": "limit", "limit_price": "130"},
            "opposite side market/stop order exists",
        ),
    ],
)
def test_an_order_against_an_own_one_is_a_wash_trade(
    control: Control,
    order: Build,
    resting: dict[str, Any],
    coming: dict[str, Any],
    reason: str,
) -> None:
    made = control.place_external(order(**resting))

    with pytest.raises(Refused) as refused:
        control.place_external(order(**coming))

    assert refused.value.body["message"] == "potential wash trade detected. use complex orders"
    assert refused.value.body["existing_order_id"] == made["id"]
    assert refused.value.body["reject_reason"] == reason


def test_a_short_against_an_open_long_order(control: Control, order: Build) -> None:
    control.place_external(order(**LIMIT))

    with pytest.raises(Refused, match="cannot open a short sell while a long buy order is open"):
        control.place_external(order(side="sell", type="limit", limit_price="95"))


def test_covered_calls_and_cash_secured_puts_may_be_written(control: Control, order: Build) -> None:
    control.place_external(order(qty="100"))

    control.place_external(order(symbol=CALL, side="sell", qty="1", **LIMIT))
    control.place_external(order(symbol=PUT, side="sell", qty="9", **LIMIT))

    with pytest.raises(Refused, match="uncovered"):
        control.place_external(order(symbol=OTHER_CALL, side="sell", qty="1", **LIMIT))


def test_spreads_need_their_level_hours_and_money(control: Control, order: Build) -> None:
    spread = order(**MLEG, qty="1", legs=legs(CALL, OTHER_CALL))
    with pytest.raises(Refused, match="insufficient buying power"):
        control.place_external(spread | {"qty": "12"})
    with pytest.raises(Refused, match="a whole qty"):
        control.place_external(spread | {"qty": "1.5"})
    with pytest.raises(Refused, match="mleg orders must be market or limit, and day"):
        control.place_external(spread | {"time_in_force": "gtc"})
    bad = [{"symbol": CALL, "ratio_qty": "0", "side": "buy"}]
    with pytest.raises(Refused, match="leg ratio_qty must be > 0"):
        control.place_external(spread | {"legs": bad})
    control.set_time("2026-03-02T22:00:00Z")
    market = {key: value for key, value in spread.items() if key != "limit_price"}
    with pytest.raises(Refused, match="only allowed during market hours"):
        control.place_external(market | {"type": "market"})


def test_option_market_orders_need_market_hours(control: Control, order: Build) -> None:
    control.set_time("2026-03-02T22:00:00Z")

    with pytest.raises(Refused, match="options market orders are only allowed during market hours"):
        control.place_external(order(symbol=CALL, qty="1"))


@pytest.mark.parametrize(
    ("force", "clock", "status"),
    [
        ("opg", "14:27", "accepted"),
        ("opg", "14:28", None),
        ("opg", "23:59", None),
        ("cls", "20:49", "accepted"),
        ("cls", "20:50", None),
    ],
)
def test_auctions_close_their_books_before_they_begin(
    control: Control, order: Build, force: str, clock: str, status: str | None
) -> None:
    control.set_time(f"2026-03-03T{clock}:00Z")

    if status is None:
        with pytest.raises(Refused, match="no longer accepted until 7:00pm ET"):
            control.place_external(order(time_in_force=force))
    else:
        assert control.place_external(order(time_in_force=force))["status"] == status


@pytest.mark.parametrize("status", ["accepted", "pending_cancel", "filled"])
def test_orders_that_cannot_be_replaced(control: Control, order: Build, status: str) -> None:
    made = control.place_external(order(**LIMIT))
    control.set_status(made["id"], status)

    with pytest.raises(Refused, match=f'cannot replace order in "{status}" state'):
        control.replace_external(made["id"], {"qty": "5"})


def test_no_cancel_while_a_replacement_is_pending(
    server: AlpacaServer, control: Control, order: Build
) -> None:
    made = control.place_external(order(**LIMIT))
    server.venue.desk.replace(made["id"], {"qty": "5"}, "pend")

    with pytest.raises(Refused, match="not cancelable"):
        control.cancel_external(made["id"])

    new = control.release_replace(made["id"])
    assert (new["status"], control.order(made["id"])["status"]) == ("new", "replaced")
