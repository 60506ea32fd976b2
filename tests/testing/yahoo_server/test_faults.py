"""What goes wrong with Yahoo, and what yfinance makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
import yfinance as yf
from yfinance.exceptions import YFPricesMissingError, YFRateLimitError

from alphalens.testing.yahoo_server import YahooControl, YahooServer
from tests.waiting import PATIENCE_S

from .test_chart import JANUARY, history, raw

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
CHART = "/v8/finance/chart/*"


def test_429_twice_is_a_rate_limit_and_once_is_got_over(
    session: requests.Session, control: YahooControl, week: None
) -> None:
    control.arm("rate_limit", path=CHART, count=2)
    with pytest.raises(YFRateLimitError):
        history(session, **JANUARY)

    control.arm("rate_limit", path=CHART)

    assert len(history(session, **JANUARY)) == 5


def test_429_tells_when_to_come_back(session: requests.Session, control: YahooControl) -> None:
    control.arm("rate_limit", seconds=7)

    answer = raw(session)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.text == "Too Many Requests\r\n"


def test_download_swallows_a_rate_limit(
    session: requests.Session, control: YahooControl, week: None
) -> None:
    control.arm("rate_limit", path=CHART, count=-1)

    found = yf.download("AAPL", **JANUARY, session=session, progress=False)

    assert found.empty


def test_the_own_limit_of_the_vendor(week: None, server: YahooServer) -> None:
    server.control.set_rate_limit(2)
    answers = [
        requests.get(f"{server.url}/v8/finance/chart/AAPL", timeout=PATIENCE_S) for _ in range(3)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_a_server_error_that_stays_is_no_frame(
    session: requests.Session, control: YahooControl, week: None
) -> None:
    control.arm("server_error", path=CHART, nth=2, count=2)

    with pytest.raises(requests.exceptions.JSONDecodeError):
        history(session, **JANUARY)


@pytest.mark.parametrize("kind", ["html", "truncated"])
def test_what_is_no_json(
    session: requests.Session, control: YahooControl, week: None, kind: str
) -> None:
    control.arm(kind, path=CHART)

    answer = raw(session, range="1mo")

    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_no_rows(session: requests.Session, control: YahooControl, week: None) -> None:
    control.arm("empty", path=CHART, nth=2)

    with pytest.raises(YFPricesMissingError):
        history(session, **JANUARY)


def test_a_renamed_column_is_a_key_error(
    session: requests.Session, control: YahooControl, week: None
) -> None:
    control.arm("renamed", path=CHART, nth=2, field="close", to="last")

    with pytest.raises(KeyError, match="close"):
        history(session, **JANUARY)


def test_a_wrong_symbol_is_not_noticed_by_the_client(
    session: requests.Session, control: YahooControl, week: None
) -> None:
    control.arm("wrong_symbol", path=CHART, nth=2, to="MSFT")
    ticker = yf.Ticker("AAPL", session=session)

    found = ticker.history(**JANUARY)

    assert len(found) == 5
    assert ticker.history_metadata["symbol"] == "MSFT"


def test_lost_rows_are_lost_in_every_column(
    session: requests.Session, control: YahooControl, week: None
) -> None:
    control.arm("lost_rows", path=CHART, size=2)

    told = raw(session, range="1mo").json()["chart"]["result"][0]

    (quote,) = told["indicators"]["quote"]
    lengths = {name: len(column) for name, column in quote.items()}
    assert lengths == dict.fromkeys(("open", "high", "low", "close", "volume"), 3)
    assert len(told["timestamp"]) == 3
    assert len(told["indicators"]["adjclose"][0]["adjclose"]) == 3


def test_faults_of_an_option_chain(server: YahooServer, control: YahooControl) -> None:
    rows: list[dict[str, Any]] = [{"strike": 180}, {"strike": 190}]
    control.add_options("AAPL", "2024-01-19", rows, rows)
    whole = server_chain(server)
    assert len(whole["result"][0]["options"][0]["calls"]) == 2

    control.arm("lost_rows", path="/v7/*")
    short = server_chain(server)
    control.arm("empty", path="/v7/*")
    none = server_chain(server)

    assert len(short["result"][0]["options"][0]["puts"]) == 1
    assert none["result"] == []


def server_chain(server: YahooServer) -> Any:
    from alphalens.testing.yahoo_server.client import loopback_session

    with loopback_session(server.url) as visitor:
        visitor.get("https://fc.yahoo.com")
        crumb = visitor.get("https://query1.finance.yahoo.com/v1/test/getcrumb").text
        address = "https://query2.finance.yahoo.com/v7/finance/options/AAPL"
        return visitor.get(address, params={"crumb": crumb}).json()["optionChain"]
