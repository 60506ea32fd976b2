"""Cookies, crumbs, and the options behind them."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import yfinance as yf
from yfinance.data import YfData

from alphalens.testing.yahoo_server import YahooControl, YahooServer
from alphalens.testing.yahoo_server.client import loopback_session

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
CRUMB = "https://query1.finance.yahoo.com/v1/test/getcrumb"
OPTIONS = "https://query2.finance.yahoo.com/v7/finance/options/AAPL"


def contract(strike: float, **changes: Any) -> dict[str, Any]:
    row = {"contractSymbol": f"AAPL240119C{strike * 1000:08.0f}", "strike": strike}
    row |= {"lastTradeDate": 1704816000, "lastPrice": 1.5, "bid": 1.4, "ask": 1.6, "volume": 10}
    return row | {"openInterest": 100, "impliedVolatility": 0.3, "inTheMoney": False} | changes


@pytest.fixture
def chain(control: YahooControl) -> None:
    calls = [contract(180), contract(190)]
    control.add_options("AAPL", "2024-01-19", calls, [contract(180, bid=0)])
    control.add_options("AAPL", "2024-02-16", [contract(200)], [])
    control.set_quote("AAPL", {"regularMarketPrice": 185.5})


def test_option_chain_by_expiration(session: requests.Session, chain: None) -> None:
    ticker = yf.Ticker("AAPL", session=session)

    assert ticker.options == ("2024-01-19", "2024-02-16")
    near, far = ticker.option_chain(), ticker.option_chain("2024-02-16")

    assert near.calls["strike"].tolist() == [180, 190]
    assert near.puts["bid"].tolist() == [0]
    assert near.underlying["regularMarketPrice"] == 185.5
    assert far.calls["strike"].tolist() == [200]
    assert far.puts.empty


def test_an_unknown_symbol_has_no_chain(session: requests.Session) -> None:
    assert yf.Ticker("NOBODY", session=session).options == ()


def test_a_crumb_needs_a_cookie_and_options_need_a_crumb(server: YahooServer, chain: None) -> None:
    with loopback_session(server.url) as visitor:
        refused = visitor.get(CRUMB)
        visitor.get("https://fc.yahoo.com")
        crumb = visitor.get(CRUMB).text
        without = visitor.get(OPTIONS)
        granted = visitor.get(OPTIONS, params={"crumb": crumb})

    assert refused.status_code == 401
    assert refused.json()["finance"]["error"]["description"] == "Invalid Cookie"
    assert without.json()["finance"]["error"]["description"] == "Invalid Crumb"
    assert granted.json()["optionChain"]["result"][0]["strikes"] == [180, 190]


def test_without_a_cookie_the_consent_page_gives_one(
    session: requests.Session, control: YahooControl, chain: None
) -> None:
    control.arm("server_error", path="/", count=-1)

    found = yf.Ticker("AAPL", session=session).option_chain("2024-02-16")

    assert found.calls["strike"].tolist() == [200]
    visited = {r["host"] + r["path"] for r in control.requests()}
    assert "guce.yahoo.com/consent" in visited
    assert "consent.yahoo.com/v2/collectConsent" in visited
    assert YfData()._cookie_strategy == "csrf"


def test_a_forgotten_visitor_gets_no_more_options(
    session: requests.Session, control: YahooControl, chain: None
) -> None:
    ticker = yf.Ticker("AAPL", session=session)
    assert len(ticker.options) == 2
    control.forget_visitors()

    assert yf.Ticker("AAPL", session=session).options == ()


def test_summary_and_quote_of_a_symbol(server: YahooServer, chain: None) -> None:
    with loopback_session(server.url) as visitor:
        visitor.get("https://fc.yahoo.com")
        asked = {"crumb": visitor.get(CRUMB).text, "symbols": "AAPL,NOBODY"}
        host = "https://query1.finance.yahoo.com"
        summary = visitor.get(f"{host}/v10/finance/quoteSummary/AAPL", params=asked).json()
        quotes = visitor.get(f"{host}/v7/finance/quote", params=asked).json()

    kind = summary["quoteSummary"]["result"][0]["quoteType"]
    assert (kind["quoteType"], kind["timeZoneFullName"]) == ("EQUITY", "America/New_York")
    (quote,) = quotes["quoteResponse"]["result"]
    assert (quote["symbol"], quote["regularMarketPrice"]) == ("AAPL", 185.5)


def test_what_is_not_there_is_404(server: YahooServer) -> None:
    with loopback_session(server.url) as visitor:
        assert visitor.get("https://query1.finance.yahoo.com/nowhere").status_code == 404
