"""Snapshots of every class, as the vendor's own client reads them."""

from __future__ import annotations

from typing import Any

import pytest

from alphalens.testing.polygon_server import PolygonControl, PolygonServer

from .clients import NAME, BadResponse, RESTClient
from .conftest import DAYS, bar
from .test_listings import START, quote


@pytest.fixture
def market(control: PolygonControl, week: list[dict[str, Any]]) -> None:
    control.add_aggs("MSFT", [bar(DAYS[0], 50), bar(DAYS[1], 40)])
    control.add_aggs("AAPL", [{"t": START // 1_000_000, "c": 105.5, "n": 3}], 1, "minute")
    control.add_quotes("AAPL", [quote(0), quote(1)])
    control.add_trades("AAPL", [{"sip_timestamp": START, "price": 106.09, "size": 7, "id": "x"}])


def test_snapshot_of_a_ticker(client: RESTClient, market: None) -> None:
    shot = client.get_snapshot_ticker("stocks", "AAPL")

    assert (shot.day.close, shot.prev_day.close, shot.min.close) == (104, 103, 105.5)
    assert (shot.last_quote.bid_price, shot.last_trade.price) == (101, 106.09)
    assert shot.todays_change == pytest.approx(3.09)
    assert shot.todays_change_percent == pytest.approx(3)
    assert shot.updated == START


def test_snapshot_of_several_and_of_all(
    client: RESTClient, control: PolygonControl, market: None
) -> None:
    control.add_aggs("X:BTCUSD", [bar(DAYS[0], 42_000)])

    def names(*tickers: str) -> list[str]:
        wanted = list(tickers) or None
        return [s.ticker for s in client.get_snapshot_all("stocks", wanted)]

    assert names("MSFT", "NOBODY") == ["MSFT"]
    assert names() == ["AAPL", "MSFT"]


def test_gainers_and_losers(client: RESTClient, market: None) -> None:
    gainers = client.get_snapshot_direction("stocks", "gainers")
    losers = client.get_snapshot_direction("stocks", "losers")

    assert [s.ticker for s in gainers] == ["AAPL"]
    assert [(s.ticker, s.todays_change) for s in losers] == [("MSFT", -10)]


def test_an_unknown_ticker_is_404(client: RESTClient, market: None) -> None:
    with pytest.raises(BadResponse, match="Ticker not found"):
        client.get_snapshot_ticker("stocks", "NOBODY")


CALL = "O:AAPL240119C00150000"


def option(ticker: str) -> dict[str, Any]:
    return {
        "details": {"ticker": ticker, "contract_type": "call", "strike_price": 150},
        "day": {"open": 34.0, "close": 35.2, "volume": 77, "last_updated": START},
        "greeks": {"delta": 0.9, "gamma": 0.01, "theta": -0.05, "vega": 0.1},
        "implied_volatility": 0.31,
        "open_interest": 1543,
        "last_quote": {"bid": 35.1, "ask": 35.3, "last_updated": START},
        "last_trade": {"price": 35.2, "sip_timestamp": START},
        "underlying_asset": {"ticker": "AAPL", "price": 185.5},
    }


def test_snapshots_of_coins_have_no_quote(
    client: RESTClient, control: PolygonControl, market: None
) -> None:
    control.add_aggs("X:BTCUSD", [bar(DAYS[0], 42_000), bar(DAYS[1], 43_000)])
    control.add_quotes("X:BTCUSD", [quote(0)])

    (shot,) = client.get_snapshot_all("crypto", ["X:BTCUSD", "AAPL"])

    assert (shot.ticker, shot.day.close, shot.prev_day.close) == ("X:BTCUSD", 43_000, 42_000)
    assert shot.last_quote is None
    assert [s.ticker for s in client.get_snapshot_all("stocks")] == ["AAPL", "MSFT"]


def test_universal_snapshots_of_several_classes(
    client: RESTClient, control: PolygonControl, market: None
) -> None:
    control.add_aggs("X:BTCUSD", [bar(DAYS[0], 42_000)])
    control.add_option_snapshots("AAPL", [option(CALL)])
    wanted = ["AAPL", "X:BTCUSD", CALL, "NOBODY"]

    share, coin, call, none = client.list_universal_snapshots(ticker_any_of=wanted)

    assert (share.type, share.session.close, share.session.previous_close) == ("stocks", 104, 103)
    assert (share.last_quote.bid, share.last_trade.price) == (101, 106.09)
    if NAME != "polygon":  # which does not read it
        assert (share.last_minute.close, share.last_minute.last_updated) == (105.5, START)
    assert (coin.type, coin.session.close, coin.last_quote) == ("crypto", 42_000, None)
    assert (call.type, call.session.close, call.open_interest) == ("options", 35.2, 1543)
    assert (call.last_quote.ask, call.greeks.delta, call.details.strike_price) == (35.3, 0.9, 150)
    assert (none.ticker, none.error) == ("NOBODY", "NOT_FOUND")


def test_universal_snapshots_come_in_pages(
    client: RESTClient, control: PolygonControl, market: None
) -> None:
    found = [shot.ticker for shot in client.list_universal_snapshots(limit=1)]

    assert found == ["AAPL", "MSFT"]
    assert len(control.requests("/v3/snapshot")) == 2
    with pytest.raises(BadResponse, match="takes 250 tickers"):
        list(client.list_universal_snapshots(ticker_any_of=[f"S{n}" for n in range(251)]))


def test_a_delayed_plan_says_so_in_its_snapshots() -> None:
    with PolygonServer(is_delayed=True) as server:
        server.control.add_aggs("AAPL", [bar(DAYS[0], 100)])
        client = RESTClient("key", base=server.url)
        answer = client.get_snapshot_all("stocks", ["AAPL"], raw=True)
        client.client.clear()

    assert b'"status": "DELAYED"' in answer.data
