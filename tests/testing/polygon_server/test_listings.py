"""Quotes, trades, reference data, news and option chains, as the vendor's own client reads them."""

from __future__ import annotations

from typing import Any

import pytest

from alphalens.testing.polygon_server import PolygonControl

from .clients import BadResponse, RESTClient

SECOND = 1_000_000_000
START = 1_704_810_600 * SECOND


def quote(number: int, **changes: Any) -> dict[str, Any]:
    row = {"sip_timestamp": START + number * SECOND, "participant_timestamp": START}
    row |= {"bid_price": 100.0 + number, "bid_size": 2, "ask_price": 100.1 + number, "ask_size": 3}
    return row | {"sequence_number": number, "tape": 3} | changes


def option(strike: float, day: str = "2024-01-19", side: str = "call") -> dict[str, Any]:
    ticker = f"O:AAPL{day[2:].replace('-', '')}{side[0].upper()}{strike * 1000:08.0f}"
    row = {"ticker": ticker, "underlying_ticker": "AAPL", "contract_type": side}
    row |= {"expiration_date": day, "strike_price": strike, "exercise_style": "american"}
    return row | {"shares_per_contract": 100, "cfi": "OCASPS", "primary_exchange": "BATO"}


def snapshot(strike: float, **changes: Any) -> dict[str, Any]:
    details = option(strike)
    names = ("ticker", "contract_type", "expiration_date", "strike_price", "exercise_style")
    row = {"details": {name: details[name] for name in names} | {"shares_per_contract": 100}}
    row |= {"implied_volatility": 0.25, "open_interest": 10, "break_even_price": strike + 2}
    row |= {"greeks": {"delta": 0.5, "gamma": 0.01, "theta": -0.1, "vega": 0.2}}
    row |= {"last_quote": {"bid": 0, "ask": 2.1, "bid_size": 1, "ask_size": 1, "midpoint": 1.05}}
    return row | {"underlying_asset": {"ticker": "AAPL", "price": 185.5}} | changes


def test_latest_quote_is_the_first_of_the_list(client: RESTClient, control: PolygonControl) -> None:
    control.add_quotes("AAPL", [quote(number) for number in range(5)])

    (latest,) = client._get("/v3/quotes/AAPL?limit=1", result_key="results")
    everything = list(client.list_quotes("AAPL", limit=2))

    assert latest["bid_price"] == 104
    assert [q.bid_price for q in everything] == [104, 103, 102, 101, 100]
    assert everything[0].sip_timestamp == START + 4 * SECOND


def test_quotes_and_trades_by_time(client: RESTClient, control: PolygonControl) -> None:
    control.add_quotes("AAPL", [quote(number) for number in range(5)])
    control.add_trades(
        "AAPL", [{"sip_timestamp": START + n, "price": n, "size": 1} for n in range(3)]
    )

    since = START + 2 * SECOND
    late = client.list_quotes("AAPL", timestamp_gte=since, order="asc")
    early = client.list_quotes("AAPL", timestamp_lt="2024-01-09T14:30:01Z")
    other_day = client.list_quotes("AAPL", timestamp_lt="2024-01-09")

    assert [q.bid_price for q in late] == [102, 103, 104]
    assert [q.bid_price for q in early] == [100]
    assert list(other_day) == []
    assert [t.price for t in client.list_trades("AAPL", timestamp_gt=START)] == [2, 1]


def test_last_quote_and_trade(client: RESTClient, control: PolygonControl) -> None:
    control.add_quotes("AAPL", [quote(0), quote(1)])
    control.add_trades("AAPL", [{"sip_timestamp": START, "price": 101.5, "size": 7}])

    last, trade = client.get_last_quote("AAPL"), client.get_last_trade("AAPL")

    assert (last.ticker, last.bid_price, last.ask_price, last.tape) == ("AAPL", 101, 101.1, 3)
    assert (trade.ticker, trade.price, trade.size) == ("AAPL", 101.5, 7)
    with pytest.raises(BadResponse, match="NOT_FOUND"):
        client.get_last_quote("NOBODY")


def test_splits_and_dividends(client: RESTClient, control: PolygonControl) -> None:
    control.add_splits(
        [
            {"ticker": "AAPL", "execution_date": "2014-06-09", "split_from": 1, "split_to": 7},
            {"ticker": "AAPL", "execution_date": "2020-08-31", "split_from": 1, "split_to": 4},
            {"ticker": "TSLA", "execution_date": "2020-08-31", "split_from": 1, "split_to": 5},
        ]
    )
    control.add_dividends(
        [
            {"ticker": "AAPL", "cash_amount": 0.24, "ex_dividend_date": "2023-11-10"},
            {"ticker": "AAPL", "cash_amount": 0.23, "ex_dividend_date": "2023-02-10"},
        ]
    )

    splits = list(client.list_splits("AAPL"))
    newer = list(client.list_splits(execution_date_gte="2020-01-01"))
    dividends = list(client.list_dividends("AAPL", ex_dividend_date_gte="2023-06-01"))
    cheap = list(client.list_dividends(cash_amount_lt=0.24))

    assert [s.execution_date for s in splits] == ["2020-08-31", "2014-06-09"]
    assert [s.split_to for s in splits] == [4, 7]
    assert {s.ticker for s in newer} == {"AAPL", "TSLA"}
    assert [d.cash_amount for d in dividends] == [0.24]
    assert [d.cash_amount for d in cheap] == [0.23]


def test_lists_come_in_pages_of_ten_unless_asked(
    client: RESTClient, control: PolygonControl
) -> None:
    control.add_contracts([option(100 + number) for number in range(25)])

    found = list(client.list_options_contracts("AAPL"))

    assert [c.strike_price for c in found] == [100 + number for number in range(25)]
    assert len(control.requests()) == 3


def test_option_contracts_by_strike_day_and_expiry(
    client: RESTClient, control: PolygonControl
) -> None:
    rows = [option(180), option(190), option(190, side="put"), option(200, "2024-02-16")]
    control.add_contracts([*rows, option(170, "2024-01-05")])

    def strikes(**query: Any) -> list[float]:
        return [c.strike_price for c in client.list_options_contracts("AAPL", **query)]

    assert strikes() == [180, 190, 190, 200]
    assert strikes(contract_type="put") == [190]
    assert strikes(strike_price_gte=190, expiration_date="2024-01-19") == [190, 190]
    assert strikes(expired=True) == [170]
    assert strikes(as_of="2024-01-05") == [170, 180, 190, 190, 200]


def test_option_chain_with_greeks(client: RESTClient, control: PolygonControl) -> None:
    control.add_option_snapshots("AAPL", [snapshot(180 + number) for number in range(12)])

    found = list(client.list_snapshot_options_chain("AAPL", params={"strike_price.gte": 185}))

    assert [o.details.strike_price for o in found] == [185, 186, 187, 188, 189, 190, 191]
    assert (found[0].greeks.delta, found[0].implied_volatility) == (0.5, 0.25)
    assert (found[0].last_quote.bid, found[0].underlying_asset.price) == (0, 185.5)
    with pytest.raises(BadResponse, match="'limit'"):
        list(client.list_snapshot_options_chain("AAPL", params={"limit": 251}))


def test_news_of_a_ticker(client: RESTClient, control: PolygonControl) -> None:
    articles = [("One", ["AAPL"]), ("Two", ["MSFT"]), ("Three", ["AAPL", "MSFT"])]
    for day, (title, tickers) in enumerate(articles, start=2):
        published = f"2024-01-0{day}T10:00:00Z"
        control.add_news([{"title": title, "tickers": tickers, "published_utc": published}])

    assert [n.title for n in client.list_ticker_news("AAPL")] == ["Three", "One"]
    later = client.list_ticker_news(published_utc_gt="2024-01-03T00:00:00Z", order="asc")
    assert [n.title for n in later] == ["Two", "Three"]


def test_tickers_and_their_details(client: RESTClient, control: PolygonControl) -> None:
    control.add_tickers(
        [
            {"ticker": "MSFT", "name": "Microsoft", "active": True, "market": "stocks"},
            {"ticker": "AAPL", "name": "Apple", "active": True, "market": "stocks"},
            {"ticker": "TWTR", "name": "Twitter", "active": False, "market": "stocks"},
        ]
    )

    assert [t.ticker for t in client.list_tickers(active=True)] == ["AAPL", "MSFT"]
    assert client.get_ticker_details("AAPL").name == "Apple"
    with pytest.raises(BadResponse, match="Ticker not found"):
        client.get_ticker_details("NOBODY")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("strike_price=high", "could not parse"),
        ("strike_price.about=3", "unknown comparison"),
        ("sort=colour", "cannot sort"),
        ("limit=0", "'limit'"),
    ],
)
def test_what_a_list_refuses(client: RESTClient, query: str, words: str) -> None:
    with pytest.raises(BadResponse, match=words):
        client._get(f"/v3/reference/options/contracts?{query}")


def test_values_of_a_wrong_type_are_told_too(client: RESTClient, control: PolygonControl) -> None:
    control.add_option_snapshots("AAPL", [snapshot(180)])
    odd = snapshot(181)
    odd["details"]["strike_price"] = "181"
    control.add_option_snapshots("AAPL", [odd])

    found = client.list_snapshot_options_chain("AAPL", params={"strike_price.gte": 200})

    assert [o.details.strike_price for o in found] == ["181"]


def test_holidays_to_come_are_a_list_without_anything_around_it(
    client: RESTClient, control: PolygonControl
) -> None:
    hours = {"open": "2024-07-03T13:30:00.000Z", "close": "2024-07-03T17:00:00.000Z"}
    control.add_holidays(
        [
            {"date": "2024-01-01", "exchange": "NYSE", "name": "New Year", "status": "closed"},
            {"date": "2024-01-15", "exchange": "NYSE", "name": "King", "status": "closed"},
            {"date": "2024-07-03", "exchange": "NYSE", "name": "July", "status": "early-close"}
            | hours,
        ]
    )

    king, july = client.get_market_holidays()

    assert (king.date, king.status, king.close) == ("2024-01-15", "closed", None)
    assert (july.exchange, july.status, july.open) == ("NYSE", "early-close", hours["open"])
    assert july.close == hours["close"]
