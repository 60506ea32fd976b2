"""What the data host tells, as the vendor's own clients read it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.historical import (
    CryptoHistoricalDataClient,
    OptionHistoricalDataClient,
    StockHistoricalDataClient,
)
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.historical.news import NewsClient
from alpaca.data.requests import (
    CorporateActionsRequest,
    CryptoLatestBarRequest,
    CryptoLatestOrderbookRequest,
    CryptoLatestTradeRequest,
    CryptoSnapshotRequest,
    NewsRequest,
    OptionChainRequest,
    OptionLatestTradeRequest,
    OptionSnapshotRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockSnapshotRequest,
)
from alpaca.data.timeframe import TimeFrame

from alphalens.testing.alpaca_data_server import (
    AlpacaDataControl,
    AlpacaDataServer,
    alpaca_data_process,
)

from .conftest import NOW, bar

CALL = "AAPL260417C00100000"
QUOTE = {"t": "2026-03-02T14:59:59Z", "bp": 100.1, "ap": 100.3, "bs": 2, "as": 3}
QUOTE |= {"bx": "V", "ax": "V", "c": ["R"], "z": "C"}
TRADE = {"t": "2026-03-02T14:59:59Z", "p": 100.2, "s": 7, "x": "V", "i": 5, "c": ["@"], "z": "C"}


@pytest.fixture
def coins(server: AlpacaDataServer) -> Iterator[CryptoHistoricalDataClient]:
    made = CryptoHistoricalDataClient(url_override=server.url)
    yield made
    made._session.close()


@pytest.fixture
def options(server: AlpacaDataServer) -> Iterator[OptionHistoricalDataClient]:
    made = OptionHistoricalDataClient("PKTEST", "secret", url_override=server.url)
    yield made
    made._session.close()


def test_bars_of_a_range_by_pages(stocks: StockHistoricalDataClient) -> None:
    asked = {"symbol_or_symbols": "AAPL", "timeframe": TimeFrame.Day, "start": date(2026, 1, 1)}

    found = stocks.get_stock_bars(StockBarsRequest(**asked))
    first = stocks.get(
        "/stocks/bars",
        {"symbols": "AAPL", "timeframe": "1Day", "start": "2026-01-01", "limit": 1},
    )

    assert [row.close for row in found["AAPL"]] == [101, 101]
    assert first["next_page_token"] == "1"


def test_the_latest_of_shares(
    stocks: StockHistoricalDataClient, control: AlpacaDataControl
) -> None:
    control.add_quotes("AAPL", [QUOTE])
    control.add_trades("AAPL", [TRADE])
    both = {"symbol_or_symbols": ["AAPL", "NONE"]}

    bars = stocks.get_stock_latest_bar(StockLatestBarRequest(**both))
    quotes = stocks.get_stock_latest_quote(StockLatestQuoteRequest(**both))
    trades = stocks.get_stock_latest_trade(StockLatestTradeRequest(**both))
    shots = stocks.get_stock_snapshot(StockSnapshotRequest(**both))

    assert list(bars) == list(quotes) == list(trades) == list(shots) == ["AAPL"]
    assert (bars["AAPL"].close, bars["AAPL"].trade_count) == (101, 50)
    assert (quotes["AAPL"].bid_price, trades["AAPL"].price) == (100.1, 100.2)
    shot = shots["AAPL"]
    assert shot.minute_bar == bars["AAPL"]
    assert (shot.daily_bar.close, shot.previous_daily_bar.close) == (101, 101)
    assert (shot.latest_quote.ask_price, shot.latest_trade.size) == (100.3, 7)


def test_the_latest_of_coins_needs_no_key(
    coins: CryptoHistoricalDataClient, control: AlpacaDataControl
) -> None:
    control.add_bars("BTC/USD", [bar(60_000)], "1Min")
    control.add_quotes("BTC/USD", [QUOTE])
    control.add_trades("BTC/USD", [TRADE])
    one = {"symbol_or_symbols": "BTC/USD"}

    bars = coins.get_crypto_latest_bar(CryptoLatestBarRequest(**one))
    trades = coins.get_crypto_latest_trade(CryptoLatestTradeRequest(**one))
    books = coins.get_crypto_latest_orderbook(CryptoLatestOrderbookRequest(**one))
    shots = coins.get_crypto_snapshot(CryptoSnapshotRequest(**one))

    assert bars["BTC/USD"].close == shots["BTC/USD"].minute_bar.close == 60_000
    assert trades["BTC/USD"].price == 100.2
    assert (books["BTC/USD"].bids[0].price, books["BTC/USD"].asks[0].size) == (100.1, 3)


def test_options_with_greeks_and_their_chain(
    options: OptionHistoricalDataClient, control: AlpacaDataControl
) -> None:
    greeks = {"delta": 0.5, "gamma": 0.1, "rho": 0.02, "theta": -0.2, "vega": 0.3}
    control.add_trades(CALL, [TRADE])
    control.add_bars(CALL, [bar(5)])
    control.set_greeks(CALL, {"impliedVolatility": 0.31, "greeks": greeks})

    trades = options.get_option_latest_trade(OptionLatestTradeRequest(symbol_or_symbols=CALL))
    shots = options.get_option_snapshot(OptionSnapshotRequest(symbol_or_symbols=CALL))
    chain = options.get_option_chain(OptionChainRequest(underlying_symbol="AAPL", type="call"))
    none = options.get_option_chain(OptionChainRequest(underlying_symbol="AAPL", type="put"))

    assert trades[CALL].price == 100.2
    assert shots == chain
    assert (chain[CALL].implied_volatility, chain[CALL].greeks.vega) == (0.31, 0.3)
    assert none == {}


def test_actions_and_news(server: AlpacaDataServer, control: AlpacaDataControl) -> None:
    row = {"symbol": "NVDA", "cusip": "1", "new_rate": 10, "old_rate": 1}
    row |= {"id": "00000000-0000-0000-0000-000000000001"}
    control.announce(
        "forward_splits", [row | {"process_date": "2026-03-02", "ex_date": "2026-03-02"}]
    )
    article: dict[str, Any] = dict.fromkeys(("headline", "source", "url", "summary"), "x")
    article |= {"id": 7, "author": "", "content": "", "symbols": ["NVDA"], "images": []}
    when = {"created_at": "2026-03-02T14:00:00Z", "updated_at": "2026-03-02T14:00:00Z"}
    control.add_news([article | when])
    actions = CorporateActionsClient("PKTEST", "secret", url_override=server.url)
    news = NewsClient("PKTEST", "secret", url_override=server.url)

    (split,) = actions.get_corporate_actions(CorporateActionsRequest()).data["forward_splits"]
    (item,) = news.get_news(NewsRequest(symbols="NVDA")).data["news"]
    actions._session.close()
    news._session.close()

    assert (split.symbol, split.new_rate) == ("NVDA", 10)
    assert (item.id, item.symbols) == (7, ["NVDA"])


def test_wrong_keys_and_unknown_paths_are_refused(
    server: AlpacaDataServer, stocks: StockHistoricalDataClient
) -> None:
    stranger = StockHistoricalDataClient("PKTEST", "other", url_override=server.url)
    with pytest.raises(APIError) as unknown:
        stranger.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="AAPL"))
    stranger._session.close()
    with pytest.raises(APIError) as lost:
        stocks.get("/stocks/gossip", {})
    with pytest.raises(APIError) as odd:
        stocks.get("/stocks/bars", {"symbols": "AAPL", "timeframe": "1Fortnight"})

    assert [e.value.status_code for e in (unknown, lost, odd)] == [401, 404, 422]


def test_the_rate_is_told_and_kept(server: AlpacaDataServer) -> None:
    server.control.set_rate_limit(2)
    headers = {"APCA-API-KEY-ID": "PKTEST", "APCA-API-SECRET-KEY": "secret"}
    address = f"{server.url}/v2/stocks/bars/latest?symbols=AAPL"

    answers = [httpx.get(address, headers=headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [a.headers["X-Ratelimit-Remaining"] for a in answers] == ["1", "0", "0"]
    assert int(answers[2].headers["X-Ratelimit-Reset"]) >= int(NOW.timestamp())


def test_a_row_without_a_readable_instant_is_told_where_it_was_given(
    server: AlpacaDataServer, control: AlpacaDataControl, stocks: StockHistoricalDataClient
) -> None:
    control.add_bars("ODD", [bar(1), bar(2, t="soon"), bar(3, t=None)])
    query = {"symbols": "ODD", "timeframe": "1Day", "start": "2026-03-01T00:00:00Z"}

    told = stocks.get("/stocks/bars", query)

    assert [row["t"] for row in told["bars"]["ODD"]] == ["2026-03-02T14:59:00Z", "soon", None]


def test_the_host_runs_as_a_process(tmp_path: Path) -> None:
    process = alpaca_data_process(tmp_path / "ports.json", "--key", "k", "--secret", "s")
    with process:
        process.control.add_bars("AAPL", [bar(7)], "1Min")
        client = StockHistoricalDataClient("k", "s", url_override=process.addresses["url"])
        found = client.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="AAPL"))
        client._session.close()

    assert found["AAPL"].close == 7
