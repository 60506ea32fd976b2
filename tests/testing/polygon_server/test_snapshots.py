"""Snapshots of stocks, as the vendor's own client reads them."""

from __future__ import annotations

from typing import Any

import pytest
from massive import RESTClient
from massive.exceptions import BadResponse

from alphalens.testing.polygon_server import PolygonControl

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
