"""The vendor's own clients of historical data against the tape."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.historical import (
    CryptoHistoricalDataClient,
    OptionHistoricalDataClient,
    StockHistoricalDataClient,
)
from alpaca.data.requests import (
    CryptoBarsRequest,
    CryptoLatestOrderbookRequest,
    CryptoLatestQuoteRequest,
    CryptoSnapshotRequest,
    OptionBarsRequest,
    OptionChainRequest,
    OptionLatestQuoteRequest,
    OptionSnapshotRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame

from alphalens.testing.alpaca_server import AlpacaServer, Control

CALL = "AAPL260417C00100000"
START = datetime(2026, 2, 23, 5, tzinfo=UTC)


@pytest.fixture
def stocks(server: AlpacaServer) -> Iterator[StockHistoricalDataClient]:
    made = StockHistoricalDataClient("PKTEST", "secret", url_override=server.data_url)
    yield made
    made._session.close()


def add_days(control: Control, symbol: str, count: int) -> None:
    for day in range(count):
        opens = START + timedelta(days=day)
        price = 100 + day
        control.bar(
            symbol,
            open=price,
            high=price + 2,
            low=price - 1,
            close=price + 1,
            volume=5000,
            time=opens,
            timeframe="1Day",
            match=False,
        )


def bars(stocks: StockHistoricalDataClient, **changes: Any) -> dict[str, list[float]]:
    fields = {"symbol_or_symbols": ["AAPL", "MSFT"], "timeframe": TimeFrame.Day, "start": START}
    found = stocks.get_stock_bars(StockBarsRequest(**(fields | changes)))
    return {symbol: [bar.open for bar in rows] for symbol, rows in found.data.items()}


def test_daily_bars_by_symbol(stocks: StockHistoricalDataClient, control: Control) -> None:
    add_days(control, "AAPL", 3)

    assert bars(stocks) == {"AAPL": [100, 101, 102]}
    assert bars(stocks, sort="desc") == {"AAPL": [102, 101, 100]}
    assert bars(stocks, end=START + timedelta(days=1)) == {"AAPL": [100, 101]}
    assert bars(stocks, timeframe=TimeFrame.Minute) == {}


def test_pages_split_a_symbol_and_the_vendor_joins_them(
    stocks: StockHistoricalDataClient, control: Control
) -> None:
    add_days(control, "AAPL", 3)
    add_days(control, "MSFT", 2)
    query = {"symbols": "AAPL,MSFT", "timeframe": "1Day", "start": START.isoformat(), "limit": 2}

    first = stocks.get("/stocks/bars", query)
    second = stocks.get("/stocks/bars", query | {"page_token": first["next_page_token"]})

    assert {s: len(rows) for s, rows in first["bars"].items()} == {"AAPL": 2}
    assert {s: len(rows) for s, rows in second["bars"].items()} == {"AAPL": 1, "MSFT": 1}
    assert bars(stocks, limit=4) == {"AAPL": [100, 101, 102], "MSFT": [100]}


def test_unknown_timeframe_is_422(stocks: StockHistoricalDataClient) -> None:
    with pytest.raises(APIError) as refused:
        stocks.get("/stocks/bars", {"symbols": "AAPL", "timeframe": "1Fortnight"})

    assert refused.value.status_code == 422


def test_latest_quote_trade_and_bar(stocks: StockHistoricalDataClient, control: Control) -> None:
    control.trade("AAPL", "100.01", size=7)
    control.bar("AAPL", 100, 101, 99, 100.5)

    quote = stocks.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL"))
    trade = stocks.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))
    bar = stocks.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="AAPL"))

    assert (quote["AAPL"].bid_price, quote["AAPL"].ask_price) == (100, 100.02)
    assert (trade["AAPL"].price, trade["AAPL"].size) == (100.01, 7)
    assert (bar["AAPL"].open, bar["AAPL"].close) == (100, 100.5)


def test_quotes_and_trades_of_a_range(stocks: StockHistoricalDataClient, control: Control) -> None:
    control.set_quote("AAPL", 101, 101.02)
    control.trade("AAPL", 101)
    since = {"symbol_or_symbols": "AAPL", "start": START}
    control.advance(1)

    quotes = stocks.get_stock_quotes(StockQuotesRequest(**since))
    trades = stocks.get_stock_trades(StockTradesRequest(**since))

    assert [quote.bid_price for quote in quotes["AAPL"]] == [100, 101]
    assert [trade.price for trade in trades["AAPL"]] == [101]


def test_snapshot_holds_what_is_known(stocks: StockHistoricalDataClient, control: Control) -> None:
    add_days(control, "AAPL", 2)

    shot = stocks.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=["AAPL", "MSFT"]))

    assert list(shot) == ["AAPL"]
    assert shot["AAPL"].daily_bar is not None
    assert shot["AAPL"].previous_daily_bar is not None
    assert (shot["AAPL"].daily_bar.open, shot["AAPL"].previous_daily_bar.open) == (101, 100)
    assert shot["AAPL"].latest_trade is None


def test_coins_need_no_keys(server: AlpacaServer) -> None:
    server.control.set_quote("BTC/USD", 50_000, 50_010, bid_size="1.5", ask_size=2)
    server.control.bar("BTC/USD", 1, 2, 1, 2, time=START, timeframe="1Hour", match=False)
    coins = CryptoHistoricalDataClient("nobody", "knows", url_override=server.data_url)

    quote = coins.get_crypto_latest_quote(CryptoLatestQuoteRequest(symbol_or_symbols="BTC/USD"))
    book = coins.get_crypto_latest_orderbook(
        CryptoLatestOrderbookRequest(symbol_or_symbols="BTC/USD")
    )
    shot = coins.get_crypto_snapshot(CryptoSnapshotRequest(symbol_or_symbols="BTC/USD"))
    found = coins.get_crypto_bars(
        CryptoBarsRequest(symbol_or_symbols="BTC/USD", timeframe=TimeFrame.Hour, start=START)
    )

    coins._session.close()
    assert quote["BTC/USD"].bid_size == 1.5
    assert book["BTC/USD"].asks[0].price == 50_010
    assert shot["BTC/USD"].latest_quote is not None
    assert [bar.high for bar in found["BTC/USD"]] == [2]


def test_option_quotes_bars_snapshots_and_chain(server: AlpacaServer) -> None:
    server.control.set_quote(CALL, 5, 5.1)
    server.control.bar(CALL, 5, 6, 4, 5, time=START, timeframe="1Day", match=False)
    options = OptionHistoricalDataClient("PKTEST", "secret", url_override=server.data_url)

    quote = options.get_option_latest_quote(OptionLatestQuoteRequest(symbol_or_symbols=CALL))
    shot = options.get_option_snapshot(OptionSnapshotRequest(symbol_or_symbols=CALL))
    chain = options.get_option_chain(OptionChainRequest(underlying_symbol="AAPL"))
    found = options.get_option_bars(
        OptionBarsRequest(symbol_or_symbols=CALL, timeframe=TimeFrame.Day, start=START)
    )

    options._session.close()
    assert quote[CALL].ask_price == 5.1
    assert list(shot) == list(chain) == [CALL]
    assert [bar.high for bar in found[CALL]] == [6]


@pytest.fixture
def options(server: AlpacaServer) -> Iterator[OptionHistoricalDataClient]:
    made = OptionHistoricalDataClient("PKTEST", "secret", url_override=server.data_url)
    yield made
    made._session.close()


def test_greeks_stand_in_the_snapshot_of_an_option(
    options: OptionHistoricalDataClient, control: Control
) -> None:
    greeks = {"delta": 0.5, "gamma": 0.1, "rho": 0.02, "theta": -0.2, "vega": 0.3}
    control.set_greeks(CALL, {"impliedVolatility": 0.31, "greeks": greeks})

    shot = options.get_option_snapshot(OptionSnapshotRequest(symbol_or_symbols=CALL))[CALL]

    assert shot.implied_volatility == 0.31
    assert shot.greeks is not None
    assert (shot.greeks.delta, shot.greeks.rho) == (0.5, 0.02)
    assert shot.latest_quote is None


@pytest.mark.parametrize(
    ("asked", "strikes"),
    [
        ({}, ["90", "100", "110", "120"]),
        ({"type": "put"}, ["120"]),
        ({"strike_price_gte": 100, "strike_price_lte": 110}, ["100", "110"]),
        ({"expiration_date_gte": "2026-05-01"}, ["110"]),
        ({"expiration_date": "2026-04-17", "type": "call"}, ["90", "100"]),
        ({"root_symbol": "AAPL1"}, []),
        ({"updated_since": datetime(2026, 3, 2, 15, 0, 30, tzinfo=UTC)}, ["120"]),
    ],
)
def test_a_chain_is_filtered(
    options: OptionHistoricalDataClient, control: Control, asked: dict[str, Any], strikes: list[str]
) -> None:
    for name in ("260417C00090000", "260417C00100000", "260515C00110000"):
        control.set_quote(f"AAPL{name}", 5, 5.1)
    control.set_quote("TSLA260417C00090000", 5, 5.1)
    control.advance(60)
    control.set_quote("AAPL260417P00120000", 5, 5.1)

    chain = options.get_option_chain(OptionChainRequest(underlying_symbol="AAPL", **asked))

    found = sorted(str(int(symbol[-8:]) // 1000) for symbol in chain)
    assert found == sorted(strikes)


def test_a_chain_of_pages_is_joined_by_the_vendor(
    options: OptionHistoricalDataClient, control: Control
) -> None:
    for strike in range(130):
        control.set_quote(f"AAPL260417C{strike + 1:05}000", 5, 5.1)

    first = options.get("/options/snapshots/AAPL", {})
    chain = options.get_option_chain(OptionChainRequest(underlying_symbol="AAPL"))

    assert len(first["snapshots"]) == 100
    assert first["next_page_token"] == "100"
    assert len(chain) == 130
